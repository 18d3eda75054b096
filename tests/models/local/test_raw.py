"""Raw requests in this process: the text as it stands, and the tokens behind it."""

from functools import lru_cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import EngineError
from proband.models.local.engine import LocalEngine
from proband.models.local.templates import Template
from proband.records import Message, Place, Reply, Request, Trial
from tests.designs.quiz.families import FAMILIES, template, wrapped
from tests.models.local.small_models import save_checkpoint

made = lru_cache(wrapped)
TEXT = "Which is a fruit?\nA. Table\nB. Green\nAnswer:"


def raw(*continuations, text=TEXT, **request):
    return Request(messages=(Message("user", text),), continuations=continuations, is_raw=True, **request)


def trial(request):
    method = "option_text" if request.continuations else "written"
    order = tuple(range(len(request.continuations)))
    form = "choice" if order else "text"
    reply = Reply(form=form, method=method, options=request.continuations, order=order)
    return Trial(place=Place(subject="s", item="q"), request=request, reply=reply)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    torch.set_num_threads(1)
    return LocalEngine(save_checkpoint(tmp_path_factory.mktemp("llama")), address="tiny")


@pytest.mark.parametrize("chat", [None, "{{ 'never used' }}"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_raw_text_is_sent_as_it_stands_with_or_without_a_chat_template(family, chat):
    tokens = template(family, chat)
    begin = "<s>" if family == "Metaspace BPE" else ""
    assert tokens.render(raw(" A")) == begin + TEXT
    assert tokens.continuations(raw(" A", " B")) == (" A", " B")
    assert tokens.continuations(raw(" A", closes=True)) == (" A</s>",)


@pytest.mark.parametrize("family", FAMILIES)
def test_labels_behind_a_raw_text_are_the_tokens_that_the_whole_text_has(family):
    tokenizer = wrapped(family)
    encoded = Template(tokenizer).encode(raw(" A", " B"))
    whole = tokenizer(f"{TEXT} B")["input_ids"]
    assert list(encoded.sequences[1]) == whole
    assert encoded.token_counts == (1, 1)


def test_a_control_token_in_a_raw_text_is_refused():
    with pytest.raises(EngineError, match="a control token"):
        template("byte-level BPE").render(raw(" A", text="So <|start|> it goes:"))


def test_a_raw_text_is_scored_as_in_a_plain_pass(engine):
    request = raw(" A", " Bob", " C", text="x: 1, y:", closes=True)
    [(_, completion)] = engine.answer([trial(request)])
    head, *wholes = engine.template.tokenize(["x: 1, y:", *(f"x: 1, y:{t}<|eos|>" for t in request.continuations)])
    for whole, found in zip(wholes, completion.log_probs, strict=True):
        with torch.inference_mode():
            logits = engine.passes.model(torch.tensor([whole])).logits[0].log_softmax(-1)
        plain = sum(float(logits[k - 1, whole[k]]) for k in range(len(head), len(whole)))
        assert found == pytest.approx(plain, abs=1e-4)


def test_a_raw_text_and_the_same_text_in_a_chat_are_two_treatments(engine):
    pair = [
        trial(Request(messages=(Message("user", "x: 1, y:"),), continuations=(" A", " B"), is_raw=is_raw))
        for is_raw in (True, False)
    ]
    engine.check(pair)
    found = [completion.log_probs for _, completion in engine.answer(pair)]
    assert found[0] != found[1]
    assert engine.render(pair[0]) == "x: 1, y:\n[1] ' A'\n[2] ' B'"


def test_a_raw_text_is_continued_greedily_token_by_token(engine):
    request = raw(text="x: 1, y:", max_tokens=5)
    [(_, completion)] = engine.answer([trial(request)])
    [ids] = engine.template.tokenize(["x: 1, y:"])
    for _ in range(5):
        with torch.inference_mode():
            ids = (*ids, int(engine.passes.model(torch.tensor([ids])).logits[0, -1].argmax()))
    assert completion.text == engine.template.decode(list(ids[-5:]))


@pytest.mark.parametrize("family", FAMILIES)
@given(paragraphs=st.lists(st.text(alphabet="aA1.?:)\"'-é中\n ", min_size=1, max_size=12), min_size=1, max_size=5))
@settings(max_examples=60)
def test_paragraphs_that_are_remembered_have_the_tokens_of_the_whole(family, paragraphs):
    tokenizer = made(family)
    text = "Q" + "\n\n".join(paragraphs)
    encoded = Template(tokenizer).encode(raw(text=text, max_tokens=1))
    assert list(encoded.sequences[0]) == tokenizer(text)["input_ids"]


def test_byte_level_tokenizers_cut_paragraphs_and_those_that_mark_spaces_do_not():
    cuts = {family: template(family)._cut is not None for family in FAMILIES}
    assert cuts == {
        "byte-level BPE": True,
        "Metaspace BPE": False,
        "WordPiece": True,
        "Unigram": False,
        "WordLevel": True,
    }
