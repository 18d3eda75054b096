import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError, MissingDataError
from proband.estimates import Estimate
from proband.measures.likeness.structure.effects import effect_correspondence

Y, X = (0.1, 0.3, 0.5, 0.2, 0.4), (0.2, 0.3, 0.6, 0.1, 0.5)


@pytest.fixture(scope="module")
def found():
    return effect_correspondence([(y, 0.1) for y in Y], X)


def test_the_statistics_of_five_effects_are_those_of_the_reference(found):
    assert found.correlation.value == pytest.approx(0.9149914, abs=1e-7)
    assert found.reliability_human == pytest.approx(0.6)
    assert found.reliability_model == 1
    assert found.disattenuated.value == pytest.approx(1.1812488, abs=1e-7)
    assert found.slope.value == pytest.approx(0.6976744, abs=1e-7)
    assert found.intercept.value == pytest.approx(0.0627907, abs=1e-7)
    assert found.rmse.value == pytest.approx(0.0894427, abs=1e-7)


def test_a_disattenuated_correlation_above_1_is_reported_and_warned_of(found):
    assert any("above 1" in warning for warning in found.warnings)


def test_the_published_reliability_follows_from_the_published_correlations():
    reliability = (0.85 / 0.91) ** 2  # Hewitt et al. 2024: r = .85, adjusted .91
    assert reliability == pytest.approx(0.8725, abs=1e-4)


def test_null_row_and_floor_stand_beside_the_error(found):
    assert found.rmse.baselines["no_effect"] == pytest.approx(math.sqrt(np.mean(np.square(Y))))
    assert found.rmse.baselines["noise_floor"] == pytest.approx(0.1)


def test_recoding_a_contrast_changes_r_but_not_the_correlation_through_the_origin():
    y, x = np.array(Y), np.array(X)
    flips = np.array([1, -1, 1, -1, 1])
    before, after = effect_correspondence(y, x), effect_correspondence(y * flips, x * flips)
    assert after.correlation_through_origin.value == pytest.approx(before.correlation_through_origin.value)
    assert after.correlation.value != pytest.approx(before.correlation.value)
    assert after.rmse.value == pytest.approx(before.rmse.value)
    through = (x @ y) / math.sqrt((x @ x) * (y @ y))
    assert before.correlation_through_origin.value == pytest.approx(through)


@given(st.permutations(list(range(6))))
def test_effects_are_joined_by_contrast(order):
    y = {("a", 1): 0.1, ("a", 2): 0.4, ("b", 1): -0.2, ("b", 2): 0.3, ("c", 1): 0.2, ("d", 1): 0.6}
    x = {key: value + 0.1 * k for k, (key, value) in enumerate(y.items())}
    keys = list(y)
    assert effect_correspondence(y, x) == effect_correspondence(y, {keys[k]: x[keys[k]] for k in order})
    assert effect_correspondence(y, x).n_studies == 4


def test_frames_estimates_and_arrays_give_the_same():
    frame = pd.DataFrame({"effect": Y, "se": [0.1] * 5})
    estimates = [Estimate(value=y, se=0.1, estimand="effect", target="human", n_units=9) for y in Y]
    first = effect_correspondence(frame, {"effect": X})
    assert first == effect_correspondence(estimates, X) == effect_correspondence(np.column_stack([Y, [0.1] * 5]), X)


def test_a_scale_common_to_both_changes_only_what_has_units():
    small, large = effect_correspondence(Y, X), effect_correspondence(np.array(Y) * 10, np.array(X) * 10)
    assert large.rmse.value == pytest.approx(10 * small.rmse.value)
    assert large.slope.value == pytest.approx(small.slope.value)
    assert large.correlation.interval == pytest.approx(small.correlation.interval)


def test_effects_that_vary_no_more_than_their_errors_have_no_disattenuated_correlation():
    found = effect_correspondence([(y, 0.5) for y in Y], X)
    assert found.reliability_human == 0
    assert math.isnan(found.disattenuated.value)
    assert "their standard errors" in found.disattenuated.warnings[0]


def test_equal_effects_have_no_correlation_but_an_error():
    found = effect_correspondence([0.2] * 5, X)
    assert math.isnan(found.correlation.value)
    assert math.isnan(found.rank_correlation.value)
    assert found.rmse.value > 0
    perfect = effect_correspondence(X, X)
    assert perfect.correlation.value == pytest.approx(1)
    assert perfect.correlation.interval is None
    assert perfect.sign_agreement.value == 1


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(DataError, match="only one side"):
        effect_correspondence({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "d": 3})
    with pytest.raises(DataError, match="too few"):
        effect_correspondence([1, 2], [1, 2])
    with pytest.raises(MissingDataError):
        effect_correspondence([1, None, 2], [1, 2, 3])
    with pytest.raises(DataError, match="no standard error"):
        effect_correspondence([(1, 0.1), 2, 3], [1, 2, 3])
