"""Batteries that are studies of another kind: a game or a society, made from the table of its study file."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from proband.batteries.asked import noted
from proband.batteries.battery import BATTERIES, Setting
from proband.designs.design import Design
from proband.designs.kind import KINDS, Shared
from proband.errors import DesignError
from proband.files import checked

Tables = Callable[[Setting], Mapping[str, Any]]


def of_kind(name: str, kind: str, tables: Tables) -> Callable[[Setting], Design]:
    """The design of a battery that is carried out as a study of a kind.

    Parameters
    ----------
    name : str
        Of the battery.
    kind : str
        E.g. ``game``; the table of a study file.
    tables : callable
        That table for a setting; a key of it may be named as a table beside it is (``arm``).

    Returns
    -------
    callable
        Makes the design of a setting, whose manifest says which battery it is; analyses are those of its kind.
    """

    def design(setting: Setting) -> Design:
        battery = BATTERIES.load(name)
        found, keys = KINDS.load(kind), tables(setting)
        beside = {key: value for key, value in keys.items() if key in found.beside}
        own = {key: value for key, value in keys.items() if key not in beside}
        study = {"title": battery.title, "seed": setting.seed, kind: own, **beside}
        shared = Shared(title=battery.title, seed=setting.seed, where=f"battery {name}", data=study)
        made = found.make(shared, checked(found.keys, keys, shared.where, error=DesignError, at=kind))
        # As games and societies have it; a battery is told from its manifest, so none is left unsaid.
        if not is_dataclass(made) or "noted" not in {field.name for field in fields(made)}:
            raise DesignError(f"battery {name!r}: a study of the kind {kind!r} cannot say which battery it is")
        return replace(made, noted=noted(battery, setting))

    return design
