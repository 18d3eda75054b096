from dataclasses import replace

import pytest

from proband.analyses import checks, ethics
from proband.designs import Experiment, Survey
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.reports import findings
from proband.runs import collect

ITEMS = (
    Item(id="support", text="{factor:frame}. Do you support it?", form="scale", options=("no", "yes")),
    Item(id="read", text="What did you read about?", form="choice", options=("deaths", "rescues", "taxes")),
    Item(id="attention", text="Please choose blue.", form="choice", options=("red", "blue")),
)


def rule(trial):
    """Subjects above s15 do not attend, and then do not react."""
    frame, attends = dict(trial.place.condition)["frame"], int(trial.place.subject[1:]) < 16
    if trial.place.item == "support":
        return int(frame == "gain" and attends)
    if trial.place.item == "attention":
        return int(attends)
    return 0 if frame == "loss" else 1


@pytest.fixture
def experiment(people) -> Experiment:
    return Experiment(
        instrument=Instrument(id="three", title="three", items=ITEMS), subjects=people(20), seed=1,
        factors={"frame": {"loss": "400 die", "gain": "200 are saved"}}, exclude=("attention",),
        checks={"attention": "blue", "read": {"loss": "deaths", "gain": "rescues"}},
    )  # fmt: skip


def test_who_passed_is_told_by_arm_and_effects_with_and_without_those_who_failed(experiment, tmp_path):
    run = collect(experiment, ScriptedEngine(rule, seed=1), tmp_path)
    assert all(checks.passed(run)["read"].values())
    failed = {subject for subject, ok in checks.passed(run)["attention"].items() if not ok}
    assert failed == {"s16", "s17", "s18", "s19"}
    shares, both = checks.sections(run)
    arms = experiment.roster().by_subject
    by_arm = {arm: share.value for check, arm, _, share in shares.table.rows if check == "attention"}
    for arm, share in by_arm.items():
        assert share == pytest.approx(1 - sum(arms[s].arm == arm for s in failed) / 10)
    ((_, level, among_all, without),) = both.table.rows
    gained = sum(arms[s].arm == "gain" for s in failed)
    assert (level, among_all.value, without.value) == ("frame = gain", pytest.approx(1 - gained / 10), 1.0)
    assert both.sentences[0].startswith("The design excludes whoever fails attention: 4 of 20 subjects.")
    assert {"checks", "checks-effects"} <= {section.name for section in findings(run).sections}


def test_where_nobody_is_excluded_that_is_said_and_both_are_still_shown(experiment, tmp_path):
    run = collect(replace(experiment, exclude=()), ScriptedEngine(rule, seed=1), tmp_path)
    assert "The design excludes nobody. 4 of 20 subjects failed" in checks.sections(run)[1].sentences[0]


def test_a_study_marked_as_harmful_needs_its_ethics_and_the_report_prints_them(survey, tmp_path):
    with pytest.raises(DesignError, match="says nothing under 'deception'"):
        replace(survey, harms=("deception",))
    with pytest.raises(DesignError, match="nothing under 'approval'"):
        replace(survey, harms=("distress",), ethics={"distress": "mild, debriefed"})
    with pytest.raises(DesignError, match="'pain' is none of"):
        replace(survey, harms=("pain",))
    said = {"deception": "about the shocks", "approval": "board 12, 2026"}
    marked: Survey = replace(survey, harms=("deception",), ethics=said)
    run = collect(marked, "scripted:uniform", tmp_path)
    section = next(section for section in findings(run).sections if section.name == "ethics")
    assert section.table.rows == tuple(said.items())
    assert "deception" in section.sentences[0]
    assert ethics.ANALYSIS.needs(collect(survey, "scripted:uniform", tmp_path / "b"))
