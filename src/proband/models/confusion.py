"""Scripted coders: how often each true code is given as which, and how often coders err together."""

import hashlib
import math
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from proband.errors import EngineError, meant
from proband.files import parsed, text_of
from proband.models.codes import place_of, read_codes
from proband.records import Trial
from proband.seeds import uniform_for


def confusion(file: str = "", *, shared: float = 0.0, seed: float = 0) -> Callable[[Trial], Any]:
    """Code each document from the truth, with errors that are known beforehand.

    A coder gives a document the same code whatever the order of the options and the wording; two coders draw apart,
    by their names.

    Parameters
    ----------
    file : str
        TOML file. ``truth`` names a table with columns document, item and code, beside it; and for every item a table
        of its codes has the shares with which a document of that code is given each: ``economic = { economic = 0.8,
        social = 0.2 }``.
    shared : float
        Share of documents on which all coders take the same draw: of coders with one table, the correlation of errors.
    seed : float
        Seed of the draws, a whole number.
    """
    if not file or not 0 <= shared <= 1 or seed != int(seed):
        raise EngineError(
            f"rule 'confusion': file {file!r}, shared {shared}, seed {seed}; write scripted:confusion?file=coder.toml, "
            "with a share from 0 to 1 and a whole seed"
        )
    path, seed = Path(file), int(seed)
    text = text_of(path, what="file of a scripted coder", error=EngineError)
    data = parsed(text, file, error=EngineError)
    if not isinstance(data.get("truth"), str):
        raise EngineError(f'{file}: no truth; write truth = "truth.csv", a table with columns document, item, code')
    rows = read_codes(path.parent / data.pop("truth"))
    tables = {item: _shares(item, table, file) for item, table in data.items()}
    truth: dict[tuple[str, str], str] = {}
    for row in rows:
        if truth.setdefault((row.document, row.item), row.code) != row.code:
            raise EngineError(f"{file}: document {row.document!r} has two true codes on item {row.item!r}")

    def rule(trial: Trial) -> int:
        document, item = trial.place.subject, trial.place.item
        code = truth.get((document, item))
        row = tables.get(item, {}).get(code or "")
        if code is None or row is None:
            what = f"truth of document {document!r}" if code is None else f"row for code {code!r}"
            raise EngineError(f"{file}: no {what} on item {item!r}; add it")
        is_shared = uniform_for(seed, "confusion", "shared", document, item) < shared
        who = () if is_shared else ("alone", trial.answerer, trial.place.replicate)
        u = uniform_for(seed, "confusion", document, item, *who)
        ends = accumulate(row.values())
        # Shares that sum to a rounding less than 1 leave the last code for what is above.
        given = next((code for code, end in zip(row, ends, strict=True) if u < end), [*row][-1])
        return place_of(given, trial, file)

    states = [text, sorted(truth.items()), shared, seed]
    rule.__dict__["states"] = hashlib.blake2b(repr(states).encode(), digest_size=16).hexdigest()
    rule.__dict__["by_subject"] = True
    return rule


def _shares(item: str, table: Any, file: str) -> Mapping[str, Mapping[str, float]]:
    if not isinstance(table, Mapping) or not all(isinstance(row, Mapping) for row in table.values()):
        raise EngineError(
            f"{file}: {item} must be a table with a row for each code, e.g. yes = {{ yes = 0.9, no = 0.1 }}"
        )
    given = {code: dict.fromkeys(row) for code, row in table.items()}
    for code, row in table.items():
        if strange := [name for name in given[code] if name not in table]:
            raise EngineError(f"{file}: {item}.{code} gives {strange[0]!r}{meant(strange[0], table)}, which has no row")
        shares = list(row.values())
        if not all(type(s) in (int, float) and s >= 0 for s in shares) or not math.isclose(
            sum(shares), 1, abs_tol=1e-6
        ):
            raise EngineError(f"{file}: {item}.{code} is {dict(row)}; its shares must be at least 0 and sum to 1")
    return {code: {name: float(share) for name, share in row.items() if share} for code, row in table.items()}
