"""Best replies and exploitability: values by hand and from zero-sum games whose value is known."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.measures.behaviour.replies import best_replies

PENNIES = np.array([[1.0, -1.0], [-1.0, 1.0]])


def against(table, own, other):
    """Decisions of a row player with these moves against each of the other's moves, equally often."""
    pairs = list(product(own, other))
    return [a for a, _ in pairs], [table[:, b] for _, b in pairs], [f"{k}" for k in range(len(pairs))]


def test_a_mixture_of_matching_pennies_is_exploited_by_what_it_leaves():
    # The column player's regret against (.6, .4): .2 more by always playing the move that wins against the first.
    row = [0] * 6 + [1] * 4
    chosen, payoffs, units = against(-PENNIES.T, [0, 1], row)
    found = best_replies(chosen, payoffs, units)
    assert found.best_move == 1
    assert found.exploitable.value == pytest.approx(0.2)


def test_who_plays_rock_half_of_the_time_loses_a_quarter_to_paper():
    table = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], dtype=float)
    chosen, payoffs, units = against(table, [0, 1, 2], [0, 0, 1, 2])
    found = best_replies(chosen, payoffs, units)
    assert found.best_move == 1
    assert found.exploitable.value == pytest.approx(0.25)
    assert found.best.baselines["moves at random"] == pytest.approx(1 / 3)


def test_a_best_reply_is_what_pays_most_given_the_others():
    found = best_replies([0, 1, 1], [[3, 1], [2, 2], [5, 1]], ["a", "b", "c"])
    assert found.best.value == pytest.approx(2 / 3)  # the tie counts
    assert found.lost.value == pytest.approx(4 / 3)


def test_one_match_has_values_and_no_intervals():
    found = best_replies([0, 1], [[3, 1], [2, 4]], ["a", "a"])
    assert found.best.value == 1
    assert found.exploitable.interval is None


@given(st.integers(0, 10_000))
def test_nothing_is_lost_by_best_replies_and_names_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    payoffs, chosen = rng.normal(size=(30, 3)), rng.integers(0, 3, 30)
    units = [k // 3 for k in range(30)]
    found = best_replies(chosen, payoffs, units)
    assert 0 <= found.best.value <= 1
    assert found.lost.value >= 0
    assert best_replies(payoffs.argmax(axis=1), payoffs, units).lost.value == 0
    order = [2, 0, 1]
    renamed = best_replies(np.argsort(order)[chosen], payoffs[:, order], units)
    assert renamed.exploitable.value == pytest.approx(found.exploitable.value)
    assert order[renamed.best_move] == found.best_move


def test_the_best_move_is_judged_on_decisions_it_was_not_chosen_by():
    # Both moves pay the same on average; judged where it was found, the better of them would always seem to gain.
    rng = np.random.default_rng(7)
    gains = [best_replies([0] * 20, rng.normal(size=(20, 2)), list(range(20))).exploitable.value for _ in range(200)]
    assert abs(np.mean(gains)) < 4 * np.std(gains) / len(gains) ** 0.5


@pytest.mark.parametrize(
    ("chosen", "payoffs", "units"), [([0], [[1, 2], [1, 2]], ["a"]), ([2], [[1, 2]], ["a"]), ([], np.empty((0, 2)), [])]
)
def test_what_does_not_fit_is_refused(chosen, payoffs, units):
    with pytest.raises(DataError):
        best_replies(chosen, payoffs, units)
