"""What a kind of study is: the table a study file names it by, its keys, its design, and what is told of its runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from proband.designs.design import Design
from proband.errors import DesignError
from proband.instruments import instrument_from_dict, load_instrument
from proband.instruments.items import Instrument
from proband.shelves import Shelf
from proband.subjects.populations import Population


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What a study file says beside the table of its kind.

    Attributes
    ----------
    title : str
        Of the study; may be empty.
    seed : int
        Root of all randomness.
    instrument : Instrument or None
        From ``[instrument]``.
    population : Population or None
        Who takes part, from ``[population]``, cut and sampled.
    folder : Path
        Where the study file lies; paths in it start there.
    where : str
        The file's name, for messages.
    harms : tuple of str
        How the study would harm people, were they asked.
    ethics : mapping
        What it says of that, by name.
    engines : mapping
        Address of each role's engine, as the study will be carried out; of the one role without a name where one is
        given for all.
    sample : int or None
        How many subjects were asked for on the command line.
    data : mapping
        The study file as it was parsed, for designs that must be found again from their run.
    """

    title: str
    seed: int
    instrument: Instrument | None = None
    population: Population | None = None
    folder: Path = field(default_factory=Path)
    where: str = "study"
    harms: tuple[str, ...] = ()
    ethics: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=dict)
    sample: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How findings speak of a kind's runs where usual words would be wrong.

    Attributes
    ----------
    subject, unit, units : str
        What a subject, an independent unit, and several of those are called.
    stands : {"as", "about"}
        Whether an engine answers as the subjects, or about them.
    is_of_models : bool
        Whether its runs are about what models do, so that nobody misses people's answers.
    shows, hides : str
        What its data show, with ``{subjects}`` and ``{engine}``, and what they do not; empty for the usual claims.
    limits : str
        Whom its numbers are about; empty for the usual sentence.
    """

    subject: str = "subject"
    unit: str = "unit"
    units: str = "units"
    stands: Literal["as", "about"] = "as"
    is_of_models: bool = False
    shows: str = ""
    hides: str = ""
    limits: str = ""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of study; see ``docs/how-to/add-a-kind.md``.

    Attributes
    ----------
    name : str
        Of its table: ``[survey]``.
    about : str
        One line for ``proband list kinds``.
    keys : type
        A pydantic model of its table; unknown keys and wrong types are refused with its names.
    make : callable
        Makes the design from what is shared and the checked table; raises `DesignError` for what cannot be carried out.
    analyses : tuple of str
        Names of the analyses its runs want, in the order told; each is left out where a run lacks what it needs.
    needs, takes : frozenset of {"instrument", "population", "people", "ethics"}
        Shared tables that must be there; and those that may be beside them.
    load, read : callable
        How its instruments are loaded, by name or path; and made of what is written in a study file.
    samples : bool
        Whether it draws its subjects itself, and takes their number from `Shared.sample`.
    told : Told
        How findings speak of its runs.
    beside : tuple of str
        Further tables of a study file that are keys of its own table, written at the top: ``[[arm]]``.
    """

    name: str
    about: str
    keys: type[BaseModel]
    make: Callable[[Shared, Any], Design]
    analyses: tuple[str, ...]
    needs: frozenset[str] = frozenset({"instrument", "population"})
    takes: frozenset[str] = frozenset({"people"})
    load: Callable[[str | Path], Instrument] = load_instrument
    read: Callable[[Mapping[str, Any], str], Instrument] = instrument_from_dict
    samples: bool = False
    told: Told = Told()
    beside: tuple[str, ...] = ()


def told_of(kind: str) -> Told:
    """How to speak of runs of a kind, by name; as usual where it is not installed."""
    try:
        return KINDS.load(kind).told
    except DesignError:
        return Told()


KINDS: Shelf[Kind] = Shelf(
    what="kind of study",
    group="proband.kinds",
    folders=(
        "proband.designs.kinds",
        "proband.batteries.kinds",
        "proband.societies",
        "proband.texts",
        "proband.texts.tables",
        "proband.tuning",
        "proband.interviews",
        "proband.literature.screening",
        "proband.literature.hypotheses",
    ),
    member="KIND",
    error=DesignError,
)
