import gzip

import polars as pl
import pyreadstat
import pytest

from proband.errors import DataError
from proband.subjects import Field, describe, read_microdata

ROWS = "id,age,sex,w\n007,36,f,1.5\n7,,m,0.5\n8,-1,NA,1\n"
AGE = Field(column="age", first="I am {value} years old.", third="The person is {value} years old.")
SEX = Field(column="sex", first="I am {value}.", third="The person is {value}.")


def written(folder, text, name="people.csv", encoding="utf-8"):
    path = folder / name
    content = text.encode(encoding)
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return path


@pytest.mark.parametrize("name", ["people.csv", "people.csv.gz", "people.tsv", "people.tab.gz", "PEOPLE.CSV"])
def test_text_files_give_people_traits_weights_and_ids(tmp_path, name):
    text = ROWS if "csv" in name.lower() else ROWS.replace(",", "\t")
    microdata = read_microdata(written(tmp_path, text, name), id="id", weight="w", missing=[-1, "NA"])
    people = microdata.population("town", [AGE, SEX])
    assert [(s.id, dict(s.traits), s.weight) for s in people] == [
        ("007", {"age": 36, "sex": "f"}, 1.5),
        ("7", {"sex": "m"}, 0.5),
        ("8", {}, 1.0),
    ]


def test_rows_are_numbered_and_weigh_the_same_where_no_columns_are_named(tmp_path):
    people = read_microdata(written(tmp_path, ROWS)).population("town")
    assert [(s.id, s.weight) for s in people] == [("1", 1), ("2", 1), ("3", 1)]


def test_parquet_gives_the_same_people_as_text(tmp_path):
    frame = pl.DataFrame({"id": ["007", "7"], "age": [36.0, float("nan")], "is_in": [True, None]})
    frame = frame.with_columns(sex=pl.Series(["f", "m"], dtype=pl.Categorical))
    frame.write_parquet(tmp_path / "people.parquet")
    people = read_microdata(tmp_path / "people.parquet", id="id").population("town", [AGE, SEX])
    assert [dict(s.traits) for s in people] == [{"age": 36, "sex": "f"}, {"sex": "m"}]
    assert people.column("is_in") == {"007": 1}
    assert isinstance(people["007"].traits["age"], int)


LABELS = {"sex": {1.0: "male", 2.0: "female"}, "age": {98.0: "98 or older"}}


def test_an_spss_file_brings_labels_and_missing_codes(tmp_path):
    frame = pl.DataFrame(
        {"age": [36.0, 98.0, 99.0, -8.0], "sex": [1.0, 2.0, 9.0, None], "town": ["Bonn", "", "Ulm", "Köln"]}
    )
    pyreadstat.write_sav(
        frame,
        tmp_path / "people.sav",
        column_labels={"age": "Age in years"},
        variable_value_labels=LABELS,
        missing_ranges={"sex": [9.0], "age": [99.0, {"lo": -9.0, "hi": -1.0}]},
    )
    microdata = read_microdata(tmp_path / "people.sav")
    age = Field(column="age", first="I am {value}.", third="{value}", is_number=True)
    people = microdata.population("town", [age, SEX])
    told = [describe(s, people.fields, "first") for s in people]
    assert told == ["I am 36. I am male.", "I am 98 or older. I am female.", "", ""]
    assert people.column("town") == {"1": "Bonn", "3": "Ulm", "4": "Köln"}
    assert microdata.titles == {"age": "Age in years"}


def test_a_stata_file_brings_labels_and_missing_codes(tmp_path):
    frame = pl.DataFrame({"age": [36, 41, 50], "sex": pl.Series([1, 2, "a"], dtype=pl.Object)})
    pyreadstat.write_dta(
        frame.to_pandas(),
        tmp_path / "people.dta",
        variable_value_labels={"sex": {1: "male", 2: "female"}},
        missing_user_values={"sex": ["a"]},
    )
    people = read_microdata(tmp_path / "people.dta").population("town", [AGE, SEX])
    assert [describe(s, people.fields, "third") for s in people] == [
        "The person is 36 years old. The person is male.",
        "The person is 41 years old. The person is female.",
        "The person is 50 years old.",
    ]


def test_the_fields_own_labels_win_over_those_of_the_file(tmp_path):
    frame = pl.DataFrame({"sex": [1.0, 2.0]})
    pyreadstat.write_sav(frame, tmp_path / "people.sav", variable_value_labels=LABELS)
    sex = Field(column="sex", first="I am {value}.", third="{value}", labels={1: "a man", 2: "a woman"})
    people = read_microdata(tmp_path / "people.sav").population("town", [sex])
    assert describe(people[1], people.fields, "first") == "I am a woman."


def test_codes_that_a_file_labels_only_in_part_are_not_guessed(tmp_path):
    pyreadstat.write_sav(pl.DataFrame({"age": [36.0, 98.0]}), tmp_path / "people.sav", variable_value_labels=LABELS)
    with pytest.raises(DataError, match=r"'age': code 36 has no label .*set is_number"):
        read_microdata(tmp_path / "people.sav").population("town", [AGE])


def test_missing_codes_may_differ_by_column_and_spare_ids_and_weights(tmp_path):
    path = written(tmp_path, "id,w,Q1,Q2_a,Q2_b\n-1,9,-1,-1,9\n2,1,1,1,1\n")
    microdata = read_microdata(path, id="id", weight="w", missing={"*": [-1, 9], "Q2_*": [], "Q2_b": [9]})
    people = microdata.population("town")
    assert [(s.id, s.weight) for s in people] == [("-1", 9), ("2", 1)]
    assert people.column("Q1") == {"2": 1}
    assert people.column("Q2_a") == {"-1": -1, "2": 1}
    assert people.column("Q2_b") == {"2": 1}


def test_other_encodings_and_separators_are_read_when_named(tmp_path):
    path = written(tmp_path, "town;n\nKöln;1,5\n", encoding="latin-1")
    microdata = read_microdata(path, separator=";", encoding="latin-1")
    assert microdata.population("x").column("town") == {"1": "Köln"}


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert read_microdata(written(tmp_path, "\ufeffage\n3\n")).frame.columns == ["age"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "people.csv is empty; give a file"),
        ("age,sex\n", "people.csv has no rows"),
        ("age,sex\n36,f\n41\n", "line 3: 1 values for 2 columns; the file may be cut off"),
        ("age,sex\n36,f,1\n", "line 2: 3 values for 2 columns"),
        ("age,age\n36,41\n", "column 'age' is there twice"),
        ('age,sex\n36,"f\n', "line 2: a quotation mark opens a text that never ends"),
    ],
)
def test_a_malformed_text_file_is_refused_with_its_place(tmp_path, text, said):
    with pytest.raises(DataError) as caught:
        read_microdata(written(tmp_path, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["people.sav", "people.dta", "people.parquet", "people.csv.gz"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"no such thing")
    with pytest.raises(DataError, match=f"{name} cannot be read as"):
        read_microdata(tmp_path / name)


def test_an_absent_or_unknown_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no data file at .*people\.csv"):
        read_microdata(tmp_path / "people.csv")
    with pytest.raises(DataError, match=r"people\.xlsx: cannot read \.xlsx; use \.csv"):
        read_microdata(written(tmp_path, "x", "people.xlsx"))


def test_text_in_another_encoding_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(DataError, match=r"people\.csv, line 2: byte 6 is not UTF-8; give `encoding`"):
        read_microdata(written(tmp_path, "town\nKöln\n", encoding="latin-1"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"id": "ID"}, "has no id column 'ID'; it has id, age, sex, w"),
        ({"weight": "weight"}, "has no weight column 'weight'"),
        ({"missing": {"Q*": [9]}}, r"missing codes for 'Q\*', but no column is called so"),
    ],
)
def test_columns_that_are_not_there_are_named(tmp_path, settings, said):
    with pytest.raises(DataError, match=said):
        read_microdata(written(tmp_path, ROWS), **settings)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("1,-2", r"1 weights are negative, first in row 2 \(-2.0\)"),
        ("0,0", "all weights are 0"),
        ("1,heavy", "weights must be numbers, found 'heavy'"),
        ("1,", "1 rows have no weight"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(tmp_path, weights, said):
    first, second = weights.split(",")
    path = written(tmp_path, f"id,w\n1,{first}\n2,{second}\n")
    with pytest.raises(DataError, match=f"people.csv, weight column 'w': {said}"):
        read_microdata(path, weight="w").population("town")


def test_ids_that_are_missing_or_there_twice_are_refused(tmp_path):
    with pytest.raises(DataError, match="1 rows have no id in column 'id'"):
        read_microdata(written(tmp_path, "id,x\n1,1\n,2\n"), id="id").population("town")
    with pytest.raises(DataError, match="id '1' is there twice"):
        read_microdata(written(tmp_path, "id,x\n1,1\n1,2\n"), id="id").population("town")


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (Field(column="agee", first="{value}", third="{value}"), "has no column 'agee' for a persona field"),
        (Field(column="age", first="{value}", third="{value}", missing=(36, -1)), "'age' is missing for all 3"),
        (
            Field(column="sex", first="{value}", third="{value}", labels={"f": "female"}),
            "code 'm' has no label|code 'NA' has no label",
        ),
    ],
)
def test_a_field_that_does_not_fit_the_file_is_refused(tmp_path, field, said):
    with pytest.raises(DataError, match=said):
        read_microdata(written(tmp_path, ROWS)).population("town", [field])
