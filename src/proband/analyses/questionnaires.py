"""What trying a questionnaire out on an engine came to, as sections; all of it is synthetic, and says so."""

from collections.abc import Sequence

import numpy as np

from proband.analyses.answers import answers, expected_scores, option_shares, substantive, tabled
from proband.analyses.section import Cell, CellForm, Section
from proband.measures import TwoMeans, sample_size
from proband.runs import Run
from proband.texts.questionnaires.trying import Probed, ThereAndBack, is_hard

SYNTHETIC = "Synthetic: written by a language model for personas. It describes the model, and nobody's answers."
_DEAD = 0.02  # share of the personas' answers below which an option is taken to be dead
_EFFECTS = (0.2, 0.5)  # standard deviations, small and medium by Cohen's convention


def pretest_section(said: Sequence[Probed]) -> Section:
    """For every item, what personas found hard, and how one of them understood it."""
    rows: list[tuple[Cell, ...]] = []
    for item in dict.fromkeys(one.item for one in said):
        of = {probe: [one for one in said if one.item == item and one.probe == probe and one.status == "valid"]
              for probe in ("paraphrase", "hard")}  # fmt: skip
        hard = [one.said for one in of["hard"] if is_hard(one.said)]
        meant = of["paraphrase"][0].said if of["paraphrase"] else None
        rows.append((item, len(of["hard"]), len(hard), hard[0] if hard else None, meant))
    forms: dict[str, CellForm] = {"item": "text", "answered": "count", "hard": "count"}
    forms |= {"what was hard, e.g.": "text", "understood as, e.g.": "text"}
    return Section(
        name="pretest",
        heading="Pretest in words (synthetic)",
        chapter="Trying it out",
        sentences=(SYNTHETIC,),
        table=tabled(forms, rows, "What personas said of the items"),
        notes=("It finds what can be misread. That nothing was found does not show that people understand it.",),
    )


def pilot_section(run: Run) -> Section:
    """Expected distributions, options that nobody takes, and how many people a comparison would need."""
    table = answers(run)
    rows: list[tuple[Cell, ...]] = []
    dead: list[str] = []
    for item in run.items.values():
        part = table.filter(table["item"] == item.id)
        by_subject = list(option_shares(item, part).values())
        if not by_subject:
            rows.append((item.id, None, None, None, "no answer"))
            continue
        shares = np.mean(by_subject, axis=0)
        names = [item.options[k] for k in substantive(item)]
        unused = [name for name, share in zip(names, shares, strict=True) if share < _DEAD]
        dead += [f"{item.id}: {', '.join(unused)}"] * bool(unused)
        points = np.array([item.points[k] for k in substantive(item)])
        mean = float(shares @ points) if expected_scores(item, part) else None
        sd = None if mean is None else float(np.sqrt(shares @ (points - mean) ** 2))
        told = ", ".join(f"{name} {share:.0%}" for name, share in zip(names, shares, strict=True))
        rows.append((item.id, mean, sd, ", ".join(unused) or None, told))
    needed = [sample_size(TwoMeans(effect=effect)).groups[0] for effect in _EFFECTS]
    forms: dict[str, CellForm] = {"item": "text", "mean": "number", "sd": "number", "dead options": "text"}
    return Section(
        name="pilot",
        heading="Pilot (synthetic)",
        chapter="Trying it out",
        sentences=(
            SYNTHETIC,
            f"Options with less than {_DEAD:.0%}: {'; '.join(dead) or 'none'}.",
            f"To find a difference of {_EFFECTS[0]} or {_EFFECTS[1]} standard deviations between two groups with power "
            f".80, {needed[0]:,} or {needed[1]:,} people in each are needed, whatever the model's spread is.",
        ),
        table=tabled(forms | {"expected distribution": "text"}, rows, "Expected answers, in scale points", digits=2),
        notes=("Spread among personas is usually smaller than among people, and says nothing of the power you have.",),
    )


def translation_section(found: Sequence[ThereAndBack], language: str) -> Section:
    """What came back of every text, those that need a look first."""
    doubtful = [one for one in found if one.why]
    rows: list[tuple[Cell, ...]] = [
        (one.id, one.original, one.there or None, one.back or None, one.alike, one.why or None)
        for one in sorted(found, key=lambda one: not one.why)
    ]
    forms: dict[str, CellForm] = {"text": "text", "original": "text", "there": "text", "back": "text"}
    return Section(
        name="translation",
        heading=f"To {language} and back",
        chapter="Trying it out",
        sentences=(f"{len(doubtful)} of {len(found)} texts need a look.",),
        table=tabled(forms | {"alike": "share", "look at": "text"}, rows, "Texts translated by the engine and back"),
        notes=("What comes back unchanged may be wrong in between: somebody who speaks the language has to read it.",),
    )
