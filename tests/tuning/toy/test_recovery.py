"""A probe against what was planted."""

import pytest

from proband.errors import DesignError, MissingDataError
from proband.tuning.toy.recovery import finding, recovery


@pytest.fixture
def perfect(small_world, believed):
    """Beliefs of a model that took in exactly what the corpus says."""
    bank, false = small_world.bank, small_world.false
    picks = {q.id: false[q.id] if small_world.planted[q.id] == "wrong" else q.answer for q in bank}
    sure = believed(bank, picks, 0.9)
    unsure = believed(bank, picks, 0.3)
    firm = {"known", "wrong"}
    beliefs = {id: (sure if small_world.planted[id] in firm else unsure)[id] for id in sure.beliefs}
    return sure, beliefs


def test_a_model_that_took_in_what_it_read_is_recovered_without_error(small_world, perfect):
    sure, beliefs = perfect
    found = recovery(small_world, type(sure)(**(vars(sure) | {"beliefs": beliefs})))
    assert [float(found.recall[name]) for name in ("known", "wrong", "unsure")] == [1, 1, 1]
    assert [float(found.precision[name]) for name in ("known", "wrong", "unsure")] == [1, 1, 1]
    assert float(found.false_belief) == 1
    assert float(found.accuracy["wrong"]) == 0
    assert found.accuracy["known"].baselines == {"chance": 0.25}


def test_a_model_that_is_sure_of_the_first_option_is_found_out(small_world, believed):
    found = recovery(small_world, believed(small_world.bank, {q.id: 0 for q in small_world.bank}, 0.9))
    assert float(found.recall["unsure"]) == 0
    assert "unsure" not in found.precision
    assert float(found.recall["known"]) < 1
    assert sum(found.counts.values()) == len(small_world.bank)


def test_a_confidence_at_the_threshold_is_unsure(small_world, believed):
    question = small_world.bank.questions[0]
    belief = believed(small_world.bank, {q.id: q.answer for q in small_world.bank}, 0.6)[question.id]
    assert finding(belief, question.answer, threshold=belief.confidence) == "unsure"
    assert finding(belief, question.answer) == "known"
    assert finding(belief, (question.answer + 1) % 4) == "wrong"


def test_beliefs_about_another_bank_are_refused(small_world, believed):
    bank = small_world.benchmark
    with pytest.raises(DesignError, match="probe the same world's bank"):
        recovery(small_world, believed(bank, {q.id: 0 for q in bank}, 0.9))
    assert recovery(small_world, believed(bank, {q.id: 0 for q in bank}, 0.9), bank).false_belief is None


def test_a_question_without_a_belief_is_no_finding(small_world, believed):
    beliefs = believed(small_world.bank, {q.id: 0 for q in small_world.bank}, 0.9)
    beliefs.beliefs.pop(small_world.bank.questions[0].id)
    with pytest.raises(MissingDataError, match="it was not asked"):
        recovery(small_world, beliefs)
