"""Tables as programs, spreadsheets and survey platforms write them."""

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError
from proband.subjects import inspect_microdata, read_microdata

PEOPLE = {"town": ["Ulm", "Bonn"], "age": [34, 51]}


def read(folder, content, name="people.csv", **settings):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_microdata(path, **settings).frame.to_dict(as_series=False)


WAYS = {
    "LF": "town,age\nUlm,34\nBonn,51\n",
    "CRLF": "town,age\r\nUlm,34\r\nBonn,51\r\n",
    "CR": "town,age\rUlm,34\rBonn,51\r",
    "no last line end": "town,age\nUlm,34\nBonn,51",
    "blank lines first": "\n\ntown,age\nUlm,34\nBonn,51\n",
    "byte order mark": "\ufefftown,age\nUlm,34\nBonn,51\n",
    "semicolon": "town;age\nUlm;34\nBonn;51\n",
    "tab": "town\tage\nUlm\t34\nBonn\t51\n",
    "pipe": "town|age\nUlm|34\nBonn|51\n",
    "sep=": "sep=;\ntown;age\nUlm;34\nBonn;51\n",
    "quoted": '"town","age"\n"Ulm","34"\n"Bonn","51"\n',
    "old Mac, semicolon": "town;age\rUlm;34\rBonn;51\r",
    "spaces": 'town, age\n"Ulm", 34\n"Bonn", 51\n',
    "trailing comma": "town,age,\nUlm,34,\nBonn,51,\n",
    "spreadsheet": "town,age,,,\nUlm,34,,,\nBonn,51,,,\n,,,,\n",
    "trailing comma below": "town,age\nUlm,34,\nBonn,51,\n",
    "row names of R": '"","town","age"\n"1","Ulm",34\n"2","Bonn",51\n',
}


@pytest.mark.parametrize("text", WAYS.values(), ids=WAYS)
def test_a_table_is_the_same_however_it_is_written(tmp_path, text):
    assert read(tmp_path, text) == PEOPLE


def test_questions_as_names_of_columns_keep_their_words(tmp_path):
    text = 'Timestamp,"How old are you, today?","Why? [Other]"\n2024/01/01 9:00:00 AM GMT+1,34,"a ""friend"""\n'
    found = read(tmp_path, text)
    assert found["How old are you, today?"] == [34]
    assert found["Why? [Other]"] == ['a "friend"']


def test_a_comma_inside_a_quoted_name_separates_nothing(tmp_path):
    found = read(tmp_path, '"How old, in years";"Town"\n"34,5";"Ulm"\n')
    assert found == {"How old, in years": [34.5], "Town": ["Ulm"]}


def test_line_ends_and_separators_inside_quotes_are_text(tmp_path):
    assert read(tmp_path, 'why,n\n"a\r\nb, c",1\n"\u2028d\x0be",2\n')["why"] == ["a\r\nb, c", "\u2028d\x0be"]


def test_an_interview_of_a_million_letters_is_a_cell(tmp_path):
    assert read(tmp_path, f"why,n\n{'x' * 1_000_000},1\n")["why"] == ["x" * 1_000_000]


CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8).map("t{}".format)


@settings(max_examples=50)
@given(st.lists(st.tuples(CELLS, st.integers(-(10**17), 10**17)), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_what_a_program_writes_is_read_back_exactly(rows, separator):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([("why", "n"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        found = read(Path(folder), text.getvalue(), separator=separator)
    assert list(zip(found["why"], found["n"], strict=True)) == rows


def test_rows_beyond_what_is_read_at_once_follow_in_order(tmp_path):
    n = 70_000
    found = read(tmp_path, "k\n" + "".join(f"{k}\n" for k in range(n)))
    assert found["k"] == list(range(n))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age,town\n34,Ulm\n51,Bonn, Beuel,\n", "line 3: 4 values for 2 columns"),
        ("age,town,n\n34,Ulm,1\n51,Bonn, Beuel,\n", "line 3: 4 values for 3 columns"),
        ('age,town\n34,"Ulm\n51,Bonn\n', "line 2: a quotation mark opens a text that never ends"),
        ('age,town\n34,"Ulm" am See\n', "line 2: ',' expected after '\"'"),
        ('why,n\n"a\nb",1\nc\n', "line 4: 1 values for 2 columns"),
        ("34,1,2.5\n51,2,3\n", "the first line holds numbers, no names"),
        ("age,town,age\n1,2,3\n", "column 'age' is there twice"),
        ("age\n", "has no rows"),
        ("\n\n\n", "the first line names no column"),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_line(tmp_path, text, said):
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert "people.csv" in str(caught.value)
    assert said in str(caught.value)


def test_columns_that_a_program_numbered_keep_their_numbers(tmp_path):
    assert read(tmp_path, "0,1\nUlm,34\n") == {"0": ["Ulm"], "1": [34]}


def test_a_column_without_a_name_is_left_out_and_said(tmp_path):
    (tmp_path / "p.csv").write_text("age,,town\n1,2,3\n")
    assert [str(remark) for remark in inspect_microdata(tmp_path / "p.csv")] == [
        "p.csv: column 2 has no name and is left out; name it in the first line to use it"
    ]
    assert read_microdata(tmp_path / "p.csv").frame.columns == ["age", "town"]


@pytest.mark.parametrize("name", ["p.xlsx", "p.ods", "p.rds", "p.sas7bdat", "p.sav.gz", "p.json", "p"])
def test_a_file_of_another_kind_is_refused_with_what_is_read(tmp_path, name):
    with pytest.raises(DataError, match=r"cannot read .*; use \.csv, \.tsv"):
        read(tmp_path, "x", name)


def test_a_separator_says_nothing_of_a_file_that_has_none(tmp_path):
    with pytest.raises(DataError, match=r"a \.sav file has no separator"):
        read(tmp_path, "x", "p.sav", separator=";")
