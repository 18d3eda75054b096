import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError
from proband.measures import Regressors, Sampling, ppi_poisson
from validation.corrected_designs import poisson_covers


def visits(seed, n=100, n_others=900):
    rng = np.random.default_rng(seed)
    age = rng.normal(size=n + n_others)
    y = rng.poisson(np.exp(0.5 * age)).astype(float)
    f = 0.7 * y + rng.random(n + n_others)
    return y[:n], f[:n], f[n:], Regressors(labelled={"age": age[:n]}, unlabelled={"age": age[n:]})


def test_without_predictions_it_is_poisson_regression():
    y, f, u, x = visits(1)
    found = ppi_poisson(y, np.ones_like(f), np.ones_like(u), regressors=x)
    oracle = sm.GLM(y, sm.add_constant(x.labelled["age"]), family=sm.families.Poisson()).fit(cov_type="HC1")
    assert [e.value for e in found.coefficients.values()] == pytest.approx(oracle.params)
    # Delete-one errors are a little larger than HC1.
    assert [e.se for e in found.coefficients.values()] == pytest.approx(oracle.bse, rel=0.1)


def test_rates_with_exposures_as_weights_are_an_offset():
    y, f, u, x = visits(2)
    exposure = np.linspace(0.5, 2, y.size)
    nothing = np.ones_like(u)
    found = ppi_poisson(
        y / exposure,
        np.ones_like(f),
        nothing,
        regressors=x,
        sampling=Sampling(weights=exposure, weights_unlabelled=nothing),
    )
    offset = sm.GLM(y, sm.add_constant(x.labelled["age"]), family=sm.families.Poisson(), offset=np.log(exposure)).fit()
    assert [e.value for e in found.coefficients.values()] == pytest.approx(offset.params, abs=1e-5)


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_a_regressors_unit_changes_the_coefficient_only(seed):
    y, f, u, x = visits(seed)
    scaled = Regressors(labelled={"age": 10 * x.labelled["age"]}, unlabelled={"age": 10 * x.unlabelled["age"]})
    found, again = (ppi_poisson(y, f, u, regressors=r)["age"] for r in (x, scaled))
    assert again.value * 10 == pytest.approx(found.value, rel=1e-5)
    assert again.p_value == pytest.approx(found.p_value, rel=1e-3)
    assert found.effective_n >= 99


def test_negative_counts_none_at_all_and_groups_without_any_are_refused():
    y, f, u, x = visits(3)
    with pytest.raises(DataError, match="counts and rates are 0 or more"):
        ppi_poisson(y, f - 5, u, regressors=x)
    with pytest.raises(DataError, match="all labelled counts are 0"):
        ppi_poisson(0 * y, f, u, regressors=x)
    group = Regressors(labelled={"g": (y > 0) * 1.0}, unlabelled={"g": (u > 1) * 1.0})
    with pytest.raises(DataError, match="compare group means by ppi_mean"):
        ppi_poisson(y, f, u, regressors=group)


@pytest.mark.slow
def test_the_interval_holds():
    share = np.mean([poisson_covers(np.random.default_rng(k), 100) for k in range(400)])
    assert 0.92 <= share <= 0.98
