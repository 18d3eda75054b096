"""Whether traits and values keep their order across contexts, and whether a context moves what it should."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.agreement.intervals import mean_interval
from proband.measures.arrays import Bools, Floats, finite
from proband.measures.reliability.intervals import FISHER, MIN_SUBJECTS, jackknife_interval
from proband.measures.skewness import fewest_for, skewness

_LEVEL = 0.95
_WAY_OUT = "leave those personas out, and report how many"


def rank_order_stability(a: ArrayLike, b: ArrayLike, *, target: Target = "model") -> Estimate:
    """Whether personas keep their order between two contexts, averaged over values.

    For each value (or trait) Pearson's correlation of its scores in context a and in context b across personas; the
    mean over values. High where who scores high on a value in one context does so in the other. It says nothing of
    shifts that all personas share: report mean changes in human standard deviations beside it. With more than two
    contexts average over pairs.

    Parameters
    ----------
    a, b : array_like, shape (n_personas, n_values)
        Scores in the two contexts, the same personas and values in the same order.
    target : {"model", "human", "data"}
        Whose scores they are.

    Returns
    -------
    Estimate
        -1 to 1. Values on which all personas score alike have no correlation, are left out and counted; NaN if none
        is left. The 95 % interval leaves out one persona at a time, on Fisher's z; none below 10 personas.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If there are fewer than 3 personas; if shapes differ or a score is no finite number; if a score is missing.

    References
    ----------
    Kovac et al. (2024), Stick to your role! PLOS ONE. doi:10.1371/journal.pone.0309114

    Examples
    --------
    >>> a, b = [[5, 3, 1], [4, 2, 3], [1, 5, 2], [2, 4, 5]], [[4, 3, 2], [5, 1, 3], [2, 4, 1], [1, 5, 4]]
    >>> round(rank_order_stability(a, b), 4)
    0.821
    """
    x, y = _pair(a, b)
    if len(x) < 3:
        raise DesignError(f"{len(x)} personas; an order needs at least 3")
    everyone = _columns(x, y)
    constant = int(np.isnan(everyone).sum())
    what = f"mean over {x.shape[1]} values of the correlation across personas between two contexts"
    warnings = (f"{constant} of {x.shape[1]} values do not vary over personas: left out",) if constant else ()
    found = Estimate(
        value=math.nan if constant == len(everyone) else float(np.nanmean(everyone)),
        estimand=what,
        target=target,
        n_units=len(x),
        interval_method="none: undefined",
        assumptions=("personas are a random sample of those one would speak of",),
        warnings=warnings,
    )
    if math.isnan(found.value):
        return found
    if len(x) < MIN_SUBJECTS:
        few = f"no interval: {len(x)} personas; use at least {MIN_SUBJECTS}"
        return replace(found, interval_method=f"none: {len(x)} personas", warnings=(*warnings, few))
    kept = ~np.isnan(everyone)
    without = _columns_without(x[:, kept], y[:, kept])
    interval = jackknife_interval(found.value, without.mean(axis=1), FISHER, _LEVEL)
    if interval is None:
        edge = "no interval: stability is perfect or undefined with or without some persona"
        return replace(found, interval_method="none: at the edge", warnings=(*warnings, edge))
    return replace(found, interval=interval, interval_method=f"jackknife on Fisher's z, t with {len(x) - 1} df")


def ipsative_stability(a: ArrayLike, b: ArrayLike, *, target: Target = "model") -> Estimate:
    """Whether each persona keeps its profile of values between two contexts, averaged over personas.

    For each persona Pearson's correlation of its values in context a and in context b; the mean over personas. A
    profile that all personas share makes it high without any persona: show it for profiles from which the mean over
    personas was taken, too.

    Parameters
    ----------
    a, b, target
        As in `rank_order_stability`, at least 3 values.

    Returns
    -------
    Estimate
        -1 to 1. Personas with a constant profile have no correlation, are left out and counted (`n_missing`); NaN if
        none is left. 95 % score interval of a bounded mean over personas; none below 10.

    Raises
    ------
    DesignError
        If there are fewer than 3 values.
    DataError, MissingDataError
        As in `rank_order_stability`.

    References
    ----------
    Kovac et al. (2024), Stick to your role! PLOS ONE. doi:10.1371/journal.pone.0309114

    Examples
    --------
    >>> a, b = [[5, 3, 1], [4, 2, 3], [1, 5, 2], [2, 4, 5]], [[4, 3, 2], [5, 1, 3], [2, 4, 1], [1, 5, 4]]
    >>> round(ipsative_stability(a, b), 4)
    0.9193
    """
    x, y = _pair(a, b)
    if x.shape[1] < 3:
        raise DesignError(f"{x.shape[1]} values; a profile needs at least 3")
    r = _columns(x.T, y.T)
    kept = r[~np.isnan(r)]
    flat = len(r) - len(kept)
    what = f"mean over personas of the correlation of their {x.shape[1]} values between two contexts"
    warnings = [f"{flat} of {len(r)} personas have a constant profile: left out"] if flat else []
    interval, se = None, None
    how = f"none: {len(kept)} personas"
    # Correlations that differ by rounding only do not differ.
    if len(kept) >= MIN_SUBJECTS and np.ptp(kept) > 1e-12:
        se = float(kept.std(ddof=1)) / math.sqrt(len(kept))
        interval = mean_interval(float(kept.mean()), se, len(kept) - 1, _LEVEL)
        how = f"score interval of a bounded mean, over personas, {len(kept) - 1} df"
        warnings.extend(_skewed(kept))
    elif len(kept):
        warnings.append(
            f"no interval: {len(kept)} personas with a correlation; use at least {MIN_SUBJECTS} that differ"
        )
    return Estimate(
        value=float(kept.mean()) if len(kept) else math.nan,
        se=se,
        interval=interval,
        interval_method=how,
        estimand=what,
        target=target,
        n_units=len(kept),
        n_missing=flat,
        assumptions=("personas are a random sample of those one would speak of",),
        warnings=tuple(warnings),
    )


def perspective_controllability(
    scores: ArrayLike, targets: Sequence[Sequence[int] | int], *, target: Target = "model"
) -> Estimate:
    """How far a context that asks for certain values raises them above the others.

    For perspective p with its target values, ``C_p = mean(target values) - mean(other values)`` of scores scaled to
    0 to 1; the mean over perspectives. The form is reconstructed from the description of Kovac et al. (2023), not
    taken from their code.

    Parameters
    ----------
    scores : array_like, shape (n_perspectives, n_values) or (n_replicates, n_perspectives, n_values)
        Scores from 0 to 1; replicates are independent administrations (personas, seeds), averaged.
    targets : sequence of int or of sequences of int, length n_perspectives
        Columns of the values that each perspective should raise.
    target : {"model", "human", "data"}
        Whose scores they are.

    Returns
    -------
    Estimate
        -1 to 1. With 10 replicates and more, a 95 % t interval over replicates, about more of them under the same
        perspectives; `baselines` holds every perspective's own value.

    Raises
    ------
    DesignError, DataError
        If a perspective has no target, or no other value; if shapes differ or a score lies outside 0 to 1.
    MissingDataError
        If a score is missing.

    References
    ----------
    Kovac et al. (2023), Large language models as superpositions of cultural perspectives. arXiv:2307.07870

    Examples
    --------
    >>> print(perspective_controllability([[0.9, 0.2, 0.3], [0.1, 0.8, 0.3]], [0, 1]))
    0.625
    """
    table = finite(scores, "scores", ndim=None, way_out=_WAY_OUT)
    if table.ndim not in (2, 3):
        raise DataError(f"scores have shape {table.shape}; expected ([n_replicates,] n_perspectives, n_values)")
    if (table < 0).any() or (table > 1).any():
        raise DataError("scores must be scaled to 0 to 1: subtract the scale's lowest point and divide by its range")
    replicates = table[None] if table.ndim == 2 else table
    aimed = _aimed(targets, *replicates.shape[1:])
    raised = (replicates * aimed).sum(axis=2) / aimed.sum(axis=1)
    rest = (replicates * ~aimed).sum(axis=2) / (~aimed).sum(axis=1)
    by_perspective = (raised - rest).mean(axis=0)
    each = (raised - rest).mean(axis=1)
    n, mean = len(each), float(by_perspective.mean())
    se = float(each.std(ddof=1)) / math.sqrt(n) if n >= MIN_SUBJECTS else 0.0
    reach = se * float(special.stdtrit(max(n - 1, 1), (1 + _LEVEL) / 2))
    few = f"no interval: {n} replicate{'s' * (n > 1)} that differ; use at least {MIN_SUBJECTS}"
    return Estimate(
        value=mean,
        se=se or None,
        interval=(max(mean - reach, -1.0), min(mean + reach, 1.0)) if se else None,
        interval_method=f"t over replicates, {n - 1} df, within [-1, 1]" if se else f"none: {n} replicates",
        estimand=f"rise of targeted over other values, mean of {len(aimed)} perspectives",
        target=target,
        n_units=n,
        baselines={f"perspective {p}": float(c) for p, c in enumerate(by_perspective)},
        assumptions=("perspectives are fixed; replicates are independent of each other",),
        warnings=() if se else (few,),
    )


def _aimed(targets: Sequence[Sequence[int] | int], n_perspectives: int, n_values: int) -> Bools:
    if len(targets) != n_perspectives:
        raise DataError(f"{len(targets)} targets for {n_perspectives} perspectives; give each its values")
    aimed = np.zeros((n_perspectives, n_values), dtype=np.bool_)
    for p, wanted in enumerate(targets):
        columns = [wanted] if isinstance(wanted, int) else list(wanted)
        if any(not 0 <= column < n_values for column in columns):
            raise DataError(f"perspective {p}: target {columns} is none of the {n_values} columns")
        aimed[p, columns] = True
        if not 0 < aimed[p].sum() < n_values:
            raise DesignError(f"perspective {p} has {int(aimed[p].sum())} of {n_values} values as target; leave others")
    return aimed


def _columns(x: Floats, y: Floats) -> Floats:
    """Pearson's correlation in every column; NaN where a side is constant."""
    dx, dy = x - x.mean(axis=0), y - y.mean(axis=0)
    return _ratio((dx * dy).sum(axis=0), (dx**2).sum(axis=0), (dy**2).sum(axis=0))


def _columns_without(x: Floats, y: Floats) -> Floats:
    """The same without each row in turn, shape (n_rows, n_columns)."""
    n = len(x)
    dx, dy = x - x.mean(axis=0), y - y.mean(axis=0)
    # Leaving a row out takes n / (n - 1) times its product of deviations from each sum.
    grow = n / (n - 1)
    return _ratio(
        (dx * dy).sum(axis=0) - grow * dx * dy, (dx**2).sum(axis=0) - grow * dx**2, (dy**2).sum(axis=0) - grow * dy**2
    )


def _ratio(xy: Floats, xx: Floats, yy: Floats) -> Floats:
    # What is left of a sum of squares by rounding is not variation.
    varies = (xx > 1e-12 * (1 + xx.max())) & (yy > 1e-12 * (1 + yy.max()))
    r: Floats = np.divide(xy, np.sqrt(np.where(varies, xx * yy, 1.0)), out=np.full(xy.shape, math.nan), where=varies)
    return np.clip(r, -1.0, 1.0)


def _skewed(values: Floats) -> tuple[str, ...]:
    """Where an interval from a mean and its standard error may be too short."""
    n, skew = len(values), skewness(values)
    if n > fewest_for(skew):
        return ()
    return (f"correlations of {n} personas are skewed ({skew:.1f}): the interval may be too short",)


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    x, y = (finite(s, f"scores in context {c}", ndim=None, way_out=_WAY_OUT) for c, s in (("a", a), ("b", b)))
    if x.ndim != 2 or x.shape != y.shape or not x.size:
        raise DataError(f"contexts have shapes {x.shape} and {y.shape}; expected (n_personas, n_values) twice")
    return x, y
