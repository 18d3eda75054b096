"""Effects within studies: several effects of one study share its people, and are pooled with that in mind."""

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.experiments.outcomes import Codes, Linear, coded, with_t_test
from proband.measures.meta.pooling import Effects, effects_of

_FEW = 10


@dataclass(frozen=True, kw_only=True)
class MultilevelEffects:
    """What pooling of effects within studies found.

    Attributes
    ----------
    pooled : Estimate
        Mean of the true effects; CR2 errors over studies, Satterthwaite's degrees of freedom.
    prediction : Estimate
        The same mean, with the interval in which a true effect of one more study lies.
    tau2_between, tau2_within : Estimate
        Variance between studies, and between the effects of a study.
    """

    pooled: Estimate
    prediction: Estimate
    tau2_between: Estimate
    tau2_within: Estimate


def multilevel_effects(
    effects: Effects, studies: Sequence[Hashable], *, target: Target = "model", level: float = 0.95
) -> MultilevelEffects:
    """Pool effects of which several come from one study, one engine, or one set of subjects.

    ``y_ij = mean + u_i + e_ij + error`` with variances between studies (u) and within (e) by restricted maximum
    likelihood, the sampling errors known. How sampling errors of one study go together is hardly ever known; the
    errors of the mean do not need it: they are CR2 over studies, right whatever goes on within them (Hedges, Tipton &
    Johnson 2010; Pustejovsky & Tipton 2018).

    Parameters
    ----------
    effects : mapping or sequence of Estimate or of (effect, standard error)
        On one scale.
    studies : sequence, shape (n_effects,)
        Study of every effect, in the same order.
    target, level : {"model", "human", "data"}, float
        Whom the effects describe; confidence level.

    Raises
    ------
    DesignError
        If there is one study, or one effect in every study: then use `random_effects`.
    DataError
        If numbers of effects and studies differ, or a standard error is 0 or not known.

    References
    ----------
    Konstantopoulos (2011), Res. Synth. Methods 2, 61-76. doi:10.1002/jrsm.35
    Hedges, Tipton & Johnson (2010), Res. Synth. Methods 1, 39-65. doi:10.1002/jrsm.5
    Pustejovsky & Tipton (2018), J. Bus. Econ. Stat. 36, 672-683. doi:10.1080/07350015.2016.1247004

    Examples
    --------
    >>> effects = [(0.1, 0.1), (0.3, 0.1), (0.5, 0.1), (0.6, 0.1), (0.2, 0.1), (0.0, 0.1)]
    >>> print(multilevel_effects(effects, ["a", "a", "b", "b", "c", "c"]).pooled)
    0.283 [-0.304, 0.870]
    """
    _, y, v = effects_of(effects)
    if len(studies) != len(y):
        raise DataError(f"{len(studies)} studies for {len(y)} effects; give every effect its study")
    codes, names = coded(studies, "study")
    if len(names) < 2:
        raise DesignError(
            f"all effects are of study {names[0]!r}: how far studies differ takes two at least; add studies, or use "
            "`random_effects` on effects of different subjects"
        )
    if len(names) == len(y):
        raise DesignError("every study has one effect: there is nothing within studies; use `random_effects`")
    between, within = _variances(y, v, codes)
    found, df_spread = _robust(y, v, codes, between, within)
    few = (f"{len(names)} studies: below {_FEW} the interval is rough",) if len(names) < _FEW else ()
    about = Estimate(
        value=0.0, estimand="mean of the true effects", target=target, n_units=len(y), n_clusters=len(names),
        level=level, warnings=few, assumptions=("studies are independent of each other",),
    )  # fmt: skip
    pooled = with_t_test(about, found, "t, CR2 over studies")
    whole = Linear(value=found.value, variance=between + within + found.variance, df=df_spread, scale=found.scale)
    told = with_t_test(about, whole, "prediction, t")
    prediction = Estimate(
        value=told.value, interval=told.interval if pooled.interval else None, target=target, level=level,
        interval_method=told.interval_method if pooled.interval else pooled.interval_method,
        estimand="true effect of one more study", n_units=len(y), n_clusters=len(names), warnings=few,
    )  # fmt: skip
    parts = (
        Estimate(
            value=value, estimand=f"variance of true effects {where} studies", target=target, n_units=len(y),
            n_clusters=len(names), interval_method="none: restricted maximum likelihood gives a point",
        )
        for where, value in (("between", between), ("within", within))
    )  # fmt: skip
    one, other = parts
    return MultilevelEffects(pooled=pooled, prediction=prediction, tau2_between=one, tau2_within=other)


def _variances(y: Floats, v: Floats, codes: Codes) -> tuple[float, float]:
    """Both variances by restricted maximum likelihood, from standard deviations as they may reach 0."""

    def deviance(sds: Floats) -> float:
        between, within = float(sds[0] ** 2), float(sds[1] ** 2)
        a = 1 / (v + within)
        s, t = np.bincount(codes, a), np.bincount(codes, a * y)
        ones, cross = float((s / (1 + between * s)).sum()), float((t / (1 + between * s)).sum())
        squares = float(a @ y**2 - (between * t**2 / (1 + between * s)).sum())
        spread = float(-np.log(a).sum() + np.log1p(between * s).sum())
        return spread + math.log(ones) + squares - cross**2 / ones

    scale = float(np.std(y)) or 1.0
    # The likelihood may have two tops: the search begins at the best of a grid.
    grid = [np.array(sds) * scale for sds in itertools.product((0.03, 0.2, 0.5, 1.0), repeat=2)]
    settings = {"xatol": 1e-9 * scale, "fatol": 1e-12, "maxiter": 4_000}
    found = optimize.minimize(deviance, min(grid, key=deviance), method="Nelder-Mead", options=settings)
    return float(found.x[0] ** 2), float(found.x[1] ** 2)


def _robust(y: Floats, v: Floats, codes: Codes, between: float, within: float) -> tuple[Linear, float]:
    """The mean with its CR2 variance, the fitted model as the working one; and degrees of freedom of the whole."""
    places = [np.flatnonzero(codes == g) for g in range(int(codes.max()) + 1)]
    covariances = [np.diag(v[rows] + within) + between for rows in places]
    inverses = [np.linalg.inv(matrix) for matrix in covariances]
    bread = 1 / sum(float(inverse.sum()) for inverse in inverses)
    mean = bread * sum(float(inverse.sum(axis=0) @ y[rows]) for inverse, rows in zip(inverses, places, strict=True))
    variance, pulls = 0.0, []
    for rows, covariance, inverse in zip(places, covariances, inverses, strict=True):
        root = np.linalg.cholesky(covariance).T  # covariance = root' root
        values, vectors = np.linalg.eigh(root @ (covariance - bread) @ root.T)
        back = np.where(values > 1e-12 * values.max(), 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
        pull = (root.T @ (vectors * back) @ vectors.T @ root).T @ inverse.sum(axis=0) * bread  # A' W 1 / (1' W 1)
        variance += float(pull @ (y[rows] - mean)) ** 2
        pulls.append(pull)
    # p_i' Phi p_j with p = (I - H)' A' W 1 bread, and Phi (I - H)' = Phi - 1 bread 1'.
    own = np.array([float(pull @ covariance @ pull) for pull, covariance in zip(pulls, covariances, strict=True)])
    sums = np.array([float(pull.sum()) for pull in pulls])
    gram = np.diag(own) - bread * np.outer(sums, sums)
    df = float(np.trace(gram) ** 2 / (gram**2).sum())
    return Linear(value=float(mean), variance=variance, df=df, scale=float(np.abs(y).max())), min(df, len(places) - 1.0)
