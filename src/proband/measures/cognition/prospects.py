"""Choices between gambles: cumulative prospect theory, and its parameters from choices."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Bools, Floats, Ints, finite
from proband.measures.cognition.estimation import Parameter, maximise, natural
from proband.measures.experiments.outcomes import coded

_SHAPE = (
    Parameter(name="value exponent", kind="positive", what="curvature of value, alpha; 1 is straight"),
    Parameter(name="loss aversion", kind="positive", what="weight of losses beside gains, lambda; 1 is as heavy"),
    Parameter(
        name="weighting of gains", kind="positive", what="weighting of probabilities of gains, gamma; 1 is as told"
    ),
    Parameter(name="weighting of losses", kind="positive", what="the same of losses, delta"),
)
_NOISE = Parameter(name="sensitivity", kind="positive", what="log odds per value of one mean amount")
_PLACE = Parameter(name="place", kind="number", what="log odds for what stands first")
_STRAIGHT = dict.fromkeys((parameter.name for parameter in _SHAPE), 1.0)
_PEOPLE = (0.88, 2.25, 0.61, 0.69)  # Tversky & Kahneman (1992): where the search begins
_STEEPEST = 20.0  # exponent beyond which values are not worked out, because they overflow


@dataclass(frozen=True, kw_only=True)
class ProspectFit:
    """What `fit_prospect` found.

    - `parameters`: estimates by name: value exponent, loss aversion, weighting of gains and of losses, sensitivity,
      and place where it was given.
    - `log_likelihood`: in nats, of `n_choices` choices.
    - `bic`: of prospect theory; of expected value with its own sensitivity; of choices that see places only. Smaller is
      better.
    """

    parameters: Mapping[str, Estimate]
    log_likelihood: float
    bic: Mapping[str, float]
    n_choices: int
    warnings: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The model that describes the choices best, by BIC."""
        return min(self.bic, key=lambda name: self.bic[name])


def prospect_values(amounts: ArrayLike, probabilities: ArrayLike, parameters: Mapping[str, float]) -> Floats:
    """Value of gambles by cumulative prospect theory.

    An amount x is worth x^alpha, a loss -lambda (-x)^alpha. Probabilities are weighted by
    w(p) = p^c / (p^c + (1 - p)^c)^(1 / c), c being gamma for gains and delta for losses, and cumulated from the best
    gain and from the worst loss.

    Parameters
    ----------
    amounts, probabilities : array_like, shape (n_gambles, n_outcomes)
        What a gamble pays, and how likely; shorter ones are filled up with probabilities of 0.
    parameters : mapping
        ``value exponent``, ``loss aversion``, ``weighting of gains``, ``weighting of losses``.

    Returns
    -------
    ndarray, shape (n_gambles,)
        In amounts to the power of the exponent.

    Raises
    ------
    DataError
        If shapes differ, or probabilities do not sum to 1.

    References
    ----------
    Tversky & Kahneman (1992), J. Risk Uncertainty 5, 297-323. doi:10.1007/BF00122574

    Examples
    --------
    >>> people = {"value exponent": .88, "loss aversion": 2.25, "weighting of gains": .61, "weighting of losses": .69}
    >>> prospect_values([[100, 0], [-100, 0]], [[0.5, 0.5], [0.5, 0.5]], people).round(1).tolist()
    [24.2, -58.8]
    """
    given = np.array([[parameters[parameter.name] for parameter in _SHAPE]])
    found: Floats = _Gambles(amounts, probabilities).values(given)[0]
    return found


def fit_prospect(
    amounts: ArrayLike,
    probabilities: ArrayLike,
    chosen: ArrayLike,
    cluster: Sequence[object],
    *,
    first: ArrayLike | None = None,
    target: Target = "model",
) -> ProspectFit:
    """Fit cumulative prospect theory to choices between two gambles, with a logistic choice rule.

    One choice a row. Amounts are counted in their mean size, so that sensitivity has no currency.

    Parameters
    ----------
    amounts, probabilities : array_like, shape (n_choices, 2, n_outcomes)
        Of the two gambles, as `prospect_values` has them.
    chosen : array_like, shape (n_choices,)
        Probability with which the first is chosen, or 1 and 0.
    cluster : sequence, shape (n_choices,)
        What is independent: a person, or the context in which a model was asked.
    first : array_like of bool, shape (n_choices,), optional
        Whether the first gamble stood first too; then a preference for that place is fitted.
    target : {"model", "human", "data"}
        Whose choices they are.

    Returns
    -------
    ProspectFit
        Intervals as `fit_learning` has them, see the page on coverage; none below 10 clusters.

    Raises
    ------
    DataError, DesignError
        If shapes differ or a probability is none; if no gamble has both gains and losses, without which loss aversion
        is not told from sensitivity.

    References
    ----------
    Tversky & Kahneman (1992), J. Risk Uncertainty 5, 297-323. doi:10.1007/BF00122574
    Stott (2006), J. Risk Uncertainty 32, 101-130, for the choice rule. doi:10.1007/s11166-006-8289-6

    Examples
    --------
    >>> pays = [[[3, 0], [1, 0]], [[-3, 0], [-1, 0]], [[4, -2], [0, 0]], [[6, 0], [2, 0]]] * 12
    >>> odds = [[[0.5, 0.5], [1, 0]], [[0.5, 0.5], [1, 0]], [[0.5, 0.5], [1, 0]], [[0.2, 0.8], [1, 0]]] * 12
    >>> fit = fit_prospect(pays, odds, [0.8, 0.2, 0.6, 0.3] * 12, [k // 4 for k in range(48)])
    >>> fit.n_choices, sorted(fit.bic)
    (48, ['expected value', 'places only', 'prospect theory'])
    """
    pays, odds, taken = (finite(x, what, ndim=None) for x, what in (
        (amounts, "amounts"), (probabilities, "probabilities"), (chosen, "choices")
    ))  # fmt: skip
    n = len(taken)
    if pays.ndim != 3 or pays.shape != odds.shape or pays.shape[:2] != (n, 2) or len(cluster) != n:
        raise DataError(
            f"amounts have shape {pays.shape}, probabilities {odds.shape}, and there are {n} choices in "
            f"{len(cluster)} clusters; expected (n_choices, 2, n_outcomes) and one cluster a choice"
        )
    if not ((taken >= 0) & (taken <= 1)).all():
        raise DataError("a choice is no probability of 0 to 1; give that of the first gamble")
    there = np.where(odds > 0, pays, 0.0)
    if not ((there > 0).any(axis=2) & (there < 0).any(axis=2)).any():
        raise DesignError(
            "no gamble has a gain and a loss, and without one loss aversion is not told from sensitivity; add some"
        )
    codes, labels = coded(list(cluster), "cluster")
    place = None if first is None else np.where(np.asarray(first, dtype=bool), 1.0, -1.0)
    if place is not None and place.shape != (n,):
        raise DataError(f"{place.shape} places for {n} choices; give every choice one")
    model = _Model(pays, odds, taken, codes, len(labels), place)
    extra = () if place is None else (_PLACE,)
    whole = (*_SHAPE, _NOISE, *extra)
    likely = [*np.log(_PEOPLE), 1.0, *([0.0] * len(extra))]
    fitted = maximise(
        lambda theta: model.by_cluster(natural(theta, whole)), whole, len(labels),
        [likely, [0.0] * len(whole), [0.0, 0.0, 0.0, 0.0, -2.0, *([0.0] * len(extra))]], target,
    )  # fmt: skip
    plain = (_NOISE, *extra)
    flat = maximise(
        lambda theta: model.by_cluster(_filled(natural(theta, plain))), plain, len(labels),
        [[start, *([0.0] * len(extra))] for start in (-2.0, 1.0)], target,
    )  # fmt: skip
    blind = _blind(taken, place)
    size = math.log(n)
    return ProspectFit(
        parameters=fitted.estimates,
        log_likelihood=fitted.log_likelihood,
        bic={
            "prospect theory": len(whole) * size - 2 * fitted.log_likelihood,
            "expected value": len(plain) * size - 2 * flat.log_likelihood,
            "places only": len(extra) * size - 2 * blind,
        },
        n_choices=n,
        warnings=fitted.warnings,
    )


def _filled(given: Floats) -> Floats:
    """Parameters of expected value as those of prospect theory."""
    return np.hstack([np.ones((len(given), len(_SHAPE))), given])


def _blind(taken: Floats, place: Floats | None) -> float:
    """Log-likelihood of choices that do not see what the gambles are."""
    if place is None:
        return -len(taken) * math.log(2)
    share = float(np.where(place > 0, taken, 1 - taken).mean())
    return float(len(taken) * (special.xlogy(share, share) + special.xlogy(1 - share, 1 - share)))


class _Gambles:
    """Gambles, with what of their probabilities is cumulated; worked out once for all parameters."""

    def __init__(self, amounts: ArrayLike, probabilities: ArrayLike) -> None:
        pays, odds = (finite(x, what, ndim=2) for x, what in ((amounts, "amounts"), (probabilities, "probabilities")))
        if pays.shape != odds.shape or (odds < 0).any() or not np.allclose(odds.sum(axis=1), 1, atol=1e-6):
            raise DataError(
                f"amounts have shape {pays.shape} and probabilities {odds.shape}, which sum to "
                f"{odds.sum(axis=1).min():g} at least; give each outcome its probability, summing to 1"
            )
        order = np.argsort(pays, axis=1, kind="stable")
        self.pays, odds = np.take_along_axis(pays, order, axis=1), np.take_along_axis(odds, order, axis=1)
        self.is_gain = self.pays >= 0
        below = np.minimum(np.cumsum(odds, axis=1), 1.0)
        above = np.minimum(np.cumsum(odds[:, ::-1], axis=1)[:, ::-1], 1.0)
        # As good or better of a gain, as bad or worse of a loss, with this outcome and without it.
        self.with_it = np.where(self.is_gain, above, below)
        self.without = np.maximum(self.with_it - odds, 0.0)

    def values(self, given: Floats) -> Floats:
        """Under sets of parameters, shape (n_sets, 4 or more), the values, shape (n_sets, n_gambles)."""
        exponent, aversion, gains, losses = given.T[:4, :, None, None]
        size = np.abs(self.pays) ** np.minimum(exponent, _STEEPEST)
        curve = np.where(self.is_gain, gains, losses)
        weights = _weighted(self.with_it, curve) - _weighted(self.without, curve)
        found: Floats = (np.where(self.is_gain, size, -aversion * size) * weights).sum(axis=2)
        return found


def _weighted(p: Floats, curve: Floats) -> Floats:
    """Weight of probabilities; in logs, because the powers overflow at the edges."""
    with np.errstate(divide="ignore"):
        up, down = curve * np.log(p), curve * np.log1p(-p)
    found: Floats = np.exp(up - np.logaddexp(up, down) / curve)
    return found


class _Model:
    """Choices, and how likely they are under sets of parameters; equal questions of a cluster are counted together."""

    def __init__(
        self, pays: Floats, odds: Floats, taken: Floats, codes: Ints, n_clusters: int, place: Floats | None
    ) -> None:
        m = pays.shape[2]
        pairs = np.concatenate([pays, odds], axis=2).reshape(len(pays), -1)
        asked = np.column_stack([pairs, np.zeros(len(pairs)) if place is None else place])
        alone, which = np.unique(asked, axis=0, return_inverse=True)
        gambles, self.place = alone[:, :-1].reshape(-1, 2 * m), alone[:, -1]
        amounts, chances = gambles[:, :m], gambles[:, m:]
        is_there: Bools = (chances > 0) & (amounts != 0)
        unit = float(np.abs(amounts[is_there]).mean()) if is_there.any() else 1.0
        self.gambles = _Gambles(amounts / unit, chances)
        self.is_placed = place is not None
        self.yes, self.no = np.zeros((len(alone), n_clusters)), np.zeros((len(alone), n_clusters))
        np.add.at(self.yes, (which.ravel(), codes), taken)
        np.add.at(self.no, (which.ravel(), codes), 1 - taken)

    def by_cluster(self, given: Floats) -> Floats:
        """Log-likelihood of every cluster, shape (n_sets, n_clusters)."""
        values = self.gambles.values(given)
        odds = given[:, 4, None] * (values[:, ::2] - values[:, 1::2])
        if self.is_placed:
            odds = odds + given[:, 5, None] * self.place
        found: Floats = special.log_expit(odds) @ self.yes + special.log_expit(-odds) @ self.no
        return found
