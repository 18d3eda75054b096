"""Mixed models of crossed factors: coverage of variances and of coefficients of a decision study."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from proband.estimates import Estimate
from proband.measures.mixed.crossed import Family, MixedModel, mixed_model
from validation.simulation import Scenario, covers

FAMILY = "Mixed models"
READING = """
- n subjects answer each of 6 items in one of 4 wordings drawn at random (and half of the rows twice): not balanced.
  Of 4 wordings hardly anything is known, and the intervals are as wide as that.
- Laplace's approximation is too low where a subject gives few answers of 0 and 1.
"""
SDS = {"subject": 1.0, "item": 0.7, "wording": 0.4, "subject x wording": 0.5, "rest": 1.0}
SIZES = {"item": 6, "wording": 4}


def table(
    rng: np.random.Generator, n: int, *, family: Family = "linear", cuts: tuple[float, ...] = ()
) -> dict[str, list[float]]:
    """Long frame of n subjects by 6 items, each in a wording drawn at random, half of them asked twice."""
    s, i = np.indices((n, 6)).reshape(2, -1)
    again = rng.random(s.size) < 0.5
    s, i = np.concatenate([s, s[again]]), np.concatenate([i, i[again]])
    w = rng.integers(0, 4, s.size)
    y: NDArray[np.float64] = SDS["subject"] * rng.standard_normal(n)[s] + SDS["item"] * rng.standard_normal(6)[i]
    y = y + SDS["wording"] * rng.standard_normal(4)[w]
    y = y + SDS["subject x wording"] * rng.standard_normal((n, 4))[s, w]
    if family == "logistic":
        y = (rng.random(s.size) < 1 / (1 + np.exp(-y))).astype(float)
    else:
        y = y + SDS["rest"] * rng.standard_normal(s.size)
    y = np.searchsorted(cuts, y).astype(float) if cuts else y
    columns = {"subject": s, "item": i, "wording": w, "value": y}
    return {name: values.tolist() for name, values in columns.items()}


def _fit(rng: np.random.Generator, n: int, family: Family) -> MixedModel:
    frame = table(rng, n, family=family)
    return mixed_model(frame, ["item", "wording"], family=family, interactions=["subject:wording"])


def _variance(rng: np.random.Generator, n: int, *, effect: str, family: Family) -> bool | None:
    return covers(_fit(rng, n, family).components[effect].variance, SDS[effect] ** 2)


def _coefficient(
    rng: np.random.Generator, n: int, *, pick: Callable[[MixedModel], Estimate], truth: float
) -> bool | None:
    return covers(pick(_fit(rng, n, "linear")), truth)


def _truth(*, is_absolute: bool) -> float:
    v = {name: sd**2 for name, sd in SDS.items()}
    error = v["subject x wording"] / 4 + v["rest"] / 24
    error += (v["item"] / 6 + v["wording"] / 4) * is_absolute
    return v["subject"] / (v["subject"] + error)


def _picked(found: MixedModel, *, is_absolute: bool) -> Estimate:
    decided = found.decision(SIZES)
    return decided.absolute if is_absolute else decided.relative


SCENARIOS: tuple[Scenario, ...] = (
    *(
        Scenario(
            family=FAMILY,
            method=f"variance of {effect}, REML profile",
            data="n subjects, 6 items, 4 wordings, normal",
            draw=partial(_variance, effect=effect, family="linear"),
            sizes=(20, 50),
            tolerance=0.03,
            held_from=20,
            is_conservative=True,
        )
        for effect in SDS
    ),
    *(
        Scenario(
            family=FAMILY,
            method=f"{'absolute' if is_absolute else 'relative'} coefficient, REML profile",
            data="n subjects, 6 items, 4 wordings, normal",
            draw=partial(
                _coefficient, pick=partial(_picked, is_absolute=is_absolute), truth=_truth(is_absolute=is_absolute)
            ),
            sizes=(20, 50),
            tolerance=0.03,
            held_from=20,
            is_conservative=True,
        )
        for is_absolute in (False, True)
    ),
    *(
        Scenario(
            family=FAMILY,
            method=f"variance of {effect}, logistic, Laplace",
            data="n subjects, 6 items, 4 wordings, 0 and 1",
            draw=partial(_variance, effect=effect, family="logistic"),
            sizes=(50,),
            tolerance=0.05,
            held_from=10**9 if effect == "subject x wording" else 50,
            is_conservative=True,
        )
        for effect in ("subject", "item", "subject x wording")
    ),
)
