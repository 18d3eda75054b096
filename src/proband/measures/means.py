"""Mean of scores over a sample with weights, in which some units may belong together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures.experiments.outcomes import Labels, Linear, coded, numbers, with_t_test
from proband.measures.shares import design_weights


def weighted_mean(
    y: ArrayLike,
    weights: ArrayLike | None = None,
    cluster: Labels | Sequence[object] | None = None,
    *,
    estimand: str = "mean over subjects",
    target: Target = "model",
    level: float = 0.95,
) -> Estimate:
    """Mean of scores, each with the weight of its subject, and clusters where subjects are not independent.

    With weights w that sum to 1, C clusters and z_c the summed ``w (y - mean)`` of cluster c, the variance is
    ``C / (C - 1) sum z_c^2``, that of a ratio estimator (Cochran 1977, Sampling Techniques, ch. 6), tested by t with
    C - 1 degrees of freedom. Without weights and clusters this is the mean with its usual t interval. For answers in
    few clusters of unequal size prefer `clustered_mean`, which has no weights and better small-sample corrections.

    Parameters
    ----------
    y : array_like, shape (n_units,)
        Scores.
    weights : array_like, shape (n_units,), optional
        Positive.
    cluster : sequence, shape (n_units,), optional
        Cluster of every unit; None makes each its own.
    estimand : str
        What is averaged, for the reader.
    target, level : {"model", "human", "data"}, float
        Whom the mean describes; confidence level.

    Returns
    -------
    Estimate
        In the unit of `y`; a single cluster, or scores that do not vary, give a value without interval.

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
    w = design_weights(weights, scores.size)
    w = w / w.sum()
    codes, labels = coded(list(range(scores.size)) if cluster is None else list(cluster), "cluster")
    if len(codes) != scores.size:
        raise DataError(f"{len(codes)} cluster labels for {scores.size} scores; give every score its cluster")
    value, n = float(w @ scores), len(labels)
    about = Estimate(
        value=value,
        estimand=estimand,
        target=target,
        n_units=scores.size,
        n_clusters=None if cluster is None or n == scores.size else n,
        level=level,
        interval_method="none: one unit",
        warnings=("one independent unit: what differs between units cannot be seen",) if n < 2 else (),
    )
    if n < 2:
        return about
    totals = np.bincount(codes, weights=w * (scores - value))
    variance = n / (n - 1) * float((totals**2).sum())
    third = float((totals**3).sum())
    found = Linear(value=value, variance=variance, df=n - 1.0, third=third, scale=float(np.abs(scores).max()))
    return with_t_test(about, found, f"t over {'subjects' if cluster is None else 'units'}")
