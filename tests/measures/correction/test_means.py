import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import share_estimates
from proband.measures.correction.estimates import share_limits
from proband.measures.correction.means import ppi_difference, ppi_mean
from proband.measures.correction.samples import Sampling


def made_up(seed=1, n=40, n_unlabelled=400, rho=0.7):
    """Normal answers and predictions that correlate with them."""
    rng = np.random.default_rng(seed)
    y, f = rng.standard_normal((2, n + n_unlabelled))
    f = 1 + rho * y + math.sqrt(1 - rho**2) * f
    return y[:n], f[:n], f[n:]


def test_with_full_trust_the_unlabelled_mean_is_corrected_by_the_mean_error():
    # mean(u) = 2.5, mean(y - f) = 0.25; predictions as good as these are trusted fully.
    found = ppi_mean([1, 2, 3, 4], [1, 2, 3, 3], [2, 2, 3, 3] * 10, small_sample="paper")
    assert (found.value, found.tuning) == (2.75, 1.0)
    # var(u) / N = .25 / 40 and var(y - f) / n = .1875 / 4, both divided by n.
    assert found.se == pytest.approx(math.sqrt(0.25 / 40 + 0.1875 / 4))


def test_the_default_is_the_published_estimate_with_small_sample_corrections():
    y, f, u = made_up()
    found = ppi_mean(y, f, u)
    n, n_u = len(y), len(u)
    tuning = np.cov(y, f)[0, 1] / (f.var(ddof=1) + n / n_u * u.var(ddof=1))
    assert found.tuning == pytest.approx(tuning)
    assert found.value == pytest.approx(tuning * u.mean() + (y - tuning * f).mean())
    rest = y - tuning * f
    shrunk = f.var(ddof=1) / (f.var(ddof=1) + n / n_u * u.var(ddof=1))
    leverage = 1 / n + (shrunk * (u.mean() - f.mean())) ** 2 / ((f - f.mean()) ** 2).sum()
    left = ((rest - rest.mean()) ** 2).sum() / (n - 2) * leverage
    right = tuning**2 * u.var(ddof=1) / n_u
    assert found.se == pytest.approx(math.sqrt(left + right))
    df = (left + right) ** 2 / (left**2 / (n - 2) + right**2 / (n_u - 1))
    assert found.interval[1] == pytest.approx(found.value + stats.t.ppf(0.975, df) * found.se)


def test_without_trust_the_estimate_is_the_t_interval_of_the_answers():
    y, f, u = made_up()
    found = ppi_mean(y, -f, -u)
    assert found.tuning == 0
    interval = stats.t.interval(0.95, len(y) - 1, y.mean(), stats.sem(y))
    assert found.interval == pytest.approx(interval)
    assert found.interval == found.classical.interval
    assert "the model buys nothing" in found.warnings[0]


def test_without_trust_a_share_has_the_interval_of_any_share():
    y = [1] * 12 + [0] * 8
    found = ppi_mean(y, [0.5] * 20, [0.5] * 100)
    assert found.interval == pytest.approx(share_estimates(y, 2, target="human")[1].interval)
    assert found.warnings[0].startswith("answers or predictions do not vary: the model buys nothing")


def test_an_anticorrelated_model_is_left_out():
    y, f = [1, 0, 1, 1, 0, 1, 0, 1], [0.1, 0.8, 0.3, 0.2, 0.6, 0.4, 0.9, 0.3]
    found = ppi_mean(y, f, [0.2, 0.7] * 20, small_sample="paper")
    assert (found.tuning, found.value) == (0.0, 5 / 8)


def test_predictions_that_are_the_truth_leave_only_the_unlabelled_error():
    rng = np.random.default_rng(1)
    y, u = rng.standard_normal(30), rng.standard_normal(100_000)
    found = ppi_mean(y, y, u)
    assert found.tuning == pytest.approx(1, abs=0.001)
    assert found.se < 0.1 * found.classical.se
    assert found.effective_n > 100 * 30


@given(st.integers(0, 10**6), st.floats(-5, 5), st.floats(0.1, 10))
@settings(max_examples=25)
def test_estimates_move_with_shift_and_scale_and_ignore_order(seed, shift, scale):
    y, f, u = made_up(seed, n=15, n_unlabelled=60, rho=0.5)
    found, moved = ppi_mean(y, f, u), ppi_mean(y * scale + shift, f * scale + shift, u * scale + shift)
    assert moved.value == pytest.approx(found.value * scale + shift, abs=1e-8)
    assert moved.se == pytest.approx(found.se * scale)
    assert moved.tuning == pytest.approx(found.tuning, abs=1e-9)
    assert 0 <= found.tuning <= 1
    assert ppi_mean(y, f + 7, u + 7).value == pytest.approx(found.value, abs=1e-8)
    order = np.random.default_rng(seed).permutation(15)
    assert ppi_mean(y[order], f[order], u[::-1]).interval == pytest.approx(found.interval)


@given(st.integers(0, 10**6), st.floats(-1, 1))
@settings(max_examples=25)
def test_the_interval_is_never_much_wider_than_the_classical_one(seed, rho):
    y, f, u = made_up(seed, n=30, n_unlabelled=300, rho=rho)
    found = ppi_mean(y, f, u)
    width, classical = np.diff(found.interval)[0], np.diff(found.classical.interval)[0]
    assert width <= 1.05 * classical


def test_predictions_of_pure_noise_come_with_a_note_that_they_buy_nothing():
    rng = np.random.default_rng(3)
    found = ppi_mean(rng.standard_normal(50), rng.standard_normal(50), rng.standard_normal(500))
    assert any("the model buys nothing" in said for said in found.warnings)


@pytest.mark.parametrize("n_ones", [0, 1, 3])
def test_rare_answers_have_an_interval_within_zero_and_one(n_ones):
    y = np.array([1.0] * n_ones + [0.0] * (20 - n_ones))
    f = np.linspace(0.5, 0, 20)
    low, high = ppi_mean(y, f, np.linspace(0, 0.5, 500)).interval
    assert 0 <= low < high <= 1
    assert high > 0.1


def test_with_fewer_than_five_events_the_model_is_left_out_and_a_note_says_why():
    y = np.array([1.0] * 4 + [0.0] * 46)
    found = ppi_mean(y, 0.8 * y, np.linspace(0, 0.3, 300))
    assert found.tuning == 0
    assert found.interval == pytest.approx(share_estimates(y.astype(int), 2, target="human")[1].interval)
    assert found.warnings[0].startswith("4 of 50 labelled answers are of the rarer kind: below 5")


def test_predictions_never_seen_to_be_wrong_are_not_taken_for_the_truth():
    # No labelled prediction is wrong, which 20 labels can show of an error of a few per cent only.
    y = np.array([1.0] * 6 + [0.0] * 14)
    low, high = ppi_mean(y, y, np.array([1.0] * 3000 + [0.0] * 7000)).interval
    assert high - low > 0.1


def test_a_corrected_share_below_zero_keeps_an_interval_within_zero_and_one_or_has_none():
    near = share_limits(-0.02, 30, 2.0)
    assert near.interval[0] == pytest.approx(0, abs=0.02)
    assert near.warnings == ("the corrected share is -0.020; the interval is within [0, 1]",)
    far = share_limits(-0.5, 30, 2.0)
    assert far.interval is None
    assert "use the classical estimate" in far.warnings[0]


def test_below_ten_labels_there_is_an_estimate_but_no_interval():
    y, f, u = made_up(n=9)
    found = ppi_mean(y, f, u)
    assert found.interval is None
    assert found.warnings[0] == "9 labelled units: below 10 no interval is given; label more people"


def test_no_unlabelled_units_give_the_classical_estimate_and_say_so():
    y, f, _ = made_up()
    found = ppi_mean(y, f, [])
    assert (found.value, found.n_unlabelled) == (pytest.approx(y.mean()), 0)
    assert found.warnings == ("no unlabelled predictions: the model buys nothing, this is the classical estimate",)


def test_answers_that_do_not_vary_have_no_interval():
    found = ppi_mean([3.0] * 12, np.arange(12.0), np.arange(50.0))
    assert found.interval is None
    assert found.warnings[0] == "the human answers do not vary: there is no interval"


def test_skewed_answers_in_a_small_sample_come_with_a_warning():
    y = np.array([0.1] * 19 + [50.0])
    assert "few of 20 labelled units carry the estimate" in ppi_mean(y, np.zeros(20), np.zeros(9)).warnings[0]


@pytest.mark.parametrize(
    ("arrays", "error", "said"),
    [
        (([1, math.nan], [1, 2], [1]), MissingDataError, "1 of 2 labelled are missing, first in row 1"),
        (([1, 2], [1], [1]), DataError, "2 labelled answers and 1 predictions of them"),
        (([1, math.inf], [1, 2], [1]), DataError, "infinite"),
        ((["yes", "no"], [1, 2], [1]), DataError, "labelled must be numbers"),
        (([1], [1], [1]), DesignError, "1 labelled units"),
    ],
)
def test_values_that_cannot_be_used_are_refused_with_their_place(arrays, error, said):
    with pytest.raises(error, match=said):
        ppi_mean(*arrays)


def test_equal_weights_and_clusters_of_one_change_nothing():
    y, f, u = made_up()
    plain = ppi_mean(y, f, u)
    weighted = ppi_mean(y, f, u, sampling=Sampling(weights=[2] * 40, weights_unlabelled=[7] * 400))
    clustered = ppi_mean(y, f, u, sampling=Sampling(cluster=range(40), cluster_unlabelled=range(100, 500)))
    assert weighted.interval == pytest.approx(plain.interval)
    assert clustered.interval == pytest.approx(plain.interval)


def test_a_cluster_in_both_samples_is_refused():
    y, f, u = made_up()
    with pytest.raises(DesignError, match=r"cluster 3 has labelled and unlabelled units.*use dsl_mean"):
        ppi_mean(y, f, u, sampling=Sampling(cluster=range(40), cluster_unlabelled=[3] * 200 + [99] * 200))


def test_answers_repeated_within_clusters_count_once():
    y, f, u = made_up()
    once = ppi_mean(y, f, u)
    clusters = np.repeat(np.arange(40), 5)
    found = ppi_mean(np.repeat(y, 5), np.repeat(f, 5), u, sampling=Sampling(cluster=clusters.tolist()))
    assert found.se == pytest.approx(once.se, rel=0.02)
    assert (found.n_units, found.n_clusters) == (200, 40)


def test_the_published_method_is_too_short_in_small_samples():
    covered = []
    for k in range(600):
        rng = np.random.default_rng(k)
        y, u = rng.standard_normal(20), rng.standard_normal(1000)
        f, g = 0.6 * y + 0.8 * rng.standard_normal(20), 0.6 * u + 0.8 * rng.standard_normal(1000)
        low, high = ppi_mean(y, f, g, small_sample="paper").interval
        covered.append(low <= 0 <= high)
    assert np.mean(covered) < 0.94


def test_a_difference_of_means_is_welchs_when_the_model_is_left_out():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal(20), 2 * rng.standard_normal(35)
    found = ppi_difference((a, b), (np.zeros(20), np.zeros(35)), ([0.0] * 9, [0.0] * 9))
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert found.p_value == pytest.approx(welch.pvalue)
    assert found.interval == pytest.approx(tuple(welch.confidence_interval()))


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_at_a_limit_of_its_interval_a_difference_has_a_p_value_of_five_per_cent(seed):
    (a, fa, ua), (b, fb, ub) = made_up(seed, n=15), made_up(seed + 1, n=25)
    limit = ppi_difference((a, b), (fa, fb), (ua, ub)).interval[0]
    moved = ppi_difference((a - limit, b), (fa - limit, fb), (ua - limit, ub))
    assert moved.p_value == pytest.approx(0.05)


def test_a_difference_of_shares_is_newcombes():
    # Newcombe (1998), method 10, 56/70 and 48/80.
    a, b = [1] * 56 + [0] * 14, [1] * 48 + [0] * 32
    found = ppi_difference((a, b), ([0.0] * 70, [0.0] * 80), ([0.0] * 5, [0.0] * 5))
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.p_value is None


def test_swapping_the_arms_turns_the_sign():
    (a, fa, ua), (b, fb, ub) = made_up(1), made_up(2)
    one, two = ppi_difference((a, b), (fa, fb), (ua, ub)), ppi_difference((b, a), (fb, fa), (ub, ua))
    assert two.value == pytest.approx(-one.value)
    assert two.interval == pytest.approx((-one.interval[1], -one.interval[0]))
    with pytest.raises(DesignError, match="two arms"):
        ppi_difference((a, b, a), (fa, fb), (ua, ub))
