"""The alternative annotator test: by hand, decided edges, refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DataError, DesignError
from proband.measures.agreement.annotators import alt_test


def coded(seed: int, n: int = 60, skill: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, (n, 1))
    codes = np.where(rng.random((n, 4)) < skill, truth, rng.integers(0, 3, (n, 4)))
    return codes[:, 0], codes[:, 1:]


def test_wins_and_p_values_are_those_of_a_count_by_hand():
    llm, humans = coded(1)
    found = alt_test(llm, humans, 0.1)
    for one in found.by_human:
        others = np.delete(humans, one.human, axis=1)
        of_model = (others == llm[:, None]).mean(axis=1)
        of_human = (others == humans[:, one.human][:, None]).mean(axis=1)
        difference = (of_human >= of_model).astype(float) - (of_model >= of_human)
        assert one.model_wins == pytest.approx((of_model >= of_human).mean())
        assert one.p_value == pytest.approx(stats.ttest_1samp(difference, 0.1, alternative="less").pvalue)
    assert found.advantage == pytest.approx(np.mean([one.model_wins for one in found.by_human]))


def test_differences_are_scored_by_the_root_mean_square():
    humans = [[1.0, 2.0, 5.0]] * 30
    found = alt_test([2.0] * 30, humans, 0.1, scoring="rmse")
    # Against (2, 5): the model misses by sqrt(4.5), the first human by sqrt(8.5).
    assert found.by_human[0].model_wins == 1
    assert found.by_human[0].human_wins == 0


def test_a_model_equal_to_everybody_passes_with_any_price_and_not_without():
    humans = [["a", "a", "a"], ["b", "b", "b"]] * 20
    llm = ["a", "b"] * 20
    assert alt_test(llm, humans, 0.1).is_passed
    assert [one.p_value for one in alt_test(llm, humans, 0.1).by_human] == [0.0] * 3
    free = alt_test(llm, humans, 0.0)
    assert not free.is_passed
    assert [one.p_value for one in free.by_human] == [1.0] * 3


@given(seed=st.integers(0, 200), low=st.floats(0, 0.3), more=st.floats(0, 0.3))
@settings(max_examples=20)
def test_a_higher_price_never_turns_a_pass_into_a_failure(seed, low, more):
    llm, humans = coded(seed, n=40)
    assert alt_test(llm, humans, low + more).winning_rate >= alt_test(llm, humans, low).winning_rate


@given(seed=st.integers(0, 200))
@settings(max_examples=20)
def test_names_of_codes_and_order_of_units_change_nothing(seed):
    llm, humans = coded(seed, n=40)
    order, names = np.random.default_rng(seed).permutation(40), np.array(["z", "x", "y"])
    first, second = alt_test(llm, humans, 0.1), alt_test(names[llm][order], names[humans][order], 0.1)
    assert (first.winning_rate, first.advantage) == (second.winning_rate, pytest.approx(second.advantage))


def test_units_without_two_humans_or_the_model_are_left_out_and_counted():
    llm, humans = coded(3)
    llm, humans = llm.astype(object), humans.astype(object)
    llm[0], humans[1, :2] = None, None
    found = alt_test(llm, humans, 0.1)
    assert (found.n_units, found.n_left_out) == (58, 2)


def test_humans_with_few_units_are_skipped_and_named():
    llm, humans = coded(4)
    sparse = np.where(np.arange(60)[:, None] < [60, 60, 20], humans, math.nan)
    found = alt_test(llm, sparse, 0.1)
    assert found.skipped == (2,)
    assert "steps of 1/2" in found.warnings[0]


def test_a_pass_says_what_it_does_not_license():
    llm, humans = coded(5)
    assert "unbiased" in alt_test(llm, humans, 0.2).meaning


def test_what_cannot_be_tested_is_refused():
    llm, humans = coded(6)
    with pytest.raises(DesignError, match="30 units"):
        alt_test(llm[:20], humans[:20], 0.1)
    with pytest.raises(DesignError, match="at least 2 humans"):
        alt_test(llm, humans[:, :1], 0.1)
    with pytest.raises(DataError, match="one code, or None"):
        alt_test(llm[:-1], humans, 0.1)
    with pytest.raises(DesignError, match="epsilon"):
        alt_test(llm, humans, 1.0)
    with pytest.raises(DataError, match="match"):
        alt_test(["a"] * 40, [["a", "b"]] * 40, 0.1, scoring="rmse")
