"""Case 23: what nothing fills is refused before anything is asked, in every text that is shown.

Public source: expectedparrot/edsl#2559.
"""

import pytest

from proband.designs import Survey
from proband.errors import DataError, DesignError, InstrumentError
from proband.instruments import Instrument, Item, instrument_from_dict, load_instrument
from proband.subjects import load_population
from proband.subjects.personas import Field


@pytest.fixture(scope="module")
def people():
    return load_population("anes-1996").sample(3, seed=1)


def made(item=None, **about):
    first = {"id": "first", "text": "Which?", "form": "choice", "options": ["Tea", "Coffee"]}
    again = {"id": "again", "text": "And now?", "form": "choice", "options": ["Juice", "Water"]}
    return instrument_from_dict({"id": "drinks", "items": [first, again | (item or {})], **about}, "drinks.toml")


def test_the_file_of_the_report_is_refused_with_its_name(tmp_path):
    path = tmp_path / "drinks.toml"
    path.write_text(
        'id = "drinks"\n[[items]]\nid = "first"\ntext = "Which?"\nform = "choice"\noptions = ["Tea", "Coffee"]\n'
        '[[items]]\nid = "again"\ntext = "Now?"\nform = "choice"\noptions = ["{answer:first}", "Water"]\n'
    )
    with pytest.raises(InstrumentError, match=r"drinks\.toml: item 'again': option 1 has '\{answer:first\}'"):
        load_instrument(path)


NOWHERE = [
    ({"options": ["Milk", "{subject:age}"]}, "option 2 has '{subject:age}'"),
    ({"options": ["Milk", "{{ first.answer }}"]}, "option 2 has '{{ first.answer }}'"),
    ({"options": ["Milk", "${first}"]}, "option 2 has '{first}'"),
    ({"text": "You said {answer:}?"}, "text has '{answer:}', which names nothing; write e.g. {answer:NAME}"),
    ({"text": "You said {answr:first}?"}, "text has '{answr:first}', which is no pipe (did you mean 'answer'?)"),
    ({"text": "You said {Answer:first}?"}, "is no pipe (did you mean 'answer'?)"),
    ({"text": "You said {answer:first?"}, "text has '{answer:first?'"),
    ({"text": "You said answer:first}?"}, "text has '}'"),
    ({"stem": "{first}"}, "stem has '{first}', which is no pipe"),
    ({"text": "{a {answer:first} b}"}, "text has '{a  b}'"),
    ({"form": "number", "options": [], "unit": "{answer:first}"}, "unit has '{answer:first}'"),
]


@pytest.mark.parametrize(("item", "found"), NOWHERE)
def test_braces_that_nothing_fills_are_refused_with_item_and_key(item, found):
    with pytest.raises(InstrumentError) as caught:
        made(item)
    assert found in str(caught.value)
    assert "item 'again'" in str(caught.value)


def test_the_preamble_is_not_filled(people):
    with pytest.raises(InstrumentError, match=r"preamble has '\{subject:age\}', and nothing is filled there"):
        made(preamble="You are {subject:age}.")


def test_labels_are_not_filled(people):
    with pytest.raises(DesignError, match=r"item 'first': labels has '\{answer:first\}'"):
        Survey(instrument=made(), subjects=people, seed=1, labels="{answer:first}|b")


def test_texts_of_levels_are_not_filled(people):
    item = Item(id="i", text="{factor:frame} Yes?", form="choice", options=("Yes", "No"))
    instrument = Instrument(id="i", title="i", items=(item,))
    with pytest.raises(DesignError, match=r"factor 'frame', level 'old': its text has '\{subject:age\}'"):
        Survey(
            instrument=instrument, subjects=people, seed=1,
            factors={"frame": {"new": "", "old": "You are {subject:age}."}},
        )  # fmt: skip


@pytest.mark.parametrize(
    "keys", [{"first": "I am {value}, {age}."}, {"third": "The {value} {x}."}, {"question": "{value}?"}]
)
def test_sentences_of_personas_take_values_only(keys):
    with pytest.raises(DataError, match="persona field 'a'"):
        Field(**{"column": "a", "first": "I am {value}.", "third": "It is {value}.", **keys})


def test_braces_are_shown_where_the_item_says_so(people):
    instrument = made(
        {"text": 'Is {"a": 1} for {answer:first}?', "options": ["{a}", r"\frac{1}{2}"], "shows_braces": True}
    )
    asked = Survey(instrument=instrument, subjects=people, seed=1)
    text = next(trial for trial in asked.preview() if trial.place.item == "again").request.messages[-1].text
    assert 'Is {"a": 1} for [first]?' in text
    assert "- {a}" in text
    assert r"- \frac{1}{2}" in text


def test_an_instrument_whose_items_all_show_braces_may_have_them_in_its_preamble(people):
    instrument = made(defaults={"shows_braces": True}, preamble="Sets are written {a, b}.")
    text = Survey(instrument=instrument, subjects=people, seed=1).preview()[0].request.messages[-1].text
    assert text.startswith("Sets are written {a, b}.")


def test_pipes_that_name_what_is_there_are_filled(people):
    instrument = made({"text": "After {answer: first }, at {subject:age}?"})
    text = [
        trial.request.messages[-1].text for trial in Survey(instrument=instrument, subjects=people, seed=1).preview()
    ]
    assert all("{" not in shown for shown in text)
