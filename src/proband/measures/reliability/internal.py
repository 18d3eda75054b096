"""Reliability of scores made of several items."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from proband.errors import DataError, DesignError, MissingDataError
from proband.records import Estimate, Target

_LEVEL = 0.95


def cronbach_alpha(scores: ArrayLike, *, target: Target = "model") -> Estimate:
    """Measure the internal consistency of a scale.

    ``alpha = k/(k-1) (1 - sum of item variances / variance of totals)`` for k items.
    A lower bound of reliability when errors are uncorrelated, and reliability itself only when items are
    essentially tau-equivalent. Alpha over replies of *one* persona at a temperature is no reliability of a
    trait.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Item scores in scale points, reverse-keyed items already flipped.
    target : {"model", "human"}
        Whose scores they are.

    Returns
    -------
    Estimate
        Alpha, unitless, at most 1; negative, with a warning, when items disagree. The 95 % interval is
        Feldt's, from F with n-1 and (n-1)(k-1) degrees of freedom: exact for normal, tau-equivalent items,
        approximate for rating scales; items that differ much in how well they measure make it too short.

    Raises
    ------
    MissingDataError
        If a score is missing: drop or impute first, and report which.
    DesignError
        If there are fewer than 2 items or subjects, or all subjects have the same total. Subjects
        asked at temperature 0 often do; that is a finding about the sample, not an alpha of 0.
    DataError
        If scores are no table of finite numbers.

    References
    ----------
    Cronbach (1951), Psychometrika 16, 297-334. doi:10.1007/BF02310555
    Feldt (1965), Psychometrika 30, 357-370. doi:10.1007/BF02289499

    Examples
    --------
    >>> round(cronbach_alpha([[1, 2], [2, 3], [3, 5]]), 3)
    0.947
    """
    x = _score_table(scores)
    n, k = x.shape
    total_variance = float(x.sum(axis=1).var(ddof=1))
    # Totals that are equal by design can differ by rounding, e.g. 0.1 + 0.2 and 0.3.
    if total_variance <= 1e-20 * max(1.0, float(np.abs(x).max())) ** 2:
        raise DesignError(
            f"all {n} subjects have the same total, so alpha is undefined; vary subjects, not seeds"
        )
    alpha = k / (k - 1) * (1 - float(x.var(axis=0, ddof=1).sum()) / total_variance)
    unexplained = max(1 - alpha, 0.0)
    is_perfect = unexplained < 1e-12
    warnings = ["items agree perfectly: Feldt's interval is undefined"] if is_perfect else []
    if alpha < 0:
        warnings.append("alpha is negative: items disagree; check that reverse-keyed items were flipped")
    tail = (1 - _LEVEL) / 2
    df = n - 1, (n - 1) * (k - 1)
    low, high = (1 - unexplained * float(special.fdtri(*df, p)) for p in (1 - tail, tail))
    return Estimate(
        value=alpha,
        interval=None if is_perfect else (low, high),
        level=_LEVEL,
        interval_method="none" if is_perfect else f"Feldt, F with {df[0]} and {df[1]} df",
        estimand=f"Cronbach's alpha of {k} items",
        target=target,
        n_units=n,
        assumptions=("items are essentially tau-equivalent", "scores are about normal"),
        warnings=tuple(warnings),
    )


def _score_table(scores: ArrayLike) -> NDArray[np.float64]:
    try:
        x = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("scores must be a table of numbers, shape (n_subjects, n_items)") from error
    if x.ndim != 2:
        raise DataError(f"scores have shape {x.shape}; expected (n_subjects, n_items)")
    if x.shape[0] < 2 or x.shape[1] < 2:
        raise DesignError(f"{x.shape[0]} subjects by {x.shape[1]} items; alpha needs at least 2 of each")
    if np.isnan(x).any():
        missing = math.prod(x.shape) - int(np.isfinite(x).sum())
        raise MissingDataError(
            f"{missing} of {x.size} scores are missing; drop or impute first, and report which"
        )
    if np.isinf(x).any():
        raise DataError("scores hold an infinite value; check how they were read")
    return x
