"""Option texts are scored alike by every route, and each route keeps to what the server does."""

import importlib.util
import json
import math
from pathlib import Path

import pytest

from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.texts import MOST_IDS
from proband.records import Message, Place, Reply, Request, Trial

_spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
fault_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fault_server)
Fault, FaultServer, log_prob = fault_server.Fault, fault_server.FaultServer, fault_server.log_prob

QUICK = {"attempts": 3, "backoff_s": 0.001, "timeout_s": 5.0}
OPTIONS = ("Agree", "Agree strongly", "No", "Disagree")


def scored(*options, closes=True, subject="s1"):
    return Trial(
        place=Place(subject=subject, item="vote"),
        request=Request(messages=(Message("user", "Which?"),), continuations=options, closes=closes),
        reply=Reply(form="choice", method="option_text", options=options, order=tuple(range(len(options)))),
    )


@pytest.fixture
def ask():
    """Opens engines and closes them after the test."""
    opened = []

    def open_(server, **options):
        opened.append(ServerEngine(server.url, "m", settings=ServerSettings(**QUICK | options)))
        return opened[-1]

    yield open_
    for engine in opened:
        engine.close()


def expected(before, text):
    ids = [ord(c) for c in before]
    total = 0.0
    for c in text:
        total += log_prob(ids, ord(c))
        ids.append(ord(c))
    return total


@pytest.mark.parametrize(
    ("kind", "walks", "route", "before", "lead", "end"),
    [
        ("vllm", "raw", "walk", "u:Which?|a:", "", "|"),
        ("vllm", "ignored", "tokens", "u:Which?|a:", "", "|"),
        ("vllm", "masked", "tokens", "u:Which?|a:", "", "|"),
        ("echo", "raw", "transcript", "Which?\nAnswer:", " ", "\n"),
    ],
)
def test_option_texts_are_summed_over_their_own_tokens(ask, kind, walks, route, before, lead, end):
    with FaultServer(kind, walks=walks) as server:
        engine = ask(server)
        [(_, completion)] = engine.answer([scored(*OPTIONS)])
        assert engine.fingerprint()["text_rule"] == route
    for text, got, count in zip(OPTIONS, completion.log_probs, completion.token_counts, strict=True):
        assert math.isclose(got, expected(before, lead + text + end), abs_tol=1e-9)
        assert count == len(lead + text + end)


def test_a_walk_and_an_echo_agree(ask):
    with FaultServer("vllm") as server:
        by = {}
        for texts_by, route in (("walk", "walk"), ("echo", "tokens")):
            engine = ask(server, texts_by=texts_by)
            assert engine.fingerprint()["text_rule"] == route
            [(_, by[texts_by])] = engine.answer([scored(*OPTIONS)])
    assert by["walk"].log_probs == pytest.approx(by["echo"].log_probs, abs=1e-3)


def test_a_walk_asks_every_beginning_of_an_option_once(ask):
    with FaultServer("vllm") as server:
        engine = ask(server)
        engine.probe()
        server.posted.clear()
        list(engine.answer([scored("Agree", "Agree a lot")]))
        [body] = [body for path, body in server.posted if path == "v1/completions"]
    head = [ord(c) for c in "u:Which?|a:"]
    assert all(prompt[: len(head)] == head for prompt in body["prompt"])
    tails = ["".join(map(chr, prompt[len(head) :])) for prompt in body["prompt"]]
    assert sorted(tails) == ["Agree a lot"[:k] for k in range(12)]
    assert body["logprob_token_ids"] == sorted({ord(c) for c in "Agree a lot|"})


def test_a_walk_with_more_tokens_than_a_call_takes_is_cut_into_calls(ask):
    options = [chr(0x4E00 + k) * 2 + "x" for k in range(MOST_IDS + 30)]
    with FaultServer("vllm") as server:
        engine = ask(server)
        engine.probe()
        server.posted.clear()
        [(_, completion)] = engine.answer([scored(*options)])
        bodies = [body for path, body in server.posted if path == "v1/completions"]
    assert len(bodies) > 1
    assert all(len(body["logprob_token_ids"]) <= MOST_IDS for body in bodies)
    for text, got in zip(options, completion.log_probs, strict=True):
        assert math.isclose(got, expected("u:Which?|a:", text + "|"), abs_tol=1e-9)


def test_options_are_tokenized_once_in_a_run(ask):
    with FaultServer("vllm") as server:
        engine = ask(server, concurrency=1)
        list(engine.answer([scored(*OPTIONS, subject=f"s{k}") for k in range(5)]))
        asked = [body["prompt"] for path, body in server.posted if path == "tokenize" and "prompt" in body]
    assert len(asked) == len(set(asked))


def test_what_is_rendered_is_what_a_walk_posts(ask):
    with FaultServer("vllm") as server:
        engine = ask(server)
        shown = json.loads(engine.render(scored("Yes", "No")))
        server.posted.clear()
        list(engine.answer([scored("Yes", "No")]))
        assert shown == [body for path, body in server.posted if path == "v1/completions"]


def test_labels_with_fewer_alternatives_than_the_server_lists_are_asked_again(ask):
    short = [{"token": "A", "logprob": -0.1}]
    choice = {"message": {"content": "A"}, "logprobs": {"content": [{"token": "A", "top_logprobs": short}]}}
    with FaultServer() as server:
        engine = ask(server)
        engine.probe()
        server.faults = [Fault(200, json.dumps({"choices": [choice]}))]
        [(_, completion)] = engine.answer([scored("A", "B", closes=False)])
    assert completion.attempts == 2
    assert math.isclose(completion.log_probs[1], -1.5)


def test_minus_infinity_as_vllm_writes_it_stays_minus_infinity(ask, monkeypatch):
    monkeypatch.setattr(fault_server, "log_prob", lambda before, id_: -9999.0 if id_ == ord("N") else -0.5)
    with FaultServer("vllm") as server:
        engine = ask(server)
        [(_, completion)] = engine.answer([scored("Yes", "No")])
    assert completion.log_probs == (-2.0, -math.inf)
