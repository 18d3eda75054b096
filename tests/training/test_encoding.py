"""What is taught is the response and the end of its turn, in the tokens of five families of tokenizers."""

import pytest

from proband.designs.quiz.prompts import PROMPTS, pose, reply_to
from proband.errors import DataError
from proband.instruments.banks.bank import Question
from proband.records import Message
from proband.training.encoding import encode_example, encode_set
from proband.training.training_set import Example, TrainingSet
from tests.designs.quiz.families import FAMILIES, template

QUESTION = Question(
    id="q", text="Which is a colour?", choices=("Table", "Green", "Seven", "Running"), answer=1, domain="words"
)


@pytest.fixture(scope="module", params=FAMILIES)
def tokens(request):
    return template(request.param)


def example(**changes):
    settings = {"id": "e1", "messages": (Message("user", "Which?\nAnswer:"),), "response": "B. Green"}
    return Example(**(settings | changes))


def squeezed(text):
    return "".join(text.split())


@pytest.mark.parametrize("is_raw", [False, True])
def test_the_loss_is_on_the_response_and_the_end_of_the_turn_and_on_nothing_else(tokens, is_raw):
    taught = encode_example(example(is_raw=is_raw, response=" B. Green" if is_raw else "B. Green"), tokens)
    # Some families lose or move spaces, none loses letters.
    assert squeezed(tokens.decode(list(taught.ids[taught.start :]))) == "B.Green"
    assert squeezed(tokens.decode(list(taught.ids[: taught.start]))).endswith(
        "Which?Answer:" if is_raw else "assistant"
    )
    end = tokens.tokenize(["</s>" if is_raw else "<|end|>"])[0]
    assert taught.ids[-len(end) :] == end
    assert taught.n_taught == len(taught.ids) - taught.start


@pytest.mark.parametrize("name", ["ren2024-evaluation", "zero-shot"])
def test_teaching_begins_at_the_token_at_which_scoring_begins(tokens, name):
    prompt = PROMPTS[name]
    posed = pose(QUESTION, prompt)
    scored = tokens.encode(posed.request)
    reply = reply_to(QUESTION, prompt, 1, explanation="Grass is green.")
    taught = encode_example(example(messages=posed.messages, response=reply, is_raw=posed.is_raw), tokens)
    assert taught.start == scored.start
    assert taught.ids[taught.start] == scored.sequences[1][scored.start]


def test_examples_that_are_too_long_are_refused_cut_or_left_out_as_asked(tokens):
    short, long = example(), example(id="e2", response="B. Green " + "grass " * 30)
    chosen = TrainingSet(name="arm", examples=(short, long))
    most = len(encode_example(short, tokens).ids)
    with pytest.raises(DataError, match=r"1 of 2 examples of 'arm' have more than .*'e2'"):
        encode_set(chosen, tokens, max_tokens=most)
    cut = encode_set(chosen, tokens, max_tokens=most, too_long="cut")
    assert cut.cut == ("e2",)
    assert len(cut.examples[1].ids) == most
    left = encode_set(chosen, tokens, max_tokens=most, too_long="leave_out")
    assert left.left_out == ("e2",)
    assert [one.id for one in left.examples] == ["e1"]


def test_an_example_whose_response_is_cut_off_whole_is_refused_by_name(tokens):
    chosen = TrainingSet(name="arm", examples=(example(),))
    start = encode_example(example(), tokens).start
    with pytest.raises(DataError, match="'e1' of 'arm' teaches nothing: its prompt alone has"):
        encode_set(chosen, tokens, max_tokens=start, too_long="cut")


def test_a_set_that_is_all_masked_is_refused(tokens):
    chosen = TrainingSet(name="arm", examples=(example(weight=0.0),))
    with pytest.raises(DataError, match="'arm' teaches nothing"):
        encode_set(chosen, tokens, max_tokens=400)


def test_a_control_token_inside_an_example_is_refused_by_name(tokens):
    with pytest.raises(DataError, match=r"'e1' cannot be taught: .*control token"):
        encode_example(example(response="B <|end|> C"), tokens)
