"""Kappa of two coders from their table, and of many from counts per unit."""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.agreement.intervals import Coefficient, as_estimate, jackknife_error
from proband.measures.arrays import Floats

Weighting = Literal["linear", "quadratic"]


def cohen_kappa(
    table: ArrayLike, weights: Weighting | ArrayLike | None = None, *, level: float = 0.95, target: Target = "data"
) -> Estimate:
    """Agreement of two coders beyond what their own marginal shares would give.

    ``kappa = (p_o - p_e) / (1 - p_e)``, with p_o the share of units on the diagonal (or its weighted form) and p_e
    the same if the coders were independent. Weighted kappa gives partial credit, ``1 - |i - j| / (K - 1)`` (linear)
    or ``1 - (i - j)^2 / (K - 1)^2`` (quadratic), for ordered categories. Kappa falls when one category is rare,
    however seldom coders differ: report raw agreement and `gwet_ac1` beside it, and the table itself.

    Parameters
    ----------
    table : array_like, shape (n_categories, n_categories)
        Units by the first coder's category (rows) and the second's (columns), in the same order.
    weights : {"linear", "quadratic"} or array_like, shape of `table`, optional
        Credit for every pair of categories, 1 on the diagonal; None credits equal categories only.
    level, target : float, {"data", "model", "human"}
        Confidence level of the interval; whom the coefficient describes.

    Returns
    -------
    Estimate
        -1 to 1; NaN with its reason if both coders used one and the same category throughout. Interval as in
        `krippendorff_alpha`: Fisher's z, jackknife over units; none where `table` holds shares, not counts.

    Raises
    ------
    DataError, MissingDataError
        If the table is not square, has negative entries or is empty, or weights do not fit it; if an entry is
        missing.

    References
    ----------
    Cohen (1960), Educ. Psychol. Meas. 20, 37-46. doi:10.1177/001316446002000104
    Cohen (1968), Psychol. Bull. 70, 213-220. doi:10.1037/h0026256

    Examples
    --------
    >>> print(cohen_kappa([[20, 5], [10, 15]]))
    0.400 [0.112, 0.626]
    """
    cells = _square(table)
    credit, name = _credit(weights, len(cells))
    n = float(cells.sum())
    value = float(_kappa(cells[None], credit)[0])
    is_counts = bool((cells == np.floor(cells)).all())
    warnings = []
    if math.isnan(value):
        warnings.append("both coders used one and the same category throughout: kappa is 0 / 0; report raw agreement")
    elif min((cells.sum(axis=0) > 0).sum(), (cells.sum(axis=1) > 0).sum()) == 1:
        warnings.append("a coder used one category only: kappa is 0 whatever the other did; report raw agreement")
    if not is_counts:
        warnings.append("the table holds shares, not counts: no interval without the number of units")
    total = cells.sum(axis=0) + cells.sum(axis=1)
    commonest = int(total.argmax())
    return as_estimate(
        Coefficient(
            value=value,
            se=_delete_one(cells, credit) if is_counts else math.nan,
            n_units=round(n) if is_counts else 0,
            n_disagreeing=float(cells.sum() - np.trace(cells)),
            n_minority=n - float(cells[commonest, commonest]),
            n_elsewhere=float(np.delete(np.delete(cells, commonest, axis=0), commonest, axis=1).sum()),
            warnings=tuple(warnings),
        ),
        f"Cohen's kappa{name} of two coders on {len(cells)} categories",
        level=level,
        target=target,
    )


def _kappa(tables: Floats, credit: Floats) -> Floats:
    """Kappa of each table, shape (n_tables,); NaN where chance agreement is complete."""
    n = tables.sum(axis=(1, 2))
    observed = (tables * credit).sum(axis=(1, 2)) / n
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    expected = np.einsum("ti,ij,tj->t", rows, credit, columns) / n**2
    room = 1 - expected
    # Complete chance agreement can miss 1 by rounding.
    safe = np.where(room > 1e-12, room, 1.0)
    return np.where(room > 1e-12, (observed - expected) / safe, math.nan)


def _delete_one(cells: Floats, credit: Floats) -> float:
    """Jackknife standard error: units of one cell leave the same table behind."""
    used = np.flatnonzero(cells.ravel())
    if cells.sum() < 2:
        return math.nan
    without = np.repeat(cells.reshape(1, -1), len(used), axis=0)
    without[np.arange(len(used)), used] -= 1
    return jackknife_error(_kappa(without.reshape(-1, *cells.shape), credit), cells.ravel()[used])


def _square(table: ArrayLike) -> Floats:
    cells = np.asarray(table, dtype=np.float64)
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1] or len(cells) < 2:
        raise DataError(
            f"the table has shape {cells.shape}; expected (n_categories, n_categories), at least 2: list a category "
            "that one coder never used with zeros"
        )
    if np.isnan(cells).any():
        raise MissingDataError("the table has a missing entry; write 0 for pairs that never occurred")
    if (cells < 0).any() or not np.isfinite(cells).all() or not cells.any():
        raise DataError("the table must hold counts of at least 0, not all of them 0")
    return cells


def _credit(weights: Weighting | ArrayLike | None, k: int) -> tuple[Floats, str]:
    if weights is None:
        return np.eye(k), ""
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1)
    if isinstance(weights, str):
        if weights not in ("linear", "quadratic"):
            raise DesignError(f"weights {weights!r} are none of None, 'linear', 'quadratic' or a table of credits")
        return 1 - (apart if weights == "linear" else apart**2), f" ({weights} weights)"
    credit = np.asarray(weights, dtype=np.float64)
    if credit.shape != (k, k) or not (np.diag(credit) == 1).all() or not ((credit <= 1) & (credit >= 0)).all():
        raise DataError(f"weights must be a {k} x {k} table of credits from 0 to 1, with 1 on the diagonal")
    return credit, " (given weights)"


def fleiss_kappa(counts: ArrayLike, *, level: float = 0.95, target: Target = "data") -> Estimate:
    """Agreement of a fixed number of coders per unit beyond what the pooled shares would give.

    ``kappa = (P - P_e) / (1 - P_e)``, P the share of pairs of coders that agree, P_e the sum of squared pooled
    shares. The coders may be others for every unit. For unequal numbers of coders, missing codes or ordered
    categories use `krippendorff_alpha`, from which it differs by a small-sample term only; its paradox with rare
    categories is that of `cohen_kappa`.

    Parameters
    ----------
    counts : array_like, shape (n_units, n_categories)
        How many coders put each unit into each category; all rows have the same sum, at least 2.
    level, target
        As in `cohen_kappa`.

    Returns
    -------
    Estimate
        From -1 / (coders - 1) to 1; NaN with its reason if one category is used throughout. Interval as in
        `krippendorff_alpha`.

    Raises
    ------
    DataError, MissingDataError
        If entries are no counts, or rows differ in their sum; if an entry is missing.

    References
    ----------
    Fleiss (1971), Psychol. Bull. 76, 378-382. doi:10.1037/h0031619

    Examples
    --------
    >>> round(fleiss_kappa([[3, 0], [2, 1], [0, 3], [3, 0], [1, 2]]), 3)
    0.444
    """
    c = _counts(counts)
    m = float(c[0].sum())
    n = len(c)
    pooled = c.sum(axis=0)
    # Pairs of different coders only: a coder agrees with itself.
    agreeing = ((c**2).sum(axis=1) - m) / (m * (m - 1))
    reasons: tuple[str, ...] = ()
    value = se = math.nan
    if (pooled > 0).sum() == 1:
        reasons = ("one category is used throughout: kappa is 0 / 0; report raw agreement",)
    else:
        value = float(_beyond_chance(agreeing.mean(), (pooled / (n * m)) ** 2))
        if n > 1:
            shares = (pooled - c) / ((n - 1) * m)
            se = jackknife_error(_beyond_chance((agreeing.sum() - agreeing) / (n - 1), shares**2))
    return as_estimate(
        Coefficient(
            value=value,
            se=se,
            n_units=n,
            n_disagreeing=float((c.max(axis=1) < m).sum()),
            n_minority=float((c[:, pooled.argmax()] < m).sum()),
            n_elsewhere=float((c[:, pooled.argmax()] == 0).sum()),
            warnings=reasons,
        ),
        f"Fleiss' kappa of {m:.0f} coders a unit on {c.shape[1]} categories",
        level=level,
        target=target,
    )


def _beyond_chance(agreeing: Floats | np.float64, squared_shares: Floats) -> Floats:
    expected = squared_shares.sum(axis=-1)
    room = np.where(expected < 1 - 1e-12, 1 - expected, math.nan)
    beyond: Floats = (agreeing - expected) / room
    return beyond


def _counts(counts: ArrayLike) -> Floats:
    c = np.asarray(counts, dtype=np.float64)
    if c.ndim != 2 or not c.size:
        raise DataError(f"counts have shape {c.shape}; expected (n_units, n_categories)")
    if np.isnan(c).any():
        raise MissingDataError("counts have a missing entry; write 0 where no coder used the category")
    if (c < 0).any() or (c != np.floor(c)).any() or np.isinf(c).any():
        raise DataError("counts must be whole numbers of coders, at least 0")
    sums = np.unique(c.sum(axis=1))
    if len(sums) > 1 or sums[0] < 2:
        raise DataError(
            f"units have from {sums[0]:.0f} to {sums[-1]:.0f} codes; Fleiss' kappa needs the same number, at least 2, "
            "for all: use krippendorff_alpha or gwet_ac1"
        )
    return c
