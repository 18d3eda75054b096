"""Instruments from files and plain data, right and wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from proband.errors import InstrumentError
from proband.instruments import Item, Rule, instrument_from_dict, load_instrument

GOOD = """
id = "mine"
title = "Mine"
preamble = "Two questions."
defaults.form = "scale"
defaults.options = "agreement"

[options.agreement]
texts = ["Disagree", "Neither", "Agree", "Don't know"]
values = [1, 2, 3, 9]
dont_know = ["don't know"]

[[items]]
id = "dogs"
text = "Dogs are fine."
column = "v1"

[[items]]
id = "why"
text = "Why?"
form = "text"
options = []
ask_if = { item = "dogs", options = ["Agree", 0] }

[[items]]
id = "cats"
text = "Cats are fine."
about = ["cat_owner"]

[[scales]]
id = "pets"
plus = ["dogs"]
minus = ["cats"]
min_valid = 0.5
"""


def item(**more: object) -> dict[str, object]:
    return {"id": "vote", "text": "Whom?", "form": "choice", "options": ["Clinton", "Dole"], **more}


def test_a_file_is_read_with_its_shared_options_and_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    mine = load_instrument(path)
    assert mine["dogs"].options == ("Disagree", "Neither", "Agree", "Don't know")
    assert mine["dogs"].data_values == (1, 2, 3, 9)
    assert mine["dogs"].dont_know == (3,)
    assert mine["dogs"].data_column == "v1"
    assert (mine["why"].form, mine["why"].options) == ("text", ())
    assert mine["why"].ask_if == Rule(item="dogs", options=(2, 0))
    assert mine["cats"].about == ("cat_owner",)
    assert dict(mine.scales[0].items) == {"dogs": 1, "cats": -1}
    assert mine == load_instrument(str(path))
    assert mine.hash == load_instrument(path).hash


def test_a_key_may_be_written_as_a_mapping() -> None:
    items = [item(), item(id="again")]
    scales = [{"id": "s", "items": {"vote": 1, "again": -1}}]
    made = instrument_from_dict({"id": "mine", "items": items, "scales": scales}, "here")
    assert dict(made.scales[0].items) == {"vote": 1, "again": -1}


def test_options_of_an_items_own_do_not_take_the_default_coding() -> None:
    data = {"id": "m", "defaults": {"options": ["a", "b", "c"], "codes": [0, 1, 2]}, "items": [item(), item(id="d")]}
    assert instrument_from_dict(data, "here")["vote"].codes == ()


TOML_MISTAKES = [
    ('texts = ["Disagree",', 'texts = ["Disagree" ', "line 9"),
    ('id = "dogs"', "id = “dogs”", "line 14"),
    ("values = [1, 2, 3, 9]", "values = [1, 2, 3]", "item 'dogs': 3 values for 4 options"),
    ("values = [1, 2, 3, 9]", "codes = [1, 2, 3, 4, 5]", "item 'dogs': key has 5 codes for 4 options"),
    ('id = "cats"', 'id = "dogs"', "item id 'dogs' is there twice"),
    ('column = "v1"', 'colunm = "v1"', "item 1 ('dogs'): no key 'colunm' (did you mean 'column'?)"),
    ('title = "Mine"', 'name = "Mine"', "no key 'name'; there are id, title"),
    ("values = [1", "vals = [1", "no key 'options.agreement.vals' (did you mean 'values'?)"),
    ('text = "Dogs are fine."', "", "item 1 ('dogs'): text is missing; add it"),
    ('text = "Dogs are fine."', "text = 7", "text must be text (found 7)"),
    ('defaults.options = "agreement"', 'defaults.options = "agrement"', "no shared options 'agrement'"),
    ('defaults.form = "scale"', "", "item 'dogs': 'form' is missing"),
    ('defaults.form = "scale"', 'defaults.form = "likert"', "defaults.form must be one of 'choice', 'mul"),
    ('minus = ["cats"]', 'minus = ["cat"]', "scale 'pets': no item 'cat'"),
    ('minus = ["cats"]', 'minus = ["dogs"]', "scale 'pets': item 'dogs' is there twice"),
    ('minus = ["cats"]', "items = {cats = 2}", "scale 1 ('pets'): items.cats must be one of 1, -1 (found 2)"),
    ('plus = ["dogs"]\nminus = ["cats"]', "", "scale 'pets': it has no items"),
    ("min_valid = 0.5", "min_valid = 5", "min_valid: input should be less than or equal to 1 (found 5)"),
    ('item = "dogs", options', 'item = "cats", options', "ask_if names 'cats', which is not an earlier item"),
    ('options = ["Agree", 0]', 'options = ["Agrees"]', "no option 'Agrees'"),
    ('options = ["Agree", 0]', "options = [4]", "no option 4"),
    ('dont_know = ["don\'t know"]', 'dont_know = ["unsure"]', "dont_know: no option 'unsure'"),
    ('"Neither"', '"agree"', "is empty or there twice"),
]


@pytest.mark.parametrize(("right", "wrong", "found"), TOML_MISTAKES)
def test_a_mistake_in_a_file_is_named_with_the_file(tmp_path: Path, right: str, wrong: str, found: str) -> None:
    path = tmp_path / "mine.toml"
    assert right in GOOD
    path.write_text(GOOD.replace(right, wrong, 1))
    with pytest.raises(InstrumentError) as caught:
        load_instrument(path)
    assert found in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_unfinished_file_names_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('id = "mine"\ntitle = """Mine\n')
    with pytest.raises(InstrumentError, match="line 2"):
        load_instrument(path)


def test_inline_mistakes_name_the_study() -> None:
    for data, found in (
        ({"id": "m", "items": []}, "items"),
        ({"id": "m"}, "items is missing"),
        ({"id": "m", "items": [item(), item()]}, "'vote' is there twice"),
        ({"id": "m", "items": [item(lower=float("nan"))]}, "lower"),
        ({"id": "m", "items": [item(opions=["a"])]}, "did you mean 'options'"),
    ):
        with pytest.raises(InstrumentError, match=r"^study\.toml: ") as caught:
            instrument_from_dict(data, "study.toml")
        assert found in str(caught.value)


def test_an_unknown_name_is_met_with_the_catalogue() -> None:
    with pytest.raises(InstrumentError, match="did you mean 'mini-ipip'"):
        load_instrument("mini-ipp")
    with pytest.raises(InstrumentError, match=r"zzz.*anes-1996"):
        load_instrument("zzz")
    with pytest.raises(InstrumentError, match="no such instrument file; check the path"):
        load_instrument("nowhere.toml")


CSV = """id,text,form,options,scale,key,values
dogs,"Dogs, on the whole, are fine.",scale,No|Maybe|Yes,pets|dogs,1|1,1|2|3
cats,Cats are fine.,scale,No|Maybe|Yes,pets,-1,1|2|3
why,Why?,text,,,,
"""


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_table_gives_items_and_scales(tmp_path: Path, start: str) -> None:
    path = tmp_path / "pets.csv"
    path.write_text(start + CSV, encoding="utf-8")
    pets = load_instrument(path)
    assert (pets.id, [i.id for i in pets.items]) == ("pets", ["dogs", "cats", "why"])
    assert pets["dogs"].text == "Dogs, on the whole, are fine."
    assert pets["cats"].data_values == (1, 2, 3)
    assert {s.id: dict(s.items) for s in pets.scales} == {"pets": {"dogs": 1, "cats": -1}, "dogs": {"dogs": 1}}


def test_a_table_may_be_separated_by_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text("id;text;form;lower;upper\nage;How old, in years?;number;0;120\n")
    assert (load_instrument(path)["age"].lower, load_instrument(path)["age"].upper) == (0.0, 120.0)


CSV_MISTAKES = [
    ("id,text,form", "id,wording,form", "no column 'text'"),
    (",key,", ",kye,", "no column 'kye' (did you mean 'key'?)"),
    ("pets,-1,", "pets,minus,", "line 3, column 'key': 'minus' is neither 1 nor -1"),
    ("pets|dogs,1|1", "pets|dogs|x,1|1", "line 2: 2 keys for 3 scales"),
    ("cats,Cats", "dogs,Cats", "twice"),
    ("why,Why?,text,,,,", "why,Why?,text", "line 4"),
    ("why,Why?,text,,,,", "why,Why, indeed?,text,,,,", "line 4"),
    ("-1,1|2|3", "-1,1|2", "item 'cats': 2 values for 3 options"),
    ("why,Why?", "why,", "text is missing"),
]


@pytest.mark.parametrize(("right", "wrong", "found"), CSV_MISTAKES)
def test_a_mistake_in_a_table_is_named_with_its_place(tmp_path: Path, right: str, wrong: str, found: str) -> None:
    path = tmp_path / "pets.csv"
    assert right in CSV
    path.write_text(CSV.replace(right, wrong, 1))
    with pytest.raises(InstrumentError) as caught:
        load_instrument(path)
    assert found in str(caught.value)
    assert "pets.csv" in str(caught.value)


def test_a_number_in_a_table_must_be_one(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text("id,text,form,lower\nage,How old?,number,ten\n")
    with pytest.raises(InstrumentError, match="line 2, column 'lower': 'ten' is not a number"):
        load_instrument(path)


def test_importing_the_room_loads_neither_pydantic_nor_polars_nor_torch() -> None:
    code = "import sys, proband.instruments; print(*({'pydantic', 'polars', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"values": (1, 1)}, "share a data value"),
        ({"dont_know": (0, 1)}, "0 options besides don't-know"),
        ({"form": "allocation", "total": 0}, "something to divide"),
    ],
)
def test_items_that_cannot_be_answered_are_refused(fields, words):
    with pytest.raises(InstrumentError, match=words):
        Item(**{"id": "i", "text": "?", "form": "choice", "options": ("a", "b"), **fields})
