"""A society that was stopped anywhere goes on to the same run: rows, states and tables, with snapshots and without."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from proband.errors import TreatmentChanged
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import Budget, Run, collect
from proband.runs.snapshots import FOLDER
from proband.societies import States
from proband.societies.life import mark_of
from tests.societies.killing import SNAPSHOTS, damage, files, kill_again_and_again, rows
from tests.societies.worlds import village

ENGINES = {"quick": "scripted:uniform?seed=3", "slow": "scripted:uniform?seed=4"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return collect(village(), ENGINES, tmp_path_factory.mktemp("village") / "whole").path


@pytest.mark.parametrize("snapshot", ["kept", "deleted", "damaged", "foreign"])
def test_stopped_often_it_is_the_same_run(whole, tmp_path, snapshot, caplog):
    folder, remarks = tmp_path / "run", 0
    for k in range(60):
        run = collect(village(), ENGINES, folder, budget=Budget(trials=12 + 5 * (k % 4)))
        if run.is_complete:
            break
        last = folder / FOLDER / "last.npz"
        remarks += last.exists()
        if last.exists() and snapshot == "deleted":
            shutil.rmtree(folder / FOLDER)
        elif last.exists() and snapshot == "damaged":
            damage(last)
        elif last.exists() and snapshot == "foreign":
            shutil.copy(whole / FOLDER / "last.npz", last)
    assert run.is_complete
    assert remarks > 2
    assert rows(folder) == rows(whole)
    assert files(folder) == files(whole)
    assert ("is not used" in caplog.text) == (snapshot in ("damaged", "foreign"))


def test_going_on_from_a_snapshot_gives_no_answer_again(whole, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    monkeypatch.setattr("proband.store.journal.Journal.answers", lambda *_: pytest.fail("answers were read again"))
    assert collect(village(), ENGINES, folder).is_complete


def test_an_edited_rule_is_refused_by_society_and_round(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    with pytest.raises(TreatmentChanged, match=r"society 1, after round 1: .*a rule was edited"):
        collect(village(bonus=2.0), ENGINES, folder)


def test_tables_that_were_deleted_are_made_again(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    shutil.rmtree(folder / "society")
    collect(village(), ENGINES, folder)
    assert files(folder) == files(whole)


def test_states_repeat_the_past_that_arms_share(whole):
    states = States(whole)
    means = states.measures().select("society", "arm", "round", "mean", "grain")
    assert set(means["arm"]) == {"", "flood", "aid"}
    assert {part["round"].to_list() == list(range(5)) for part in means.partition_by("society", "arm")} == {True}
    by_arm = {name[0]: part.drop("arm") for name, part in means.partition_by("arm", as_dict=True).items()}
    before = [part.filter(part["round"] < 2) for part in by_arm.values()]
    assert before[0].equals(before[1])
    assert before[0].equals(before[2])
    flood, aid = (by_arm[name].filter(by_arm[name]["round"] < 3) for name in ("flood", "aid"))
    assert flood.equals(aid)
    events = Run(whole).events()
    assert events.filter(events["arm"] == "aid")["round"].unique().sort().to_list() == [1, 2, 3, 4]
    assert set(Run(whole).edges()["network"]) == {"near"}


class Failing(ScriptedEngine):
    """Fails at one agent's second round, until it is mended."""

    is_mended = False

    def answer(self, trials):
        for trial, completion in super().answer(trials):
            is_bad = trial.id.startswith("0.2/stand//2/") and not Failing.is_mended
            yield trial, type(completion)(error="no connection") if is_bad else completion


def test_a_failed_turn_stalls_its_society_and_is_asked_again(whole, tmp_path):
    folder = tmp_path / "run"
    engines = {role: Failing(uniform(), seed=seed, address=ENGINES[role]) for role, seed in (("quick", 3), ("slow", 4))}
    stalled = collect(village(), engines, folder)
    assert stalled.state == "stalled"
    assert "0.2/stand//2/" in next(iter(stalled.stalled))
    assert {row for row in rows(whole) if row[0].startswith("1.")} <= set(rows(folder))
    Failing.is_mended = True
    assert collect(village(), engines, folder).state == "stalled"
    assert collect(village(), engines, folder, retry_failed=True).is_complete
    assert rows(folder) == rows(whole)
    assert files(folder) == files(whole)


KILLED = """
import os, random, sys, time
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import collect, snapshots
from tests.societies.test_resume import ENGINES
from tests.societies.killing import SNAPSHOTS, damage, files, kill_again_and_again, rows
from tests.societies.worlds import village

from proband.store import journal

journal.FEW = 1  # however few they are, answers wait to be put in order
snapshots.EVERY_S, snapshots.SHARE = 0.0, 1.0
left = [int(sys.argv[2])]

class Dying(ScriptedEngine):
    def answer(self, trials):
        for pair in super().answer(trials):
            time.sleep(0.002 if self.seed == 4 else 0)
            left[0] -= 1
            if left[0] <= 0:
                os._exit(9)
            yield pair

seeds = {"quick": 3, "slow": 4}
collect(village(), {role: Dying(uniform(), seed=seeds[role], address=ENGINES[role]) for role in seeds}, sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("snapshot", "times"), SNAPSHOTS)
def test_killed_at_random_again_and_again_it_is_the_same_run(whole, tmp_path, snapshot, times):
    folder = tmp_path / "run"
    kills = kill_again_and_again(KILLED, [folder], folder, (1, 14), snapshot, times)
    assert kills > times / 2
    collect(village(), ENGINES, folder)
    assert rows(folder) == rows(whole)
    assert files(folder) == files(whole)


def test_other_settings_or_code_of_a_world_are_another_treatment():
    assert village().treatment() == village().treatment() != village(bonus=2.0).treatment()


def test_an_arm_equals_its_parent_to_the_last_byte_before_its_fork_and_changes_nothing_in_it(whole, tmp_path):
    alone = collect(replace(village(), arms=()), ENGINES, tmp_path / "alone").path
    marks = dict(row for row in rows(whole) if len(row) == 2)
    assert {row for row in rows(alone) if len(row) == 2} <= marks.items()
    asked = {row[0]: row for row in rows(whole) if len(row) > 2}
    assert all(asked[row[0]] == row for row in rows(alone) if len(row) > 2)
    for arm in village().arms:
        for society in range(village().societies):
            first = marks[mark_of(society, arm.name, arm.from_round - 1)]
            assert first == marks[mark_of(society, arm.parent, arm.from_round - 1)]
