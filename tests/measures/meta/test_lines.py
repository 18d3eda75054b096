"""Lines with errors in both variables: the published solution of Pearson's data, and Deming's formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.measures import effect_correspondence, line_with_errors_in_both

# Pearson's data with York's weights (York et al. 2004, table II).
X = [0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4]
Y = [5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5]
WX = np.array([1000, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1.0])
WY = np.array([1, 1.8, 4, 8, 20, 20, 70, 70, 100, 500])


def test_the_published_solution_of_pearsons_data():
    found = line_with_errors_in_both(X, Y, WX**-0.5, WY**-0.5)
    assert found.slope.value == pytest.approx(-0.480533407, abs=1e-9)
    assert found.intercept.value == pytest.approx(5.47991022, abs=1e-8)
    assert found.misfit == pytest.approx(1.483, abs=5e-4)
    # York's errors do not count the misfit.
    assert found.slope.se / found.misfit**0.5 == pytest.approx(0.057985, abs=5e-6)
    assert found.intercept.se / found.misfit**0.5 == pytest.approx(0.29497, abs=5e-5)


@given(st.integers(0, 1_000), st.floats(0.3, 3))
def test_errors_in_one_ratio_give_demings_line(seed, ratio):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=25) * 3
    x, y = truth + 0.3 * rng.normal(size=25), 1 + 0.7 * truth + 0.3 * ratio * rng.normal(size=25)
    sxx, syy, sxy = x.var(), y.var(), np.cov(x, y, ddof=0)[0, 1]
    gap = syy - ratio**2 * sxx
    deming = (gap + np.sqrt(gap**2 + 4 * ratio**2 * sxy**2)) / (2 * sxy)
    found = line_with_errors_in_both(x, y, [0.3] * 25, [0.3 * ratio] * 25)
    assert found.slope.value == pytest.approx(deming, rel=1e-6)


@given(st.integers(0, 1_000))
def test_turning_x_and_y_round_inverts_the_slope(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=20) * 3
    x, y, sx, sy = truth + rng.normal(size=20) * 0.3, truth + rng.normal(size=20) * 0.3, *rng.uniform(0.2, 0.4, (2, 20))
    there, back = line_with_errors_in_both(x, y, sx, sy), line_with_errors_in_both(y, x, sy, sx)
    assert there.slope.value * back.slope.value == pytest.approx(1, rel=1e-6)


def test_what_has_no_line_is_refused():
    with pytest.raises(DataError, match="2 points"):
        line_with_errors_in_both([1, 2], [1, 2], [0.1, 0.1], [0.1, 0.1])
    with pytest.raises(DataError, match="with x known exactly regress y on x"):
        line_with_errors_in_both([1, 2, 3], [1, 2, 3], [0.0] * 3, [0.1] * 3)


def test_effect_correspondence_has_the_slope_that_errors_of_the_model_do_not_flatten():
    rng = np.random.default_rng(6)
    truth = rng.normal(0, 0.5, 60)
    human = {k: (t + 0.1 * rng.normal(), 0.1) for k, t in enumerate(truth)}
    model = {k: (t + 0.4 * rng.normal(), 0.4) for k, t in enumerate(truth)}
    found = effect_correspondence(human, model)
    assert found.slope.value < 0.75
    low, high = found.slope_both_errors.interval
    assert low < 1 < high
    assert low > found.slope.value
    assert effect_correspondence(human, {k: m for k, (m, _) in model.items()}).slope_both_errors is None
