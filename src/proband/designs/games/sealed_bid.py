"""Sealed-bid auctions with private values: the winner pays their own bid, or the second highest (Vickrey 1961)."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import amount, number, others, players
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class SealedBid(Rules):
    """Everybody learns what the good is worth to them and bids once; the highest bid wins, ties by lot."""

    about = "bidders with private values bid once; the winner pays the first or the second price"
    quantities = (
        Quantity(name="bid", about="mean bid as a share of the value to the bidder"),
        Quantity(name="above value", about="share of bids above the value", best=0.0),
        Quantity(name="price", about="price paid as a share of the highest value there can be"),
        Quantity(name="efficient", about="share of auctions won by who values the good most", best=1.0),
    )

    price: Literal["first", "second"] = Field(default="first", description="which bid the winner pays")
    size: int = Field(default=4, ge=2, description="how many bid in one auction")
    highest_value: float = Field(default=100.0, gt=0, description="values are uniform between 0 and this")

    @property
    def seats(self) -> tuple[str, ...]:
        """All alike."""
        return players(self.size)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The bid."""
        return (amount("bid", "How much do you bid?", self.highest_value),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        own = "their own bid" if self.price == "first" else "the second highest bid"
        return (
            f"You and {others(self.size, 'bidder')} take part in an auction for {words.story('a good')}. Before "
            "each auction everybody learns what it is worth to them, and to nobody else. Values are drawn "
            f"independently; every value between {words.points(0)} and {words.points(self.highest_value)} is equally "
            f"likely. Everybody makes one bid at the same time. The highest bid wins, and the winner pays {own}. The "
            "winner gets their value less what they pay, the others get nothing. Ties are decided by lot."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Values by lot, and bids at the same time."""
        # To two decimals, so that what a bidder reads is what counts.
        worth = {seat: round(draw("value", seat) * self.highest_value, 2) for seat in self.seats}
        turns = [
            Turn(
                seat=seat,
                item=self.items[0],
                told=f"To you it is worth {words.points(value)}.",
                facts=(("value", f"{value:g}"),),
            )
            for seat, value in worth.items()
        ]
        moves = yield turns
        bids = {turn.seat: number(turn, moves) for turn in turns}
        order = sorted(self.seats, key=lambda seat: (-bids[seat], draw("tie", seat)))
        winner, paid = order[0], bids[order[self.price == "second"]]
        payoffs = {seat: worth[seat] - paid if seat == winner else 0.0 for seat in self.seats}
        shares = [bids[seat] / value for seat, value in worth.items() if value > 0]
        return Outcome(
            payoffs=payoffs,
            told={
                seat: f"You bid {words.points(bids[seat])}. {'You' if seat == winner else 'Another bidder'} won at a "
                f"price of {words.points(paid)}. You got {words.points(payoffs[seat])}."
                for seat in self.seats
            },
            values={
                **({"bid": sum(shares) / len(shares)} if shares else {}),
                "above value": sum(bids[seat] > worth[seat] for seat in self.seats) / self.size,
                "price": paid / self.highest_value,
                "efficient": float(worth[winner] == max(worth.values())),
            },
        )

    def equilibrium(self) -> Mapping[str, float]:
        """Risk-neutral bidders with uniform values; the mean price is the same for both kinds of auction."""
        n = self.size
        return {"bid": (n - 1) / n if self.price == "first" else 1.0, "price": (n - 1) / (n + 1)}


GAME = game_of(SealedBid)
