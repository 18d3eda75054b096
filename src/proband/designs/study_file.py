"""What every study file says beside the table of its kind, and which kind that is."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictInt

from proband.designs.kind import KINDS, Kind
from proband.designs.seat_table import SeatTable
from proband.errors import DesignError, meant
from proband.files import OpenTable, Table


class InstrumentTable(OpenTable):
    """An instrument by name, or written here: then the other keys are those of an instrument file."""

    use: str | None = Field(
        default=None,
        description="an id of `proband list instruments`, or the path of a `.toml` or `.csv` file; without it the "
        "instrument is written here",
    )
    only: list[str] = Field(
        default=[], description="ids of the items to ask, in this order; scales that lose an item are left out"
    )


class PopulationTable(OpenTable):
    """A population by name, or written here: then the other keys are those of a population file."""

    use: str | None = Field(
        default=None,
        description="an id of `proband list populations`, or the path of a population file; without it the "
        "population is written here",
    )
    data: str | dict[str, Any] | None = Field(
        default=None, description="beside `use`: a data file instead of the one that the population names"
    )
    strata: str = Field(default="", description="column of the stratum that people were drawn from")
    psu: str = Field(default="", description="column of the sampling unit that people were drawn with, in its stratum")
    fpc: str = Field(
        default="", description="column of how many sampling units the stratum has in all, or the share of them drawn"
    )
    sample: StrictInt | None = Field(
        default=None, description="how many people to draw as subjects, by weight, without replacement"
    )
    only_where: dict[str, int | float | str | list[int | float | str]] = Field(
        default={}, description="column -> codes; people with other codes are left out, also of the comparison"
    )


class PeopleTable(Table):
    """People's own answers, from the population's data."""

    refused: list[int | float | str] = Field(
        default=[], description="codes in the data that mean: asked, and gave no answer"
    )
    again: dict[str, str] = Field(
        default={},
        examples=['again = { trust = "trust_wave2" }'],
        description="item -> column with the same people's answers on a second occasion; accuracy is then also told as "
        "a share of how well people repeat themselves",
    )
    margins: dict[str, dict[str, float]] = Field(
        default={},
        description="column -> code, or its words -> share or count in the population that people are to stand for",
    )
    means: dict[str, float] = Field(default={}, description="column of numbers -> its mean in that population")
    price: float = Field(default=0.0, description="what one more person's answer costs, in dollars")


class HypothesisTable(Table):
    """One hypothesis; see `proband.designs.hypotheses.Hypothesis`."""

    id: str = Field(description="how it is called")
    outcome: str = Field(description="item, or `ITEM: OPTION` for the share of one option")
    factor: str = Field(default="", description="what is varied: a factor, an attribute, or a setting with levels")
    level: str = Field(default="", description="its level of interest")
    against: str = Field(default="", description="level it is compared with; the first, if nothing is said")
    direction: Literal["more", "less", "differs", "none"] = Field(
        description="what is expected of the difference; `none`: it is smaller than `smallest`"
    )
    smallest: float = Field(description="smallest effect of interest, in scale points, the item's unit, or as a share")
    family: str = Field(default="main", description="tests that are adjusted together")
    says: str = Field(default="", description="the hypothesis in words")


class EthicsTable(Table):
    """What a study that would harm people says of it; the report prints it."""

    deception: str = Field(default="", description="who is deceived about what, and why that is needed")
    distress: str = Field(default="", description="what would distress, and what is done about it")
    approval: str = Field(default="", description="who approved it, when, under which number")
    note: str = Field(default="", description="anything else")


class StudyFile(Table):
    """A study file without the table of its kind."""

    title: str = Field(default="", description="name of the study, and of its default folder")
    seed: StrictInt = Field(examples=["seed = 1"], description="whole number; root of all randomness")
    engine: str | dict[str, str] = Field(
        default="smollm2", description="address of who answers, or a table of roles with an address each"
    )
    packages: list[str] = Field(default=[], description="packages that must be installed for this study")
    instrument: InstrumentTable | None = Field(default=None, description="what is asked")
    population: PopulationTable | None = Field(default=None, description="who is asked")
    people: PeopleTable | None = Field(
        default=None, description="if the table is there, even empty: compare with the people in the population's data"
    )
    hypotheses: list[HypothesisTable] = Field(default=[], description="what is expected; `proband lock` writes it down")
    families: dict[str, Literal["bonferroni", "holm", "bh", "by", "none"]] = Field(
        default={}, description="family of hypotheses -> how its p values are adjusted; `holm` if nothing is said"
    )
    stopping: str = Field(default="", description="when asking stops, in words; by default when all is answered")
    harms: list[Literal["deception", "distress"]] = Field(
        default=[], description="how the study would harm people, were they asked; it then needs `[ethics]`"
    )
    ethics: EthicsTable | None = Field(default=None, description="what is said of these harms, and who approved them")
    seat: SeatTable | None = Field(default=None, description="how people take it, with `proband seat`")


SHARED = ("instrument", "population", "people", "ethics")
_EXAMPLES = {
    "instrument": 'use = "mini-ipip"',
    "population": 'use = "anes-1996"',
    "people": "",
    "ethics": 'approval = "..."',
}


def kind_of(data: Mapping[str, Any], where: str | Path) -> Kind:
    """The kind of a study: the one table in its file that is a kind.

    Raises
    ------
    DesignError
        If a package that the study needs is not installed, or there are two kinds, none, or one that is not here.
    """
    packages = data.get("packages", ())
    for package in packages if isinstance(packages, list) else ():
        if not _is_installed(package):
            raise DesignError(
                f"{where}: the study needs the package {package!r}, which is not installed; install it, e.g. with "
                f"pip install {package}"
            )
    others = [name for name in data if name not in StudyFile.model_fields]
    kinds = [name for name in others if name in KINDS]
    there_are = ", ".join(f"[{name}]" for name in KINDS)
    beside = {table for name in kinds for table in KINDS.load(name).beside if isinstance(data[name], Mapping)}
    kinds = [name for name in kinds if name not in beside or isinstance(data[name], Mapping)]
    if len(kinds) > 1:
        found = " and ".join(f"[{name}]" for name in kinds)
        raise DesignError(
            f"{where}: {len(kinds)} kinds of study, {found}; a study is of one kind: keep one, or write two files"
        )
    for name in others:
        if name not in (*kinds, *beside) and isinstance(data[name], Mapping):
            raise DesignError(
                f"{where}: no table or kind of study [{name}]{meant(name, [*SHARED, 'engine', *KINDS])}; kinds are "
                f"{there_are}; another kind needs the package that brings it, so install that (`packages` names it)"
            )
    if not kinds:
        raise DesignError(
            f"{where}: no kind of study; add the table of one, {there_are}, e.g. [survey], which may be empty"
        )
    return KINDS.load(kinds[0])


def check_shared(kind: Kind, data: Mapping[str, Any], where: str | Path) -> None:
    """Refuse a shared table that a kind does not take, and a missing one that it needs."""
    for name in SHARED:
        if name in kind.needs and name not in data:
            raise DesignError(
                f"{where}: [{name}] is missing, and [{kind.name}] needs it; add it, e.g. [{name}] {_EXAMPLES[name]}"
            )
        if name in data and name not in kind.needs | kind.takes:
            taken = ", ".join(f"[{table}]" for table in SHARED if table in kind.needs | kind.takes) or "none"
            raise DesignError(
                f"{where}: [{kind.name}] takes no [{name}]; take it out (shared tables that it takes: {taken})"
            )


def _is_installed(package: object) -> bool:
    try:
        return bool(version(str(package)))
    except (PackageNotFoundError, ValueError):
        return False
