"""Segregation of those who mind a little: Schelling (1971, doi:10.1080/0022250X.1971.9989794) on a torus."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.seeds import uniforms_for
from proband.societies.deciding import Deciding, Ruled
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

MOVE = Item(
    id="move", text="Do you stay where you live, or move to a vacant house elsewhere?", form="choice",
    options=("I stay", "I move"),
)  # fmt: skip
Grid = NDArray[np.int8]


class Keys(Deciding):
    """Of the town; it has as many agents as its size and density say."""

    agents: int = Field(default=2250, ge=2, description="how many live there")
    width: int = Field(default=50, ge=3, description="houses in a row")
    height: int = Field(default=50, ge=3, description="rows of houses")
    share: float = Field(default=0.5, gt=0, lt=1, description="of the first of the two groups")
    wants: float = Field(
        default=0.3, ge=0, le=1, description="share of one's own group among neighbours that is enough"
    )
    groups: list[str] = Field(
        default=["green", "blue"], min_length=2, max_length=2, description="what a model is told of"
    )

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.agents >= self.width * self.height:
            raise ValueError(f"{self.agents} agents and {self.width * self.height} houses; leave some of them vacant")
        return self


class Town(Ruled):
    """Houses on a torus, each with eight beside it; who is not content takes a vacant one, in an order drawn anew."""

    fixed = frozenset({"agents", "width", "height", "share"})
    asked = (MOVE,)
    archetype = "inhabitant"
    worded = ("groups",)

    def begin(self, society: int) -> State:
        """Everybody lives anywhere."""
        keys = self.keys
        n_houses = keys.width * keys.height
        house = np.argsort(self.at_start(society, "house", n_houses))[: keys.agents]
        group = (np.arange(keys.agents) >= round(keys.share * keys.agents)).astype(np.int8)
        state = State(society=society, agents={"group": group, **self._at(house)})
        self._look(state)
        return state

    def _at(self, house: NDArray[np.int64]) -> dict[str, NDArray[np.int32]]:
        return {"x": (house % self.keys.width).astype(np.int32), "y": (house // self.keys.width).astype(np.int32)}

    def _house(self, state: State) -> NDArray[np.int64]:
        house: NDArray[np.int64] = state.agents["y"].astype(np.int64) * self.keys.width + state.agents["x"]
        return house

    def _look(self, state: State) -> None:
        """Count everybody's neighbours, of the own group and of all."""
        house = self._house(state)
        counts = []
        for group in (0, 1):
            grid = np.zeros(self.keys.height * self.keys.width, np.int8)
            grid[house[state.agents["group"] == group]] = 1
            counts.append(_around(grid.reshape(self.keys.height, self.keys.width)).ravel()[house])
        is_second = state.agents["group"] == 1
        state.agents["alike"] = np.where(is_second, counts[1], counts[0])
        state.agents["beside"] = counts[0] + counts[1]

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody who has neighbours, by situation."""
        if not self.is_asked:
            return ()
        names = self.keys.groups
        return self.by_situation(
            MOVE,
            self._situations(state),
            lambda at: (
                f"In your town live people of two groups, {names[0]} and {names[1]}. You are {names[at['group']]}. "
                f"Of your {at['beside']} neighbours {at['alike']} are {names[at['group']]} and "
                f"{at['beside'] - at['alike']} are {names[1 - at['group']]}."
            ),
            state.agents["beside"] > 0,
        )

    def _situations(self, state: State) -> Mapping[str, NDArray[np.int8]]:
        return {name: state.agents[name] for name in ("group", "alike", "beside")}

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Who moves takes a vacant house, which it keeps for this round; those who find none stay."""
        agents = state.agents
        if self.is_asked:
            moves = self.drawn(heard, self._situations(state), self.uniforms(state, "decides")) == 1
        else:
            moves = agents["alike"] < self.keys.wants * agents["beside"]
        who, house = np.flatnonzero(moves), self._house(state)
        is_vacant = np.ones(self.keys.width * self.keys.height, bool)
        is_vacant[house] = False
        vacant = np.flatnonzero(is_vacant)
        u = uniforms_for(self.seed, "society", state.society, state.round, "vacant", numbers=vacant)
        who = who[np.argsort(self.uniforms(state, "moves")[who])][: len(vacant)]
        house[who] = vacant[np.argsort(u)[: len(who)]]
        agents.update(self._at(house))
        if len(who):
            self._look(state)
        return self.ended(state, is_over=not len(who) and not self.is_asked)

    def measures(self, state: State) -> Mapping[str, float]:
        """Share of one's own group among neighbours, and who finds it enough."""
        alike, beside = state.agents["alike"].astype(float), state.agents["beside"].astype(float)
        has = beside > 0
        return {
            "similarity": float((alike[has] / beside[has]).mean()) if has.any() else float("nan"),
            "content": float((alike >= self.keys.wants * beside).mean()),
        }

    def kept(self, state: State) -> Sequence[str]:
        """Who lives where."""
        return ("x", "y", "group")


def _around(grid: Grid) -> Grid:
    """Sum over the eight houses around each."""
    rows = grid + np.roll(grid, 1, 0) + np.roll(grid, -1, 0)
    around: Grid = rows + np.roll(rows, 1, 1) + np.roll(rows, -1, 1) - grid
    return around


def _make(shared: Shared, keys: Keys) -> Town:
    return Town(keys)


SCENARIO = Scenario(
    name="schelling",
    about="people of two groups who move where too few neighbours are of their own",
    keys=Keys,
    make=_make,
    check="50 x 50, 90 % full: .754 (SD .008) of neighbours are alike at wants = .3, .875 (.005) at .5",
)
