"""Raking to known margins, and what unequal weights cost."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError, MissingDataError

Code = int | float | str  # how a survey writes an answer
Floats = NDArray[np.float64]
Levels = NDArray[np.int64]

LARGEST_WEIGHT = 5.0  # times the mean; DeBell & Krosnick (2009) cap the ANES weights there
LARGEST_DESIGN_EFFECT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RakedWeights:
    """Weights that meet given margins.

    - `weights` (n_rows,): same total as the weights that went in; all positive where those were.
    - `n_iterations`: passes over all margins.
    - `largest_gap`, `kish_n_eff`: largest difference between a weighted share and its target, as a share; Kish's
      effective sample size, in rows.
    - `design_effect`: n_rows / kish_n_eff, at least 1.
    - `warnings`: what makes the weights doubtful.
    """

    weights: Floats
    n_iterations: int
    largest_gap: float
    kish_n_eff: float
    design_effect: float
    warnings: tuple[str, ...] = ()


def check_weights(weights: ArrayLike, where: str) -> Floats:
    """Weights as floats, or a `DataError` if any is negative or not finite, or all are zero.

    `weights` (n,): anything numeric. `where`: what to call them in the message, e.g.
    ``column 'weight' of people.csv``.
    """
    try:
        w = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: weights must be numbers ({error})") from None
    if w.ndim != 1 or not w.size:
        raise DataError(f"{where}: found weights of shape {w.shape}; give one weight per row")
    for bad, what, way_out in (
        (~np.isfinite(w), "not a finite number", "drop those rows or give them a weight"),
        (w < 0, "negative", "a weight says how many people a row stands for, so it is 0 or more"),
    ):
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            raise DataError(f"{where}: {int(bad.sum())} weights are {what}, first in row {k + 1} ({w[k]}); {way_out}")
    if not w.any():
        raise DataError(f"{where}: all weights are 0; choose another weight column, or none")
    return w


def kish_n_eff(weights: ArrayLike) -> float:
    """Effective sample size under unequal weights, (sum w)^2 / sum w^2.

    The number of equally weighted rows whose mean would have the same variance, if the weights are unrelated
    to what is measured.

    Parameters
    ----------
    weights : array_like, shape (n,)
        At least 0, not all 0; any scale.

    Returns
    -------
    float
        Rows, between 1 and n.

    References
    ----------
    Kish (1965), Survey Sampling, section 11.7. Wiley.

    Examples
    --------
    >>> kish_n_eff([1, 1, 2])
    2.6666666666666665
    """
    w = check_weights(weights, "kish_n_eff")
    w = w / w.max()  # the square of a very small or large weight would leave the floats
    return float(w.sum() ** 2 / (w**2).sum())


def rake(
    columns: Mapping[str, Sequence[Code]],
    margins: Mapping[str, Mapping[Code, float]],
    *,
    weights: ArrayLike | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 500,
    allow_unconverged: bool = False,
) -> RakedWeights:
    """Weights under which each column has the given shares (iterative proportional fitting).

    Intervals that treat the result as fixed weights leave out that the margins were met by force.

    Parameters
    ----------
    columns : mapping of str to sequence, each of shape (n_rows,)
        Levels of each column, row by row; those without margins are left alone.
    margins : mapping of str to mapping of level to float
        Target of every level of a column: shares that sum to 1, percentages, or counts of people.
    weights : array_like, shape (n_rows,), optional
        Where to start from, e.g. design weights; default all 1.
    tolerance : float
        Stop when no weighted share is further than this from its target.
    max_iterations : int
        Passes over all margins.
    allow_unconverged : bool
        Give the weights with a warning instead of an error when `max_iterations` did not suffice.

    Returns
    -------
    RakedWeights

    Raises
    ------
    DataError
        If a margin names a level that no (positively weighted) row has, or leaves out one that rows have; if
        shares are not positive or do not sum to 1, or counts of two margins are of populations of different
        sizes; if the margins cannot all be met.
    MissingDataError
        If a row has no level in a column that has margins.

    References
    ----------
    Deming & Stephan (1940), Annals of Mathematical Statistics 11, 427-444. doi:10.1214/aoms/1177731829

    Examples
    --------
    >>> raked = rake({"sex": ["f", "f", "f", "m"]}, {"sex": {"f": 0.5, "m": 0.5}})
    >>> raked.weights.round(4).tolist()
    [0.6667, 0.6667, 0.6667, 2.0]
    """
    coded, start, _ = read_margins(columns, margins, weights, "rake")
    w, gaps, n_iterations = _fit(coded, start, tolerance, max_iterations)
    worst = max(gaps, key=lambda name: gaps[name])
    said_of = doubts(w)
    if gaps[worst] > tolerance:
        said = (
            f"raking stopped after {n_iterations} passes with column {worst!r} still {gaps[worst]:.2g} from "
            f"its target (tolerance {tolerance:g})"
        )
        if not allow_unconverged:
            raise DataError(
                f"{said}; the margins may contradict each other where some combinations are empty: merge "
                "small levels, drop a margin, raise max_iterations, or set allow_unconverged"
            )
        said_of = (said, *said_of)
    n_eff = kish_n_eff(w)
    return RakedWeights(
        weights=w,
        n_iterations=n_iterations,
        largest_gap=gaps[worst],
        kish_n_eff=n_eff,
        design_effect=w.size / n_eff,
        warnings=said_of,
    )


def cells(coded: Mapping[str, tuple[Levels, Floats]], start: Floats) -> tuple[dict[str, Levels], Floats, Levels]:
    """Each cell's level in each column and its weight at the start, and the cell of each row.

    Rows with the same levels in all margin columns keep their ratio, so one factor does for all of them.
    """
    of_row = np.zeros(start.size, dtype=np.int64)
    first = np.zeros(1, dtype=np.int64)
    for row_levels, target in coded.values():
        code = of_row * target.size + row_levels
        n_codes = first.size * target.size
        if n_codes <= 4 * start.size:
            # Numbered by counting where there are few possible cells; sorting a million rows takes far longer.
            found = np.bincount(code, minlength=n_codes) > 0
            of_row, first = (np.cumsum(found) - 1)[code], np.flatnonzero(found)
        else:
            first, of_row = np.unique(code, return_inverse=True)
    last = np.empty(first.size, dtype=np.int64)
    last[of_row] = np.arange(start.size)
    levels = {name: row_levels[last] for name, (row_levels, _) in coded.items()}
    return levels, np.bincount(of_row, weights=start, minlength=first.size).astype(np.float64), of_row


def _fit(
    coded: Mapping[str, tuple[Levels, Floats]], start: Floats, tolerance: float, max_iterations: int
) -> tuple[Floats, dict[str, float], int]:
    """Weights, the gap left in each column, and the passes made."""
    total = start.sum()
    levels, held, of_row = cells(coded, start)
    w, gaps, n_iterations = held.copy(), dict.fromkeys(coded, math.inf), 0
    while max(gaps.values()) > tolerance and n_iterations < max_iterations:
        for name, (_, target) in coded.items():
            now = np.bincount(levels[name], weights=w, minlength=target.size)
            if not now.all():
                raise DataError(f"rake: a level of {name!r} was driven to 0; margins contradict each other, drop one")
            w *= (target * total / now)[levels[name]]
        gaps = {name: _gap(w, levels[name], target) for name, (_, target) in coded.items()}
        n_iterations += 1
    # Cells of rows that all weigh nothing keep weighing nothing.
    factor = np.divide(w, held, out=np.zeros_like(w), where=held > 0)
    return start * factor[of_row], gaps, n_iterations


def read_margins(
    columns: Mapping[str, Sequence[Code]],
    margins: Mapping[str, Mapping[Code, float]],
    weights: ArrayLike | None,
    who: str,
    *,
    numbers: Sequence[str] = (),
) -> tuple[dict[str, tuple[Levels, Floats]], Floats, float | None]:
    """Levels of every row and target shares by margin, starting weights, and the population's size if counts say it.

    `numbers`: further columns that must be there. `who`: whose error it is.
    """
    n_rows = _count_rows(columns, [*margins, *numbers], who)
    start = np.ones(n_rows) if weights is None else check_weights(weights, who)
    if start.size != n_rows:
        raise DataError(f"{who}: {start.size} weights for {n_rows} rows; give one per row")
    targets = {name: _target(name, shares, who) for name, shares in margins.items()}
    coded = {name: (_encode(name, columns[name], margins[name], start, who), targets[name][0]) for name in margins}
    sizes = {name: size for name, (_, size) in targets.items() if size is not None}
    if sizes and max(sizes.values()) > 1.001 * min(sizes.values()):
        least, most = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
        raise DataError(
            f"{who}: margins contradict each other: {least!r} counts {sizes[least]:g} people and {most!r} "
            f"{sizes[most]:g}; give counts of one population, or shares"
        )
    return coded, start, next(iter(sizes.values()), None)


def _count_rows(columns: Mapping[str, Sequence[Code]], wanted: Sequence[str], who: str) -> int:
    """Rows of the margin columns, checked to be the same in each."""
    if not wanted:
        raise DataError(f"{who}: no margins; give the target shares of at least one column")
    for name in wanted:
        if name not in columns:
            raise DataError(f"{who}: margin {name!r} has no column; there are {', '.join(columns) or 'none'}")
    lengths = {name: len(columns[name]) for name in wanted}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{who}: columns of different lengths {lengths}; give one value per row in each")
    n_rows = next(iter(lengths.values()))
    if not n_rows:
        raise DataError(f"{who}: the columns are empty; give at least one row")
    return n_rows


def _target(name: str, given: Mapping[Code, float], who: str) -> tuple[Floats, float | None]:
    """Shares of the levels, and how many people they are of where they are counts."""
    try:
        target = np.array([float(share) for share in given.values()])
    except (TypeError, ValueError):
        raise DataError(f"{who}: margin {name!r} has something that is no number; give shares or counts") from None
    if not (target > 0).all() or not np.isfinite(target).all():
        raise DataError(f"{who}: margin {name!r} has a share that is not positive; drop those rows and that level")
    total = float(target.sum())
    if (target <= 1).all() and target.size > 1 and abs(total - 1) > 1e-6:
        raise DataError(
            f"{who}: shares of {name!r} sum to {total:.6g}, not 1; divide them by their sum, or give counts"
        )
    # Published percentages are rounded, so they sum to about 100.
    is_count = total > 1 + 1e-6 and abs(total - 100) > 0.5
    return target / total, total if is_count else None


def _encode(name: str, column: Sequence[Code], shares: Mapping[Code, float], start: Floats, who: str) -> Levels:
    """Level of each row as an index into the targets, both checked against each other."""
    index = {level: k for k, level in enumerate(shares)}
    # A dict's own `get`, mapped in C: five times as fast as a comprehension, and as sorting strings.
    row_levels = np.fromiter(map(index.get, _plain(column), repeat(-1)), dtype=np.int64, count=len(column))
    if (row_levels < 0).any():
        left_out = [level for level, k in zip(_plain(column), row_levels, strict=True) if k < 0]
        if n_missing := sum(level is None or level != level for level in left_out):
            raise MissingDataError(f"{who}: {n_missing} rows have no {name!r}; drop them or make 'unknown' a level")
        unknown = sorted({str(level) for level in left_out})
        raise DataError(f"{who}: rows have {name!r} = {', '.join(unknown[:5])}, which the margin leaves out; add it")
    held = np.bincount(row_levels, weights=start, minlength=len(index))
    empty = [str(level) for level, k in index.items() if held[k] <= 0]
    if empty:
        raise DataError(
            f"{who}: margin {name!r} names {', '.join(empty)}, but no row with a positive weight has it; "
            "merge it with another level in data and margin"
        )
    return row_levels


def _plain(column: Sequence[Code]) -> Iterable[Code]:
    """The column as plain Python values; those of an array hash five times as fast."""
    as_list = getattr(column, "tolist", None) or getattr(column, "to_list", None)
    return as_list() if as_list else column


def _gap(w: Floats, row_levels: Levels, target: Floats) -> float:
    shares = np.bincount(row_levels, weights=w, minlength=target.size) / w.sum()
    return float(np.abs(shares - target).max())


def doubts(w: Floats) -> tuple[str, ...]:
    """What makes weights doubtful."""
    found = []
    largest = float(w.max() / w.mean())
    if largest > LARGEST_WEIGHT:
        found.append(f"the largest weight is {largest:.1f} times the mean; a few rows carry the result")
    effect = w.size / kish_n_eff(w)
    if effect > LARGEST_DESIGN_EFFECT:
        found.append(f"the design effect is {effect:.2f}: {w.size} rows are worth {w.size / effect:.0f}")
    return tuple(found)
