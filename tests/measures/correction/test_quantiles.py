import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures import Sampling, ppi_quantile
from validation.corrected_designs import quantile_covers


def test_useless_predictions_leave_the_order_statistics():
    # Wilson's interval for a share of k in 41 holds 1/2 for k from 15 to 26.
    y = np.arange(1.0, 42.0)
    found = ppi_quantile(y, np.zeros(41), np.zeros(400))
    assert found.value == 21
    shares = np.arange(1, 42) / 41
    z2 = 1.959964**2 / 41
    reach = np.sqrt(z2 * (z2 / 4 + shares * (1 - shares)))
    kept = y[np.abs(shares + z2 / 2 - 0.5 * (1 + z2)) <= reach]
    # The share may be 1/2 up to the next answer after the last that is kept.
    assert found.interval == (kept[0], kept[-1] + 1)
    assert found.tuning == 0
    assert "buys nothing" in " ".join(found.warnings)


def test_predictions_that_are_right_give_the_quantile_of_everybody():
    rng = np.random.default_rng(1)
    y = rng.gamma(1.0, size=4000)
    found = ppi_quantile(y[:100], y[:100], y[100:], q=0.75)
    assert found.value == pytest.approx(np.quantile(y[100:], 0.75), abs=0.05)
    assert found.effective_n > 1000
    assert found.interval[0] < -math.log(0.25) < found.interval[1]


@given(st.integers(0, 10**6), st.floats(0.2, 0.8))
@settings(max_examples=15, deadline=None)
def test_quantiles_move_with_increasing_transformations(seed, q):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=240)
    f = y + rng.normal(size=240)
    found, moved = (ppi_quantile(g(y[:40]), g(f[:40]), g(f[40:]), q=q) for g in (lambda v: v, np.exp))
    assert moved.value == pytest.approx(math.exp(found.value))
    assert moved.interval == pytest.approx(tuple(math.exp(limit) for limit in found.interval))
    assert found.interval[0] <= found.value <= found.interval[1]


def test_weights_and_clusters_are_taken():
    rng = np.random.default_rng(2)
    y = np.repeat(rng.normal(size=60), 5) + 0.1 * rng.normal(size=300)
    f = y + rng.normal(size=300)
    people = [k // 5 for k in range(300)]
    sampling = Sampling(cluster=people[:150], cluster_unlabelled=people[150:])
    clustered = ppi_quantile(y[:150], f[:150], f[150:], sampling=sampling)
    plain = ppi_quantile(y[:150], f[:150], f[150:])
    assert np.ptp(clustered.interval) > 1.3 * np.ptp(plain.interval)
    assert clustered.n_clusters == 30


def test_quantiles_that_are_none_are_refused():
    y = np.arange(20.0)
    with pytest.raises(DesignError, match="quantile 1 is not between"):
        ppi_quantile(y, y, y, q=1)
    with pytest.raises(DataError, match="all labelled answers are 3"):
        ppi_quantile([3.0] * 20, y, y)
    assert ppi_quantile(y[:5], y[:5], y).interval is None
    far = ppi_quantile(y, y, y, q=0.99)
    assert far.interval is None
    assert "too few for limits of the 0.99 quantile" in far.warnings[0]


@pytest.mark.slow
@pytest.mark.parametrize("q", [0.5, 0.9])
def test_the_interval_holds_for_skewed_answers(q):
    share = np.mean([quantile_covers(np.random.default_rng(k), 50, q=q) for k in range(200)])
    assert 0.92 <= share <= 0.99
