import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures import clustered_correlation, disattenuated, multitrait_multimethod, retest


@given(st.integers(0, 10**6), st.integers(12, 40), st.floats(-3, 3))
@settings(deadline=None, max_examples=40)
def test_without_clusters_it_is_the_correlation_that_retest_gives(seed, n, slope):
    x, noise = np.random.default_rng(seed).normal(size=(2, n))
    y = slope * x + noise
    found, known = clustered_correlation(x, y), retest(x.tolist(), y.tolist(), target="data").correlation
    assert found.value == pytest.approx(known.value, abs=1e-9)
    np.testing.assert_allclose(found.interval, known.interval, atol=1e-7)


def test_texts_of_one_author_widen_the_interval():
    rng = np.random.default_rng(1)
    x, authors = np.repeat(rng.normal(size=15), 10), np.repeat(range(15), 10).tolist()
    y = x + np.repeat(rng.normal(size=15), 10)
    width = [np.diff(clustered_correlation(x, y, cluster=of).interval)[0] for of in (None, authors)]
    assert width[1] > 2 * width[0]


def test_what_does_not_vary_has_no_correlation_and_says_so():
    found = clustered_correlation([1, 1, 1, 1], [1, 2, 3, 4])
    assert math.isnan(found.value)
    assert "does not vary" in found.warnings[0]


def test_errors_of_measurement_are_taken_off_and_their_assumption_said():
    r = clustered_correlation(list(range(20)), [k + (-3) ** (k % 3) for k in range(20)])
    found = disattenuated(r, [0.81])
    assert found.value == pytest.approx(r.value / 0.9)
    assert "known without error" in found.assumptions[-1]
    assert "above 1" in disattenuated(r, [0.5, 0.5]).warnings[-1]
    with pytest.raises(DesignError, match="above 0"):
        disattenuated(r, [-0.2])


def test_a_table_of_traits_and_methods_tells_what_pairs_share_and_counts_who_is_missing():
    scores = {"joy scale": [1, 2, 3, 4, 5], "joy text": [1, 2, 4, 3, None], "anger text": [2, 1, 2, 2, 1]}
    traits = {"joy scale": "joy", "joy text": "joy", "anger text": "anger"}
    methods = {"joy scale": "scale", "joy text": "text", "anger text": "text"}
    found = multitrait_multimethod(scores, traits, methods)
    assert [(pair.first, pair.same) for pair in found] == [
        ("joy scale", "trait"), ("joy text", "method"), ("joy scale", "neither"),
    ]  # fmt: skip
    assert found[0].correlation.n_missing == 1
    assert found[0].correlation.value == pytest.approx(0.8)
    with pytest.raises(DataError, match="no trait"):
        multitrait_multimethod(scores, {}, methods)


@pytest.mark.slow
def test_the_interval_of_a_clustered_correlation_covers():
    rng, covered = np.random.default_rng(3), 0
    for _ in range(500):
        shared, authors = rng.normal(size=(40, 2)), np.repeat(range(40), 3)
        x = shared[authors, 0] + rng.normal(size=120)
        y = shared[authors, 0] + 0.8 * shared[authors, 1] + rng.normal(size=120)
        low, high = clustered_correlation(x, y, cluster=authors.tolist()).interval
        covered += low <= 1 / math.sqrt(2 * 2.64) <= high
    assert 0.92 <= covered / 500 <= 0.98
