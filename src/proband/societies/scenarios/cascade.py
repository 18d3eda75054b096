"""Information cascades: everybody has a private hint and sees all earlier guesses (Anderson & Holt 1997).

The game ``cascade`` as a society: its words, its rule for who has to give up a hint, and as many in a row as one likes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from proband.designs.games.cascade import STATES, Cascade, outweighs
from proband.designs.games.words import MatchWords
from proband.designs.kind import Shared
from proband.seeds import uniform_for
from proband.societies.deciding import Decided, Ruled, answered
from proband.societies.scenario import Scenario
from proband.societies.state import State
from proband.societies.world import Ask, Heard

NOT_YET = -1
GUESS = Cascade().items[0]


class Keys(Decided):
    """Of the row of people; there are as many rounds as people."""

    agents: int = Field(default=20, ge=2, description="how many guess, one after the other")
    accuracy: float = Field(default=2 / 3, gt=0.5, lt=1, description="probability that a hint is right")


class Row(Ruled):
    """One guesses in every round."""

    fixed = frozenset({"agents", "accuracy"})
    asked = (GUESS,)

    @property
    def rounds(self) -> int:
        """One for everybody."""
        return int(self.keys.agents)

    def begin(self, society: int) -> State:
        """One of the urns is in use, and everybody has drawn a ball from it."""
        urn = int(uniform_for(self.seed, "society", society, "urn") < 0.5)
        is_right = self.at_start(society, "hint") < self.keys.accuracy
        guesses = np.full(self.keys.agents, NOT_YET, np.int8)
        return State(
            society=society, agents={"hint": np.where(is_right, urn, 1 - urn).astype(np.int8), "guess": guesses},
            values={"urn": urn},
        )  # fmt: skip

    def _guesses(self, state: State) -> list[int]:
        """What everybody hears: those of who said nothing are not among them."""
        made: list[int] = state.agents["guess"][: state.round - 1].tolist()
        return [guess for guess in made if guess != NOT_YET]

    def turns(self, state: State) -> Sequence[Ask]:
        """Whose turn it is."""
        if not self.is_asked:
            return ()
        k, words = state.round - 1, MatchWords()
        hint, guesses = int(state.agents["hint"][k]), self._guesses(state)
        heard = ", ".join(STATES[guess] for guess in guesses) or "none"
        return [
            Ask(
                agent=int(state.numbers[k]),
                item=GUESS,
                system=Cascade(size=self.keys.agents, accuracy=self.keys.accuracy).instructions("", words),
                told=f"Your ball says {STATES[hint]}. Guesses so far: {heard}.",
                facts=(("hint", str(hint)), ("guesses", "".join(map(str, guesses)))),
            )
        ]

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """By rule everybody guesses what hint and guesses together speak for."""
        k = state.round - 1
        if self.is_asked:
            guess = answered(state, heard).get(k, NOT_YET)
        else:
            outweighed = outweighs(self._guesses(state))
            guess = int(state.agents["hint"][k]) if outweighed is None else outweighed
        state.agents["guess"][k] = guess
        return self.ended(state)

    def measures(self, state: State) -> Mapping[str, float]:
        """Whether a cascade has begun, whether it is a right one, and who has guessed right so far."""
        made, urn = self._guesses(state), state.values["urn"]
        way = outweighs(made)
        return {
            "cascade": float(way is not None),
            **({} if way is None else {"right cascade": float(way == urn)}),
            **({"right": float(np.mean([guess == urn for guess in made]))} if made else {}),
        }

    def kept(self, state: State) -> Sequence[str]:
        """Hints and guesses."""
        return ("hint", "guess")


def _make(shared: Shared, keys: Keys) -> Row:
    return Row(keys)


SCENARIO = Scenario(
    name="cascade",
    about="people who guess in turn, each with a private hint and all earlier guesses",
    keys=Keys,
    make=_make,
    check="a cascade has begun after two guesses with probability 5/9, and is then right with 4/5, exactly",
)
