"""Matching and arranging: even letters, equal strata, nested draws."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError
from proband.instruments.banks.bank import Question
from proband.tuning.interventions.balancing import arranged, match, strata
from proband.tuning.interventions.pools import sort_questions
from proband.tuning.probing.beliefs import Beliefs, belief_of


def asked(picks: list[int], n_options: int) -> tuple[list[Question], Beliefs]:
    choices = tuple("abcdef"[:n_options])
    questions = [Question(id=f"q{k}", text="Which?", choices=choices, answer=0, domain="d") for k in range(len(picks))]
    rows = [[0.7 if option == pick else 0.3 / (n_options - 1) for option in range(n_options)] for pick in picks]
    found = {q.id: belief_of(q, [row]) for q, row in zip(questions, rows, strict=True)}
    return questions, Beliefs(model="m", ask="a", bank="b", weights="", beliefs=found)


@settings(max_examples=40)
@given(n_options=st.integers(2, 6), data=st.data())
def test_key_and_own_answer_stand_evenly_in_every_place_of_every_beginning(n_options, data):
    picks = data.draw(st.lists(st.integers(0, n_options - 1), min_size=1, max_size=40))
    questions, beliefs = asked(picks, n_options)
    orders = arranged(questions, beliefs, place=(3, "d"))
    wrong = [q for q, pick in zip(questions, picks, strict=True) if pick != 0]
    assert all(sorted(order) == list(range(n_options)) for order in orders.values())
    for m in range(1, len(questions) + 1):
        counts = Counter(orders[q.id].index(0) for q in questions[:m])
        assert max(counts.values()) - min(counts[place] for place in range(n_options)) <= 1
    if len(wrong) == len(questions):
        own = Counter(orders[q.id].index(beliefs[q.id].pick) for q in questions)
        assert max(own.values()) - min(own[place] for place in range(n_options)) <= 1


def test_every_pair_of_places_comes_as_often():
    questions, beliefs = asked([1] * 24, 4)
    orders = arranged(questions, beliefs, place=(1, "d"))
    pairs = Counter((order.index(0), order.index(1)) for order in orders.values())
    assert len(pairs) == 12
    assert set(pairs.values()) == {2}


def test_questions_with_different_numbers_of_options_are_each_even():
    few, believed_few = asked([1] * 9, 3)
    many, believed_many = asked([2] * 10, 5)
    many = [replace(question, id=f"m{question.id}") for question in many]
    beliefs = replace(
        believed_few, beliefs={**believed_few.beliefs, **{f"m{id}": b for id, b in believed_many.beliefs.items()}}
    )
    mixed = [question for pair in zip(few, many, strict=False) for question in pair]
    orders = arranged(mixed, beliefs, place=(1, "d"))
    assert Counter(orders[q.id].index(0) for q in few) == {0: 3, 1: 3, 2: 3}


@pytest.mark.parametrize("covariates", [("topic",), ("letter", "topic"), ("confidence", "length")])
def test_matched_questions_share_every_stratum(bank, beliefs, covariates):
    pools = sort_questions(bank, beliefs).of(bank, "history")
    both = {"known": pools.known, "unknown": pools.unknown}
    found = strata(bank, beliefs, (*pools.known, *pools.unknown), covariates)
    matched = match(both, found, size=None, place=(1, "history"), covariates=covariates)
    assert len(matched.known) == len(matched.unknown) > 0
    for known, unknown in zip(matched.known, matched.unknown, strict=True):
        assert found[known] == found[unknown]


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(bank, beliefs):
    pools = sort_questions(bank, beliefs).of(bank, "history")
    both = {"known": pools.known, "unknown": pools.unknown}
    found = strata(bank, beliefs, (*pools.known, *pools.unknown), ())
    small, large = (match(both, found, size=n, place=(1, "history")) for n in (5, 20))
    assert large.known[:5] == small.known
    assert large.unknown[:5] == small.unknown


def test_a_draw_does_not_depend_on_the_order_of_the_bank(bank, beliefs):
    pools = sort_questions(bank, beliefs).of(bank, "history")
    found = strata(bank, beliefs, (*pools.known, *pools.unknown), ())
    forth = match({"known": pools.known, "unknown": pools.unknown}, found, size=9, place=(1, "history"))
    back = match({"known": pools.known[::-1], "unknown": pools.unknown[::-1]}, found, size=9, place=(1, "history"))
    assert forth == back


def test_what_cannot_be_balanced_is_refused_by_how_many(bank, beliefs):
    pools = sort_questions(bank, beliefs).of(bank, "history")
    both = {"known": pools.known, "unknown": pools.unknown[:3]}
    found = strata(bank, beliefs, (*pools.known, *pools.unknown), ("topic",))
    with pytest.raises(DataError, match=r"10 questions of each pool are wanted and 3 can be had .* 7 short; most"):
        match(both, found, size=10, place=(1, "history"), covariates=("topic",))


def test_steps_of_confidence_do_not_depend_on_rounding(bank, beliefs):
    question = bank["history-0"]
    rows = ([0.7, 0.1, 0.1, 0.1], [0.6999999, 0.1000001, 0.1, 0.1])
    steps = []
    for row in rows:
        one = replace(beliefs, beliefs={question.id: belief_of(question, [row])})
        steps.append(strata(bank, one, [question.id], ("confidence",))[question.id])
    assert steps == [(7,), (6,)]
