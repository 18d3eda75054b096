import math
from dataclasses import replace

import numpy as np
import pytest

from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.mixtures import best_between, curves, partials
from validation.knowledge_interventions import World, simulated


def test_curves_run_over_all_ratios_by_domain_and_over_domains(planted):
    found = [point for point in curves(planted) if point.test == "homogeneous"]
    assert [point.ratio for point in found if point.domain == "law"] == [0.0, 0.2, 0.5, 1.0]
    assert [point.ratio for point in found if point.domain == ALL_DOMAINS] == [0.0, 0.2, 0.5, 1.0]
    pooled = [point for point in found if point.domain == ALL_DOMAINS]
    assert pooled[0].gain is None
    assert pooled[2].gain.value == pytest.approx(pooled[2].accuracy.value - pooled[0].accuracy.value)
    assert pooled[0].kl.value > pooled[1].kl.value > pooled[2].kl.value


def test_a_planted_best_ratio_is_chosen_and_beats_both_ends(planted):
    found = best_between(planted, "homogeneous")
    assert found.chosen[0.5] > 0.9
    assert found.over_0.interval[0] > 0
    assert found.over_1.interval[0] > 0
    assert found.is_separate


def test_the_best_of_equal_ratios_is_not_too_good_on_average():
    # Six ratios alike, whose trainings differ: the largest mean exceeds the ends by about one standard deviation.
    names = ("incompatible", *(f"mixture-{r}" for r in (0.1, 0.2, 0.4, 0.6, 0.8)), "self-aligning")
    world = World(effects=dict.fromkeys(names, 0.2), domains=("law",), run_sd=0.8, seeds=2)
    gains = []
    for seed in range(25):
        found = best_between(simulated(np.random.default_rng(seed), 40, world), "homogeneous")
        gains.append(found.over_0.value)
    assert abs(np.mean(gains)) < 3 * np.std(gains) / 5


def test_one_seed_cannot_tell_a_good_ratio_from_a_lucky_training(planted):
    single = replace(planted, trained=tuple(run for run in planted.trained if run.seed == 0))
    found = best_between(single, "homogeneous")
    assert not found.is_separate
    assert any("one seed" in warning for warning in found.over_0.warnings)


def test_without_mixtures_there_is_no_curve(planted):
    kept = tuple(run for run in planted.trained if run.mixture is None)
    bare = replace(planted, trained=kept)
    assert curves(bare) == ()
    assert best_between(bare, "homogeneous") is None


def test_a_planted_relation_of_consistency_and_accuracy_is_found(planted):
    standard, paper = (partials(planted, method=method)[0].estimate for method in ("standard", "ren2024"))
    assert standard.value > 0.5
    assert standard.p_value < 0.05
    assert standard.n_units == 12
    assert standard.baselines["within law"] > 0
    assert paper.value > 0


def test_too_few_mixtures_have_no_partial_correlation(planted):
    few = replace(planted, trained=tuple(run for run in planted.trained if run.arm == "incompatible"))
    found = partials(few)[0].estimate
    assert math.isnan(found.value)
    assert "at least 4" in found.warnings[0]
