"""The traveller's dilemma: both are paid the lower of two claims, and the lower claim is rewarded (Basu 1994)."""

from collections.abc import Sequence
from functools import cached_property

from pydantic import Field, model_validator

from proband.designs.games.matches import game_of
from proband.designs.games.moves import amount, number, players
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class TravellersDilemma(Rules):
    """Both claim an amount and get the lower claim; a reward goes from who claimed more to who claimed less."""

    about = "two players are paid the lower of their claims, and the lower claim is rewarded"
    quantities = (
        Quantity(name="claimed", about="where claims lie between the lowest and the highest", best=0.0),
        Quantity(name="claim", about="mean claim", form="number"),
    )

    low: float = Field(default=80.0, ge=0, description="the lowest claim")
    high: float = Field(default=200.0, gt=0, description="the highest claim")
    reward: float = Field(default=5.0, gt=0, description="points that the lower claim wins and the higher loses")

    @model_validator(mode="after")
    def _apart(self) -> "TravellersDilemma":
        if self.low >= self.high:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}; claims need room between them")
        return self

    @property
    def seats(self) -> tuple[str, ...]:
        """Both alike."""
        return players(2)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The claim."""
        return (amount("claim", "How much do you claim?", self.high, self.low),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        return (
            f"{words.story('You and another player each claim an amount at the same time.')} A claim is between "
            f"{words.points(self.low)} and {words.points(self.high)}. If both claims are equal, both players get that "
            f"amount. If not, both get the lower of the two claims, and in addition the player with the lower claim "
            f"gets {words.points(self.reward)}, and the player with the higher claim loses {words.points(self.reward)}."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Two claims at the same time."""
        turns = [Turn(seat=seat, item=self.items[0]) for seat in self.seats]
        moves = yield turns
        claims = {turn.seat: number(turn, moves) for turn in turns}
        least, mean = min(claims.values()), sum(claims.values()) / 2
        is_tie = max(claims.values()) == least
        payoffs = {
            seat: least + (0.0 if is_tie else self.reward if claim == least else -self.reward)
            for seat, claim in claims.items()
        }
        return Outcome(
            payoffs=payoffs,
            told={
                seat: f"You claimed {words.points(claims[seat])}, the other player {words.points(claims[other])}; "
                f"you got {words.points(payoffs[seat])}."
                for seat, other in (self.seats, self.seats[::-1])
            },
            values={"claimed": (mean - self.low) / (self.high - self.low), "claim": mean},
        )

    def highest(self) -> float | None:
        """Both claim the highest."""
        return 2 * self.high


GAME = game_of(TravellersDilemma)
