from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs import Experiment
from proband.designs.assignment import assign
from proband.designs.process import as_fold
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.instruments.reading import read
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import collect

OUTCOME = Item(
    id="support",
    text="The programme means that {factor:frame}. Do you support it?",
    form="scale",
    options=("no", "unsure", "yes"),
)
LEVELS = {"loss": "400 of 600 die", "gain": "200 of 600 are saved"}


ASSIGNED = "lglgglgllgglgllgglgllgglgllglggllglggllg"
INSTRUMENT = Instrument(id="support", title="support", items=(OUTCOME,))
TWO = {"frame": LEVELS, "source": {"experts": "Experts say", "voters": "Voters say", "none": "Some say"}}


@pytest.fixture
def experiment(people):
    return Experiment(instrument=INSTRUMENT, factors={"frame": LEVELS}, subjects=people(40), seed=5)


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
        instrument=INSTRUMENT, factors={"frame": LEVELS}, subjects=people(41), seed=5, block_by="party"
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


def test_assignment_is_the_one_of_the_version_before(experiment):
    """Lists that version 0.1 made: results of the two-arm form stay what they were."""
    assert "".join(level[0] for level in experiment.assignment.values()) == ASSIGNED


def test_combinations_of_two_factors_are_assigned_in_equal_numbers(people):
    item = replace(OUTCOME, text="{factor:source} that {factor:frame}. Do you support it?")
    also = replace(OUTCOME, id="also", text="Do you like it?")
    design = Experiment(
        instrument=Instrument(id="two", title="two", items=(item, also)), factors=TWO, subjects=people(36), seed=5
    )
    assert set(design.roster().arms.values()) == {6}
    assert design.size() == len(design.trials({})) == 72
    for trial in design.trials({}):
        levels = dict(trial.place.condition)
        arm = design.roster().by_subject[trial.place.subject].arm
        assert arm == f"{levels['frame']}, {levels['source']}"
        if trial.place.item == "support":
            assert TWO["source"][levels["source"]] in trial.request.messages[-1].text
    assert design.describe()["assigned"] == ["frame", "source"]
    assert list(design.describe()["factors"]["source"]) == ["experts", "voters", "none"]


def test_blocks_stand_in_the_roster(people):
    blocked = Experiment(instrument=INSTRUMENT, factors={"frame": LEVELS}, subjects=people(8), seed=5, block_by="party")
    assert {m.subject: m.traits["block"] for m in blocked.roster()} == dict(blocked.blocks)


def test_outcomes_of_one_conversation_keep_the_level(experiment, tmp_path):
    also = replace(OUTCOME, id="also", text="Do you like it?")
    talk = replace(
        experiment, instrument=Instrument(id="two", title="two", items=(OUTCOME, also)), presentation="sequential"
    )
    run = collect(talk, "scripted:uniform", tmp_path)
    assert run.is_complete
    assert len(run.responses()) == talk.size() == 80
    assert all(run.table()["frame"] == run.table()["arm"])


def test_an_experiment_that_varies_nothing_is_refused(experiment):
    with pytest.raises(DesignError, match="is in no wording"):
        replace(experiment, factors={"colour": LEVELS})
    with pytest.raises(DesignError, match="at least two"):
        replace(experiment, factors={"frame": {"gain": "x"}})
    with pytest.raises(DesignError, match="give it a factor"):
        replace(experiment, factors={})
    with pytest.raises(DesignError, match="has no block"):
        assign(["a", "b"], ["t", "c"], 1, factor="f", blocks={"a": "1"})


def test_every_way_to_ask_is_asked_of_every_subject_under_its_own_level(experiment):
    varied = replace(experiment, order=("as_written", "reversed"), persona=("first", "third"))
    trials = varied.trials({})
    assert len(trials) == varied.size() == 4 * experiment.size()
    assert len({trial.id for trial in trials}) == len(trials)
    for subject, arm in varied.assignment.items():
        seen = [dict(t.place.condition) for t in trials if t.place.subject == subject]
        assert {found["frame"] for found in seen} == {arm}
        assert len({(found["order"], found["persona"]) for found in seen}) == 4
    assert set(varied.describe()["varied"]) == {"frame", "order", "persona"}


def test_an_experiment_that_cannot_be_balanced_is_refused(experiment, people):
    with pytest.raises(DesignError, match="in conversations of their own"):
        replace(experiment, order=("as_written", "reversed"), presentation="sequential")
    with pytest.raises(DesignError, match="cannot vary replicates = 2"):
        replace(experiment, replicates=2)
    with pytest.raises(DesignError, match="2 arms for 1 subjects"):
        replace(experiment, subjects=people(1))


def test_sittings_that_begin_side_by_side_take_their_own_sheets(people):
    within = Experiment(
        instrument=INSTRUMENT, factors={"frame": LEVELS}, subjects=people(3), seed=5, within=("frame",),
        presentation="sequential",
    )  # fmt: skip
    one, *others = [as_fold(process) for process in within.processes()]
    (first,) = one.start()
    for other in others:
        other.start()
    ((_, answer),) = ScriptedEngine(uniform()).answer([first])
    (second,) = one.advance(read(answer, first, "scripted:uniform"))
    assert (first.place.subject, second.place.subject) == ("s0", "s0")
