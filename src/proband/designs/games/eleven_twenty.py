"""The 11-20 money request game: ask for much, or for one less than the other (Arad & Rubinstein 2012)."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import option, players
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item

LOWEST, MOST = 11, 20


class ElevenTwenty(Rules):
    """Both ask for 11 to 20 points and get them; who asks for exactly one less than the other gets more."""

    about = "two players ask for 11 to 20 points; who asks for exactly one less than the other gets 20 more"
    quantities = (
        Quantity(name="asked", about="mean of the points asked for", form="number"),
        Quantity(name="undercut", about="share of players who asked for exactly one less than the other"),
    )

    bonus: float = Field(default=20.0, gt=0, description="points for asking for exactly one less than the other")

    @property
    def seats(self) -> tuple[str, ...]:
        """Both alike."""
        return players(2)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The request."""
        options = tuple([str(k) for k in range(LOWEST, MOST + 1)])
        codes = tuple([float(k) for k in range(LOWEST, MOST + 1)])
        text = "How much do you ask for?"
        return (Item(id="request", text=text, form="scale", options=options, codes=codes),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        return (
            f"{words.story('You and another player each ask for an amount of points at the same time.')} It must be a "
            f"whole number from {LOWEST} to {MOST}, each worth {words.points(1)}. Each player gets what they ask for. "
            f"A player who asks for exactly one less than the other gets {words.points(self.bonus)} more."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Two requests at the same time."""
        turns = [Turn(seat=seat, item=self.items[0]) for seat in self.seats]
        moves = yield turns
        one, two = (LOWEST + option(turn, moves) for turn in turns)
        asked = dict(zip(self.seats, ((one, two), (two, one)), strict=True))
        payoffs = {seat: own + self.bonus * (own == other - 1) for seat, (own, other) in asked.items()}
        return Outcome(
            payoffs=payoffs,
            told={
                seat: f"You asked for {own}, the other player for {other}; you got {words.points(payoffs[seat])}."
                for seat, (own, other) in asked.items()
            },
            values={"asked": (one + two) / 2, "undercut": float(abs(one - two) == 1) / 2},
        )

    def equilibrium(self) -> Mapping[str, float]:
        """The mixed equilibrium: each request below the highest is made so often that the one below gains nothing."""
        shares, left = {}, 1.0
        for request in range(MOST, LOWEST - 1, -1):
            # Asking for k pays k + bonus * p(k + 1) = MOST, so p(k + 1) = (MOST - k) / bonus, while any is left.
            shares[request] = left if request == LOWEST else min((MOST - request + 1) / self.bonus, left)
            left -= shares[request]
        undercut = sum(p * shares.get(request + 1, 0.0) for request, p in shares.items())
        return {"asked": sum(request * p for request, p in shares.items()), "undercut": undercut}


GAME = game_of(ElevenTwenty)
