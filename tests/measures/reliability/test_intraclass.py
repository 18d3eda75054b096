import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DesignError, MissingDataError
from proband.measures.reliability.internal import cronbach_alpha
from proband.measures.reliability.intraclass import icc

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
FORMS = ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]


@pytest.mark.parametrize(
    ("form", "expected"), list(zip(FORMS, (0.165742, 0.289764, 0.714841, 0.442797, 0.620051, 0.909316), strict=True))
)
def test_the_six_forms_of_shrout_and_fleiss(form, expected):
    assert icc(SHROUT_FLEISS, form).value == pytest.approx(expected, abs=5e-7)
    assert icc(SHROUT_FLEISS, form.removeprefix("ICC").strip("()")) == icc(SHROUT_FLEISS, form)


@pytest.mark.parametrize(
    ("form", "limits"),
    [
        ("ICC(1,1)", (-0.133, 0.723)),
        ("ICC(3,1)", (0.342, 0.946)),
        ("ICC(1,k)", (-0.884, 0.913)),
        ("ICC(3,k)", (0.676, 0.986)),
    ],
)
def test_exact_intervals_of_the_shrout_fleiss_ratings(form, limits):
    assert icc(SHROUT_FLEISS, form, interval="f").interval == pytest.approx(limits, abs=6e-4)


def test_the_f_test_is_that_of_the_analysis_of_variance():
    found = icc(SHROUT_FLEISS, "ICC(3,1)")
    assert found.statistic == pytest.approx(11.027, abs=5e-4)
    assert found.p_value == pytest.approx(stats.f.sf(found.statistic, 5, 15))


@given(seed=st.integers(0, 99), k=st.integers(2, 5))
def test_the_forms_keep_their_order_and_alpha_is_one_of_them(seed, k):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((12, k)) + 2 * rng.standard_normal((12, 1)) + rng.standard_normal((1, k))
    one, agreement, consistency = (icc(x, form).value for form in FORMS[:3])
    # Raters' levels count as error in forms 1 and 2 and only there.
    assert one <= agreement + 1e-12 or agreement > consistency
    assert icc(x, "ICC(3,k)").value == pytest.approx(float(cronbach_alpha(x)))
    for form in FORMS:
        found = icc(x, form)
        assert found.value <= 1
        assert icc(rng.permutation(rng.permutation(x), axis=1) * 2 - 5, form).value == pytest.approx(found.value)


@given(seed=st.integers(0, 50))
def test_intervals_contain_the_value_they_are_about(seed):
    x = np.random.default_rng(seed).standard_normal((11, 3)) + np.arange(11)[:, None] / 3
    for form, interval in itertools.product(FORMS, ("jackknife", "f")):
        found = icc(x, form, interval=interval)
        assert found.interval[0] <= found.value <= found.interval[1] <= 1


def test_the_jackknife_of_the_mean_of_k_is_that_of_alpha_and_names_itself():
    x = stuck(np.random.default_rng(1), 40)
    found = icc(x, "ICC(3,k)")
    assert found.interval == pytest.approx(cronbach_alpha(x).interval)
    assert "jackknife" in found.interval_method
    assert "normal" not in " ".join(found.assumptions)


def test_below_ten_subjects_there_is_no_jackknife_and_the_way_out_is_named():
    found = icc(SHROUT_FLEISS, "ICC(2,1)")
    assert found.interval is None
    assert "interval='f'" in found.interval_method


def stuck(rng, n, cuts=(0.35, 1.0, 1.6, 2.2)):
    """Four ratings a subject, 61 % of them the lowest point."""
    return 1.0 + np.searchsorted(cuts, rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, 4)))


@pytest.mark.slow
@pytest.mark.parametrize(("form", "truth"), [("3,1", 0.509), ("2,1", 0.509)])
def test_ratings_stuck_at_the_lowest_point_need_the_jackknife(form, truth):
    rng = np.random.default_rng(1)
    drawn = [stuck(rng, 100) for _ in range(300)]

    def coverage(interval):
        limits = [icc(x, form, interval=interval).interval for x in drawn]
        return np.mean([low <= truth <= high for low, high in limits])

    assert coverage("jackknife") > 0.91
    assert coverage("f") < 0.91


def test_ratings_that_repel_are_negative_and_say_so():
    found = icc([[1, 9], [9, 1], [2, 8], [8, 2]], "ICC(2,1)")
    assert found.value < 0
    assert "negative" in found.warnings[0]


def test_perfect_agreement_is_one_and_has_no_interval():
    found = icc([[1, 1, 1], [2, 2, 2], [4, 4, 4]], "ICC(2,1)")
    assert found.value == pytest.approx(1)
    assert found.interval is None


def test_raters_who_differ_by_a_constant_are_consistent_but_do_not_agree():
    x = np.column_stack([np.arange(10.0), np.arange(10) + 3])
    assert icc(x, "ICC(3,1)").value == pytest.approx(1)
    assert icc(x, "ICC(2,1)").value < 0.75


def test_ratings_that_never_differ_have_no_correlation():
    found = icc(np.full((4, 3), 2.0), "ICC(1,1)")
    assert math.isnan(found.value)
    assert "no variance" in found.warnings[0]


def test_an_unknown_interval_is_refused_with_the_list():
    with pytest.raises(DesignError, match="jackknife, f"):
        icc(SHROUT_FLEISS, "ICC(2,1)", interval="feldt")


@pytest.mark.parametrize("form", ["ICC(4,1)", "2", "ICC(2,3)", None])
def test_an_unknown_form_is_refused_with_the_list(form):
    with pytest.raises(DesignError, match=r"ICC\(3,k\)"):
        icc(SHROUT_FLEISS, form)


def test_too_few_raters_and_gaps_are_refused():
    with pytest.raises(DesignError, match="2 raters"):
        icc([[1], [2]], "ICC(1,1)")
    with pytest.raises(MissingDataError, match="1 of 4"):
        icc([[1, 2], [3, math.nan]], "ICC(1,1)")


@pytest.mark.parametrize("form", ["1,k", "2,k", "3,k"])
def test_equal_means_leave_the_correlation_of_means_undefined_and_say_why(form):
    found = icc(np.eye(4), form)
    assert math.isnan(found.value)
    assert "the same mean" in found.warnings[0]


@pytest.mark.parametrize("form", ["1,1", "2,1", "3,1"])
def test_equal_means_have_a_correlation_of_single_ratings_and_no_interval(form):
    found = icc(np.eye(4), form)
    assert found.value == pytest.approx(-1 / 3 if form != "2,1" else -0.5)
    assert found.interval is None
