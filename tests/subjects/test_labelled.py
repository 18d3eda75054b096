"""SPSS, Stata and SAS files as their manuals describe them, written here as small as they can be."""

import struct

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from proband.errors import DataError
from proband.subjects import Field, describe, read_microdata, statfiles

LONG_NAME = "How_satisfied_are_you_with_your_life_as_a_whole_these_days_2024Q"  # 64 letters, the most SPSS allows


def spss(folder, frame, name="p.sav", **about):
    pyreadstat.write_sav(frame, folder / name, **about)
    return folder / name


@pytest.mark.parametrize("compress", [{}, {"row_compress": True}, {"compress": True}], ids=["plain", "rows", "zsav"])
def test_every_way_to_pack_an_spss_file_is_read(tmp_path, compress):
    frame = pd.DataFrame({"age": [34.0, None, 51.5], "town": ["Köln", "Bonn", ""]})
    read = read_microdata(spss(tmp_path, frame, "p.zsav" if "compress" in compress else "p.sav", **compress))
    assert read.frame.to_dict(as_series=False) == {"age": [34.0, None, 51.5], "town": ["Köln", "Bonn", None]}


def test_very_long_texts_and_names_are_whole(tmp_path):
    essay = "Ein Tag. " * 150
    frame = pd.DataFrame({LONG_NAME: [1.0, 2.0], "essay": [essay.strip(), "short"], "v.1@x": [3.0, 4.0]})
    read = read_microdata(spss(tmp_path, frame, column_labels={LONG_NAME: "Life " * 40 + "!"}))
    assert read.frame.columns == [LONG_NAME, "essay", "v.1@x"]
    assert read.frame["essay"][0] == essay.strip()
    assert read.titles[LONG_NAME] == "Life " * 40 + "!"


def test_texts_have_labels_too(tmp_path):
    frame = pd.DataFrame({"sex": ["f", "m"]})
    sex = Field(column="sex", first="I am {value}.", third="{value}")
    read = read_microdata(spss(tmp_path, frame, variable_value_labels={"sex": {"f": "female", "m": "male"}}))
    people = read.population("x", [sex])
    assert [describe(p, people.fields, "first") for p in people] == ["I am female.", "I am male."]


def with_extension(path, subtype, content):
    """An SPSS file with one more record of its dictionary."""
    raw = path.read_bytes()
    record = struct.pack("<iiii", 7, subtype, 1, len(content)) + content
    end = raw.index(struct.pack("<ii", 999, 0))
    path.write_bytes(raw[:end] + record + raw[end:])
    return path


def test_questions_with_several_answers_are_named(tmp_path, caplog):
    path = spss(tmp_path, pd.DataFrame({"bus": [1.0, 0.0], "tram": [0.0, 1.0]}))
    read = read_microdata(with_extension(path, 7, b"$travel=D1 1 10 What to use bus tram\n"))
    assert read.frame["tram"].to_list() == [0, 1]
    assert "bus, tram are one question with several answers" in caplog.text
    assert "write one item for each" in caplog.text


@pytest.mark.parametrize(("place", "named"), [(1, "id"), (4, "w"), (0, None)])
def test_a_file_that_weighs_its_people_says_by_what(tmp_path, caplog, place, named):
    path = spss(tmp_path, pd.DataFrame({"id": [1.0, 2.0], "town": ["Frankfurt", "Ulm"], "w": [0.5, 1.5]}))
    raw = bytearray(path.read_bytes())
    raw[76:80] = struct.pack("<i", place)
    path.write_bytes(raw)
    read_microdata(path)
    assert (f"weighs its people by column {named!r}; name it" in caplog.text) == (named is not None)
    caplog.clear()
    read_microdata(path, weight="w")
    assert "weighs" not in caplog.text


def test_a_portable_file_is_read(tmp_path):
    frame = pd.DataFrame({"AGE": [34.0, 51.5], "TOWN": ["Ulm", "Bonn"]})
    pyreadstat.write_por(frame, tmp_path / "p.por", variable_format={"AGE": "F8.2"})
    assert read_microdata(tmp_path / "p.por").frame.to_dict(as_series=False) == {
        "AGE": [34.0, 51.5],
        "TOWN": ["Ulm", "Bonn"],
    }
    with pytest.raises(DataError, match=r"a \.por file is read without `encoding`"):
        read_microdata(tmp_path / "p.por", encoding="latin-1")


@pytest.mark.parametrize("version", [8, 5])
def test_a_sas_transport_file_is_read(tmp_path, version):
    frame = pd.DataFrame({"age": [34.0, None, 51.5], "town": ["Ulm", "Bonn", ""]})
    pyreadstat.write_xport(frame, tmp_path / "p.xpt", file_format_version=version)
    assert read_microdata(tmp_path / "p.xpt").frame.to_dict(as_series=False) == {
        "age": [34.0, None, 51.5],
        "town": ["Ulm", "Bonn", None],
    }


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_every_version_of_stata_brings_letters_labels_and_whole_numbers(tmp_path, version):
    frame = pd.DataFrame({"sex": pd.Series([1, 2, "a", "z", None], dtype=object), "n": [1, 2, 3, 4, 5]})
    pyreadstat.write_dta(
        frame,
        tmp_path / "p.dta",
        version=version,
        column_labels={"sex": "Sex of respondent"},
        variable_value_labels={"sex": {1: "male", 2: "female", "a": "refused"}},
        missing_user_values={"sex": ["a", "z"]},
    )
    read = read_microdata(tmp_path / "p.dta")
    assert read.frame["sex"].to_list() == [1, 2, None, None, None]
    assert read.declared["sex"].to_list() == [None, None, ".a", ".z", None]
    assert read.labels["sex"] == {1: "male", 2: "female", ".a": "refused"}
    assert read.titles == {"sex": "Sex of respondent"}


def test_numbers_of_every_stata_type_are_read(tmp_path):
    kinds = {"b": np.int8, "i": np.int16, "l": np.int32, "f": np.float32, "d": np.float64}
    frame = pd.DataFrame({name: np.array([1, 2, 100], dtype=kind) for name, kind in kinds.items()})
    frame.to_stata(tmp_path / "p.dta", write_index=False)
    found = read_microdata(tmp_path / "p.dta").frame.to_dict(as_series=False)
    assert found == {name: [1, 2, 100] for name in kinds}


def test_categories_of_pandas_arrive_as_codes_with_labels(tmp_path):
    frame = pd.DataFrame({"mood": pd.Categorical(["low", "high", "low"], categories=["low", "high"], ordered=True)})
    frame.to_stata(tmp_path / "p.dta", write_index=False, version=118)
    read = read_microdata(tmp_path / "p.dta")
    assert read.frame["mood"].to_list() == [0, 1, 0]
    assert read.labels["mood"] == {0: "low", 1: "high"}


def test_a_path_starts_from_the_folder_one_works_in_now(tmp_path, monkeypatch):
    for town in ("Ulm", "Bonn"):
        (tmp_path / town).mkdir()
        spss(tmp_path / town, pd.DataFrame({"town": [town]}))
        monkeypatch.chdir(tmp_path / town)
        assert read_microdata("p.sav").frame["town"].to_list() == [town]


def test_a_file_that_ends_its_reader_is_refused_and_the_next_one_is_read(tmp_path):
    path = spss(tmp_path, pd.DataFrame({"age": [34.0, 51.0]}))
    assert read_microdata(path).frame["age"].to_list() == [34, 51]
    statfiles.end()
    assert read_microdata(path).frame["age"].to_list() == [34, 51]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"p\.sav cannot be read as \.sav: "):
        read_microdata(path)


def test_a_file_that_holds_its_reader_up_is_refused_and_the_next_one_is_read(tmp_path, monkeypatch):
    path = spss(tmp_path, pd.DataFrame({"age": [34.0, 51.0]}))
    statfiles.end()  # so that a reader has to begin, which takes longer than the patience it gets
    with monkeypatch.context() as hasty:
        hasty.setattr(statfiles, "_PATIENCE_S", 0)
        hasty.setattr(statfiles, "_BYTES_A_SECOND", 1 << 60)
        with pytest.raises(DataError, match=r"p\.sav cannot be read as \.sav: its reading came to no end"):
            read_microdata(path)
    assert read_microdata(path).frame["age"].to_list() == [34, 51]
