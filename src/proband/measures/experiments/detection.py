"""The smallest effect that a design can detect."""

import math

from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures.experiments.comparisons import t_test_power, z_test_power


def smallest_detectable_effect(
    n_a: float, n_b: float | None = None, *, power: float = 0.8, alpha: float = 0.05, sd: float = 1.0
) -> Estimate:
    """Smallest true difference of means that a two-sided t test of two arms finds with probability `power`.

    With `n_a` alone that of a paired t test: every unit is observed under both levels.

    Exact for normal outcomes of equal variance (noncentral t, both tails). For clustered units divide each n
    by ``1 + (m - 1) rho`` first. In a study of a model more calls buy a smaller effect; in a claim about
    people only more people do.

    Parameters
    ----------
    n_a, n_b : float
        Independent units in each arm, at least 2; `n_a` alone for paired units.
    power, alpha : float
        Wanted power and two-sided size of the test.
    sd : float
        Standard deviation of the outcome within arms, of paired units that of their differences; the result is in
        its unit.

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
    _check_power(n_a, n_a if n_b is None else n_b, power, alpha)
    if not (math.isfinite(sd) and sd > 0):
        raise DesignError(f"sd is {sd}; give the positive standard deviation expected within arms")
    df = n_a - 1 if n_b is None else n_a + n_b - 2

    def shortfall(noncentrality: float) -> float:
        return t_test_power(df, noncentrality, alpha) - power

    # A bracket for the root: at the critical value power is about a half, and beyond it only rises.
    enough = float(special.stdtrit(df, 1 - alpha / 2)) + 1
    while shortfall(enough) < 0:
        enough *= 2
    from scipy import optimize  # 20 MB, which every collection would hold: plans alone ask for this

    noncentrality = float(optimize.brentq(shortfall, 0.0, enough, xtol=1e-12))
    per_unit = math.sqrt(1 / n_a + (0 if n_b is None else 1 / n_b))
    what = f"smallest detectable {'paired ' if n_b is None else ''}difference of means"
    return _planned(sd * noncentrality * per_unit, what, n_a, n_b or 0, power)


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
        return z_test_power(shift, alpha) - power

    from scipy import optimize

    h = float(optimize.brentq(shortfall, 0.0, critical + 20.0, xtol=1e-12)) * math.sqrt(1 / n_a + 1 / n_b)
    angle = 2 * math.asin(math.sqrt(share)) + h
    # A share of 1 has the angle pi: beyond it there is no share.
    if angle > math.pi:
        reason = f"with {n_a:g} and {n_b:g} units not even a rise from {share:g} to 1 would be found"
        return _planned(math.nan, "smallest detectable difference of shares", n_a, n_b, power, reason)
    return _planned(math.sin(angle / 2) ** 2 - share, "smallest detectable difference of shares", n_a, n_b, power)


def _check_power(n_a: float, n_b: float, power: float, alpha: float) -> None:
    if not min(n_a, n_b) >= 2:
        raise DesignError(f"arms of {n_a:g} and {n_b:g} units; a test needs at least 2 in each")
    if not 0 < alpha < power < 1:
        raise DesignError(f"power {power} must lie between alpha {alpha} and 1")


def _planned(value: float, what: str, n_a: float, n_b: float, power: float, *warnings: str) -> Estimate:
    estimand = f"{what} at power {power:g}"
    how = "none: a property of the design"
    return Estimate(
        value=value, estimand=estimand, target="data", n_units=round(n_a + n_b), interval_method=how, warnings=warnings
    )
