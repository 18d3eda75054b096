"""Tokens that a server does not count: the estimate counts toward every cap, and is called one.

Case 9 (microsoft/foundry-local#173, labscommunity/cascadia#55).
"""

import re

import pytest

from proband.cli.talk import tell_tally
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.protocol import estimated
from proband.models.servers.replies import spent_on
from proband.records import Message, Request
from proband.reports import methods
from proband.runs import collect
from proband.runs.progress import Budget, Tally
from tests.cases.replying import QUICK, USED, carried_out, reply, survey
from tests.models.servers.fault_server import Fault, FaultServer

ASKED = Request(messages=(Message("system", "You are Ann." * 10), Message("user", "Why?" * 10)), max_tokens=20)
GUESS = (40, 20)


def spent(usage):
    found = spent_on(ASKED, {"usage": usage})
    return found["prompt_tokens"], found["completion_tokens"], found["is_estimated"]


def test_the_estimate_is_the_plans_own():
    engine = ServerEngine("http://127.0.0.1:9/v1", "m")
    [trial, *_] = survey(1).trials({})
    cost = engine.cost([trial])
    engine.close()
    assert estimated([trial.request]) == (cost.prompt_tokens, cost.completion_tokens)


@pytest.mark.parametrize(
    "usage",
    [
        *(None, {}, [], "50", 7, {"prompt_tokens": None, "completion_tokens": None}),
        *({"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": -5, "completion_tokens": -2}),
        *({"prompt_tokens": "50", "completion_tokens": "2"}, {"prompt_tokens": True, "completion_tokens": True}),
        *({"prompt_tokens": 1e300, "completion_tokens": float("nan")}, {"prompt_tokens": 10**30}, {"total_tokens": 52}),
    ],
    ids=str,
)
def test_what_is_no_count_is_estimated(usage):
    assert spent(usage) == (*GUESS, True)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (USED, (50, 2, False)),
        ({"input_tokens": 50, "output_tokens": 2}, (50, 2, False)),
        ({"prompt_tokens": 50.0, "completion_tokens": 2.0}, (50, 2, False)),
        ({"prompt_tokens": 50, "total_tokens": 52}, (50, 2, False)),
        ({"completion_tokens": 2, "total_tokens": 52}, (50, 2, False)),
        ({"prompt_tokens": 50, "total_tokens": 40}, (50, 20, True)),
        ({"prompt_tokens": 50, "completion_tokens": None}, (50, 20, True)),
        ({"completion_tokens": 2}, (40, 2, True)),
    ],
    ids=str,
)
def test_what_is_counted_counts_and_only_the_rest_is_estimated(usage, expected):
    assert spent(usage) == expected


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0}], ids=str)
@pytest.mark.parametrize("finish", ["stop", "weird"])
def test_a_cap_in_tokens_holds_where_the_server_counts_none(tmp_path, usage, finish):
    cap, study = 3_000, survey(100)
    run, calls = carried_out(
        reply(usage=usage, finish=finish), tmp_path / "run", study=study, budget=Budget(tokens=cap), concurrency=4
    )
    responses = run.responses().values()
    taken = sum(response.prompt_tokens + response.completion_tokens for response in responses)
    assert run.state == "unfinished"
    assert 0.5 * cap < taken <= cap
    assert calls == len(responses) < study.size() / 2
    assert all(response.is_estimated for response in responses)


def test_a_cap_in_dollars_holds_where_the_server_counts_nothing(tmp_path):
    price, cap = (10.0, 10.0), 0.03
    run, _ = carried_out(
        reply(usage=None), tmp_path / "run", study=survey(100), budget=Budget(dollars=cap), price=price
    )
    taken = sum(one.prompt_tokens + one.completion_tokens for one in run.responses().values()) * 1e-5
    assert 0.5 * cap < taken <= cap


@pytest.mark.parametrize("body", [reply(message=None), '{"choices": [', "[]"], ids=str)
def test_replies_that_could_not_be_read_were_made_and_count(tmp_path, body):
    run, calls = carried_out(body, tmp_path / "run", study=survey(2), give_up_after=50)
    assert (run.dispositions(), calls) == ({"failed": 4}, 12)
    [first, *_] = run.responses().values()
    [trial] = [one for one in survey(2).trials({}) if one.id == first.place.id]
    prompt, written = estimated([trial.request])
    assert (first.attempts, first.prompt_tokens, first.completion_tokens) == (3, 3 * prompt, 3 * written)


@pytest.mark.parametrize("fault", [Fault(hangs_up=True), Fault(wait_s=3.0)], ids=["hangs up", "silent"])
def test_a_reply_that_never_came_may_have_been_made_and_counts(fault):
    with FaultServer() as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK | {"timeout_s": 1.5}))
        engine.probe()
        server.faults = [fault]
        [trial, *_] = survey(1).trials({})
        [(_, completion)] = engine.answer([trial])
        engine.close()
    prompt, written = estimated([trial.request])
    assert (completion.attempts, completion.is_estimated) == (2, True)
    assert (completion.prompt_tokens, completion.completion_tokens) == (7 + prompt, 3 + written)


def test_the_record_says_that_it_is_an_estimate_and_resuming_goes_on_from_it(tmp_path):
    study, seen = survey(4), []
    run, _ = carried_out(reply(usage=None), tmp_path / "run", study=study)
    tokens = run.manifest["tokens"]
    assert tokens["estimated"] == 8
    assert tokens["prompt"] == sum(estimated([trial.request])[0] for trial in study.trials({}))
    assert "those of 8 requests are estimates" in methods.facts_of(run)["Tokens"]
    with FaultServer() as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK))
        counted = collect(study, engine, tmp_path / "counted", watch=seen.append)
        engine.close()
    assert counted.manifest["tokens"] == {"prompt": 7 * 8, "completion": 3 * 8, "estimated": 0}
    assert "estimated" not in tell_tally(seen[-1])


def test_progress_calls_an_estimate_one():
    told = tell_tally(Tally(total=9, done=8, tokens=1234, estimated=8))
    assert re.search(r"about 1,234 tokens \(8 answers estimated\)", told)


def test_thoughts_that_only_the_total_counts_are_counted():
    used = {"prompt_tokens": 50, "completion_tokens": 2, "total_tokens": 952}
    counted = spent_on(survey(1).trials({})[0].request, {"usage": used})
    assert counted == {"prompt_tokens": 50, "completion_tokens": 902, "is_estimated": False}
