"""A batch is submitted once, whatever ends the process, and what came back is never lost."""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest

from proband.addresses import open_engine
from proband.designs import Survey
from proband.errors import EngineError
from proband.models.servers import batches
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.records import Message, Place, Reply, Request, Trial
from proband.runs import collect

_spec = importlib.util.spec_from_file_location("batch_server", Path(__file__).with_name("batch_server.py"))
batch_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(batch_server)
BatchServer = batch_server.BatchServer


@pytest.fixture
def server():
    with BatchServer() as running:
        yield running


@pytest.fixture
def ask(server, tmp_path):
    """Opens engines in batch mode and closes them after the test."""
    opened = []

    def open_(**options):
        options = {"mode": "batch", "poll_s": 0.01, "backoff_s": 0.001, "state": str(tmp_path / "b")} | options
        opened.append(ServerEngine(server.url, "m", settings=ServerSettings(**options)))
        return opened[-1]

    yield open_
    for engine in opened:
        engine.close()


def written(n, start=0):
    return [
        Trial(
            place=Place(subject=f"s{k}", item="why"),
            request=Request(messages=(Message("user", f"Why {k}?"),), max_tokens=5),
            reply=Reply(form="text", method="written"),
        )
        for k in range(start, start + n)
    ]


def texts(pairs):
    return {trial.place.subject: completion.text for trial, completion in pairs}


EXPECTED = {f"s{k}": f"said Why {k}?" for k in range(10)}


def test_a_batch_is_uploaded_submitted_waited_for_and_read(ask, server):
    got = list(ask().answer(written(10)))
    assert texts(got) == EXPECTED
    assert server.log == ["upload", "create", "look", "look", "look"]
    assert got[0][1].completion_tokens == 3
    [batch] = server.batches.values()
    assert batch["completion_window"] == "24h"


def test_a_study_runs_by_its_address(server, tmp_path, instrument, people):
    study = Survey(instrument=instrument, subjects=people(20), seed=1, answer_by="written")
    address = f"openai:{server.url}#m?mode=batch&poll_s=0.01&state={tmp_path / 'b'}"
    run = collect(study, address, tmp_path / "run")
    assert run.is_complete
    assert len(server.asked()) == 40


def test_a_line_that_failed_becomes_a_failed_completion(ask, server):
    server.fails = {"Why 3?": 400}
    got = dict(ask().answer(written(10)))
    [failed] = [completion for completion in got.values() if completion.error]
    assert failed.error == "HTTP 400 in a batch: planned fault"
    assert len(got) == 10


def test_what_a_batch_answered_is_never_submitted_again(ask, server):
    for size in (4, 10):
        assert len(list(ask().answer(written(size)))) == size
    assert Counter(server.asked()).most_common(1)[0][1] == 1


def test_what_failed_is_submitted_again_when_it_is_asked_again(ask, server):
    server.fails = {"Why 3?": 500}
    list(ask().answer(written(10)))
    server.fails = {}
    [(_, completion)] = ask().answer(written(1, start=3))
    assert completion.text == "said Why 3?"
    assert Counter(server.asked()) == {f"Why {k}?": 2 if k == 3 else 1 for k in range(10)}


def test_a_batch_of_failures_only_is_replaced_by_the_next_one(ask, server):
    server.fails = {"Why 0?": 500, "Why 1?": 500}
    list(ask().answer(written(2)))
    server.fails = {}
    for _ in range(2):
        assert texts(ask().answer(written(2))) == {"s0": "said Why 0?", "s1": "said Why 1?"}
    assert server.log.count("create") == 2


def test_a_reply_that_was_lost_after_submitting_is_looked_for_and_not_repeated(ask, server):
    server.drops = ["create", "poll"]
    assert texts(ask().answer(written(10))) == EXPECTED
    assert server.log.count("create") == 1


def test_a_state_without_the_batchs_id_finds_it_on_the_servers_list(ask, server, tmp_path):
    list(ask().answer(written(10)))
    for k in range(3):  # newer ones fill the first page
        list(ask().answer(written(1, start=100 + k)))
    memory = batches.Memory(tmp_path / "b")
    [first] = [one for one in memory.known(server.url, "m") if len(one.requests) == 10]
    memory.keep(batches.Submitted(**{**batches.asdict(first), "batch": ""}))
    (tmp_path / "b" / f"{first.digest}.jsonl").unlink()
    assert texts(ask().answer(written(10))) == EXPECTED
    assert server.log.count("create") == 4


def test_a_server_without_a_list_is_not_guessed_about(ask, server, tmp_path):
    list(ask().answer(written(2)))
    memory = batches.Memory(tmp_path / "b")
    [first] = memory.known(server.url, "m")
    memory.keep(batches.Submitted(**{**batches.asdict(first), "batch": ""}))
    (tmp_path / "b" / f"{first.digest}.jsonl").unlink()
    server.lists = False
    with pytest.raises(EngineError, match="cannot be known whether file file-0 was submitted"):
        list(ask().answer(written(2)))


def test_a_batch_that_ran_out_of_time_keeps_its_answers_and_says_why(ask, server):
    server.ends, server.expires_after = "expired", 6
    got = []
    with pytest.raises(EngineError, match=r"batch-0 ran out of its time .* 4 trials count as not asked"):
        got.extend(ask().answer(written(10)))
    # `extend` keeps what came before the error
    assert len(got) == 6
    server.ends = "completed"
    assert texts(ask().answer(written(10))) == EXPECTED
    assert len(server.asked()) == 14


def test_a_batch_that_was_cancelled_is_explained(ask, server):
    server.ends = "cancelled"
    with pytest.raises(EngineError, match="was cancelled at the provider"):
        list(ask().answer(written(3)))


def test_a_batch_that_is_refused_as_a_whole_can_be_submitted_again(ask, server):
    server.ends = "failed"
    with pytest.raises(EngineError, match=r"refused batch batch-0 as a whole \(line 1 is not valid\)"):
        list(ask().answer(written(3)))
    server.ends = "completed"
    assert len(list(ask().answer(written(3)))) == 3


def test_a_design_larger_than_a_batch_is_cut(ask, server, monkeypatch):
    monkeypatch.setattr(batches, "MOST_LINES", 4)
    assert texts(ask().answer(written(10))) == EXPECTED
    assert sorted(len(server.lines_of(batch)) for batch in server.batches.values()) == [2, 4, 4]


def test_waiting_for_a_batch_can_be_stopped_and_taken_up_again(ask, server):
    server.is_stuck = True
    engine = ask()
    batches_done = []

    def stop():
        while server.log.count("look") < 3:
            time.sleep(0.01)
        engine.stop()

    stopper = batch_server.threading.Thread(target=stop)
    stopper.start()
    batches_done.extend(engine.answer(written(10)))
    stopper.join()
    assert batches_done == []
    server.is_stuck = False
    assert texts(ask().answer(written(10))) == EXPECTED
    assert server.log.count("create") == 1


@pytest.mark.slow
def test_a_kill_while_waiting_costs_nothing(server, tmp_path, instrument, people):
    program = textwrap.dedent(
        """
        import importlib.util, sys
        spec = importlib.util.spec_from_file_location("conftest", sys.argv[3])
        house = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(house)
        from proband.designs import Survey
        from proband.instruments import Instrument, Item
        from proband.runs import collect
        item = Item(id="why", text="Why?", form="text")
        study = Survey(
            instrument=Instrument(id="i", title="t", items=(item,)), subjects=house.made_up(30), seed=1,
            answer_by="written",
        )
        print(collect(study, sys.argv[1], sys.argv[2]).is_complete)
        """
    )
    address = f"openai:{server.url}#m?mode=batch&poll_s=0.02&state={tmp_path / 'b'}"
    conftest = Path(__file__).parents[2] / "conftest.py"
    command = [sys.executable, "-c", program, address, str(tmp_path / "run"), str(conftest)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    server.is_stuck = True
    with subprocess.Popen(command, env=environment) as process:
        began = time.monotonic()
        while server.log.count("look") < 3 and time.monotonic() - began < 60:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    server.is_stuck = False
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
    assert server.log.count("create") == 1
    assert len(server.asked()) == 30


def test_option_texts_are_refused_in_a_batch():
    options = ("Agree", "Disagree")
    trial = Trial(
        place=Place(subject="s1", item="vote"),
        request=Request(messages=(Message("user", "Which?"),), continuations=options),
        reply=Reply(form="choice", method="option_text", options=options, order=(0, 1)),
    )
    spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
    fault_server = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fault_server)
    with fault_server.FaultServer("vllm") as server:
        engine = open_engine(f"openai:{server.url}#m?mode=batch")
        with pytest.raises(EngineError, match=r"item 'vote' needs log-probabilities .* which no batch gives"):
            engine.check([trial])
        engine.close()


def test_a_state_that_cannot_be_read_is_not_ignored(ask, server, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.json").write_text("{}")
    with pytest.raises(EngineError, match=r"x.json does not remember a batch .* delete it"):
        list(ask().answer(written(1)))
