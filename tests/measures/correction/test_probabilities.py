import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.correction.probabilities import calibration


def test_brier_and_its_parts_by_hand():
    # Two bins: five predictions of .2 of which one comes true, five of .6 of which three do.
    found = calibration([0.2] * 5 + [0.6] * 5, [1, 0, 0, 0, 0, 1, 1, 1, 0, 0])
    assert found.brier.value == pytest.approx((0.64 + 4 * 0.04 + 3 * 0.16 + 2 * 0.36) / 10)
    assert (found.reliability, found.within_bins) == pytest.approx((0, 0), abs=1e-12)
    assert found.resolution == pytest.approx(0.04)
    assert found.uncertainty == pytest.approx(0.24)
    assert found.ece.value == pytest.approx(0)


def test_the_calibration_error_by_hand():
    found = calibration([0.1] * 10 + [0.8] * 10, [1] * 3 + [0] * 7 + [1] * 5 + [0] * 5)
    assert found.ece.value == pytest.approx(0.5 * 0.2 + 0.5 * 0.3)
    assert [(b.n, b.predicted, b.observed.value) for b in found.curve] == [
        (10, pytest.approx(0.1), 0.3),
        (10, pytest.approx(0.8), 0.5),
    ]


@given(st.integers(0, 10**6), st.integers(2, 12))
@settings(max_examples=40)
def test_the_parts_sum_to_the_brier_score_and_scores_stay_in_range(seed, n_bins):
    rng = np.random.default_rng(seed)
    p = rng.random(60)
    y = (rng.random(60) < p) * 1
    found = calibration(p, y, n_bins=n_bins)
    total = found.reliability - found.resolution + found.uncertainty + found.within_bins
    assert total == pytest.approx(found.brier.value)
    low, high = found.ece.interval
    assert 0 <= low <= found.ece.value <= high <= 1
    assert sum(b.n for b in found.curve) == 60
    order = rng.permutation(60)
    assert calibration(p[order], y[order], n_bins=n_bins).ece.value == pytest.approx(found.ece.value)


def test_options_of_several_columns_are_events_of_their_own():
    p = np.array([[0.7, 0.3], [0.4, 0.6]] * 10)
    answers = [0, 1, 1, 1] * 5
    many, two = calibration(p, answers), calibration(p[:, 1], answers)
    assert many.brier.value == pytest.approx(2 * two.brier.value)
    assert many.brier.n_units == 20
    assert many.uncertainty - many.resolution + many.reliability + many.within_bins == pytest.approx(many.brier.value)


def test_perfect_probabilities_show_no_error_above_their_noise():
    rng = np.random.default_rng(1)
    p = rng.choice([0.2, 0.5, 0.8], 200)
    found = calibration(p, (rng.random(200) < p) * 1).ece
    assert found.interval[0] == 0
    assert found.baselines["noise floor"] == pytest.approx(0.05, abs=0.02)
    assert "no miscalibration is visible" in found.warnings[-1]


def test_everybodys_mean_is_calibrated_and_has_no_resolution():
    found = calibration([0.3] * 20, [1] * 6 + [0] * 14)
    assert (found.ece.value, found.resolution) == pytest.approx((0, 0))
    assert len(found.curve) == 1


def test_few_people_get_no_interval():
    found = calibration([0.2, 0.4, 0.9], [0, 1, 1])
    assert found.ece.interval is None
    assert found.brier.interval is None


@pytest.mark.parametrize(
    ("predicted", "observed", "error", "said"),
    [
        ([0.2, 1.4], [0, 1], DataError, "run from 0.2 to 1.4"),
        ([0.2, 0.4], [0, 2], DataError, "answers are 0 or 1"),
        ([[0.2, 0.4], [0.5, 0.5]], [0, 1], DataError, "row 0 .* does not sum to 1"),
        ([[0.2, 0.8], [0.5, 0.5]], [0, 2], DataError, r"option indices 0\.\.1"),
        ([0.2], [0, 1], DataError, "1 predictions for 2 answers"),
        ([0.2], [0], DesignError, "1 people"),
    ],
)
def test_what_are_no_probabilities_or_answers_is_refused(predicted, observed, error, said):
    with pytest.raises(error, match=said):
        calibration(predicted, observed)
