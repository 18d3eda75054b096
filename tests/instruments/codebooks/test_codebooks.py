"""A codebook is an instrument in which every code is defined; what is not clear in a file is refused with its place."""

import re
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import InstrumentError
from proband.instruments import Instrument
from proband.instruments.codebooks import catalogue, codebook_page, load_codebook
from proband.instruments.codebooks.files import codebook_from_dict

NAMES = sorted(catalogue())
FAMILIES = {
    *("sentiment", "stance", "ideology", "hate", "misinformation", "emotion"),
    *("persuasion", "humour", "frames", "policy-areas"),
}
BOOK = """
id = "book"
title = "A <small> book"
introduction = "Letters to the editor & others."
rules = ["Irony is coded by what is meant."]
[[questions]]
id = "topic"
text = "What is it about?"
cannot_tell = "Cannot tell"
[[questions.codes]]
label = "Money"
definition = "What is paid."
[[questions.codes]]
label = "Taxes"
under = "Money"
definition = "What the state takes."
includes = ["duties", "fees"]
excludes = ["fines"]
examples = ["{Half} of it went to the state."]
[[questions.codes]]
label = "Prices"
under = "Money"
definition = "What shops take."
[[questions.codes]]
label = "Love"
definition = "What is not paid."
[[questions]]
id = "dear"
text = "Are prices said to be high?"
form = "scale"
ask_if = { question = "topic", codes = [" PRICES "] }
[[questions.codes]]
label = "No"
definition = "They are not."
value = 0
[[questions.codes]]
label = "Yes"
definition = "They are."
value = 1
"""


def book(**changes):
    data = tomllib.loads(BOOK)
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        place = data
        for step in steps:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return codebook_from_dict(data, "book.toml")


def test_a_codebook_is_an_instrument_of_leaves_and_cannot_tell():
    made = book()
    assert isinstance(made, Instrument)
    assert made["topic"].options == ("Taxes", "Prices", "Love", "Cannot tell")
    assert made["topic"].dont_know == (3,)
    assert made["dear"].points == (0, 1)
    assert made["dear"].ask_if.options == (1,)
    assert [made.parent("topic", label) for label in ("Taxes", "Love", "Cannot tell")] == [
        "Money",
        "Love",
        "Cannot tell",
    ]


def test_everything_is_in_the_preamble_and_on_the_page_and_in_the_hash():
    made, page = book(), codebook_page(book())
    for words in (
        "Irony is coded by what is meant.",
        "What the state takes.",
        "duties; fees",
        "fines",
        "What shops take.",
    ):
        assert words in made.preamble
        assert words in page
    assert "A &lt;small&gt; book" in page
    assert "Letters to the editor &amp; others." in page
    assert "<script" not in page
    codes = "questions__0__codes"
    for changes in (
        {f"{codes}__1__definition": "What it takes."},
        {f"{codes}__1__includes": ["duties"]},
        {f"{codes}__1__excludes": []},
        {f"{codes}__1__examples": []},
        {f"{codes}__3__under": "Money"},
        {"rules": []},
        {"introduction": "Letters."},
    ):
        assert book(**changes).hash != made.hash
    assert book().hash == made.hash


def test_a_part_tells_of_its_own_questions_only():
    part = book().subset(("topic",))
    assert "What is it about?" in part.preamble
    assert "Are prices said to be high?" not in part.preamble
    assert part.codes.keys() == {"topic"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"questions__0__codes__1__definition": None}, r"code 2: definition is missing; add it, e.g. definition ="),
        ({"questions__0__codes__1__definition": "  "}, r"question 'topic', code 'Taxes' has no definition"),
        (
            {"questions__0__codes__3__label": "ＴＡＸＥＳ"},
            r"codes 'Taxes' and 'ＴＡＸＥＳ' are one, case and blanks aside",
        ),
        ({"questions__0__codes__3__label": "taxes "}, r"codes 'Taxes' and 'taxes' are one"),
        ({"questions__0__codes__3__label": "Taxes"}, r"code 'Taxes' is there twice"),
        ({"questions__0__cannot_tell": "love"}, r"codes 'Love' and 'love' are one"),
        ({"questions__0__codes__3__under": "Moneys"}, r"stands under 'Moneys', which is no code"),
        ({"questions__0__codes__3__under": "Prices"}, r"stands under 'Prices', which is itself under one"),
        ({"questions__0__codes__0__under": "Money"}, r"stands under 'Money', which is itself under one"),
        ({"questions__0__codes__0__under": "Taxes"}, r"stands under 'Taxes', which is itself under one"),
        ({"questions__0__codes__1__meaning": "x"}, r"no key 'meaning'.*there are label, definition"),
        ({"questions__0__cannottell": "x"}, r"no key 'cannottell' \(did you mean 'cannot_tell'\?\)"),
        ({"questions__0__form": "choices"}, r"form must be one of 'choice'"),
        ({"questions__1__ask_if__question": "topics"}, r"names 'topics', which is no earlier question \(did you mean"),
        ({"questions__1__ask_if__codes": ["Price"]}, r"names 'Price', which is no code of 'topic' \(did you mean"),
        ({"questions__1__codes__0__value": None}, r"question 'dear': some codes have a value and some have none"),
        ({"questions__1__id": "topic"}, r"question 'topic' is there twice"),
        ({"questions__0__form": "text"}, r"form 'text' takes no codes"),
        ({"questions": []}, "questions"),
    ],
)
def test_a_codebook_that_is_not_clear_is_refused_with_its_place(changes, message):
    with pytest.raises(InstrumentError, match=f"book.toml.*{message}"):
        book(**changes)


def test_everything_wrong_is_said_at_once():
    with pytest.raises(InstrumentError) as refused:
        book(questions__0__codes__1__definition=" ", questions__1__codes__0__label="YES", questions__0__colour="red")
    assert len(refused.value.problems) == 3


def test_a_record_is_asked_by_its_fields():
    fields = [{"name": "who", "definition": "Who pays."}, {"name": "how much", "definition": "What.", "kind": "number"}]
    made = codebook_from_dict(
        {"id": "r", "questions": [{"id": "pay", "text": "What is paid?", "form": "record", "fields": fields}]}, "r.toml"
    )
    assert [field.kind for field in made["pay"].fields] == ["text", "number"]
    assert "- who: Who pays." in made.preamble
    assert "Who pays." in codebook_page(made)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        st.text(max_size=8) | st.integers() | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "text", "label", "definition", "codes", "form"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_tables_are_a_codebook_or_refused(questions):
    try:
        made = codebook_from_dict({"id": "x", "questions": questions}, "x.toml")
    except InstrumentError:
        return
    assert all(code.definition for codes in made.codes.values() for code in codes)


def test_there_is_a_codebook_for_every_task_family():
    assert set(NAMES) >= FAMILIES


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_codebook_is_complete(name):
    ready = load_codebook(name)
    assert ready.id == name
    assert ready.introduction
    assert ready.licence
    assert ready.artefacts.endswith("See the page of codebooks.")
    assert ready.rules
    assert all(ready.codes[item.id] or item.fields for item in ready.items)
    assert codebook_page(ready).count("<section") == len(ready.items)
    told = [code.definition for codes in ready.codes.values() for code in codes]
    assert all(text[0].isupper() and text.endswith(".") for text in told)
    assert len({re.sub(r"\W", "", text) for text in told}) >= len(told) - 1
