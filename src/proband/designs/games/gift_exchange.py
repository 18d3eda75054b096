"""The gift-exchange game: a wage that is paid first, and an effort that costs (Fehr, Kirchsteiger & Riedl 1993)."""

from collections.abc import Sequence
from functools import cached_property

from pydantic import Field, model_validator

from proband.designs.games.matches import game_of
from proband.designs.games.moves import amount, number, option
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class GiftExchange(Rules):
    """An employer pays a wage, whatever follows; an employee chooses an effort, at a cost that rises."""

    about = "an employer pays a wage, and an employee then chooses an effort that costs"
    quantities = (
        Quantity(name="wage", about="share of the highest wage that is paid", best=0.0),
        Quantity(name="effort", about="effort, from 1", form="number", by="wage", best=1.0),
    )

    highest_wage: float = Field(default=50.0, gt=0, description="wages go from 0 to this")
    worth: float = Field(default=10.0, gt=0, description="what each unit of effort earns for the employer")
    costs: list[float] = Field(
        default=[0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0],
        min_length=2,
        description="what an effort of 1, 2, ... costs the employee",
    )

    @model_validator(mode="after")
    def _rising(self) -> "GiftExchange":
        if any(b < a for a, b in zip(self.costs, self.costs[1:], strict=False)) or self.costs[0] < 0:
            raise ValueError("costs must be at least 0 and never fall: more effort costs no less")
        return self

    @property
    def seats(self) -> tuple[str, ...]:
        """Who pays, and who works."""
        return ("employer", "employee")

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The wage, and the effort."""
        efforts = tuple([str(k) for k in range(1, len(self.costs) + 1)])
        return (
            amount("wage", "Which wage do you pay?", self.highest_wage),
            Item(id="effort", text="Which effort do you choose?", form="scale", options=efforts),
        )

    def instructions(self, seat: str, words: Words) -> str:
        """The whole game, with the table of costs."""
        table = "; ".join(f"{k}: {words.points(cost)}" for k, cost in enumerate(self.costs, start=1))
        first, second = words.story("employer"), words.story("employee")
        return (
            f"There are two players, the {first} and the {second}. The {first} pays the {second} a wage between "
            f"{words.points(0)} and {words.points(self.highest_wage)}. The {second} then chooses an effort between 1 "
            f"and {len(self.costs)}. Each unit of effort earns {words.points(self.worth)} for the {first}, who gets "
            f"these earnings less the wage, which can be less than nothing. The {second} gets the wage less the cost "
            f"of the effort. Costs of efforts: {table}. You are the {first if seat == 'employer' else second}."
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """A wage, and an effort for it."""
        first = Turn(seat="employer", item=self.items[0])
        wage = number(first, (yield first))
        told = f"Your wage is {words.points(wage)}."
        second = Turn(seat="employee", item=self.items[1], told=told, facts=(("wage", f"{wage:g}"),))
        effort = option(second, (yield second)) + 1
        return Outcome(
            payoffs={"employer": self.worth * effort - wage, "employee": wage - self.costs[effort - 1]},
            told={
                "employer": f"You paid {words.points(wage)}, and the effort was {effort}.",
                "employee": f"You were paid {words.points(wage)}, and your effort was {effort}.",
            },
            values={"wage": wage / self.highest_wage, "effort": float(effort)},
        )

    def highest(self) -> float | None:
        """The effort that is worth most after its cost."""
        return max(self.worth * (k + 1) - cost for k, cost in enumerate(self.costs))


GAME = game_of(GiftExchange)
