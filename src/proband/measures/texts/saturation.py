"""Saturation: how many documents it takes until further ones bring hardly any new code."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Bools, Floats, finite
from proband.seeds import rng_for

_MOST_CELLS = 10**9  # orders times documents


@dataclass(frozen=True, slots=True, kw_only=True)
class SaturationPoint:
    """Codes seen among the first `documents`: expected over all orders, and limits within which most orders lie."""

    documents: int
    codes: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """What `saturation` found.

    - `needed`: documents at which new information first falls to the threshold: the median over orders.
    - `reached`: share of the orders in which it does at all.
    - `curve`: codes seen by number of documents.
    - `n_codes`: codes that occur; `n_once`: those that stand in one document only, of which more are likely unseen.
    - `base`, `run`, `threshold`: as they were given.
    """

    needed: Estimate
    reached: float
    curve: tuple[SaturationPoint, ...]
    n_codes: int
    n_once: int
    base: int
    run: int
    threshold: float


def indicators(present: ArrayLike) -> Bools:
    """Which documents have which codes, checked: a table of 0 and 1."""
    table = finite(present, "codes of documents", ndim=2)
    if not table.size:
        raise DataError("there are no documents, or no codes; give a table with a row a document and a column a code")
    if not np.isin(table, (0.0, 1.0)).all():
        raise DataError("codes of documents must be 0 (not there) or 1 (there)")
    there: Bools = table == 1.0
    return there


def saturation(
    present: ArrayLike,
    *,
    base: int = 4,
    run: int = 2,
    threshold: float = 0.05,
    n_orders: int = 1000,
    rng: np.random.Generator | None = None,
    level: float = 0.95,
) -> Saturation:
    """Tell after how many documents new ones brought hardly any new code.

    New information of a run of documents is the number of codes that come up in it first, divided by the number of
    codes in the `base` documents that were read first (Guest et al. 2020); the run moves on one document at a time.
    The order in which documents happened to be read is one of many, so all is told over random orders; the expected
    curve is exact: a code in m of n documents is missing from k of them with probability ``C(n - m, k) / C(n, k)``.

    Parameters
    ----------
    present : array_like, shape (n_documents, n_codes)
        1 where a document has a code, 0 where not; codes that nobody has do not count.
    base, run : int
        Documents of the base and of a run; 4 to 6 and 2 or 3 are usual.
    threshold : float
        New information at which saturation is said to be reached, e.g. 0.05 or 0; "4+2 at 5 %" is the default.
    n_orders : int
        Random orders.
    rng : numpy.random.Generator, optional
        Source of the orders; None takes the place "saturation" of seed 0.
    level : float
        Share of the orders between the limits.

    Returns
    -------
    Saturation
        `needed` counts the documents up to the end of the run; NaN with the reason where most orders do not get there.
        Its limits are over orders of *these* documents: what other documents would say is not in them.

    Raises
    ------
    DataError, MissingDataError
        If the table is none of 0 and 1, or a cell is missing.
    DesignError
        If there are fewer documents than base and run together, or a setting makes no sense.

    References
    ----------
    Guest, Namey & Chen (2020), PLoS ONE 15, e0232076. doi:10.1371/journal.pone.0232076
    Hurlbert (1971), Ecology 52, 577-586. doi:10.2307/1934145

    Examples
    --------
    >>> found = saturation([[1, 0], [1, 1], [0, 1], [1, 0], [1, 1], [0, 1], [1, 1], [1, 0]])
    >>> found.n_codes, found.needed.value
    (2, 6.0)
    """
    table = indicators(present)
    table = table[:, table.any(axis=0)]
    n, n_codes = table.shape
    if base < 1 or run < 1 or threshold < 0 or n_orders < 1:
        raise DesignError(
            f"saturation: base {base}, run {run}, n_orders {n_orders} must be at least 1, threshold {threshold} not "
            "negative; 4, 2, 1000 and 0.05 are usual"
        )
    if n < base + run:
        raise DesignError(f"saturation: {n} documents; a base of {base} and a run of {run} need {base + run}")
    if n * n_orders > _MOST_CELLS:
        raise DesignError(f"saturation: {n_orders} orders of {n} documents are too many; take fewer orders")
    orders = rng if rng is not None else rng_for(0, "saturation")
    holders = [np.flatnonzero(column) for column in table.T]
    seen, needed = np.empty((n_orders, n), dtype=np.int32), np.full(n_orders, math.inf)
    for k in range(n_orders):
        place = orders.permutation(n)
        first = np.array([place[of].min() for of in holders], dtype=np.intp)
        seen[k] = np.bincount(first, minlength=n).cumsum()
        ends = np.arange(base + run - 1, n)
        # Where the base has no code, nothing is new relative to it, and nothing is known either.
        if seen[k, base - 1] and (few := (seen[k, ends] - seen[k, ends - run]) <= threshold * seen[k, base - 1]).any():
            needed[k] = ends[int(few.argmax())] + 1
    low, high = np.quantile(seen, ((1 - level) / 2, (1 + level) / 2), axis=0)
    counts = table.sum(axis=0)
    expected = _expected(counts, n)
    return Saturation(
        needed=_needed(needed, n, level, f"{base}+{run} at {threshold:.0%}"),
        reached=float(np.isfinite(needed).mean()),
        curve=tuple(
            SaturationPoint(documents=k + 1, codes=float(expected[k]), low=float(low[k]), high=float(high[k]))
            for k in range(n)
        ),
        n_codes=n_codes,
        n_once=int((counts == 1).sum()),
        base=base,
        run=run,
        threshold=threshold,
    )


def _expected(counts: Floats, n: int) -> Floats:
    """Mean number of codes among k of n documents, k = 1 ... n, over all orders."""
    k = np.arange(1, n + 1)[:, None]
    left = n - counts[None, :]
    with np.errstate(all="ignore"):  # where fewer documents lack the code than are read, it has been seen
        missing = np.where(
            left >= k,
            np.exp(special.gammaln(left + 1) - special.gammaln(left - k + 1)
                   + special.gammaln(n - k + 1) - special.gammaln(n + 1)),
            0.0,
        )  # fmt: skip
    found: Floats = (1.0 - missing).sum(axis=1)
    return found


def _needed(needed: Floats, n: int, level: float, rule: str) -> Estimate:
    # Orders that never get there are later than all others.
    middle, low, high = np.quantile(needed, (0.5, (1 - level) / 2, (1 + level) / 2), method="inverted_cdf")
    reason = f"most orders of the {n} documents never come down to it: read more documents"
    return Estimate(
        value=float(middle) if math.isfinite(middle) else math.nan,
        interval=(float(low), float(high)) if math.isfinite(high) and math.isfinite(middle) else None,
        level=level,
        interval_method="quantiles over random orders of these documents"
        if math.isfinite(high)
        else "none: some orders never come down to the threshold",
        estimand=f"documents until new information falls to the threshold ({rule})",
        target="data",
        n_units=n,
        assumptions=("documents could as well have been read in any other order",),
        warnings=() if math.isfinite(middle) else (reason,),
    )
