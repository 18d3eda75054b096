"""Correlations of what lies behind ordered answers: values, properties, and standard errors that hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from proband.errors import DataError, DesignError
from proband.measures import ordinal_correlations
from proband.measures.factors.ordinal import bivariate_normal


def cut(rng, n, r, *cuts):
    """Items cut from a pair of normal variables with correlation r; no cuts leave one as it is."""
    z = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], n)
    return np.column_stack([np.digitize(x, c) if c else x for x, c in zip(z.T, cuts, strict=True)])


def test_the_bivariate_normal_agrees_with_an_integral():
    rng = np.random.default_rng(1)
    h, k, r = rng.normal(size=12), rng.normal(size=12), rng.uniform(-0.98, 0.98, 12)
    h[0], k[1], h[2], k[2] = 0, 0, 0, 0
    for found, a, b, c in zip(bivariate_normal(h, k, r), h, k, r, strict=True):
        inner = lambda x, b=b, c=c: stats.norm.pdf(x) * stats.norm.cdf((b - c * x) / np.sqrt(1 - c * c))  # noqa: E731
        assert found == pytest.approx(integrate.quad(inner, -10, a, epsabs=1e-13)[0], abs=1e-10)


def test_tetrachoric_correlation_of_halves_is_the_sine_of_their_agreement():
    table = [[0, 0]] * 35 + [[0, 1]] * 15 + [[1, 0]] * 15 + [[1, 1]] * 35
    assert ordinal_correlations(table).correlations[0, 1] == pytest.approx(np.sin(np.pi / 2 * 0.4), abs=1e-9)


def test_the_correlation_before_cutting_is_found_again():
    rng = np.random.default_rng(2)
    found = ordinal_correlations(cut(rng, 20_000, 0.6, [-1, 0.2, 1.5], [0.8]))
    assert found.correlations[0, 1] == pytest.approx(0.6, abs=3 * found.se[0, 1])
    assert np.allclose(found.thresholds[0], [-1, 0.2, 1.5], atol=0.05)


def test_of_two_continuous_items_it_is_pearsons():
    x = np.random.default_rng(3).multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 50)
    found = ordinal_correlations(x, continuous=[0, 1])
    assert found.correlations[0, 1] == pytest.approx(np.corrcoef(x.T)[0, 1])


@given(st.integers(0, 10_000))
def test_it_is_symmetric_and_turns_with_the_direction_of_an_item(seed):
    rng = np.random.default_rng(seed)
    x = cut(rng, 80, 0.4, [-0.5, 0.5], [0.0])
    found, turned = ordinal_correlations(x), ordinal_correlations(np.column_stack([-x[:, 0], 10 * x[:, 1]]))
    assert -1 < found.correlations[0, 1] < 1
    assert np.allclose(found.correlations, found.correlations.T)
    assert turned.correlations[0, 1] == pytest.approx(-found.correlations[0, 1], abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("cuts", [([-1, 0, 1.2], [0.3, 1]), ([0.5], [-0.5]), ([-1, 0, 1], None)])
def test_intervals_cover_in_the_share_of_samples_they_should(cuts):
    rng, hits = np.random.default_rng(4), 0
    for _ in range(400):
        found = ordinal_correlations(cut(rng, 250, 0.5, *cuts), continuous=[1] if cuts[1] is None else [])
        hits += abs(found.correlations[0, 1] - 0.5) <= 1.96 * found.se[0, 1]
    assert 0.92 <= hits / 400 <= 0.98


def test_influence_gives_the_standard_errors():
    x = cut(np.random.default_rng(5), 300, 0.3, [-1, 0, 1], [0, 1])
    found = ordinal_correlations(x)
    assert np.sqrt((found.influence()[:, 0] ** 2).mean() / 300) == pytest.approx(found.se[0, 1])
    assert found.influence().mean() == pytest.approx(0, abs=1e-9)


def test_pairs_that_contradict_each_other_are_mended_and_said_to_be():
    # Few subjects and skewed 0/1 items: pairwise estimates that are no correlation matrix.
    x = (np.random.default_rng(6).normal(size=(25, 1)) + 0.3 * np.random.default_rng(7).normal(size=(25, 12))) > 0.8
    found = ordinal_correlations(x.astype(int))
    assert found.is_mended
    assert found.least_eigenvalue < 0
    assert np.linalg.eigvalsh(found.correlations)[0] > 0
    assert np.allclose(np.diag(found.correlations), 1)
    assert any("eigenvalue" in warning for warning in found.warnings)


def test_an_empty_corner_of_a_two_by_two_table_is_filled_and_said_to_be():
    found = ordinal_correlations([[0, 0]] * 30 + [[1, 0]] * 10 + [[1, 1]] * 20)
    assert found.correlations[0, 1] < 1
    assert "empty cell" in found.warnings[0]


def test_what_cannot_be_is_refused_with_the_way_out():
    with pytest.raises(DesignError, match=r"items 1 .*do not vary"):
        ordinal_correlations([[0, 1], [1, 1], [2, 1]])
    with pytest.raises(DataError, match="`continuous`"):
        ordinal_correlations(np.random.default_rng(1).normal(size=(50, 2)))
    with pytest.raises(DesignError, match="columns 0 to 1"):
        ordinal_correlations([[0, 1], [1, 0]], continuous=[2])
