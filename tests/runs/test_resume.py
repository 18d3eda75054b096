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

PROGRAM = Path(__file__).with_name("slow_study.py")


def start(folder: Path) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, str(PROGRAM), str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def kill_and_resume(tmp_path: Path, kills: int, seed: int) -> tuple[Run, Run, int]:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    with start(whole) as process:
        assert process.wait() == 0
    rng = random.Random(seed)
    seen, hits = 0, 0
    for _ in range(kills):
        with start(torn) as process:
            time.sleep(rng.uniform(0.0, 0.25))
            process.kill()
            hits += process.wait() != 0
        # A program killed at birth leaves no journal, or one without tables.
        with contextlib.suppress(*(() if seen else (StoreError,))):
            done = sum(Run(torn).dispositions().values())
            assert done >= seen
            seen = done
    with start(torn) as process:
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
