"""Codes that come together, and scores of texts beside scales: intervals that cover, clustered or not."""

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from proband.measures import clustered_correlation, co_occurrence, heaps_fit, zipf_fit
from proband.measures.texts.power_laws import drawn_from
from validation.simulation import Scenario, covers

FAMILY = "Statistics of texts"
READING = """
- n is the number of documents. Both codes of a pair follow a taste of their author; scores of texts and scales share
  half of their variance, in part through the author.
- Of laws of word frequencies n is the number of words, different ones for the exponent of frequencies. Where the
  minimum is searched for, the interval takes it as known, and is somewhat too short.
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


def zipf_covers(rng: np.random.Generator, n: int, *, searches: bool) -> bool | None:
    """Whether the exponent of frequencies contains the one that they were drawn with."""
    counts = drawn_from(1.9, 1, n, rng)
    return covers(zipf_fit(counts, minimum=None if searches else 1, replicates=0).exponent, 1.9)


def heaps_covers(rng: np.random.Generator, n: int) -> bool | None:
    """Whether the exponent of the vocabulary contains the planted one; words are new independently of each other."""
    t = np.arange(2, n + 1)
    new = rng.random(n - 1) < -np.expm1(-1.5 * 0.6 * t ** (0.6 - 1.0))
    if new.all() or not new.any():
        return None
    words = ["w0", *(f"w{k}" if is_new else "w0" for k, is_new in enumerate(new, start=1))]
    return covers(heaps_fit(words).exponent, 0.6)


LAWS = (
    ("exponent of word frequencies", "a power law of all of them", partial(zipf_covers, searches=False), 150),
    ("exponent of word frequencies", "the same, minimum searched for", partial(zipf_covers, searches=True), 150),
    ("exponent of the vocabulary", "new words independent of each other", heaps_covers, 600),
)
SCENARIOS: tuple[Scenario, ...] = (
    *(
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
    ),
    *(
        Scenario(family=FAMILY, method=method, data=data, draw=draw, sizes=(150, 600), held_from=held, tolerance=0.025)
        for method, data, draw, held in LAWS
    ),
)
