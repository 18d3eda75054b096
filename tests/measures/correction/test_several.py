import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures import ppi_mean
from validation.corrected_designs import several_covers


def answered(seed, n=60, n_others=600, p=3):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n + n_others)
    y = z + rng.normal(size=n + n_others)
    f = np.column_stack([z + rng.normal(size=n + n_others) for _ in range(p)])
    return y[:n], f[:n], f[n:]


def test_with_endless_predictions_it_is_the_regression_estimator():
    # Cochran (1977), section 7.3: the mean of y, moved along its regression on the predictions' known means.
    y, f, u = answered(1, n_others=400_000)
    slopes = sm.OLS(y, sm.add_constant(f)).fit().params[1:]
    found = ppi_mean(y, f, u)
    assert found.tunings == pytest.approx(slopes, rel=1e-2)
    assert found.value == pytest.approx(y.mean() + slopes @ (u.mean(axis=0) - f.mean(axis=0)), abs=1e-3)
    assert found.tuning == 1


@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-5, 5))
@settings(max_examples=15, deadline=None)
def test_units_and_order_of_the_predictions_do_not_matter(seed, scale, shift):
    y, f, u = answered(seed)
    found = ppi_mean(y, f, u)
    factors, order = np.array([1.0, scale, -1.0]), [2, 0, 1]
    moved = ppi_mean(y, (f * factors + shift)[:, order], (u * factors + shift)[:, order])
    assert moved.value == pytest.approx(found.value)
    assert moved.se == pytest.approx(found.se)


def test_several_predictions_buy_more_than_the_best_of_them():
    y, f, u = answered(3, n=200, n_others=4000)
    assert ppi_mean(y, f, u).effective_n > 1.1 * max(ppi_mean(y, f[:, j], u[:, j]).effective_n for j in range(3))


def test_a_prediction_twice_buys_nothing_more_and_a_constant_one_nothing():
    y, f, u = answered(4)
    one = ppi_mean(y, f[:, :1], u[:, :1])
    twice = ppi_mean(y, f[:, [0, 0]], u[:, [0, 0]])
    assert twice.value == pytest.approx(one.value)
    constant = ppi_mean(y, np.ones((60, 2)), np.ones((600, 2)))
    assert constant.interval == constant.classical.interval
    assert constant.tunings == (0.0, 0.0)


def test_predictions_of_other_columns_or_too_many_are_refused():
    y, f, u = answered(5, n=12)
    with pytest.raises(DataError, match="3 predictions of the labelled and 2 of the others"):
        ppi_mean(y, f, u[:, :2])
    with pytest.raises(DesignError, match="12 labelled units for 12 predictions"):
        ppi_mean(y, np.tile(f, 4), np.tile(u, 4))
    with pytest.raises(DesignError, match="knows one prediction"):
        ppi_mean(y, f, u, small_sample="paper")


@pytest.mark.slow
def test_the_interval_holds_with_few_labels():
    share = np.mean([several_covers(np.random.default_rng(k), 20) for k in range(500)])
    assert 0.92 <= share <= 0.98
