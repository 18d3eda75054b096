"""Whether choices from budgets could come from one ranking of all bundles, and how far they miss."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Bools, Floats, finite
from proband.measures.shares import wilson_interval
from proband.seeds import rng_for

_TOLERANCE = 1e-9
_CELLS = 4_000_000
_WEAK_POWER = 0.5


@dataclass(frozen=True, kw_only=True)
class RevealedPreference:
    """What `garp` found.

    - `is_garp`, `is_sarp`, `is_warp`: whether no choice is, directly or through others, revealed preferred to one
      that is strictly (GARP), or to another bundle that is (SARP), preferred to it; WARP looks at pairs only.
    - `efficiency`: the level e at which the axioms were tested; 1 is the axiom itself.
    - `ccei`: Afriat's critical cost efficiency, beside the axiom always: it can be 1 where GARP fails.
    - `n_violations`: ordered pairs (s, t) with s revealed preferred to t and t strictly preferred to s.
    - `violations`: those pairs of observations, 0-based.
    - `n_observations`: choices.
    """

    is_garp: bool
    is_sarp: bool
    is_warp: bool
    efficiency: float
    ccei: float
    n_violations: int
    violations: tuple[tuple[int, int], ...]
    n_observations: int
    warnings: tuple[str, ...] = ()


def garp(
    P: ArrayLike, X: ArrayLike, *, budgets: ArrayLike | None = None, rescale: bool = False, efficiency: float = 1.0
) -> RevealedPreference:
    """Test the generalised axiom of revealed preference on choices from linear budgets.

    Choice s is revealed preferred to t at efficiency e if ``e p_s x_s >= p_s x_t``, strictly if ``>``. GARP fails if
    a chain of such preferences leads from s to t while t is strictly preferred to s. Equality is taken within one
    part in 10^9, so that choices on the line of another budget do not fail by rounding; bundles rounded to whole
    numbers can fail by truly tiny amounts, which `ccei` shows.

    Passing a weak test says nothing: show `bronars_power` beside it.

    Parameters
    ----------
    P, X : array_like, shape (n_observations, n_goods)
        Prices, positive; quantities, at least 0, not all 0 in an observation.
    budgets : array_like, shape (n_observations,), optional
        What could be spent. Language models miscalculate: choices off the line by more than one part in 10^6 are
        refused with their share, unless `rescale`; without budgets own spending is taken for the budget.
    rescale : bool
        Move choices along the ray from the origin onto their line, and say how many were.
    efficiency : float
        Level e, above 0 and at most 1.

    Returns
    -------
    RevealedPreference
        Axioms, violating pairs, and the CCEI.

    Raises
    ------
    DataError
        If shapes differ, prices are not positive, an observation spends nothing, or choices are off their line.
    MissingDataError, DesignError
        If a price or quantity is missing; if `efficiency` is out of range.

    References
    ----------
    Varian (1982), Econometrica 50, 945-973. doi:10.2307/1912771

    Examples
    --------
    >>> found = garp([[1, 1], [2, 1]], [[5, 5], [6, 4]])
    >>> found.is_garp, found.ccei
    (False, 1.0)
    """
    if not 0 < efficiency <= 1:
        raise DesignError(f"efficiency {efficiency} must be above 0 and at most 1")
    prices, chosen, cautions = _choices(P, X, budgets, rescale=rescale)
    costs = prices @ chosen.T
    ratio = costs / np.diag(costs)[:, None]  # of bundle t at the prices of s, over what s spent
    weak = ratio <= efficiency * (1 + _TOLERANCE)
    strict = ratio < efficiency * (1 - _TOLERANCE)
    same = np.isclose(chosen[:, None, :], chosen[None, :, :], rtol=_TOLERANCE, atol=0.0).all(axis=2)
    reached = _closure(weak[None])[0]
    violating = reached & strict.T
    critical = float(_critical(ratio[None])[0])
    # A cycle of weak preferences between different bundles has no strict ranking; pairs suffice for WARP.
    is_sarp = not (reached & weak.T & ~same).any()
    is_warp = not (weak & weak.T & ~same).any()
    pairs = tuple((int(s), int(t)) for s, t in np.argwhere(violating))
    if pairs and critical == 1 and efficiency == 1:
        cautions = (*cautions, "the CCEI is 1 although GARP fails: a chain meets budgets exactly; report both")
    return RevealedPreference(
        is_garp=not pairs,
        is_sarp=is_sarp,
        is_warp=is_warp,
        efficiency=efficiency,
        ccei=critical,
        n_violations=len(pairs),
        violations=pairs,
        n_observations=len(prices),
        warnings=cautions,
    )


def ccei(
    P: ArrayLike, X: ArrayLike, *, budgets: ArrayLike | None = None, rescale: bool = False, target: Target = "model"
) -> Estimate:
    """Critical cost efficiency: the largest share of every budget at which choices contradict each other no more.

    ``sup {e : GARP at e}``, found exactly: the smallest over cycles of the largest cost ratio ``p_s x_t / p_s x_s``
    in the cycle, at most 1. 1 - CCEI is the share of money wasted on the worst contradiction; one bad choice can
    decide it. 1 does not imply GARP: `garp` gives both. Meaningless without the power of the budgets, since random
    choices reach 1 where budgets hardly cross (`bronars_power`).

    Parameters
    ----------
    P, X, budgets, rescale
        As in `garp`.
    target : {"model", "human", "data"}
        Whose choices they are.

    Returns
    -------
    Estimate
        Above 0, at most 1, without interval: a property of these choices. To compare populations give one CCEI per
        subject to `difference_in_means` or `permutation_test`.

    Raises
    ------
    DataError, MissingDataError
        As in `garp`.

    References
    ----------
    Afriat (1972), Int. Econ. Rev. 13, 568-598. doi:10.2307/2525845

    Examples
    --------
    >>> round(ccei([[2, 1], [1, 2]], [[4, 1], [1, 4]]), 4)
    0.6667
    """
    found = garp(P, X, budgets=budgets, rescale=rescale)
    return Estimate(
        value=found.ccei,
        estimand="critical cost efficiency of the choices",
        target=target,
        n_units=found.n_observations,
        interval_method="none: a property of these choices",
        warnings=found.warnings,
    )


def bronars_power(
    P: ArrayLike,
    *,
    budgets: ArrayLike | None = None,
    efficiency: float = 1.0,
    n_draws: int = 2_000,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Estimate:
    """Probability that choices made at random on the same budgets fail GARP.

    Random means uniform on each budget's line (in money: a uniform split of the budget over goods). Predictive
    success is the share of subjects who pass, less the share of random choosers who do, 1 - power.

    Parameters
    ----------
    P : array_like, shape (n_observations, n_goods)
        Prices, positive.
    budgets : array_like, shape (n_observations,), optional
        What can be spent; 1 for each if None, which is right where prices are already divided by budgets.
    efficiency : float
        Level at which GARP is tested: power falls as it falls.
    n_draws : int
        Random choosers.
    level : float
        Confidence level of the interval, which is about the number of draws only.
    rng : numpy.random.Generator, optional
        Source of the choices; None takes the place "bronars_power" of seed 0.

    Returns
    -------
    Estimate
        Between 0 and 1 with Wilson's interval; below .5 a warning says that passing the test means little.

    Raises
    ------
    DataError, MissingDataError, DesignError
        As in `garp`.

    References
    ----------
    Bronars (1987), Econometrica 55, 693-698. doi:10.2307/1913608

    Examples
    --------
    >>> bronars_power([[1, 1], [2, 2]], budgets=[10, 10], n_draws=200).value
    0.0
    """
    if not 0 < efficiency <= 1 or n_draws < 100:
        raise DesignError(f"efficiency {efficiency} must be in (0, 1] and n_draws {n_draws} at least 100")
    prices = _table(P, "prices")
    _check_prices(prices)
    money = np.ones(len(prices)) if budgets is None else _money(budgets, len(prices))
    draws = rng_for(0, "bronars_power") if rng is None else rng
    n, goods = prices.shape
    block = max(1, _CELLS // (n * n))
    n_failed = 0
    for first in range(0, n_draws, block):
        shares = draws.dirichlet(np.ones(goods), (min(block, n_draws - first), n))
        chosen = shares * money[:, None] / prices
        costs = np.einsum("sg,dtg->dst", prices, chosen) / money[:, None]
        reached = _closure(costs <= efficiency * (1 + _TOLERANCE))
        strict = costs < efficiency * (1 - _TOLERANCE)
        n_failed += int((reached & strict.swapaxes(1, 2)).any(axis=(1, 2)).sum())
    power = n_failed / n_draws
    weak = f"power {power:.2f}: most random choosers pass on these budgets, so passing says little; use other budgets"
    return Estimate(
        value=power,
        interval=wilson_interval(power, n_draws, level),
        level=level,
        interval_method=f"Wilson over {n_draws} random choosers",
        estimand=f"probability that uniformly random choices on these budgets fail GARP at efficiency {efficiency:g}",
        target="data",
        n_units=n_draws,
        warnings=(weak,) if power < _WEAK_POWER else (),
    )


def _closure(weak: Bools) -> Bools:
    """Transitive closure of each relation, shape (n_draws, n, n), by Warshall's algorithm."""
    reached = weak.copy()
    for k in range(reached.shape[1]):
        reached |= reached[:, :, k, None] & reached[:, None, k, :]
    return reached


def _critical(ratio: Floats) -> Floats:
    """Smallest over cycles of the largest ratio in the cycle, at most 1; shape (n_draws,)."""
    n = ratio.shape[1]
    best = ratio.copy()
    best[:, np.arange(n), np.arange(n)] = np.inf  # an observation alone is no cycle
    for k in range(n):
        best = np.minimum(best, np.maximum(best[:, :, k, None], best[:, None, k, :]))
    closed = best[:, np.arange(n), np.arange(n)].min(axis=1)
    return np.where(closed < 1 - _TOLERANCE, closed, 1.0)


def _choices(
    prices: ArrayLike, quantities: ArrayLike, budgets: ArrayLike | None, *, rescale: bool
) -> tuple[Floats, Floats, tuple[str, ...]]:
    p, x = _table(prices, "prices"), _table(quantities, "quantities")
    if p.shape != x.shape:
        raise DataError(f"prices have shape {p.shape} and quantities {x.shape}; give each choice its prices")
    _check_prices(p)
    if (x < 0).any():
        raise DataError("a quantity is negative; choices are bundles of at least 0 of each good")
    spent = (p * x).sum(axis=1)
    if not spent.all():
        raise DataError(f"observation {int((spent == 0).argmax())} spends nothing; leave it out, and report how many")
    if budgets is None:
        return p, x, ()
    money = _money(budgets, len(p))
    off = np.abs(spent / money - 1) > 1e-6
    if off.any() and not rescale:
        first = int(off.argmax())
        raise DataError(
            f"{int(off.sum())} of {len(p)} choices are off their budget line (first: observation {first} spends "
            f"{spent[first]:g} of {money[first]:g}); leave them out, or set rescale=True, and report the share"
        )
    cautions = (
        (f"{int(off.sum())} of {len(p)} choices were off their budget line and moved onto it",) if off.any() else ()
    )
    return p, x * (money / spent)[:, None] if off.any() else x, cautions


def _table(values: ArrayLike, what: str) -> Floats:
    table = finite(values, what, ndim=2, way_out="leave those observations out, and report how many")
    if table.shape[1] < 2 or not len(table):
        raise DataError(f"{what} have shape {table.shape}; expected (n_observations, n_goods), at least 2 goods")
    return table


def _check_prices(prices: Floats) -> None:
    if (prices <= 0).any():
        raise DataError("a price is not positive; a free good has no budget line")


def _money(budgets: ArrayLike, n: int) -> Floats:
    money = np.asarray(budgets, dtype=np.float64)
    if money.shape != (n,) or not (np.isfinite(money) & (money > 0)).all():
        raise DataError(f"budgets must be {n} positive numbers, one per observation, got shape {money.shape}")
    return money
