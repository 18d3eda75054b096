import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from proband.errors import DataError, DesignError
from proband.measures import saturation

TABLE = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0]])
tables = arrays(np.int8, st.tuples(st.integers(6, 12), st.integers(1, 5)), elements=st.integers(0, 1))


def test_the_expected_curve_is_the_mean_over_every_order():
    found = saturation(TABLE, base=2, run=1, n_orders=10)
    orders = [TABLE[list(order)].cumsum(axis=0) > 0 for order in itertools.permutations(range(5))]
    by_hand = np.mean([order.sum(axis=1) for order in orders], axis=0)
    np.testing.assert_allclose([point.codes for point in found.curve], by_hand, atol=1e-12)


@given(tables)
@settings(deadline=None, max_examples=40)
def test_codes_only_ever_come_and_all_have_come_at_the_end(table):
    found = saturation(table, n_orders=20) if table.any() else None
    if found is not None:
        codes = [point.codes for point in found.curve]
        assert np.all(np.diff(codes) >= -1e-9)
        assert codes[-1] == pytest.approx(table.any(axis=0).sum())
        assert all(point.low <= point.high <= found.n_codes for point in found.curve)


def test_what_everybody_says_is_saturated_at_once_and_what_each_says_alone_never():
    assert saturation(np.ones((10, 3)), base=4, run=2).needed.value == 6
    never = saturation(np.eye(10), base=4, run=2)
    assert np.isnan(never.needed.value)
    assert never.reached == 0
    assert never.n_once == 10
    assert "read more documents" in never.needed.warnings[0]


def test_a_rare_code_moves_saturation_by_its_rule():
    """4 codes in the base: one new code in a run of two is 25 %, which a threshold of 30 % lets pass."""
    table = np.column_stack([np.ones((12, 4)), np.eye(12)[0]])
    strict, loose = (saturation(table, threshold=limit, n_orders=200) for limit in (0.05, 0.3))
    assert loose.needed.interval == (6, 6)
    assert strict.needed.interval == (6, 8)


@pytest.mark.parametrize(
    ("table", "given", "said"),
    [
        ([[0, 2]] * 9, {}, "must be 0"),
        ([[0, 1]] * 5, {}, "need 6"),
        ([[0, 1]] * 9, {"base": 0}, "must be at least 1"),
        ([[]], {}, "no codes"),
    ],
)
def test_what_is_no_table_of_codes_is_refused(table, given, said):
    with pytest.raises((DataError, DesignError), match=said):
        saturation(table, **given)
