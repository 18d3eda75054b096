"""Hypotheses tested on rows that nobody has looked at: the interval of their agreement, and false ones that hold."""

from functools import partial
from typing import Literal

import numpy as np

from proband.estimates import Estimate
from proband.literature.hypotheses.record import Hypothesis
from proband.literature.hypotheses.rows import Rows
from proband.literature.hypotheses.testing import Terms, beyond_chance, decided
from validation.simulation import Scenario, covers

FAMILY = "Hypotheses on fresh rows"
READING = """
- n is the number of rows of B. A prediction is right with probability .65, and half of the outcomes are yes; with rows
  in threes, all rows of an author share a part of what makes them so.
- "a false one holds" is the share of worlds in which none of ten hypotheses is so, and any of them is said to hold at
  .05. Where none is so this is the false-discovery rate as well.
"""
_FALSE = 10
_MADE = [
    Hypothesis(independent=f"x{k}", dependent="y", direction="more", falsifier="No agreement.") for k in range(_FALSE)
]
_UNKNOWN = Estimate(value=0.1, estimand="agreement on A", target="data", n_units=1)


def agreement_covers(rng: np.random.Generator, n: int, *, by_author: bool) -> bool | None:
    """Whether the interval holds .15, by which predictions are better than chance."""
    authors = np.arange(n) // (3 if by_author else 1)
    y = rng.random(n) < 0.5
    right = rng.random(n) < 0.65
    if by_author:
        # An author's rows take their outcome and their luck from a draw of the author, as often as not.
        own, shared = rng.random(n) < 0.5, authors[-1] + 1
        y = np.where(own, y, (rng.random(shared) < 0.5)[authors])
        right = np.where(own, right, (rng.random(shared) < 0.65)[authors])
    said = np.where(right, y, ~y)
    words = [np.where(each, "yes", "no").tolist() for each in (y, said)]
    return covers(beyond_chance(*words, authors.astype(str).tolist()), 0.15)


def false_one_holds(rng: np.random.Generator, n: int, *, adjust: Literal["holm", "bh"]) -> bool:
    """Whether any of ten predictions that have nothing to do with the outcome is said to hold."""
    labels, *said = (np.where(rng.random(n) < 0.5, "yes", "no").tolist() for _ in range(_FALSE + 1))
    ids = tuple(map(str, range(n)))
    b = Rows(name="b", ids=ids, labels=tuple(labels), units=ids, texts={"text": ids}, outcome="y")
    told = {made.id: (labels, each) for made, each in zip(_MADE, said, strict=True)}
    on_a = {made.id: (_UNKNOWN, 0.6) for made in _MADE}
    found = decided(b, _MADE, told, on_a, Terms(data="b", outcome="y", adjust=adjust))
    return any(one.verdict == "held" for one in found)


SCENARIOS: tuple[Scenario, ...] = (
    *(
        Scenario(
            family=FAMILY, method="agreement beyond chance",
            data="3 rows an author" if by_author else "independent rows",
            draw=partial(agreement_covers, by_author=by_author), sizes=(60, 200, 600), held_from=200, tolerance=0.015,
        )
        for by_author in (False, True)
    ),
    *(
        Scenario(
            family=FAMILY, method=f"a false one holds, {name}", data="10 false ones",
            draw=partial(false_one_holds, adjust=adjust), sizes=(60, 200), expected=0.05, held_from=60, tolerance=0.015,
            is_conservative=True,
        )
        for name, adjust in (("Holm", "holm"), ("Benjamini-Hochberg", "bh"))
    ),
)  # fmt: skip
