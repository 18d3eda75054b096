"""A fleet answers as one replica does, to the last byte, whoever is killed meanwhile."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from proband.addresses import open_engine
from proband.addresses.cluster import _how_many
from proband.addresses.opening import address_beside, base_of, check_address, held, is_person, lasting, may_change
from proband.designs import Survey
from proband.errors import EngineError
from proband.models import pieces as cutting
from proband.models.engine import THIS_MACHINE
from proband.models.fleet import Told
from proband.models.parcels import pack_completions, pack_trials, unpack_completions, unpack_trials
from proband.records import Completion
from proband.runs import Budget, Run, collect, plan
from proband.runs.planning import show
from proband.workers import WorkerLost
from proband.workers.executor import Worker
from proband.workers.processes import Processes, cores
from tests.conftest import made_up
from tests.models import fleets
from tests.models.fleets import fleet, model, model_fleet
from tests.models.local.small_models import save_checkpoint
from tests.runs.pieced_study import make_small, study

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("small"), max_position_embeddings=1000)


@pytest.fixture
def _small(monkeypatch):
    make_small(monkeypatch.setattr)


def table(run):
    assert run.is_complete
    return (run.path / "responses.parquet").read_bytes()


def children():
    return {child.pid for child in psutil.Process().children() if "proband.workers" in " ".join(child.cmdline())}


def kill_one(pids, sign=signal.SIGKILL):
    os.kill(next(iter(pids)), sign)


def at_half(do):
    """Do something in mid-run, once, from the loop's thread; and when it was done."""
    done = []

    def watch(tally):
        if not done and tally.done >= tally.total / 3:
            done.append(tally.done)
            do()

    return watch, done


class Unlucky(Processes):
    """Has the first tasks fail as if they had ended three workers."""

    def __init__(self, times):
        super().__init__(threads=1)
        self.times, self.n_failed = times, 0

    def submit(self, task):
        if self.n_failed < self.times:
            self.n_failed += 1
            future = Future()
            future.set_exception(WorkerLost("three times"))
            return future
        return super().submit(task)


def test_a_run_on_two_replicas_equals_one_process(survey, tmp_path):
    alone = collect(survey, "scripted:uniform?seed=1", tmp_path / "alone")
    both = collect(survey, "cluster:2*scripted:uniform?seed=1", tmp_path / "both")
    assert table(both) == table(alone)
    assert both.manifest["engine"] == alone.manifest["engine"]
    assert both.manifest["fingerprint"][""]["replicas"] == "2 processes"
    assert not children()


@pytest.mark.usefixtures("_small")
def test_a_model_on_two_replicas_equals_one_process_to_the_last_byte(checkpoint, tmp_path):
    alone = collect(study(), f"hf:{checkpoint}", tmp_path / "alone")
    both = collect(study(), f"cluster:2*hf:{checkpoint}", tmp_path / "both")
    assert table(both) == table(alone)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_written_replies_of_a_fleet_are_those_of_one_process(checkpoint, tmp_path):
    written = study(4, 3, answer_by="written")
    alone = collect(written, f"hf:{checkpoint}", tmp_path / "alone")
    both = collect(written, f"cluster:2*hf:{checkpoint}", tmp_path / "both")
    assert both.table().equals(alone.table())


def test_a_killed_process_costs_no_answer(tmp_path):
    alone = collect(study(), "scripted:uniform?seed=1", tmp_path / "alone")
    engine = fleet("Slow")
    watch, done = at_half(lambda: kill_one(children()))
    run = collect(study(), engine, tmp_path / "killed", watch=watch)
    engine.close()
    assert done
    assert engine.executor.n_lost == 1
    assert table(run) == table(alone)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_a_killed_replica_costs_no_answer_and_changes_none(checkpoint, tmp_path):
    whole = collect(study(), model(checkpoint), tmp_path / "whole")
    with_kill = model_fleet(checkpoint)
    watch, done = at_half(lambda: kill_one(children()))
    run = collect(study(), with_kill, tmp_path / "killed", watch=watch)
    assert done
    assert with_kill.executor.n_lost == 1
    assert table(run) == table(whole)
    with_kill.close()
    assert not children()


def test_a_run_begun_on_one_process_goes_on_on_a_fleet_and_back(survey, tmp_path):
    whole = collect(survey, "scripted:uniform?seed=1", tmp_path / "whole")
    for address in (
        "cluster:2*scripted:uniform?seed=1",
        "scripted:uniform?seed=1",
        "cluster:1*scripted:uniform?seed=1",
    ):
        run = collect(survey, address, tmp_path / "run", budget=Budget(trials=8))
        assert len(run.responses()) % 8 == 0
    assert table(run) == table(whole)


def test_a_trial_that_ends_its_process_fails_and_all_others_are_answered(tmp_path):
    engine = fleet("Poisonous")
    survey = Survey(instrument=study(4, 6).instrument, subjects=made_up(4), seed=3)
    run = collect(survey, engine, tmp_path)
    engine.close()
    failed = {id: r for id, r in run.responses().items() if r.status == "failed"}
    assert {id.partition("/")[0] for id in failed} == {"s3"}
    assert run.dispositions() == {"valid": 18, "failed": 6}
    assert "3 workers ended while they were at it" in next(iter(failed.values())).error


@pytest.mark.usefixtures("_small")
def test_a_piece_whose_workers_were_killed_by_others_has_the_digits_of_a_piece(checkpoint):
    """Asked trial by trial it would have others."""
    engine, alone = model_fleet(checkpoint, 1, Unlucky(1)), model(checkpoint)
    [piece, *_] = cutting.pieces_of(list(study(2, 6).trials({})))
    [found] = engine.answer_pieces([piece])
    assert engine.executor.n_failed == 1
    assert dict(found) == dict(next(iter(alone.answer_pieces([piece]))))
    engine.close()
    alone.close()


def test_a_request_that_fails_of_itself_does_not_stand_for_one_that_ends_workers():
    """What is in its piece has the digits of a piece all the same."""
    engine, piece = fleet("Sized", 1, Unlucky(1)), list(study(4, 2).trials({}))
    [found] = engine.answer_pieces([piece])
    engine.close()
    assert {trial.place.subject for trial, completion in found if completion.error} == {"s3"}
    assert {completion.took_s for _, completion in found} == {8}


def test_what_an_engine_costs_stands_for_its_replicas():
    assert fleet("Priced").price_of(1000, 1) == fleets.scripted("Priced").price_of(1000, 1) == 10.0
    assert fleet("ScriptedEngine").price_of(1000, 1) is None


def test_ray_that_is_not_installed_is_said_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r"pip install 'proband\[cluster\]'"):
        open_engine("ray:local?engine=scripted:uniform").fingerprint()


def test_an_engine_s_own_defect_ends_the_run_as_it_does_in_one_process(survey, tmp_path):
    engine = fleet("Unable")
    with pytest.raises(RuntimeError, match="a defect of the engine"):
        collect(survey, engine, tmp_path)
    engine.close()


def test_replicas_that_are_not_one_engine_are_refused_and_named(survey, tmp_path):
    engine = fleet("Other")
    with pytest.raises(
        EngineError, match=r"weights is 'of process \d+' at worker \d \(process \d+\), and None at this"
    ):
        collect(survey, engine, tmp_path)
    engine.close()
    assert not Run(tmp_path).responses()


def test_a_replica_that_differs_by_the_memory_it_found_is_refused_with_the_way_out():
    engine = fleet("ScriptedEngine")
    told = Told.of(fleets.scripted("ScriptedEngine"))
    for number, chunk in enumerate(("320", "64")):
        worker = Worker(f"worker {number}", replace(told, fingerprint={"chunk_tokens": chunk}))
        if number:
            with pytest.raises(EngineError, match=r"chunk_tokens is '64' at worker 1, .* say chunk_tokens=N in the"):
                engine._admit(worker, ())
        else:
            engine._admit(worker, ())


class Full(Processes):
    """Has room for so many workers, also when one of them is gone: the next one never answers."""

    class Pending:
        name = "worker that waits for room"

        def cut(self):
            """Nothing is there."""

        def join(self):
            """Nothing is there."""

    def launch(self):
        return super().launch() if self._n < 2 else self.Pending()

    def close(self):
        self.launched[:] = [link for link in self.launched if not isinstance(link, self.Pending)]
        super().close()


def test_nobody_waits_for_a_replica_that_finds_no_room_any_more(survey, tmp_path):
    engine = fleet("ScriptedEngine", executor=Full())
    engine.fingerprint()
    before = children()
    kill_one(before)
    while len(engine.executor.workers) > 1:
        time.sleep(0.01)
    waiting = threading.Thread(target=engine.fingerprint, daemon=True)
    waiting.start()
    waiting.join(20)
    assert not waiting.is_alive()
    assert collect(survey, engine, tmp_path).is_complete
    engine.close()


def test_what_is_answered_is_given_before_the_end_of_all_workers_is_told():
    class Ending(Processes):
        """Ends when everything that is out is answered."""

        def submit(self, task):
            if self._jobs >= 4:
                wait(futures)
                raise EngineError("no worker is left")
            futures.append(super().submit(task))
            return futures[-1]

    futures: list[Future] = []
    engine, found = fleet("ScriptedEngine", 1, Ending()), []
    trials = list(study(8, 1).trials({}))
    pieces = engine.answer_pieces([[trial] for trial in trials])
    with pytest.raises(EngineError, match="no worker is left"):
        found.extend(pair for answered in pieces for pair in answered)
    engine.close()
    assert len(found) == len(futures) >= 4


def test_workers_live_from_one_run_to_the_next(survey, tmp_path):
    engine = fleet("ScriptedEngine")
    collect(survey, engine, tmp_path / "one")
    first = children()
    collect(survey, engine, tmp_path / "two")
    assert children() == first
    engine.close()
    engine.close()


@pytest.mark.parametrize("how", ["wind_down", "stop"])
def test_a_call_that_is_told_to_end_does_and_the_next_one_goes_on(how):
    engine = fleet("Slow")
    trials = list(study(20, 6).trials({}))
    pieces = [trials[k : k + 2] for k in range(0, len(trials), 2)]
    engine.fingerprint()
    threading.Timer(0.2, getattr(engine, how)).start()
    found = [trial.id for answered in engine.answer_pieces(pieces) for trial, _ in answered]
    assert len(found) < len(trials)
    assert len(list(engine.answer(trials[:5]))) == 5
    engine.close()


def test_a_plan_and_a_prompt_need_no_worker(checkpoint):
    engine = f"cluster:2*hf:{checkpoint}"
    for address in (engine, "cluster:2*scripted:uniform"):
        assert plan(study(), address).trials == 72
        assert "Agreeable" in show(study(), address) or show(study(), address)
        check_address(address)
    assert not children()


def test_what_a_replica_says_is_what_the_fleet_says(checkpoint):
    engine, alone = open_engine(f"cluster:2*hf:{checkpoint}"), open_engine(f"hf:{checkpoint}")
    trials = list(study(2, 2).trials({}))
    engine.check(trials)
    assert (engine.address, engine.abilities, engine.answers_by) == (alone.address, alone.abilities, "request")
    assert (engine.lane, engine.chunk, engine.by_piece, engine.overlaps) == (THIS_MACHINE, None, True, True)
    assert {**engine.fingerprint()} == {**alone.fingerprint(), "replicas": "2 processes"}
    assert engine.encoder_fingerprint() == alone.encoder_fingerprint()
    assert engine.render(trials[0]) == alone.render(trials[0])
    assert engine.cost(trials).unique_tokens == alone.cost(trials).unique_tokens
    assert "2 replicas in processes of this machine, 1 thread each" in engine.note
    texts = ["one", "two", "three"]
    np.testing.assert_array_equal(engine.vectors(texts), alone.vectors(texts))
    long = replace(trials[0], request=replace(trials[0].request, messages=(*trials[0].request.messages,) * 40))
    with pytest.raises(EngineError, match="item"):
        engine.check([long])
    engine.close()
    alone.close()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("cluster:2*human:folder", "human:folder cannot be copied, because people answer once"),
        ("cluster:2*replay:runs/one", "cannot be copied, because its answers are there already"),
        ("cluster:2*terminal", "cannot be copied"),
        ("cluster:2*seat", "cannot be copied"),
        ("cluster:2*openai:http://h/v1#m", "a server takes as many calls at once"),
        ("cluster:2*cluster:2*smollm2", "it is several already"),
        ("cluster:two*smollm2", "must read cluster:N"),
        ("cluster:²*smollm2", "must read cluster:N"),
        ("cluster:0*smollm2", "must read cluster:N"),
        ("cluster:2", "must read cluster:N"),
        ("cluster:2*", "must read cluster:N"),
        ("cluster:2*smolm2", "did you mean 'smollm2'"),
        ("cluster:2*smollm2?wrong=1", "smollm2 takes no option 'wrong'"),
        ("cluster:2?wrong=1", "takes no option 'wrong'"),
        ("cluster:2*hf:ORG/NAME+nowhere", "nowhere holds no adapter_config.json"),
        (f"cluster:{cores() + 1}*scripted:uniform", f"on {cores()} cores there is room for {cores()} of them"),
    ],
)
def test_what_cannot_be_a_fleet_is_refused_before_a_worker_is_started(address, message):
    for look in (check_address, open_engine):
        with pytest.raises(EngineError, match=message):
            look(address)


def test_more_replicas_than_memory_holds_are_refused_with_how_many_fit(monkeypatch):
    room = "proband.addresses.cluster"
    monkeypatch.setattr(f"{room}.cores", lambda: 64)
    monkeypatch.setattr("proband.models.local.capacity.free_memory", lambda: 4_000_000_000)
    with pytest.raises(EngineError, match=r"540 MB of weights there is room for 3 of them; write cluster:3\*smollm2"):
        _how_many("8", "smollm2", "cluster:8*smollm2")
    assert _how_many("auto", "smollm2?chunk_tokens=64", "x")[0] == 3
    assert _how_many("auto", "scripted:uniform", "x") == (64, ", as 64 cores allow")
    monkeypatch.setattr("proband.models.local.capacity.free_memory", lambda: 1_000_000_000)
    with pytest.raises(EngineError, match="room for 0 of them; take a smaller model"):
        _how_many("1", "smollm2", "x")


def test_the_address_of_a_fleet_is_that_of_what_it_holds(tmp_path):
    (tmp_path / "people.toml").touch()
    assert held("cluster:2*smollm2+runs/anna?chunk_tokens=64") == "smollm2+runs/anna?chunk_tokens=64"
    assert base_of("cluster:2*smollm2+runs/anna") == "smollm2"
    assert lasting("cluster:2*hf:ORG/M?chunk_tokens=64&dtype=bfloat16") == "hf:ORG/M?dtype=bfloat16"
    assert {"replicas", "device"} <= may_change("cluster:2*smollm2")
    assert not is_person("cluster:2*smollm2")
    beside = address_beside("cluster:2*scripted:planted?file=people.toml", tmp_path)
    assert beside == f"cluster:2*scripted:planted?file={tmp_path}/people.toml"
    assert address_beside("cluster:2*scripted:planted?file=people.toml ", tmp_path) == beside


def test_records_travel_whole():
    trials = list(study(3, 3).trials({}))
    back = unpack_trials(pack_trials(trials))
    assert back == trials
    assert [trial.request.hash for trial in back] == [trial.request.hash for trial in trials]
    completions = [
        Completion(log_probs=(-1.5, -float("inf")), token_counts=(1, 2), prompt_tokens=7),
        Completion(given=(None, "refused")),
        Completion(given=(1, "valid"), probs=(0.5, 0.5), took_s=1.0, by="x"),
        Completion(text="hello", finish="length", attempts=3, is_estimated=True),
        Completion(error="no"),
    ]
    assert unpack_completions(pack_completions(completions)) == completions
    assert unpack_completions(pack_completions(completions))[2].took_s == 1.0


@pytest.mark.slow
def test_ctrl_c_ends_a_run_with_no_process_left_and_the_next_goes_on(tmp_path, checkpoint):
    """In a process group of its own, as a terminal sends it."""
    command = [sys.executable, "-m", fleets.HERE, str(tmp_path / "run"), str(checkpoint)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as driver:  # fmt: skip
        assert driver.stdout.readline() == "ready\n"
        workers = [child.pid for child in psutil.Process(driver.pid).children()]
        assert len(workers) == 2
        while not stored(tmp_path / "run"):
            time.sleep(0.02)
        os.killpg(driver.pid, signal.SIGINT)
        _, said = driver.communicate(timeout=30)
    assert "KeyboardInterrupt" in said
    assert "Traceback" not in said.partition("KeyboardInterrupt")[2]
    wait_until_gone(workers)
    n = stored(tmp_path / "run")
    assert 0 < n < 360
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=True, capture_output=True
    )
    assert stored(tmp_path / "run") == 360


def stored(folder):
    """Answers in a run's journal, looked at from outside."""
    try:
        with sqlite3.connect(f"file:{folder}/journal.sqlite?mode=ro", uri=True) as journal:
            return journal.execute("SELECT count(*) FROM responses").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def wait_until_gone(pids):
    deadline = time.monotonic() + 20
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(psutil.pid_exists, pids))


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_twenty_kills_of_workers_and_driver_lose_nothing_and_double_nothing(checkpoint, tmp_path):
    whole = collect(study(60), model(checkpoint), tmp_path / "whole")
    rng = random.Random(19)
    killed, left = Counter(), set()
    command = [sys.executable, "-m", fleets.HERE, str(tmp_path / "run"), str(checkpoint)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    while not (tmp_path / "run" / "manifest.json").exists():
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as driver:
            assert driver.stdout.readline() == "ready\n"
            while driver.poll() is None and sum(killed.values()) < 20:
                time.sleep(rng.uniform(0.0, 0.25))
                workers = (
                    [child.pid for child in psutil.Process(driver.pid).children()] if driver.poll() is None else []
                )
                left |= set(workers)
                if workers and rng.random() < 0.7:
                    killed["worker"] += 1
                    os.kill(rng.choice(workers), signal.SIGKILL)
                elif driver.poll() is None:
                    killed["driver"] += 1
                    driver.kill()
    assert sum(killed.values()) == 20
    assert min(killed["worker"], killed["driver"]) >= 3
    assert table(Run(tmp_path / "run")) == table(whole)
    wait_until_gone(left)
