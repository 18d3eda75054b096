"""Whether a model's answers are as spread out as people's: ratios of standard deviations and entropies."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures.arrays import Floats, finite
from proband.measures.skewness import fewest_for, sample_skewness

_LEVEL = 0.95
_Z = float(special.ndtri((1 + _LEVEL) / 2))
_FEW = 20
_MOST_CATEGORIES = 50


@dataclass(frozen=True, kw_only=True)
class Dispersion:
    """What `dispersion` found; every ratio is the model's over people's.

    - `sd_ratio`: ratio of standard deviations; below 1 the model is compressed. Interval by the delta method on its
      logarithm with the observed kurtosis; warns where a side has fewer than 25 skewness^2 scores, as at the end of a
      scale.
    - `log_variability_ratio`: lnVR of Nakagawa et al., bias-corrected, with its normal-theory interval.
    - `entropy_ratio`: ratio of Shannon entropies of the values taken.
    - `effective_values_human`, `effective_values_model`: ``e^H``, the number of equally frequent values with the same
      entropy.
    - `within_ratio`, `between_ratio`, `eta_squared_ratio`: with groups: ratio of standard deviations within groups;
      of those of the groups' true means; and of the shares of variance between groups (above 1 the model
      stereotypes).
    - `n_human`, `n_model`: scores on each side.
    """

    sd_ratio: Estimate
    log_variability_ratio: Estimate
    entropy_ratio: Estimate
    effective_values_human: Estimate
    effective_values_model: Estimate
    within_ratio: Estimate | None
    between_ratio: Estimate | None
    eta_squared_ratio: Estimate | None
    n_human: int
    n_model: int
    warnings: tuple[str, ...] = ()


def dispersion(human: Any, model: Any) -> Dispersion:
    """Compare how spread out people's and a model's scores on one item or scale are.

    ``lnVR = ln(s_m/s_h) + 1/(2(n_m - 1)) - 1/(2(n_h - 1))`` with variance ``1/(2(n_m - 1)) + 1/(2(n_h - 1))``,
    which holds for normal scores only; the interval of `sd_ratio` uses the observed kurtosis instead, and is
    the one to report for answers on a rating scale. Entropies are plug-in and too low by about
    ``(values - 1) / (2 n)``. At temperature 0 a model's variance within a persona is 0 by construction.

    Parameters
    ----------
    human, model : sequence of float, shape (n,), or mapping of group to sequence
        Scores of independent subjects, one each: average nothing over subjects first, and do not put a
        model's *expected* scores here, whose variance within subjects is gone. With mappings, both sides
        need the same groups, and the variance is also split within and between them.

    Returns
    -------
    Dispersion
        A side without variance gives a ratio of 0, or NaN with its reason where people have none.

    Raises
    ------
    DataError, MissingDataError
        If a side has fewer than 2 scores, a group fewer than 2, or groups differ; if a score is missing.

    References
    ----------
    Nakagawa et al. (2015), Methods Ecol. Evol. 6, 143-152. doi:10.1111/2041-210X.12309

    Examples
    --------
    >>> found = dispersion([1, 2, 3, 4, 5] * 10, [2, 3, 3, 3, 4] * 10)
    >>> print(round(found.sd_ratio.value, 3), round(found.entropy_ratio.value, 3))
    0.447 0.59
    """
    h_parts, m_parts = _parts(human, "human"), _parts(model, "model")
    if isinstance(human, Mapping) != isinstance(model, Mapping):
        raise DataError("one side is grouped and the other is not; give both as mappings of group to scores")
    if apart := sorted(map(str, h_parts.keys() ^ m_parts.keys())):
        raise DataError(f"only one side has group {', '.join(apart[:5])}; give both the same groups")
    h, m = (np.concatenate(list(parts.values())) for parts in (h_parts, m_parts))
    warnings = []
    if min(len(h), len(m)) < _FEW:
        warnings.append(f"{min(len(h), len(m))} scores on a side: intervals are rough below {_FEW}")
    entropies = [_entropy(side) for side in (h, m)]
    by_group = _by_group(h_parts, m_parts) if len(h_parts) > 1 else {}
    return Dispersion(
        sd_ratio=_sd_ratio(h - h.mean(), m - m.mean(), (len(h) - 1, len(m) - 1), "scores"),
        log_variability_ratio=_ln_vr(h, m),
        entropy_ratio=_entropy_ratio(entropies, (len(h), len(m))),
        effective_values_human=_effective(entropies[0], len(h), "people"),
        effective_values_model=_effective(entropies[1], len(m), "the model"),
        **dict.fromkeys(("within_ratio", "between_ratio", "eta_squared_ratio")) | by_group,
        n_human=len(h),
        n_model=len(m),
        warnings=tuple(warnings),
    )


def _parts(side: Any, name: str) -> dict[Hashable, Floats]:
    groups = dict(side) if isinstance(side, Mapping) else {"": side}
    found = {}
    for group, given in groups.items():
        label = f"{name}{f', group {group!r}' if group != '' else ''}"
        scores = finite(given, f"scores of {label}", way_out="leave those subjects out")
        if len(scores) < 2:
            raise DataError(f"{label} has {len(scores)} scores; a standard deviation needs at least 2")
        found[group] = scores
    if not found:
        raise DataError(f"{name} has no groups; give scores")
    return found


def _log_sd_variance(residuals: Floats, df: int) -> float:
    """Variance of ln s: ``(kurtosis - (n - 3)/(n - 1)) / (4 n)`` with n = df + 1."""
    n = df + 1
    kurtosis = float((residuals**4).mean() / (residuals**2).mean() ** 2)
    # The sample kurtosis is too low by about 6/n of itself in small samples of normal scores.
    kurtosis *= (n + 1) / (n - 1)
    return max(kurtosis - (n - 3) / (n - 1), 1e-12) / (4 * n)


def _sd_ratio(h: Floats, m: Floats, dfs: tuple[int, int], what: str) -> Estimate:
    """Ratio of the root mean squares of residuals, by their degrees of freedom."""
    s_h, s_m = (math.sqrt(float((r**2).sum()) / df) for r, df in zip((h, m), dfs, strict=True))
    estimand = f"standard deviation of the model's {what} over that of people's"
    common: dict[str, Any] = {"estimand": estimand, "target": "human", "n_units": len(h)}
    if s_h < 1e-12:
        return Estimate(value=math.nan, **common, warnings=("undefined: people's scores do not vary",))
    if s_m < 1e-12 * max(s_h, 1.0):
        said = "the model's scores do not vary at all: no interval; at temperature 0 that is by construction"
        return Estimate(value=0.0, **common, interval_method="none", warnings=(said,))
    variances = [_log_sd_variance(r, df) for r, df in zip((h, m), dfs, strict=True)]
    se = math.sqrt(sum(variances))
    df = sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, dfs, strict=True))
    reach = float(special.stdtrit(df, (1 + _LEVEL) / 2)) * se
    log = math.log(s_m / s_h)
    how = "delta method on the logarithm, observed kurtosis, t"
    interval = (math.exp(log - reach), math.exp(log + reach))
    # Cochran's rule for means. Where most stick to the lowest point, what is known of a spread hangs on the few others.
    worst = max((m, h), key=lambda side: sample_skewness(side) ** 2 / len(side))
    skewness = sample_skewness(worst)
    few = (
        f"a few of {len(worst)} scores of {'the model' if worst is m else 'people'} carry the spread (skewness "
        f"{skewness:.1f}): the interval may be too short below {math.ceil(fewest_for(skewness))}"
    )
    warnings = (few,) if len(worst) < fewest_for(skewness) else ()
    return Estimate(value=s_m / s_h, interval=interval, interval_method=how, **common, warnings=warnings)


def _ln_vr(h: Floats, m: Floats) -> Estimate:
    s_h, s_m = float(h.std(ddof=1)), float(m.std(ddof=1))
    estimand = "lnVR: logarithm of the model's standard deviation over people's, bias-corrected"
    if min(s_h, s_m) < 1e-12:
        side = "people's" if s_h < 1e-12 else "the model's"
        warnings = (f"undefined: {side} scores do not vary",)
        return Estimate(value=math.nan, estimand=estimand, target="human", n_units=len(h), warnings=warnings)
    a, b = 1 / (2 * (len(m) - 1)), 1 / (2 * (len(h) - 1))
    value, se = math.log(s_m / s_h) + a - b, math.sqrt(a + b)
    excess = max(abs(float(((s - s.mean()) ** 4).mean() / s.var() ** 2) - 3) for s in (h, m))
    off = "scores are far from normal (kurtosis): report the interval of sd_ratio instead"
    return Estimate(
        value=value,
        se=se,
        interval=(value - _Z * se, value + _Z * se),
        interval_method="normal theory (Nakagawa et al. 2015)",
        estimand=estimand,
        target="human",
        n_units=len(h),
        assumptions=("scores are normally distributed",),
        warnings=(off,) if excess > 1 else (),
    )


def _entropy(scores: Floats) -> tuple[float, float]:
    """Entropy in nats and its sampling variance; NaN where nearly every value is different."""
    _, counts = np.unique(scores, return_counts=True)
    n = len(scores)
    if len(counts) > max(min(_MOST_CATEGORIES, n // 2), 2):
        return math.nan, math.nan
    p = counts / n
    entropy = float(-(p * np.log(p)).sum())
    return entropy, max(float((p * np.log(p) ** 2).sum()) - entropy**2, 0.0) / n


def _entropy_ratio(entropies: Sequence[tuple[float, float]], n: tuple[int, int]) -> Estimate:
    (h, v_h), (m, v_m) = entropies
    estimand = "Shannon entropy of the model's answers over that of people's"
    common: dict[str, Any] = {"estimand": estimand, "target": "human", "n_units": n[0]}
    if math.isnan(h) or math.isnan(m):
        said = f"undefined: scores take more than {_MOST_CATEGORIES} values, or as many as subjects; bin them"
        return Estimate(value=math.nan, **common, warnings=(said,))
    if h < 1e-12:
        return Estimate(value=math.nan, **common, warnings=("undefined: people's answers do not vary",))
    ratio = m / h
    # At equal shares the first-order variance of an entropy is 0: the interval would shrink to nothing.
    if min(v_h * n[0] / h**2, v_m * n[1] / max(m, 1e-12) ** 2) < 0.02:
        said = "answers close to equally frequent (or all alike): the entropy's first-order variance vanishes"
        return Estimate(value=ratio, **common, interval_method=f"none: {said}")
    se = ratio * math.sqrt(v_h / h**2 + v_m / m**2)
    interval = (max(ratio - _Z * se, 0.0), ratio + _Z * se)
    return Estimate(value=ratio, se=se, interval=interval, interval_method="delta method, plug-in entropies", **common)


def _effective(entropy: tuple[float, float], n: int, who: str) -> Estimate:
    is_known = math.isfinite(entropy[0])
    return Estimate(
        value=math.exp(entropy[0]) if is_known else math.nan,
        estimand=f"effective number of values in the answers of {who}",
        target="model" if who == "the model" else "human",
        n_units=n,
        warnings=() if is_known else ("undefined: nearly every score is different; bin them",),
    )


def _by_group(h: Mapping[Hashable, Floats], m: Mapping[Hashable, Floats]) -> dict[str, Estimate]:
    ours, theirs = (np.concatenate([s - s.mean() for s in side.values()]) for side in (m, h))
    (w_h, b_h), (w_m, b_m) = _components(h), _components(m)
    shares = [max(b, 0.0) / (max(b, 0.0) + w) if max(b, 0.0) + w > 0 else 0.0 for w, b in ((w_h, b_h), (w_m, b_m))]
    spreads = math.sqrt(max(b_m, 0.0)), math.sqrt(max(b_h, 0.0))
    dfs = len(theirs) - len(h), len(ours) - len(m)
    return {
        "within_ratio": _sd_ratio(theirs, ours, dfs, "scores within groups"),
        "between_ratio": _ratio(*spreads, "standard deviation of group means", h),
        "eta_squared_ratio": _ratio(shares[1], shares[0], "share of variance between groups", h),
    }


def _components(side: Mapping[Hashable, Floats]) -> tuple[float, float]:
    """Variance within groups, and of the groups' true means (sampling error taken out), weighted by size."""
    sizes = np.array([len(s) for s in side.values()])
    means = np.array([s.mean() for s in side.values()])
    within = sum(float(((s - s.mean()) ** 2).sum()) for s in side.values()) / float(sizes.sum() - len(side))
    share = sizes / sizes.sum()
    spread = float(share @ (means - share @ means) ** 2)
    return within, spread - within * (len(side) - 1) / float(sizes.sum())


def _ratio(model: float, human: float, what: str, groups: Mapping[Hashable, Floats]) -> Estimate:
    reason = (f"undefined: the {what} of people is not above what sampling alone makes",)
    said = ("the model's groups differ by no more than sampling alone makes: counted as 0",)
    is_defined = human > 0
    return Estimate(
        value=model / human if is_defined else math.nan,
        estimand=f"{what}, the model's over people's, sampling error taken out",
        target="human",
        n_units=len(groups),
        interval_method="none: groups are few and fixed",
        warnings=reason if not is_defined else said if model <= 0 else (),
    )
