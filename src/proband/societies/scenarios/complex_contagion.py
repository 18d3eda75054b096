"""What needs more than one contact to spread: Centola & Macy (2007, doi:10.1086/521848)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Ruled, Tied, Ties
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

ADOPT = Item(
    id="adopt", text="Do you sign up now?", form="choice", options=("I do not sign up now", "I sign up now"),
)  # fmt: skip


class Keys(Tied):
    """Of what spreads."""

    agents: int = Field(default=1000, ge=3, description="how many could sign up")
    rounds: int = Field(default=1000, ge=1, description="how many, at most")
    ties: Ties = Field(default="small-world", description="the network, all of whose ties go both ways")
    rewire: float = Field(
        default=0.0, ge=0, le=1, description="share of the ties of a small world that lead to anybody"
    )
    needs: int = Field(default=2, ge=1, description="contacts who signed up before one does; 1 is a simple contagion")
    seeds: int = Field(default=2, ge=1, description="neighbours on the ring who begin")
    story: str = Field(
        default="People in your region sign up for a free programme that reminds them to take walks.",
        description="what a model is told",
    )


class Contagion(Ruled):
    """Who signed up stays so."""

    fixed = frozenset({"agents", "ties", "degree", "rewire", "seeds"})
    asked = (ADOPT,)
    archetype = "inhabitant"
    worded = ("story",)

    def begin(self, society: int) -> State:
        """A neighbourhood has signed up."""
        adopted = np.arange(self.keys.agents) < self.keys.seeds
        return State(society=society, agents={"adopted": adopted}, networks={"ties": self.ties_at_start(society)})

    def _situations(self, state: State) -> Mapping[str, NDArray[np.int64]]:
        ties = state.networks["ties"]
        return {"adopted": ties.sums(state.agents["adopted"]).astype(np.int64), "contacts": ties.degrees}

    def turns(self, state: State) -> Sequence[Ask]:
        """Who has not signed up, by situation."""
        if not self.is_asked:
            return ()
        return self.by_situation(
            ADOPT,
            self._situations(state),
            lambda at: f"{self.keys.story} You know {at['contacts']} people there; {at['adopted']} of them signed up.",
            ~state.agents["adopted"],
        )

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """By rule it is over when nobody signs up any more."""
        at, adopted = self._situations(state), state.agents["adopted"]
        if self.is_asked:
            now = self.drawn(heard, at, self.uniforms(state, "decides")) == 1
        else:
            now = at["adopted"] >= self.keys.needs
        n_before = adopted.sum()
        adopted |= now
        is_still = not self.is_asked and adopted.sum() == n_before
        return self.ended(state, is_over=is_still or bool(adopted.all()))

    def measures(self, state: State) -> Mapping[str, float]:
        """How many have signed up."""
        return {"adopted": float(state.agents["adopted"].mean())}

    def kept(self, state: State) -> Sequence[str]:
        """Who has."""
        return ("adopted",)


def _make(shared: Shared, keys: Keys) -> Contagion:
    return Contagion(keys)


SCENARIO = Scenario(
    name="complex-contagion",
    about="what is taken up once several contacts have",
    keys=Keys,
    make=_make,
    check="on a ring of degree 4 two beginners are 2 + 2t after t rounds where two contacts are needed, 2 + 4t where "
    "one; long ties stop the first and speed the second up (Centola and Macy 2007)",
)
