"""Preferences over risk, time and other people's payoffs, fitted to choices between two options."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite
from proband.measures.cognition.estimation import Parameter, maximise, natural
from proband.measures.experiments.outcomes import coded

_SENSITIVITY = Parameter(name="sensitivity", what="effect of a difference on log odds", kind="positive")
_RISK = (
    Parameter(name="aversion", what="relative risk aversion r, 0 where only means count", kind="number"),
    _SENSITIVITY,
)
_TIME = (
    Parameter(name="present bias", what="weight beta of what is not at once, 1 without present bias", kind="positive"),
    Parameter(name="discount factor", what="what a year of waiting leaves of a worth, delta", kind="positive"),
    _SENSITIVITY,
)
_SOCIAL = (
    Parameter(name="ahead", what="weight rho on the other's payoff where oneself has more", kind="number"),
    Parameter(name="behind", what="weight sigma on the other's payoff where oneself has less", kind="number"),
    _SENSITIVITY,
)


@dataclass(frozen=True, kw_only=True)
class PreferenceFit:
    """What was fitted to choices between two options.

    - `parameters`: estimates by name, with what each says; ``sensitivity`` last: 0 chooses at random.
    - `log_likelihood`, `chance`: in nats, of the fit and of choosing at random.
    - `n_choices`: choices, or shares of choices.
    """

    parameters: Mapping[str, Estimate]
    log_likelihood: float
    chance: float
    n_choices: int
    warnings: tuple[str, ...] = ()


def fit_risk_aversion(
    chosen: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    p: ArrayLike,
    cluster: Sequence[object],
    *,
    target: Target = "model",
) -> PreferenceFit:
    """Constant relative risk aversion, from choices between two lotteries with two payoffs each.

    ``u(x) = x^(1 - r) / (1 - r)``, log at r = 1; the log odds of the first lottery are ``lambda (EU1 - EU2) / (u_max -
    u_min)``, the extremes being those of the choice (contextual utility), so that r means the same at any stake.

    Parameters
    ----------
    chosen : array_like, shape (n_choices,)
        1 where the first was chosen, 0 where the second was; or the probability of the first.
    first, second : array_like, shape (n_choices, 2)
        Better and worse payoff, positive.
    p : array_like, shape (n_choices,)
        Probability of the better payoff of either lottery.
    cluster : sequence, shape (n_choices,)
        Whose choices are not independent: people, or items that were asked several times.
    target : {"model", "human", "data"}
        Whose choices they are.

    Returns
    -------
    PreferenceFit
        ``aversion`` and ``sensitivity`` by quasi maximum likelihood, with 95 % intervals of errors that allow for
        clusters (t, one degree of freedom less than clusters; sensitivity on the scale of logs); none below 10 clusters
        or at the edge of a range.

    Raises
    ------
    DataError, MissingDataError
        If shapes differ, a payoff is not positive, a share is not one, or all choices are alike.

    References
    ----------
    Holt & Laury (2002), Am. Econ. Rev. 92, 1644-1655. doi:10.1257/000282802762024700
    Wilcox (2011), J. Econometrics 162, 89-104. doi:10.1016/j.jeconom.2009.10.009

    Examples
    --------
    >>> p = [k / 10 for k in range(1, 11)]
    >>> fit = fit_risk_aversion([1] * 4 + [0] * 6, [[2, 1.6]] * 10, [[3.85, 0.1]] * 10, p, list(range(10)))
    >>> abs(fit.parameters["aversion"].value) < 0.15
    True
    """
    payoffs = np.hstack([finite(first, "first", ndim=2), finite(second, "second", ndim=2)])
    chance = finite(p, "p", ndim=1)
    if payoffs.shape != (len(chance), 4):
        raise DataError(f"payoffs have shape {payoffs.shape} for {len(chance)} choices; give two for each lottery")
    if (payoffs <= 0).any() or (chance < 0).any() or (chance > 1).any():
        raise DataError("a payoff is not positive, or a probability is not between 0 and 1; correct it")
    logs = np.log(payoffs / payoffs.max(axis=1, keepdims=True))  # any unit gives the same choices
    if not (np.ptp(logs, axis=1) > 0).all():
        raise DataError("all payoffs of a choice are the same, so it says nothing; leave it out")

    def value(theta: Floats) -> Floats:
        power = 1 - theta[0]
        u = logs if abs(power) < 1e-6 else np.expm1(power * logs) / power
        u = (u - u.min(axis=1, keepdims=True)) / np.ptp(u, axis=1)[:, None]
        means = [chance * u[:, k] + (1 - chance) * u[:, k + 1] for k in (0, 2)]
        difference: Floats = means[0] - means[1]
        return difference

    return _fit(chosen, value, _RISK, cluster, target)


def fit_discounting(
    chosen: ArrayLike,
    sooner: ArrayLike,
    later: ArrayLike,
    months: ArrayLike,
    cluster: Sequence[object],
    *,
    target: Target = "model",
) -> PreferenceFit:
    """Present bias and discount factor, from choices between a sooner and a later payment.

    A payment x in t years is worth x at once and ``beta delta^t x`` later; the log odds of the later one are
    ``lambda`` times the difference, in units of the later amount. Utility is linear in money, as usual and as wrong:
    curvature would pass for impatience (Andersen et al. 2008, doi:10.1111/j.1468-0262.2008.00848.x).

    Parameters
    ----------
    chosen : array_like, shape (n_choices,)
        1 where the later was chosen, 0 where the sooner was; or the probability of the later.
    sooner, later : array_like, shape (n_choices,)
        Amounts, positive.
    months : array_like, shape (n_choices, 2)
        Months until each.
    cluster, target
        As in `fit_risk_aversion`.

    Returns
    -------
    PreferenceFit
        ``present bias`` (beta), ``discount factor`` (delta, a year) and ``sensitivity``; intervals as in
        `fit_risk_aversion`. Without choices both at once and from a later day on, the two are not told apart.

    Raises
    ------
    DataError, MissingDataError
        If shapes differ, an amount is not positive, a payment is not later than the other, no choice is from today or
        none is from later on, or all choices are alike.

    References
    ----------
    Laibson (1997), Q. J. Econ. 112, 443-478. doi:10.1162/003355397555253

    Examples
    --------
    >>> months = [[0, 12], [0, 12], [1, 13], [1, 13]] * 3
    >>> fit = fit_discounting([0, 1, 1, 1] * 3, [100] * 12, [110, 140, 130, 140] * 3, months, list(range(12)))
    >>> list(fit.parameters)
    ['present bias', 'discount factor', 'sensitivity']
    """
    x, y, t = finite(sooner, "sooner", ndim=1), finite(later, "later", ndim=1), finite(months, "months", ndim=2) / 12
    if not (len(x) == len(y) == len(t)) or t.shape[1] != 2:
        raise DataError(
            f"{len(x)} sooner and {len(y)} later amounts, months of shape {t.shape}; give each choice its own"
        )
    if (x <= 0).any() or (y <= 0).any() or (t < 0).any() or (t[:, 1] <= t[:, 0]).any():
        raise DataError("an amount is not positive, or a later payment is not later than the sooner; correct it")
    if not 0 < (t[:, 0] == 0).sum() < len(t):
        raise DataError("present bias needs choices with a payment at once, and choices without; ask both")

    def value(theta: Floats) -> Floats:
        beta, delta = theta[:2]
        worth = np.where(t > 0, beta, 1.0) * delta**t
        difference: Floats = worth[:, 1] - worth[:, 0] * x / y
        return difference

    return _fit(chosen, value, _TIME, cluster, target)


def fit_social_preferences(
    chosen: ArrayLike, first: ArrayLike, second: ArrayLike, cluster: Sequence[object], *, target: Target = "model"
) -> PreferenceFit:
    """Weights on another's payoff, from choices between two allocations to oneself and to another.

    ``U = (1 - w) own + w other`` with ``w = rho`` where own is more than other, ``sigma`` where it is less; log odds
    of the first are ``lambda (U1 - U2)``, in units of the mean payoff. Spite has negative weights, a wish to be equal
    a positive rho and a negative sigma, a wish for the largest sum two positive ones.

    Parameters
    ----------
    chosen : array_like, shape (n_choices,)
        1 where the first was chosen, 0 where the second was; or the probability of the first.
    first, second : array_like, shape (n_choices, 2)
        To oneself and to the other.
    cluster, target
        As in `fit_risk_aversion`.

    Returns
    -------
    PreferenceFit
        ``ahead`` (rho), ``behind`` (sigma) and ``sensitivity``; intervals as in `fit_risk_aversion`.

    Raises
    ------
    DataError, MissingDataError
        If shapes differ, all payoffs are 0, nobody is ever ahead or ever behind, or all choices are alike.

    References
    ----------
    Charness & Rabin (2002), Q. J. Econ. 117, 817-869. doi:10.1162/003355302760193904

    Examples
    --------
    >>> first, second = [[4, 4], [8, 2]] * 6, [[3, 8], [6, 6]] * 6
    >>> fit = fit_social_preferences([1, 0, 0, 0] * 3, first, second, list(range(12)))
    >>> list(fit.parameters)
    ['ahead', 'behind', 'sensitivity']
    """
    a, b = finite(first, "first", ndim=2), finite(second, "second", ndim=2)
    if a.shape != b.shape or a.shape[1:] != (2,):
        raise DataError(f"allocations have shapes {a.shape} and {b.shape}; expected (n_choices, 2) for both")
    both = np.vstack([a, b])
    if not (mean := float(np.abs(both).mean())) > 0:
        raise DataError("all payoffs are 0; there is nothing to share")
    if not ((both[:, 0] > both[:, 1]).any() and (both[:, 0] < both[:, 1]).any()):
        raise DataError("no allocation has somebody ahead, or none behind; ask both, or a weight is not told")

    def worth(allocation: Floats, theta: Floats) -> Floats:
        own, other = allocation.T / mean
        weight = np.where(own > other, theta[0], np.where(own < other, theta[1], 0.0))
        utility: Floats = own + weight * (other - own)
        return utility

    return _fit(chosen, lambda theta: worth(a, theta) - worth(b, theta), _SOCIAL, cluster, target)


def _fit(
    chosen: ArrayLike,
    value: Callable[[Floats], Floats],
    parameters: Sequence[Parameter],
    cluster: Sequence[object],
    target: Target,
) -> PreferenceFit:
    """Log odds are sensitivity, the last parameter, times a difference of values that the others decide."""
    y = finite(chosen, "chosen", ndim=1)
    codes, labels = coded(list(cluster), "cluster")
    n_rows = len(value(np.ones(len(parameters))))
    if not len(y) == len(codes) == n_rows:
        raise DataError(f"{len(y)} choices, {len(codes)} clusters, {n_rows} rows; give each choice its own")
    if ((y < 0) | (y > 1)).any():
        raise DataError("a choice is neither 0 nor 1 nor a probability between them; correct it")
    if np.ptp(y) == 0:
        raise DataError("all choices are alike, so no preference can be told; ask rows at which it would turn")

    def by_cluster(thetas: Floats) -> Floats:
        sums = []
        for given in natural(thetas, parameters):
            odds = given[-1] * value(given)
            logs = y * special.log_expit(odds) + (1 - y) * special.log_expit(-odds)
            sums.append(np.bincount(codes, weights=logs, minlength=len(labels)))
        return np.array(sums)

    k = len(parameters) - 1
    starts = [(*(at,) * k, sensitivity) for at, sensitivity in ((0.0, 0.5), (0.4, 2.5), (-0.4, 2.5), (1.2, 2.5))]
    found = maximise(by_cluster, parameters, len(labels), starts, target)
    return PreferenceFit(
        parameters=found.estimates, log_likelihood=found.log_likelihood, chance=-len(y) * math.log(2), n_choices=len(y),
        warnings=found.warnings,
    )  # fmt: skip
