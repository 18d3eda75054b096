"""Gwet's AC1 and the summary that stands beside it: published values, the paradox, degenerate codes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from proband.errors import DataError, DesignError
from proband.measures.agreement.gwet import agreement_summary, gwet_ac1
from proband.measures.agreement.kappas import cohen_kappa

NONE = None
# Gwet (2014), 12 units by 4 raters with missing ratings.
RATERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]
UNITS = [list(unit) for unit in zip(*RATERS, strict=True)]
PARADOX = [["a", "a"]] * 118 + [["a", "b"]] * 5 + [["b", "a"]] * 2


def test_ac1_and_its_error_for_gwets_own_example():
    found = gwet_ac1(UNITS, [1, 2, 3, 4, 5])
    assert (found.value, found.se) == (pytest.approx(0.7754441, abs=5e-8), pytest.approx(0.14294995, abs=5e-9))


def test_ac1_stays_high_where_kappa_collapses():
    assert gwet_ac1(PARADOX, ["a", "b"]).value == pytest.approx(0.9407763, abs=5e-8)
    assert cohen_kappa([[118, 5], [2, 0]]).value == pytest.approx(-0.0233918, abs=5e-8)


@given(
    codes=arrays(np.int64, st.tuples(st.integers(2, 15), st.integers(2, 4)), elements=st.integers(0, 3)),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_ac1_does_not_depend_on_order_or_names_but_on_how_many_categories_there_were(codes, seed):
    rng = np.random.default_rng(seed)
    other = rng.permutation(4)[codes][rng.permutation(len(codes))][:, rng.permutation(codes.shape[1])]
    found = gwet_ac1(codes, 4)
    assert found.value == pytest.approx(gwet_ac1(other, range(4)).value)
    assert found.value <= 1
    if found.value < 1:
        assert gwet_ac1(codes, 9).value > found.value


def test_perfect_agreement_is_1_without_interval():
    found = gwet_ac1([[1, 1, 1], [2, 2, 2]] * 8, [1, 2])
    assert (found.value, found.interval) == (1.0, None)


def test_ac1_refuses_what_it_cannot_answer():
    with pytest.raises(DesignError, match="could not have disagreed"):
        gwet_ac1([[1, 1]], [1])
    with pytest.raises(DesignError, match="coded twice"):
        gwet_ac1([[1, None]], [1, 2])
    with pytest.raises(DataError, match="3 different codes"):
        gwet_ac1([[1, 2], [3, 1]], 2)
    with pytest.raises(DataError, match="none of the categories"):
        gwet_ac1([[1, 2], [3, 1]], [1, 2])


def test_the_summary_shows_why_alpha_and_ac1_differ():
    found = agreement_summary(PARADOX, ["a", "b"])
    assert found.raw.value == pytest.approx(118 / 125)
    assert found.alpha.value < 0 < 0.9 < found.ac1.value
    assert found.marginals["a"] == pytest.approx((123 / 125, 120 / 125))


def test_a_coder_without_codes_has_no_marginals():
    found = agreement_summary([[1, 2, None], [1, 1, None], [2, 2, None]], [1, 2])
    assert math.isnan(found.marginals[1][2])
    assert found.raw.value == pytest.approx(2 / 3)
