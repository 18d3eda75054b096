"""Every way a server can fail ends in the right error, with bounded attempts, nothing lost or asked twice."""

import importlib.util
import json
import math
import random
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from proband.designs import Survey
from proband.errors import EngineError
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.records import Message, Place, Reply, Request, Trial
from proband.runs import collect

_spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
fault_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fault_server)
Fault, FaultServer = fault_server.Fault, fault_server.FaultServer

QUICK = ServerSettings(attempts=3, backoff_s=0.001, timeout_s=5.0, concurrency=4)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in ("OPENAI_API_KEY", "PROBAND_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


@pytest.fixture
def ask():
    """Opens engines and closes them after the test."""
    opened = []

    def open_(server, settings=QUICK, model="m"):
        opened.append(ServerEngine(server.url, model, settings=settings))
        return opened[-1]

    yield open_
    for engine in opened:
        engine.close()


def written(n=1):
    reply = Reply(form="text", method="written")
    return [
        Trial(
            place=Place(subject=f"s{k}", item="why"),
            request=Request(messages=(Message("user", f"Why {k}?"),), max_tokens=5),
            reply=reply,
        )
        for k in range(n)
    ]


def scored(*options, method="option_text", closes=False):
    order = tuple(range(len(options)))
    return Trial(
        place=Place(subject="s1", item="vote"),
        request=Request(messages=(Message("user", "Which?"),), continuations=options, closes=closes),
        reply=Reply(form="choice", method=method, options=options, order=order),
    )


def after_probe(ask, server, *faults, settings=QUICK):
    engine = ask(server, settings)
    engine.probe()
    server.posted.clear()
    server.faults = list(faults)
    return engine


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429),
        Fault(500),
        Fault(503),
        Fault(200, '{"choices": [{"mess'),
        Fault(200, '{"choices": []}'),
        Fault(200, ""),
        Fault(hangs_up=True),
    ],
    ids=lambda f: f"{f.status}-{f.body[:12]}-{f.hangs_up}",
)
def test_a_passing_fault_is_tried_again_and_the_answer_kept(ask, server, fault):
    engine = after_probe(ask, server, fault)
    [(_, completion)] = engine.answer(written())
    assert completion.text == "said Why 0?"
    assert completion.attempts == 2
    assert len(server.chats()) == 2


def test_a_fault_that_stays_becomes_an_error_after_the_attempts_allowed(ask, server):
    engine = after_probe(ask, server, *[Fault(500)] * 3)
    [(_, completion)] = engine.answer(written())
    assert completion.error == ("given up after 3 attempts: HTTP 500 from chat/completions: planned fault")
    assert completion.attempts == len(server.chats()) == 3


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_rejected_request_is_not_tried_again(ask, server, status):
    engine = after_probe(ask, server, Fault(status))
    [(_, completion)] = engine.answer(written())
    assert f"HTTP {status}" in completion.error
    assert completion.attempts == len(server.chats()) == 1


def test_a_choice_without_a_message_fails_and_is_no_empty_answer(ask, server):
    engine = after_probe(ask, server, *[Fault(200, '{"choices": [{}]}')] * 3)
    [(_, completion)] = engine.answer(written())
    assert "does not follow the protocol" in completion.error
    assert completion.attempts == 3


def test_a_withheld_reply_fails(ask, server):
    choice = {"finish_reason": "content_filter", "message": {"content": ""}}
    engine = after_probe(ask, server, Fault(200, json.dumps({"choices": [choice]})))
    [(_, completion)] = engine.answer(written())
    assert "filter" in completion.error


def test_a_slow_reply_is_given_up_and_tried_again(ask, server):
    engine = after_probe(
        ask, server, Fault(wait_s=2.0), settings=ServerSettings(attempts=2, backoff_s=0, timeout_s=0.3)
    )
    [(_, completion)] = engine.answer(written())
    assert completion.text == "said Why 0?"
    assert completion.attempts == 2


def test_retry_after_is_waited_for_in_seconds_and_as_a_date_up_to_the_limit(ask, server):
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    faults = [Fault(429, headers={"Retry-After": value}) for value in ("0.1", date)]
    settings = ServerSettings(attempts=3, backoff_s=100.0, longest_wait_s=0.2)
    engine = after_probe(ask, server, *faults, settings=settings)
    began = datetime.now(UTC)
    [(_, completion)] = engine.answer(written())
    assert completion.attempts == 3
    assert 0.3 <= (datetime.now(UTC) - began).total_seconds() < 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_run_and_names_the_variable(ask, server, status):
    engine = after_probe(ask, server, *[Fault(status)] * 50)
    with pytest.raises(EngineError, match="no key; set PROBAND_API_KEY or OPENAI_API_KEY"):
        list(engine.answer(written(50)))
    assert len(server.chats()) < 50


def test_a_spent_account_stops_the_run(ask, server):
    body = '{"error": {"code": "insufficient_quota", "message": "pay"}}'
    engine = after_probe(ask, server, *[Fault(429, body)] * 4)
    with pytest.raises(EngineError, match="quota is used up"):
        list(engine.answer(written(4)))


def test_many_trials_under_mixed_faults_are_each_answered_once(ask, server):
    faults = [Fault(500), Fault(429), Fault(200, "{"), Fault(400), Fault(hangs_up=True)] * 4
    engine = after_probe(ask, server, *faults, settings=ServerSettings(attempts=10, backoff_s=0.001))
    trials = written(60)
    got = list(engine.answer(trials))
    assert Counter(trial.id for trial, _ in got) == Counter(trial.id for trial in trials)
    assert sum(completion.error is not None for _, completion in got) == 4
    for trial, completion in got:
        if completion.error is None:
            assert completion.text == "said " + trial.request.messages[-1].text
    asked = Counter(body["messages"][-1]["content"] for body in server.chats())
    assert sum(asked.values()) == 60 + 16


HALF = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}}]})
STORM = (
    Fault(429),
    Fault(429, headers={"Retry-After": "0.005"}),
    Fault(500),
    Fault(503),
    Fault(wait_s=0.12),
    Fault(hangs_up=True),
    Fault(200, HALF[: len(HALF) // 2]),
    Fault(200, json.dumps({"choices": json.loads(HALF)["choices"] * 2})),
    Fault(200, HALF),  # without log-probabilities
)


@pytest.mark.parametrize("n_subjects", [150, pytest.param(2500, marks=pytest.mark.slow)])
def test_a_storm_of_faults_loses_no_trial_and_asks_none_for_ever(server, ask, instrument, people, tmp_path, n_subjects):
    settings = ServerSettings(attempts=5, backoff_s=0.002, timeout_s=0.08)
    engine = after_probe(ask, server, settings=settings)
    before = engine.n_calls
    rng = random.Random(1)
    server.storm = lambda: rng.choice(STORM) if rng.random() < 0.3 else None
    study = Survey(instrument=instrument, subjects=people(n_subjects), seed=1, answer_by="label")
    run = collect(study, engine, tmp_path / "run")
    responses = list(run.responses().values())
    dispositions = Counter(response.status for response in responses)
    assert run.is_complete
    assert len(responses) == 2 * n_subjects == sum(dispositions.values())
    assert set(dispositions) <= {"valid", "failed"}
    assert dispositions["failed"] < 0.02 * len(responses)
    assert all(1 <= response.attempts <= 5 for response in responses)
    calls = engine.n_calls - before
    assert len(server.chats()) <= calls  # a reset may come before the server has read the call
    assert 1.2 * len(server.chats()) / 1.3 <= calls <= 5 * len(responses)
    print(f"{len(responses)} trials, {calls} calls, {dict(dispositions)}")


def test_a_consumer_that_stops_early_leaves_nothing_running(ask, server):
    engine = after_probe(ask, server)
    answers = engine.answer(written(500))
    next(answers)
    answers.close()
    assert len(list(engine.answer(written(3)))) == 3
    assert len(server.chats()) <= 4 * QUICK.concurrency + QUICK.give_up_after + 3


def test_closing_twice_is_safe_ends_the_thread_and_later_calls_say_so(ask, server):
    engine = after_probe(ask, server)
    engine.close()
    engine.close()
    assert "proband-server" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(EngineError, match="is closed"):
        list(engine.answer(written()))


def test_a_server_that_is_down_is_said_before_the_first_call(ask, server):
    server.stop()
    with pytest.raises(EngineError, match=r"no server at http://127.0.0.1:\d+/v1"):
        ask(server).check(written())


def test_a_server_that_goes_down_in_the_middle_fails_the_trials_and_loses_none(ask, server):
    engine = after_probe(ask, server)
    server.stop()
    got = list(engine.answer(written(5)))
    assert [completion.attempts for _, completion in got] == [3] * 5
    assert all("given up after 3 attempts" in completion.error for _, completion in got)


def test_a_server_that_stays_down_stops_the_run_and_counts_nothing_as_failed(ask, server):
    engine = after_probe(ask, server, settings=replace(QUICK, give_up_after=8))
    assert len(list(engine.answer(written(20)))) == 20
    server.stop()
    got = []
    with pytest.raises(EngineError, match=r"8 trials failed one after another.*run the same again"):
        got.extend(engine.answer(written(100)))
    assert got == []


def both_at_once(engine, trials):
    """Two pieces of trials, asked together from two threads: what came back, and what was raised."""
    got, errors = [], []

    def ask_for(piece):
        try:
            got.extend(engine.answer(piece))
        except EngineError as error:
            errors.append(error)

    half = len(trials) // 2
    threads = [threading.Thread(target=ask_for, args=(piece,)) for piece in (trials[:half], trials[half:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got, errors


def test_two_pieces_may_be_out_together_and_every_trial_comes_back_once(ask, server):
    trials = written(60)
    got, errors = both_at_once(after_probe(ask, server), trials)
    assert not errors
    assert sorted(trial.id for trial, _ in got) == sorted(trial.id for trial in trials)
    assert all(completion.error is None for _, completion in got)


def test_a_server_that_goes_down_under_two_pieces_leaves_their_trials_unanswered(ask, server):
    engine = after_probe(ask, server, settings=replace(QUICK, give_up_after=8))
    server.every = Fault(503)
    got, errors = both_at_once(engine, written(60))
    assert errors
    assert not got


@pytest.mark.parametrize(("status", "is_stopped"), [(500, True), (404, True), (400, False)])
def test_after_an_answer_only_what_the_server_is_to_blame_for_stops_the_run(ask, server, status, is_stopped):
    engine = after_probe(ask, server, settings=replace(QUICK, give_up_after=5))
    list(engine.answer(written(3)))
    server.faults = [Fault(status)] * 1000
    if is_stopped:
        with pytest.raises(EngineError, match=f"5 trials failed .* HTTP {status}"):
            list(engine.answer(written(60)))
    else:
        assert all(completion.error for _, completion in engine.answer(written(60)))


def test_a_server_that_refuses_everything_alike_is_not_asked_everything(ask, server):
    engine = after_probe(ask, server, *[Fault(400)] * 1000, settings=replace(QUICK, give_up_after=5))
    with pytest.raises(EngineError, match="5 trials failed one after another"):
        list(engine.answer(written(500)))
    assert len(server.chats()) < 20


def test_it_is_said_early_that_nothing_succeeds(ask, server, caplog):
    engine = after_probe(ask, server, *[Fault(500)] * 12, settings=replace(QUICK, give_up_after=6, attempts=9))
    assert all(completion.error is None for _, completion in engine.answer(written(3)))
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        f"{server.url}: the last 6 calls failed: HTTP 500 from chat/completions: planned fault; trying on"
    ]


def test_winding_down_answers_what_is_in_flight_and_asks_nothing_else(ask, server):
    engine = after_probe(ask, server)
    server.wait_s = 0.2
    threading.Timer(0.1, engine.wind_down).start()
    got = list(engine.answer(written(500)))
    assert len(got) == len(server.chats()) == QUICK.concurrency
    assert all(completion.error is None for _, completion in got)


def test_answering_can_be_stopped_from_another_thread(ask, server):
    engine = after_probe(ask, server)
    server.wait_s = 300.0
    threading.Timer(0.2, engine.stop).start()
    began = time.monotonic()
    assert list(engine.answer(written(10))) == []
    assert time.monotonic() - began < 60


def test_an_unknown_model_is_refused_with_what_there_is():
    with FaultServer(models=("llama-3", "qwen")) as server:
        engine = ServerEngine(server.url, "lama-3", settings=QUICK)
        with pytest.raises(EngineError, match=r"did you mean 'llama-3'\? it lists llama-3, qwen"):
            engine.check(written())
        engine.close()


def test_a_server_without_a_list_of_models_is_taken_at_its_word():
    with FaultServer(models=None) as server:
        engine = ServerEngine(server.url, "m", settings=QUICK)
        engine.check(written())
        assert engine.fingerprint()["returned_model"] == "m-2026"
        engine.close()


def test_the_only_model_need_not_be_named(ask, server):
    engine = ask(server, model="")
    assert json.loads(engine.render(written()[0]))["model"] == "m"


def test_labels_add_up_variants_and_missing_ones_get_the_most_they_can_have(ask, server):
    engine = ask(server)
    [(_, completion)] = engine.answer([scored("A", "B", "C", method="label")])
    a, b, c = completion.log_probs
    listed = [math.exp(x) for x in (-1.0, -2.0, -1.5, -3.0)]
    assert math.isclose(math.exp(a), listed[0] + listed[1])
    assert math.isclose(b, -1.5)
    assert math.isclose(math.exp(c), min(listed[3], 1 - sum(listed)))


def test_labels_that_cover_too_little_are_refused(ask, server):
    engine = ask(server)
    [(_, completion)] = engine.answer([scored("C", "B", method="label")])
    assert "C are not among the 4 most probable tokens" in completion.error
    assert "answer_by = 'written'" in completion.error


def test_an_item_that_needs_log_probabilities_is_refused_where_there_are_none():
    with FaultServer(top=False) as server:
        engine = ServerEngine(server.url, "m", settings=QUICK)
        assert engine.abilities == {"embed", "write"}
        for trial in (scored("A", "B", method="label"), scored("Agree", "Disagree")):
            with pytest.raises(EngineError, match=r"item 'vote' needs log-prob.* gives none.*'written'"):
                engine.check([trial])
        engine.close()


def test_option_texts_are_refused_where_only_the_next_token_is_known(ask, server):
    engine = ask(server)
    engine.check([scored("A", "B", method="label"), *written()])
    for trial in (scored("Agree", "Disagree"), scored("1", "10"), scored("A", "B", closes=True)):
        with pytest.raises(EngineError, match="gives only 20 alternatives of the next token"):
            engine.check([trial])


def test_samplers_are_switched_off_where_the_server_is_known():
    with FaultServer("vllm") as server:
        engine = ServerEngine(server.url, "m", settings=QUICK)
        body = json.loads(engine.render(written()[0]))
        engine.close()
    assert (body["top_k"], body["min_p"], body["repetition_penalty"]) == (-1, 0.0, 1.0)


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://h/v1", "http://", "http://h:99999/v1", "http://h/v1/chat/completions"]
)
def test_a_bad_url_is_refused_with_the_right_form(url):
    with pytest.raises(EngineError, match="openai:http://HOST:PORT/v1#MODEL"):
        ServerEngine(url, "m")


def test_a_url_with_a_password_is_refused_without_repeating_it():
    with pytest.raises(EngineError, match="put the key in PROBAND_API_KEY") as refused:
        ServerEngine("https://me:sk-secret@host/v1", "m")
    assert "sk-secret" not in str(refused.value)


def test_cost_is_an_estimate_and_counts_equal_requests_once():
    settings = ServerSettings(price=(2.0, 8.0))
    engine = ServerEngine("http://127.0.0.1:9/v1", "m", settings=settings)
    cost = engine.cost(written(1) * 1000)
    engine.close()
    assert (cost.prompt_tokens, cost.completion_tokens, cost.is_exact) == (1, 5, False)
    assert math.isclose(cost.price, (1 * 2.0 + 5 * 8.0) / 1e6)
