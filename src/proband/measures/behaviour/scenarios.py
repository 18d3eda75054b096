"""Scenarios that hold together: combinations of developments, ranked by how well their parts go with each other."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from proband.errors import DataError, DesignError, meant

_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One development of every factor, the sum of its consistencies, and the lowest of them."""

    developments: Mapping[str, str]
    total: float
    lowest: float


def consistent_scenarios(
    factors: Mapping[str, Sequence[str]],
    consistency: Mapping[tuple[str, str], float],
    *,
    least: float = -1.0,
    most: int = 10,
) -> tuple[Scenario, ...]:
    """All combinations of developments without a contradiction, the most consistent first.

    Parameters
    ----------
    factors : mapping of str to sequence of str
        Factor -> how it may develop; two factors at least, and every development's name is used once.
    consistency : mapping of (str, str) to float
        How well two developments of different factors go together: below 0 where they speak against each other. Every
        such pair must be there, once, in either order.
    least : float
        A combination in which two developments have less than this is left out.
    most : int
        Scenarios that are given.

    Returns
    -------
    tuple of Scenario
        By their sum of consistencies, then by their lowest; none if nothing holds together.

    Raises
    ------
    DataError
        If a pair has no number or two, or speaks of a development that is not there.
    DesignError
        If there are more than a million combinations, or fewer than two factors.

    References
    ----------
    Reibnitz (1988), Scenario Techniques. McGraw-Hill.
    Godet (2000), Technological Forecasting and Social Change 65, 3-22. doi:10.1016/S0040-1625(99)00120-1

    Examples
    --------
    >>> both = {"price": ["dear", "cheap"], "use": ["much", "little"]}
    >>> fit = {("dear", "much"): -2, ("dear", "little"): 1, ("cheap", "much"): 2, ("cheap", "little"): -1}
    >>> [dict(s.developments) for s in consistent_scenarios(both, fit, least=0)]
    [{'price': 'cheap', 'use': 'much'}, {'price': 'dear', 'use': 'little'}]
    """
    names = [name for developments in factors.values() for name in developments]
    if len(factors) < 2 or len(set(names)) < len(names) or not all(map(len, factors.values())) or most < 1:
        raise DesignError(
            f"{len(factors)} factors with {len(names)} developments: give at least 2 factors, and every development a "
            "name of its own"
        )
    if (n := math.prod(len(developments) for developments in factors.values())) > _MOST:
        raise DesignError(f"{n:,} combinations are more than {_MOST:,}; take factors or developments out")
    number = {name: k for k, name in enumerate(names)}
    fit = np.full((len(names), len(names)), np.nan)
    for pair, value in consistency.items():
        for name in pair:
            if name not in number:
                raise DataError(f"consistency of {pair}: no development {name!r}{meant(name, names)}")
        one, other = number[pair[0]], number[pair[1]]
        if not math.isfinite(value) or not math.isnan(fit[one, other]):
            raise DataError(f"consistency of {pair}: {value}, or it is there twice; give one number")
        fit[one, other] = fit[other, one] = value
    for one_factor, other_factor in itertools.combinations(factors.values(), 2):
        for pair in itertools.product(one_factor, other_factor):
            if math.isnan(fit[number[pair[0]], number[pair[1]]]):
                raise DataError(f"consistency of {pair} is missing; give every pair of developments one")
    chosen = np.array(list(itertools.product(*([number[name] for name in each] for each in factors.values()))))
    parts = np.stack([fit[chosen[:, a], chosen[:, b]] for a, b in itertools.combinations(range(len(factors)), 2)])
    total, lowest = parts.sum(axis=0), parts.min(axis=0)
    order = [int(k) for k in np.lexsort((-lowest, -total)) if lowest[k] >= least][:most]
    return tuple(
        Scenario(
            developments={factor: names[at] for factor, at in zip(factors, chosen[k], strict=True)},
            total=float(total[k]), lowest=float(lowest[k]),
        )
        for k in order
    )  # fmt: skip
