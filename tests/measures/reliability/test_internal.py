import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import cronbach_alpha

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_alpha_of_the_shrout_fleiss_ratings():
    found = cronbach_alpha(SHROUT_FLEISS)
    assert found.value == pytest.approx(0.9093156, abs=1e-7)
    low, high = (1 - (1 - found.value) * stats.f.ppf(p, 5, 15) for p in (0.975, 0.025))
    assert found.interval == pytest.approx((low, high))


def test_alpha_by_hand():
    assert round(cronbach_alpha([[1, 2], [2, 3], [3, 5]]), 3) == 0.947


@given(seed=st.integers(0, 99), shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_alpha_ignores_order_origin_and_unit(seed, shift, scale):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((12, 4)) + rng.standard_normal((12, 1))
    again = rng.permutation(rng.permutation(x), axis=1) * scale + shift
    assert float(cronbach_alpha(again)) == pytest.approx(float(cronbach_alpha(x)), abs=1e-9)
    assert float(cronbach_alpha(x)) <= 1


def test_items_that_disagree_give_a_negative_alpha_and_a_warning():
    found = cronbach_alpha([[1, 5], [2, 4], [3, 2.5], [4, 2]])
    assert found.value < 0
    assert "reverse-keyed" in found.warnings[0]


def test_items_that_agree_perfectly_have_no_interval():
    found = cronbach_alpha([[1, 1], [2, 2], [4, 4]])
    assert found.value == pytest.approx(1)
    assert found.interval is None
    assert "perfectly" in found.warnings[0]


@pytest.mark.parametrize("scores", [[[1], [2]], [[1, 2]], [[1, 2], [2, 1]], [[0.1, 0.2], [0.3, 0.0]]])
def test_too_little_or_equal_totals_are_refused(scores):
    with pytest.raises(DesignError):
        cronbach_alpha(scores)


def test_a_missing_score_is_refused_and_counted():
    with pytest.raises(MissingDataError, match="1 of 4"):
        cronbach_alpha([[1, np.nan], [2, 3]])


@pytest.mark.parametrize("scores", [[1, 2, 3], [["a", "b"], ["c", "d"]], [[1, np.inf], [1, 2]]])
def test_what_is_no_table_of_numbers_is_refused(scores):
    with pytest.raises(DataError):
        cronbach_alpha(scores)
