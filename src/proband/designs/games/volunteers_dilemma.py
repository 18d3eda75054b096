"""The volunteer's dilemma: one is enough to help all, at a cost to whoever does (Diekmann 1985)."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from pydantic import Field, model_validator

from proband.designs.games.matches import game_of
from proband.designs.games.moves import option, others, players
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class VolunteersDilemma(Rules):
    """Everybody volunteers or not; one volunteer is enough, and volunteering costs."""

    about = "one volunteer is enough to help all, and volunteering costs"
    quantities = (
        Quantity(name="volunteered", about="share of players who volunteer"),
        Quantity(name="provided", about="share of groups in which somebody does"),
    )

    size: int = Field(default=3, ge=2, description="how many play in one match")
    value: float = Field(default=100.0, gt=0, description="points of everybody if there is a volunteer")
    cost: float = Field(default=50.0, gt=0, description="points that volunteering costs")

    @model_validator(mode="after")
    def _worth_it(self) -> "VolunteersDilemma":
        if self.cost >= self.value:
            raise ValueError(f"cost {self.cost:g} is not below value {self.value:g}: nobody would volunteer alone")
        return self

    @property
    def seats(self) -> tuple[str, ...]:
        """All alike."""
        return players(self.size)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Volunteer or wait."""
        return (Item(id="volunteer", text="Which do you choose?", form="choice", options=("volunteer", "wait")),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game."""
        act, wait = words.move("volunteer"), words.move("wait")
        return (
            f"You and {others(self.size)} each choose {act} or {wait} at the same time. If at least one "
            f"player chooses {act}, everybody gets {words.points(self.value)}; if nobody does, nobody gets anything. "
            f"Each player who chooses {act} pays {words.points(self.cost)}."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """Choices at the same time."""
        turns = [Turn(seat=seat, item=self.items[0]) for seat in self.seats]
        moves = yield turns
        acted = {turn.seat: option(turn, moves) == 0 for turn in turns}
        n = sum(acted.values())
        payoffs = {seat: self.value * (n > 0) - self.cost * own for seat, own in acted.items()}
        return Outcome(
            payoffs=payoffs,
            told={
                seat: f"{n} of {self.size} players chose {words.move('volunteer')}; you "
                f"{'were one of them' if own else 'were not'} and got {words.points(payoffs[seat])}."
                for seat, own in acted.items()
            },
            values={"volunteered": n / self.size, "provided": float(n > 0)},
        )

    def highest(self) -> float | None:
        """Exactly one volunteers."""
        return self.size * self.value - self.cost

    def equilibrium(self) -> Mapping[str, float]:
        """The symmetric mixed equilibrium: waiting is as good as acting where all others wait at cost / value."""
        waits = (self.cost / self.value) ** (1 / (self.size - 1))
        return {"volunteered": 1 - waits, "provided": 1 - waits**self.size}


GAME = game_of(VolunteersDilemma)
