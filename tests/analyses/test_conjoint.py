"""What is told of a conjoint: planted effects come back, repeated choices are corrected, subgroups are compared."""

import pytest

from proband.analyses import conjoint
from proband.designs import Conjoint
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.reports import findings
from proband.runs import collect

CHOICE = Item(id="choice", text="Which line would you rather have?", form="choice", options=("Line 1", "Line 2"))
RATING = Item(
    id="use", text="How often would you take {profile:name}?", form="scale", options=("Never", "Sometimes", "Often")
)
ATTRIBUTES = {
    "Fare": {"dear": "3 dollars", "free": "nothing"},
    "Walk": {"long": "15 minutes", "short": "2 minutes", "none": "none"},
}


def asked(subjects, rule, into, **settings):
    lines = Instrument(id="lines", title="Lines", items=(CHOICE, RATING))
    design = Conjoint(
        instrument=lines, subjects=subjects, seed=3, attributes=ATTRIBUTES, profile="Line", tasks=6, repeated_task=1,
        answer_by="written", **settings,
    )  # fmt: skip
    return collect(design, ScriptedEngine(rule, seed=2), into)


def by_fare(swap=0.0):
    """Free fares are chosen 30 points more often, and rated half a point higher; one choice in so many is swapped."""

    def rule(trial):
        shown = dict(trial.facts)
        if trial.place.item.startswith("use"):
            likes = shown[f"Fare-{trial.place.item[-1]}"] == "free"
            return (0.3, 0.4, 0.3) if likes else (0.55, 0.4, 0.05)
        lead = 0.3 * ((shown["Fare-1"] == "free") - (shown["Fare-2"] == "free"))
        first = 0.5 + lead
        return (first * (1 - swap) + (1 - first) * swap, (1 - first) * (1 - swap) + first * swap)

    return rule


def rows(section):
    return {row[:2]: row[2:] for row in section.table.rows}


def test_planted_effects_come_back_with_their_intervals(people, tmp_path):
    choice, use, reliability = conjoint.sections(asked(people(250), by_fare(), tmp_path))
    effect, p, mean = rows(choice)["Fare", "free"][:3]
    assert effect.interval[0] < 0.3 < effect.interval[1]
    assert p < 0.001
    assert mean.value == pytest.approx(0.65, abs=0.04)
    assert rows(choice)["Walk", "none"][0].interval[0] < 0 < rows(choice)["Walk", "none"][0].interval[1]
    assert rows(use)["Fare", "free"][0].interval[0] < 0.5 < rows(use)["Fare", "free"][0].interval[1]
    assert choice.sentences[0] == "250 subjects judged 3,000 profiles."
    assert "Fare free changes the chance of being chosen by" in choice.sentences[1]
    assert reliability.heading == "How reliable choices are"


def certain(trial):
    """The free line, or the first; swapped in one task of five, by place."""
    shown = dict(trial.facts)
    if trial.place.item.startswith("use"):
        return (0.3, 0.4, 0.3)
    free = [shown[f"Fare-{k}"] == "free" for k in (1, 2)]
    walks = [("long", "short", "none").index(shown[f"Walk-{k}"]) for k in (1, 2)]
    first = (free[0], walks[0]) >= (free[1], walks[1])
    return (0.8, 0.2) if first else (0.2, 0.8)


def test_effects_are_corrected_by_the_repeated_task(people, tmp_path):
    choice, _, reliability = conjoint.sections(asked(people(400), certain, tmp_path))
    # Ties (the same profile twice, one pair in six) are broken by place and disagree when they come in reverse.
    agreement, swapped = reliability.table.rows[0][1:]
    assert 0.55 < agreement.value < 0.72
    effect, corrected = rows(choice)["Fare", "free"][0], rows(choice)["Fare", "free"][3]
    assert corrected.value == pytest.approx(effect.value / (1 - 2 * swapped.value))
    assert corrected.se > effect.se


def test_subgroups_are_compared_by_marginal_means(people, tmp_path):
    def rule(trial):
        shown = dict(trial.facts)
        if trial.place.item.startswith("use"):
            return (0.3, 0.4, 0.3)
        reach = 0.4 if shown["party"] == "1" else 0.0
        lead = reach * ((shown["Fare-1"] == "free") - (shown["Fare-2"] == "free"))
        return (0.5 + lead, 0.5 - lead)

    run = asked(people(300), rule, tmp_path)
    found = {section.name: section for section in conjoint.divided(run, ("party",))}
    table = found["conjoint-choice-party"].table
    row = next(r for r in table.rows if r[:3] == ("Fare", "free", "Right"))
    assert row[5].interval[0] < 0.2 < row[5].interval[1]
    assert row[5].interval[0] > 0


def test_the_findings_of_a_conjoint_have_it_and_other_runs_do_not(people, tmp_path):
    run = asked(people(30), by_fare(), tmp_path)
    assert [s.name for s in findings(run).sections if s.name.startswith("conjoint")] == [
        "conjoint-choice",
        "conjoint-use",
        "conjoint-reliability",
    ]
