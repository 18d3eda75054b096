"""Krippendorff's alpha: published values, properties, degenerate codes, and the package of the same name."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from proband.errors import DataError, DesignError
from proband.measures.agreement.kappas import cohen_kappa, fleiss_kappa
from proband.measures.agreement.krippendorff import krippendorff_alpha

NONE = None
# Krippendorff (2011), 12 units by 4 coders.
CODERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]
UNITS = [list(unit) for unit in zip(*CODERS, strict=True)]
LEVELS = ("nominal", "ordinal", "interval", "ratio")
PUBLISHED = dict(zip(LEVELS, (0.743421, 0.815388, 0.849107, 0.797403), strict=True))

tables = arrays(np.int64, st.tuples(st.integers(2, 12), st.integers(2, 4)), elements=st.integers(0, 4))


@pytest.mark.parametrize("level", LEVELS)
def test_alpha_of_krippendorffs_own_example(level):
    found = krippendorff_alpha(UNITS, level)
    assert found.value == pytest.approx(PUBLISHED[level], abs=5e-7)
    assert (found.n_units, found.n_missing) == (11, 1)


@pytest.mark.parametrize("level", LEVELS)
def test_the_standard_error_is_that_of_leaving_each_unit_out(level):
    used = [unit for unit in UNITS if sum(code is not None for code in unit) > 1]
    left = [krippendorff_alpha(used[:k] + used[k + 1 :], level).value for k in range(len(used))]
    n = len(used)
    assert krippendorff_alpha(UNITS, level).se == pytest.approx(math.sqrt((n - 1) ** 2 / n) * np.std(left, ddof=1))


@pytest.mark.parametrize("level", LEVELS)
@given(codes=tables, seed=st.integers(0, 99))
@settings(max_examples=25)
def test_alpha_does_not_depend_on_the_order_of_units_or_coders(level, codes, seed):
    rng = np.random.default_rng(seed)
    shuffled = codes[rng.permutation(len(codes))][:, rng.permutation(codes.shape[1])]
    first, second = krippendorff_alpha(codes, level), krippendorff_alpha(shuffled, level)
    assert first.value == pytest.approx(second.value, nan_ok=True)
    assert math.isnan(first.value) or first.value <= 1


@given(codes=tables)
@settings(max_examples=25)
def test_nominal_alpha_is_the_same_under_other_names(codes):
    names = np.array(["e", "b", "d", "a", "c"])
    assert krippendorff_alpha(codes, "nominal").value == pytest.approx(
        krippendorff_alpha(names[codes], "nominal").value, nan_ok=True
    )


@given(codes=tables, scale=st.floats(0.5, 20), shift=st.floats(-50, 50))
@settings(max_examples=25)
def test_interval_alpha_does_not_depend_on_unit_and_origin_and_ordinal_on_spacing(codes, scale, shift):
    moved = scale * codes + shift
    assert krippendorff_alpha(codes, "interval").value == pytest.approx(
        krippendorff_alpha(moved, "interval").value, nan_ok=True, abs=1e-8
    )
    assert krippendorff_alpha(codes, "ordinal").value == pytest.approx(
        krippendorff_alpha(codes**3, "ordinal").value, nan_ok=True
    )


@given(codes=arrays(np.int64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.integers(0, 3)))
@settings(max_examples=30)
def test_nominal_alpha_of_two_coders_is_scotts_pi_with_a_small_sample_term(codes):
    n = len(codes)
    shares = np.bincount(codes.ravel(), minlength=4) / (2 * n)
    expected, observed = (shares**2).sum(), (codes[:, 0] == codes[:, 1]).mean()
    if expected == 1:
        assert math.isnan(krippendorff_alpha(codes, "nominal").value)
    else:
        pi = (observed - expected) / (1 - expected)
        assert krippendorff_alpha(codes, "nominal").value == pytest.approx(1 - (1 - pi) * (2 * n - 1) / (2 * n))


def test_whole_numbers_and_their_texts_take_different_ways_to_the_same_alpha():
    codes = np.random.default_rng(0).integers(0, 3, (200, 3)).astype(float)
    codes[np.random.default_rng(1).random(codes.shape) < 0.2] = np.nan
    texts = np.array(["a", "b", "c", ""], dtype=object)[np.where(np.isnan(codes), 3, codes).astype(int)]
    texts[np.isnan(codes)] = None
    numbers, named = krippendorff_alpha(codes, "nominal"), krippendorff_alpha(texts, "nominal")
    assert numbers.value == pytest.approx(named.value)
    assert (numbers.se, numbers.n_missing) == (pytest.approx(named.se), named.n_missing)


def test_ordinal_error_to_first_order_is_close_to_the_exact_one(monkeypatch):
    codes = np.random.default_rng(3).normal(size=(150, 1)) + np.random.default_rng(4).normal(size=(150, 3))
    exact = krippendorff_alpha(codes, "ordinal").se
    monkeypatch.setattr("proband.measures.agreement.krippendorff._EXACT_UNITS", 1)
    assert krippendorff_alpha(codes, "ordinal").se == pytest.approx(exact, rel=0.02)


def test_texts_are_ordinal_in_their_declared_order_only():
    coded = [["low", "mid"], ["mid", "mid"], ["high", "high"], ["low", "low"]]
    numbers = [[0, 1], [1, 1], [2, 2], [0, 0]]
    declared = krippendorff_alpha(coded, "ordinal", categories=["low", "mid", "high"])
    assert declared.value == pytest.approx(krippendorff_alpha(numbers, "ordinal").value)
    with pytest.raises(DataError, match="categories"):
        krippendorff_alpha(coded, "ordinal")


def test_one_category_is_undefined_with_its_reason():
    found = krippendorff_alpha([[1, 1]] * 20, "nominal")
    assert math.isnan(found.value)
    assert "no variation" in found.warnings[0]


def test_perfect_agreement_is_1_without_interval():
    found = krippendorff_alpha([[1, 1]] * 10 + [[2, 2]] * 10, "interval")
    assert (found.value, found.interval) == (1.0, None)
    assert "agree on all 20 units" in found.warnings[0]


def test_few_units_get_no_interval_and_rare_codes_a_warning():
    assert "9 units" in krippendorff_alpha([[1, 1], [1, 2], [2, 2]] * 3, "nominal").interval_method
    rare = krippendorff_alpha([[1, 1]] * 40 + [[2, 2], [1, 2], [2, 1]], "nominal")
    assert rare.interval is not None
    assert "too short" in rare.warnings[0]


PARTED = [[1, 1]] * 40 + [[1, 2], [2, 1]] * 4


def test_rare_codes_on_which_coders_always_part_are_warned_of_in_alpha_and_both_kappas():
    settled = [*PARTED, [2, 2]]
    for codes, is_warned in ((PARTED, True), (settled, False)):
        table = [[sum(pair == [a, b] for pair in codes) for b in (1, 2)] for a in (1, 2)]
        counts = [[pair.count(1), pair.count(2)] for pair in codes]
        found = krippendorff_alpha(codes, "nominal"), cohen_kappa(table), fleiss_kappa(counts)
        assert [any("on none of the 8 units" in w for w in one.warnings) for one in found] == [is_warned] * 3


def test_where_coders_agree_on_few_codes_but_the_commonest_is_one_of_several_nothing_is_warned_of():
    rng = np.random.default_rng(1)
    codes = np.where(rng.random((60, 5)) < 0.5, rng.integers(0, 5, (60, 1)), rng.integers(0, 5, (60, 5)))
    assert krippendorff_alpha(codes, "nominal").warnings == ()


@pytest.mark.slow
def test_hard_units_leave_no_silent_interval_that_misses():
    rng = np.random.default_rng(1)

    def drawn(n):
        skill = np.where(rng.random((n, 1)) < 0.1, 0.4, 0.95)
        return np.where(rng.random((n, 3)) < skill, rng.random((n, 1)) < 0.03, rng.random((n, 3)) < 0.5).astype(int)

    truth = krippendorff_alpha(drawn(400_000), "nominal").value
    for n in (30, 60, 100):
        found = [krippendorff_alpha(drawn(n), "nominal") for _ in range(400)]
        silent = [e.interval[0] <= truth <= e.interval[1] for e in found if e.interval and not e.warnings]
        assert np.mean(silent) > 0.94


@pytest.mark.parametrize(
    ("codes", "level", "error", "says"),
    [
        ([[1, None], [None, 2]], "nominal", DesignError, "coded twice"),
        ([1, 2, 3], "nominal", DataError, "shape"),
        ([[1, 2], [2, 2]], "cardinal", DesignError, "none of"),
        ([["a", "b"], ["a", "a"]], "interval", DataError, "must be numbers"),
        ([[-1, 2], [2, 2]], "ratio", DataError, "at least 0"),
        ([[1, "a"], [2, "b"]], "nominal", DataError, "mix kinds"),
        ([[1.5, math.inf], [2, 2]], "interval", DataError, "infinite"),
    ],
)
def test_wrong_codes_are_refused_with_the_way_out(codes, level, error, says):
    with pytest.raises(error, match=says):
        krippendorff_alpha(codes, level)


def test_a_code_that_was_not_declared_is_refused():
    with pytest.raises(DataError, match="none of the categories"):
        krippendorff_alpha([[1, 2], [2, 7]], "nominal", categories=[1, 2, 3])


@pytest.mark.parametrize("level", LEVELS)
def test_alpha_equals_that_of_the_package(level):
    oracle = pytest.importorskip("krippendorff")
    rng = np.random.default_rng(5)
    codes = np.where(rng.random((300, 4)) < 0.6, rng.integers(1, 7, (300, 1)), rng.integers(1, 7, (300, 4)))
    codes = np.where(rng.random(codes.shape) < 0.2, np.nan, codes)
    value = oracle.alpha(reliability_data=codes.T, level_of_measurement=level)
    assert krippendorff_alpha(codes, level).value == pytest.approx(value)
