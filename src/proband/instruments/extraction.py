"""Records and quotations taken from a document: how they are asked for, and how they are checked against its words."""

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from proband.instruments.items import Item
from proband.instruments.phrases import PLAIN_MARKS
from proband.records import RecordField, Reply

_FENCE = re.compile(r"^```\w*\s*|\s*```\s*$")
_TYPES: dict[str, dict[str, Any]] = {"text": {"type": "string"}, "number": {"type": "number"}}


class Unfound(ValueError):
    """Why a reply is no record or no list of quotations of its document."""

    def __init__(self, why: str, *, is_no_json: bool = False) -> None:
        super().__init__(why)
        self.is_no_json = is_no_json


def extraction_schema(item: Item) -> str:
    """JSON schema of a reply to an item of form record or spans, for engines that write under constraint.

    Examples
    --------
    >>> item = Item(id="q", text="Quote threats.", form="spans", options=("Threat",))
    >>> extraction_schema(item)[:60]
    '{"items":{"additionalProperties":false,"properties":{"code":'
    """
    if item.form == "spans":
        code = {"enum": list(item.options)}
        schema = {"type": "array", "items": _object({"code": code, "quote": {"type": "string"}})}
    else:
        schema = _object({field.name: _field_schema(field) for field in item.fields})
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _field_schema(field: RecordField) -> dict[str, Any]:
    value = {"enum": list(field.options)} if field.kind == "choice" else _TYPES[field.kind]
    found = _object({"value": value, "quote": {"type": "string"}}) if field.quoted else value
    return {"anyOf": [found, {"type": "null"}]}


def record_instruction(item: Item, absent: str = "Where the text does not say, write null.") -> str:
    """How a record is to be written, and in which words null is allowed."""
    lines = [f"- {field.name}: {field.definition}{_kind_told(field)}" for field in item.fields]
    quoted = [field.name for field in item.fields if field.quoted]
    how = "Reply with one JSON object with these keys, and nothing else:\n" + "\n".join(lines)
    if quoted:
        which = "The value of a key" if len(quoted) == len(item.fields) else f"The value of {', '.join(quoted)}"
        how += (
            f"\n{which} is itself an object with the keys value and quote; the quote is the passage that says so, "
            "copied word for word."
        )
    return f"{how}\n{absent}"


def _kind_told(field: RecordField) -> str:
    if field.kind == "choice":
        return f" (one of: {'; '.join(field.options)})"
    return " (a number)" if field.kind == "number" else ""


def record_in(text: str, reply: Reply) -> str:
    """The record that a reply is, as JSON text with its keys in their order, and each quotation with its place.

    Raises
    ------
    Unfound
        If the reply is no JSON object of these fields, or a quotation does not stand in the document.
    """
    found = json_in(text, dict)
    if strange := found.keys() ^ {field.name for field in reply.fields}:
        which = "is no field" if strange & found.keys() else "is missing"
        raise Unfound(
            f"{sorted(strange)[0]!r} {which}; the fields are {', '.join(field.name for field in reply.fields)}"
        )
    record = {field.name: _field(field, found[field.name], reply.source) for field in reply.fields}
    return json.dumps(record, ensure_ascii=False)


def _field(field: RecordField, found: Any, source: str) -> Any:
    if found is None:
        return None
    if not field.quoted:
        return _value(field, found)
    if not isinstance(found, dict) or found.keys() != {"value", "quote"}:
        raise Unfound(f"field {field.name!r} is {_short(found)}, not an object with value and quote")
    return {"value": _value(field, found["value"]), **located(found["quote"], source, f"field {field.name!r}")}


def _value(field: RecordField, value: Any) -> Any:
    if field.kind == "choice":
        folded = {_folded(option): option for option in field.options}
        if not isinstance(value, str) or _folded(value) not in folded:
            raise Unfound(f"field {field.name!r}: {_short(value)} is none of {'; '.join(field.options)}")
        return folded[_folded(value)]
    kinds: Any = (int, float) if field.kind == "number" else str
    if not isinstance(value, kinds) or isinstance(value, bool) or value != value or (value == "" or value == "null"):
        raise Unfound(f"field {field.name!r}: {_short(value)} is no {field.kind}")
    return value


def spans_in(text: str, reply: Reply) -> str:
    """The quotations that a reply gives, as JSON text: a list of code, quote, start and end, in the order of the text.

    Raises
    ------
    Unfound
        If the reply is no JSON list of quotations, names another code, or quotes what does not stand in the document.
    """
    folded = {_folded(option): option for option in reply.options}
    spans: list[dict[str, Any]] = []
    for entry in json_in(text, list):
        if not isinstance(entry, dict) or entry.keys() != {"code", "quote"}:
            raise Unfound(f"{_short(entry)} is no object with code and quote")
        if not isinstance(entry["code"], str) or _folded(entry["code"]) not in folded:
            raise Unfound(f"code {_short(entry['code'])} is none of {'; '.join(reply.options)}")
        code = folded[_folded(entry["code"])]
        spans.append({"code": code, **located(entry["quote"], reply.source, f"code {code!r}")})
    distinct = {(span["start"], span["end"], span["code"]): span for span in spans}
    return json.dumps([distinct[key] for key in sorted(distinct)], ensure_ascii=False)


def located(quote: Any, source: str, what: str = "the quotation") -> dict[str, Any]:
    """A quotation in the document's own characters, and where it stands: from `start` up to `end`.

    Both are compared without regard to case, kinds of quotation marks, dashes and blanks, marks without width, and
    compatibility forms (NFKD); everything else must be there, in its order and without a gap. Marks of quotation and
    blanks around the quotation are no part of it.

    Raises
    ------
    Unfound
        If it is empty, no text, or not in the document.

    Examples
    --------
    >>> located('"we will  cut taxes"', "Listen: We will cut taxes.")
    {'quote': 'We will cut taxes', 'start': 8, 'end': 25}
    """
    if not isinstance(quote, str):
        raise Unfound(f"{what}: {_short(quote)} is no quotation")
    wanted = "".join(c for c, _ in _folded_characters(quote)).strip(" \"'")
    if not any(map(str.isalnum, wanted)):
        raise Unfound(f"{what}: the quotation {_short(quote)} has no words")
    folded, places = _document(source)
    start = folded.find(wanted)
    if start < 0:
        raise Unfound(f"{what}: the quotation {_short(quote)} does not stand in the document")
    first, last = places[start], places[start + len(wanted) - 1]
    return {"quote": source[first : last + 1], "start": first, "end": last + 1}


@lru_cache(8)  # the questions on one document come one after another
def _document(source: str) -> tuple[str, Sequence[int]]:
    characters = _folded_characters(source)
    return "".join(c for c, _ in characters), [place for _, place in characters]


def _folded_characters(text: str) -> list[tuple[str, int]]:
    """Characters as they are compared, each with the place of the one it comes from; blanks run together."""
    found: list[tuple[str, int]] = []
    for place, character in enumerate(text):
        if character.isascii():
            plain = character.lower()
        else:
            plain = unicodedata.normalize("NFKD", character).translate(PLAIN_MARKS).casefold()
        for c in plain:
            if not c.isspace():
                found.append((c, place))
            elif found and found[-1][0] != " ":
                found.append((" ", place))
    return found


def _folded(text: str) -> str:
    return "".join(c for c, _ in _folded_characters(text)).strip(" .\"'")


def json_in(text: str, kind: type[Any]) -> Any:
    """The JSON value of a reply, which may stand in a fence or among words as long as there is only one."""
    opening = "{" if kind is dict else "["
    text = _FENCE.sub("", text.strip())
    place, what = text.find(opening), "object" if kind is dict else "list"
    try:
        if place < 0:
            raise ValueError("there is none")
        found, end = json.JSONDecoder(parse_constant=_no_constant).raw_decode(text[place:])
    except (ValueError, RecursionError) as error:
        raise Unfound(f"no JSON {what} in the reply ({error})", is_no_json=place < 0) from None
    if opening in text[place + end :]:
        raise Unfound(f"more than one JSON {what} in the reply")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
