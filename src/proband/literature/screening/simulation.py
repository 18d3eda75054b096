"""Screening a labelled set again, as if nobody knew the labels: how soon what is to be found is found."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, meant
from proband.estimates import Estimate
from proband.literature.records.library import Library
from proband.literature.screening.ranker import LARGEST, Ints, Views, batch_size, ranked
from proband.literature.screening.stopping import Stop, stopped_at
from proband.measures import clustered_mean, recall_at, wss
from proband.measures.arrays import Bools
from proband.measures.screening.savings import labelled
from proband.models.labels import said
from proband.seeds import rng_for


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """One labelled set, screened from several priors.

    Attributes
    ----------
    included : ndarray of bool, shape (n_records,)
        Labels, in the order of the set.
    orders : tuple of ndarray
        For each prior the rows in the order read; the prior's two records come first.
    seconds : tuple of float
        CPU of each, without the views, which are made once.
    """

    included: Bools
    orders: tuple[Ints, ...]
    seconds: tuple[float, ...]

    def labels(self, prior: int) -> Bools:
        """Labels in the order read from one prior."""
        found: Bools = self.included[self.orders[prior]]
        return found

    @property
    def saved(self) -> list[float]:
        """WSS@95 of each prior."""
        return [wss(self.labels(k)) for k in range(len(self.orders))]

    @property
    def early(self) -> list[float]:
        """Recall after a tenth of the records, of each prior."""
        return [recall_at(self.labels(k)) for k in range(len(self.orders))]

    def curve(self, shares: Sequence[float]) -> list[float]:
        """Mean recall after these shares of the records."""
        n, total = len(self.included), self.included.sum()
        counts = [np.concatenate([[0], np.cumsum(self.labels(k))]) for k in range(len(self.orders))]
        return [float(np.mean([count[round(share * n)] / total for count in counts])) for share in shares]

    def stops(self, rule: Stop, *, step: int = LARGEST) -> list[tuple[float, float]]:
        """Share read and recall where a rule stops, of each prior; the prior's own two records are not counted."""
        found = []
        for k in range(len(self.orders)):
            labels = self.labels(k)[2:]
            read = stopped_at(rule, labels, len(labels), step)
            # Where the prior was all there is, nothing is missed.
            recall = float(labels[:read].sum() / labels.sum()) if labels.any() else 1.0
            found.append((read / len(labels), recall))
        return found


def simulate(
    views: Views, labels: ArrayLike, *, priors: int | Sequence[tuple[int, int]] = 5, batch: int = LARGEST, seed: int = 1
) -> Simulation:
    """Screen a labelled set from several priors, until all that is included is found; the rest follows as ranked.

    Parameters
    ----------
    views : Views
        Of all records.
    labels : array_like, shape (n_records,)
        1 for included, 0 for excluded.
    priors : int or sequence of (int, int)
        How many times; or the rows that each begins with, one included and one excluded. Drawn, each has its own two.
    batch : int
        Records of a batch at most.
    seed : int
        Root of all randomness.

    Raises
    ------
    DataError
        If labels are other than 0 and 1, all of one kind, or a prior has not one record of each.
    """
    included = labelled(labels)
    if isinstance(priors, int):
        drawn = [rng_for(seed, "screening", "prior", k) for k in range(priors)]
        kinds = np.flatnonzero(included), np.flatnonzero(~included)
        priors = [(int(rng.choice(kinds[0])), int(rng.choice(kinds[1]))) for rng in drawn]
    if not priors or batch < 1:
        raise DataError(f"{len(priors)} priors, batches of {batch}; give at least one of each")
    orders, seconds = [], []
    for first, second in priors:
        if not included[first] or included[second]:
            raise DataError(f"prior ({first}, {second}): give one record that is included, then one that is excluded")
        start = time.process_time()
        orders.append(_order(views, included, (first, second), batch, seed))
        seconds.append(time.process_time() - start)
    return Simulation(included=included, orders=tuple(orders), seconds=tuple(seconds))


def _order(views: Views, included: Bools, prior: tuple[int, int], batch: int, seed: int) -> Ints:
    order, left = list(prior), np.array([], dtype=np.intp)
    found = {True: [prior[0]], False: [prior[1]]}
    while len(order) < len(included):
        left = ranked(views, found[True], found[False], seed=seed)
        if len(found[True]) == included.sum():
            break
        for k in left[: min(batch, batch_size(len(order)))].tolist():
            found[bool(included[k])].append(k)
            order.append(k)
        left = left[:0]
    return np.concatenate([order, left]).astype(np.intp)


def labels_in(library: Library, column: str) -> Bools:
    """Decisions in a column of the records' file; one that is missing or says something else is named."""
    found = []
    for id, record in library.records.items():
        where = f"record {id!r} ({record.source or library.name})"
        if column not in record.other:
            known = {name for other in library.records.values() for name in other.other}
            if column not in known:
                raise DataError(
                    f"{library.name}: no column {column!r}{meant(column, known)}; there are "
                    f"{', '.join(sorted(known)) or 'none beside those of records'}"
                )
            raise DataError(f"{where}: no decision in column {column!r}; a set is simulated when all have one")
        found.append(said(record.other[column], where))
    return labelled(found)


def over_priors(values: Sequence[float], what: str) -> Estimate:
    """Mean over priors with its interval: about where one begins, and nothing else."""
    return replace(clustered_mean(values, list(range(len(values))), target="data"), estimand=what)
