"""Penalised logistic regressions, many outcomes on the same predictors at once, by matrix products."""

from collections.abc import Callable

import numpy as np
from scipy import linalg, special

from proband.measures.arrays import Floats, Ints

_TOLERANCE = 1e-5  # largest step of a coefficient, in logits
_MOST_STEPS = 500


def fit_multinomial(x: Floats, counts: Floats, starts: Ints, *, penalty: float = 1.0) -> Floats:
    """Coefficients of one multinomial logit for every block of columns of `counts`.

    `x` (n_rows, n_predictors): predictors; the first column is the intercept. `counts` (n_rows, n_columns): weighted
    number of answers of each option among the people of a row; zero rows are missing. `starts` (n_items,): first
    column of every item. `penalty`: half of it times the squared slopes is taken from the log-likelihood (a normal
    prior of variance 1 / penalty); intercepts are left alone, up to what keeps options that nobody took finite.
    Result: shape (n_predictors, n_columns): symmetric parametrisation: no option is the reference.

    References
    ----------
    Böhning (1992), Ann. Inst. Statist. Math. 44, 197-200. doi:10.1007/BF00048682
    """
    totals = np.add.reduceat(counts, starts, axis=1)
    expand = _columns_of(starts, counts.shape[1])

    def residuals(logits: Floats) -> Floats:
        return counts - softmax_blocks(logits, starts) * totals[:, expand]

    heaviest = totals.max(axis=1)
    return _ascend(x, residuals, 0.5 * (x * heaviest[:, None]).T @ x, counts.shape[1], penalty)


def fit_binary(x: Floats, y: Floats, *, penalty: float = 1.0) -> Floats:
    """Coefficients of one logistic regression for each column of `y`, shape (n_predictors, n_outcomes).

    As `fit_multinomial`; `y` holds 0 and 1, shape (n_rows, n_outcomes).
    """

    def residuals(logits: Floats) -> Floats:
        found: Floats = y - special.expit(logits)
        return found

    return _ascend(x, residuals, 0.25 * x.T @ x, y.shape[1], penalty)


def softmax_blocks(logits: Floats, starts: Ints) -> Floats:
    """Probabilities within every block of columns that begins at one of `starts`."""
    expand = _columns_of(starts, logits.shape[1])
    raised = np.exp(logits - np.maximum.reduceat(logits, starts, axis=1)[:, expand])
    return raised / np.add.reduceat(raised, starts, axis=1)[:, expand]


def _columns_of(starts: Ints, n_columns: int) -> Ints:
    return np.repeat(np.arange(len(starts)), np.diff([*starts.tolist(), n_columns]))


def _ascend(x: Floats, residuals: Callable[[Floats], Floats], bound: Floats, n_outcomes: int, penalty: float) -> Floats:
    """Climb with Böhning's fixed bound on the curvature, accelerated, restarted where it overshoots."""
    ridge = np.full(x.shape[1], penalty)
    ridge[0] = 1e-3 * penalty
    factor = linalg.cho_factor(bound + np.diag(ridge + 1e-9))
    here = ahead = np.zeros((x.shape[1], n_outcomes))
    momentum = 1.0
    for _ in range(_MOST_STEPS):
        step: Floats = linalg.cho_solve(factor, x.T @ residuals(x @ ahead) - ridge[:, None] * ahead)
        there = ahead + step
        moved = there - here
        if float((step * moved).sum()) < 0:
            momentum, ahead = 1.0, here
            continue
        faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = there + (momentum - 1) / faster * moved
        here, momentum = there, faster
        if float(np.abs(step).max()) < _TOLERANCE:
            break
    return here
