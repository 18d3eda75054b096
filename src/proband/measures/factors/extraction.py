"""Loadings of common factors from a correlation matrix, by maximum likelihood or minimum residuals."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize

from proband.measures.arrays import Floats

Extraction = Literal["ml", "minres"]
# Smallest unique variance, as a share of an item's variance; a solution there is a Heywood case.
SMALLEST_UNIQUENESS = 0.005


@dataclass(frozen=True, eq=False)
class Extracted:
    """Estimates of ``correlation = loadings loadings' + diag(unique)``, not rotated."""

    loadings: Floats  # (n_items, n_factors)
    unique: Floats
    misfit: float  # of ML: the discrepancy that times n is chi squared; of minres: half the squared residuals
    is_heywood: bool  # whether an item's unique variance is at its bound
    has_converged: bool


def extract(correlation: Floats, n_factors: int, method: Extraction = "ml") -> Extracted | None:
    """Estimates from the misfit concentrated on the unique variances; None without them.

    Lawley & Maxwell (1971), Factor Analysis as a Statistical Method; Joreskog (1967), Psychometrika 32, 443-482,
    doi:10.1007/BF02289658; minimum residuals as Harman & Jones (1966), Psychometrika 31, 351-368,
    doi:10.1007/BF02289468.
    """
    k, m = len(correlation), n_factors

    def axes(unique: Floats) -> tuple[Floats, Floats, Floats]:
        if method == "minres":
            values, vectors = np.linalg.eigh(correlation - np.diag(unique))
            return values, vectors, vectors[:, -m:] * np.sqrt(np.maximum(values[-m:], 0.0))
        root = np.sqrt(unique)
        values, vectors = np.linalg.eigh(correlation / np.outer(root, root))
        loadings = root[:, None] * vectors[:, -m:] * np.sqrt(np.maximum(values[-m:] - 1, 0.0))
        return values, vectors, loadings

    def misfit(unique: Floats) -> tuple[float, Floats]:
        values, vectors, loadings = axes(unique)
        if method == "minres":
            rest = values[:-m]
            return float((rest**2).sum()) / 2, -(vectors[:, :-m] ** 2) @ rest
        rest = np.maximum(values[:-m], 1e-300)
        return float((rest - np.log(rest)).sum()) - (k - m), ((loadings**2).sum(axis=1) + unique - 1) / unique**2

    try:
        start = (1 - 0.5 * m / k) / np.diag(np.linalg.inv(correlation))
    except np.linalg.LinAlgError:
        return None
    bounds = [(SMALLEST_UNIQUENESS, 1.0)] * k
    options = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-8}
    found = optimize.minimize(
        misfit, np.clip(start, SMALLEST_UNIQUENESS, 1.0), jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    if not np.isfinite(found.fun):
        return None
    loadings = axes(found.x)[2][:, ::-1]
    signs = np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    return Extracted(
        loadings=loadings * signs,
        unique=found.x,
        misfit=float(found.fun),
        is_heywood=bool((found.x <= SMALLEST_UNIQUENESS * 1.01).any()),
        has_converged=found.nit < options["maxiter"],
    )
