from dataclasses import replace

import numpy as np
import pytest

from proband.tuning.analysis.accuracy import (
    ALL_DOMAINS,
    BASE_FEW_SHOT,
    BASE_ZERO_SHOT,
    accuracies,
    contrasts,
    retention,
)
from validation.knowledge_interventions import World, simulated


def one(found, **where):
    return next(row for row in found if all(getattr(row, name) == value for name, value in where.items()))


def test_accuracy_is_the_share_of_right_picks_over_all_seeds(planted):
    ids = planted.questions("homogeneous", "history")
    by_hand = np.mean(
        [planted.beliefs[f"harmonious-history-s{s}", planted.ask].accuracy(planted.bank, ids) for s in range(3)]
    )
    found = one(accuracies(planted), arm="harmonious", domain="history", test="homogeneous")
    assert found.estimate.value == pytest.approx(by_hand)
    assert found.estimate.n_clusters == 3


def test_the_papers_accuracy_is_that_of_the_first_seed_without_interval(planted):
    ids = planted.questions("homogeneous", "history")
    found = one(accuracies(planted, method="ren2024"), arm="harmonious", domain="history", test="homogeneous")
    first = planted.beliefs["harmonious-history-s0", planted.ask].accuracy(planted.bank, ids)
    assert found.estimate.value == pytest.approx(first)
    assert found.estimate.interval is None


def test_both_prompts_of_the_base_model_are_shown(planted):
    ids = planted.questions("out-of-domain", "law")
    for arm, ask in ((BASE_FEW_SHOT, planted.base_ask), (BASE_ZERO_SHOT, planted.ask)):
        found = one(accuracies(planted), arm=arm, domain="law", test="out-of-domain")
        assert found.estimate.value == pytest.approx(planted.beliefs["base", ask].accuracy(planted.bank, ids))


def test_a_planted_difference_is_recovered(planted):
    found = one(contrasts(planted), arm="harmonious", against="incompatible", domain=ALL_DOMAINS, test="homogeneous")
    wide = simulated(
        np.random.default_rng(2),
        4000,
        World(
            effects={"harmonious": 1.2, "incompatible": -0.6},
            drifts={"incompatible": 1.6},
            domains=("law",),
            run_sd=0.1,
        ),
    )
    truth = contrasts(wide)[0].estimate.value
    assert found.estimate.interval[0] < truth < found.estimate.interval[1]
    assert found.estimate.interval[0] > 0.1


def test_a_difference_changes_sign_with_its_sides(planted):
    pairs = (("harmonious", "incompatible"), ("incompatible", "harmonious"))
    there, back = (contrasts(planted, [pair])[-1].estimate for pair in pairs)
    assert there.value == pytest.approx(-back.value)
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))


def test_arms_are_compared_on_the_seeds_they_share(planted):
    fewer = tuple(run for run in planted.trained if not (run.arm == "incompatible" and run.seed == 2))
    found = contrasts(replace(planted, trained=fewer), [("harmonious", "incompatible")])
    assert found[0].estimate.n_clusters == 2


def test_arms_that_were_not_trained_have_no_row(planted):
    assert contrasts(planted, [("harmonious", "refuse")]) == ()


def test_change_on_unrelated_questions_is_what_was_gained_less_what_was_lost(planted):
    for row in retention(planted):
        assert row.change.value == pytest.approx(row.gained.value - row.lost.value)
        assert 0 <= row.reseeded.value <= 1


def test_forgetting_is_found_where_it_was_planted(planted):
    found = one(retention(planted), arm="incompatible", domain=ALL_DOMAINS)
    assert found.change.interval[1] < 0
    assert found.lost.value > found.gained.value
