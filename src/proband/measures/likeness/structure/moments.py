"""Correlations from sums over units, so that a bootstrap is a matrix product."""

import math

import numpy as np
from scipy import special

from proband.measures.arrays import Bools, Floats, Ints
from proband.measures.surveys.design import sums_by

_SPLITS = 200
_FEW_PAIRS = 3


def pair_moments(scores: Floats, squares: Floats, has: Bools, weights: Floats, unit: Ints, n_units: int) -> Floats:
    """Weighted sums over each unit that the correlations of all pairs are made of.

    `scores`, `squares`, `has` (n_subjects, n_items): expected score, expected squared score, and whether there is an
    answer. `weights`, `unit` (n_subjects,): weight and unit of every subject. Result: shape (6, n_units, n_pairs): n,
    sum x_i, sum x_j, sum x_i^2, sum x_j^2, sum x_i x_j over subjects who answered both.
    """
    k = scores.shape[1]
    parts: list[list[Floats]] = [[] for _ in range(6)]
    there = has * weights[:, None]
    x, q = np.where(has, scores, 0.0), np.where(has, squares, 0.0)
    for i in range(k - 1):
        both = there[:, i + 1 :] * has[:, [i]]
        later = x[:, i + 1 :]
        for part, values in zip(
            parts,
            (both, both * x[:, [i]], both * later, both * q[:, [i]], both * q[:, i + 1 :], both * x[:, [i]] * later),
            strict=True,
        ):
            part.append(sums_by(unit, values, n_units))
    return np.stack([np.concatenate(part, axis=1) for part in parts])


def correlations(moments: Floats) -> Floats:
    """Pairwise correlations from summed moments, shape (6, ..., n_pairs); NaN without variance."""
    n, s_i, s_j, q_i, q_j, c = moments
    with np.errstate(divide="ignore", invalid="ignore"):
        v_i, v_j = q_i / n - (s_i / n) ** 2, q_j / n - (s_j / n) ** 2
        # Rounding leaves a constant column a variance of about 1e-16 times its square.
        is_flat = (v_i <= 1e-12 * np.abs(q_i / n)) | (v_j <= 1e-12 * np.abs(q_j / n)) | (n <= 0)
        r = (c / n - s_i * s_j / n**2) / np.sqrt(np.where(is_flat, np.nan, v_i * v_j))
    found: Floats = np.clip(r, -1.0, 1.0)
    return found


def root_mean_square_interval(theta: Floats, noise: Floats, *, df: float, level: float) -> tuple[float, float]:
    """Interval of ``sqrt(mean theta_j^2)`` from an estimate and draws of its error.

    The sum of squares less the variance of the error, c, is unbiased for the true one, q; its own variance is
    ``4 theta'S theta + 2 tr S^2`` with S the covariance of the error, here from the draws. As that variance grows with
    q, limits are the q for which ``(c - q)^2 = t^2 (4 q a + 2 tr S^2)``: an interval around c with its variance at c
    would be too short above. a is the largest variance of the error in any direction, as the true direction is not
    known; so the interval is on the safe side.
    """
    n, n_draws = len(theta), len(noise)
    own = noise - noise.mean(axis=0)
    gram = own @ own.T / n_draws
    trace = float(np.trace(gram)) * n_draws / (n_draws - 1)
    # tr S^2 of an estimated covariance is too large by (tr S)^2 over the number of draws.
    squared = max(float((gram**2).sum()) - trace**2 / n_draws, 0.0)
    length = float(theta @ theta)
    # Both products have the same largest eigenvalue; the smaller one is quicker.
    along = float(np.linalg.eigvalsh(own.T @ own / n_draws if n < n_draws else gram)[-1])
    centre = length - trace
    t = float(special.stdtrit(df, (1 + level) / 2))
    middle = centre + 2 * t**2 * along
    reach = t * math.sqrt(max(4 * centre * along + 4 * t**2 * along**2 + 2 * squared, 2 * squared))
    low, high = max(middle - reach, 0.0) / n, max(middle + reach, length) / n
    return math.sqrt(low), math.sqrt(high)


def noise_of(errors: Floats, is_used: Bools) -> float:
    """Root mean variance of the correlations: what sampling alone puts between a sample and the truth."""
    return float(np.sqrt(np.nanvar(errors[:, is_used], axis=0, ddof=1).mean())) if is_used.any() else math.nan


def split_half_ceiling(moments: Floats, rng: np.random.Generator) -> float:
    """Median over 200 random halves of the units of the correlation between the halves' correlations."""
    n_units = moments.shape[1]
    in_first = np.argsort(rng.random((_SPLITS, n_units)), axis=1) < n_units // 2
    first, second = (correlations(in_first.astype(np.float64) @ moments), correlations(~in_first * 1.0 @ moments))
    found = [pearson(a[ok], b[ok]) for a, b in zip(first, second, strict=True) if (ok := np.isfinite(a + b)).any()]
    found = [r for r in found if math.isfinite(r)]
    return float(np.median(found)) if found else math.nan


def pearson(a: Floats, b: Floats) -> float:
    """Correlation of two sets of numbers; NaN below 3, or where a set is constant."""
    if len(a) < _FEW_PAIRS or np.ptp(a) < 1e-12 or np.ptp(b) < 1e-12:
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / math.sqrt((a @ a) * (b @ b)), -1.0, 1.0))
