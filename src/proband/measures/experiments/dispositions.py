"""Refused, unparsed and failed answers as an outcome: whether arms differ in them, and what they could hide."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.experiments.outcomes import numbers
from proband.measures.shares import wilson_interval
from proband.seeds import rng_for

Counts = NDArray[np.int64]
_SMALL_EXPECTED = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DispositionTest:
    """Whether arms differ in what became of their responses.

    - `rates` (mapping of arm to mapping of status to float): shares of every status in each arm.
    - `difference`: largest difference between two arms in the share of valid answers; its `statistic`, `df` and
      `p_value` are of the test that all arms have the same dispositions.
    """

    rates: Mapping[str, Mapping[str, float]]
    difference: Estimate


def disposition_test(
    counts: Mapping[str, Mapping[str, int]],
    *,
    valid: str = "ok",
    target: Target = "model",
    n_draws: int = 9_999,
    rng: np.random.Generator | None = None,
) -> DispositionTest:
    """Test whether arms differ in refusals and other missing answers.

    Pearson's chi-square of status by arm. Where an expected count is below 5 the p value is of the same statistic
    over random tables with the same margins, ``(1 + b) / (1 + B)``. Where dispositions differ by arm, a difference
    between the valid answers mixes the effect with the selection: report `missing_difference_bounds` beside it. A
    large p value does not show that missing answers are harmless.

    Parameters
    ----------
    counts : mapping of arm to mapping of status to int
        Responses of every status in each arm, one response per independent unit. With several responses per
        subject compare the indicator "valid" by `difference_in_means` with subjects as clusters.
    valid : str
        The status of valid answers.
    target : {"model", "human", "data"}
        Whose responses they are.
    n_draws : int
        Random tables.
    rng : numpy.random.Generator, optional
        Their source; None takes the place "disposition_test" of seed 0.

    Returns
    -------
    DispositionTest
        With one status in all arms there is nothing to test: p is None, and a warning says so.

    Raises
    ------
    DesignError, DataError
        If there are fewer than 2 arms or an arm has no responses; if a count is negative or no whole number.

    References
    ----------
    Agresti (2013), Categorical Data Analysis, 3rd ed. Hoboken: Wiley.
    Newcombe (1998), Stat. Med. 17, 873-890.

    Examples
    --------
    >>> found = disposition_test({"gain": {"ok": 90, "refused": 10}, "loss": {"ok": 70, "refused": 30}})
    >>> print(found.difference, round(found.difference.statistic, 1), round(found.difference.p_value, 5))
    0.200 [0.090, 0.306] 12.5 0.00041
    """
    if len(counts) < 2:
        raise DesignError(f"{len(counts)} arm; a comparison needs at least 2")
    statuses = list(dict.fromkeys([valid, *(status for arm in counts.values() for status in arm)]))
    table = np.array([[arm.get(status, 0) for status in statuses] for arm in counts.values()], dtype=np.float64)
    if not np.isfinite(table).all() or (table < 0).any() or (table != np.floor(table)).any():
        raise DataError(f"counts must be whole numbers of at least 0, got {table.tolist()}")
    if empty := [name for name, row in zip(counts, table, strict=True) if not row.sum()]:
        raise DesignError(f"arm {empty[0]!r} has no responses; leave it out")
    statistic, df, p_value, how = _chi_square(table, n_draws, rng or rng_for(0, "disposition_test"))
    shares = table / table.sum(axis=1, keepdims=True)
    high, low = int(shares[:, 0].argmax()), int(shares[:, 0].argmin())
    names = list(counts)
    is_two = len(names) == 2
    return DispositionTest(
        rates={name: dict(zip(statuses, row.tolist(), strict=True)) for name, row in zip(names, shares, strict=True)},
        difference=Estimate(
            value=float(shares[high, 0] - shares[low, 0]),
            estimand=f"share of valid answers in {names[high]!r} minus that in {names[low]!r}",
            target=target,
            n_units=int(table.sum()),
            n_missing=int(table[:, 1:].sum()),
            interval=_newcombe(table[high], table[low]) if is_two else None,
            interval_method=f"Newcombe; {how}" if is_two else f"none: the largest of several differences; {how}",
            statistic=statistic,
            df=df,
            p_value=p_value,
            assumptions=("one response per independent unit",),
            warnings=() if p_value is not None else ("all responses have one status: nothing to test",),
        ),
    )


def missing_difference_bounds(
    treated: ArrayLike,
    control: ArrayLike,
    *,
    n_missing: tuple[int, int],
    limits: tuple[float, float],
    target: Target = "model",
) -> Estimate:
    """Worst-case bounds of an average effect when some outcomes of either arm are missing.

    The lower bound gives every missing treated unit the lowest possible outcome and every missing control unit the
    highest; the upper bound the reverse. No assumption about why outcomes are missing, and no sampling error: the
    bounds lie as far apart as the arms' missing shares together, times the range of the outcome, and do not shrink
    as n grows.

    Parameters
    ----------
    treated, control : array_like, shape (n_treated,) and (n_control,)
        Valid outcomes of each arm.
    n_missing : tuple of int
        Treated and control units without a valid outcome.
    limits : tuple of float
        Lowest and highest possible outcome: 0 and 1 for a share, the ends of the scale for a rating.
    target : {"model", "human", "data"}
        Whom the effect describes.

    Returns
    -------
    Estimate
        `value` is the difference between valid outcomes, NaN where an arm has none; `interval` the bounds.

    Raises
    ------
    DataError
        If an outcome lies outside the limits, a count is negative, or an arm has no units.

    References
    ----------
    Manski (2003), Partial Identification of Probability Distributions. doi:10.1007/b97478

    Examples
    --------
    >>> print(missing_difference_bounds([1, 1, 0], [0, 1, 0, 0], n_missing=(1, 0), limits=(0, 1)))
    0.417 [0.250, 0.500]
    """
    low, high = limits
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise DataError(f"limits {limits}: give the lowest and the highest possible outcome")
    arms = [numbers(y, f"outcomes of the {name} arm") for y, name in ((treated, "treated"), (control, "control"))]
    ends = []
    for name, y, missing in zip(("treated", "control"), arms, n_missing, strict=True):
        if missing < 0 or not len(y) + missing:
            raise DataError(f"the {name} arm has {len(y)} valid and {missing} missing units; give at least one")
        if ((y < low) | (y > high)).any():
            raise DataError(f"the {name} arm has an outcome outside {low} to {high}; check the limits")
        ends.append([(float(y.sum()) + end * missing) / (len(y) + missing) for end in limits])
    is_known = all(len(y) for y in arms)
    return Estimate(
        value=float(arms[0].mean() - arms[1].mean()) if is_known else math.nan,
        interval=(ends[0][0] - ends[1][1], ends[0][1] - ends[1][0]),
        interval_method="worst-case bounds, no sampling error",
        estimand="average effect had every unit given a valid outcome",
        target=target,
        n_units=sum(len(y) for y in arms),
        n_missing=sum(n_missing),
        assumptions=("units were assigned at random and do not affect each other",),
        warnings=() if is_known else ("an arm has no valid outcome: only the bounds are known",),
    )


def _newcombe(first: Floats, second: Floats) -> tuple[float, float]:
    (p1, low1, high1), (p2, low2, high2) = (
        (row[0] / row.sum(), *wilson_interval(float(row[0] / row.sum()), float(row.sum()))) for row in (first, second)
    )
    return (float(p1 - p2 - math.hypot(p1 - low1, high2 - p2)), float(p1 - p2 + math.hypot(high1 - p1, p2 - low2)))


def _chi_square(
    table: Floats, n_draws: int, rng: np.random.Generator
) -> tuple[float | None, float | None, float | None, str]:
    """Statistic, degrees of freedom, p value and its method; nothing where only one status occurs."""
    used = table[:, table.sum(axis=0) > 0]
    if used.shape[1] < 2:
        return None, None, None, "no test"
    rows, columns = used.sum(axis=1), used.sum(axis=0)
    expected = np.outer(rows, columns) / used.sum()
    statistic = float(((used - expected) ** 2 / expected).sum())
    df = float((used.shape[0] - 1) * (used.shape[1] - 1))
    if expected.min() >= _SMALL_EXPECTED:
        return statistic, df, float(special.chdtrc(df, statistic)), "chi-square"
    drawn = _random_tables(rows.astype(np.int64), columns.astype(np.int64), n_draws, rng)
    found = ((drawn - expected) ** 2 / expected).sum(axis=(1, 2))
    reached = int((found >= statistic - 1e-9 * max(1.0, statistic)).sum())
    return statistic, df, (1 + reached) / (1 + n_draws), f"chi-square over {n_draws:,} random tables"


def _random_tables(rows: Counts, columns: Counts, n_draws: int, rng: np.random.Generator) -> Counts:
    """Tables with these margins as if rows and columns were unrelated, shape (n_draws, n_rows, n_columns)."""
    tables = np.empty((n_draws, len(rows), len(columns)), dtype=np.int64)
    left = np.broadcast_to(columns, (n_draws, len(columns))).copy()
    for i, total in enumerate(rows[:-1]):
        wanted = np.full(n_draws, total)
        for j in range(len(columns)):
            others = left[:, j + 1 :].sum(axis=1)
            taken = rng.hypergeometric(left[:, j], others, wanted) if j < len(columns) - 1 else wanted
            tables[:, i, j] = taken
            left[:, j] -= taken
            wanted = wanted - taken
    tables[:, -1] = left
    return tables
