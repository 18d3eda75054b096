"""The voter model: everybody takes over the view of somebody met by chance (Holley & Liggett 1975)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import ABSENT, Deciding, Ruled
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

VIEWS = ("the old plan", "the new plan")
VIEW = Item(id="view", text="Which of the two do you favour now?", form="choice", options=VIEWS)


class Keys(Deciding):
    """Of the place."""

    rounds: int = Field(default=2000, ge=1, description="how many, at most")
    share: float = Field(default=0.3, ge=0, le=1, description="who favours the new plan at the beginning")


class Voters(Ruled):
    """Everybody meets somebody in every round, at the same time."""

    fixed = frozenset({"agents", "share"})
    asked = (VIEW,)
    archetype = "inhabitant"

    def begin(self, society: int) -> State:
        """The exact share, so that what comes of it can be compared with it; who it is, is drawn."""
        view = np.zeros(self.keys.agents, np.int8)
        view[np.argsort(self.at_start(society, "view"))[: round(self.keys.share * self.keys.agents)]] = 1
        return State(society=society, agents={"view": view})

    def situations(self, state: State) -> Mapping[str, NDArray[np.int8]]:
        """One's own view and that of whom one meets: anybody else, each with the same probability."""
        n, view = len(state), state.agents["view"]
        met = (np.arange(n) + 1 + (self.uniforms(state, "meets") * (n - 1)).astype(np.int64)) % n
        return {"own": view, "met": view[met]}

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody, by situation."""
        if not self.is_asked:
            return ()
        return self.by_situation(
            VIEW,
            self.situations(state),
            lambda at: (
                f"Your town may build by the old plan or by the new plan. So far you favour {VIEWS[at['own']]}. "
                f"You meet somebody who favours {VIEWS[at['met']]}."
            ),
        )

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """It is over when all are of one view."""
        at = self.situations(state)
        new = at["met"]
        if self.is_asked:
            chosen = self.drawn(heard, at, self.uniforms(state, "decides"))
            new = np.where(chosen == ABSENT, at["own"], chosen).astype(np.int8)
        state.agents["view"] = new
        # Where a model decides, those of one view may still come to another.
        return self.ended(state, is_over=not self.is_asked and bool(new.min() == new.max()))

    def measures(self, state: State) -> Mapping[str, float]:
        """Who favours the new plan."""
        return {"share": float(state.agents["view"].mean())}

    def kept(self, state: State) -> Sequence[str]:
        """Who favours what."""
        return ("view",)


def _make(shared: Shared, keys: Keys) -> Voters:
    return Voters(keys)


SCENARIO = Scenario(
    name="voter",
    about="everybody takes over the view of somebody met by chance",
    keys=Keys,
    make=_make,
    check="all come to the new plan with probability equal to its share at the beginning, exactly",
)
