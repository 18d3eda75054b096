"""Ctrl-C, sent to a real program: once it stops cleanly, twice at once, and either way the run goes on later."""

import itertools
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from proband.runs import Run, collect
from proband.runs.scheduling import Stop, interruptible
from tests.runs.interrupted_study import TOGETHER, slow_engine, study

PROGRAM = Path(__file__).with_name("interrupted_study.py")


def start(folder, kind, pause_s):
    command = [sys.executable, str(PROGRAM), str(folder), kind, str(pause_s)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=Path(__file__).parents[2])
    for _ in range(3):
        assert process.stdout.readline() == "answered\n"
    return process


def go_on(folder):
    return collect(study(), slow_engine(), folder)


@pytest.mark.parametrize("kind", ["lazy", "eager"])
def test_one_ctrl_c_stores_what_is_in_flight_and_the_run_goes_on_later(tmp_path, kind):
    with start(tmp_path / "torn", kind, 0.01) as process:
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    done = sum(Run(tmp_path / "torn").dispositions().values())
    assert done == 3 + stdout.count("answered")  # everything that was answered is stored
    assert 3 <= done < study().size()
    if kind == "lazy":
        assert done % TOGETHER == 0  # what was in flight was waited for
    torn = go_on(tmp_path / "torn")
    whole = collect(study(), "scripted:uniform?refuse=0.1&seed=3", tmp_path / "whole")
    assert torn.is_complete
    assert torn.table().drop("engine").equals(whole.table().drop("engine"))


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    with start(tmp_path, "lazy", 1.0) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None  # still waiting for what is in flight
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped at once; everything answered is kept" in stderr
    # Of the eight answers in flight, those that were back are kept, and the others were not waited for.
    assert 2 <= sum(Run(tmp_path).dispositions().values()) < TOGETHER
    assert go_on(tmp_path).is_complete


def test_in_a_pipe_there_is_one_line_at_the_end(tmp_path):
    with start(tmp_path, "eager", 0.0) as process:
        _, stderr = process.communicate(timeout=60)
    (line,) = stderr.splitlines()
    assert line.startswith("200 of 200 trials, ")
    assert "valid" in line
    assert "refused" in line


def test_a_program_that_handles_the_signal_itself_is_left_alone():
    def own(*_):
        pass

    before = signal.signal(signal.SIGINT, own)
    try:
        with interruptible(Stop()):
            assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)
    with interruptible(Stop()):
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    names = []
    thread = threading.Thread(target=lambda: names.extend(itertools.chain(_inside())))
    thread.start()
    thread.join()
    assert names == [signal.default_int_handler]


def _inside():
    with interruptible(Stop()):
        yield signal.getsignal(signal.SIGINT)
