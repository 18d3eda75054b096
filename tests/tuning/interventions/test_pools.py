"""Pools: known, unknown, unsure, left out; and probes that are refused."""

from dataclasses import replace

import pytest

from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Question
from proband.tuning.interventions.pools import check_probe, sort_questions
from proband.tuning.probing.beliefs import Beliefs, belief_of


def one_belief(row, *, answer=0, **details) -> tuple[Bank, Beliefs]:
    choices = tuple(f"option {k}" for k in range(len(row)))
    question = Question(id="q", text="Which?", choices=choices, answer=answer, domain="history")
    bank = Bank(name="one", questions=(question,))
    found = replace(belief_of(question, [row]), **details)
    return bank, Beliefs(model="base", ask="probe", bank=bank.hash, weights="w0", beliefs={"q": found})


@pytest.mark.parametrize(
    ("row", "answer", "pool"),
    [
        ([0.6, 0.2, 0.1, 0.1], 0, "known"),
        ([0.6, 0.2, 0.1, 0.1], 1, "unknown"),
        ([0.4, 0.3, 0.2, 0.1], 0, "unsure"),
        ([0.5, 0.3, 0.1, 0.1], 0, "unsure"),  # the threshold is strict
    ],
)
def test_a_question_goes_where_its_belief_points(row, answer, pool):
    pools = sort_questions(*one_belief(row, answer=answer))
    assert getattr(pools, pool) == ("q",)
    assert sum(pools.counts().values()) == 1


def test_the_corrected_rule_asks_more_where_there_are_fewer_options():
    two, four = one_belief([0.7, 0.3]), one_belief([0.7, 0.1, 0.1, 0.1])
    assert sort_questions(*two).known == ("q",)
    assert sort_questions(*two, rule="corrected").unsure == ("q",)  # (0.7 - 1/2) / (1/2) = 0.4
    assert sort_questions(*four, rule="corrected").known == ("q",)  # (0.7 - 1/4) / (3/4) = 0.6


@pytest.mark.parametrize(
    ("category", "answer", "pool"),
    [("HighlyKnown", 0, "known"), ("MaybeKnown", 0, "unsure"), ("Unknown", 1, "unknown")],
)
def test_slick_grades_sort_questions_whatever_the_confidence(category, answer, pool):
    pools = sort_questions(*one_belief([0.3, 0.25, 0.25, 0.2], answer=answer, category=category), rule="slick")
    assert getattr(pools, pool) == ("q",)


def test_questions_with_a_failed_trial_are_left_out_and_counted():
    pools = sort_questions(*one_belief([0.9, 0.1], n_failed=1))
    assert pools.reasons == {"a trial of the probe failed": 1}
    bank, beliefs = one_belief([0.9, 0.1])
    lost = replace(beliefs, beliefs={}, lost=("q",))
    assert sort_questions(bank, lost).counts()["left_out"] == 1


def test_a_probe_of_another_bank_is_refused(bank, beliefs):
    with pytest.raises(DataError, match="asked another bank"):
        sort_questions(bank.of("history"), beliefs)


def test_a_part_of_the_bank_is_named_by_its_questions(bank, beliefs):
    ids = [question.id for question in bank.of("history")]
    pools = sort_questions(bank, beliefs, among=ids)
    assert sum(pools.counts().values()) == len(ids)
    assert pools.known == sort_questions(bank, beliefs).of(bank, "history").known


def test_a_probe_of_another_model_is_refused(bank, beliefs):
    check_probe(bank, beliefs, weights="w0")
    with pytest.raises(DataError, match="probe is of another model"):
        check_probe(bank, beliefs, weights="w1")


def test_a_question_without_belief_is_refused(bank, beliefs):
    some = {id: belief for id, belief in beliefs.beliefs.items() if id != "history-3"}
    with pytest.raises(DataError, match=r"no belief about 1 of 120 questions, e\.g\. 'history-3'"):
        sort_questions(bank, replace(beliefs, beliefs=some))


def test_a_threshold_outside_the_unit_interval_is_refused(bank, beliefs):
    with pytest.raises(DesignError, match="no probability"):
        sort_questions(bank, beliefs, threshold=1.5)
    with pytest.raises(DesignError, match="none of"):
        sort_questions(bank, beliefs, rule="luck")
