"""What Proband relies on, at two real servers that hold the embedded model's weights."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from proband.addresses import open_engine
from proband.errors import ContextTooLong
from proband.records import Message, Place, Reply, Request, Trial
from proband.runs import Run, collect
from tests.servers.running import MODEL
from tests.servers.survey_of_ten import survey

pytestmark = pytest.mark.servers

PROGRAM = Path(__file__).with_name("survey_of_ten.py")
FEELINGS = ("Very happy", "Very unhappy", "Very", "Not sure at all", "Fine")
PERSONA = "You are Mary, 61 years old, a retired teacher from Ohio. " + "You like long walks by the lake. " * 8
QUESTIONS = ("How do you feel today?", "How was your week?", "How will tomorrow be?", "How is your neighbour?")
# vLLM holds our own numbers, in float32. llama.cpp rounds activations to 8 bits on their way into 4-bit weights, and by
# another kernel for a long prompt than for the few tokens behind a cached one.
NATS = {"vllm": 1e-3, "llama.cpp": 1.5}


def trial(*messages, item="q", **request):
    options = request.get("continuations", ())
    reply = Reply(
        form="choice" if options else "text",
        method="option_text" if options else "written",
        options=options,
        order=tuple(range(len(options))),
    )
    roles = ("user",) if len(messages) == 1 else ("system", "user")
    said = tuple(Message(role, text) for role, text in zip(roles, messages, strict=True))
    return Trial(place=Place(subject="s", item=item), request=Request(messages=said, **request), reply=reply)


def asked(engine, *trials):
    """Completions in the order of the trials."""
    found = {one.id: completion for one, completion in engine.answer(trials)}
    assert [found[one.id].error for one in trials] == [None] * len(trials)
    return [found[one.id] for one in trials]


def feelings(closes=True):
    return [
        trial(PERSONA, text, item=f"q{k}", continuations=FEELINGS, closes=closes) for k, text in enumerate(QUESTIONS)
    ]


def largest_gap(some, others):
    pairs = zip(some, others, strict=True)
    return max(abs(a - b) for one, other in pairs for a, b in zip(one.log_probs, other.log_probs, strict=True))


def test_detection_finds_what_each_server_does(server, engine):
    name, _ = server
    found = engine.fingerprint()
    assert engine.abilities == {"score", "write"}
    assert (found["server"], found["returned_model"]) == (name, MODEL)
    assert found["text_rule"] == {"vllm": "walk", "llama.cpp": "forced"}[name]
    assert found["label_rule"] == "first token, 20 alternatives, variants summed"
    assert found["context"] == "2048"
    assert len(found["chat_template"]) == 32


@pytest.mark.parametrize("closes", [True, False])
def test_option_texts_get_the_log_probabilities_of_our_own_pass(server, engine, local, closes):
    theirs, ours = asked(engine, *feelings(closes)), asked(local, *feelings(closes))
    assert [one.token_counts for one in theirs] == [one.token_counts for one in ours]
    assert largest_gap(theirs, ours) < NATS[server[0]]


def test_scores_depend_on_what_was_asked_before_by_no_more_than_rounding(server, engine):
    first, again = asked(engine, *feelings()), asked(engine, *reversed(feelings()))
    assert largest_gap(first, again[::-1]) < NATS[server[0]]


def test_a_walk_gets_what_an_echo_gets(vllm_url, local):
    found = {}
    for texts_by, route in (("walk", "walk"), ("echo", "tokens")):
        engine = open_engine(f"openai:{vllm_url}#{MODEL}", texts_by=texts_by)
        assert engine.fingerprint()["text_rule"] == route
        found[texts_by] = asked(engine, *feelings())
        engine.close()
    assert largest_gap(found["walk"], found["echo"]) < 1e-4


def test_labels_get_the_probabilities_of_our_own_pass(server, engine, local):
    text, tolerance = "Is water wet? Answer with A or B only.\nA) Yes\nB) No\nAnswer:", {"vllm": 1e-3}
    [theirs] = asked(engine, trial(text, continuations=("A", "B")))
    [ours] = asked(local, trial(text, continuations=("A", " A", "B", " B")))
    a, space_a, b, space_b = map(math.exp, ours.log_probs)
    expected = (a + space_a, b + space_b)
    found = [math.exp(log_prob) for log_prob in theirs.log_probs]
    assert found == pytest.approx(expected, abs=tolerance.get(server[0], 0.15))


def test_writing_keeps_to_its_limit_and_its_stop(engine):
    cut, stopped = asked(
        engine,
        trial("Count from one to ten.", item="a", max_tokens=5),
        trial("Say: one, two, three.", item="b", max_tokens=40, stop=(",", ".")),
    )
    assert (cut.finish, cut.completion_tokens) == ("length", 5)
    assert stopped.finish == "stop"
    assert "," not in stopped.text
    assert "." not in stopped.text


def test_sampling_follows_the_seed(engine):
    drawn = [
        asked(engine, trial("Tell a story.", max_tokens=12, temperature=1.0, seed=seed))[0].text for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_schema_binds_what_is_written(engine):
    kinds = {
        "type": "object",
        "properties": {"answer": {"enum": ["yes", "no"]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    [completion] = asked(engine, trial("Is water wet?", max_tokens=40, schema=json.dumps(kinds)))
    assert json.loads(completion.text)["answer"] in ("yes", "no")


def test_a_prompt_beyond_the_context_is_refused_before_it_is_sent(engine):
    with pytest.raises(ContextTooLong, match=r"\d+ tokens .* holds 2048"):
        engine.check([trial("word " * 3000, max_tokens=5)])


def test_a_study_that_is_killed_and_resumed_has_every_answer_once(server, engine, tmp_path):
    folder, address = tmp_path / "run", f"openai:{server[1]}#{MODEL}"
    command = [sys.executable, str(PROGRAM), address, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        kept = int(process.stdout.readline())
        process.kill()
    assert 0 < kept < 40
    before = Run(folder).responses()
    run = collect(survey(), engine, folder)
    assert run.is_complete
    assert run.dispositions() == {"valid": 40}
    after = run.responses()
    assert len(before) >= kept
    assert {place: after[place] for place in before} == before
