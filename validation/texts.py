"""Claims about coded documents: corrected ones cover, and the coder's codes taken at their word do not."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from proband.texts.gold.correcting import Gold, Threefold, Variable, corrected_mean, corrected_regression
from validation.simulation import Scenario, covers

FAMILY = "Coded documents"
NEVER = 10**9  # shown, and held to nothing
N_DOCUMENTS = 1500
_PER_UNIT = 5
_EFFECT = 0.5
_LARGE = 400_000  # documents from which the true numbers are taken

READING = """
- n is the number of documents that people coded, of 1,500; the coder's confusion is planted: it misses a code more
  often in later documents, and gives it to 12 % of those without.
- Corrected numbers are those of `proband code`, by the same functions: PPI++ for shares of simple samples, DSL for
  unequal probabilities, for authors of five documents each, for differences and for regressions.
- The slope of a trend from unequal probabilities is two to three points short at 100 codes, of which the report warns;
  from 300 on it holds.
- The coder's codes taken as if they were people's, shown for comparison, hardly ever cover: the more documents, the
  surer they are of the wrong number.
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Documents with people's codes, a coder's, and what else is known of them."""

    code: Floats
    coded: Floats
    year: Floats
    later: Floats
    length: Floats
    gold: Gold


def world(rng: np.random.Generator, n: int, *, kind: str, n_documents: int = N_DOCUMENTS) -> World:
    """Documents whose code goes with the year, and a coder that errs more in later ones.

    `kind` is "simple" (a simple sample), "authors" (five documents an author, who differ) or "uncertain" (documents
    with the coder's code are twice as likely to be drawn).
    """
    authors = np.arange(n_documents) // _PER_UNIT
    by_author = kind == "authors"
    year = rng.normal(size=n_documents // _PER_UNIT)[authors] if by_author else rng.normal(size=n_documents)
    taste = 0.7 * rng.normal(size=n_documents // _PER_UNIT)[authors] if by_author else 0.0
    code = 1.0 * (rng.random(n_documents) < 1 / (1 + np.exp(1 - 0.6 * year - taste)))
    missed = np.clip(0.15 + 0.1 * year, 0.02, 0.6)
    coded = 1.0 * np.where(code == 1, rng.random(n_documents) > missed, rng.random(n_documents) < 0.12)
    pi = np.full(n_documents, n / n_documents)
    known = np.zeros(n_documents, dtype=bool)
    if kind == "uncertain":
        # Two strata with fixed numbers of documents, as `draw` has it.
        share = 2 * coded.sum() / (n_documents + coded.sum())
        for stratum, wanted in ((coded == 1, round(n * share)), (coded == 0, n - round(n * share))):
            known[rng.permutation(np.flatnonzero(stratum))[:wanted]] = True
            pi[stratum] = wanted / stratum.sum()
    else:
        known[rng.permutation(n_documents)[:n]] = True
    return World(
        code=code,
        coded=coded,
        year=year,
        later=1.0 * (year > 0),
        length=_EFFECT * code + 0.3 * year + rng.normal(size=n_documents),
        gold=Gold(known=known, probability=pi, units=authors.tolist() if by_author else None),
    )


def claim(of: World, about: str) -> Threefold:
    """A claim about a world, three times."""
    code = Variable(values=of.code, guess=of.coded, coded=of.coded)
    if about == "share":
        return corrected_mean(code, of.gold)
    if about == "difference":
        return corrected_regression(code, {"later": Variable(values=of.later)}, of.gold)["later"]
    if about == "trend":
        return corrected_regression(code, {"year": Variable(values=of.year)}, of.gold)["year"]
    regressors = {"code": code, "year": Variable(values=of.year)}
    return corrected_regression(Variable(values=of.length), regressors, of.gold)["code"]


def truths() -> Mapping[tuple[str, str], float]:
    """The true number of every claim in every kind of world, from a very large one."""
    found = {}
    for kind in ("simple", "authors", "uncertain"):
        of = world(np.random.default_rng(7), _LARGE, kind=kind, n_documents=_LARGE)
        slope = float(np.polyfit(of.year, of.code, 1)[0])
        gap = float(of.code[of.later == 1].mean() - of.code[of.later == 0].mean())
        for about, truth in (("share", of.code.mean()), ("difference", gap), ("trend", slope), ("regressor", _EFFECT)):
            found[kind, about] = float(truth)
    return found


_TRUE: dict[tuple[str, str], float] = {}


def claim_covers(rng: np.random.Generator, n: int, *, kind: str, about: str, by: str) -> bool | None:
    """Whether one of the three numbers of a claim contains the truth."""
    if not _TRUE:
        _TRUE.update(truths())
    return covers(getattr(claim(world(rng, n, kind=kind), about), by), _TRUE[kind, about])


_SAMPLES = {"simple": "simple sample", "authors": "5 documents an author", "uncertain": "drawn by the coder's code"}
_CLAIMS = {"share": "share", "difference": "difference of groups", "trend": "trend", "regressor": "code as regressor"}

SCENARIOS: tuple[Scenario, ...] = tuple(
    Scenario(
        family=FAMILY,
        method=f"{_CLAIMS[about]}, {shown}",
        data=_SAMPLES[kind],
        draw=partial(claim_covers, kind=kind, about=about, by=by),
        sizes=(50, 100, 300),
        held_from=NEVER if by != "corrected" else 300 if (about, kind) == ("trend", "uncertain") else 100,
        tolerance=0.02,
    )
    for by, shown in (("corrected", "corrected"), ("uncorrected", "*the coder's codes as they are*"))
    for about in _CLAIMS
    for kind in _SAMPLES
)
