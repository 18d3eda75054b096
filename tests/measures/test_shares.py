import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from proband.errors import DataError, MissingDataError
from proband.measures import clustered_mean, kish_n_eff, missing_bounds, share_estimates, weighted_mean

ANSWERS = st.lists(st.integers(0, 3), min_size=1, max_size=60)


def test_wilson_reference_values():
    (_, taken) = share_estimates([0] * 20, 2, target="human")
    assert taken.interval == (0.0, pytest.approx(0.1611252, abs=5e-8))
    (_, taken) = share_estimates([1] * 12 + [0] * 8, 2, target="human")
    assert taken.interval == pytest.approx((0.3865815, 0.7811935), abs=5e-8)


@given(answers=ANSWERS)
def test_shares_sum_to_one_and_their_intervals_are_statsmodels_wilson(answers):
    found = share_estimates(answers, 4, target="human")
    assert sum(map(float, found)) == pytest.approx(1)
    for k, share in enumerate(found):
        low, high = proportion_confint(answers.count(k), len(answers), method="wilson")
        assert share.interval == pytest.approx((float(low), float(high)), abs=1e-9)
        assert 0 <= share.interval[0] <= share.value <= share.interval[1] <= 1


@given(answers=ANSWERS, scale=st.floats(0.01, 100))
def test_equal_weights_of_any_size_change_nothing(answers, scale):
    weighted = share_estimates(answers, 4, target="human", weights=[scale] * len(answers))
    for share, plain in zip(weighted, share_estimates(answers, 4, target="human"), strict=True):
        assert share.value == pytest.approx(plain.value)
        assert share.interval == pytest.approx(plain.interval)


def test_weighted_shares_have_their_own_variance():
    # Residuals 3 x .25 and 1 x -.75, so SE^2 = 40 / 39 x 40 x .75^2 / 80^2; 52 answers would have it.
    (_, found) = share_estimates([1, 0] * 20, 2, target="human", weights=[3, 1] * 20)
    assert found.value == pytest.approx(0.75)
    assert found.se == pytest.approx(math.sqrt(40 / 39 * 40 * 0.75**2) / 80)
    tails = 2 * stats.norm.sf(stats.t.ppf(0.975, 39))
    n = 0.75 * 0.25 / found.se**2
    assert found.interval == pytest.approx(proportion_confint(0.75 * n, n, alpha=tails, method="wilson"))
    assert n == pytest.approx(52)


def test_a_weighted_share_has_one_interval_however_the_answers_are_given():
    # R's survey: svymean .2 with SE .0470; svyciprop .123 to .308 (logit), .115 to .310 (beta).
    y, w = [1] * 20 + [0] * 180, [4.0] * 10 + [0.5] * 10 + [1.0] * 180
    answers = share_estimates(y, 2, target="human", weights=w)[1]
    rows = share_estimates([[1 - v, v] for v in y], 2, target="human", weights=w)[1]
    assert answers.value == pytest.approx(0.2)
    assert answers.se == pytest.approx(0.0470, abs=5e-5)
    assert answers.interval == pytest.approx(rows.interval)
    assert answers.interval == pytest.approx((0.124, 0.307), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "least"), [(100, 0.87), (400, 0.92)])
def test_weights_that_go_with_the_answers_keep_the_coverage(n, least):
    rng, hits = np.random.default_rng(4), 0
    for _ in range(1000):
        z = rng.normal(size=40 * n)
        y = 0.7 * z + 0.714 * rng.normal(size=40 * n) > stats.norm.ppf(0.9)
        chosen = rng.choice(40 * n, n, replace=False, p=np.exp(-0.8 * z) / np.exp(-0.8 * z).sum())
        found = share_estimates(y[chosen].astype(int), 2, target="human", weights=np.exp(0.8 * z[chosen]))[1]
        hits += found.interval[0] <= 0.1 <= found.interval[1]
    assert hits / 1000 > least  # about .89 and .94; by Kish's n .83


def test_mean_probabilities_have_the_interval_of_as_many_answers_as_have_their_standard_error():
    found = share_estimates([[0.2, 0.8], [0.4, 0.6], [0.6, 0.4]], 2, target="model")
    assert found[0].value == pytest.approx(0.4)
    assert found[0].se == pytest.approx(0.2 / math.sqrt(3))
    # .4 x .6 / se^2 = 18 answers; the t quantile of 2 degrees of freedom in place of the normal one.
    tails = 2 * stats.norm.sf(stats.t.ppf(0.975, 2))
    low, high = proportion_confint(0.4 * 18, 18, alpha=tails, method="wilson")
    assert found[0].interval == pytest.approx((low, high))
    assert "3 subjects" in found[0].warnings[0]


@given(rows=st.lists(st.integers(0, 20).map(lambda k: k / 20), min_size=2, max_size=20))
def test_the_interval_of_a_mean_probability_contains_it_and_stays_within_bounds(rows):
    found = share_estimates([[p, 1 - p] for p in rows], 2, target="model")
    for share in found:
        assert 0 <= share.interval[0] <= share.value + 1e-12
        assert share.value - 1e-12 <= share.interval[1] <= 1
    mirrored = (1 - found[1].interval[1], 1 - found[1].interval[0])
    assert found[0].interval == pytest.approx(mirrored, abs=1e-9)


def test_an_option_that_has_no_probability_may_still_have_a_small_one():
    none, every = share_estimates([[0.0, 1.0]] * 10, 2, target="model")
    assert none.interval == (0, pytest.approx(0.33851, abs=1e-5))
    assert every.interval == (pytest.approx(0.66149, abs=1e-5), 1)


def test_repeating_subjects_as_weights_gives_the_same_mean():
    rows = np.random.default_rng(1).dirichlet([1, 1, 1], 50)
    weights = np.arange(50) % 3 + 1
    weighted = share_estimates(rows, 3, target="model", weights=weights)
    repeated = share_estimates(np.repeat(rows, weights, axis=0), 3, target="model")
    assert [float(s) for s in weighted] == pytest.approx([float(s) for s in repeated])


def test_one_subject_has_shares_and_no_interval():
    found = share_estimates([[0.2, 0.8]], 2, target="model")
    assert found[1].value == 0.8
    assert found[1].interval is None
    assert "one subject" in found[1].warnings[0]


def test_a_share_that_few_subjects_carry_is_warned_of():
    few = np.full((100, 2), (0.001, 0.999))
    few[0] = (0.99, 0.01)
    assert "skewness" in share_estimates(few, 2, target="model")[0].warnings[0]
    assert share_estimates(np.full((100, 2), 0.5), 2, target="model")[0].warnings == ()


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "at least one"),
        ([0, 4], "answer 4 is none of the 4 options"),
        ([-1], "answer -1"),
        ([0.5], "whole-number"),
        (["yes"], "whole-number"),
        ([[0.5, 0.5]], r"expected \(n_subjects, 4\)"),
        ([[0.5, 0.5, 0.5, 0]], "row 0 is no distribution"),
        ([[-0.5, 0.5, 0.5, 0.5]], "row 0 is no distribution"),
    ],
)
def test_what_is_no_answer_is_refused(answers, message):
    with pytest.raises(DataError, match=message):
        share_estimates(answers, 4, target="human")


@pytest.mark.parametrize("answers", [[0, None], [0, math.nan], [[math.nan, 0.5]]])
def test_a_missing_answer_is_refused_not_counted(answers):
    with pytest.raises(MissingDataError):
        share_estimates(answers, 2, target="human")


@pytest.mark.parametrize("weights", [[1, -1], [0, 0], [1], [1, math.inf]])
def test_weights_that_are_no_weights_are_refused(weights):
    with pytest.raises(DataError):
        share_estimates([0, 1], 2, target="human", weights=weights)


def test_worst_case_bounds_reference_values():
    yes, no = missing_bounds({"yes": 54, "no": 36}, 10, target="model")
    assert yes.value == pytest.approx(0.6)
    assert yes.interval == pytest.approx((0.54, 0.64))
    assert no.interval == pytest.approx((0.36, 0.46))
    assert yes.n_missing == 10


@given(counts=st.lists(st.integers(0, 50), min_size=2, max_size=5), n_missing=st.integers(1, 50))
def test_bounds_hold_whatever_the_missing_would_have_answered(counts, n_missing):
    bounds = missing_bounds(counts, n_missing, target="human")
    asked = sum(counts) + n_missing
    for k in range(len(counts)):
        completed = [c + n_missing * (j == k) for j, c in enumerate(counts)]
        for bound, count in zip(bounds, completed, strict=True):
            assert bound.interval[0] - 1e-12 <= count / asked <= bound.interval[1] + 1e-12


def test_nobody_valid_leaves_only_the_bounds_and_nobody_asked_is_refused():
    (only, _) = missing_bounds([0, 0], 5, target="model")
    assert math.isnan(only.value)
    assert only.interval == (0, 1)
    with pytest.raises(DataError, match="nothing to bound"):
        missing_bounds([0, 0], 0, target="model")


@given(weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=30), scale=st.floats(1e-3, 1e3))
def test_kish_n_eff_lies_between_one_and_n_and_ignores_scale(weights, scale):
    n_eff = float(kish_n_eff(weights))
    assert 1 <= n_eff <= len(weights) + 1e-9
    assert float(kish_n_eff(np.array(weights) * scale)) == pytest.approx(n_eff)


def test_kish_n_eff_by_hand():
    assert float(kish_n_eff([1, 1, 1, 3])) == 3
    assert float(kish_n_eff([0.7] * 9)) == 9


def test_a_share_that_no_unit_differs_in_has_no_interval_of_no_width():
    pairs = [k // 2 for k in range(12)]
    for found in (
        share_estimates([0, 1] * 6, 2, target="human", psu=pairs)[1],
        clustered_mean([0, 1] * 6, pairs),
        weighted_mean([0, 1] * 6, cluster=pairs),
    ):
        assert found.value == pytest.approx(0.5)
        assert found.interval is None
        assert "every unit holds the same share" in found.warnings[0]
