"""The minimum-effort game: all are paid by the least effort of any (Van Huyck, Battalio & Beil 1990)."""

from collections.abc import Sequence
from functools import cached_property

from pydantic import Field, model_validator

from proband.designs.games.matches import game_of
from proband.designs.games.moves import option, others, players
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class MinimumEffort(Rules):
    """Everybody chooses an effort; each gains by the least of all and pays for their own.

    Every common effort is an equilibrium, so there is no one value for players to reach.
    """

    about = "players choose efforts, each gains by the least of all and pays for their own"
    quantities = (
        Quantity(name="effort", about="mean effort, from 1", form="number"),
        Quantity(name="least", about="least effort of the group, from 1", form="number"),
        Quantity(name="wasted", about="mean effort above the least", form="number", best=0.0),
    )

    size: int = Field(default=4, ge=2, description="how many play in one match")
    efforts: int = Field(default=7, ge=2, description="efforts go from 1 to this")
    gain: float = Field(default=20.0, gt=0, description="points for each unit of the least effort")
    cost: float = Field(default=10.0, gt=0, description="points that each unit of one's own effort costs")
    base: float = Field(default=60.0, description="points that everybody gets besides")

    @model_validator(mode="after")
    def _worth_it(self) -> "MinimumEffort":
        if self.cost >= self.gain:
            raise ValueError(f"cost {self.cost:g} is not below gain {self.gain:g}: nobody would want any effort")
        return self

    @property
    def seats(self) -> tuple[str, ...]:
        """All alike."""
        return players(self.size)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The effort."""
        options = tuple([str(k) for k in range(1, self.efforts + 1)])
        return (Item(id="effort", text="Which effort do you choose?", form="scale", options=options),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        effort = words.story("effort")
        return (
            f"You and {others(self.size)} each choose an {effort} from 1 to {self.efforts} at the same "
            f"time. Everybody gets {words.points(self.base)}, and in addition {words.points(self.gain)} for each unit "
            f"of the smallest {effort} that any player chose. Each unit of your own {effort} costs you "
            f"{words.points(self.cost)}."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Efforts at the same time."""
        facts = (("least", f"{past[-1].values['least']:g}"),) if past else ()
        turns = [Turn(seat=seat, item=self.items[0], facts=facts) for seat in self.seats]
        moves = yield turns
        efforts = {turn.seat: option(turn, moves) + 1 for turn in turns}
        least, mean = min(efforts.values()), sum(efforts.values()) / len(efforts)
        payoffs = {seat: self.base + self.gain * least - self.cost * own for seat, own in efforts.items()}
        return Outcome(
            payoffs=payoffs,
            told={
                seat: f"You chose {own}, the smallest was {least}; you got {words.points(payoffs[seat])}."
                for seat, own in efforts.items()
            },
            values={"effort": mean, "least": float(least), "wasted": mean - least},
        )

    def highest(self) -> float | None:
        """All choose the highest."""
        return self.size * (self.base + (self.gain - self.cost) * self.efforts)


GAME = game_of(MinimumEffort)
