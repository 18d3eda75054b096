"""Clustered regressions: statsmodels' covariance to the last digits, and Bell and McCaffrey's by their definition."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.experiments.regression import clustered_regression, two_way_variance


def crossed(n=240, seed=1):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 20, n), rng.integers(0, 15, n)
    x, t = rng.normal(size=n), rng.integers(0, 2, n).astype(float)
    y = 0.3 * t + x + rng.normal(size=20)[first] + rng.normal(size=15)[second] + rng.normal(size=n)
    return y, {"1": np.ones(n), "x": x, "t": t}, list(first), list(second)


def test_cr1_is_the_clustered_covariance_of_statsmodels():
    y, columns, first, _ = crossed()
    oracle = sm.OLS(y, np.column_stack(list(columns.values()))).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(first)}
    )
    found = clustered_regression(y, columns, cluster=first, errors="CR1")
    np.testing.assert_allclose(found.covariance, oracle.cov_params(), rtol=1e-10, atol=1e-14)


def test_without_clusters_cr2_is_hc2():
    y, columns, _, _ = crossed()
    oracle = sm.OLS(y, np.column_stack(list(columns.values()))).fit(cov_type="HC2")
    np.testing.assert_allclose(clustered_regression(y, columns).covariance, oracle.cov_params(), rtol=1e-10, atol=1e-14)


def test_two_crossed_ways_of_clustering_are_those_of_statsmodels():
    y, columns, first, second = crossed()
    groups = np.column_stack([first, second])
    oracle = sm.OLS(y, np.column_stack(list(columns.values()))).fit(cov_type="cluster", cov_kwds={"groups": groups})
    np.testing.assert_allclose(two_way_variance(y, columns, first, second), oracle.cov_params(), rtol=1e-9, atol=1e-13)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_the_mean_alone_has_the_error_and_the_degrees_of_freedom_of_the_clustered_mean(seed):
    rng = np.random.default_rng(seed)
    clusters = [*range(3), *rng.integers(0, 8, 30).tolist()]
    y = rng.normal(size=len(clusters))
    mean, fit = clustered_mean(y, clusters), clustered_regression(y, {"1": np.ones(len(y))}, cluster=clusters)["1"]
    assert fit.se == pytest.approx(mean.se)
    assert fit.df == pytest.approx(mean.df)


def test_satterthwaite_is_as_the_matrices_of_its_definition_have_it():
    y, columns, clusters, _ = crossed(60, seed=4)
    clusters = [c % 6 for c in clusters]
    x, codes = np.column_stack(list(columns.values())), np.array(clusters)
    bread = np.linalg.inv(x.T @ x)
    maker = np.eye(len(y)) - x @ bread @ x.T
    vectors = []
    for c in np.unique(codes):
        inside = codes == c
        values, axes = np.linalg.eigh(maker[np.ix_(inside, inside)])
        root = (axes * values**-0.5) @ axes.T
        vectors.append(maker[:, inside] @ root @ x[inside] @ bread[:, 2])
    gram = np.array(vectors) @ np.array(vectors).T
    found = clustered_regression(y, columns, cluster=clusters)
    assert found["t"].df == pytest.approx(np.trace(gram) ** 2 / (gram**2).sum())


def test_a_contrast_is_the_coefficient_of_recoded_columns():
    y, columns, first, _ = crossed()
    recoded = {"1": columns["1"], "sum": (columns["x"] + columns["t"]) / 2, "half": (columns["x"] - columns["t"]) / 2}
    fit, other = (clustered_regression(y, c, cluster=first) for c in (columns, recoded))
    contrast = fit.contrast({"x": 0.5, "t": -0.5})
    assert contrast.value == pytest.approx(other["half"].value / 2)
    assert contrast.se == pytest.approx(other["half"].se / 2)


@pytest.mark.slow
def test_intervals_cover_with_few_clusters():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(1000):
        clusters = np.repeat(np.arange(10), rng.integers(2, 9, 10))
        t = (clusters % 2).astype(float)
        y = 0.4 * t + rng.normal(size=10)[clusters] + rng.normal(size=len(clusters))
        low, high = clustered_regression(y, {"1": np.ones(len(y)), "t": t}, cluster=list(clusters))["t"].interval
        hits += low <= 0.4 <= high
    assert hits >= 930  # 95 % of 1,000 less 2.9 standard errors


def test_a_joint_test_of_nothing_rejects_at_its_size():
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(300):
        clusters = np.repeat(np.arange(30), 4)
        columns = {"1": np.ones(120), "a": rng.normal(size=120), "b": rng.normal(size=120)}
        y = rng.normal(size=30)[clusters] + rng.normal(size=120)
        p_values.append(clustered_regression(y, columns, cluster=list(clusters)).joint(["a", "b"]).p_value)
    assert np.mean(np.array(p_values) < 0.05) < 0.09


def test_a_joint_test_of_outcomes_that_do_not_vary_within_arms_is_undefined():
    a, b = (np.arange(120) // k % 3 for k in (1, 3))
    columns = {"1": np.ones(120), "a": a == 1, "b": b == 1, "a x b": (a == 1) & (b == 1)}
    columns = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    y = 0.1 + 0.2 * columns["a"] + 0.3 * columns["b"] - 0.3 * columns["a x b"]
    found = clustered_regression(y, columns).joint(["a", "a x b"])
    assert found.p_value is None
    assert "without error" in found.warnings[0]


def test_a_joint_test_of_few_clusters_says_so():
    rng = np.random.default_rng(3)
    few, many = (
        clustered_regression(
            rng.normal(size=4 * n), {"1": np.ones(4 * n), "a": rng.normal(size=4 * n)},
            cluster=np.repeat(np.arange(n), 4).tolist(),
        ).joint(["a"])
        for n in (10, 20)
    )  # fmt: skip
    assert "10 clusters" in few.warnings[0]
    assert many.warnings == ()


def test_what_cannot_be_identified_is_refused_by_name():
    with pytest.raises(DataError, match=r"cannot identify 2 coefficients \(t does not vary\)"):
        clustered_regression([1, 2, 3], {"1": [1, 1, 1], "t": [0, 0, 0]})
    with pytest.raises(DesignError, match="one cluster"):
        clustered_regression([1, 2, 3], {"1": [1, 1, 1]}, cluster=["a"] * 3)
    with pytest.raises(DataError, match="2 cluster labels for 3 rows"):
        clustered_regression([1, 2, 3], {"1": [1, 1, 1]}, cluster=["a", "b"])
    with pytest.raises(DesignError, match=r"no coefficient 'treat' .did you mean 'treated'"):
        clustered_regression([1, 2, 4], {"1": [1, 1, 1], "treated": [0, 1, 1]})["treat"]
