"""Log-probabilities of labels as servers list them: the same text twice, ids, raw marks, values that are no numbers.

Cases 6 (sgl-project/sglang#32290, vllm-project/vllm#44319) and 7 (openvinotoolkit/model_server#4522).
"""

import math

import pytest

from proband.models.servers.protocol import Malformed
from proband.models.servers.replies import Withheld, read_labels
from tests.cases.replying import carried_out, errors, listing, survey

BY_LABEL = {"answer_by": "label", "labels": "letters"}


def one(token, p, **more):
    return {"token": token, "logprob": math.log(p), **more}


def shares(reply, labels=("A", "B", "C")):
    made = read_labels(reply, labels, min_coverage=0.5)
    weights = [math.exp(x) for x in made.log_probs]
    return [weight / sum(weights) for weight in weights]


def test_the_same_text_twice_adds_up(tmp_path):
    alternatives = [one("A", 0.40), one("A", 0.05), one("B", 0.35), one("C", 0.05)]
    run, _ = carried_out(listing(*alternatives), tmp_path / "run", study=survey(**BY_LABEL))
    for response in run.responses().values():
        assert response.probs == pytest.approx((0.45 / 0.85, 0.35 / 0.85, 0.05 / 0.85))


def test_one_id_listed_twice_counts_once_and_two_ids_of_one_text_add_up():
    twice = [one("A", 0.4, id=5), one("A", 0.4, id=5), one("B", 0.5, id=6), one("C", 0.1, id=7)]
    assert shares(listing(*twice)) == pytest.approx([0.4, 0.5, 0.1])
    apart = [one("A", 0.3, token_id=5), one("A", 0.1, token_id=9), one("B", 0.5, token_id=6), one("C", 0.1, token_id=7)]
    assert shares(listing(*apart)) == pytest.approx([0.4, 0.5, 0.1])


def test_white_space_as_vocabularies_write_it_is_white_space():
    raw = [one("ĠA", 0.2), one("A", 0.2), one("▁B", 0.3), one("ĊB", 0.2), one(" C", 0.1)]
    assert shares(listing(*raw)) == pytest.approx([0.4, 0.5, 0.1])


def test_a_token_without_text_is_read_from_its_bytes():
    given = [one(None, 0.4, bytes=[32, 65]), one("B", 0.5), one("C", 0.1)]
    assert shares(listing(*given)) == pytest.approx([0.4, 0.5, 0.1])


@pytest.mark.parametrize("odd", [None, "-1.0", True, float("nan"), [], 2.5], ids=repr)
def test_an_alternative_without_a_number_is_left_out(tmp_path, odd):
    given = [one("A", 0.6), one("B", 0.3), one("C", 0.05), {"token": "t", "logprob": odd}]
    run, calls = carried_out(listing(*given), tmp_path / "run", study=survey(**BY_LABEL))
    assert run.dispositions() == {"valid": 10}
    assert calls == 10
    for response in run.responses().values():
        assert response.probs == pytest.approx((0.6 / 0.95, 0.3 / 0.95, 0.05 / 0.95))


@pytest.mark.parametrize("odd", [None, "-1.0", float("nan"), 2.5], ids=repr)
def test_a_label_without_a_number_fails_its_trial_which_is_not_asked_again(tmp_path, odd):
    given = [one("A", 0.6), {"token": "B", "logprob": odd}, one("C", 0.05), one("t", 0.01)]
    run, calls = carried_out(listing(*given), tmp_path / "run", study=survey(10, **BY_LABEL))
    assert run.dispositions() == {"failed": 20}
    assert calls == 20
    [error] = errors(run)
    assert error.startswith("label B came without a log-probability")


def test_minus_infinity_is_a_probability_of_0_in_either_way_of_writing_it():
    for nothing in (-math.inf, -9999.0):
        given = [one("A", 0.5), one("B", 0.5), {"token": "C", "logprob": nothing}]
        assert shares(listing(*given)) == pytest.approx([0.5, 0.5, 0.0])


def test_numbers_that_are_no_probabilities_are_no_answer():
    with pytest.raises(Withheld, match=r"add up to 1\.8"):
        read_labels(listing(one("A", 0.9), one("B", 0.9)), ("A", "B"), min_coverage=0.5)


def test_a_first_token_of_reasoning_is_no_answer():
    reply = listing(one("A", 0.6), one("B", 0.4))
    reply["choices"][0]["message"]["reasoning_content"] = "A"
    with pytest.raises(Withheld, match="belongs to the model's reasoning"):
        read_labels(reply, ("A", "B"), min_coverage=0.5)


@pytest.mark.parametrize(
    "logprobs", [None, {}, {"content": None}, {"content": []}, {"content": [{"top_logprobs": []}]}]
)
def test_a_reply_without_alternatives_is_none(logprobs):
    reply = listing() | {}
    reply["choices"][0]["logprobs"] = logprobs
    with pytest.raises(Malformed, match="log-probabilities of 0 tokens came"):
        read_labels(reply, ("A", "B"), min_coverage=0.5)


@pytest.mark.parametrize(
    "odd", [None, "A", {"logprob": -1.0}, {"token": None, "bytes": None, "logprob": -2.0}], ids=repr
)
def test_an_entry_without_a_text_is_left_out(odd):
    assert shares(listing(one("A", 0.4), one("B", 0.3), odd, one("C", 0.1))) == pytest.approx([0.5, 0.375, 0.125])


def test_the_token_that_was_drawn_counts_once_though_it_is_listed_again_at_the_end():
    again = [one("A", 0.3), one("B", 0.25), one("C", 0.05), one("A", 0.3)]
    assert shares(listing(*again)) == pytest.approx([0.5, 0.25 / 0.6, 0.05 / 0.6])
    side_by_side = [one("A", 0.3), one("A", 0.3), one("B", 0.2), one("C", 0.1)]
    assert shares(listing(*side_by_side)) == pytest.approx([0.6 / 0.9, 0.2 / 0.9, 0.1 / 0.9])


@pytest.mark.parametrize("mark", ["<think>", "[THINK]", "<|channel|>"])
def test_labels_behind_a_mark_of_reasoning_are_no_answer(mark):
    given = [one(mark, 0.9), one("A", 0.06), one("B", 0.02), one("C", 0.01)]
    with pytest.raises(Withheld, match="where reasoning begins"):
        shares(listing(*given))
