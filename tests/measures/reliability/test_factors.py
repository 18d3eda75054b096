import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DataError, DesignError, MissingDataError
from proband.measures.reliability.factors import factor_congruence, omega_total, tucker_phi
from proband.measures.reliability.internal import cronbach_alpha
from proband.measures.reliability.one_factor import fit_one_factor

LOADINGS = np.array([0.8, 0.7, 0.6, 0.5])


def scores_with(covariance: np.ndarray, n: int = 60) -> np.ndarray:
    """Scores whose sample covariance is exactly this (n in the denominator)."""
    raw = np.random.default_rng(1).standard_normal((n, len(covariance)))
    raw = raw - raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(raw.T @ raw / n)).T
    return white @ np.linalg.cholesky(covariance).T


def one_factor(loadings: np.ndarray) -> np.ndarray:
    return np.outer(loadings, loadings) + np.diag(1 - loadings**2)


def test_omega_and_alpha_of_four_known_loadings():
    x = scores_with(one_factor(LOADINGS))
    assert omega_total(x).value == pytest.approx(0.7494457, abs=1e-6)
    assert float(cronbach_alpha(x)) == pytest.approx(0.7420547, abs=1e-7)


def test_three_items_have_loadings_in_closed_form():
    # Covariances of three school tests (Holzinger & Swineford 1939, visual); lambda_1^2 = s_12 s_13 / s_23.
    s12, s13, s23 = 0.408730, 0.581818, 0.452567
    s = np.array([[1.362898, s12, s13], [s12, 1.386389, s23], [s13, s23, 1.279114]])
    loadings = np.sqrt([s12 * s13 / s23, s12 * s23 / s13, s13 * s23 / s12])
    expected = loadings.sum() ** 2 / (loadings.sum() ** 2 + (np.diag(s) - loadings**2).sum())
    assert omega_total(scores_with(s)).value == pytest.approx(expected, abs=1e-6)


def test_with_equal_loadings_omega_is_alpha():
    x = scores_with(one_factor(np.full(5, 0.6)))
    assert omega_total(x).value == pytest.approx(float(cronbach_alpha(x)), abs=1e-6)


@settings(max_examples=25)
@given(seed=st.integers(0, 99), scale=st.floats(0.1, 50))
def test_omega_lies_in_its_interval_and_ignores_order_origin_and_unit(seed, scale):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((80, 1)) * LOADINGS + rng.standard_normal((80, 4)) * 0.7
    found, again = omega_total(x), omega_total(rng.permutation(rng.permutation(x), axis=1) * scale + 3)
    assert 0 <= found.value <= 1
    assert again.value == pytest.approx(found.value, abs=1e-4)
    if found.interval is not None:
        assert found.interval[0] < found.value < found.interval[1] < 1


def test_the_sandwich_error_is_the_jackknifes():
    x = np.random.default_rng(5).standard_normal((300, 1)) * LOADINGS + np.random.default_rng(6).normal(size=(300, 4))
    others = np.array([math.log(1 - omega_total(np.delete(x, i, axis=0)).value) for i in range(300)])
    jackknife = math.sqrt(299 / 300 * ((others - others.mean()) ** 2).sum())
    found = omega_total(x)
    assert found.se / (1 - found.value) == pytest.approx(jackknife, rel=0.05)


def test_a_heywood_case_is_named_and_has_no_interval():
    s = np.array([[1, 0.9, 0.9], [0.9, 1, 0.3], [0.9, 0.3, 1]])
    s = s * 0.7 + 0.3 * np.eye(3)
    found = omega_total(scores_with(s))
    assert fit_one_factor(s).is_heywood
    assert found.interval is None
    assert any("Heywood" in warning for warning in found.warnings)


def test_below_thirty_subjects_omega_has_no_interval():
    found = omega_total(scores_with(one_factor(LOADINGS), n=20))
    assert found.interval is None
    assert "needs 30" in found.interval_method


def test_items_keyed_the_wrong_way_are_noticed():
    x = scores_with(one_factor(LOADINGS))
    x[:, 3] *= -1
    assert any("negative" in warning for warning in omega_total(x).warnings)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.ones((5, 2)), "3 items"),
        (np.eye(4), "more subjects than items"),
        (np.column_stack([np.ones(9), np.random.default_rng(1).random((9, 2))]), "item 0"),
        (np.column_stack([np.arange(9.0)] * 3), "combination"),
    ],
)
def test_too_little_for_a_factor_is_refused(scores, message):
    with pytest.raises(DesignError, match=message):
        omega_total(scores)


def test_tuckers_phi_by_hand():
    assert tucker_phi([0.8, 0.7, 0.6], [0.6, 0.7, 0.8]).value == pytest.approx(0.9731544, abs=5e-8)


# Of a number that a scale of a half takes to 0 nothing is left that could be congruent.
COLUMNS = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=3, max_size=3).filter(
    lambda x: max(map(abs, x)) > 1e-300
)


@given(a=COLUMNS, b=COLUMNS, scale=st.floats(0.01, 100))
def test_phi_is_symmetric_bounded_and_ignores_the_size_of_a_factor(a, b, scale):
    phi = tucker_phi(a, b).value
    assert -1 <= phi <= 1
    assert tucker_phi(b, a).value == pytest.approx(phi, abs=1e-12)
    assert tucker_phi(np.multiply(a, scale), b).value == pytest.approx(phi, abs=1e-9)
    assert tucker_phi(a, a).value == pytest.approx(1)


def test_a_factor_without_loadings_has_no_congruence():
    found = tucker_phi([0, 0, 0], [0.1, 0.2, 0.3])
    assert math.isnan(found.value)
    assert "undefined" in found.warnings[0]


def test_factors_are_matched_signed_and_turned():
    a = np.array([[0.8, 0.1], [0.7, 0.0], [0.1, 0.6], [0.0, 0.9]])
    found = factor_congruence(a, np.column_stack([-a[:, 1], a[:, 0]]))
    assert (found.matched, found.signs) == ((1, 0), (1, -1))
    assert [float(e) for e in found.unrotated] == pytest.approx([1, 1])


def test_a_rotated_solution_is_congruent_once_turned():
    a = np.array([[0.8, 0.1], [0.7, 0.0], [0.1, 0.6], [0.0, 0.9]])
    turn = np.array([[math.cos(0.6), -math.sin(0.6)], [math.sin(0.6), math.cos(0.6)]])
    found = factor_congruence(a, a @ turn)
    assert max(float(e) for e in found.unrotated) < 0.95
    assert [float(e) for e in found.rotated] == pytest.approx([1, 1])


def test_loadings_that_do_not_belong_together_are_refused():
    with pytest.raises(DataError, match="factor_congruence"):
        tucker_phi([[1, 2], [3, 4]], [[1, 2], [3, 4]])
    with pytest.raises(DataError, match="both sides"):
        factor_congruence([[1, 2]], [[1, 2, 3]])
    with pytest.raises(MissingDataError, match="1 of 2 loadings"):
        tucker_phi([1, math.nan], [1, 2])
    with pytest.raises(DataError, match="infinite"):
        tucker_phi([1, math.inf], [1, 2])
