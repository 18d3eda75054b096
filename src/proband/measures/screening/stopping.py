"""When enough was read: a test of recall that may be looked at after every record."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError
from proband.measures.arrays import Bools, Floats, Ints
from proband.measures.screening.savings import decisions

# How stakes are set; they decide what reading a proof costs, and nothing of whether it holds. Chosen on simulated
# orders of 1,000 and 2,000 records with 40 to 100 included, from random to well ranked.
_MEMORY = 0.2  # expected hits after which what was seen counts 1 / e
_PRIOR = 0.02  # hits and expected hits before anything was seen
_LEAST = 0.002  # what a hit leaves of a stake at least


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallTest:
    """Whether enough was found.

    - `p_value`: of a recall below the one stated although so little came last; it holds however often one looks.
    - `is_reached`: whether it is at most 1 less the level, so that reading can stop.
    - `n_read`, `n_found`, `n_records`: what it rests on.
    - `most_included`: upper limit, at the level, of the included records there are in all.
    - `least_recall`: `n_found` over that.
    """

    p_value: float
    is_reached: bool
    n_read: int
    n_found: int
    n_records: int
    most_included: int
    least_recall: float
    recall: float
    level: float


def recall_test(labels: ArrayLike, n_records: int, *, recall: float = 0.95, level: float = 0.95) -> RecallTest:
    """Whether the records read hold a stated share of all that are to be included, with a stated certainty.

    The idea is that of Callaghan & Mueller-Hansen: were more than so many included records left, reading on would have
    met some of them; the chance that it did not is that of drawing from an urn without replacement. Their test takes
    the smallest such chance over all points from which one may look back, again after every record, which is many
    tests. Here the same urn is bet against, record by record: from a capital of 1 a stake on "not included" is paid
    at the urn's own odds, and how much is staked depends on what came before only. If more is left than the recall
    allows, the capital is expected to fall, so that it ever reaches ``1 / (1 - level)`` has a chance of at most
    ``1 - level`` (Ville), at whatever moment one looks. Nothing is staked while hits come as often as expected.

    When not to use it: where records that are read later are less likely to be included than ones that are left. The
    urn takes each record that is read to be at least as likely to be included as the average of those not yet read;
    a ranking that turns some kind of record away breaks that, and only a random audit notices (`recall_audit`).

    Parameters
    ----------
    labels : array_like, shape (n_read,)
        Of what was read, in the order read: 1 for included, 0 for excluded. Records that were known before, and not
        found by reading, are left out here and in `n_records`.
    n_records : int
        All records, read and not read.
    recall : float
        That is to be reached; above 0 and below 1.
    level : float
        How often it is to be reached where one stops.

    Returns
    -------
    RecallTest

    Raises
    ------
    DataError
        If labels are other than 0 and 1, there are more of them than records, or the recall is no share below 1: that
        nothing is left is known only when everything was read.

    References
    ----------
    Callaghan & Mueller-Hansen (2020), Syst. Rev. 9, 273. doi:10.1186/s13643-020-01521-4
    Waudby-Smith & Ramdas (2024), J. R. Stat. Soc. B 86, 1-27. doi:10.1093/jrsssb/qkad009 (betting, without replacement)
    Ville (1939), Etude critique de la notion de collectif. Paris: Gauthier-Villars.

    Examples
    --------
    >>> test = recall_test([1] * 20 + [0] * 900, 1000)
    >>> test.is_reached, test.n_found, test.most_included, round(test.p_value, 3)
    (True, 20, 21, 0.028)
    """
    check_recall(recall)
    x = decisions(labels)
    n_read, n_found = len(x), int(x.sum())
    if not isinstance(n_records, int | np.integer) or n_records < n_read:
        raise DataError(f"{n_read} labels of {n_records} records; give the number of all records, read or not")
    left_most = n_found + n_records - n_read
    shares = _stakes(x, n_records, recall)
    p_value = 0.0
    if (too_many := _too_many(n_found, recall)) <= left_most:
        p_value = _p_value(x, n_records, too_many, shares)
    # The more there are in all, the more the same stakes win: what is ruled out goes from some number upwards.
    low, high = n_found, left_most
    while low < high:
        middle = (low + high + 1) // 2
        if _p_value(x, n_records, middle, shares) <= 1 - level:
            high = middle - 1
        else:
            low = middle
    return RecallTest(
        p_value=p_value, is_reached=p_value <= 1 - level, n_read=n_read, n_found=n_found, n_records=int(n_records),
        most_included=low, least_recall=n_found / low if low else 1.0, recall=recall, level=level,
    )  # fmt: skip


def check_recall(recall: float) -> None:
    """Refuse a recall that no test can be asked for."""
    if not 0 < recall < 1:
        way_out = f"write {recall / 100:g}" if 2 <= recall < 100 else "give e.g. 0.95, or read everything"
        raise DataError(
            f"recall is {recall}: one that a test can reach lies above 0 and below 1, since that nothing is left is "
            f"known only when everything was read; {way_out}"
        )


def _too_many(n_found: float, recall: float) -> int:
    """The smallest number of included records in all of which those found are less than the recall."""
    return math.floor(n_found / recall + 1e-9) + 1


def _stakes(x: Bools, n_records: int, recall: float) -> Floats:
    """What a hit leaves of the capital, for every record read; 1 where nothing is staked.

    It is the number of hits lately over that expected if too many were left, and depends on the records before only.
    """
    found: Ints = np.cumsum(x) - x
    chance = (np.floor(found / recall + 1e-9) + 1 - found) / (n_records - np.arange(len(x)))
    fading = np.exp(-chance / _MEMORY)
    shares = np.empty(len(x))
    hits = expected = 0.0
    for k, (hit, p, kept) in enumerate(zip(x.tolist(), chance.tolist(), fading.tolist(), strict=True)):
        shares[k] = (hits + _PRIOR) / (expected + _PRIOR)
        hits, expected = hits * kept + hit, expected * kept + p
    return np.clip(shares, _LEAST, 1.0)


def _p_value(x: Bools, n_records: int, n_included: int, shares: Floats) -> float:
    """One over the largest capital so far, if so many records are included in all."""
    left = n_included - (np.cumsum(x) - x)
    chance = left / (n_records - np.arange(len(x)))
    if ((chance >= 1) & ~x).any():
        # Where all that is left is included, no miss can come.
        return 0.0
    safe = np.minimum(chance, 1 - 1e-15)
    factors = np.where(x, np.log(shares), np.log1p(-shares * safe) - np.log1p(-safe))
    return float(np.exp(-max(0.0, np.cumsum(factors).max(initial=0.0))))
