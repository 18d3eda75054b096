import json
from dataclasses import replace

import pytest

from proband.analyses.deviations import ANALYSIS
from proband.designs.studies import Study
from proband.errors import DesignError, TreatmentChanged
from proband.runs import Budget, Run, carry_out
from proband.runs.locking import deviations, hold_to, lock_beside, lock_study, read_lock

ENGINE = "scripted:uniform"


@pytest.fixture
def study(survey) -> Study:
    return Study(survey, ENGINE)


@pytest.fixture
def lock(study, tmp_path):
    lock_study(study, tmp_path / "a.lock.json")
    return read_lock(tmp_path / "a.lock.json")


def ran(study, folder, lock=None, budget=None) -> Run:
    hold_to(lock, study, folder)
    return carry_out(study, folder, budget=budget)


def test_a_study_carried_out_as_locked_has_no_deviations(study, lock, tmp_path):
    run = ran(study, tmp_path / "run", lock)
    assert deviations(run) == []
    (section,) = ANALYSIS.sections(run)
    assert section.sentences == ("The run follows its locked plan; 24 answers were given.",)
    assert lock["hash"] in section.notes[0]


def test_two_locks_of_one_study_differ_in_nothing_but_their_time(study, lock, tmp_path):
    again = lock_study(study, tmp_path / "b.lock.json")
    assert {k: v for k, v in again.items() if k not in ("made", "hash")} == {
        k: v for k, v in lock.items() if k not in ("made", "hash")
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"replicates": 2}, "Locked was design.replicates = 1; it ran with 2."),
        ({"seed": 2}, "Locked was design.seed = 1; it ran with 2."),
        ({"title": "Other"}, 'Locked was study = "small"; it ran with "Other".'),
        ({"order": "as_written"}, "What was locked is not what ran: what is sent."),
    ],
)
def test_what_was_done_otherwise_is_told(study, lock, tmp_path, change, said):
    other = Study(replace(study.design, **change), ENGINE)
    assert said in deviations(ran(other, tmp_path / "run", lock))


def test_items_engines_and_people_of_another_study_are_named(study, lock, tmp_path, people):
    survey = study.design
    edited = replace(survey.instrument.items[0], text="Whom do you like?")
    instrument = replace(survey.instrument, items=(edited,))
    other = Study(replace(survey, instrument=instrument, subjects=people(10)), "scripted:first")
    told = deviations(ran(other, tmp_path / "run", lock))
    assert "Item 'vote' was edited." in told
    assert "Item 'trust' was left out." in told
    assert 'Locked was engines = "scripted:uniform"; it ran with "scripted:first".' in told
    assert any("who takes part" in sentence for sentence in told)


def test_an_unfinished_run_says_what_is_missing(study, lock, tmp_path):
    run = ran(study, tmp_path / "run", lock, Budget(trials=10))
    assert deviations(run) == ["The run is not complete: 10 of 24 locked trials were asked."]


def test_a_lock_made_after_answers_were_there_says_so(study, lock, tmp_path):
    ran(study, tmp_path / "run", budget=Budget(trials=10))
    run = ran(study, tmp_path / "run", lock)
    assert deviations(run) == ["The plan was locked when there were 10 answers already."]


def test_a_run_stays_with_its_lock(study, lock, tmp_path):
    ran(study, tmp_path / "run", lock, Budget(trials=10))
    other = Study(replace(study.design, title="Other"), ENGINE)
    lock_study(other, tmp_path / "b.lock.json")
    with pytest.raises(TreatmentChanged, match="was begun under the lock"):
        hold_to(read_lock(tmp_path / "b.lock.json"), other, tmp_path / "run")
    assert len(deviations(ran(other, tmp_path / "run"))) == 2  # taking the file away takes nothing back


def test_a_run_without_a_lock_has_nothing_to_deviate_from(study, tmp_path):
    run = ran(study, tmp_path / "run")
    assert deviations(run) == []
    assert "proband lock" in ANALYSIS.needs(run)


def test_a_lock_that_was_edited_or_is_none_is_refused(study, lock, tmp_path):
    (tmp_path / "a.lock.json").write_text(json.dumps({**lock, "trials": 12}))
    with pytest.raises(DesignError, match="edited since it was made"):
        read_lock(tmp_path / "a.lock.json")
    (tmp_path / "c.lock.json").write_text("{}")
    with pytest.raises(DesignError, match="not a lock"):
        read_lock(tmp_path / "c.lock.json")
    with pytest.raises(DesignError, match="no such lock"):
        read_lock(tmp_path / "gone.lock.json")
    with pytest.raises(DesignError, match="there is a lock already"):
        lock_study(study, tmp_path / "a.lock.json")
    assert lock_beside("a/b.toml").name == "b.lock.json"
