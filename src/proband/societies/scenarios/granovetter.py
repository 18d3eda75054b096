"""Thresholds of collective behaviour: people join once enough others have (Granovetter 1978, doi:10.1086/226707)."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from proband.designs.kind import Shared
from proband.files import Table
from proband.instruments.items import Item
from proband.seeds import uniforms_for
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard, World

JOIN = Item(
    id="join", text="Do you join them?", form="choice", options=("I stay out of it", "I join them"),
)  # fmt: skip


class Keys(Table):
    """Of the crowd."""

    agents: int = Field(default=100, ge=2, description="how many stand there")
    rounds: int = Field(default=100, ge=1, description="of looking around, at most")
    mean: float = Field(default=25.0, description="mean threshold, in percent of the crowd")
    sd: float = Field(
        default=12.3, ge=0, description="its standard deviation; 0 gives thresholds of 0, 1, 2 ... agents"
    )
    decided_by: Literal["rule", "model"] = Field(default="rule", description="who decides whether to join")
    story: str = Field(
        default="A crowd stands in a square, and some have begun to break windows.", description="what a model is told"
    )


class Crowd(World):
    """A crowd in which everybody sees how many have joined."""

    fixed = frozenset({"agents", "mean", "sd"})
    outside = False

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    @property
    def items(self) -> Sequence[Item]:
        """Whether to join, where a model decides it."""
        return (JOIN,) if self.keys.decided_by == "model" else ()

    @property
    def rounds(self) -> int:
        """As many as are looked around."""
        return self.keys.rounds

    def begin(self, society: int) -> State:
        """Nobody has joined; thresholds are drawn once, as numbers of agents."""
        keys, numbers = self.keys, np.arange(self.keys.agents)
        threshold = numbers.astype(float)
        if keys.sd:
            from scipy.special import ndtri

            u = uniforms_for(self.seed, "society", society, "threshold", numbers=numbers)
            threshold = (keys.mean + keys.sd * ndtri(np.clip(u, 2**-53, None))) * keys.agents / 100
        return State(society=society, agents={"threshold": threshold, "joined": np.zeros(keys.agents, bool)})

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody who stands outside, at the same time."""
        if not self.items:
            return ()
        n, inside = len(state), int(state.agents["joined"].sum())
        told = f"{self.keys.story} You stand among {n} people. So far {inside} of them have joined in."
        facts = (("joined", str(inside)), ("agents", str(n)))
        return [
            Ask(agent=int(state.numbers[k]), item=JOIN, told=told, facts=facts)
            for k in np.flatnonzero(~state.agents["joined"]).tolist()
        ]

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Who joins stays in; it is over when nobody is left outside, or, by the rule, when nobody joins any more."""
        joined = state.agents["joined"]
        before = int(joined.sum())
        if self.items:
            position = {int(number): k for k, number in enumerate(state.numbers)}
            for one in heard:
                if one.is_valid and one.response.answer == 1:
                    joined[position[one.ask.agent]] = True
        else:
            joined |= state.agents["threshold"] <= before
        is_still = not self.items and int(joined.sum()) == before
        state.is_over = is_still or bool(joined.all()) or state.round >= self.keys.rounds
        state.round += 1
        return state

    def measures(self, state: State) -> Mapping[str, float]:
        """How many are in."""
        return {"joined": float(state.agents["joined"].mean())}

    def kept(self, state: State) -> Sequence[str]:
        """Who is in."""
        return ("joined",)


def _make(shared: Shared, keys: Keys) -> Crowd:
    return Crowd(keys)


SCENARIO = Scenario(
    name="granovetter",
    about="a crowd in which everybody joins once enough others have",
    keys=Keys,
    make=_make,
    check="thresholds 0, 1 ... 99: all 100 join; with the 1 replaced by a 2, one does (Granovetter 1978)",
)
