"""Cases R13 and R14: what is damaged, or no run of ours, is refused by name and never begun anew over what is there.

Source: malformed inputs tried on version 0.1 (`reliability.md`, R13 and R14). Their thousand mutations are in
``test_damaged_run_fuzz.py``.
"""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from proband import Run, carry_out, findings
from proband.designs.studies import study_from_dict
from proband.errors import DamagedRun, NewerRun, ProbandError, StoreError
from proband.runs import Budget
from proband.store import RunDirectory
from proband.store.migrations import SCHEMA
from proband.store.tables import write_table

STUDY = {
    "title": "whole",
    "seed": 1,
    "engine": "scripted:uniform",
    "instrument": {
        "id": "q",
        "items": [{"id": "vote", "text": "For whom do you vote?", "form": "choice", "options": ["Ann", "Bo"]}],
    },
    "population": {"use": "anes-1996", "sample": 6},
    "survey": {},
}


@pytest.fixture(scope="module")
def study():
    return study_from_dict(STUDY)


@pytest.fixture(scope="module")
def whole(study, tmp_path_factory):
    return carry_out(study, tmp_path_factory.mktemp("whole") / "run").path


@pytest.fixture
def folder(whole, tmp_path):
    """A copy of a complete run, to be damaged."""
    return shutil.copytree(whole, tmp_path / "run")


def in_sql(folder, *statements):
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal, journal:
        for statement in statements:
            journal.execute(*statement) if isinstance(statement, tuple) else journal.execute(statement)


def contents(folder):
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.endswith(("-shm", ".lock"))]
    return {path.name: content for path in files if (content := path.read_bytes())}


def refused(folder, study, why, error=DamagedRun):
    """That opening and going on are refused, with the reason, and that nothing of it was changed."""
    before = contents(folder)
    for use in (Run, lambda path: carry_out(study, path)):
        with pytest.raises(error, match=why) as told:
            use(folder)
        assert str(folder) in str(told.value)
    assert contents(folder) == before


def empty(folder):
    (folder / "journal.sqlite").write_bytes(b"")


def of_another_program(folder):
    (folder / "journal.sqlite").unlink()
    in_sql(folder, "CREATE TABLE tracks (id INTEGER PRIMARY KEY, title TEXT)")


def text(folder):
    (folder / "journal.sqlite").write_text("not a database " * 50)


def cut(folder):
    path = folder / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:90])


def a_folder(folder):
    (folder / "journal.sqlite").unlink()
    (folder / "journal.sqlite").mkdir()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (empty, "it is an empty file"),
        (of_another_program, "it has no table 'meta'"),
        (text, "it is no SQLite file"),
        (cut, "it is no SQLite file"),
        (a_folder, "it is no regular file"),
        (lambda folder: in_sql(folder, "PRAGMA user_version = -1"), "user_version is -1"),
        (lambda folder: in_sql(folder, "PRAGMA user_version = 0"), "user_version is 0"),
        (lambda folder: in_sql(folder, "DROP TABLE responses"), "no table 'responses'"),
        (lambda folder: in_sql(folder, "ALTER TABLE responses DROP COLUMN mass"), "'responses' has no column 'mass'"),
        (lambda folder: (folder / "journal.sqlite").unlink(), "the journal.sqlite that it belongs to is not"),
    ],
    ids=["empty", "another program's", "text", "cut", "folder", "version -1", "version 0", "table", "column", "gone"],
)
def test_what_is_no_journal_is_refused_and_stays_as_it_is(folder, study, damage, why):
    damage(folder)
    refused(folder, study, why)


def test_a_journal_from_the_future_says_how_to_read_it(folder, study):
    in_sql(folder, f"PRAGMA user_version = {SCHEMA + 7}")
    refused(folder, study, "written by a newer Proband", NewerRun)


def test_a_future_version_number_in_another_programs_file_is_no_newer_run(folder, study):
    of_another_program(folder)
    in_sql(folder, f"PRAGMA user_version = {SCHEMA + 7}")
    refused(folder, study, "not a run's journal")


def test_a_journal_cut_in_the_middle_never_becomes_a_table(folder, study):
    path = folder / "journal.sqlite"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (folder / "responses.parquet").unlink()
    for use in (lambda: Run(folder).table(), lambda: carry_out(study, folder)):
        with pytest.raises(DamagedRun, match="proband doctor"):
            use()


def live_log(folder):
    """The write-ahead log of a run of which a process died."""
    with RunDirectory(folder).writer() as journal:
        journal.note(name="another", kind="k" * 5000)
        return (folder / "journal.sqlite-wal").read_bytes()


def test_the_log_of_another_run_is_refused_and_not_taken_into_this_one(folder, study, tmp_path):
    other = carry_out(study, tmp_path / "other", budget=Budget(trials=2)).path
    (folder / "journal.sqlite-wal").write_bytes(live_log(other))
    refused(folder, study, "journal.sqlite-wal is the write-ahead log of another file")


def test_the_log_of_another_program_is_refused(folder, study):
    (folder / "journal.sqlite-wal").write_bytes(b"\x00" * 9000)
    refused(folder, study, "journal.sqlite-wal is no write-ahead log of this file")


def test_a_runs_own_log_is_read_after_a_crash(folder):
    log = live_log(folder)
    (folder / "journal.sqlite-wal").write_bytes(log)
    with RunDirectory(folder).reader() as journal:
        assert journal.meta("name") == "another"


def test_a_crash_before_the_first_answer_leaves_nothing_that_is_refused(study, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "journal.sqlite.part").write_bytes(b"half")
    assert carry_out(study, tmp_path / "run").is_complete


def test_people_without_their_journal_are_missed(study, folder):
    (folder / "people").mkdir()
    (folder / "people" / "manifest.json").write_text("{}")
    with pytest.raises(DamagedRun, match="people"):
        findings(Run(folder))


@pytest.mark.parametrize("is_old", [False, True], ids=["with digests", "without"])
@pytest.mark.parametrize("value", ["{", "7", "[[]]", '"x"', "[" * 9000, '{"a": {"b": []}}', b"\xff\x00"], ids=repr)
@pytest.mark.parametrize("key", ["weights", "design", "addresses", "item_hashes", "fingerprint:", "traits", "items"])
def test_a_note_that_is_not_what_was_noted_is_named(folder, study, key, value, is_old):
    if (key, value) in {("design", '{"a": {"b": []}}')} and is_old:
        pytest.skip("a design may note what it likes")
    in_sql(folder, ("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value)))
    if is_old:
        in_sql(folder, "DELETE FROM meta WHERE key LIKE 'digest:%'")
    for use in (lambda: findings(Run(folder)), lambda: carry_out(study, folder)):
        with pytest.raises(DamagedRun, match=f"the note '{key}'.*proband doctor"):
            use()


@pytest.mark.parametrize("value", ["{", '"1"', "null", "[1]", "1.5"])
def test_a_seed_that_is_none_is_named_with_what_can_be_exported(folder, study, value, tmp_path):
    in_sql(folder, ("UPDATE meta SET value = ? WHERE key = 'seed'", (value,)))
    with pytest.raises(DamagedRun, match=r"the note 'seed' .*`proband export .*still writes every answer"):
        carry_out(study, folder)
    assert Run(folder).table().height == 6
    assert write_table(Run(folder).table(), tmp_path / "x.csv").exists()


def test_a_note_that_says_something_else_than_was_noted_is_damage(folder, study):
    in_sql(folder, "UPDATE meta SET value = '2' WHERE key = 'seed'")
    with pytest.raises(DamagedRun, match="the note 'seed' is not what was noted"):
        carry_out(study, folder)


def test_a_roster_that_contradicts_itself_is_named(folder):
    in_sql(folder, "DELETE FROM meta WHERE key LIKE 'digest:%'")
    in_sql(folder, """UPDATE meta SET value = replace(value, '"codes":[0', '"codes":[99') WHERE key = 'roster'""")
    with pytest.raises(DamagedRun, match="the note 'roster' contradicts itself"):
        findings(Run(folder))


@pytest.mark.parametrize("text", ["{", "[]", '{"name": 5}', "\x00", '{"name": "x", "engine": [], "is_complete": true}'])
def test_a_manifest_that_is_none_says_that_nothing_is_lost(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(DamagedRun, match=r"manifest\.json cannot be read .*nothing is lost by it: delete it"):
        assert Run(folder).is_complete


@pytest.mark.parametrize("damage", [b"", b"PAR1 and nothing", None], ids=["empty", "text", "one byte"])
def test_a_damaged_table_is_read_from_the_journal_instead(folder, damage):
    before, path = Run(folder).table(), folder / "responses.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content if damage is None else damage)
    assert Run(folder).table().equals(before)


@pytest.mark.parametrize(
    ("column", "value"),
    [("answer", "9"), ("answer", "{"), ("status", "maybe"), ("probs", b"123"), ("mass", "x"), ("shown", "{")],
)
def test_a_row_that_is_no_response_is_damage_and_no_datum(folder, column, value):
    (folder / "responses.parquet").unlink()
    in_sql(folder, (f"UPDATE responses SET {column} = ?", (value,)))
    with pytest.raises(DamagedRun):
        Run(folder).table()


def test_a_journal_that_another_process_holds_is_named(folder, study):
    holder = sqlite3.connect(folder / "journal.sqlite", isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    code = f"""
import sqlite3
from proband.store import journal, RunDirectory
from proband.errors import StoreError
plain = sqlite3.connect
journal.sqlite3.connect = lambda *a, **k: plain(*a, timeout=0.1, **k)  # the same, without five seconds of patience
try:
    with RunDirectory({str(folder)!r}).writer(): pass
except StoreError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    holder.close()
    assert "another process holds the journal" in told
    assert Run(folder).table().height == 6


def test_every_refusal_is_one_of_the_house(folder):
    assert issubclass(DamagedRun, StoreError)
    empty(folder)
    with pytest.raises(ProbandError):
        Run(folder)
