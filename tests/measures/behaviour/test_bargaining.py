"""The expected-utility model of a bargain: by hand, in its symmetries, and on a published example."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures import bargain

weights = st.lists(st.floats(0.05, 1), min_size=4, max_size=4)


def test_the_beginning_is_the_weighted_median_and_mean():
    found = bargain(["A", "B", "C"], [0, 4, 10], [1, 0.5, 1], [1, 1, 2])
    assert found.median == 10  # weights 1, 0.5 and 2: half of 3.5 is reached at the last
    assert found.mean == pytest.approx((0 + 2 + 20) / 3.5)


def test_two_actors_by_hand():
    # d = 1. B has 3 of 4 of the weight: P_AB = 1/4, P_BA = 3/4. At r = 1: U_s = 2, U_f = -2, U_q = 0.
    # E_AB = 1 (2/4 - 2 x 3/4) = -1; E_BA = 1 x (2 x 3/4 - 2/4) = 1. D_A = 1, D_B = -1: R_A = 1,
    # r_A = (2/3) / (4/3) = 1/2.
    # In A's eyes U_s = 2, U_f = -2, U_q = 2 - 4 x 0.7071 = -0.8284: E_AB = -1 + 0.8284, E_BA = 1 + 0.8284:
    # a compromise, A goes 0.1716 / 1.8284 = 0.0938 of the way. B (r = 2: U_q = 1) sees E_AB = -2 and E_BA = 0: none.
    found = bargain(["A", "B"], [0, 10], [1, 1], [1, 3], n_rounds=1)
    move = found.rounds[1].moves[0]
    assert found.rounds[1].risk == pytest.approx((0.5, 2.0))
    assert (move.actor, move.towards, move.offer) == ("A", "B", "compromise")
    assert move.end == pytest.approx(10 * (3 - 2 * 2**0.5) / (2 * 2**0.5 - 1), abs=1e-9)
    assert len(found.rounds[1].moves) == 1


def test_who_agrees_does_not_move():
    found = bargain(["A", "B"], [3, 3], [1, 1], [1, 1])
    assert found.has_settled
    assert len(found.rounds) == 1


@given(weights, weights, st.floats(0.1, 100), st.floats(-50, 50))
def test_forecasts_follow_the_scale_and_stay_within_it(salience, influence, stretch, shift):
    x = np.array([0.0, 3.0, 4.0, 10.0])
    names = list("ABCD")
    found = bargain(names, x, salience, influence, n_rounds=3)
    moved = bargain(names, stretch * x + shift, salience, influence, n_rounds=1)
    assert moved.rounds[1].mean == pytest.approx(stretch * found.rounds[1].mean + shift, rel=1e-6, abs=1e-6)
    assert all(0 <= at <= 10 for round_ in found.rounds for at in round_.positions)


def test_the_emission_standards_of_1984_begin_where_they_are_published(shared_data):
    path = shared_data / "text" / "eu_emissions1984.csv"
    if not path.is_file():
        pytest.skip("the example is not beside the project")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = [[float(row[name]) for row in rows] for name in ("position", "salience", "capability")]
    found = bargain([row["actor"] for row in rows], columns[0], columns[1], columns[2])
    assert found.median == 7
    assert round(found.mean, 6) == 7.389956


@pytest.mark.parametrize(
    ("salience", "influence", "said"),
    [
        ([1, 80], [1, 1], r"actor 'B': salience is 80, and goes from 0 to 1"),
        ([1, 1], [1, -1], r"actor 'B': influence is -1"),
        ([0, 0], [1, 1], "no actor both cares and has influence"),
        ([1], [1, 1], "2 actors, 2 positions, 1 saliences"),
    ],
)
def test_numbers_that_mean_nothing_are_refused_by_actor(salience, influence, said):
    with pytest.raises(DataError, match=said):
        bargain(["A", "B"], [0, 1], salience, influence)


def test_rounds_out_of_range_are_refused():
    with pytest.raises(DesignError, match="n_rounds is 0"):
        bargain(["A", "B"], [0, 1], [1, 1], [1, 1], n_rounds=0)
