"""Quantiles from people's answers and a model's predictions (PPI++)."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.correction.estimates import FEWEST_LABELS, CorrectedEstimate, Limits, corrected, no_interval
from proband.measures.correction.means import corrected_mean
from proband.measures.correction.samples import Labels, Sampling, Side, read_labels
from proband.measures.correction.weightless import without_weightless


@without_weightless
def ppi_quantile(
    labelled: ArrayLike,
    predicted_labelled: ArrayLike,
    predicted_unlabelled: ArrayLike,
    *,
    q: float = 0.5,
    sampling: Sampling | None = None,
    level: float = 0.95,
) -> CorrectedEstimate:
    """Median or another quantile in a population, from n human answers and predictions for n + N people.

    The answer at which the corrected share of answers at or below it, ``F(t)``, reaches q. The interval holds every t
    that the score interval of ``F(t)``, a `ppi_mean` of "at or below t" with its own lambda, does not refuse. So it
    needs no density, and holds for skewed answers.

    When not to use it: for scales of few points, where a quantile is one of them and jumps; take shares. And for
    quantiles so far out that fewer than 5 answers lie beyond: the model is then left out.

    Parameters
    ----------
    labelled, predicted_labelled, predicted_unlabelled : array_like, shape (n,), (n,), (N,)
        Answers, and predictions on the same scale.
    q : float
        Which quantile, between 0 and 1.
    sampling : Sampling, optional
        Weights and clusters.
    level : float
        Confidence level.

    Returns
    -------
    CorrectedEstimate
        `se` is the interval's half width over the normal quantile (Woodruff). Without interval below 10 labelled units
        (clusters), or where they are too few for limits so far out.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If q is not between 0 and 1; else as in `ppi_mean`.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), PPI++: Efficient prediction-powered inference. arXiv:2311.01453
    Woodruff (1952), J. Am. Stat. Assoc. 47, 635-646. doi:10.1080/01621459.1952.10483443

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> income = np.exp(rng.normal(size=3000))
    >>> guess = income * np.exp(0.3 * rng.normal(size=3000))
    >>> found = ppi_quantile(income[:300], guess[:300], guess[300:])
    >>> print(found, found.classical)
    0.977 [0.896, 1.041] 0.942 [0.826, 1.036]
    """
    if not 0 < q < 1:
        raise DesignError(f"quantile {q} is not between 0 and 1; the median is q = 0.5")
    labels = read_labels(labelled, predicted_labelled, predicted_unlabelled, sampling)
    if labels.y.min() == labels.y.max():
        raise DataError(f"all labelled answers are {labels.y[0]:g}, so no quantile can be told from another")
    alone = replace(labels, u=np.zeros(0), right=Side(share=np.zeros(0), cluster=None, is_plain=True))
    classical = _quantile(alone, q, 0.0, level)
    tuning = float(_share_below(labels, classical.value, level).tuning or 0.0)
    found = _quantile(labels, q, tuning, level) if tuning else classical
    predicted = _first_reached(*_cumulated(labels.u, labels.right.share), q) if labels.u.size else math.nan
    gain = (classical.se / found.se) ** 2 if classical.se and found.se else 1.0
    return corrected(labels, classical, found, tuning=tuning, predicted=predicted, gain=gain)


def _share_below(labels: Labels, at: float, level: float) -> CorrectedEstimate:
    """The corrected share of answers at or below a point."""
    y, f, u = ((part <= at).astype(np.float64) for part in (labels.y, labels.f, labels.u))
    return corrected_mean(replace(labels, y=y, f=f, u=u), level)


def _cumulated(values: Floats, share: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(values, kind="stable")
    return values[order], np.cumsum(share[order])


def _first_reached(values: Floats, cumulated: Floats, q: float) -> float:
    # Shares of floats sum to 1 but for rounding, so q is reached a hair's breadth before.
    return float(values[min(int(np.searchsorted(cumulated, q - 1e-12)), values.size - 1)])


def _quantile(labels: Labels, q: float, tuning: float, level: float) -> Estimate:
    points = np.unique(np.concatenate([labels.y, *((labels.f, labels.u) if tuning else ())]))
    corrections = [(labels.y, labels.left.share, 1.0)]
    if tuning:
        corrections += [(labels.f, labels.left.share, -tuning), (labels.u, labels.right.share, tuning)]
    below = np.zeros(points.size)
    for part, share, sign in corrections:
        values, cumulated = _cumulated(part, share)
        below += sign * np.concatenate([[0.0], cumulated])[np.searchsorted(values, points, side="right")]
    # Corrected shares may fall a little between two points; the envelope is what the quantile is read from.
    value = _first_reached(points, np.maximum.accumulate(below), q)
    limits = _limits(labels, points, q, value, level)
    se = None
    if limits.interval is not None:
        se = (limits.interval[1] - limits.interval[0]) / 2 / float(special.ndtri((1 + level) / 2))
    return Estimate(
        value=value,
        se=se,
        interval=limits.interval,
        level=level,
        interval_method=limits.how,
        estimand=f"{q:g} quantile of the human answers in the population",
        target="human",
        n_units=labels.left.n_units,
        n_clusters=None if labels.left.cluster is None else labels.left.n_clusters,
        warnings=limits.warnings,
    )


def _limits(labels: Labels, points: Floats, q: float, value: float, level: float) -> Limits:
    """The points around the estimate whose share of answers at or below may be q, by bisection on either side."""
    n = labels.left.n_clusters
    if n < FEWEST_LABELS:
        return no_interval(n)

    def refused(k: int, side: int) -> bool:
        interval = _share_below(labels, float(points[k]), level).interval
        return interval is not None and (interval[1] < q if side < 0 else interval[0] > q)

    middle, ends = int(np.searchsorted(points, value)), []
    for side, last in ((-1, 0), (1, points.size - 1)):
        if not refused(last, side):
            said = f"{n} labelled units are too few for limits of the {q:g} quantile; label more people"
            return Limits(interval=None, how="none: too few labelled units", warnings=(said,))
        near, far = middle, last
        while abs(far - near) > 1:
            half = (near + far) // 2
            near, far = (near, half) if refused(half, side) else (half, far)
        # Below the limit F is refused up to the next point; above it, from the refused point on.
        ends.append(float(points[far + 1] if side < 0 and far < middle else points[far]))
    return Limits(interval=(min(ends[0], value), max(ends[1], value)), how="shares below by score (Wilson), inverted")
