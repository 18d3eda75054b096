"""Krippendorff's alpha: agreement of any number of coders, at any level of measurement, with missing codes."""

import itertools
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.agreement.codes import Codes, count_rows
from proband.measures.agreement.intervals import Coefficient, as_estimate, jackknife_error
from proband.measures.arrays import Bools, Floats, Ints

Level = Literal["nominal", "ordinal", "interval", "ratio"]
_Difference = Callable[[Floats, Floats], Floats]
# Sums of squared differences within units and over all pairs, each with and without one unit.
_Disagreement = tuple[float, Floats, float, Floats]

_BLOCK = 1_000
_EXACT_UNITS = 1_000


def krippendorff_alpha(
    codes: ArrayLike,
    measured: Level,
    *,
    categories: Sequence[Hashable] | None = None,
    level: float = 0.95,
    target: Target = "data",
) -> Estimate:
    """Agreement of several coders beyond chance, with a difference between codes that fits their level.

    ``alpha = 1 - D_o / D_e``: the mean squared difference of codes within units over that of all codes paired
    at random, with ``delta^2(c, k)`` 1 if c != k (nominal), the squared number of codes from c to k, each end by
    half (ordinal), ``(c - k)^2`` (interval) or ``((c - k) / (c + k))^2`` (ratio). Units with one code say nothing
    about agreement and are left out. 1 is perfect, 0 what chance gives, below 0 systematic disagreement.

    Where nearly all units hold one code, alpha is low however seldom coders differ, because little variation was
    there to agree on: report `agreement_summary`, with raw agreement and AC1, beside it. Coders that make the same
    mistakes (language models of one family) agree without being right; only gold codes show that.

    Parameters
    ----------
    codes : array_like, shape (n_units, n_coders)
        Numbers or texts; None or NaN where a coder did not code a unit. "Not applicable" is a code of its own.
    measured : {"nominal", "ordinal", "interval", "ratio"}
        Level of measurement of the codes; ratio needs codes of at least 0.
    categories : sequence, optional
        All codes in their order; needed for ordinal codes that are texts. Never changes the value otherwise.
    level : float
        Confidence level of the interval.
    target : {"data", "model", "human"}
        Whom the coefficient describes.

    Returns
    -------
    Estimate
        At most 1; NaN with its reason if all codes are equal. The interval is Fisher's z with the standard error of
        the jackknife over units and t on n - 1 degrees of freedom; it speaks of more units like these and the same
        coders. None below 10 units or where coders never disagree. It holds from 20 units on where at least 5 units
        hold another code than the commonest and coders agree that one of them does, and warns where not; the
        percentile bootstrap, often used, falls to .84 at 10 units.

    Raises
    ------
    DesignError, DataError
        If `measured` is unknown, or no unit was coded twice; if codes are no table, are not numbers where the level
        needs them, or are none of `categories`.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability. University of Pennsylvania.
    Hayes & Krippendorff (2007), Commun. Methods Meas. 1, 77-89. doi:10.1080/19312450709336664

    Examples
    --------
    >>> coded = [[1, 1, None], [2, 2, 3], [3, 3, 3], [3, 3, 3], [2, 2, 2], [1, 2, 3]]
    >>> round(krippendorff_alpha(coded, "nominal"), 3)
    0.556
    """
    if measured not in get_args(Level):
        raise DesignError(f"measured {measured!r} is none of {', '.join(get_args(Level))}")
    read = count_rows(codes, categories)
    pairable = (read.index >= 0).sum(axis=1) >= 2
    if not pairable.any():
        raise DesignError("no unit was coded twice, so agreement cannot be seen; have some units coded by two coders")
    used = _units(_packed(read.index[pairable]), read.times[pairable], len(read.values))
    found = _alpha(used, _positions(read, measured, is_declared=categories is not None), measured)
    return as_estimate(
        replace(found, n_missing=int(read.times[~pairable].sum())),
        f"Krippendorff's alpha ({measured}) of up to {read.index.shape[1]} coders",
        level=level,
        target=target,
    )


def _packed(index: Ints) -> Ints:
    """Codes of each unit pushed to the left, and columns that are then empty dropped."""
    if (index >= 0).all():
        return index
    most = int((index >= 0).sum(axis=1).max())
    return -np.sort(-index, axis=1)[:, :most]


def _positions(codes: Codes, measured: Level, *, is_declared: bool) -> Floats:
    """Where each value lies on the scale; for nominal and ordinal codes only whether and in what order they differ."""
    if measured == "nominal" or (measured == "ordinal" and is_declared):
        return np.arange(len(codes.values), dtype=np.float64)
    try:
        x = codes.values.astype(np.float64)
    except (TypeError, ValueError) as error:
        way_out = "list them in order in `categories`" if measured == "ordinal" else "give each code its number"
        raise DataError(
            f"{measured} codes must be numbers, got {codes.values[0]!r}; {way_out}, or use measured='nominal'"
        ) from error
    if (np.diff(x) <= 0).any() and measured == "ordinal":
        raise DataError(f"ordinal codes {codes.values.tolist()[:5]} have no order as numbers; give `categories`")
    if measured == "ratio" and (x < 0).any():
        raise DataError(f"ratio codes must be at least 0, got {x.min():g}; use measured='interval'")
    return x


@dataclass(frozen=True, slots=True)
class _Units:
    """Codes of the pairable units, one row for all units coded alike, missing ones last."""

    index: Ints  # (n_rows, n_coders), -1 missing
    times: Floats  # units of each row
    held: Bools
    m: Floats  # codes in each unit of a row
    totals: Floats  # codes of each value over all units
    differ: Bools  # whether a unit's codes differ


def _units(index: Ints, times: Floats, n_values: int) -> _Units:
    held = index >= 0
    each = np.broadcast_to(times[:, None], index.shape)
    totals = np.bincount(index[held], weights=each[held], minlength=n_values).astype(np.float64)
    differ = index.max(axis=1) != np.where(held, index, n_values).min(axis=1)
    return _Units(index, times, held, held.sum(axis=1).astype(np.float64), totals, differ)


def _alpha(units: _Units, x: Floats, measured: Level) -> Coefficient:
    n_units = round(float(units.times.sum()))
    is_rarer = units.index != units.totals.argmax()
    n_minority = float(units.times @ (units.held & is_rarer).any(axis=1))
    if not n_minority:
        reason = "all codes are equal: with no variation there is neither agreement nor disagreement to measure"
        return Coefficient(
            value=math.nan, se=math.nan, n_units=n_units, n_disagreeing=0, n_minority=0, warnings=(reason,)
        )
    within, within_without, overall, without = _ordered(units) if measured == "ordinal" else _spaced(units, x, measured)
    n = float(units.totals.sum())
    # Without one unit all other codes may be equal: rounding must not make a ratio of what is 0 over 0.
    without = np.where(without > 1e-12 * overall, without, math.nan)
    value = 1 - (n - 1) * within / overall
    se = jackknife_error(1 - (n - units.m - 1) * within_without / without, units.times)
    n_disagreeing = float(units.times @ units.differ)
    return Coefficient(
        value=value,
        se=se,
        n_units=n_units,
        n_disagreeing=n_disagreeing,
        n_minority=n_minority,
        n_elsewhere=float(units.times @ (is_rarer | ~units.held).all(axis=1)),
    )


def _spaced(units: _Units, x: Floats, measured: Level) -> _Disagreement:
    """Nominal, interval and ratio codes, whose differences do not depend on the other units."""
    if measured == "interval":
        x = x - units.totals @ x / units.totals.sum()
        d = _squares_within(units, x)
        to_all = units.totals.sum() * x**2 - 2 * x * (units.totals @ x) + units.totals @ x**2
    elif measured == "nominal":
        d = _pairs_within(units, x, lambda a, b: (a != b).astype(np.float64))
        to_all = units.totals.sum() - units.totals
    else:
        d = _pairs_within(units, x, _relative)
        blocks = [_relative(x[k : k + _BLOCK, None], x) @ units.totals for k in range(0, len(x), _BLOCK)]
        to_all = np.concatenate(blocks)
    overall = float(units.totals @ to_all)
    of_unit = np.where(units.held, to_all[units.index], 0.0).sum(axis=1)
    within = float(units.times @ d)
    return within, within - d, overall, overall - 2 * of_unit + d * (units.m - 1)


def _ordered(units: _Units) -> _Disagreement:
    """Ordinal codes: squared differences of mid-ranks, which change with every unit left out."""
    totals, n = units.totals, float(units.totals.sum())
    rank = np.cumsum(totals) - totals / 2
    d = _squares_within(units, rank)
    within = float(units.times @ d)
    without = _reranked(units) if units.times.sum() <= _EXACT_UNITS else within - d - _fallen(units, rank)
    # sum of N R^2 over mid-ranks is n^3 / 3 - sum N^3 / 12, so the sum over all pairs is (n^4 - n sum N^3) / 6.
    cubes = float((totals**3).sum())
    left, cubes_left = n - units.m, cubes - _cubes_lost(units)
    return within, without, (n**4 - n * cubes) / 6, (left**4 - left * cubes_left) / 6


def _reranked(units: _Units) -> Floats:
    """Sum within units without one unit of each row, the rest ranked anew."""
    n_rows, n_values = len(units.m), len(units.totals)
    without = np.empty(n_rows)
    for start in range(0, n_rows, _BLOCK // 10):
        rows = slice(start, start + _BLOCK // 10)
        index, held = units.index[rows], units.held[rows]
        lost = np.zeros((len(index), n_values))
        np.add.at(lost, (np.nonzero(held)[0], index[held]), 1.0)
        totals = units.totals - lost
        rank = np.cumsum(totals, axis=1) - totals / 2
        v = np.where(units.held, rank[:, units.index], 0.0)  # (left out, n_rows, n_coders)
        d = 2 * (units.m * (v**2).sum(axis=2) - v.sum(axis=2) ** 2) / (units.m - 1)
        without[rows] = d @ units.times - d[np.arange(len(index)), np.arange(n_rows)[rows]]
    return without


def _fallen(units: _Units, rank: Floats) -> Floats:
    """How much the sum within the other units falls without one unit, to first order in the number of units.

    Leaving a unit out lowers the ranks above its codes by 1 and at its codes by 1/2; the sum falls by its slope at
    each value times that.
    """
    v = np.where(units.held, rank[units.index], 0.0)
    pull = 4 * (units.times / (units.m - 1))[:, None] * (units.m[:, None] * v - v.sum(axis=1)[:, None])
    slope = np.bincount(units.index[units.held], weights=pull[units.held], minlength=len(rank))
    fall = slope.sum() - np.cumsum(slope) + slope / 2
    fallen: Floats = np.where(units.held, fall[units.index], 0.0).sum(axis=1)
    return fallen


def _cubes_lost(units: _Units) -> Floats:
    """Fall of the sum of cubed totals without each unit: N^3 - (N - c)^3 for its c codes of each value."""
    lost = np.zeros(len(units.m))
    for column in range(units.index.shape[1]):
        held, code = units.held[:, column], units.index[:, column]
        same = ((units.index == code[:, None]) & units.held).sum(axis=1)
        total = units.totals[code]
        # Each of the c equal codes carries a c-th of the loss.
        lost += np.where(held, (total**3 - (total - same) ** 3) / np.maximum(same, 1), 0.0)
    return lost


def _squares_within(units: _Units, x: Floats) -> Floats:
    """Squared differences of all ordered pairs of a unit's codes, over its codes less one."""
    v = np.where(units.held, x[units.index], 0.0)
    d = 2 * (units.m * (v**2).sum(axis=1) - v.sum(axis=1) ** 2) / (units.m - 1)
    return np.where(units.differ, d, 0.0)


def _pairs_within(units: _Units, x: Floats, difference: _Difference) -> Floats:
    d = np.zeros(len(units.m))
    v = x[units.index]
    for a, b in itertools.combinations(range(units.index.shape[1]), 2):
        d += np.where(units.held[:, b], difference(v[:, a], v[:, b]), 0.0)
    return 2 * d / (units.m - 1)


def _relative(a: Floats, b: Floats) -> Floats:
    """Squared difference over sum; two zeros do not differ."""
    total = a + b
    return np.where(total > 0, (a - b) / np.where(total > 0, total, 1.0), 0.0) ** 2
