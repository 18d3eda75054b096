"""Answers as itself and as people of groups, beside what these groups answered in a survey: ANES 1996."""

from collections.abc import Sequence
from functools import cache

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.voices import ITSELF, Group, Voices
from proband.instruments import load_instrument
from proband.instruments.items import Instrument, Item
from proband.subjects import Population, load_population


@cache
def _people(file: str) -> Population:
    return load_population("anes-1996")


def _asked() -> Sequence[Item]:
    known = load_instrument("anes-1996")
    return [known[item] for item in ("vote", *VOICES.placed)]


VOICES = Voices(
    people=_people,
    asked=_asked,
    placed=("clinton-placement", "dole-placement", "self-placement"),  # from 1, extremely liberal, to 7
    groups={
        ITSELF: Group(lead=""),
        "democrats": Group(lead="Answer as a Democrat would.", column="PID", codes=(0, 1)),
        "independents": Group(lead="Answer as an independent voter would.", column="PID", codes=(2, 3, 4)),
        "republicans": Group(lead="Answer as a Republican would.", column="PID", codes=(5, 6)),
        "graduates": Group(lead="Answer as a voter with a college degree would.", column="educ", codes=(6, 7)),
        "without-diploma": Group(
            lead="Answer as a voter without a high school diploma would.", column="educ", codes=(1, 2)
        ),
    },
)


def instrument(setting: Setting) -> Instrument:
    """Every item in every voice; a scale is the mean of three placements."""
    known = load_instrument("anes-1996")
    return Instrument(
        id="anes-groups",
        title="As itself and as groups of voters",
        preamble=known.preamble,
        items=VOICES.items(),
        scales=VOICES.scales("placements"),
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
