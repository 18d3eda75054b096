"""Cohen's and Fleiss' kappa: published values, properties, degenerate tables."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.agreement.kappas import cohen_kappa, fleiss_kappa
from proband.measures.agreement.krippendorff import krippendorff_alpha

FOUR = [[11, 3, 1, 0], [1, 9, 0, 1], [0, 1, 10, 0], [1, 2, 0, 10]]
# The example of Fleiss' kappa with 10 units, 14 coders and 5 categories that textbooks print.
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
squares = arrays(np.int64, (3, 3), elements=st.integers(0, 20)).filter(lambda table: table.any())


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[20, 5], [10, 15]], 0.4),
        ([[45, 15], [25, 15]], 0.1304348),
        ([[25, 35], [5, 35]], 0.2592593),
        ([[118, 5], [2, 0]], -0.0233918),
    ],
)
def test_cohens_kappa_of_known_tables(table, kappa):
    assert cohen_kappa(table).value == pytest.approx(kappa, abs=5e-8)


@pytest.mark.parametrize(("weights", "kappa"), [(None, 0.7334755), ("linear", 0.7474747), ("quadratic", 0.7663551)])
def test_weighted_kappa_of_a_known_table(weights, kappa):
    assert cohen_kappa(FOUR, weights).value == pytest.approx(kappa, abs=5e-8)


def test_given_credits_are_the_named_ones():
    linear = 1 - np.abs(np.subtract.outer(np.arange(4), np.arange(4))) / 3
    assert cohen_kappa(FOUR, linear).value == pytest.approx(cohen_kappa(FOUR, "linear").value)


def test_fleiss_kappa_of_the_textbook_example():
    assert fleiss_kappa(FLEISS).value == pytest.approx(0.2099307, abs=5e-8)


@given(table=squares)
@settings(max_examples=50)
def test_cohens_kappa_is_bounded_and_the_same_for_exchanged_coders_and_renamed_categories(table):
    first, exchanged = cohen_kappa(table).value, cohen_kappa(table.T).value
    renamed = cohen_kappa(table[::-1, ::-1]).value
    assert first == pytest.approx(exchanged, nan_ok=True)
    assert first == pytest.approx(renamed, nan_ok=True)
    assert math.isnan(first) or -1 <= first <= 1 + 1e-12


@given(counts=st.lists(st.integers(0, 3), min_size=2, max_size=20))
@settings(max_examples=40)
def test_fleiss_kappa_is_nominal_alpha_without_its_small_sample_term(counts):
    table = [[count, 3 - count] for count in counts]
    codes = [[0] * count + [1] * (3 - count) for count in counts]
    kappa, alpha = fleiss_kappa(table).value, krippendorff_alpha(codes, "nominal").value
    n = 3 * len(counts)
    assert 1 - alpha == pytest.approx((1 - kappa) * (n - 1) / n, nan_ok=True)


def test_the_jackknife_error_is_that_of_leaving_each_unit_out():
    table = np.array([[8, 2], [3, 7]])
    left = [
        cohen_kappa(table - unit.reshape(2, 2)).value for unit in np.repeat(np.eye(4, dtype=int), table.ravel(), axis=0)
    ]
    assert cohen_kappa(table).se == pytest.approx(math.sqrt(19**2 / 20) * np.std(left, ddof=1))


def test_kappa_is_undefined_where_both_used_one_category():
    found = cohen_kappa([[30, 0], [0, 0]])
    assert math.isnan(found.value)
    assert "0 / 0" in found.warnings[0]
    assert math.isnan(fleiss_kappa([[3, 0]] * 12).value)


def test_a_coder_with_one_category_makes_kappa_0_with_a_warning():
    found = cohen_kappa([[20, 10], [0, 0]])
    assert found.value == pytest.approx(0)
    assert any("one category only" in warning for warning in found.warnings)


def test_shares_have_a_kappa_but_no_interval():
    found = cohen_kappa([[0.4, 0.1], [0.2, 0.3]])
    assert found.value == pytest.approx(0.4)
    assert found.interval is None
    assert any("shares" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("table", "error", "says"),
    [
        ([[1, 2, 3], [4, 5, 6]], DataError, "zeros"),
        ([[1, -2], [3, 4]], DataError, "at least 0"),
        ([[1, math.nan], [3, 4]], MissingDataError, "write 0"),
        ([[0, 0], [0, 0]], DataError, "at least 0"),
    ],
)
def test_wrong_tables_are_refused(table, error, says):
    with pytest.raises(error, match=says):
        cohen_kappa(table)


def test_wrong_weights_are_refused():
    with pytest.raises(DesignError, match="cubic"):
        cohen_kappa(FOUR, "cubic")
    with pytest.raises(DataError, match="diagonal"):
        cohen_kappa(FOUR, np.zeros((4, 4)))


def test_fleiss_kappa_points_to_alpha_for_unequal_numbers_of_coders():
    with pytest.raises(DataError, match="krippendorff_alpha"):
        fleiss_kappa([[3, 0], [2, 0]])
