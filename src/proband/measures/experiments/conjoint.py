"""Conjoint experiments: average marginal component effects and marginal means, by levels of attributes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Bools, finite
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.experiments.outcomes import Labels
from proband.measures.experiments.regression import Errors, Regression, clustered_regression

Level = tuple[str, str]  # attribute and level


@dataclass(frozen=True, kw_only=True)
class ConjointEffects:
    """What a conjoint experiment shows.

    Attributes
    ----------
    amce : mapping of (attribute, level) to Estimate
        Average marginal component effects: against the first level of the attribute, over the distribution of the
        others.
    marginal_means : mapping of (attribute, level) to Estimate
        Mean outcome of the profiles with that level.
    baselines : mapping of str to str
        Attribute -> the level that effects are against.
    """

    amce: Mapping[Level, Estimate]
    marginal_means: Mapping[Level, Estimate]
    baselines: Mapping[str, str]


def conjoint_effects(
    outcome: ArrayLike,
    attributes: Mapping[str, Sequence[str]],
    subjects: Labels,
    *,
    baselines: Mapping[str, str] | None = None,
    restricted: Sequence[tuple[str, str]] = (),
    errors: Errors = "CR2",
    target: Target = "model",
) -> ConjointEffects:
    """Effects of levels of attributes on being chosen, or on a rating, one row a profile.

    One regression on the dummies of all attributes, clustered by subject. Where some levels of two attributes never
    stand together by design, name the pair in `restricted`: their interactions are added, and an effect is averaged,
    with equal weights, over those levels of the partner that stand with both levels compared.

    Parameters
    ----------
    outcome : array_like, shape (n_profiles,)
        1 for a profile that was chosen and 0 for one that was not, or its rating.
    attributes : mapping of str to sequence
        Name -> level of every profile.
    subjects : sequence
        Who was shown each profile.
    baselines : mapping of str to str, optional
        Level that others are compared with; by default the first that appears.
    restricted : sequence of pairs of str
        Attributes whose levels are not free of each other.
    errors : {"CR2", "CR1"}
        CR1 are the clustered errors of statsmodels and Stata.

    Raises
    ------
    DataError
        If an attribute does not vary, lengths differ, or values are missing.

    References
    ----------
    Hainmueller, Hopkins & Yamamoto (2014), Political Analysis 22, 1-30. doi:10.1093/pan/mpt024
    Leeper, Hobolt & Tilley (2020), Political Analysis 28, 207-221. doi:10.1017/pan.2019.30
    """
    y = finite(outcome, "outcomes")
    levels = _levels(attributes, len(y), baselines or {})
    columns: dict[str, ArrayLike] = {"(baseline)": np.ones(len(y))}
    is_at = {(a, level): np.array([v == level for v in attributes[a]]) for a in levels for level in levels[a]}
    columns |= {_name(a, level): is_at[a, level].astype(float) for a in levels for level in levels[a][1:]}
    partners: dict[str, str] = {}
    for a, b in restricted:
        if a not in levels or b not in levels:
            raise DesignError(f"restricted pair {a!r}, {b!r}: the attributes are {', '.join(levels)}")
        partners |= {a: b, b: a}
        for la in levels[a][1:]:
            for lb in levels[b][1:]:
                both = is_at[a, la] & is_at[b, lb]
                if both.any():
                    columns[_name(a, la, b, lb)] = both.astype(float)
    fit = _identified(y, columns, subjects, errors, target)
    amce = {}
    for a, names in levels.items():
        for level in names[1:]:
            weights = {_name(a, level): 1.0}
            if a in partners:
                weights = _averaged(fit, is_at, (a, level, names[0]), partners[a], levels[partners[a]])
            about = f"effect of {a} {level} against {names[0]}"
            if not weights:
                reason = f"{level} and {names[0]} never stand with the same {partners[a]}; take another baseline"
                amce[a, level] = Estimate(value=math.nan, estimand=about, target=target, n_units=0, warnings=(reason,))
                continue
            amce[a, level] = fit.contrast(weights, estimand=about)
    means = {
        (a, level): replace(
            clustered_mean(y[is_at[a, level]], [s for s, at in zip(subjects, is_at[a, level], strict=True) if at],
                           target=target),
            estimand=f"mean outcome of profiles with {a} {level}",
        )
        for a, names in levels.items()
        for level in names
    }  # fmt: skip
    return ConjointEffects(amce=amce, marginal_means=means, baselines={a: names[0] for a, names in levels.items()})


def _levels(attributes: Mapping[str, Sequence[str]], n: int, baselines: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for a, values in attributes.items():
        if len(values) != n:
            raise DataError(f"attribute {a!r} has {len(values)} values for {n} profiles; give every profile one")
        if any(v is None or v != v for v in values):
            raise DataError(f"attribute {a!r} is missing for some profile; leave that profile out")
        names = list(dict.fromkeys(values))
        if len(names) < 2:
            raise DataError(f"attribute {a!r} is {names[0] if names else 'nowhere'} in all profiles; it must vary")
        first = baselines.get(a, names[0])
        if first not in names:
            raise DesignError(f"baseline {first!r} of {a!r} is no level that was shown; there are {', '.join(names)}")
        found[a] = [first, *(name for name in names if name != first)]
    return found


def _name(*parts: str) -> str:
    return " x ".join(f"{a}: {level}" for a, level in zip(parts[::2], parts[1::2], strict=True))


def _identified(
    y: ArrayLike, columns: dict[str, ArrayLike], subjects: Labels, errors: Errors, target: Target
) -> Regression:
    """The fit, without interactions that what is left out by design makes redundant."""
    x = np.column_stack(list(columns.values()))
    if np.linalg.matrix_rank(x) < x.shape[1]:
        _, r = np.linalg.qr(x)
        held = np.abs(np.diag(r)) > 1e-8 * np.abs(r).max()
        columns = {name: c for (name, c), keep in zip(columns.items(), held, strict=True) if keep or " x " not in name}
    return clustered_regression(y, columns, cluster=subjects, errors=errors, target=target)


def _averaged(
    fit: Regression, is_at: Mapping[Level, Bools], compared: tuple[str, str, str], b: str, others: Sequence[str]
) -> dict[str, float]:
    """The contrast of an attribute's level and baseline, averaged over levels of `b` that stand with both, if any."""
    a, level, base = compared
    shared = [lb for lb in others if all((is_at[a, la] & is_at[b, lb]).any() for la in (level, base))]
    if not shared:
        return {}
    weights = {_name(a, level): 1.0}
    for lb in shared:
        for name in (_name(a, level, b, lb), _name(b, lb, a, level)):
            if name in fit.names:
                weights[name] = weights.get(name, 0.0) + 1 / len(shared)
    return weights


def swap_error(agreement: Estimate) -> Estimate:
    """Share of choices that go to the profile liked less, from a task that was asked twice.

    Two choices of the same pair agree where both or neither is swapped: with swap error t the agreement is
    ``t^2 + (1 - t)^2``, so ``t = (1 - sqrt(2 agreement - 1)) / 2``; its standard error is by the delta method.

    Raises
    ------
    DataError
        If choices agree no more often than by chance.

    References
    ----------
    Clayton, Horiuchi, Kaufman, King & Komisarchik (2023), Correcting measurement error bias in conjoint survey
    experiments.
    """
    if not agreement.value > 0.5:
        raise DataError(
            f"repeated choices agree in {agreement.value:.0%}, no more than by chance: effects cannot be corrected"
        )
    root = math.sqrt(2 * agreement.value - 1)
    se = None if agreement.se is None else agreement.se / (2 * root)
    value = (1 - root) / 2
    interval = None if se is None else (max(0.0, value - 1.96 * se), min(0.5, value + 1.96 * se))
    how = "delta method"
    if not se and agreement.interval is not None:
        # Choices that always agree have an interval all the same, and swaps are a function of it.
        high = (1 - math.sqrt(max(2 * agreement.interval[0] - 1, 0.0))) / 2
        interval, how = (value, high), "limits of the agreement, transformed"
    return replace(
        agreement, value=value, se=se, interval=interval, interval_method=how, statistic=None, df=None,
        p_value=None, estimand="share of choices that go to the profile liked less",
    )  # fmt: skip


def correct_swaps(estimate: Estimate, error: Estimate, *, is_mean: bool = False) -> Estimate:
    """An effect, or a marginal mean of a forced choice, as it would be without swapped choices.

    ``AMCE / (1 - 2 t)`` and ``(mean - t) / (1 - 2 t)``; the variance adds that of t by the delta method, the two taken
    as independent.

    References
    ----------
    As in `swap_error`.
    """
    left, t = 1 - 2 * error.value, error.value
    value = (estimate.value - t) / left if is_mean else estimate.value / left
    slope = (2 * estimate.value - 1) / left**2 if is_mean else 2 * estimate.value / left**2
    if estimate.se is None or error.se is None:
        return replace(estimate, value=value, se=None, interval=None, interval_method="none: no standard error")
    se = math.sqrt((estimate.se / left) ** 2 + (slope * error.se) ** 2)
    reach = 1.96 * se
    return replace(
        estimate, value=value, se=se, interval=(value - reach, value + reach), interval_method="delta method",
        statistic=None, df=None, p_value=None, estimand=f"{estimate.estimand}, corrected for swapped choices",
        assumptions=(*estimate.assumptions, "choices are swapped as often in every task"),
    )  # fmt: skip
