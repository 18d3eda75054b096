"""Records and quotations are read from replies, and nothing is taken that the document does not hold."""

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import InstrumentError
from proband.instruments import Item, read
from proband.instruments.extraction import Unfound, extraction_schema, located, record_instruction
from proband.records import Completion, Message, Place, RecordField, Reply, Request, Trial

TEXT = "The “Harbour Act” of 1911 cost £3 million — far more than planned.\nMr Ng resigned."
FIELDS = (
    RecordField(name="law", definition="Name of the law."),
    RecordField(name="cost", definition="What it cost, in millions.", kind="number"),
    RecordField(name="verdict", definition="How it went.", kind="choice", options=("Success", "Failure")),
    RecordField(name="language", definition="Language of the text.", quoted=False),
)
RECORD = Item(id="act", text="What is said of the law?", form="record", fields=FIELDS)
FOUND = {
    "law": {"value": "Harbour Act", "quote": '"harbour act" of 1911'},
    "cost": {"value": 3, "quote": "cost £3 million"},
    "verdict": {"value": "failure", "quote": "far more  than planned. Mr Ng"},
    "language": "English",
}


def answered(text, form="record", finish="stop", source=TEXT):
    reply = (
        Reply(form="record", method="written", fields=FIELDS, source=source)
        if form == "record"
        else Reply(form="spans", method="written", options=("Cost", "Exit"), order=(0, 1), source=source)
    )
    request = Request(messages=(Message("user", "?"),), max_tokens=9)
    trial = Trial(place=Place(subject="d1", item="act"), request=request, reply=reply)
    return read(Completion(text=text, finish=finish), trial, "scripted:x")


def changed(**fields):
    return json.dumps(FOUND | fields)


def test_a_record_comes_with_the_documents_own_words_and_where_they_stand():
    response = answered(f"Here it is:\n```json\n{json.dumps(FOUND, indent=2)}\n```")
    assert (response.status, response.error) == ("valid", None)
    record = json.loads(response.answer)
    assert list(record) == ["law", "cost", "verdict", "language"]
    assert record["law"] == {"value": "Harbour Act", "quote": "Harbour Act” of 1911", "start": 5, "end": 25}
    assert record["verdict"]["value"] == "Failure"
    assert record["verdict"]["quote"] == "far more than planned.\nMr Ng"
    for field in ("law", "cost", "verdict"):
        assert TEXT[record[field]["start"] : record[field]["end"]] == record[field]["quote"]


def test_what_the_document_does_not_say_is_null():
    assert json.loads(answered(changed(cost=None)).answer)["cost"] is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (changed(cost={"value": 3, "quote": "cost £4 million"}), "'cost £4 million' does not stand in the document"),
        (changed(cost={"value": 3, "quote": "cost ... million"}), "does not stand in the document"),
        (changed(cost={"value": 3, "quote": "  “” "}), "has no words"),
        (changed(cost={"value": "three", "quote": "cost"}), "field 'cost': 'three' is no number"),
        (changed(cost={"value": True, "quote": "cost"}), "field 'cost': True is no number"),
        (changed(cost=3), "field 'cost' is 3, not an object with value and quote"),
        (changed(verdict={"value": "Mixed", "quote": "cost"}), "'Mixed' is none of Success; Failure"),
        (changed(law={"value": "", "quote": "cost"}), "field 'law': '' is no text"),
        (changed(judge="X"), "'judge' is no field; the fields are law, cost"),
        (json.dumps({k: v for k, v in FOUND.items() if k != "law"}), "'law' is missing"),
        (f"{json.dumps(FOUND)}\n{changed(cost=None)}", "more than one JSON object"),
        ('{"law": ', "no JSON object in the reply (Expecting value"),
        ('{"law": NaN}', "NaN is no JSON"),
        ("I could not find a law.", "no JSON object in the reply"),
    ],
)
def test_a_reply_that_is_no_record_of_the_document_is_unparsed_and_says_why(text, why):
    response = answered(text)
    assert (response.status, response.answer) == ("unparsed", None)
    assert why in response.error


def test_spans_are_listed_once_each_in_the_order_of_the_text():
    quotes = [("exit", "Mr Ng resigned"), ("Cost", "£3 million"), ("Exit", "mr ng resigned.")]
    listed = json.dumps([{"code": code, "quote": quote} for code, quote in [*quotes, quotes[1]]])
    spans = json.loads(answered(listed, "spans").answer)
    assert [(span["code"], span["quote"]) for span in spans] == [
        ("Cost", "£3 million"),
        ("Exit", "Mr Ng resigned"),
        ("Exit", "Mr Ng resigned."),
    ]
    assert answered("[]", "spans").answer == "[]"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('[{"code": "Cause", "quote": "cost"}]', "unparsed"),
        ('[{"code": "Cost", "quote": "nowhere"}]', "unparsed"),
        ('[{"code": "Cost"}]', "unparsed"),
        ("I'm sorry, but I cannot help with that.", "refused"),
        ('[{"code": "Cost", "quote": "cos', "unparsed"),
    ],
)
def test_spans_that_cannot_be_checked_are_no_answer(text, status):
    assert answered(text, "spans").status == status
    assert answered('[{"code": "Cost", "quote": "cos', "spans", finish="length").status == "truncated"


DOCUMENTS = st.text(st.sampled_from("aBé\u0301 \n“”\"'—-ﬁ½ß\u200bİx."), min_size=1, max_size=60)


@settings(deadline=None)
@given(DOCUMENTS, st.data())
def test_every_passage_of_a_document_is_found_however_it_is_typed(source, data):
    start = data.draw(st.integers(0, len(source) - 1))
    end = data.draw(st.integers(start + 1, len(source)))
    passage = source[start:end].strip(" \n\"'“”\u200b\u0301")
    if not any(map(str.isalnum, passage)):
        return
    for typed in (passage, f'"{passage}"', passage.replace(" ", " \n "), passage.replace("—", "-")):
        found = located(typed, source)
        assert source[found["start"] : found["end"]] == found["quote"]
        assert located(found["quote"], source) == found


@settings(deadline=None)
@given(DOCUMENTS)
def test_a_quotation_with_a_word_of_its_own_is_never_found(source):
    with pytest.raises(Unfound):
        located(source + " zq", source)
    assert unicodedata.normalize("NFC", source) is not None


@settings(deadline=None)
@given(
    st.text(max_size=60)
    | st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists).map(json.dumps)
)
def test_any_reply_is_a_record_or_none(text):
    for form in ("record", "spans"):
        response = answered(text, form)
        assert (response.status == "valid") == (response.answer is not None)


def test_the_schema_is_one_that_records_follow_and_the_instruction_names_every_field():
    schema = json.loads(extraction_schema(RECORD))
    assert schema["required"] == [field.name for field in FIELDS]
    assert schema["properties"]["verdict"]["anyOf"][0]["properties"]["value"] == {"enum": ["Success", "Failure"]}
    told = record_instruction(RECORD)
    assert "- cost: What it cost, in millions. (a number)" in told
    assert "The value of law, cost, verdict is itself an object" in told


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_model_can_be_held_to_the_schemas():
    from proband import open_engine

    spans = Item(id="s", text="Quote.", form="spans", options=("Cost", "Exit"))
    schemas = open_engine("smollm2")._schemas
    for item in (RECORD, spans):
        assert schemas.start(extraction_schema(item)).is_complete is False


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"form": "record"}, "a record has fields, and this item has no fields"),
        ({"form": "text", "fields": FIELDS}, r"this item takes none \('text'\)"),
        ({"form": "record", "fields": FIELDS + FIELDS[:1]}, "field 'law' is there twice"),
        (
            {"form": "record", "fields": (RecordField(name="x", definition="y", kind="choice"),)},
            "0 options; a choice has",
        ),
        ({"form": "spans"}, "0 options, but an item of form 'spans' needs at least 1"),
    ],
)
def test_an_item_that_asks_for_no_record_is_refused(wrong, message):
    with pytest.raises(InstrumentError, match=message):
        Item(id="x", text="What?", **wrong)


def test_an_item_without_fields_is_hashed_as_it_was():
    assert "fields" not in Item(id="x", text="What?", form="text").as_dict()
    assert RECORD.as_dict()["fields"][1]["kind"] == "number"
