"""Bounded confidence: people move towards opinions that are not too far from theirs.

By rule as Hegselmann & Krause (2002, JASSS 5(3) 2) or Deffuant et al. (2000, doi:10.1142/S0219525900000078). Or in
words: each says where it stands, reads what another said, and says where it stands now; whether it moves is its own.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import Deciding, Floats, Ruled, answered, clusters, pairs
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

SAY = Item(id="say", text="Say in one sentence what you think of it.", form="text")
STAND = Item(
    id="stand", text="Where do you stand now, from 0 (fully against) to 100 (fully for)?", form="number",
    lower=0, upper=100,
)  # fmt: skip
_APART = 0.01  # opinions closer than this are one cluster


class Keys(Deciding):
    """Of the debate."""

    agents: int = Field(default=1000, ge=2, description="how many debate")
    rounds: int = Field(default=50, ge=1, description="how many, at most")
    meet: Literal["all", "pairs"] = Field(
        default="all",
        description="`all`: each moves to the mean of all opinions near its own (Hegselmann and Krause); `pairs`: two "
        "who are near each other move together (Deffuant)",
    )  # fmt: skip
    confidence: float = Field(
        default=0.2, gt=0, le=1, description="how far away an opinion may be, of a scale of 0 to 1"
    )
    step: float = Field(default=0.5, gt=0, le=0.5, description="part of their distance that each of two goes")
    topic: str = Field(default="closing the centre of your town to cars", description="what a model is asked about")

    @model_validator(mode="after")
    def _in_pairs(self) -> Self:
        if self.decided_by == "model" and self.meet == "all":
            raise ValueError('models hear one statement a round; write meet = "pairs"')
        return self


class Debate(Ruled):
    """A debate; opinions lie between 0 and 1."""

    asked = (SAY, STAND)

    def begin(self, society: int) -> State:
        """Opinions are spread evenly."""
        return State(
            society=society, agents={"opinion": self.at_start(society, "opinion")}, values={"turn": "say"},
        )  # fmt: skip

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody says something; then everybody reads what its partner said."""
        if not self.is_asked:
            return ()
        x, topic = state.agents["opinion"], self.keys.topic
        opinion = np.round(100 * x).astype(int)
        stands = [f"You stand at {own} on {topic}, where 0 is fully against and 100 fully for." for own in opinion]
        if state.values["turn"] == "say":
            return [
                Ask(agent=int(state.numbers[k]), item=SAY, told=stands[k], facts=(("own", str(own)),))
                for k, own in enumerate(opinion.tolist())
            ]
        asks = []
        for two in pairs(self.uniforms(state, "pairs")):
            for k, other in (two, two[::-1]):
                if (said := state.values["said"].get(str(other))) is None:  # who said nothing is not heard
                    continue
                facts = tuple([(name, str(100 * x[at])) for name, at in (("own", k), ("other", other))])
                told = f'{stands[k]} You talk to somebody who says: "{said}"'
                asks.append(Ask(agent=int(state.numbers[k]), item=STAND, told=told, facts=facts))
        return asks

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Opinions move; by rule it is over when none does."""
        x = state.agents["opinion"]
        if self.is_asked:
            if state.values["turn"] == "say":
                said = {str(k): " ".join(str(text).split()) for k, text in answered(state, heard).items()}
                state.values.update(turn="stand", said=said)
                for at, text in said.items():
                    state.happened("says", int(state.numbers[int(at)]), text=text)
                return state
            for k, answer in answered(state, heard).items():
                x[k] = answer / 100
            state.values = {"turn": "say"}
            return self.ended(state)
        new = self._near(x) if self.keys.meet == "all" else self._paired(x, pairs(self.uniforms(state, "pairs")))
        is_still = self.keys.meet == "all" and bool(np.abs(new - x).max() < 1e-12)
        state.agents["opinion"] = new
        return self.ended(state, is_over=is_still)

    def _near(self, x: Floats) -> Floats:
        order = np.argsort(x)
        sorted_ = x[order]
        upto = np.concatenate([[0.0], np.cumsum(sorted_)])
        low = np.searchsorted(sorted_, sorted_ - self.keys.confidence, "left")
        high = np.searchsorted(sorted_, sorted_ + self.keys.confidence, "right")
        new = np.empty_like(x)
        new[order] = (upto[high] - upto[low]) / (high - low)
        return new

    def _paired(self, x: Floats, two: NDArray[np.int64]) -> Floats:
        a, b = two[:, 0], two[:, 1]
        move = np.where(np.abs(x[a] - x[b]) < self.keys.confidence, self.keys.step * (x[b] - x[a]), 0.0)
        new = x.copy()
        new[a] += move
        new[b] -= move
        return new

    def measures(self, state: State) -> Mapping[str, float]:
        """Where opinions lie, and in how many groups of 1 % or more."""
        x = state.agents["opinion"]
        return {"mean": float(x.mean()), "sd": float(x.std()), "clusters": float(clusters(x, _APART))}

    def kept(self, state: State) -> Sequence[str]:
        """Who thinks what."""
        return ("opinion",)


def _make(shared: Shared, keys: Keys) -> Debate:
    return Debate(keys)


SCENARIO = Scenario(
    name="bounded-confidence",
    about="opinions that move only towards opinions near them",
    keys=Keys,
    make=_make,
    check="1,000 by Hegselmann and Krause: 1 cluster at .25, 2 at .20 (threshold about .2 on complete graphs, "
    "doi:10.1142/S0129183105007078); in pairs the mean never changes",
)
