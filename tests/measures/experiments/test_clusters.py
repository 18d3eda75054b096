import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures import share_estimates
from proband.measures.experiments.clusters import clustered_mean

Y = [1, 1, 0, 1, 0, 0, 1, 1, 0, 1]
CLUSTER = [1, 1, 1, 2, 2, 2, 3, 3, 4, 4]
SCORES = st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 4)), min_size=6, max_size=40).filter(
    lambda units: len({c for _, c in units}) > 1 and np.std([y for y, _ in units]) > 1e-2
)


def cr2_by_matrices(y, cluster):
    """Bell and McCaffrey's variance and degrees of freedom with the matrices of their definition."""
    n = len(y)
    x = np.ones((n, 1))
    hat = x @ np.linalg.inv(x.T @ x) @ x.T
    residual_maker = np.eye(n) - hat
    e, scores, vectors = residual_maker @ y, [], []
    for c in np.unique(cluster):
        inside = cluster == c
        values, axes = np.linalg.eigh(residual_maker[np.ix_(inside, inside)])
        roots = np.where(values > 1e-10, np.maximum(values, 1e-10) ** -0.5, 0)
        weights = x[inside].T @ (axes * roots) @ axes.T / n
        scores.append(float((weights @ e[inside])[0]))
        vectors.append((weights @ residual_maker[inside])[0])
    gram = np.array(vectors) @ np.array(vectors).T
    return sum(s**2 for s in scores), np.trace(gram) ** 2 / (gram**2).sum()


@pytest.mark.parametrize(
    ("kind", "se"), [("CR0", 0.1166190), ("CR1", 0.1346601), ("CR2", 0.1349603), ("CR3", 0.1565329)]
)
def test_the_variances_are_those_of_clubsandwich(kind, se):
    assert clustered_mean(Y, CLUSTER, kind).se == pytest.approx(se, abs=5e-8)


def test_cr2_is_tested_on_satterthwaites_degrees_of_freedom():
    found = clustered_mean(Y, CLUSTER)
    assert found.value == 0.6
    assert found.df == pytest.approx(2.86, abs=5e-3)
    assert found.p_value == pytest.approx(0.0234, abs=5e-5)
    assert (found.n_units, found.n_clusters) == (10, 4)
    scored = clustered_mean(Y, CLUSTER, is_share=False)
    reach = stats.t.ppf(0.975, found.df) * found.se
    assert scored.interval == pytest.approx((0.6 - reach, 0.6 + reach))


def test_a_share_has_the_score_interval_at_its_own_clustered_variance():
    right, text = [1] * 19 + [0], [k // 2 for k in range(20)]
    found = clustered_mean(right, text)
    t, n = stats.t.ppf(0.975, found.df), 0.95 * 0.05 / found.se**2
    for limit in found.interval:
        assert abs(0.95 - limit) == pytest.approx(t * math.sqrt(limit * (1 - limit) / n))
    assert found.interval[1] < 1
    # As many independent answers as there are texts: all questions of one may be right for one reason.
    assert clustered_mean([1] * 20, text).interval == pytest.approx((10 / (10 + t**2), 1))
    assert clustered_mean(right, range(20)).interval == share_estimates(right, 2, target="model")[1].interval
    assert clustered_mean(right, text).interval == share_estimates(right, 2, target="model", psu=text)[1].interval


@given(units=SCORES)
@settings(max_examples=50)
def test_the_closed_form_is_the_matrix_form(units):
    y, cluster = (np.array(side) for side in zip(*units, strict=True))
    variance, df = cr2_by_matrices(y, cluster)
    found = clustered_mean(y, cluster)
    assert found.se == pytest.approx(math.sqrt(variance), rel=1e-6, abs=1e-9)
    assert found.df == pytest.approx(df, rel=1e-6)


@given(units=SCORES)
@settings(max_examples=50)
def test_cr1_is_statsmodels_clustered_standard_error(units):
    y, cluster = (np.array(side) for side in zip(*units, strict=True))
    fit = sm.OLS(y, np.ones(len(y))).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    assert clustered_mean(y, cluster, "CR1").se == pytest.approx(float(fit.bse[0]), abs=1e-9)


@given(y=st.lists(st.floats(-5, 5), min_size=3, max_size=30).filter(lambda y: np.std(y) > 1e-3))
def test_clusters_of_one_are_the_ordinary_t_interval(y):
    found = clustered_mean(y, range(len(y)))
    assert found.se == pytest.approx(np.std(y, ddof=1) / math.sqrt(len(y)))
    assert found.df == pytest.approx(len(y) - 1)


@given(units=SCORES, shift=st.floats(-10, 10))
@settings(max_examples=50)
def test_order_labels_and_origin_change_nothing(units, shift):
    y, cluster = (np.array(side) for side in zip(*units, strict=True))
    found = clustered_mean(y, cluster)
    moved = clustered_mean(y[::-1] + shift, [f"cluster {c}" for c in cluster[::-1]])
    assert moved.value == pytest.approx(found.value + shift, abs=1e-9)
    assert moved.se == pytest.approx(found.se, abs=1e-9)
    assert moved.df == pytest.approx(found.df)


def test_equal_clusters_have_one_degree_of_freedom_less_than_clusters():
    rng = np.random.default_rng(1)
    assert clustered_mean(rng.normal(size=60), np.repeat(np.arange(12), 5)).df == pytest.approx(11)


def test_one_cluster_has_a_mean_and_no_interval():
    found = clustered_mean([1, 2, 3], ["a", "a", "a"])
    assert found.value == 2
    assert (found.interval, found.se, found.p_value) == (None, None, None)
    assert "one cluster ('a')" in found.warnings[0]


def test_scores_that_do_not_vary_have_no_interval():
    found = clustered_mean([3, 3, 3, 3], [1, 1, 2, 2])
    assert (found.se, found.interval, found.p_value) == (0, None, None)
    assert "do not vary" in found.warnings[0]


def test_few_uneven_and_skewed_clusters_are_warned_of():
    rng = np.random.default_rng(1)
    few = clustered_mean(rng.normal(size=9), [1, 1, 1, 2, 2, 2, 3, 3, 3]).warnings
    assert "2.0 degrees of freedom" in few[0]
    sizes = [40, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    uneven = clustered_mean(rng.normal(size=sum(sizes)), np.repeat(np.arange(10), sizes)).warnings
    assert any("the largest is 60%" in warning for warning in uneven)
    skewed = clustered_mean(rng.lognormal(0, 2, 30), np.arange(30)).warnings
    assert any("skewed" in warning for warning in skewed)
    assert clustered_mean(rng.normal(size=200), np.repeat(np.arange(50), 4)).warnings == ()


@pytest.mark.parametrize(
    ("y", "cluster", "error", "message"),
    [
        ([], [], DataError, "nothing to average"),
        ([1, 2], [1], DataError, "1 cluster labels for 2 scores"),
        ([1, math.nan], [1, 2], MissingDataError, "1 of 2 scores"),
        ([1, 2], [1, None], MissingDataError, "cluster of unit 2"),
        ([1, 2], [1, math.nan], MissingDataError, "cluster of unit 2"),
        ([1, math.inf], [1, 2], DataError, "infinite"),
    ],
)
def test_scores_without_a_mean_are_refused(y, cluster, error, message):
    with pytest.raises(error, match=message):
        clustered_mean(y, cluster)


def test_an_unknown_variance_is_refused():
    with pytest.raises(DesignError, match="CR9"):
        clustered_mean(Y, CLUSTER, "CR9")
