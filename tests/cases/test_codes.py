"""Cases 15, 16 and 19: codes are what the file says.

Public sources: pandas-dev/pandas#62354, UrbanInstitute/education-data-package-stata#36 (15);
catalyst-cooperative/pudl#1013, DOI-USGS/dataretrieval-python#420 (16);
WizardMac/ReadStat#219, tidyverse/haven#551 (19).
"""

import numpy as np
import pandas as pd
import polars as pl
import pyreadstat
import pytest

from proband.errors import DataError
from proband.subjects import Field, describe, read_microdata


def column(folder, *cells, name="code", head="code,n"):
    path = folder / "people.csv"
    path.write_text(head + "\n" + "".join(f"{cell},1\n" for cell in cells), encoding="utf-8")
    return read_microdata(path).frame[name].to_list()


FLOATS = [5.1, 9.9, 2.5, 0.1, 1e-5, 16777216.0]


def test_a_stata_float_is_the_shortest_decimal_that_it_is(tmp_path):
    pd.DataFrame({"income": np.array(FLOATS, dtype=np.float32)}).to_stata(tmp_path / "p.dta", write_index=False)
    read = read_microdata(tmp_path / "p.dta", missing={"income": [9.9]})
    assert read.frame["income"].to_list() == [5.1, None, 2.5, 0.1, 1e-5, 16777216.0]
    income = Field(column="income", first="I am {value}.", third="{value}")
    people = read.population("town", [income])
    assert describe(people["1"], people.fields, "first") == "I am 5.1."


def test_a_float_of_parquet_is_treated_like_one_of_stata(tmp_path):
    pl.DataFrame({"income": pl.Series(FLOATS, dtype=pl.Float32)}).write_parquet(tmp_path / "p.parquet")
    read = read_microdata(tmp_path / "p.parquet", missing=[9.9])
    assert read.frame["income"].to_list() == [5.1, None, 2.5, 0.1, 1e-5, 16777216.0]


@pytest.mark.parametrize(
    "codes",
    [["01", "06", "48"], ["1", "02"], ["1E1", "2E3"], ["1", "1E1"], ["12345678901234567890", "2"], ["-01", "3"]],
    ids=str,
)
def test_names_made_of_digits_stay_as_they_are_written(tmp_path, codes):
    assert column(tmp_path, *codes) == codes


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["0", "10", "-3"], [0, 10, -3]),
        (["0.5", ".25", "-1."], [0.5, 0.25, -1.0]),
        (["1e+05", "2.5E3", "1e-3"], [100000.0, 2500.0, 0.001]),
        ([" 5", "7 ", ""], [5, 7, None]),
        (["+5", "-5"], [5, -5]),
        (["true", "FALSE"], [1, 0]),
    ],
    ids=str,
)
def test_numbers_are_numbers(tmp_path, cells, numbers):
    assert column(tmp_path, *cells) == numbers


@pytest.mark.parametrize("codes", [["1e999", "2.5"], ["٣.٥", "2"], ["３", "4"], ["1_000", "2"], ["0x1F", "2"]], ids=str)
def test_numbers_that_are_not_written_as_such_stay_texts_or_are_refused_later(tmp_path, codes):
    assert column(tmp_path, *codes) in (codes, [float("inf"), 2.5])


def test_a_word_for_no_answer_among_numbers_is_not_told_in_a_persona(tmp_path):
    (tmp_path / "p.csv").write_text("age,town\n34,NA\nNA,Ulm\n51,None\n")
    age = Field(column="age", first="I am {value} years old.", third="{value}")
    town = Field(column="town", first="I live in {value}.", third="{value}")
    with pytest.raises(DataError, match="persona field 'age': 'NA' stands among numbers; list it in missing"):
        read_microdata(tmp_path / "p.csv").population("x", [age])
    people = read_microdata(tmp_path / "p.csv", missing={"age": ["NA"]}).population("x", [age, town])
    assert describe(people["2"], people.fields, "first") == "I live in Ulm."


def test_people_are_found_by_a_code_with_a_leading_zero(tmp_path):
    (tmp_path / "p.csv").write_text("id,state\na,01\nb,06\nc,48\nd,NA\n")
    people = read_microdata(tmp_path / "p.csv", id="id", missing=["NA"]).population("town")
    assert [person.id for person in people.where("state", ["01", "48"])] == ["a", "c"]


def test_a_code_with_an_empty_label_has_no_label_and_is_not_told(tmp_path, caplog):
    labels = {"member": {1.0: "a member", 2.0: "no member", 3.0: " "}}
    frame = pd.DataFrame({"member": [1.0, 2.0, 3.0]})
    pyreadstat.write_sav(frame, tmp_path / "p.sav", variable_value_labels=labels)
    member = Field(column="member", first="I am {value}.", third="{value}")
    people = read_microdata(tmp_path / "p.sav").population("club", [member])
    assert [describe(p, people.fields, "first") for p in people] == ["I am a member.", "I am no member.", ""]
    assert "the label of code 3 is empty" in caplog.text


def test_labels_of_codes_that_nobody_has_and_gaps_between_them_do_no_harm(tmp_path):
    frame = pd.DataFrame({"v": [1.0, 7.0]})
    pyreadstat.write_sav(frame, tmp_path / "p.sav", variable_value_labels={"v": {1.0: "low", 4.0: "mid", 7.0: "high"}})
    v = Field(column="v", first="It is {value}.", third="{value}")
    people = read_microdata(tmp_path / "p.sav").population("x", [v])
    assert [describe(p, people.fields, "first") for p in people] == ["It is low.", "It is high."]


def test_numbers_with_a_decimal_comma_are_numbers_where_semicolons_part_the_cells(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("id;w;n;sum\n1;0,5;3;1,234\n2;1,25;4;2,500\n")
    frame = read_microdata(path).frame
    assert frame["w"].to_list() == [0.5, 1.25]
    assert frame["n"].to_list() == [3, 4]
    assert frame["sum"].to_list() == ["1,234", "2,500"]  # decimals, or thousands: not guessed


def test_blanks_around_a_code_do_not_make_it_another(tmp_path):
    """ankane/ruby-polars#90."""
    (tmp_path / "p.csv").write_text("id,n,sex\na,1,m \nb,NA ,m\nc,3, f\n")
    sex = Field(column="sex", first="I am {value}.", third="{value}", labels={"m": "male", "f": "female"})
    read = read_microdata(tmp_path / "p.csv", id="id", missing={"n": ["NA"]})
    people = read.population("x", [sex])
    assert read.frame["n"].to_list() == [1, None, 3]
    assert [describe(p, people.fields, "first") for p in people] == ["I am male.", "I am male.", "I am female."]
    assert len(people.where("sex", ["m"])) == 2
    n = Field(column="n", first="I am {value}.", third="{value}")
    with pytest.raises(DataError, match="'NA' stands among numbers"):
        read_microdata(tmp_path / "p.csv").population("x", [n])


def test_dots_that_may_part_thousands_are_no_decimals_where_these_have_a_comma(tmp_path, caplog):
    """jasp-stats/jasp-issues#3867, #4322."""
    (tmp_path / "p.csv").write_text("id;w;income\n1;0,5;1.234\n2;1,25;2.500\n")
    frame = read_microdata(tmp_path / "p.csv").frame
    assert frame["w"].to_list() == [0.5, 1.25]
    assert frame["income"].to_list() == ["1.234", "2.500"]
    assert "column 'income': its dots may part thousands" in caplog.text
    (tmp_path / "p.csv").write_text("id;w\n1;1.234\n2;2.500\n")
    assert read_microdata(tmp_path / "p.csv").frame["w"].to_list() == [1.234, 2.5]


def test_a_label_of_dots_is_no_label(tmp_path):
    """jasp-stats/jasp-issues#393."""
    frame = pd.DataFrame({"v": [1.0, 2.0, 3.0]})
    pyreadstat.write_sav(frame, tmp_path / "p.sav", variable_value_labels={"v": {1: "low", 2: ".", 3: "high"}})
    v = Field(column="v", first="It is {value}.", third="{value}")
    people = read_microdata(tmp_path / "p.sav").population("x", [v])
    assert [describe(p, people.fields, "first") for p in people] == ["It is low.", "", "It is high."]


@pytest.mark.parametrize(
    "encoding", ["mac_roman", "cp1258", "euc_jis_2004", "shift_jis", "iso-8859-15", "koi8-r", "utf-8"]
)
def test_texts_names_and_labels_are_in_the_encoding_that_was_given(tmp_path, encoding):
    word = {"shift_jis": "東京", "euc_jis_2004": "東京", "koi8-r": "Юг"}.get(encoding, "Köln")
    raw = word.encode(encoding)
    stand_in = "Q" * len(raw)
    frame = pd.DataFrame({stand_in: [stand_in, "ab"], "v": [1.0, 2.0]})
    pyreadstat.write_sav(
        frame, tmp_path / "p.sav", variable_value_labels={"v": {1: stand_in}}, column_labels={"v": stand_in}
    )
    (tmp_path / "p.sav").write_bytes((tmp_path / "p.sav").read_bytes().replace(stand_in.encode(), raw))
    read = read_microdata(tmp_path / "p.sav", encoding=encoding)
    assert word in read.frame.columns
    assert read.frame[word].to_list() == [word, "ab"]
    assert (read.labels["v"][1], read.titles["v"]) == (word, word)


def test_an_encoding_in_which_no_such_file_is_written_is_refused(tmp_path):
    pyreadstat.write_sav(pd.DataFrame({"v": ["ab"]}), tmp_path / "p.sav")
    with pytest.raises(DataError, match=r"p\.sav: no \.sav file is in the encoding 'utf-16'"):
        read_microdata(tmp_path / "p.sav", encoding="utf-16")


@pytest.mark.parametrize("version", [8, 12, 13])
def test_old_stata_files_of_other_programs_may_be_in_utf8(tmp_path, version):
    pyreadstat.write_dta(pd.DataFrame({"t": ["Köln", "Ulm"]}), tmp_path / "p.dta", version=version)
    assert read_microdata(tmp_path / "p.dta").frame["t"].to_list() == ["Köln", "Ulm"]


def test_old_stata_files_of_stata_are_in_windows_1252(tmp_path):
    pd.DataFrame({"t": ["Köln", "Ulm"]}).to_stata(tmp_path / "p.dta", write_index=False, version=114)
    assert read_microdata(tmp_path / "p.dta").frame["t"].to_list() == ["Köln", "Ulm"]
