"""Totals, means, ratios and quantiles of everybody, from people drawn by a design."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Bools, Floats, finite
from proband.measures.experiments.outcomes import Linear, with_t_test
from proband.measures.surveys.design import SurveyDesign

_FEW_DF = 4


def survey_total(
    y: ArrayLike,
    design: SurveyDesign,
    *,
    domain: ArrayLike | None = None,
    estimand: str = "total of the population",
    target: Target = "human",
    level: float = 0.95,
) -> Estimate:
    """Total of a population, ``sum w y`` (Horvitz & Thompson 1952), with the variance of the design.

    Parameters
    ----------
    y : array_like, shape (n,)
        One number for everybody in the design; of a 0/1 column, the total is how many there are.
    design : SurveyDesign
        How they were drawn; weights say how many people each stands for.
    domain : array_like of bool, shape (n,), optional
        Who is counted; the others still belong to the design, as their units might have held some.
    estimand : str
        What is totalled, for the reader.
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Returns
    -------
    Estimate
        t interval with as many degrees of freedom as units less strata.

    Raises
    ------
    DataError, MissingDataError
        If there is not one number a person, or nobody in the domain; if a number is missing.

    References
    ----------
    Horvitz & Thompson (1952), J. Am. Stat. Assoc. 47, 663-685. doi:10.1080/01621459.1952.10483446

    Examples
    --------
    >>> from proband.measures import survey_design
    >>> print(survey_total([3, 5, 4, 6], survey_design(4, weights=[10, 10, 20, 20])))
    280.000 [30.765, 529.235]
    """
    values, part, _ = domain_values(y, design, domain)

    def total(w: Floats) -> Floats:
        return np.array([w @ values])

    covariance = part.covariance(total, lambda: (part.w * values)[:, None])
    scale = float(np.abs(values).max() * part.w.sum())
    return _estimate(float(total(part.w)[0]), covariance, part, estimand, target, level, scale)


def survey_mean(
    y: ArrayLike,
    design: SurveyDesign,
    *,
    domain: ArrayLike | None = None,
    estimand: str = "mean of the population",
    target: Target = "human",
    level: float = 0.95,
) -> Estimate:
    """Mean of a population, ``sum w y / sum w``, with the linearised or replicate variance of the design.

    For a share take `survey_proportion`, whose interval stays within 0 and 1. Parameters and errors are those of
    `survey_total`. `baselines` holds the ``design_effect``: the variance over that of a simple random sample of as
    many people.

    References
    ----------
    Kish (1965), Survey Sampling. New York: Wiley.
    Binder (1983), International Statistical Review 51, 279-292. doi:10.2307/1402588

    Examples
    --------
    >>> from proband.measures import survey_design
    >>> design = survey_design(6, strata=[1, 1, 1, 2, 2, 2], weights=[2, 2, 2, 1, 1, 1])
    >>> print(survey_mean([3, 5, 4, 6, 8, 7], design))
    5.000 [3.805, 6.195]
    """
    values, part, _ = domain_values(y, design, domain)

    def mean(w: Floats) -> Floats:
        return np.array([w @ values / w.sum()])

    value = float(mean(part.w)[0])
    covariance = part.covariance(mean, lambda: (part.w * (values - value) / part.w.sum())[:, None])
    found = _estimate(value, covariance, part, estimand, target, level, float(np.abs(values).max()))
    return replace(
        found,
        baselines={
            "design_effect": design_effect(values - value, part.w, float(covariance[0, 0]), float(np.abs(values).max()))
        },
    )


def survey_ratio(
    numerator: ArrayLike,
    denominator: ArrayLike,
    design: SurveyDesign,
    *,
    domain: ArrayLike | None = None,
    estimand: str = "ratio of two totals of the population",
    target: Target = "human",
    level: float = 0.95,
) -> Estimate:
    """Ratio of two totals, ``sum w y / sum w x``, e.g. income a head of households; see `survey_total`.

    Raises DataError where the denominators sum to 0, beside what `survey_total` raises.

    References
    ----------
    Cochran (1977), Sampling Techniques, ch. 6. New York: Wiley.

    Examples
    --------
    >>> from proband.measures import survey_design
    >>> print(survey_ratio([25, 24, 30, 49, 80, 70], [120, 78, 185, 228, 670, 530],
    ...                    survey_design(6, strata=[1, 1, 2, 2, 3, 3])))
    0.154 [0.122, 0.185]
    """
    values, part, rows = domain_values(numerator, design, domain)
    below = design.at_hand(finite(denominator, "denominators"), "denominators")[rows]
    if not part.w @ below:
        raise DataError("the denominators sum to 0; there is no ratio")

    def ratio(w: Floats) -> Floats:
        return np.array([w @ values / (w @ below)])

    value = float(ratio(part.w)[0])
    covariance = part.covariance(ratio, lambda: (part.w * (values - value * below) / (part.w @ below))[:, None])
    return _estimate(value, covariance, part, estimand, target, level, abs(value))


def survey_quantile(
    y: ArrayLike,
    q: float,
    design: SurveyDesign,
    *,
    domain: ArrayLike | None = None,
    estimand: str = "",
    target: Target = "human",
    level: float = 0.95,
) -> Estimate:
    """Quantile of a population: the least value up to which a share `q` of it lies, with Woodruff's interval.

    The interval is that of the share of people up to the estimate, by t and cut to 0 and 1, read back as values; its
    length over two t quantiles is the standard error. Beyond `q`, arguments and errors are those of `survey_total`;
    a `q` that is not between 0 and 1 raises DataError.

    References
    ----------
    Woodruff (1952), J. Am. Stat. Assoc. 47, 635-646. doi:10.1080/01621459.1952.10483443

    Examples
    --------
    >>> from proband.measures import survey_design
    >>> print(survey_quantile(range(1, 21), 0.5, survey_design(20)))
    10.000 [6.000, 15.000]
    """
    if not 0 < q < 1:
        raise DataError(f"quantile {q} is not between 0 and 1, as in 0.5 for the median")
    values, part, _ = domain_values(y, design, domain)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(part.w[order]) / part.w.sum()

    def at(share: float) -> float:
        # Rounding of the sums must not carry a share that is just reached to the next value.
        return float(values[order][min(int(np.searchsorted(reached, share - 1e-12)), len(order) - 1)])

    value = at(q)
    below = survey_mean(values <= value, part)
    t = float(special.stdtrit(part.df, (1 + level) / 2))
    reach = t * (below.se or 0.0)
    low, high = at(max(below.value - reach, 0.0)), at(min(below.value + reach, 1.0))
    return Estimate(
        value=value,
        se=(high - low) / (2 * t),
        interval=(low, high) if reach else None,
        interval_method=f"Woodruff, t, {part.df} df" if reach else "none: no variance",
        estimand=estimand or f"quantile {q:g} of the population",
        target=target, n_units=part.n, n_clusters=_clusters(part), level=level, df=float(part.df),
        warnings=(*_doubts(part), *part.left_out),
    )  # fmt: skip


def design_effect(residuals: Floats, w: Floats, variance: float, scale: float = 1.0) -> float:
    """Variance of a mean over that of a simple random sample of as many people; NaN where nothing varies."""
    n = len(w)
    simple = float(w @ residuals**2 / w.sum()) / (n - 1) if n > 1 else 0.0
    # Of people who are all alike rounding leaves some 1e-32.
    return variance / simple if simple > 1e-24 * scale**2 else math.nan


def domain_rows(domain: ArrayLike | None, design: SurveyDesign) -> Bools:
    """Who of those at hand is in a domain, shape (n,)."""
    if domain is None:
        return np.ones(design.n, dtype=bool)
    given = np.asarray(domain)
    if given.dtype != np.bool_ or given.ndim != 1:
        raise DataError("domain must be one True or False for everybody in the design; compare a column with a value")
    rows: Bools = design.at_hand(given, "domain marks")
    if not rows.any():
        raise DataError("nobody is in the domain; check what it was compared with")
    return rows


def domain_values(y: ArrayLike, design: SurveyDesign, domain: ArrayLike | None) -> tuple[Floats, SurveyDesign, Bools]:
    """Values of those in the domain, their part of the design, and who they are."""
    values = design.at_hand(finite(y, "values"), "values")
    rows = domain_rows(domain, design)
    return (values, design, rows) if rows.all() else (values[rows], design.take(rows), rows)


def _clusters(design: SurveyDesign) -> int | None:
    return design.n_units if design.n_units < design.n else None


def _doubts(design: SurveyDesign) -> tuple[str, ...]:
    few = f"{design.df} degrees of freedom of the design: the variance itself is hardly known"
    return (few,) if design.df < _FEW_DF else ()


def _estimate(
    value: float, covariance: Floats, design: SurveyDesign, estimand: str, target: Target, level: float, scale: float
) -> Estimate:
    """A number with the t interval of its design; `scale` is what its rounding goes by."""
    about = Estimate(
        value=value, estimand=estimand, target=target, n_units=design.n, n_clusters=_clusters(design), level=level,
        warnings=design.left_out,
    )  # fmt: skip
    found = Linear(value=value, variance=float(covariance[0, 0]), df=float(design.df), scale=scale)
    return with_t_test(about, found, f"t, variance of {design.named}")
