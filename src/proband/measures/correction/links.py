"""Regressions with a canonical link under one lambda: the rectified score, its root, what single units contribute."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.measures.arrays import Floats, units_of
from proband.measures.correction.samples import Data, Labels
from proband.measures.correction.tuning import Influences, jackknife, solve, without, working_df

_NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Expected answer and its slope at a linear predictor, and the integral of the former, which makes the loss.

    `runaway`: range of the linear predictor over the labelled units that no finite coefficient produces.
    """

    mean: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    integral: Callable[[Floats], Floats]
    runaway: float
    way_out: str


def _slope(eta: Floats) -> Floats:
    mu: Floats = special.expit(eta)
    return mu * (1 - mu)


def _exp(eta: Floats) -> Floats:
    # A Newton step may overshoot; it is halved then, and must not overflow before.
    return np.exp(np.minimum(eta, 300.0))


LOGIT = Link(
    mean=special.expit, slope=_slope, integral=lambda eta: np.logaddexp(0, eta), runaway=30.0, way_out="use ppi_ols"
)
LOG = Link(mean=_exp, slope=_exp, integral=_exp, runaway=15.0, way_out="compare group means by ppi_mean")


def check_binary(labels: Labels) -> None:
    """Answers are 0 and 1, predictions probabilities."""
    if not labels.is_binary or not 0 < labels.y.mean() < 1:
        raise DataError("a logistic regression needs human answers of 0 and 1, both present; for others use ppi_ols")
    for name, part in (("predicted_labelled", labels.f), ("predicted_unlabelled", labels.u)):
        if part.size and (part.min() < 0 or part.max() > 1):
            raise DataError(f"{name} runs from {part.min():.3g} to {part.max():.3g}; give probabilities from 0 to 1")


def check_counts(labels: Labels) -> None:
    """Answers and predictions are counts or rates."""
    for name, part in (("labelled", labels.y), ("predicted_labelled", labels.f), ("predicted_unlabelled", labels.u)):
        if part.size and part.min() < 0:
            raise DataError(f"{name} has {part.min():.3g}; counts and rates are 0 or more: for others use ppi_ols")
    if not labels.y.any():
        raise DataError("all labelled counts are 0, so that no rate can be estimated; label more people")


def few_events(data: Data, *, are_counts: bool = False) -> tuple[str, ...]:
    """Warn of too few answers of the rarer kind (Peduzzi et al. 1996, J. Clin. Epidemiol. 49, 1373-1379)."""
    ones = int((data.labels.y > 0).sum())
    per = (ones if are_counts else min(ones, data.labels.y.size - ones)) / len(data.names)
    if per >= 10:
        return ()
    kind = "above 0" if are_counts else "of the rarer kind"
    return (f"{per:.1f} labelled answers {kind} per coefficient: below 10 the interval is approximate",)


def rectified_fit(data: Data, tuning: float, start: Floats | None = None, *, link: Link = LOGIT) -> Floats:
    """Root of the rectified score under one lambda, by Newton's method; the loss is convex for lambda in [0, 1]."""
    labels, units = data.labels, units_of(data.x)
    x, z = data.x / units, data.z / units
    w, v = labels.left.share, labels.right.share
    theta = np.zeros(x.shape[1]) if start is None else start * units
    target = x.T @ (w * (labels.y - tuning * labels.f)) + (tuning * (z.T @ (v * labels.u)) if tuning else 0.0)

    def loss(at: Floats) -> float:
        value = (1 - tuning) * float(w @ link.integral(x @ at)) - float(target @ at)
        return value + (tuning * float(v @ link.integral(z @ at)) if tuning else 0.0)

    scale = (1 + np.abs(x).max()) * max(float(labels.y.max()), 1.0)
    for _ in range(_NEWTON_STEPS):
        mu, curve = link.mean(x @ theta), link.slope(x @ theta)
        score = target - (1 - tuning) * (x.T @ (w * mu))
        hessian = (1 - tuning) * (x * (w * curve)[:, None]).T @ x
        if tuning:
            score -= tuning * (z.T @ (v * link.mean(z @ theta)))
            hessian += tuning * (z * (v * link.slope(z @ theta))[:, None]).T @ z
        if np.ptp(x @ theta) <= link.runaway and np.abs(score).max() < 1e-11 * scale:
            return theta / units
        if np.ptp(x @ theta) > link.runaway or np.linalg.cond(hessian) > 1e14:
            break
        step = np.linalg.solve(hessian, score)
        now, size = loss(theta), 1.0
        while size > 1e-8 and not loss(theta + size * step) <= now + 1e-14 * abs(now):
            size /= 2
        theta = theta + size * step
    if np.ptp(x @ theta) <= link.runaway and np.abs(score).max() < 1e-7 * scale:
        return theta / units
    raise DataError(
        f"the regressors {', '.join(data.names)} separate the {labels.y.size} labelled answers (or nearly): "
        f"coefficients run off to infinity; label more people, drop or merge regressors, or {link.way_out}"
    )


def link_influences(data: Data, thetas: list[Floats], tuning: Floats, link: Link) -> Influences:
    """Influences on each coefficient, linearised at the fit that gave it."""
    labels = data.labels
    parts = [_link_scores(data, theta, float(lam), link) for theta, lam in zip(thetas, tuning, strict=True)]
    a, b, c = (np.column_stack([part[m][:, j] for j, part in enumerate(parts)]) for m in range(3))
    curve = link.slope(data.x @ thetas[0])
    # Rectified scores sum to zero over both samples, not over each.
    shift = c.sum(axis=0) - b.sum(axis=0)
    a, b = (np.sqrt(jackknife(len(part))) * (part - part.mean(axis=0)) for part in (a, b))
    if len(c):
        c = (c - c.mean(axis=0)) / np.sqrt(jackknife(len(c)))
    df = working_df(data.x * np.sqrt(curve)[:, None], labels.left)
    return Influences(a=a, b=b, c=c, df=df, shift=shift, rounding=data.rounding(curve))


def _link_scores(data: Data, theta: Floats, tuning: float, link: Link) -> tuple[Floats, Floats, Floats]:
    """Influences of answers and predictions of the labelled, and of the unlabelled, at one fit."""
    labels, x, z = data.labels, data.x, data.z
    left, right = labels.left, labels.right
    mu, curve = link.mean(x @ theta), link.slope(x @ theta)
    moment = (1 - tuning) * (x * (left.share * curve)[:, None]).T @ x
    if len(z):
        nu = link.mean(z @ theta)
        unlabelled = (z * (right.share * link.slope(z @ theta))[:, None]).T @ z
        moment = moment + tuning * unlabelled
        c = right.summed(z * (right.share * (labels.u - nu))[:, None])
        # At lambda 0 the unlabelled have no part in the fit; their own curvature says what they would contribute.
        c = c @ solve(moment if tuning else unlabelled, np.eye(len(theta)))
    else:
        c = np.zeros((0, len(theta)))
    a, b = (
        without(x, x * (left.share * (part - mu))[:, None], (1 - tuning) * curve, left, moment)
        for part in (labels.y, labels.f)
    )
    return a, b, c
