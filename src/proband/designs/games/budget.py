"""Budgets: tokens divided between two accounts at changing rates, to see whether choices agree (Choi et al. 2007)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from proband.designs.games.matches import game_of
from proband.designs.games.moves import number
from proband.designs.games.rules import Draw, Outcome, Quantity, Round, Rules, Turn, Words
from proband.instruments.items import Item


class Budget(Rules):
    """Tokens go to account A or B, each worth what was drawn for the round; every choice lies on its budget line.

    With `accounts = "risk"` one of them, by lot, is paid; with "giving" A is the player's own, B another person's.
    """

    about = "tokens are divided between two accounts at rates that change, round after round"
    quantities = (
        Quantity(name="to the better", about="share of tokens put into the account that pays more per token"),
        Quantity(name="to A", about="share of tokens put into account A"),
        # What the test of consistency reads.
        Quantity(name="rate A", about="points that a token in account A is worth", form="number"),
        Quantity(name="rate B", about="points that a token in account B is worth", form="number"),
    )

    accounts: Literal["risk", "giving"] = Field(default="risk", description="what the two accounts are")
    tokens: float = Field(default=100.0, gt=0, description="what is divided in each round")
    least: float = Field(default=0.1, gt=0, description="lowest worth of a token, in points")
    most: float = Field(default=1.0, gt=0, description="highest worth of a token, in points")

    @model_validator(mode="after")
    def _apart(self) -> "Budget":
        if self.least >= self.most:
            raise ValueError(f"least is {self.least:g} and most {self.most:g}; rates need room between them")
        return self

    @property
    def seats(self) -> tuple[str, ...]:
        """Who divides."""
        return ("chooser",)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What goes to A; the rest goes to B."""
        text = "How many tokens do you put into account A?"
        return (Item(id="tokens", text=text, form="number", lower=0.0, upper=self.tokens, unit="tokens"),)

    def instructions(self, seat: str, words: Words) -> str:
        """The whole task."""
        paid = {
            "risk": "One of the two accounts, each with the same probability, is paid to you; the other is not.",
            "giving": f"Account A is paid to you, account B to {words.story('another person')}.",
        }
        return (
            f"In each round you divide {self.tokens:g} tokens between account A and account B. What a token in A and a "
            f"token in B is worth changes from round to round, and you are told. What you do not put into A goes into "
            f"B. {paid[self.accounts]}"
        )

    def play(self, words: Words, past: Sequence[Outcome], draw: Draw) -> Round:
        """One division."""
        # To two decimals, so that what a player reads is what counts.
        rates = {name: round(self.least + (self.most - self.least) * draw("rate", name), 2) for name in "AB"}
        ask = Turn(
            seat="chooser",
            item=self.items[0],
            told=" ".join(f"A token in {name} is worth {words.points(rate)}." for name, rate in rates.items()),
            facts=tuple([(name, f"{rate:g}") for name, rate in rates.items()]),
        )
        given = number(ask, (yield ask))
        worth = {"A": given * rates["A"], "B": (self.tokens - given) * rates["B"]}
        paid = "A" if self.accounts == "giving" or draw("paid") < 0.5 else "B"
        better = {"A": given, "B": self.tokens - given}[max(rates, key=lambda name: rates[name])]
        return Outcome(
            payoffs={"chooser": worth[paid]},
            told={"chooser": f"You put {given:g} tokens into A. Account {paid} paid {words.points(worth[paid])}."},
            values={
                "to A": given / self.tokens,
                **({"to the better": better / self.tokens} if rates["A"] != rates["B"] else {}),
                **{f"rate {name}": rate for name, rate in rates.items()},
            },
        )


GAME = game_of(Budget)
