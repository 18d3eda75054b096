"""The minority game: who is on the side of the fewer wins (Challet & Zhang 1997, doi:10.1016/S0378-4371(97)00419-6)."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.seeds import uniforms_for
from proband.societies.deciding import ABSENT, Deciding, Ruled, options
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

SIDES = ("left", "right")
SIDE = Item(id="side", text="Which side do you take?", form="choice", options=SIDES)


class Keys(Deciding):
    """Of the game."""

    agents: int = Field(default=101, ge=3, description="how many play; an odd number, so that there is a minority")
    rounds: int = Field(default=1000, ge=1, description="how many")
    memory: int = Field(default=6, ge=1, le=16, description="rounds that everybody remembers")
    strategies: int = Field(default=2, ge=1, description="of each; the one that would have won most often is followed")
    warm_up: int = Field(default=200, ge=0, description="first rounds that the variance leaves out")

    @model_validator(mode="after")
    def _has_a_minority(self) -> Self:
        if self.agents % 2 == 0:
            raise ValueError(f"{self.agents} agents may be as many on either side; take an odd number")
        return self


class Minority(Ruled):
    """Everybody takes a side at the same time, by what has won of late."""

    fixed = frozenset({"agents", "memory", "strategies"})
    asked = (SIDE,)

    def begin(self, society: int) -> State:
        """A history that is drawn, and no strategy better than another."""
        keys = self.keys
        first = self.at_start(society, "history", keys.memory) < 0.5
        agents: dict[str, NDArray[np.int32]] = {
            f"score {s}": np.zeros(keys.agents, np.int32) for s in range(keys.strategies)
        }
        return State(
            society=society,
            agents={"side": np.full(keys.agents, ABSENT, np.int8), **agents},
            values={"history": first.astype(int).tolist(), "n": 0, "sum": 0, "squares": 0},
        )

    @cached_property
    def _made(self) -> dict[int, NDArray[np.int8]]:
        return {}

    def _tables(self, society: int) -> NDArray[np.int8]:
        """What each strategy says after each history, shape (n_agents, n_strategies, n_histories)."""
        if society in self._made:
            return self._made[society]
        keys, n_histories = self.keys, 2**self.keys.memory
        numbers = np.arange(keys.agents * keys.strategies * n_histories)
        u = uniforms_for(self.seed, "society", society, "strategies", numbers=numbers)
        table: NDArray[np.int8] = (u < 0.5).astype(np.int8).reshape(keys.agents, keys.strategies, n_histories)
        return self._made.setdefault(society, table)

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody; all know the same."""
        if not self.is_asked:
            return ()
        n, history = len(state), [SIDES[k] for k in state.values["history"]]
        told = (
            f"You are one of {n} people. In every round each takes a side, left or right, without knowing what the "
            "others take. Those on the side that fewer have taken win. The sides that won last, the latest at the "
            f"end: {', '.join(history)}."
        )
        facts = (("history", "".join(map(str, state.values["history"]))),)
        return [Ask(agent=number, item=SIDE, told=told, facts=facts) for number in state.numbers.tolist()]

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """The minority wins, and strategies that would have won gain a point."""
        at = int("".join(map(str, state.values["history"])), 2)
        if self.is_asked:
            side = options(state, heard)
        else:
            says = self._tables(state.society)[:, :, at]
            scores = np.stack([state.agents[f"score {s}"] for s in range(self.keys.strategies)], axis=1)
            # Of strategies that are equally good one is drawn.
            ties = [self.uniforms(state, "ties", s) for s in range(self.keys.strategies)]
            best = np.argmax(scores + np.stack(ties, axis=1), axis=1)
            side = says[np.arange(len(state)), best]
        n_right, n_left = int((side == 1).sum()), int((side == 0).sum())
        won = int(n_right < n_left)
        if not self.is_asked:
            for s in range(self.keys.strategies):
                state.agents[f"score {s}"] += says[:, s] == won
        state.agents["side"] = side.astype(np.int8)
        values = state.values
        values["history"] = [*values["history"][1:], won]
        if state.round > self.keys.warm_up:
            a = n_right - n_left
            values.update(n=values["n"] + 1, sum=values["sum"] + a, squares=values["squares"] + a * a)
        return self.ended(state)

    def measures(self, state: State) -> Mapping[str, float]:
        """Who won; and the variance of attendance so far over the number of players, which is 1 by chance."""
        values, n = state.values, state.values["n"]
        minority = min(float((state.agents["side"] == k).mean()) for k in (0, 1))
        if not n:
            return {"minority": minority}
        return {"minority": minority, "variance": (values["squares"] / n - (values["sum"] / n) ** 2) / len(state)}

    def kept(self, state: State) -> Sequence[str]:
        """Who is where."""
        return ("side",)


def _make(shared: Shared, keys: Keys) -> Minority:
    return Minority(keys)


SCENARIO = Scenario(
    name="minority",
    about="players who win if they are on the side of the fewer",
    keys=Keys,
    make=_make,
    check="variance over N for N = 101, S = 2: 3.55, .42, .24, .38, .85 at 2^memory / N = .08, .32, .63, 1.27, 10.1",
)
