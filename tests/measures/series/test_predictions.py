"""Regressions over time and the placebo of shuffled dates: beside statsmodels and by hand, and their coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS

from proband.errors import DataError, DesignError
from proband.measures import series_regression, shuffled_dates

LINE = ([1, 2, 2, 4, 3, 5, 5, 7, 6, 8, 8, 10], list(range(12)))


def made(n, slope, seed, memory=0.0):
    rng = np.random.default_rng(seed)
    x, shocks = rng.normal(size=n), rng.normal(size=n)
    noise = np.empty(n)
    noise[0] = shocks[0]
    for k in range(1, n):
        noise[k] = memory * noise[k - 1] + shocks[k]
    return slope * x + noise, x


def test_without_lags_errors_are_those_of_white_by_hand():
    y, x = (np.array(values, dtype=float) for values in LINE)
    design = np.column_stack([np.ones(12), x])
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ y
    scores = design * (y - design @ beta)[:, None]
    covariance = bread @ scores.T @ scores @ bread * 12 / 10
    found = series_regression(y, {"t": x}, lags=0)
    assert found["t"].value == pytest.approx(beta[1])
    assert found["t"].se == pytest.approx(np.sqrt(covariance[1, 1]))
    assert found["t"].df == 10


def test_with_lags_bartlett_weights_neighbours_by_hand():
    y, x = (np.array(values, dtype=float) for values in LINE)
    design = np.column_stack([np.ones(12), x])
    bread = np.linalg.inv(design.T @ design)
    scores = design * (y - design @ (bread @ design.T @ y))[:, None]
    inner = scores.T @ scores
    for lag in (1, 2):
        cross = scores[lag:].T @ scores[:-lag]
        inner += (1 - lag / 3) * (cross + cross.T)
    covariance = bread @ inner @ bread * 12 / 10
    assert series_regression(y, {"t": x}, lags=2)["t"].se == pytest.approx(np.sqrt(covariance[1, 1]))


def test_it_is_what_statsmodels_gives():
    y, x = made(80, 0.4, seed=2, memory=0.5)
    found = series_regression(y, {"x": x}, lags=3)["x"]
    fit = OLS(y, np.column_stack([np.ones(80), x])).fit(
        cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True}, use_t=True
    )
    assert (found.value, found.se) == pytest.approx((fit.params[1], fit.bse[1]))
    assert (found.statistic, found.df) == (pytest.approx(fit.tvalues[1]), 1.5 * 80 / 4)


def test_without_columns_it_is_the_mean_and_without_variance_there_is_no_error():
    assert series_regression(LINE[0], {})["(mean)"].value == pytest.approx(np.mean(LINE[0]))
    still = series_regression([2.0] * 15, {})["(mean)"]
    assert (still.value, still.interval) == (pytest.approx(2.0), None)
    assert still.warnings


def test_the_slope_is_that_with_controls_held_constant():
    y, x = made(60, 0.4, seed=3)
    before = np.concatenate([[0.0], y[:-1]])
    placebo = shuffled_dates(y, x, controls={"before": before}, n_draws=99)
    assert placebo.value == pytest.approx(series_regression(y, {"x": x, "before": before})["x"].value)


def test_placebos_find_an_effect_and_none_where_there_is_none():
    assert shuffled_dates(*made(60, 1.0, seed=4)).p_value == pytest.approx(0.001)
    assert shuffled_dates(*made(60, 0.0, seed=6)).p_value > 0.05
    assert shuffled_dates(*made(60, 1.0, seed=4), rotates=True).p_value < 0.03


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.1, 100), st.floats(-50, 50))
def test_units_and_origins_of_scores_change_slopes_and_nothing_else(seed, scale, shift):
    y, x = made(25, 0.3, seed=seed)
    one, other = series_regression(y, {"x": x})["x"], series_regression(y, {"x": scale * x + shift})["x"]
    assert other.value * scale == pytest.approx(one.value, rel=1e-5, abs=1e-8)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-4, abs=1e-9)
    placebos = shuffled_dates(y, x, n_draws=99), shuffled_dates(y, scale * x + shift, n_draws=99)
    assert placebos[0].p_value == placebos[1].p_value
    low, high = placebos[0].baselines.values()
    assert low <= high


def test_what_cannot_be_estimated_is_refused():
    y, x = LINE
    with pytest.raises(DataError, match="at least 12"):
        series_regression(y[:11], {"t": x[:11]})
    with pytest.raises(DataError, match="does not vary"):
        series_regression(y, {"t": [1.0] * 12})
    with pytest.raises(DataError, match="give one a row"):
        series_regression(y, {"t": x[:-1]})
    with pytest.raises(DesignError, match="lags"):
        series_regression(y, {"t": x}, lags=-1)
    with pytest.raises(DesignError, match="no coefficient 'u'"):
        series_regression(y, {"t": x})["u"]
    with pytest.raises(DesignError, match="n_draws"):
        shuffled_dates(y, x, n_draws=9)


@pytest.mark.slow
def test_intervals_cover_and_placebos_reject_as_often_as_they_say():
    covered, rejected = [], []
    for seed in range(300):
        y, x = made(150, 0.3, seed=seed, memory=0.4)
        low, high = series_regression(y, {"x": x})["x"].interval
        covered.append(low <= 0.3 <= high)
        rejected.append(shuffled_dates(*made(60, 0.0, seed=seed), n_draws=199).p_value <= 0.05)
    assert 0.90 < np.mean(covered) < 0.98
    assert 0.02 < np.mean(rejected) < 0.09
