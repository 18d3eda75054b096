"""What an instrument file may hold; pydantic checks it here, and only here."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from proband.records import Form

Indices = list[int | str]
Values = list[int | float | str]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class OptionSet(_Entry):
    """A response scale that items share by its name."""

    texts: list[str]
    codes: list[float] = []
    values: Values = []
    dont_know: Indices = []


class RuleEntry(_Entry):
    """Ask only if an earlier item was answered with one of these options (texts, or indices from 0)."""

    item: str
    options: Indices


class ItemDefaults(_Entry):
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


class ItemEntry(ItemDefaults):
    """One item."""

    id: Annotated[str, Field(min_length=1)]
    text: str
    column: str = ""
    ask_if: RuleEntry | None = None


class HumanEntry(_Entry):
    """Norms of a scale among people."""

    mean: float | None = None
    sd: float | None = None
    alpha: float | None = None
    n: int | None = None
    source: str


class ScaleEntry(_Entry):
    """Items scored together: either `items` with 1 and -1, or `plus` and `minus`."""

    id: Annotated[str, Field(min_length=1)]
    name: str = ""
    items: dict[str, Literal[1, -1]] = {}
    plus: list[str] = []
    minus: list[str] = []
    min_valid: Annotated[float, Field(gt=0, le=1)] = 1.0
    rule: Literal["mean", "sum"] = "mean"
    human: HumanEntry | None = None


class InstrumentEntry(_Entry):
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


_PARTS: dict[str, type[BaseModel]] = {
    "items": ItemEntry,
    "scales": ScaleEntry,
    "options": OptionSet,
    "defaults": ItemDefaults,
    "ask_if": RuleEntry,
    "human": HumanEntry,
}


def describe(error: ValidationError, data: object) -> str:
    """What is wrong in a file, one clause a mistake, at most five."""
    found = list(dict.fromkeys(_clause(detail, data) for detail in error.errors(include_url=False)))
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    return "; ".join(found[:5]) + more


def _clause(detail: ErrorDetails, data: object) -> str:
    path = detail["loc"]
    place, key = _place(path, data), str(path[-1]) if path else ""
    if detail["type"] == "extra_forbidden":
        known = _keys(path[:-1])
        close = get_close_matches(key, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(known)}"
        return f"{place}unknown key {key!r}; {hint}"
    if detail["type"] == "missing":
        return f"{place}{key!r} is missing; add it"
    inner = path[2:] if place else path
    # Where a key takes several types, pydantic adds the name of each type to the path.
    keys = ".".join(part for part in inner if isinstance(part, str) and not _is_type(part))
    return (
        f"{place}{keys or 'the file'} is {detail['input']!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
    )


def _is_type(part: str) -> bool:
    return part in ("str", "int", "float") or part.endswith("]")


def _place(path: tuple[int | str, ...], data: object) -> str:
    """Item or scale that a path lies in, by id where it has one."""
    if len(path) < 2 or path[0] not in ("items", "scales", "options"):
        return ""
    if not isinstance(path[1], int):
        return f"{path[0]}.{path[1]}: "
    noun = "item" if path[0] == "items" else "scale"
    entries = data.get(path[0]) if isinstance(data, dict) else None
    entry = entries[path[1]] if isinstance(entries, list) else None
    name = f" ({entry['id']!r})" if isinstance(entry, dict) and "id" in entry else ""
    return f"{noun} {path[1] + 1}{name}: "


def _keys(path: Iterable[int | str]) -> list[str]:
    """Keys that are allowed at a path."""
    model: type[BaseModel] = InstrumentEntry
    for part in path:
        model = _PARTS.get(str(part), model)
    return sorted(model.model_fields)
