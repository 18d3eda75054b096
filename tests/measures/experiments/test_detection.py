import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower, TTestIndPower

from proband.errors import DesignError
from proband.measures import smallest_detectable_effect, smallest_detectable_share_difference


def test_smallest_detectable_effect_reference_values():
    assert float(smallest_detectable_effect(63.76561, 63.76561)) == pytest.approx(0.5, abs=1e-7)
    assert float(smallest_detectable_effect(63.76561, 63.76561, sd=12)) == pytest.approx(6, abs=1e-5)
    found = smallest_detectable_share_difference(387.1677, 387.1677, share=0.4)
    assert float(found) == pytest.approx(0.1, abs=1e-7)


@given(n_a=st.integers(2, 500), ratio=st.floats(1, 5), power=st.floats(0.2, 0.99))
def test_an_effect_of_that_size_has_that_power(n_a, ratio, power):
    effect = float(smallest_detectable_effect(n_a, n_a * ratio, power=power))
    found = TTestIndPower().power(effect, nobs1=n_a, ratio=ratio, alpha=0.05)
    assume(math.isfinite(found))  # scipy's noncentral t gives no number at 2 degrees of freedom and a great effect
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
