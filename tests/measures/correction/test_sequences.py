import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.measures import Sampling, ppi_mean, ppi_sequence
from validation.corrected_designs import sequence_covers


def pool(seed, n=200, n_others=800):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n + n_others)
    f = y + rng.normal(size=n + n_others)
    return y[:n], f[:n], f[n:]


def test_the_width_is_robbins_mixture():
    # y alternates, so its variance is known: t / (t - 1) / 4 at even t; predictions say nothing.
    y = np.tile([0.0, 1.0], 100)
    found = ppi_sequence(y, np.zeros(200), np.zeros(100), tightest_at=100)
    rho2, t = 8.2120 / 100, 100  # the root of exp(v) = (1 + v) / .05^2 is 8.2120
    assert math.exp(8.2120) == pytest.approx(9.2120 / 0.0025, rel=1e-3)
    wide = math.sqrt(2 * (t * rho2 + 1) / (t**2 * rho2) * math.log(math.sqrt(t * rho2 + 1) / 0.05))
    half = (found.high[t - 1] - found.low[t - 1]) / 2
    assert half == pytest.approx(wide * math.sqrt(t / (t - 1) / 4), rel=1e-3)


@given(st.integers(0, 10**6), st.floats(-50, 50), st.floats(0.1, 10))
@settings(max_examples=15, deadline=None)
def test_what_comes_later_changes_nothing_before_and_shifts_move_with_it(seed, shift, scale):
    y, f, u = pool(seed)
    found = ppi_sequence(y, f, u)
    earlier = ppi_sequence(y[:150], f[:150], np.concatenate([f[150:], u]))
    np.testing.assert_allclose(earlier.low[20:], found.low[20:150])
    moved = ppi_sequence(y * scale + shift, f * 3 + 1, u * 3 + 1)
    if (found.tunings < 1).all() and scale < 3:
        np.testing.assert_allclose(moved.values, found.values * scale + shift, atol=1e-6)


def test_it_is_longer_than_an_interval_for_one_time_and_shorter_than_without_predictions():
    y, f, u = pool(1)
    found = ppi_sequence(y, f, u)
    once = ppi_mean(y, f, u)
    assert 1.3 < np.ptp(found.last.interval) / np.ptp(once.interval) < 1.9
    alone = ppi_sequence(y, 0 * f, 0 * u)
    assert np.ptp(found.last.interval) < np.ptp(alone.last.interval)
    assert found.first_below(0.3) < alone.first_below(0.3)
    assert found.first_below(0.001) is None
    assert np.isnan(found.low[:19]).all()
    assert found.tunings[:10].tolist() == [0] * 10


def test_too_few_answers_have_no_interval():
    y, f, u = pool(2, n=15)
    last = ppi_sequence(y, f, u).last
    assert last.interval is None
    assert "begins at 20" in last.warnings[0]
    with pytest.raises(DesignError, match="at least 10 answers"):
        ppi_sequence(y, f, u, first=5)


@pytest.mark.slow
@pytest.mark.parametrize("is_binary", [False, True])
def test_it_holds_at_all_times_at_once(is_binary):
    share = np.mean([sequence_covers(np.random.default_rng(k), 500, is_binary=is_binary) for k in range(300)])
    assert share >= 0.92


def test_weights_that_are_all_alike_change_nothing():
    y, f, u = pool(3)
    found = ppi_sequence(y, f, u, sampling=Sampling(weights=[3.0] * 200, weights_unlabelled=[3.0] * 800))
    np.testing.assert_allclose(found.values, ppi_sequence(y, f, u).values)
    np.testing.assert_allclose(found.high, ppi_sequence(y, f, u).high)


def test_clusters_of_one_are_people_and_doubles_are_asked_once():
    y, f, u = pool(4)
    plain = ppi_sequence(y, f, u)
    one = ppi_sequence(y, f, u, sampling=Sampling(cluster=range(200), cluster_unlabelled=range(200, 1000)))
    np.testing.assert_allclose(one.values, plain.values)
    twice = Sampling(cluster=np.repeat(range(200), 2), cluster_unlabelled=np.repeat(range(200, 1000), 2))
    both = ppi_sequence(np.repeat(y, 2), np.repeat(f, 2), np.repeat(u, 2), sampling=twice)
    np.testing.assert_allclose(both.values, plain.values)
    np.testing.assert_allclose(both.low, plain.low)
    assert (both.last.n_units, both.last.n_clusters) == (400, 200)


def test_a_weighted_sequence_is_about_the_weighted_mean_of_the_pool():
    rng = np.random.default_rng(6)
    z = rng.normal(size=4000)
    w, y, f = np.exp(0.6 * z), z + 0.5 * rng.normal(size=4000), z + 0.6
    drawn = Sampling(weights=w[:3000], weights_unlabelled=w[3000:])
    found = ppi_sequence(y[:3000], f[:3000], f[3000:], sampling=drawn)
    low, high = found.last.interval
    assert low < np.average(y, weights=w) < high
    assert y.mean() < low
    # The centre is taken out: unequal weights of numbers far from 0 cost no more than of numbers about it.
    far = ppi_sequence(
        y[:3000] + 50, f[:3000], f[3000:], sampling=Sampling(weights=w[:3000], weights_unlabelled=w[3000:])
    )
    assert np.ptp(far.last.interval) < 3 * np.ptp(found.last.interval)


def test_a_cluster_is_asked_whole_and_at_a_stretch():
    y, f, u = pool(5, n=40, n_others=40)
    with pytest.raises(DesignError, match="row 20: a cluster comes back"):
        ppi_sequence(y, f, u, sampling=Sampling(cluster=[*range(20)] * 2, cluster_unlabelled=range(50, 90)))
    with pytest.raises(DesignError, match="clusters of one part"):
        ppi_sequence(y, f, u, sampling=Sampling(cluster=[*range(40)]))
    with pytest.raises(DesignError, match="labelled and unlabelled"):
        ppi_sequence(y, f, u, sampling=Sampling(cluster=[*range(40)], cluster_unlabelled=range(39, 79)))
