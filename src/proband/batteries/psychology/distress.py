"""Distress of described people: items of the PHQ and the GAD-7 about somebody else, never about the one who answers."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.material import people, rows, scale
from proband.instruments.items import Instrument, Item

_OFTEN = ("Not at all", "Several days", "More than half the days", "Nearly every day")
# Retyped from the forms, on which Pfizer says that no permission is required; the ninth item of the PHQ is left out.
_PROBLEMS = rows(
    """
phq | little interest or pleasure in doing things
gad | feeling nervous, anxious or on edge
phq | feeling down, depressed, or hopeless
gad | not being able to stop or control worrying
phq | feeling tired or having little energy
gad | worrying too much about different things
phq | trouble falling or staying asleep, or sleeping too much
gad | trouble relaxing
phq | poor appetite or overeating
gad | being so restless that it is hard to sit still
phq | feeling bad about oneself, or that one is a failure or has let oneself or one's family down
gad | becoming easily annoyed or irritable
phq | trouble concentrating on things, such as reading the newspaper or watching television
gad | feeling afraid as if something awful might happen
phq | moving or speaking so slowly that others notice, or being so restless that one moves about more than usual
"""
)
_PERSONS = {
    "anybody": "Robin is 45 years old and lives in a town in Germany.",
    "low": "Robin is 45 years old. Robin has stopped seeing friends, sits in the kitchen for hours, and says that "
    "nothing is any good.",
    "worried": "Robin is 45 years old. Robin checks the stove five times, calls the children every hour, and lies "
    "awake over what could happen.",
}
_TESTS = {"phq": ("PHQ-8", "phq-9", 9), "gad": ("GAD-7", "gad-7", 7)}


def instrument(setting: Setting) -> Instrument:
    """Every problem of every person; scores are points of 0 to 3 an item."""
    problems = _PROBLEMS[:6] if setting.is_quick else _PROBLEMS
    found = dict[str, list[Item]]()
    for person, about in _PERSONS.items():
        for k, (test, problem) in enumerate(problems, 1):
            text = f"{about} How often, would you guess, was Robin bothered over the last two weeks by {problem}?"
            item = Item(
                id=f"{person}-{test}-{k:02d}", text=text, form="scale", options=_OFTEN, codes=(0.0, 1.0, 2.0, 3.0)
            )
            found.setdefault(f"{test}-{person}", []).append(item)
    return Instrument(
        id="distress",
        title="Distress of described people",
        items=tuple([item for items in found.values() for item in items]),
        scales=tuple(
            [
                scale(name, f"{_TESTS[name[:3]][0]}, {name[4:]}", items, _norm(name) if name[4:] == "anybody" else None)
                for name, items in found.items()
            ]
        ),
        preamble="Give your guess about the person described.",
    )


def _norm(name: str) -> Figure:
    """Of one item, from the sum of all that people answered of themselves."""
    _, test, n_items = _TESTS[name[:3]]
    whole = people("distress", test)
    sd = None if whole.sd is None else whole.sd / n_items
    return Figure(mean=whole.mean / n_items, sd=sd, n=whole.n, source=f"{whole.source}; a {n_items}th of their sum")


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Whether each description moves its own scale, and more than the other."""
    return (
        Contrast(name="depression: low minus anybody", weights={"phq-low": 1.0, "phq-anybody": -1.0}),
        Contrast(name="anxiety: worried minus anybody", weights={"gad-worried": 1.0, "gad-anybody": -1.0}),
        Contrast(
            name="told apart: own scale minus the other",
            weights={"phq-low": 1.0, "gad-low": -1.0, "gad-worried": 1.0, "phq-worried": -1.0},
        ),
    )


BATTERY = Battery(
    name="distress",
    title="Distress of described people",
    about="how distressed a model takes described people to be, by items of the PHQ and the GAD-7",
    discipline="psychology",
    source="Kroenke, Spitzer & Williams (2001), Journal of General Internal Medicine 16, 606-613, "
    "https://doi.org/10.1046/j.1525-1497.2001.016009606.x; Spitzer et al. (2006), Archives of Internal Medicine 166, "
    "1092-1097, https://doi.org/10.1001/archinte.166.10.1092",
    licence="PHQ and GAD-7: no permission required to reproduce, translate, display or distribute (Pfizer). "
    "Descriptions were written for Proband (Apache-2.0).",
    page="Items of two questionnaires are put about a described person, not about the model: somebody of whom nothing "
    "is told, somebody low, somebody worried. Scores are points an item, 0 to 3. The norm is what a population says "
    "of itself, and stands beside the person of whom nothing is told. The ninth item of the PHQ, on self-harm, is "
    "left out. None of this is advice or a diagnosis, and nothing here may be used on people.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"role": ("none",)},
)
