import json
from dataclasses import replace

from proband.tuning.analysis.findings import analyse


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
        one
        for one in found.accuracies
        if (one.arm, one.domain, one.test) == ("harmonious", "law", "homogeneous")
    )
    assert row.estimate.n_missing == 1
    assert row.estimate.n_units == 19
