"""A world by tables as a scenario: what `[society]` without `use` stands for, and how an arm changes it."""

from collections.abc import Mapping
from typing import Any

from proband.designs.kind import Shared
from proband.errors import DesignError, meant
from proband.societies.scenario import Scenario
from proband.societies.written import cells
from proband.societies.written.making import parts_of
from proband.societies.written.tables import EventTable, WrittenKeys
from proband.societies.written.world import Written

_MOST_TRIED = 100_000  # of more agents, a society begins with the run and not before
_BY_NAME = {"turn": "item", "rule": "name", "event": "name", "variable": "name", "place": "name", "stock": "name"}
_OF_EVENT = tuple(name for name in EventTable.model_fields if name not in ("name", "at"))


def make(shared: Shared, keys: WrittenKeys) -> Written:
    """The world of checked keys."""
    world = Written(parts_of(keys, shared.population, shared.folder, shared.where), shared.seed)
    if keys.scale.ask == "cells" or keys.scale.core:
        cells.check(world.parts, world.people_of, shared.where)
    if (keys.agents or len(shared.population or ())) <= _MOST_TRIED:
        _tried(world, shared.where)
    return world


def _tried(world: Written, where: str) -> None:
    """Begin a society, so that ties, stocks and first values which cannot be are refused now."""
    try:
        world.begin(0)
    except DesignError as error:
        raise error if str(error).startswith(where) else DesignError(*error.args, where=where) from None


def changed(own: Mapping[str, Any], by: Mapping[str, Any], name: str, from_round: int) -> dict[str, Any]:
    """The keys of a world with what an arm changes.

    What an event may say (``message``, ``policy``, ``to`` ...) is an event of the arm, in its first round. Tables are
    changed key by key, entries of lists by their name; entries of a new name are added, and `without` leaves some out.
    """
    keys: dict[str, Any] = {**own}
    event = {key: by[key] for key in _OF_EVENT if key in by}
    leaves = [str(left) for left in by.get("without", ())]
    for key, value in by.items():
        if key in event or key == "without":
            continue
        if isinstance(value, Mapping):
            keys[key] = {**keys.get(key, {}), **value}
        elif isinstance(value, list) and key in _BY_NAME:
            keys[key] = _merged(keys.get(key, []), value, _BY_NAME[key])
        else:
            keys[key] = value
    for key, id in _BY_NAME.items():
        if leaves and isinstance(keys.get(key), list):
            known = [str(entry.get(id)) for entry in keys[key]]
            keys[key] = [entry for entry in keys[key] if str(entry.get(id)) not in leaves]
            leaves = [left for left in leaves if left not in known]
    if leaves:
        known = [str(entry.get(id)) for key, id in _BY_NAME.items() for entry in own.get(key, ())]
        raise DesignError(f"[[arm]] {name!r}: without names {leaves[0]!r}, which is not there{meant(leaves[0], known)}")
    if event:
        when = {} if {"when", "time"} & event.keys() else {"at": from_round}
        keys["event"] = [*keys.get("event", []), {"name": name, **event, **when}]
    return keys


def _merged(old: list[Any], new: list[Any], id: str) -> list[Any]:
    """Entries of a list, those of one name changed key by key."""
    changes = {entry.get(id): entry for entry in new}
    there = [entry.get(id) for entry in old]
    kept = [{**entry, **changes.get(entry.get(id), {})} if entry.get(id) else entry for entry in old]
    return kept + [entry for entry in new if not entry.get(id) or entry.get(id) not in there]


WRITTEN = Scenario(
    name="",
    about="a world by the tables of its study file",
    keys=WrittenKeys,
    make=make,
    takes_people=True,
    changed=changed,
)
