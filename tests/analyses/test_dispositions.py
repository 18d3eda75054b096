from proband.analyses import dispositions
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import Budget, collect
from tests.analyses.studies import framed


def test_statuses_are_counted_by_item(survey, tmp_path):
    run = collect(survey, ScriptedEngine(uniform(), seed=1, refuse=0.3), tmp_path)
    (found,) = dispositions.sections(run)
    refused = run.dispositions()["refused"]
    names = [column.name for column in found.table.columns]
    assert [row[0] for row in found.table.rows] == ["vote", "trust"]
    assert sum(row[names.index("refused")] for row in found.table.rows) == refused > 0
    assert f"{refused} refused" in found.sentences[1]


def test_arms_that_lose_answers_unequally_are_found(people, tmp_path):
    experiment = framed(people(120))
    lost = ScriptedEngine(uniform(), seed=3, refuse=0.6)
    whole = ScriptedEngine(uniform(), seed=3)

    class OneSided(ScriptedEngine):
        def _answer(self, trial):
            arm = dict(trial.place.condition)["frame"]
            return (lost if arm == "gain" else whole)._answer(trial)

    run = collect(experiment, OneSided(uniform(), seed=3), tmp_path)
    test = dispositions.by_arm(run)
    assert test.rates["loss"]["valid"] == 1.0
    assert test.rates["gain"]["valid"] < 0.7
    (found,) = dispositions.sections(run)
    assert "mixes effect and loss" in found.sentences[-1]
    assert {row[1] for row in found.table.rows} == {"gain", "loss"}


def test_a_run_without_arms_has_no_test_and_an_unfinished_one_says_so(survey, tmp_path):
    run = collect(survey, ScriptedEngine(uniform()), tmp_path, budget=Budget(trials=10))
    assert dispositions.by_arm(run) is None
    (found,) = dispositions.sections(run)
    assert "not finished" in found.warnings[0]
