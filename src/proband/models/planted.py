"""Scripted people: what each item is answered with under each condition, from a file."""

import hashlib
import math
from bisect import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import NormalDist
from typing import Any

from proband.errors import EngineError
from proband.files import parsed, text_of
from proband.records import Trial
from proband.seeds import uniform_for

Told = tuple[frozenset[tuple[str, str]], Any]


@dataclass(frozen=True)
class _Adds:
    """What a condition adds to the probability of the first of two options, whatever else holds."""

    by: float


def planted(file: str = "") -> Callable[[Trial], Any]:
    """Answer each item as stated for its condition, so that a study's effects are known beforehand.

    Parameters
    ----------
    file : str
        TOML file with a table for each item. Its keys say when they hold, e.g. ``"frame=gain, party=1"`` (levels of
        factors, and facts of the trial), or are empty; of those that hold, the one that says most counts. Its values
        are probabilities of the options in the order written, ``{mean = 20.0, sd = 5.0}`` for a number, or
        ``{values = [0, 50], shares = [0.4, 0.6]}``, or an answer as it stands (a text, a list). ``{adds = 0.1}`` adds
        to the probability of the first of two options wherever its key holds, on top of what else is said.
    """
    if not file:
        raise EngineError("rule 'planted' needs a file; write scripted:planted?file=people.toml")
    text = text_of(Path(file), what="file of planted answers", error=EngineError)
    read = {item: _read(item, rows, file) for item, rows in parsed(text, file, error=EngineError).items()}
    table = {item: [(when, said) for when, said in rows if not isinstance(said, _Adds)] for item, rows in read.items()}
    adding = {item: [(when, said.by) for when, said in rows if isinstance(said, _Adds)] for item, rows in read.items()}

    def rule(trial: Trial) -> Any:
        rows = table.get(trial.place.item)
        if rows is None:
            raise EngineError(f"{file}: no table for item {trial.place.item!r}; there are {', '.join(table)}")
        holds = {*trial.facts, *trial.place.condition}
        fitting = [row for row in rows if row[0] <= holds]
        if not fitting:
            raise EngineError(f'{trial.id}: {file} says nothing for this condition; add a row "" = ...')
        said = max(fitting, key=lambda row: len(row[0]))[1]
        if added := sum(by for when, by in adding.get(trial.place.item, ()) if when <= holds):
            first, second = said
            return [first + added, second - added]
        return said(uniform_for(0, "planted", trial.id)) if callable(said) else said

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
        found.append((when, _distribution(value, f"{file}: {item}") if isinstance(value, Mapping) else value))
    return found


def _distribution(value: Mapping[str, Any], where: str) -> Any:
    """A normal distribution, or what takes a number of 0 to 1 to one of several values."""
    if set(value) == {"adds"}:
        return _Adds(value["adds"])
    if set(value) == {"mean", "sd"} and value["sd"] > 0:
        return NormalDist(value["mean"], value["sd"])
    if set(value) == {"values", "shares"} and len(value["values"]) == len(value["shares"]):
        values, shares = value["values"], value["shares"]
        if min(shares) >= 0 and math.isclose(sum(shares), 1.0, abs_tol=1e-6):
            ends = list(accumulate(shares))[:-1]
            return lambda u: values[bisect(ends, u)]
    raise EngineError(
        f"{where}: {dict(value)} is no distribution; write {{mean = 20.0, sd = 5.0}}, or "
        "{values = [0, 50], shares = [0.4, 0.6]} with shares that sum to 1"
    )
