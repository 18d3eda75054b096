"""Raw text at servers: sent as it stands, scored by every route that scores texts, and refused where none can."""

import importlib.util
import math
from pathlib import Path

import pytest

from proband.errors import EngineError
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.records import Message, Place, Reply, Request, Trial

_spec = importlib.util.spec_from_file_location("fault_server", Path(__file__).with_name("fault_server.py"))
fault_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fault_server)
FaultServer, log_prob = fault_server.FaultServer, fault_server.log_prob

QUICK = {"attempts": 3, "backoff_s": 0.001, "timeout_s": 5.0}
TEXT = "2 + 2 =\nAnswer:"
LABELS = (" A", " B", " C")


def trial(*options, text=TEXT, is_raw=True, **request):
    asked = Request(messages=(Message("user", text),), continuations=options, is_raw=is_raw, **request)
    method = "option_text" if options else "written"
    form = "choice" if options else "text"
    order = tuple(range(len(options)))
    return Trial(
        place=Place(subject="s", item="q"),
        request=asked,
        reply=Reply(form=form, method=method, options=options, order=order),
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
    return math.fsum(log_prob([*ids, *map(ord, text[:k])], ord(c)) for k, c in enumerate(text))


@pytest.mark.parametrize(
    ("kind", "walks", "route"), [("vllm", "raw", "walk"), ("vllm", "ignored", "tokens"), ("echo", "raw", "transcript")]
)
@pytest.mark.parametrize("has_chat", [True, False])
def test_what_follows_a_raw_text_is_scored_by_every_route(ask, kind, walks, route, has_chat):
    with FaultServer(kind, walks=walks, has_chat=has_chat) as server:
        engine = ask(server)
        engine.check([trial(*LABELS)])
        [(_, completion)] = engine.answer([trial(*LABELS)])
        assert engine.fingerprint()["text_rule"] == route
    assert completion.log_probs == pytest.approx([expected(TEXT, label) for label in LABELS], abs=1e-9)
    assert completion.token_counts == (2, 2, 2)


def test_labels_behind_a_raw_text_are_never_read_from_a_chat(ask):
    with FaultServer("vllm") as server:
        engine = ask(server)
        engine.probe()
        server.posted.clear()
        list(engine.answer([trial("A", "B")]))
        assert not server.chats()


@pytest.mark.parametrize("has_chat", [True, False])
def test_raw_text_is_continued_by_a_completion(ask, has_chat):
    with FaultServer("echo", has_chat=has_chat) as server:
        engine = ask(server)
        server.posted.clear()
        [(_, completion)] = engine.answer([trial(max_tokens=4, temperature=0.5, stop=("\n",), seed=7)])
        path, body = server.posted[-1]
    assert completion.text == "x"
    assert completion.finish == "length"
    assert path == "v1/completions"
    assert body == {
        "model": "m",
        "prompt": TEXT,
        "max_tokens": 4,
        "temperature": 0.5,
        "top_p": 1.0,
        "stop": ["\n"],
        "seed": 7,
    }


def test_a_server_without_completions_fails_the_trial_and_says_so(ask):
    with FaultServer("openai") as server:
        [(_, completion)] = ask(server).answer([trial(max_tokens=4)])
    assert "no such path" in completion.error


@pytest.mark.parametrize(
    ("kind", "one", "words"),
    [
        ("openai", trial(*LABELS), "gives no log-probabilities behind a raw text"),
        ("vllm", trial(" 1", " 10", closes=True), "does not show its end-of-text token"),
        ("echo", trial(" 1", " 10", closes=True), "does not show its end-of-text token"),
        ("echo", trial(max_tokens=4, schema='{"type":"string"}'), "holds no raw text to a schema"),
    ],
)
def test_raw_text_that_cannot_be_asked_is_refused_before_it_is_sent(ask, kind, one, words):
    with FaultServer(kind) as server:
        engine = ask(server)
        engine.probe()
        server.posted.clear()
        with pytest.raises(EngineError, match=f"item 'q': .*{words}"):
            engine.check([one])
        assert not server.posted


def test_a_server_without_a_chat_template_takes_raw_text_only(ask):
    with FaultServer("vllm", has_chat=False) as server:
        engine = ask(server)
        assert engine.abilities == {"embed", "score", "write"}
        with pytest.raises(EngineError, match=r"takes no chat completions .* ask in raw text"):
            engine.check([trial("Yes", "No", is_raw=False)])


def test_no_batch_takes_raw_text(ask, tmp_path):
    with FaultServer("vllm") as server:
        engine = ask(server, mode="batch", state=str(tmp_path))
        with pytest.raises(EngineError, match="ask without mode=batch"):
            engine.check([trial(max_tokens=4)])
