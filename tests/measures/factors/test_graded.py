"""Item response models: published estimates, information and abilities, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures import GradedModel, graded_response

# LSAT section 7 (Bock & Lieberman 1970): how often each pattern of five answers was given, 00000 first.
LSAT7 = (
    *(12, 19, 1, 7, 3, 19, 3, 17, 10, 5, 3, 7, 7, 23, 8, 28),
    *(7, 39, 11, 34, 14, 51, 15, 90, 6, 25, 7, 35, 18, 136, 32, 308),
)


def lsat7():
    return np.repeat([[int(digit) for digit in f"{k:05b}"] for k in range(32)], LSAT7, axis=0)


def answered(rng, n, slope=1.5, n_items=5, cuts=(-2, 0, 1.5)):
    return np.digitize(slope * rng.normal(size=(n, 1)) + rng.logistic(size=(n, n_items)), cuts)


def test_estimates_of_the_law_school_test_are_those_of_mirt():
    found = graded_response(lsat7())
    assert round(found.log_likelihood, 3) == -2658.805
    assert np.allclose(found.slopes, [0.988, 1.081, 1.707, 0.765, 0.736], atol=6e-4)
    intercepts = [-a * b[0] for a, b in zip(found.slopes, found.thresholds, strict=True)]
    assert np.allclose(intercepts, [1.856, 0.808, 1.805, 0.486, 1.854], atol=6e-4)
    stands = found.ability([[1] * 5, [0] * 5])
    assert np.allclose(stands.theta, [0.7272, -1.8698], atol=1e-4)
    assert np.allclose(stands.sd, [0.8009, 0.6927], atol=1e-4)


def test_probabilities_of_a_known_item_are_those_by_hand():
    item = GradedModel(slopes=[1.5], thresholds=[[-1, 0, 1]])
    assert np.allclose(item.probabilities(0)[0], [[0.1824255, 0.3175745, 0.3175745, 0.1824255]])


@given(st.floats(0.3, 4), st.floats(-2, 2), st.floats(-3, 3))
def test_information_of_two_answers_is_slope_squared_times_the_variance(slope, threshold, theta):
    item = GradedModel(slopes=[slope], thresholds=[[threshold]])
    p = item.probabilities(theta)[0][0, 1]
    assert item.information(theta)[0, 0] == pytest.approx(slope**2 * p * (1 - p), rel=1e-6)


@settings(max_examples=5)
@given(st.permutations(range(5)), st.integers(0, 100))
def test_order_of_items_and_codes_of_answers_change_no_estimate(order, seed):
    x = answered(np.random.default_rng(seed), 300)
    one, other = graded_response(x), graded_response(10 * x[:, order] - 3)
    assert np.allclose(np.array(one.slopes)[list(order)], other.slopes, atol=1e-3)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-4)


def test_planted_slopes_and_thresholds_are_found():
    found = graded_response(answered(np.random.default_rng(1), 4000), items=list("abcde"))
    assert all(abs(one.value - 1.5) < 4 * one.se for one in found.slope_estimates)
    assert np.allclose(found.thresholds, np.array([-2, 0, 1.5]) / 1.5, atol=0.15)


@pytest.mark.slow
def test_intervals_of_slopes_and_thresholds_cover():
    rng, slopes, thresholds = np.random.default_rng(2), 0, 0
    for _ in range(100):
        found = graded_response(answered(rng, 400))
        low, high = found.slope_estimates[0].interval
        slopes += low <= 1.5 <= high
        thresholds += abs(found.thresholds[0][0] + 2 / 1.5) <= 1.96 * found.threshold_se[0][0]
    assert 90 <= slopes <= 99
    assert 90 <= thresholds <= 99


def test_abilities_hold_their_error_and_odd_answers_show_in_person_fit():
    rng = np.random.default_rng(3)
    model = GradedModel(slopes=[2.0] * 20, thresholds=[[b, b + 0.5] for b in np.linspace(-2, 2, 20)])
    theta = rng.normal(size=500)
    above = rng.logistic(size=(500, 20))
    x = sum((2 * (theta[:, None] - [cuts[k] for cuts in model.thresholds]) > above).astype(int) for k in (0, 1))
    stands = model.ability(x)
    assert np.mean(np.abs(stands.theta - theta) <= 1.96 * stands.sd) == pytest.approx(0.95, abs=0.03)
    assert abs(stands.person_fit.mean()) < 0.3
    assert (model.ability(x[:, ::-1]).person_fit < -2).mean() > 0.5


def test_what_cannot_be_is_refused_with_the_way_out():
    x = answered(np.random.default_rng(4), 300)
    with pytest.raises(DesignError, match=r"thresholds .* do not rise"):
        GradedModel(slopes=[1.0], thresholds=[[1, 0]])
    with pytest.raises(DesignError, match="items 2 do not vary"):
        graded_response(x * [1, 1, 0, 1, 1])
    with pytest.raises(DataError, match="items 0 have slopes of 0 or below: flip"):
        graded_response(x * [-1, 1, 1, 1, 1])
    with pytest.raises(DataError, match="item 0: 9 is no answer the model knows"):
        graded_response(x).ability([[9, 0, 0, 0, 0]])
    with pytest.raises(DataError, match="too many for thresholds"):
        graded_response(np.random.default_rng(1).normal(size=(100, 4)))


def test_an_empty_category_is_said_to_be_none():
    x = answered(np.random.default_rng(5), 300)
    x[:, 1] = np.where(x[:, 1] == 1, 2, x[:, 1])
    found = graded_response(x, items=list("abcde"))
    assert len(found.thresholds[1]) == 2
    assert any("to b: these are no category" in warning for warning in found.warnings)


def test_items_that_double_each_other_are_held_at_the_bound_and_named():
    x = answered(np.random.default_rng(6), 300)
    found = graded_response(np.column_stack([x, x[:, 0]]), items=list("abcdef"))
    assert any("slope of a, f at its bound" in warning for warning in found.warnings)
    assert found.slope_estimates[0].interval is None
