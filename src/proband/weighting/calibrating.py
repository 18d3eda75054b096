"""Calibration: the weights nearest to those one starts from that meet margins and totals, within bounds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError, meant
from proband.weighting.raking import Code, Floats, Levels, cells, doubts, kish_n_eff, read_margins

Method = Literal["raking", "linear", "logit"]
_STEPS = 100
_RANK = 1e-9  # eigenvalue, of a matrix with a unit diagonal, below which columns repeat each other


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedWeights:
    """Weights that meet margins and totals.

    - `weights`, `factors` (n_rows,): weights that sum to the population's size, and what each was multiplied by; those
      that start from 0 stay 0.
    - `method`: distance to the starting weights that was kept small.
    - `gaps` (mapping of margin to float): largest difference left in each, as a share of the population (of a total:
      as a share of it).
    - `kish_n_eff`, `design_effect`: as `RakedWeights` has them.
    - `n_bounded`: rows whose factor is at a bound, or whose weight at the cap.
    - `n_iterations`, `warnings`.
    """

    weights: Floats
    factors: Floats
    method: Method
    gaps: Mapping[str, float]
    kish_n_eff: float
    design_effect: float
    n_bounded: int
    n_iterations: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is to be met: ``x.T @ weights = totals``, with the margin each column belongs to.

    `x` (n_cells, p), `of_row` (n_rows,): rows that are alike in all columns and bounds have one factor, so that cells
    are solved for. `low`, `high` (n_cells,): bounds of the factors.
    """

    x: Floats
    totals: Floats
    margin: tuple[str, ...]
    size: float
    of_row: Levels
    low: Floats
    high: Floats
    method: Method
    bounds: tuple[float, float] | None
    tolerance: float

    def gaps(self, held: Floats, factors: Floats) -> dict[str, float]:
        """What is left of each margin, as a share."""
        left = np.abs(self.x.T @ (held * factors) - self.totals)
        whole = np.where(self.is_total, np.maximum(np.abs(self.totals), 1e-12), self.size)
        found: dict[str, float] = {}
        for name, gap in zip(self.margin, left / whole, strict=True):
            found[name] = max(found.get(name, 0.0), float(gap))
        return found

    @property
    def is_total(self) -> NDArray[np.bool_]:
        """Columns that are numbers; the others are 0 or 1."""
        return np.array([not np.isin(column, (0.0, 1.0)).all() for column in self.x.T], dtype=bool)


def calibrate(
    columns: Mapping[str, Sequence[Code]],
    margins: Mapping[str, Mapping[Code, float]],
    *,
    totals: Mapping[str, float] | None = None,
    size: float | None = None,
    weights: ArrayLike | None = None,
    method: Method = "raking",
    bounds: tuple[float, float] | None = None,
    largest: float | None = None,
    tolerance: float = 1e-8,
) -> CalibratedWeights:
    """Weights that meet margins, and totals of numbers, as near as can be to the starting ones.

    ``w = d F(x' lambda)``, lambda such that weighted sums of x are the totals. F says what is near: ``exp`` (raking,
    the weights of `rake`), ``1 + u`` (linear: the generalised regression estimator; weights may be negative), or a
    logistic curve between the bounds. Bounds of the factor, and a cap on the weights, are part of the problem, so that
    margins are met with them, not before them.

    When not to use it: with more margins than people can carry. Each level should have some 20 people; Kish's effective
    sample size says what was paid.

    Parameters
    ----------
    columns : mapping of str to sequence, each of shape (n_rows,)
        Levels or numbers of each column, row by row.
    margins : mapping of str to mapping of level to float
        Shares or counts of every level of a column, as in `rake`.
    totals : mapping of str to float, optional
        Totals, in the population, of columns that are numbers; a known mean is a total over `size`.
    size : float, optional
        How many people the weights are to stand for; default what counts in the margins say, else the sum of
        the weights.
    weights : array_like, shape (n_rows,), optional
        Where to start from, e.g. design weights; default all 1.
    method : {"raking", "linear", "logit"}
        "logit" needs `bounds`.
    bounds : (low, high), optional
        Of the factor, relative to the mean one: low at least 0 and below 1, high above 1, e.g. (0.3, 3).
    largest : float, optional
        Largest weight, in means: what is usually trimmed. Above 1.
    tolerance : float
        Largest gap, as a share.

    Returns
    -------
    CalibratedWeights

    Raises
    ------
    DataError
        If margins contradict each other (which ones is said), a level is empty or left out, weights are of another
        length, or no weights within the bounds meet the margins.
    MissingDataError
        If a row has no level in a column that has margins.

    References
    ----------
    Deville & Sarndal (1992), J. Am. Stat. Assoc. 87, 376-382. doi:10.1080/01621459.1992.10475217

    Examples
    --------
    >>> sex, age = ["f", "f", "f", "m"], [20, 30, 40, 50]
    >>> found = calibrate({"sex": sex, "age": age}, {"sex": {"f": 2, "m": 2}}, totals={"age": 150}, method="linear")
    >>> found.weights.round(3).tolist(), found.n_iterations
    ([1.167, 0.667, 0.167, 2.0], 1)
    """
    goal, start = read_goal(
        columns, margins, totals or {}, size=size, weights=weights, method=method, bounds=bounds, largest=largest,
        tolerance=tolerance,
    )  # fmt: skip
    held = np.bincount(goal.of_row, weights=start, minlength=len(goal.x)).astype(np.float64)
    refuse_contradictions(goal, held)
    factors, n_iterations, _ = solved(goal, held)
    w = start * factors[goal.of_row]
    used = start > 0
    at_bound = (factors <= goal.low * (1 + 1e-9)) | (factors >= goal.high * (1 - 1e-9))
    warnings = list(doubts(np.maximum(w[used], 0.0)))
    if (negative := int((w < 0).sum())) > 0:
        warnings.append(f"{negative} weights are negative: give bounds from 0 on, or another method")
    if nobody := int((~used).sum()):
        warnings.append(f"{nobody} rows weigh 0 and stand for nobody")
    n_eff = float(w.sum() ** 2 / (w**2).sum()) if negative else kish_n_eff(w)
    return CalibratedWeights(
        weights=w,
        factors=np.where(used, factors[goal.of_row], 0.0),
        method=method,
        gaps=goal.gaps(held, factors),
        kish_n_eff=n_eff,
        design_effect=int(used.sum()) / n_eff,
        n_bounded=int(at_bound[goal.of_row][used].sum()),
        n_iterations=n_iterations,
        warnings=tuple(warnings),
    )


def read_goal(
    columns: Mapping[str, Sequence[Code]],
    margins: Mapping[str, Mapping[Code, float]],
    totals: Mapping[str, float],
    *,
    size: float | None,
    weights: ArrayLike | None,
    method: Method,
    bounds: tuple[float, float] | None,
    largest: float | None,
    tolerance: float,
) -> tuple[Goal, Floats]:
    """The goal and the starting weights, scaled to the population's size."""
    if method not in ("raking", "linear", "logit"):
        raise DataError(f"calibrate: no method {method!r}{meant(method, ('raking', 'linear', 'logit'))}")
    if method == "logit" and bounds is None:
        raise DataError('calibrate: method "logit" needs bounds of the factor, e.g. bounds=(0.3, 3)')
    if bounds is not None and not 0 <= bounds[0] < 1 < bounds[1] < np.inf:
        raise DataError(f"calibrate: bounds {bounds}; the lower is from 0 to below 1, the upper above 1")
    if largest is not None and not largest > 1:
        raise DataError(f"calibrate: largest = {largest}; a cap on weights is above their mean, which is 1")
    coded, start, counted = read_margins(columns, margins, weights, "calibrate", numbers=tuple(totals))
    size = float(start.sum()) if size is None and counted is None else (counted if size is None else size)
    if not size or not 0 < size < np.inf:
        raise DataError(f"calibrate: the population's size is {size}; it must be above 0")
    start = start * size / start.sum()
    parts: list[Floats] = []
    goals: list[Floats] = []
    names: list[str] = []
    for name, (levels, share) in coded.items():
        parts.append((levels[:, None] == np.arange(share.size)).astype(np.float64))
        goals.append(share * size)
        names += [name] * share.size
    if not margins:
        # Totals alone leave the population's size open, which means would be taken over.
        parts.append(np.ones((start.size, 1)))
        goals.append(np.array([size]))
        names.append("size")
    for name, total in totals.items():
        parts.append(_number(name, columns[name])[:, None])
        goals.append(np.array([float(total)]))
        names.append(name)
    x = np.concatenate(parts, axis=1)
    low, high = (np.full(start.size, edge) for edge in (bounds or (-np.inf if method == "linear" else 0.0, np.inf)))
    if largest is not None:
        cap = largest * size / int((start > 0).sum())
        high = np.minimum(high, np.divide(cap, start, out=np.full(start.size, np.inf), where=start > 0))
        low = np.minimum(low, high)
    of_row = np.arange(start.size) if totals or largest or not margins else cells(coded, start)[2]
    first = np.zeros(int(of_row.max()) + 1, dtype=np.int64)
    first[of_row] = np.arange(start.size)  # any row of a cell, since all are alike
    return Goal(
        x=x[first],
        totals=np.concatenate(goals),
        margin=tuple(names),
        size=size,
        of_row=of_row,
        low=low[first],
        high=high[first],
        method=method,
        bounds=bounds,
        tolerance=tolerance,
    ), start


def _number(name: str, column: Sequence[Code]) -> Floats:
    try:
        found = np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"calibrate: {name!r} has a total, but holds texts; give its levels as a margin") from None
    if not np.isfinite(found).all():
        raise DataError(f"calibrate: {int((~np.isfinite(found)).sum())} rows have no {name!r}; drop them")
    return found


def refuse_contradictions(goal: Goal, held: Floats) -> None:
    """Name the margins that no weights at all could meet together."""
    scale = np.sqrt((held[:, None] * goal.x**2).sum(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh((goal.x * held[:, None]).T @ goal.x / np.outer(scale, scale))
    # A combination of columns that is 0 in every row has to be 0 in the totals, too.
    empty = vectors[:, values < _RANK] / scale[:, None]
    against = empty @ (empty.T @ goal.totals)
    reach = np.abs(empty).max(initial=0.0) * goal.size
    if np.abs(empty.T @ goal.totals).max(initial=0.0) <= 1e-7 * max(reach, 1e-12):
        return
    involved = np.abs(against) > 1e-6 * np.abs(against).max()
    named = dict.fromkeys(name for name, is_in in zip(goal.margin, involved, strict=True) if is_in)
    raise DataError(
        f"calibrate: margins {' and '.join(map(repr, named))} contradict each other: in the rows they are one thing, "
        "in the targets they are not; drop one, or mend its figures"
    )


def solved(goal: Goal, held: Floats, at: Floats | None = None) -> tuple[Floats, int, Floats]:
    """Factors of the cells, the steps made, and lambda; a `DataError` names the margins that cannot be met."""
    curve = _curve(goal)
    scale = np.where((norm := np.abs(goal.x).max(axis=0)) > 0, norm, 1.0)
    x, totals = goal.x / scale, goal.totals / scale
    lam = np.zeros(x.shape[1]) if at is None else at
    factors, slope = curve(x @ lam)
    for step_no in range(_STEPS + 1):
        left = totals - x.T @ (held * factors)
        if max(goal.gaps(held, factors).values()) <= goal.tolerance:
            return factors, step_no, lam
        # Columns of several margins repeat each other (each sums to everybody), so the least step of many.
        step = np.linalg.lstsq((x * (held * slope)[:, None]).T @ x, left, rcond=1e-11)[0]
        now, length = float(left @ left), 1.0
        while length > 1e-6:
            factors, slope = curve(x @ (lam + length * step))
            rest = totals - x.T @ (held * factors)
            if float(rest @ rest) < now:
                break
            length /= 2
        else:
            factors, slope = curve(x @ lam)
            break
        lam = lam + length * step
    gaps = goal.gaps(held, factors)
    worst = sorted((name for name in gaps if gaps[name] > goal.tolerance), key=lambda name: -gaps[name])
    within = "" if np.isinf(goal.high).all() and goal.bounds is None else " within the bounds: widen them,"
    raise DataError(
        f"calibrate: no weights meet margins {', '.join(map(repr, worst[:4]))} together{within or ':'} merge small "
        f"levels or drop a margin (the largest gap left is {max(gaps.values()):.2g} of the population, in {worst[0]!r})"
    )


def _curve(goal: Goal) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Factor and its slope at x' lambda."""

    def unbounded(u: Floats) -> tuple[Floats, Floats]:
        if goal.method == "linear":
            return 1 + u, np.ones_like(u)
        if goal.method == "raking":
            factor = np.exp(np.minimum(u, 50.0))
            return factor, factor
        low, high = goal.bounds or (0.0, np.inf)
        # Deville and Sarndal's case 6; its slope at 0 is 1, like that of the others.
        steep = (high - low) / ((1 - low) * (high - 1))
        grown = np.exp(np.clip(steep * u, -50.0, 50.0))
        below = (high - 1) + (1 - low) * grown
        factor = (low * (high - 1) + high * (1 - low) * grown) / below
        return factor, (factor - low) * (high - factor) / ((1 - low) * (high - 1))

    def curve(u: Floats) -> tuple[Floats, Floats]:
        factor, slope = unbounded(u)
        inside = (factor > goal.low) & (factor < goal.high)
        return np.clip(factor, goal.low, goal.high), np.where(inside, slope, 0.0)

    return curve
