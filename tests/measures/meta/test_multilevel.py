"""Effects within studies: the restricted likelihood by matrices, balanced studies by hand, CR2 by its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, optimize

from proband.errors import DataError, DesignError
from proband.measures import clustered_mean, multilevel_effects


def within_studies(seed=0, sizes=(4, 4, 3, 4, 11, 3, 8, 6)):
    rng = np.random.default_rng(seed)
    studies = np.repeat(np.arange(len(sizes)), sizes)
    v = rng.uniform(0.01, 0.1, len(studies))
    y = 0.2 + rng.normal(0, 0.25, len(sizes))[studies] + rng.normal(0, np.sqrt(0.03 + v))
    return y, v, studies


def pooled(y, v, studies):
    return multilevel_effects(list(zip(y, np.sqrt(v), strict=True)), studies.tolist())


def deviance(sds, y, v, studies):
    m = np.diag(v + sds[1] ** 2) + sds[0] ** 2 * np.equal.outer(studies, studies)
    w = np.linalg.inv(m)
    mean = w.sum(axis=0) @ y / w.sum()
    return np.linalg.slogdet(m)[1] + np.log(w.sum()) + (y - mean) @ w @ (y - mean)


def test_variances_are_where_the_restricted_likelihood_is_highest():
    y, v, studies = within_studies()
    oracle = optimize.minimize(deviance, [0.3, 0.2], args=(y, v, studies), method="BFGS", options={"gtol": 1e-8})
    found = pooled(y, v, studies)
    assert found.tau2_between.value == pytest.approx(oracle.x[0] ** 2, rel=1e-4)
    assert found.tau2_within.value == pytest.approx(oracle.x[1] ** 2, rel=1e-4)


def test_errors_are_cr2_by_their_definition():
    y, v, studies = within_studies(3)
    found = pooled(y, v, studies)
    phi = np.diag(v + found.tau2_within.value) + found.tau2_between.value * np.equal.outer(studies, studies)
    w = np.linalg.inv(phi)
    ones = np.ones((len(y), 1))
    bread = np.linalg.inv(ones.T @ w @ ones)
    maker = np.eye(len(y)) - ones @ bread @ ones.T @ w
    pulls = []
    for g in np.unique(studies):
        here = studies == g
        root = np.linalg.cholesky(phi[np.ix_(here, here)]).T
        b = root @ (maker[here] @ phi @ maker[here].T) @ root.T
        adjust = root.T @ linalg.fractional_matrix_power(b, -0.5).real @ root
        pulls.append((maker[here].T @ adjust @ w[np.ix_(here, here)] @ ones[here] @ bread).ravel())
    residual = y - found.pooled.value
    # (I - H)' applied to the data is the residual, so p'y is what each study adds.
    assert found.pooled.se**2 == pytest.approx(sum((p @ residual) ** 2 for p in pulls), rel=1e-6)
    gram = np.array([[p @ phi @ q for q in pulls] for p in pulls])
    assert found.pooled.df == pytest.approx(np.trace(gram) ** 2 / (gram**2).sum(), rel=1e-6)


@given(st.integers(0, 1_000))
@settings(max_examples=30)
def test_balanced_studies_are_their_means(seed):
    rng = np.random.default_rng(seed)
    y, studies = rng.normal(size=12), np.repeat(np.arange(4), 3)
    found = pooled(y, np.full(12, 0.1), studies).pooled
    by_hand = clustered_mean(y.reshape(4, 3).mean(axis=1), range(4))
    assert found.value == pytest.approx(by_hand.value, abs=1e-9)
    assert found.se == pytest.approx(by_hand.se, rel=1e-6)
    assert found.df == pytest.approx(3, rel=1e-6)


def test_what_has_no_levels_is_refused_with_the_way_out():
    effects = [(0.1, 0.1), (0.2, 0.1), (0.4, 0.1)]
    with pytest.raises(DesignError, match="all effects are of study 'a'"):
        multilevel_effects(effects, ["a"] * 3)
    with pytest.raises(DesignError, match=r"every study has one effect.*use `random_effects`"):
        multilevel_effects(effects, ["a", "b", "c"])
    with pytest.raises(DataError, match="2 studies for 3 effects"):
        multilevel_effects(effects, ["a", "b"])


@pytest.mark.slow
def test_intervals_cover_where_sampling_errors_of_a_study_go_together():
    rng, hits, drawn = np.random.default_rng(4), 0, 300
    for _ in range(drawn):
        studies = np.repeat(np.arange(12), 4)
        shared = rng.normal(0, 0.2, 12)[studies]  # what the effects of a study share by chance, known to nobody
        y = 0.3 + shared + rng.normal(0, 0.2, 12)[studies] + rng.normal(0, 0.2, 48)
        low, high = pooled(y, np.full(48, 0.08), studies).pooled.interval
        hits += low <= 0.3 <= high
    assert hits >= 0.92 * drawn


def test_effects_that_are_all_alike_have_no_interval_for_one_more_study_either():
    found = multilevel_effects([(0.3, 0.1)] * 4, list("aabb"))
    assert (found.pooled.interval, found.prediction.interval) == (None, None)
