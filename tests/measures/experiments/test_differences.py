import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import (
    difference_in_means,
    smallest_detectable_effect,
    smallest_detectable_share_difference,
)

TREATED, CONTROL = [5, 7, 6, 8], [3, 4, 4, 5]
OUTCOMES = st.lists(st.floats(-5, 5), min_size=2, max_size=20).filter(lambda y: np.std(y) > 1e-3)


def test_neyman_reference_values():
    found = difference_in_means(TREATED, CONTROL)
    assert found.value == 2.5
    assert found.se == pytest.approx(0.7637626, abs=5e-8)
    assert found.interval_method == "t, Neyman variance, Welch, 5.069 df"


def test_blocked_reference_values():
    found = difference_in_means(TREATED, CONTROL, blocks=([1, 1, 2, 2], [1, 1, 2, 2]))
    assert found.value == 2.5
    assert found.se == pytest.approx(0.7905694, abs=5e-8)
    reach = stats.t.ppf(0.975, 4) * found.se
    assert found.interval == pytest.approx((2.5 - reach, 2.5 + reach))


def test_blocks_count_by_their_size():
    treated, control = [1, 1.5, 10, 10.5, 11, 11.5], [0, 0.5, 0, 0.5]
    found = difference_in_means(treated, control, blocks=("aabbbb", "aabb"))
    assert found.value == pytest.approx(0.4 * 1 + 0.6 * 10.5)


@given(y1=OUTCOMES, y0=OUTCOMES)
def test_the_interval_is_statsmodels_welch_interval(y1, y0):
    compared = CompareMeans(DescrStatsW(y1), DescrStatsW(y0))
    low, high = compared.tconfint_diff(usevar="unequal")
    found = difference_in_means(y1, y0)
    assert found.interval == pytest.approx((low, high), abs=1e-9)
    swapped = difference_in_means(y0, y1)
    assert swapped.value == pytest.approx(-found.value)


def test_outcomes_that_do_not_vary_are_warned_of():
    assert "do not vary" in difference_in_means([1, 1], [0, 0]).warnings[0]


def test_rare_binary_outcomes_are_warned_of():
    (warning,) = difference_in_means([1] * 3 + [0] * 17, [1] * 10 + [0] * 10).warnings
    assert "3 of 20 treated units" in warning
    assert difference_in_means([1, 0] * 10, [1, 0] * 10).warnings == ()


@pytest.mark.parametrize(
    ("arms", "blocks", "error", "message"),
    [
        (([1], [1, 2]), None, DesignError, "1 treated units"),
        (([1, 2], []), None, DesignError, "0 control units"),
        (([1, 2], [1, 2]), ("ab", "ab"), DesignError, "block 'a' has 1 treated and 1 control"),
        (([1, 2], [1, 2]), ("aa", "a"), DataError, "every unit its block"),
        (([1, math.nan], [1, 2]), None, MissingDataError, "1 of 2 outcomes of the treated arm"),
        (([1, math.inf], [1, 2]), None, DataError, "infinite"),
        ((["a", "b"], [1, 2]), None, DataError, "must be numbers"),
        (([[1, 2]], [1, 2]), None, DataError, "one number per unit"),
    ],
)
def test_arms_that_carry_no_comparison_are_refused(arms, blocks, error, message):
    with pytest.raises(error, match=message):
        difference_in_means(*arms, blocks=blocks)


def test_smallest_detectable_effect_reference_values():
    assert float(smallest_detectable_effect(63.76561, 63.76561)) == pytest.approx(0.5, abs=1e-7)
    assert float(smallest_detectable_effect(63.76561, 63.76561, sd=12)) == pytest.approx(6, abs=1e-5)
    found = smallest_detectable_share_difference(387.1677, 387.1677, share=0.4)
    assert float(found) == pytest.approx(0.1, abs=1e-7)


@given(n_a=st.integers(2, 500), ratio=st.floats(1, 5), power=st.floats(0.2, 0.99))
def test_an_effect_of_that_size_has_that_power(n_a, ratio, power):
    effect = float(smallest_detectable_effect(n_a, n_a * ratio, power=power))
    found = TTestIndPower().power(effect, nobs1=n_a, ratio=ratio, alpha=0.05)
    assert found == pytest.approx(power, abs=1e-5)


@given(n=st.integers(30, 5000), share=st.floats(0, 0.4), power=st.floats(0.2, 0.95))
def test_a_share_difference_of_that_size_has_that_power(n, share, power):
    rise = float(smallest_detectable_share_difference(n, n, share=share, power=power))
    h = 2 * math.asin(math.sqrt(share + rise)) - 2 * math.asin(math.sqrt(share))
    assert NormalIndPower().power(h, nobs1=n, alpha=0.05) == pytest.approx(power, abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("power", [0.051, 0.8, 0.999])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_tiny_and_extreme_designs_still_have_an_answer(n, power, alpha):
    effect = float(smallest_detectable_effect(n, n, power=power, alpha=alpha))
    assert 0 < effect < math.inf


def test_no_rise_large_enough_is_undefined_with_its_reason():
    found = smallest_detectable_share_difference(3, 3, share=0.9)
    assert math.isnan(found.value)
    assert "from 0.9 to 1" in found.warnings[0]


@pytest.mark.parametrize("kwargs", [{"power": 0.05}, {"power": 1}, {"alpha": 0}, {"sd": 0}, {"sd": math.nan}])
def test_a_design_that_makes_no_sense_is_refused(kwargs):
    with pytest.raises(DesignError):
        smallest_detectable_effect(20, 20, **kwargs)


def test_an_arm_of_one_is_refused():
    with pytest.raises(DesignError, match="at least 2"):
        smallest_detectable_share_difference(1, 20)
