"""Ranks of many engines, with intervals that hold for all of them at once, and every pair compared."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.experiments.multiplicity import romano_wolf
from proband.measures.experiments.outcomes import Labels, coded
from proband.measures.experiments.pairs import paired_difference
from proband.seeds import rng_for

_CELLS = 4_000_000  # draws x pairs x units held at once
_FEW = 20  # units, below which signs that are flipped leave few different draws


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Who is best, and what cannot be told apart.

    Attributes
    ----------
    means : mapping of str to Estimate
        Mean score of each, from the best.
    ranks : mapping of str to Estimate
        Rank of each, 1 for the highest mean; the intervals hold for all of them at once.
    pairs : mapping of (str, str) to Estimate
        Mean of the first less that of the second, over the units that both have: the better one stands first.
    adjusted : mapping of (str, str) to float
        P value of each pair, for all pairs at once.
    method : str
        How they were adjusted.
    """

    means: Mapping[str, Estimate]
    ranks: Mapping[str, Estimate]
    pairs: Mapping[tuple[str, str], Estimate]
    adjusted: Mapping[tuple[str, str], float]
    method: str


def ranking(
    scores: Mapping[str, ArrayLike],
    *,
    cluster: Labels | None = None,
    n_draws: int = 1_999,
    rng: np.random.Generator | None = None,
    target: Target = "model",
    level: float = 0.95,
) -> Ranking:
    """Rank engines by their mean score on the same units.

    All pairs are compared one-sided in both directions by Romano and Wolf's step-down test, so the chance that any of
    them is put the wrong way round is at most ``1 - level``. The interval of a rank begins at one more than the number
    of those that are shown to be better, and ends at the number of all less those that are shown to be worse (Mogstad
    et al. 2024). Draws flip the signs of all differences of a unit at once, which keeps what engines share.

    Parameters
    ----------
    scores : mapping of str to array_like, shape (n_units,)
        Score of each engine on each unit, higher is better, in one order of units: questions, subjects.
    cluster : sequence, shape (n_units,), optional
        What units share, e.g. the text that several questions are about.
    n_draws : int
        Draws of signs.
    rng : Generator, optional
        Their source; None takes the place "ranking" of seed 0.
    target, level : {"model", "human", "data"}, float
        Whom the scores describe; confidence level.

    Raises
    ------
    DesignError
        If there are fewer than two engines, or two units (clusters).
    DataError, MissingDataError
        If engines have scores of different numbers of units, or a score is missing.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm (2024), Rev. Econ. Stud. 91, 476-518. doi:10.1093/restud/rdad006
    Romano & Wolf (2005), Econometrica 73, 1237-1282. doi:10.1111/j.1468-0262.2005.00615.x

    Examples
    --------
    >>> hard = np.arange(40) % 4 / 10
    >>> found = ranking({"a": 0.5 + hard, "b": 0.5 + hard + 0.01 * (np.arange(40) % 2), "c": 0.1 + hard / 2})
    >>> {name: rank.interval for name, rank in found.ranks.items()}
    {'b': (1.0, 1.0), 'a': (2.0, 2.0), 'c': (3.0, 3.0)}
    """
    if len(scores) < 2:
        raise DesignError(f"{len(scores)} engine: there is nothing to rank; give the scores of two at least")
    columns = {name: finite(values, f"scores of {name}") for name, values in scores.items()}
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{name} {n}" for name, n in sizes.items())
        raise DataError(f"engines have scores of different numbers of units ({said}); keep the units that all have")
    n = next(iter(sizes.values()))
    codes = np.arange(n) if cluster is None else coded(cluster, "cluster")[0]
    if len(codes) != n:
        raise DataError(f"{len(codes)} clusters for {n} units; give every unit one")
    n_clusters = int(codes.max()) + 1 if n else 0
    if n_clusters < 2:
        raise DesignError(f"{n_clusters} unit: ranks by one unit say nothing of others; score more")
    centres = {name: float(column.mean()) for name, column in columns.items()}
    by_mean = sorted(columns, key=lambda name: -centres[name])  # ties keep the order given
    couples = list(itertools.combinations(by_mean, 2))
    gaps = np.column_stack([columns[a] - columns[b] for a, b in couples])  # (n, n_pairs), means of at least 0
    centre = gaps.mean(axis=0)
    totals = np.column_stack([np.bincount(codes, gap) for gap in (gaps - centre).T]) * n_clusters / n
    both = [*couples, *((b, a) for a, b in couples)]
    statistics, draws = _studentised(totals, centre, n_draws, rng_for(0, "ranking") if rng is None else rng)
    # Clipped at 0 a statistic speaks for its own direction only, which makes the two-sided step-down one-sided.
    adjusted = romano_wolf(
        dict(zip(both, np.maximum([*statistics, *-statistics], 0.0), strict=True)),
        np.maximum(np.hstack([draws, -draws]), 0.0),
    )
    own = None if cluster is None else list(codes)
    pairs = {
        (a, b): replace(paired_difference(columns[a], columns[b], cluster=own, target=target, level=level),
                        estimand=f"mean score of {a} less that of {b}")
        for a, b in couples
    }  # fmt: skip
    # Where a difference is the same on all units, flipped signs see no chance at all, and a test of the pair does.
    told = {pair: max(adjusted.adjusted[pair], _one_sided(pairs[pair])) for pair in couples}
    clear = {pair for pair, p in told.items() if p <= 1 - level}
    few = (f"{n_clusters} units: below {_FEW} few differences can be told from chance",) if n_clusters < _FEW else ()
    ranks = {}
    for name in by_mean:
        better, worse = (sum(pair[side] == name for pair in clear) for side in (1, 0))
        ranks[name] = Estimate(
            value=1.0 + sum(mean > centres[name] for mean in centres.values()),
            interval=(1.0 + better, float(len(columns) - worse)), level=level, target=target, n_units=n, warnings=few,
            estimand=f"rank of {name} among {len(columns)}",
            interval_method="all ranks at once, step-down over all pairs",
        )  # fmt: skip
    means = {
        name: replace(
            clustered_mean(columns[name], codes, target=target, level=level), estimand=f"mean score of {name}"
        )
        for name in by_mean
    }
    return Ranking(
        means=means, ranks=ranks, pairs=pairs, adjusted=told,
        method=adjusted.method,
    )  # fmt: skip


def _one_sided(gap: Estimate) -> float:
    """P value of a difference, of which the direction is the one seen; 1 where it has none."""
    return 1.0 if gap.p_value is None else gap.p_value / 2


def _studentised(totals: Floats, centre: Floats, n_draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Statistic of each pair, and what flipped signs make of it where nothing differs, (n_draws, n_pairs)."""
    g = len(totals)
    squares = (totals**2).sum(axis=0)
    # Rounding leaves differences that are all alike a variance; where two engines do not differ at all, none is seen.
    least = np.maximum((1e-12 * centre) ** 2, 1e-300)
    statistics = np.where(centre > 0, centre / np.sqrt(np.maximum(squares / (g * (g - 1)), least)), 0.0)
    parts = []
    batch = max(1, _CELLS // max(g, totals.shape[1]))
    for start in range(0, n_draws, batch):
        means = rng.choice([-1.0, 1.0], size=(min(batch, n_draws - start), g)) @ totals / g
        spread = np.maximum(squares / g - means**2, 0.0) / (g - 1)
        parts.append(means / np.sqrt(np.maximum(spread, least)))
    return statistics, np.vstack(parts)
