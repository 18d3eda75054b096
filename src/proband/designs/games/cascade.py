"""Information cascades: a private hint each, and guesses that all who come later see (Anderson & Holt 1997)."""

from collections.abc import Sequence
from functools import cached_property

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import option, players
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item

STATES = ("red", "blue")


class Cascade(Rules):
    """Players guess one after the other which of two urns is in use; each sees one draw and all earlier guesses."""

    about = "players guess one after the other, each with a private hint and all earlier guesses before them"
    quantities = (
        Quantity(name="right", about="share of guesses that are right"),
        Quantity(name="rational", about="share of guesses that follow from hint and earlier guesses", best=1.0),
        Quantity(name="against hint", about="share who give up their hint where the others outweigh it", best=1.0),
        Quantity(name="with hint", about="share who keep to their hint where it is not outweighed", best=1.0),
    )

    size: int = Field(default=6, ge=2, description="how many guess, one after the other")
    accuracy: float = Field(default=2 / 3, gt=0.5, lt=1, description="probability that a hint is right")
    prize: float = Field(default=2.0, gt=0, description="points for a right guess")

    @property
    def seats(self) -> tuple[str, ...]:
        """In the order in which they guess."""
        return players(self.size)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The guess."""
        return (Item(id="guess", text="Which urn is in use?", form="choice", options=STATES),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        one, other = (words.move(state) for state in STATES)
        odds = "two out of three" if abs(self.accuracy - 2 / 3) < 1e-9 else f"{100 * self.accuracy:g} out of 100"
        return (
            f"{words.story('There are two urns.')} They are called {one} and {other}; one of them is in use, each with "
            f"the same probability. {self.size} players guess which one, one after the other. Before guessing, each "
            f"player draws one ball from the urn in use, looks at it alone and puts it back. Of the balls in each urn "
            f"{odds} bear its own name, the others bear the other name. Everybody hears the guesses of those before "
            f"them, but does not see their balls. A right guess gives {words.points(self.prize)}, a wrong one nothing."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """A hint and a guess for each, in order."""
        state = int(draw("state") < 0.5)
        guesses = list[int]()
        rational, against, kept = 0, list[bool](), list[bool]()
        for seat in self.seats:
            hint = state if draw("hint", seat) < self.accuracy else 1 - state
            heard = ", ".join(words.move(STATES[k]) for k in guesses) or "none"
            ask = Turn(
                seat=seat,
                item=self.items[0],
                told=f"Your ball says {words.move(STATES[hint])}. Guesses so far: {heard}.",
                facts=(("hint", str(hint)), ("guesses", "".join(map(str, guesses)))),
            )
            guess = option(ask, (yield ask))
            follows = hint if (outweighed := outweighs(guesses)) is None else outweighed
            rational += guess == follows
            (kept if follows == hint else against).append(guess == follows)
            guesses.append(guess)
        payoffs = {seat: self.prize * (guess == state) for seat, guess in zip(self.seats, guesses, strict=True)}
        name = words.move(STATES[state])
        return Outcome(
            payoffs=payoffs,
            told={seat: f"The urn in use was {name}; you got {words.points(payoffs[seat])}." for seat in self.seats},
            values={
                "right": sum(guess == state for guess in guesses) / self.size,
                "rational": rational / self.size,
                **({"against hint": sum(against) / len(against)} if against else {}),
                **({"with hint": sum(kept) / len(kept)} if kept else {}),
            },
        )


def outweighs(guesses: Sequence[int]) -> int | None:
    """The state that earlier guesses speak for whatever one's own hint is; None where the hint still decides.

    Who finds the odds even goes by the hint, so a guess says something of a hint only until two more are for one state
    than for the other: a cascade, which no later guess can end.
    """
    lead = 0
    for guess in guesses:
        if abs(lead) < 2:
            lead += 1 if guess else -1
    return None if abs(lead) < 2 else int(lead > 0)


GAME = game_of(Cascade)
