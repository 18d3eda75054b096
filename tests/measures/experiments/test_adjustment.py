"""Adjusted differences: Lin's estimator against statsmodels' HC2, and what cannot be adjusted for."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import adjusted_difference, difference_in_means


def experiment(n=60, seed=0):
    rng = np.random.default_rng(seed)
    x, group, treated = rng.normal(size=n), rng.choice(["a", "b"], n), rng.permutation(np.arange(n) % 2)
    y = 0.5 * treated + x + 0.7 * x * treated + (group == "b") + rng.normal(size=n)
    return y, treated, {"x": x, "group": group.tolist()}


def test_it_is_lins_regression_with_hc2_errors():
    y, t, known = experiment()
    counts = {g: known["group"].count(g) for g in ("a", "b")}
    other = min(counts, key=counts.get)
    columns = [known["x"], np.equal(known["group"], other) * 1.0]
    centred = [column - column.mean() for column in columns]
    x = np.column_stack([np.ones(len(y)), t, *centred, *(column * t for column in centred)])
    oracle = sm.OLS(y, x).fit(cov_type="HC2")
    found = adjusted_difference(y, t, known)
    assert found.value == pytest.approx(oracle.params[1])
    assert found.se == pytest.approx(oracle.bse[1])


def test_a_covariate_that_explains_everything_leaves_no_error():
    """By hand (validity.md, section 5.2): the effect is 2 and the fit is perfect."""
    found = adjusted_difference([5, 7, 6, 8, 3, 4, 4, 5], [1] * 4 + [0] * 4, {"x": [1, 3, 2, 4, 1, 2, 2, 3]})
    assert found.value == pytest.approx(2.0)
    assert found.interval is None
    assert found.baselines["unadjusted"] == pytest.approx(2.5)


@given(st.integers(0, 10_000), st.floats(-5, 5), st.floats(0.5, 3))
def test_it_does_not_depend_on_the_origin_and_unit_of_a_covariate(seed, shift, scale):
    y, t, known = experiment(40, seed)
    moved = {**known, "x": known["x"] * scale + shift}
    plain, other = adjusted_difference(y, t, known), adjusted_difference(y, t, moved)
    assert other.value == pytest.approx(plain.value)
    assert other.se == pytest.approx(plain.se)


def test_with_useful_covariates_the_error_is_smaller():
    y, t, known = experiment(400)
    assert adjusted_difference(y, t, known).se < 0.8 * difference_in_means(y[t == 1], y[t == 0]).se


def test_many_covariates_for_few_units_are_told():
    rng = np.random.default_rng(1)
    known = {f"x{k}": rng.normal(size=16) for k in range(3)}
    found = adjusted_difference(rng.normal(size=16), np.arange(16) % 2, known)
    assert any("8 units in the smaller arm for 3 covariates" in warning for warning in found.warnings)


def test_what_cannot_be_adjusted_for_is_refused_with_the_way_out():
    y, t = [1.0, 2, 3, 4, 5, 6, 7, 9], [0, 1] * 4
    with pytest.raises(DataError, match="'wave' is the same for all units and explains nothing; leave it out"):
        adjusted_difference(y, t, {"wave": [3] * 8})
    with pytest.raises(MissingDataError, match="'age' is missing for 1 of 8 units; make"):
        adjusted_difference(y, t, {"age": [1, 2, None, 4, 5, 6, 7, 8]})
    with pytest.raises(DataError, match="'site: b' is the same for all control units; merge it"):
        adjusted_difference(y, t, {"site": ["a", "b", "a", "a", "a", "a", "a", "a"]})
    x = [1.0, 2, 4, 3, 9, 5, 7, 6]
    with pytest.raises(DataError, match="one of them is a sum of others"):
        adjusted_difference(y, t, {"x": x, "twice": [2 * v for v in x]})
    with pytest.raises(DesignError, match="8 of 8 units were treated"):
        adjusted_difference(y, [1] * 8, {"x": range(8)})
    with pytest.raises(DesignError, match="no covariates"):
        adjusted_difference(y, t, {})


@pytest.mark.slow
def test_intervals_cover_with_skewed_outcomes_and_effects_that_differ():
    rng, hits = np.random.default_rng(5), 0
    for _ in range(400):
        x = rng.exponential(size=60)
        t = rng.permutation(np.arange(60) % 3 == 0) * 1.0
        own = 1 + x - x.mean()
        y = x**1.5 + own * t + rng.normal(size=60)
        low, high = adjusted_difference(y, t, {"x": x}).interval
        hits += low <= 1 <= high
    assert hits >= 364  # .91 of 400, for 95 %
