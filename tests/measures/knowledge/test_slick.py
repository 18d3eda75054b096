"""SliCK grades: boundaries, what finite tries leave open, questions that were not asked enough."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.knowledge.slick import CATEGORIES, slick_category, slick_transitions


@pytest.mark.parametrize(
    ("greedy", "sampled", "grade"),
    [(10, 0, "HighlyKnown"), (9, 0, "MaybeKnown"), (1, 160, "MaybeKnown"), (0, 1, "WeaklyKnown"), (0, 0, "Unknown")],
)
def test_the_boundaries_of_the_grades(greedy, sampled, grade):
    found = slick_category(greedy, 10, sampled, 160)
    assert found.categories == (grade,)
    assert found.counts == {name: int(name == grade) for name in CATEGORIES}


def test_what_finite_tries_leave_open():
    found = slick_category([10, 0], 10, [0, 0], 160)
    assert found.at_least[0] == pytest.approx(0.7411, abs=5e-5)
    assert found.at_most[1] == pytest.approx(0.0185491, abs=5e-8)


@given(greedy=st.integers(0, 10), sampled=st.integers(0, 40))
def test_one_more_right_answer_never_lowers_the_grade_and_limits_hold_the_share(greedy, sampled):
    found = slick_category([greedy, min(greedy + 1, 10)], 10, [sampled, min(sampled + 1, 40)], 40)
    grades = [CATEGORIES.index(name) for name in found.categories]
    assert grades[1] <= grades[0]
    assert (found.at_least <= found.greedy).all()
    assert (found.at_most >= found.sampled).all()


def test_no_right_greedy_answer_and_no_sample_is_not_unknown():
    with pytest.raises(DesignError, match="sample it"):
        slick_category([10, 0], 10, [0, 0], [0, 0])


def test_a_question_need_not_be_sampled_if_a_greedy_answer_was_right():
    found = slick_category([3], [10], [0], [0])
    assert found.categories == ("MaybeKnown",)
    assert math.isnan(found.sampled[0])
    assert math.isnan(found.at_most[0])


def test_wrong_counts_are_refused():
    with pytest.raises(DataError, match="at most as many"):
        slick_category(11, 10, 0, 160)
    with pytest.raises(DataError, match="whole"):
        slick_category(0.5, 10, 0, 160)
    with pytest.raises(MissingDataError):
        slick_category([math.nan], 10, 0, 160)
    with pytest.raises(DesignError, match="temperature 0"):
        slick_category(0, 0, 1, 160)


def test_few_prompts_are_warned_of():
    assert "fewer than 5" in slick_category(1, 1, 0, 16).warnings[0]


def test_transitions_count_every_question_once_and_shares_sum_to_1_in_rows():
    before = slick_category([10, 10, 5, 0, 0], 10, [0, 0, 0, 3, 0], 160)
    after = slick_category([10, 2, 10, 0, 0], 10, [0, 0, 0, 0, 1], 160)
    moved = slick_transitions(before.categories, after.categories)
    assert moved.counts.sum() == 5
    assert (moved.n_better, moved.n_worse) == (2, 2)
    assert np.allclose(moved.shares[:4].sum(axis=1), 1)
    assert (moved.limits[0] <= moved.shares).all()
    assert (moved.shares <= moved.limits[1]).all()


def test_transitions_need_the_same_questions():
    with pytest.raises(DataError, match="same questions"):
        slick_transitions(["Unknown"], ["Unknown", "MaybeKnown"])
