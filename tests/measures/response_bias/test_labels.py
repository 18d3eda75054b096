import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.response_bias.labels import a_bias, contextual_calibration, pride

SHARES = st.integers(2, 6).flatmap(lambda k: st.lists(st.floats(0.02, 1), min_size=k, max_size=k))


def shares_of(values) -> np.ndarray:
    return np.array(values) / sum(values)


def test_a_bias_of_published_shares():
    found = a_bias([0.5, 0.2, 0.2, 0.1])
    assert found.value == pytest.approx(0.25)
    assert found.interval is None is found.p_value


def test_counts_bring_the_chi_squared_test_of_all_labels():
    found = a_bias({"A": 50, "B": 20, "C": 20, "D": 10})
    assert (found.statistic, found.p_value) == pytest.approx(stats.chisquare([50, 20, 20, 10]))
    assert found.interval == pytest.approx((0.154, 0.346), abs=5e-4)
    assert 0 < found.baselines["noise_floor"] < 0.05


@given(values=SHARES, seed=st.integers(0, 99))
def test_a_bias_is_bounded_and_ignores_the_order_of_the_other_labels(values, seed):
    found = a_bias(values)
    k = len(values)
    assert 0 <= found.value <= 1 - 1 / k
    others = np.random.default_rng(seed).permutation(values[1:])
    assert a_bias([values[0], *others]).value == pytest.approx(found.value)


def test_bias_away_from_the_first_label_is_bias_and_the_estimand_says_which():
    assert a_bias([0, 10]).value == 0.5
    assert "below" in a_bias([0, 10]).estimand
    assert "above" in a_bias([10, 0]).estimand


def test_an_interval_that_reaches_no_bias_begins_at_zero():
    assert a_bias([26, 25, 24, 25]).interval[0] == 0
    assert a_bias([5, 45, 25, 25]).interval[0] > 0


def test_rows_are_clusters_with_hotellings_test():
    rng = np.random.default_rng(1)
    rows = rng.dirichlet([6, 2, 2], 40)
    found = a_bias(rows)
    gaps = rows[:, 1:] - 1 / 3
    t2 = 40 * gaps.mean(axis=0) @ np.linalg.solve(np.cov(gaps.T), gaps.mean(axis=0))
    assert found.p_value == pytest.approx(stats.f.sf(t2 * 38 / (39 * 2), 2, 38))
    assert found.value == pytest.approx(rows[:, 0].mean() - 1 / 3)
    assert found.interval[0] < found.value < found.interval[1]
    assert found.n_units == 40


def test_few_rows_have_no_interval_and_rows_alike_no_test():
    assert a_bias([[3, 1], [2, 2]]).interval is None
    found = a_bias([[3, 1]] * 10)
    assert found.interval is None is found.p_value
    assert "do not vary" in found.warnings[0]


def test_few_expected_answers_make_the_test_rough():
    assert "below 5" in a_bias([3, 2, 4]).warnings[0]


@pytest.mark.parametrize(
    ("shares", "error"),
    [
        ([1.0], DataError),
        ([0, 0], DataError),
        ([-1, 2], DataError),
        ([math.nan, 1], MissingDataError),
        (["a", "b"], DataError),
        (np.ones((2, 2, 2)), DataError),
    ],
)
def test_what_holds_no_shares_is_refused(shares, error):
    with pytest.raises(error):
        a_bias(shares)


def test_contextual_calibration_by_hand():
    found = contextual_calibration([0.6, 0.4], [0.7, 0.3])
    assert found.probs == pytest.approx([0.3913043, 0.6086957], abs=5e-8)
    assert "one content-free input" in found.warnings[0]


@given(p=SHARES, seed=st.integers(0, 99))
def test_calibration_leaves_uniform_priors_alone_and_flattens_the_content_free_input(p, seed):
    p = shares_of(p)
    k = len(p)
    assert contextual_calibration(p, np.full(k, 1 / k)).probs == pytest.approx(p)
    assert contextual_calibration(p, p).probs == pytest.approx(np.full(k, 1 / k))
    order = np.random.default_rng(seed).permutation(k)
    free = np.linspace(1, 2, k) / np.linspace(1, 2, k).sum()
    assert contextual_calibration(p[order], free[order]).probs == pytest.approx(
        contextual_calibration(p, free).probs[order]
    )


def test_several_content_free_inputs_are_averaged_and_their_spread_kept():
    found = contextual_calibration([[0.6, 0.4], [1.0, 0.0]], [[0.8, 0.2], [0.6, 0.4]])
    assert found.prior == pytest.approx([0.7, 0.3])
    assert found.prior_sd == pytest.approx([np.std([0.8, 0.6], ddof=1)] * 2)
    assert found.probs == pytest.approx(np.array([[0.3913043, 0.6086957], [1, 0]]), abs=5e-8)


def test_a_label_without_content_free_probability_cannot_be_divided_out():
    with pytest.raises(DataError, match="content-free"):
        contextual_calibration([0.6, 0.4], [1.0, 0.0])
    with pytest.raises(DataError, match="sum to 1"):
        contextual_calibration([6, 4], [0.5, 0.5])
    with pytest.raises(DataError, match="same labels"):
        contextual_calibration([0.6, 0.4], [0.5, 0.3, 0.2])


def permuted(prior: np.ndarray, content: np.ndarray) -> np.ndarray:
    """Label probabilities under the cyclic permutations of a content."""
    rows = np.array([prior * np.roll(content, -t) for t in range(len(prior))])
    return rows / rows.sum(axis=1, keepdims=True)


@given(prior=SHARES, seed=st.integers(0, 99))
def test_pride_recovers_prior_and_content_where_they_multiply(prior, seed):
    prior = shares_of(prior)
    contents = np.random.default_rng(seed).dirichlet(np.full(len(prior), 2.0), 3) + 0.01
    contents /= contents.sum(axis=1, keepdims=True)
    turned = np.array([permuted(prior, content) for content in contents])
    found = pride(turned[:, 0], turned)
    assert found.prior == pytest.approx(prior, abs=1e-9)
    assert found.probs == pytest.approx(contents, abs=1e-9)
    assert found.prior_sd == pytest.approx(np.zeros(len(prior)), abs=1e-9)


def test_pride_beats_the_plain_average_over_permutations():
    prior, content = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.5, 0.3])
    turned = permuted(prior, content)
    average = np.mean([np.roll(row, t) for t, row in enumerate(turned)], axis=0)
    assert average == pytest.approx([0.2071307, 0.4881154, 0.3047538], abs=5e-8)
    assert pride(turned[0], turned).probs == pytest.approx(content)


def test_pride_debiases_items_that_were_never_permuted():
    prior = np.array([0.6, 0.4])
    found = pride([[0.6, 0.4], [0.75, 0.25]], [permuted(prior, np.array([0.3, 0.7]))] * 5)
    assert found.probs == pytest.approx(np.array([[0.5, 0.5], [2 / 3, 1 / 3]]))
    assert found.warnings == ()
    assert found.n_estimation == 5


def test_a_prior_from_few_items_is_warned_of():
    assert "1 items" in pride([0.6, 0.4], [[0.6, 0.4], [0.5, 0.5]]).warnings[0]


def test_permutations_that_cannot_be_balanced_are_refused():
    with pytest.raises(DesignError, match="3 permutations of 2"):
        pride([0.6, 0.4], [[0.6, 0.4]] * 3)
    with pytest.raises(DataError, match="logarithm"):
        pride([0.6, 0.4], [[1.0, 0.0], [0.5, 0.5]])
    with pytest.raises(DataError, match="same labels"):
        pride([0.6, 0.4], np.full((3, 3), 1 / 3))
