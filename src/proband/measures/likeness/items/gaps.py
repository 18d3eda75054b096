"""Intervals of a distance between people's shares and a model's, which sampling alone keeps above zero."""

from collections.abc import Sequence

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.measures.arrays import Floats
from proband.measures.distances import mean_absolute_error
from proband.measures.likeness.items.pairs import PairedAnswers

# A contrast closer to zero than this many standard errors may have either sign.
_UNDECIDED = 2.0
# 4,096 combinations of signs; beyond 12 undecided contrasts the clearest of them keep the sign they show.
_MOST_UNDECIDED = 12


def distance_interval(
    pairs: PairedAnswers, contrasts: Floats, *, level: float, n_draws: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Interval of ``sum_j |contrasts_j . (human - model shares)|``, within [0, 1].

    The distance has a kink wherever a contrast is zero. There the bootstrap is inconsistent: its percentile
    interval never covers 0, and no reflection or bias correction mends that. Instead the noise e of the gap
    (multivariate t with the gap's covariance) is passed through the distance's directional derivative: a
    contrast with a clear sign contributes ``sign * e_j`` to the lower limit, one within two standard errors
    of zero ``|e_j|``. The distance is also the largest of its signed sums, so the upper limit is the largest
    upper t limit of a signed sum, over all signs the undecided contrasts may have.

    `pairs`: at least 2 subjects. `contrasts` (n_contrasts, n_options): ``eye / 2`` for total variation; cumulated
    rows times the gaps between positions, over the range, for the normalised Wasserstein-1 distance. `level`,
    `n_draws`, `rng`: confidence level; noise draws; their source. Result: lower and upper limit; near zero the
    interval is conservative.

    References
    ----------
    Fang & Santos (2019), Rev. Econ. Stud. 86, 377-412. doi:10.1093/restud/rdy049
    """
    theta = contrasts @ (pairs.human - pairs.model)
    noise = _t_noise(pairs, n_draws, rng) @ contrasts.T
    covariance = contrasts @ pairs.gap_covariance @ contrasts.T
    return absolute_sum_interval(theta, noise, covariance, df=pairs.df, level=level)


def absolute_sum_interval(
    theta: Floats, noise: Floats, covariance: Floats, *, df: float, level: float
) -> tuple[float, float]:
    """Interval of ``sum_j |theta_j|``, within [0, 1], by the reasoning of `distance_interval`.

    `theta` (n_contrasts,): estimated contrasts. `noise` (n_draws, n_contrasts): draws of their error, with the tails
    of t; of normal deviates or of bootstrap replicates. `covariance` (n_contrasts, n_contrasts): of that error. `df`,
    `level`: degrees of freedom of the covariance; confidence level.
    """
    away = np.abs(theta) / np.maximum(np.sqrt(np.maximum(np.diag(covariance), 0.0)), 1e-300)
    tail = (1 + level) / 2
    upper = _largest_signed_limit(theta, away, covariance, float(special.stdtrit(df, tail)))
    drawn = np.where(away > _UNDECIDED, noise * np.sign(theta), np.abs(noise)).sum(axis=1)
    # Noise of a signed sum has a positive upper quantile, up to rounding where there is no noise.
    lower = float(np.abs(theta).sum()) - max(float(np.quantile(drawn, tail)), 0.0)
    return min(max(lower, 0.0), 1.0), min(upper, 1.0)


def noise_floor(human: Floats, contrasts: Floats, n: float) -> float:
    """Distance to expect between the truth and `n` people; a contrast is a scaled share of some options."""
    scale = np.abs(contrasts).max(axis=1)
    # Cumulated shares can pass 1 by rounding.
    parts = np.clip((contrasts / scale[:, None]) @ human, 0.0, 1.0)
    return float(scale @ mean_absolute_error(parts, n))


def ordered_contrasts(positions: Sequence[float], n_options: int) -> Floats:
    """Contrasts of the normalised Wasserstein-1 distance, shape (n_options - 1, n_options)."""
    x = np.asarray(positions, dtype=np.float64)
    if x.shape != (n_options,) or not np.isfinite(x).all() or (np.diff(x) <= 0).any():
        raise DataError(f"positions {x.tolist()} must be {n_options} strictly rising numbers, one per option")
    steps = np.diff(x) / (x[-1] - x[0])
    contrasts: Floats = np.tri(n_options - 1, n_options) * steps[:, None]
    return contrasts


def _largest_signed_limit(theta: Floats, away: Floats, covariance: Floats, t: float) -> float:
    """Largest upper t limit of a signed sum, over the signs that undecided contrasts may have."""
    signs = _possible_signs(theta, away)
    limit = _limits(signs, theta, covariance, t)
    best = signs[int(limit.argmax())]
    highest = float(limit.max())
    flippable = np.flatnonzero(away <= _UNDECIDED)
    if len(flippable) <= _MOST_UNDECIDED:
        return highest
    # Too many to enumerate: flip one sign after the other for as long as the limit rises.
    for _ in range(len(flippable)):
        tried = np.tile(best, (len(flippable), 1))
        tried[np.arange(len(flippable)), flippable] *= -1
        limit = _limits(tried, theta, covariance, t)
        if float(limit.max()) <= highest:
            break
        best, highest = tried[int(limit.argmax())], float(limit.max())
    return highest


def _limits(signs: Floats, theta: Floats, covariance: Floats, t: float) -> Floats:
    variances = ((signs @ covariance) * signs).sum(axis=1)
    limits: Floats = signs @ theta + t * np.sqrt(np.maximum(variances, 0.0))
    return limits


def _possible_signs(theta: Floats, away: Floats) -> Floats:
    """Rows of signs, all combinations of the undecided contrasts; `away` is in standard errors."""
    nearest = np.argsort(away)[:_MOST_UNDECIDED]
    undecided = nearest[away[nearest] <= _UNDECIDED]
    patterns = np.arange(2 ** len(undecided))[:, None] >> np.arange(len(undecided)) & 1
    signs = np.tile(np.where(theta < 0, -1.0, 1.0), (len(patterns), 1))
    signs[:, undecided] = 2.0 * patterns - 1
    return signs


def _t_noise(pairs: PairedAnswers, n_draws: int, rng: np.random.Generator) -> Floats:
    """Draw noise of the gap, shape (n_draws, n_options), with the tails of t for an estimated covariance."""
    variances, axes = np.linalg.eigh(pairs.gap_covariance)
    # The gaps sum to zero, so one variance is zero up to rounding, which may be negative.
    root = axes * np.sqrt(np.maximum(variances, 0.0))
    scale = np.sqrt(pairs.df / rng.chisquare(pairs.df, (n_draws, 1)))
    noise: Floats = rng.standard_normal((n_draws, pairs.n_options)) @ root.T * scale
    return noise
