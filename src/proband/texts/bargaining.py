"""Forecasts of a bargain as a kind: an engine is asked what every actor wants, how much it cares and what it can do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from pydantic import Field, StrictInt

from proband.designs.design import Design
from proband.designs.kind import Kind, Shared, Told
from proband.designs.survey.cards import FITTING
from proband.designs.survey.wording import instruction_text
from proband.errors import DataError, DesignError
from proband.files import Table, rows_of, text_of
from proband.instruments.items import Item
from proband.measures.behaviour.bargaining import bargain
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.roster import Member, Roster
from proband.seeds import place_digest, seed_for

FRAMING = "You know politics and negotiations. Answer the question about an actor in a negotiation."
QUANTITIES = ("position", "salience", "influence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who bargains, with what a table says of position, salience (0 to 1) and influence, where there is one."""

    name: str
    known: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Bargaining(Design):
    """Position, salience and influence of every actor, asked under several wordings.

    A place's subject is the actor, its item the quantity; `wording` is in its condition.

    Attributes
    ----------
    issue : str
        What is bargained over.
    actors : tuple of Actor
        At least 2.
    lower, upper : float
        Ends of the issue's scale.
    low, high : str
        What the ends mean.
    wordings : mapping
        Name -> what stands before each question; each wording is an elicitation of its own.
    replicates : int
        Repeats of each, drawn anew where the temperature is above 0.
    temperature : float
        Of the replies.
    cutoff, decided : str
        Until when the engine knows things, and when the bargain ended: dates, or empty.
    n_rounds : int
        Of the model.
    """

    kind: ClassVar[str] = "bargaining"
    unit: ClassVar[str] = "actor"
    is_about_people: ClassVar[bool] = False

    issue: str
    actors: tuple[Actor, ...]
    lower: float
    upper: float
    low: str
    high: str
    wordings: Mapping[str, str] = field(default_factory=lambda: {"plain": ""})
    replicates: int = 1
    temperature: float = 0.0
    cutoff: str = ""
    decided: str = ""
    n_rounds: int = 10
    seed: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        place_digest(self.seed)
        names = [actor.name for actor in self.actors]
        if len(names) < 2 or len(set(names)) < len(names) or not all(name.strip() for name in names):
            raise DesignError(f"bargaining: {len(names)} actors; give at least 2, each a name of its own")
        if not self.lower < self.upper or not self.wordings or self.replicates < 1 or not 0 <= self.temperature < 100:
            raise DesignError(
                f"bargaining: scale {self.lower:g} to {self.upper:g}, {len(self.wordings)} wordings, {self.replicates} "
                "replicates; the scale goes upwards, and there is at least one of the others"
            )
        if self.replicates > 1 and self.temperature == 0:
            raise DesignError("bargaining: replicates at temperature 0 are one reply; set temperature, or add wordings")
        for name, told in (("cutoff", self.cutoff), ("decided", self.decided)):
            try:
                _ = date.fromisoformat(told) if told else None
            except ValueError:
                raise DesignError(f"bargaining.{name} is {told!r}; write a day, e.g. 2024-06-30") from None
        if any(actor.known for actor in self.actors):
            told_ = [[actor.known.get(each, float("nan")) for actor in self.actors] for each in QUANTITIES]
            bargain(names, *told_)  # refuses salience out of range, and the like, by name

    @property
    def items(self) -> Mapping[str, Item]:
        """The three questions; `{actor}` stands for the actor."""
        scale = f"On a scale from {self.lower:g} ({self.low}) to {self.upper:g} ({self.high})"
        texts = {
            "position": f"{scale}: which outcome does ACTOR want?",
            "salience": "On a scale from 0 (does not care) to 100 (nothing matters more): how important is this issue "
            "to ACTOR?",
            "influence": "On a scale from 0 (none) to 100 (as much as any actor has): how much influence does ACTOR "
            "have on the outcome?",
        }
        ends = {"position": (self.lower, self.upper), "salience": (0.0, 100.0), "influence": (0.0, 100.0)}
        return {
            id: Item(id=id, text=text, form="number", lower=ends[id][0], upper=ends[id][1], shows_braces=True)
            for id, text in texts.items()
        }

    def size(self) -> int:
        """Number of trials."""
        return len(self.actors) * len(QUANTITIES) * len(self.wordings) * self.replicates

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every question about every actor."""
        return list(self._trials())

    def _trials(self) -> Iterator[Trial]:
        items = self.items
        for actor in self.actors:
            for id, item in items.items():
                for wording, before in self.wordings.items():
                    for k in range(self.replicates):
                        place = Place(subject=actor.name, item=id, condition=(("wording", wording),), replicate=k)
                        asked = item.text.replace("ACTOR", actor.name)
                        parts = (before, f"Issue: {self.issue}", asked, instruction_text(item, "written"))
                        request = Request(
                            messages=(Message("system", FRAMING), Message("user", "\n\n".join(filter(None, parts)))),
                            max_tokens=FITTING["number"],
                            temperature=self.temperature,
                            seed=seed_for(self.seed, "write", place.id) if self.temperature else None,
                        )
                        reply = Reply(form="number", method="written", lower=item.lower, upper=item.upper)
                        yield Trial(place=place, request=request, reply=reply, facts=(("actor", actor.name),))

    def roster(self) -> Roster:
        """The actors, with what the table says of them."""
        return Roster([Member(subject=actor.name, traits=dict(actor.known)) for actor in self.actors])

    def notes(self) -> tuple[str, ...]:
        """How many forecasts there will be."""
        return (f"{len(self.wordings) * self.replicates} elicitations, each of which makes a forecast.",)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines it."""
        return {
            **super().describe(),
            "actors": {actor.name: dict(actor.known) for actor in self.actors},
            "factors": {"wording": dict(self.wordings)},
            "varied": ["wording"],
        }


class BargainingTable(Table):
    """The issue, who bargains, and how they are asked about."""

    issue: str = Field(examples=['issue = "How many years until cars must be cleaner"'], description="what is at stake")
    lower: float = Field(default=0.0, description="lower end of the issue's scale")
    upper: float = Field(default=100.0, description="upper end of it")
    low: str = Field(examples=['low = "at once"'], description="what the lower end means")
    high: str = Field(examples=['high = "never"'], description="what the upper end means")
    actors: list[str] = Field(default=[], description="who bargains, where there is no file")
    file: str = Field(
        default="",
        description="a table with columns `actor`, `position`, `salience` (0 to 1) and `influence` (or `capability`): "
        "its forecast is shown beside the elicited ones",
    )
    wordings: dict[str, str] = Field(
        default={"plain": ""}, description="name -> what stands before each question; each is an elicitation of its own"
    )
    replicates: StrictInt = Field(default=1, description="repeats, where the temperature is above 0")
    temperature: float = Field(default=0.0, description="of replies")
    cutoff: str = Field(default="", description="day until which the engine knows things, e.g. `2024-06-30`")
    decided: str = Field(default="", description="day on which the bargain ended, where it did")
    rounds: StrictInt = Field(default=10, description="most rounds of the model")


def read_actors(text: str, where: str) -> tuple[Actor, ...]:
    """Actors of a table: columns actor, position, salience, and influence or capability."""
    rows = rows_of(text, ",", where, error=DataError)
    _, header = next(rows, (1, []))
    header = ["influence" if name == "capability" else name for name in header]
    if lost := [name for name in ("actor", *QUANTITIES) if name not in header]:
        raise DataError(f"{where}: no column {lost[0]!r}; it has {', '.join(header)}; add it")
    found = []
    for line, row in rows:
        told = dict(zip(header, row, strict=False))
        try:
            known = {name: float(told[name]) for name in QUANTITIES}
        except (KeyError, ValueError):
            raise DataError(f"{where}, line {line}: position, salience and influence are no numbers: {row}") from None
        found.append(Actor(name=told["actor"], known=known))
    return tuple(found)


def _make(shared: Shared, table: BargainingTable) -> Bargaining:
    if bool(table.actors) == bool(table.file):
        raise DesignError(f'{shared.where}: give either bargaining.actors = ["...", ...] or bargaining.file')
    actors = tuple(Actor(name=name) for name in table.actors)
    if table.file:
        actors = read_actors(text_of(shared.folder / table.file, what="table of actors", error=DataError), table.file)
    taken = table.model_dump(exclude={"actors", "file", "rounds"})
    return Bargaining(**taken, actors=actors, n_rounds=table.rounds, seed=shared.seed, title=shared.title)


KIND = Kind(
    name="bargaining",
    about="actors of a bargain, what they want, care about and can do; and what they will agree on",
    keys=BargainingTable,
    make=_make,
    analyses=("bargaining", "dispositions", "deviations"),
    needs=frozenset(),
    takes=frozenset(),
    told=Told(subject="actor", unit="actor", units="actors", stands="about", is_of_models=True),
)
