import subprocess
import sys
from dataclasses import replace

import pytest

from proband.batteries.battery import BATTERIES, Setting
from proband.cli.demo import demo_study
from proband.designs import Experiment, PrisonersDilemma
from proband.errors import DesignError, EngineError
from proband.instruments import Instrument, Item
from proband.measures import smallest_detectable_effect
from proband.measures.experiments.comparisons import Paired
from proband.measures.shares import wilson_interval
from proband.models.scripted import ScriptedEngine, played, uniform
from proband.runs import collect, plan, show
from proband.runs.planning import _together
from proband.strategies import tit_for_tat


def test_a_small_design_is_counted_whole(survey):
    planned = plan(survey, "scripted:uniform")
    assert (planned.trials, planned.distinct_requests) == (24, 24)
    assert planned.dollars == 0
    assert (planned.kind, planned.units, planned.unit) == ("survey", 12, "subject")


def test_a_study_without_a_comparison_says_how_precise_it_is(survey):
    planned = plan(survey, "scripted:uniform")
    assert (planned.contrast, planned.arms, planned.smallest_detectable_effect) == ("", {}, None)
    low, high = wilson_interval(0.5, 12)
    assert planned.half_width == pytest.approx((high - low) / 2)
    assert "power" not in dict(planned.rows())


def test_people_are_in_a_plan_only_where_they_are_in_the_study():
    with_people = plan(demo_study("scripted", 30))
    assert (with_people.contrast, with_people.arms) == ("model with people", {"model": 30, "people": 30})
    assert with_people.smallest_detectable_effect == pytest.approx(float(smallest_detectable_effect(30, 30)))


def test_a_factor_within_subjects_is_planned_as_paired(survey):
    planned = plan(replace(survey, persona=("first", "third")), "scripted:uniform")
    assert (planned.contrast, planned.arms) == ("within subjects, over persona", {})
    assert Paired(effect=planned.smallest_detectable_effect, correlation=0.5).power_at(12, 0.05) == pytest.approx(0.8)
    assert "SD of the difference" in dict(planned.rows())["power"]


def test_arms_of_an_experiment_are_planned_by_their_sizes(people):
    item = Item(id="a", text="{factor:f}?", form="scale", options=("no", "yes"))
    design = Experiment(
        instrument=Instrument(id="a", title="a", items=(item,)),
        factors={"f": {"x": "X", "y": "Y"}},
        subjects=people(21),
        seed=1,
    )
    planned = plan(design, "scripted:uniform")
    assert (planned.contrast, sum(planned.arms.values())) == ("between arms", 21)
    assert planned.smallest_detectable_effect == pytest.approx(float(smallest_detectable_effect(10, 11)))


def test_matches_are_the_units_of_a_game():
    game = PrisonersDilemma(matches=5, rounds=4, seed=1)
    planned = plan(game, {"model": "scripted:uniform", "rival": "scripted:tit-for-tat"})
    assert (planned.units, planned.unit, planned.smallest_detectable_effect) == (5, "match", None)
    assert dict(planned.rows())["units"] == "5 independent matches"
    assert dict(planned.rows())["engine"] == "model scripted:uniform, rival scripted:tit-for-tat"


def test_requests_that_are_the_same_are_counted_once(survey):
    plain = replace(survey, persona="none", order="as_written", replicates=3)
    assert plan(plain, "scripted:uniform").distinct_requests == 2


def test_the_smallest_effect_shrinks_with_subjects_and_not_with_replicates(survey, people):
    both = replace(survey, persona=("first", "third"))
    small = plan(both, "scripted:uniform").smallest_detectable_effect
    assert plan(replace(both, replicates=50), "scripted:uniform").smallest_detectable_effect == small
    assert plan(replace(both, subjects=people(48)), "scripted:uniform").smallest_detectable_effect < small


def test_a_million_trials_are_planned_in_seconds_by_sampling(people, survey):
    million = replace(survey, subjects=people(2000), replicates=250)
    assert million.size() == 1_000_000
    planned = plan(million, ScriptedEngine(uniform()))
    assert planned.trials == 1_000_000
    assert not planned.is_exact
    small = plan(replace(million, replicates=1), ScriptedEngine(uniform()))
    assert planned.prompt_tokens == pytest.approx(250 * small.prompt_tokens, rel=0.02)
    # Three rotations of one item and two directions of the other: 5 distinct requests a subject.
    assert planned.distinct_requests == pytest.approx(2000 * 5, rel=0.3)


def test_a_plan_of_an_adaptive_design_says_it_is_an_upper_bound():
    game = PrisonersDilemma(matches=5, rounds=4, seed=1)
    engines = {"model": ScriptedEngine(uniform()), "rival": ScriptedEngine(played(tit_for_tat))}
    planned = plan(game, engines)
    assert planned.trials == 40
    assert any("upper bound" in note for note in planned.notes)


def test_show_gives_what_would_be_sent_and_names_places(survey):
    text = show(survey, "scripted:uniform", "s3/trust")
    trial = next(trial for trial in survey.trials({}) if trial.id.startswith("s3/trust"))
    for part in (*(m.text for m in trial.request.messages), *trial.request.continuations):
        assert part in text
    with pytest.raises(DesignError, match="places look like 's0/vote"):
        show(survey, "scripted:uniform", "nobody")


def test_an_engine_that_a_design_needs_and_nobody_gave_is_named():
    game = PrisonersDilemma(matches=1, rounds=1, seed=1)
    with pytest.raises(DesignError, match="one engine was given, and 'model', 'rival' need one each"):
        plan(game, "scripted:uniform")
    with pytest.raises(EngineError, match="no engine 'gpt9'"):
        plan(game, {"model": "gpt9", "rival": "scripted:tit-for-tat"})


def test_planning_sends_nothing_and_loads_no_model():
    code = (
        "import sys; from proband.cli.demo import demo_study; from proband.runs import plan; "
        "study = demo_study('scripted'); plan(study); "
        "print({'torch', 'transformers', 'aiohttp'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "set()"


def test_a_conversation_is_planned_whole_and_shown_after_the_answers_it_had(survey, tmp_path):
    talk = replace(survey, presentation="sequential")
    assert plan(talk, "scripted:uniform").trials == 24
    run = collect(talk, "scripted:uniform", tmp_path)
    before = show(talk, "scripted:uniform", "s3/trust")
    after = show(talk, "scripted:uniform", "s3/trust", answered=run.responses())
    assert "Whom do you vote for?" not in before
    assert "Whom do you vote for?" in after


def test_a_task_is_planned_with_what_it_will_have_told_and_step_by_step():
    task = BATTERIES.load("two-step").design(Setting(seed=1, is_quick=True))
    asked = task.foreseen()
    assert len(asked) == task.size()
    assert [trial.request.hash for trial in asked] == [trial.request.hash for trial in task.foreseen()]
    of_one = [trial for trial in asked if trial.place.subject == asked[0].place.subject]
    lengths = [len(trial.request.messages[0].text) for trial in of_one]
    assert lengths[-1] > 2 * lengths[0]
    found = plan(task, "scripted:uniform")
    assert found.trials == task.size()
    steps = _together(task, asked)
    assert sorted(trial.id for step in steps for trial in step) == sorted(trial.id for trial in asked)
    assert all(len({trial.place.subject for trial in step}) == len(step) for step in steps)
