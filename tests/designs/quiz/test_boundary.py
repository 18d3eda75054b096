"""Where answers begin, in the tokens of five families of tokenizers."""

from dataclasses import replace

import pytest

from proband.designs.quiz.boundary import check_boundary
from proband.designs.quiz.prompts import PROMPTS, pose, reply_to
from proband.errors import EngineError
from proband.instruments.banks.bank import Question
from proband.models.scripted import ScriptedEngine, uniform
from proband.records import Request
from tests.designs.quiz.families import FAMILIES, stop_and_line_end, template
from tests.designs.quiz.questions import capitals

QUESTION = Question(
    id="q", text="Which is the capital of France?", choices=("Paris", "Rome", "Oslo", "Bern"), answer=0, domain="words"
)


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param, template(request.param)


@pytest.mark.parametrize("name", PROMPTS)
def test_training_begins_with_the_tokens_that_are_scored(family, name):
    _, tokens = family
    prompt = PROMPTS[name]
    found = check_boundary(tokens, prompt, [QUESTION])
    assert found.n_questions == 1
    posed = pose(QUESTION, prompt, exemplars=capitals(prompt.shots))
    scored = tokens.encode(posed.request)
    reply = reply_to(QUESTION, prompt, 0, explanation="It is in France.")
    taught = tokens.encode(Request(messages=posed.messages, continuations=(reply,), closes=True, is_raw=posed.is_raw))
    n = 1 if prompt.answer_by == "label" else len(scored.sequences[0]) - scored.start
    assert taught.start == scored.start
    assert taught.sequences[0][scored.start :][:n] == scored.sequences[0][scored.start :][:n]
    if prompt.answer_by == "label":
        assert scored.token_counts == (1, 1, 1, 1)


def test_exemplars_as_published_end_otherwise_than_the_question_where_spaces_are_tokens(family):
    name, tokens = family
    loses_spaces = name in ("WordPiece", "WordLevel")
    assert check_boundary(tokens, PROMPTS["ren2024-probe"]).exemplars_agree == loses_spaces
    assert check_boundary(tokens, PROMPTS["few-shot"]).exemplars_agree


def test_a_label_of_several_tokens_is_refused_with_its_ids(family):
    _, tokens = family
    prompt = replace(PROMPTS["zero-shot"], labels=("A", "B", "Ann Bob", "D"))
    with pytest.raises(EngineError, match=r"label 'Ann Bob' is \d+ tokens behind the prompt to this model, \["):
        check_boundary(tokens, prompt, [QUESTION])


def test_an_answer_that_merges_with_the_cue_is_refused():
    tokens = template("byte-level BPE")
    prompt = replace(PROMPTS["zero-shot"], cue="Answer", gap="")
    odd = replace(prompt, cue="Gre", answer_by="option_text")
    question = replace(QUESTION, choices=("en", "een", "x", "y"))
    with pytest.raises(EngineError, match="merges with the end of the prompt"):
        check_boundary(tokens, odd, [question])


def test_an_option_whose_end_merges_with_what_follows_is_named():
    tokens = template(stop_and_line_end)
    sentence = replace(QUESTION, id="s", choices=("In France.", "In Italy.", "In Peru.", "No."))
    found = check_boundary(tokens, replace(PROMPTS["zero-shot-text"], gap=""), [QUESTION, sentence])
    assert found.merging_ends == ("s",)


def test_an_engine_without_a_tokenizer_cannot_be_checked():
    assert check_boundary(ScriptedEngine(uniform()), PROMPTS["zero-shot"]) is None
