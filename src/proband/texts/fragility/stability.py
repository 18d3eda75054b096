"""How far codes hold when they are asked for otherwise, beyond what they change when they are asked for again."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from proband.errors import ProbandError
from proband.estimates import Estimate
from proband.measures import weighted_mean
from proband.texts.fragility.grid import FACTORS, Arm

Codes = NDArray[np.object_]
Floats = NDArray[np.float64]


def same(one: Codes, other: Codes) -> Floats:
    """Share of the pairs of repeats with one code, by document; NaN where nothing is there to compare.

    Parameters
    ----------
    one, other : ndarray, shape (n_repeats, n_documents)
        Codes, None where there is none. Given one array twice, its repeats are compared with each other.
    """
    if one is other:
        pairs = [(one[j], one[k]) for j, k in combinations(range(len(one)), 2)]
    else:
        pairs = [(a, b) for a in one for b in other]
    found = np.full((max(len(pairs), 1), one.shape[1]), np.nan)
    for k, (a, b) in enumerate(pairs):
        there = np.array([x is not None and y is not None for x, y in zip(a, b, strict=True)], dtype=bool)
        found[k, there] = (a[there] == b[there]).astype(float)
    return _mean(found)


def apart(one: Codes, other: Codes) -> Floats:
    """By document, how much less often two ways of asking agree than each does with its own repeats.

    With p and q the probabilities of the codes of a document in both, this is an unbiased estimate of half the squared
    distance ``sum (p - q)^2 / 2``: 0 on average where repeats differ by chance alone, however much they do.
    """
    return (same(one, one) + same(other, other)) / 2 - same(one, other)


def averaged(values: Floats, units: Sequence[str], what: str) -> Estimate:
    """Mean over documents, units as clusters; documents without a value left out."""
    there = np.isfinite(values)
    owners = [unit for unit, is_there in zip(units, there, strict=True) if is_there]
    clusters = owners if len(set(owners)) < len(owners) else None
    try:
        return weighted_mean(values[there], None, clusters, is_share=False, estimand=what, target="model")
    except ProbandError as error:
        return Estimate(value=float("nan"), estimand=what, target="model", n_units=0, warnings=(str(error),))


def by_factor(arms: Sequence[Arm], codes: Mapping[str, Codes], units: Sequence[str]) -> dict[str, tuple[Estimate, ...]]:
    """Of every factor that is varied: disagreement across its levels, within repeats, and the one beyond the other.

    All pairs of cells that differ in this factor alone count alike.

    Parameters
    ----------
    arms : sequence of Arm
        Cells.
    codes : mapping of str to ndarray, shape (n_repeats, n_documents)
        Of every cell.
    units : sequence of str
        Of every document.
    """
    found: dict[str, tuple[Estimate, ...]] = {}
    for factor in FACTORS:
        pairs = [(a, b) for a, b in combinations(arms, 2) if a.differs_in(b) == [factor]]
        if not pairs:
            continue
        across = _mean([1 - same(codes[a.name], codes[b.name]) for a, b in pairs])
        within = _mean([1 - (same(codes[a.name], codes[a.name]) + same(codes[b.name], codes[b.name])) / 2
                        for a, b in pairs])  # fmt: skip
        beyond = _mean([apart(codes[a.name], codes[b.name]) for a, b in pairs])
        found[factor] = (
            averaged(across, units, f"disagreement of codes across levels of {factor}"),
            averaged(within, units, "disagreement of codes in repeats"),
            averaged(beyond, units, f"disagreement across levels of {factor} beyond that of repeats"),
        )
    return found


def _mean(rows: Sequence[Floats] | Floats) -> Floats:
    """Means of the columns, NaN where there is nothing to average."""
    stacked = np.asarray(rows)
    counts = np.isfinite(stacked).sum(axis=0)
    found = np.full(stacked.shape[1], np.nan)
    np.divide(np.nansum(stacked, axis=0), counts, out=found, where=counts > 0)
    return found
