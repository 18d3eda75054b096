"""Intervals of chance-corrected coefficients and of means of correlations, and when they are refused."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints
from proband.measures.shares import score_interval

MIN_UNITS = 10
FEW_UNITS = 5
_SAFE_UNITS = 20
_MOST_GROUPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """A coefficient at most 1, its standard error over units, and what makes that error unsafe.

    - `value`, `se`: NaN where undefined.
    - `n_units`, `n_missing`: units used; units left out because fewer than two coders coded them.
    - `n_disagreeing`, `n_minority`: units on which coders differ; units that hold another code than the commonest.
    - `n_elsewhere`: units on which no coder gave the commonest code; None where the error does not depend on them.
    - `error_from`: where the standard error comes from.
    - `warnings`: reasons, where a value is undefined.
    """

    value: float
    se: float
    n_units: int
    n_disagreeing: float
    n_minority: float
    n_elsewhere: float | None = None
    n_missing: int = 0
    error_from: str = "jackknife over units"
    warnings: tuple[str, ...] = ()


def as_estimate(found: Coefficient, estimand: str, *, level: float, target: Target) -> Estimate:
    """Estimate with Fisher's z interval and t quantile on n - 1 degrees of freedom, or the reason for none."""
    if not 0 < level < 1:
        raise DesignError(f"confidence level {level} is not between 0 and 1")
    estimate = Estimate(
        value=found.value,
        se=found.se if math.isfinite(found.se) and found.se > 0 else None,
        level=level,
        estimand=estimand,
        target=target,
        n_units=found.n_units,
        n_missing=found.n_missing,
        interval_method="none: undefined",
        assumptions=("units are a random sample of those the coefficient speaks of", "coders are as given"),
        warnings=found.warnings,
    )
    if math.isnan(found.value):
        return estimate
    if refusal := _refusal(found):
        return replace(
            estimate, interval_method=f"none: {refusal}", warnings=(*found.warnings, f"no interval: {refusal}")
        )
    interval = fisher_interval(found.value, found.se, found.n_units - 1, level)
    how = f"Fisher z, {found.error_from}, t with {found.n_units - 1} df"
    return replace(estimate, interval=interval, interval_method=how, warnings=(*found.warnings, *_cautions(found)))


def fisher_interval(value: float, se: float, df: float, level: float) -> tuple[float, float]:
    """Interval of a coefficient between -1 and 1, symmetric on the scale of its inverse hyperbolic tangent."""
    reach = float(special.stdtrit(df, (1 + level) / 2)) * se / (1 - value**2)
    centre = math.atanh(value)
    return math.tanh(centre - reach), math.tanh(centre + reach)


def mean_interval(mean: float, se: float, df: float, level: float) -> tuple[float, float]:
    """Interval of a mean of numbers between -1 and 1, such as correlations, which are skewed near the ends.

    Wilson's score interval on (mean + 1) / 2, at the number of yes-or-no answers that the variance is worth, with the
    quantile of t. At 20 correlations with mean .92 it holds in 95 % of samples where mean -+ t se holds in 88 %.
    """
    share = (mean + 1) / 2
    worth = share * (1 - share) / (se / 2) ** 2
    low, high = score_interval(share, worth, float(special.stdtrit(df, (1 + level) / 2)))
    return 2 * low - 1, 2 * high - 1


def jackknife_error(without: Floats, weights: Floats | None = None) -> float:
    """Standard error from the values without one unit, each counting `weights` times; NaN if one is undefined."""
    times = np.ones(len(without)) if weights is None else weights
    used = without[times > 0]
    if not len(used) or not np.isfinite(used).all():
        return math.nan
    times = times[times > 0]
    n = float(times.sum())
    mean = times @ used / n
    return math.sqrt((n - 1) / n * float(times @ (used - mean) ** 2))


def _refusal(found: Coefficient) -> str:
    if found.n_units < MIN_UNITS:
        return f"{found.n_units} units; code at least {MIN_UNITS}"
    if not found.n_disagreeing:
        return (
            f"coders agree on all {found.n_units} units, so nothing shows how much agreement varies; at 95 % "
            f"confidence they disagree on at most {1 - 0.05 ** (1 / found.n_units):.1%} of such units"
        )
    if not math.isfinite(found.se):
        return "without a certain unit the coefficient is undefined; code more units that hold the rarer codes"
    if not found.se > 0 or abs(found.value) >= 1:
        return "the coefficient does not change when a unit is left out; code more, and more varied, units"
    return ""


def _cautions(found: Coefficient) -> tuple[str, ...]:
    if found.n_units < _SAFE_UNITS:
        few = f"{found.n_units} units: below {_SAFE_UNITS} a 95 % interval may hold in 91 % of samples only"
        return (few, *_rare(found))
    return _rare(found)


def _rare(found: Coefficient) -> tuple[str, ...]:
    # Where coders part on every unit that holds a rarer code, the jackknife never sees one that would carry agreement:
    # at 30 units with a category in 3 % such intervals hold in 61 % of samples, all others in 99 %.
    if found.n_elsewhere == 0:
        return (
            f"on none of the {found.n_minority:.0f} units that hold a rarer code do coders agree that it is another "
            "than the commonest: the interval is too low and too short; code more units of the rarer kinds",
        )
    if found.n_minority < FEW_UNITS:
        return (
            f"{found.n_minority:.0f} of {found.n_units} units hold another code than the commonest: below "
            f"{FEW_UNITS} the interval is too short; code more units of the rarer kinds",
        )
    return ()


def over_clusters(measure: Callable[[Ints], Estimate], clusters: Sequence[Hashable]) -> Estimate:
    """An agreement coefficient with the interval of clusters of units that hang together.

    Delete-one-cluster jackknife: ``se^2 = (G - 1) / G sum_g (theta_-g - mean)^2``, and Fisher's z interval with the
    quantile of t on G - 1 degrees of freedom. More than 200 clusters are left out in 200 groups. Where every unit is a
    cluster of its own, the measure's own interval stands.

    Parameters
    ----------
    measure : callable
        The coefficient of the units at some indices.
    clusters : sequence, length n_units
        Cluster of each unit.

    Returns
    -------
    Estimate
        Without an interval where there are fewer than 10 clusters, or the coefficient is undefined.

    References
    ----------
    Efron & Stein (1981), Ann. Stat. 9, 586-596. doi:10.1214/aos/1176345462
    """
    number: dict[Hashable, int] = {}
    of = np.array([number.setdefault(cluster, len(number)) for cluster in clusters], dtype=np.intp)
    whole, n = measure(np.arange(len(of))), len(number)
    if n == len(of) or math.isnan(whole.value):
        return replace(whole, n_clusters=n)
    if n < MIN_UNITS:
        reason = f"{n} clusters, and {MIN_UNITS} are the least"
        return replace(
            whole, n_clusters=n, se=None, interval=None, interval_method=f"none: {reason}",
            warnings=(*whole.warnings, f"no interval: {reason}"),
        )  # fmt: skip
    groups = of % _MOST_GROUPS
    without = np.array([measure(np.flatnonzero(groups != g)).value for g in range(min(n, _MOST_GROUPS))])
    df = len(without) - 1
    se = math.sqrt(df * float(without.var()))
    if not 0 < se < math.inf or not -1 < whole.value < 1:
        reason = "the coefficient does not vary over clusters, or is undefined without one of them"
        return replace(whole, n_clusters=n, se=None, interval=None, interval_method=f"none: {reason}")
    interval = fisher_interval(whole.value, se, df, whole.level)
    how = f"Fisher z, jackknife over {n} clusters, t with {df} df"
    return replace(whole, n_clusters=n, se=se, interval=interval, interval_method=how)
