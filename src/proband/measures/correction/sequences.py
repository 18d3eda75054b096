"""Looking while answers come in: intervals of a corrected mean that hold at all times at once."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.correction.samples import Labels, Sampling, read_labels

_FIRST_TRUST = 10  # answers from which lambda is estimated


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSequence:
    """A corrected mean after each answer, with limits that hold at all times at once.

    - `values`, `low`, `high` (n,): after the first, second, ... answer (cluster); limits are NaN before `first`.
    - `tunings` (n,): lambda that each answer was corrected with, known before it came.
    - `last` (Estimate): after all answers.
    """

    values: Floats
    low: Floats
    high: Floats
    tunings: Floats
    last: Estimate

    def first_below(self, half_width: float) -> int | None:
        """Answers (clusters) after which the interval was first as short as this; None where it never was."""
        short = (self.high - self.low) / 2 <= half_width
        return int(short.argmax()) + 1 if short.any() else None


def ppi_sequence(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    *,
    sampling: Sampling | None = None,
    tightest_at: int = 100,
    first: int = 20,
    level: float = 0.95,
) -> ConfidenceSequence:
    """Mean of a fixed pool of people, whose answers come in one by one, with intervals valid whenever one looks.

    Everybody of the pool is predicted, and asked in random order. After t answers the mean is that of
    ``y_i - lambda_i (f_i - mean f)``, the mean over the whole pool; lambda_i comes from the answers before i. The
    interval is an asymptotic confidence sequence (a normal mixture): with chance `level` it holds the truth at *all*
    times, so asking may stop as soon as it is short enough, or leaves out a value.

    With weights the target is the pool's weighted mean: after answer i its term is
    ``w_i / mean(w) (y_i - lambda_i f_i - c_i) + lambda_i mean_w(f) + c_i``, where the centre c_i is the weighted mean
    of the answers before i less their predictions, so that unequal weights cost only what they must. Where people are
    asked in whole clusters (households), in random order of these, sums over a cluster are what comes in, and all
    counts, `tightest_at` too, are of clusters.

    When not to use it: for a number of answers fixed beforehand; `ppi_mean` is a third shorter then. The target is the
    pool's mean, not that of a population which the pool is a small sample of.

    Parameters
    ----------
    labelled, predicted_labelled : array_like, shape (n,)
        Answers and their predictions, in the order they came.
    predicted_unlabelled : array_like, shape (N,)
        Predictions for those of the pool who were not asked yet.
    sampling : Sampling, optional
        Weights of everybody in the pool, known beforehand, on one scale for both parts; clusters of everybody, each
        asked whole and at a stretch.
    tightest_at : int
        Number of answers (clusters) at which the interval is to be shortest; settled before the first answer.
    first : int
        Answers before which there is no interval: the guarantee is for many.
    level : float
        Confidence level, at all times at once.

    Returns
    -------
    ConfidenceSequence

    Raises
    ------
    DesignError
        If `tightest_at` or `first` is below 10; if one side only has weights or clusters, or a cluster comes back after
        another was asked.
    MissingDataError, DataError
        As in `ppi_mean`.

    References
    ----------
    Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Annals of Statistics 52, 2613-2640. doi:10.1214/24-AOS2408

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> answers = rng.normal(size=1000)
    >>> guesses = answers + rng.normal(size=1000)
    >>> found = ppi_sequence(answers[:300], guesses[:300], guesses[300:])
    >>> print(found.last, found.first_below(0.25))
    -0.078 [-0.204, 0.049] 65
    """
    if min(tightest_at, first) < 10:
        raise DesignError(f"tightest_at = {tightest_at}, first = {first}: both are at least 10 answers")
    drawn = sampling or Sampling()
    for what, both in (
        ("weights", (drawn.weights, drawn.weights_unlabelled)),
        ("clusters", (drawn.cluster, drawn.cluster_unlabelled)),
    ):
        if (both[0] is None) != (both[1] is None):
            raise DesignError(f"{what} of one part of the pool; give those of the asked and of the others")
    labels = read_labels(labelled, predicted_labelled, predicted_unlabelled, sampling)
    y, f, n_people = labels.y, labels.f, labels.y.size + labels.u.size
    weights = np.ones(n_people) if drawn.weights is None else np.concatenate(
        [np.asarray(part, dtype=np.float64) for part in (drawn.weights, drawn.weights_unlabelled)]
    )  # fmt: skip
    known = float(np.average(np.concatenate([f, labels.u]), weights=weights))
    if drawn.weights is None and drawn.cluster is None:
        tunings = _known_before(y, f)
        rectified = y - tunings * (f - known)
    else:
        sums = _by_cluster(labels, weights[: y.size])
        n_pool = labels.right.n_clusters + len(sums.w)
        tunings, rectified = _weighted(sums, float(weights.sum()) / n_pool, known)
    n = len(rectified)
    t = np.arange(1, n + 1)
    values = np.cumsum(rectified) / t
    squares = np.cumsum((rectified - rectified[0]) ** 2) - t * (values - rectified[0]) ** 2
    variance = np.maximum(squares, 0.0) / np.maximum(t - 1, 1)
    alpha = 1 - level
    # Robbins' mixture is shortest at t for t rho^2 = -W_{-1}(-alpha^2 / e) - 1.
    rho2 = (-special.lambertw(-(alpha**2) * math.exp(-1), -1).real - 1) / tightest_at
    within = t * rho2 + 1
    reach = np.sqrt(variance * 2 * within / (t**2 * rho2) * np.log(np.sqrt(within) / alpha))
    reach[: first - 1] = np.nan
    low, high = values - reach, values + reach
    if labels.is_binary:
        low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    has_interval = n >= first and variance[-1] > 0
    counted = "answers" if drawn.cluster is None else "clusters"
    said = (
        f"{n} {counted}: the sequence begins at {first}" if n < first else "answers do not vary: there is no interval"
    )
    last = Estimate(
        value=float(values[-1]),
        se=math.sqrt(float(variance[-1]) / n),
        interval=(float(low[-1]), float(high[-1])) if has_interval else None,
        level=level,
        interval_method="asymptotic confidence sequence, holds at all times" if has_interval else f"none: {said}",
        estimand=f"mean of the answers of all {n_people} people of the pool",
        target="human",
        n_units=y.size,
        n_clusters=None if drawn.cluster is None else n,
        baselines={"human answers only": float(np.average(y, weights=weights[: y.size])), "predictions only": known},
        assumptions=(f"{'people' if drawn.cluster is None else 'clusters'} of the pool were asked in random order",),
        warnings=() if has_interval else (said,),
    )
    return ConfidenceSequence(values=values, low=low, high=high, tunings=tunings, last=last)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of each cluster, in the order asked: its weight, and weighted sums of answers and predictions."""

    w: Floats
    wy: Floats
    wf: Floats


def _by_cluster(labels: Labels, weights: Floats) -> _Sums:
    codes = labels.left.cluster
    if codes is None:
        return _Sums(weights, weights * labels.y, weights * labels.f)
    if (np.diff(codes) < 0).any():
        raise DesignError(
            f"row {int((np.diff(codes) < 0).argmax()) + 1}: a cluster comes back after another was asked; order the "
            "answers by cluster, as they came, and leave out one that is only partly asked"
        )
    parts = np.array([np.bincount(codes, part) for part in (weights, weights * labels.y, weights * labels.f)])
    return _Sums(*parts.astype(np.float64))


def _weighted(sums: _Sums, mean_weight: float, known: float) -> tuple[Floats, Floats]:
    """Lambda and the corrected term of each cluster; both, and the centre, are known before it is asked."""
    own = np.maximum(sums.w, 1e-300)
    # Differences within the sample: what a cluster's weighted mean of answers owes to that of predictions.
    tunings = _known_before(sums.wy / own, sums.wf / own)

    def before(values: Floats) -> Floats:
        return np.concatenate([[0.0], np.cumsum(values)[:-1]])

    weight = before(sums.w)
    seen = np.divide(before(sums.wy), weight, out=np.zeros(len(own)), where=weight > 0)
    guessed = np.divide(before(sums.wf), weight, out=np.full(len(own), known), where=weight > 0)
    centre = seen - tunings * guessed
    # The first has nothing before it; the guess for everybody is its own fair centre.
    centre[0] = known - tunings[0] * known
    terms = (sums.wy - tunings * sums.wf - centre * sums.w) / mean_weight + centre + tunings * known
    return tunings, terms


def _known_before(y: Floats, f: Floats) -> Floats:
    """Lambda for each answer from those before it, within [0, 1]; 0 for the first ones."""
    n = y.size
    before = np.arange(n)
    y, f = y - y[0], f - f[0]  # sums of squares of large numbers lose their digits

    def sums(values: Floats) -> Floats:
        return np.concatenate([[0.0], np.cumsum(values)[:-1]])

    counted = np.maximum(before, 1)
    cross = sums(y * f) - sums(y) * sums(f) / counted
    spread = sums(f * f) - sums(f) ** 2 / counted
    varies = (before >= _FIRST_TRUST) & (spread > 1e-12 * sums(f * f))
    found: Floats = np.clip(np.divide(cross, spread, out=np.zeros(n), where=varies), 0.0, 1.0)
    return found
