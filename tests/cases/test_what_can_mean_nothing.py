"""Reliability R6 and R7: what can mean nothing is refused by item and key; taken names get columns of their own."""

import math

import pytest

from proband.designs import Survey, people_engine
from proband.errors import DesignError, InstrumentError, ProbandError
from proband.instruments import Instrument, Item, Rule, instrument_from_dict, load_instrument
from proband.runs import collect
from proband.subjects import load_population


@pytest.fixture(scope="module")
def people():
    return load_population("anes-1996").sample(3, seed=1)


def item(**keys):
    return {"id": "a", "text": "A?", "form": "choice", "options": ["Yes", "No"], **keys}


def after(**rule):
    return {"id": "b", "text": "B?", "form": "text", "ask_if": {"item": "a", **rule}}


NUMBER = {"form": "number", "options": []}
NOTHING = [
    ([item(values=[1, "1"])], "item 'a': values has '1' twice, as a number and as text"),
    ([item(values=[1.0, "1"])], "item 'a': values has '1' twice"),
    ([item(options=["Yes", " yes"])], "item 'a': option 2 ('yes') is empty or there twice"),
    ([item(options=["Yes", " "])], "item 'a': option 2 ('') is empty"),
    ([item(about=["age", " "])], "item 'a': about has an empty name"),
    ([item(form="multiple", options=["Yes"])], "item 'a': 1 option to choose several of"),
    ([item(), after(options=[])], "item 'b': ask_if has no options"),
    ([item(form="ranking"), after(options=["Yes"])], "item 'b': ask_if names 'a', of form 'ranking'"),
    ([item(form="allocation", total=10), after(options=[0])], "item 'b': ask_if names 'a', of form 'allocation'"),
    ([item(**NUMBER), after(options=[0])], "item 'b': ask_if.options: no option 0"),
    ([item(text="{answer:}")], "item 'a': text has '{answer:}', which names nothing"),
    ([item(text=" \n")], "item 'a': no text"),
    ([item(id=" ")], "item ' ': its id is empty"),
    ([item(**NUMBER, lower=2, upper=1)], "item 'a': lower 2.0 is not below upper 1.0"),
    ([item(**NUMBER, lower=math.inf)], "lower"),
    ([item(**NUMBER, upper=math.nan)], "upper"),
    ([item(codes=[1, math.nan])], "codes"),
    ([item(lower=1)], "item 'a': lower says nothing of form 'choice'"),
    ([item(total=1)], "item 'a': total says nothing of form 'choice'"),
    ([item(unit="km")], "item 'a': unit says nothing of form 'choice' (only of allocation and number)"),
    ([item(**NUMBER, total=1)], "item 'a': total says nothing of form 'number'"),
    ([item(opions=["Yes"])], "no key 'opions' (did you mean 'options'?)"),
]


@pytest.mark.parametrize(("items", "found"), NOTHING)
def test_an_item_that_can_mean_nothing_is_refused(items, found):
    with pytest.raises(InstrumentError, match=r"^here: ") as caught:
        instrument_from_dict({"id": "i", "items": items}, "here")
    assert found in str(caught.value)


SCALES = [
    ({"plus": ["a", "why"]}, "scale 's': item 'why' of form 'text' has no score"),
    ({"plus": ["a"], "minus": ["n"]}, "scale 's': item 'n' is reverse-keyed, so it needs `lower` and `upper`"),
    ({"plus": ["a"], "human": {"source": "x", "sd": 0}}, "human.sd"),
    ({"plus": ["a"], "human": {"source": "x", "alpha": 1.2}}, "human.alpha"),
]


@pytest.mark.parametrize(("keys", "found"), SCALES)
def test_a_scale_of_what_has_no_score_is_refused(keys, found):
    items = [item(), {"id": "why", "text": "Why?", "form": "text"}, {"id": "n", "text": "How many?", "form": "number"}]
    with pytest.raises(InstrumentError) as caught:
        instrument_from_dict({"id": "i", "items": items, "scales": [{"id": "s", **keys}]}, "here")
    assert found in str(caught.value)


def test_items_made_in_python_are_held_to_the_same():
    first = Item(id="a", text="A?", form="choice", options=("Yes", "No"), values=(1, "1"))
    second = Item(id="b", text="B?", form="number", upper=math.inf, ask_if=Rule(item="a", options=()))
    with pytest.raises(InstrumentError) as caught:
        Instrument(id="i", title="i", items=(first, second))
    assert [problem[:8] for problem in caught.value.problems] == ["item 'a'", "item 'b'", "item 'b'"]


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "i.csv"
    path.write_text("id,text,form,text\na,A?,text,B?\n")
    with pytest.raises(InstrumentError, match=r"i\.csv, line 1: column 'text' is there twice"):
        load_instrument(path)


def made(**keys):
    return instrument_from_dict({"id": "i", "items": [item(**keys)]}, "here")


FACTOR = {"text": "{factor:f} A?"}
REFUSED = [
    ({"about": ["nosuch"]}, {}, "item 'a': about names 'nosuch', which is no column"),
    ({"about": ["aeg"]}, {}, "(did you mean 'age'?)"),
    (FACTOR, {"factors": {"": {"x": "y"}}}, "a name is empty"),
    (FACTOR, {"factors": {"f": {" ": "y"}}}, "a name is empty"),
    (FACTOR, {"factors": {"f": {}}}, "factor 'f' has no levels"),
    ({}, {"factors": {"f": {"x": "y"}}}, "factor 'f' is in no wording"),
    ({}, {"labels": "x|"}, "item 'a': 1 labels in 'x|' for 2 options"),
    ({}, {"order": ()}, "order has the levels ()"),
    ({}, {"replicates": 0}, "replicates is 0"),
]


@pytest.mark.parametrize(("keys", "settings", "found"), REFUSED)
def test_a_survey_that_can_mean_nothing_is_refused(people, keys, settings, found):
    with pytest.raises(DesignError) as caught:
        Survey(instrument=made(**keys), subjects=people, seed=1, **settings)
    assert found in str(caught.value)


def test_a_survey_is_refused_with_all_that_is_wrong(people):
    with pytest.raises(DesignError) as caught:
        Survey(instrument=made(about=["nosuch"]), subjects=people, seed=1, order="up", replicates=0, labels="A|A")
    told = " ".join(caught.value.problems)
    assert all(word in told for word in ("nosuch", "order 'up'", "replicates is 0"))


def test_an_instrument_of_ours_is_asked_of_other_people():
    town = load_population("anes-1996").sample(2, seed=1)
    without = type(town)(name="town", subjects=town.subjects, fields=())
    assert Survey(instrument=load_instrument("anes-1996"), subjects=without, seed=1, persona="none").size()


TAKEN = ("subject", "round", "replicate", "persona", "unit", "item", "trial")


def test_items_called_like_columns_of_the_table_have_columns_of_their_own(people, tmp_path):
    items = [item(id=name) for name in TAKEN]
    instrument = instrument_from_dict({"id": "i", "items": items}, "here")
    survey = Survey(instrument=instrument, subjects=people, seed=1, persona=("first", "none"))
    wide = collect(survey, "scripted:uniform", tmp_path / "run").wide("label")
    own = {f"item_{name}" for name in ("subject", "round", "replicate", "persona")} | {"unit", "item", "trial"}
    assert set(wide.columns) == own | {"subject", "round", "replicate", "persona"}
    assert wide.select(own).null_count().sum_horizontal().sum() == 0


def test_a_file_of_distributions_without_numbers_is_refused(people, tmp_path):
    (tmp_path / "d.toml").write_text('a = ["x", "y"]\n')
    with pytest.raises(ProbandError, match=r"d\.toml: a is no list of numbers"):
        collect(
            Survey(instrument=made(), subjects=people, seed=1),
            f"scripted:stated?file={tmp_path}/d.toml",
            tmp_path / "r",
        )


def test_an_item_called_like_the_column_of_another_one_has_its_own(people, tmp_path):
    instrument = instrument_from_dict({"id": "i", "items": [item(id="subject"), item(id="item_subject")]}, "here")
    survey = Survey(instrument=instrument, subjects=people, seed=1)
    wide = collect(survey, "scripted:uniform", tmp_path / "run").wide("label")
    assert {"item_subject", "item_item_subject"} < set(wide.columns)
    assert wide.height == len(people)


MORE_NOTHING = [
    ({"options": ["caf\u00e9", "cafe\u0301"]}, "option 2 ('caf\u00e9') is empty or there twice"),
    ({"values": ["a", "a "]}, "values has 'a ' twice"),
    ({"id": " a"}, "id ' a' begins or ends with a blank"),
    ({"id": "a\nb"}, "has a line end"),
    ({"column": " "}, "column is blank"),
]


@pytest.mark.parametrize(("keys", "found"), MORE_NOTHING)
def test_what_only_looks_different_is_refused(keys, found):
    with pytest.raises(InstrumentError) as caught:
        made(**keys)
    assert found in str(caught.value)


def test_values_of_a_csv_instrument_are_what_is_written(tmp_path):
    path = tmp_path / "i.csv"
    path.write_text("id,text,form,options,values\na,A?,choice,x|y|z,01|1E1|2\n")
    assert load_instrument(path)["a"].values == ("01", "1E1", 2)


def test_a_column_that_an_item_names_and_nobody_has_is_said(people, caplog):
    people_engine(
        people, instrument_from_dict({"id": "i", "items": [item(column="vote"), item(id="b", column="vot")]}, "x")
    )
    assert "item 'b': column 'vot' is not in the data (did you mean 'vote'?)" in caplog.text
