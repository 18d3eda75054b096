"""Dissemination of culture: the more two have in common, the more they come to share (Axelrod 1997).

doi:10.1177/0022002797041002001. In a sweep everybody turns to a neighbour, and acts if its own draw is the higher one:
then no circle of people take over from each other at once, so a sweep is some order of Axelrod's single events.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies import ties
from proband.societies.deciding import Deciding, Ruled
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

FEATURES = ("dish", "song", "game", "greeting", "dress", "dance", "tale", "drink", "tool", "garden")
KEEP = "I keep everything as it is"
_TEXT = "Do you take over one of these from your neighbour?"
TAKE = Item(id="take", text=_TEXT, form="choice", options=(KEEP, *(f"I take over the {what}" for what in FEATURES)))
Ints = NDArray[np.int64]


class Keys(Deciding):
    """Of the villages, which stand in a square that has a border."""

    agents: int = Field(default=100, ge=4, description="how many villages; a square number")
    rounds: int = Field(default=2000, ge=1, description="how many, at most")
    sweeps: int = Field(default=10, ge=1, description="in a round; a model is asked in each of them")
    features: int = Field(default=5, ge=1, le=len(FEATURES), description="of a culture")
    traits: int = Field(default=10, ge=2, description="that each feature may have")

    @model_validator(mode="after")
    def _fills_a_square(self) -> Self:
        if math.isqrt(self.agents) ** 2 != self.agents:
            raise ValueError(f"{self.agents} villages fill no square; take 9, 16, 25 ... of them")
        return self


class Villages(Ruled):
    """Villages that take over traits from those beside them."""

    fixed = frozenset({"agents", "features", "traits"})
    asked = (TAKE,)

    def begin(self, society: int) -> State:
        """Every trait is drawn."""
        side, traits = math.isqrt(self.keys.agents), self.keys.traits
        agents = {
            f"f{f}": (self.at_start(society, f"f{f}") * traits).astype(np.int16) for f in range(self.keys.features)
        }
        where = np.arange(self.keys.agents)
        agents |= {"x": where % side, "y": where // side}
        network = ties.grid_2d_graph(side, side, periodic=False)
        return State(society=society, agents=agents, networks={"beside": network}, values={"sweep": 0})

    def _cultures(self, state: State) -> NDArray[np.int16]:
        return np.stack([state.agents[f"f{f}"] for f in range(self.keys.features)], axis=1)

    def _meets(self, state: State) -> tuple[Ints, Ints]:
        """Who acts in this sweep, and whom each has turned to."""
        beside, sweep = state.networks["beside"], state.values["sweep"]
        u = self.uniforms(state, "turns to", sweep)
        met = beside.targets[beside.starts[:-1] + (u * beside.degrees).astype(np.int64)]
        order = self.uniforms(state, "order", sweep)
        who = np.flatnonzero(order > order[met])
        return who, met[who]

    def turns(self, state: State) -> Sequence[Ask]:
        """Who acts, offered what differs."""
        if not self.is_asked:
            return ()
        cultures, asks = self._cultures(state), []
        for k, met in zip(*[some.tolist() for some in self._meets(state)], strict=True):
            own, other = cultures[k], cultures[met]
            differ = np.flatnonzero(own != other).tolist()
            if not differ:
                continue
            item = Item(
                id="take",
                text=_TEXT,
                form="choice",
                options=(KEEP, *(f"I take over the {FEATURES[f]}" for f in differ)),
            )
            told = " ".join(
                f"{FEATURES[f].capitalize()}: yours is {_name(own[f])}, your neighbour's is {_name(other[f])}."
                for f in range(self.keys.features)
            )
            facts = (("alike", str(len(own) - len(differ))), ("differ", ",".join(map(str, differ))))
            asks.append(Ask(agent=int(state.numbers[k]), item=item, told=f"You meet a neighbour. {told}", facts=facts))
        return asks

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """One sweep if a model is asked, else all of a round; by rule it is over when nothing can change."""
        if self.is_asked:
            self._take_over(state, heard)
        else:
            while state.values["sweep"] < self.keys.sweeps:
                self._sweep(state)
        if state.values["sweep"] < self.keys.sweeps:
            return state
        state.values["sweep"] = 0
        return self.ended(state, is_over=not self.is_asked and not self._open_ties(state).any())

    def _take_over(self, state: State, heard: Sequence[Heard]) -> None:
        who, met = self._meets(state)
        turned = dict(zip(state.numbers[who].tolist(), zip(who.tolist(), met.tolist(), strict=True), strict=True))
        before = self._cultures(state)
        for one in heard:
            if one.is_valid and isinstance(one.response.answer, int) and one.response.answer > 0:
                k, other = turned[one.ask.agent]
                f = int(dict(one.ask.facts)["differ"].split(",")[one.response.answer - 1])
                state.agents[f"f{f}"][k] = before[other, f]
        state.values["sweep"] += 1

    def _sweep(self, state: State) -> None:
        """Everybody who acts takes over a trait that differs, with a probability of what both have in common."""
        who, met = self._meets(state)
        cultures, sweep = self._cultures(state), state.values["sweep"]
        differs = cultures[who] != cultures[met]
        n_differ = differs.sum(axis=1)
        acts = (n_differ > 0) & (self.uniforms(state, "acts", sweep)[who] < 1 - n_differ / self.keys.features)
        nth = (self.uniforms(state, "trait", sweep)[who] * n_differ).astype(np.int64)
        feature = np.argmax(np.cumsum(differs, axis=1) > nth[:, None], axis=1)
        for f in range(self.keys.features):
            these = acts & (feature == f)
            state.agents[f"f{f}"][who[these]] = cultures[met[these], f]
        state.values["sweep"] += 1

    def _open_ties(self, state: State) -> NDArray[np.bool_]:
        """Ties between those who have something in common, and not everything."""
        cultures, beside = self._cultures(state), state.networks["beside"]
        alike = (cultures[beside.sources] == cultures[beside.targets]).sum(axis=1)
        open_: NDArray[np.bool_] = (alike > 0) & (alike < self.keys.features)
        return open_

    def measures(self, state: State) -> Mapping[str, float]:
        """Regions of one culture, how many cultures there are, and the share of ties over which one can change."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        cultures, beside = self._cultures(state), state.networks["beside"]
        same = (cultures[beside.sources] == cultures[beside.targets]).all(axis=1)
        n = len(state)
        tied = csr_array((np.ones(same.sum()), (beside.sources[same], beside.targets[same])), shape=(n, n))
        regions, _ = connected_components(tied, directed=False)
        n_cultures = len(np.unique(cultures, axis=0))
        return {"regions": float(regions), "cultures": float(n_cultures), "open": float(self._open_ties(state).mean())}

    def kept(self, state: State) -> Sequence[str]:
        """Where villages lie, and their first feature."""
        return ("x", "y", "f0")


def _name(trait: int) -> str:
    """A trait as a letter, which says nothing of it."""
    letters = ""
    left = int(trait)
    while left >= 0:
        left, at = divmod(left, 26)
        letters = chr(ord("A") + at) + letters
        left -= 1
    return letters


def _make(shared: Shared, keys: Keys) -> Villages:
    return Villages(keys)


SCENARIO = Scenario(
    name="culture",
    about="neighbours who come to share more the more they have in common",
    keys=Keys,
    make=_make,
    check="10 x 10, 5 features of 5, 10, 15 traits: 1.0, 3.2, 20.0 regions in the end (Axelrod 1997)",
)
