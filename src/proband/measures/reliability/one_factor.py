"""The one-factor model by maximum likelihood, and what each subject contributes to its estimates."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from proband.measures.arrays import Floats

# Smallest unique variance, as a share of an item's variance; a solution there is a Heywood case.
SMALLEST_UNIQUENESS = 0.005


@dataclass(frozen=True, eq=False)
class OneFactor:
    """Estimates of ``covariance = loadings loadings' + diag(unique)``."""

    loadings: Floats  # (n_items,): in the items' units and squared units; loadings sum to at least 0
    unique: Floats
    is_heywood: bool  # whether an item's unique variance is at its bound


def fit_one_factor(covariance: Floats) -> OneFactor | None:
    """Maximum-likelihood estimates, from the likelihood concentrated on the unique variances; None without them.

    Lawley & Maxwell (1971), Factor Analysis as a Statistical Method; Joreskog (1967), Psychometrika 32, 443-482,
    doi:10.1007/BF02289658.
    """
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    k = len(scale)

    def axes(unique: Floats) -> tuple[Floats, Floats]:
        root = np.sqrt(unique)
        values, vectors = np.linalg.eigh(correlation / np.outer(root, root))
        return values, root * vectors[:, -1] * math.sqrt(max(float(values[-1]) - 1, 0.0))

    def misfit(unique: Floats) -> tuple[float, Floats]:
        values, loadings = axes(unique)
        rest = np.maximum(values[:-1], 1e-300)
        return float((rest - np.log(rest)).sum()) - (k - 1), (loadings**2 + unique - 1) / unique**2

    try:
        start = (1 - 0.5 / k) / np.diag(np.linalg.inv(correlation))
    except np.linalg.LinAlgError:
        return None
    bounds = [(SMALLEST_UNIQUENESS, 1.0)] * k
    options = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-8}
    found = optimize.minimize(
        misfit, np.clip(start, SMALLEST_UNIQUENESS, 1.0), jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    if not np.isfinite(found.fun):
        return None
    _, loadings = axes(found.x)
    loadings = -loadings if loadings.sum() < 0 else loadings
    is_heywood = bool((found.x <= SMALLEST_UNIQUENESS * 1.01).any())
    return OneFactor(loadings=loadings * scale, unique=found.x * scale**2, is_heywood=is_heywood)


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
