"""Parts, their gathering and their scripts from the command line, and on a real Slurm of one node."""

import json
import re
import shlex
import signal as signals
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proband.cli.main import app
from proband.designs.studies import load_study
from proband.errors import DesignError, StoreError
from proband.runs import carry_out
from proband.runs.division import Division
from proband.runs.gathering import gather
from proband.runs.run import Run
from proband.runs.slurm import Wanted, time_for, write_scripts
from proband.store.scratch import LEASE
from tests.runs.killed_parts import STUDY as STUDY_OF_TWO
from tests.runs.one_node import lacking, one_node
from tests.runs.parting import kept

ROOT = Path(__file__).parents[2]
STUDY = """
title = "A study; of 'parts' $(touch hacked)"
seed = 1
engine = "scripted:uniform"
[instrument]
use = "anes-1996"
only = ["vote", "party"]
[population]
use = "anes-1996"
sample = 9
[survey]
persona = "first"
[people]
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "my study's file.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def proband(tmp_path, monkeypatch):
    """Calls the command line in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*words, code=0):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return call


def test_parts_and_gather_give_the_findings_of_the_undivided_run(study, proband, tmp_path):
    whole = json.loads(proband("run", study, "--into", "whole", "--json").stdout)
    for k in (2, 1, 3):
        told = json.loads(proband("run", study, "--into", "run", "--part", f"{k}/3", "--json").stdout)
        assert (told["part"], told["state"], told["run"]) == (f"{k}/3", "complete", f"run/parts/{k}-of-3")
    found = json.loads(proband("gather", "run", "--json").stdout)
    assert kept(Run("run")) == kept(Run("whole"))
    assert {**found, "report": "", "run": "", "facts": ""} == {**whole, "report": "", "run": "", "facts": ""}
    assert found["report"] == "run/report.html"
    assert Path("run/report.html").exists()


def test_a_part_that_a_budget_stopped_says_how_to_go_on(study, proband):
    proband("run", study, "--into", "run", "--part", "1/3", "--max-trials", "2", code=3)
    for k in (2, 3):
        proband("run", study, "--into", "run", "--part", f"{k}/3")
    with pytest.raises(StoreError, match="part 1/3 is not finished"):
        CliRunner().invoke(app, ["gather", "run"], catch_exceptions=False)


def test_parts_are_written_on_a_disk_of_ones_own_where_that_is_asked(study, proband, tmp_path):
    whole = carry_out(load_study(study), tmp_path / "whole")
    for k in (1, 2):
        proband("run", study, "--into", "run", "--part", f"{k}/2", "--scratch", tmp_path / "own")
    proband("gather", "run", "--scratch", tmp_path / "own")
    assert kept(Run("run")) == kept(whole)
    assert not list((tmp_path / "own").iterdir())
    proband("run", study, "--into", "other", "--scratch", tmp_path / "own")
    assert kept(Run("other")) == kept(whole)


def test_a_study_file_that_moved_is_asked_for_and_one_that_was_edited_is_refused(study, proband, tmp_path):
    proband("run", study, "--into", "run", "--part", "1/1")
    moved = study.rename(tmp_path / "moved.toml")
    with pytest.raises(DesignError, match="is not there; give it with --study FILE"):
        CliRunner().invoke(app, ["gather", "run"], catch_exceptions=False)
    edited = tmp_path / "edited.toml"
    edited.write_text(STUDY.replace('"first"', '"third"'))
    with pytest.raises(DesignError, match="another design: the study was edited since"):
        CliRunner().invoke(app, ["gather", "run", "--study", str(edited)], catch_exceptions=False)
    proband("gather", "run", "--study", moved)


@pytest.mark.parametrize("part", ["0/4", "5/4", "x/4"])
def test_what_is_no_part_is_refused_before_anything_is_opened(proband, part):
    with pytest.raises(DesignError, match="part"):
        CliRunner().invoke(app, ["run", "nowhere.toml", "--part", part], catch_exceptions=False)


def test_a_plan_says_what_parts_take(study, proband):
    told = json.loads(proband("plan", study, "--parts", "4", "--json").stdout)["parts"]
    assert (told["parts"], told["units"], told["slowest_units"]) == (4, 9, 3)
    assert "the largest of 3 units" in proband("plan", study, "--parts", "4").stdout


def test_more_parts_are_of_use_for_as_long_as_each_asks_longer_than_it_starts():
    division = Division(parts=4, units=1000, slowest_units=250, seconds=6000.0, dollars=8.0)
    assert (division.slowest_s, division.slowest_dollars, division.worth) == (1515.0, 2.0, 400)
    assert time_for(division) == "00:51:00"
    assert time_for(Division(parts=1, units=1, slowest_units=1, seconds=1e5, dollars=None)) == "2-07:34:00"
    assert time_for(Division(parts=1, units=1, slowest_units=1, seconds=0.0, dollars=None)) == "00:10:00"


def test_scripts_for_slurm_are_written_and_two_commands_printed(study, proband, tmp_path):
    words = ["cluster", "slurm", study, "--into", "run", "--parts", "3", "--gpus", "1", "--partition", "gpu"]
    found = proband(*words, "--sbatch=--constraint=a100", "--sample", "6", "--engine", "scripted:always?option=1")
    first, second = found.stdout.strip().splitlines()
    assert first == f"job=$(sbatch --parsable {tmp_path}/run/slurm/parts.sh)"
    assert second == f'sbatch --dependency="afterok:${{job%%;*}}" {tmp_path}/run/slurm/gather.sh'
    script = (tmp_path / "run/slurm/parts.sh").read_text()
    directives = re.findall(r"^#SBATCH (.*)$", script, re.M)
    assert {"--array=1-3", "--requeue", "--gpus=1", "--partition=gpu", "--constraint=a100", "--time=00:10:00"} <= set(
        directives
    )
    (command,) = (line for line in script.splitlines() if line.startswith("srun"))
    assert str(study.resolve()) in shlex.split(command)  # quoted, whatever its name
    assert shlex.split(command)[-1] == "$SLURM_ARRAY_TASK_ID/3"
    assert "scripted:always?option=1" in shlex.split(command)
    for name in ("parts.sh", "gather.sh"):
        subprocess.run(["bash", "-n", f"run/slurm/{name}"], check=True)
    assert not (tmp_path / "hacked").exists()
    assert not (tmp_path / "run/parts").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--into", "my runs/one"], "blanks, quotes"),
        (["--into", "runs%j"], "blanks, quotes"),
        (["--into", "run", "--time", "soon"], "--time 'soon' is not HH:MM:SS"),
        (["--into", "run", "--partition", "a b"], "--partition 'a b' is not a name"),
        (["--into", "run", "--sbatch", "--mem=1\n#SBATCH --x"], "is not an option of sbatch"),
        (["--into", "run", "--engine", "openai:http://127.0.0.1:1/v1#x"], "not known before it is asked"),
        (["--into", "run", "--sample", "2"], "3 parts are more than"),
    ],
)
def test_what_slurm_cannot_be_told_is_refused(study, proband, words, why):
    with pytest.raises(DesignError, match=why):
        CliRunner().invoke(app, ["cluster", "slurm", str(study), "--parts", "3", *words], catch_exceptions=False)
    assert not list(study.parent.glob("**/parts.sh"))


def test_the_job_that_gathers_writes_on_the_same_own_disk(study, proband):
    proband("cluster", "slurm", study, "--into", "run", "--parts", "3", "--scratch", "/local")
    for name in ("parts.sh", "gather.sh"):
        assert " --scratch /local" in Path("run/slurm", name).read_text()


def test_what_is_asked_in_parts_is_not_asked_undivided_as_well(study, proband):
    proband("run", study, "--into", "run", "--part", "1/2")
    with pytest.raises(StoreError, match="is divided, and part 1/2 is not gathered yet"):
        CliRunner().invoke(app, ["run", str(study), "--into", "run"], catch_exceptions=False)
    proband("run", study, "--into", "run", "--part", "2/2")
    proband("gather", "run")
    proband("run", study, "--into", "run")


def test_a_wrong_study_file_is_refused(proband, tmp_path):
    (tmp_path / "wrong.toml").write_text("seed = ")
    with pytest.raises(DesignError, match=r"wrong\.toml"):
        CliRunner().invoke(app, ["cluster", "slurm", "wrong.toml", "--parts", "2"], catch_exceptions=False)


def test_a_zero_time_is_not_asked_for():
    with pytest.raises(DesignError, match="give 0 or more"):
        Wanted(gpus=-1)


@pytest.mark.parametrize(("signal", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_part_that_is_told_to_end_stores_what_it_has_and_says_who_told_it(tmp_path, signal, code):
    words = ["-m", "tests.runs.slow_part", str(tmp_path / "run"), str(tmp_path / "own"), "--part", "1/1"]
    part = subprocess.Popen([sys.executable, *words], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        until((tmp_path / "begun").exists)
        part.send_signal(getattr(signals, signal))
        assert part.wait(60) == code
    finally:
        part.kill()
        part.wait()
    run = Run(tmp_path / "run" / "parts" / "1-of-1")
    assert 0 < sum(run.dispositions().values()) < 16


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """The environment of a real Slurm, for this module alone."""
    if why := lacking():
        pytest.skip(f"no Slurm here: {why}")
    with one_node(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment


def submitted(folder, environment, commands, seconds=240.0):
    """Hand jobs to Slurm as the commands say; wait until it has none; how each ended."""
    subprocess.run(["bash", "-ec", "\n".join(commands)], cwd=folder, env=environment, check=True)
    for _ in range(int(seconds * 2)):
        told = subprocess.run(
            ["squeue", "--noheader", "--format=%i %T %r"], env=environment, capture_output=True, text=True, check=True
        ).stdout
        if not told.strip():
            return
        time.sleep(0.5)
    logs = "\n".join(path.read_text() for path in sorted((folder / "run" / "slurm").glob("*.log")))
    pytest.fail(f"Slurm still has {told}\n{logs}")


@pytest.mark.slow
def test_a_job_array_of_four_parts_equals_the_undivided_run(study, proband, slurm, tmp_path):
    commands = proband("cluster", "slurm", study, "--into", "run", "--parts", "4").stdout.strip().splitlines()
    submitted(tmp_path, slurm, commands)
    assert Run("run").is_complete, "\n".join(path.read_text() for path in (tmp_path / "run/slurm").glob("*.log"))
    assert kept(Run("run")) == kept(carry_out(load_study(study), tmp_path / "whole"))


@pytest.mark.slow
def test_a_part_whose_time_is_up_is_queued_again_and_goes_on(slurm, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    run = [sys.executable, "-m", "tests.runs.slow_part", str(tmp_path / "run"), str(tmp_path / "own")]
    division = Division(parts=1, units=8, slowest_units=8, seconds=0.0, dollars=None)
    scripts = write_scripts(
        tmp_path / "run", run=run, gather=["true"], name="x", division=division, wanted=Wanted(), here=ROOT
    )
    words = ["sbatch", "--parsable", str(scripts.parts)]
    job = subprocess.run(words, env=slurm, capture_output=True, text=True, check=True).stdout.strip()
    until((tmp_path / "begun").exists)
    subprocess.run(["scancel", "--signal=INT", job], env=slurm, check=True)  # as Slurm does before the time is up
    part = tmp_path / "run" / "parts" / "1-of-1"
    until((part / "journal.sqlite").exists)
    assert 0 < sum(Run(part).dispositions().values()) < 16
    log = tmp_path / "run" / "slurm" / "part-1.log"
    assert "run the same command again to go on" in log.read_text()
    until(lambda: Run(part).is_complete and not (part / LEASE).exists())
    assert kept(gather(STUDY_OF_TWO, tmp_path / "run")) == kept(carry_out(STUDY_OF_TWO, tmp_path / "whole"))


def until(is_so, seconds=180.0):
    for _ in range(int(seconds * 5)):
        if is_so():
            return
        time.sleep(0.2)
    pytest.fail("it did not come to that")
