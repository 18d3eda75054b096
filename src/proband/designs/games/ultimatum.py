"""The ultimatum game: one player offers a part of a pot, the other accepts or refuses it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item

PROPOSER, RESPONDER = "proposer", "responder"
REPLY = Item(id="reply", text="Do you accept the offer?", form="choice", options=("accept", "refuse"))


class Ultimatum(Rules):
    """A pot is divided as the proposer says, if the responder accepts; else both get nothing."""

    about = "one player offers a part of a pot; if the other refuses, both get nothing"
    quantities = (
        Quantity(name="offer", about="share of the pot that is offered", best=0.0),
        Quantity(name="accepted", about="offers that are accepted", by="offer", best=1.0),
        Quantity(name="least", about="smallest share that the responder would accept", best=0.0),
    )

    pot: int = Field(default=10, ge=1, description="what there is to divide, in points")
    method: Literal["offer", "strategy"] = Field(
        default="offer", description="`offer`: the responder answers the offer. `strategy`: names the least it accepts"
    )

    @property
    def seats(self) -> tuple[str, ...]:
        """Proposer and responder."""
        return PROPOSER, RESPONDER

    @cached_property
    def _offer(self) -> Item:
        text = "How much do you offer the other player?"
        return Item(id="offer", text=text, form="number", lower=0, upper=self.pot, unit="points")

    @cached_property
    def _least(self) -> Item:
        return replace(self._offer, id="least", text="What is the smallest offer that you accept?")

    @property
    def items(self) -> tuple[Item, ...]:
        """The offer, and what is answered to it."""
        return self._offer, (REPLY if self.method == "offer" else self._least)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        pot = words.points(self.pot)
        yes, no = (words.move(option) for option in REPLY.options)
        if self.method == "offer":
            how = f"The responder learns the offer and answers {yes} (accept) or {no} (refuse)."
        else:
            how = (
                "Not knowing the offer, the responder names the smallest one that it accepts; any lower one is refused."
            )
        return (
            f"You are the {seat} in {words.story('a game of two')}. The proposer offers the responder a part of "
            f"{pot}. {how} If the offer is accepted, the responder gets it and the proposer keeps the rest. If it is "
            "refused, both get nothing."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """An offer, then an answer; with the strategy method, both at once."""
        if self.method == "strategy":
            moves = yield [Turn(seat=PROPOSER, item=self._offer), Turn(seat=RESPONDER, item=self._least)]
            offer, least = float(moves[PROPOSER]), float(moves[RESPONDER])  # type: ignore[arg-type]
            return self._outcome(words, offer, offer >= least, {"least": least / self.pot})
        offer = float((yield Turn(seat=PROPOSER, item=self._offer))[PROPOSER])  # type: ignore[arg-type]
        facts = (("offer", f"{offer / self.pot:g}"),)
        told = f"The proposer offers you {words.points(offer)} of {words.points(self.pot)}."
        moves = yield Turn(seat=RESPONDER, item=REPLY, told=told, facts=facts)
        return self._outcome(words, offer, moves[RESPONDER] == 0, {})

    def _outcome(self, words: Words, offer: float, accepted: bool, more: dict[str, float]) -> Outcome:
        payoffs = {PROPOSER: self.pot - offer, RESPONDER: offer} if accepted else {PROPOSER: 0.0, RESPONDER: 0.0}
        what = f"{words.points(offer)} were offered and {'accepted' if accepted else 'refused'}"
        return Outcome(
            payoffs=payoffs,
            told={seat: f"{what}; you got {words.points(got)}." for seat, got in payoffs.items()},
            values={"offer": offer / self.pot, "accepted": float(accepted), **more},
        )

    def highest(self) -> float:
        """The pot."""
        return float(self.pot)


GAME = game_of(Ultimatum)
