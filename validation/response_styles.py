"""Label bias, response styles and perturbations: coverage of intervals and size of tests."""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from proband.estimates import Estimate
from proband.measures.response_bias.labels import a_bias
from proband.measures.response_bias.perturbations import FactorReport, perturbation_report
from proband.measures.response_bias.styles import ResponseStyles, response_styles
from proband.seeds import rng_for
from validation.simulation import Scenario, covers

Array = NDArray[np.float64]
FAMILY = "Response style and label bias"
SHARES = {"no bias, K=4": (0.25,) * 4, "A preferred, K=4": (0.4, 0.2, 0.2, 0.2), "A preferred, K=2": (0.7, 0.3)}


def label_bias() -> Iterator[Scenario]:
    for data, shares in SHARES.items():
        p = np.array(shares)
        truth = abs(float(p[0]) - 1 / len(p))

        def counted(rng: np.random.Generator, n: int, p: Array = p) -> Estimate:
            return a_bias(rng.multinomial(n, p))

        def by_row(rng: np.random.Generator, n: int, p: Array = p) -> Estimate:
            # Items differ in bias, and each was answered 20 times.
            return a_bias([rng.multinomial(20, rng.dirichlet(8 * p)) for _ in range(n)])

        for method, measure in (("A-bias, Wilson", counted), ("A-bias, t over items", by_row)):
            yield Scenario(
                family=FAMILY,
                method=method,
                data=data,
                draw=lambda rng, n, measure=measure, truth=truth: covers(measure(rng, n), truth),
                is_conservative=True,
            )
            if truth == 0:
                yield Scenario(
                    family=FAMILY,
                    method=f"{method.split(',')[0]}, test of all labels, {'counts' if measure is counted else 'items'}",
                    data=data,
                    draw=lambda rng, n, measure=measure: rejects(measure(rng, n)),
                    sizes=(20, 50, 200),
                    held_from=20,
                    expected=0.05,
                    is_conservative=True,
                )


def rejects(found: Estimate) -> bool | None:
    return None if found.p_value is None else found.p_value <= 0.05


def answered(lean: float, extremity: float) -> Callable[[np.random.Generator, int], Array]:
    """5-point answers to 8 items, half of them reversed; subjects differ in trait, agreeing and extremity."""
    key = np.array([1, 1, 1, 1, -1, -1, -1, -1])

    def draw(rng: np.random.Generator, n: int) -> Array:
        trait, agree = rng.standard_normal((n, 1)), lean + 0.4 * rng.standard_normal((n, 1))
        spread = extremity * rng.lognormal(0, 0.4, (n, 1))
        x = spread * (0.7 * trait * key + agree + rng.standard_normal((n, 8)))
        return np.digitize(x, (-1.5, -0.5, 0.5, 1.5)) + 1.0

    return draw


KEYS = (1, 1, 1, 1, -1, -1, -1, -1)
PEOPLE = {"agreeing, moderate": answered(0.4, 0.8), "extreme": answered(0.0, 2.0), "mild": answered(0.0, 0.4)}


def styles_of(x: Array) -> ResponseStyles:
    return response_styles(x, KEYS, points=range(1, 6))


@lru_cache
def true_style(data: str, row: str) -> float:
    return float(getattr(styles_of(PEOPLE[data](rng_for(1, "styles", data), 400_000)), row))


def styles() -> Iterator[Scenario]:
    for data in PEOPLE:
        for row in ("acquiescence", "extreme", "midpoint", "straight_lining"):

            def draw(rng: np.random.Generator, n: int, data: str = data, row: str = row) -> bool | None:
                return covers(getattr(styles_of(PEOPLE[data](rng, n)), row), true_style(data, row))

            yield Scenario(
                family=FAMILY,
                method=f"style, {row.replace('_', ' ')}",
                data=data,
                draw=draw,
                tolerance=0.03,
                held_from=50 if row in ("extreme", "midpoint") else 10,
                is_conservative=row == "straight_lining",
            )


def asked(
    effect: float, n_items: int, *, is_within: bool, n_permutations: int = 199
) -> Callable[[np.random.Generator, int], FactorReport]:
    """Three-option answers under two wordings; subjects and items have leanings of their own."""

    def draw(rng: np.random.Generator, n: int) -> FactorReport:
        subject = rng.standard_normal((n, 1, 1))
        item = rng.standard_normal((1, n_items, 1))
        own = rng.permutation(np.arange(n) % 2)[:, None, None]
        wording = np.arange(2)[None, None, :] if is_within else own
        x = subject + item + effect * wording + rng.standard_normal((n, n_items, 2 if is_within else 1))
        answer = np.digitize(x, (-0.8, 0.8))
        s, i, w = (part.ravel() for part in np.indices(answer.shape))
        level = np.where((w if is_within else own[s, 0, 0]) == 1, "b", "a")
        frame = {
            "subject": s.tolist(),
            "item": i.tolist(),
            "wording": level.tolist(),
            "answer": answer.ravel().tolist(),
            "value": (answer.ravel() + 1.0).tolist(),
        }
        return perturbation_report(frame, n_permutations=n_permutations, rng=rng).factors[0]

    return draw


@lru_cache
def true_flips(effect: float) -> float:
    """Chance that answers of one subject to one item flip, over subjects and items."""
    rng = rng_for(1, "flips", str(effect))
    lean = np.sqrt(2) * rng.standard_normal((1_000_000, 1))
    x = np.digitize(lean + np.array([0.0, effect]) + rng.standard_normal((1_000_000, 2)), (-0.8, 0.8))
    return float((x[:, 0] != x[:, 1]).mean())


@lru_cache
def true_shift(effect: float) -> float:
    rng = rng_for(1, "shift", str(effect))
    lean = np.sqrt(2) * rng.standard_normal((1_000_000, 1))
    x = np.digitize(lean + np.array([0.0, effect]) + rng.standard_normal((1_000_000, 2)), (-0.8, 0.8))
    return float((x[:, 1] - x[:, 0]).mean())


def perturbed() -> Iterator[Scenario]:
    for is_within in (True, False):
        data = "2 wordings within subjects" if is_within else "2 wordings between subjects"
        yield Scenario(
            family=FAMILY,
            method="perturbation, permutation test of all items",
            data=f"{data}, 6 items, no effect",
            draw=lambda rng, n, w=is_within: rejects(asked(0.0, 6, is_within=w)(rng, n).total_variation),
            sizes=(10, 50),
            expected=0.05,
        )
        yield Scenario(
            family=FAMILY,
            method="perturbation, permutation test of one item",
            data=f"{data}, no effect",
            draw=lambda rng, n, w=is_within: rejects(asked(0.0, 1, is_within=w)(rng, n).items[0].total_variation),
            sizes=(10, 50),
            expected=0.05,
            is_conservative=True,
        )
    within = asked(0.6, 12, is_within=True, n_permutations=99)
    yield Scenario(
        family=FAMILY,
        method="perturbation, flip rate over items",
        data="12 items, effect 0.6",
        draw=lambda rng, n: flips_cover(within(rng, n), true_flips(0.6)),
        sizes=(10, 40),
        tolerance=0.03,
        is_conservative=True,
    )
    few = asked(0.6, 6, is_within=True, n_permutations=99)
    yield Scenario(
        family=FAMILY,
        method="perturbation, flip rate over items",
        data="6 items, effect 0.6",
        draw=lambda rng, n: flips_cover(few(rng, n), true_flips(0.6)),
        sizes=(10, 40),
        tolerance=0.03,
        is_conservative=True,
    )
    yield from one_item()


def flips_cover(report: FactorReport, truth: float) -> bool | None:
    return None if report.flip_rate is None else covers(report.flip_rate, truth)


def one_item() -> Iterator[Scenario]:
    """An item all of whose leaning is the subjects': a fresh item every time, so its truth is an average."""
    for effect in (0.0, 0.6):

        def flips(rng: np.random.Generator, n: int, effect: float = effect) -> bool | None:
            found = fixed_item(effect)(rng, n).items[0].flip_rate
            return None if found is None else covers(found, item_truth(effect)[0])

        def shift(rng: np.random.Generator, n: int, effect: float = effect) -> bool | None:
            report = fixed_item(effect)(rng, n).items[0]
            # The order of the two levels furthest apart is that of their names.
            return None if report.shift is None else covers(report.shift, item_truth(effect)[1])

        for method, draw in (("flip rate of an item", flips), ("shift of an item's mean", shift)):
            yield Scenario(
                family=FAMILY,
                method=f"perturbation, {method}",
                data=f"effect {effect:g}",
                draw=draw,
                sizes=(10, 20, 50, 200),
                tolerance=0.02,
                is_conservative=True,
            )


def fixed_item(effect: float) -> Callable[[np.random.Generator, int], FactorReport]:
    def draw(rng: np.random.Generator, n: int) -> FactorReport:
        x = rng.standard_normal((n, 1)) + np.array([0.0, effect]) + 0.5 * rng.standard_normal((n, 2))
        answer = np.digitize(x, (-0.8, 0.8))
        subjects, level = np.repeat(np.arange(n), 2).tolist(), ["a", "b"] * n
        points = answer.ravel().tolist()
        frame = {"subject": subjects, "item": ["q"] * 2 * n, "wording": level, "answer": points, "value": points}
        return perturbation_report(frame, n_permutations=99, rng=rng).factors[0]

    return draw


@lru_cache
def item_truth(effect: float) -> tuple[float, float]:
    rng = rng_for(1, "item", str(effect))
    x = rng.standard_normal((1_000_000, 1)) + np.array([0.0, effect]) + 0.5 * rng.standard_normal((1_000_000, 2))
    answer = np.digitize(x, (-0.8, 0.8))
    return float((answer[:, 0] != answer[:, 1]).mean()), float((answer[:, 1] - answer[:, 0]).mean())


SCENARIOS: tuple[Scenario, ...] = (*label_bias(), *styles(), *perturbed())
