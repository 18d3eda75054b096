"""Whether treatments work in a model as they do in people: agreement of two sets of effects."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy import special, stats

from proband.errors import DataError, MissingDataError
from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.meta.lines import line_with_errors_in_both

_FEWEST = 3
_FEW_STUDIES = 10
_FEW_FOR_RELIABILITY = 50
_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class EffectCorrespondence:
    """What `effect_correspondence` found.

    - `correlation`: Pearson's r of the effects; changes with the sign in which contrasts happen to be coded.
    - `correlation_through_origin`: ``sum h m / sqrt(sum h^2 sum m^2)``; does not.
    - `disattenuated`: r over the square root of both reliabilities; may exceed 1, and is then reported as it is.
    - `rank_correlation`: Spearman's, of the effects as coded.
    - `slope`, `intercept`: of people's effects on the model's: a slope below 1 says that the model's effects are too
      large.
    - `rmse`, `bias`: root mean square, and mean, of model minus people, in the units of the effects; the RMSE's
      baselines are ``no_effect``, what predicting no effect at all reaches, and the ``noise_floor``, what people's
      standard errors alone would make.
    - `sign_agreement`: share of contrasts with the same sign; baseline ``significant`` is the share among those whose
      human interval excludes 0.
    - `slope_both_errors`: the same slope with the errors of both sides counted (York's line), where all effects have
      standard errors; the slope itself is drawn towards 0 by the model's.
    - `reliability_human`, `reliability_model`: ``1 - mean se^2 / var``, at least 0; 1 where no standard errors are
      known to be needed.
    - `n_effects`, `n_studies`: contrasts; independent studies they come from.
    """

    correlation: Estimate
    correlation_through_origin: Estimate
    disattenuated: Estimate
    rank_correlation: Estimate
    slope: Estimate
    intercept: Estimate
    rmse: Estimate
    bias: Estimate
    sign_agreement: Estimate
    reliability_human: float
    reliability_model: float
    n_effects: int
    n_studies: int
    warnings: tuple[str, ...] = ()
    slope_both_errors: Estimate | None = None


@dataclass(frozen=True, eq=False)
class _Effects:
    keys: list[Hashable]
    values: Floats
    errors: Floats | None
    studies: list[Hashable]


def effect_correspondence(human: Any, model: Any) -> EffectCorrespondence:
    """Compare treatment effects found in people with those found in a model, contrast by contrast.

    Reliability is ``rho = max(0, 1 - mean(se^2) / var(effects))``; the disattenuated correlation
    ``r / sqrt(rho_human rho_model)`` is undefined where a reliability is 0, and unstable where it is small.
    With the seed or wording of a model varied, its standard errors belong here; sampling a model more often
    makes them 0 without making it right.

    Parameters
    ----------
    human, model : mapping, sequence or frame
        The same contrasts on both sides: a mapping of contrast to effect, joined by contrast (a key
        ``(study, contrast)`` says which study an effect comes from); a sequence in the same order; an array of
        shape (n_effects, 2) with standard errors in the second column; or a frame, or mapping of columns, with
        ``effect`` and, where known, ``se``, ``contrast`` and ``study``. An effect is a number, or an `Estimate`
        with its standard error. Effects must be on one scale: standardise outcomes of several scales by the
        human control group's standard deviation.

    Returns
    -------
    EffectCorrespondence
        Intervals are t intervals from the jackknife over studies (over effects where each is a study of its
        own), correlations on Fisher's scale. Nothing is clipped.

    Raises
    ------
    DataError, MissingDataError
        If contrasts differ, or there are fewer than 3; if an effect is missing.

    References
    ----------
    Spearman (1904), Am. J. Psychol. 15, 72-101. doi:10.2307/1412159
    Efron & Stein (1981), Ann. Statist. 9, 586-596. doi:10.1214/aos/1176345462

    Examples
    --------
    >>> people = [(0.1, 0.1), (0.3, 0.1), (0.5, 0.1), (0.2, 0.1), (0.4, 0.1)]
    >>> found = effect_correspondence(people, [0.2, 0.3, 0.6, 0.1, 0.5])
    >>> round(found.correlation.value, 4), round(found.disattenuated.value, 4), round(found.slope.value, 4)
    (0.915, 1.1812, 0.6977)
    """
    h, m = _joined(_read(human, "human"), _read(model, "model"))
    y, x = h.values, m.values
    n = len(y)
    studies = h.studies
    place = {study: k for k, study in enumerate(dict.fromkeys(studies))}
    folds = np.array([place[study] for study in studies])
    # Contrasts of one study share its people, so whole studies are left out, not contrasts.
    keep = np.concatenate([np.ones((1, n)), 1.0 * (folds[None, :] != np.arange(len(place))[:, None])])
    numbers = _statistics(y, x, h.errors, m.errors, keep)
    make = partial(_jackknifed, numbers, n_studies=len(place))
    rho_h, rho_m = (_reliability(side.values, side.errors, np.ones((1, n)))[0] for side in (h, m))
    warnings = []
    if len(place) < _FEW_STUDIES:
        warnings.append(f"{len(place)} independent studies: intervals are rough below {_FEW_STUDIES}")
    if h.errors is not None and len(place) < _FEW_FOR_RELIABILITY:
        warnings.append(
            f"{len(place)} independent studies: the interval of the disattenuated correlation is too short below "
            f"{_FEW_FOR_RELIABILITY}, as the reliability is estimated too"
        )
    if h.errors is None:
        warnings.append("people's standard errors are unknown: the correlation is taken as if they were 0")
    squares = float(np.mean(y**2))
    floor = {} if h.errors is None else {"noise_floor": float(np.sqrt((h.errors**2).mean()))}
    disattenuated = make("disattenuated")
    if disattenuated.value > 1:
        warnings.append(
            f"the disattenuated correlation is {disattenuated.value:.2f}, above 1: the reliabilities ({rho_h:.2f}, "
            f"{rho_m:.2f}) are estimated from few effects; it is reported as it is"
        )
    return EffectCorrespondence(
        correlation=make("r"),
        correlation_through_origin=make("r_origin"),
        disattenuated=disattenuated,
        rank_correlation=_rank(y, x),
        slope=make("slope"),
        intercept=make("intercept"),
        rmse=make("mse", baselines={"no_effect": math.sqrt(squares), **floor}),
        bias=make("bias"),
        sign_agreement=_signs(y, x, h.errors),
        reliability_human=float(rho_h),
        reliability_model=float(rho_m),
        n_effects=n,
        n_studies=len(place),
        warnings=tuple(warnings),
        slope_both_errors=_both_errors(h, m, keep, len(place)),
    )


def _both_errors(h: _Effects, m: _Effects, keep: Floats, n_studies: int) -> Estimate | None:
    """York's slope with its jackknife interval; None where a side has no errors, or no line fits."""
    if h.errors is None or m.errors is None or not (h.errors > 0).all() or not (m.errors > 0).all():
        return None
    slopes = []
    for kept in keep > 0:
        try:
            line = line_with_errors_in_both(m.values[kept], h.values[kept], m.errors[kept], h.errors[kept])
            slopes.append(line.slope.value)
        except DataError:
            slopes.append(math.nan)
    if math.isnan(slopes[0]):
        return None
    found = _jackknifed({"slope": np.array(slopes)}, "slope", n_studies)
    return replace(found, estimand="slope of people's effects on the model's, errors of both counted")


def _statistics(y: Floats, x: Floats, se_y: Floats | None, se_x: Floats | None, keep: Floats) -> dict[str, Floats]:
    """Every statistic for every row of `keep` (1 counts, 0 is left out); the first row keeps all."""
    n = keep.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        my, mx = keep @ y / n, keep @ x / n
        vy, vx = keep @ y**2 / n - my**2, keep @ x**2 / n - mx**2
        # Rounding leaves equal effects a variance of about 1e-16 times their square.
        vy, vx = (np.where(v > 1e-12 * (keep @ s**2 / n), v, np.nan) for v, s in ((vy, y), (vx, x)))
        cov = keep @ (x * y) / n - mx * my
        r = cov / np.sqrt(vx * vy)
        slope = cov / vx
        rho = _reliability(y, se_y, keep) * _reliability(x, se_x, keep)
        return {
            "r": np.clip(r, -1, 1),
            "r_origin": keep @ (x * y) / np.sqrt((keep @ x**2) * (keep @ y**2)),
            "disattenuated": np.where(rho > 0, r / np.sqrt(rho), np.nan),
            "slope": slope,
            "intercept": my - slope * mx,
            "mse": keep @ (x - y) ** 2 / n,
            "bias": mx - my,
        }


def _reliability(values: Floats, errors: Floats | None, keep: Floats) -> Floats:
    n = keep.sum(axis=1)
    if errors is None:
        return np.ones(len(keep))
    mean = keep @ values / n
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (keep @ values**2 - n * mean**2) / (n - 1)
        # Below 0 where chance made effects vary less than their errors say they must: then nothing is reliable.
        rho: Floats = np.maximum(1 - (keep @ errors**2 / n) / variance, 0.0)
    return rho


def _jackknifed(
    numbers: Mapping[str, Floats], name: str, n_studies: int, baselines: Mapping[str, float] | None = None
) -> Estimate:
    """The statistic with its jackknife interval, on a scale where that is closer to normal."""
    all_, *left_out = numbers[name]
    value = math.sqrt(max(all_, 0.0)) if name == "mse" else float(all_)
    common: dict[str, Any] = {"value": value, "estimand": _ESTIMANDS[name], "target": "human"}
    common |= {"n_units": n_studies, "baselines": baselines or {}}
    if not math.isfinite(value):
        reason = "undefined: all effects of a side are equal"
        if name == "disattenuated":
            reason = "undefined: a side's effects vary no more than their standard errors explain"
        return Estimate(**common | {"value": math.nan}, warnings=(reason,))
    forward, back = _SCALES.get(name, (np.asarray, np.asarray))
    with np.errstate(all="ignore"):
        there, others = forward(np.float64(all_)), forward(np.array(left_out))
    g = n_studies
    if g < _FEWEST or not (np.isfinite(others).all() and np.isfinite(there)):
        said = "without one of the studies, or here, the statistic is at its bound or undefined: no interval"
        return Estimate(**common, interval_method="none", warnings=(said,))
    se = math.sqrt((g - 1) / g * float(((others - others.mean()) ** 2).sum()))
    reach = float(special.stdtrit(g - 1, (1 + _LEVEL) / 2)) * se
    low, high = float(back(there - reach)), float(back(there + reach))
    how = f"jackknife over {g} studies, t with {g - 1} df"
    return Estimate(
        **common, interval=(low, high), se=se if name not in _SCALES else None, interval_method=how, n_clusters=g
    )


_ESTIMANDS = {
    "r": "Pearson correlation of people's effects with the model's",
    "r_origin": "correlation of effects through the origin, whatever their signs' coding",
    "disattenuated": "correlation of effects, corrected for their standard errors",
    "slope": "slope of people's effects on the model's",
    "intercept": "intercept of people's effects on the model's",
    "mse": "root mean square of model minus people's effects",
    "bias": "mean of model minus people's effects",
}
_SCALES: dict[str, tuple[Any, Any]] = {
    "r": (np.arctanh, np.tanh),
    "r_origin": (np.arctanh, np.tanh),
    "mse": (np.log, lambda x: np.exp(x / 2)),
}


def _rank(y: Floats, x: Floats) -> Estimate:
    is_flat = np.ptp(y) == 0 or np.ptp(x) == 0
    value = math.nan if is_flat else float(np.corrcoef(stats.rankdata(y), stats.rankdata(x))[0, 1])
    what = "Spearman correlation of people's effects with the model's"
    how = "none: see the intervals of the other correlations"
    warnings = ("undefined: all effects of a side are equal",) if is_flat else ()
    return Estimate(value=value, estimand=what, target="human", n_units=len(y), interval_method=how, warnings=warnings)


def _signs(y: Floats, x: Floats, errors: Floats | None) -> Estimate:
    same = np.sign(y) == np.sign(x)
    baselines = {}
    if errors is not None and (clear := np.abs(y) > 1.959964 * errors).any():
        baselines["significant"] = float(same[clear].mean())
    return Estimate(
        value=float(same.mean()),
        estimand="share of contrasts in which model and people have the same sign",
        target="human",
        n_units=len(y),
        interval_method="none: contrasts of one study are not independent",
        baselines=baselines,
    )


def _read(given: Any, name: str) -> _Effects:
    columns = list(given) if isinstance(given, Mapping) else getattr(given, "columns", None)
    if columns is not None and "effect" in list(columns):
        names = list(columns)
        values = [_number(v, name) for v in given["effect"]]
        keys = list(given["contrast"]) if "contrast" in names else list(range(len(values)))
        studies = list(given["study"]) if "study" in names else keys
        if "study" in names:
            keys = list(zip(studies, keys, strict=True))
        errors = np.asarray(list(given["se"]), dtype=np.float64) if "se" in names else None
        return _checked(_Effects(keys, np.array(values), errors, studies), name)
    if isinstance(given, Mapping):
        keys = list(given)
        studies = [key[0] if isinstance(key, tuple) and len(key) > 1 else key for key in keys]
        entries = list(given.values())
    else:
        entries = list(given)
        keys = studies = list(range(len(entries)))
    pairs = [_pair(entry, name) for entry in entries]
    known = [se for _, se in pairs if se is not None]
    if known and len(known) < len(pairs):
        raise DataError(f"{name}: {len(pairs) - len(known)} effects have no standard error; give all, or none")
    values = [value for value, _ in pairs]
    errors = np.array(known) if known else None
    return _checked(_Effects(keys, np.array(values), errors, studies), name)


def _pair(entry: Any, name: str) -> tuple[float, float | None]:
    if isinstance(entry, Estimate):
        return _number(entry.value, name), entry.se
    if isinstance(entry, (tuple, list, np.ndarray)):
        if len(entry) != 2:
            raise DataError(f"{name}: {entry!r} is no effect with its standard error; give (effect, se)")
        return _number(entry[0], name), _number(entry[1], name)
    return _number(entry, name), None


def _number(value: Any, name: str) -> float:
    if value is None or value != value:
        raise MissingDataError(f"{name}: an effect or its standard error is missing; leave the contrast out on both")
    return float(value)


def _checked(side: _Effects, name: str) -> _Effects:
    if len(set(side.keys)) < len(side.keys):
        raise DataError(f"{name}: a contrast occurs twice; name contrasts by (study, contrast)")
    if not np.isfinite(side.values).all():
        raise DataError(f"{name}: an effect is infinite")
    if side.errors is not None and (len(side.errors) != len(side.values) or not (side.errors >= 0).all()):
        raise DataError(f"{name}: standard errors must be numbers of at least 0, one per effect")
    return side


def _joined(h: _Effects, m: _Effects) -> tuple[_Effects, _Effects]:
    if apart := sorted(map(str, set(h.keys) ^ set(m.keys))):
        raise DataError(f"only one side has contrast {', '.join(apart[:5])}; give both effects of each")
    if len(h.keys) < _FEWEST:
        raise DataError(f"{len(h.keys)} effects are too few to correlate; give at least {_FEWEST}")
    index = {key: k for k, key in enumerate(m.keys)}
    order = [index[key] for key in h.keys]
    errors = None if m.errors is None else m.errors[order]
    return h, _Effects(h.keys, m.values[order], errors, h.studies)
