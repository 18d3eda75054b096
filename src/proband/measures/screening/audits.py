"""A random audit of what was not read: how much was missed, with an exact interval."""

import numpy as np
from scipy import stats

from proband.errors import DataError
from proband.estimates import Estimate


def recall_audit(n_found: int, n_unread: int, n_audited: int, n_hits: int, *, level: float = 0.95) -> Estimate:
    """Recall of a screening, from a simple random sample of what it left unread.

    The number of included records among the unread is bounded by inverting both one-sided hypergeometric tests, which
    is what Clopper and Pearson do for a share, for a sample without replacement. Unlike `recall_test` it asks nothing
    of the order in which records were read.

    When not to use it: with records that were picked, or read on from a ranking; or looked at repeatedly while the
    sample grows: settle its size beforehand.

    Parameters
    ----------
    n_found : int
        Included records found before the audit.
    n_unread : int
        Records that were not read then.
    n_audited : int
        How many of these were drawn at random and read.
    n_hits : int
        Included records among those drawn.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        The share found before the audit; its interval covers at least at the level.

    Raises
    ------
    DataError
        If counts are no whole numbers, contradict each other, or nothing was found anywhere.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26, 404-413. doi:10.1093/biomet/26.4.404
    Buonaccorsi (1987), Am. Stat. 41, 215-218. doi:10.1080/00031305.1987.10475485 (finite populations)

    Examples
    --------
    >>> found = recall_audit(95, 1000, 200, 1)
    >>> round(found.value, 3), [round(limit, 3) for limit in found.interval]
    (0.95, [0.792, 0.99])
    """
    counts = {"n_found": n_found, "n_unread": n_unread, "n_audited": n_audited, "n_hits": n_hits}
    for name, count in counts.items():
        if not isinstance(count, int | np.integer) or isinstance(count, bool) or not 0 <= count <= 10**9:
            raise DataError(f"{name} is {count!r}; give a whole number from 0 on")
    if not n_hits <= n_audited <= n_unread or n_audited < 1:
        raise DataError(
            f"{n_hits} hits among {n_audited} audited of {n_unread} unread records: hits are among the audited, these "
            "among the unread, and at least one is audited"
        )
    if n_found + n_hits < 1:
        raise DataError("nothing was included before the audit or in it, so there is no recall; report that")
    low, high = missed_limits(n_unread, n_audited, n_hits, level)
    missed = n_hits * n_unread / n_audited
    return Estimate(
        value=n_found / (n_found + missed),
        interval=(n_found / (n_found + high), n_found / (n_found + low) if n_found else 0.0),
        level=level,
        interval_method="Clopper-Pearson, hypergeometric",
        estimand="share of the records to be included that were found before the audit",
        target="data",
        n_units=n_audited,
    )


def missed_limits(n_unread: int, n_audited: int, n_hits: int, level: float) -> tuple[int, int]:
    """Exact limits of the number of included records among the unread."""
    tail = (1 - level) / 2
    least, most = n_hits, n_unread - (n_audited - n_hits)

    def first(low: int, high: int, holds) -> int:  # type: ignore[no-untyped-def]
        """The smallest number from `low` on that holds; `high` where none below does."""
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(middle) else (middle + 1, high)
        return low

    # Both tails are monotone in the number that is left.
    lower = first(least, most, lambda m: stats.hypergeom.sf(n_hits - 1, n_unread, m, n_audited) > tail)
    upper = first(least, most + 1, lambda m: stats.hypergeom.cdf(n_hits, n_unread, m, n_audited) <= tail) - 1
    return lower, max(lower, upper)
