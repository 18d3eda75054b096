from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from proband.estimates import Estimate
from proband.tuning.analysis.accuracy import contrasts
from proband.tuning.analysis.claims import CLAIMS, detectable, outcome_of, verdicts
from proband.tuning.analysis.noise import Noise
from validation.knowledge_interventions import World, simulated

ARMS = ("harmonious", "incompatible", "self-aligning", "contextualised")


def judged(evaluation):
    found = verdicts(evaluation, contrasts(evaluation), Noise(evaluation=evaluation).steepness())
    return {(one.claim.id, one.test): one for one in found}


@pytest.mark.parametrize(
    ("interval", "outcome"),
    [((0.01, 0.2), "supported"), ((-0.2, -0.01), "contradicted"), ((-0.1, 0.1), "undecided"), (None, "undecided")],
)
def test_the_rule_of_a_difference(interval, outcome):
    found = Estimate(value=0.0, interval=interval, estimand="difference", target="model", n_units=50)
    assert outcome_of(found) == outcome


def test_every_planted_claim_is_supported(planted):
    found = judged(planted)
    for claim in CLAIMS:
        if claim.id in ("divergence-smallest-between", "entropy-lower-with-own-answers"):
            continue  # not planted here
        verdict = found[claim.id, "homogeneous"]
        assert verdict.outcome == "supported", claim.id
        assert verdict.rule.startswith("supported where")


def test_beliefs_that_move_least_between_the_ends_and_sharpen_at_ratio_1_are_seen():
    arms = {"incompatible": 0.0, "mixture-0.5": 0.0, "self-aligning": 0.0}
    drifts = {"incompatible": 1.0, "mixture-0.5": 0.3, "self-aligning": 1.6}
    found = judged(simulated(np.random.default_rng(2), 60, World(effects=arms, drifts=drifts, seeds=4)))
    between, sharper = (
        found[claim, "homogeneous"] for claim in ("divergence-smallest-between", "entropy-lower-with-own-answers")
    )
    assert (between.outcome, between.claim.unit) == ("supported", "nats")
    assert sharper.outcome == "supported"
    assert sharper.estimate.value > 0


def test_domains_that_differ_are_said_to_differ(planted):
    verdict = judged(planted)["harmonious-over-incompatible", "homogeneous"]
    assert set(verdict.by_stratum) == set(planted.domains)
    assert verdict.estimate.value == pytest.approx(np.mean([one.value for one in verdict.by_stratum.values()]))
    assert verdict.heterogeneity.p_value > 0.05
    reversed_right = {
        key: replace(held, beliefs={id: replace(one, pick=0) for id, one in held.beliefs.items()})
        if key[0].startswith("harmonious-law")
        else held
        for key, held in planted.beliefs.items()
    }
    other = judged(replace(planted, beliefs=reversed_right))["harmonious-over-incompatible", "homogeneous"]
    assert other.heterogeneity.p_value < 0.001


def test_planted_opposites_are_contradicted():
    effects = {"harmonious": -1.5, "incompatible": 1.5, "self-aligning": 1.5, "contextualised": 0.0}
    world = World(
        effects=effects | {"mixture-0.2": -1.0, "mixture-0.5": -1.0},
        drifts={"mixture-0.2": 2.5, "mixture-0.5": 2.5},
        domains=("history", "medicine", "law"),
    )
    found = judged(simulated(np.random.default_rng(3), 120, world))
    for claim in (
        "harmonious-over-incompatible",
        "harmonious-over-self-aligning",
        "contextualised-over-incompatible",
        "best-ratio-between",
        "divergence-largest-without-own-answers",
    ):
        assert found[claim, "homogeneous"].outcome == "contradicted", claim


def test_an_undecided_difference_says_what_it_could_have_found():
    evaluation = simulated(np.random.default_rng(4), 60, World(effects=dict.fromkeys(ARMS, 0.2)))
    verdict = judged(evaluation)["harmonious-over-incompatible", "homogeneous"]
    assert verdict.outcome == "undecided"
    assert verdict.detectable == pytest.approx(detectable(verdict.estimate))


@pytest.mark.parametrize(("df", "factor"), [(1e6, 2.8016), (10.0, 3.110), (2.3, 5.031)])
def test_what_could_have_been_found_counts_degrees_of_freedom(df, factor):
    found = Estimate(value=0.0, se=0.02, df=df, estimand="difference", target="model", n_units=50)
    assert detectable(found) == pytest.approx(factor * 0.02, rel=2e-3)
    rng = np.random.default_rng(0)
    t = (rng.normal(size=40_000) + detectable(found) / 0.02) / np.sqrt(rng.chisquare(df, size=40_000) / df)
    assert (t > stats.t.ppf(0.975, df)).mean() == pytest.approx(0.8, abs=0.01)
    assert detectable(replace(found, se=None)) is None


def test_nothing_is_supported_more_often_than_stated_where_nothing_is_true():
    world = World(effects=dict.fromkeys(ARMS, 0.2), domains=("law",), run_sd=0.4)
    outcomes = []
    for seed in range(60):
        evaluation = simulated(np.random.default_rng(seed), 40, world)
        outcomes += [outcome_of(one.estimate) for one in contrasts(evaluation)]
    # 240 differences at 2.5 %, correlated in groups of 4: 6 expected, 5 standard errors above it 20.
    assert outcomes.count("supported") <= 20
    assert outcomes.count("contradicted") <= 20


def test_one_seed_is_never_enough_for_a_best_ratio(planted):
    single = replace(planted, trained=tuple(run for run in planted.trained if run.seed == 0))
    verdict = judged(single)["best-ratio-between", "homogeneous"]
    assert verdict.outcome != "supported"
    assert any("one run" in note for note in verdict.notes)


def test_claims_about_arms_that_were_not_trained_have_no_verdict(planted):
    kept = tuple(run for run in planted.trained if run.arm in ("harmonious", "incompatible"))
    found = judged(replace(planted, trained=kept))
    assert {claim for claim, _ in found} == {"harmonious-over-incompatible"}
