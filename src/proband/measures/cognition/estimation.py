"""Maximum likelihood of models of choice: each parameter on its own scale, errors that allow for clusters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special

from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints

_EDGE = 8.0  # on the scale of log odds or logs; what reaches it is at the edge
_FAR = 50.0  # the same of a number that may be negative
_STEP = 1e-3
MIN_CLUSTERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a model of choice: its name, what it says, and of what kind it is.

    A share lies between 0 and 1 and is fitted as log odds, what is positive as a log, any other number as it is.
    """

    name: str
    what: str
    kind: Literal["share", "positive", "number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What `maximise` found: estimates by name, the log-likelihood in nats, and what is to be said of them."""

    estimates: dict[str, Estimate]
    log_likelihood: float
    warnings: tuple[str, ...]


def natural(theta: Floats, parameters: Sequence[Parameter]) -> Floats:
    """Parameters, in the last axis, from the scale on which they are fitted."""
    kinds = np.array([parameter.kind for parameter in parameters])
    with np.errstate(over="ignore"):
        others = np.where(kinds == "positive", np.exp(theta), theta)
    found: Floats = np.where(kinds == "share", special.expit(theta), others)
    return found


def maximise(
    by_cluster: Callable[[Floats], Floats],
    parameters: Sequence[Parameter],
    n_clusters: int,
    starts: Sequence[Sequence[float]],
    target: Target,
) -> Fitted:
    """Parameters that make choices most likely, from several starts.

    Parameters
    ----------
    by_cluster : callable
        Log-likelihood of every cluster under sets of parameters on the scale on which they are fitted: from shape
        (n_sets, n_parameters) to (n_sets, n_clusters).
    parameters : sequence of Parameter
        What they are, in the order of the last axis.
    n_clusters : int
        What is independent.
    starts : sequence of sequence of float
        Where to begin, on the scale of fitting; the best end is taken.
    target : {"model", "human", "data"}
        Whose choices they are.

    Returns
    -------
    Fitted
        95 % intervals on the scale of fitting, with standard errors that allow for clusters (the sandwich with
        G / (G - 1)), t with G - 1 degrees of freedom; none at the edge of a range or below 10 clusters.
    """
    k = len(parameters)
    edges = np.array([_FAR if parameter.kind == "number" else _EDGE for parameter in parameters])

    def falls(theta: Floats) -> tuple[float, Floats]:
        """What is made as small as can be, and its slope, from one pass over all choices."""
        steps = _STEP * np.eye(k)
        values = -by_cluster(np.vstack([theta, theta + steps, theta - steps])).sum(axis=1)
        return float(values[0]), (values[1 : k + 1] - values[k + 1 :]) / (2 * _STEP)

    bounds = list(zip(-edges, edges, strict=True))
    fits = [optimize.minimize(falls, np.asarray(start, dtype=float), jac=True, bounds=bounds) for start in starts]
    best = min(fits, key=lambda fit: float(fit.fun))
    theta = np.asarray(best.x, dtype=np.float64)
    inner = np.flatnonzero(np.abs(theta) < edges - 0.5)
    spread = _errors(by_cluster, theta, inner, n_clusters)
    estimates, warnings = _told(theta, spread, parameters, n_clusters, target)
    return Fitted(estimates=estimates, log_likelihood=-float(best.fun), warnings=warnings)


def _errors(by_cluster: Callable[[Floats], Floats], theta: Floats, inner: Ints, n_clusters: int) -> Floats:
    """Standard errors; what lies at the edge of its range is held there while the others are judged."""
    spread = np.full(len(theta), np.nan)
    if n_clusters < MIN_CLUSTERS or not len(inner):
        return spread
    k = len(inner)
    steps = np.zeros((k, len(theta)))
    steps[np.arange(k), inner] = _STEP
    around = theta + np.concatenate([steps, -steps])
    scores = (by_cluster(around[:k]) - by_cluster(around[k:])) / (2 * _STEP)
    corners = [theta + i * steps[:, None] + j * steps[None] for i in (1, -1) for j in (1, -1)]
    sums = by_cluster(np.concatenate(corners).reshape(-1, len(theta))).sum(axis=1).reshape(4, k, k)
    hessian = (sums[0] - sums[1] - sums[2] + sums[3]) / (4 * _STEP**2)
    if np.linalg.matrix_rank(hessian, tol=1e-6) == k:
        bread = np.linalg.inv(-hessian)
        meat = n_clusters / (n_clusters - 1) * scores @ scores.T
        variances = np.diag(bread @ meat @ bread)
        spread[inner] = np.sqrt(np.where(variances > 0, variances, np.nan))
    return spread


def _told(
    theta: Floats, spread: Floats, parameters: Sequence[Parameter], n_clusters: int, target: Target
) -> tuple[dict[str, Estimate], tuple[str, ...]]:
    """Estimates with intervals, carried back from the scale of fitting."""
    found, vague = dict[str, Estimate](), list[str]()
    values = natural(theta, parameters).tolist()
    t = float(special.stdtrit(max(n_clusters - 1, 1), 0.975))
    scales = {"share": "log odds", "positive": "log", "number": "as it is"}
    for k, parameter in enumerate(parameters):
        interval, how = None, f"none: fewer than {MIN_CLUSTERS} clusters"
        if n_clusters >= MIN_CLUSTERS:
            how = "none: at the edge of its range, or not told apart"
        if np.isfinite(spread[k]):
            limits = natural(
                (theta[k] + np.array([[-t], [t]]) * spread[k]), (parameter,)
            ).ravel()  # a pair of the same kind
            interval = (float(limits[0]), float(min(limits[1], 1e300)))
            how = f"{scales[parameter.kind]}, clustered, t with {n_clusters - 1} df"
        else:
            vague.append(parameter.name)
        found[parameter.name] = Estimate(
            value=values[k],
            estimand=parameter.what,
            target=target,
            n_units=n_clusters,
            interval=interval,
            interval_method=how,
        )
    cautions = () if n_clusters < MIN_CLUSTERS or not vague else (
        f"{', '.join(vague)}: at the edge of the range, or these choices do not tell it",
    )  # fmt: skip
    few = (f"{n_clusters} clusters: no intervals below {MIN_CLUSTERS}",) if n_clusters < MIN_CLUSTERS else ()
    return found, (*cautions, *few)
