"""Rebellion against a central authority: model I of Epstein (2002, doi:10.1073/pnas.092080199)."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Deciding, Floats, Ints, Ruled
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

REBEL = Item(
    id="rebel", text="Do you take part in an open protest now?", form="choice",
    options=("I stay calm", "I take part"),
)  # fmt: skip
_CONSTANT = 2.3  # one officer for each who is active makes an arrest probable to .9
_LEVELS = ("little", "some", "great")
_COPS, _ACTIVE = (0, 1, 3, 6), (0, 1, 4, 10)  # from how many on a model is told of none, a few, several, many
_MANY = ("no", "a few", "several", "many")


class Keys(Deciding):
    """Of the place, which has as many agents as its density says."""

    agents: int = Field(default=1120, ge=1, description="how many citizens")
    rounds: int = Field(default=200, ge=1, description="how many")
    cops: int = Field(default=118, ge=0, description="officers")
    side: int = Field(default=40, ge=3, description="places in a row of the square, which is a torus")
    vision: int = Field(default=7, ge=1, description="how far all see, in steps along rows and columns")
    legitimacy: float = Field(default=0.82, ge=0, le=1, description="of the government, for everybody")
    threshold: float = Field(default=0.1, description="of grievance less risk, above which one rebels")
    longest: int = Field(default=30, ge=0, description="rounds in jail, at most")
    batches: int = Field(
        default=20, ge=1, description="groups in which all act one after the other in an order drawn for each round"
    )

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.agents + self.cops > self.side**2:
            raise ValueError(f"{self.agents + self.cops} people and {self.side**2} places; take a longer side")
        if 2 * self.vision + 1 > self.side:
            raise ValueError(f"a vision of {self.vision} reaches around a square of {self.side}; take a longer side")
        return self


class Square(Ruled):
    """Citizens first in the table, officers after them; those in jail stay where they were arrested."""

    fixed = frozenset({"agents", "cops", "side"})
    asked = (REBEL,)
    archetype = "citizen"
    worded = ("legitimacy",)

    def begin(self, society: int) -> State:
        """All are calm, anywhere."""
        keys = self.keys
        n = keys.agents + keys.cops
        place = np.argsort(self.at_start(society, "place", keys.side**2))[:n]
        agents = {
            "place": place, "is_cop": np.arange(n) >= keys.agents, "active": np.zeros(n, bool),
            "jail": np.zeros(n, np.int32), "hardship": self.at_start(society, "hardship", n),
            "risk": self.at_start(society, "risk", n), "x": place % keys.side, "y": place // keys.side,
        }  # fmt: skip
        return State(society=society, agents=agents)

    @cached_property
    def _around(self) -> Ints:
        """Places in sight of each, without its own, shape (n_places, n_in_sight)."""
        side, far = self.keys.side, self.keys.vision
        steps = [(r, c) for r in range(-far, far + 1) for c in range(-far, far + 1) if 0 < abs(r) + abs(c) <= far]
        y, x = np.divmod(np.arange(side**2), side)
        seen: Ints = np.stack([(y + r) % side * side + (x + c) % side for r, c in steps], axis=1)
        return seen

    def _in_sight(self, state: State, who: Ints) -> tuple[Ints, Ints]:
        """Officers and rebels that each sees."""
        agents, n = state.agents, self.keys.side**2
        seen = self._around[agents["place"][who]]
        cop, active = np.zeros(n, np.int64), np.zeros(n, np.int64)
        cop[agents["place"][agents["is_cop"]]] = 1
        active[agents["place"][agents["active"]]] = 1
        return cop[seen].sum(axis=1), active[seen].sum(axis=1)

    def _citizens(self, state: State) -> NDArray[np.bool_]:
        free: NDArray[np.bool_] = ~state.agents["is_cop"] & (state.agents["jail"] == 0)
        return free

    def _situations(self, state: State) -> Mapping[str, NDArray[np.int64]]:
        cops, active = self._in_sight(state, np.arange(len(state)))
        return {
            **{name: (3 * state.agents[name]).astype(np.int64) for name in ("hardship", "risk")},
            "cops": np.searchsorted(_COPS, cops, "right") - 1, "active": np.searchsorted(_ACTIVE, active, "right") - 1,
        }  # fmt: skip

    def turns(self, state: State) -> Sequence[Ask]:
        """Citizens who are free, by situation in coarse words, all at the beginning of a round."""
        if not self.is_asked:
            return ()
        fair = round(100 * self.keys.legitimacy)
        return self.by_situation(
            REBEL,
            self._situations(state),
            lambda at: (
                f"{fair} of 100 people in your country think that its government is rightly in power. You live in "
                f"{_LEVELS[at['hardship']]} hardship, and have {_LEVELS[at['risk']]} fear of risks. Around you there "
                f"are {_MANY[at['cops']]} police officers and {_MANY[at['active']]} people who protest; who protests "
                "may be arrested."
            ),
            self._citizens(state),
        )

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Everybody acts once: citizens decide, officers arrest one whom they see, and both go somewhere in sight."""
        agents = state.agents
        free = self._citizens(state)
        agents["jail"] = np.maximum(agents["jail"] - 1, 0)
        if self.is_asked:
            chosen = self.drawn(heard, self._situations(state), self.uniforms(state, "decides"))
            agents["active"] = np.where(free & (chosen >= 0), chosen == 1, agents["active"] & free)
        u = {what: self.uniforms(state, what) for what in ("order", "arrests", "term", "moves")}
        for batch in np.array_split(np.argsort(u["order"]), self.keys.batches):
            # An officer of an earlier batch may have arrested somebody of this one.
            citizens = batch[free[batch] & (agents["jail"][batch] == 0)]
            if not self.is_asked:
                agents["active"][citizens] = self._rebels(state, citizens)
            cops = batch[agents["is_cop"][batch]]
            self._arrest(state, cops, u["arrests"], u["term"])
            self._move(state, np.concatenate([citizens, cops]), u["moves"])
        agents["x"], agents["y"] = agents["place"] % self.keys.side, agents["place"] // self.keys.side
        return self.ended(state)

    def _rebels(self, state: State, who: Ints) -> NDArray[np.bool_]:
        cops, active = self._in_sight(state, who)
        # Rounded down to whole officers for each who is active, oneself among them: without it there are no bursts.
        arrest = -np.expm1(-_CONSTANT * np.rint(cops / (active + 1)))
        agents = state.agents
        grievance = agents["hardship"][who] * (1 - self.keys.legitimacy)
        found: NDArray[np.bool_] = grievance - agents["risk"][who] * arrest > self.keys.threshold
        return found

    def _arrest(self, state: State, cops: Ints, u: Floats, term: Floats) -> None:
        agents, who = state.agents, np.full(self.keys.side**2, -1)
        rebels = np.flatnonzero(agents["active"])
        who[agents["place"][rebels]] = rebels
        seen = who[self._around[agents["place"][cops]]]
        for cop, found in zip(cops.tolist(), seen, strict=True):
            left = found[found >= 0]
            left = left[agents["active"][left]]  # another officer may have come first
            if len(left):
                arrested = left[int(u[cop] * len(left))]
                agents["active"][arrested] = False
                agents["jail"][arrested] = int(term[cop] * (self.keys.longest + 1))

    def _move(self, state: State, who: Ints, u: Floats) -> None:
        place, is_taken = state.agents["place"], np.zeros(self.keys.side**2, bool)
        is_taken[place] = True
        seen = self._around[place[who]]
        vacant = ~is_taken[seen]
        n_vacant = vacant.sum(axis=1)
        nth = (u[who] * n_vacant).astype(np.int64)
        to = seen[np.arange(len(who)), np.argmax(np.cumsum(vacant, axis=1) > nth[:, None], axis=1)]
        who, to = who[n_vacant > 0], to[n_vacant > 0]
        _, first = np.unique(to, return_index=True)  # of two who want one place, the one who comes first has it
        place[who[first]] = to[first]

    def measures(self, state: State) -> Mapping[str, float]:
        """Citizens who rebel, and those in jail."""
        agents, n = state.agents, self.keys.agents
        return {"active": float(agents["active"].sum() / n), "jailed": float((agents["jail"] > 0).sum() / n)}

    def kept(self, state: State) -> Sequence[str]:
        """Who is where, and what they do."""
        return ("x", "y", "is_cop", "active", "jail")


def _make(shared: Shared, keys: Keys) -> Square:
    return Square(keys)


SCENARIO = Scenario(
    name="civil-violence",
    about="citizens who rebel where few officers see them",
    keys=Keys,
    make=_make,
    check="as Mesa's example of the same model with the same parameters: means of active and jailed within its spread",
)
