"""When a screening stops: rules as pure functions of the decisions so far, and what each costs in reading."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proband.errors import DesignError
from proband.measures import recall_test
from proband.measures.arrays import Bools
from proband.measures.screening.stopping import check_recall
from proband.seeds import rng_for

_LOOKS = 60  # of a simulated reading, evenly spaced
_ORDERS = 5  # simulated readings, of which the middle one is told
_RANKED_BY = 5.0  # how far included records stand out in them: WSS@95 of about .72, as found on labelled sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What is enough; with none of these everything is read.

    Attributes
    ----------
    recall, level : float or None
        Share of the included records that is to be found, and with which certainty; see `measures.recall_test`.
    misses : int
        So many excluded in a row.
    records : int
        So many read.
    """

    recall: float | None = None
    level: float = 0.95
    misses: int = 0
    records: int = 0

    def __post_init__(self) -> None:
        if self.recall is not None:
            check_recall(self.recall)
        if not 0 < self.level < 1 or self.misses < 0 or self.records < 0:
            raise DesignError(
                f"stop: level {self.level}, misses {self.misses}, records {self.records}; a level lies between 0 and "
                "1, the others are whole numbers above 0, or left out"
            )

    def is_enough(self, labels: Sequence[bool], n_records: int) -> bool:
        """Whether one of the rules says so, of the decisions in the order read."""
        if self.records and len(labels) >= self.records:
            return True
        if self.misses and len(labels) >= self.misses and not any(labels[-self.misses :]):
            return True
        if self.recall is None:
            return False
        return recall_test(list(labels), n_records, recall=self.recall, level=self.level).is_reached

    @property
    def in_words(self) -> str:
        """For tables: what is waited for."""
        told = [f"{self.recall:.0%} found, {self.level:.0%} sure"] if self.recall is not None else []
        told += [f"{self.misses:,} misses in a row"] if self.misses else []
        return " or ".join(told + ([f"{self.records:,} read"] if self.records else [])) or "everything read"


def stopped_at(stop: Stop, labels: Bools, n_records: int, step: int) -> int:
    """How many records are read where a rule is looked at after every `step`; all, where it never says stop."""
    for read in range(step, len(labels), step):
        if stop.is_enough(labels[:read].tolist(), n_records):
            return read
    return len(labels)


def usual_rules(own: Stop) -> tuple[Stop, ...]:
    """Rules that a reader compares: their own, and those in use."""
    others = (Stop(recall=0.95), Stop(recall=0.9), Stop(misses=50), Stop(misses=100), Stop(misses=200))
    return tuple(dict.fromkeys((own, *others) if own != Stop() else others))


def costs(rules: Sequence[Stop], n_records: int, n_included: int, seed: int) -> list[tuple[Stop, float, float]]:
    """What rules cost in simulated readings, ranked about as well as real ones: share read and recall, the middle ones.

    Before anybody has read anything this is all there is to go by; `proband screen --simulate` tells of a labelled set.
    """
    found = []
    orders = [_order(n_records, n_included, rng_for(seed, "screening", "costs", k)) for k in range(_ORDERS)]
    step = max(1, n_records // _LOOKS)
    for rule in rules:
        read = [stopped_at(rule, order, n_records, step) for order in orders]
        recall = [order[:n].sum() / n_included for order, n in zip(orders, read, strict=True)]
        found.append((rule, float(np.median(read)) / n_records, float(np.median(recall))))
    return found


def _order(n_records: int, n_included: int, rng: np.random.Generator) -> Bools:
    included = np.arange(n_records) < n_included
    order: Bools = included[np.argsort(-(_RANKED_BY * included + rng.gumbel(size=n_records)), kind="stable")]
    return order
