"""Gaps recovered, from an evaluation of known truth, and what the page says of them and of objectives."""

from dataclasses import replace

import numpy as np
import pytest

from proband.analyses.supervision import supervision_sections
from proband.tuning.analysis.accuracy import BASE_ZERO_SHOT
from proband.tuning.analysis.findings import analyse
from proband.tuning.analysis.supervision import Supervision, gaps, learned
from validation.knowledge_interventions import ZERO, World, simulated


@pytest.fixture(scope="module")
def evaluation():
    world = World(effects={"ceiling": 1.5, "weak-all": 0.75}, seeds=2, drifts={"ceiling": 0.1, "weak-all": 0.1})
    found = simulated(np.random.default_rng(1), 60, world)
    worse = simulated(np.random.default_rng(1), 60, replace(world, effects={"weak": -0.75}, seeds=1))
    weak = {
        id: next(one for (model, _), held in worse.beliefs.items() if model.startswith("weak-") for one in [held[id]])
        for id in found.bank.by_id
    }
    held = replace(found.beliefs["base", ZERO], model="weak", beliefs=weak)
    return replace(found, beliefs={**found.beliefs, ("weak", ZERO): held})


def test_gaps_are_told_of_the_untrained_base_and_by_what_it_knew(evaluation):
    found = {(one.arm, one.domain, one.questions): one for one in gaps(evaluation)}
    every = found["weak-all", "all domains", "all"]
    assert every.n_questions == 120
    assert every.estimate.value == pytest.approx((every.supervised - every.weak) / (every.ceiling - every.weak))
    knew, did_not = (found["weak-all", "all domains", one] for one in ("the base model knew", "it did not"))
    assert knew.n_questions + did_not.n_questions == 120
    assert knew.supervised > did_not.supervised
    untrained = found[BASE_ZERO_SHOT, "all domains", "all"]
    assert untrained.supervised < every.supervised
    assert untrained.weak == every.weak


def test_a_ceiling_below_the_weak_model_leaves_a_reason_in_place_of_a_number(evaluation):
    swapped = replace(
        evaluation,
        beliefs={
            **evaluation.beliefs,
            ("weak", ZERO): evaluation.beliefs[evaluation.runs("ceiling", "history")[0].model, ZERO],
        },
        trained=tuple(
            replace(one, arm={"ceiling": "weak-all", "weak-all": "ceiling"}[one.arm]) for one in evaluation.trained
        ),
    )
    found = next(one for one in gaps(swapped) if one.arm == "weak-all" and one.domain == "history")
    assert np.isnan(found.estimate.value)
    assert "does not exceed the weak model" in found.estimate.warnings[0]


def test_the_page_shows_gaps_first_and_domains_folded(evaluation):
    findings = replace(analyse(evaluation), supervision=Supervision(gaps=gaps(evaluation), notes=("some labels",)))
    first, parts = supervision_sections(findings)
    assert first.heading == "Performance gap recovered, homogeneous"
    assert "some labels" in first.notes
    assert {row[0] for row in first.table.rows} == {BASE_ZERO_SHOT, "weak-all"}
    assert parts.table.is_folded
    alone = evaluation.only("history")
    [only] = supervision_sections(replace(analyse(alone), supervision=Supervision(gaps=gaps(alone))))
    assert {row[0] for row in only.table.rows} == {BASE_ZERO_SHOT, "weak-all"}
    assert supervision_sections(replace(findings, supervision=None)) == []


def test_learned_is_what_is_given_more_often_than_before(evaluation):
    taught = {
        domain: {id: evaluation.bank[id].answer for id in evaluation.questions("homogeneous", domain)}
        for domain in evaluation.domains
    }
    runs = {
        domain: [evaluation.beliefs[run.model, ZERO] for run in evaluation.runs("ceiling", domain)]
        for domain in evaluation.domains
    }
    base = dict.fromkeys(taught, evaluation.beliefs["base", ZERO])
    before, after = (
        np.mean([evaluation.beliefs[model, ZERO][id].pick == answer for id, answer in taught["history"].items()])
        for model in ("base", evaluation.runs("ceiling", "history")[0].model)
    )
    found = learned({"history": taught["history"]}, base, {"history": runs["history"][:1]})
    assert found.value == pytest.approx(after - before)
    assert learned(taught, base, runs).value > 0
