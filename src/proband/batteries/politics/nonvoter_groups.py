"""Trust and views as itself and as voters and non-voters, beside what these answered: non-voters poll, 2020."""

from collections.abc import Sequence
from functools import cache

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.voices import ITSELF, Group, Voices
from proband.instruments.items import Instrument, Item
from proband.subjects import Population, load_population

_TRUST = {
    "congress": ("Congress", "Q8_2"), "elections": ("election officials", "Q8_5"),
    "media": ("the news media", "Q8_7"), "police": ("the police", "Q8_8"),
}  # fmt: skip
_HOW_MUCH = ("A lot", "Some", "Not much", "Not at all")
_AGREE = ("Strongly agree", "Somewhat agree", "Somewhat disagree", "Strongly disagree")


@cache
def _people(file: str) -> Population:
    return load_population("nonvoters-2020", data=file)


@cache
def _asked() -> Sequence[Item]:
    """In our words; the poll's codes count from the first option."""
    asked: list[tuple[str, str, tuple[str, ...], str]] = [
        (id_, f"How much do you trust {whom}?", _HOW_MUCH, column) for id_, (whom, column) in _TRUST.items()
    ]
    asked += [
        ("like-me", "How many of those who hold elected office are like you?", ("A lot", "Some", "Few", "None"), "Q6"),
        ("racism", "Do you agree or disagree that there is systemic racism in the United States?", _AGREE, "Q3_1"),
        ("parties", "Do you agree or disagree that the old parties do not care about people like you?", _AGREE, "Q3_5"),
        ("easy", "How easy is it to vote in national elections?", tuple(f"{how} {what}" for how, what in (
            ("Very", "easy"), ("Rather", "easy"), ("Rather", "difficult"), ("Very", "difficult"))), "Q16"),
    ]  # fmt: skip
    return [
        Item(id=id_, text=text, form="scale", options=options, codes=(4, 3, 2, 1), values=(1, 2, 3, 4), column=at)
        for id_, text, options, at in asked
    ]


VOICES = Voices(
    people=_people,
    asked=_asked,
    placed=tuple(_TRUST),
    groups={
        ITSELF: Group(lead=""),
        "voters": Group(
            lead="Answer as somebody who votes in nearly every election would.", column="voter_category",
            codes=("always",),
        ),
        "sporadic": Group(
            lead="Answer as somebody who votes in some elections would.", column="voter_category", codes=("sporadic",)
        ),
        "non-voters": Group(
            lead="Answer as somebody who hardly ever votes would.", column="voter_category", codes=("rarely/never",)
        ),
        "democrats": Group(lead="Answer as a Democrat would.", column="Q30", codes=(2,)),
        "republicans": Group(lead="Answer as a Republican would.", column="Q30", codes=(1,)),
    },
)  # fmt: skip


def instrument(setting: Setting) -> Instrument:
    """Every item in every voice; a scale is trust from 1 to 4 in four institutions."""
    return Instrument(
        id="nonvoter-groups",
        title="As itself, as voters and as non-voters",
        items=VOICES.items(),
        scales=VOICES.scales("trust", setting.file),
        source=_people(setting.file).source,
        licence="CC0",
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What never voting adds to trust."""
    return [Contrast(name="non-voters less voters", weights={"non-voters": 1, "voters": -1})]


BATTERY = Battery(
    name="nonvoter-groups",
    title="As itself, as voters and as non-voters",
    about="trust and views as itself and as voters, non-voters and partisans, beside a poll of 2020",
    discipline="politics",
    source="FiveThirtyEight and Ipsos (2020), non-voters poll, "
    "https://github.com/fivethirtyeight/data/tree/master/non-voters; Santurkar et al. (2023), "
    "https://doi.org/10.48550/arXiv.2303.17548, for the measure",
    licence="Own wording, CC0; the data are CC BY 4.0 and do not ship",
    page="Eight questions after a poll of 5,836 Americans, in our words: trust in Congress, election officials, the "
    "news media and the police, and four views. The model answers as itself, as people who vote always, sometimes or "
    "hardly ever, and as partisans, and stands beside what these groups answered, weighted; who voted is known from "
    "voter files. A scale is trust from 1 to 4. Alignment is 1 less the distance of both distributions; look at the "
    "uniform answer beside it. The words are not the poll's, so a small difference may be one of wording. Take "
    "nonvoters_data.csv from the folder of the source.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"wording": ("published", "plain"), "role": ("none",)},
    analyses=("group-alignment",),
    needs_file="nonvoters_data.csv of the non-voters poll",
)
