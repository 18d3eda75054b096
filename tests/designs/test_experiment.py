from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs import Experiment
from proband.designs.assignment import assign
from proband.errors import DesignError
from proband.instruments import Item
from proband.models.scripted import ScriptedEngine
from proband.runs import collect

OUTCOME = Item(
    id="support",
    text="The programme means that {factor:frame}. Do you support it?",
    form="scale",
    options=("no", "unsure", "yes"),
)
LEVELS = {"loss": "400 of 600 die", "gain": "200 of 600 are saved"}


@pytest.fixture
def experiment(people):
    return Experiment(outcome=OUTCOME, factor="frame", levels=LEVELS, subjects=people(40), seed=5)


@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(2, 4))
@settings(max_examples=40)
def test_arms_are_of_equal_size_and_later_subjects_change_nobody(seed, n, k):
    levels = [f"level-{i}" for i in range(k)]
    roster = [f"s{i}" for i in range(n)]
    assigned = assign(roster, levels, seed, factor="f")
    counts = [Counter(assigned.values())[level] for level in levels]
    assert max(counts) - min(counts) <= 1
    longer = assign([*roster, "x", "y", "z"], levels, seed, factor="f")
    assert all(longer[subject] == level for subject, level in assigned.items())


def test_every_subject_can_get_every_level_with_equal_chance():
    first = [assign(["a", "b"], ["t", "c"], seed, factor="f")["a"] for seed in range(2000)]
    assert abs(first.count("t") / 2000 - 0.5) < 0.04


def test_assignment_is_balanced_within_blocks(people):
    blocked = Experiment(
        outcome=OUTCOME, factor="frame", levels=LEVELS, subjects=people(41), seed=5, block_by="party"
    )
    for party in ("0", "1"):
        arms = Counter(blocked.assignment[id] for id, block in blocked.blocks.items() if block == party)
        assert abs(arms["loss"] - arms["gain"]) <= 1


def test_each_subject_is_asked_under_its_own_level_only(experiment):
    trials = experiment.trials({})
    assert len(trials) == experiment.size() == 40
    for trial in trials:
        level = experiment.assignment[trial.place.subject]
        assert trial.place.condition == (("frame", level),)
        assert LEVELS[level] in trial.request.messages[-1].text


@pytest.mark.parametrize("block_by", ["", "party"])
def test_a_planted_effect_is_found_and_its_interval_holds_it(people, tmp_path, block_by):
    def rule(trial):
        return (0.2, 0.2, 0.6) if dict(trial.place.condition)["frame"] == "gain" else (0.6, 0.2, 0.2)

    experiment = Experiment(
        outcome=OUTCOME, factor="frame", levels=LEVELS, subjects=people(400), seed=5, block_by=block_by
    )
    run = collect(experiment, ScriptedEngine(rule, seed=2), tmp_path)
    effect = experiment.effect(run.responses(), "gain")
    assert effect.interval[0] < 0.8 < effect.interval[1]
    assert effect.interval[0] > 0


def test_an_experiment_that_varies_nothing_is_refused(experiment):
    with pytest.raises(DesignError, match="nothing is varied"):
        replace(experiment, factor="colour")
    with pytest.raises(DesignError, match="at least two"):
        replace(experiment, levels={"gain": "x"})
    with pytest.raises(DesignError, match="has no block"):
        assign(["a", "b"], ["t", "c"], 1, factor="f", blocks={"a": "1"})
