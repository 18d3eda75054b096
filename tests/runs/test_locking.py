import json
from dataclasses import replace

import pytest

from proband.analyses.deviations import ANALYSIS
from proband.designs import Experiment
from proband.designs.studies import Study, load_study
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


FILE = """
seed = 1
engine = "scripted:uniform"
stopping = "when all have answered"

[instrument]
id = "one"
items = [{ id = "vote", text = "{factor:frame}: for or against?", form = "choice", options = ["for", "against"] }]

[population]
use = "anes-1996"
sample = 12

[experiment.factors.frame]
plain = "The law"
gain = "The good law"

[[hypotheses]]
id = "h1"
outcome = "vote: for"
factor = "frame"
level = "gain"
direction = "more"
smallest = 0.1
"""


def of_file(tmp_path, text=FILE) -> Study:
    path = tmp_path / "study.toml"
    path.write_text(text)
    return load_study(path)


def test_hypotheses_families_and_the_stopping_rule_are_locked(tmp_path):
    lock = lock_study(of_file(tmp_path), tmp_path / "a.lock.json")
    (hypothesis,) = lock["hypotheses"].values()
    assert hypothesis["against"] == "plain"
    assert (lock["families"], lock["stopping"]) == ({"main": "holm"}, "when all have answered")
    run = ran(of_file(tmp_path), tmp_path / "run", read_lock(tmp_path / "a.lock.json"), Budget(trials=5))
    assert deviations(run)[-1].endswith("Locked was to stop so: when all have answered")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"more"', '"less"', 'Locked was hypotheses.h1.direction = "more"; it ran with "less".'),
        ("smallest = 0.1", "smallest = 0.05", "Locked was hypotheses.h1.smallest = 0.1; it ran with 0.05."),
        ('id = "h1"', 'id = "h2"', "Hypothesis 'h1' was left out."),
        ('id = "h1"', 'id = "h2"', "Hypothesis 'h2' was added."),
        ("[[hypo", '[families]\nmain = "bh"\n[[hypo', 'Locked was families.main = "holm"; it ran with "bh".'),
        ("when all have", "if we", 'Locked was when to stop = "when all have answered"; it ran with "if we answered".'),
        (FILE[FILE.index("[[hyp") :], "", "Hypothesis 'h1' was left out."),
    ],
)  # fmt: skip
def test_every_promise_that_was_changed_is_named(tmp_path, old, new, said):
    lock_study(of_file(tmp_path), tmp_path / "a.lock.json")
    assert old in FILE
    other = of_file(tmp_path, FILE.replace(old, new))
    assert said in deviations(ran(other, tmp_path / "run", read_lock(tmp_path / "a.lock.json")))


def test_an_exclusion_that_was_not_locked_is_a_deviation(study, people, tmp_path):
    items = (study.design.instrument.items[0], replace(study.design.instrument.items[1], text="{factor:f}?"))
    design = Experiment(
        instrument=replace(study.design.instrument, items=items), subjects=people(8), seed=1,
        factors={"f": {"a": "x", "b": "y"}}, checks={"vote": "Ada"},
    )  # fmt: skip
    lock_study(Study(design, ENGINE), tmp_path / "a.lock.json")
    run = ran(Study(replace(design, exclude=("vote",)), ENGINE), tmp_path / "run", read_lock(tmp_path / "a.lock.json"))
    assert deviations(run) == ['Locked was the checks that exclude whoever fails them = null; it ran with ["vote"].']


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('outcome = "vote: for"', 'outcome = "vot"', "no item 'vot'"),
        ('outcome = "vote: for"', 'outcome = "vote: fur"', "no option 'fur'"),
        ('level = "gain"', 'level = "again"', "has no level 'again'"),
        ('level = "gain"', 'level = "plain"', "'plain' is compared with itself"),
        ('factor = "frame"', 'factor = "name"', "no factor 'name'"),
        ("smallest = 0.1", "smallest = 0.0", "a smallest effect of interest above 0"),
        ("[[hypo", '[families]\nother = "bh"\n[[hypo', "family 'other'"),
        ("[[hypo", FILE[FILE.index("[[hyp") :] + "[[hypo", "'h1' is there twice"),
    ],
)
def test_a_promise_about_what_is_not_there_is_refused(tmp_path, old, new, said):
    with pytest.raises(DesignError, match=said):
        of_file(tmp_path, FILE.replace(old, new, 1))


def test_a_lock_edited_after_the_first_response_is_refused(tmp_path):
    study, path = of_file(tmp_path), tmp_path / "a.lock.json"
    lock_study(study, path)
    ran(study, tmp_path / "run", read_lock(path), Budget(trials=3))
    path.write_text(path.read_text().replace('"smallest": 0.1', '"smallest": 0.01'))
    with pytest.raises(DesignError, match="edited since it was made"):
        read_lock(path)
    path.unlink()
    lock_study(of_file(tmp_path, FILE.replace("smallest = 0.1", "smallest = 0.01")), path)
    with pytest.raises(TreatmentChanged, match="was begun under the lock"):
        hold_to(read_lock(path), study, tmp_path / "run")
