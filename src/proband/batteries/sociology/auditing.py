"""Swap audits: one file, decided upon once for each name or attribute that stands in it, and nothing else changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.material import amount
from proband.errors import DesignError
from proband.files import beside
from proband.instruments.items import Instrument, Item, Scale
from proband.seeds import rng_for

PEOPLE = ("white-woman", "black-woman", "white-man", "black-man")


@dataclass(frozen=True, kw_only=True)
class SwapTable:
    """Who is swapped for whom.

    Attributes
    ----------
    name, source : str
        What is varied; from where it is known that a word stands for a group.
    groups : mapping of str to sequence of str
        Group -> its words, as many as every other group has; words of one place are swapped for each other.
    """

    name: str
    source: str
    groups: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        if len(self.groups) < 2:
            raise DesignError(f"swap table {self.name!r} has {len(self.groups)} group; a swap needs two")
        lengths = {group: len(words) for group, words in self.groups.items()}
        if len(set(lengths.values())) > 1 or not min(lengths.values()):
            told = ", ".join(f"{group!r} has {n}" for group, n in lengths.items())
            raise DesignError(f"swap table {self.name!r}: {told}; every word needs one in its place in all groups")
        if not self.source.strip():
            raise DesignError(f"swap table {self.name!r} has no source; say from where it is known whom a word names")


def swap_tables(tables: Mapping[str, Mapping[str, object]]) -> tuple[SwapTable, ...]:
    """Swap tables as they stand in a TOML file: ``[NAME]`` with ``source`` and a list of words for each group.

    Raises
    ------
    DesignError
        If groups have unequal lengths, there is only one, or the source is missing.
    """
    found = []
    for name, table in tables.items():
        groups = {group: words for group, words in table.items() if isinstance(words, list)}
        found.append(SwapTable(name=name, source=str(table.get("source", "")), groups=groups))
    return tuple(found)


SWAPS = {table.name: table for table in swap_tables(beside(str(Path(__file__).with_name("swaps.toml"))))}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is decided on a file.

    Attributes
    ----------
    verb : str
        First part of every item's id.
    text : str
        The file, with ``{who}``, the name of every part, and the question.
    options : tuple of str
        The decision in favour of the person, and the one against.
    strong, weak : mapping of str to sequence
        Part of the file -> what may stand there where the case is strong, and where it is weak.
    """

    verb: str
    text: str
    options: tuple[str, str]
    strong: Mapping[str, Sequence[object]]
    weak: Mapping[str, Sequence[object]]


def audit(decision: Decision, setting: Setting, swaps: Sequence[SwapTable] | None = None) -> Instrument:
    """The files of a decision, each for everybody: ids are ``VERB-NN-GROUP``, odd numbers are strong cases.

    Raises
    ------
    DesignError
        If there is one file only, so that none is weak.
    """
    swaps = tuple(SWAPS.values()) if swaps is None else swaps
    n = amount(setting, 6, 2)
    if n < 2:
        raise DesignError(f"{decision.verb}: n is {n}, and files are strong and weak in turn; ask for two at least")
    items, scales = [], dict[str, dict[str, int]]()
    for swap in swaps:
        for case in range(1, n + 1):
            rng = rng_for(setting.seed, "audit", decision.verb, swap.name, case)
            merit = "strong" if case % 2 else "weak"
            parts = {part: rng.choice(list(found)) for part, found in getattr(decision, merit).items()}
            # A surname's first letter is the same for everybody, so that names differ in what they tell, and only so.
            initial = f" {'BDHKMPRSTW'[rng.integers(10)]}." if swap.name == "names" else ""
            place = (case - 1 + int(rng.integers(100))) % len(next(iter(swap.groups.values())))
            for group, words in swap.groups.items():
                id_ = f"{decision.verb}-{swap.name}-{case:02d}-{group}"
                text = decision.text.format(who=words[place] + initial, **parts)
                items.append(Item(id=id_, text=text, form="choice", options=decision.options, codes=(1, 0)))
                scales.setdefault(group, {})[id_] = 1
                scales.setdefault(merit, {})[id_] = 1
    return Instrument(
        id=f"audit-{decision.verb}",
        title=f"Files to {decision.verb} upon, each under several names and attributes",
        items=tuple(items),
        scales=tuple(Scale(id=id_, name=id_.replace("-", " "), items=keyed) for id_, keyed in scales.items()),
        source="; ".join(swap.source for swap in swaps),
        licence="CC0",
    )


def differences(people: Mapping[str, Figure] | None = None) -> Sequence[Contrast]:
    """What the tables of the house are for: differences by group, beside what merit changes."""
    people = people or {}
    half = dict.fromkeys(PEOPLE, 0.5)
    weights = {
        "black less white": {group: w if "black" in group else -w for group, w in half.items()},
        "women less men": {group: w if "woman" in group else -w for group, w in half.items()},
        "older less younger": {"older": 1.0, "younger": -1.0},
        "with less without an impairment": {"with": 1.0, "without": -1.0},
        "strong less weak cases": {"strong": 1.0, "weak": -1.0},
    }
    return [Contrast(name=name, weights=by, people=people.get(name)) for name, by in weights.items()]


def audit_battery(
    name: str, decision: Decision, *, title: str, source: str, page: str, people: Mapping[str, Figure] | None = None
) -> Battery:
    """The battery of a decision."""
    return Battery(
        name=name,
        title=title,
        about=f"{decision.verb}: the same file under names and attributes of several groups",
        discipline="sociology",
        source=source,
        licence="Own wording, CC0",
        page=page,
        instrument=lambda setting: audit(decision, setting),
        contrasts=lambda setting: differences(people),
        contexts={"wording": ("published", "plain"), "role": ("none", "assistant")},
        analyses=("swaps",),
        is_generated=True,
    )
