"""Rotations of loadings towards simple structure, by gradient projection from several starts."""

from typing import Literal

import numpy as np

from proband.measures.arrays import Floats

Rotation = Literal["oblimin", "geomin", "varimax", "promax", "none"]
_GEOMIN = 0.01
_N_STARTS = 10


def rotated(loadings: Floats, rotation: Rotation) -> tuple[Floats, Floats]:
    """Rotated loadings, largest factor first with positive sums, and correlations of the factors.

    Bernaards & Jennrich (2005), Educ. Psychol. Meas. 65, 676-696, doi:10.1177/0013164404272507, as statsmodels has it,
    from the given axes and 10 fixed turns of them, the best kept: criteria have local minima. Oblimin is direct
    quartimin; geomin has epsilon .01; varimax and promax (power 4) normalise rows (Kaiser).
    """
    m = loadings.shape[1]
    if m == 1 or rotation == "none":
        return loadings, np.eye(m)
    if rotation in ("varimax", "promax"):
        size = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
        found, factors = _best(loadings / size, "varimax")
        found = found * size
        if rotation == "promax":
            found, factors = _promax(found)
    else:
        found, factors = _best(loadings, rotation)
    order = np.argsort(-(found**2).sum(axis=0), kind="stable")
    found, factors = found[:, order], factors[np.ix_(order, order)]
    signs = np.where(found.sum(axis=0) < 0, -1.0, 1.0)
    return found * signs, factors * np.outer(signs, signs)


def _promax(varimax: Floats) -> tuple[Floats, Floats]:
    """Hendrickson & White (1964), Br. J. Stat. Psychol. 17, 65-70. doi:10.1111/j.2044-8317.1964.tb00244.x."""
    turn = np.linalg.lstsq(varimax, varimax * np.abs(varimax) ** 3, rcond=None)[0]
    turn = turn * np.sqrt(np.diag(np.linalg.inv(turn.T @ turn)))
    inverse = np.linalg.inv(turn)
    return varimax @ turn, inverse @ inverse.T


def _best(loadings: Floats, rotation: Rotation) -> tuple[Floats, Floats]:
    # statsmodels takes a second to import.
    from statsmodels.multivariate.factor_rotation._gpa_rotation import GPA, oblimin_objective, orthomax_objective

    def criterion(L: Floats) -> tuple[float, Floats]:
        if rotation == "geomin":
            squares = L**2 + _GEOMIN
            mean = np.exp(np.log(squares).mean(axis=1))
            return float(mean.sum()), 2 / L.shape[1] * L / squares * mean[:, None]
        objective = orthomax_objective if rotation == "varimax" else oblimin_objective
        how = {"gamma": 1} if rotation == "varimax" else {"gamma": 0, "rotation_method": "oblique"}
        value, slope = objective(L=L, **how)
        return float(value), slope

    m, kind = loadings.shape[1], "orthogonal" if rotation == "varimax" else "oblique"
    rng = np.random.default_rng(0)  # starts are part of the method: equal loadings are rotated alike
    turns = [np.eye(m), *(np.linalg.qr(rng.normal(size=(m, m)))[0] for _ in range(_N_STARTS))]
    solutions = [GPA(loadings, vgQ=criterion, T=turn, rotation_method=kind) for turn in turns]
    found, factors, *_ = min(solutions, key=lambda solution: criterion(solution[0])[0])
    return np.asarray(found), np.asarray(factors)
