"""Codes that come together, and scores of texts beside scales: intervals that cover, clustered or not."""

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from proband.measures import clustered_correlation, co_occurrence
from validation.simulation import Scenario, covers

FAMILY = "Statistics of texts"
READING = """
- n is the number of documents. Both codes of a pair follow a taste of their author; scores of texts and scales share
  half of their variance, in part through the author.
- A correlation takes the scores as they are: that those of texts were fitted is not simulated here.
"""
_PER_AUTHOR = 3
_LARGE = 400_000


def _authors(n: int, *, by_author: bool) -> NDArray[np.intp]:
    return np.arange(n) // (_PER_AUTHOR if by_author else 1)


def _codes(rng: np.random.Generator, n: int, *, by_author: bool) -> NDArray[np.float64]:
    authors = _authors(n, by_author=by_author)
    taste = rng.normal(size=authors[-1] + 1)[authors]
    return 1.0 * (taste[:, None] + rng.logistic(size=(n, 2)) > 0.5)


def pair_covers(rng: np.random.Generator, n: int, *, by_author: bool) -> bool | None:
    """Whether the excess of a pair contains that of very many documents."""
    if not _EXCESS:
        large = _codes(np.random.default_rng(1), _LARGE, by_author=False)
        _EXCESS.append(float(large.prod(axis=1).mean() - large[:, 0].mean() * large[:, 1].mean()))
    table, authors = _codes(rng, n, by_author=by_author), _authors(n, by_author=by_author)
    found = co_occurrence(table, ["a", "b"], cluster=authors.tolist())
    return covers(found[0].excess, _EXCESS[0]) if found else None


_EXCESS: list[float] = []


def correlation_covers(rng: np.random.Generator, n: int, *, by_author: bool) -> bool | None:
    """Whether the correlation contains the planted one."""
    authors = _authors(n, by_author=by_author)
    shared = rng.normal(size=authors[-1] + 1)[authors]
    x, y = shared + rng.normal(size=n), shared + rng.normal(size=n)
    return covers(clustered_correlation(x, y, cluster=authors.tolist()), 1 / math.sqrt(2 * 2))


SCENARIOS: tuple[Scenario, ...] = tuple(
    Scenario(
        family=FAMILY,
        method=method,
        data="3 documents an author" if by_author else "independent documents",
        draw=partial(draw, by_author=by_author),
        sizes=(60, 150, 600),
        held_from=150,
        tolerance=0.02,
    )
    for method, draw in (("excess of a pair of codes", pair_covers), ("correlation", correlation_covers))
    for by_author in (False, True)
)
