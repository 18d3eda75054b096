"""Strata: how many people are worth labelling, whom to label, and how to weigh those who were."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats, Ints
from proband.measures.correction.estimates import FEWEST_LABELS, Limits, no_interval, share_limits, t_limits
from proband.measures.correction.samples import Codes, numbers, read_side
from proband.measures.correction.tuning import t_reach
from proband.measures.correction.weightless import counted, cut, said_of


def effective_n(n: float, N: float, rho: float) -> Estimate:
    """Human answers that n answers and N more predictions are worth, ``n (n + N) / (n + (1 - rho^2) N)``.

    At most ``n / (1 - rho^2)``, however many predictions: a correlation of .3 buys at most 10 per cent. With a
    negative correlation PPI++ leaves the model out, so n answers are worth n.

    Parameters
    ----------
    n, N : float
        Labelled people, positive; unlabelled people with predictions, at least 0.
    rho : float
        Correlation of human answers and predictions, between -1 and 1.

    Returns
    -------
    Estimate
        In human answers; a property of the design, without interval.

    Raises
    ------
    DesignError
        If an argument is out of range.

    References
    ----------
    Broska, Howes & van Loon (2024), The mixed subjects design. SocArXiv j3bnt.

    Examples
    --------
    >>> round(effective_n(100, 1000, 0.5), 2)
    129.41
    """
    if not (math.isfinite(n) and n > 0) or not N >= 0 or not -1 <= rho <= 1:
        raise DesignError(f"n = {n}, N = {N}, rho = {rho}: n is positive, N at least 0, rho between -1 and 1")
    unexplained = 1 - max(rho, 0.0) ** 2
    ceiling = n / unexplained if unexplained else math.inf
    value = ceiling if math.isinf(N) else n * (n + N) / (n + unexplained * N)
    said = f"the correlation is {rho:g}: the model would be left out, and buys nothing"
    return Estimate(
        value=value,
        estimand="human answers that would give the same precision without the model",
        target="human",
        n_units=round(n),
        interval_method="none: a property of the design",
        baselines={"human answers only": n, "with endless predictions": ceiling},
        assumptions=("lambda is the best one; estimating it costs a little more",),
        warnings=(said,) if rho <= 0 else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAllocation:
    """Whom to ask: how many of each stratum, with which probability.

    - `labels` (mapping of stratum to int): people to label.
    - `probabilities` (n_units,): each unit's probability of being labelled; those of the chosen go into `dsl_mean`.
    - `expected_se`, `proportional_se`: standard error to expect of the mean, with this allocation and with one in
      proportion to stratum sizes.
    - `warnings`: what the plan rests on that may not hold.
    """

    labels: Mapping[Hashable, int]
    probabilities: Floats
    expected_se: float
    proportional_se: float
    warnings: tuple[str, ...]
    _strata: Codes

    def draw(self, rng: np.random.Generator) -> Ints:
        """Positions of the people to label, rising; a random sample within each stratum."""
        chosen = [
            rng.choice(np.flatnonzero(self._strata == h), size, replace=False)
            for h, size in enumerate(self.labels.values())
        ]
        return np.sort(np.concatenate(chosen))


def allocate_labels(
    strata: Sequence[Hashable],
    residual_sd: Mapping[Hashable, float],
    *,
    n_labels: int,
    costs: Mapping[Hashable, float] | None = None,
    fewest: int = 2,
) -> LabelAllocation:
    """Which people to label, so that a mean corrected by predictions is as precise as can be (Neyman).

    ``n_h`` in proportion to ``N_h S_h / sqrt(c_h)``: more where there are more people, where the model is less
    reliable and where asking is cheap. S_h is the standard deviation of ``y - lambda f``, what the predictions leave
    unexplained, not that of y; take it from a pilot of at least 10 people a stratum.

    Parameters
    ----------
    strata : sequence, length n_units
        Stratum of each person that could be labelled.
    residual_sd : mapping of stratum to float
        S_h, at least 0, one of them positive.
    n_labels : int
        People to label in all.
    costs : mapping of stratum to float, optional
        Cost of one label, positive; default equal.
    fewest : int
        Labels that every stratum gets (or all its people, if fewer); below 2 its variance is unknown.

    Returns
    -------
    LabelAllocation

    Raises
    ------
    DesignError
        If there are fewer labels than `fewest` for each stratum, or more than people; if a stratum has no S_h.

    References
    ----------
    Neyman (1934), J. R. Stat. Soc. 97, 558-625. doi:10.2307/2342192

    Examples
    --------
    >>> plan = allocate_labels(["old"] * 60 + ["young"] * 40, {"old": 0.1, "young": 0.3}, n_labels=30)
    >>> dict(plan.labels), plan.draw(np.random.default_rng(1)).size
    ({'old': 10, 'young': 20}, 30)
    """
    names, codes = strata_codes(strata)
    sizes = np.bincount(codes, minlength=len(names))
    sd = _by_stratum(residual_sd, names, "residual_sd")
    cost = np.ones(len(names)) if costs is None else _by_stratum(costs, names, "costs")
    floor = np.minimum(sizes, fewest)
    if fewest < 1 or not floor.sum() <= n_labels <= sizes.sum():
        raise DesignError(
            f"{n_labels} labels for {sizes.sum()} people in {len(names)} strata with at least {fewest} each; "
            f"n_labels must lie between {floor.sum()} and {sizes.sum()}"
        )
    if (sd < 0).any() or not sd.any() or (cost <= 0).any():
        raise DesignError(
            "residual_sd must be at least 0 with one positive, and costs positive; a pilot in which every residual is "
            "the same is too small to plan with"
        )
    labels = _rounded(sizes * sd / np.sqrt(cost), floor, sizes, n_labels)
    proportional = _rounded(sizes.astype(float), floor, sizes, n_labels)
    return LabelAllocation(
        labels={name: int(count) for name, count in zip(names, labels, strict=True)},
        probabilities=(labels / sizes)[codes],
        expected_se=_stratified_se(sizes, sd, labels),
        proportional_se=_stratified_se(sizes, sd, proportional),
        warnings=tuple(
            f"stratum {name!r}: residual_sd 0, so it gets {count} labels; a pilot may have missed its errors"
            for name, count, s in zip(names, labels, sd, strict=True)
            if s == 0
        ),
        _strata=codes,
    )


def _rounded(wanted: Floats, floor: Codes, ceiling: Codes, total: int) -> NDArray[np.int64]:
    """Whole numbers in proportion to `wanted`, within bounds, that sum to `total` (largest remainders)."""
    wanted = np.where(wanted > 1e-12 * wanted.max(), wanted / wanted.max(), 0.0)
    low, high = 0.0, float((ceiling / np.where(wanted > 0, wanted, np.inf)).max())
    for _ in range(200):
        middle = (low + high) / 2
        if np.clip(middle * wanted, floor, ceiling).sum() > total:
            high = middle
        else:
            low = middle
    exact = np.clip(low * wanted, floor, ceiling)
    counts: NDArray[np.int64] = np.floor(exact + 1e-9).astype(np.int64)
    # Where wants of 0 hold the labels down, those left over go to whoever has room.
    while (short := total - int(counts.sum())) > 0:
        order = np.lexsort((-wanted, -(exact - counts), counts >= ceiling))
        open_ = order[counts[order] < ceiling[order]][:short]
        counts[open_] += 1
    return counts


def _stratified_se(sizes: NDArray[np.int_], sd: Floats, labels: NDArray[np.int64]) -> float:
    share = sizes / sizes.sum()
    return math.sqrt(float((share**2 * sd**2 / labels).sum()))


def _by_stratum(values: Mapping[Hashable, float], names: Sequence[Hashable], what: str) -> Floats:
    missing = [name for name in names if name not in values]
    if missing:
        raise DesignError(f"{what} has no value for stratum {missing[0]!r}; give one for each of {len(names)} strata")
    return numbers([values[name] for name in names], what)


def strata_codes(strata: Sequence[Hashable]) -> tuple[list[Hashable], Codes]:
    """Strata in the order they appear, and the stratum of each unit as a number."""
    number: dict[Hashable, int] = {}
    codes = [number.setdefault(stratum, len(number)) for stratum in strata]
    if not codes:
        raise DataError("no units, so no strata; give one stratum per unit")
    return list(number), np.array(codes, dtype=np.intp)


def poststratify(
    answers: ArrayLike,
    strata: Sequence[Hashable],
    *,
    population: Mapping[Hashable, float],
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Population mean from stratum means weighted by the strata's known sizes, ``sum_g (N_g / N) mean_g``.

    Corrects a sample in which some groups are too many or too few, as far as people of a group who answered are
    like those who did not. The variance is that given the group sizes, ``sum_g (N_g / N)^2 s_g^2 / n_g``. Means: t
    interval with Welch-Satterthwaite degrees of freedom; shares (0/1 answers): Wilson's score interval.

    Predictions of a model may help to form groups or go into `ppi_mean`; they are no answers to average here.

    Parameters
    ----------
    answers : array_like, shape (n,)
        Human answers.
    strata : sequence, length n
        Group of each person.
    population : mapping of group to float
        Size or share of every group in the population; only their ratios count.
    weights : array_like, shape (n,), optional
        Survey weights within groups; people of weight 0 stand for nobody and are left out.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Without interval below 10 people, or where a group has one person only.

    Raises
    ------
    DataError, MissingDataError
        If a group of the population has no people, or people are in a group without a size; if an answer or a weight
        is missing.

    References
    ----------
    Holt & Smith (1979), J. R. Stat. Soc. A 142, 33-46. doi:10.2307/2344652

    Examples
    --------
    >>> found = poststratify([1, 0, 1, 1], ["f", "f", "m", "m"], population={"f": 520, "m": 480})
    >>> found.value
    0.74
    """
    y, kept = numbers(answers, "answers"), counted(weights)
    if kept is not None:
        left = [cut(values, kept) for values in (y, strata, weights)]
        found = poststratify(left[0], left[1], population=population, weights=left[2], level=level)
        return replace(found, warnings=(*said_of((kept, None), who=("people", "")), *found.warnings))
    if len(strata) != y.size:
        raise DataError(f"{len(strata)} strata for {y.size} answers; give every person their stratum")
    names, codes = strata_codes(strata)
    shares = population_shares(population, names)
    side = read_side(weights, None, y.size, "labelled")
    totals = np.bincount(codes, weights=side.share)
    groups = Groups(y=y, codes=codes, share=side.share / totals[codes], population=shares)
    limits, se = _poststratified_limits(groups, level)
    return Estimate(
        value=float(shares @ groups.means),
        se=se,
        interval=limits.interval,
        level=level,
        interval_method=limits.how,
        estimand="mean of the answers in a population with these group sizes",
        target="human",
        n_units=y.size,
        baselines={"unadjusted": float(side.share @ y)},
        assumptions=("within a group, whether somebody is in the sample does not depend on the answer",),
        warnings=limits.warnings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Answers y by group: codes, shares within the group (n,), and shares of the groups in the population."""

    y: Floats
    codes: Codes
    share: Floats
    population: Floats

    @property
    def means(self) -> Floats:
        """Weighted mean of each group."""
        return np.bincount(self.codes, weights=self.share * self.y).astype(np.float64)

    def variances(self, of_unit: Floats) -> Floats:
        """Each group's part of the variance of the estimate, from the variances of single answers."""
        return self.population**2 * np.bincount(self.codes, weights=self.share**2 * of_unit)


def population_shares(population: Mapping[Hashable, float], names: Sequence[Hashable]) -> Floats:
    """Shares of the named groups in the population, given as shares or counts."""
    unknown = [name for name in names if name not in population]
    if unknown:
        raise DataError(f"people are in group {unknown[0]!r}, which has no size; add it or drop these people")
    empty = [name for name, size in population.items() if size and name not in set(names)]
    if empty:
        raise DataError(f"nobody is in group {empty[0]!r} of the population; merge it with a group of like people")
    sizes = numbers([population[name] for name in names], "population")
    if (sizes < 0).any() or not sizes.any():
        raise DataError("sizes of groups must be at least 0 and not all 0")
    shares: Floats = sizes / sizes.sum()
    return shares


def _poststratified_limits(groups: Groups, level: float) -> tuple[Limits, float | None]:
    y, codes, n = groups.y, groups.codes, groups.y.size
    sizes = np.bincount(codes)
    if (sizes < 2).any():
        said = f"{int((sizes < 2).sum())} groups have one person only, so their variance is unknown: merge groups"
        return Limits(interval=None, how="none: groups of one", warnings=(said,)), None
    parts = groups.variances((sizes / (sizes - 1))[codes] * (y - groups.means[codes]) ** 2)
    se, value = math.sqrt(float(parts.sum())), float(groups.population @ groups.means)
    if n < FEWEST_LABELS:
        return no_interval(n), se
    df = float(parts.sum() ** 2 / (parts**2 / (sizes - 1)).sum()) if se else float(n - len(sizes))
    if not np.isin(y, (0.0, 1.0)).all():
        if not se:
            said = "answers do not vary within groups: there is no interval"
            return Limits(interval=None, how="none: no variance", warnings=(said,)), se
        return t_limits(value, se, df, level), se
    units = 1 / float(groups.variances(np.ones(n)).sum())
    if 0 < value < 1:
        # A group in which all answered alike shows no variance; it is lent two answers of the others' share.
        lent = ((sizes * groups.means + 2 * value) / (sizes + 2))[codes]
        units = value * (1 - value) / float(groups.variances(lent * (1 - lent)).sum())
    return share_limits(value, units, t_reach(max(df, 1.0), level)), se
