import json
from dataclasses import replace

import pytest

from proband.tuning.analysis.findings import analyse

# Value and interval behind each claim on homogeneous questions, all supported, as version 0.1 gave them.
AS_BEFORE = {
    "harmonious-over-incompatible": (0.38641975308642, (0.32886540612799, 0.427173241215)),
    "self-aligning-over-incompatible": (0.12222222222222, (0.068703358876836, 0.17042707590577)),
    "harmonious-over-self-aligning": (0.2641975308642, (0.21469666788598, 0.30221154467441)),
    "contextualised-over-incompatible": (0.27901234567901, (0.22167267633619, 0.32422104347058)),
    "best-ratio-between": (0.25432098765432, (0.1601465238827, 0.3374380171801)),
    "divergence-largest-without-own-answers": (0.34971127956017, (0.30370318711821, 0.39571937200213)),
}
# Since 0.2 the partial correlation has an interval within domains, too; its value is as before.
PARTIAL = (0.86666666666667, (0.22393537840944455, 0.9840355492732832))


def test_everything_becomes_plain_values(findings):
    plain = json.loads(json.dumps(findings.as_dict(), allow_nan=False))
    assert plain["title"] == "A planted study"
    assert plain["verdicts"][0]["outcome"] == "supported"
    assert plain["plan"]["tests"]["homogeneous, law"] == 90


def test_the_same_evaluation_gives_the_same_findings(small):
    assert analyse(small).as_dict() == analyse(small).as_dict()


def test_missing_training_sets_and_single_seeds_are_said(small, findings):
    assert any("training sets were not given" in warning for warning in findings.warnings)
    single = replace(small, trained=tuple(run for run in small.trained if run.seed == 0))
    assert any("one seed" in warning for warning in analyse(single).warnings)


def test_further_pairs_may_be_asked_for(small):
    pair = ("self-aligning", "harmonious")
    found = analyse(small, pairs=[pair]).contrasts
    assert pair in {(one.arm, one.against) for one in found}


def test_answers_that_were_lost_are_counted(small):
    key = ("harmonious-law-s0", small.ask)
    id = small.questions("homogeneous", "law")[0]
    kept = {name: held for name, held in small.beliefs[key].beliefs.items() if name != id}
    beliefs = {**small.beliefs, key: replace(small.beliefs[key], beliefs=kept, lost=(id,))}
    found = analyse(replace(small, beliefs=beliefs))
    assert found.plan["lost"] == {"harmonious-law-s0, zero-shot": 1}
    row = next(
        one for one in found.accuracies if (one.arm, one.domain, one.test) == ("harmonious", "law", "homogeneous")
    )
    assert row.estimate.n_missing == 1
    assert row.estimate.n_units == 19


def test_numbers_are_those_of_version_0_1(findings):
    found = {one.claim.id: one for one in findings.verdicts if one.test == "homogeneous"}
    for claim, (value, interval) in AS_BEFORE.items():
        assert found[claim].outcome == "supported"
        assert found[claim].estimate.value == pytest.approx(value, rel=1e-12)
        assert found[claim].estimate.interval == pytest.approx(interval, rel=1e-12)
    partial = findings.partials[0].estimate
    assert (partial.value, partial.interval) == (pytest.approx(PARTIAL[0]), pytest.approx(PARTIAL[1], rel=1e-12))
