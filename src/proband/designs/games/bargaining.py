"""Bargaining over a pot: offers in turn, with a message each, until one is accepted (Rubinstein 1982)."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import amount, number, option
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class Bargaining(Rules):
    """Two players make offers in turn; every rejection shrinks the pot, and after the last one it is gone."""

    about = "two players make offers in turn, with messages, over a pot that shrinks until they agree"
    quantities = (
        Quantity(name="first offer", about="share of the pot in the first offer"),
        Quantity(name="agreed", about="share of matches that end in agreement", best=1.0),
        Quantity(name="agreed at once", about="share of matches whose first offer is accepted", best=1.0),
        Quantity(name="first player", about="share of what both got that the first player got"),
    )

    pot: float = Field(default=100.0, gt=0, description="points that are divided")
    turns: int = Field(default=3, ge=1, description="how many offers there can be")
    shrinks: float = Field(default=0.9, gt=0, le=1, description="what is left of the pot after a rejection, as a share")
    messages: bool = Field(default=True, description="whether a message goes with every offer")

    @property
    def seats(self) -> tuple[str, ...]:
        """In the order in which they offer."""
        return ("first", "second")

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """A message, an offer, and the answer to it."""
        message = Item(id="write", text="What do you write to the other player?", form="text")
        offer = amount("offer", "How much do you offer to the other player?", self.pot)
        reply = Item(id="reply", text="Which do you choose?", form="choice", options=("accept", "reject"))
        return (message, offer, reply)[not self.messages :]

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        say = " A message goes with every offer." if self.messages else ""
        yes, no = words.move("accept"), words.move("reject")
        left = f"{self.shrinks:g} times what it was" if self.shrinks < 1 else "as large as before"
        return (
            f"{words.story('Two players bargain over a pot.')} At first it holds {words.points(self.pot)}. The players "
            f"make offers in turn, and the first player begins.{say} Whoever is made an offer chooses {yes} or {no}. "
            f"After {yes} they get what was offered, and the player who offered gets the rest of the pot. After {no} "
            f"it is their turn to offer, and the pot is {left}. If offer {self.turns} is not accepted either, nobody "
            f"gets anything. You are the {seat} player."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Offer and answer until there is agreement, or no turn left."""
        *message, offer_item, reply_item = self.items
        values: dict[str, float] = {"agreed": 0.0, "agreed at once": 0.0}
        so_far = ""  # what both know of this round
        for turn in range(self.turns):
            pot, said = self.pot * self.shrinks**turn, ""
            by, to = self.seats[turn % 2], self.seats[1 - turn % 2]
            told = f"{so_far}Offer {turn + 1} is yours; the pot holds {words.points(pot)}."
            for item in message:
                said = str((yield Turn(seat=by, item=item, told=told))[by]).strip()
                told += f"\nYou wrote: {said}"
            facts = (("pot", f"{pot:g}"), ("turn", str(turn + 1)))
            ask = Turn(seat=by, item=amount(offer_item.id, offer_item.text, pot), told=told, facts=facts)
            offer = number(ask, (yield ask))
            if turn == 0:
                values["first offer"] = offer / pot
            told = f"{so_far}The other player offers you {words.points(offer)} of {words.points(pot)}."
            told += f"\nThe other player wrote: {said}" if message else ""
            reply = Turn(seat=to, item=reply_item, told=told, facts=(("offered", f"{offer / pot:g}"), *facts))
            if option(reply, (yield reply)) == 0:
                payoffs = {by: pot - offer, to: offer}
                values |= {"agreed": 1.0, "agreed at once": float(turn == 0), "first player": payoffs["first"] / pot}
                return Outcome(
                    payoffs=payoffs,
                    told={
                        seat: f"Offer {turn + 1} was accepted; you got {words.points(payoffs[seat])}."
                        for seat in self.seats
                    },
                    values=values,
                )
            wrote = f" The message was: {said}" if message else ""
            so_far += (
                f"Offer {turn + 1}: the {by} player offered {words.points(offer)} of {words.points(pot)}, and the "
            )
            so_far += f"{to} player chose {words.move('reject')}.{wrote}\n"
        nobody = dict.fromkeys(self.seats, 0.0)
        return Outcome(payoffs=nobody, told=dict.fromkeys(self.seats, "No offer was accepted."), values=values)

    def highest(self) -> float | None:
        """Agreement at once."""
        return self.pot

    def equilibrium(self) -> Mapping[str, float]:
        """By backward induction: who offers leaves the other what that player could get by offering next."""
        offer = 0.0
        for _ in range(self.turns - 1):
            offer = self.shrinks * (1 - offer)
        return {"first offer": offer, "first player": 1 - offer}


GAME = game_of(Bargaining)
