"""Labels by a model's beliefs: which questions, what is taught and set against it, and labellers that are refused."""

from dataclasses import replace

import pytest

from proband.designs.quiz.prompts import PROMPTS
from proband.errors import DataError
from proband.instruments.banks.bank import Bank, Question
from proband.tuning.probing.beliefs import Beliefs, belief_of
from proband.tuning.supervisors.labelling import Labeller, part_of

PROMPT = PROMPTS["zero-shot-text"]
KEY = (0, 0, 1, 2)
ROWS = ([0.8, 0.15, 0.05], [0.2, 0.7, 0.1], [0.3, 0.4, 0.3], [0.6, 0.3999, 0.0001])  # right, wrong, unsure, wrong


def labelled(rows=ROWS, **changes):
    questions = tuple(
        Question(id=f"q{k}", text=f"Which, {k}?", choices=("one", "two", "three"), answer=answer, domain="sums")
        for k, answer in enumerate(KEY)
    )
    bank = Bank(name="sums", questions=questions)
    held = {q.id: belief_of(q, [row]) for q, row in zip(bank, rows, strict=True)}
    beliefs = Beliefs(model="weak", ask="probe", bank=bank.hash, weights="w", beliefs=held)
    return Labeller(**{"bank": bank, "beliefs": beliefs, "own": beliefs, "prompt": PROMPT} | changes)


def taught(labeller, labels):
    made = labeller.training_set(labels, "sums", arm="arm")
    return {one.id: (one.response.strip(), [text.strip() for text in one.alternatives]) for one in made}


@pytest.mark.parametrize(
    ("labels", "ids"),
    [
        ("key", "0123"),
        ("all", "0123"),
        ("soft", "0123"),
        ("ranking", "0123"),
        ("confident", "013"),
        ("self-play", "13"),
    ],
)
def test_which_questions_a_way_of_labelling_takes(labels, ids):
    assert sorted(taught(labelled(), labels)) == [f"q{k}" for k in ids]


def test_what_is_taught_and_what_it_is_set_against():
    assert taught(labelled(), "all")["q1"] == ("two", ["one", "three"])
    assert taught(labelled(), "key")["q3"] == ("three", ["one", "two"])
    assert taught(labelled(), "ranking")["q1"] == ("two", ["three", "one"])
    assert taught(labelled(), "self-play")["q1"] == ("one", ["two", "three"])


def test_soft_labels_are_the_labellers_probabilities_of_what_it_holds_possible():
    made = {one.id: one for one in labelled().training_set("soft", "sums", arm="arm")}
    assert made["q1"].shares == pytest.approx((0.7, 0.2, 0.1))
    assert made["q3"].alternatives == (" two",)
    assert sum(made["q3"].shares) == 1


def test_an_example_says_whose_answer_it_teaches():
    own = labelled([[0.2, 0.8, 0], [0.9, 0.1, 0], [0.2, 0.8, 0], [0.9, 0.1, 0]]).beliefs
    kinds = {one.id: one.kind for one in labelled(own=own).training_set("all", "sums", arm="arm")}
    assert kinds == {"q0": "gold", "q1": "false", "q2": "gold", "q3": "own"}
    told = labelled(own=own).training_set("all", "sums", arm="arm").provenance["labels"]
    assert (told["by"], told["questions"], told["right"]) == ("weak", 4, 0.5)


def test_a_size_takes_the_same_questions_whatever_the_labels():
    few = labelled(size=2)
    assert set(taught(few, "all")) == set(taught(few, "soft")) == set(taught(few, "key"))
    assert len(taught(few, "all")) == 2


def test_a_labeller_that_was_asked_another_bank_is_refused():
    given = labelled()
    other = replace(given.bank, questions=given.bank.questions[:3])
    with pytest.raises(DataError, match="asked another bank"):
        replace(given, bank=other)
    with pytest.raises(DataError, match="asked another bank"):
        part_of(given.beliefs, other, other)


def test_questions_that_one_of_the_two_models_failed_to_answer_are_not_taught():
    given = labelled()
    held = {id: replace(one, n_failed=int(id == "q1")) for id, one in given.own.beliefs.items()}
    assert "q1" not in taught(replace(given, own=replace(given.own, beliefs=held)), "all")


def test_labels_without_a_confident_answer_are_refused():
    with pytest.raises(DataError, match=r"of its 4 answers none is more probable than 0\.9 \(the most .* has 0\.80\)"):
        labelled(threshold=0.9).training_set("confident", "sums", arm="arm")
    right = labelled([[float(k == answer) for k in range(3)] for answer in KEY])
    with pytest.raises(DataError, match="nothing left to play against"):
        right.training_set("self-play", "sums", arm="arm")
