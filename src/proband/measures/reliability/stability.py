"""Two measurements of the same subjects: whether each repeats itself, and whether the sample does."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.distances import mean_absolute_error
from proband.measures.reliability.intervals import FISHER, MIN_SUBJECTS, jackknife_interval, tail_warnings
from proband.measures.shares import wilson_interval

# Answers with more different values than this are treated as measurements, not as categories.
_MOST_CATEGORIES = 50
_LARGEST = 1e300  # beyond it a limit of the change may have no number

Answers = Mapping[Hashable, Any] | Sequence[Any] | NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Retest:
    """What `retest` found; the numeric rows are None where answers are not numbers.

    - `agreement`: share of subjects with exactly the same answer; its `baselines` hold what independent answers from
      the same shares would give.
    - `correlation`: Pearson's r: is the order of subjects kept?
    - `concordance`: Lin's coefficient: is the number itself kept? Falls below r where level or spread changed.
    - `mean_change`: second minus first, paired t.
    - `measurement_error`: standard error of measurement, SD of the change over sqrt(2), in the unit of the answers.
    - `total_variation`: distance of the two occasions' shares, with the distance two samples from one population
      would show as baseline "noise_floor"; None with more than 50 different answers.
    """

    agreement: Estimate
    correlation: Estimate | None = None
    concordance: Estimate | None = None
    mean_change: Estimate | None = None
    measurement_error: Estimate | None = None
    total_variation: Estimate | None


def retest(a: Answers, b: Answers, *, target: Target = "model", level: float = 0.95) -> Retest:
    """How far two occasions (seeds, sessions, waves) give the same answers.

    Two questions are kept apart. *Do subjects repeat themselves?* is `agreement` for categories, `concordance`
    for numbers. *Does the sample repeat itself?* is `total_variation`: where a population is drawn from a
    distribution, low agreement with no distance is as it should be. Agreement at temperature 0 is a property of
    the engine, not of a trait. For more than two occasions use `icc` or `generalizability`.

    Parameters
    ----------
    a, b : mapping of subject to answer, or aligned sequences
        Option indices, texts or numbers. Mappings are joined by subject; subjects on one side only, or with None or
        NaN on a side, are left out and counted in `n_missing`.
    target, level : {"model", "human"}, float
        Whose answers they are; confidence level.

    Returns
    -------
    Retest
        Intervals: Wilson for agreement, paired t for the change; jackknife for the correlations (on Fisher's z)
        and the measurement error (on the log variance), from 10 subjects on. NaN with a reason where an occasion
        does not vary.

    Raises
    ------
    DesignError, DataError
        If fewer than 2 subjects answered twice; if one side is keyed and the other not, lengths differ, or a number
        is infinite or beyond 1e300.

    References
    ----------
    Lin (1989), Biometrics 45, 255-268. doi:10.2307/2532051
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 11. doi:10.1007/978-1-4899-4541-9

    Examples
    --------
    >>> found = retest([1, 2, 3, 4, 5], [2, 2, 3, 5, 5])
    >>> round(found.agreement, 3), round(found.correlation, 3), round(found.concordance, 3)
    (0.6, 0.938, 0.9)
    """
    first, second, n_missing = _joined(a, b)
    shared: dict[str, Any] = {"target": target, "level": level, "n_units": len(first), "n_missing": n_missing}
    agreement, distance = _as_categories(first, second, shared)
    x, y = _numbers(first), _numbers(second)
    if x is None or y is None:
        return Retest(agreement=agreement, total_variation=distance)
    # In powers of two, which lose no digit: squares of very large or small answers have no number.
    unit = math.ldexp(1.0, math.frexp(max(np.abs(x).max(), np.abs(y).max()))[1])
    x, y = x / unit, y / unit
    return Retest(
        agreement=agreement,
        correlation=_correlation(x, y, shared),
        concordance=_concordance(x, y, shared),
        mean_change=_in_units(_mean_change(y - x, shared), unit),
        measurement_error=_in_units(_measurement_error(y - x, shared), unit),
        total_variation=distance,
    )


def _joined(a: Answers, b: Answers) -> tuple[list[Any], list[Any], int]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        subjects = sorted(a.keys() | b.keys(), key=repr)
        pairs = [(a.get(s), b.get(s)) for s in subjects]
    elif isinstance(a, Mapping) or isinstance(b, Mapping):
        raise DataError("one occasion is keyed by subject and the other is a sequence; key both")
    elif len(a) != len(b):
        raise DataError(f"{len(a)} answers against {len(b)}; key both by subject, or align them")
    else:
        pairs = list(zip(a, b, strict=True))
    kept = [(u, v) for u, v in pairs if not (_is_missing(u) or _is_missing(v))]
    if len(kept) < 2:
        raise DesignError(f"{len(kept)} subjects answered on both occasions; a retest needs at least 2")
    return [u for u, _ in kept], [v for _, v in kept], len(pairs) - len(kept)


def _is_missing(answer: object) -> bool:
    return answer is None or (isinstance(answer, float) and math.isnan(answer))


def _numbers(answers: list[Any]) -> Floats | None:
    if any(isinstance(answer, str | bytes | tuple | list) for answer in answers):
        return None
    try:
        x = np.asarray(answers, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if (np.abs(x) > _LARGEST).any():
        raise DataError(f"an answer is infinite or beyond {_LARGEST:g}; check how it was read")
    return x


def _in_units(found: Estimate, unit: float) -> Estimate:
    """A number of units as what it is on the scale of the answers."""
    return replace(
        found,
        value=found.value * unit,
        se=None if found.se is None else found.se * unit,
        interval=None if found.interval is None else (found.interval[0] * unit, found.interval[1] * unit),
    )


def _as_categories(first: list[Any], second: list[Any], shared: dict[str, Any]) -> tuple[Estimate, Estimate | None]:
    n = len(first)
    same = sum(bool(u == v) for u, v in zip(first, second, strict=True)) / n
    kinds = sorted({*first, *second}, key=repr)
    number = {kind: k for k, kind in enumerate(kinds)}
    p, q = (np.bincount([number[u] for u in side], minlength=len(kinds)) / n for side in (first, second))
    agreement = Estimate(
        value=same,
        interval=wilson_interval(same, n, shared["level"]),
        interval_method="Wilson",
        estimand="share of subjects who give the same answer on both occasions",
        baselines={"independent": float(p @ q)},
        **shared,
    )
    if len(kinds) > _MOST_CATEGORIES:
        return agreement, None
    # The difference of two samples of n is about as noisy as one sample of n / 2.
    floor = 0.5 * float(mean_absolute_error((p + q) / 2, max(n / 2, 1.0)).sum())
    what = "total variation between the shares of the two occasions"
    how = "none: compare with the noise floor"
    value = 0.5 * float(np.abs(p - q).sum())
    distance = Estimate(value=value, interval_method=how, estimand=what, baselines={"noise_floor": floor}, **shared)
    return agreement, distance


def _without_each(x: Floats, y: Floats) -> tuple[Floats, ...]:
    """Sums of squares and products about the mean with each subject left out, and the sums with everybody."""
    u, v, f = x - x.mean(), y - y.mean(), len(x) / (len(x) - 1)
    return tuple(np.append(c.sum(), c.sum() - f * c) for c in (u * v, u * u, v * v))


def _correlation(x: Floats, y: Floats, shared: dict[str, Any]) -> Estimate:
    xy, xx, yy = _without_each(x, y)
    with np.errstate(all="ignore"):  # an occasion may vary through one subject only
        r = xy / np.sqrt(xx * yy)
    undefined = "" if min(xx[0], yy[0]) > 0 else "an occasion does not vary: its correlation is undefined"
    return _jackknifed(r, x + y, "correlation of the two occasions over subjects", undefined, shared)


def _concordance(x: Floats, y: Floats, shared: dict[str, Any]) -> Estimate:
    n, change = len(x), y - x
    xy, xx, yy = _without_each(x, y)
    sizes = np.append(float(n), np.full(n, n - 1.0))
    gaps = np.append(change.mean(), (change.sum() - change) / (n - 1))
    with np.errstate(all="ignore"):
        ccc = 2 * xy / (xx + yy + sizes * gaps**2)
    undefined = "" if max(xx[0], yy[0]) > 0 else "neither occasion varies: concordance is undefined"
    return _jackknifed(ccc, x + y, "concordance (Lin) of the two occasions over subjects", undefined, shared)


def _jackknifed(values: Floats, totals: Floats, what: str, undefined: str, shared: dict[str, Any]) -> Estimate:
    """First of `values` with everybody, then with each left out."""
    if undefined:
        return Estimate(value=math.nan, estimand=what, warnings=(undefined,), **shared)
    n = len(totals)
    interval = jackknife_interval(values[0], values[1:], FISHER, shared["level"]) if n >= MIN_SUBJECTS else None
    if interval:
        how = f"jackknife on Fisher's z, t with {n - 1} df"
    elif n < MIN_SUBJECTS:
        how = f"none: {n} subjects; the jackknife needs {MIN_SUBJECTS}"
    else:
        how = "none: perfect with or without some subject"
    warnings = tail_warnings(totals) if interval else ()
    value = float(values[0])
    return Estimate(value=value, interval=interval, interval_method=how, estimand=what, warnings=warnings, **shared)


def _mean_change(change: Floats, shared: dict[str, Any]) -> Estimate:
    n = len(change)
    se = float(change.std(ddof=1)) / math.sqrt(n)
    reach = se * float(special.stdtrit(n - 1, (1 + shared["level"]) / 2))
    value = float(change.mean())
    what = "mean change from the first to the second occasion"
    how = f"paired t, {n - 1} df" if se > 0 else "none: every subject changed by the same"
    interval = (value - reach, value + reach) if se > 0 else None
    return Estimate(value=value, se=se, df=n - 1, interval=interval, interval_method=how, estimand=what, **shared)


def _measurement_error(change: Floats, shared: dict[str, Any]) -> Estimate:
    n = len(change)
    _, squares, _ = _without_each(change, change)
    variances = squares / np.append(n - 1.0, np.full(n, max(n - 2.0, 1.0))) / 2
    interval, how = None, f"none: {n} subjects; the jackknife needs {MIN_SUBJECTS}"
    if n >= MIN_SUBJECTS:
        interval = jackknife_interval(float(variances[0]), variances[1:], (np.log, np.exp), shared["level"])
        how = f"jackknife on the log variance, t with {n - 1} df" if interval else "none: changes do not vary"
    return Estimate(
        value=math.sqrt(float(variances[0])),
        interval=interval and (math.sqrt(interval[0]), math.sqrt(interval[1])),
        interval_method=how,
        estimand="standard error of measurement of one occasion",
        assumptions=("both occasions err equally, and equally everywhere on the scale",),
        warnings=tail_warnings(change) if interval else (),
        **shared,
    )
