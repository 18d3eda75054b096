"""Errors in a 200, error bodies of every make, pages and halves: what the provider says is shown, and costs a trial.

Case 10 (UKGovernmentBEIS/inspect_ai#1534, langchain-ai/langchainjs#11418).
"""

import json
import time

import pytest

from proband.errors import EngineError
from proband.models.servers.batches import Batches
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.protocol import Dialect
from proband.models.servers.refusals import message_of
from tests.cases.replying import QUICK, carried_out, errors, reply, survey
from tests.models.servers.fault_server import Fault, FaultServer

FLAGGED = {"error": {"message": "This content was flagged by the provider", "code": 403}}
NOT_AGAIN = [
    (FLAGGED, "error, code 403: This content was flagged by the provider"),
    ({"error": "the prompt is not allowed"}, "error: the prompt is not allowed"),
    ({"error": True, "message": "not this one"}, "error: not this one"),
    ({"error": {"message": "bad words", "code": "content_policy"}, "choices": []}, "error: bad words"),
    ({"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}, "error, code 400: too long"),
    ({"detail": "no such prompt"}, "error: no such prompt"),
    ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "error: field required"),
    ({"message": "not today", "request_id": "7"}, "error: not today"),
    ({"error": {"message": "Provider returned error", "metadata": {"raw": "it is rude"}}}, "error: it is rude"),
    (reply(error={"message": "upstream broke", "code": 400}), "error, code 400: upstream broke"),
]


@pytest.mark.parametrize(("body", "said"), NOT_AGAIN, ids=lambda value: str(value)[:40])
def test_a_refusal_in_a_200_fails_its_trial_in_the_providers_words_and_stops_nothing(tmp_path, body, said):
    run, calls = carried_out(body, tmp_path / "run", study=survey(20), give_up_after=4)
    assert (run.dispositions(), run.state, calls) == ({"failed": 40}, "complete", 40)
    [error] = errors(run)
    assert said.partition(": ")[2] in error
    assert said.partition(": ")[0] in error


AGAIN = [
    {"error": {"message": "slow down", "code": 429}},
    {"error": {"message": "slow down", "type": "rate_limit_error"}},
    {"error": {"message": "busy", "code": 503}},
    {"error": {"message": "bad gateway", "code": "502"}},
    {"error": {"message": "Overloaded", "type": "overloaded_error"}},
    {"object": "error", "message": "oh", "code": 500},
    reply(error={"message": "upstream", "code": 502}, finish="error"),
    {"status": "error", "message": "model overloaded"},
    {"code": 50505, "message": "System is busy", "data": None},
    {"id": "x", "choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
    {"error_code": 18, "error_msg": "Open api qps request limit reached"},
    {"Message": "Too many tokens"},
    [{"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED"}}],
    {"status": "error", "message": "model overloaded"},
    {"code": 50505, "message": "System is busy", "data": None},
    {"id": "x", "choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
    {"error_code": 18, "error_msg": "Open api qps request limit reached"},
    {"Message": "Too many tokens"},
    [{"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED"}}],
    {"choices": []},
    {"choices": None},
    {},
    [],
    reply(message=None),
    reply(message={"role": "assistant"}),
    reply({"text": "Agree"}),
    {"choices": [reply()["choices"][0]] * 2},
    "",
    '{"choices": [{"mess',
    "<html><head><title>502</title></head><body>Bad gateway</body></html>",
    'data: {"choices": [{"delta": {"content": "Agree"}}]}\n\n',
    "null",
    "[" * 100_000,
    '{"choices": ' + "9" * 5000 + "}",
]


@pytest.mark.parametrize("body", AGAIN, ids=lambda value: str(value)[:40])
def test_what_may_pass_is_tried_again(body):
    text = body if isinstance(body, str) else json.dumps(body)
    with FaultServer() as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK))
        engine.probe()
        server.faults = [Fault(200, text)]
        [trial, *_] = survey(1).trials({})
        [(_, completion)] = engine.answer([trial])
        engine.close()
    assert completion.text.startswith("said ")
    assert completion.attempts == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "slow down", "code": 429}}, "given up after 3 attempts: .* code 429: slow down"),
        ({"choices": [], "note": "nobody is here"}, "no choices|0 choices .*nobody is here"),
        ("<html><body><h1>Bad gateway</h1></body></html>", "a web page: Bad gateway"),
        ("oops, half a re", "broken JSON: 'oops, half a re'"),
    ],
    ids=str,
)
def test_what_stays_is_said_in_its_own_words(tmp_path, body, said):
    with pytest.raises(EngineError, match=said):
        carried_out(body, tmp_path / "run", study=survey(5), give_up_after=4)


@pytest.mark.parametrize("header", [("Retry-After", "0.3"), ("retry-after-ms", "300")])
@pytest.mark.parametrize("status", [200, 429])
def test_a_wait_that_is_asked_for_is_kept_whatever_the_status(header, status):
    body = '{"error": {"message": "slow down", "code": 429}}'
    with FaultServer() as server:
        settings = ServerSettings(**QUICK | {"longest_wait_s": 5.0})
        engine = ServerEngine(server.url, "m", settings=settings)
        engine.probe()
        server.faults = [Fault(status, body, dict([header]))]
        [trial, *_] = survey(1).trials({})
        began = time.monotonic()
        [(_, completion)] = engine.answer([trial])
        engine.close()
    assert completion.attempts == 2
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("wait", ["nan", "inf", "-5", "soon", "1e400", "Mon, 99 Foo 99999 99:99:99 GMT", ""])
def test_an_odd_wait_is_no_fault(wait):
    with FaultServer() as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK))
        engine.probe()
        server.faults = [Fault(429, "{}", {"Retry-After": wait})]
        [trial, *_] = survey(1).trials({})
        [(_, completion)] = engine.answer([trial])
        engine.close()
    assert completion.attempts == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"error": {"message": "bad key", "code": 401}}),
        (200, {"error": {"message": "bad key", "type": "authentication_error"}}),
        (200, {"error": {"message": "pay", "code": "insufficient_quota"}}),
        (402, {"error": {"message": "Insufficient Balance"}}),
    ],
    ids=str,
)
def test_a_refused_key_and_a_spent_account_stop_the_run_whatever_the_status(tmp_path, status, body):
    with pytest.raises(EngineError, match=r"refuses no key|quota is used up"):
        carried_out(body, tmp_path / "run", status=status)


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_of_a_prompt_stops_nothing_whatever_its_status(tmp_path, status):
    body = {"error": {"message": "Your input was flagged", "metadata": {"reasons": ["violence"]}}}
    run, _ = carried_out(body, tmp_path / "run", study=survey(20), status=status, give_up_after=4)
    assert run.dispositions() == {"failed": 40}
    assert errors(run) == {f"HTTP {status} from chat/completions: Your input was flagged"}


@pytest.mark.parametrize("status", [520, 524, 507])
def test_any_5xx_may_pass(status):
    with FaultServer() as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK))
        engine.probe()
        server.faults = [Fault(status, "error code: 520")]
        [trial, *_] = survey(1).trials({})
        [(_, completion)] = engine.answer([trial])
        engine.close()
    assert completion.text.startswith("said ")


def test_half_a_surrogate_pair_can_be_stored(tmp_path):
    run, _ = carried_out(json.dumps(reply("Agree \ud83d")), tmp_path / "run", study=survey(1))
    assert {response.text for response in run.responses().values()} == {"Agree \ufffd"}
    whole, _ = carried_out(json.dumps(reply("Agree \U0001f600")), tmp_path / "whole", study=survey(1))
    assert {response.text for response in whole.responses().values()} == {"Agree \U0001f600"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"error": null, "message": "late"}', "late"),
        ('{"error": {"type": "odd"}}', '{"type": "odd"}'),
        ("<p>Not <b>here</b></p><script>x()</script>", "Not here"),
        ("", "no message"),
        ('"plain"', "plain"),
        ("[" * 5000, "[" * 300),
    ],
    ids=lambda text: text[:20],
)
def test_any_error_body_has_words(text, said):
    assert message_of(text) == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"response": {"status_code": 200, "body": FLAGGED}}, "in a batch: This content was flagged"),
        ({"response": {"status_code": 200, "body": reply(finish="abort")}}, r"broke the reply off"),
        ({"response": {"status_code": 200, "body": reply(finish=None)}}, "may be unfinished"),
        ({"response": {"status_code": 400, "body": {"detail": "no"}}}, "HTTP 400 in a batch: no"),
        ({"error": "gone"}, "in a batch: gone"),
        ({"error": {"code": "x", "message": "gone"}}, "x in a batch: gone"),
        ({"response": None}, "does not follow the protocol"),
        ({"response": {"status_code": 200, "body": []}}, "does not follow the protocol"),
        ({}, "does not follow the protocol"),
    ],
    ids=str,
)
def test_a_line_of_a_batch_is_read_as_a_reply_is(line, said):
    engine = ServerEngine("http://127.0.0.1:9/v1", "m", settings=ServerSettings(mode="batch"))
    [trial, *_] = survey(1).trials({})
    batches: Batches = engine._batches(Dialect(server="openai", model="m"))
    waiting = {trial.request.hash: [trial]}
    [(_, completion)] = batches._yielded([{"custom_id": trial.request.hash} | line], waiting)
    engine.close()
    assert said in completion.error
