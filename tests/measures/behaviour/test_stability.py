"""Stability across contexts and controllability: by hand, properties, constant profiles."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.behaviour.stability import ipsative_stability, perspective_controllability, rank_order_stability

C1 = [[5, 3, 1], [4, 2, 3], [1, 5, 2], [2, 4, 5]]
C2 = [[4, 3, 2], [5, 1, 3], [2, 4, 1], [1, 5, 4]]


def contexts(seed: int, n: int = 12, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=(n, k))
    return trait + rng.normal(size=(n, k)), trait + rng.normal(size=(n, k))


def test_both_stabilities_by_hand():
    assert rank_order_stability(C1, C2).value == pytest.approx(0.8210146, abs=5e-8)
    assert ipsative_stability(C1, C2).value == pytest.approx(0.9193139, abs=5e-8)


def test_one_is_the_other_with_personas_and_values_exchanged():
    a, b = contexts(1)
    assert rank_order_stability(a, b).value == pytest.approx(ipsative_stability(a.T, b.T).value)


@given(seed=st.integers(0, 999), scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
@settings(max_examples=25)
def test_stabilities_are_symmetric_bounded_and_ignore_a_common_scale(seed, scale, shift):
    a, b = contexts(seed)
    for stability in (rank_order_stability, ipsative_stability):
        found = stability(a, b)
        assert stability(b, a).value == pytest.approx(found.value)
        assert stability(scale * a + shift, b).value == pytest.approx(found.value)
        assert -1 <= found.interval[0] <= found.value <= found.interval[1] <= 1
    assert rank_order_stability(a + np.arange(4), b).value == pytest.approx(rank_order_stability(a, b).value)


def test_constant_profiles_are_left_out_and_counted():
    a, b = contexts(2)
    a[0] = 3.0
    found = ipsative_stability(a, b)
    assert (found.n_units, found.n_missing) == (11, 1)
    assert found.value == pytest.approx(ipsative_stability(a[1:], b[1:]).value)


def test_values_on_which_personas_do_not_differ_are_left_out():
    a, b = contexts(3)
    a[:, 1] = 2.0
    found = rank_order_stability(a, b)
    assert "1 of 4 values" in found.warnings[0]
    assert found.value == pytest.approx(rank_order_stability(np.delete(a, 1, 1), np.delete(b, 1, 1)).value)


def test_nothing_that_varies_is_undefined():
    assert math.isnan(rank_order_stability(np.ones((5, 3)), np.ones((5, 3))).value)
    assert math.isnan(ipsative_stability(np.ones((5, 3)), np.ones((5, 3))).value)


def test_few_personas_and_perfect_stability_get_no_interval():
    assert "use at least 10" in rank_order_stability(C1, C2).warnings[0]
    a, _ = contexts(4)
    assert rank_order_stability(a, a).interval is None
    assert ipsative_stability(a, a).value == pytest.approx(1)


def test_controllability_by_hand_with_each_perspectives_value():
    found = perspective_controllability([[0.9, 0.2, 0.3], [0.1, 0.8, 0.3]], [0, [1]])
    assert found.value == pytest.approx(0.625)
    assert found.baselines == pytest.approx({"perspective 0": 0.65, "perspective 1": 0.60})
    assert found.interval is None


def test_replicates_give_an_interval_over_replicates():
    scores = np.random.default_rng(5).uniform(size=(30, 3, 5))
    found = perspective_controllability(scores, [[0, 1], 2, 3])
    assert found.n_units == 30
    assert found.interval[0] < 0 < found.interval[1]
    assert found.value == pytest.approx(perspective_controllability(scores.mean(axis=0), [[0, 1], 2, 3]).value)


@pytest.mark.parametrize(
    ("scores", "targets", "error", "says"),
    [
        ([[0.5, 4.0]], [0], DataError, "scaled to 0 to 1"),
        ([[0.5, 0.4]], [[0, 1]], DesignError, "leave others"),
        ([[0.5, 0.4]], [2], DataError, "none of the 2 columns"),
        ([[0.5, 0.4]], [0, 1], DataError, "2 targets for 1"),
    ],
)
def test_controllability_refuses_what_has_no_meaning(scores, targets, error, says):
    with pytest.raises(error, match=says):
        perspective_controllability(scores, targets)


def test_contexts_must_match_and_be_complete():
    with pytest.raises(DataError, match="shapes"):
        rank_order_stability(C1, C2[:3])
    with pytest.raises(MissingDataError, match="context b"):
        ipsative_stability(C1, [[1, 2, math.nan]] * 4)
    with pytest.raises(DesignError, match="personas"):
        rank_order_stability(C1[:2], C2[:2])
    with pytest.raises(DesignError, match="values"):
        ipsative_stability([[1, 2], [2, 1]], [[1, 2], [2, 1]])


def test_profiles_that_are_kept_but_for_rounding_have_no_interval():
    a = np.random.default_rng(3).random((15, 3))
    found = ipsative_stability(a, 0.1 * a + 0.3)
    assert found.value == pytest.approx(1.0)
    assert found.interval is None
    assert "no interval" in found.warnings[0]
