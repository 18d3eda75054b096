"""Means of clustered answers, and the variance that clusters carry."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.experiments.outcomes import (
    Codes,
    Floats,
    Labels,
    Linear,
    coded,
    few_df,
    numbers,
    rare_outcomes,
    with_t_test,
)
from proband.measures.shares import ALIKE, UNITS_ALIKE, mean_of_shares, share_interval, shows_share
from proband.measures.surveys.design import simple_random_sample

Kind = Literal["CR0", "CR1", "CR2", "CR3"]
_UNEVEN = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterMean:
    """Mean of a set of units in clusters, and what its variance is made of."""

    mean: float  # over units
    totals: Floats  # (n_clusters,): residuals summed within clusters, divided by the number of units
    shares: Floats  # (n_clusters,): clusters' shares of the units
    n: int  # units
    scale: float = 0.0  # largest absolute unit

    @classmethod
    def of(cls, y: Floats, codes: Codes) -> "ClusterMean":
        """From units and their clusters' codes (any integers)."""
        _, dense = np.unique(codes, return_inverse=True)
        mean = float(y.mean())
        sizes = np.bincount(dense)
        totals = np.bincount(dense, y - mean) / len(y)
        return cls(mean=mean, totals=totals, shares=sizes / len(y), n=len(y), scale=float(np.abs(y).max()))

    def variance(self, kind: Kind = "CR2") -> float:
        """Sandwich variance of the mean; at least 2 clusters."""
        # A mean is drawn towards its own clusters: residuals of one with share h are too small by 1 - h. CR2 undoes
        # that on average, CR3 more than that: it errs on the long side.
        squares, left = self.totals**2, 1 - self.shares
        if kind == "CR0":
            return float(squares.sum())
        if kind == "CR1":
            return float(squares.sum()) * len(squares) / (len(squares) - 1)
        return float((squares / (left if kind == "CR2" else left**2)).sum())

    @property
    def third(self) -> float:
        """Third central moment of the mean, from the clusters' totals."""
        return float((self.totals**3).sum())

    @property
    def spread(self) -> float:
        """Sum of the squared eigenvalues of the CR2 variance, a quadratic form in independent units of variance 1.

        Its trace is ``1 / n``; Satterthwaite's degrees of freedom are the squared trace over this sum.
        """
        leverage = self.shares**2 / (1 - self.shares)
        mixed = float(leverage.sum()) ** 2 - float((leverage**2).sum())
        return (float((self.shares**2).sum()) + mixed) / self.n**2


def combine(parts: list[tuple[float, ClusterMean]]) -> Linear:
    """Weighted sum of means of disjoint clusters with CR2 variance and Satterthwaite degrees of freedom."""
    return Linear(
        value=sum(w * part.mean for w, part in parts),
        variance=sum(w**2 * part.variance() for w, part in parts),
        df=sum(w**2 / part.n for w, part in parts) ** 2 / sum(w**4 * part.spread for w, part in parts),
        third=sum(w**3 * part.third for w, part in parts),
        scale=max(part.scale for _, part in parts),
    )


def uneven(parts: list[ClusterMean], df: float) -> tuple[str, ...]:
    """Warn where a few clusters carry the result: simulations put the coverage of 95 % intervals at .92-.95."""
    most = sum(len(part.shares) - 1 for part in parts)
    if df >= _UNEVEN * most:
        return ()
    largest = max(float(part.shares.max()) for part in parts)
    return (
        f"clusters differ much in size (the largest is {largest:.0%} of its arm; {df:.1f} of {most} degrees of "
        "freedom): where answers within clusters are much alike the interval is somewhat short",
    )


def clustered_mean(
    y: ArrayLike,
    cluster: Labels,
    kind: Kind = "CR2",
    *,
    is_share: bool | None = None,
    target: Target = "model",
    level: float = 0.95,
) -> Estimate:
    """Mean of answers that come in clusters, with a cluster-robust standard error.

    With r_c the summed residuals of cluster c, n_c its size and C clusters: CR0 ``sum r_c^2 / n^2`` (the clustered
    standard error of Miller 2024), CR1 times ``C / (C - 1)``, CR2 each term divided by ``1 - n_c / n``, CR3 by its
    square. CR2 is unbiased where answers are independent, and its t test has Satterthwaite's degrees of freedom,
    which fall below C - 1 when clusters differ in size; the others are tested on C - 1. Cluster on whatever answers
    share: the subject who gave several, the item several subjects were asked, the text several questions are about.

    Not for answers that share two things at once (subject and item crossed): take the coarser as cluster, or
    average over the other first. With few clusters of very different size and strong correlation within them the
    interval is still somewhat short (see the coverage page).

    Parameters
    ----------
    y : array_like, shape (n_units,)
        Scores, one per answer.
    cluster : sequence, shape (n_units,)
        Label of every answer's cluster.
    kind : {"CR2", "CR0", "CR1", "CR3"}
        Form of the variance. CR0 is too small with few clusters.
    is_share : bool, optional
        Whether scores are shares of something, 0 to 1; by default if they are all 0 or 1. Then the interval is
        Wilson's at the number of answers that would have this standard error, with a t quantile at the same degrees of
        freedom, and as in `share_estimates` where each answer is its own cluster.
    target, level : {"model", "human", "data"}, float
        Whom the mean describes; confidence level.

    Returns
    -------
    Estimate
        In the unit of `y`; `p_value` tests a mean of 0. One cluster, or scores (but for shares) that do not vary, give
        a value without interval. Below 4 degrees of freedom, and where a few clusters carry the mean, warnings say so.

    Raises
    ------
    DataError
        If there are no scores, they are not finite numbers, or labels and scores differ in number.
    MissingDataError, DesignError
        If a score or a label is missing; if `kind` is unknown.

    References
    ----------
    Miller (2024), Adding error bars to evals. arXiv:2411.00640
    Bell & McCaffrey (2002), Survey Methodology 28, 169-181.
    Pustejovsky & Tipton (2018), J. Bus. Econ. Stat. 36, 672-683. doi:10.1080/07350015.2016.1247004

    Examples
    --------
    >>> found = clustered_mean([1, 1, 0, 1, 0, 0, 1, 1, 0, 1], [1, 1, 1, 2, 2, 2, 3, 3, 4, 4])
    >>> print(found, round(found.se, 7), round(found.df, 2))
    0.600 [0.224, 0.886] 0.1349603 2.86
    """
    if kind not in get_args(Kind):
        raise DesignError(f"kind {kind!r} is none of {', '.join(get_args(Kind))}")
    scores = numbers(y, "scores")
    codes, labels = coded(cluster, "cluster")
    if len(codes) != len(scores):
        raise DataError(f"{len(codes)} cluster labels for {len(scores)} scores; give every score its cluster")
    if not len(scores):
        raise DataError("no scores: there is nothing to average")
    about = Estimate(
        value=float(scores.mean()),
        estimand="mean of the population that the clusters were drawn from",
        target=target,
        n_units=len(scores),
        n_clusters=len(labels),
        level=level,
        assumptions=("clusters are independent of each other",),
    )
    if len(labels) < 2:
        reason = f"one cluster ({labels[0]!r}): what differs between clusters cannot be seen; add others"
        return replace(about, interval_method="none: one cluster", warnings=(reason,))
    part = ClusterMean.of(scores, codes)
    mean = combine([(1.0, part)])
    # Satterthwaite's degrees of freedom are those of CR2; for the others the usual count stands.
    if kind != "CR2":
        mean = replace(mean, variance=part.variance(kind), df=len(labels) - 1.0)
    if shows_share(scores, is_share):
        found = with_t_test(about, mean, "")
        if len(labels) == len(scores):  # nothing is clustered
            share = mean_of_shares(scores, simple_random_sample(len(scores)), about.estimand, target, level)
            how = share.interval_method
            return replace(found, interval=share.interval, interval_method=how, warnings=share.warnings)
        return _share(found, part, mean, kind)
    doubts = (*rare_outcomes(scored=scores), *uneven([part], mean.df))
    return with_t_test(replace(about, warnings=doubts), mean, f"t, {kind}")


def _share(found: Estimate, part: ClusterMean, mean: Linear, kind: Kind) -> Estimate:
    """A share with the score interval at its clustered variance."""
    # Where all agree, clusters may do so for reasons of their own: no more answers were seen than there are clusters.
    seen = 1 / float((part.shares**2).sum())
    if not mean.varies and 0 < mean.value < 1:
        return replace(found, interval=None, interval_method=ALIKE, warnings=(f"no interval: {UNITS_ALIKE}",))
    return replace(
        found,
        interval=share_interval(min(max(mean.value, 0.0), 1.0), found.se or 0.0, mean.df, seen, found.level),
        interval_method=f"Wilson at the share's own variance, {kind}, t, {mean.df:.3f} df",
        warnings=(*few_df(mean.df), *uneven([part], mean.df)),
    )
