"""Reliability of scores made of several items."""

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.reliability.intervals import MIN_SUBJECTS, UNEXPLAINED, jackknife_interval, tail_warnings
from proband.measures.reliability.tables import is_constant, score_table, still_items, still_warning
from proband.seeds import rng_for


def cronbach_alpha(
    scores: ArrayLike,
    *,
    target: Target = "model",
    level: float = 0.95,
    method: Literal["jackknife", "feldt"] = "jackknife",
) -> Estimate:
    """Measure the internal consistency of a scale.

    ``alpha = k/(k-1) (1 - sum of item variances / variance of totals)`` for k items. A lower bound of reliability
    when errors are uncorrelated, and reliability itself only when items are essentially tau-equivalent; `omega_total`
    does without that. Alpha over replies of *one* persona at a temperature is no reliability of a trait.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Item scores in scale points, reverse-keyed items already flipped.
    target, level : {"model", "human"}, float
        Whose scores they are; confidence level.
    method : {"jackknife", "feldt"}
        How the interval is made. "jackknife": t on log(1 - alpha) over subjects, from 10 subjects on; assumes no
        distribution. "feldt": from F with n-1 and (n-1)(k-1) degrees of freedom, for any n; exact for normal,
        tau-equivalent items, and too short for skewed or heavy-tailed scores however many subjects there are.

    Returns
    -------
    Estimate
        Alpha, unitless, at most 1; negative, with a warning, when items disagree. Below 50 subjects, or with
        heavy tails, a warning says that the interval may be too short; where an item is the same for everybody, what
        alpha is without it.

    Raises
    ------
    MissingDataError
        If a score is missing: drop or impute first, and report which.
    DesignError
        If there are fewer than 2 items or subjects, or all subjects have the same total. Subjects
        asked at temperature 0 often do; that is a finding about the sample, not an alpha of 0.
    DataError
        If scores are no table of finite numbers.

    References
    ----------
    Cronbach (1951), Psychometrika 16, 297-334. doi:10.1007/BF02310555
    Feldt (1965), Psychometrika 30, 357-370. doi:10.1007/BF02289499

    Examples
    --------
    >>> round(cronbach_alpha([[1, 2], [2, 3], [3, 5]]), 3)
    0.947
    """
    x = score_table(scores, "alpha")
    n, k = x.shape
    if is_constant(float(x.sum(axis=1).var(ddof=1)), x):
        raise DesignError(f"all {n} subjects have the same total, so alpha is undefined; vary subjects, not seeds")
    deviations = x - x.mean(axis=0)
    squares, totals = (deviations**2).sum(axis=1), deviations.sum(axis=1) ** 2
    alpha = k / (k - 1) * (1 - float(squares.sum() / totals.sum()))
    # Leaving one subject out takes n / (n - 1) of its squared deviation from a sum of squares.
    lost = n / (n - 1)
    without = totals.sum() - lost * totals
    left_out = k / (k - 1) * (1 - (squares.sum() - lost * squares) / np.where(without > 0, without, math.nan))
    interval, how = _alpha_interval(alpha, left_out, k, level=level, method=method)
    warnings = list(tail_warnings(x.sum(axis=1))) if interval else []
    if 1 - alpha < 1e-12:
        warnings.append("items agree perfectly: the interval is undefined")
    if (still := still_items(x)) and (rest := k - len(still)) > 1:
        without = alpha * (k - 1) / k * rest / (rest - 1)
        warnings.append(still_warning(still, f"alpha counts as if it could, and is {without:.3f} without"))
    elif still:
        warnings.append(still_warning(still, "one item is left, of which there is no alpha"))
    if alpha < 0:
        warnings.append("alpha is negative: items disagree; check that reverse-keyed items were flipped")
    return Estimate(
        value=alpha,
        interval=interval,
        level=level,
        interval_method=how,
        estimand=f"Cronbach's alpha of {k} items",
        target=target,
        n_units=n,
        assumptions=("items are essentially tau-equivalent, where alpha is read as reliability",)
        + (("scores are about normal",) if method == "feldt" else ()),
        warnings=tuple(warnings),
    )


def _alpha_interval(
    alpha: float, left_out: Floats, k: int, *, level: float, method: str
) -> tuple[tuple[float, float] | None, str]:
    n = len(left_out)
    if 1 - alpha < 1e-12:
        return None, "none: items agree perfectly"
    if method == "feldt":
        df = n - 1, (n - 1) * (k - 1)
        tails = (1 + level) / 2, (1 - level) / 2
        low, high = (1 - (1 - alpha) * float(special.fdtri(*df, p)) for p in tails)
        return (low, high), f"Feldt, F with {df[0]} and {df[1]} df"
    if n < MIN_SUBJECTS:
        return None, f"none: {n} subjects; the jackknife needs {MIN_SUBJECTS}, method='feldt' normal scores"
    found = jackknife_interval(alpha, left_out, UNEXPLAINED, level)
    return (found, f"jackknife over subjects, t with {n - 1} df" if found else "none: one subject carries alpha")


@dataclass(frozen=True, kw_only=True)
class SplitHalf:
    """What `split_half` found.

    - `reliability`: of the whole scale: the mean correlation of halves, stepped up.
    - `correlation`: mean correlation between halves.
    - `lowest`, `highest`: reliability by the worst and best split: how much a single odd-even split would have been
      luck.
    - `n_splits`: splits used.
    - `is_exhaustive`: whether those are all there are.
    - `n_undefined`: splits left out because a half did not vary.
    """

    reliability: Estimate
    correlation: float
    lowest: float
    highest: float
    n_splits: int
    is_exhaustive: bool
    n_undefined: int = 0


def split_half(
    scores: ArrayLike,
    *,
    n_splits: int = 1000,
    rng: np.random.Generator | None = None,
    target: Target = "model",
    level: float = 0.95,
) -> SplitHalf:
    """Reliability of a scale from the correlation of its halves, over all splits or many random ones.

    The mean correlation r of half scores is stepped up to the full length by Spearman and Brown,
    ``2 r / (1 + r)``; with an odd number of items by Horst's formula for halves of unequal length. A mean r of 0
    or less is reported as it is. Prefer it to alpha where halves are natural (seeds, sessions, prompts);
    for exchangeable items it says what alpha says.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Reverse-keyed items already flipped. For halves of seeds or prompts give those as columns.
    n_splits : int
        Most splits to use; where there are no more than that, all are.
    rng : numpy.random.Generator, optional
        Source of random splits; None takes the place "split_half" of seed 0.
    target, level : {"model", "human"}, float
        Whose scores they are; confidence level.

    Returns
    -------
    SplitHalf
        The interval is a jackknife over subjects on log(1 - reliability), from 10 subjects on.

    Raises
    ------
    MissingDataError, DataError, DesignError
        If a score is missing, or the scores are no table of finite numbers; if there are fewer than 2 subjects or
        items, or no half of any split varies.

    References
    ----------
    Spearman (1910), Br. J. Psychol. 3, 271-295. doi:10.1111/j.2044-8295.1910.tb00206.x
    Horst (1951), Educ. Psychol. Meas. 11, 368-371.

    Examples
    --------
    >>> found = split_half([[1, 2, 2], [2, 3, 2], [3, 5, 4], [4, 4, 5]])
    >>> found.n_splits, round(found.reliability, 3)
    (3, 0.942)
    """
    x = score_table(scores, "split_half")
    if n_splits < 1:
        raise DesignError(f"n_splits is {n_splits}; at least one split is needed")
    n, k = x.shape
    halves = _halves(k, n_splits, rng if rng is not None else rng_for(0, "split_half"))
    is_exhaustive = len(halves) == _count_of_splits(k)
    d = x - x.mean(axis=0)
    first, second = d @ halves.T, d @ (1 - halves).T
    products = first * second, first**2, second**2
    sums = [part.sum(axis=0) for part in products]
    varies = np.minimum(sums[1], sums[2]) > 1e-20 * max(1.0, float(np.abs(x).max())) ** 2 * n
    if not varies.any():
        raise DesignError(f"no split of the {k} items has two halves that vary; drop the constant items")
    r = sums[0][varies] / np.sqrt(sums[1][varies] * sums[2][varies])
    value = float(_stepped_up(np.array([r.mean()]), k)[0])
    each = _stepped_up(r, k)
    # Equal sums of squares with one subject left out, as in cronbach_alpha.
    xy, xx, yy = (total[varies] - n / (n - 1) * part[:, varies] for total, part in zip(sums, products, strict=True))
    with np.errstate(all="ignore"):  # a half may vary only through the subject left out; then no interval
        left_out = _stepped_up((xy / np.sqrt(xx * yy)).mean(axis=1), k)
    interval = jackknife_interval(value, left_out, UNEXPLAINED, level) if n >= MIN_SUBJECTS else None
    warnings = [*tail_warnings(x.sum(axis=1))] if interval else []
    if r.mean() <= 0:
        warnings.append("halves do not correlate positively: the mean correlation stands, not stepped up")
    if still := still_items(x):
        warnings.append(still_warning(still, "halves are stepped up as if it could"))
    if not varies.all():
        warnings.append(f"{int((~varies).sum())} of {len(halves)} splits left out: a half does not vary")
    return SplitHalf(
        reliability=Estimate(
            value=value,
            interval=interval,
            level=level,
            interval_method=f"jackknife over subjects, t with {n - 1} df"
            if interval
            else f"none: {n} subjects (10 are needed), or a half varies through one subject only",
            estimand=f"split-half reliability of {k} items",
            target=target,
            n_units=n,
            assumptions=("halves measure the same with equal precision per item",),
            warnings=tuple(warnings),
        ),
        correlation=float(r.mean()),
        lowest=float(each.min()),
        highest=float(each.max()),
        n_splits=len(r),
        is_exhaustive=is_exhaustive,
        n_undefined=int((~varies).sum()),
    )


def _count_of_splits(k: int) -> int:
    return math.comb(k, k // 2) // (1 if k % 2 else 2)


def _halves(k: int, n_splits: int, rng: np.random.Generator) -> Floats:
    """Rows mark the items of the shorter half, shape (n_splits, n_items)."""
    if _count_of_splits(k) > n_splits:
        # The ranks of independent uniforms are a random order, one row a split.
        return (rng.random((n_splits, k)).argsort(axis=1) < k // 2).astype(np.float64)
    chosen = itertools.combinations(range(k), k // 2)
    # With an even number every split comes twice; the half with item 0 stands for both.
    rows = [half for half in chosen if k % 2 or 0 in half]
    marks = np.zeros((len(rows), k))
    for mark, half in zip(marks, rows, strict=True):
        mark[list(half)] = 1.0
    return marks


def _stepped_up(r: Floats, k: int) -> Floats:
    """Horst's reliability of the whole from the correlation of halves; where r is at most 0, r itself."""
    p = (k // 2) / k
    pq = 4 * p * (1 - p)
    square = np.minimum(r**2, 1.0)
    with np.errstate(all="ignore"):
        whole = (r * np.sqrt(square + pq * (1 - square)) - square) / (pq / 2 * (1 - square))
    return np.where(r <= 0, r, np.where(square > 1 - 1e-12, 1.0, whole))
