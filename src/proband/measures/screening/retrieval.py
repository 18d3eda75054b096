"""How well a search finds what is relevant: of the set it gives, and of the order it gives it in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError
from proband.measures.screening.savings import decisions, labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """What a search found of what is relevant.

    Attributes
    ----------
    n_found, n_relevant, n_both : int
        Records found, relevant records, and those that are both.
    precision : float or None
        Share of what was found that is relevant; None where nothing was found.
    recall : float
        Share of the relevant records that were found.
    f1, f3 : float
        Weighted harmonic means of the two, recall counting once and nine times as much; 0 where nothing is both.
    """

    n_found: int
    n_relevant: int
    n_both: int
    precision: float | None
    recall: float
    f1: float
    f3: float


def retrieval(found: ArrayLike, relevant: ArrayLike) -> Retrieval:
    """Precision, recall and F of a set that was searched for.

    ``F_b = (1 + b^2) both / (b^2 relevant + found)``: F3 is for searches in which missing a record is worse than
    reading one in vain, as in systematic reviews.

    Parameters
    ----------
    found : array_like, shape (n_records,)
        Of all records of a labelled set: 1 for found, 0 for not.
    relevant : array_like, shape (n_records,)
        Of the same records: 1 for included, 0 for excluded.

    Returns
    -------
    Retrieval
        The set's measures and counts.

    Raises
    ------
    DataError
        If the lengths differ, values are other than 0 and 1, or all records are relevant or none is.

    References
    ----------
    van Rijsbergen (1979), Information Retrieval, 2nd ed., London: Butterworths, chapter 7.

    Examples
    --------
    >>> of = retrieval([1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 1, 0])
    >>> round(of.precision, 3), of.recall, round(of.f1, 3), round(of.f3, 3)
    (0.667, 0.5, 0.571, 0.513)
    """
    got, wanted = decisions(found), labelled(relevant)
    if len(got) != len(wanted):
        raise DataError(f"{len(got)} records were searched and {len(wanted)} are labelled; give both of all records")
    n_found, n_relevant, n_both = int(got.sum()), int(wanted.sum()), int((got & wanted).sum())

    def f(b: int) -> float:
        return (1 + b**2) * n_both / (b**2 * n_relevant + n_found)

    return Retrieval(
        n_found=n_found, n_relevant=n_relevant, n_both=n_both, precision=n_both / n_found if n_found else None,
        recall=n_both / n_relevant, f1=f(1), f3=f(3),
    )  # fmt: skip


def average_precision(labels: ArrayLike) -> float:
    """Mean, over the relevant records, of the precision of the list down to each of them.

    When not to use it: to compare sets of which other shares are relevant, since a random order has about that share.

    Parameters
    ----------
    labels : array_like, shape (n_records,)
        Of all records of a labelled set, best first: 1 for relevant, 0 for not.

    Returns
    -------
    float
        Above 0 and up to 1, where all relevant records come first.

    Raises
    ------
    DataError
        If labels are other than 0 and 1, or all records are relevant or none is.

    References
    ----------
    Buckley and Voorhees (2000), SIGIR, 33-40. doi:10.1145/345508.345543

    Examples
    --------
    >>> round(average_precision([1, 0, 1, 0, 0]), 3)
    0.833
    """
    relevant = labelled(labels)
    precision = np.cumsum(relevant) / np.arange(1, len(relevant) + 1)
    return float(precision[relevant].mean())
