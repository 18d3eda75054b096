"""A mean, a share, or a difference of two, from people's answers and a model's predictions (PPI++)."""

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.correction.estimates import (
    ASSUMPTIONS,
    FEWEST_EVENTS,
    FEWEST_LABELS,
    CorrectedDifference,
    CorrectedEstimate,
    Limits,
    binary_units,
    corrected,
    fields_of,
    no_interval,
    share_limits,
    skewness_note,
    t_limits,
    unseen_errors,
    variance_ratio,
)
from proband.measures.correction.paper import paper_mean
from proband.measures.correction.samples import Labels, Sampling, read_labels
from proband.measures.correction.several import Several, is_several, mean_influences, put_together
from proband.measures.correction.tuning import Influences, combine, t_reach, trust, tune
from proband.measures.correction.weightless import without_weightless

SmallSample = Literal["t", "paper"]
Pair = tuple[ArrayLike, ArrayLike]


@without_weightless
def ppi_mean(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    *,
    sampling: Sampling | None = None,
    small_sample: SmallSample = "t",
    level: float = 0.95,
) -> CorrectedEstimate:
    """Population mean or share, from n human answers and a model's predictions for n + N people.

    ``lambda mean(f_unlabelled) + mean(y - lambda f)``: the predictions of many, corrected by their error among
    the few whose answers are known. Lambda, estimated and between 0 and 1, is how far the model is trusted; at
    0 this is the mean of the human answers, and the standard error is never much above theirs. The predictions may
    be wrong in any way: what they buy is precision, ``n / (1 - r^2)`` human answers at the most.

    When not to use it: when the labelled are no probability sample of those predicted (then weight them, or know
    the labelling probabilities and use `dsl_mean`); or when the model saw the labels.

    Parameters
    ----------
    labelled : array_like, shape (n,)
        Human answers; 0 and 1 for a share.
    predicted_labelled : array_like, shape (n,) or (n, p)
        The model's predictions for the same people, in the same order, on the same scale (probabilities for 0/1).
        Several columns are several predictions of one answer, e.g. of p models, with a lambda each: then the lambdas
        may also be negative, and each costs a degree of freedom.
    predicted_unlabelled : array_like, shape (N,) or (N, p)
        Its predictions for the others. Empty gives the classical estimate and a warning.
    sampling : Sampling, optional
        Weights and clusters.
    small_sample : {"t", "paper"}
        "t": variance with n - 2, t quantile, and Wilson's score interval for 0/1 answers. "paper": variances
        divided by n, normal quantile, as in the package ppi-python 0.2.3; too short below n of about 100.
    level : float
        Confidence level.

    Returns
    -------
    CorrectedEstimate
        Without interval below 10 labelled units (clusters); with a warning where the model buys nothing. For a share
        lambda is 0 where fewer than 5 answers are of the rarer kind.

    Raises
    ------
    MissingDataError, DataError, DesignError
        If a value is missing, arrays do not match, or fewer than 2 units are labelled.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), PPI++: Efficient prediction-powered inference. arXiv:2311.01453
    Wilson (1927), J. Am. Stat. Assoc. 22, 209-212. doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> found = ppi_mean([1, 2, 3, 4], [1, 2, 3, 3], [2, 2, 3, 3] * 10, small_sample="paper")
    >>> round(found.value, 3), found.tuning
    (2.75, 1.0)
    """
    check_small_sample(small_sample)
    if is_several(predicted_labelled):
        if small_sample == "paper":
            raise DesignError('small_sample="paper" knows one prediction of an answer; use the default, "t"')
        several = put_together(labelled, predicted_labelled, predicted_unlabelled, sampling)
        return corrected_mean(several.labels, level, several)
    labels = read_labels(labelled, predicted_labelled, predicted_unlabelled, sampling)
    return paper_mean(labels, level) if small_sample == "paper" else corrected_mean(labels, level)


def check_small_sample(small_sample: str) -> None:
    """One of the two ways there are."""
    if small_sample not in ("t", "paper"):
        raise DesignError(f'small_sample {small_sample!r} is neither "t" nor "paper"')


def corrected_mean(labels: Labels, level: float, several: Several | None = None) -> CorrectedEstimate:
    """PPI++ with the small-sample corrections; `several` predictions have been put together in `labels`."""
    influences = mean_influences(labels)
    n_rarer = int(min(labels.y.sum(), (1 - labels.y).sum())) if labels.is_binary else labels.y.size
    if several is not None:
        influences = replace(influences, n_tuned=len(several.tunings), moved=several.moved)
        fewest = FEWEST_EVENTS * len(several.tunings)
        tuning = trust(influences, np.ones(1)) if several.varies and n_rarer >= fewest else np.zeros(1)
    else:
        tuning = tune(influences) if n_rarer >= FEWEST_EVENTS else np.zeros(1)
    classical = _estimate(labels, influences, np.zeros(1), level)
    found = _estimate(labels, influences, tuning, level)
    made = corrected(
        labels,
        classical,
        replace(found, estimand="mean of the human answers in the population of the unlabelled units"),
        tuning=float(tuning[0]),
        predicted=float(labels.right.share @ labels.u) if labels.u.size else math.nan,
        gain=variance_ratio(classical, found),
    )
    if several is not None:
        return replace(made, tunings=several.tunings if tuning[0] else (0.0,) * len(several.tunings))
    if n_rarer >= FEWEST_EVENTS or not labels.u.size:
        return made
    said = (
        f"{n_rarer} of {labels.y.size} labelled answers are of the rarer kind: below {FEWEST_EVENTS} nobody can tell "
        "what the predictions are worth: the model buys nothing, this is the classical estimate"
    )
    return replace(made, warnings=(*found.warnings, said))


def _estimate(labels: Labels, influences: Influences, tuning: Floats, level: float) -> Estimate:
    """The mean under a given lambda; 0 is the classical mean."""
    left, lam = labels.left, float(tuning[0])
    value = float(left.share @ (labels.y - lam * labels.f))
    if lam:
        value += lam * float(labels.right.share @ labels.u)
    tuned = combine(influences, tuning)
    se, df = math.sqrt(float(tuned.covariance[0, 0])), float(tuned.df[0])
    limits = mean_limits(labels, (influences.a - lam * influences.b)[:, 0], (value, se, df), lam, level)
    return Estimate(
        value=value,
        se=se,
        interval=limits.interval,
        level=level,
        interval_method=limits.how,
        estimand="mean of the human answers in the population",
        target="human",
        n_units=left.n_units,
        n_clusters=None if left.cluster is None else left.n_clusters,
        df=df,
        warnings=limits.warnings,
    )


def mean_limits(
    labels: Labels, influence: Floats, found: tuple[float, float, float], lam: float, level: float
) -> Limits:
    """Score interval of a share, t interval of another mean; `found` is value, standard error and df."""
    value, se, df = found
    n = labels.left.n_clusters
    if n < FEWEST_LABELS:
        return no_interval(n)
    if labels.is_binary:
        share = float(labels.left.share @ labels.y)
        # Wilson's own interval needs no estimate of the variance: normal quantile.
        is_wilson = lam == 0 and labels.left.is_plain
        quantile = t_reach(math.inf if is_wilson else df, level)
        variance = se**2 + (unseen_errors(labels) if lam else 0.0)
        return share_limits(value, binary_units(variance, share, n, labels.left), quantile)
    if se == 0:
        said = "the human answers do not vary: there is no interval"
        return Limits(interval=None, how="none: no variance", warnings=(said,))
    limits = t_limits(value, se, df, level)
    return Limits(interval=limits.interval, how=limits.how, warnings=skewness_note(influence))


def ppi_difference(
    labelled: Pair,
    predicted_labelled: Pair,
    predicted_unlabelled: Pair,
    *,
    sampling: tuple[Sampling, Sampling] | None = None,
    small_sample: SmallSample = "t",
    level: float = 0.95,
) -> CorrectedDifference:
    """Difference of two population means, e.g. the effect of a treatment, from answers and predictions.

    Every arm is a `ppi_mean` of its own, with a lambda of its own. Means: t interval, Welch-Satterthwaite
    degrees of freedom. Shares: the arms' score intervals combined (Newcombe's method). For two answers of
    the *same* people give their differences to `ppi_mean` instead.

    Parameters
    ----------
    labelled, predicted_labelled, predicted_unlabelled : pair of array_like
        First arm and second arm; each as in `ppi_mean`.
    sampling : pair of Sampling, optional
        Weights and clusters of each arm; the arms must be independent of each other.
    small_sample, level
        As in `ppi_mean`.

    Returns
    -------
    CorrectedDifference
        First minus second; `statistic` and `p_value` test a difference of 0 where the interval is a t interval.

    Raises
    ------
    MissingDataError, DataError, DesignError
        As in `ppi_mean`, or if one of the three is not a pair.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), PPI++. arXiv:2311.01453
    Newcombe (1998), Stat. Med. 17, 873-890. doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I

    Examples
    --------
    >>> a, b = [2.0, 3, 4, 5] * 3, [1.0, 2, 2, 3] * 3
    >>> found = ppi_difference((a, b), (a, b), (a * 9, b * 9))
    >>> round(found.value, 3), round(found.arms[0].tuning, 3)
    (1.5, 0.907)
    """
    three = (labelled, predicted_labelled, predicted_unlabelled)
    if any(len(part) != 2 for part in three):
        raise DesignError("a difference has two arms: give each argument as a pair (first arm, second arm)")
    first, second = (
        ppi_mean(y, f, u, sampling=drawn, small_sample=small_sample, level=level)
        for y, f, u, drawn in zip(*three, sampling or (None, None), strict=True)
    )
    classical = _difference(first.classical or first, second.classical or second, level)
    found = _difference(first, second, level)
    notes = {
        f"{name} arm: {said}": None for name, arm in (("first", first), ("second", second)) for said in arm.warnings
    }
    predicted = first.baselines["predictions only"] - second.baselines["predictions only"]
    said = {
        "interval_method": f"PPI++, {found.interval_method}",
        "estimand": "difference of the mean human answers of two populations, first minus second",
        "baselines": {"human answers only": classical.value, "predictions only": predicted},
        "assumptions": (*ASSUMPTIONS, "the two arms are independent of each other"),
        "warnings": tuple(notes),
    }
    effective = found.n_units * variance_ratio(classical, found)
    return CorrectedDifference(
        **fields_of(found) | said, arms=(first, second), effective_n=effective, classical=classical
    )


def _difference(first: Estimate, second: Estimate, level: float) -> Estimate:
    value = first.value - second.value
    v, w = (first.se or 0.0) ** 2, (second.se or 0.0) ** 2
    se = math.sqrt(v + w)
    df = _welch((v, first.df), (w, second.df))
    limits, statistic, p_value = Limits(interval=None, how="none: an arm has none"), None, None
    if first.interval and second.interval:
        is_score = "score" in first.interval_method or "score" in second.interval_method
        if is_score:
            limits = _newcombe(first.value, first.interval, second.value, second.interval)
        else:
            limits, statistic = t_limits(value, se, df, level), value / se
            p_value = 2 * float(special.stdtr(df, -abs(statistic)))
    return Estimate(
        value=value,
        se=se,
        interval=limits.interval,
        level=level,
        interval_method=limits.how,
        estimand="difference of two means",
        target="human",
        n_units=first.n_units + second.n_units,
        statistic=statistic,
        df=df,
        p_value=p_value,
    )


def _welch(*parts: tuple[float, float | None]) -> float:
    """Welch-Satterthwaite degrees of freedom of a sum of variances; infinite where none has any."""
    below = sum(v**2 / df for v, df in parts if df)
    return sum(v for v, _ in parts) ** 2 / below if below else math.inf


def _newcombe(a: float, within_a: tuple[float, float], b: float, within_b: tuple[float, float]) -> Limits:
    low = math.hypot(a - within_a[0], within_b[1] - b)
    high = math.hypot(within_a[1] - a, b - within_b[0])
    return Limits(interval=(a - b - low, a - b + high), how="Newcombe, score intervals of both arms combined")
