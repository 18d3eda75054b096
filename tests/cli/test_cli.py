"""The command line as a user meets it: a real process, its exit code, its two streams."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from proband.cli.listing import LISTS, list_
from proband.cli.main import app
from proband.designs.studies import load_study
from proband.runs import Run, carry_out
from proband.runs.locking import deviations
from proband.store.migrations import SCHEMA

EXAMPLES = Path(__file__).parents[2] / "examples"
PROBAND = [sys.executable, "-c", "from proband.cli.main import main; main()"]
STUDY = """
title = "tiny"
seed = 3
engine = "scripted:uniform?refuse=0.1"
[instrument]
use = "anes-1996"
only = ["vote", "tv-news"]
[population]
use = "anes-1996"
sample = 30
[people]
[survey]
"""


def proband(*arguments, cwd):
    return subprocess.run([*PROBAND, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder in which the tiny study was run."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "tiny.toml").write_text(STUDY)
    done = proband("run", "tiny.toml", "--into", "runs/tiny", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "results.json").write_text(done.stdout)
    return folder


def test_run_gives_shares_distance_nulls_and_floor_for_every_item(ran):
    results = json.loads((ran / "results.json").read_text())
    sections = {section["name"]: section["table"] for section in results["sections"]}
    for item in ("vote", "tv-news"):
        rows = sections[f"shares-{item}"]["rows"]
        for side in (1, 2):
            assert abs(sum(row[side]["value"] for row in rows) - 1) < 1e-9
    distances = sections["distances"]
    assert [column["name"] for column in distances["columns"][2:]] == ["uniform", "majority", "marginal", "floor"]
    for _, distance, *_, floor in distances["rows"]:
        low, high = distance["interval"]
        assert 0 <= low <= distance["value"] <= high <= 1
        assert floor > 0
    assert Path(ran / results["report"]).exists()


@pytest.mark.parametrize("module", ["proband", "proband.cli.main"])
def test_the_command_line_runs_as_a_module(module):
    words = [sys.executable, "-m", module, "--version"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.startswith("proband ")


def test_running_again_resumes_and_gives_the_same(ran):
    again = proband("run", "tiny.toml", "--into", "runs/tiny", "--json", cwd=ran)
    assert again.returncode == 0
    assert json.loads(again.stdout) == json.loads((ran / "results.json").read_text())


def test_a_budget_stops_with_exit_code_3_and_goes_on_later(ran):
    stopped = proband("run", "tiny.toml", "--into", "runs/capped", "--max-trials", 11, "--json", cwd=ran)
    assert stopped.returncode == 3
    assert not json.loads(stopped.stdout)["is_complete"]
    assert "run the same command" in stopped.stderr
    assert proband("run", "tiny.toml", "--into", "runs/capped", cwd=ran).returncode == 0
    same = [pl.read_parquet(ran / "runs" / name / "responses.parquet") for name in ("capped", "tiny")]
    assert same[0].equals(same[1])


def test_plan_show_measure_report_and_export_work_on_a_run(ran):
    plan = json.loads(proband("plan", "tiny.toml", "--json", cwd=ran).stdout)
    assert plan["trials"] == 60
    shown = proband("show", "tiny.toml", cwd=ran)
    assert "Answer the survey as the person" in shown.stdout
    measured = json.loads(proband("measure", "runs/tiny", "--json", cwd=ran).stdout)
    assert measured["sections"] == json.loads((ran / "results.json").read_text())["sections"]
    reported = json.loads(proband("report", "runs/tiny", "--to", "page.html", "--json", cwd=ran).stdout)
    assert (ran / reported["report"]).exists()
    exported = json.loads(proband("export", "runs/tiny", "--to", "wide.csv", "--wide", "--json", cwd=ran).stdout)
    assert exported["rows"] == pl.read_csv(ran / "wide.csv").height == 30


@pytest.mark.parametrize("module", ["proband", "proband.cli.main"])
def test_python_runs_the_command_line_as_a_module(module, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", module, "list", "engines"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "smollm2" in done.stdout


@pytest.mark.parametrize("what", LISTS)
def test_list_names_what_there_is(ran, what, capsys, monkeypatch):
    monkeypatch.chdir(ran)
    list_(what, json=True)
    listed = json.loads(capsys.readouterr().out)[what]
    assert all(row["name"] and row["title"] for row in listed)
    list_(what)
    assert capsys.readouterr().out.count("\n") >= len(listed) > 0


def test_a_run_that_waits_for_people_says_that_and_not_that_a_budget_ended(tmp_path):
    text = """
        seed = 1
        engine = "human:desk"
        instrument = { use = "anes-1996", only = ["vote"] }
        population = { use = "anes-1996", sample = 2 }
        survey = { answer_by = "written" }
    """
    (tmp_path / "study.toml").write_text(text)
    waits = proband("run", "study.toml", "--into", "run", "--no-wait", cwd=tmp_path)
    assert waits.returncode == 3
    assert "2 questions are open: run the same command again" in waits.stderr
    assert "budget" not in waits.stderr


def test_a_list_that_is_none_says_which_there_are(tmp_path):
    refused = proband("list", "shoes", cwd=tmp_path)
    assert refused.returncode == 2
    assert "there are kinds, scenarios, games, instruments" in refused.stderr


@pytest.mark.parametrize("name", ["experiment", "dilemma", "quiz"])
def test_every_kind_is_planned_shown_run_and_exported_from_its_example(tmp_path, name):
    file = EXAMPLES / f"{name}.toml"
    role = "model=" if name == "dilemma" else ""
    answered = ("--engine", f"{role}scripted:uniform")
    planned = json.loads(proband("plan", file, *answered, "--json", cwd=tmp_path).stdout)
    assert planned["units"] > 0
    assert proband("show", file, *answered, cwd=tmp_path).stdout.strip()
    stopped = proband("run", file, *answered, "--into", name, "--max-trials", 7, cwd=tmp_path)
    assert stopped.returncode == 3, stopped.stderr
    done = proband("run", file, *answered, "--into", name, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["is_complete"]
    exported = json.loads(proband("export", name, "--to", "all.csv", "--json", cwd=tmp_path).stdout)
    assert exported["rows"] == planned["trials"]


def test_a_branch_shares_the_rounds_up_to_one(tmp_path):
    carry_out(load_study(EXAMPLES / "dilemma.toml", engine={"model": "scripted:uniform"}), tmp_path / "dilemma")
    branched = proband("branch", "dilemma", "--at", 3, "--into", "three", "--json", cwd=tmp_path)
    assert json.loads(branched.stdout) == {"run": "three", "parent": "dilemma", "through_round": 3, "shared": 60}


def test_engines_of_roles_are_given_one_by_one(ran):
    (ran / "game.toml").write_text((EXAMPLES / "dilemma.toml").read_text())
    for options, words in (
        (("--engine", "scripted:uniform"), "'model', 'rival' need one each"),
        (("--engine", "scripted:uniform", "--engine", "scripted:first"), "or ROLE=ADDRESS for each role"),
        (("--engine", "judge=scripted:uniform"), "no role here"),
    ):
        refused = proband("plan", "game.toml", *options, cwd=ran)
        assert (refused.returncode, words in refused.stderr) == (2, True), refused.stderr


def test_a_locked_plan_is_kept_and_what_was_done_otherwise_is_told(ran):
    (ran / "locked.toml").write_text(STUDY.replace('"tiny"', '"locked"'))
    made = json.loads(proband("lock", "locked.toml", "--json", cwd=ran).stdout)
    assert json.loads((ran / "locked.lock.json").read_text()) == made
    assert proband("lock", "locked.toml", cwd=ran).returncode == 2
    done = proband("run", "locked.toml", "--into", "runs/locked", "--sample", 20, cwd=ran)
    assert done.returncode == 0, done.stderr
    assert "Locked was the number of trials = 60; it ran with 40." in deviations(Run(ran / "runs" / "locked"))
    (ran / "locked.lock.json").write_text(json.dumps(made | {"seed": 4}))
    edited = proband("run", "locked.toml", "--into", "runs/locked", cwd=ran)
    assert edited.returncode == 2
    assert "the lock was edited since it was made" in edited.stderr


def test_every_verb_has_a_help_page_with_an_example(tmp_path):
    top = proband("--help", cwd=tmp_path).stdout
    for verb in ("demo", "plan", "show", "lock", "run", "branch", "measure", "report", "view", "export", "list"):
        assert verb in top
        page = CliRunner().invoke(app, [verb, "--help"])
        assert page.exit_code == 0
        assert f"proband {verb}" in page.stdout.split("Example:")[1]


def test_the_scripted_demo_needs_no_model_and_writes_its_report(tmp_path):
    done = proband("demo", "--engine", "scripted", "--n", 40, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert sum(section["name"].startswith("shares-") for section in results["sections"]) == 4
    assert (tmp_path / results["report"]).exists()
    assert "proband view runs/demo-scripted" in done.stderr


def test_ctrl_c_stops_cleanly_and_the_run_goes_on_later(ran):
    long = STUDY.replace("sample = 30", "").replace('only = ["vote", "tv-news"]', "")
    (ran / "long.toml").write_text(f"{long}replicates = 10\n")
    command = [*PROBAND, "run", "long.toml", "--into", "runs/long"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ran) as process:
        # People's answers are collected first; the model's journal appears when its part begins.
        while not (ran / "runs" / "long" / "journal.sqlite").exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command again to go on" in stderr
    assert "Traceback" not in stderr
    assert proband("run", "long.toml", "--into", "runs/long", cwd=ran).returncode == 0


def edited(ran, name, **changes):
    text = STUDY
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    path = ran / f"{name}.toml"
    path.write_text(text)
    return path.name


BAD = {
    "malformed-toml": ({"a": ("seed = 3", "seed = = 3")}, "not valid TOML"),
    "seed": ({"a": ("seed = 3", 'seed = "three"')}, "seed"),
    "codes": (
        {"a": ('use = "anes-1996"\nonly = ["vote", "tv-news"]',
               'id = "x"\ntitle = "x"\nitems = [{id = "a", text = "A?", form = "scale", options = ["n", "y"], '
               'codes = [1, 2, 3]}]')},
        "3 codes for 2 options",
    ),
    "same-id": (
        {"a": ('use = "anes-1996"\nonly = ["vote", "tv-news"]',
               'id = "x"\ntitle = "x"\nitems = [{id = "a", text = "A?", form = "text"}, '
               '{id = "a", text = "B?", form = "text"}]')},
        "'a' is there twice",
    ),
    "column": (
        {"a": ('use = "anes-1996"\nonly = ["vote", "tv-news"]',
               'id = "x"\ntitle = "x"\nitems = [{id = "a", text = "{subject:shoes}?", form = "text"}]')},
        "names no column of the population",
    ),
    "labels": ({"a": ("[survey]", '[survey]\nlabels = "A|A"\nanswer_by = "label"')}, "item 'vote'"),
    "engine": ({"a": ("scripted:uniform?refuse=0.1", "gpt-9")}, "no engine 'gpt-9'"),
    "down": ({"a": ("scripted:uniform?refuse=0.1", "openai:http://127.0.0.1:9/v1#m")}, "127.0.0.1:9"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_its_name_and_exit_code_2(ran, name):
    changes, words = BAD[name]
    refused = proband("run", edited(ran, name, **changes), "--into", f"runs/{name}", cwd=ran)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""


def test_weights_that_make_no_sense_are_refused(ran):
    population = """
[population]
id = "own"
title = "own"
source = "made up"
licence = "none"
data = { path = "people.csv" }
weight_column = "w"
fields = [{ column = "age", first = "I am {value}.", third = "The person is {value}." }]
"""
    old = '[population]\nuse = "anes-1996"\nsample = 30\n[people]\n'
    for name, rows, words in (
        ("negative", "30,1\n40,-1", "negative"),
        ("zero", "30,0\n40,0", "all weights are 0"),
        ("nobody", ",1\n,1", "age"),
    ):
        (ran / "people.csv").write_text(f"age,w\n{rows}\n")
        refused = proband("run", edited(ran, name, a=(old, population)), cwd=ran)
        assert refused.returncode == 2, (name, refused.stderr)
        assert words in refused.stderr, refused.stderr
        assert "Traceback" not in refused.stderr


def test_measure_writes_every_estimate_of_one_analysis_as_csv_and_fits_80_columns(ran):
    done = proband("measure", "runs/tiny", "--only", "fidelity", "--csv", "numbers.csv", cwd=ran)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    table = pl.read_csv(ran / "numbers.csv")
    assert {"distances", "ladder"} <= set(table["section"])
    assert table["value"].null_count() < table.height
    shown = proband("measure", "runs/tiny", cwd=ran)
    assert max(map(len, shown.stdout.splitlines())) <= 80
    refused = proband("measure", "runs/tiny", "--only", "fidelty", cwd=ran)
    assert (refused.returncode, "did you mean 'fidelity'" in refused.stderr) == (2, True)
    refused = proband("measure", "runs/tiny", "--csv", "no/such/folder.csv", cwd=ran)
    assert (refused.returncode, "choose another file" in refused.stderr) == (2, True)


def test_a_run_of_a_newer_version_is_refused(ran):
    shutil.copytree(ran / "runs" / "tiny", ran / "runs" / "newer")
    connection = sqlite3.connect(ran / "runs" / "newer" / "journal.sqlite")
    connection.execute(f"PRAGMA user_version = {SCHEMA + 5}")
    connection.close()
    refused = proband("measure", "runs/newer", cwd=ran)
    assert refused.returncode == 2
    assert "newer Proband" in refused.stderr


def test_values_that_cannot_be_spread_are_refused(ran):
    refused = proband("export", "runs/tiny", "--to", "x.csv", "--wide", "--values", "nonsense", cwd=ran)
    assert refused.returncode == 2
    assert "choose answer, value or label" in refused.stderr


def test_what_is_no_run_is_refused(ran):
    refused = proband("measure", "runs/nothing", cwd=ran)
    assert refused.returncode == 2
    assert "no run here" in refused.stderr


def test_brackets_in_options_and_titles_are_shown_as_they_are(ran):
    (ran / "brackets.toml").write_text(
        'title = "Trust [/b] [wave 2]"\nseed = 1\nengine = "scripted:uniform"\n[instrument]\nid = "x"\ntitle = "x"\n'
        'items = [{id = "[/red]", text = "?", form = "choice", options = ["Other [specify]", "[/b] no"]}]\n'
        '[population]\nuse = "anes-1996"\nsample = 5\n[survey]\n'
    )
    done = proband("run", "brackets.toml", "--into", "runs/brackets", cwd=ran)
    assert done.returncode == 0, done.stderr
    assert "Other [specify]" in done.stdout
    assert "[/b] no" in done.stdout
    assert "Trust [/b] [wave 2]" in done.stderr


def test_a_refused_first_try_does_not_spoil_the_folder(ran):
    for engine, code in (("scripted:always?option=99", 2), ("scripted:always?option=1", 0)):
        done = proband("run", "tiny.toml", "--into", "runs/again", "--engine", engine, cwd=ran)
        assert done.returncode == code, done.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sample = 30", 'sample = "ten"', "population.sample"),
        ("sample = 30", 'only_where = ["PID"]', "population.only_where"),
        ("sample = 30", "data = 3", "population.data"),
        ('only = ["vote", "tv-news"]', 'only = "vote"', "instrument.only"),
        ('only = ["vote", "tv-news"]', 'preamble = "new"', "no key 'instrument.preamble' beside `use`"),
        ("seed = 3", "", "seed is missing; add it, e.g. seed = 1"),
    ],
)
def test_wrong_types_in_a_study_file_are_refused(ran, old, new, words):
    refused = proband("run", edited(ran, "types", a=(old, new)), cwd=ran)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
