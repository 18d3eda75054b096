"""Sugarscape: people who live on sugar that grows back (Epstein & Axtell 1996, Growing Artificial Societies, ch. 2)."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Deciding, Floats, Ints, Ruled, answered, gini
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

_WAYS = ("north", "east", "south", "west")
STAY = "I stay where I am"
_TEXT = "Where do you go?"
GO = Item(id="go", text=_TEXT, form="choice", options=(STAY, *(f"I go {way}" for way in _WAYS)))


class Keys(Deciding):
    """Of the land, a torus with two hills of sugar."""

    agents: int = Field(default=250, ge=1, description="people at the beginning")
    rounds: int = Field(default=100, ge=1, description="how many")
    side: int = Field(default=50, ge=10, description="places in a row")
    grows: int = Field(default=1, ge=0, description="units of sugar that grow back on each place in a round")
    vision: int = Field(default=6, ge=1, description="places that the most far-sighted see in each of four directions")
    metabolism: int = Field(default=4, ge=1, description="units that the hungriest eat in a round")
    batches: int = Field(
        default=20, ge=1, description="groups in which people move one after the other in an order drawn for each round"
    )

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.agents > self.side**2:
            raise ValueError(f"{self.agents} people and {self.side**2} places; take a longer side")
        if 2 * self.vision >= self.side:
            raise ValueError(f"a vision of {self.vision} reaches around a land of {self.side}; take a longer side")
        return self


class Land(Ruled):
    """All sugar is whole units, so that it can be accounted for exactly: see the stocks."""

    fixed = frozenset({"agents", "side", "vision", "metabolism"})
    asked = (GO,)

    @cached_property
    def capacity(self) -> NDArray[np.int64]:
        """Most sugar of each place: 4 around two points on a diagonal, less in rings further out."""
        side = self.keys.side
        y, x = np.divmod(np.arange(side**2), side)
        far = [
            np.hypot(
                *[
                    np.minimum(np.abs(at - part * side), side - np.abs(at - part * side))
                    for at, part in zip((x, y), hill, strict=True)
                ]
            )
            for hill in ((0.3, 0.7), (0.7, 0.3))
        ]
        steps = np.array([0.1, 0.2, 0.3, 0.42]) * side
        most: NDArray[np.int64] = 4 - np.searchsorted(steps, np.minimum(*far))
        return most

    def begin(self, society: int) -> State:
        """The land is full; people stand anywhere, with 5 to 25 units each."""
        keys = self.keys
        place = np.argsort(self.at_start(society, "place", keys.side**2))[: keys.agents]
        agents = {
            "place": place, "x": place % keys.side, "y": place // keys.side,
            "sugar": 5 + (21 * self.at_start(society, "sugar")).astype(np.int64),
            "vision": 1 + (keys.vision * self.at_start(society, "vision")).astype(np.int64),
            "eats": 1 + (keys.metabolism * self.at_start(society, "eats")).astype(np.int64),
        }  # fmt: skip
        ground = self.capacity.copy()
        stocks = {"ground": float(ground.sum()), "grown": float(ground.sum() + agents["sugar"].sum()), "eaten": 0.0}
        return State(society=society, agents=agents, stocks=stocks, values={"ground": ground.tolist()})

    @cached_property
    def _seen(self) -> Ints:
        """Places in each direction, shape (n_places, 4, vision), the nearest first."""
        side = self.keys.side
        y, x = np.divmod(np.arange(side**2), side)
        far = np.arange(1, self.keys.vision + 1)
        rows = np.array([-1, 0, 1, 0])[:, None] * far
        columns = np.array([0, 1, 0, -1])[:, None] * far
        seen: Ints = (y[:, None, None] + rows) % side * side + (x[:, None, None] + columns) % side
        return seen

    def _worth(self, state: State, ground: Ints, who: Ints) -> Ints:
        """Sugar of the places that each sees; -1 for what is taken or too far, shape (n_agents, 4, vision)."""
        agents, is_taken = state.agents, np.zeros(len(ground), bool)
        is_taken[agents["place"]] = True
        seen = self._seen[agents["place"][who]]
        is_far = np.arange(1, self.keys.vision + 1) > agents["vision"][who][:, None, None]
        return np.where(is_taken[seen] | is_far, -1, ground[seen])

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody, offered in each direction the nearest of the best places, all at the beginning of a round."""
        if not self.is_asked:
            return ()
        agents, asks = state.agents, []
        ground = np.array(state.values["ground"])
        worth = self._worth(state, ground, np.arange(len(state)))
        for k, number in enumerate(state.numbers.tolist()):
            here, offers, facts = int(ground[agents["place"][k]]), [], []
            for way, values in enumerate(worth[k]):
                at = int(np.argmax(values))
                if values[at] >= 0:
                    steps = "1 step" if at == 0 else f"{at + 1} steps"
                    offers.append(f"I go {steps} {_WAYS[way]}, where there is {values[at]}")
                    facts.append(f"{way},{at},{values[at]}")
            if not offers:
                continue
            told = (
                f"You live on sugar, and eat {agents['eats'][k]} in a round. You have {agents['sugar'][k]}, and gather "
                f"all that lies where you are at the end of the round; {here} lies where you are now."
            )
            item = Item(id="go", text=_TEXT, form="choice", options=(f"{STAY}, where there is {here}", *offers))
            asks.append(
                Ask(agent=number, item=item, told=told, facts=(("here", str(here)), ("offers", " ".join(facts))))
            )
        return asks

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """People move and gather, then eat; who cannot eat enough dies; then sugar grows."""
        agents, ground = state.agents, np.array(state.values["ground"])
        u = {what: self.uniforms(state, what) for what in ("order", "ways")}
        told = self._told(state, heard) if self.is_asked else {}
        for batch in np.array_split(np.argsort(u["order"]), self.keys.batches):
            if self.is_asked:
                to = np.array([told.get(k, int(agents["place"][k])) for k in batch.tolist()], np.int64)
            else:
                to = self._best(state, ground, batch, u["ways"])
            self._go(state, batch, to)
        gathered = ground[agents["place"]]
        agents["sugar"] = agents["sugar"] + gathered
        ground[agents["place"]] = 0
        eaten = np.minimum(agents["sugar"], agents["eats"])
        lives = agents["sugar"] >= agents["eats"]
        agents["sugar"] = agents["sugar"] - eaten
        grown = np.minimum(self.capacity - ground, self.keys.grows)
        ground += grown
        for number in state.numbers[~lives].tolist():
            state.happened("dies", number)
        state.agents = {name: column[lives] for name, column in agents.items()}
        state.agents["x"], state.agents["y"] = (
            state.agents["place"] % self.keys.side,
            state.agents["place"] // self.keys.side,
        )
        state.values["ground"] = ground.tolist()
        state.stocks["ground"] = float(ground.sum())
        state.stocks["grown"] += float(grown.sum())
        state.stocks["eaten"] += float(eaten.sum())
        return self.ended(state, is_over=not len(state))

    def _told(self, state: State, heard: Sequence[Heard]) -> dict[int, int]:
        """Where those who were asked want to go, by position."""
        facts, to = {one.ask.agent: dict(one.ask.facts)["offers"].split() for one in heard}, {}
        for k, answer in answered(state, heard).items():
            if answer:
                way, at, _ = facts[int(state.numbers[k])][answer - 1].split(",")
                to[k] = int(self._seen[state.agents["place"][k], int(way), int(at)])
        return to

    def _best(self, state: State, ground: Ints, who: Ints, u: Floats) -> Ints:
        """The nearest of the best places in sight, the own one among them; a way is drawn where several are alike."""
        place = state.agents["place"][who]
        worth = self._worth(state, ground, who)
        nearest = worth.argmax(axis=2)
        best = worth.max(axis=2)
        # More sugar first, then fewer steps, then by chance; the way by which one begins to look turns by agent.
        first = (4 * u[who]).astype(np.int64)[:, None]
        rank = best * 10_000 - nearest * 10 - (np.arange(4) - first) % 4
        way = rank.argmax(axis=1)
        at = np.arange(len(who))
        goes = best[at, way] > ground[place]
        return np.where(goes, self._seen[place, way, nearest[at, way]], place)

    def _go(self, state: State, who: Ints, to: Ints) -> None:
        place = state.agents["place"]
        is_taken = np.zeros(self.keys.side**2, bool)
        is_taken[place] = True
        goes = ~is_taken[to]
        _, first = np.unique(to[goes], return_index=True)  # of two who want one place, the one who comes first has it
        place[who[goes][first]] = to[goes][first]

    def measures(self, state: State) -> Mapping[str, float]:
        """Who lives, how unequal they are, and what the account of sugar leaves over, which is nothing."""
        sugar, stocks = state.agents["sugar"], state.stocks
        left = stocks["grown"] - stocks["eaten"] - stocks["ground"] - float(sugar.sum())
        return {
            "alive": len(state) / self.keys.agents,
            "left over": left,
            **({"gini": gini(sugar)} if sugar.any() else {}),
        }

    def kept(self, state: State) -> Sequence[str]:
        """Who is where, and has what."""
        return ("x", "y", "sugar")


def _make(shared: Shared, keys: Keys) -> Land:
    return Land(keys)


SCENARIO = Scenario(
    name="sugarscape",
    about="people who live on sugar that grows back",
    keys=Keys,
    make=_make,
    check="sugar at the beginning + grown = eaten + stored + left, exactly, in every round",
)
