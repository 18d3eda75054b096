"""How far a model is to be trusted (PPI++'s lambda), and the variance that results, for one or many coefficients.

Every estimator here is a sum over units. A unit's influence is its part of the sum, enlarged for what the fit took
from its residual, so that squared influences sum to the variance: HC2 for single units (for a mean exactly
``s^2 / n``), the delete-one jackknife (CR3) for clusters.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from proband.errors import DesignError
from proband.measures.arrays import Floats
from proband.measures.correction.samples import Side

Part = tuple[Floats, Floats]  # a fit on one sample: coefficients (k,), influences (n_clusters, k)
_ALONE = 1 - 1e-7  # leverage from which a unit identifies a coefficient by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Influences:
    """What single units or clusters contribute to an estimate of k coefficients."""

    a: Floats  # (n_clusters, k): human answers and predictions of the labelled
    b: Floats
    c: Floats  # (n_clusters_unlabelled, k): predictions of the unlabelled
    df: Floats  # (k,): degrees of freedom of the variance of the human answers' part
    # (k,): estimate from the predictions of the unlabelled, less that from the predictions of the labelled
    shift: Floats
    rounding: Floats  # (k,): standard error below which predictions differ by rounding only
    n_tuned: int = 1  # lambdas in each estimate: several where an answer has several predictions, put together in b, c
    moved: float | None = None  # then what the shifts of all of them do, in units of the labelled part's variance


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """Trust of each coefficient, the covariance matrix of the estimate, and degrees of freedom."""

    tuning: Floats  # (k,), lambda between 0 and 1
    covariance: Floats  # (k, k)
    df: Floats  # (k,)


def tune(influences: Influences) -> Floats:
    """The lambda of each coefficient that makes its estimated variance smallest, within [0, 1].

    ``C / (V_labelled + V_unlabelled)``: C is the covariance of the estimate from answers with that from predictions
    among the labelled, V the variances of the estimates from predictions. The published lambda pools both V's; as the
    labelled predictions' own variance is what C goes with, this one is steadier, and gives full trust to predictions
    that are the truth. Where even so, lambda's own error included, the variance would be above that of the human
    answers alone, lambda is 0.
    """
    return trust(influences, _smallest_variance(influences))


def trust(influences: Influences, best: Floats) -> Floats:
    """A lambda where it makes the variance smaller than that of the human answers alone, else 0."""
    alone, trusted = (np.diag(combine(influences, tuning).covariance) for tuning in (np.zeros(len(best)), best))
    return np.where(trusted < alone, best, 0.0)


def _smallest_variance(influences: Influences) -> Floats:
    """Lambda at the bottom of the parabola, within [0, 1]; 0 where predictions do not vary."""
    a, b, c = influences.a, influences.b, influences.c
    if len(c) < 2:
        return np.zeros(a.shape[1])
    variance = (b**2).sum(axis=0) + (c**2).sum(axis=0)
    varies = variance > influences.rounding**2
    trusted: Floats = np.divide((a * b).sum(axis=0), variance, out=np.zeros(a.shape[1]), where=varies)
    return np.clip(trusted, 0.0, 1.0)


def combine(influences: Influences, tuning: Floats) -> Tuned:
    """Covariance of ``a - lambda b + lambda c`` with the small-sample corrections.

    Where lambda was estimated, it took one more degree of freedom from the labelled, and its own error moves
    the estimate by the distance of the two estimates from predictions: as in a regression estimator's variance,
    ``s^2 (1/n + (mean f - mean u)^2 / S_ff)``. Degrees of freedom are those of both parts by Welch-Satterthwaite.
    """
    a, b, c = influences.a, influences.b, influences.c
    residual = max(len(a) - a.shape[1], influences.n_tuned + 1)
    kept = np.where(tuning > 0, (residual - influences.n_tuned) / residual, 1.0)
    left = (a - tuning * b) / np.sqrt(kept)
    right = tuning * c
    of_labelled, of_unlabelled = (b**2).sum(axis=0), (c**2).sum(axis=0)
    weight = np.divide(
        of_labelled, (of_labelled + of_unlabelled) ** 2, out=np.zeros_like(kept), where=(tuning > 0) & (of_labelled > 0)
    )
    shifted = influences.shift**2 * weight if influences.moved is None else influences.moved * (tuning > 0)
    moved = 1 + shifted / residual
    v, w = (left**2).sum(axis=0) * moved, (right**2).sum(axis=0)
    spare = influences.df * kept
    below = v**2 / spare + w**2 / max(len(c) - a.shape[1], 1)
    df = np.divide((v + w) ** 2, below, out=spare.copy(), where=below > 0)
    left = left * np.sqrt(moved)
    return Tuned(tuning=tuning, covariance=left.T @ left + right.T @ right, df=np.maximum(df, 1.0))


def mean_part(values: Floats, side: Side) -> Part:
    """A weighted mean as a fit on a constant."""
    return linear_part(np.ones((values.size, 1)), values, side)


def linear_part(x: Floats, values: Floats, side: Side) -> Part:
    """Weighted least squares of `values` on `x`."""
    weighted = x * side.share[:, None]
    moment = weighted.T @ x
    theta = solve(moment, weighted.T @ values)
    scores = weighted * (values - x @ theta)[:, None]
    inverse = solve(moment, np.eye(len(moment)))
    if side.cluster is None:
        leverage = unit_leverage(x, np.ones(len(x)), side, inverse)
        influence = scores @ inverse / np.sqrt(1 - leverage)[:, None]
    else:
        influence = without(x, scores, np.ones(len(x)), side, moment) * np.sqrt(jackknife(side.n_clusters))
    return theta, influence


def no_part(k: int) -> Part:
    """What nobody contributes."""
    return np.zeros(k), np.zeros((0, k))


def working_df(x: Floats, side: Side) -> Floats:
    """Degrees of freedom of each coefficient's variance if errors were equal and independent (Bell & McCaffrey).

    n - k where all units matter alike; fewer where a coefficient hangs on a few units or large weights.
    """
    weighted = x * side.share[:, None]
    inverse = solve(weighted.T @ x, np.eye(x.shape[1]))
    own = weighted @ inverse  # (n, k)
    if side.cluster is not None:
        parts = side.summed(own**2)
        of_clusters: Floats = parts.sum(axis=0) ** 2 / (parts**2).sum(axis=0) - 1
        return np.maximum(of_clusters, 1.0)
    leverage = unit_leverage(x, np.ones(len(x)), side, inverse)
    parts = own**2 / (1 - leverage)[:, None]
    shared = np.einsum("ni,n,nj,nc->cij", x, side.share, x, parts)
    cross = np.einsum("cij,jl,clm,mi->c", shared, inverse, shared, inverse)
    squares = (parts**2 * (1 - 2 * leverage)[:, None]).sum(axis=0) + cross
    df: Floats = (parts * (1 - leverage)[:, None]).sum(axis=0) ** 2 / squares
    return np.maximum(df, 1.0)


def unit_leverage(x: Floats, curvature: Floats, side: Side, inverse: Floats) -> Floats:
    """Leverage of each unit, shape (n,); an error where one unit identifies a coefficient by itself."""
    leverage: Floats = side.share * curvature * np.einsum("ij,jk,ik->i", x, inverse, x)
    if leverage.max(initial=0) > _ALONE:
        raise DesignError(_needs_all(f"unit {int(leverage.argmax())}"))
    return leverage


def without(x: Floats, scores: Floats, curvature: Floats, side: Side, moment: Floats) -> Floats:
    """What the coefficients would lose without each unit or cluster, shape (n_clusters, k)."""
    if side.cluster is None:
        inverse = solve(moment, np.eye(len(moment)))
        return scores @ inverse / (1 - unit_leverage(x, curvature, side, inverse))[:, None]
    products = (side.share * curvature)[:, None, None] * x[:, :, None] * x[:, None, :]
    remaining = moment - side.summed(products)
    kept = np.linalg.det(remaining) / np.linalg.det(moment)
    if kept.min() < 1 - _ALONE:
        raise DesignError(_needs_all(f"cluster {int(kept.argmin())}"))
    return solve(remaining, side.summed(scores)[:, :, None])[:, :, 0]


def _needs_all(what: str) -> str:
    return (
        f"{what} (counted from 0) alone identifies a coefficient, so its variance is unknown; merge the level that "
        "only it has, drop that regressor, or label more people"
    )


def jackknife(n: int) -> float:
    """Factor (n - 1) / n of the delete-one jackknife."""
    return (n - 1) / n


def solve(matrix: Floats, right: Floats) -> Floats:
    """Solution of ``matrix @ x = right``, for one matrix or many."""
    return np.linalg.solve(matrix, right).astype(np.float64)


def t_reach(df: float, level: float) -> float:
    """Quantile of Student's t that a two-sided interval reaches."""
    return float(special.stdtrit(df, (1 + level) / 2))
