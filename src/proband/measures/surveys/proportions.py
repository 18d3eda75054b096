"""The share of a population, with intervals that stay within 0 and 1 whatever the design."""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures.shares import mean_of_shares, shows_share
from proband.measures.surveys.design import SurveyDesign
from proband.measures.surveys.estimates import design_effect, domain_values
from proband.measures.surveys.replicates import check_choice

ProportionInterval = Literal["score", "logit", "beta"]


def survey_proportion(
    y: ArrayLike,
    design: SurveyDesign,
    *,
    domain: ArrayLike | None = None,
    interval: ProportionInterval = "score",
    estimand: str = "share of the population",
    target: Target = "human",
    level: float = 0.95,
) -> Estimate:
    """Share of a population that has something.

    With V the design's variance of the share p, and t with the design's degrees of freedom: "score" is Wilson's
    interval at ``p (1 - p) / V`` answers, as everywhere in this house (`share_estimates`); "logit" is symmetric on the
    log odds, and "beta" is Clopper and Pearson's at an effective n corrected for the degrees of freedom (Korn &
    Graubard 1998), as R's svyciprop has them. Where nobody or everybody has it, "score" alone has an interval.

    Parameters
    ----------
    y : array_like, shape (n,)
        1 or True for those who have it, 0 for the others.
    design : SurveyDesign
        How they were drawn; see `survey_design`.
    domain : array_like of bool, shape (n,), optional
        Among whom.
    interval : {"score", "logit", "beta"}
        Which interval.
    estimand : str
        Of what, for the reader.
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Returns
    -------
    Estimate
        `baselines` holds the ``design_effect``: its variance over that of a simple random sample of as many people.

    Raises
    ------
    DataError, MissingDataError, DesignError
        If a value is neither 0 nor 1, there is not one a person, or nobody is in the domain; if one is missing; if
        `interval` is unknown.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24, 193-201.
    Franco et al. (2019), J. Surv. Stat. Methodol. 7, 334-364. doi:10.1093/jssam/smy019

    Examples
    --------
    >>> from proband.measures import survey_design
    >>> design = survey_design(200, weights=[4] * 10 + [0.5] * 10 + [1] * 180)
    >>> print(survey_proportion([1] * 20 + [0] * 180, design, interval="logit"))
    0.200 [0.123, 0.308]
    """
    check_choice("interval", interval, ProportionInterval)
    values, part, _ = domain_values(y, design, domain)
    if not shows_share(values, None):
        raise DataError("a share is of people who have something (1) or not (0); for other numbers take survey_mean")
    found = mean_of_shares(values, part, estimand, target, level)
    p = found.value

    def mean(w: np.ndarray) -> np.ndarray:
        return np.array([w @ values / w.sum()])

    variance = float(part.covariance(mean, lambda: (part.w * (values - p) / part.w.sum())[:, None])[0, 0])
    found = replace(
        found,
        se=float(np.sqrt(variance)),
        df=float(part.df),
        baselines={"design_effect": design_effect(values - p, part.w, variance)},
    )
    if interval == "score":
        return found
    if not 0 < p < 1 or not variance:
        return replace(found, interval=None, interval_method=f"none: {interval} needs a variance, and there is none")
    t = float(special.stdtrit(part.df, (1 + level) / 2))
    if interval == "logit":
        centre, reach = special.logit(p), t * np.sqrt(variance) / (p * (1 - p))
        low, high = special.expit(centre - reach), special.expit(centre + reach)
    else:
        n = p * (1 - p) / variance * (special.stdtrit(max(part.n - 1, 1), (1 + level) / 2) / t) ** 2
        low = special.betaincinv(n * p, n * (1 - p) + 1, (1 - level) / 2)
        high = special.betaincinv(n * p + 1, n * (1 - p), (1 + level) / 2)
    how = f"{interval}, variance of {part.named}, t, {part.df} df"
    return replace(found, interval=(float(low), float(high)), interval_method=how)
