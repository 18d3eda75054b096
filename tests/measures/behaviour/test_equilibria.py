import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.measures.behaviour.equilibria import best_responses, equilibria, pure_equilibria

PENNIES = [[1, -1], [-1, 1]]


def sorted_pairs(found):
    return sorted([round(float(x), 9) + 0.0 for x in (*p, *q)] for p, q in found)


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (3, 4), (4, 2)])
def test_equilibria_of_games_without_ties_are_those_that_nashpy_finds(shape):
    nashpy = pytest.importorskip("nashpy")
    rng = np.random.default_rng(1)
    for _ in range(40):
        row, column = rng.normal(size=shape), rng.normal(size=shape)
        # By vertices: its enumeration of supports compares payoffs for equality, and loses equilibria to rounding.
        theirs = nashpy.Game(row, column).vertex_enumeration()
        assert np.allclose(sorted_pairs(equilibria(row, column)), sorted_pairs(theirs))


def test_a_battle_has_two_pure_equilibria_and_a_mixed_one():
    found = equilibria([[10, 0], [0, 7]], [[7, 0], [0, 10]])
    assert [p.tolist() for p, _ in found[:2]] == [[1, 0], [0, 1]]
    assert np.allclose(found[2][0], [10 / 17, 7 / 17])


def test_nobody_gains_by_leaving_a_pure_equilibrium_and_pennies_have_none():
    assert pure_equilibria([[4, 1], [3, 2]], [[4, 3], [1, 2]]) == ((0, 0), (1, 1))
    assert pure_equilibria(PENNIES, np.negative(PENNIES)) == ()


@given(st.lists(st.lists(st.integers(-5, 5), min_size=3, max_size=3), min_size=2, max_size=4), st.floats(0.1, 10))
def test_best_responses_do_not_depend_on_the_unit_of_payoffs(payoffs, scale):
    flat = [1 / 3] * 3
    assert best_responses(payoffs, flat) == best_responses(np.array(payoffs) * scale + 7, flat)


def test_matrices_of_two_shapes_are_refused():
    with pytest.raises(DataError, match=r"shapes \(2, 2\) and \(1, 2\)"):
        equilibria(PENNIES, [[1, 2]])
