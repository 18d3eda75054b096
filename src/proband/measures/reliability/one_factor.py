"""The one-factor model by maximum likelihood, and what each subject contributes to its estimates."""

import math
from dataclasses import dataclass

import numpy as np

from proband.measures.arrays import Floats
from proband.measures.factors.extraction import extract


@dataclass(frozen=True, eq=False)
class OneFactor:
    """Estimates of ``covariance = loadings loadings' + diag(unique)``."""

    loadings: Floats  # (n_items,): in the items' units and squared units; loadings sum to at least 0
    unique: Floats
    is_heywood: bool  # whether an item's unique variance is at its bound


def fit_one_factor(covariance: Floats) -> OneFactor | None:
    """Maximum-likelihood estimates, by `extract`; None without them."""
    scale = np.sqrt(np.diag(covariance))
    found = extract(covariance / np.outer(scale, scale), 1)
    if found is None:
        return None
    return OneFactor(loadings=found.loadings[:, 0] * scale, unique=found.unique * scale**2, is_heywood=found.is_heywood)


def subject_influence(fitted: OneFactor, deviations: Floats, direction: Floats) -> Floats | None:
    """Influence of every subject on a smooth function of the estimates, shape (n_subjects,).

    `fitted`: estimates inside their bounds. `deviations` (n_subjects, n_items): scores minus item means. `direction`
    (2 n_items,): gradient of the function with respect to loadings, then unique variances. Result: None where the
    likelihood is flat. No distribution is assumed, nor that the model is true.
    """
    k = len(fitted.loadings)
    covariance = deviations.T @ deviations / len(deviations)
    theta = np.concatenate([fitted.loadings, fitted.unique])
    curvature = np.empty((2 * k, 2 * k))
    for j in range(2 * k):
        step = np.zeros(2 * k)
        step[j] = 1e-5 * max(abs(theta[j]), 1e-3 * math.sqrt(float(np.diag(covariance).max())))
        curvature[j] = (_slope(theta + step, covariance) - _slope(theta - step, covariance)) / (2 * step[j])
    inverse = np.linalg.inv(np.outer(fitted.loadings, fitted.loadings) + np.diag(fitted.unique))
    u = deviations @ inverse
    slopes = np.concatenate(
        [inverse @ fitted.loadings - u * (u @ fitted.loadings)[:, None], (np.diag(inverse) - u**2) / 2], axis=1
    )
    try:
        influence: Floats = -slopes @ np.linalg.solve((curvature + curvature.T) / 2, direction)
    except np.linalg.LinAlgError:
        return None
    return influence


def _slope(theta: Floats, covariance: Floats) -> Floats:
    k = len(covariance)
    inverse = np.linalg.inv(np.outer(theta[:k], theta[:k]) + np.diag(theta[k:]))
    gap = inverse - inverse @ covariance @ inverse
    return np.concatenate([gap @ theta[:k], np.diag(gap) / 2])
