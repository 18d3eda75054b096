"""A run that is killed, or meets a full disk, goes on where it was and ends with the same weights."""

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from proband.errors import EngineError, StoreError
from proband.training.checkpoint import LOCK, last_state
from proband.training.trainer import check_processes
from proband.training.training import train
from tests.training import tiny
from tests.training.tiny import RECIPE, questions

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


def start(base_folder, into, mark, looks=False, **how):
    command = [sys.executable, tiny.__file__, str(base_folder), str(into), str(mark), *["looks"] * looks]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=ENVIRONMENT, text=True, cwd=ROOT, **streams, **how)


def wait_for(mark, step, process):
    until = time.monotonic() + 120
    while not (mark.exists() and (mark.read_text() or "0") >= str(step)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(base, base_folder, tmp_path):
    process = start(base_folder, tmp_path / "run", tmp_path / "mark")
    wait_for(tmp_path / "mark", 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "run" / "training.json").exists()
    state = last_state(tmp_path / "run")
    assert state is not None
    assert state.name in ("checkpoint-2", "checkpoint-3")
    told = []
    resumed = train(questions(), base, RECIPE, tmp_path / "run", watch=told.append)
    assert told[0].step == int(state.name[-1]) + 1
    whole = train(questions(), base, RECIPE, tmp_path / "whole")
    assert resumed.losses == whole.losses
    assert resumed.weights == whole.weights
    assert resumed.computed_tokens == whole.computed_tokens


@pytest.mark.slow
def test_a_run_killed_while_a_state_was_written_goes_on_from_the_one_before(base, base_folder, tmp_path):
    process = start(base_folder, tmp_path / "run", tmp_path / "mark")
    wait_for(tmp_path / "mark", 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    cut = tmp_path / "run" / "states" / "checkpoint-5"
    cut.mkdir()
    (cut / "model.safetensors").write_bytes(b"half")
    resumed = train(questions(), base, RECIPE, tmp_path / "run")
    assert not cut.exists()
    assert resumed.weights == train(questions(), base, RECIPE, tmp_path / "whole").weights


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_kept_states_stay(base, base_folder, tmp_path):
    # No file may grow beyond what the weights need, as on a disk that is full.
    limit = (base_folder / "model.safetensors").stat().st_size + 5_000

    def fill():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = start(base_folder, tmp_path / "run", tmp_path / "mark", preexec_fn=fill)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    last = errors.strip().splitlines()[-1]
    assert last.startswith("proband.errors.StoreError: a state of the run could not be saved in")
    assert "are free there" in last
    assert not (tmp_path / "run" / "training.json").exists()
    found = train(questions(), base, RECIPE, tmp_path / "run")
    assert found.weights == train(questions(), base, RECIPE, tmp_path / "whole").weights


@pytest.mark.slow
def test_two_processes_share_every_step_and_get_the_numbers_of_one(base, base_folder, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command += [tiny.__file__, str(base_folder), str(tmp_path / "run"), str(tmp_path / "mark")]
    done = subprocess.run(command, env=ENVIRONMENT, text=True, cwd=ROOT, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    shared = train(questions(), base, RECIPE, tmp_path / "run")
    # Both say what they trained; with a share of each step of their own, they trained the same.
    assert done.stdout.split() == [shared.weights] * 2
    alone = train(questions(), base, RECIPE, tmp_path / "alone")
    assert shared.losses == pytest.approx(alone.losses, rel=1e-5)
    assert shared.computed_tokens != alone.computed_tokens  # a beginning is shared within a process


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"WORLD_SIZE": "2", "RANK": "0"}, "2 processes were to share every step and 1 joined"),
        ({"ACCELERATE_MIXED_PRECISION": "no", "MASTER_ADDR": "127.0.0.1"}, "several processes were to share"),
    ],
)
def test_processes_that_did_not_start_are_told_before_the_first_step(monkeypatch, told, words):
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(EngineError, match=f"{words}.*torch.distributed.run"):
        check_processes(1)


def test_two_processes_cannot_train_into_one_folder(base, tmp_path):
    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / LOCK), pytest.raises(StoreError, match="another process is training"):
        train(questions(), base, RECIPE, tmp_path / "run")


def test_a_folder_that_cannot_be_written_is_named(base, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be saved"):
        train(questions(), base, replace(RECIPE, steps=1), tmp_path / "file" / "run")
