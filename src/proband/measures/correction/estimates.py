"""What a corrected estimate says of itself: its trust in the model, what that bought, and intervals of shares."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import special

from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.correction.samples import Data, Labels, Side
from proband.measures.correction.tuning import Tuned, t_reach
from proband.measures.skewness import fewest_for, skewness

FEWEST_LABELS = 10  # below, no interval: its coverage was not found to hold
FEWEST_EVENTS = 5  # answers of the rarer kind that lambda can be estimated from
_LITTLE = 1.1
ASSUMPTIONS = (
    "labelled and unlabelled units are probability samples of one population (under their weights)",
    "who was labelled does not depend on the answers; the model's predictions may be wrong in any way",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedEstimate(Estimate):
    """An `Estimate` about people from their answers and a model's predictions.

    - `tuning`: lambda of PPI++, between 0 (the model is left out) and 1 (trusted as far as it goes); None for DSL,
      which has none.
    - `correlation`: of answers and predictions among the labelled; NaN where one of them does not vary.
    - `effective_n`: human answers that would give the same standard error without the model, in labelled units; NaN
      without `classical`.
    - `n_unlabelled`: units of which only predictions are known.
    - `classical`: the estimate from the human answers alone; None where these alone have none with a variance.
    - `tunings`: the lambda of each of several predictions of one answer; then `tuning` is 1, or 0 if they are left out.
    """

    tuning: float | None
    correlation: float
    effective_n: float
    n_unlabelled: int
    classical: Estimate | None
    tunings: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedDifference(Estimate):
    """A difference of two corrected means, first arm minus second; see `CorrectedEstimate`."""

    arms: tuple[CorrectedEstimate, CorrectedEstimate]
    effective_n: float
    classical: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedRegression:
    """Coefficients about people from their answers and a model's predictions.

    - `coefficients` (mapping of name to CorrectedEstimate): in the order of the regressors.
    - `covariance` (k, k): of the coefficients, for joint tests and contrasts.
    - `n_units`, `n_unlabelled`: labelled and unlabelled units.
    - `warnings`: what makes the whole regression doubtful.
    """

    coefficients: Mapping[str, CorrectedEstimate]
    covariance: Floats
    n_units: int
    n_unlabelled: int
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> CorrectedEstimate:
        return self.coefficients[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """An interval, or the reason why there is none."""

    interval: tuple[float, float] | None
    how: str
    warnings: tuple[str, ...] = ()


def t_limits(value: float, se: float, df: float, level: float) -> Limits:
    """Interval ``value +- t se``."""
    reach = t_reach(df, level) * se
    how = "normal, as published" if math.isinf(df) else f"t, {df:.1f} df"
    return Limits(interval=(value - reach, value + reach), how=how)


def share_limits(value: float, units: float, quantile: float) -> Limits:
    """Score interval of a share whose variance is ``share (1 - share) / units``, within [0, 1].

    Wilson's with `units` effective observations, around a corrected share, which may lie outside [0, 1].
    """
    c = quantile**2 / units
    inside = c * (c + 4 * value * (1 - value))
    if inside < 0:
        said = (
            f"the corrected share is {value:.3f}, too far outside [0, 1] for any share to agree with it: the "
            "predictions do not fit these labels; use the classical estimate"
        )
        return Limits(interval=None, how="none: the estimate is impossible", warnings=(said,))
    low, high = ((2 * value + c + sign * math.sqrt(inside)) / (2 + 2 * c) for sign in (-1, 1))
    warned = () if 0 <= value <= 1 else (f"the corrected share is {value:.3f}; the interval is within [0, 1]",)
    how = f"score (Wilson) at {units:.1f} effective answers"
    return Limits(interval=(max(low, 0.0), min(high, 1.0)), how=how, warnings=warned)


def binary_units(variance: float, share: float, n: int, side: Side) -> float:
    """Answers that would give a share this variance; Kish's number where all answers are the same."""
    if variance <= 0 or not 0 < share < 1:
        return 1 / side.spread
    return share * (1 - share) / variance * n / (n - 1)


def unseen_errors(labels: Labels) -> float:
    """Variance of a corrected share that a small sample does not show because no prediction in it was wrong.

    Each labelled unit's chance of a 1, linear in the prediction, is lent two answers of the whole sample's share, on
    top of the 1 / leverage answers that it rests on: for predictions of 0 and 1 the two rows of their table.
    """
    share, f = labels.left.share, labels.f - labels.left.share @ labels.f
    mean, squares = float(share @ labels.y), float(share @ f**2)
    if squares <= 0:
        return 0.0
    chance = np.clip(mean + float(share @ (f * labels.y)) / squares * f, 0.0, 1.0)
    rests_on = 1 / (share * (1 + f**2 / squares))
    lent = (chance * rests_on + 2 * mean) / (rests_on + 2)
    unseen = float(share**2 @ (lent * (1 - lent) - chance * (1 - chance)))
    return max(unseen, 0.0)


def no_interval(n: int, n_coefficients: int = 1) -> Limits:
    """Refusal below the floor."""
    floor = FEWEST_LABELS + n_coefficients - 1
    said = f"{n} labelled units: below {floor} no interval is given; label more people"
    return Limits(interval=None, how="none: too few labelled units", warnings=(said,))


def skewness_note(influence: Floats) -> tuple[str, ...]:
    """Where the t interval of a mean may be too short."""
    skew = skewness(influence)
    if len(influence) > fewest_for(skew):
        return ()
    return (
        f"few of {len(influence)} labelled units carry the estimate (skewness {skew:.1f}): "
        "the t interval may be too short; label more people",
    )


def correlation(labels: Labels) -> float:
    """Weighted correlation of answers and predictions among the labelled."""
    share = labels.left.share
    y, f = labels.y - share @ labels.y, labels.f - share @ labels.f
    scale = math.sqrt(float(share @ y**2) * float(share @ f**2))
    tiny = 1e-10 * (float(np.abs(labels.y).max()) * float(np.abs(labels.f).max()))
    return float(share @ (y * f)) / scale if scale > tiny else math.nan


def gain_note(tuning: float | None, r: float, n: int, gain: float, n_unlabelled: int) -> tuple[str, ...]:
    """Plain words where the model buys nothing, or little."""
    if not n_unlabelled:
        return ("no unlabelled predictions: the model buys nothing, this is the classical estimate",)
    if math.isnan(r):
        return ("answers or predictions do not vary: the model buys nothing, this is the classical estimate",)
    if tuning == 0:
        return (
            f"predictions do not help (correlation {r:.2f}): the model buys nothing, this is the classical estimate",
        )
    detectable = special.stdtrit(max(n - 2, 1), 0.95)
    if n > 2 and r * math.sqrt((n - 2) / max(1 - r * r, 1e-12)) < detectable:
        return (
            f"predictions carry no information that {n} answers can show (correlation {r:.2f}): the model buys "
            "nothing to speak of",
        )
    if gain < _LITTLE:
        return (f"the model buys little: {n} human answers are worth about {n * gain:.0f}",)
    return ()


def variance_ratio(classical: Estimate, found: Estimate) -> float:
    """Variance of the classical estimate over that of the corrected one; 1 where one of them has none."""
    return (classical.se / found.se) ** 2 if classical.se and found.se else 1.0


def fields_of(found: Estimate) -> dict[str, Any]:
    """What an estimate says, for one that says more."""
    return {field.name: getattr(found, field.name) for field in fields(Estimate)}


def corrected(
    labels: Labels,
    classical: Estimate | None,
    found: Estimate,
    *,
    tuning: float | None,
    predicted: float | None,
    gain: float,
) -> CorrectedEstimate:
    """A corrected estimate with what it says of itself; `predicted` is the estimate from predictions alone."""
    r = correlation(labels)
    said = {
        "interval_method": f"{'DSL' if tuning is None else 'PPI++'}, {found.interval_method}",
        "baselines": ({} if classical is None else {"human answers only": classical.value})
        | ({} if predicted is None else {"predictions only": predicted}),
        "assumptions": ASSUMPTIONS,
        "warnings": (*found.warnings, *gain_note(tuning, r, labels.left.n_clusters, gain, labels.u.size)),
    }
    return CorrectedEstimate(
        **fields_of(found) | said,
        tuning=tuning,
        correlation=r,
        effective_n=found.n_units * gain,
        n_unlabelled=labels.u.size,
        classical=classical,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Coefficients (k,), with lambda, covariance and degrees of freedom (infinite for a normal interval)."""

    theta: Floats
    tuned: Tuned


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """A regression from the human answers alone, a corrected one, and that of the predictions alone."""

    classical: Fit | None
    found: Fit
    naive: Floats | None = None
    warnings: tuple[str, ...] = ()
    is_dsl: bool = False


def report(data: Data, fits: Fits, *, level: float) -> CorrectedRegression:
    """Every coefficient with all it has to say."""
    return CorrectedRegression(
        coefficients={name: _coefficient(data, fits, j, level) for j, name in enumerate(data.names)},
        covariance=fits.found.tuned.covariance,
        n_units=data.labels.y.size,
        n_unlabelled=data.labels.u.size,
        warnings=fits.warnings,
    )


def _coefficient(data: Data, fits: Fits, j: int, level: float) -> CorrectedEstimate:
    found = _plain(data, fits.found, j, level)
    classical = None if fits.classical is None else _plain(data, fits.classical, j, level)
    predicted = None if fits.naive is None else float(fits.naive[j])
    tuning = None if fits.is_dsl else float(fits.found.tuned.tuning[j])
    gain = math.nan if classical is None else variance_ratio(classical, found)
    return corrected(data.labels, classical, found, tuning=tuning, predicted=predicted, gain=gain)


def _plain(data: Data, fit: Fit, j: int, level: float) -> Estimate:
    side, k = data.labels.left, len(fit.theta)
    value, se, df = float(fit.theta[j]), math.sqrt(float(fit.tuned.covariance[j, j])), float(fit.tuned.df[j])
    n = side.n_clusters
    limits = t_limits(value, se, df, level) if n >= FEWEST_LABELS + k - 1 else no_interval(n, k)
    statistic = value / se if se and limits.interval else None
    return Estimate(
        value=value,
        se=se,
        interval=limits.interval,
        level=level,
        interval_method=limits.how,
        estimand=f"coefficient of {data.names[j]} in the population",
        target="human",
        n_units=side.n_units,
        n_clusters=None if side.cluster is None else n,
        statistic=statistic,
        df=None if math.isinf(df) else df,
        p_value=None if statistic is None else 2 * float(special.stdtr(df, -abs(statistic))),
        warnings=limits.warnings,
    )
