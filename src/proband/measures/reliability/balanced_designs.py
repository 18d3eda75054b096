"""Balanced random-effects designs: effects, mean squares, and how components follow from them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.arrays import Floats, Ints

Effect = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class BalancedDesign:
    """Factors of a table with one score in every cell."""

    factors: tuple[str, ...]  # objects of measurement first, then facets; the axes of the table
    nested_in: Mapping[str, str]  # facet to the facet it is nested in
    sizes: tuple[int, ...]  # levels of each factor; of a nested one, within each level of the other

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every main effect and interaction; a nested factor never stands without what it is nested in."""
        found = [
            frozenset(chosen) for size in range(1, len(self.factors) + 1) for chosen in combinations(self.factors, size)
        ]
        return tuple(e for e in found if all(self.nested_in.get(f, f) in e for f in e))

    def name(self, effect: Effect) -> str:
        """E.g. ``subject x item`` or ``subject x rater:task``."""
        nests = {self.nested_in[f] for f in effect if f in self.nested_in}
        parts = [f for f in self.factors if f in effect and f not in nests]
        return " x ".join(f"{f}:{self.nested_in[f]}" if f in self.nested_in else f for f in parts)

    def df(self, effect: Effect) -> int:
        """Degrees of freedom."""
        # A nested factor loses a degree of freedom within each level of its nest; the nest itself loses none.
        nests = {self.nested_in[f] for f in effect if f in self.nested_in}
        return math.prod(n if f in nests else n - 1 for f, n in self._sized(effect))

    def replication(self, effect: Effect) -> int:
        """Scores behind each level of an effect."""
        return math.prod(self.sizes) // math.prod(n for _, n in self._sized(effect))

    def _sized(self, effect: Effect) -> list[tuple[str, int]]:
        return [(f, n) for f, n in zip(self.factors, self.sizes, strict=True) if f in effect]

    def mean_squares(self, table: Floats) -> Floats:
        """Mean square of every effect, shape (n_effects,)."""
        dfs = [self.df(effect) for effect in self.effects]
        return np.array([own.sum() for own in self._squares(table)]) / dfs

    def mean_squares_without(self, table: Floats) -> tuple[Floats, list[int]]:
        """Mean squares without each object, shape (n_objects, n), and which of the effects they are: those of objects.

        Any other effect is of facets alone, and hardly changes with an object.
        """
        found, which, n = [], [], len(table)
        for j, (effect, own) in enumerate(zip(self.effects, self._squares(table), strict=True)):
            if self.factors[0] in effect:
                # An object takes n / (n - 1) of its squared deviation from a sum about the mean of all.
                left = np.maximum(own.sum() - n / (n - 1) * own.reshape(n, -1).sum(axis=1), 0.0)
                found.append(left / (self.df(effect) * max(n - 2, 1) / (n - 1)))
                which.append(j)
        return np.column_stack(found), which

    def _squares(self, table: Floats) -> list[Floats]:
        """Squared deviations of every effect, each times the scores behind it."""
        deviations: dict[Effect, Floats] = {frozenset(): table.mean(keepdims=True)}
        squares: list[Floats] = []
        for effect in self.effects:
            axes = tuple(i for i, f in enumerate(self.factors) if f not in effect)
            own = table.mean(axis=axes, keepdims=True)
            # Less what the effects within this one explain, or they would be counted again in its square.
            for smaller, part in deviations.items():
                if smaller < effect:
                    own = own - part
            deviations[effect] = own
            squares.append(self.replication(effect) * own**2)
        return squares

    def components_from_mean_squares(self) -> Floats:
        """Matrix that turns mean squares into variance components, shape (n_effects, n_effects).

        The expected mean square of an effect holds its own component and that of every effect that contains it, each
        times the scores behind a level of the latter.
        """
        effects = self.effects
        expected = [[self.replication(b) if a <= b else 0 for b in effects] for a in effects]
        return np.linalg.inv(np.array(expected, dtype=np.float64))


def arrange(
    objects: tuple[str, Sequence[object]], facets: Mapping[str, Sequence[object]], scores: Sequence[object]
) -> tuple[BalancedDesign, Floats]:
    """Design and table of a long frame.

    `objects`: name of the objects of measurement, and the object of every row. `facets`: "item", or "rater:task"
    where raters are nested in tasks, to the level of every row. `scores`: one number per row. Raises DesignError if a
    facet has a single level, or is nested in what is no facet. Raises DataError if a cell holds two scores or a score
    is no number. Raises MissingDataError if a score or a cell is missing.
    """
    name, who = objects
    nested_in = {f.split(":")[0].strip(): f.split(":")[1].strip() for f in facets if ":" in f}
    columns = {name: list(who)} | {f.split(":")[0].strip(): list(rows) for f, rows in facets.items()}
    for inner, outer in nested_in.items():
        if outer not in columns or outer == name or outer in nested_in:
            raise DesignError(f"{inner!r} is nested in {outer!r}, which is no crossed facet; name {outer!r} too")
    y = _numbers(scores)
    codes, sizes = [], []
    for factor, rows in columns.items():
        if missing := sum(level is None for level in rows):
            raise MissingDataError(f"{missing} rows have no {factor}; say where they belong, or leave them out")
        code, size = _codes(rows, columns[nested_in[factor]] if factor in nested_in else None, factor)
        if size < 2:
            what = (
                "a single object has no variance between objects, so no reliability; add objects, or report the "
                "measurement error from `retest`"
                if factor == name
                else "a facet needs 2 levels; leave it out"
            )
            raise DesignError(f"{factor!r} has one level: {what}")
        codes.append(code)
        sizes.append(size)
    table = np.full(sizes, math.nan)
    flat = np.ravel_multi_index(tuple(codes), tuple(sizes))
    if len(flat) != len(np.unique(flat)):
        raise DataError(
            f"{len(flat) - len(np.unique(flat))} cells of {' x '.join(columns)} hold more than one score; name the "
            "facet that tells them apart (e.g. replicate), or average them first"
        )
    table.ravel()[flat] = y
    if gaps := int(np.isnan(table).sum()):
        raise MissingDataError(
            f"{gaps} of {table.size} cells of {' x '.join(columns)} have no score; the analysis of variance needs "
            "all of them: leave out the subjects or items with gaps, and report which"
        )
    return BalancedDesign(factors=tuple(columns), nested_in=nested_in, sizes=tuple(sizes)), table


def _numbers(scores: Sequence[object]) -> Floats:
    try:
        y = np.asarray([math.nan if s is None else s for s in scores], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("scores must be numbers; name the column that holds scale points") from error
    if np.isinf(y).any():
        raise DataError("a score is infinite; check how it was read")
    return y


def _codes(rows: list[object], outer: list[object] | None, factor: str) -> tuple[Ints, int]:
    """Index of every row's level, counted within each level of `outer` where the factor is nested."""
    if outer is None:
        number = {level: k for k, level in enumerate(sorted(set(rows), key=repr))}
        return np.array([number[level] for level in rows], dtype=np.intp), len(number)
    within: dict[object, dict[object, int]] = {}
    for level, group in sorted(set(zip(rows, outer, strict=True)), key=repr):
        within.setdefault(group, {}).setdefault(level, len(within[group]))
    sizes = {len(levels) for levels in within.values()}
    if len(sizes) > 1:
        raise DesignError(f"{factor!r} has between {min(sizes)} and {max(sizes)} levels; balance them")
    return np.array([within[g][level] for level, g in zip(rows, outer, strict=True)], dtype=np.intp), sizes.pop()
