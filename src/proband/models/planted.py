"""Scripted people: what each item is answered with under each condition, from a file."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

from proband.errors import EngineError
from proband.files import parsed, text_of
from proband.records import Trial

Told = tuple[frozenset[tuple[str, str]], Any]


def planted(file: str = "") -> Callable[[Trial], Any]:
    """Answer each item as stated for its condition, so that a study's effects are known beforehand.

    Parameters
    ----------
    file : str
        TOML file with a table for each item. Its keys say when they hold, e.g. ``"frame=gain, party=1"`` (levels of
        factors, and facts of the trial), or are empty; of those that hold, the one that says most counts. Its values
        are probabilities of the options in the order written, ``{mean = 20.0, sd = 5.0}`` for a number, or an answer as
        it stands (a text, a list).
    """
    if not file:
        raise EngineError("rule 'planted' needs a file; write scripted:planted?file=people.toml")
    text = text_of(Path(file), what="file of planted answers", error=EngineError)
    table = {item: _read(item, rows, file) for item, rows in parsed(text, file, error=EngineError).items()}

    def rule(trial: Trial) -> Any:
        rows = table.get(trial.place.item)
        if rows is None:
            raise EngineError(f"{file}: no table for item {trial.place.item!r}; there are {', '.join(table)}")
        holds = {*trial.facts, *trial.place.condition}
        fitting = [row for row in rows if row[0] <= holds]
        if not fitting:
            raise EngineError(f'{trial.id}: {file} says nothing for this condition; add a row "" = ...')
        return max(fitting, key=lambda row: len(row[0]))[1]

    rule.__dict__["states"] = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return rule


def _read(item: str, rows: Any, file: str) -> list[Told]:
    if not isinstance(rows, Mapping):
        raise EngineError(f'{file}: {item} is {rows!r}; write a table [{item}] with rows such as "" = [0.6, 0.4]')
    found: list[Told] = []
    for key, value in rows.items():
        settings = [part.partition("=") for part in key.split(",") if part.strip()]
        if not all(equals for _, equals, _ in settings):
            raise EngineError(f"{file}: {item}: {key!r} is no condition; write level=value, separated by commas")
        when = frozenset((name.strip(), level.strip()) for name, _, level in settings)
        if isinstance(value, Mapping):
            if set(value) != {"mean", "sd"} or not value["sd"] > 0:
                raise EngineError(f"{file}: {item}: {dict(value)} is no distribution; write {{mean = 20.0, sd = 5.0}}")
            value = NormalDist(value["mean"], value["sd"])
        found.append((when, value))
    return found
