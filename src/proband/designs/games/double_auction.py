"""The double auction: buyers bid and sellers ask in turn, and trade where these meet (Smith 1962)."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import sqrt

from pydantic import Field, model_validator

from proband.designs.games.matches import game_of
from proband.designs.games.moves import amount, number
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class DoubleAuction(Rules):
    """One unit each; traders name prices in an order drawn anew for every pass, and the best of them stand.

    Who names a price at least as good as the one that stands on the other side trades at the price that stood.
    """

    about = "buyers and sellers of one unit each name prices in turn and trade where they meet"
    quantities = (
        Quantity(name="efficiency", about="gains from trade that are realised, as a share of all there are", best=1.0),
        Quantity(name="price", about="mean price of trades", form="number"),
        Quantity(name="spread", about="Smith's alpha: spread of prices around the equilibrium, as a share of it",
                 best=0.0),
        Quantity(name="traded", about="trades, as a share of those in equilibrium", best=1.0),
    )  # fmt: skip

    values: list[float] = Field(
        default=[90.0, 80.0, 70.0, 40.0], min_length=1, description="what a unit is worth to each buyer, drawn anew"
    )
    costs: list[float] = Field(
        default=[20.0, 30.0, 40.0, 70.0], min_length=1, description="what a unit costs each seller, drawn anew"
    )
    passes: int = Field(default=3, ge=1, description="how often everybody who has not traded may name a price")
    top: float = Field(default=100.0, gt=0, description="prices go from 0 to this")

    @model_validator(mode="after")
    def _can_trade(self) -> "DoubleAuction":
        if not self._pairs:
            raise ValueError("no value is above a cost, so there is nothing to gain from trade")
        if max(self.values) > self.top or min(self.costs) < 0:
            raise ValueError(f"values and costs must lie between 0 and top, which is {self.top:g}")
        return self

    @property
    def _pairs(self) -> list[tuple[float, float]]:
        """Values and costs of the trades in equilibrium, the best first."""
        pairs = zip(sorted(self.values, reverse=True), sorted(self.costs), strict=False)
        return [(value, cost) for value, cost in pairs if value > cost]

    @property
    def seats(self) -> tuple[str, ...]:
        """Buyers, then sellers."""
        buyers = [f"buyer-{k}" for k in range(1, len(self.values) + 1)]
        return (*buyers, *(f"seller-{k}" for k in range(1, len(self.costs) + 1)))

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The price."""
        return (amount("price", "Which price do you name?", self.top),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        what, buys = words.story("a good"), seat.startswith("buyer")
        gain = "what the unit is worth to you less the price" if buys else "the price less what the unit costs you"
        side, other, best = ("buy", "ask", "highest bid") if buys else ("sell", "bid", "lowest ask")
        return (
            f"There is a market for {what} with {len(self.values)} buyers and {len(self.costs)} sellers. You can "
            f"{side} one unit in each round. If you trade you get {gain}, which can be less than nothing; if you do "
            f"not, you get nothing. Traders name prices one after the other, up to {self.passes} times each. Buyers' "
            f"prices are bids, sellers' prices are asks; the highest bid and the lowest ask stand. If your price meets "
            f"the {other} that stands, you trade at once, at the price that stood. If not, it stands if it "
            f"is the {best}. After a trade both sides begin anew."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Passes over all who have not traded."""
        limit = self._limits(draw)
        waiting, trades = list(self.seats), list[tuple[str, str, float]]()
        standing: dict[str, tuple[float, str]] = {}
        for number_of_pass in range(self.passes):
            order = sorted(waiting, key=lambda seat: draw("order", number_of_pass, seat))
            for seat in order:
                if seat not in waiting:
                    continue
                buys = seat.startswith("buyer")
                ask = Turn(
                    seat=seat,
                    item=self.items[0],
                    told=self._told(words, limit[seat], standing, buys),
                    facts=(
                        ("limit", f"{limit[seat]:g}"),
                        *((side, f"{price:g}") for side, (price, _) in sorted(standing.items())),
                    ),
                )
                price = number(ask, (yield ask))
                own, other = ("bid", "ask") if buys else ("ask", "bid")
                sign = 1 if buys else -1
                if other in standing and sign * (price - standing[other][0]) >= 0:
                    at, partner = standing[other]
                    trades.append((seat, partner, at) if buys else (partner, seat, at))
                    waiting = [name for name in waiting if name not in (seat, partner)]
                    standing = {}
                elif own not in standing or sign * (price - standing[own][0]) > 0:
                    standing[own] = price, seat
        return self._outcome(words, limit, trades)

    def _limits(self, draw: Draw) -> Mapping[str, float]:
        """Value of each buyer and cost of each seller, dealt by lot."""
        n, limit = len(self.values), dict[str, float]()
        for seats, amounts in ((self.seats[:n], self.values), (self.seats[n:], self.costs)):
            shuffled = sorted(seats, key=lambda seat: draw("value", seat))
            limit |= dict(zip(shuffled, amounts, strict=True))
        return limit

    def _told(self, words: Words, limit: float, standing: dict[str, tuple[float, str]], buys: bool) -> str:
        own = f"A unit is worth {words.points(limit)} to you." if buys else f"A unit costs you {words.points(limit)}."
        known = [f"the {side} that stands is {words.points(price)}" for side, (price, _) in sorted(standing.items())]
        said = ", ".join(known)
        return f"{own} {said[0].upper()}{said[1:]}." if known else f"{own} No price stands."

    def _outcome(self, words: Words, limit: Mapping[str, float], trades: list[tuple[str, str, float]]) -> Outcome:
        payoffs = dict.fromkeys(self.seats, 0.0)
        for buyer, seller, price in trades:
            payoffs[buyer], payoffs[seller] = limit[buyer] - price, price - limit[seller]
        prices = [price for _, _, price in trades]
        values = {
            "efficiency": sum(payoffs.values()) / (self.highest() or 1.0),
            "traded": len(prices) / len(self._pairs),
        }
        if prices:
            middle = self.equilibrium()["price"]
            squares = sum((price - middle) ** 2 for price in prices) / len(prices)
            values |= {"price": sum(prices) / len(prices), "spread": sqrt(squares) / middle}
        known = ", ".join(words.points(price) for price in prices) or "none"
        told = {seat: f"Prices of trades: {known}. You got {words.points(points)}." for seat, points in payoffs.items()}
        return Outcome(payoffs=payoffs, told=told, values=values)

    def highest(self) -> float | None:
        """Everybody trades who gains by it."""
        return sum(value - cost for value, cost in self._pairs)

    def equilibrium(self) -> Mapping[str, float]:
        """Middle of the prices at which as many want to buy as to sell."""
        n = len(self._pairs)
        values, costs = [*sorted(self.values, reverse=True), 0.0], [*sorted(self.costs), self.top]
        low = max(costs[n - 1], values[n])
        high = min(values[n - 1], costs[n])
        return {"price": (low + high) / 2}


GAME = game_of(DoubleAuction)
