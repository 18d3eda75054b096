"""What reading in a ranked order saves: of labels in the order in which records were read."""

import math

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError
from proband.measures.arrays import Bools, finite

_ROUNDING = 1e-9  # .95 of 20 is 19, whatever binary fractions make of it


def wss(labels: ArrayLike, *, recall: float = 0.95) -> float:
    """Work saved over sampling: how many records need not be read for a recall, less what chance reading saves.

    ``(N - n) / N - (1 - recall)``, where n records are read until that share of the included ones is found.

    When not to use it: to compare sets of which other shares are included, since a ranking that is perfect saves less
    where more is included.

    Parameters
    ----------
    labels : array_like, shape (n_records,)
        Of all records of a labelled set, in the order read: 1 for included, 0 for excluded.
    recall : float
        Share of the included records, above 0 and up to 1.

    Returns
    -------
    float
        At most `recall`; 0 on the average of random orders.

    Raises
    ------
    DataError
        If labels are other than 0 and 1, nothing is included or everything is, or `recall` is no share.

    References
    ----------
    Cohen et al. (2006), J. Am. Med. Inform. Assoc. 13, 206-219. doi:10.1197/jamia.M1929

    Examples
    --------
    >>> round(wss([1, 0, 1, 0, 0, 0, 0, 0, 0, 0], recall=1.0), 2)
    0.7
    """
    included = labelled(labels)
    wanted = least_found(int(included.sum()), recall)
    read = int(np.searchsorted(np.cumsum(included), wanted)) + 1
    return 1 - read / len(included) - (1 - recall)


def recall_at(labels: ArrayLike, *, share: float = 0.1) -> float:
    """Share of the included records that are among the first so many read.

    Parameters
    ----------
    labels : array_like, shape (n_records,)
        Of all records of a labelled set, in the order read: 1 for included, 0 for excluded.
    share : float
        Of the records, above 0 and up to 1; a broken number of records is rounded down.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    DataError
        If labels are other than 0 and 1, nothing is included or everything is, or `share` is no share.

    Examples
    --------
    >>> recall_at([1, 0, 1, 0, 0, 0, 0, 0, 0, 1], share=0.5)
    0.6666666666666666
    """
    included = labelled(labels)
    _check_share(share, "share")
    return float(included[: math.floor(share * len(included) + _ROUNDING)].sum() / included.sum())


def labelled(labels: ArrayLike) -> Bools:
    """Labels of a set in which something is included and something is not; anything else is refused."""
    included = decisions(labels)
    if included.all() or not included.any():
        kind = "included" if included.any() else "excluded"
        raise DataError(
            f"all {len(included)} labels say {kind}, so there is nothing to find; give a set with records of both kinds"
        )
    return included


def decisions(labels: ArrayLike) -> Bools:
    """Labels as truth values; anything but 0 and 1 is refused."""
    values = finite(labels, "labels", way_out="give the labels of what was read only")
    if strange := set(np.unique(values)) - {0.0, 1.0}:
        raise DataError(f"labels hold {sorted(strange)[0]:g}; write 1 for included and 0 for excluded")
    included: Bools = values == 1
    return included


def least_found(n_included: int, recall: float) -> int:
    """How many of the included records make up a recall."""
    _check_share(recall, "recall")
    return max(1, math.ceil(recall * n_included - _ROUNDING))


def _check_share(value: float, name: str) -> None:
    if not 0 < value <= 1:
        as_share = f"; write {value / 100:g} for {value:g} %" if 1 < value <= 100 else ""
        raise DataError(f"{name} is {value}, and must be a share above 0 and up to 1{as_share}")
