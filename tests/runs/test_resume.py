"""Kill a run at any moment: nothing that was reported as done is lost, and the end is the same."""

import contextlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proband.errors import StoreError
from proband.runs import Run
from tests.runs.slow_study import study

PROGRAM = Path(__file__).with_name("slow_study.py")


def start(folder: Path, *how: str) -> subprocess.Popen:
    command = [sys.executable, str(PROGRAM), str(folder), *how]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def kill_and_resume(tmp_path: Path, *how: str, kills: int, seed: int, within_s: float = 0.25) -> tuple[Run, Run, int]:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    with start(whole, *how) as process:
        assert process.wait() == 0
    rng = random.Random(seed)
    seen, hits = 0, 0
    for _ in range(kills):
        with start(torn, *how) as process:
            time.sleep(rng.uniform(0.0, within_s))
            process.kill()
            hits += process.wait() != 0
        # A program killed at birth leaves no journal, or one without tables.
        with contextlib.suppress(*(() if seen else (StoreError,))):
            done = sum(Run(torn).dispositions().values())
            assert done >= seen
            seen = done
    with start(torn, *how) as process:
        assert process.wait() == 0
    return Run(whole), Run(torn), hits


def assert_equal(whole: Run, torn: Run) -> None:
    assert whole.is_complete
    assert torn.is_complete
    assert (torn.path / "responses.parquet").read_bytes() == (whole.path / "responses.parquet").read_bytes()


def test_a_run_killed_three_times_ends_as_if_it_had_not_been(tmp_path):
    whole, torn, hits = kill_and_resume(tmp_path, kills=3, seed=1)
    assert hits == 3
    assert_equal(whole, torn)


@pytest.mark.slow
def test_a_run_killed_twenty_times_ends_as_if_it_had_not_been(tmp_path):
    whole, torn, hits = kill_and_resume(tmp_path, kills=20, seed=2)
    assert hits >= 5
    assert_equal(whole, torn)


@pytest.mark.slow
def test_a_run_killed_in_the_middle_of_large_batches_ends_as_if_it_had_not_been(tmp_path):
    whole, torn, hits = kill_and_resume(tmp_path, "quick", kills=12, seed=3, within_s=1.0)
    assert hits >= 3
    assert_equal(whole, torn)
    with torn.directory.reader() as journal:
        bodies = journal.bodies([response.request for response in journal.responses()])
    trials = study(40).trials({})
    assert len(trials) == sum(torn.dispositions().values())
    assert all(bodies[trial.request.hash] == trial.request.body for trial in trials)


def test_a_reader_sees_a_growing_run_while_it_is_written(tmp_path):
    counts = []
    with start(tmp_path / "run") as process:
        while process.poll() is None:
            if (tmp_path / "run" / "manifest.json").exists():
                break
            # Until the journal names its items there is no run to read yet.
            with contextlib.suppress(*(() if counts else (StoreError,))):
                counts.append(Run(tmp_path / "run").table().height)
            time.sleep(0.1)
        assert process.wait() == 0
    assert counts == sorted(counts)
    assert 0 < counts[-1] <= 1600
