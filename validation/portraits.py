"""Scores of one model over contexts: how often intervals of mean, components and spread contain what was planted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from proband.estimates import Estimate
from proband.measures.reliability.contexts import ContextStudy, context_study
from validation.simulation import Scenario, covers

FAMILY = "Portraits"
READING = """
- Columns are numbers of wordings; items are eight, orders two, of which both are asked. What a mean is about are other
  wordings, and both orders.
- Limits of variances at 0 make intervals of small components cover more than they promise.
- With three wordings an interval rests on two degrees of freedom, and is as wide as that makes it; it holds.
- Where one score in ten is missing, what is filled in lies where effects add up, and the rest looks a little smaller.
"""
ITEMS, ORDERS = 8, 2


@dataclass(frozen=True)
class Character:
    """SDs of what moves scores: of items, of both orders, of wordings, of their interactions and of the rest."""

    sds: dict[str, float] = field(default_factory=dict)
    missing: float = 0.0

    def draw(self, rng: np.random.Generator, n: int) -> tuple[ContextStudy, float]:
        """A study of `n` wordings, and the mean over both orders and all wordings that there could be."""
        sd = {name: self.sds.get(name, 0.0) for name in ("item", "order", "wording", "item x wording", "rest")}
        item = sd["item"] * rng.standard_normal(ITEMS)[:, None, None]
        order = sd["order"] * rng.standard_normal(ORDERS)[None, :, None]
        wording = sd["wording"] * rng.standard_normal(n)[None, None, :]
        moved = sd["item x wording"] * rng.standard_normal((ITEMS, n))[:, None, :]
        y: NDArray[np.float64] = (
            3 + item + order + wording + moved + sd["rest"] * rng.standard_normal((ITEMS, ORDERS, n))
        )
        kept = rng.random(y.shape) >= self.missing
        at = np.argwhere(kept)
        frame = {name: at[:, k].tolist() for k, name in enumerate(("item", "order", "wording"))}
        study = context_study({**frame, "value": y[kept].tolist()}, ["order", "wording"], complete=["order"])
        return study, float(3 + item.mean() + order.mean())

    @property
    def context_variance(self) -> float:
        """Of the mean of the items in one context."""
        sd = {name: self.sds.get(name, 0.0) ** 2 for name in ("order", "wording", "item x wording", "rest")}
        return sd["order"] + sd["wording"] + (sd["item x wording"] + sd["rest"]) / ITEMS


STABLE = Character({"item": 0.5, "wording": 0.05, "rest": 0.2})
BY_ORDER = Character({"item": 0.5, "order": 1.0, "wording": 0.1, "rest": 0.2})
BY_WORDING = Character({"item": 0.5, "wording": 0.6, "item x wording": 0.4, "rest": 0.2})
CHARACTERS = {
    "stable": STABLE,
    "driven by order": BY_ORDER,
    "driven by wording": BY_WORDING,
    "driven by wording, a tenth missing": Character(BY_WORDING.sds, 0.1),
}


def counted(character: Character, of: Callable[[ContextStudy], Estimate], truth: float | None) -> Callable[..., bool]:
    def draw(rng: np.random.Generator, n: int) -> bool:
        study, mean = character.draw(rng, n)
        return covers(of(study), mean if truth is None else truth)

    return draw


def scenarios() -> Iterator[Scenario]:
    for data, character in CHARACTERS.items():
        sds = character.sds
        rows: dict[str, tuple[Callable[[ContextStudy], Estimate], float | None]] = {
            "mean over contexts": (lambda study: study.mean, None),
            "variance over contexts": (lambda study: study.context_variance, character.context_variance),
            "component of wording": (lambda study: study.components["wording"].variance, sds["wording"] ** 2),
            "component of order": (lambda study: study.components["order"].variance, sds.get("order", 0.0) ** 2),
        }
        if "order" not in sds:
            del rows["component of order"]
        for method, (of, truth) in rows.items():
            yield Scenario(
                family=FAMILY,
                method=method,
                data=data,
                draw=counted(character, of, truth),
                sizes=(3, 6, 12),
                tolerance=0.025,
                held_from=3,
                is_conservative=True,
            )


SCENARIOS: tuple[Scenario, ...] = tuple(scenarios())
