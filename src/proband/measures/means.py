"""Mean of scores over a sample with weights, in which some units may belong together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.experiments.outcomes import Labels, Linear, coded, numbers, with_t_test
from proband.measures.shares import mean_of_shares, shows_share
from proband.measures.surveys.design import SurveyDesign, design_of


def weighted_mean(
    y: ArrayLike,
    weights: ArrayLike | None = None,
    cluster: Labels | Sequence[object] | None = None,
    *,
    strata: ArrayLike | None = None,
    psu: ArrayLike | None = None,
    design: SurveyDesign | None = None,
    is_share: bool | None = None,
    estimand: str = "mean over subjects",
    target: Target = "model",
    level: float = 0.95,
) -> Estimate:
    """Mean of scores, each with the weight of its subject, and clusters where subjects are not independent.

    With weights w that sum to 1, C clusters and z_c the summed ``w (y - mean)`` of cluster c, the variance is
    ``C / (C - 1) sum z_c^2``, that of a ratio estimator (Cochran 1977, Sampling Techniques, ch. 6), tested by t with
    C - 1 degrees of freedom; strata, or a design, change it as in `survey_mean`. Without weights and clusters this is
    the mean with its usual t interval. Scores of 0 and 1 have the interval of `share_estimates`. For answers in few
    clusters of unequal size prefer `clustered_mean`, which has no weights and better small-sample corrections.

    Parameters
    ----------
    y : array_like, shape (n_units,)
        Scores.
    weights : array_like, shape (n_units,), optional
        At least 0; a unit of weight 0 stands for nobody and is left out.
    cluster : sequence, shape (n_units,), optional
        Cluster of every unit; None makes each its own. `psu` is the same for people who were drawn together.
    strata, psu : array_like, shape (n_units,), optional
        Stratum of every unit, and sampling unit that it was drawn with.
    design : SurveyDesign, optional
        Weights, strata and sampling units in one.
    is_share : bool, optional
        Whether scores are shares of something, 0 to 1; by default if they are all 0 or 1.
    estimand : str
        What is averaged, for the reader.
    target, level : {"model", "human", "data"}, float
        Whom the mean describes; confidence level.

    Returns
    -------
    Estimate
        In the unit of `y`; a single cluster, or scores (but for shares) that do not vary, give a value without
        interval.

    Raises
    ------
    DataError, MissingDataError
        If there are no scores, or weights or clusters do not fit them; if a score is missing.

    Examples
    --------
    >>> print(weighted_mean([1, 2, 3, 4]), weighted_mean([1, 2, 3, 4], [1, 1, 1, 3]))
    2.500 [0.446, 4.554] 3.000 [0.708, 5.292]
    """
    scores = numbers(y, "scores")
    if not scores.size:
        raise DataError("no scores: there is nothing to average")
    if cluster is not None:
        if psu is not None or design is not None:
            raise DesignError("cluster was given beside psu or design, which say the same; give one")
        codes, _ = coded(list(cluster), "cluster")
        if len(codes) != scores.size:
            raise DataError(f"{len(codes)} cluster labels for {scores.size} scores; give every score its cluster")
        psu = codes
    plan = design_of(scores.size, weights, strata, psu, design)
    scores = plan.at_hand(scores, "scores")
    w = plan.w / plan.w.sum()
    value = float(w @ scores)
    about = Estimate(
        value=value,
        estimand=estimand,
        target=target,
        n_units=plan.n,
        n_clusters=plan.n_units if plan.n_units < plan.n else None,
        level=level,
        interval_method="none: one unit",
        warnings=plan.left_out,
    )
    if plan.n_units < 2 and plan.repeats is None:
        return replace(about, warnings=("one independent unit: what differs between units cannot be seen",))
    influence = (w * (scores - value))[:, None]
    totals = plan.unit_totals(influence)[:, 0]
    found = Linear(
        value=value,
        variance=float(plan.covariance(lambda v: np.array([v @ scores / v.sum()]), lambda: influence)[0, 0]),
        df=float(plan.df),
        third=float((totals**3).sum()),
        scale=float(np.abs(scores).max()),
    )
    tested = with_t_test(about, found, f"t over {'subjects' if plan.n_units == plan.n else 'units'}")
    if not shows_share(scores, is_share):
        return tested
    share = mean_of_shares(scores, plan, estimand, target, level)
    return replace(tested, interval=share.interval, interval_method=share.interval_method, warnings=share.warnings)
