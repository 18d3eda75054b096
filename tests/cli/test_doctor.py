"""``proband doctor``: what of a run is damaged, and what is saved of it into a new folder."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proband import Run, carry_out, findings
from proband.cli.main import app
from proband.designs.studies import study_from_dict
from proband.errors import RunLocked, StoreError, TreatmentChanged
from proband.records import Place, Response
from proband.runs import Budget
from proband.store import RunDirectory
from proband.store.pages import Pages

ARCHIVE = Path(__file__).parents[1] / "archive" / "v0_1"
STUDY = study_from_dict(
    {
        "title": "whole",
        "seed": 1,
        "engine": "scripted:uniform?refuse=0.1",
        "instrument": {"use": "mini-ipip"},
        "population": {"use": "anes-1996", "sample": 40},
        "survey": {},
    }
)


def doctor(*arguments):
    done = CliRunner().invoke(app, ["doctor", *map(str, arguments), "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, json.loads(done.stdout)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return carry_out(STUDY, tmp_path_factory.mktemp("doctor") / "run").path


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run")


def flip(folder, page, offset=0, length=200):
    path = folder / "journal.sqlite"
    content = bytearray(path.read_bytes())
    at = (page - 1) * 4096 + offset
    content[at : at + length] = bytes(255 - byte for byte in content[at : at + length])
    path.write_bytes(content)


def in_sql(folder, statement, *values):
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal, journal:
        journal.execute(statement, values)


def state_of(folder):
    return {path.name: (path.read_bytes(), path.stat().st_size) for path in folder.iterdir()}


def test_a_healthy_run_is_said_to_be_sound(folder):
    code, told = doctor(folder)
    assert code == 0
    assert told["is_sound"]
    assert told["responses"] == told["expected"] == 800
    assert told["damage"] == told["lost_notes"] == []
    assert "sound: 800 responses" in CliRunner().invoke(app, ["doctor", str(folder)]).stdout


@pytest.mark.parametrize("name", sorted(path.parent.name for path in ARCHIVE.glob("*/expected.json")))
def test_runs_of_before_are_sound_and_are_copied_whole(name, tmp_path):
    old = shutil.copytree(ARCHIVE / name / "run", tmp_path / "old")
    code, told = doctor(old, "--into", tmp_path / "new")
    assert (code, told["damage"]) == (0, [])
    before, after = Run(old), Run(tmp_path / "new")
    assert after.responses() == before.responses()
    assert after.is_complete == before.is_complete
    assert after.roster == before.roster
    assert after.table().equals(before.table())


def test_a_damaged_page_costs_its_own_rows_and_the_rest_is_saved_and_resumed(folder, tmp_path):
    with Pages(folder / "journal.sqlite") as pages:
        page = next(number for number, row in pages.records() if row and len(row) == 21 and number > 20)
    flip(folder, page, offset=0, length=4096)
    before = state_of(folder)
    code, told = doctor(folder, "--into", tmp_path / "new")
    assert code == 1
    assert 700 < told["responses"] < 800
    assert any(f"{800 - told['responses']:,} of 800 are gone" in one["what"] for one in told["damage"])
    assert state_of(folder) == before

    saved = Run(tmp_path / "new")
    assert saved.table().height == told["responses"]
    assert "unfinished" in findings(saved).warnings[0]
    assert carry_out(STUDY, tmp_path / "new").is_complete
    assert Run(tmp_path / "new").table().equals(carry_out(STUDY, tmp_path / "again").table())
    assert doctor(tmp_path / "new")[0] == 0


def test_a_destroyed_first_page_leaves_the_rows_of_all_others(folder, tmp_path):
    flip(folder, 1, length=100)
    code, told = doctor(folder, "--into", tmp_path / "new")
    assert (code, told["responses"]) == (1, 800)
    assert Run(tmp_path / "new").is_complete


def test_a_row_that_cannot_be_is_listed_and_left_out(folder, tmp_path):
    in_sql(
        folder,
        "UPDATE responses SET answer = '99' WHERE trial = (SELECT min(trial) FROM responses WHERE status = 'valid')",
    )
    code, told = doctor(folder, "--into", tmp_path / "new")
    assert (code, told["responses"]) == (1, 799)
    assert any("answer 99 is none of the item's 5 options" in one["what"] for one in told["damage"])
    assert Run(tmp_path / "new").table().height == 799


def test_a_cut_file_is_saved_as_far_as_it_goes(folder, tmp_path):
    path = folder / "journal.sqlite"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    code, told = doctor(folder, "--into", tmp_path / "new")
    assert code == 1
    assert 0 < told["responses"] < 800
    assert Run(tmp_path / "new").table().height == told["responses"]


def test_notes_that_the_manifest_has_too_are_brought_back(folder, tmp_path):
    in_sql(folder, "UPDATE meta SET value = '{' WHERE key IN ('seed', 'design', 'addresses', 'item_hashes')")
    code, told = doctor(folder, "--into", tmp_path / "new")
    assert (code, told["lost_notes"]) == (1, [])
    assert carry_out(STUDY, tmp_path / "new").is_complete


def test_without_what_was_asked_of_whom_a_saved_run_is_not_gone_on_with(folder, tmp_path):
    (folder / "manifest.json").unlink()
    in_sql(folder, "UPDATE meta SET value = '{' WHERE key = 'seed'")
    _, told = doctor(folder, "--into", tmp_path / "new")
    assert told["lost_notes"] == ["seed"]
    assert Run(tmp_path / "new").table().height == 800
    with pytest.raises(TreatmentChanged, match="had lost its seed"):
        carry_out(STUDY, tmp_path / "new")


def test_units_that_were_lost_are_not_made_up(folder, tmp_path):
    in_sql(folder, "UPDATE meta SET value = '{' WHERE key = 'roster'")
    doctor(folder, "--into", tmp_path / "new")
    with pytest.raises(StoreError, match="independent of whom"):
        findings(Run(tmp_path / "new"))
    carry_out(STUDY, tmp_path / "new")
    assert Run(tmp_path / "new").roster == STUDY.design.roster()


def test_what_else_lies_in_the_folder_comes_along(folder, tmp_path):
    (folder / "beliefs.json").write_text("{}")
    doctor(folder, "--into", tmp_path / "new")
    assert (tmp_path / "new" / "beliefs.json").read_text() == "{}"


def test_a_table_that_lost_its_journal_is_kept(folder, tmp_path):
    (folder / "journal.sqlite").unlink()
    code, told = doctor(folder, "--into", tmp_path / "new")
    assert (code, told["responses"]) == (1, 0)
    assert (tmp_path / "new" / "saved-responses.parquet").read_bytes() == (folder / "responses.parquet").read_bytes()


def test_the_log_of_a_crash_is_read_and_left(tmp_path):
    with RunDirectory(tmp_path / "run").writer() as journal:
        journal.add(
            [Response(place=Place(subject=f"s{k}", item="i"), request="r", status="refused") for k in range(700)]
        )
        shutil.copytree(tmp_path / "run", tmp_path / "crashed")
    before = state_of(tmp_path / "crashed")
    assert before["journal.sqlite-wal"][1] > 0
    assert doctor(tmp_path / "crashed")[1]["responses"] == 700
    assert state_of(tmp_path / "crashed") == before


def test_what_cannot_be_done_is_refused(folder, tmp_path):
    with pytest.raises(StoreError, match="no run here"):
        doctor(tmp_path / "nothing")
    with pytest.raises(StoreError, match="there is something already"):
        doctor(folder, "--into", tmp_path)
    with pytest.raises(StoreError, match="lies in the damaged run"):
        doctor(folder, "--into", folder / "new")
    with RunDirectory(folder).writer(), pytest.raises(RunLocked):
        doctor(folder)


def test_rows_read_page_by_page_are_the_rows_that_sqlite_reads(tmp_path):
    place = [Place(subject=f"s{k}", item="i") for k in range(300)]
    with RunDirectory(tmp_path).writer() as journal:
        long = [Response(place=p, request="r", status="refused", text="x" * (k * 97)) for k, p in enumerate(place)]
        journal.add(long)
        journal.note(long="y" * 70_000)
        journal._connection.execute("DELETE FROM responses WHERE trial LIKE 's1%'")
    with Pages(tmp_path / "journal.sqlite") as pages:
        found = {row for _, row in pages.records() if row and len(row) == 21}
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as journal:
        assert found == set(journal.execute("SELECT * FROM responses"))
    assert len(found) == 189


def test_an_unfinished_run_with_people_is_saved_with_them(tmp_path):
    study = study_from_dict(
        {
            "title": "p",
            "seed": 1,
            "engine": "scripted:uniform",
            "instrument": {"use": "anes-1996", "only": ["vote"]},
            "population": {"use": "anes-1996", "sample": 9},
            "people": {},
            "survey": {},
        }
    )
    carry_out(study, tmp_path / "run", budget=Budget(trials=4))
    code, told = doctor(tmp_path / "run", "--into", tmp_path / "new")
    assert (code, told["responses"]) == (0, 4)
    assert Run(tmp_path / "new").people.table().equals(Run(tmp_path / "run").people.table())
    assert carry_out(study, tmp_path / "new").is_complete
