"""Tasks reach workers by name; a worker that ends takes nothing with it."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, wait
from pathlib import Path

import psutil
import pytest

from proband.errors import EngineError
from proband.tuning.alignment import alignment_of
from proband.workers import Task, WorkerLost
from proband.workers.executor import started
from proband.workers.processes import Processes, cores

HERE = "tests.workers.tasks"
STATE = Task(f"{HERE}:stateful", ("hello",))


def task(name, *arguments):
    return Task(f"{HERE}:{name}", arguments)


def gone(pid):
    return not psutil.pid_exists(pid)


def test_each_worker_is_set_up_once_and_tells_of_itself():
    with started(Processes(threads=1), STATE, 2) as pool:
        pool.settle()
        assert [worker.told["threads"] for worker in pool.workers] == ["1", "1"]
        assert len({worker.told["pid"] for worker in pool.workers}) == 2
        assert pool.submit(task("said", "you")).result() == "hello you"
    assert all(gone(worker.told["pid"]) for worker in pool.workers)


def test_tasks_are_spread_and_come_back_whole_though_a_task_prints():
    with started(Processes(), None, 2) as pool:
        assert [pool.submit(task("squared", k)) for k in range(3)][2].result() == 4
        pool.settle()
        futures = [pool.submit(task("slow", 0.05)) for _ in range(8)]
        assert len({future.result() for future in futures}) == 2


def test_what_a_task_raises_is_raised_by_its_future_and_harms_nobody():
    with started(Processes(), None, 1) as pool:
        with pytest.raises(KeyError, match="missing"):
            pool.submit(task("raising", "missing")).result()
        with pytest.raises(EngineError, match="does not pickle"):
            pool.submit(task("unpicklable")).result()
        with pytest.raises(ModuleNotFoundError):
            pool.submit(Task("no.such.module:name")).result()
        assert pool.submit(task("squared", 3)).result() == 9


def test_what_only_a_worker_can_read_is_an_error_and_keeps_nobody_waiting(tmp_path, monkeypatch):
    """E.g. what a library raises that is installed where the workers are."""
    (tmp_path / "only_there.py").write_text("class Odd(Exception): pass\ndef raising(state): raise Odd('no memory')\n")
    with Processes() as pool:
        with monkeypatch.context() as context:
            context.syspath_prepend(tmp_path)
            pool.start(None, 1)
        with pytest.raises(EngineError, match=r"cannot be read here: .*only_there.*; install what the workers have"):
            pool.submit(Task("only_there:raising")).result(60)
        assert pool.submit(task("squared", 3)).result(60) == 9


def test_who_is_closed_before_the_workers_are_there_starts_none():
    class Late(Processes):
        def prepare(self, setup, n):
            super().prepare(setup, n)
            self.close()

    pool = Late()
    with pytest.raises(EngineError, match="the processes are closed"):
        pool.start(None, 1)
    assert not pool.launched


def test_more_processes_that_train_than_cores_are_refused_with_how_many_fit(tmp_path):
    with pytest.raises(EngineError, match=rf"{cores() + 1} processes that train on {cores()} cores .*; {cores()} fit"):
        alignment_of("study.toml", tmp_path, workers=cores() + 1)


def test_a_set_up_that_fails_is_told_at_once():
    with started(Processes(), task("refusing", "model"), 2) as pool:
        with pytest.raises(EngineError, match="ValueError: no model here"):
            pool.settle()
        with pytest.raises(EngineError, match="no model here"):
            pool.submit(task("pid"))


def test_a_worker_that_may_not_join_is_refused_by_its_name():
    def admit(worker, others):
        if others:
            raise EngineError(f"{worker.name} is another one")

    with Processes() as pool:
        pool.start(STATE, 2, admit)
        with pytest.raises(EngineError, match=r"worker \d \(process \d+\) is another one"):
            pool.settle()


def test_tasks_of_a_killed_worker_go_to_others_and_a_fresh_one_is_started():
    with started(Processes(), STATE, 2) as pool:
        pool.settle()
        first = pool.workers[0].told["pid"]
        futures = [pool.submit(task("slow", 0.3)) for _ in range(6)]
        os.kill(first, signal.SIGKILL)
        assert first not in {future.result() for future in futures}
        pool.settle()
        assert len(pool.workers) == 2
        assert pool.n_lost == 1


def test_a_task_that_takes_three_workers_with_it_fails_and_the_others_are_done():
    with started(Processes(), None, 2) as pool:
        poison = pool.submit(task("killing"))
        others = [pool.submit(task("squared", k)) for k in range(10)]
        with pytest.raises(WorkerLost, match=r"3 workers ended while they were at it, the last: .* ended by SIGKILL"):
            poison.result()
        assert [future.result() for future in others] == [k * k for k in range(10)]
        assert pool.n_lost == 3


def test_a_task_that_takes_two_workers_with_it_is_done_by_the_third(tmp_path):
    with started(Processes(), None, 1) as pool:
        assert pool.submit(task("killing_unless", str(tmp_path / "killed"))).result() == "lived"


def test_workers_that_end_before_they_answer_are_not_started_for_ever(tmp_path):
    with started(Processes(), task("dying", str(tmp_path), 1), 2) as pool:
        pool.settle()
        assert len(pool.workers) == 1
        assert pool.submit(task("squared", 5)).result() == 25
        assert len(list(tmp_path.iterdir())) == 4  # the one that lives, and three that did not


def test_a_worker_that_is_lost_is_replaced_though_others_could_not_be(tmp_path):
    """What ended those, e.g. a lack of memory, may be over."""
    with started(Processes(), task("dying", str(tmp_path), 1), 2) as pool:
        pool.settle()
        [worker] = pool.workers
        for mark in list(tmp_path.iterdir()):
            mark.unlink()
        os.kill(worker.told, signal.SIGKILL)
        assert pool.submit(task("pid")).result(60) != worker.told


def test_with_no_worker_left_everything_ends_with_the_reason(tmp_path):
    with started(Processes(), task("once", str(tmp_path)), 1) as pool:
        pool.settle()
        future = pool.submit(task("killing"))
        with pytest.raises(EngineError, match=r"no worker is left, and none could be started: .* a second one"):
            future.result()
        with pytest.raises(EngineError, match="no worker is left"):
            pool.submit(task("pid"))


def test_winding_down_finishes_what_is_out_and_cancels_the_rest(tmp_path):
    with started(Processes(), None, 1) as pool:
        pool.settle()
        futures = [pool.submit(task("started", str(tmp_path), 0.3)) for _ in range(5)]
        while not list(tmp_path.iterdir()):
            time.sleep(0.01)
        pool.wind_down()
        wait(futures)
        assert [future.cancelled() for future in futures] == [False, False, True, True, True]
        with pytest.raises(CancelledError):
            pool.submit(task("pid")).result()


def test_closing_ends_workers_in_the_middle_of_a_task():
    pool = Processes()
    pool.start(STATE, 2)
    pool.settle()
    pids = [worker.told["pid"] for worker in pool.workers]
    future = pool.submit(task("slow", 60))
    pool.close()
    pool.close()
    assert all(map(gone, pids))
    with pytest.raises(EngineError, match="the processes are closed"):
        future.result()


DRIVER = """
import sys, time
from proband.workers import Task
from proband.workers.processes import Processes
pool = Processes()
pool.start(Task("tests.workers.tasks:stateful", ("x",)), 2)
pool.settle()
for _ in range(4):
    pool.submit(Task("tests.workers.tasks:slow", (60,)))
print(*(worker.told["pid"] for worker in pool.workers), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_driver_however_it_ends(sign):
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[2],
    ) as driver:  # fmt: skip
        pids = [int(pid) for pid in driver.stdout.readline().split()]
        assert len(pids) == 2
        os.killpg(os.getpgid(pids[0]), signal.SIGINT)  # a worker does not listen to Ctrl-C
        driver.send_signal(sign)
        driver.wait(20)
    deadline = time.monotonic() + 20
    while not all(map(gone, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(map(gone, pids))


def test_tasks_may_be_put_from_several_threads():
    with started(Processes(), None, 2) as pool:
        found = {}

        def ask(k):
            found[k] = [pool.submit(task("squared", k + j)).result() for j in range(20)]

        threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == {k: [(k + j) ** 2 for j in range(20)] for k in range(4)}
