"""The trust game: what is sent grows on its way, and something may come back (Berg, Dickhaut & McCabe 1995)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from pydantic import Field

from proband.designs.games.matches import game_of
from proband.designs.games.moves import amount, number
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class Trust(Rules):
    """An investor sends points, which are multiplied; a trustee returns some of them, or none."""

    about = "an investor sends points that grow on their way, and a trustee may send some back"
    quantities = (
        Quantity(name="sent", about="share of the endowment that is sent", best=0.0),
        Quantity(name="returned", about="share of what arrived that is sent back", by="sent", best=0.0),
        Quantity(name="pays", about="share of investors who sent and got back at least that much", best=0.0),
    )

    endowment: float = Field(default=10.0, gt=0, description="points of the investor")
    trustee_endowment: float = Field(default=0.0, ge=0, description="points of the trustee, which stay with it")
    multiplier: float = Field(default=3.0, gt=1, description="what every point sent is worth on arrival")

    @property
    def seats(self) -> tuple[str, ...]:
        """Who sends, and who returns."""
        return ("investor", "trustee")

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What is sent, and what of it is returned."""
        return (
            amount("send", "How much do you send to the other player?", self.endowment),
            amount("return", "How much do you send back?", self.endowment * self.multiplier),
        )

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        has = words.points(self.trustee_endowment) if self.trustee_endowment else "nothing"
        you = "first" if seat == "investor" else "second"
        return (
            f"{words.story('Two players take part.')} The first player has {words.points(self.endowment)}, the second "
            f"has {has}. The first player sends any part of it, or nothing, to the second. What is sent is multiplied "
            f"by {self.multiplier:g} before it arrives. The second player then sends any part of what arrived back to "
            f"the first, and keeps the rest. You are the {you} player."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """What is sent, and then what is returned; where nothing arrives, nothing is asked."""
        first = Turn(seat="investor", item=self.items[0])
        sent = number(first, (yield first))
        arrived, back = sent * self.multiplier, 0.0
        values = {"sent": sent / self.endowment}
        if arrived:
            second = Turn(
                seat="trustee",
                item=replace(self.items[1], upper=arrived),
                told=f"The first player sent {words.points(sent)}; {words.points(arrived)} arrived.",
                facts=(("sent", f"{sent:g}"), ("arrived", f"{arrived:g}")),
            )
            back = number(second, (yield second))
            values |= {"returned": back / arrived, "pays": float(back >= sent)}
        return Outcome(
            payoffs={"investor": self.endowment - sent + back, "trustee": self.trustee_endowment + arrived - back},
            told={
                "investor": f"You sent {words.points(sent)}, and {words.points(back)} came back.",
                "trustee": f"{words.points(arrived)} arrived, and you sent {words.points(back)} back.",
            },
            values=values,
        )

    def highest(self) -> float | None:
        """Everything is sent."""
        return self.endowment * self.multiplier + self.trustee_endowment


GAME = game_of(Trust)
