"""Equivalence: whether a difference is small enough not to matter, and not only too small to see."""

import math
from dataclasses import dataclass
from typing import Literal

from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate

Verdict = Literal["equivalent", "different", "different but small", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """What two one-sided tests found.

    Attributes
    ----------
    estimate : Estimate
        What was tested, with its interval of ``1 - 2 alpha``.
    margins : pair of float
        The smallest differences that matter, below and above.
    p_value : float
        The larger of the two one-sided ones; NaN where an interval alone decided.
    verdict : {"equivalent", "different", "different but small", "undecided"}
        Equivalent: within the margins, and not told apart from 0. Different but small: both. Undecided: neither.
    """

    estimate: Estimate
    margins: tuple[float, float]
    p_value: float
    verdict: Verdict


def equivalence(estimate: Estimate, margin: float | tuple[float, float], *, alpha: float = 0.05) -> Equivalence:
    """Two one-sided tests (TOST) that an estimate lies within margins.

    ``t_low = (value - low) / se`` and ``t_high = (value - high) / se`` with the estimate's own degrees of freedom
    (normal where it has none); equivalence is claimed where both reject at `alpha`, which is where the interval of
    level ``1 - 2 alpha`` lies within the margins. Works on whatever has a standard error: differences of means and of
    shares, coefficients. Correlations and distances have intervals that lean to one side, and no standard error to
    stand for them: computed at ``level=0.9`` (``1 - 2 alpha``) the interval itself decides. A distance cannot be
    below 0, so that only the upper margin counts.

    Parameters
    ----------
    estimate : Estimate
        With `se`, or with an interval of level ``1 - 2 alpha``.
    margin : float or pair of float
        The smallest difference of interest, in the estimate's unit: ``0.1`` is (-0.1, 0.1). With one side infinite it
        is a test of non-inferiority.
    alpha : float
        Size of each test.

    Raises
    ------
    DesignError
        If the margins do not enclose a stretch around 0, or the estimate has neither standard error nor that interval.

    References
    ----------
    Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657-680. doi:10.1007/BF01068419
    Lakens (2017), Soc. Psychol. Personal. Sci. 8, 355-362. doi:10.1177/1948550617697177

    Examples
    --------
    >>> from proband.estimates import Estimate
    >>> small = Estimate(value=0.01, se=0.02, estimand="difference", target="model", n_units=100)
    >>> found = equivalence(small, 0.05)
    >>> found.verdict, round(found.p_value, 4)
    ('equivalent', 0.0228)
    """
    try:
        low, high = (-margin, margin) if isinstance(margin, int | float) else (float(end) for end in margin)
    except (TypeError, ValueError) as error:
        raise DesignError(f"margin is {margin!r}; give a number above 0, or a pair such as (-0.1, 0.2)") from error
    if not low < 0 < high or (math.isinf(low) and math.isinf(high)):
        raise DesignError(f"margins ({low:g}, {high:g}) do not lie on both sides of 0; say which difference matters")
    if not 0 < alpha < 0.5:
        raise DesignError(f"alpha is {alpha}; it lies between 0 and one half")
    if estimate.se is None and estimate.interval is not None and abs(estimate.level - (1 - 2 * alpha)) < 1e-9:
        lower, upper = estimate.interval
        return Equivalence(
            estimate=estimate, margins=(low, high), p_value=math.nan,
            verdict=_verdict(is_small=low < lower and upper < high, differs=not lower <= 0 <= upper),
        )  # fmt: skip
    if estimate.se is None or not estimate.se > 0 or math.isnan(estimate.value):
        why = "it has no standard error" if estimate.interval is None else (
            f"it has no standard error; compute it at level={1 - 2 * alpha:g}, and its interval decides"
        )  # fmt: skip
        raise DesignError(f"{estimate.estimand}: equivalence cannot be tested, {'; '.join([why, *estimate.warnings])}")

    def tail(t: float) -> float:
        return float(special.ndtr(-t) if estimate.df is None else special.stdtr(estimate.df, -t))

    se, df = estimate.se, estimate.df
    p = max(tail((estimate.value - low) / se), tail((high - estimate.value) / se))
    reach = se * float(-special.ndtri(alpha) if df is None else -special.stdtrit(df, alpha))
    verdict = _verdict(is_small=p < alpha, differs=2 * tail(abs(estimate.value) / se) < alpha)
    narrowed = Estimate(
        value=estimate.value, se=se, df=df, estimand=estimate.estimand, target=estimate.target,
        n_units=estimate.n_units, n_clusters=estimate.n_clusters, n_missing=estimate.n_missing, level=1 - 2 * alpha,
        interval=(estimate.value - reach, estimate.value + reach), interval_method="two one-sided tests",
        p_value=p, assumptions=estimate.assumptions, warnings=estimate.warnings,
    )  # fmt: skip
    return Equivalence(estimate=narrowed, margins=(low, high), p_value=p, verdict=verdict)


def _verdict(*, is_small: bool, differs: bool) -> Verdict:
    if is_small:
        return "different but small" if differs else "equivalent"
    return "different" if differs else "undecided"
