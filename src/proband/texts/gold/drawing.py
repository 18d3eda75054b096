"""Drawing documents to be coded by people, each with a known probability."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from proband.errors import DesignError
from proband.measures import allocate_labels, effective_n
from proband.seeds import uniform_for
from proband.texts.gold.tables import Row

_LEAST_SD = 0.15  # a coder that is sure of all answers of a stratum is not taken at its word
_LEVELS = ("sure", "less sure", "unsure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Documents drawn, and how.

    Attributes
    ----------
    rows : tuple of dict
        Document, probability and stratum of each, in the order of the corpus.
    how : str
        The design in words.
    """

    rows: tuple[Row, ...]
    how: str


def labels_for(
    width: float, *, share: float = 0.5, correlation: float = 0.0, n_documents: int, level: float = 0.95
) -> int:
    """Documents to be coded by people so that the interval of a share is as wide as wanted.

    ``n = (2 z)^2 p (1 - p) / width^2`` for a share p of people's codes alone. With a coder whose codes correlate rho
    with them, as many as are worth that together with its codes of all others; see `effective_n`.

    Parameters
    ----------
    width : float
        From the lower limit to the upper one, between 0 and 1.
    share : float
        Expected share; .5 needs most.
    correlation : float
        Of the coder's codes with people's; 0 plans without a coder.
    n_documents : int
        Documents of the corpus.
    level : float
        Confidence level.

    Raises
    ------
    DesignError
        If the width, the share or the correlation is out of range.

    Examples
    --------
    >>> labels_for(0.2, n_documents=10_000), labels_for(0.2, correlation=0.8, n_documents=10_000)
    (97, 35)
    """
    for name, value, low, high in (("width", width, 0, 1), ("share", share, 0, 1), ("correlation", correlation, -1, 1)):
        if not (low < value < high or (name == "correlation" and value == 0)):
            raise DesignError(f"{name} {value} must lie between {low} and {high}")
    wanted = (width / (2 * float(special.ndtri((1 + level) / 2)))) ** 2
    needed = share * (1 - share) / wanted
    sizes = range(10, n_documents)
    at = bisect_left(sizes, needed, key=lambda n: effective_n(n, n_documents - n, correlation).value)
    return sizes[at] if at < len(sizes) else n_documents


def draw(
    documents: Sequence[str], *, n: int, seed: int, strata: Mapping[str, str] | None = None,
    spread: Mapping[str, float] | None = None,
) -> Drawn:  # fmt: skip
    """A sample of documents with known probabilities, by place: more of them keep those drawn before.

    Parameters
    ----------
    documents : sequence of str
        Ids of all.
    n : int
        How many to draw.
    seed : int
        Of the study.
    strata : mapping of document to str, optional
        Drawn from within each; without it the sample is a simple one.
    spread : mapping of stratum to float, optional
        Standard deviation of a coder's errors in each: more are drawn where it is larger (Neyman). Without it in
        proportion, two at least.

    Returns
    -------
    Drawn
        With ``n_h / N_h`` as the probability of a document of stratum h.

    Raises
    ------
    DesignError
        If there are fewer documents than are to be drawn, or fewer to be drawn than strata need.
    """
    if not 1 <= n <= len(documents):
        raise DesignError(f"{n} documents to be drawn of {len(documents)}; draw between 1 and all of them")
    within: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        within[strata[document] if strata is not None else ""].append(document)
    if strata is None:
        sizes = {"": n}
    else:
        likely: dict[Hashable, float] = {name: (spread or {}).get(name, 1.0) for name in within}
        plan = allocate_labels([strata[d] for d in documents], likely, n_labels=n)
        sizes = {str(stratum): count for stratum, count in plan.labels.items()}
    taken: dict[str, Row] = {}
    for stratum, members in within.items():
        order = sorted(members, key=lambda d: (uniform_for(seed, "gold", "draw", d), d))
        chance = f"{sizes[stratum] / len(members):.12g}"
        for document in order[: sizes[stratum]]:
            taken[document] = {"document": document, "probability": chance, "stratum": stratum}
    how = (
        "simple" if strata is None else f"from {len(within)} strata{', more where a coder is unsure' if spread else ''}"
    )
    return Drawn(rows=tuple(taken[d] for d in documents if d in taken), how=how)


def by_uncertainty(unsure: Mapping[str, float]) -> tuple[dict[str, str], dict[str, float]]:
    """Strata of documents by how unsure a coder is of them, in thirds, and the spread of its errors in each.

    Parameters
    ----------
    unsure : mapping of document to float
        1 less the probability of the likeliest code; 0 where a coder gives none.

    Returns
    -------
    strata : mapping of document to stratum
    spread : mapping of stratum to float
        ``sqrt(p (1 - p))`` at the mean probability p of an error that the coder itself states, at least .15: who is
        never in doubt errs all the same.

    Raises
    ------
    DesignError
        If the coder is equally sure of all documents: there is nothing to stratify by.
    """
    values = np.array(list(unsure.values()))
    if len(values) == 0 or np.ptp(values) < 1e-9:
        raise DesignError(
            "the coder is equally sure of all documents, so there are no strata of uncertainty; use a coder that gives "
            'probabilities, draw by a column of the corpus (by = "source"), or draw simply'
        )
    cuts = np.quantile(values, (1 / 3, 2 / 3))
    level = np.searchsorted(cuts, values, side="left")
    if np.ptp(level) == 0:  # most documents stand at the highest value
        level = np.searchsorted(cuts, values, side="right")
    present, level = np.unique(level, return_inverse=True)
    names = _LEVELS if len(present) == len(_LEVELS) else (_LEVELS[0], _LEVELS[-1])
    strata = {document: names[k] for document, k in zip(unsure, level, strict=True)}
    spread = {}
    for name in set(strata.values()):
        p = float(np.mean([unsure[d] for d, stratum in strata.items() if stratum == name]))
        spread[name] = max(math.sqrt(p * (1 - p)), _LEAST_SD)
    return strata, spread
