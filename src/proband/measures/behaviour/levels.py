"""How many steps ahead players think: levels of reasoning, and types of conditional cooperators."""

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.measures.arrays import Ints, finite

CONDITIONAL_TYPES = ("conditional", "free rider", "unconditional", "hump-shaped", "other")
_ENOUGH = 0.5


def reasoning_levels(named: ArrayLike, *, start: float, factor: float, most: int = 4) -> Ints:
    """The step of reasoning to which each number of a beauty contest is nearest.

    Level k answers with ``start * factor^k``: level 0 names what is in the middle, level 1 replies to that, and so on.
    A number belongs to the step that is nearest on the scale of logarithms, so the limits between steps are geometric
    means (Nagel 1995). Numbers above `start` are level 0; those nearer to further steps than `most` are `most`.

    Parameters
    ----------
    named : array_like, shape (n_players,)
        Numbers, at least 0.
    start : float
        What somebody names who does not think of the others, usually the middle of the range.
    factor : float
        Fraction of the mean that wins, between 0 and 1.
    most : int
        The last level told apart.

    Returns
    -------
    ndarray of int, shape (n_players,)
        0 to `most`.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If `start` or `factor` are out of range; if a number is below 0; if one is missing.

    References
    ----------
    Nagel (1995), Am. Econ. Rev. 85, 1313-1326.

    Examples
    --------
    >>> reasoning_levels([80, 50, 34, 33, 22, 15, 0], start=50, factor=2 / 3).tolist()
    [0, 0, 1, 1, 2, 3, 4]
    """
    if not start > 0 or not 0 < factor < 1 or most < 1:
        raise DesignError(f"start {start} must be above 0, factor {factor} between 0 and 1, most {most} at least 1")
    x = finite(named, "numbers")
    if (x < 0).any():
        raise DataError("a number is below 0; steps of reasoning go from the middle of the range towards 0")
    with np.errstate(divide="ignore"):
        steps = np.log(x / start) / np.log(factor)
    levels: Ints = np.clip(np.rint(np.minimum(steps, most)), 0, most).astype(np.intp)
    return levels


def conditional_type(given: ArrayLike, others: ArrayLike) -> str:
    """What kind of conditional cooperator a table of contributions shows.

    "free rider" gives nothing whatever the others do, "unconditional" the same amount; "conditional" rises with the
    others (correlation of at least .5); "hump-shaped" rises up to its highest point and falls after it (correlations of
    at least .5 and at most -.5) and ends nearer to where it began than to that point; all else is "other". The classes
    are those of Fischbacher et al. (2001), made sharp by correlations as in Thöni and Volk (2018).

    Parameters
    ----------
    given, others : array_like, shape (n_cases,)
        What is contributed, and the average of the others in that case; at least 2 cases.

    Returns
    -------
    str
        One of `CONDITIONAL_TYPES`.

    Raises
    ------
    DataError, MissingDataError
        If shapes differ; if an amount is missing.

    References
    ----------
    Fischbacher, Gächter & Fehr (2001), Econ. Lett. 71, 397-404. doi:10.1016/S0165-1765(01)00394-9
    Thöni & Volk (2018), Econ. Lett. 171, 37-40.

    Examples
    --------
    >>> [conditional_type(row, [0, 5, 10]) for row in ([0, 4, 9], [0, 0, 0], [5, 5, 5], [0, 8, 1], [9, 0, 3])]
    ['conditional', 'free rider', 'unconditional', 'hump-shaped', 'other']
    """
    y, x = finite(given, "contributions"), finite(others, "averages of the others")
    if len(y) != len(x) or len(y) < 2:
        raise DataError(f"{len(y)} contributions for {len(x)} averages; give one for each of at least 2")
    if not y.any():
        return "free rider"
    if np.ptp(y) == 0:
        return "unconditional"
    top = int(y.argmax())
    rises = _correlation(x[: top + 1], y[: top + 1])
    falls = _correlation(x[top:], y[top:])
    if 0 < top < len(y) - 1 and rises >= _ENOUGH and falls <= -_ENOUGH and y[-1] < (y[top] + y[0]) / 2:
        return "hump-shaped"
    return "conditional" if _correlation(x, y) >= _ENOUGH else "other"


def _correlation(x: ArrayLike, y: ArrayLike) -> float:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
