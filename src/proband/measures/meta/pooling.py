"""Random effects: one effect seen in several studies, sites, stimuli or engines, pooled, and how far it differs."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from scipy import optimize, special

from proband.errors import DataError, DesignError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats

Effect = Estimate | tuple[float, float]
Effects = Mapping[Any, Effect] | Sequence[Effect]  # named by anything hashable
TauMethod = Literal["REML", "DL"]
_FEW = 5
_FEW_TO_PREDICT = 20
_SHORT = "{} effects: below 20, and where errors are unequal, the prediction interval is somewhat short"


@dataclass(frozen=True, kw_only=True)
class MetaAnalysis:
    """What pooling found.

    Attributes
    ----------
    pooled : Estimate
        Mean of the true effects; Knapp and Hartung's interval. `baselines`: the ``common effect``, as if all studies
        had one; and ``DerSimonian-Laird``, the mean under their variance.
    prediction : Estimate
        The same mean, with the interval in which the true effect of one more study lies.
    tau2 : Estimate
        Variance of the true effects; Q-profile interval. `baselines`: ``DerSimonian-Laird``.
    i2, h2 : Estimate
        Share of the variance between effects that is not chance; total variance over chance.
    heterogeneity : Estimate
        Cochran's Q and its chi-squared test that all true effects are alike.
    weights : mapping
        Each effect's share of the pooled one.
    """

    pooled: Estimate
    prediction: Estimate
    tau2: Estimate
    i2: Estimate
    h2: Estimate
    heterogeneity: Estimate
    weights: Mapping[Hashable, float]


def random_effects(
    effects: Effects, *, method: TauMethod = "REML", target: Target = "model", level: float = 0.95
) -> MetaAnalysis:
    """Pool effects that are of one kind, but need not be of one size.

    Effects y_i with known sampling variances v_i vary about their true values, which vary with variance tau^2 about
    their mean. With w_i = 1 / (v_i + tau^2) the mean is ``sum w y / sum w``; its variance after Knapp and Hartung
    ``sum w (y - mean)^2 / ((k - 1) sum w)``, on k - 1 degrees of freedom, and counts that tau^2 is estimated. tau^2
    by restricted maximum likelihood, or after DerSimonian and Laird for comparison; its interval are the values under
    which Q is no surprise (Viechtbauer 2007). The prediction interval is ``mean +- t sqrt(tau^2 + se^2)`` on
    k - 2 degrees of freedom (Higgins et al. 2009); it takes tau^2 as known.

    Effects of the same subjects are not independent: use `multilevel_effects`, or pool within subjects first.

    Parameters
    ----------
    effects : mapping or sequence of Estimate or of (effect, standard error)
        On one scale.
    method : {"REML", "DL"}
        How tau^2 is found.
    target, level : {"model", "human", "data"}, float
        Whom the effects describe; confidence level.

    Raises
    ------
    DesignError
        If there is one effect, or `method` is unknown.
    DataError, MissingDataError
        If a standard error is 0 (or its square is), negative or not known; if an effect is missing.

    References
    ----------
    DerSimonian & Laird (1986), Control. Clin. Trials 7, 177-188. doi:10.1016/0197-2456(86)90046-2
    Knapp & Hartung (2003), Stat. Med. 22, 2693-2710. doi:10.1002/sim.1482
    Viechtbauer (2007), Stat. Med. 26, 37-52. doi:10.1002/sim.2514
    Higgins, Thompson & Spiegelhalter (2009), J. R. Stat. Soc. A 172, 137-159. doi:10.1111/j.1467-985X.2008.00552.x

    Examples
    --------
    >>> found = random_effects({"a": (0.10, 0.05), "b": (0.30, 0.05), "c": (0.22, 0.06), "d": (0.45, 0.10)})
    >>> print(found.pooled, round(found.tau2, 4), round(found.i2, 3))
    0.253 [0.030, 0.476] 0.0142 0.797
    """
    if method not in get_args(TauMethod):
        raise DesignError(f"method {method!r} is none of {', '.join(get_args(TauMethod))}")
    names, y, v = effects_of(effects)
    k = len(y)
    tau2_dl = _dersimonian_laird(y, v)
    tau2 = _reml(y, v) if method == "REML" else tau2_dl
    w = 1 / (v + tau2)
    mean, q_fixed, common = _mean(y, w), _q(y, v, 0.0), _mean(y, 1 / v)
    factor = _q(y, v, tau2) / (k - 1)
    variance = factor / float(w.sum())
    reach = float(special.stdtrit(k - 1, (1 + level) / 2))
    doubts = [f"{k} effects: how far they differ is hardly known below {_FEW}"] if k < _FEW else []
    if factor < 1 - 1e-4:  # where tau^2 is above 0 it is 1, but for rounding
        doubts.append("effects differ less than their errors say they must: the interval may be too short")
    told = partial(Estimate, target=target, n_units=k, level=level)
    # Effects that are all alike say nothing of how far they differ: an interval would be a point.
    is_flat = math.sqrt(variance) <= 1e-9 * float(np.sqrt(v).min())
    if is_flat:
        doubts.append("effects are all alike: there is no interval")
    t = math.nan if is_flat else mean / math.sqrt(variance)
    pooled = told(
        value=mean, se=math.sqrt(variance), interval=None if is_flat else _about(mean, reach * math.sqrt(variance)),
        interval_method="none: no variance" if is_flat else f"t with {k - 1} df, Knapp-Hartung, {method}",
        statistic=None if is_flat else t, df=k - 1.0, estimand="mean of the true effects",
        p_value=None if is_flat else 2 * float(special.stdtr(k - 1, -abs(t))),
        baselines={"common effect": common, "DerSimonian-Laird": _mean(y, 1 / (v + tau2_dl))},
        assumptions=("effects are independent, and of studies drawn from those there might be",),
        warnings=tuple(doubts),
    )  # fmt: skip
    ahead = float(special.stdtrit(k - 2, (1 + level) / 2)) * math.sqrt(tau2 + variance) if k > 2 else math.nan
    prediction = told(
        value=mean, interval=_about(mean, ahead) if k > 2 and not is_flat else None,
        estimand="true effect of one more study",
        interval_method="none: no variance" if is_flat
        else f"prediction, t with {k - 2} df" if k > 2 else "none: it takes three effects",
        warnings=(*doubts, *((_SHORT.format(k),) if 2 < k < _FEW_TO_PREDICT else ())),
    )  # fmt: skip
    typical = (k - 1) * float((1 / v).sum()) / (float((1 / v).sum()) ** 2 - float((v**-2.0).sum()))
    low, high = min(_profiled(y, v, (1 + level) / 2), tau2), max(_profiled(y, v, (1 - level) / 2), tau2)
    is_void = not high  # no variance, not even none, makes effects as alike as these likely
    spread, i2, h2 = (
        told(
            value=f(tau2),
            interval=None if is_void else (f(low), f(high)),
            estimand=what,
            baselines=others,
            interval_method="none: effects are more alike than any variance makes likely" if is_void else "Q-profile",
        )
        for f, what, others in (
            (float, "variance of the true effects", {"DerSimonian-Laird": tau2_dl}),
            (lambda t2: t2 / (t2 + typical), "share of the variance between effects that is not chance", {}),
            (lambda t2: 1 + t2 / typical, "variance between effects over that by chance", {}),
        )
    )
    test = told(
        value=q_fixed, estimand="Cochran's Q: that all true effects are alike", statistic=q_fixed, df=k - 1.0,
        p_value=float(special.chdtrc(k - 1, q_fixed)), interval_method="none: chi-squared test",
    )  # fmt: skip
    shares = dict(zip(names, (w / w.sum()).tolist(), strict=True))
    return MetaAnalysis(
        pooled=pooled, prediction=prediction, tau2=spread, i2=i2, h2=h2, heterogeneity=test, weights=shares
    )


def effects_of(effects: Effects) -> tuple[list[Hashable], Floats, Floats]:
    """Names, effects and sampling variances; two of them at least, each with its standard error."""
    names: list[Hashable] = list(effects) if isinstance(effects, Mapping) else list(range(len(effects)))
    given = list(effects.values()) if isinstance(effects, Mapping) else list(effects)
    if len(given) < 2:
        raise DesignError(
            f"{len(given)} effect: how far effects differ takes two studies at least; add others, or report this one "
            "by itself"
        )
    y, se = np.empty(len(given)), np.empty(len(given))
    for k, (name, one) in enumerate(zip(names, given, strict=True)):
        value, error = (one.value, one.se) if isinstance(one, Estimate) else one
        if value is None or not math.isfinite(value):
            raise MissingDataError(f"effect {name!r} is missing; leave it out and report that")
        if error is None or not (math.isfinite(error) and error > 0 < error * error):
            raise DataError(
                f"effect {name!r} has the standard error {error}; pooling weighs by it, so it must be above 0: answers "
                "that are all alike give none; leave the effect out and report that"
            )
        y[k], se[k] = value, error
    return names, y, se**2


def _mean(y: Floats, w: Floats) -> float:
    return float(w @ y / w.sum())


def _about(centre: float, reach: float) -> tuple[float, float]:
    return centre - reach, centre + reach


def _q(y: Floats, v: Floats, tau2: float) -> float:
    w = 1 / (v + tau2)
    return float(w @ (y - _mean(y, w)) ** 2)


def _dersimonian_laird(y: Floats, v: Floats) -> float:
    w = 1 / v
    return max(0.0, (_q(y, v, 0.0) - (len(y) - 1)) / float(w.sum() - (w**2).sum() / w.sum()))


def _reml(y: Floats, v: Floats) -> float:
    """Where the restricted likelihood is highest; its derivative is solved where that is within bounds."""

    def slope(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float((w**2) @ (y - _mean(y, w)) ** 2 - w.sum() + (w**2).sum() / w.sum())

    def height(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(np.log(w).sum() - math.log(w.sum()) - w @ (y - _mean(y, w)) ** 2)

    top = float(np.var(y, ddof=1)) + float(v.max()) + 1e-12
    while slope(top) > 0:
        top *= 2
    # The derivative may have several roots: the likelihood decides between them.
    grid = np.concatenate([[0.0], np.geomspace(top * 1e-9, top, 60)])
    slopes = [slope(t) for t in grid]
    roots = [0.0]
    for (a, b), (s, u) in zip(pairwise(grid), pairwise(slopes), strict=True):
        if s > 0 >= u:
            roots.append(float(optimize.brentq(slope, a, b, xtol=1e-14 * top, rtol=1e-12)))
    return max(roots, key=height)


def _profiled(y: Floats, v: Floats, p: float) -> float:
    """The tau^2 under which Q is the p quantile of its distribution; 0 where it is below that already."""
    wanted = float(special.chdtri(len(y) - 1, 1 - p))
    if _q(y, v, 0.0) <= wanted:
        return 0.0
    top = float(np.var(y, ddof=1)) + float(v.max())
    while _q(y, v, top) > wanted:
        top *= 2
    return float(optimize.brentq(lambda tau2: _q(y, v, tau2) - wanted, 0.0, top, xtol=1e-14 * top))
