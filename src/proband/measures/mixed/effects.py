"""Which effects a table can tell apart: factors, their interactions, and columns that shift the mean."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from proband.errors import DataError, DesignError, MissingDataError, meant
from proband.measures.arrays import Floats, Ints
from proband.measures.columns import column
from proband.measures.reliability.tables import is_constant

# Fewest answers beyond one a level, and their share, with which an interaction is told from the rest.
_REPEATS, _REPEATED = 10, 0.02


@dataclass(frozen=True, kw_only=True)
class Effects:
    """Random effects of a table, and what shifts its mean.

    - `factors`, `names`: factors of each effect, and its name.
    - `codes`, `levels`: level of every answer, and how many there are, by effect.
    - `fixed`, `fixed_names`: columns of the mean, shape (n_answers, n_columns), the intercept first.
    - `scores`, `n_missing`: answers, and rows left out because they have none.
    - `sizes`: levels of each facet that an object met, by the median.
    - `skipped`: interactions that cannot be told apart, and why.
    """

    factors: tuple[frozenset[str], ...]
    names: tuple[str, ...]
    codes: tuple[Ints, ...]
    levels: tuple[int, ...]
    fixed: Floats
    fixed_names: tuple[str, ...]
    scores: Floats
    n_missing: int
    sizes: dict[str, float]
    skipped: tuple[str, ...]


def read(
    table: Any, factors: Sequence[str], scores: str, interactions: Sequence[str] | None, fixed: Sequence[str]
) -> Effects:
    """Effects of a table with one row an answer; the first factor is the objects."""
    if len(set(factors)) < len(factors):
        raise DesignError(f"a factor is named twice: {', '.join(factors)}")
    given = column(table, scores)
    there = np.array([value is not None for value in given], dtype=np.bool_)
    try:
        y = np.array([value for value in given if value is not None], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{scores!r} holds no numbers ({error}); name the column of scores") from error
    if not np.isfinite(y).all():
        raise DataError(f"a number in {scores!r} is infinite; check how it was read")
    if y.size < 3:
        raise DataError(f"{scores!r} holds {y.size} numbers; variances cannot be told from so few, ask more often")
    if is_constant(float(y.var()), y):
        raise DataError(f"{scores!r} holds {y.size} numbers that are all the same: there is no variance to share out")
    coded = {name: _coded(column(table, name), there, name) for name in factors}
    for name, (_, size) in coded.items():
        if size < 2:
            way = "a single object has no variance between objects" if name == factors[0] else "leave it out"
            raise DesignError(f"{name!r} has one level: {way}")
    found = {frozenset([name]): one for name, one in coded.items()}
    for a, b in combinations(factors, 2):
        if coded[a][1] == coded[b][1] == _crossed([coded[a][0], coded[b][0]])[1]:
            raise DesignError(f"{a!r} and {b!r} have the same levels under two names; leave one of them out")
    skipped = []
    wanted = [frozenset(pair) for pair in combinations(factors, 2)]
    if interactions is not None:
        wanted = [_parsed(text, factors) for text in interactions]
    for parts in wanted:
        codes, size = _crossed([coded[name][0] for name in factors if name in parts])
        name = _name(parts, factors)
        reason = ""
        if y.size - size < max(_REPEATS, _REPEATED * y.size):
            reason = f"{name} has a level for nearly every answer: it is in the rest"
        elif any(size == other and _crossed([codes, own])[1] == size for own, other in found.values()):
            reason = f"{name} has the levels of another effect: it is in that one"
        if reason and interactions is not None:
            raise DesignError(f"{reason}; leave it out of `interactions`, or ask every cell again")
        if reason:
            skipped.append(reason)
        else:
            found[parts] = codes, size
    x, x_names = _mean(table, fixed, there)
    objects = coded[factors[0]]
    return Effects(
        factors=tuple(found),
        names=tuple(_name(parts, factors) for parts in found),
        codes=tuple(codes for codes, _ in found.values()),
        levels=tuple(size for _, size in found.values()),
        fixed=x,
        fixed_names=x_names,
        scores=y,
        n_missing=int((~there).sum()),
        sizes={name: _met(objects, coded[name][0]) for name in factors[1:]},
        skipped=tuple(skipped),
    )


def _coded(values: list[Hashable], there: np.ndarray, name: str) -> tuple[Ints, int]:
    kept = [value for value, is_kept in zip(values, there, strict=True) if is_kept]
    if missing := sum(value is None for value in kept):
        raise MissingDataError(f"{missing} rows have no {name}; say where they belong, or leave them out")
    number = {level: k for k, level in enumerate(sorted(set(kept), key=repr))}
    return np.array([number[value] for value in kept], dtype=np.intp), len(number)


def _crossed(codes: Sequence[Ints]) -> tuple[Ints, int]:
    """Levels of a combination that occur, counted from 0."""
    joint = codes[0]
    for more in codes[1:]:
        joint = np.unique(joint * (int(more.max()) + 1) + more, return_inverse=True)[1]
    return joint, int(joint.max()) + 1


def _name(parts: frozenset[str], factors: Sequence[str]) -> str:
    return " x ".join(name for name in factors if name in parts)


def _parsed(text: str, factors: Sequence[str]) -> frozenset[str]:
    names = [part.strip() for part in text.replace(" x ", ":").split(":")]
    if unknown := [name for name in names if name not in factors]:
        raise DesignError(
            f"interaction {text!r}: {unknown[0]!r} is none of {', '.join(factors)}{meant(unknown[0], factors)}"
        )
    if len(set(names)) < 2:
        raise DesignError(f"interaction {text!r} has one factor; write e.g. '{factors[0]}:{factors[1]}'")
    return frozenset(names)


def _met(objects: tuple[Ints, int], facet: Ints) -> float:
    pairs, _ = _crossed([objects[0], facet])
    _, first = np.unique(pairs, return_index=True)
    return float(np.median(np.bincount(objects[0][first], minlength=objects[1])))


def _mean(table: Any, fixed: Sequence[str], there: np.ndarray) -> tuple[Floats, tuple[str, ...]]:
    columns, names = [np.ones(int(there.sum()))], ["intercept" if fixed else "mean"]
    for name in fixed:
        values = [value for value, is_kept in zip(column(table, name), there, strict=True) if is_kept]
        if missing := sum(value is None for value in values):
            raise MissingDataError(f"{missing} rows have no {name}; leave them out, and report how many")
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            columns.append(np.array(values, dtype=np.float64))
            names.append(name)
            continue
        for level in sorted(set(values), key=repr)[1:]:
            columns.append(np.array([value == level for value in values], dtype=np.float64))
            names.append(f"{name}: {level}")
    return np.column_stack(columns), tuple(names)
