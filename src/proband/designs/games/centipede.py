"""The centipede game: two piles that grow while both pass, and the larger one for who takes (Rosenthal 1981)."""

from collections.abc import Sequence
from functools import cached_property

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import option
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class Centipede(Rules):
    """Players take turns to take the larger of two piles or to pass, whereupon both piles grow."""

    about = "two players in turn take the larger of two piles, or pass and let both grow"
    quantities = (
        Quantity(name="taken at", about="turn at which somebody took, one more than there are if nobody did",
                 form="number", best=1.0),
        Quantity(name="took at once", about="share of matches in which the first player took at once", best=1.0),
        Quantity(name="efficiency", about="what both got together, as a share of the most there was"),
    )  # fmt: skip

    turns: int = Field(default=6, ge=2, description="how often somebody may take")
    large: float = Field(default=4.0, gt=0, description="points of the larger pile at the first turn")
    small: float = Field(default=1.0, ge=0, description="points of the smaller pile at the first turn")
    growth: float = Field(default=2.0, gt=1, description="what both piles are multiplied by when a player passes")

    @property
    def seats(self) -> tuple[str, ...]:
        """In the order in which they move."""
        return ("first", "second")

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Take or pass."""
        return (Item(id="take", text="Which do you choose?", form="choice", options=("take", "pass")),)

    def _piles(self, turn: int, words: Words) -> str:
        large, small = (pile * self.growth ** (turn - 1) for pile in (self.large, self.small))
        return f"{words.points(large)} and {words.points(small)}"

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game, with the piles of every turn."""
        take, go_on = words.move("take"), words.move("pass")
        piles = "; ".join(f"turn {k}: {self._piles(k, words)}" for k in range(1, self.turns + 1))
        last = self._piles(self.turns + 1, words)
        return (
            f"{words.story('Two players move in turn; the first player begins.')} There are two piles. The player "
            f"whose turn it is chooses {take} or {go_on}. Whoever chooses {take} gets the larger pile, the other "
            f"player gets the smaller one, and the round is over. After {go_on} it is the other player's turn, and the "
            f"piles are larger. The piles are, {piles}. If nobody chooses {take} by turn {self.turns}, the piles are "
            f"{last}, and the larger one goes to the player who did not move last. You are the {seat} player."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """One decision after the other."""
        ended = self.turns + 1
        for turn in range(1, self.turns + 1):
            seat = self.seats[(turn - 1) % 2]
            told = f"It is turn {turn}; the piles are {self._piles(turn, words)}."
            now = Turn(seat=seat, item=self.items[0], told=told, facts=(("turn", str(turn)),))
            if option(now, (yield now)) == 0:
                ended = turn
                break
        taker = self.seats[(ended - 1) % 2]
        large, small = (pile * self.growth ** (ended - 1) for pile in (self.large, self.small))
        payoffs = {seat: large if seat == taker else small for seat in self.seats}
        how = f"turn {ended}" if ended <= self.turns else "nobody"
        said = f"The {taker} player chose {words.move('take')} at {how}."
        if ended > self.turns:
            said = f"Nobody chose {words.move('take')}."
        return Outcome(
            payoffs=payoffs,
            told={seat: f"{said} You got {words.points(payoffs[seat])}." for seat in self.seats},
            values={
                "taken at": float(ended),
                "took at once": float(ended == 1),
                "efficiency": (large + small) / (self.highest() or 1.0),
            },
        )

    def highest(self) -> float | None:
        """Nobody takes."""
        return (self.large + self.small) * self.growth**self.turns


GAME = game_of(Centipede)
