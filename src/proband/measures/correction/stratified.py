"""A mean from labels drawn stratum by stratum, and a model's predictions (stratified PPI++)."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.correction.estimates import (
    FEWEST_EVENTS,
    FEWEST_LABELS,
    CorrectedEstimate,
    Limits,
    binary_units,
    corrected,
    no_interval,
    share_limits,
    t_limits,
    unseen_errors,
    variance_ratio,
)
from proband.measures.correction.samples import Codes, Labels, Sampling, Side, read_labels
from proband.measures.correction.several import mean_influences
from proband.measures.correction.strata import population_shares, strata_codes
from proband.measures.correction.tuning import Influences, combine, t_reach, tune
from proband.measures.correction.weightless import without_weightless

_OWN_TRUST = 20  # labelled units of a stratum from which it has a lambda of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One stratum: its share of the population, its labels, their influences, and its lambda."""

    share: float
    labels: Labels
    influences: Influences
    tuning: Floats


@without_weightless
def ppi_stratified(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    *,
    strata: Sequence[Hashable],
    strata_unlabelled: Sequence[Hashable],
    population: Mapping[Hashable, float] | None = None,
    sampling: Sampling | None = None,
    level: float = 0.95,
) -> CorrectedEstimate:
    """Population mean or share where labels were drawn within strata, in whatever numbers, e.g. by `allocate_labels`.

    ``sum_h W_h (lambda_h mean(u_h) + mean(y_h - lambda_h f_h))``: `ppi_mean` in every stratum, weighted by the strata's
    shares of the population. A model may be trusted in one stratum and left out in another; strata below 20 labelled
    units share one lambda. What differs between strata no longer adds to the error.

    When not to use it: when strata were formed after seeing the answers; or for labels drawn with probabilities that
    differ from unit to unit (`dsl_mean`).

    Parameters
    ----------
    labelled, predicted_labelled, predicted_unlabelled : array_like, shape (n,), (n,), (N,)
        As in `ppi_mean`.
    strata, strata_unlabelled : sequence, length n and N
        Stratum of each unit.
    population : mapping of stratum to float, optional
        Sizes or shares of the strata; by default those among all n + N units, whose own error is counted. Weights then
        need one scale in both samples.
    sampling : Sampling, optional
        Weights and clusters within strata.
    level : float
        Confidence level.

    Returns
    -------
    CorrectedEstimate
        `tunings` are the lambdas by stratum, in the order the strata appear; `tuning` is their mean.

    Raises
    ------
    DesignError
        If a stratum has fewer than 2 labelled units: merge it with another.
    DataError, MissingDataError
        If a stratum has no size, or a size no labelled units; else as in `ppi_mean`.

    References
    ----------
    Fisch, Maynez, Hofer, Dhingra, Globerson & Cohen (2024), Stratified prediction-powered inference. arXiv:2406.04291

    Examples
    --------
    >>> y, f = [2.0, 3, 4, 5] * 3 + [7.0, 9] * 4, [2.0, 3, 4, 4] * 3 + [7.0, 8] * 4
    >>> found = ppi_stratified(
    ...     y, f, f * 9, strata=["a"] * 12 + ["b"] * 8, strata_unlabelled=(["a"] * 12 + ["b"] * 8) * 9
    ... )
    >>> round(found.value, 2), found.interval_method
    (5.3, 'PPI++, t, 22.1 df')
    """
    whole = read_labels(labelled, predicted_labelled, predicted_unlabelled, sampling)
    names, left, right = _codes(strata, strata_unlabelled, whole)
    if population is None:
        shares = _counted_shares(np.concatenate([left, right]), sampling or Sampling())
    else:
        shares = population_shares(population, names)
    parts = [_part(whole, left == h, right == h, name) for h, name in enumerate(names)]
    found = _strata(shares, parts)
    estimated = left.size + right.size if population is None else math.inf
    classical = _estimate(whole, [replace(part, tuning=np.zeros(1)) for part in found], estimated, level)
    estimate = _estimate(whole, found, estimated, level)
    tunings = tuple(float(part.tuning[0]) for part in found)
    trusted = float(shares @ np.array(tunings))
    predicted = sum(part.share * float(part.labels.right.share @ part.labels.u) for part in found)
    gain = variance_ratio(classical, estimate)
    made = corrected(whole, classical, estimate, tuning=trusted, predicted=predicted, gain=gain)
    return replace(made, tunings=tunings)


def _codes(
    strata: Sequence[Hashable], strata_unlabelled: Sequence[Hashable], whole: Labels
) -> tuple[list[Hashable], Codes, Codes]:
    for given, units, what in ((strata, whole.y, "labelled"), (strata_unlabelled, whole.u, "unlabelled")):
        if len(given) != units.size:
            raise DataError(f"{len(given)} strata for {units.size} {what} units; give every unit its stratum")
    names, codes = strata_codes([*strata, *strata_unlabelled])
    n = whole.y.size
    for h, name in enumerate(names):
        if (found := int((codes[:n] == h).sum())) < 2:
            raise DesignError(f"stratum {name!r} has {found} labelled units; a variance needs 2: merge it with another")
    return names, codes[:n], codes[n:]


def _counted_shares(codes: Codes, sampling: Sampling) -> Floats:
    """Shares of the strata among all units."""
    if (sampling.weights is None) != (sampling.weights_unlabelled is None):
        raise DataError(
            "weights for one of the two samples only say nothing of how large strata are; give `population`"
        )
    w = None if sampling.weights is None else np.concatenate([sampling.weights, sampling.weights_unlabelled])
    totals = np.bincount(codes, weights=w)
    shares: Floats = totals / totals.sum()
    return shares


def _part(whole: Labels, left: Floats, right: Floats, name: Hashable) -> Labels:
    """The labels of one stratum."""
    sides = []
    for side, kept in ((whole.left, left), (whole.right, right)):
        share = side.share[kept] / side.share[kept].sum() if kept.any() else np.zeros(0)
        cluster = None if side.cluster is None else np.unique(side.cluster[kept], return_inverse=True)[1]
        sides.append(Side(share=share, cluster=cluster, is_plain=side.is_plain))
    if sides[0].n_clusters < 2:
        raise DesignError(
            f"the labelled of stratum {name!r} are one cluster; a variance needs 2: merge it with another"
        )
    return Labels(y=whole.y[left], f=whole.f[left], u=whole.u[right], left=sides[0], right=sides[1])


def _strata(shares: Floats, parts: Sequence[Labels]) -> list[Stratum]:
    """Strata with the lambda of each: its own, or that of all small ones."""
    influences = [mean_influences(part) for part in parts]
    own, small = np.zeros(len(parts)), []
    for h, part in enumerate(parts):
        rarer = min(part.y.sum(), (1 - part.y).sum()) if part.is_binary else part.y.size
        if part.left.n_clusters >= _OWN_TRUST and rarer >= FEWEST_EVENTS:
            own[h] = tune(influences[h])[0]
        elif part.right.n_clusters >= 2:
            small.append(h)
    if small:
        a, b, c = (np.concatenate([shares[h] * getattr(influences[h], side) for h in small]) for side in "abc")
        pooled = Influences(
            a=a,
            b=b,
            c=c,
            df=np.array([sum(len(influences[h].a) - 1.0 for h in small)]),
            shift=np.array([sum(float(shares[h] * influences[h].shift[0]) for h in small)]),
            rounding=np.array([max(float(influences[h].rounding[0]) for h in small)]),
        )
        binary = all(parts[h].is_binary for h in small)
        answers = np.concatenate([parts[h].y for h in small])
        if not binary or min(answers.sum(), (1 - answers).sum()) >= FEWEST_EVENTS:
            own[small] = tune(pooled)[0]
    return [
        Stratum(share=float(share), labels=part, influences=found, tuning=np.array([lam]))
        for share, part, found, lam in zip(shares, parts, influences, own, strict=True)
    ]


def _estimate(whole: Labels, strata: Sequence[Stratum], estimated: float, level: float) -> Estimate:
    """Means of the strata put together; `estimated` is the number of units their shares come from."""
    means, variances, spare, unseen = [], [], [], 0.0
    for stratum in strata:
        labels, lam = stratum.labels, float(stratum.tuning[0])
        mean = float(labels.left.share @ (labels.y - lam * labels.f))
        means.append(mean + (lam * float(labels.right.share @ labels.u) if lam else 0.0))
        tuned = combine(stratum.influences, stratum.tuning)
        variances.append(stratum.share**2 * float(tuned.covariance[0, 0]))
        spare.append(float(tuned.df[0]))
        unseen += stratum.share**2 * unseen_errors(labels) if lam and labels.is_binary else 0.0
    shares = np.array([stratum.share for stratum in strata])
    value = float(shares @ means)
    between = float(shares @ (np.array(means) - value) ** 2) / estimated
    variance = float(sum(variances))
    df = variance**2 / sum(v**2 / d for v, d in zip(variances, spare, strict=True)) if variance else math.inf
    variance += between
    n = whole.left.n_clusters
    if n < FEWEST_LABELS:
        limits = no_interval(n)
    elif whole.is_binary:
        share = min(max(value, 0.0), 1.0)
        # Where nobody differs within strata, answers are worth what their weights leave of them.
        units = binary_units(variance + unseen, share, n, whole.left) * (n - 1) / n
        limits = share_limits(value, units, t_reach(df, level))
    elif variance == 0:
        said = "answers do not vary within strata: there is no interval"
        limits = Limits(interval=None, how="none: no variance", warnings=(said,))
    else:
        limits = t_limits(value, math.sqrt(variance), df, level)
    return Estimate(
        value=value,
        se=math.sqrt(variance),
        interval=limits.interval,
        level=level,
        interval_method=limits.how,
        estimand="mean of the human answers in a population with these strata",
        target="human",
        n_units=whole.left.n_units,
        n_clusters=None if whole.left.cluster is None else n,
        df=df,
        warnings=limits.warnings,
    )
