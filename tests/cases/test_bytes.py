"""Cases 14 and 18, and R1 to R3, R8 to R12, R15: bytes that are no text, and readers that raise one kind of error.

Public sources: Roche/pyreadstat#225, tidyverse/haven#615 (14); sjewo/readstata13 (18).
"""

import gzip
import os
from datetime import timedelta
from decimal import Decimal

import pandas as pd
import polars as pl
import pyreadstat
import pytest

from proband.designs import people_engine
from proband.errors import DataError, InstrumentError
from proband.instruments import Instrument, Item, load_instrument
from proband.instruments.banks.loading import load_bank
from proband.subjects import Field, load_population, read_microdata

FILE = 'id = "t"\ntitle = "T"\nsource = "us"\nlicence = "CC0"\ndata = { path = "people.csv" }\n'


def spss_in(folder, text, encoding):
    """An SPSS file that says UTF-8 and holds another encoding, of as many bytes."""
    stand_in = "Q" * len(text.encode(encoding))
    frame = pd.DataFrame({"town": [stand_in, "Ulm"], "v": [1.0, 2.0]})
    pyreadstat.write_sav(frame, folder / "p.sav", variable_value_labels={"v": {1.0: stand_in, 2.0: "good"}})
    content = (folder / "p.sav").read_bytes()
    (folder / "p.sav").write_bytes(content.replace(stand_in.encode(), text.encode(encoding)))
    return folder / "p.sav"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Köln", "windows-1252"), ("Köln", "latin-1"), ("Łódź", "iso8859-2"), ("Łódź", "cp1250"), ("Москва", "cp1251"),
        ("東京都", "shift_jis"), ("台北市", "big5"), ("北京市", "gb18030"), ("Αθήνα", "iso8859-7"),
    ],
)  # fmt: skip
def test_an_spss_file_in_another_encoding_than_it_says_is_read_where_that_is_named(tmp_path, text, encoding):
    path = spss_in(tmp_path, text, encoding)
    read = read_microdata(path, encoding=encoding)
    assert read.frame["town"][0] == text
    assert read.labels["v"][1.0] == text
    with pytest.raises(DataError, match=r"the encoding that it names does not fit its texts .*; give `encoding`"):
        read_microdata(path)


def test_a_population_file_passes_the_encoding_on(tmp_path):
    spss_in(tmp_path, "Köln", "windows-1252")
    written = FILE.replace('"people.csv"', '"p.sav", encoding = "windows-1252"')
    (tmp_path / "t.toml").write_text(written)
    assert load_population(tmp_path / "t.toml").column("town")["1"] == "Köln"


@pytest.mark.parametrize("version", [114, 117, 118, 119])
def test_texts_of_every_version_of_stata_are_read(tmp_path, version):
    frame = pd.DataFrame({"town": ["Köln", "Ulm"], "n": [1, 2]})
    if version == 119:
        frame.to_stata(tmp_path / "p.dta", version=119, write_index=False)
    else:
        frame.to_stata(tmp_path / "p.dta", version=version, write_index=False)
    assert read_microdata(tmp_path / "p.dta").frame["town"].to_list() == ["Köln", "Ulm"]


def photo(folder):
    """A Stata file with long texts, of which one column holds bytes."""
    stand_in = "Q" * 3000
    frame = pd.DataFrame({"age": [34, 51], "photo": [stand_in, "x"], "essay": ["ein Öltag" * 300, "kurz"]})
    frame.to_stata(folder / "p.dta", version=118, write_index=False, convert_strl=["photo", "essay"])
    content = (folder / "p.dta").read_bytes().replace(stand_in.encode(), b"\x89PNG\xff\x00" * 500)
    (folder / "p.dta").write_bytes(content)
    return folder / "p.dta"


def test_a_column_of_bytes_is_left_out_and_said_and_long_texts_are_kept(tmp_path, caplog):
    read = read_microdata(photo(tmp_path))
    assert read.frame.columns == ["age", "essay"]
    assert read.frame["essay"].to_list() == ["ein Öltag" * 300, "kurz"]
    assert "column 'photo': left out, since it holds bytes" in caplog.text


def test_who_uses_a_column_that_was_left_out_is_told_why(tmp_path):
    read = read_microdata(photo(tmp_path))
    with pytest.raises(DataError, match="no column 'photo' for a persona field; it was left out, since it holds bytes"):
        read.population("x", [Field(column="photo", first="{value}", third="{value}")])
    items = (Item(id="photo", text="Who?", form="text"), Item(id="age", text="How old?", form="number"))
    with pytest.raises(DataError, match="column 'photo' of population 'x' was left out"):
        people_engine(read.population("x"), Instrument(id="i", title="i", items=items))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_byte_order_mark_says_how_a_text_is_written(tmp_path, encoding):
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    (tmp_path / "p.csv").write_bytes(f"{mark}town,n\nKöln,1\n".encode(encoding))
    assert read_microdata(tmp_path / "p.csv").frame.row(0) == ("Köln", 1)


@pytest.mark.parametrize("name", ["people.csv", "items.csv"])
def test_nul_bytes_are_refused_with_their_line(tmp_path, name):
    (tmp_path / name).write_bytes(b"id,text,form\na,b,text\nc,\0d,text\n")
    with pytest.raises((DataError, InstrumentError), match=rf"{name}, line 3: a NUL byte"):
        read_microdata(tmp_path / name) if name == "people.csv" else load_instrument(tmp_path / name)


@pytest.mark.parametrize("damage", ["middle", "end", "none of it"])
def test_a_damaged_gzip_file_is_refused(tmp_path, damage):
    content = bytearray(gzip.compress(b"age,n\n" + b"".join(b"%d,1\n" % k for k in range(3000))))
    content[len(content) // 2] ^= 0xFF if damage == "middle" else 0
    (tmp_path / "p.csv.gz").write_bytes({"end": content[:-20], "none of it": b"age\n1\n"}.get(damage, content))
    with pytest.raises(DataError, match=r"p\.csv\.gz cannot be read as gzip: it is damaged"):
        read_microdata(tmp_path / "p.csv.gz")


@pytest.mark.parametrize("encoding", ["punycode", "undefined", "idna", "hex", "rot13", "nosuch", "utf-8\0", "zip"])
def test_an_encoding_that_is_none_is_refused_with_the_choices(tmp_path, encoding):
    (tmp_path / "p.csv").write_text("age\n1\n")
    with pytest.raises(DataError, match=r"p\.csv: encoding .* is none; write one of utf-8, utf-16, windows-1252"):
        read_microdata(tmp_path / "p.csv", encoding=encoding)


@pytest.mark.parametrize("separator", ["ab", "é", "a", '"', "\n", "\0", ",,"])
def test_a_separator_that_is_none_is_refused_with_the_choices(tmp_path, separator):
    (tmp_path / "p.csv").write_text("age,n\n1,2\n")
    with pytest.raises(DataError, match=r"p\.csv: separator .* is none; write one of ',' ';'"):
        read_microdata(tmp_path / "p.csv", separator=separator)


def test_columns_of_parquet_that_are_no_numbers_or_texts_are_left_out_by_name(tmp_path, caplog):
    frame = pl.DataFrame(
        {
            "age": [34, None],
            "tags": [["a"], []],
            "place": [{"x": 1}, {"x": 2}],
            "raw": [b"\xff", b"x"],
            "slept": [timedelta(hours=7, minutes=30), None],
            "income": [Decimal("5.10"), Decimal("9.90")],
            "sex": pl.Series(["f", "m"], dtype=pl.Categorical),
            "rank": pl.Series(["low", "high"], dtype=pl.Enum(["low", "high"])),
            "nothing": pl.Series([None, None], dtype=pl.Null),
        }
    )
    frame.write_parquet(tmp_path / "p.parquet")
    read = read_microdata(tmp_path / "p.parquet")
    assert read.frame.row(0) == (34, "07:30:00", 5.1, "f", "low", None)
    assert set(read.left_out) == {"tags", "place", "raw"}
    assert "column 'tags': left out, since it holds List(String)" in caplog.text
    with pytest.raises(DataError, match="'tags' for a persona field; it was left out"):
        read.population("x", [Field(column="tags", first="{value}", third="{value}")])


PACKAGES = ["statsmodels:utils", "statsmodels.utils", "statsmodels.template_data", "statsmodels.tests", "statsmodels."]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_module_that_is_no_data_set_is_refused(package):
    table = {"id": "x", "title": "x", "source": "x", "licence": "x", "data": {"package": package}}
    with pytest.raises(DataError, match=r"data\.package|no data set"):
        load_population(table)


def test_a_population_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "t.toml").write_bytes(b"\xef\xbb\xbf" + FILE.encode())
    (tmp_path / "people.csv").write_text("age\n34\n")
    assert load_population(tmp_path / "t.toml").column("age") == {"1": 34}


DEEP = ["x = " + "[" * 1000 + "]" * 1000, "x = " + "{a = " * 1000 + "1" + "}" * 1000, "x = " + "9" * 5000]


@pytest.mark.parametrize("text", DEEP, ids=["lists", "tables", "digits"])
def test_what_is_nested_too_deep_or_too_long_a_number_is_refused(tmp_path, text):
    (tmp_path / "t.toml").write_text(text)
    with pytest.raises(DataError, match=r"t\.toml: "):
        load_population(tmp_path / "t.toml")
    with pytest.raises(InstrumentError, match=r"t\.toml: "):
        load_instrument(tmp_path / "t.toml")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.jsonl", b'{"question": ' + b"[" * 5000 + b"}"),
        ("b.json", b"[" * 5000),
        ("b.jsonl", b'{"question": ' + b"9" * 5000 + b"}"),
        ("b.jsonl.gz", gzip.compress(b'{"question": "x"}\n' * 50)[:40] + b"\xff" * 9),
    ],
    ids=["deep lines", "deep list", "digits", "damaged gzip"],
)
def test_a_bank_of_questions_that_is_damaged_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"b\.(jsonl?|csv)"):
        load_bank(tmp_path / name, domain="chemistry")


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.csv")
    os.mkfifo(tmp_path / "t.toml")
    (tmp_path / "d.sav").mkdir()
    for read in (
        lambda: read_microdata(tmp_path / "p.csv"),
        lambda: load_population(tmp_path / "t.toml"),
        lambda: read_microdata(tmp_path / "d.sav"),
    ):
        with pytest.raises(DataError, match="no regular file"):
            read()


@pytest.mark.parametrize("name", ["a\0b.csv", "x" * 5000 + ".csv", "a\0b.sav", "x" * 5000 + ".sav"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    with pytest.raises(DataError) as caught:
        read_microdata(tmp_path / name)
    assert len(str(caught.value)) < 400


ITEMS = 'id,text,form,options\nvote,"Whom, then?",choice,Ada|Bob\n,,,\nwhy,"One\u2028two\x0bthree",text,\n'


@pytest.mark.parametrize(
    "content",
    [
        ITEMS.encode(),
        ITEMS.encode("utf-8-sig"),
        ITEMS.encode("utf-16"),
        ITEMS.replace("\n", "\r\n").encode(),
        ITEMS.replace("\n", "\r").encode(),
        ITEMS.replace(", then", "! then").replace(",", ";").replace("! then", ", then").encode(),
        ITEMS.replace(", then", "! then").replace(",", "\t").replace("! then", ", then").encode(),
    ],
    ids=["UTF-8", "mark", "UTF-16", "CRLF", "CR", "semicolon", "tab"],
)
def test_a_table_of_items_is_read_like_a_table_of_people(tmp_path, content):
    (tmp_path / "mine.csv").write_bytes(content)
    found = load_instrument(tmp_path / "mine.csv")
    assert [(item.id, item.text) for item in found.items] == [("vote", "Whom, then?"), ("why", "One\u2028two\x0bthree")]


def test_a_table_of_items_in_another_encoding_is_refused_with_its_line(tmp_path):
    (tmp_path / "mine.csv").write_bytes(ITEMS.replace("Ada", "Zoë").encode("cp1252", errors="replace"))
    with pytest.raises(InstrumentError, match=r"mine\.csv, line 2: byte \d+ is not UTF-8; save the file as UTF-8"):
        load_instrument(tmp_path / "mine.csv")
