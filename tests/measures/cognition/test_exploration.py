"""The regression of the horizon task: recovery, symmetry, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from proband.errors import DataError, DesignError
from proband.measures.cognition.exploration import fit_exploration

NAMES = ("reward", "random", "information", "directed", "place")


def games(rng, n):
    """Differences of means, of information, horizons and places."""
    gaps = rng.choice([4, 8, 12, 20, 30], n) * rng.choice([-1, 1], n) + rng.normal(0, 6, n)
    return gaps, rng.choice([-1, 0, 1], n), np.arange(n) % 2 == 1, rng.choice([-1.0, 1.0], n)


def simulated(truth, n, seed):
    rng = np.random.default_rng(seed)
    gaps, seen, late, place = games(rng, n)
    columns = (gaps / 10, late * gaps / 10, seen, late * seen, place)
    p = special.expit(sum(b * x for b, x in zip(truth, columns, strict=True)))
    chosen = (rng.random(n) < p).astype(float)
    return gaps, seen, late, chosen, place


@settings(max_examples=4, deadline=None)
@given(directed=st.floats(-0.5, 1.5), random=st.floats(-0.6, 0.0), seed=st.integers(0, 999))
def test_what_was_planted_comes_back(directed, random, seed):
    truth = (1.0, random, 0.2, directed, 0.3)
    gaps, seen, late, chosen, place = simulated(truth, 1500, seed)
    found = fit_exploration(gaps, seen, late, chosen, list(range(1500)), place=place).parameters
    for name, value in zip(NAMES, truth, strict=True):
        low, high = found[name].interval
        assert abs(found[name].value - value) < (high - low)  # about four standard errors, of five in four examples


def test_naming_the_other_machine_first_changes_nothing():
    gaps, seen, late, chosen, place = simulated((1.0, -0.3, 0.2, 0.6, 0.5), 300, 1)
    one = fit_exploration(gaps, seen, late, chosen, list(range(300)), place=place)
    two = fit_exploration(-gaps, -seen, late, 1 - chosen, list(range(300)), place=-place)
    assert one.log_likelihood == pytest.approx(two.log_likelihood)
    assert [e.value for e in two.parameters.values()] == pytest.approx(
        [e.value for e in one.parameters.values()], abs=1e-4
    )


def test_few_games_are_warned_of():
    few = fit_exploration(*simulated((1.0, -0.3, 0.2, 0.6, 0.0), 24, 1)[:4], list(range(24)))
    many = fit_exploration(*simulated((1.0, -0.3, 0.2, 0.6, 0.0), 48, 1)[:4], list(range(48)))
    assert any("83 to 89" in warning for warning in few.warnings)
    assert not any("83 to 89" in warning for warning in many.warnings)


def test_one_horizon_is_refused_and_so_is_no_probability():
    with pytest.raises(DesignError, match="one horizon"):
        fit_exploration([1, 2], [0, 1], [True, True], [1, 0], [1, 2])
    with pytest.raises(DataError, match="no probability"):
        fit_exploration([1, 2], [0, 1], [True, False], [1, 2], [1, 2])
