"""Parts of a run: each in its own folder, and together what the undivided run is, byte for byte."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from proband.designs import PrisonersDilemma
from proband.designs.part import Share
from proband.designs.studies import Study, load_study, people_survey, study_from_dict
from proband.errors import DamagedRun, DesignError, NewerRun, RunLocked, StoreError, TreatmentChanged
from proband.instruments import Item
from proband.roster import Roster
from proband.runs import Budget, carry_out
from proband.runs import gathering as gathering_room
from proband.runs.gathering import gather, parts_of
from proband.runs.locking import hold_to, lock_of, lock_study, read_lock
from proband.runs.parts import part_folder, part_of
from proband.runs.run import PEOPLE
from proband.store import Journal, RunDirectory
from proband.store.gathering import join
from tests.analyses.studies import framed
from tests.interviews.scripts import by_line, training
from tests.runs.parting import ask_part, divide, gathered, kept

ENGINE = "scripted:uniform"
SOCIETY = {
    "seed": 3,
    "engine": ENGINE,
    "society": {"use": "granovetter", "decided_by": "model", "agents": 8, "rounds": 4, "societies": 5},
    "arm": [{"name": "calm", "from_round": 3, "story": "Everybody is calm."}],
}
DILEMMA = PrisonersDilemma(matches=6, rounds=3, seed=2)


@pytest.fixture
def study(survey):
    return Study(survey, ENGINE)


@pytest.fixture
def divided(study, tmp_path):
    """A study, and a folder with its four parts."""
    return study, divide(study, tmp_path / "run")


def sequential(instrument):
    """The second item is asked of those who answered the first in one way, and has memory."""
    vote, trust = instrument.items
    third = Item(id="why", text="Why {answer:vote}?", form="choice", options=("Habit", "Reason"))
    return replace(instrument, items=(vote, trust, third))


def test_a_survey_in_parts_is_the_undivided_run_byte_for_byte(study, tmp_path):
    whole = carry_out(study, tmp_path / "whole")
    assert kept(gathered(study, tmp_path / "run")) == kept(whole)


def test_a_survey_of_several_conditions_and_replicates_too(survey, tmp_path):
    study = Study(replace(survey, persona=("first", "third"), replicates=2, decide="draw"), ENGINE)
    assert kept(gathered(study, tmp_path / "run", 5)) == kept(carry_out(study, tmp_path / "whole"))


def test_a_questionnaire_whose_items_follow_from_answers_too(survey, tmp_path):
    study = Study(replace(survey, instrument=sequential(survey.instrument), presentation="sequential"), ENGINE)
    assert kept(gathered(study, tmp_path / "run", 3)) == kept(carry_out(study, tmp_path / "whole"))


@pytest.mark.parametrize("changed", [{}, {"within": ("frame",), "presentation": "sequential"}, {"block_by": "party"}])
def test_an_experiment_too(people, tmp_path, changed):
    study = Study(framed(people(14), **changed), ENGINE)
    assert kept(gathered(study, tmp_path / "run")) == kept(carry_out(study, tmp_path / "whole"))


def test_a_game_too_match_by_match(tmp_path):
    study = Study(DILEMMA, {"model": ENGINE, "rival": "scripted:tit-for-tat"})
    assert kept(gathered(study, tmp_path / "run")) == kept(carry_out(study, tmp_path / "whole"))


def test_a_game_of_the_shelf_too_with_all_its_findings(tmp_path):
    made = load_study("shelf:friend-or-foe")
    study = Study(made.design, dict.fromkeys(made.design.roles(), ENGINE))
    assert kept(gathered(study, tmp_path / "run", 3)) == kept(carry_out(study, tmp_path / "whole"))


def test_societies_too_with_their_arms_and_tables(tmp_path):
    study = study_from_dict(SOCIETY)
    run, whole = gathered(study, tmp_path / "run", 3), carry_out(study, tmp_path / "whole")
    assert kept(run) == kept(whole)
    assert run.states().equals(whole.states())


def test_interviews_too(tmp_path):
    study = Study(training(interviews=4), {"interviewer": by_line(), "interviewee": by_line()})
    assert kept(gathered(study, tmp_path / "run")) == kept(carry_out(study, tmp_path / "whole"))


def test_peoples_answers_are_collected_once_when_parts_are_gathered(survey, people, tmp_path):
    everybody = people(12)
    traits = [{**s.traits, "v": 1 + k % 3, "t": 1 + k % 2} for k, s in enumerate(everybody)]
    everybody = replace(everybody, subjects=tuple(replace(s, traits=t) for s, t in zip(everybody, traits, strict=True)))
    items = tuple(replace(item, column=c) for item, c in zip(survey.instrument.items, "vt", strict=True))
    known = replace(survey, instrument=replace(survey.instrument, items=items), subjects=everybody.sample(8, seed=1))
    study = Study(known, ENGINE, people=people_survey(known, everybody))
    into = divide(study, tmp_path / "run")
    assert not list(into.glob(f"parts/*/{PEOPLE}"))
    assert kept(gather(study, into)) == kept(carry_out(study, tmp_path / "whole"))


def test_a_part_has_whole_units_and_says_which_part_it_is(survey, tmp_path):
    run = ask_part(Study(survey, ENGINE), tmp_path / "run", 2, 5)
    assert set(run.table()["subject"]) == {"s2", "s3"} == {member.subject for member in run.roster}
    assert (run.manifest["part"]["number"], run.manifest["part"]["of"]) == (2, 5)
    assert run.path == part_folder(tmp_path / "run", Share(2, 5))


def test_a_part_that_was_stopped_goes_on(study, tmp_path):
    into = tmp_path / "run"
    stopped = ask_part(study, into, 1, 4, budget=Budget(trials=2))
    assert stopped.state == "unfinished"
    assert sum(stopped.dispositions().values()) == 2
    assert kept(gathered(study, into)) == kept(carry_out(study, tmp_path / "whole"))


KILLED = """
import sys
from proband.runs.gathering import gather
from tests.runs.parting import ask_part
from tests.dying import dying
from tests.runs.killed_parts import STUDY, rule
from dataclasses import replace
ask_part(replace(STUDY, engine=dying(4)(rule, address="scripted:rule")), sys.argv[1], 1, 2)
"""


def test_a_part_that_was_killed_goes_on(tmp_path):
    from tests.runs.killed_parts import STUDY

    into = tmp_path / "run"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(into)], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == 9
    assert kept(gathered(STUDY, into, 2)) == kept(carry_out(STUDY, tmp_path / "whole"))


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("at", [1, 2, 3])
def test_gathering_that_was_killed_goes_on(divided, tmp_path, at):
    study, into = divided
    told = []

    def tell(n):
        told.append(n)
        if len(told) == at:
            raise _Killed

    with pytest.raises(_Killed):
        gather(study, into, told=tell)
    assert kept(gather(study, into)) == kept(carry_out(study, tmp_path / "whole"))


@pytest.fixture
def large(monkeypatch):
    """Runs of which some answers stand for all are those of more than ten."""
    monkeypatch.setattr(gathering_room, "COMPARED", 10)
    monkeypatch.setattr(gathering_room, "_RUNS", 6)
    monkeypatch.setattr(gathering_room, "_TOGETHER", 3)


def test_a_large_run_is_finished_alike_though_fewer_answers_are_looked_at(study, people, tmp_path, large):
    assert kept(gathered(study, tmp_path / "run")) == kept(carry_out(study, tmp_path / "whole"))
    assert carry_out(study, tmp_path / "run").is_complete  # going on with it finds nothing left to ask


def test_what_is_seen_of_a_large_run_is_refused_too(divided, large):
    study, into = divided
    connection = sqlite3.connect(into / "parts" / "2-of-4" / "journal.sqlite")
    with closing(connection), connection:
        connection.execute("UPDATE responses SET request = 'other'")
    with pytest.raises(TreatmentChanged, match="already answered by subject 's"):
        gather(study, into)


def test_parts_that_were_computed_elsewhere_say_so(divided):
    study, into = divided
    with Journal(into / "parts" / "3-of-4" / "journal.sqlite", writable=True) as journal:
        told = journal.noted("fingerprint:")
        journal.note(**{"fingerprint:": json.dumps(told | {"python": "3.99"}), "earlier:": '{"python": ["2.7"]}'})
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(gathering_room, "may_change", lambda address: {"python"})
        run = gather(study, into)
    assert run.manifest["earlier_fingerprint"] == {"": {"python": ["2.7", "3.99"]}}
    assert run.manifest["fingerprint"][""] == told


def test_gathering_again_finds_everything_done(divided):
    study, into = divided
    first = gather(study, into).directory.manifest_path.read_bytes()
    assert gather(study, into).directory.manifest_path.read_bytes() == first


def test_the_manifest_says_when_the_first_part_began(divided):
    study, into = divided
    began = [part.manifest()["started"] for _, part in parts_of(into).found]
    assert gather(study, into).manifest["started"] == min(began)
    assert "part" not in gather(study, into).manifest


def test_a_lock_of_the_parts_is_that_of_the_run(study, tmp_path):
    lock = read_lock(lock_study(study, tmp_path / "plan.lock.json") and tmp_path / "plan.lock.json")
    into = tmp_path / "run"
    divide(study, into, 2)
    for k in (1, 2):
        part_folder(into, Share(k, 2)).joinpath("manifest.json").unlink()
        hold_to(lock, study, part_folder(into, Share(k, 2)))
        ask_part(study, into, k, 2)
    assert lock_of(gather(study, into))["hash"] == lock["hash"]


# What is refused, by name and with the way out.


@pytest.mark.parametrize("text", ["0/4", "5/4", "x/4", "4", "1/0", "-1/4", "1/4/2", "1 / 4", "٢/٤", ""])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(DesignError, match="part"):
        Share.from_text(text)


def test_more_parts_than_units_are_refused_and_units_counted(study):
    with pytest.raises(DesignError, match=r"13 parts are more than .* \(12; the unit is the subject\)"):
        part_of(study, Share(1, 13))


def test_a_process_that_asks_several_units_is_refused(tmp_path):
    class Joint(PrisonersDilemma):
        def processes(self):
            def both(one, other):
                yield from one
                yield from other

            pairs = iter(super().processes())
            return (both(one, other) for one, other in zip(pairs, pairs, strict=True))

    with pytest.raises(DesignError, match=r"3 processes ask all 6 independent units \(the unit is the match\)"):
        part_of(Study(Joint(matches=6, rounds=1, seed=1), {"model": ENGINE, "rival": ENGINE}), Share(1, 2))


def test_a_process_that_asks_several_units_at_once_is_refused(tmp_path):
    class Pooled(PrisonersDilemma):
        def roster(self):
            first, *others = super().roster()
            return Roster([replace(first, unit="match-0001"), *others])

    study = Study(Pooled(matches=3, rounds=1, seed=1), {"model": ENGINE, "rival": ENGINE})
    with pytest.raises(DesignError, match="who belong to different units"):
        ask_part(study, tmp_path / "run", 1, 3)


def test_a_unit_of_another_part_is_refused_before_it_is_asked(tmp_path):
    class Leaking(PrisonersDilemma):
        def processes(self):
            first, *others = super().processes()

            def leaks():
                yield from first
                yield from super(Leaking, self).processes().__next__() if False else iter(others[-1])

            return [leaks(), *others[:-1], others[-1]]

    study = Study(Leaking(matches=4, rounds=1, seed=1), {"model": ENGINE, "rival": ENGINE})
    with pytest.raises(DesignError, match="match 'match-0003' is asked follows from answers in part 1/4"):
        ask_part(study, tmp_path / "run", 1, 4)


def test_people_at_pages_are_refused(survey, tmp_path):
    with pytest.raises(DesignError, match="played by people"):
        part_of(Study(survey, f"human:{tmp_path}"), Share(1, 2))


def test_a_missing_part_is_named(divided):
    study, into = divided
    shutil.rmtree(into / "parts" / "3-of-4")
    with pytest.raises(StoreError, match=r"of 4 parts 1 are missing: 3; .* --part 3/4"):
        gather(study, into)


def test_parts_of_two_divisions_are_refused(divided):
    study, into = divided
    shutil.copytree(into / "parts" / "2-of-4", into / "parts" / "2-of-8")
    with pytest.raises(StoreError, match="these are parts of two divisions"):
        gather(study, into)
    shutil.rmtree(into / "parts" / "2-of-8")
    with pytest.raises(StoreError, match="divided into 4 parts"):
        ask_part(study, into, 1, 3)


@pytest.mark.parametrize("name", ["old", "02-of-4", "5-of-4", "0-of-4"])
def test_a_folder_that_is_no_part_is_refused(divided, name):
    study, into = divided
    (into / "parts" / name).mkdir()
    with pytest.raises(StoreError, match=f"{name}: is no part"):
        gather(study, into)


def test_a_renamed_part_is_refused(divided):
    study, into = divided
    shutil.rmtree(into / "parts" / "3-of-4")
    shutil.copytree(into / "parts" / "2-of-4", into / "parts" / "3-of-4")
    with pytest.raises(StoreError, match="3-of-4: says of itself that it is part 2/4"):
        gather(study, into)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda study: replace(study, design=replace(study.design, seed=9)), "another seed"),
        (lambda study: replace(study, engine="scripted:always?option=1"), "another engine"),
        (lambda study: replace(study, design=replace(study.design, persona="third")), "another design"),
    ],
)
def test_a_part_of_another_study_is_refused(study, tmp_path, change, what):
    into, other = divide(study, tmp_path / "run"), divide(change(study), tmp_path / "other")
    with pytest.raises(TreatmentChanged, match=f"1-of-4: its parts were made with {what}"):
        gather(change(study), into)
    shutil.rmtree(into / "parts" / "1-of-4")
    with pytest.raises(TreatmentChanged, match=f"part [23]/4 was begun with {what}"):
        ask_part(change(study), into, 1, 4)
    shutil.copytree(other / "parts" / "1-of-4", into / "parts" / "1-of-4")
    with pytest.raises(TreatmentChanged, match=f"2-of-4: part 2/4 was made with {what}"):
        gather(study, into)


def test_a_part_of_another_fingerprint_is_refused(divided):
    study, into = divided
    with Journal(into / "parts" / "3-of-4" / "journal.sqlite", writable=True) as journal:
        told = journal.noted("fingerprint:")
        journal.note(**{"fingerprint:": json.dumps(told | {"weights": "others"})})
    with pytest.raises(TreatmentChanged, match="part 3/4 was answered by another engine than part 1/4: its weights"):
        gather(study, into)


def test_another_wording_that_nobody_described_is_found(divided):
    study, into = divided
    connection = sqlite3.connect(into / "parts" / "2-of-4" / "journal.sqlite")
    with closing(connection), connection:
        connection.execute("UPDATE responses SET request = 'other'")
    with pytest.raises(TreatmentChanged, match="already answered by subject 's3'"):
        gather(study, into)


def test_an_unfinished_part_is_named(study, tmp_path):
    into = divide(study, tmp_path / "run")
    shutil.rmtree(into / "parts" / "2-of-4")
    ask_part(study, into, 2, 4, budget=Budget(trials=1))
    with pytest.raises(StoreError, match=r"part 2/4 is not finished \(1 answers so far\).*--part 2/4"):
        gather(study, into)


def test_a_part_that_is_still_written_is_named(divided):
    study, into = divided
    with RunDirectory(into / "parts" / "4-of-4").writer(), pytest.raises(RunLocked, match="part 4/4 is still being"):
        gather(study, into)


def test_a_part_of_a_newer_version_is_named(divided):
    study, into = divided
    path = into / "parts" / "1-of-4" / "journal.sqlite"
    with Journal(path, writable=True) as journal:
        journal.note(part=json.dumps(journal.noted("part") | {"proband": "99.0"}))
    with pytest.raises(NewerRun, match=r"part 1/4 was made by Proband 99\.0"):
        gather(study, into)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerRun, match="1-of-4"):
        gather(study, into)


def test_a_part_that_lost_answers_is_damaged(divided):
    study, into = divided
    with closing(sqlite3.connect(into / "parts" / "1-of-4" / "journal.sqlite", isolation_level=None)) as connection:
        connection.execute("DELETE FROM responses WHERE trial IN (SELECT trial FROM responses LIMIT 1)")
    with pytest.raises(DamagedRun, match="tells of 6 answers, and there are 5"):
        gather(study, into)


def test_a_place_that_two_parts_have_is_named(divided):
    _, into = divided
    first, second = (RunDirectory(into / "parts" / f"{k}-of-4") for k in (1, 2))
    with first.reader() as journal:
        stolen = next(iter(journal.responses()))
    with second.writer() as journal:
        journal.add([stolen])
    with pytest.raises(StoreError, match=f"part 2/4 has an answer at a place .*{stolen.place.id}"):
        join(RunDirectory(into), {"1/4": first, "2/4": second}, told=lambda n: None)


def test_a_part_that_changed_since_it_was_gathered_is_named(divided):
    study, into = divided
    gather(study, into)
    manifest = into / "parts" / "2-of-4" / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    with pytest.raises(StoreError, match="part 2/4 was changed since its answers were gathered"):
        gather(study, into)


def test_an_undivided_run_and_its_parts_have_folders_of_their_own(study, tmp_path):
    carry_out(study, tmp_path / "whole")
    with pytest.raises(StoreError, match="an undivided run is there already"):
        ask_part(study, tmp_path / "whole", 1, 4)
    divide(study, tmp_path / "run")
    shutil.copytree(tmp_path / "run" / "parts", tmp_path / "whole" / "parts")
    with pytest.raises(StoreError, match="24 answers of an undivided run"):
        gather(study, tmp_path / "whole")


def test_where_there_are_no_parts_the_first_command_is_told(study, tmp_path):
    with pytest.raises(StoreError, match="--part 1/4"):
        gather(study, tmp_path)
