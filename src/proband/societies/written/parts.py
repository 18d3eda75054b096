"""The parts of a written world, checked: what its tables say, with every expression read and every name found."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from proband.instruments.items import Item
from proband.societies.agents.minds import MindKeys
from proband.societies.ground.background import Institution, Norm
from proband.societies.ground.places import Place
from proband.societies.ground.stocks import Flow, Stock
from proband.societies.written.expressions import Formula
from proband.societies.written.tables import StartTable, VariableTable, WrittenKeys
from proband.subjects.populations import Population


def slug(option: str) -> str:
    """An option as part of a column's name."""
    return re.sub(r"\W+", "_", option.casefold()).strip("_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable; values are numbers, of options their place in the list."""

    name: str
    options: tuple[str, ...]
    lower: float | None
    upper: float | None
    says: str
    start: float | StartTable | None = None
    column: str = ""  # of the population
    survey: str = ""  # item that is asked before the first turn

    def told(self, value: float) -> str:
        """A value in words."""
        return self.options[int(value)] if self.options else f"{round(value, 2):g}"

    def fits(self, value: float) -> float:
        """A number moved to the bounds, or to an option."""
        lower = 0.0 if self.options else self.lower
        upper = len(self.options) - 1.0 if self.options else self.upper
        value = float(round(value)) if self.options else value
        return min(max(value, value if lower is None else lower), value if upper is None else upper)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One thing an agent sees: `count` texts or memories, in an order."""

    what: str
    count: int = 0
    order: str = "chronological"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One of what may come of words."""

    text: str
    set: str
    to: Formula | None
    where: Formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn of every round; see `TurnTable`."""

    item: Item
    sets: str
    who: Formula | None
    schedule: str
    sees: tuple[Sight, ...]
    offers: Mapping[str, Formula] = field(default_factory=dict)
    order: tuple[int | str, ...] = ()
    bid: Item | None = None
    speakers: int = 1
    first: Formula | None = None
    reaction: Formula | None = None
    every: int = 1
    to: str = "everybody"
    resolver: Item | None = None
    outcomes: tuple[Outcome, ...] = ()
    is_start: bool = False  # asked once, before the first round's turns
    mind: MindKeys | None = None  # how agents decide, where they do not answer at once
    features: Mapping[str, Formula] = field(default_factory=dict)

    @property
    def speaks(self) -> bool:
        """Whether its answers are words for others."""
        return self.item.form == "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOf:
    """A rule; `after` is the item of the turn it follows, empty at the end of the round."""

    name: str
    set: str
    to: Formula
    who: Formula | None
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that befalls a society; see `EventTable`."""

    name: str
    kind: str
    text: str
    rounds: tuple[int, ...]
    when: Formula | None
    to: Formula | None
    place: int | None
    lasts: int
    set: str = ""
    value: Formula | None = None
    remove: Formula | None = None
    add: int = 0
    ends: str = ""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything a written world is made of."""

    keys: WrittenKeys
    population: Population | None
    columns: Mapping[str, bool]
    agent: Mapping[str, Variable]
    world: Mapping[str, Variable]
    turns: tuple[Turn, ...]
    rules: tuple[RuleOf, ...]
    events: tuple[Happening, ...]
    places: tuple[Place, ...]
    stocks: tuple[Stock, ...]
    flows: tuple[Flow, ...]
    norms: tuple[Norm, ...]
    institutions: tuple[Institution, ...]
    folder: str = ""
    where: str = "study"

    @property
    def remembers(self) -> bool:
        """Whether any turn shows memories, so that agents have to have some."""
        return any(turn.mind or any(sight.what == "memory" for sight in turn.sees) for turn in self.turns)


def names_of(table: VariableTable) -> list[tuple[str, bool]]:
    """Columns that come of an agent's variable, and whether each is a text."""
    name = table.name
    found = [(name, False), (f"last_{name}", False), (f"near_mean_{name}", False), (f"near_share_{name}", False)]
    if table.options:
        found += [(f"{name}_label", True), *((f"near_share_{name}_{slug(option)}", False) for option in table.options)]
    return found
