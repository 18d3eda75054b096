"""Differences between the arms of an experiment, and the smallest that a design can detect."""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from proband.errors import DataError, DesignError, MissingDataError
from proband.records import Estimate, Target

_NO_VARIANCE = "outcomes do not vary within arms: the interval is a point and is not to be trusted"

Blocks = tuple[Sequence[Hashable], Sequence[Hashable]]


def difference_in_means(
    treated: ArrayLike,
    control: ArrayLike,
    *,
    blocks: Blocks | None = None,
    target: Target = "model",
    level: float = 0.95,
) -> Estimate:
    """Average effect of a treatment assigned at random, with Neyman's variance.

    Without blocks ``mean(treated) - mean(control)``, standard error ``sqrt(s1^2/n1 + s0^2/n0)`` and Welch's
    degrees of freedom. With blocks the blocks' differences weighted by block size, N - 2B degrees of freedom.
    The variance is at least as large as the true one on average, whatever the effects of single subjects.

    Parameters
    ----------
    treated, control : array_like, shape (n_treated,) and (n_control,)
        Outcomes, one per independently assigned unit. Several answers of one subject are not independent:
        average them first.
    blocks : pair of sequences, optional
        Block of every treated and of every control unit, in the same order as the outcomes.
    target : {"model", "human"}
        Whom the effect describes.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        In the unit of the outcome. With fewer than 5 of either outcome in an arm of a binary outcome the
        interval is too short, and a warning says so; with skewed outcomes in small arms it is approximate.

    Raises
    ------
    DesignError
        If an arm, or an arm of a block, has fewer than 2 units.
    MissingDataError
        If an outcome is missing; missingness that differs between arms biases the difference.
    DataError
        If outcomes are not finite numbers, or blocks and outcomes differ in length.

    References
    ----------
    Splawa-Neyman (1923/1990), Statist. Sci. 5, 465-472. doi:10.1214/ss/1177012031
    Welch (1947), Biometrika 34, 28-35. doi:10.1093/biomet/34.1-2.28

    Examples
    --------
    >>> print(difference_in_means([5, 7, 6, 8], [3, 4, 4, 5]))
    2.500 [0.545, 4.455]
    """
    y1, y0 = _outcomes(treated, "treated"), _outcomes(control, "control")
    value, variance, df, how = _two_arms(y1, y0) if blocks is None else _blocked(y1, y0, blocks)
    se = math.sqrt(variance)
    n = len(y1) + len(y0)
    reach = se * float(special.stdtrit(df, (1 + level) / 2)) if se else 0.0
    return Estimate(
        value=value,
        se=se,
        interval=(value - reach, value + reach),
        level=level,
        interval_method=f"{how}, {df:.3f} df",
        estimand="average effect of treatment on the assigned units",
        target=target,
        n_units=n,
        assumptions=("units were assigned at random and do not affect each other",),
        warnings=_too_few_events(treated=y1, control=y0) if se else (_NO_VARIANCE,),
    )


def _too_few_events(**arms: NDArray[np.float64]) -> tuple[str, ...]:
    """Warn of arms in which one of two outcomes is rare, where t intervals of shares fail."""
    values = np.unique(np.concatenate(list(arms.values())))
    if len(values) > 2:
        return ()
    rarest = {name: min(int((y == value).sum()) for value in values) for name, y in arms.items()}
    return tuple(
        f"{count} of {len(arms[name])} {name} units have the rarer outcome: below 5 the interval is too short"
        for name, count in rarest.items()
        if count < 5
    )


def _two_arms(y1: NDArray[np.float64], y0: NDArray[np.float64]) -> tuple[float, float, float, str]:
    """Difference, its variance, degrees of freedom and the method's name."""
    for name, y in (("treated", y1), ("control", y0)):
        if len(y) < 2:
            raise DesignError(f"{len(y)} {name} units; a variance needs at least 2 in each arm")
    v1, v0 = float(y1.var(ddof=1)) / len(y1), float(y0.var(ddof=1)) / len(y0)
    df = (
        (v1 + v0) ** 2 / (v1**2 / (len(y1) - 1) + v0**2 / (len(y0) - 1)) if v1 + v0 else len(y1) + len(y0) - 2
    )
    return float(y1.mean() - y0.mean()), v1 + v0, df, "t, Neyman variance, Welch"


def _blocked(
    y1: NDArray[np.float64], y0: NDArray[np.float64], blocks: Blocks
) -> tuple[float, float, float, str]:
    if len(blocks[0]) != len(y1) or len(blocks[1]) != len(y0):
        raise DataError(
            f"blocks for {len(blocks[0])} treated and {len(blocks[1])} control units, "
            f"outcomes for {len(y1)} and {len(y0)}; give every unit its block"
        )
    names = sorted({*blocks[0], *blocks[1]}, key=repr)
    number = {name: i for i, name in enumerate(names)}
    b1, b0 = (np.array([number[name] for name in arm], dtype=np.intp) for arm in blocks)
    n = len(y1) + len(y0)
    value = variance = 0.0
    for name, i in number.items():
        in1, in0 = y1[b1 == i], y0[b0 == i]
        if len(in1) < 2 or len(in0) < 2:
            raise DesignError(
                f"block {name!r} has {len(in1)} treated and {len(in0)} control units; "
                "a variance needs 2 of each: merge blocks"
            )
        share = (len(in1) + len(in0)) / n
        value += share * float(in1.mean() - in0.mean())
        variance += share**2 * float(in1.var(ddof=1) / len(in1) + in0.var(ddof=1) / len(in0))
    return value, variance, n - 2 * len(names), f"t, Neyman variance within {len(names)} blocks"


def smallest_detectable_effect(
    n_a: float, n_b: float, *, power: float = 0.8, alpha: float = 0.05, sd: float = 1.0
) -> Estimate:
    """Smallest true difference of means that a two-sided t test of two arms finds with probability `power`.

    Exact for normal outcomes of equal variance (noncentral t, both tails). For clustered units divide each n
    by ``1 + (m - 1) rho`` first. In a study of a model more calls buy a smaller effect; in a claim about
    people only more people do.

    Parameters
    ----------
    n_a, n_b : float
        Independent units in each arm, at least 2.
    power, alpha : float
        Wanted power and two-sided size of the test.
    sd : float
        Standard deviation of the outcome within arms; the result is in its unit.

    Returns
    -------
    Estimate
        The difference, positive.

    Raises
    ------
    DesignError
        If an arm has fewer than 2 units, `power` is not between `alpha` and 1, or `sd` is not positive.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, ch. 2. doi:10.4324/9780203771587

    Examples
    --------
    >>> round(smallest_detectable_effect(63.76561, 63.76561), 5)
    0.5
    """
    _check_power(n_a, n_b, power, alpha)
    if not (math.isfinite(sd) and sd > 0):
        raise DesignError(f"sd is {sd}; give the positive standard deviation expected within arms")
    df = n_a + n_b - 2
    critical = float(special.stdtrit(df, 1 - alpha / 2))

    def shortfall(noncentrality: float) -> float:
        found = 1 - float(special.nctdtr(df, noncentrality, critical))
        # Beyond 5 the other tail is below 1e-10, and scipy gives NaN where it underflows.
        if noncentrality < 5:
            found += float(special.nctdtr(df, noncentrality, -critical))
        return found - power

    enough = critical + 1
    while shortfall(enough) < 0:
        enough *= 2
    noncentrality = float(optimize.brentq(shortfall, 0.0, enough, xtol=1e-12))
    per_unit = math.sqrt(1 / n_a + 1 / n_b)
    return _planned(sd * noncentrality * per_unit, "smallest detectable difference of means", n_a, n_b, power)


def smallest_detectable_share_difference(
    n_a: float, n_b: float, *, share: float = 0.5, power: float = 0.8, alpha: float = 0.05
) -> Estimate:
    """Smallest rise above `share` that a two-sided test of two shares finds with probability `power`.

    On the arcsine scale, ``h = 2 asin(sqrt(p_b)) - 2 asin(sqrt(p_a))``, where shares have variance 1/n. A
    fall below `share` is the mirrored case: ask for ``1 - share``.

    Parameters
    ----------
    n_a, n_b : float
        Independent units in each arm, at least 2.
    share : float
        Share in the first arm, between 0 and 1.
    power, alpha : float
        Wanted power and two-sided size of the test.

    Returns
    -------
    Estimate
        Difference of shares; NaN with its reason if not even a share of 1 would be found.

    Raises
    ------
    DesignError
        If an arm has fewer than 2 units, or `power`, `alpha` or `share` is out of range.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, ch. 6. doi:10.4324/9780203771587

    Examples
    --------
    >>> round(smallest_detectable_share_difference(387.1677, 387.1677, share=0.4), 5)
    0.1
    """
    _check_power(n_a, n_b, power, alpha)
    if not 0 <= share < 1:
        raise DesignError(f"share {share} must be at least 0 and below 1 to leave room for a rise")
    critical = float(special.ndtri(1 - alpha / 2))

    def shortfall(shift: float) -> float:
        return float(special.ndtr(shift - critical) + special.ndtr(-shift - critical)) - power

    h = float(optimize.brentq(shortfall, 0.0, critical + 20.0, xtol=1e-12)) * math.sqrt(1 / n_a + 1 / n_b)
    angle = 2 * math.asin(math.sqrt(share)) + h
    if angle > math.pi:
        reason = f"with {n_a:g} and {n_b:g} units not even a rise from {share:g} to 1 would be found"
        return _planned(math.nan, "smallest detectable difference of shares", n_a, n_b, power, reason)
    return _planned(
        math.sin(angle / 2) ** 2 - share, "smallest detectable difference of shares", n_a, n_b, power
    )


def _check_power(n_a: float, n_b: float, power: float, alpha: float) -> None:
    if not min(n_a, n_b) >= 2:
        raise DesignError(f"arms of {n_a:g} and {n_b:g} units; a test needs at least 2 in each")
    if not 0 < alpha < power < 1:
        raise DesignError(f"power {power} must lie between alpha {alpha} and 1")


def _planned(value: float, what: str, n_a: float, n_b: float, power: float, *warnings: str) -> Estimate:
    return Estimate(
        value=value,
        estimand=f"{what} at power {power:g}",
        target="model",
        n_units=round(n_a + n_b),
        interval_method="none: a property of the design",
        warnings=warnings,
    )


def _outcomes(values: ArrayLike, arm: str) -> NDArray[np.float64]:
    try:
        y = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"outcomes of the {arm} arm must be numbers, got {values!r}") from error
    if y.ndim != 1:
        raise DataError(f"outcomes of the {arm} arm have shape {y.shape}; give one number per unit")
    if np.isnan(y).any():
        raise MissingDataError(
            f"{int(np.isnan(y).sum())} of {y.size} outcomes of the {arm} arm are missing; drop them and "
            "report how many per arm, since unequal loss biases the difference"
        )
    if np.isinf(y).any():
        raise DataError(f"an outcome of the {arm} arm is infinite; check how it was read")
    return y
