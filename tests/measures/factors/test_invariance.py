"""Invariance: the published ladder of two schools, planted differences, and means only where they are comparable."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.measures import measurement_invariance
from tests.measures.factors.holzinger import ITEMS, SCALES, schools

TWO = {"calm": range(4), "warm": range(4, 8)}


def group(rng, n, *, shift=0.0, loadings=(0.8,) * 8, intercepts=(0.0,) * 8):
    traits = rng.multivariate_normal([shift, 0], [[1, 0.4], [0.4, 1]], n)
    return np.repeat(traits, 4, axis=1) * loadings + intercepts + 0.6 * rng.normal(size=(n, 8))


def test_the_ladder_of_two_schools_is_that_of_lavaan():
    found = measurement_invariance(schools(), SCALES, items=ITEMS)
    assert [step.name for step in found.steps] == ["configural", "metric", "scalar"]
    assert [step.fit.df for step in found.steps] == [48, 54, 60]
    assert np.allclose([step.fit.chi2 for step in found.steps], [115.851, 124.044, 164.103], atol=0.002)
    assert [round(step.fit.cfi, 3) for step in found.steps] == [0.923, 0.921, 0.882]
    assert [round(step.fit.rmsea, 3) for step in found.steps] == [0.097, 0.093, 0.107]


def test_the_schools_differ_in_intercepts_of_the_two_items_everybody_names():
    found = measurement_invariance(schools(), SCALES, items=ITEMS)
    assert found.reached == "partial scalar"
    assert found.steps[2].freed == ("x3", "x7")
    assert found.steps[2].partial.fit.df == 58
    assert set(found.mean_differences) == {(scale, "Grant-White") for scale in SCALES}


def test_what_is_equal_is_found_equal_and_a_shift_is_of_the_factor():
    rng = np.random.default_rng(1)
    found = measurement_invariance({"people": group(rng, 800), "model": group(rng, 800, shift=0.5)}, TWO)
    assert found.reached == "scalar"
    shift = found.mean_differences["calm", "model"]
    assert abs(shift.value - 0.5) < 3 * shift.se
    assert abs(found.mean_differences["warm", "model"].value) < 3 * shift.se


def test_a_planted_loading_and_a_planted_intercept_are_named():
    rng = np.random.default_rng(2)
    people = group(rng, 800)
    looser = group(rng, 800, loadings=(0.8, 0.8, 0.8, 0.2, 0.8, 0.8, 0.8, 0.8))
    higher = group(rng, 800, intercepts=(0, 0, 0, 0, 0, 0, 0.8, 0))
    loose = measurement_invariance({"people": people, "model": looser}, TWO)
    assert (loose.steps[1].freed, loose.reached) == (("3",), "partial scalar")
    assert measurement_invariance({"people": people, "model": higher}, TWO).steps[2].freed == ("6",)


def test_where_most_intercepts_differ_means_are_not_compared():
    rng = np.random.default_rng(3)
    odd = group(rng, 600, intercepts=(1.5, 0.5, -0.5, -1.5, 0, 0, 0, 0))
    found = measurement_invariance({"people": group(rng, 600), "model": odd}, TWO)
    assert found.reached == "metric"
    assert not found.mean_differences


@settings(max_examples=5)
@given(st.integers(0, 100), st.floats(0.1, 50), st.floats(-100, 100))
def test_units_of_items_change_nothing(seed, unit, start):
    rng = np.random.default_rng(seed)
    groups = {"a": group(rng, 200), "b": group(rng, 250)}
    moved = {name: x * unit + start for name, x in groups.items()}
    one, other = (measurement_invariance(of, TWO) for of in (groups, moved))
    assert [step.fit.df for step in one.steps] == [step.fit.df for step in other.steps]
    assert np.allclose([s.fit.chi2 for s in one.steps], [s.fit.chi2 for s in other.steps], rtol=1e-4)


@pytest.mark.slow
def test_equal_groups_are_rarely_called_unequal_and_mean_differences_cover():
    rng, equal, covered = np.random.default_rng(4), 0, 0
    for _ in range(100):
        found = measurement_invariance({"a": group(rng, 300), "b": group(rng, 300, shift=0.3)}, TWO)
        equal += found.reached == "scalar"
        low, high = found.mean_differences["calm", "b"].interval
        covered += low <= 0.3 <= high
    assert equal >= 97
    assert covered >= 89


def test_what_cannot_be_is_refused_naming_the_group():
    x = group(np.random.default_rng(5), 100)
    with pytest.raises(DesignError, match="1 group"):
        measurement_invariance({"people": x}, TWO)
    with pytest.raises(DesignError, match=r"group 'model': items 2 do not vary"):
        measurement_invariance({"people": x, "model": x * [1, 1, 0, 1, 1, 1, 1, 1]}, TWO)
    with pytest.raises(DesignError, match="group 'model': 8 subjects for 8 items"):
        measurement_invariance({"people": x, "model": x[:8]}, TWO)
    with pytest.raises(DesignError, match="different columns"):
        measurement_invariance({"people": x, "model": x[:, :7]}, TWO)
