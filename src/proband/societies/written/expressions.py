"""Expressions over the table of agents, in SQL: who is asked, what a rule sets, when something happens.

They are read by polars, and only by it: no function beyond those named here, no column beyond those of the world.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError, meant

if TYPE_CHECKING:
    import polars as pl

FUNCTIONS = (
    *("ABS", "CEIL", "FLOOR", "ROUND", "SIGN", "SQRT", "EXP", "LN", "LOG", "POW", "POWER", "MOD", "GREATEST", "LEAST"),
    *("COALESCE", "NULLIF", "IF", "AVG", "SUM", "MIN", "MAX", "COUNT", "MEDIAN", "STDDEV", "VARIANCE"),
)
_WORDS = frozenset({*FUNCTIONS, "IN", "AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "CASE", "BETWEEN"})
_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_TEXT = re.compile(r"'(?:[^']|'')*'")
Floats = NDArray[np.float64]
Column = Callable[[str], Any]  # values of a column, by its name


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression that was checked, and the columns that it reads."""

    text: str
    where: str
    reads: tuple[str, ...]
    read: "pl.Expr" = field(compare=False, repr=False)  # its repr has an address, and the text says as much


def formula(text: str, columns: Mapping[str, bool], where: str) -> Formula:
    """An expression, every name in it known.

    Parameters
    ----------
    text : str
        SQL, e.g. ``CASE WHEN near_mean_stand > 0.6 THEN 2 ELSE stand END``.
    columns : mapping of str to bool
        What it may read, and whether that is a text.
    where : str
        Table and key it stands in, for messages.

    Raises
    ------
    DesignError
        If it is no expression, or names a column or function that is not there.
    """
    import polars as pl

    known = list(columns)
    bare = _TEXT.sub("''", text)
    for name in _CALL.findall(bare):
        if name.upper() not in _WORDS:
            raise DesignError(
                f"{where}: {text!r} calls {name!r}, which is no function here{meant(name.upper(), FUNCTIONS)}; there "
                f"are {', '.join(FUNCTIONS)}"
            )
    try:
        read = pl.sql_expr(text)
        reads = tuple(dict.fromkeys(read.meta.root_names()))
    except pl.exceptions.PolarsError as failure:
        raise DesignError(f"{where}: {text!r} is no expression ({failure}); write SQL, e.g. stand > 1") from None
    for name in reads:
        if name in known:
            continue
        if name.startswith("next_") and name.removeprefix("next_") in known:
            raise DesignError(
                f"{where}: {text!r} reads {name!r}, a value of the next round, which is not there yet; read "
                f"{name.removeprefix('next_')!r}, or last_{name.removeprefix('next_')}"
            )
        if name.startswith(("near_", "same_")) and not any(column.startswith("near_") for column in known):
            raise DesignError(f"{where}: {text!r} reads {name!r}, and nobody has neighbours; add [network]")
        raise DesignError(
            f"{where}: {text!r} reads {name!r}, which is not there{meant(name, known)}; there are {', '.join(known)}"
        )
    if not _gives_numbers(read, {name: columns[name] for name in reads}):
        raise DesignError(f"{where}: {text!r} gives neither numbers nor truth values; write e.g. stand > 1")
    return Formula(text, where, reads, read)


def _gives_numbers(read: "pl.Expr", reads: Mapping[str, bool]) -> bool:
    """Whether an expression can be computed at all, of a table with two rows."""
    import polars as pl

    table = {name: pl.Series(["a", "b"] if is_text else [1.0, 0.0]) for name, is_text in reads.items()}
    try:
        found = pl.DataFrame(table or {"_": [0.0, 0.0]}).select(read.alias("_"))["_"]
    except pl.exceptions.PolarsError:
        return False
    return bool(found.dtype.is_numeric() or found.dtype == pl.Boolean or found.dtype == pl.Null)


def values_of(made: Formula, column: Column, n: int) -> Floats:
    """What an expression gives, one number an agent; NaN where it gives nothing."""
    import polars as pl

    series = {}
    for name in made.reads:
        told = pl.Series(name, column(name))
        series[name] = told.fill_nan(None) if told.dtype.is_float() else told
    table = pl.DataFrame(series) if series else pl.DataFrame({"_": np.zeros(n)})
    found = table.select(made.read.alias("_"))["_"].cast(pl.Float64).to_numpy()
    if len(found) == n:
        return np.array(found, float)
    if len(found) != 1:
        raise DesignError(f"{made.where}: {made.text!r} gives {len(found)} values for {n} agents")
    return np.full(n, found[0], float)


def number_of(made: Formula, column: Column, n: int) -> float:
    """The one number that an expression gives for the world as a whole; NaN where it gives nothing."""
    found = values_of(made, column, n)
    if n and not (np.all(found == found[0]) or np.isnan(found).all()):
        raise DesignError(f"{made.where}: {made.text!r} differs between agents; write one number, e.g. AVG(...)")
    return float(found[0]) if n else float("nan")


def holds(made: Formula | None, column: Column, n: int) -> NDArray[np.bool_]:
    """For whom an expression holds; for everybody where there is none."""
    if made is None:
        return np.ones(n, bool)
    found = values_of(made, column, n)
    return np.asarray((found != 0) & ~np.isnan(found))
