"""The beauty contest: whoever is nearest to a fraction of the mean of all numbers wins (Nagel 1995)."""

from collections.abc import Sequence
from functools import cached_property

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import number, others, players
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class BeautyContest(Rules):
    """Everybody names a number; who is nearest to `fraction` times the mean shares the prize."""

    about = "players name numbers, and whoever is nearest to a fraction of their mean wins"
    quantities = (
        Quantity(name="named", about="mean of the numbers named", form="number", best=0.0),
        Quantity(name="target", about="the fraction of that mean", form="number", best=0.0),
    )

    size: int = Field(default=10, ge=2, description="how many play in one match")
    fraction: float = Field(default=2 / 3, gt=0, lt=1, description="of the mean of all numbers, which is to be met")
    top: float = Field(default=100.0, gt=0, description="numbers go from 0 to this")
    prize: float = Field(default=20.0, gt=0, description="points of whoever is nearest, shared by those who tie")

    @property
    def seats(self) -> tuple[str, ...]:
        """All alike."""
        return players(self.size)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The number."""
        return (Item(id="number", text="Which number do you name?", form="number", lower=0.0, upper=self.top),)

    @property
    def _share(self) -> str:
        return "2/3" if abs(self.fraction - 2 / 3) < 1e-9 else f"{self.fraction:g}"

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        return (
            f"You and {others(self.size)} each name a number at the same time. It may "
            f"be any number from 0 to {self.top:g}. Whoever is nearest to {self._share} times the mean of all numbers "
            f"named wins {words.points(self.prize)}; the others get nothing. Those who are equally near share it."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Numbers at the same time."""
        item = self.items[0]
        facts = (("target", f"{past[-1].values['target']:g}"),) if past else ()
        turns = [Turn(seat=seat, item=item, facts=facts) for seat in self.seats]
        moves = yield turns
        named = {turn.seat: number(turn, moves) for turn in turns}
        mean = sum(named.values()) / len(named)
        target = self.fraction * mean
        nearest = min(abs(x - target) for x in named.values())
        winners = [seat for seat, x in named.items() if abs(x - target) <= nearest + 1e-9]
        told = f"The mean was {mean:.2f}, and {self._share} times the mean {target:.2f}."
        payoffs = {seat: self.prize / len(winners) if seat in winners else 0.0 for seat in self.seats}
        return Outcome(
            payoffs=payoffs,
            told={
                seat: f"You named {named[seat]:g}. {told} You got {words.points(payoffs[seat])}." for seat in self.seats
            },
            values={"named": mean, "target": target},
        )


GAME = game_of(BeautyContest)
