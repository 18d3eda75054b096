"""GARP, CCEI and Bronars' power: by hand, against brute force, properties, choices off their budget."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.behaviour.revealed_preference import bronars_power, ccei, garp


def choices(seed: int, n: int = 5, goods: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 2, (n, goods)), rng.uniform(0.1, 5, (n, goods))


def brute_ccei(p: np.ndarray, x: np.ndarray) -> float:
    """Smallest over all cycles of the largest cost ratio, by listing the cycles."""
    ratio = p @ x.T / np.diag(p @ x.T)[:, None]
    best = 1.0
    for size in range(2, len(p) + 1):
        for cycle in itertools.permutations(range(len(p)), size):
            best = min(best, max(ratio[a, b] for a, b in zip(cycle, (*cycle[1:], cycle[0]), strict=True)))
    return best


def test_a_ccei_of_1_does_not_imply_garp():
    found = garp([[1, 1], [2, 1]], [[5, 5], [6, 4]])
    assert (found.is_garp, found.is_warp, found.is_sarp, found.ccei) == (False, False, False, 1.0)
    assert "CCEI is 1 although GARP fails" in found.warnings[0]
    assert found.violations == ((0, 1),)


def test_a_violation_by_hand():
    # Each bundle was affordable for two thirds of what the other cost.
    found = garp([[2, 1], [1, 2]], [[4, 1], [1, 4]])
    assert not found.is_garp
    assert found.ccei == pytest.approx(2 / 3)
    assert garp([[2, 1], [1, 2]], [[4, 1], [1, 4]], efficiency=0.66).is_garp


def test_choices_of_a_utility_maximiser_satisfy_everything():
    prices = np.random.default_rng(1).uniform(0.5, 3, (20, 3))
    cobb_douglas = np.array([0.5, 0.3, 0.2]) * 10 / prices
    found = garp(prices, cobb_douglas, budgets=[10] * 20)
    assert (found.is_garp, found.is_sarp, found.is_warp, found.ccei) == (True, True, True, 1.0)


def test_a_cycle_of_three_escapes_warp_but_not_garp():
    prices = [[1, 1, 2], [2, 1, 1], [1, 2, 1]]
    bundles = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    found = garp(prices, bundles)
    assert found.is_garp
    assert not found.is_sarp
    assert found.is_warp


@given(seed=st.integers(0, 9_999), n=st.integers(2, 5))
@settings(max_examples=40)
def test_the_ccei_is_that_of_listing_all_cycles(seed, n):
    p, x = choices(seed, n)
    assert ccei(p, x).value == pytest.approx(brute_ccei(p, x))


@given(seed=st.integers(0, 9_999))
@settings(max_examples=40)
def test_axioms_imply_each_other_as_they_must(seed):
    p, x = choices(seed, 6)
    found = garp(p, x)
    assert not found.is_garp or found.ccei == 1
    assert not found.is_sarp or (found.is_garp and found.is_warp)
    assert garp(p, x, efficiency=found.ccei * (1 - 1e-6)).is_garp
    assert found.ccei == 1 or not garp(p, x, efficiency=min(found.ccei * (1 + 1e-6), 1)).is_garp


@given(seed=st.integers(0, 9_999), scale=st.floats(0.01, 100))
@settings(max_examples=30)
def test_the_ccei_ignores_price_levels_and_never_rises_with_more_choices(seed, scale):
    p, x = choices(seed, 6)
    levels = p * np.geomspace(1, scale, 6)[:, None]
    order = np.random.default_rng(seed).permutation(6)
    assert ccei(levels, x).value == pytest.approx(ccei(p, x).value)
    assert ccei(p[order], x[order]).value == pytest.approx(ccei(p, x).value)
    assert ccei(p, x).value <= ccei(p[:-1], x[:-1]).value + 1e-12


def test_the_same_bundle_twice_violates_nothing():
    assert garp([[1, 2], [2, 1]], [[3, 3], [3, 3]]).is_sarp


def test_choices_off_their_budget_are_refused_or_moved_with_a_warning():
    prices, bundles = [[1, 1], [1, 2]], [[5, 5], [3, 3]]
    with pytest.raises(DataError, match="1 of 2 choices are off"):
        garp(prices, bundles, budgets=[10, 10])
    moved = garp(prices, bundles, budgets=[10, 10], rescale=True)
    assert "1 of 2 choices were off" in moved.warnings[0]
    assert moved.ccei == ccei(prices, [[5, 5], [10 / 3, 10 / 3]]).value


def test_power_is_0_without_crossing_budgets_and_the_hand_value_for_two_crossing_ones():
    assert bronars_power([[1, 1], [2, 2]], budgets=[10, 20], n_draws=500).value == 0
    # Lines 2x + y = 1 and x + 2y = 1 cross at x = y = 1/3; each chooser errs on the inner side of the other's line,
    # which is 1/3 of each line in money.
    found = bronars_power([[2, 1], [1, 2]], n_draws=20_000)
    assert found.interval[0] < (1 / 3) ** 2 < found.interval[1]
    assert "passing says little" in found.warnings[0]


def test_power_falls_with_the_efficiency_asked_for():
    prices = np.random.default_rng(2).uniform(0.5, 3, (10, 2))
    strict, lenient = (bronars_power(prices, efficiency=e, n_draws=500).value for e in (1.0, 0.8))
    assert strict > lenient


@pytest.mark.parametrize(
    ("prices", "bundles", "error", "says"),
    [
        ([[1, 0]], [[1, 1]], DataError, "positive"),
        ([[1, 1]], [[0, 0]], DataError, "spends nothing"),
        ([[1, 1]], [[-1, 2]], DataError, "negative"),
        ([[1, 1]], [[1, math.nan]], MissingDataError, "missing"),
        ([[1, 1], [1, 2]], [[1, 1]], DataError, "shape"),
    ],
)
def test_impossible_choices_are_refused(prices, bundles, error, says):
    with pytest.raises(error, match=says):
        garp(prices, bundles)


def test_efficiency_is_checked():
    with pytest.raises(DesignError, match="efficiency"):
        garp([[1, 1]], [[1, 1]], efficiency=0)
    with pytest.raises(DesignError, match="n_draws"):
        bronars_power([[1, 1]], n_draws=5)
