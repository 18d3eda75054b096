"""Stopping a screening: how often the stated recall is reached where reading stops."""

from functools import partial

import numpy as np
from scipy import stats

from proband.measures.arrays import Bools
from proband.measures.screening.audits import recall_audit
from proband.measures.screening.stopping import recall_test
from validation.simulation import Scenario, covers

FAMILY = "Screening"
NEVER = 10**9  # shown, and held to nothing
RECALL = 0.9
LOOKS = 200  # of a review, evenly spaced

READING = """
- n is the number of records. A review is looked at 200 times while it is read; the share is that of reviews in which a
  recall of .90 was reached where reading stopped.
- Random order is the hardest case that the test promises for; the better the order, the surer it is. It promises
  nothing where included records are read later than by chance.
- The test that looks back over all starting points, as it is usually carried out, and a number of misses in a row are
  shown for comparison.
- Of an audit of 100 or of all unread records, drawn once, the share is that of intervals that hold the recall.
"""


def review(rng: np.random.Generator, n: int, share: float, quality: float) -> Bools:
    """Labels in the order read, a share of them included; a `quality` of 0 is a random order."""
    included = np.zeros(n, dtype=bool)
    included[: round(share * n)] = True
    return included[np.argsort(-(quality * included + rng.gumbel(size=n)), kind="stable")]


def looking_back(labels: Bools, n: int) -> bool:
    """Whether the smallest of the tests from every starting point is below .05, as if it were one test."""
    found = int(labels.sum())
    too_many = int(found / RECALL + 1e-9) + 1
    before = np.concatenate([[0], np.cumsum(labels)[:-1]])
    start = np.arange(len(labels))
    if too_many - found > n - len(labels):
        return True
    return bool(stats.hypergeom.cdf(found - before, n - start, too_many - before, len(labels) - start).min() < 0.05)


def misses(labels: Bools, n: int, *, length: int = 50) -> bool:
    """Whether so many in a row were excluded."""
    return len(labels) >= length and not labels[-length:].any()


def tested(labels: Bools, n: int) -> bool:
    """Whether the test of recall says so."""
    return recall_test(labels, n, recall=RECALL).is_reached


RULES = {"recall test": tested, "*looking back, uncorrected*": looking_back, "*50 misses in a row*": misses}
ORDERS = {
    "random order, 1 in 10 included": (0.1, 0.0),
    "random order, 1 in 3 included": (1 / 3, 0.0),
    "somewhat ranked, 1 in 10 included": (0.1, 1.5),
    "well ranked, 1 in 10 included": (0.1, 4.0),
}


def reaches(rng: np.random.Generator, n: int, *, share: float, quality: float, rule: str) -> bool:
    """Whether the recall is reached where reading stops."""
    step = max(1, n // LOOKS)
    labels = review(rng, n, share, quality)
    for read in range(step, n, step):
        if RULES[rule](labels[:read], n):
            return bool(labels[:read].sum() >= RECALL * labels.sum())
    return True


def audit_covers(rng: np.random.Generator, n: int, *, missed: int) -> bool | None:
    """Whether an audit of 100 unread records holds the recall."""
    unread = np.zeros(n, dtype=bool)
    unread[:missed] = True
    found, size = 40, min(100, n)
    hits = int(rng.permutation(unread)[:size].sum())
    return covers(recall_audit(found, n, size, hits), found / (found + missed))


SCENARIOS: tuple[Scenario, ...] = (
    *(
        Scenario(
            family=FAMILY, method=rule, data=order, draw=partial(reaches, share=share, quality=quality, rule=rule),
            sizes=(200,) if rule.startswith("*") or quality else (200, 600),
            held_from=NEVER if rule.startswith("*") else 200, tolerance=0.0, is_conservative=True,
        )
        for rule in RULES
        for order, (share, quality) in ORDERS.items()
    ),
    *(
        Scenario(
            family=FAMILY, method="audit of the unread", data=f"{missed} missed",
            draw=partial(audit_covers, missed=missed),
            sizes=(200, 600, 2000), held_from=200, tolerance=0.0, is_conservative=True,
        )
        for missed in (0, 2, 20)
    ),
)  # fmt: skip
