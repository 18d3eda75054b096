"""Preferences fitted to choices: values at which choices turn, what they do not depend on, and what is refused."""

import numpy as np
import pytest

from proband.errors import DataError
from proband.measures import fit_discounting, fit_risk_aversion, fit_social_preferences

P = [k / 10 for k in range(1, 11)]
SAFE, RISKY = [[2.0, 1.6]] * 10, [[3.85, 0.1]] * 10


def risky(n_safe: int, *, unit: float = 1.0) -> float:
    rows = [1] * n_safe + [0] * (10 - n_safe)
    fit = fit_risk_aversion(rows, np.array(SAFE) * unit, np.array(RISKY) * unit, P, list(range(10)))
    return fit.parameters["aversion"].value


@pytest.mark.parametrize(
    ("n_safe", "low", "high"), [(3, -0.49, -0.15), (4, -0.15, 0.15), (5, 0.15, 0.41), (6, 0.41, 0.68), (7, 0.68, 0.97)]
)
def test_risk_aversion_lies_in_the_range_that_holt_and_laury_give_for_so_many_safe_choices(n_safe, low, high):
    """Their table 3."""
    assert low - 0.01 < risky(n_safe) < high + 0.01


def test_risk_aversion_does_not_depend_on_the_unit_of_money():
    assert risky(6, unit=100.0) == pytest.approx(risky(6), abs=1e-4)


def test_discounting_lies_where_choices_turn():
    later = np.array([100, 110, 120, 130, 140, 150, 160, 170] * 2, dtype=float)
    months = [[0, 12]] * 8 + [[1, 13]] * 8
    chosen = (later / 100 > 1.35).astype(int)
    fit = fit_discounting(chosen, [100] * 16, later, months, list(range(16)))
    assert fit.parameters["discount factor"].value == pytest.approx(1 / 1.35, abs=0.02)
    assert fit.parameters["present bias"].value == pytest.approx(1, abs=0.02)


def test_somebody_who_takes_the_largest_sum_has_a_weight_of_a_half():
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 1000, (400, 2)), rng.integers(0, 1000, (400, 2))
    chosen = (first.sum(axis=1) > second.sum(axis=1)).astype(int)
    fit = fit_social_preferences(chosen, first, second, list(range(400)))
    assert fit.parameters["ahead"].value == pytest.approx(0.5, abs=0.1)
    assert fit.parameters["behind"].value == pytest.approx(0.5, abs=0.1)


def test_probabilities_and_many_answers_with_these_shares_give_the_same_fit():
    shares = np.linspace(0.9, 0.1, 10)
    one = fit_risk_aversion(shares, SAFE, RISKY, P, list(range(10)))
    answers = np.concatenate([[1] * round(10 * s) + [0] * round(10 * (1 - s)) for s in shares])
    many = fit_risk_aversion(
        answers, *(np.repeat(x, [len(answers) // 10] * 10, axis=0) for x in (SAFE, RISKY, P)), np.repeat(range(10), 10)
    )
    assert many.n_choices == 100
    assert one.parameters["aversion"].value == pytest.approx(many.parameters["aversion"].value, abs=0.05)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: fit_risk_aversion([0.5] * 10, SAFE, RISKY, P, list(range(10))), "all choices are alike"),
        (lambda: fit_risk_aversion([1, 0] * 5, SAFE, [[3, 0]] * 10, P, list(range(10))), "not positive"),
        (lambda: fit_discounting([1, 0], [5, 5], [6, 7], [[0, 6], [0, 12]], [0, 1]), "ask both"),
        (lambda: fit_discounting([1, 0], [5, 5], [6, 7], [[6, 0], [0, 12]], [0, 1]), "not later than the sooner"),
        (lambda: fit_social_preferences([1, 0], [[9, 1]] * 2, [[8, 2]] * 2, [0, 1]), "none behind"),
        (lambda: fit_social_preferences([1, 2], [[9, 1]] * 2, [[1, 2]] * 2, [0, 1]), "neither 0 nor 1"),
    ],
)
def test_choices_that_tell_nothing_are_refused(call, said):
    with pytest.raises(DataError, match=said):
        call()


@pytest.mark.parametrize("aversion", [-0.5, 1.4, 2.0])
def test_strong_aversion_is_found_again_and_not_taken_for_a_far_stronger_one(aversion):
    p = np.tile(np.arange(1, 11) / 10, 2)
    payoffs = np.repeat([[2.0, 1.6, 3.85, 0.1], [12.0, 10.0, 23.0, 0.6]], 10, axis=0)
    u = payoffs ** (1 - aversion) / (1 - aversion)
    u = (u - u.min(axis=1, keepdims=True)) / np.ptp(u, axis=1)[:, None]
    odds = 6 * (p * (u[:, 0] - u[:, 2]) + (1 - p) * (u[:, 1] - u[:, 3]))
    fit = fit_risk_aversion(1 / (1 + np.exp(-odds)), payoffs[:, :2], payoffs[:, 2:], p, list(range(20)))
    assert fit.parameters["aversion"].value == pytest.approx(aversion, abs=0.01)
