"""Answers as itself and as people of groups, beside what these groups answered in a survey: ANES 1996."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from proband.batteries.battery import Battery, Contrast, Setting
from proband.instruments import load_instrument
from proband.instruments.items import Instrument, Scale
from proband.subjects import load_population

ITSELF = "itself"
ITEMS = ("vote", "clinton-placement", "dole-placement", "self-placement")
_PLACED = ITEMS[1:]  # from 1, extremely liberal, to 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People of the survey: how a model is asked to answer as one, and by which codes of which column they are it."""

    lead: str
    column: str = ""
    codes: tuple[int, ...] = ()


GROUPS: Mapping[str, Group] = {
    ITSELF: Group(lead=""),
    "democrats": Group(lead="Answer as a Democrat would.", column="PID", codes=(0, 1)),
    "independents": Group(lead="Answer as an independent voter would.", column="PID", codes=(2, 3, 4)),
    "republicans": Group(lead="Answer as a Republican would.", column="PID", codes=(5, 6)),
    "graduates": Group(lead="Answer as a voter with a college degree would.", column="educ", codes=(6, 7)),
    "without-diploma": Group(
        lead="Answer as a voter without a high school diploma would.", column="educ", codes=(1, 2)
    ),
}


@cache
def members(name: str) -> frozenset[str]:
    """Who of the survey is in a group; everybody where it is the model itself."""
    group, people = GROUPS[name], load_population("anes-1996")
    if not group.column:
        return frozenset(subject.id for subject in people)
    return frozenset(id_ for id_, code in people.column(group.column).items() if code in group.codes)


def shares(item: str, group: str) -> Sequence[float]:
    """Shares of the options of an item among the people of a group, in the order written."""
    found = load_instrument("anes-1996")[item]
    given = load_population("anes-1996").column(found.data_column)
    counts = Counter(given[id_] for id_ in members(group) if id_ in given)
    return [counts[value] / sum(counts.values()) for value in found.data_values]


def _norm(group: str) -> dict[str, float | str]:
    """Mean and SD over people of what they placed, on average of the three."""
    known, people = load_instrument("anes-1996"), load_population("anes-1996")
    columns = [people.column(known[item].data_column) for item in _PLACED]
    there = [id_ for id_ in sorted(members(group)) if all(id_ in column for column in columns)]
    means = np.array([[float(column[id_]) for column in columns] for id_ in there]).mean(axis=1)
    source = f"{people.source}; own computation, {len(means)} people"
    return {"mean": float(np.mean(means)), "sd": float(np.std(means, ddof=1)), "n": len(means), "source": source}


def instrument(setting: Setting) -> Instrument:
    """Every item in every voice; a scale is the mean of three placements."""
    known = load_instrument("anes-1996")
    items = [
        replace(known[item], id=f"{item}-{name}", stem=" ".join(filter(None, (group.lead, known[item].stem))), about=())
        for name, group in GROUPS.items()
        for item in ITEMS
    ]
    return Instrument(
        id="anes-groups",
        title="As itself and as groups of voters",
        preamble=known.preamble,
        items=tuple(items),
        scales=tuple(
            Scale(id=name, name=f"placements, {name}", items={f"{i}-{name}": 1 for i in _PLACED}, human=_norm(name))
            for name in GROUPS
        ),
        source=known.source,
        licence=known.licence,
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What being a Republican adds."""
    return [Contrast(name="republicans less democrats", weights={"republicans": 1, "democrats": -1})]


BATTERY = Battery(
    name="anes-groups",
    title="As itself and as groups of voters",
    about="vote and placements of 1996 as itself and as five groups, with alignment to what these groups answered",
    discipline="politics",
    source="Santurkar et al. (2023), https://doi.org/10.48550/arXiv.2303.17548, for the measure; American National "
    "Election Study 1996 for people",
    licence="The data are in the public domain; the wording was written for Proband",
    page="Voters placed the two candidates of 1996 and themselves from extremely liberal to extremely conservative, "
    "and said for whom they would vote. The model answers as itself and as five groups, and stands beside what "
    "these groups answered: alignment is 1 less the distance of both distributions, and a uniform answer has some "
    "of it too, which is shown. Steering helped where the gain is above 0. People are two-party voters and no "
    "sample of all adults; a study with [survey] and a population asks about single people, and its ladder tells "
    "more.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"wording": ("published", "plain"), "role": ("none",)},
    analyses=("group-alignment",),
)
