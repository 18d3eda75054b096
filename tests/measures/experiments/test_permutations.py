import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DesignError
from proband.measures.experiments.differences import Inference, difference_in_means

TREATED, CONTROL = [5, 7, 6, 8], [3, 4, 4, 5]
PERMUTATION = Inference(method="permutation")
SCORES = st.lists(st.integers(0, 9), min_size=2, max_size=5)


def permuted(y1, y0, **design):
    return difference_in_means(y1, y0, inference=PERMUTATION, **design)


def test_the_reference_data_have_four_of_seventy_allocations_as_extreme():
    found = permuted(TREATED, CONTROL)
    assert found.value == 2.5
    assert found.p_value == pytest.approx(4 / 70)
    assert found.interval_method == "all 70 allocations, constant effect"


@given(y1=SCORES, y0=SCORES)
@settings(max_examples=50)
def test_the_p_value_counts_allocations(y1, y0):
    pooled = np.array([*y1, *y0], dtype=float)
    if np.ptp(pooled) == 0:
        return
    differences = []
    for chosen in combinations(range(len(pooled)), len(y1)):
        inside = np.isin(np.arange(len(pooled)), chosen)
        differences.append(pooled[inside].mean() - pooled[~inside].mean())
    observed = abs(np.mean(y1) - np.mean(y0))
    as_extreme = np.mean(np.abs(differences) >= observed - 1e-9)
    found = permuted(y1, y0)
    assert found.p_value == pytest.approx(as_extreme)
    grid = found.p_value * math.comb(len(pooled), len(y1))
    assert grid == pytest.approx(round(grid))


@given(seed=st.integers(0, 200), shift=st.floats(-3, 3))
@settings(max_examples=25)
def test_an_effect_lies_in_the_interval_exactly_if_neither_one_sided_test_rejects_it(seed, shift):
    rng = np.random.default_rng(seed)
    y1, y0 = rng.normal(size=5), rng.normal(size=4)
    found = permuted(y1, y0)
    pooled, n = np.concatenate([y1 - shift, y0]), 9
    observed = pooled[:5].mean() - pooled[5:].mean()
    others = np.array([pooled[list(c)].mean() - np.delete(pooled, list(c)).mean() for c in combinations(range(n), 5)])
    tails = [(others >= observed - 1e-9).mean(), (others <= observed + 1e-9).mean()]
    assert (min(tails) > 0.025) == (found.interval[0] <= shift <= found.interval[1])


def test_many_allocations_are_sampled_and_agree_with_scipy():
    rng = np.random.default_rng(1)
    y1, y0 = rng.normal(0.6, 1, 30), rng.normal(0, 1, 40)
    found = permuted(y1, y0)
    expected = stats.permutation_test(
        (y1, y0), lambda a, b: a.mean() - b.mean(), n_resamples=9999, rng=np.random.default_rng(2)
    )
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.01)
    assert "9,999 random allocations" in found.interval_method
    assert permuted(y1, y0).interval == found.interval
    assert found.interval == pytest.approx(difference_in_means(y1, y0).interval, abs=0.06)


def test_pairs_are_permuted_within_pairs():
    y1, y0 = [3, 5, 2, 8, 6], [1, 4, 1, 5, 3]
    found = permuted(y1, y0, blocks=(range(5), range(5)))
    # All five differences have one sign: 2 of 2^5 allocations.
    assert found.p_value == pytest.approx(2 / 32)
    assert found.interval is None
    assert "too few for an interval" in found.warnings[0]


def test_clusters_are_permuted_as_a_whole():
    y1, y0 = [5, 6, 7, 8, 9, 9], [1, 2, 3, 3, 2, 1]
    found = permuted(y1, y0, cluster=("aabbcc", "ddeeff"))
    assert found.p_value == pytest.approx(2 / 20)
    assert found.n_clusters == 6


def test_one_unit_in_an_arm_is_enough():
    assert permuted([9], list(range(19))).p_value == pytest.approx(1)
    assert permuted([99], list(range(19))).p_value == pytest.approx(1 / 20)


def test_one_treated_unit_among_very_many_is_compared_with_a_sample_of_them():
    few = Inference(method="permutation", n_draws=99)
    found = difference_in_means([99_999], list(range(30_000)), inference=few)
    assert "99 random allocations" in found.interval_method
    assert found.p_value == pytest.approx(1 / 100)


def test_outcomes_without_variance_have_no_test():
    found = permuted([1, 1], [1, 1])
    assert (found.value, found.interval, found.p_value) == (0, None, None)
    assert "do not vary" in found.warnings[0]


def test_arms_of_unequal_size_and_variance_are_warned_of():
    rng = np.random.default_rng(1)
    (warning,) = permuted(rng.normal(0, 4, 10), rng.normal(0, 1, 40)).warnings
    assert "use method='neyman'" in warning
    assert permuted(rng.normal(size=20), rng.normal(size=20)).warnings == ()


def test_an_empty_arm_is_refused():
    with pytest.raises(DesignError, match="no treated units"):
        permuted([], [1, 2])
    with pytest.raises(DesignError, match="block 'y' has no control units"):
        permuted([1, 2, 3], [1, 2], blocks=("xxy", "xx"))


@pytest.mark.parametrize("settings", [{"method": "bayes"}, {"level": 1}, {"n_draws": 9}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(DesignError):
        Inference(**settings)
