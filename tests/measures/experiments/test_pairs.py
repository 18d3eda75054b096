import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.experiments.differences import difference_in_means
from proband.measures.experiments.pairs import paired_difference

A = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1]
B = [1, 0, 0, 1, 0, 0, 1, 1, 0, 0]
PAIRS = st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=3, max_size=30).filter(
    lambda pairs: np.std([a - b for a, b in pairs]) > 1e-3
)
BITS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=40)


def test_paired_reference_values():
    found = paired_difference(A, B)
    assert found.value == pytest.approx(0.3)
    assert found.se == pytest.approx(0.1527525, abs=5e-8)
    assert difference_in_means(A, B).se == pytest.approx(0.2236068, abs=5e-8)
    assert found.p_value == 0.25  # McNemar, 3 against 0


def test_a_published_interval_of_paired_shares():
    # 12 neither, 4 only b, 26 only a, 6 both: the worked example of R's statpsych::ci.prop.ps.
    a, b = [0] * 12 + [0] * 4 + [1] * 26 + [1] * 6, [0] * 12 + [1] * 4 + [0] * 26 + [1] * 6
    assert paired_difference(a, b).interval == pytest.approx((0.2548067, 0.6251933), abs=5e-8)


@given(pairs=PAIRS)
def test_the_interval_and_test_are_those_of_students_paired_t(pairs):
    a, b = zip(*pairs, strict=True)
    found, expected = paired_difference(a, b), stats.ttest_rel(a, b)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)
    low, high = expected.confidence_interval()
    assert found.interval == pytest.approx((low, high), abs=1e-9)


@given(pairs=BITS)
def test_zeros_and_ones_are_tested_by_mcnemars_exact_test(pairs):
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    ups, downs = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    found = paired_difference(a, b)
    expected = mcnemar([[0, ups], [downs, 0]], exact=True).pvalue if ups + downs else 1
    assert found.p_value == pytest.approx(expected)
    assert -1 <= found.interval[0] < found.interval[1] <= 1
    swapped = paired_difference(b, a)
    assert swapped.interval == pytest.approx((-found.interval[1], -found.interval[0]))


def test_units_are_joined_by_key_whatever_their_order():
    a = {f"item {k}": 0.1 * k for k in range(6)}
    b = dict(reversed([(f"item {k}", 0.5 if k % 2 else 0.2) for k in range(6)]))
    found = paired_difference(a, {**b, "item 9": 1.0})
    assert found.value == pytest.approx(paired_difference(list(a.values()), [0.2, 0.5] * 3).value)
    assert found.n_missing == 1
    assert "1 units are on one side only" in found.warnings[0]


def test_clusters_of_pairs_have_the_variance_of_a_clustered_mean():
    rng = np.random.default_rng(1)
    a, b, text = rng.normal(size=20), rng.normal(size=20), np.repeat(np.arange(10), 2)
    found, expected = paired_difference(a, b, cluster=text), clustered_mean(a - b, text)
    assert (found.se, found.df) == pytest.approx((expected.se, expected.df))
    keyed = paired_difference(dict(enumerate(a)), dict(enumerate(b)), cluster=dict(enumerate(text)))
    assert keyed.interval == pytest.approx(found.interval)


def test_differences_that_do_not_vary_have_no_interval():
    found = paired_difference([1.5, 2.5, 3.5], [1, 2, 3])
    assert (found.value, found.interval, found.p_value) == (0.5, None, None)
    assert "do not vary" in found.warnings[0]


def test_binary_scores_that_never_differ_still_have_an_interval():
    found = paired_difference([1, 0, 1, 1], [1, 0, 1, 1])
    assert found.value == 0
    assert found.interval[0] < 0 < found.interval[1]
    assert found.p_value == 1


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        ([1], [2], DesignError, "1 pairs"),
        ([1, 2], [1, 2, 3], DataError, "2 scores of a and 3 of b"),
        ({"x": 1}, [1], DataError, "one side is keyed"),
        ({"x": 1}, {"y": 1}, DataError, "no unit is on both sides"),
        ([1, math.nan], [1, 2], MissingDataError, "scores of a"),
        ({"x": 1, "y": 2}, {"x": 1, "y": None}, MissingDataError, "scores of b"),
    ],
)
def test_what_makes_no_pairs_is_refused(a, b, error, message):
    with pytest.raises(error, match=message):
        paired_difference(a, b)


@pytest.mark.parametrize(
    ("clusters", "error", "message"),
    [
        (["x", "x", "x"], DesignError, "one cluster"),
        (["x", "y"], DataError, "2 cluster labels for 3 pairs"),
        ({0: "x", 1: "y"}, MissingDataError, "1 units have no cluster"),
    ],
)
def test_clusters_that_carry_no_variance_are_refused(clusters, error, message):
    with pytest.raises(error, match=message):
        paired_difference([1, 2, 3], [3, 1, 2], cluster=clusters)


def test_clusters_by_position_do_not_go_with_units_left_out():
    with pytest.raises(DataError, match="clusters by unit"):
        paired_difference({"x": 1, "y": 2, "z": 1}, {"x": 1, "y": 1}, cluster=["a", "b"])
