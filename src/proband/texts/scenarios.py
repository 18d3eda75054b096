"""Scenarios as a kind: which developments go together, asked pair by pair, and the sets that hold together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, Literal

from pydantic import Field, StrictInt

from proband.designs.design import Design
from proband.designs.kind import Kind, Shared, Told
from proband.designs.survey.cards import FITTING, has_prefix
from proband.designs.survey.wording import instruction_text, options_text, question_text
from proband.errors import DesignError, strange_choice
from proband.files import Table
from proband.instruments.items import Item
from proband.records import SCORED_METHODS, Message, Place, Reply, Request, Response, Trial
from proband.roster import Member, Roster
from proband.seeds import place_digest

FRAMING = "You judge how well developments go together. Read both, and answer the question about them."
SCALE = ("They exclude each other", "They hinder each other", "They have nothing to do with each other",
         "They further each other", "They depend on each other")  # fmt: skip
CODES = (-2.0, -1.0, 0.0, 1.0, 2.0)
_ORDERS = {"as_written": (0, 1, 2, 3, 4), "reversed": (4, 3, 2, 1, 0)}


@dataclass(frozen=True, kw_only=True)
class Scenarios(Design):
    """Every two developments of different factors, asked both ways round with the scale in both directions.

    A place's subject is one development, `beside` in its condition the other; `order` is that of the scale.

    Attributes
    ----------
    question : str
        What is looked ahead to, shown before each pair.
    factors : mapping of str to tuple of str
        Factor -> how it may develop; two at least, and every development's name is used once.
    answer_by : {"option_text", "written"}
        Probabilities of the five steps, or a reply.
    least : float
        Consistency, from -2 to 2, below which two developments are not put into one scenario.
    most : int
        Scenarios that are shown.
    cutoff : str
        Until when the engine knows things.
    """

    kind: ClassVar[str] = "scenarios"
    unit: ClassVar[str] = "development"
    is_about_people: ClassVar[bool] = False

    question: str
    factors: Mapping[str, tuple[str, ...]]
    answer_by: Literal["option_text", "written"] = "option_text"
    least: float = -1.0
    most: int = 10
    cutoff: str = ""
    seed: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        place_digest(self.seed)
        if strange := strange_choice(self):
            raise DesignError(f"scenarios: {strange}")
        names = [name for developments in self.factors.values() for name in developments]
        if len(self.factors) < 2 or not all(len(each) > 1 for each in self.factors.values()):
            raise DesignError("scenarios: give at least two factors, each with two developments or more")
        if twice := [name for k, name in enumerate(names) if name in set(names[:k])]:
            raise DesignError(f"scenarios: development {twice[0]!r} is there twice; say which factor it belongs to")
        if not -2 <= self.least <= 2 or self.most < 1:
            raise DesignError(f"scenarios: least is {self.least}, from -2 to 2; most is {self.most}, at least 1")

    @property
    def items(self) -> Mapping[str, Item]:
        """The one question."""
        text = "How do these two developments go together?"
        item = Item(id="consistency", text=text, form="scale", options=SCALE, codes=CODES, shows_braces=True)
        return {item.id: item}

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every pair, in both orders of the scale; the one that is named first is the other one each time."""
        return list(self._trials())

    def _trials(self) -> Iterator[Trial]:
        item = self.items["consistency"]
        told = {name: f"{factor}: {name}" for factor, each in self.factors.items() for name in each}
        for one_factor, other_factor in combinations(self.factors.values(), 2):
            for one in one_factor:
                for other in other_factor:
                    for order, shown in _ORDERS.items():
                        first, second = (one, other) if order == "as_written" else (other, one)
                        stem = f"{self.question}\n\n1. {told[first]}\n2. {told[second]}"
                        asked = question_text(stem, item.text, options_text(item, shown, ()))
                        messages = (
                            Message("system", FRAMING),
                            Message("user", f"{asked}\n\n{instruction_text(item, self.answer_by)}"),
                        )
                        options = tuple(SCALE[k] for k in shown)
                        request = (
                            Request(messages=messages, continuations=options, closes=has_prefix(options))
                            if self.answer_by in SCORED_METHODS
                            else Request(messages=messages, max_tokens=FITTING["scale"])
                        )
                        yield Trial(
                            place=Place(subject=first, item=item.id, condition=(("beside", second), ("order", order))),
                            request=request,
                            reply=Reply(
                                form="scale", method=self.answer_by, options=options, order=shown, decide="mode"
                            ),
                            facts=(("first", first), ("second", second)),
                        )

    def roster(self) -> Roster:
        """The developments, and the factor of each."""
        members = [(name, factor) for factor, each in self.factors.items() for name in each]
        return Roster([Member(subject=name, traits={"factor": factor}) for name, factor in members])

    def describe(self) -> Mapping[str, object]:
        """Everything that defines it; the factors of the scenarios are no factors of the design."""
        told = dict(super().describe())
        return {**told, "factors": {}, "developments": told["factors"]}


class ScenariosTable(Table):
    """What may happen, and what is looked ahead to."""

    question: str = Field(examples=['question = "Think of the town in 2040."'], description="what is looked ahead to")
    factors: dict[str, list[str]] = Field(
        examples=['factors = { Buses = ["Free", "Dear"] }'], description="factor -> how it may develop"
    )
    answer_by: Literal["option_text", "written"] = Field(
        default="option_text", description="probabilities of the five steps, or a reply"
    )
    least: float = Field(default=-1.0, description="consistency below which two developments exclude each other")
    most: StrictInt = Field(default=10, description="scenarios that are shown")
    cutoff: str = Field(default="", description="day until which the engine knows things")


def _make(shared: Shared, table: ScenariosTable) -> Scenarios:
    factors = {name: tuple(each) for name, each in table.factors.items()}
    given = table.model_dump(exclude={"factors"})
    return Scenarios(**given, factors=factors, seed=shared.seed, title=shared.title)


KIND = Kind(
    name="scenarios",
    about="developments of several factors, which of them go together, and the scenarios that hold together",
    keys=ScenariosTable,
    make=_make,
    analyses=("scenarios", "dispositions", "deviations"),
    needs=frozenset(),
    takes=frozenset(),
    told=Told(subject="development", unit="development", units="developments", stands="about", is_of_models=True),
)
