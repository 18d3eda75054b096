import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from proband.measures.distances import js_divergence
from proband.measures.knowledge.options import mean_kl, option_rank_consistency, top_option_agreement
from proband.tuning.analysis.accuracy import ALL_DOMAINS, BASE_FEW_SHOT, BASE_ZERO_SHOT
from proband.tuning.analysis.consistency import OTHER_SEED, Point, consistencies, item_scores, lines, points
from proband.tuning.probing.beliefs import belief_of

P = np.array([0.6, 0.2, 0.15, 0.05])


@pytest.mark.parametrize(
    ("before", "after", "statistic", "value"),
    [
        (P, [0.5, 0.3, 0.15, 0.05], "dense_rank", 1.0),
        ([0.4, 0.4, 0.1, 0.1], P, "dense_rank", 0.894427),
        ([0.25] * 4, P, "dense_rank", 0.0),
        (P, P[::-1], "rank", -1.0),
        (P, [0.5, 0.3, 0.15, 0.05], "kl", 0.028300),
        (P, P[::-1], "kl", 1.381083),
        (P, [0.2, 0.6, 0.15, 0.05], "agreement", 0.0),
    ],
)
def test_statistics_of_one_question_by_hand(before, after, statistic, value):
    found = item_scores({"q": np.array(before)}, {"q": np.array(after)}, statistic)
    assert found["q"] == pytest.approx(value, abs=1e-6)


def test_what_is_undefined_has_no_score():
    flat = {"q": np.full(4, 0.25)}
    assert math.isnan(item_scores(flat, {"q": P}, "rank")["q"])
    assert math.isnan(item_scores(flat, {"q": P}, "agreement")["q"])


@settings(max_examples=30)
@given(
    arrays(np.float64, (12, 4), elements=st.floats(0.01, 1)),
    arrays(np.float64, (12, 4), elements=st.floats(0.01, 1)),
)
def test_means_over_questions_are_those_of_the_measures(p, q):
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    before, after = ({f"q{k}": row for k, row in enumerate(side)} for side in (p, q))

    def mean(name):
        return np.nanmean(list(item_scores(before, after, name).values()))

    assert mean("dense_rank") == pytest.approx(option_rank_consistency(p, q, "ren2024").value)
    assert mean("kl") == pytest.approx(mean_kl(p, q, "before_after", "e").value, abs=1e-12)
    assert mean("reverse_kl") == pytest.approx(mean_kl(p, q, "after_before", "e").value, abs=1e-12)
    by_row = [js_divergence(a, b, base="e").value for a, b in zip(p, q, strict=True)]
    assert mean("js") == pytest.approx(np.mean(by_row), abs=1e-12)
    ranked = option_rank_consistency(p, q)
    if not math.isnan(ranked.value):
        assert mean("rank") == pytest.approx(ranked.value)
    chosen = top_option_agreement(p, q)
    if not math.isnan(chosen.value):
        assert mean("agreement") == pytest.approx(chosen.value)


def test_questions_may_differ_in_their_number_of_options():
    before = {"two": np.array([0.7, 0.3]), "four": P}
    after = {"two": np.array([0.6, 0.4]), "four": P}
    assert item_scores(before, after, "rank") == pytest.approx({"two": 1.0, "four": 1.0})
    assert item_scores(before, after, "kl")["two"] == pytest.approx(
        0.7 * math.log(7 / 6) + 0.3 * math.log(3 / 4)
    )


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
        planted.beliefs[key].matrix(ids)
        for key in (("base", planted.base_ask), ("harmonious-law-s0", planted.ask))
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
    accuracy = [
        planted.beliefs[f"mixture-0.5-law-s{s}", planted.ask].accuracy(planted.bank, ids) for s in range(3)
    ]
    assert found.accuracy == pytest.approx(np.mean(accuracy))
