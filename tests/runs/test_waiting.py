"""Engines that wait for somebody: what they were handed stays open, across restarts, until it is answered or lapses."""

import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from proband.designs import PrisonersDilemma
from proband.models.engine import BaseEngine
from proband.models.scripted import ScriptedEngine, played, uniform
from proband.records import Completion
from proband.runs import Run, collect
from proband.strategies import tit_for_tat

GAME = PrisonersDilemma(matches=3, rounds=3, seed=4)
ROOT = Path(__file__).parents[2]


class Desk(BaseEngine):
    """Somebody who answers what lies on a desk, in a folder: questions are files, and so are answers."""

    abilities = frozenset({"given"})
    waits = True
    address = "desk:one"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_handed = 0
        folder.mkdir(exist_ok=True)

    def _file(self, trial, ending):
        return self.folder / f"{trial.id.replace('/', ';')}.{ending}"

    def answer(self, trials):
        for trial in trials:
            answer = self._file(trial, "answer")
            if answer.exists():
                yield trial, Completion(given=(json.loads(answer.read_text()), "valid"))
            elif not self._file(trial, "question").exists():
                self.n_handed += 1
                self._file(trial, "question").write_text(trial.request.messages[-1].text)

    def news(self, timeout_s):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if any(path.with_suffix(".question").exists() for path in self.folder.glob("*.answer")):
                for path in self.folder.glob("*.answer"):
                    path.with_suffix(".question").unlink(missing_ok=True)
                return True
            time.sleep(0.005)
        return False

    def questions(self):
        return sorted(path for path in self.folder.glob("*.question") if not path.with_suffix(".answer").exists())

    def reply(self, move=0):
        """Answer everything that lies there."""
        for path in self.questions():
            part = path.with_suffix(".part")
            part.write_text(json.dumps(move))
            part.rename(path.with_suffix(".answer"))


def start(into, desk):
    command = [sys.executable, "-m", "tests.runs.waiting_study", str(into), str(desk.folder)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


def players(folder):
    return {"model": Desk(folder), "rival": ScriptedEngine(played(tit_for_tat))}


def test_a_call_that_does_not_wait_returns_with_what_is_open_and_the_next_one_goes_on(tmp_path):
    desk, into = Desk(tmp_path / "desk"), tmp_path / "run"
    for number in range(1, 4):
        run = collect(GAME, players(desk.folder), into, wait=False)
        assert (run.state, run.is_complete) == ("waiting", False)
        assert list(run.open) == [f"match-{match:04d}-row/move//{number}/0" for match in range(3)]
        assert len(run.responses()) == 3 * number + 3 * (number - 1)
        assert len(desk.questions()) == 3
        assert collect(GAME, players(desk.folder), into, wait=False).open == run.open  # the times too
        desk.reply()
    run = collect(GAME, players(desk.folder), into, wait=False)
    assert (run.state, run.open) == ("complete", {})
    always = {"model": ScriptedEngine(lambda trial: 0, address="desk:one"), "rival": players(desk.folder)["rival"]}
    plain = collect(GAME, always, tmp_path / "plain").table().drop("probs", "mass", "request")
    assert run.table().select("trial", "answer").equals(plain.select("trial", "answer"))


def test_a_call_that_waits_takes_answers_as_they_come(tmp_path):
    desk, is_over = Desk(tmp_path / "desk"), threading.Event()

    def somebody():
        while not is_over.wait(0.01):
            desk.reply(1)

    thread = threading.Thread(target=somebody)
    thread.start()
    try:
        run = collect(GAME, players(desk.folder), tmp_path / "run")
    finally:
        is_over.set()
        thread.join()
    assert run.state == "complete"
    assert set(run.table().filter(role="model")["answer"]) == {1}


def test_other_engines_do_not_wait_for_somebody(tmp_path):
    matches = {"model": Desk(tmp_path / "desk"), "rival": ScriptedEngine(uniform())}
    mixed = replace(GAME, rounds=1)
    run = collect(mixed, matches, tmp_path / "run", wait=False)
    assert len(run.responses()) == 3
    assert set(run.table()["role"]) == {"rival"}
    assert len(run.open) == 3


@dataclass(frozen=True, kw_only=True)
class Impatient(PrisonersDilemma):
    """Who has not moved in so many seconds has given up."""

    patience_s: float = 0.0

    def lapse(self, trial, waited_s):
        return Completion(given=(None, "refused")) if waited_s >= self.patience_s else None


@pytest.mark.parametrize("wait", [True, False])
def test_what_was_waited_for_long_enough_is_closed_by_the_rule_of_the_design(tmp_path, wait):
    game = Impatient(matches=3, rounds=3, seed=4)
    run = collect(game, players(tmp_path / "desk"), tmp_path / "run", wait=wait)
    assert run.state == "complete"
    assert run.dispositions() == {"refused": 3, "valid": 3}
    assert run.open == {}


def test_time_is_counted_from_when_it_was_first_handed_over(tmp_path):
    game = Impatient(matches=3, rounds=3, seed=4, patience_s=0.3)
    run = collect(game, players(tmp_path / "desk"), tmp_path / "run", wait=False)
    assert run.state == "waiting"
    time.sleep(0.35)
    assert collect(game, players(tmp_path / "desk"), tmp_path / "run", wait=False).state == "complete"


def test_a_run_that_waits_can_be_killed_and_goes_on_with_what_was_answered_meanwhile(tmp_path):
    desk, into = Desk(tmp_path / "desk"), tmp_path / "run"
    for _ in range(2):
        with start(into, desk) as process:
            assert process.stdout.readline() == "ready\n"
            while len(desk.questions()) < 3:
                time.sleep(0.005)
            process.kill()
        since = Run(into).open
        assert len(since) == 3
        desk.reply()
    run = collect(GAME, players(desk.folder), into, wait=False)
    assert {id: run.open.get(id) for id in since if id in run.open} == {}
    assert {id.split("/")[3] for id in run.open} == {"3"}
    desk.reply()
    assert collect(GAME, players(desk.folder), into, wait=False).is_complete


def test_ctrl_c_ends_the_waiting(tmp_path):
    desk, into = Desk(tmp_path / "desk"), tmp_path / "run"
    with start(into, desk) as process:
        assert process.stdout.readline() == "ready\n"
        while len(desk.questions()) < 3:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode != 0
    assert len(Run(into).open) == 3
