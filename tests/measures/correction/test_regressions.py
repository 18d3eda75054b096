import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.correction.means import ppi_mean
from proband.measures.correction.regressions import ppi_logit, ppi_ols
from proband.measures.correction.samples import Regressors, Sampling


def made_up(seed=1, n=60, n_unlabelled=400, rho=0.7):
    """Answers that depend on two regressors, predictions that know part of the error, and the regressors."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n + n_unlabelled, 2))
    e = rng.standard_normal(n + n_unlabelled)
    y = 1 + x @ [0.5, -0.3] + e
    f = 0.8 * x[:, 0] + rho * e + math.sqrt(1 - rho**2) * rng.standard_normal(n + n_unlabelled)
    return y[:n], f[:n], f[n:], Regressors(labelled=x[:n], unlabelled=x[n:])


def test_without_trust_the_coefficients_are_least_squares_with_hc2_errors():
    y, f, u, x = made_up()
    found = ppi_ols(y, np.zeros_like(f), np.zeros_like(u), regressors=x)
    oracle = sm.OLS(y, sm.add_constant(x.labelled)).fit(cov_type="HC2")
    assert [e.value for e in found.coefficients.values()] == pytest.approx(oracle.params)
    assert [e.se for e in found.coefficients.values()] == pytest.approx(oracle.bse)
    assert list(found.coefficients) == ["intercept", "x1", "x2"]


def test_a_regression_on_the_constant_is_the_mean():
    y, f, u, _ = made_up()
    alone = ppi_ols(y, f, u, regressors=Regressors(labelled={}, unlabelled={}))["intercept"]
    mean = ppi_mean(y, f, u)
    assert (alone.value, alone.se, alone.tuning) == pytest.approx((mean.value, mean.se, mean.tuning))
    assert alone.interval == pytest.approx(mean.interval)


def test_bell_and_mccaffreys_degrees_of_freedom_are_those_of_a_two_sample_test():
    # For a 0/1 regressor HC2 is Welch's variance; with equal arms of m the working df are 2 (m - 1).
    rng = np.random.default_rng(1)
    x = np.repeat([0.0, 1.0], 10)
    found = ppi_ols(
        rng.standard_normal(20), np.zeros(20), [], regressors=Regressors(labelled={"x": x}, unlabelled={"x": []})
    )
    assert found["x"].df == pytest.approx(18)


@given(st.integers(0, 10**6), st.floats(0.01, 100))
@settings(max_examples=15)
def test_the_units_of_a_regressor_do_not_matter(seed, scale):
    y, f, u, x = made_up(seed)
    found = ppi_ols(y, f, u, regressors=x)
    scaled = Regressors(labelled=x.labelled * [scale, 1], unlabelled=x.unlabelled * [scale, 1])
    again = ppi_ols(y, f, u, regressors=scaled)
    assert again["x1"].value * scale == pytest.approx(found["x1"].value)
    assert again["x1"].p_value == pytest.approx(found["x1"].p_value, rel=1e-6)
    assert again["x2"].interval == pytest.approx(found["x2"].interval)
    assert all(0 <= e.tuning <= 1 for e in found.coefficients.values())


@given(st.integers(0, 10**6))
@settings(max_examples=15)
def test_a_constant_added_to_all_predictions_and_the_order_of_rows_do_not_matter(seed):
    y, f, u, x = made_up(seed)
    found = ppi_ols(y, f, u, regressors=x)
    order = np.random.default_rng(seed).permutation(len(y))
    again = ppi_ols(
        y[order], f[order] + 3, u + 3, regressors=Regressors(labelled=x.labelled[order], unlabelled=x.unlabelled)
    )
    assert again["x1"].interval == pytest.approx(found["x1"].interval)
    assert again["intercept"].value == pytest.approx(found["intercept"].value)


def test_good_predictions_are_worth_many_answers_and_the_covariance_holds_the_errors():
    y, f, u, x = made_up(rho=0.95, n_unlabelled=4000)
    found = ppi_ols(y, f, u, regressors=x)
    assert found["x1"].effective_n > 200
    assert math.sqrt(found.covariance[1, 1]) == pytest.approx(found["x1"].se)
    assert found["x1"].baselines["predictions only"] == pytest.approx(0.8, abs=0.1)


def test_predictions_made_of_the_regressors_buy_nothing():
    y, _, _, x = made_up()
    found = ppi_ols(y, x.labelled @ [0.5, -0.3], x.unlabelled @ [0.5, -0.3], regressors=x)
    assert [e.tuning for e in found.coefficients.values()] == [0, 0, 0]
    assert found["x1"].interval == found["x1"].classical.interval


def test_a_unit_that_alone_identifies_a_coefficient_is_named():
    rng = np.random.default_rng(1)
    x = np.zeros(30)
    x[7] = 1
    regressors = Regressors(labelled={"rare": x}, unlabelled={"rare": rng.integers(0, 2, 50)})
    with pytest.raises(DesignError, match=r"unit 7 .* alone identifies a coefficient"):
        ppi_ols(rng.standard_normal(30), rng.standard_normal(30), rng.standard_normal(50), regressors=regressors)


@pytest.mark.parametrize(
    ("labelled", "unlabelled", "said"),
    [
        ({"a": [1.0] * 20}, {"a": [1.0] * 50}, "do not identify 2 coefficients"),
        ({"a": [1, 2] * 10}, {"b": [1, 2] * 25}, "differ in the regressors"),
        ({"a": [1, 2] * 9}, {"a": [1, 2] * 25}, "regressor 'a' has 18 values for 20 units"),
    ],
)
def test_regressors_that_do_not_fit_are_refused(labelled, unlabelled, said):
    y = np.arange(20.0)
    with pytest.raises((DesignError, DataError), match=said):
        ppi_ols(y, y, np.arange(50.0), regressors=Regressors(labelled=labelled, unlabelled=unlabelled))


def test_predicted_regressors_are_sent_to_dsl():
    x = Regressors(labelled={"a": [1, 2] * 10}, unlabelled={"a": [1, 2] * 5}, predicted_labelled={"a": [1, 2] * 10})
    with pytest.raises(DesignError, match="use dsl_ols"):
        ppi_ols(np.arange(20.0), np.arange(20.0), np.arange(10.0), regressors=x)


def test_weights_that_repeat_rows_give_the_coefficients_of_the_repeated_rows():
    y, f, u, x = made_up()
    times = np.tile([1, 2, 3], 20)
    weighted = ppi_ols(y, f, u, regressors=x, sampling=Sampling(weights=times))
    repeated = Regressors(labelled=np.repeat(x.labelled, times, axis=0), unlabelled=x.unlabelled)
    again = ppi_ols(np.repeat(y, times), np.repeat(f, times), u, regressors=repeated)
    assert weighted["x1"].classical.value == pytest.approx(again["x1"].classical.value)


def binary(seed=1, n=120, n_unlabelled=600, rho=0.7):
    rng = np.random.default_rng(seed)
    m = n + n_unlabelled
    x, noise = rng.standard_normal(m), rng.logistic(size=m)
    y = (0.3 + 0.8 * x + noise > 0) * 1.0
    f = 1 / (1 + np.exp(-(0.8 * x + rho * noise + (1 - rho) * rng.logistic(size=m))))
    return y[:n], f[:n], f[n:], Regressors(labelled={"x": x[:n]}, unlabelled={"x": x[n:]})


def test_without_trust_log_odds_are_maximum_likelihood():
    y, f, u, x = binary()
    found = ppi_logit(y, 0 * f, 0 * u, regressors=x)
    oracle = sm.Logit(y, sm.add_constant(x.labelled["x"])).fit(disp=False)
    assert [e.value for e in found.coefficients.values()] == pytest.approx(oracle.params, abs=1e-6)
    assert found["x"].se == pytest.approx(oracle.bse[1], rel=0.15)


def test_logistic_predictions_that_know_the_error_shorten_the_interval():
    y, f, u, x = binary(rho=0.95)
    found = ppi_logit(y, f, u, regressors=x)["x"]
    assert 0 < found.tuning <= 1
    assert found.se < 0.9 * found.classical.se


def test_separated_answers_are_refused():
    x = np.linspace(-1, 1, 40)
    regressors = Regressors(labelled={"x": x}, unlabelled={"x": x})
    with pytest.raises(DataError, match="separate the 40 labelled answers"):
        ppi_logit((x > 0) * 1, np.full(40, 0.5), np.full(40, 0.5), regressors=regressors)


def test_logistic_regression_wants_zeros_and_ones_and_probabilities():
    y, f, u, x = binary()
    with pytest.raises(DataError, match="answers of 0 and 1, both present"):
        ppi_logit(y * 0, f, u, regressors=x)
    with pytest.raises(DataError, match="predicted_labelled runs from"):
        ppi_logit(y, f * 3, u, regressors=x)


def test_few_events_are_said():
    y, f, u, x = binary(n=30)
    assert "labelled answers of the rarer kind per coefficient" in ppi_logit(y, f, u, regressors=x).warnings[0]
