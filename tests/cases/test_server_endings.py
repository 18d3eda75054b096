"""Why a server says that a reply ended: only what is known to end one makes an answer of it.

Cases 8 (vllm-project/vllm#57082) and 24 at servers (EleutherAI/lm-evaluation-harness#2682, vllm-project/vllm#14201).
"""

import json

import pytest

from proband.errors import EngineError
from proband.instruments.reading import read
from proband.models.servers.engine import ServerEngine, ServerSettings
from tests.cases.replying import QUICK, carried_out, errors, reply, survey
from tests.models.servers.fault_server import Fault, FaultServer

ENDED = (
    "stop",
    "eos",
    "eos_token",
    "end_turn",
    "stop_sequence",
    "STOP",
    "COMPLETE",
    "FINISH_REASON_STOP",
    "eosFound",
    "done",
)
FULL = ("length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens", "model_context_window_exceeded")
WITHHELD = ("content_filter", "SAFETY", "RECITATION", "guardrail_intervened", "ERROR_TOXIC", "sensitive")
BROKEN = ("abort", "cancelled", "error", "timeout", "insufficient_system_resource")
UNKNOWN = (None, "", "tool_calls", "weird", 7, True, ["stop"], {}, {"type": "abortion"})


@pytest.mark.parametrize("finish", [*ENDED, {"type": "stop", "matched": 2}], ids=str)
def test_a_reply_that_ended_is_an_answer(tmp_path, finish):
    run, _ = carried_out(reply(finish=finish), tmp_path / "run", study=survey(1))
    assert run.dispositions() == {"valid": 2}


@pytest.mark.parametrize("finish", FULL)
def test_a_reply_at_the_limit_is_read_as_one(tmp_path, finish):
    run, _ = carried_out(reply("I would say that", finish=finish), tmp_path / "run", study=survey(1))
    assert run.dispositions() == {"truncated": 2}


@pytest.mark.parametrize("finish", WITHHELD)
def test_a_reply_that_a_filter_held_back_fails_and_is_not_asked_again(tmp_path, finish):
    run, calls = carried_out(reply(finish=finish), tmp_path / "run", study=survey(1))
    assert (run.dispositions(), calls) == ({"failed": 2}, 2)
    assert errors(run) == {f"the provider's filter withheld the reply (finish_reason {finish})"}


@pytest.mark.parametrize("finish", BROKEN)
def test_a_reply_that_the_server_broke_off_is_asked_again_and_no_answer(tmp_path, finish):
    run, calls = carried_out(reply(finish=finish), tmp_path / "run", study=survey(10))
    assert (run.dispositions(), calls) == ({"failed": 20}, 20 * QUICK["attempts"])
    assert errors(run) == {f"given up after 3 attempts: the server broke the reply off (finish_reason '{finish}')"}


@pytest.mark.parametrize("finish", UNKNOWN, ids=str)
def test_what_is_not_known_to_end_a_reply_ends_none(tmp_path, finish):
    run, calls = carried_out(reply(finish=finish), tmp_path / "run", study=survey(10))
    assert (run.dispositions(), calls) == ({"failed": 20}, 20)
    [error] = errors(run)
    assert "may be unfinished: its finish_reason is" in error


def test_a_reply_without_a_finish_reason_is_no_answer(tmp_path):
    body = reply()
    del body["choices"][0]["finish_reason"]
    run, _ = carried_out(body, tmp_path / "run", study=survey(1))
    assert run.dispositions() == {"failed": 2}
    assert "finish_reason is null" in errors(run).pop()


PARTS = [{"type": "thinking", "thinking": "Disagree?"}, {"type": "text", "text": "Agree"}]


@pytest.mark.parametrize(
    ("content", "more", "status"),
    [
        ("Agree", {"reasoning_content": "Disagree, or rather not."}, "valid"),
        ("Agree", {"reasoning": "Disagree, or rather not."}, "valid"),
        ("<think>Disagree?</think>Agree", {}, "valid"),
        (PARTS, {}, "valid"),
        (None, {"reasoning_content": "Agree"}, "unparsed"),
        ("", {"thinking": "Agree"}, "unparsed"),
        (None, {"refusal": "I'm sorry, but I cannot answer that."}, "refused"),
    ],
    ids=str,
)
def test_what_a_server_splits_off_as_reasoning_is_no_answer(tmp_path, content, more, status):
    body = reply(message={"role": "assistant", "content": content, **more})
    run, _ = carried_out(body, tmp_path / "run", study=survey(1))
    assert run.dispositions() == {status: 2}
    if status == "valid":
        assert {response.answer for response in run.responses().values()} == {2}


@pytest.fixture
def thinking():
    """A vLLM whose template leaves thoughts open."""
    with FaultServer("vllm") as server:
        server.opens = "<think>\n"
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK))
        yield server, engine
        engine.close()


@pytest.mark.parametrize("how", [{"answer_by": "option_text"}, {"answer_by": "label", "labels": "letters"}])
def test_options_are_not_scored_inside_thoughts_that_a_template_opens(thinking, how):
    _, engine = thinking
    with pytest.raises(EngineError, match=r"item 'taxes'.* ends inside <think>.* answer_by = 'written'"):
        engine.check(survey(1, **how).trials({}))
    assert engine.fingerprint()["reasoning"] == "opened by the template: <think>"


@pytest.mark.parametrize(
    ("said", "finish", "more", "status"),
    [
        ("Disagree comes to mind.</think>Agree", "stop", {}, "valid"),
        ("I would say: Agree", "length", {}, "truncated"),
        ("I would say: Agree", "stop", {}, "unparsed"),
        ("Agree", "stop", {"reasoning_content": "Disagree comes to mind."}, "valid"),
    ],
)
def test_a_reply_that_begins_inside_thoughts_is_read_from_where_they_end(thinking, said, finish, more, status):
    server, engine = thinking
    trials = survey(1).trials({})
    engine.check(trials)
    body = reply(finish=finish, message={"content": said, **more})
    server.storm = lambda: Fault(200, json.dumps(body))
    read_as = [read(completion, trial, "m") for trial, completion in engine.answer(trials)]
    assert {response.status for response in read_as} == {status}
    assert {response.answer for response in read_as} == {2 if status == "valid" else None}


def test_a_template_that_closes_its_thoughts_is_no_hindrance():
    with FaultServer("vllm") as server:
        server.opens = "<think>\n\n</think>\n\n"
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK))
        engine.check(survey(1, answer_by="label", labels="letters").trials({}))
        assert "reasoning" not in engine.fingerprint()
        engine.close()


@pytest.mark.parametrize(("native", "status"), [("MAX_TOKENS", "truncated"), ("SAFETY", "failed"), ("STOP", "valid")])
def test_where_a_broker_and_a_provider_differ_the_provider_says_how_it_ended(tmp_path, native, status):
    body = reply("I would say that" if status == "truncated" else "Agree", native_finish_reason=native)
    run, _ = carried_out(body, tmp_path / "run", study=survey(1))
    assert run.dispositions() == {status: 2}
