"""Differences on the same units: two models on the same items, the same subjects before and after."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.experiments.clusters import ClusterMean, combine, uneven
from proband.measures.experiments.outcomes import Floats, Labels, Linear, coded, numbers, with_t_test

Scores = Mapping[Hashable, float] | ArrayLike


def paired_difference(
    a: Scores,
    b: Scores,
    *,
    cluster: Mapping[Hashable, Hashable] | Labels | None = None,
    target: Target = "model",
    level: float = 0.95,
) -> Estimate:
    """Mean of a - b over units that both were measured on.

    Pairing takes out what makes units differ: the standard error is ``sd(a - b) / sqrt(n)``, t with n - 1 degrees of
    freedom. Where all scores are 0 or 1, the interval is Bonett and Price's adjusted Wald interval (a t interval is
    too short when few pairs differ) and the p value McNemar's exact one. With clusters of units, CR2 and
    Satterthwaite's degrees of freedom.

    Parameters
    ----------
    a, b : mapping of unit to score, or array_like of shape (n_units,)
        Mappings are joined by key, and units on one side only are left out and counted; sequences are taken to be in
        the same order.
    cluster : mapping of unit to label, or sequence, optional
        Cluster of every unit, e.g. the text that several items are about.
    target, level : {"model", "human", "data"}, float
        Whom the difference describes; confidence level.

    Returns
    -------
    Estimate
        In the unit of the scores; `n_missing` counts units that only one side has.

    Raises
    ------
    DataError
        If sequences differ in length, one side is a mapping and the other is not, or no unit is on both sides.
    DesignError, MissingDataError
        If there are fewer than 2 pairs, or clusters; if a score or a cluster is missing.

    References
    ----------
    Miller (2024), Adding error bars to evals. arXiv:2411.00640
    Bonett & Price (2012), J. Educ. Behav. Stat. 37, 479-488. doi:10.3102/1076998611411915
    McNemar (1947), Psychometrika 12, 153-157. doi:10.1007/BF02295996

    Examples
    --------
    >>> found = paired_difference([1, 1, 0, 1, 1, 0, 1, 1, 0, 1], [1, 0, 0, 1, 0, 0, 1, 1, 0, 0])
    >>> print(found, round(found.se, 7), found.p_value)
    0.300 [-0.087, 0.587] 0.1527525 0.25
    """
    units, first, second, n_missing = _joined(a, b)
    if len(first) < 2:
        raise DesignError(f"{len(first)} pairs; a variance needs at least 2")
    d = first - second
    left_out = (f"{n_missing} units are on one side only and left out",) if n_missing else ()
    about = Estimate(
        value=float(d.mean()),
        estimand="mean difference a - b over the population of units",
        target=target,
        n_units=len(d),
        n_missing=n_missing,
        level=level,
        assumptions=(f"{'units' if cluster is None else 'clusters'} are independent of each other",),
        warnings=left_out,
    )
    if cluster is not None:
        return _clustered(about, d, units, cluster, _scale(first, second))
    third = float(((d - d.mean()) ** 3).mean()) / len(d) ** 2
    variance = float(d.var(ddof=1)) / len(d)
    mean = Linear(value=about.value, variance=variance, df=len(d) - 1.0, third=third, scale=_scale(first, second))
    if np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all():
        return _binary(about, d, mean)
    return with_t_test(about, mean, "t of paired differences")


def _clustered(
    about: Estimate, d: Floats, units: list[Hashable], cluster: Mapping[Hashable, Hashable] | Labels, scale: float
) -> Estimate:
    if isinstance(cluster, Mapping):
        if bare := [unit for unit in units if unit not in cluster]:
            raise MissingDataError(f"{len(bare)} units have no cluster, e.g. {bare[0]!r}; give every unit one")
        labels: Labels = [cluster[unit] for unit in units]
    # Units on one side only are gone by now, so places in the caller's order no longer point at the right ones.
    elif about.n_missing:
        raise DataError("clusters in order of the units need units in order; give clusters by unit")
    else:
        labels = cluster
    if len(labels) != len(d):
        raise DataError(f"{len(labels)} cluster labels for {len(d)} pairs; give every pair its cluster")
    codes, names = coded(labels, "cluster")
    if len(names) < 2:
        raise DesignError(f"one cluster ({names[0]!r}); a variance needs at least 2")
    part = ClusterMean.of(d, codes)
    mean = replace(combine([(1.0, part)]), scale=scale)
    doubts = (*uneven([part], mean.df), *about.warnings)
    return with_t_test(replace(about, n_clusters=len(names), warnings=doubts), mean, "t of paired differences, CR2")


def _scale(first: Floats, second: Floats) -> float:
    return float(max(np.abs(first).max(), np.abs(second).max()))


def _binary(about: Estimate, d: Floats, mean: Linear) -> Estimate:
    """Bonett and Price's interval and McNemar's exact test for scores of 0 and 1."""
    n, ups, downs = len(d), int((d > 0).sum()), int((d < 0).sum())
    # One pair is lent to each side (Bonett and Price): where few pairs differ, the plain interval is far too short.
    up, down = (ups + 1) / (n + 2), (downs + 1) / (n + 2)
    reach = float(special.ndtri((1 + about.level) / 2)) * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    # Pairs that agree say nothing of the direction: McNemar's test is a sign test of the others.
    fewer, differing = min(ups, downs), ups + downs
    interval = (max(up - down - reach, -1.0), min(up - down + reach, 1.0))
    how = "adjusted Wald of paired shares; exact McNemar p"
    p_value = min(1.0, 2 * float(special.bdtr(fewer, differing, 0.5))) if differing else 1.0
    return replace(about, se=math.sqrt(mean.variance), interval=interval, interval_method=how, p_value=p_value)


def _joined(a: Scores, b: Scores) -> tuple[list[Hashable], Floats, Floats, int]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        both = sorted(a.keys() & b.keys(), key=repr)
        if not both:
            raise DataError(
                f"no unit is on both sides (a has e.g. {next(iter(a), None)!r}, b {next(iter(b), None)!r}); "
                "use the same names on both"
            )
        first, second = (numbers([a[u] for u in both], "scores of a"), numbers([b[u] for u in both], "scores of b"))
        return both, first, second, len(a) + len(b) - 2 * len(both)
    if isinstance(a, Mapping) or isinstance(b, Mapping):
        raise DataError("one side is keyed by unit and the other is not; give both in the same form")
    first, second = numbers(a, "scores of a"), numbers(b, "scores of b")
    if len(first) != len(second):
        raise DataError(
            f"{len(first)} scores of a and {len(second)} of b; pairs need the same units in the same order, or "
            "mappings of unit to score"
        )
    return list(range(len(first))), first, second, 0
