"""Intervals of a distance between people's shares and a model's, which sampling alone keeps above zero."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError
from proband.measures.distances import mean_absolute_error
from proband.measures.pairs import PairedAnswers

# A contrast closer to zero than this many standard errors may have either sign.
_UNDECIDED = 2.0


def distance_interval(
    pairs: PairedAnswers,
    contrasts: NDArray[np.float64],
    *,
    level: float,
    n_draws: int,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Interval of ``sum_j |contrasts_j . (human - model shares)|``, within [0, 1].

    The distance has a kink wherever a contrast is zero. There the bootstrap is inconsistent: its percentile
    interval never covers 0, and no reflection or bias correction mends that. Instead the noise e of the gap
    (multivariate t with the gap's covariance) is passed through the distance's directional derivative: a
    contrast with a clear sign contributes ``sign * e_j``, one within two standard errors of zero contributes
    ``|e_j|`` to the lower limit. The upper limit treats every sign as known, which is safe because the
    distance is the largest of its signed sums, and so is never below the sum with the true signs.

    Parameters
    ----------
    pairs : PairedAnswers
        At least 2 subjects.
    contrasts : ndarray, shape (n_contrasts, n_options)
        ``eye / 2`` for total variation; cumulated rows times the gaps between positions, over the range, for
        the normalised Wasserstein-1 distance.
    level, n_draws, rng
        Confidence level; noise draws; their source.

    Returns
    -------
    tuple of float
        Lower and upper limit; near zero the interval is conservative.

    References
    ----------
    Fang & Santos (2019), Rev. Econ. Stud. 86, 377-412. doi:10.1093/restud/rdy049
    """
    theta = contrasts @ (pairs.human - pairs.model)
    noise = _t_noise(pairs, n_draws, rng) @ contrasts.T
    decided = np.abs(theta) > _UNDECIDED * np.sqrt(np.diag(contrasts @ pairs.gap_covariance @ contrasts.T))
    signed = noise * np.where(theta < 0, -1.0, 1.0)
    tail = (1 + level) / 2
    distance = float(np.abs(theta).sum())
    above = float(np.quantile(np.where(decided, signed, np.abs(noise)).sum(axis=1), tail))
    below = float(np.quantile(-signed.sum(axis=1), tail))
    # With exactly offsetting noise (two options, all decided) a quantile of pure rounding can be negative.
    return max(distance - max(above, 0.0), 0.0), min(distance + max(below, 0.0), 1.0)


def noise_floor(human: NDArray[np.float64], contrasts: NDArray[np.float64], n: float) -> float:
    """Distance to expect between the truth and `n` people; a contrast is a scaled share of some options."""
    scale = np.abs(contrasts).max(axis=1)
    # Cumulated shares can pass 1 by rounding.
    parts = np.clip((contrasts / scale[:, None]) @ human, 0.0, 1.0)
    return float(scale @ mean_absolute_error(parts, n))


def ordered_contrasts(positions: Sequence[float], n_options: int) -> NDArray[np.float64]:
    """Contrasts of the normalised Wasserstein-1 distance, shape (n_options - 1, n_options)."""
    x = np.asarray(positions, dtype=np.float64)
    if x.shape != (n_options,) or not np.isfinite(x).all() or (np.diff(x) <= 0).any():
        raise DataError(f"positions {x.tolist()} must be {n_options} strictly rising numbers, one per option")
    steps = np.diff(x) / (x[-1] - x[0])
    contrasts: NDArray[np.float64] = np.tri(n_options - 1, n_options) * steps[:, None]
    return contrasts


def _t_noise(pairs: PairedAnswers, n_draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw noise of the gap, shape (n_draws, n_options), with the tails of t for an estimated covariance."""
    variances, axes = np.linalg.eigh(pairs.gap_covariance)
    # The gaps sum to zero, so one variance is zero up to rounding, which may be negative.
    root = axes * np.sqrt(np.maximum(variances, 0.0))
    df = max(pairs.n_eff - 1, 1.0)
    scale = np.sqrt(df / rng.chisquare(df, (n_draws, 1)))
    noise: NDArray[np.float64] = rng.standard_normal((n_draws, pairs.n_options)) @ root.T * scale
    return noise
