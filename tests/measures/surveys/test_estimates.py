import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import (
    calibrate_design,
    clustered_mean,
    rao_scott_fit,
    rao_scott_test,
    share_estimates,
    survey_design,
    survey_mean,
    survey_proportion,
    survey_quantile,
    survey_ratio,
    survey_regression,
    survey_total,
    weighted_mean,
)

PEOPLE = st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 5), st.integers(0, 3)), min_size=8, max_size=30).filter(
    lambda people: len({c for _, _, c in people}) > 1
)


def test_a_sample_without_replacement_varies_by_the_share_that_was_not_drawn():
    y = [3.0, 5.0, 4.0, 6.0]
    free = survey_mean(y, survey_design(4)).se
    for size in (8, 0.5):
        assert survey_mean(y, survey_design(4, fpc=[size] * 4)).se == pytest.approx(free * math.sqrt(0.5))
    assert survey_total(y, survey_design(4, fpc=[8] * 4)).value == 36  # each stands for two


def test_two_stages_add_what_varies_within_units_to_what_varies_between_them():
    # 2 of 6 villages, then 2 of 3 and 2 of 5 people: N^2 (1-f) s^2/n + N/n sum M (M - m) s^2/m (Cochran 1977, ch. 11)
    design = survey_design(
        4, psu=[["v", "a"], ["v", "b"], ["u", "c"], ["u", "d"]], fpc=[[6, 3], [6, 3], [6, 5], [6, 5]]
    )
    y = np.array([1.0, 3.0, 2.0, 6.0])
    totals = np.array([6.0, 20.0])
    between = 36 * (1 - 2 / 6) * totals.var(ddof=1) / 2
    within = 6 / 2 * (3 * 1 * 2.0 / 2 + 5 * 3 * 8.0 / 2)
    found = survey_total(y, design)
    assert found.value == pytest.approx(3 * totals.sum())
    assert found.se == pytest.approx(math.sqrt(between + within))


def test_a_stratum_with_one_unit_is_refused_certain_or_average():
    strata, y = list("aabbc"), [1.0, 3.0, 2.0, 6.0, 9.0]
    with pytest.raises(DataError, match="stratum 'c'"):
        survey_design(5, strata)
    known = {rule: survey_total(y, survey_design(5, strata, lonely=rule)).se ** 2 for rule in ("certainty", "average")}
    assert known["certainty"] == pytest.approx(2 * 2.0 + 2 * 8.0)
    assert known["average"] == pytest.approx(known["certainty"] * 3 / 2)
    assert survey_total(y, survey_design(5, strata, fpc=[99, 99, 99, 99, 1], weights=[1] * 5)).se > 0
    with pytest.raises(DesignError, match="did you mean 'average'"):
        survey_design(5, strata, lonely="averge")
    with pytest.raises(DataError, match="no variance to average"):
        survey_design(2, ["a", "b"], lonely="average")


def test_the_jackknife_of_a_mean_is_its_linearised_variance():
    y = np.array([3.0, 5.0, 4.0, 6.0, 9.0])
    replicates = (1 - np.eye(5)) * 5 / 4
    design = survey_design(5, weights=np.ones(5), replicate_weights=replicates, replicate_type="jk1")
    assert survey_mean(y, design).se == pytest.approx(survey_mean(y, survey_design(5)).se)
    assert survey_mean(y, design).df == 4
    one_each = survey_design(
        5, weights=np.ones(5), replicate_weights=replicates, replicate_type="jkn", replicate_scale=[0.8] * 5
    )
    assert survey_mean(y, one_each).se == pytest.approx(survey_mean(y, design).se)
    # A share takes its variance from replicates, too.
    share = share_estimates([0, 1, 1, 0, 1], 2, target="human", design=design)[1]
    assert share.se == pytest.approx(survey_mean([0, 1, 1, 0, 1], design).se)


def test_replicates_that_cannot_be_used_are_refused():
    ones = np.ones((4, 3))
    for weights, settings_, error in (
        (np.ones((3, 3)), {}, "3 rows for 4 people"),
        (ones, {"replicate_type": "jkn"}, "need replicate_scale"),
        (ones, {"replicate_scale": [1, 2]}, "3 replicates"),
        (-ones, {}, "none negative"),
        (ones, {"strata": list("aabb")}, "hold the design"),
    ):
        with pytest.raises((DataError, DesignError), match=error):
            survey_design(4, weights=[1] * 4, replicate_weights=weights, **settings_)


@settings(max_examples=40)
@given(PEOPLE, st.floats(0.01, 100))
def test_neither_the_scale_of_weights_nor_the_order_of_people_matters(people, scale):
    y, w, unit = (np.array(column, dtype=float) for column in zip(*people, strict=True))
    order = np.argsort(y * 7 % 5, kind="stable")
    one = survey_mean(y, survey_design(len(y), psu=unit, weights=w))
    other = survey_mean(y[order], survey_design(len(y), psu=unit[order], weights=w[order] * scale))
    assert (one.value, one.se) == pytest.approx((other.value, other.se), abs=1e-9)


@settings(max_examples=40)
@given(PEOPLE)
def test_one_question_has_one_answer_whoever_is_asked(people):
    y, w, unit = (np.array(column) for column in zip(*people, strict=True))
    y = (y > 0).astype(int)
    design = survey_design(len(y), psu=unit, weights=w)
    share = share_estimates(y, 2, target="human", weights=w, psu=unit)[1]
    for other in (
        share_estimates(np.column_stack([1 - y, y]), 2, target="human", design=design)[1],
        weighted_mean(y, w, unit.tolist()),
        weighted_mean(y, design=design),
        survey_proportion(y, design),
    ):
        assert other.value == pytest.approx(share.value)
        assert other.interval == pytest.approx(share.interval)
    assert survey_mean(y, design).se == pytest.approx(share.se, abs=1e-12)


def test_who_weighs_nothing_is_left_out_and_counted():
    y, w = [1, 0, 1, 1, 0], [0, 1, 2, 1, 1]
    whole = share_estimates(y, 2, target="human", weights=w)[1]
    assert whole.n_units == 4
    assert "1 of 5 weigh 0" in whole.warnings[-1]
    assert whole.interval == share_estimates(y[1:], 2, target="human", weights=w[1:])[1].interval
    assert weighted_mean(y, w).interval == whole.interval
    assert survey_mean([9, 0, 1, 1, 0], survey_design(5, weights=w)).value == pytest.approx(0.6)
    with pytest.raises(DataError, match="negative"):
        share_estimates(y, 2, target="human", weights=[-1, 1, 1, 1, 1])
    with pytest.raises(DataError, match="all weights are 0"):
        share_estimates(y, 2, target="human", weights=[0] * 5)


def test_a_single_unit_has_a_share_without_interval():
    found = share_estimates([1, 0, 1], 2, target="model", psu=["m", "m", "m"])[1]
    assert found.interval is None
    assert "one independent unit" in found.warnings[0]
    with pytest.raises(DesignError, match="which it holds"):
        share_estimates([1, 0], 2, target="model", weights=[1, 1], design=survey_design(2))


def test_a_domain_keeps_the_units_in_which_nobody_is_of_it():
    psu, y = np.arange(12) // 2, np.arange(12.0)
    some = psu < 4
    design = survey_design(12, psu=psu)
    inside, rebuilt = survey_mean(y, design, domain=some), survey_mean(y[some], survey_design(8, psu=psu[some]))
    assert inside.value == rebuilt.value
    assert inside.se == pytest.approx(rebuilt.se * math.sqrt((6 / 5) / (4 / 3)))
    ratio = survey_ratio(y * some, some.astype(float), design)
    assert ratio.se == pytest.approx(inside.se)
    with pytest.raises(DataError, match="nobody is in the domain"):
        survey_mean(y, design, domain=psu > 9)
    with pytest.raises(DataError, match="True or False"):
        survey_mean(y, design, domain=psu)


def test_known_groups_leave_what_varies_within_them():
    y, sex = np.array([1.0, 2.0, 3.0, 7.0, 9.0, 8.0]), list("fffmmm")
    design = survey_design(6, weights=[10] * 6)
    for method in ("raking", "linear"):
        known = calibrate_design(design, {"sex": sex}, {"sex": {"f": 20, "m": 40}}, method=method)
        found = survey_total(y, known)
        assert found.value == pytest.approx(20 * 2 + 40 * 8)
        residual = known.w * (y - np.array([2, 2, 2, 8, 8, 8]))
        assert found.se == pytest.approx(math.sqrt(6 / 5 * (residual**2).sum()))
        # What is known of everybody does not vary.
        assert survey_proportion([s == "f" for s in sex], known).se == pytest.approx(0, abs=1e-9)
    numeric = calibrate_design(design, {"y": y}, {}, totals={"y": 320.0})
    assert survey_total(y, numeric).value == pytest.approx(320)
    assert survey_total(y, numeric).se == pytest.approx(0, abs=1e-4)


def test_two_margins_are_met_and_contradictions_refused():
    rng = np.random.default_rng(1)
    sex, age = rng.choice(["f", "m"], 60), rng.choice(["old", "young"], 60)
    design = survey_design(60, psu=np.arange(60) // 6, weights=rng.uniform(1, 3, 60))
    known = calibrate_design(
        design, {"sex": sex, "age": age}, {"sex": {"f": 0.5, "m": 0.5}, "age": {"old": 0.3, "young": 0.7}}
    )
    assert survey_proportion(sex == "f", known).value == pytest.approx(0.5)
    assert survey_proportion(age == "old", known).value == pytest.approx(0.3)
    assert known.w.sum() == pytest.approx(design.w.sum())
    inside = survey_mean(rng.normal(size=60), known, domain=sex == "f")  # a domain of calibrated weights
    assert inside.se > 0
    with pytest.raises(DataError, match="sex"):
        calibrate_design(design, {"sex": sex}, {"sex": {"f": 1.0}})
    with pytest.raises(DataError, match="x"):
        calibrate_design(design, {"sex": sex}, {"sex": {"f": 0.4, "m": 0.4, "x": 0.2}})
    with pytest.raises(DataError, match=r"sex.*age|age.*sex|contradict|counts"):
        calibrate_design(design, {"sex": sex, "age": age}, {"sex": {"f": 40, "m": 40}, "age": {"old": 30, "young": 30}})


def test_quantiles_of_few_people_stay_among_their_values():
    found = survey_quantile([5, 1, 3], 0.5, survey_design(3))
    assert (found.value, found.interval) == (3, (1, 5))
    assert survey_quantile([5, 1, 3], 0.9, survey_design(3)).interval is None  # everybody is at or below the largest
    with pytest.raises(DataError, match="between 0 and 1"):
        survey_quantile([1, 2], 90, survey_design(2))
    with pytest.raises(MissingDataError):
        survey_quantile([1, None], 0.5, survey_design(2))


def test_without_a_design_the_tests_are_pearsons_at_f():
    rows, columns = np.repeat([0, 1], [40, 60]), np.r_[np.repeat([0, 1], [10, 30]), np.repeat([0, 1], [35, 25])]
    found = rao_scott_test(rows, columns, survey_design(100))
    p = np.array([[10, 30], [35, 25]]) / 100
    expected = np.outer(p.sum(1), p.sum(0))
    assert found.statistic == pytest.approx(100 * ((p - expected) ** 2 / expected).sum(), rel=0.12)
    assert found.value == pytest.approx(math.sqrt(((p - expected) ** 2 / expected).sum()))
    gaps = np.eye(2)[columns] - 0.5
    fit = rao_scott_fit(gaps, [0.5, 0.5], survey_design(100))
    assert fit.df == pytest.approx(1)
    assert fit.statistic == pytest.approx((survey_mean(columns, survey_design(100)).value - 0.5) ** 2
                                          / survey_mean(columns, survey_design(100)).se ** 2)  # fmt: skip
    with pytest.raises(DataError, match="two levels"):
        rao_scott_test([1] * 100, columns, survey_design(100))


def test_regressions_of_means_and_log_odds():
    g, y = np.repeat([0.0, 1.0], [6, 6]), np.array([0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1.0])
    design = survey_design(12, psu=np.arange(12) // 2)
    fit = survey_regression(y, {"0": 1 - g, "1": g}, design)
    assert fit["1"].value == pytest.approx(5 / 6)
    assert fit["1"].se == pytest.approx(survey_mean(y, design, domain=g == 1).se)
    odds = survey_regression(y, {"0": 1 - g, "1": g}, design, model="logistic")
    assert odds.contrast({"1": 1, "0": -1}).value == pytest.approx(math.log(5) - math.log(0.5))
    assert odds.joint(["0", "1"]).p_value < 1
    with pytest.raises(DataError, match="perfectly"):
        survey_regression(g, {"0": 1 - g, "1": g}, design, model="logistic")
    with pytest.raises(DataError, match="cannot identify"):
        survey_regression(y, {"a": g, "b": g}, design)
    with pytest.raises(DesignError, match="no coefficient"):
        fit["2"]


def test_clustered_answers_of_a_share_stay_within_it():
    rng = np.random.default_rng(4)
    for _ in range(30):
        sizes = rng.integers(2, 9, 30)
        right = (rng.random(sizes.sum()) < 0.95).astype(int)
        low, high = clustered_mean(right, np.repeat(np.arange(30), sizes)).interval
        assert 0 <= low <= right.mean() <= high <= 1


def test_people_who_are_all_alike_have_no_design_effect():
    design = survey_design(80, psu=np.repeat(np.arange(8), 10), weights=np.random.default_rng(2).lognormal(0, 1.2, 80))
    assert np.isnan(survey_proportion(np.ones(80), design).baselines["design_effect"])


def test_a_share_of_people_in_three_units_is_said_to_be_hardly_known():
    answers, units = [0, 1, 1] * 10, np.repeat(np.arange(3), 10)
    assert "hardly known" in survey_proportion(answers, survey_design(30, psu=units)).warnings[0]
    assert not survey_proportion(answers, survey_design(30, psu=np.repeat(np.arange(6), 5))).warnings
