import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.response_bias.styles import response_styles
from proband.measures.shares import wilson_interval

POINTS = range(1, 6)


def test_the_four_styles_by_hand():
    found = response_styles([[5, 5, 5, 5], [1, 3, 4, 2], [4, 3, 3, 2]], [1, 1, -1, -1], points=POINTS)
    # Leans 2, (2 + 3)/2 - 3 and (3.5 + 2.5)/2 - 3.
    assert found.acquiescence.value == pytest.approx((2 - 0.5 + 0) / 3)
    assert found.extreme.value == pytest.approx((1 + 0.25 + 0) / 3)
    assert found.midpoint.value == pytest.approx((0 + 0.25 + 0.5) / 3)
    assert found.straight_lining.value == pytest.approx(1 / 3)
    assert found.straight_lining.interval == wilson_interval(1 / 3, 3)
    assert found.extreme.baselines == {"uniform": 0.4}


@given(seed=st.integers(0, 99))
def test_styles_ignore_the_order_of_subjects_and_items_and_mirror_with_the_scale(seed):
    rng = np.random.default_rng(seed)
    x, keys = rng.integers(1, 6, (12, 6)), np.array([1, 1, 1, -1, -1, 0])
    order = rng.permutation(6)
    found = response_styles(x, keys, points=POINTS)
    again = response_styles(rng.permutation(x)[:, order], keys[order], points=POINTS)
    turned = response_styles(6 - x, keys, points=POINTS)
    for row in ("acquiescence", "extreme", "midpoint", "straight_lining"):
        assert getattr(again, row).value == pytest.approx(getattr(found, row).value)
    assert turned.acquiescence.value == pytest.approx(-found.acquiescence.value)
    assert turned.extreme.value == found.extreme.value
    assert turned.midpoint.value == found.midpoint.value


def test_content_cancels_over_items_of_both_keys():
    trait = np.random.default_rng(1).integers(-2, 3, (50, 1))
    found = response_styles(3 + trait * np.array([1, 1, -1, -1]), [1, 1, -1, -1], points=POINTS)
    assert found.acquiescence.value == 0


def test_one_sided_scales_cannot_show_acquiescence():
    found = response_styles([[5, 4], [4, 4]], [1, 1], points=POINTS)
    assert math.isnan(found.acquiescence.value)
    assert "keyed one way" in found.acquiescence.warnings[0]


def test_a_scale_without_a_midpoint_has_no_midpoint_share():
    found = response_styles([[1, 4], [2, 3]], [1, -1], points=range(1, 5))
    assert math.isnan(found.midpoint.value)
    assert "no midpoint: 4 points" in found.midpoint.warnings[0]


def test_missing_scores_leave_their_own_row_only_and_are_counted():
    x = [[5, math.nan, 1, 3], [math.nan] * 4, [3, 3, math.nan, math.nan], [1, 2, 3, 4]]
    found = response_styles(x, [1, 1, -1, -1], points=POINTS)
    assert found.n_missing_scores == 7
    assert (found.extreme.n_units, found.extreme.n_missing) == (3, 1)
    assert (found.acquiescence.n_units, found.acquiescence.n_missing) == (2, 2)
    assert found.extreme.value == pytest.approx((2 / 3 + 0 + 1 / 4) / 3)
    assert "7 of 16" in found.warnings[0]


def test_scale_points_that_were_not_named_are_taken_from_the_scores_with_a_warning():
    found = response_styles([[2, 4], [3, 3]], [1, -1])
    assert found.points == (2.0, 3.0, 4.0)
    assert "2 to 4" in found.warnings[0]


def test_subjects_all_alike_have_no_interval():
    found = response_styles([[5, 5]] * 12, [1, -1], points=POINTS)
    assert found.acquiescence.value == 2
    assert found.acquiescence.interval is None is found.extreme.interval
    assert found.straight_lining.value == 1


@pytest.mark.parametrize(
    ("scores", "keys", "error", "message"),
    [
        ([[1, 2], [3, 4]], [1], DesignError, "1 keys for 2 items"),
        ([[1, 2], [3, 4]], [1, 2], DesignError, "1, -1 or 0"),
        ([[1, 9], [3, 4]], [1, -1], DesignError, "score 9 is none"),
        ([[1, 2]], [1, -1], DesignError, "1 subjects answered"),
        ([1, 2], [1, -1], DataError, "shape"),
        ([["a", "b"]], [1, -1], DataError, "numbers"),
    ],
)
def test_what_cannot_be_a_table_of_ratings_is_refused(scores, keys, error, message):
    with pytest.raises(error, match=message):
        response_styles(scores, keys, points=POINTS)
