"""What an instrument file may hold; pydantic checks it here, and only here."""

from typing import Annotated, Literal

from pydantic import Field

from proband.files import Table
from proband.records import Form

Indices = list[int | str]
Values = list[int | float | str]


class OptionSet(Table):
    """A response scale that items share by its name."""

    texts: list[str]
    codes: list[float] = []
    values: Values = []
    dont_know: Indices = []
    pinned: Indices | None = None


class RuleEntry(Table):
    """Ask only if an earlier item was answered with one of these options (texts, or indices from 0)."""

    item: str
    options: Indices


class ItemDefaults(Table):
    """What all items have in common, unless they say otherwise."""

    form: Form | None = None
    stem: str | None = None
    options: list[str] | str | None = None
    codes: list[float] | None = None
    values: Values | None = None
    dont_know: Indices | None = None
    lower: float | None = None
    upper: float | None = None
    total: float | None = None
    unit: str | None = None
    about: list[str] | None = None
    pinned: Indices | None = None
    shows_braces: bool | None = None


class ItemEntry(ItemDefaults):
    """One item."""

    id: Annotated[str, Field(min_length=1)]
    text: str
    column: str = ""
    ask_if: RuleEntry | None = None


class HumanEntry(Table):
    """Norms of a scale among people."""

    mean: float | None = None
    sd: Annotated[float, Field(gt=0)] | None = None
    alpha: Annotated[float, Field(le=1)] | None = None
    n: Annotated[int, Field(gt=0)] | None = None
    source: str


class ScaleEntry(Table):
    """Items scored together: either `items` with 1 and -1, or `plus` and `minus`."""

    id: Annotated[str, Field(min_length=1)]
    name: str = ""
    items: dict[str, Literal[1, -1]] = {}
    plus: list[str] = []
    minus: list[str] = []
    min_valid: Annotated[float, Field(gt=0, le=1)] = 1.0
    rule: Literal["mean", "sum"] = "mean"
    human: HumanEntry | None = None


class InstrumentEntry(Table):
    """An instrument file."""

    id: Annotated[str, Field(min_length=1)]
    title: str = ""
    source: str = ""
    licence: str = ""
    language: str = "en"
    preamble: str = ""
    artefacts: str = ""
    defaults: ItemDefaults = ItemDefaults()
    options: dict[str, OptionSet] = {}
    items: Annotated[list[ItemEntry], Field(min_length=1)]
    scales: list[ScaleEntry] = []
