"""PPI++ as published and as its authors' package computes it: one lambda, variances over n, normal quantiles.

Kept to reproduce published numbers. Below about 100 labelled units the intervals are too short; the defaults of
`ppi_mean`, `ppi_ols` and `ppi_logit` are not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.correction.estimates import CorrectedEstimate, CorrectedRegression, Fit, Fits, corrected, report
from proband.measures.correction.links import rectified_fit
from proband.measures.correction.samples import Data, Labels
from proband.measures.correction.tuning import Tuned, solve

PAPER_NOTE = "small_sample='paper': below about 100 labelled units this interval is too short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradients:
    """Gradients of the loss at one estimate: of answers, of predictions, of the unlabelled; inverse Hessian."""

    y: Floats
    f: Floats
    u: Floats
    inverse: Floats


def check_paper(labels: Labels) -> None:
    """The published method has no clusters and needs unlabelled units."""
    if labels.left.cluster is not None or labels.right.cluster is not None:
        raise DesignError('small_sample="paper" knows no clusters; use the default, "t"')
    if not labels.u.size:
        raise DesignError('small_sample="paper" needs unlabelled predictions; without any use the default, "t"')


def paper_mean(labels: Labels, level: float) -> CorrectedEstimate:
    """`ppi_mean_ci` of ppi-python 0.2.3."""
    check_paper(labels)
    w, v = labels.left.share * labels.y.size, labels.right.share * labels.u.size
    start = float((v * labels.u).mean() + (w * (labels.y - labels.f)).mean())
    y, f = ((w * (part - start))[:, None] for part in (labels.y, labels.f))
    gradients = Gradients(y=y, f=f, u=(v * (labels.u - start))[:, None], inverse=np.eye(1))
    tuning = paper_tuning(gradients)
    found = _mean(labels, tuning, w, v, level)
    classical = _mean(labels, 0.0, w, v, level)
    said = replace(
        found, estimand="mean of the human answers in the population of the unlabelled units", warnings=(PAPER_NOTE,)
    )
    gain = (classical.se or 0.0) ** 2 / found.se**2 if found.se else 1.0
    return corrected(labels, classical, said, tuning=tuning, predicted=float((v * labels.u).mean()), gain=gain)


def _mean(labels: Labels, tuning: float, w: Floats, v: Floats, level: float) -> Estimate:
    rectifier, imputed = w * (labels.y - tuning * labels.f), v * tuning * labels.u
    value = float(imputed.mean() + rectifier.mean())
    se = math.sqrt(float(imputed.var() / imputed.size + rectifier.var() / rectifier.size))
    reach = float(special.ndtri((1 + level) / 2)) * se
    return Estimate(
        value=value,
        se=se,
        interval=(value - reach, value + reach),
        level=level,
        interval_method="normal, as published",
        estimand="mean of the human answers in the population",
        target="human",
        n_units=labels.y.size,
    )


def paper_tuning(gradients: Gradients) -> float:
    """Lambda that minimises the trace of the covariance, within [0, 1]; 0 where predictions do not vary."""
    n, n_unlabelled = len(gradients.y), len(gradients.u)
    y, f = gradients.y - gradients.y.mean(axis=0), gradients.f - gradients.f.mean(axis=0)
    both = np.atleast_2d(np.cov(np.concatenate([gradients.f, gradients.u]).T))
    h = gradients.inverse
    below = 2 * (1 + n / n_unlabelled) * float(np.trace(h @ both @ h))
    above = float(np.trace(h @ ((y.T @ f + f.T @ y) / n) @ h))
    return min(max(above / below, 0.0), 1.0) if below > 0 else 0.0


def paper_regression(
    point: Callable[[float], Floats], gradients_at: Callable[[Floats, bool], Gradients], tuning: float | None = None
) -> Fit:
    """`ppi_ols_ci` and `ppi_logistic_ci`: lambda at the fully trusting estimate, once more at its own.

    ``point(lambda)`` fits; ``gradients_at(theta, with_unlabelled)`` gives gradients and inverse Hessian there.
    """
    if tuning is None:
        first = paper_tuning(gradients_at(point(1.0), True))
        tuning = paper_tuning(gradients_at(point(first), True))
    theta = point(tuning)
    at = gradients_at(theta, tuning != 0)
    n, k = len(at.y), len(theta)
    unlabelled = np.cov(tuning * at.u.T).reshape(k, k) if tuning else np.zeros((k, k))
    labelled = np.cov(at.y.T - tuning * at.f.T).reshape(k, k)
    covariance = at.inverse @ (unlabelled * n / len(at.u) + labelled) @ at.inverse / n
    return Fit(theta=theta, tuned=Tuned(tuning=np.full(k, tuning), covariance=covariance, df=np.full(k, math.inf)))


def _linear(data: Data) -> tuple[Callable[[float], Floats], Callable[[Floats, bool], Gradients]]:
    """Fit and gradients of `ppi_ols_ci` in ppi-python."""
    w, v = data.labels.left.share, data.labels.right.share

    def least_squares(x: Floats, y: Floats, share: Floats) -> Floats:
        return solve((x * share[:, None]).T @ x, (x * share[:, None]).T @ y)

    def point(tuning: float) -> Floats:
        left = least_squares(data.x, data.labels.y - tuning * data.labels.f, w)
        return left + (least_squares(data.z, tuning * data.labels.u, v) if tuning else 0.0)

    return point, _gradients(data, lambda eta: (eta, np.ones_like(eta)))


def _logistic(data: Data) -> tuple[Callable[[float], Floats], Callable[[Floats, bool], Gradients]]:
    """Fit and gradients of `ppi_logistic_ci` in ppi-python."""

    def link(eta: Floats) -> tuple[Floats, Floats]:
        mu = special.expit(eta)
        return mu, mu * (1 - mu)

    return lambda tuning: rectified_fit(data, tuning), _gradients(data, link)


def _gradients(data: Data, link: Callable[[Floats], tuple[Floats, Floats]]) -> Callable[[Floats, bool], Gradients]:
    """Gradients at an estimate; the Hessian is that of both samples together."""
    labels, x, z = data.labels, data.x, data.z
    w, v = labels.left.share * len(x), labels.right.share * len(z)

    def at(theta: Floats, with_unlabelled: bool) -> Gradients:
        (mu, curve), (nu, bend) = link(x @ theta), link(z @ theta)
        hessian = (x * (w * curve)[:, None]).T @ x
        if with_unlabelled:
            hessian = (hessian + (z * (v * bend)[:, None]).T @ z) / (len(x) + len(z))
        else:
            hessian = hessian / len(x)
        y, f = (x * (w * (mu - part))[:, None] for part in (labels.y, labels.f))
        inverse = solve(hessian, np.eye(len(theta)))
        return Gradients(y=y, f=f, u=z * (v * (nu - labels.u))[:, None], inverse=inverse)

    return at


def published(data: Data, *, is_linear: bool, level: float) -> CorrectedRegression:
    """`ppi_ols_ci` or `ppi_logistic_ci` of ppi-python."""
    check_paper(data.labels)
    point, gradients_at = _linear(data) if is_linear else _logistic(data)
    classical, found = paper_regression(point, gradients_at, 0.0), paper_regression(point, gradients_at)
    return report(data, Fits(classical=classical, found=found, warnings=(PAPER_NOTE,)), level=level)
