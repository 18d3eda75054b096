from dataclasses import replace

import numpy as np
import pytest

from proband.errors import DesignError
from proband.instruments.banks.bank import Bank
from proband.tuning.probing.beliefs import Beliefs, belief_of
from proband.tuning.probing.stability import halves, retest
from tests.designs.quiz.questions import capitals

BANK = Bank(name="capitals", questions=capitals(40))


def probed(rng, *, certainty, n_draws=6, bank=BANK):
    """Beliefs whose draws are right with a probability of each question's own."""
    beliefs = {}
    for question in bank:
        p = rng.beta(certainty, certainty)
        cells = []
        for _ in range(n_draws):
            pick = question.answer if rng.random() < p else (question.answer + 1) % 4
            cells.append([0.7 if k == pick else 0.1 for k in range(4)])
        beliefs[question.id] = belief_of(question, cells, draws=range(n_draws))
    return Beliefs(model="m", ask="probe", bank=bank.hash, weights="", beliefs=beliefs)


def test_halves_take_the_draws_in_turn():
    beliefs = probed(np.random.default_rng(1), certainty=1)
    even, odd = halves(beliefs, BANK)
    whole = beliefs["capital-7"].cells
    assert np.array_equal(even["capital-7"].cells, whole[[0, 2, 4]])
    assert np.array_equal(odd["capital-7"].cells, whole[[1, 3, 5]])
    assert even["capital-7"].draws == (0, 2, 4)


def test_a_probe_agrees_with_itself_and_chance_does_not():
    rng = np.random.default_rng(2)
    sure = probed(rng, certainty=0.02)
    assert retest(sure, sure).agreement.value == 1
    assert retest(*halves(sure, BANK)).kappa.value > 0.8
    unsure = retest(*halves(probed(rng, certainty=50), BANK))
    assert abs(unsure.kappa.value) < 0.5
    assert unsure.table.sum() == 40
    low, high = unsure.agreement.interval
    assert low < unsure.agreement.value < high


def test_questions_that_one_probe_lost_are_left_out_and_counted():
    first = probed(np.random.default_rng(3), certainty=1)
    second = replace(first, beliefs=dict(list(first.beliefs.items())[5:]))
    found = retest(first, second)
    assert (found.table.sum(), found.n_left_out) == (35, 5)


def test_one_draw_makes_no_halves():
    with pytest.raises(DesignError, match="makes no halves"):
        halves(probed(np.random.default_rng(4), certainty=1, n_draws=1), BANK)


def test_other_banks_are_refused():
    beliefs = probed(np.random.default_rng(5), certainty=1)
    other = Bank(name="other", questions=capitals(39))
    with pytest.raises(DesignError, match="use the one that was asked"):
        halves(beliefs, other)
    with pytest.raises(DesignError, match="different banks"):
        retest(beliefs, replace(beliefs, bank=other.hash))
