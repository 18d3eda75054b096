"""Cases 12 and 13: header rows of survey platforms, blank lines and empty rows are no people.

Public sources: expectedparrot/edsl#683, ropensci/qualtRics#43 (12); pola-rs/polars#14271, #27755 (13).
"""

import logging

import polars as pl
import pytest

from proband.errors import DataError
from proband.subjects import inspect_microdata, read_microdata

QUALTRICS = """\
ResponseId,Q1,Q2,DistributionChannel
Response ID,What is your age?,Do you cycle?,Distribution Channel
"{""ImportId"":""_recordId""}","{""ImportId"":""QID1_TEXT""}","{""ImportId"":""QID2""}","{""ImportId"":""distribution""}"
R_a,41,1,anonymous
R_b,62,2,anonymous
R_c,23,2,preview
"""
OLD_QUALTRICS = "V1,V2,Q1\nResponseID,ResponseSet,What is your age?\nR_a,Default,41\nR_b,Default,62\n"
PYTHON_QUALTRICS = QUALTRICS.replace('""', "'")
SURVEY_MONKEY = """\
Respondent ID,Collector ID,How old are you?,Which do you use?,
,,Open-Ended Response,Bus,Train
101,7,41,Bus,
102,7,62,,Train
"""


def written(folder, text, name="people.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("text", [QUALTRICS, PYTHON_QUALTRICS], ids=["JSON", "Python's way of 2016"])
def test_a_qualtrics_export_has_its_people_and_their_numbers(tmp_path, text, caplog):
    with caplog.at_level(logging.WARNING):
        read = read_microdata(written(tmp_path, text), id="ResponseId")
    assert read.frame["Q1"].to_list() == [41, 62, 23]
    assert read.frame["Q2"].to_list() == [1, 2, 2]
    assert read.titles["Q1"] == "What is your age?"
    assert "people.csv, lines 2 and 3: header rows of Qualtrics" in caplog.text
    assert "1 rows are previews" in caplog.text


def test_a_legacy_qualtrics_export_has_one_header_row_more(tmp_path):
    assert read_microdata(written(tmp_path, OLD_QUALTRICS)).frame["Q1"].to_list() == [41, 62]


def test_the_options_below_a_survey_monkey_question_become_names(tmp_path):
    read = read_microdata(written(tmp_path, SURVEY_MONKEY))
    assert read.frame["How old are you?"].to_list() == [41, 62]
    assert read.frame["Which do you use?: Train"].to_list() == [None, "Train"]


def test_a_second_header_that_nobody_marked_is_refused_with_its_row(tmp_path):
    text = "id,age,cycles\nPerson,How old are you?,Do you cycle?\n1,41,1\n2,62,2\n"
    with pytest.raises(DataError, match=r"line 2: no person but a second header: 'Person' stands .*delete that line"):
        read_microdata(written(tmp_path, text))


def test_the_header_of_a_second_file_put_behind_the_first_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"people\.csv, line 4: the first line again, no person"):
        read_microdata(written(tmp_path, "name,age\nAda,41\nBob,62\nname,age\nCleo,23\n"))


def test_a_first_person_without_answers_is_a_person(tmp_path):
    text = "age,cycles,trust\nNA,NA,NA\n41,1,3\n62,2,4\n"
    assert read_microdata(written(tmp_path, text), missing=["NA"]).frame["age"].to_list() == [None, 41, 62]


@pytest.mark.parametrize("blank", ["\n", ",\n", " , \n", '"",""\n'], ids=["blank", "comma", "spaces", "quotes"])
def test_lines_on_which_nothing_stands_are_no_people(tmp_path, blank):
    text = f"age,park\n34,1\n{blank}51,2\n{blank}29,2\n{blank}{blank}"
    people = read_microdata(written(tmp_path, text)).population("town")
    assert [person.id for person in people] == ["1", "2", "3"]
    assert people.column("age") == {"1": 34, "2": 51, "3": 29}


def test_a_blank_line_inside_a_quoted_answer_is_part_of_it(tmp_path):
    read = read_microdata(written(tmp_path, 'why,age\n"one\n\ntwo",34\n"x",51\n'))
    assert read.frame["why"].to_list() == ["one\n\ntwo", "x"]


def test_empty_rows_of_other_files_are_no_people_and_are_told(tmp_path):
    pl.DataFrame({"age": [34.0, None, 51.0], "town": ["Ulm", "", "Bonn"]}).write_parquet(tmp_path / "people.parquet")
    assert read_microdata(tmp_path / "people.parquet").frame["age"].to_list() == [34, 51]
    (remark,) = inspect_microdata(tmp_path / "people.parquet")
    assert "1 rows are empty, so no people" in str(remark)
    assert not remark.is_wrong


def test_everything_wrong_with_a_file_is_told_at_once(tmp_path):
    text = "id,age,age,w\n1,34,x,1\n1,51,x,1\n2,29\n3,40,x,-1\n,41,x,1\n4,1,2,3,4\n"
    told = [str(remark) for remark in inspect_microdata(written(tmp_path, text), id="id", weight="w")]
    for wanted in ("column 'age' is there twice", "line 4: 2 values for 4 columns", "line 7: 5 values", "have no id"):
        assert any(wanted in one for one in told), (wanted, told)
    assert any("1 weights are negative" in one for one in told)


def test_hundreds_of_broken_rows_are_counted_not_listed(tmp_path):
    found = inspect_microdata(written(tmp_path, "a,b\n1,2\n" + "1\n" * 300))
    assert len(found) < 30
    assert "280 more rows of a wrong length" in str(found[-1])


NO_IMPORT_IDS = "ResponseId,Q1\nResponse ID,Do you cycle?\nR_a,Yes\nR_b,No\n"
A_COLUMN_MORE = QUALTRICS.replace('"{""ImportId"":""distribution""}"', "7")
OTHER_KEY_FIRST = QUALTRICS.replace('{""ImportId""', '{""timeZone"":""Z"",""ImportId""')


@pytest.mark.parametrize("text", [NO_IMPORT_IDS, A_COLUMN_MORE, OTHER_KEY_FIRST], ids=["no ids", "edited", "other key"])
def test_header_rows_of_qualtrics_are_known_though_somebody_edited_them(tmp_path, text):
    assert read_microdata(written(tmp_path, text)).frame["ResponseId"].to_list()[:2] == ["R_a", "R_b"]


def test_one_question_above_numbers_is_a_second_header(tmp_path):
    with pytest.raises(DataError, match=r"second header: 'How old are you\?'"):
        read_microdata(written(tmp_path, "id,age\nPerson,How old are you?\np1,34\np2,51\n"))


@pytest.mark.parametrize(
    "text", ["<!DOCTYPE html>\n<html>\n404\n", "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"]
)
def test_what_was_fetched_in_place_of_a_file_is_no_table(tmp_path, text):
    with pytest.raises(DataError, match=r"people\.csv, line 1: a web page or a pointer to a file"):
        read_microdata(written(tmp_path, text))


def test_the_mark_that_ends_files_of_old_programs_is_no_person(tmp_path):
    assert read_microdata(written(tmp_path, "age\n34\n51\n\x1a")).frame["age"].to_list() == [34, 51]


PLATFORMS = {
    "LimeSurvey": (
        '\ufeff"id";"submitdate";"seed";"G1[SQ1]"\n"1";"2024-03-01 10:00:00";"7";"34.0000000000"\n"2";"";"8";""\n',
        {"G1[SQ1]": [34, None]},
    ),
    "Google Forms": (
        'Timestamp,How old are you?,"Which?\n(all)"\n2024/03/01 10:00:00 AM GMT+1,34,"Bus;Train"\n'
        "2024/03/01 10:00:00 AM GMT+1,51,Bus\n",
        {"How old are you?": [34, 51], "Which?\n(all)": ["Bus;Train", "Bus"]},
    ),
    "SurveyMonkey": (
        "Respondent ID,Collector ID,How satisfied?,,Why?\n,,Price,Quality,Open-Ended Response\n1,9,5,4,\n2,9,3,2,ok\n",
        {"How satisfied?: Price": [5, 3], "How satisfied?: Quality": [4, 2]},
    ),
    "Qualtrics, tabs": (
        'ResponseId\tQ1\nResponse ID\tAge\n{"ImportId":"_recordId"}\t{"ImportId":"QID1"}\nR_1\t3\nR_2\t5\n',
        {"Q1": [3, 5]},
    ),
    "KoBo": ('"start";"g/age";"use"\n"2024";"34";"bus train"\n"2025";"";""\n', {"g/age": [34, None]}),
}


@pytest.mark.parametrize("name", PLATFORMS)
def test_files_of_survey_platforms_are_read_as_they_come(tmp_path, name):
    text, columns = PLATFORMS[name]
    path = written(tmp_path, text.encode("utf-16"), "p.tsv") if "\t" in text else written(tmp_path, text)
    frame = read_microdata(path).frame
    assert {column: frame[column].to_list() for column in columns} == columns
