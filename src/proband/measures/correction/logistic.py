"""Logistic regression under one lambda: the rectified score, its root, and what single units contribute."""

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.measures.arrays import Floats
from proband.measures.correction.samples import Data, Labels
from proband.measures.correction.tuning import Influences, jackknife, solve, without, working_df

_NEWTON_STEPS = 50
_RUNAWAY = 30.0  # range of the log odds over the labelled units that no finite coefficient produces


def check_binary(labels: Labels) -> None:
    """Answers are 0 and 1, predictions probabilities."""
    if not labels.is_binary or not 0 < labels.y.mean() < 1:
        raise DataError("a logistic regression needs human answers of 0 and 1, both present; for others use ppi_ols")
    for name, part in (("predicted_labelled", labels.f), ("predicted_unlabelled", labels.u)):
        if part.size and (part.min() < 0 or part.max() > 1):
            raise DataError(f"{name} runs from {part.min():.3g} to {part.max():.3g}; give probabilities from 0 to 1")


def few_events(data: Data) -> tuple[str, ...]:
    """Warn of too few answers of the rarer kind (Peduzzi et al. 1996, J. Clin. Epidemiol. 49, 1373-1379)."""
    ones = int(data.labels.y.sum())
    per = min(ones, data.labels.y.size - ones) / len(data.names)
    if per >= 10:
        return ()
    return (f"{per:.1f} labelled answers of the rarer kind per coefficient: below 10 the interval is approximate",)


def rectified_logit(data: Data, tuning: float, start: Floats | None = None) -> Floats:
    """Root of the rectified score under one lambda, by Newton's method; the loss is convex for lambda in [0, 1]."""
    labels, x, z = data.labels, data.x, data.z
    w, v = labels.left.share, labels.right.share
    theta = np.zeros(x.shape[1]) if start is None else start
    target = x.T @ (w * (labels.y - tuning * labels.f)) + (tuning * (z.T @ (v * labels.u)) if tuning else 0.0)

    def loss(at: Floats) -> float:
        value = (1 - tuning) * float(w @ np.logaddexp(0, x @ at)) - float(target @ at)
        return value + (tuning * float(v @ np.logaddexp(0, z @ at)) if tuning else 0.0)

    for _ in range(_NEWTON_STEPS):
        mu = special.expit(x @ theta)
        score = target - (1 - tuning) * (x.T @ (w * mu))
        curve = (1 - tuning) * (x * (w * mu * (1 - mu))[:, None]).T @ x
        if tuning:
            nu = special.expit(z @ theta)
            score -= tuning * (z.T @ (v * nu))
            curve += tuning * (z * (v * nu * (1 - nu))[:, None]).T @ z
        if np.abs(score).max() < 1e-11 * (1 + np.abs(x).max()):
            return theta
        if np.ptp(x @ theta) > _RUNAWAY or np.linalg.cond(curve) > 1e14:
            break
        step = np.linalg.solve(curve, score)
        now, size = loss(theta), 1.0
        while size > 1e-8 and not loss(theta + size * step) <= now + 1e-14 * abs(now):
            size /= 2
        theta = theta + size * step
    if np.ptp(x @ theta) <= _RUNAWAY and np.abs(score).max() < 1e-7 * (1 + np.abs(x).max()):
        return theta
    raise DataError(
        f"the regressors {', '.join(data.names)} separate the {labels.y.size} labelled answers (or nearly): "
        "log odds ratios run off to infinity; label more people, drop or merge regressors, or use ppi_ols"
    )


def logistic_influences(data: Data, thetas: list[Floats], tuning: Floats) -> Influences:
    """Influences on each coefficient, linearised at the fit that gave it."""
    labels = data.labels
    parts = [_logistic_scores(data, theta, float(lam)) for theta, lam in zip(thetas, tuning, strict=True)]
    a, b, c = (np.column_stack([part[m][:, j] for j, part in enumerate(parts)]) for m in range(3))
    mu = special.expit(data.x @ thetas[0])
    # Rectified scores sum to zero over both samples, not over each.
    shift = c.sum(axis=0) - b.sum(axis=0)
    a, b = (np.sqrt(jackknife(len(part))) * (part - part.mean(axis=0)) for part in (a, b))
    if len(c):
        c = (c - c.mean(axis=0)) / np.sqrt(jackknife(len(c)))
    df = working_df(data.x * np.sqrt(mu * (1 - mu))[:, None], labels.left)
    return Influences(a=a, b=b, c=c, df=df, shift=shift, rounding=data.rounding(mu * (1 - mu)))


def _logistic_scores(data: Data, theta: Floats, tuning: float) -> tuple[Floats, Floats, Floats]:
    """Influences of answers and predictions of the labelled, and of the unlabelled, at one fit."""
    labels, x, z = data.labels, data.x, data.z
    left, right = labels.left, labels.right
    mu = special.expit(x @ theta)
    curve = mu * (1 - mu)
    moment = (1 - tuning) * (x * (left.share * curve)[:, None]).T @ x
    if len(z):
        nu = special.expit(z @ theta)
        unlabelled = (z * (right.share * nu * (1 - nu))[:, None]).T @ z
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
