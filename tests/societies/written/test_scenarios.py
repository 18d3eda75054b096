"""Scenarios by tables alone: they can be played, and their prompts are the golden ones.

Rewrite these with ``PROBAND_GOLDEN=write python -m pytest tests/societies/written/test_scenarios.py``.
"""

import pytest

from proband import carry_out, load_study
from proband.designs.studies import Study
from tests.designs.survey.test_prompts import as_text, assert_golden
from tests.societies.written.playing import Played, words


@pytest.mark.parametrize(("name", "sample"), [("bypass", 12), ("village", None)])
def test_prompts_are_the_golden_ones(name, sample):
    played = Played(load_study(f"scenario:{name}", sample=sample), societies=1)
    shown = {(t.place.item, t.place.round, t.place.condition): t for t in reversed(played.trials)}
    some = [shown[key] for key in sorted(shown) if key[1] in (0, 1, 4, 8)]
    assert_golden(f"society-{name}", "\n\n".join(map(as_text, some)) + "\n")


def test_those_who_were_not_told_never_read_of_it():
    played = Played(load_study("scenario:village"))
    told = [trial for trial in played.trials if "pedlar" in words(trial)]
    here = [trial for trial in played.trials if trial.place.round == 3 and "You are at: inn" in words(trial)]
    asked_first = {trial.place.subject for trial in here if trial.place.item == "go"}
    assert {trial.place.subject for trial in told} == asked_first
    leaflet = Played(load_study("scenario:bypass", sample=12))
    for trial in leaflet.trials:
        is_told = dict(trial.place.condition).get("arm") == "leaflet" and trial.place.round in (4, 5)
        assert is_told or "leaflet" not in words(trial)


def test_coins_are_never_lost_and_the_well_is_dug_once_two_thirds_want_it():
    played = Played(load_study("scenario:village"), dig)
    for state in played.states.values():
        assert state.agents["coins"].sum() + state.stocks["coins_miller"] + state.stocks["coins_host"] == 108
    assert all("everybody helps" in words(trial) for trial in played.asked("well", 3))


def dig(trial):
    return "dig a new one" if trial.place.item == "well" else None


def test_a_scenario_is_run_as_any_study(tmp_path):
    study = load_study("scenario:village")
    run = carry_out(Study(study.design, "scripted:uniform?seed=2"), tmp_path / "village")
    assert run.is_complete
    assert run.table().height > 400
