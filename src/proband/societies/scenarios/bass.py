"""Diffusion of a new product: Bass (1969, doi:10.1287/mnsc.15.5.215)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Deciding, Ruled
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

BUY = Item(
    id="buy", text="Do you buy one this month?", form="choice", options=("I do not buy one this month", "I buy one"),
)  # fmt: skip


class Keys(Deciding):
    """Of the market."""

    agents: int = Field(default=10_000, ge=2, description="how many may buy")
    rounds: int = Field(default=180, ge=1, description="how many, at most")
    p: float = Field(default=0.03, gt=0, description="rate at which people buy of themselves, in a year")
    q: float = Field(default=0.38, ge=0, description="rate by which they follow others, in a year")
    in_a_year: int = Field(default=12, ge=1, description="rounds")
    product: str = Field(default="a robot that mows the lawn", description="what a model is asked about")


class Market(Ruled):
    """Everybody buys once, and sees which share of all has bought."""

    asked = (BUY,)
    archetype = "household"
    worded = ("product",)

    def begin(self, society: int) -> State:
        """Nobody has bought."""
        return State(society=society, agents={"bought": np.zeros(self.keys.agents, np.int32)})  # 0: not yet

    def _situations(self, state: State) -> Mapping[str, NDArray[np.int64]]:
        return {"percent": np.full(len(state), round(100 * float((state.agents["bought"] > 0).mean())))}

    def turns(self, state: State) -> Sequence[Ask]:
        """Who has not bought; they are all told the same."""
        if not self.is_asked:
            return ()
        return self.by_situation(
            BUY,
            self._situations(state),
            lambda at: (
                f"There is a new product: {self.keys.product}. {at['percent']} of 100 households have one; yours "
                "has none so far."
            ),
            state.agents["bought"] == 0,
        )

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Who buys has bought in this round."""
        bought, u = state.agents["bought"], self.uniforms(state, "decides")
        if self.is_asked:
            now = self.drawn(heard, self._situations(state), u) == 1
        else:
            rate = self.keys.p + self.keys.q * float((bought > 0).mean())
            now = u < -np.expm1(-rate / self.keys.in_a_year)
        bought[now & (bought == 0)] = state.round
        return self.ended(state, is_over=bool((bought > 0).all()))

    def measures(self, state: State) -> Mapping[str, float]:
        """Who has bought, and who did in this round."""
        bought = state.agents["bought"]
        return {"bought": float((bought > 0).mean()), "sales": float((bought == state.round - 1).mean())}

    def kept(self, state: State) -> Sequence[str]:
        """When everybody bought."""
        return ("bought",)


def peak(p: float, q: float) -> float:
    """When most is sold, in years: ln(q / p) / (p + q)."""
    return float(np.log(q / p) / (p + q))


def _make(shared: Shared, keys: Keys) -> Market:
    return Market(keys)


SCENARIO = Scenario(
    name="bass",
    about="a new product that people buy of themselves, or because others did",
    keys=Keys,
    make=_make,
    check="sales peak after ln(q/p)/(p+q) years: 6.19 at p = .03, q = .38",
)
