"""Whether predicted probabilities mean what they say: Brier score, calibration error, reliability curve."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.correction.estimates import FEWEST_LABELS, skewness_note, t_limits
from proband.measures.correction.samples import Codes, numbers
from proband.measures.correction.tuning import t_reach
from proband.measures.shares import wilson_interval

_UNDECIDED = 2.0  # a bin's gap closer to zero than this many standard errors may have either sign
_MOST_UNDECIDED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """One point of the reliability curve.

    - `lower`, `upper`: smallest and largest prediction in the bin.
    - `predicted`: mean prediction.
    - `observed`: share of predictions that came true.
    - `n`: predictions in the bin.
    """

    lower: float
    upper: float
    predicted: float
    observed: Estimate
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far predicted probabilities agree with what people answered.

    - `brier`: mean over people of the squared error, summed over options; 0 is perfect.
    - `reliability`, `resolution`, `uncertainty`, `within_bins`: Murphy's parts of the Brier score:
      ``reliability - resolution + uncertainty + within_bins``.
    - `ece`: mean distance of bins from the diagonal, weighted by their size, between 0 and 1. Above 0 by sampling
      alone: ``baselines["noise floor"]`` is what perfect probabilities would show here.
    - `curve`: reliability curve, from low to high predictions.
    """

    brier: Estimate
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float
    ece: Estimate
    curve: tuple[ReliabilityBin, ...]


def calibration(predicted: ArrayLike, observed: ArrayLike, *, n_bins: int = 10, level: float = 0.95) -> Calibration:
    """Calibration of predicted probabilities against people's answers.

    Bins hold equally many predictions (equal ones stay together, so there may be fewer bins). Intervals treat bins
    as given and people as independent. The expected calibration error (ECE) is a sum of absolute gaps: where
    a gap may be zero its bootstrap never covers 0, so the interval is built from the gaps' signs instead, and is
    conservative for well-calibrated predictions. Calibrated is not informative: predicting everybody's mean is
    perfectly calibrated and has resolution 0.

    Recalibration, if wanted, is to be fitted on other items than those it is judged by.

    Parameters
    ----------
    predicted : array_like, shape (n,) or (n, K)
        Probability of a 1 for each person, or of each of K options (rows sum to 1); then every option of every
        person is an event of its own (classwise), and people stay the units.
    observed : array_like, shape (n,)
        0 or 1; or the 0-based index of the option taken.
    n_bins : int
        Bins, at least 2; each needs about 10 people for its point to mean anything.
    level : float
        Confidence level.

    Returns
    -------
    Calibration
        Without intervals below 10 people.

    Raises
    ------
    DataError, DesignError
        If predictions are no probabilities, answers no options, or lengths differ; if there are fewer than 2 people
        or bins.

    References
    ----------
    Brier (1950), Mon. Weather Rev. 78, 1-3. doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    Murphy (1973), J. Appl. Meteorol. 12, 595-600. doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2
    Fang & Santos (2019), Rev. Econ. Stud. 86, 377-412. doi:10.1093/restud/rdy049

    Examples
    --------
    >>> found = calibration([0.2, 0.2, 0.2, 0.2, 0.2, 0.6, 0.6, 0.6, 0.6, 0.6], [0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
    >>> round(found.brier.value, 2), round(found.ece.value, 2)
    (0.2, 0.0)
    """
    p, y = _events(predicted, observed)
    if n_bins < 2:
        raise DesignError(f"n_bins is {n_bins}; give at least 2")
    bins = _equal_mass_bins(p.ravel(), n_bins).reshape(p.shape)
    parts = _murphy(p.ravel(), y.ravel(), bins.ravel())
    per_person = p.shape[1]
    binary = per_person == 1
    return Calibration(
        brier=_brier(((p - y) ** 2).sum(axis=1), level),
        **{name: value * (1 if binary else per_person) for name, value in parts.items()},
        ece=_ece(p, y, bins, level),
        curve=_curve(p.ravel(), y.ravel(), bins.ravel(), level),
    )


def _events(predicted: ArrayLike, observed: ArrayLike) -> tuple[Floats, Floats]:
    """Predictions and whether they came true, both of shape (n_people, events per person)."""
    given = np.asarray(predicted)
    p = numbers(predicted, "predicted", ndim=2 if given.ndim == 2 else 1)
    answers = numbers(observed, "observed")
    if len(p) != answers.size:
        raise DataError(f"{len(p)} predictions for {answers.size} answers; join both by person")
    if answers.size < 2:
        raise DesignError(f"{answers.size} people; calibration needs at least 2, its interval {FEWEST_LABELS}")
    if p.min() < 0 or p.max() > 1:
        raise DataError(f"predictions run from {p.min():.3g} to {p.max():.3g}; give probabilities between 0 and 1")
    if p.ndim == 1:
        if not np.isin(answers, (0.0, 1.0)).all():
            raise DataError("with one probability per person answers are 0 or 1; for K options give K columns")
        return p[:, None], answers[:, None]
    if np.abs(p.sum(axis=1) - 1).max() > 1e-6:
        raise DataError(f"row {int(np.abs(p.sum(axis=1) - 1).argmax())} of the predictions does not sum to 1")
    if not np.isin(answers, np.arange(p.shape[1])).all():
        raise DataError(f"answers must be option indices 0..{p.shape[1] - 1}")
    return p, np.eye(p.shape[1])[answers.astype(np.intp)]


def _equal_mass_bins(p: Floats, n_bins: int) -> Codes:
    """Bin of each prediction, numbered from 0 without gaps; equal predictions share a bin."""
    edges = np.quantile(p, np.linspace(0, 1, n_bins + 1)[1:-1], method="inverted_cdf")
    placed = np.searchsorted(edges, p, side="left")
    return np.unique(placed, return_inverse=True)[1].reshape(-1)


def _murphy(p: Floats, y: Floats, bins: Codes) -> dict[str, float]:
    """Parts of the mean squared error; the last is what binning hides (Stephenson et al. 2008)."""
    size = np.bincount(bins)
    share = size / p.size
    predicted, observed = np.bincount(bins, weights=p) / size, np.bincount(bins, weights=y) / size
    base = float(y.mean())
    reliability = float(share @ (predicted - observed) ** 2)
    resolution = float(share @ (observed - base) ** 2)
    uncertainty = base * (1 - base)
    within = float(((p - y) ** 2).mean()) - (reliability - resolution + uncertainty)
    return {"reliability": reliability, "resolution": resolution, "uncertainty": uncertainty, "within_bins": within}


def _brier(losses: Floats, level: float) -> Estimate:
    n = losses.size
    value, se = float(losses.mean()), float(losses.std(ddof=1)) / math.sqrt(n)
    is_enough = n >= FEWEST_LABELS and se > 0
    limits = t_limits(value, se, n - 1, level)
    warnings = skewness_note(losses) if is_enough else (f"{n} people, or losses that do not vary: no interval",)
    return Estimate(
        value=value,
        se=se,
        interval=limits.interval if is_enough else None,
        level=level,
        interval_method=limits.how if is_enough else "none",
        estimand="expected Brier score of the predictions",
        target="human",
        n_units=n,
        warnings=warnings,
    )


def _ece(p: Floats, y: Floats, bins: Codes, level: float) -> Estimate:
    n, per_person = p.shape
    n_bins = int(bins.max()) + 1
    gaps = np.zeros((n, n_bins))
    rows = np.repeat(np.arange(n), per_person)
    np.add.at(gaps, (rows, bins.ravel()), ((y - p) / per_person).ravel())
    theta = gaps.mean(axis=0)
    centred = gaps - theta
    covariance = centred.T @ centred / (n * (n - 1))
    value = float(np.abs(theta).sum())
    null = _null_covariance(p, bins)
    interval = None
    if n >= FEWEST_LABELS:
        low, high = _absolute_sum(theta, covariance, n, level)
        interval = (low if _is_miscalibrated(theta, null, level) else 0.0, high)
    floor = math.sqrt(2 / math.pi) * float(np.sqrt(np.diag(null)).sum())
    warnings = [] if interval else [f"{n} people: below {FEWEST_LABELS} no interval is given"]
    if value <= 1.5 * floor:
        warnings.append(f"perfect probabilities would show {floor:.3f} here: no miscalibration is visible")
    return Estimate(
        value=value,
        interval=interval,
        level=level,
        interval_method="bounds on signed sums of the bins' gaps, t" if interval else "none",
        estimand=f"mean absolute gap between predicted and observed shares in {n_bins} bins",
        target="human",
        n_units=n,
        baselines={"noise floor": floor},
        warnings=tuple(warnings),
    )


def _null_covariance(p: Floats, bins: Codes) -> Floats:
    """Covariance of the mean gaps if every prediction meant what it says, shape (n_bins, n_bins)."""
    n, per_person = p.shape
    expected = np.zeros((n, int(bins.max()) + 1))
    np.add.at(expected, (np.repeat(np.arange(n), per_person), bins.ravel()), p.ravel())
    covariance: Floats = (np.diag(expected.sum(axis=0)) - expected.T @ expected) / (per_person * n) ** 2
    return covariance


def _is_miscalibrated(theta: Floats, null: Floats, level: float) -> bool:
    """Whether a chi-squared test at half of 1 - level finds any gap; if not, an error of 0 is not excluded."""
    values, vectors = np.linalg.eigh(null)
    kept = values > 1e-10 * values.max(initial=0)
    if not kept.any():
        return bool(np.abs(theta).max() > 0)
    statistic = float(((vectors[:, kept].T @ theta) ** 2 / values[kept]).sum())
    return float(special.chdtrc(int(kept.sum()), statistic)) < (1 - level) / 2


def _absolute_sum(theta: Floats, covariance: Floats, n: int, level: float) -> tuple[float, float]:
    """Interval of ``sum |theta|``: the largest upper limit, and a lower one that allows for what noise adds.

    The sum is the largest of its signed sums, so its upper limit is the largest upper limit of those whose signs are
    possible. From below, the sum exceeds the truth by at most the absolute sum of the noise of undecided gaps.
    """
    se = np.sqrt(np.diag(covariance))
    away = np.abs(theta) / np.maximum(se, 1e-300)
    nearest = np.argsort(away)[:_MOST_UNDECIDED]
    undecided = nearest[(away[nearest] <= _UNDECIDED) & (se[nearest] > 0)]
    patterns = np.arange(2 ** len(undecided))[:, None] >> np.arange(len(undecided)) & 1
    signs = np.tile(np.where(theta < 0, -1.0, 1.0), (len(patterns), 1))
    signs[:, undecided] = 2.0 * patterns - 1
    errors = np.sqrt(np.maximum(np.einsum("sj,jk,sk->s", signs, covariance, signs), 0.0))
    t = t_reach(n - 1, level)
    upper = float((signs @ theta + t * errors).max())
    sure = np.where(away > _UNDECIDED, np.sign(theta), 0.0)
    # Mean and variance of |noise| are sqrt(2/pi) and 1 - 2/pi times those of the noise.
    bias = math.sqrt(2 / math.pi) * float(se[undecided].sum())
    spread = float(sure @ covariance @ sure) + (1 - 2 / math.pi) * float((se[undecided] ** 2).sum())
    lower = float(np.abs(theta).sum()) - bias - t * math.sqrt(spread)
    return min(max(lower, 0.0), 1.0), min(upper, 1.0)


def _curve(p: Floats, y: Floats, bins: Codes, level: float) -> tuple[ReliabilityBin, ...]:
    points = []
    what = "share of predictions in the bin that came true"
    said: dict[str, Any] = {"level": level, "interval_method": "Wilson", "estimand": what, "target": "human"}
    for k in range(int(bins.max()) + 1):
        inside, n, share = p[bins == k], int((bins == k).sum()), float(y[bins == k].mean())
        observed = Estimate(value=share, interval=wilson_interval(share, n, level), n_units=n, **said)
        lower, upper, predicted = float(inside.min()), float(inside.max()), float(inside.mean())
        points.append(ReliabilityBin(lower=lower, upper=upper, predicted=predicted, observed=observed, n=n))
    return tuple(points)
