"""Scores of texts beside scales: correlations with their intervals, and what several methods say of several traits."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite
from proband.measures.experiments.outcomes import Labels, coded
from proband.measures.reliability.intervals import FISHER, MIN_SUBJECTS, jackknife_interval, tail_warnings

Same = Literal["trait", "method", "neither"]


def clustered_correlation(
    x: ArrayLike, y: ArrayLike, *, cluster: Labels | None = None, target: Target = "data", level: float = 0.95
) -> Estimate:
    """Correlation of two numbers of the same documents or people, with an interval over what is independent.

    Parameters
    ----------
    x, y : array_like, shape (n_units,)
        E.g. scores made of texts, out of sample, and scores of a scale.
    cluster : sequence, optional
        What each belongs to (its author); by default each stands for itself.
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Returns
    -------
    Estimate
        Pearson's r; interval by leaving out one cluster at a time, on Fisher's z, from 10 clusters on. Of predictions
        by cross-validation the interval takes the fits as they are. NaN with the reason where one of the two does not
        vary.

    Raises
    ------
    DataError, MissingDataError, DesignError
        If values are no finite numbers, or lengths differ; if one is missing; if there are fewer than 3.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 11. doi:10.1007/978-1-4899-4541-9

    Examples
    --------
    >>> round(clustered_correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]), 2)
    0.8
    """
    u, v = finite(x, "values of x"), finite(y, "values of y")
    if len(u) != len(v):
        raise DataError(f"{len(u)} values of x for {len(v)} of y; give both of every unit")
    if len(u) < 3:
        raise DesignError(f"{len(u)} units; a correlation needs at least 3")
    codes, labels = coded(list(range(len(u))) if cluster is None else cluster, "cluster")
    if len(codes) != len(u):
        raise DataError(f"{len(codes)} cluster labels for {len(u)} units; give every one its cluster")
    shared = {"estimand": "correlation", "target": target, "level": level, "n_units": len(u)}
    # In units of their largest size, so that squares stay in range.
    a, b = (w / max(float(np.abs(w).max()), 1e-300) for w in (u, v))
    a, b = a - a.mean(), b - b.mean()
    if min(float((a**2).sum()), float((b**2).sum())) < 1e-20 * len(u):
        return Estimate(value=math.nan, warnings=("one of the two does not vary: no correlation",), **shared)  # type: ignore[arg-type]
    sums = np.stack([np.bincount(codes, w) for w in (np.ones(len(a)), a, b, a * a, b * b, a * b)])
    r = _r(sums.sum(axis=1))
    m = len(labels)
    interval = None
    if m >= MIN_SUBJECTS:
        interval = jackknife_interval(float(r), _r(sums.sum(axis=1)[:, None] - sums), FISHER, level)
        how = f"leaving out one of {m}, on Fisher's z, t with {m - 1} df" if interval else "none: it hangs on one unit"
    else:
        how = f"none: {m} independent units; {MIN_SUBJECTS} are needed"
    return Estimate(
        value=float(r),
        interval=interval,
        interval_method=how,
        n_clusters=m if m < len(u) else None,
        warnings=tail_warnings(a / a.std() + b / b.std()) if interval else (),
        **shared,  # type: ignore[arg-type]
    )


def _r(sums: Floats) -> Floats:
    """Correlation from n, sums, squares and products along the first axis."""
    n, a, b, aa, bb, ab = sums
    with np.errstate(all="ignore"):
        found: Floats = np.clip((ab - a * b / n) / np.sqrt((aa - a * a / n) * (bb - b * b / n)), -1.0, 1.0)
    return found


def disattenuated(r: Estimate, reliabilities: Sequence[float | Estimate]) -> Estimate:
    """Correlation that there would be without the errors of measurement that reliabilities tell of.

    ``r / sqrt(product of the reliabilities)``. Its interval is that of `r` divided by the same number: it takes the
    reliabilities as known. Where a reliability is too low, as alpha is where items differ, it comes out too high.

    Parameters
    ----------
    r : Estimate
        A correlation.
    reliabilities : sequence of float or Estimate
        Of one of the two or of both, each above 0 and at most 1. Of a score that predicts, leave its own out: how
        little a text says of a trait is the finding.

    Raises
    ------
    DesignError
        If none is given, or one is not above 0 and at most 1.

    References
    ----------
    Spearman (1904), Am. J. Psychol. 15, 72-101. doi:10.2307/1412159

    Examples
    --------
    >>> r = clustered_correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    >>> round(disattenuated(r, [0.81]), 3)
    0.889
    """
    values = [float(one) for one in reliabilities]
    if not values or not all(0 < one <= 1 for one in values):
        raise DesignError(f"reliabilities are {values}; give one or more above 0 and at most 1")
    by = math.sqrt(math.prod(values))
    warnings = [*r.warnings]
    if r.value / by > 1:
        warnings.append("above 1: the reliability is too low for this correlation, or both rest on few units")
    return replace(
        r,
        value=r.value / by,
        interval=None if r.interval is None else (r.interval[0] / by, r.interval[1] / by),
        estimand=f"{r.estimand} without errors of measurement",
        assumptions=(*r.assumptions, "reliabilities are known without error"),
        warnings=tuple(warnings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodPair:
    """Two scores of the same people.

    - `first`, `second`: their names.
    - `same`: what they share: "trait" (convergent validity: one trait by two methods), "method" (two traits by one),
      or "neither".
    - `correlation`: over those who have both.
    """

    first: str
    second: str
    same: Same
    correlation: Estimate


def multitrait_multimethod(
    scores: Mapping[str, ArrayLike],
    traits: Mapping[str, str],
    methods: Mapping[str, str],
    *,
    cluster: Labels | None = None,
    target: Target = "data",
    level: float = 0.95,
) -> tuple[MethodPair, ...]:
    """Correlations of scores of several traits by several methods: scale, open text, interview.

    Parameters
    ----------
    scores : mapping of str to array_like, shape (n_units,)
        By name; None or NaN where somebody has none.
    traits, methods : mapping of str to str
        Of each score: what it is a score of, and how it was got.
    cluster : sequence, optional
        What each unit belongs to; by default each stands for itself.
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Returns
    -------
    tuple of MethodPair
        Those of one trait first, then of one method, then the rest; each as `clustered_correlation` gives it, with
        `n_missing`. Convergent correlations should be above all others in their rows and columns.

    Raises
    ------
    DataError, DesignError
        If lengths differ, a score has no trait or method, or there are fewer than two scores.

    References
    ----------
    Campbell & Fiske (1959), Psychol. Bull. 56, 81-105. doi:10.1037/h0046016

    Examples
    --------
    >>> found = multitrait_multimethod({"a": [1, 2, 3, 4], "b": [1, 3, 2, 4]}, {"a": "joy", "b": "joy"},
    ...                                {"a": "scale", "b": "text"})
    >>> found[0].same, round(found[0].correlation, 2)
    ('trait', 0.8)
    """
    if len(scores) < 2:
        raise DesignError(f"{len(scores)} score; a table of methods needs two at least")
    for name in scores:
        if name not in traits or name not in methods:
            raise DataError(f"score {name!r} has no trait or no method; say what it is of, and how it was got")
    columns = {name: np.array([np.nan if v is None else v for v in np.asarray(values, dtype=object).ravel()], float)
               for name, values in scores.items()}  # fmt: skip
    if len(sizes := {len(column) for column in columns.values()}) > 1:
        raise DataError(f"scores of {' and '.join(map(str, sorted(sizes)))} units; give all of the same units")
    labels: Sequence[object] = list(range(sizes.pop())) if cluster is None else list(cluster)
    found = []
    for a, b in itertools.combinations(scores, 2):
        both = ~(np.isnan(columns[a]) | np.isnan(columns[b]))
        of = [label for label, has in zip(labels, both, strict=True) if has]
        r = clustered_correlation(columns[a][both], columns[b][both], cluster=of, target=target, level=level)
        same: Same = "trait" if traits[a] == traits[b] else "method" if methods[a] == methods[b] else "neither"
        found.append(MethodPair(first=a, second=b, same=same, correlation=replace(r, n_missing=int((~both).sum()))))
    return tuple(sorted(found, key=lambda pair: ("trait", "method", "neither").index(pair.same)))
