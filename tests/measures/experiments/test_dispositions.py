import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from proband.errors import DataError, DesignError
from proband.measures.experiments.dispositions import disposition_test, missing_difference_bounds

ARMS = {"gain": {"ok": 90, "refused": 10}, "loss": {"ok": 70, "refused": 20, "unparsed": 10}}


def test_the_test_is_pearsons_chi_square():
    found = disposition_test(ARMS).difference
    expected = stats.chi2_contingency([[90, 10, 0], [70, 20, 10]], correction=False)
    assert (found.statistic, found.df) == pytest.approx((expected.statistic, expected.dof))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.n_missing == 40


def test_the_difference_has_newcombes_interval():
    found = disposition_test(ARMS)
    assert found.difference.value == pytest.approx(0.2)
    low, high = confint_proportions_2indep(90, 100, 70, 100, method="newcomb")
    assert found.difference.interval == pytest.approx((low, high))
    assert found.rates["loss"] == {"ok": 0.7, "refused": 0.2, "unparsed": 0.1}


def test_small_counts_are_tested_over_random_tables():
    small = {"a": {"ok": 3, "refused": 0}, "b": {"ok": 0, "refused": 3}}
    found = disposition_test(small, rng=np.random.default_rng(1)).difference
    # 2 of the 20 tables with these margins are as extreme.
    assert found.p_value == pytest.approx(0.1, abs=0.015)
    assert "random tables" in found.interval_method


@given(
    counts=st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=2, max_size=2).filter(
        lambda table: all(sum(row) for row in table) and all(sum(column) for column in zip(*table, strict=True))
    )
)
@settings(max_examples=25)
def test_random_tables_agree_with_fishers_exact_test_in_the_same_order(counts):
    arms = {name: {"ok": row[0], "refused": row[1]} for name, row in zip("ab", counts, strict=True)}
    found = disposition_test(arms, n_draws=4999).difference
    table = np.array(counts)
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    if expected.min() >= 5:
        return
    n1, ok, n = table[0].sum(), table[:, 0].sum(), table.sum()
    k = np.arange(max(0, n1 + ok - n), min(n1, ok) + 1)
    apart = np.abs(k - expected[0, 0])
    exact = stats.hypergeom.pmf(k, n, ok, n1)[apart >= abs(table[0, 0] - expected[0, 0]) - 1e-9].sum()
    assert found.p_value == pytest.approx(exact, abs=0.04)


def test_equal_data_give_an_equal_p_value():
    small = {"a": {"ok": 9, "refused": 1}, "b": {"ok": 7, "refused": 3}}
    assert disposition_test(small).difference.p_value == disposition_test(small).difference.p_value


def test_several_arms_have_a_test_and_no_interval():
    found = disposition_test({**ARMS, "plain": {"ok": 95, "refused": 5}})
    assert found.difference.interval is None
    assert found.difference.estimand == "share of valid answers in 'plain' minus that in 'loss'"


def test_nothing_missing_leaves_nothing_to_test():
    found = disposition_test({"a": {"ok": 5}, "b": {"ok": 7}}).difference
    assert (found.value, found.p_value) == (0, None)
    assert "one status" in found.warnings[0]


@pytest.mark.parametrize(
    ("counts", "error", "message"),
    [
        ({"a": {"ok": 5}}, DesignError, "1 arm"),
        ({"a": {"ok": 5}, "b": {}}, DesignError, "arm 'b' has no responses"),
        ({"a": {"ok": 5}, "b": {"ok": -1, "refused": 3}}, DataError, "at least 0"),
        ({"a": {"ok": 5}, "b": {"ok": 1.5}}, DataError, "whole numbers"),
    ],
)
def test_what_is_no_table_is_refused(counts, error, message):
    with pytest.raises(error, match=message):
        disposition_test(counts)


def test_bounds_of_a_difference_by_hand():
    found = missing_difference_bounds([1] * 54 + [0] * 36, [1, 0] * 50, n_missing=(10, 0), limits=(0, 1))
    assert found.value == pytest.approx(0.1)
    assert found.interval == pytest.approx((0.04, 0.14))
    assert (found.n_units, found.n_missing) == (190, 10)


@given(
    y1=st.lists(st.integers(1, 5), min_size=0, max_size=10),
    y0=st.lists(st.integers(1, 5), min_size=0, max_size=10),
    filled=st.tuples(
        st.lists(st.integers(1, 5), min_size=1, max_size=4), st.lists(st.integers(1, 5), min_size=1, max_size=4)
    ),
)
def test_bounds_hold_whatever_the_missing_would_have_answered(y1, y0, filled):
    found = missing_difference_bounds(y1, y0, n_missing=(len(filled[0]), len(filled[1])), limits=(1, 5))
    complete = np.mean([*y1, *filled[0]]) - np.mean([*y0, *filled[1]])
    assert found.interval[0] - 1e-9 <= complete <= found.interval[1] + 1e-9
    assert math.isnan(found.value) == (not y1 or not y0)


@pytest.mark.parametrize(
    ("n_missing", "limits", "message"),
    [((0, -1), (0, 1), "-1 missing"), ((1, 1), (1, 0), "limits"), ((0, 0), (0, 0.5), "outside")],
)
def test_bounds_that_cannot_be_are_refused(n_missing, limits, message):
    with pytest.raises(DataError, match=message):
        missing_difference_bounds([1, 0], [0, 1], n_missing=n_missing, limits=limits)
