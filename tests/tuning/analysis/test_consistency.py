import math
from dataclasses import replace

import numpy as np
import pytest

from proband.measures.knowledge.options import mean_kl, option_rank_consistency
from proband.tuning.analysis.accuracy import ALL_DOMAINS, BASE_FEW_SHOT, BASE_ZERO_SHOT
from proband.tuning.analysis.consistency import OTHER_SEED, Point, consistencies, lines, points
from proband.tuning.probing.beliefs import belief_of


def one(found, **where):
    return next(row for row in found if all(getattr(row, name) == value for name, value in where.items()))


def test_both_floors_and_both_methods_are_there(findings):
    found = findings.consistencies
    where = {"domain": "history", "test": "homogeneous"}
    prompt = one(found, arm=BASE_ZERO_SHOT, reference=BASE_FEW_SHOT, **where)
    seeds = one(found, arm="harmonious", reference=OTHER_SEED, **where)
    standard = one(found, arm="harmonious", reference=BASE_ZERO_SHOT, **where)
    paper = one(found, arm="harmonious", method="ren2024", **where)
    assert prompt.rank.value > 0.8
    assert seeds.rank.interval is not None
    assert standard.agreement is not None
    assert paper.rank.interval is None
    assert paper.js is None


def test_the_papers_consistency_is_that_of_the_first_seed_against_the_few_shot_base(planted, findings):
    ids = planted.questions("homogeneous", "law")
    p, q = (
        planted.beliefs[key].matrix(ids) for key in (("base", planted.base_ask), ("harmonious-law-s0", planted.ask))
    )
    found = one(findings.consistencies, arm="harmonious", method="ren2024", domain="law", test="homogeneous")
    assert found.rank.value == pytest.approx(option_rank_consistency(p, q, "ren2024").value)
    assert found.kl.value == pytest.approx(mean_kl(p, q, "before_after", "e").value)


def test_planted_drift_shows_in_every_statistic(findings):
    found = findings.consistencies
    where = {"domain": ALL_DOMAINS, "test": "homogeneous", "reference": BASE_ZERO_SHOT}
    near, far = (one(found, arm=arm, **where) for arm in ("harmonious", "incompatible"))
    assert far.rank.interval[1] < near.rank.interval[0]
    assert far.agreement.interval[1] < near.agreement.interval[0]
    for name in ("kl", "reverse_kl", "js"):
        assert getattr(far, name).interval[0] > getattr(near, name).value


def test_an_excluded_option_makes_the_divergence_infinite_and_says_so(small):
    key = ("harmonious-law-s0", small.ask)
    id = small.questions("homogeneous", "law")[0]
    cell = belief_of(small.bank[id], [[1.0, 0.0, 0.0, 0.0]])
    beliefs = replace(small.beliefs[key], beliefs={**small.beliefs[key].beliefs, id: cell})
    found = consistencies(replace(small, beliefs={**small.beliefs, key: beliefs}))
    row = one(found, arm="harmonious", domain="law", test="homogeneous", reference=BASE_ZERO_SHOT)
    assert math.isinf(row.kl.value)
    assert "infinite" in row.kl.warnings[0]
    assert math.isfinite(row.js.value)


def test_regression_lines_by_hand():
    found = [
        Point(domain="law", test="homogeneous", arm=f"m{x}", ratio=x, consistency=x, accuracy=0.2 + 0.5 * x)
        for x in (0.0, 0.5, 1.0)
    ]
    line = lines(found)[0]
    assert (line.slope, line.intercept, line.low, line.high) == pytest.approx((0.5, 0.2, 0.0, 1.0))
    assert lines(found[:2]) == ()


def test_a_point_holds_means_over_seeds(planted):
    found = one(points(planted), arm="mixture-0.5", domain="law", test="homogeneous")
    ids = planted.questions("homogeneous", "law")
    accuracy = [planted.beliefs[f"mixture-0.5-law-s{s}", planted.ask].accuracy(planted.bank, ids) for s in range(3)]
    assert found.accuracy == pytest.approx(np.mean(accuracy))
