"""A battery: items of one instrument, fixed or generated, with its key, its contexts and people's figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from proband.designs.design import Design
from proband.errors import DesignError
from proband.instruments.items import Instrument
from proband.shelves import Shelf

Discipline = Literal["psychology", "sociology", "economics", "politics", "linguistics"]
Needs = Literal["options", "continuations", "writing", "moves"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How much of a battery is asked, and how.

    Attributes
    ----------
    seed : int
        Root of all randomness; of generated items too.
    is_quick : bool
        Whether fewer items and contexts are asked.
    n : int or None
        Generated items of each scale; None for the battery's own number.
    language : str
        BCP 47 tag, one of the battery's.
    contexts : mapping of str to sequence of str
        Factor -> levels, in place of those of the battery.
    file : str
        Path of a file of the user's, for a battery whose words do not ship.
    members : tuple of str
        Roles of the engines that sit in a group, in turn; empty where one engine answers for everybody.
    """

    seed: int
    is_quick: bool = False
    n: int | None = None
    language: str = "en"
    contexts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    file: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What people do, in the unit of the scale or contrast it stands beside.

    Attributes
    ----------
    mean, sd, n : float, float or None, int or None
        SD over people, where it is known.
    source : str
        Citation with DOI where there is one; a figure without is refused.
    """

    mean: float
    source: str
    sd: float | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise DesignError(f"people's figure {self.mean:g} has no source; cite where it is from")


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A weighted sum of scales' means, e.g. what belief adds where a conclusion is valid.

    Attributes
    ----------
    weights : mapping of str to float
        Scale -> weight. ``SCALE:KIND`` is the share of answers that are options of a kind, e.g. ``fresh:lure``, where
        the items' `values` say what each option is; `batteries.generated.choice` makes such items.
    people : Figure or None
        People's, in the same unit.
    isomorph_of : str
        Where it asks whether fresh words do the same as published ones, which item or finding that is.
    """

    name: str
    weights: Mapping[str, float]
    people: Figure | None = None
    isomorph_of: str = ""


@dataclass(frozen=True, kw_only=True)
class Battery:
    """A battery of the shelf; see ``docs/how-to/add-a-battery.md``.

    Attributes
    ----------
    name, title, about : str
        Of the shelf; heading; one line for ``proband list batteries``.
    discipline : {"psychology", "sociology", "economics", "politics", "linguistics"}
        Chapter of the portrait.
    source, licence : str
        Whose procedure it is, with DOI; terms of use of the wording.
    page : str
        What it asks, how it is scored, what to look at and what is odd: two to six sentences.
    instrument : callable or None
        The instrument of a setting, with scales; `Scale.human` holds people's figures. Right answers and lures are
        `Item.codes`: the score of every option.
    design : callable or None
        Instead of `instrument`, any design: games, reading, groups. Its ``describe`` has ``scales`` as a survey's does,
        where it has any, and what ``batteries.asked.noted(BATTERY, setting)`` gives.
    contexts : mapping
        Factor -> levels, beside and in place of the usual ones: those of a survey (``order``, ``labels``,
        ``answer_by``) and, by name, ``wording``, ``role``. Or factor -> level -> the text before an item: wordings of
        the battery's own (the first as published), or a treatment of its own, e.g. nine intensities. An item may say
        ``{factor:NAME}`` where the text goes.
    aims : mapping
        Factor -> level -> scale that this level is to raise, for how far a model can be moved.
    contrasts : callable
        Contrasts of a setting.
    analyses : tuple of str
        Further analyses that print it, e.g. the model fit the field uses.
    awareness : tuple of str
        Words by which an engine shows that it knows what it is asked: ``Big Five``, ``Wason``. Then a full portrait
        asks afterwards what the first item is from, and to go on with its text.
    needs : {"options", "continuations", "writing", "moves"}
        What an engine must be able to do.
    is_generated : bool
        Whether its items are drawn from a generator.
    languages : tuple of str
        Tags of the languages it is there in.
    needs_file : str
        What must stand in the file that `Setting.file` names; empty where all words ship.
    forbids_models : str
        The licence's words where it forbids to put the instrument to models; then it is refused.
    """

    name: str
    title: str
    about: str
    discipline: Discipline
    source: str
    licence: str
    page: str
    instrument: Callable[[Setting], Instrument] | None = None
    design: Callable[[Setting], Design] | None = None
    contexts: Mapping[str, Sequence[str] | Mapping[str, str]] = field(default_factory=dict)
    aims: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    contrasts: Callable[[Setting], Sequence[Contrast]] | None = None
    analyses: tuple[str, ...] = ()
    awareness: tuple[str, ...] = ()
    needs: Needs = "options"
    is_generated: bool = False
    languages: tuple[str, ...] = ("en",)
    needs_file: str = ""
    forbids_models: str = ""

    def __post_init__(self) -> None:
        for key in ("name", "title", "about", "source", "licence", "page"):
            if not getattr(self, key).strip():
                raise DesignError(f"battery {self.name!r}: {key} is empty; write it")
        if (self.instrument is None) == (self.design is None):
            raise DesignError(f"battery {self.name!r}: give either an instrument or a design")


BATTERIES: Shelf[Battery] = Shelf(
    what="battery",
    group="proband.batteries",
    of=(Battery,),
    folders=(
        "proband.batteries.psychology",
        "proband.batteries.sociology",
        "proband.batteries.economics",
        "proband.batteries.politics",
        "proband.batteries.linguistics",
    ),
    member="BATTERY",
    error=DesignError,
)
