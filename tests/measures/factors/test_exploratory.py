"""Explored factors: published solutions, rotations, their number, and the general factor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.measures import exploratory_factors, factor_congruence, omega_hierarchical, parallel_analysis
from tests.measures.factors.holzinger import everybody, with_moments

# Thurstone's nine tests (Bechtoldt 1961), lower triangle; published with R's psych and in McDonald (1999).
THURSTONE = (
    1,
    0.828, 1,
    0.776, 0.779, 1,
    0.439, 0.493, 0.46, 1,
    0.432, 0.464, 0.425, 0.674, 1,
    0.447, 0.489, 0.443, 0.59, 0.541, 1,
    0.447, 0.432, 0.401, 0.381, 0.402, 0.288, 1,
    0.541, 0.537, 0.534, 0.35, 0.367, 0.32, 0.555, 1,
    0.38, 0.358, 0.359, 0.424, 0.446, 0.325, 0.598, 0.452, 1,
)  # fmt: skip
LOADED = np.kron(np.eye(3), np.array([[0.8], [0.7], [0.6], [0.5]]))


def scores_with(loadings, factors=None, n=400):
    factors = np.eye(loadings.shape[1]) if factors is None else factors
    common = loadings @ factors @ loadings.T
    np.fill_diagonal(common, 1)
    return with_moments(n, np.zeros(len(loadings)), common[np.tril_indices(len(loadings))])


def test_uniquenesses_and_the_test_of_three_factors_are_those_of_factanal():
    found = exploratory_factors(everybody(), 3)
    published = [0.513, 0.749, 0.543, 0.279, 0.243, 0.305, 0.502, 0.469, 0.543]
    assert np.allclose(found.uniqueness, published, atol=6e-4)
    assert (round(found.chi2, 2), found.df, round(found.p_value, 4)) == (22.38, 12, 0.0335)


@pytest.mark.parametrize("rotation", ["oblimin", "geomin", "varimax", "promax"])
@pytest.mark.parametrize("extraction", ["ml", "minres"])
def test_a_perfectly_simple_structure_is_found_again(rotation, extraction):
    found = exploratory_factors(scores_with(LOADED), 3, rotation=rotation, extraction=extraction)
    congruence = factor_congruence(LOADED, found.loadings)
    assert min(phi.value for phi in congruence.unrotated) > 0.9999
    assert np.allclose(found.correlations, np.eye(3), atol=1e-3)
    assert found.rmsr < 1e-4


@pytest.mark.parametrize("rotation", ["oblimin", "geomin"])
def test_factors_that_correlate_are_found_to(rotation):
    found = exploratory_factors(scores_with(LOADED, np.full((3, 3), 0.3) + 0.7 * np.eye(3)), 3, rotation=rotation)
    assert np.allclose(found.correlations[np.triu_indices(3, 1)], 0.3, atol=0.02)


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_rotation_changes_no_uniqueness_and_no_implied_correlation(seed):
    x = np.random.default_rng(seed).normal(size=(60, 2)) @ np.random.default_rng(seed + 1).normal(size=(2, 6))
    x = x + np.random.default_rng(seed + 2).normal(size=(60, 6))
    plain, turned = exploratory_factors(x, 2, rotation="none"), exploratory_factors(x, 2)
    assert np.allclose(plain.uniqueness, turned.uniqueness)
    implied = turned.loadings @ turned.correlations @ turned.loadings.T
    assert np.allclose(plain.loadings @ plain.loadings.T, implied, atol=1e-6)
    assert (turned.loadings.sum(axis=0) >= 0).all()


def test_what_lies_behind_two_answers_is_stronger_than_what_they_show():
    rng = np.random.default_rng(1)
    x = (0.7 * rng.normal(size=(2000, 1)) + 0.7 * rng.normal(size=(2000, 5)) > 0.7).astype(int)
    shown, behind = (exploratory_factors(x, 1, correlation=kind).loadings for kind in ("pearson", "ordinal"))
    assert behind.mean() == pytest.approx(0.5**0.5, abs=0.05)
    assert shown.mean() < 0.6


def test_the_number_of_factors_is_found_and_of_noise_it_is_none():
    assert parallel_analysis(everybody(), n_draws=50).n_factors == 3
    noise = np.random.default_rng(1).normal(size=(300, 9))
    assert parallel_analysis(noise, n_draws=50).n_factors == 0


def test_omega_of_thurstones_tests_is_as_published():
    found = omega_hierarchical(with_moments(213, np.zeros(9), THURSTONE))
    assert (round(found.omega_h, 2), round(found.omega_total, 2)) == (0.74, 0.93)
    assert np.allclose(found.general, [0.71, 0.73, 0.68, 0.65, 0.62, 0.56, 0.59, 0.58, 0.54], atol=0.005)


def test_without_a_general_factor_omega_h_is_near_nothing():
    found = omega_hierarchical(scores_with(LOADED))
    assert found.omega_h.value < 0.03
    assert found.omega_total.value == pytest.approx(3 * 2.6**2 / (3 * (2.6**2 + 4 - 1.74)), abs=1e-3)


def test_what_cannot_be_is_refused_with_the_way_out():
    x = everybody()
    with pytest.raises(DesignError, match="6 factors of 9 items are not identified; give at most 5"):
        exploratory_factors(x, 6)
    with pytest.raises(DesignError, match="use omega_total"):
        omega_hierarchical(x, n_factors=2)
    with pytest.raises(DesignError, match="give oblimin"):
        omega_hierarchical(x, rotation="varimax")
    with pytest.raises(DesignError, match="drop duplicates"):
        exploratory_factors(np.column_stack([x, x[:, 0]]), 3)
    with pytest.raises(DesignError, match="more subjects"):
        exploratory_factors(x[:8], 2)
    with pytest.raises(DesignError, match=r"items 0 .*do not vary"):
        exploratory_factors(np.column_stack([np.ones(301), x]), 2)


def test_a_heywood_case_names_its_item():
    lower = [1, 0.9, 1, 0.8, 0.5, 1, 0.2, 0.2, 0.2, 1]  # no loadings below 1 give .9, .8 and .5
    found = exploratory_factors(with_moments(100, np.zeros(4), lower), 1)
    assert "items 0" in found.warnings[0]
    assert "Heywood" in found.warnings[0]
