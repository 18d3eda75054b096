import math

import numpy as np
import pytest

from proband.measures.correction.probabilities import calibration
from proband.tuning.analysis.accuracy import ALL_DOMAINS, BASE_ZERO_SHOT
from proband.tuning.analysis.confidence import confidences


def one(found, **where):
    return next(row for row in found if all(getattr(row, name) == value for name, value in where.items()))


def test_scores_of_the_base_model_are_those_of_the_measures(planted):
    ids = planted.questions("homogeneous", "law")
    held = planted.beliefs["base", planted.ask]
    gold = [planted.bank[id].answer for id in ids]
    found = one(confidences(planted), arm=BASE_ZERO_SHOT, domain="law", test="homogeneous")
    assert found.brier.value == pytest.approx(calibration(held.matrix(ids), gold).brier.value)
    sure = [held[id].confidence for id in ids]
    right = [float(held[id].pick == answer) for id, answer in zip(ids, gold, strict=True)]
    by_hand = calibration(sure, right).ece
    assert found.ece.value == pytest.approx(by_hand.value)
    assert found.ece.interval == pytest.approx(by_hand.interval)
    assert found.excess.value == pytest.approx(np.mean(sure) - np.mean(right))


def test_accuracy_among_answers_by_hand(planted):
    ids = planted.questions("homogeneous", "law")
    runs = [planted.beliefs[f"harmonious-law-s{s}", planted.ask] for s in range(3)]
    answered = [(run[id].pick == planted.bank[id].answer) for run in runs for id in ids if run[id].corrected >= 0.5]
    found = one(confidences(planted), arm="harmonious", domain="law", test="homogeneous").abstention[1]
    assert found.accuracy.value == pytest.approx(np.mean(answered))
    assert found.coverage.value == pytest.approx(len(answered) / (3 * len(ids)))
    assert found.accuracy.interval[0] < found.accuracy.value < found.accuracy.interval[1]


def test_a_threshold_of_0_answers_everything(planted):
    found = one(confidences(planted, thresholds=(0.0,)), arm="harmonious", domain=ALL_DOMAINS, test="homogeneous")
    assert found.abstention[0].coverage.value == 1.0


def test_a_threshold_that_nothing_reaches_has_no_accuracy(planted):
    found = one(confidences(planted, thresholds=(1.0,)), arm="harmonious", domain="law", test="homogeneous")
    assert math.isnan(found.abstention[0].accuracy.value)
    assert "no question is answered" in found.abstention[0].accuracy.warnings[0]


def test_several_runs_have_the_mean_of_their_calibration_errors(planted):
    found = one(confidences(planted), arm="harmonious", domain="law", test="homogeneous").ece
    assert found.n_clusters == 3
    assert found.interval[0] <= found.value <= found.interval[1]
    assert 0 < found.baselines["noise floor"] < 0.2
