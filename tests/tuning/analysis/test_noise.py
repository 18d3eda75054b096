"""Studies in which training adds nothing but noise, and some in which it adds more."""

import json
from dataclasses import replace

import numpy as np
import pytest

from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.claims import outcome_against_noise
from proband.tuning.analysis.mixtures import partials
from proband.tuning.analysis.noise import Noise
from validation.knowledge_interventions import noisy


@pytest.fixture(scope="module")
def beyond():
    """A study in which the more consistent half of eight mixtures gains about 6 points."""
    return noisy(np.random.default_rng(3), 120, seeds=4, gain=0.3)


def test_noise_alone_is_not_called_more_than_noise_though_the_published_correlation_is_high():
    outcomes, published = [], []
    for seed in range(6):
        study = noisy(np.random.default_rng(seed), 60, seeds=1)
        outcomes.append(Noise(evaluation=study).steepness()[-1].estimate)
        published.append(partials(study, method="ren2024")[0].estimate)
    assert "supported" not in [outcome_against_noise(one) for one in outcomes]
    assert np.mean([one.value for one in outcomes]) == pytest.approx(0.0, abs=0.02)
    assert np.median([one.value for one in published]) > 0.6
    assert sum(one.p_value < 0.05 for one in published) >= 5


def test_what_is_planted_beyond_noise_is_found(beyond):
    found = Noise(evaluation=beyond)
    (whole,) = [one for one in found.steepness() if one.domain == ALL_DOMAINS]
    assert whole.estimate.value == pytest.approx(0.06, abs=0.02)
    assert outcome_against_noise(whole.estimate) == "supported"
    excess = {(one.arm, one.domain): one for one in found.excesses()}
    gained, plain = (excess[arm, ALL_DOMAINS] for arm in ("mixture-1.00", "mixture-0.00"))
    for name in ("rank", "kl", "js"):
        assert getattr(gained, name).interval[0] > 0
        assert getattr(plain, name).interval[0] < 0 < getattr(plain, name).interval[1]
    assert gained.ratio == 1.0


def test_the_line_begins_at_the_base_model_and_ends_near_chance(beyond):
    found = [one for one in Noise(evaluation=beyond).points() if one.domain == "history"]
    base = beyond.right(beyond.base, beyond.ask, beyond.questions("homogeneous", "history"))
    assert (found[0].amount, found[0].rank, found[0].accuracy) == (0.0, 1.0, np.mean(list(base.values())))
    assert found[-1].accuracy == pytest.approx(0.25, abs=0.05)
    assert [one.kl for one in found] == sorted(one.kl for one in found)


def test_the_same_questions_are_blurred_alike_whatever_else_is_tested(beyond):
    alone = beyond.only("medicine")
    assert Noise(evaluation=alone).points() == tuple(
        one for one in Noise(evaluation=beyond).points() if one.domain == "medicine"
    )


def test_a_base_model_without_preferences_has_no_excess_in_ranks(beyond):
    key = (beyond.base, beyond.ask)
    flat = {id: replace(one, probs=np.full(4, 0.25)) for id, one in beyond.beliefs[key].beliefs.items()}
    study = replace(beyond, beliefs=dict(beyond.beliefs) | {key: replace(beyond.beliefs[key], beliefs=flat)})
    found = Noise(evaluation=study)
    assert found.steepness() == ()
    (one, *_) = found.excesses()
    assert "equal probabilities" in one.rank.warnings[0]
    json.dumps(one.kl.as_dict(), allow_nan=False)
