import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DataError, DesignError
from proband.measures.reliability.stability import retest
from proband.measures.shares import wilson_interval

NUMBERS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=10, max_size=30)


def test_lins_concordance_and_pearsons_r_by_hand():
    found = retest([1, 2, 3, 4, 5], [2, 2, 3, 5, 5])
    assert found.concordance.value == pytest.approx(0.9)
    assert found.correlation.value == pytest.approx(0.9383, abs=5e-5)
    assert found.agreement.value == 0.6
    assert found.agreement.interval == wilson_interval(0.6, 5)
    assert found.mean_change.value == pytest.approx(0.4)


def test_change_and_measurement_error_are_those_of_the_differences():
    rng = np.random.default_rng(1)
    a = rng.standard_normal(40)
    b = a + 0.3 + rng.standard_normal(40)
    found = retest(a, b)
    assert found.mean_change.interval == pytest.approx(stats.ttest_rel(b, a).confidence_interval())
    assert found.measurement_error.value == pytest.approx((b - a).std(ddof=1) / math.sqrt(2))
    assert found.measurement_error.interval[0] < found.measurement_error.value < found.measurement_error.interval[1]
    assert found.total_variation is None


def test_the_jackknife_of_r_is_about_fishers_interval_for_many_normal_subjects():
    rng = np.random.default_rng(2)
    a = rng.standard_normal(4000)
    b = a + rng.standard_normal(4000)
    r = np.corrcoef(a, b)[0, 1]
    fisher = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / math.sqrt(3997))
    assert retest(a, b).correlation.interval == pytest.approx(fisher, abs=0.002)


@given(pairs=NUMBERS)
def test_rows_are_symmetric_and_bounded(pairs):
    a, b = (list(side) for side in zip(*pairs, strict=True))
    one, other = retest(a, b), retest(b, a)
    assert one.agreement == other.agreement
    assert one.total_variation.value == pytest.approx(other.total_variation.value)
    assert 0 <= one.total_variation.value <= 1 - one.agreement.value + 1e-12
    if not math.isnan(one.correlation.value):
        assert abs(one.concordance.value) <= abs(one.correlation.value) + 1e-12 <= 1 + 1e-9
        assert other.correlation.value == pytest.approx(one.correlation.value)


@given(pairs=NUMBERS)
def test_relabelling_categories_changes_neither_agreement_nor_distance(pairs):
    a, b = zip(*pairs, strict=True)
    named = retest([f"option {6 - u}" for u in a], [f"option {6 - v}" for v in b])
    assert named.agreement.value == retest(a, b).agreement.value
    assert named.total_variation.value == pytest.approx(retest(a, b).total_variation.value)
    assert named.correlation is None is named.mean_change


def test_mappings_are_joined_by_subject_and_the_rest_is_counted():
    found = retest({"a": 1, "b": 2, "c": 3, "d": None}, {"c": 3, "b": 1, "d": 4, "e": 5})
    assert found.agreement.value == 0.5
    assert (found.agreement.n_units, found.agreement.n_missing) == (2, 3)


def test_a_sample_may_repeat_itself_though_its_subjects_do_not():
    rng = np.random.default_rng(5)
    found = retest(rng.integers(0, 4, 2000), rng.integers(0, 4, 2000))
    assert found.agreement.value == pytest.approx(found.agreement.baselines["independent"], abs=0.03)
    assert found.total_variation.value < 2 * found.total_variation.baselines["noise_floor"]


def test_the_noise_floor_is_what_two_samples_show():
    rng = np.random.default_rng(4)
    found = [retest(rng.integers(0, 4, 100), rng.integers(0, 4, 100)).total_variation for _ in range(400)]
    assert np.mean([f.value for f in found]) == pytest.approx(
        np.mean([f.baselines["noise_floor"] for f in found]), rel=0.05
    )


def test_an_occasion_that_does_not_vary_has_no_correlation():
    found = retest([1] * 12, [1, 2] * 6)
    assert math.isnan(found.correlation.value)
    assert "does not vary" in found.correlation.warnings[0]
    assert found.concordance.value == 0


def test_perfect_repetition_has_no_interval_and_no_error():
    found = retest(list(range(12)), list(range(12)))
    assert found.correlation.value == pytest.approx(1)
    assert found.correlation.interval is None is found.mean_change.interval
    assert found.measurement_error.value == 0


def test_what_cannot_be_joined_is_refused():
    with pytest.raises(DataError, match="key both"):
        retest({"a": 1}, [1])
    with pytest.raises(DataError, match="2 answers against 1"):
        retest([1, 2], [1])
    with pytest.raises(DesignError, match="at least 2"):
        retest({"a": 1}, {"b": 1})
    with pytest.raises(DataError, match="infinite"):
        retest([1.0, math.inf], [1.0, 2.0])


@pytest.mark.parametrize("exponent", [-700, -520, 500, 680, 900])
def test_very_large_and_very_small_answers_repeat_themselves_as_others_do(exponent):
    first, second = [1, 2, 3, 4, 5, 2, 3, 4, 1, 5, 2, 4], [1, 3, 3, 4, 4, 2, 4, 4, 1, 5, 3, 4]
    unit = 2.0**exponent
    plain, found = retest(first, second), retest([unit * a for a in first], [unit * b for b in second])
    assert (found.correlation, found.concordance) == (plain.correlation, plain.concordance)
    assert found.mean_change.interval == tuple(unit * limit for limit in plain.mean_change.interval)
    assert found.measurement_error.value == unit * plain.measurement_error.value
    with pytest.raises(DataError, match="beyond 1e"):
        retest([1e308, -1e308] * 6, [-1e308, 1e308] * 6)
