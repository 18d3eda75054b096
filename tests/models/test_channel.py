"""One text under several premises is scored as it is behind each of them alone, by every engine that scores."""

import importlib.util
import json
import math
from pathlib import Path

import pytest
import torch

from proband.errors import ContextTooLong, DesignError
from proband.models.local.engine import LocalEngine
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.records import Message, Place, Reply, Request, Trial
from tests.models.local.small_models import save_checkpoint

_spec = importlib.util.spec_from_file_location("faults", Path(__file__).parent / "servers" / "fault_server.py")
_faults = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_faults)
PREMISES = ("Write about trade.", "Write about law and order.", "Write about the weather, at length.")
TEXTS = ("Taxes are too high.", "More police on our streets", "7", "It rained; it rained again.")


def weighed(text, premises=PREMISES, system="You write.", item="topic"):
    messages = (Message("system", system),) if system else ()
    return Trial(
        place=Place(subject=text, item=item),
        request=Request(messages=messages, premises=premises, continuations=(text,)),
        reply=Reply(form="choice", method="channel", options=premises, order=tuple(range(len(premises)))),
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    torch.set_num_threads(1)
    return LocalEngine(save_checkpoint(tmp_path_factory.mktemp("llama")), address="tiny")


@pytest.mark.parametrize("system", ["You write.", ""])
def test_a_local_model_scores_a_text_as_behind_each_premise_alone(engine, system):
    trials = [weighed(text, system=system) for text in TEXTS]
    answered = dict(engine.answer(trials))
    for trial in trials:
        alone = []
        for single in trial.request.alone:
            plain = Trial(place=trial.place, request=single, reply=Reply(form="text", method="written"))
            [(_, completion)] = engine.answer([plain])
            alone += completion.log_probs
        assert answered[trial].log_probs == pytest.approx(alone, abs=1e-4)
        assert len(set(answered[trial].token_counts)) == 1


def test_what_it_costs_counts_every_premise_and_shares_them_over_texts(engine):
    one, all_ = engine.cost([weighed(TEXTS[0])]), engine.cost([weighed(text) for text in TEXTS])
    assert one.prompt_tokens == sum(engine.template.encode(weighed(TEXTS[0]).request).starts)
    assert all_.prompt_tokens == len(TEXTS) * one.prompt_tokens
    assert all_.unique_tokens < one.unique_tokens * len(TEXTS)


def test_every_prompt_is_shown(engine):
    shown = engine.render(weighed("Taxes"))
    assert all(premise in shown for premise in PREMISES)
    assert shown.count("You write.") == 3


def test_a_text_beyond_the_context_is_refused_by_its_item(engine):
    with pytest.raises(ContextTooLong, match="item 'topic'"):
        engine.check([weighed("word " * 20_000)])


@pytest.mark.parametrize("walks", ["raw", "ignored"])
def test_a_server_that_echoes_scores_it_too(walks):
    with _faults.FaultServer("vllm", walks=walks) as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(attempts=2, backoff_s=0.001, timeout_s=5.0))
        engine.check([weighed("Taxes", system="")])
        [(_, completion)] = engine.answer([weighed("Taxes", system="")])
        assert len(json.loads(engine.render(weighed("Taxes", system="")))) == len(PREMISES)
        engine.close()
    for premise, got in zip(PREMISES, completion.log_probs, strict=True):
        ids, expected = [ord(c) for c in f"u:{premise}|a:"], 0.0
        for c in "Taxes":
            expected += _faults.log_prob(ids, ord(c))
            ids.append(ord(c))
        assert math.isclose(got, expected, abs_tol=1e-9)


def test_a_text_of_one_letter_is_no_label():
    with _faults.FaultServer("vllm") as server:
        engine = ServerEngine(server.url, "m", settings=ServerSettings(attempts=2, backoff_s=0.001, timeout_s=5.0))
        [(_, completion)] = engine.answer([weighed("A", system="")])
        engine.close()
    assert len(completion.log_probs) == 3


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"continuations": ("a", "b")}, "2 continuations"),
        ({"premises": ("same", "same")}, "the same one twice"),
        ({"premises": ("one", " ")}, "an empty premise"),
        ({"continuations": (" ",)}, "an empty text"),
        ({"messages": (Message("user", "Well?"),)}, "no user turn"),
        ({"is_raw": True}, "none is raw"),
    ],
)
def test_premises_that_cannot_be_weighed_are_refused(given, reason):
    with pytest.raises(DesignError, match=reason):
        Request(**{"messages": (), "premises": ("one", "two"), "continuations": ("text",), **given})


def test_premises_are_part_of_what_was_sent_and_change_no_other_hash():
    plain = Request(messages=(Message("user", "Well?"),), continuations=("Yes", "No"))
    assert "premises" not in plain.body
    one, other = weighed("Taxes").request, weighed("Taxes", PREMISES[::-1]).request
    assert one.hash != other.hash
