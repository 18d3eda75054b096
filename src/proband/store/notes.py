"""What a run notes of itself, and the one reader of it: a note that is no JSON, or of another type, is damage."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from proband.errors import DamagedRun, DesignError, InstrumentError
from proband.instruments.items import Item, Rule
from proband.records import RecordField
from proband.roster import Roster
from proband.store.rosters import roster_before, roster_from

DIGEST = "digest:"  # before the name of a note: the key under which the digest of its text stands
TEXTS = frozenset({"name", "kind", "engine", "reader", "started"})  # noted as they are; all others are JSON
ROSTER = ("roster", "weights", "traits")
EXPORTED = frozenset({"items", *ROSTER})  # what the table of responses is made with


class _Open(BaseModel, extra="allow"):
    """Names what the house reads; a design may note more."""


class _Design(_Open):
    design: str = ""
    title: str | None = None
    settings: dict[str, Any] | None = None
    factors: dict[str, dict[str, Any] | list[Any]] | None = None
    varied: list[str] | None = None
    prompts: dict[str, dict[str, Any]] | None = None
    seed: int | None = None


class _Column(BaseModel):
    levels: list[int | float | str]
    codes: list[int | None]


class _Roster(_Open):
    subject: list[str]
    unit: list[str]
    role: list[str]
    arm: list[str]
    weight: list[float]
    traits: dict[str, _Column]


class _Traits(BaseModel):
    subjects: list[str]
    columns: dict[str, _Column]


class _State(BaseModel):
    state: Literal["complete", "unfinished", "waiting", "stalled"] = "unfinished"
    stalled: dict[str, str] = {}


class _Tally(_Open):
    total: int
    done: int
    dispositions: dict[str, int]


class _Parent(_Open):
    run: str
    through_round: int
    keep_past: bool = True


class _Plan(_Open):
    hash: str = ""
    made: str = ""
    trials: int = 0


class _Lock(BaseModel):
    lock: _Plan
    ran: _Plan
    answers_before: int


class _Manifest(_Open):
    name: str | None
    engine: dict[str, str]
    kind: str = ""
    design: _Design | None = None
    seed: int | None = None
    fingerprint: dict[str, dict[str, str]] = {}
    dispositions: dict[str, int] = {}


_SHAPES: Mapping[str, Any] = {
    "seed": int,
    "addresses": dict[str, str],
    "item_hashes": dict[str, str],
    "fingerprint": dict[str, str],
    "earlier": dict[str, list[str]],
    "weights": dict[str, float],
    "dollars": float,
    "items": list[Item],
    "traits": _Traits,
    "roster": _Roster,
    "design": _Design,
    "state": _State,
    "tally": _Tally,
    "parent": _Parent,
    "lock": _Lock,
    "study": dict[str, Any],
    "saved": dict[str, str | list[str]],
    "forgotten": list[str],
    "closed": dict[str, str | int | float],
    "manifest.json": _Manifest,
}


@lru_cache
def _shape(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_SHAPES[name])


def read_note(key: str, text: object) -> Any:
    """What a note says: its text, or what its JSON holds.

    Raises
    ------
    DamagedRun
        If it is no text, no JSON, or of another type than this note has; the note is named.
    """
    what = key if key == "manifest.json" else f"the note {key!r}"
    if not isinstance(text, str):
        raise DamagedRun(f"{what} is no text")
    name = key.partition(":")[0]
    if name not in _SHAPES:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedRun(f"{what} is no JSON ({error})") from None
    try:
        _shape(name).validate_json(text, strict=True)
        if name == "items":
            items_of(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][:4]))
        raise DamagedRun(f"{what} is of another type than it had ({where and f'{where}: '}{first['msg']})") from None
    except (InstrumentError, TypeError) as error:  # a key that items do not have
        raise DamagedRun(f"{what} holds what is no item ({error})") from None
    return value


def digest_of(text: str) -> str:
    """A few digits by which a note is seen to be what was noted."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def items_of(noted: list[dict[str, Any]]) -> dict[str, Item]:
    """The items of the note ``items``, by id."""
    return {entry["id"]: _item(entry) for entry in noted}


def _item(entry: Mapping[str, Any]) -> Item:
    """The item that `dataclasses.asdict` wrote to JSON."""
    kept: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    rule = kept.pop("ask_if", None)
    fields = tuple(RecordField(**field | {"options": tuple(field["options"])}) for field in kept.pop("fields", ()))
    return Item(**kept, fields=fields, ask_if=Rule(item=rule["item"], options=tuple(rule["options"])) if rule else None)


def roster_of(notes: Mapping[str, str | None], subjects: Iterable[str]) -> Roster:
    """The roster of the note ``roster``; of a run from before there were any, of its weights, traits and places."""
    roster, weights, traits = (notes.get(key) for key in ROSTER)
    for key, text in zip(ROSTER, (roster, weights, traits), strict=True):
        if text is not None:
            read_note(key, text)
    try:
        return roster_before(subjects, weights, traits) if roster is None else roster_from(roster)
    except (ValueError, IndexError, DesignError) as error:
        raise DamagedRun(f"the note {'roster' if roster else 'traits'!r} contradicts itself ({error})") from None
