"""Agreement, the alternative annotator test and corrected prevalences: coverage and size."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from proband.estimates import Estimate
from proband.measures.agreement.annotators import alt_test
from proband.measures.agreement.gwet import agreement_summary, gwet_ac1
from proband.measures.agreement.kappas import cohen_kappa, fleiss_kappa
from proband.measures.agreement.krippendorff import Level, krippendorff_alpha
from proband.measures.agreement.prevalence import adjusted_prevalence, rogan_gladen
from validation.simulation import Scenario, covers

FAMILY = "Agreement and coding"
READING = """
- Coefficients of agreement hold from 20 units on, and to 4 points at 10. With a rare category, samples in which it
  hardly occurs have no interval or one that is too short; then fewer than 5 units hold it, or coders part on all that
  do, and a warning says so. Where a tenth of units is hard the rows count the samples without that warning.
- The percentile bootstrap of alpha, shown for comparison, needs 200 units for what the jackknife reaches at 20.
- The alternative annotator test is made for rejecting at a price: at epsilon 0 it hardly ever passes a model that
  is merely one more human.
"""
_MANY = 400_000
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def nominal_codes(
    rng: np.random.Generator, n: int, *, shares: Sequence[float], skill: float, coders: int, missing: float = 0.0
) -> NDArray[np.float64]:
    """Codes of coders who know the class with probability `skill` and otherwise guess by its shares."""
    truth = rng.choice(len(shares), n, p=shares)
    guess = rng.choice(len(shares), (n, coders), p=shares)
    codes = np.where(rng.random((n, coders)) < skill, truth[:, None], guess).astype(np.float64)
    codes[rng.random((n, coders)) < missing] = np.nan
    return codes


def ratings(
    rng: np.random.Generator, n: int, *, coders: int, noise: float, points: int | None = None
) -> NDArray[np.float64]:
    """Normal ratings of normal units, rounded to a scale of `points` where given."""
    rated = rng.normal(size=(n, 1)) + noise * rng.normal(size=(n, coders))
    if points is None:
        return rated
    return np.clip(np.round(rated * points / 5 + (points + 1) / 2), 1, points)


def _table(codes: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.bincount((codes[:, 0] * k + codes[:, 1]).astype(int), minlength=k * k).reshape(k, k).astype(float)


def _counts(codes: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return (codes[:, :, None] == np.arange(k)).sum(axis=1).astype(np.float64)


def _interval(
    method: str, data: str, draw: Draw, estimate: Callable[[NDArray[np.float64]], Estimate], *, held_from: int = 20
) -> Scenario:
    """Whether the interval holds the value among very many units, found once."""
    truth: list[float] = []

    def covered(rng: np.random.Generator, n: int) -> bool | None:
        if not truth:
            truth.append(estimate(draw(np.random.default_rng(0), _MANY)).value)
        return covers(estimate(draw(rng, n)), truth[0])

    return Scenario(
        family=FAMILY,
        method=method,
        data=data,
        draw=covered,
        tolerance=0.025,
        held_from=held_from,
        is_conservative=True,
    )


def _alpha(level: Level) -> Callable[[NDArray[np.float64]], Estimate]:
    return partial(krippendorff_alpha, measured=level)


_EVEN = partial(nominal_codes, shares=(0.5, 0.5), skill=0.8, coders=2)
_FOUR = partial(nominal_codes, shares=(0.4, 0.3, 0.2, 0.1), skill=0.85, coders=3)
_HOLES = partial(nominal_codes, shares=(0.4, 0.3, 0.2, 0.1), skill=0.85, coders=4, missing=0.3)
_NOISY = partial(nominal_codes, shares=(0.2,) * 5, skill=0.5, coders=5)
_CHANCE = partial(nominal_codes, shares=(0.5, 0.3, 0.2), skill=0.0, coders=2)
_RARE = partial(nominal_codes, shares=(0.9, 0.1), skill=0.9, coders=3)
_RARER = partial(nominal_codes, shares=(0.95, 0.05), skill=0.9, coders=2)

_NOMINAL: tuple[tuple[str, Draw, int, int], ...] = (
    ("2 coders, 2 even categories, good", _EVEN, 2, 20),
    ("3 coders, 4 categories, good", _FOUR, 4, 20),
    ("5 coders, 5 categories, poor", _NOISY, 5, 20),
    ("2 coders at chance, 3 categories", _CHANCE, 3, 20),
    ("3 coders, rare category (.1), good", _RARE, 2, 50),
    ("2 coders, rare category (.05), good", _RARER, 2, 200),
)


def _coefficients() -> list[Scenario]:
    scenarios = []
    for data, draw, k, held_from in _NOMINAL:
        scenarios.append(_interval("Krippendorff's alpha, nominal", data, draw, _alpha("nominal"), held_from=held_from))
        scenarios.append(_interval("Gwet's AC1", data, draw, partial(gwet_ac1, categories=k), held_from=held_from))
        if data.startswith("2 coders"):
            scenarios.append(
                _interval("Cohen's kappa", data, draw, lambda c, k=k: cohen_kappa(_table(c, k)), held_from=held_from)
            )
        else:
            scenarios.append(
                _interval("Fleiss' kappa", data, draw, lambda c, k=k: fleiss_kappa(_counts(c, k)), held_from=held_from)
            )
    scenarios.append(_interval("Krippendorff's alpha, nominal", "4 coders, 30 % missing", _HOLES, _alpha("nominal")))
    scenarios.append(_interval("Gwet's AC1", "4 coders, 30 % missing", _HOLES, partial(gwet_ac1, categories=4)))
    return scenarios


def _ordered() -> list[Scenario]:
    five = partial(ratings, coders=3, noise=0.7, points=5)
    two = partial(ratings, coders=2, noise=1.0)
    return [
        _interval("Krippendorff's alpha, ordinal", "3 coders, 5 points", five, _alpha("ordinal")),
        _interval("Krippendorff's alpha, interval", "3 coders, 5 points", five, _alpha("interval")),
        _interval("Krippendorff's alpha, ratio", "3 coders, 5 points", five, _alpha("ratio")),
        _interval("Krippendorff's alpha, interval", "2 coders, normal ratings", two, _alpha("interval")),
        _interval(
            "Cohen's kappa, quadratic",
            "2 coders, 5 points",
            partial(ratings, coders=2, noise=0.7, points=5),
            lambda c: cohen_kappa(_table(c - 1, 5), "quadratic"),
        ),
    ]


def bootstrapped_alpha(codes: NDArray[np.float64]) -> Estimate:
    """Nominal alpha with the percentile bootstrap over units, for comparison."""
    found = krippendorff_alpha(codes, "nominal")
    n = len(codes)
    if n == _MANY:
        return found
    rng = np.random.default_rng(n)
    counts = _counts(codes, 5)
    times = rng.multinomial(n, np.full(n, 1 / n), 999)
    m = counts.sum(axis=1)
    within = times @ ((m**2 - (counts**2).sum(axis=1)) / (m - 1))
    totals = times @ counts
    overall = totals.sum(axis=1) ** 2 - (totals**2).sum(axis=1)
    drawn = 1 - (totals.sum(axis=1) - 1) * within / np.where(overall > 0, overall, np.nan)
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return replace(found, interval=(float(low), float(high)))


def _raw(codes: NDArray[np.float64]) -> Estimate:
    return agreement_summary(codes, sorted(set(codes[np.isfinite(codes)].tolist()) | {0.0, 1.0})).raw


def _prevalence(
    rng: np.random.Generator, n: int, *, share: float, se: float, sp: float, gold: int | None
) -> bool | None:
    positive = rng.binomial(n, share * se + (1 - share) * (1 - sp))
    if gold is None:
        return covers(rogan_gladen(positive, n, sensitivity=se, specificity=sp), share)
    right = rng.binomial(gold, se), rng.binomial(gold, sp)
    if sum(right) <= gold:
        return None
    found = rogan_gladen(positive, n, sensitivity=(right[0], gold), specificity=(right[1], gold))
    return covers(found, share)


def _prevalences() -> list[Scenario]:
    return [
        Scenario(
            family=FAMILY,
            method=f"Rogan-Gladen, {'known rates' if gold is None else f'{gold} + {gold} gold units'}",
            data=f"prevalence {share}, se {se}, sp {sp}",
            draw=partial(_prevalence, share=share, se=se, sp=sp, gold=gold),
            sizes=(50, 200, 1000),
            tolerance=0.025,
            is_conservative=True,
        )
        for share, se, sp, gold in (
            (0.3, 0.9, 0.85, 100),
            (0.05, 0.9, 0.95, 100),
            (0.3, 0.7, 0.7, 50),
            (0.02, 0.95, 0.98, 200),
            (0.3, 0.9, 0.85, None),
            (0.05, 0.96, 0.93, None),
        )
    ]


_CONFUSION = np.array([[0.85, 0.1, 0.05], [0.1, 0.8, 0.1], [0.05, 0.2, 0.75]])


def _multiclass(rng: np.random.Generator, n: int, *, shares: Sequence[float], gold: int | None, k: int) -> bool | None:
    q = rng.multinomial(n, np.asarray(shares) @ _CONFUSION)
    table = _CONFUSION if gold is None else np.stack([rng.multinomial(gold, row) for row in _CONFUSION])
    return covers(adjusted_prevalence(table, q, rng=rng).estimates[k], shares[k])


def _multiclasses() -> list[Scenario]:
    return [
        Scenario(
            family=FAMILY,
            method=f"adjusted prevalence, {'known rates' if gold is None else f'{gold} gold units a class'}",
            data=f"3 classes, share {shares[k]}",
            draw=partial(_multiclass, shares=shares, gold=gold, k=k),
            sizes=(50, 200, 1000),
            tolerance=0.025,
            is_conservative=True,
        )
        for shares, gold, k in (
            ((0.5, 0.3, 0.2), 60, 2),
            ((0.5, 0.3, 0.2), 30, 1),
            ((0.75, 0.2, 0.05), 60, 2),
            ((0.75, 0.2, 0.05), None, 2),
        )
    ]


def _one_human_more(rng: np.random.Generator, n: int, *, humans: int, epsilon: float) -> bool | None:
    codes = nominal_codes(rng, n, shares=(0.5, 0.3, 0.2), skill=0.7, coders=humans + 1)
    return alt_test(codes[:, 0], codes[:, 1:], epsilon).is_passed


def _alt_tests() -> list[Scenario]:
    return [
        Scenario(
            family=FAMILY,
            method="alt-test, epsilon 0",
            data=f"the model is one more of {humans} humans",
            draw=partial(_one_human_more, humans=humans, epsilon=0.0),
            sizes=(50, 200),
            expected=0.05,
            tolerance=0.015,
            is_conservative=True,
        )
        for humans in (3, 5)
    ]


def hard_units(rng: np.random.Generator, n: int, *, coders: int) -> NDArray[np.float64]:
    """A category in 3 % of units; a tenth of units is hard: coders know it in 40 %, and else pick either."""
    skill = np.where(rng.random((n, 1)) < 0.1, 0.4, 0.95)
    known = rng.random((n, 1)) < 0.03
    return np.where(rng.random((n, coders)) < skill, known, rng.random((n, coders)) < 0.5).astype(np.float64)


def _silent(
    method: str, coders: int, estimate: Callable[[NDArray[np.float64]], Estimate], *, is_all: bool = False
) -> Scenario:
    """Coverage among samples without a warning, the others counted as refused; or among all, for comparison."""
    truth: list[float] = []

    def covered(rng: np.random.Generator, n: int) -> bool | None:
        if not truth:
            truth.append(estimate(hard_units(np.random.default_rng(0), _MANY, coders=coders)).value)
        found = estimate(hard_units(rng, n, coders=coders))
        return None if found.warnings and not is_all else covers(found, truth[0])

    return Scenario(
        family=FAMILY,
        method=f"*{method}, warned or not*" if is_all else f"{method}, no warning",
        data=f"{coders} coders, rare category (.03), a tenth hard",
        draw=covered,
        sizes=(30, 60, 100, 200),
        tolerance=0.025,
        held_from=10**9 if is_all else 30,
        is_conservative=True,
    )


SCENARIOS: tuple[Scenario, ...] = (
    *_coefficients(),
    *_ordered(),
    _silent("Krippendorff's alpha, nominal", 3, _alpha("nominal")),
    _silent("Krippendorff's alpha, nominal", 3, _alpha("nominal"), is_all=True),
    _silent("Fleiss' kappa", 3, lambda c: fleiss_kappa(_counts(c, 2))),
    _silent("Cohen's kappa", 2, lambda c: cohen_kappa(_table(c, 2))),
    _silent("Gwet's AC1", 3, partial(gwet_ac1, categories=2)),
    _interval(
        "*percentile bootstrap of alpha (not used)*",
        "5 coders, 5 categories, poor",
        _NOISY,
        bootstrapped_alpha,
        held_from=1_000,
    ),
    _interval("raw agreement", "3 coders, 4 categories, good", _FOUR, _raw),
    _interval("raw agreement", "2 coders, rare category (.05), good", _RARER, _raw),
    *_prevalences(),
    *_multiclasses(),
    *_alt_tests(),
)
