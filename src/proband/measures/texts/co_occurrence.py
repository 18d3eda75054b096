"""Codes that come together: more often than chance, or less."""

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.experiments.multiplicity import Adjustment, adjust_p
from proband.measures.experiments.outcomes import Labels
from proband.measures.texts.saturation import indicators


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePair:
    """Two codes of the same documents.

    - `first`, `second`: their names.
    - `both`: share of the documents that have both.
    - `expected`: that share if one had nothing to do with the other: the product of their shares.
    - `excess`: `both` less `expected`, with its interval and the p value of their independence.
    - `p_adjusted`: that p value as one of all pairs.
    """

    first: str
    second: str
    both: float
    expected: float
    excess: Estimate
    p_adjusted: float | None


def co_occurrence(
    present: ArrayLike,
    names: Sequence[str],
    *,
    cluster: Labels | None = None,
    adjustment: Adjustment = "holm",
    target: Target = "data",
    level: float = 0.95,
) -> tuple[CodePair, ...]:
    """Compare how often two codes stand in one document with what independence would give.

    The excess ``p_ab - p_a p_b`` is the covariance of the two indicators: a mean of products of deviations, with the
    standard error of a clustered mean.

    Parameters
    ----------
    present : array_like, shape (n_documents, n_codes)
        1 where a document has a code, 0 where not.
    names : sequence of str
        Of the codes.
    cluster : sequence, optional
        What every document belongs to (its author, its source); by default each stands for itself.
    adjustment : {"bonferroni", "holm", "bh", "by"}
        How p values are adjusted for being as many as there are pairs.
    target, level : {"model", "human", "data"}, float
        Whom it is said of; confidence level.

    Returns
    -------
    tuple of CodePair
        Of all pairs whose codes are both there in some documents and not in others, those furthest from independence
        first (by p value). Empty where there are none.

    Raises
    ------
    DataError, MissingDataError, DesignError
        If the table is none of 0 and 1, names or clusters do not fit it, or a setting is unknown.

    Examples
    --------
    >>> pair = co_occurrence([[1, 1], [1, 1], [0, 0], [0, 0], [1, 0], [0, 1], [1, 1], [0, 0]], ["price", "service"])[0]
    >>> round(pair.both, 3), round(pair.expected, 3), round(pair.excess, 3)
    (0.375, 0.25, 0.125)
    """
    table = indicators(present)
    n, n_codes = table.shape
    if isinstance(names, str) or len(names) != n_codes or len(set(names)) < n_codes:
        raise DataError(f"{len(names)} names for {n_codes} codes; give every code one of its own")
    clusters = list(range(n)) if cluster is None else cluster
    if n < 2:
        raise DesignError("one document: what comes together in it says nothing; give more")
    deviations = table - table.mean(axis=0)
    shares = table.mean(axis=0)
    varying = [k for k in range(n_codes) if 0 < shares[k] < 1]
    found: list[CodePair] = []
    for a, b in itertools.combinations(varying, 2):
        mean = clustered_mean(deviations[:, a] * deviations[:, b], clusters, is_share=False, target=target, level=level)
        excess = replace(mean, estimand=f"share with {names[a]} and {names[b]} beyond independence")
        found.append(
            CodePair(
                first=names[a],
                second=names[b],
                both=float((table[:, a] & table[:, b]).mean()),
                expected=float(shares[a] * shares[b]),
                excess=excess,
                p_adjusted=None,
            )
        )
    tested: dict[Hashable, float] = {
        k: pair.excess.p_value for k, pair in enumerate(found) if pair.excess.p_value is not None
    }
    adjusted = adjust_p(tested, adjustment).adjusted if tested else {}
    found = [replace(pair, p_adjusted=adjusted[k] if k in tested else None) for k, pair in enumerate(found)]
    return tuple(sorted(found, key=_surest))


def _surest(pair: CodePair) -> tuple[float, float]:
    p = pair.excess.p_value
    return math.inf if p is None else p, -abs(pair.excess.value)
