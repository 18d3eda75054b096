"""Spearman's partial correlation: the formula, the paper's variant, clusters, degenerate data."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.knowledge.partial_correlation import partial_spearman

X, Y, Z = [1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 4, 3, 7, 5, 8, 6], [3, 1, 2, 6, 4, 5, 8, 7]


def by_formula(x, y, z) -> float:
    xy, xz, yz = (stats.spearmanr(a, b).statistic for a, b in ((x, y), (x, z), (y, z)))
    return (xy - xz * yz) / math.sqrt((1 - xz**2) * (1 - yz**2))


@given(seed=st.integers(0, 999), n=st.integers(5, 40))
@settings(max_examples=20)
def test_standard_is_the_textbook_formula_on_ranks_with_its_degrees_of_freedom(seed, n):
    x, y, z = np.random.default_rng(seed).integers(0, 9, (3, n)).astype(float)
    if min(np.ptp(x), np.ptp(y), np.ptp(z)) == 0 or max(abs(np.corrcoef([x, y, z])[2, :2])) > 0.99:
        return
    found = partial_spearman(x, y, z)
    assert found.value == pytest.approx(by_formula(x, y, z))
    assert found.df == n - 3


def test_the_published_example_of_t_and_p_agrees_with_its_r():
    # r = .4908807 on 5 df has t = 1.25988 and p = .2633, and ranks again .5 on 6 df has p = .2070.
    r = 0.4908807
    t = r * math.sqrt(5 / (1 - r**2))
    assert (t, 2 * special.stdtr(5, -t)) == (pytest.approx(1.25988, abs=5e-6), pytest.approx(0.2633, abs=5e-5))
    assert 2 * special.stdtr(6, -0.5 * math.sqrt(6 / 0.75)) == pytest.approx(0.2070, abs=5e-5)


def test_ren2024_ranks_the_residuals_again_and_ignores_z_in_the_p_value():
    ranks = [stats.rankdata(values) for values in (X, Y, Z)]
    e = [stats.linregress(ranks[2], side) for side in ranks[:2]]
    residuals = [
        np.round(side - (fit.intercept + fit.slope * ranks[2]), 9) for side, fit in zip(ranks[:2], e, strict=True)
    ]
    expected = stats.spearmanr(*residuals)
    found = partial_spearman(X, Y, Z, "ren2024")
    assert (found.value, found.p_value) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    assert found.df == 6
    assert found.value != pytest.approx(partial_spearman(X, Y, Z).value)


@given(seed=st.integers(0, 99))
@settings(max_examples=10)
def test_it_is_symmetric_and_the_same_under_rising_transforms(seed):
    x, y, z = np.random.default_rng(seed).normal(size=(3, 15))
    value = partial_spearman(x, y, z).value
    assert partial_spearman(y, x, z).value == pytest.approx(value)
    assert partial_spearman(np.exp(x), y**3, z).value == pytest.approx(value)


def test_several_variables_may_be_held_equal():
    rng = np.random.default_rng(1)
    z = rng.normal(size=(40, 2))
    x, y = z.sum(axis=1) + rng.normal(size=(2, 40))
    found = partial_spearman(x, y, z)
    assert found.df == 36
    assert abs(found.value) < abs(stats.spearmanr(x, y).statistic)


def test_clusters_are_compared_within_and_reported_one_by_one():
    rng = np.random.default_rng(2)
    domain = np.repeat(["law", "history", "medicine", "engineering"], 8)
    level = np.repeat(3 * rng.normal(size=4), 8)
    x, y = level + rng.normal(size=(2, 32))
    pooled, within = (
        partial_spearman(x, y, np.zeros(32) + level),
        partial_spearman(x, y, level, cluster=domain.tolist()),
    )
    assert within.n_clusters == 4
    assert set(within.baselines) == {"within law", "within history", "within medicine", "within engineering"}
    assert within.interval[0] < within.value < within.interval[1]
    assert 0 < within.p_value <= 1
    assert pooled.baselines == {}


def test_few_observations_get_a_test_and_no_interval():
    found = partial_spearman(X, Y, Z)
    assert found.interval is None
    assert "8 observations" in found.warnings[0]
    assert 0 < found.p_value < 1


def test_a_perfect_correlation_at_equal_z_has_no_error_and_says_so():
    found = partial_spearman(X, X, Z)
    assert found.value == pytest.approx(1)
    assert (found.p_value, found.interval) == (None, None)
    assert "neither test nor interval" in found.warnings[-1]


def test_the_error_lies_between_those_of_the_two_hc3_regressions_of_ranks():
    api = pytest.importorskip("statsmodels.api")
    z = np.random.default_rng(4).normal(size=400)
    x, y = 0.9 * z + 0.436 * np.random.default_rng(5).normal(size=(2, 400))
    ranks = [stats.rankdata(side) for side in (x, y, z)]
    found = partial_spearman(x, y, z)
    both = []
    for this, other in ((0, 1), (1, 0)):
        design = api.add_constant(np.column_stack([ranks[this], ranks[2]]))
        both.append(api.OLS(ranks[other], design).fit(cov_type="HC3").tvalues[1])
    assert found.statistic == pytest.approx(np.mean(both), rel=0.03)
    # The usual t supposes that residual ranks vary alike everywhere; they do not, and it is too large.
    assert abs(found.statistic) < 0.95 * abs(found.value) * math.sqrt(found.df / (1 - found.value**2))


@pytest.mark.slow
@pytest.mark.parametrize(("n_domains", "n"), [(1, 12), (1, 60), (4, 8)])
def test_it_holds_its_size_where_z_correlates_nine_tenths_with_both(n_domains, n):
    rng = np.random.default_rng(1)
    domain = np.repeat(np.arange(n_domains), n)
    rejected = []
    for _ in range(1_000):
        z = rng.normal(size=len(domain))
        x, y = 0.9 * z + 0.436 * rng.normal(size=(2, len(domain)))
        rejected.append(partial_spearman(x, y, z, cluster=domain.tolist() if n_domains > 1 else None).p_value < 0.05)
    assert np.mean(rejected) < 0.07


def test_no_variation_at_equal_z_is_undefined():
    found = partial_spearman([1, 1, 2, 2, 3, 3], [4, 2, 5, 1, 6, 3], [1, 1, 2, 2, 3, 3])
    assert math.isnan(found.value)
    assert "does not vary" in found.warnings[0]


@pytest.mark.parametrize(
    ("x", "y", "z", "error", "says"),
    [
        ([1, 2, 3], [1, 2], [1, 2, 3], DataError, "shapes"),
        ([1, 2, math.nan, 4], [1, 2, 3, 4], [1, 2, 3, 4], MissingDataError, "missing"),
        ([1, 2, 3], [3, 1, 2], [[1, 2], [2, 1], [3, 5]], DesignError, "degrees of freedom"),
    ],
)
def test_data_that_cannot_answer_are_refused(x, y, z, error, says):
    with pytest.raises(error, match=says):
        partial_spearman(x, y, z)


def test_methods_and_clusters_must_fit():
    with pytest.raises(DesignError, match="kendall"):
        partial_spearman(X, Y, Z, "kendall")
    with pytest.raises(DesignError, match="clusters"):
        partial_spearman(X, Y, Z, "ren2024", cluster=list(X))
    with pytest.raises(DataError, match="cluster labels"):
        partial_spearman(X, Y, Z, cluster=[1, 2])


def test_the_t_test_is_that_of_pingouin():
    pingouin = pytest.importorskip("pingouin")
    pandas = pytest.importorskip("pandas")
    x, y, z = np.random.default_rng(3).normal(size=(3, 30))
    frame = pandas.DataFrame({"x": x, "y": y, "z": z})
    oracle = pingouin.partial_corr(frame, "x", "y", "z", method="spearman")
    assert partial_spearman(x, y, z).value == pytest.approx(float(oracle["r"].iloc[0]))
