"""The dictator game: one player divides a pot, and another gets what is given (Forsythe et al. 1994)."""

from collections.abc import Sequence
from functools import cached_property
from math import isclose

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import amount, number
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class Dictator(Rules):
    """One player divides a pot; the other has no move, so no seat is kept for them."""

    about = "one player divides a pot with another person, who has no say"
    quantities = (
        Quantity(name="given", about="share of the pot that is given away", best=0.0),
        Quantity(name="gives nothing", about="share of givers who give nothing", best=1.0),
        Quantity(name="gives half", about="share of givers who give exactly half", best=0.0),
    )

    pot: float = Field(default=100.0, gt=0, description="points that are divided")

    @property
    def seats(self) -> tuple[str, ...]:
        """Who decides."""
        return ("giver",)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What is given."""
        return (amount("give", "How much do you give to the other person?", self.pot),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        other = words.story("another person")
        return (
            f"You have {words.points(self.pot)}, and {other} has nothing. You decide how much of it you give away. "
            "You keep the rest. The other person gets what you give and has no say in it."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """One gift."""
        turn = Turn(seat="giver", item=self.items[0], facts=(("pot", f"{self.pot:g}"),))
        given = number(turn, (yield turn))
        return Outcome(
            payoffs={"giver": self.pot - given, "receiver": given},
            told={"giver": f"You gave {words.points(given)} and kept {words.points(self.pot - given)}."},
            values={
                "given": given / self.pot,
                "gives nothing": float(given == 0),
                "gives half": float(isclose(given, self.pot / 2)),
            },
        )


GAME = game_of(Dictator)
