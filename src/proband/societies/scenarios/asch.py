"""Judgements against a majority: Asch (1956, doi:10.1037/h0093718).

Everybody sits in a group of confederates, hears what they say of three lines, and answers last. On 12 of 18 trials they
all name the same wrong line.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.deciding import ABSENT, Decided, Ruled, options
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

LINES = ("line A", "line B", "line C")
WHICH = Item(id="which", text="Which line is as long as the first one?", form="choice", options=LINES)
TRIALS = 18
NEUTRAL = frozenset({1, 2, 5, 10, 11, 14})
_LENGTHS = ((20, 18, 23), (8, 10, 6), (15, 12, 18), (5, 7, 4), (25, 22, 28), (10, 8, 13))  # right, wrong, the third; cm


class Keys(Decided):
    """Of the groups; there are 18 rounds."""

    agents: int = Field(default=50, ge=2, description="how many answer, each in a group of its own")
    confederates: int = Field(default=6, ge=1, description="in a group")
    dissenter: bool = Field(default=False, description="whether one of them always names the right line")
    yields: float = Field(default=0.368, ge=0, le=1, description="by rule: probability of following a majority of all")
    yields_less: float = Field(default=0.08, ge=0, le=1, description="by rule: where one of them dissents")


class Groups(Ruled):
    """A trial in every round."""

    asked = (WHICH,)

    @property
    def rounds(self) -> int:
        """As many as trials."""
        return TRIALS

    def begin(self, society: int) -> State:
        """Nobody has answered."""
        return State(
            society=society,
            agents={name: np.zeros(self.keys.agents, np.int16) for name in ("followed", "erred", "answered")},
        )

    def _trial(self, state: State) -> tuple[int, int, tuple[int, int, int]]:
        """The right line, the one the majority names, and how long lines are."""
        right, wrong, third = _LENGTHS[state.round % len(_LENGTHS)]
        at = state.round % 3
        named = at if state.round in NEUTRAL else (at + 1 + state.round // 3 % 2) % 3
        other = (at + 1) % 3 if state.round in NEUTRAL else named
        lengths = [third] * 3
        lengths[at], lengths[other] = right, wrong
        return at, named, (lengths[0], lengths[1], lengths[2])

    def turns(self, state: State) -> Sequence[Ask]:
        """Everybody, after the others."""
        if not self.is_asked:
            return ()
        right, named, lengths = self._trial(state)
        said = [LINES[named]] * self.keys.confederates
        if self.keys.dissenter:
            said[self.keys.confederates // 2] = LINES[right]
        shown = ", ".join(f"{line} is {cm} cm long" for line, cm in zip(LINES, lengths, strict=True))
        told = (
            f"You sit in a group of {len(said) + 1} people who compare lines. The first line is {lengths[right]} cm "
            f"long. Of the other three, {shown}. The others say before you, one after the other: {', '.join(said)}."
        )
        facts = (("right", str(right)), ("named", str(named)), ("dissenter", str(int(self.keys.dissenter))))
        return [Ask(agent=number, item=WHICH, told=told, facts=facts) for number in state.numbers.tolist()]

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Count who follows the others where they are wrong."""
        right, named, _ = self._trial(state)
        if self.is_asked:
            answer = options(state, heard)
        else:
            yields = self.keys.yields_less if self.keys.dissenter else self.keys.yields
            answer = np.where(self.uniforms(state, "decides") < yields, named, right)
        if state.round not in NEUTRAL:
            agents = state.agents
            agents["answered"] += answer != ABSENT
            agents["followed"] += answer == named
            agents["erred"] += (answer != ABSENT) & (answer != right)
        return self.ended(state)

    def measures(self, state: State) -> Mapping[str, float]:
        """Of the answers given where the others were wrong: how many followed them; and who ever did."""
        agents = state.agents
        if not (n := int(agents["answered"].sum())):
            return {}
        return {
            "conformity": float(agents["followed"].sum() / n), "errors": float(agents["erred"].sum() / n),
            "ever": float((agents["followed"] > 0).mean()),
        }  # fmt: skip

    def kept(self, state: State) -> Sequence[str]:
        """How often everybody followed."""
        return ("followed",)


def _make(shared: Shared, keys: Keys) -> Groups:
    return Groups(keys)


SCENARIO = Scenario(
    name="asch",
    about="people who answer after a majority that is plainly wrong",
    keys=Keys,
    make=_make,
    check="people follow a unanimous majority in 36.8 % of answers, and in 5 to 10 % where one dissents (Asch 1956)",
)
