"""A server whose chat template takes no system turn: the persona heads the first user turn, as with a local model.

Case 11 (EleutherAI/lm-evaluation-harness#2069, EricLBuehler/mistral.rs#506).
"""

import json

import pytest

from proband.errors import EngineError
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.protocol import Dialect
from proband.records import Message, Request
from proband.runs import collect
from tests.cases.replying import QUICK, survey
from tests.models.servers.fault_server import Fault, FaultServer

REFUSED = Fault(400, '{"object": "error", "message": "System role not supported", "code": 400}')
RAISED = Fault(500, '{"error": {"message": "Jinja Exception: System role not supported", "code": 500}}')


def asked(server, folder=None, **how):
    engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK))
    try:
        study = survey(10, **how)
        return (collect(study, engine, folder) if folder else None), study, engine.fingerprint()
    finally:
        engine.close()


@pytest.mark.parametrize("refusal", [REFUSED, RAISED], ids=["400", "500"])
def test_the_persona_goes_to_the_head_of_the_first_user_turn(tmp_path, refusal):
    with FaultServer() as server:
        server.no_system = refusal
        run, study, _ = asked(server, tmp_path / "run")
        posted = [body["messages"] for body in server.chats()][-20:]
    assert "failed" not in run.dispositions()
    expected = []
    for trial in study.trials({}):
        persona, question = trial.request.messages
        expected.append([{"role": "user", "content": f"{persona.text}\n\n{question.text}"}])
    assert sorted(map(str, posted)) == sorted(map(str, expected))
    assert run.manifest["fingerprint"][""]["system_turn"] == "at the head of the first user turn"


def test_a_server_that_takes_one_is_sent_one(tmp_path):
    with FaultServer() as server:
        run, *_ = asked(server, tmp_path / "run")
        assert {turn["role"] for turn in server.chats()[-1]["messages"]} == {"system", "user"}
    assert "system_turn" not in run.manifest["fingerprint"][""]


def test_labels_and_option_texts_are_scored_behind_the_same_turn():
    with FaultServer("vllm") as server:
        server.no_system = REFUSED
        for how in ({"answer_by": "label", "labels": "letters"}, {"answer_by": "option_text"}):
            study = survey(1, **how)
            engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK))
            completions = [completion for _, completion in engine.answer(study.trials({}))]
            shown = engine.render(study.trials({})[0])
            engine.close()
            assert [completion.error for completion in completions] == [None, None]
            assert "system" not in shown
        sent = [body["messages"] for path, body in server.posted if path == "tokenize" and "messages" in body]
    assert [turns for turns in sent if "I am 20 years old." in turns[0]["content"]]


def test_a_server_that_is_only_busy_has_shown_nothing():
    with FaultServer() as server:
        server.no_system = Fault(503, "busy")
        engine = ServerEngine(server.url, "m", settings=ServerSettings(**QUICK))
        with pytest.raises(EngineError, match="busy"):
            engine.probe()
        engine.close()


def test_only_a_leading_system_turn_is_moved_and_the_rest_stays():
    turns = (Message("system", "Ann."), Message("user", "1?"), Message("assistant", "Yes"), Message("user", "2?"))
    bare = Dialect(server="openai", model="m", has_system=False)
    sent = bare.sent(Request(messages=turns, max_tokens=5))
    assert sent.messages == (Message("user", "Ann.\n\n1?"), *turns[2:])
    alone = Request(messages=turns[1:], max_tokens=5)
    assert bare.sent(alone) is alone
    assert json.loads(sent.body)["max_tokens"] == 5
