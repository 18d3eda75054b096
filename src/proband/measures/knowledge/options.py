"""How alike a model's probabilities of the options are before and after an intervention."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from proband.errors import DataError, DesignError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.agreement.intervals import mean_interval
from proband.measures.arrays import Bools, Floats
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.shares import wilson_interval

Method = Literal["standard", "ren2024"]
Direction = Literal["before_after", "after_before"]
OptionScore = Literal["rank", "dense_rank", "kl", "reverse_kl", "js", "agreement"]
Probs = Mapping[str, Floats]
Clusters = Sequence[Hashable]

_MIN_ITEMS = 10
_FEW_ITEMS = 50
_SAFE_DF = 19
_SAME_ITEMS = "both models saw the same items in the same format: a change of prompt or template counts as change"


def option_rank_consistency(
    before: ArrayLike,
    after: ArrayLike,
    method: Method = "standard",
    *,
    cluster: Clusters | None = None,
    level: float = 0.95,
    target: Target = "model",
) -> Estimate:
    """Mean over items of the rank correlation of the options' probabilities before and after.

    "standard": Spearman's correlation of each item, ties at their mean rank; items where one side gives all options
    the same probability have none and are left out, counted. "ren2024" reproduces the code of the paper: Pearson's
    correlation of *dense* ranks (ties share a rank and leave no gap), undefined items counted as 0.

    Ranks ignore margins, so a change between two near-equal options counts like one between extremes: show
    `top_option_agreement`, `mean_kl` and accuracy beside it, and as a ceiling the same statistic between two prompts
    or two option orders of the *same* model. With 4 options unrelated ranks give 0 with a standard deviation of .577
    an item (1 / sqrt(K - 1)); with 2 options it is only whether the better option stayed the better one.

    Parameters
    ----------
    before, after : array_like, shape (n_items, n_options) or (n_items, n_orders, n_options)
        Probabilities of the options as written, in the same order; several orders of showing them are averaged first.
        NaN, on both sides, for options an item does not have.
    method : {"standard", "ren2024"}
        See above.
    cluster : sequence, shape (n_items,), optional
        What items share (a subject matter, a text); the interval then speaks of more such clusters.
    level, target : float, {"model", "human", "data"}
        Confidence level; whom the mean describes.

    Returns
    -------
    Estimate
        -1 to 1; NaN with its reason where no item has a correlation. Score interval of a bounded mean, with the
        standard error over items, or CR2 over clusters; none below 10 items.

    Raises
    ------
    DesignError
        If `method` is unknown or items have fewer than 2 options.
    DataError, MissingDataError
        If shapes differ or a probability is negative or infinite; if a probability is missing on one side only.

    References
    ----------
    Ren et al. (2024), Learning or Self-aligning?, ACL 2024, 6090-6105. arXiv:2402.18243

    Examples
    --------
    >>> before, after = [[0.4, 0.4, 0.1, 0.1], [0.6, 0.2, 0.15, 0.05]], [[0.6, 0.2, 0.15, 0.05]] * 2
    >>> round(option_rank_consistency(before, after, "ren2024"), 4)
    0.9472
    """
    if method not in get_args(Method):
        raise DesignError(f"method {method!r} is none of {', '.join(get_args(Method))}")
    p, q = _option_tables(before, after)
    r = _row_correlations(p, q, ties="average" if method == "standard" else "dense")
    undefined = np.isnan(r)
    warnings = []
    if method == "ren2024":
        r = np.where(undefined, 0.0, r)
        warnings.append("dense ranks and 0 for undefined items, as in the paper's code; 'standard' is Spearman's")
        kept = np.ones(len(r), dtype=np.bool_)
    else:
        kept = ~undefined
    if undefined.any():
        fate = "counted as 0" if method == "ren2024" else "left out"
        warnings.append(f"{int(undefined.sum())} of {len(r)} items have equal probabilities throughout: {fate}")
    if (np.isfinite(p).sum(axis=1) == 2).all():
        warnings.append("two options: this is only how often the better option stayed the better one")
    what = f"mean rank correlation of option probabilities over items ({method})"
    if not kept.any():
        return _undefined(what, target, len(r), "no item ranks its options on both sides")
    found = _mean_over_items(r, kept, what, is_bounded=True, cluster=cluster, level=level, target=target)
    baselines = {"unrelated ranks": 0.0}
    return replace(found, baselines=baselines, warnings=(*warnings, *found.warnings))


def top_option_agreement(
    before: ArrayLike,
    after: ArrayLike,
    *,
    cluster: Clusters | None = None,
    level: float = 0.95,
    target: Target = "model",
) -> Estimate:
    """Share of items whose most probable option is the same before and after.

    Parameters
    ----------
    before, after, cluster, level, target
        As in `option_rank_consistency`. Items with a tie for the first place on a side are left out, counted.

    Returns
    -------
    Estimate
        Wilson's interval over items, or the score interval over clusters; `baselines` holds the share that unrelated
        choices would give, from how often each place in the list is chosen on either side.

    Raises
    ------
    DataError, MissingDataError, DesignError
        As in `option_rank_consistency`.

    Examples
    --------
    >>> print(top_option_agreement([[0.7, 0.3], [0.4, 0.6], [0.8, 0.2]], [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3]]))
    0.667 [0.208, 0.939]
    """
    p, q = _option_tables(before, after)
    tops = _tops(p), _tops(q)
    clear = (tops[0].sum(axis=1) == 1) & (tops[1].sum(axis=1) == 1)
    n = int(clear.sum())
    what = "share of items whose most probable option stayed the same"
    if not n:
        return _undefined(what, target, len(p), "every item has a tie for its most probable option")
    same = (tops[0] & tops[1])[clear].any(axis=1)
    by_chance = float(tops[0][clear].mean(axis=0) @ tops[1][clear].mean(axis=0))
    share = float(same.mean())
    ties: tuple[str, ...] = (
        (f"{len(p) - n} of {len(p)} items tie for the first place and are left out",) if n < len(p) else ()
    )
    interval: tuple[float, float] | None = wilson_interval(share, n, level)
    method, n_clusters = "Wilson over items", None
    if cluster is not None:
        of_items = list(cluster)
        if len(of_items) != len(p):
            raise DataError(f"{len(of_items)} cluster labels for {len(p)} items; give every item its cluster")
        over = clustered_mean(same, [of_items[k] for k in np.flatnonzero(clear)], level=level)
        interval, method, n_clusters, ties = over.interval, over.interval_method, over.n_clusters, ties + over.warnings
    return Estimate(
        value=share,
        interval=interval,
        level=level,
        interval_method=method,
        n_clusters=n_clusters,
        estimand=what,
        target=target,
        n_units=n,
        n_missing=len(p) - n,
        baselines={"unrelated choices": by_chance},
        assumptions=(_SAME_ITEMS,),
        warnings=ties,
    )


def mean_kl(
    before: ArrayLike,
    after: ArrayLike,
    direction: Direction,
    base: Literal["e"] | float,
    *,
    cluster: Clusters | None = None,
    level: float = 0.95,
    target: Target = "model",
) -> Estimate:
    """Mean over items of the Kullback-Leibler divergence between the options' probabilities.

    "before_after" is KL(before || after), the paper's; "after_before" the reverse. It depends on how sharp the
    probabilities are: chat tuning alone raises it, so match temperatures first and show the distance between two
    prompts of the same model as its floor. Nothing is smoothed.

    Parameters
    ----------
    before, after, cluster, level, target
        As in `option_rank_consistency`; every item's probabilities sum to 1.
    direction : {"before_after", "after_before"}
        Which side is the truth that the other stands in for.
    base : "e" or float
        Nats, or the base of the logarithm (2 for bits).

    Returns
    -------
    Estimate
        At least 0; infinite, without interval, as soon as one item has probability 0 where the other side has not.
        The interval is that of t on the logarithm of the mean; somewhat short below 50 items, of which a warning
        tells.

    Raises
    ------
    DesignError
        If `direction` or `base` is unknown.
    DataError, MissingDataError
        As in `option_rank_consistency`, and if an item's probabilities do not sum to 1.

    References
    ----------
    Kullback & Leibler (1951), Ann. Math. Statist. 22, 79-86. doi:10.1214/aoms/1177729694

    Examples
    --------
    >>> round(mean_kl([[0.6, 0.2, 0.15, 0.05]], [[0.5, 0.3, 0.15, 0.05]], "before_after", "e"), 4)
    0.0283
    """
    if direction not in get_args(Direction):
        raise DesignError(f"direction {direction!r} is none of {', '.join(get_args(Direction))}")
    if base != "e" and (isinstance(base, str) or not base > 1):
        raise DesignError(f"base {base!r} of the logarithm must be 'e' or a number above 1")
    p, q = _option_tables(before, after)
    for name, side in (("before", p), ("after", q)):
        off = np.abs(np.nansum(side, axis=1) - 1) > 1e-6
        if off.any():
            first = int(off.argmax())
            raise DataError(
                f"{name}: item {first} sums to {np.nansum(side[first]):.6g}, not 1; divide by the sum, and report "
                "the mass outside the options"
            )
    divergence = row_scores(p, q, "kl" if direction == "before_after" else "reverse_kl")
    divergence /= 1.0 if base == "e" else math.log(base)
    what = f"mean Kullback-Leibler divergence over items ({direction}, base {base})"
    if endless := int(np.isinf(divergence).sum()):
        reason = f"infinite: on {endless} of {len(p)} items one side excludes an option that the other does not"
        return Estimate(
            value=math.inf,
            estimand=what,
            target=target,
            n_units=len(p),
            interval_method="none: infinite",
            assumptions=(_SAME_ITEMS,),
            warnings=(reason,),
        )
    everything = np.ones(len(p), dtype=np.bool_)
    found = _mean_over_items(
        divergence, everything, what, is_bounded=False, cluster=cluster, level=level, target=target
    )
    if found.interval is not None and len(p) < _FEW_ITEMS:
        few = f"{len(p)} items: below {_FEW_ITEMS} the interval of a mean divergence is somewhat short"
        found = replace(found, warnings=(*found.warnings, few))
    return found


def item_scores(before: Probs, after: Probs, statistic: OptionScore) -> dict[str, float]:
    """One statistic for every question that both sides have.

    `before`, `after` (n_options,): probabilities of the options as written. `statistic`: Spearman's correlation (NaN
    where a side is constant); Pearson's of dense ranks (0 there), as the paper's code; KL(before || after), KL(after
    || before) and Jensen-Shannon divergence in nats; 1 where the most probable option is the same (NaN at a tie for
    it).

    Examples
    --------
    >>> import numpy as np
    >>> p, q = {"q": np.array([0.6, 0.2, 0.15, 0.05])}, {"q": np.array([0.5, 0.3, 0.15, 0.05])}
    >>> round(item_scores(p, q, "kl")["q"], 6)
    0.0283
    """
    ids = [id for id in before if id in after]
    if not ids:
        return {}
    p, q = padded([before[id] for id in ids]), padded([after[id] for id in ids])
    return dict(zip(ids, row_scores(p, q, statistic).tolist(), strict=True))


def row_scores(p: Floats, q: Floats, statistic: OptionScore) -> Floats:
    """A statistic of `item_scores` for every row of two tables of probabilities."""
    if statistic == "rank":
        return _row_correlations(p, q, ties="average")
    if statistic == "dense_rank":
        return np.nan_to_num(_row_correlations(p, q, ties="dense"))
    if statistic == "agreement":
        first, second = _tops(p), _tops(q)
        is_clear = (first.sum(axis=1) == 1) & (second.sum(axis=1) == 1)
        return np.where(is_clear, (first & second).any(axis=1), math.nan)
    p, q = np.nan_to_num(p), np.nan_to_num(q)
    scores: Floats
    if statistic == "js":
        mean = (p + q) / 2
        scores = (special.rel_entr(p, mean) + special.rel_entr(q, mean)).sum(axis=1) / 2
    else:
        scores = special.rel_entr(*((q, p) if statistic == "reverse_kl" else (p, q))).sum(axis=1)
    return np.maximum(scores, 0.0)


def _tops(p: Floats) -> Bools:
    found: Bools = np.nanmax(p, axis=1, keepdims=True) == p
    return found


def _mean_over_items(
    values: Floats, kept: Bools, what: str, *, is_bounded: bool, cluster: Clusters | None, level: float, target: Target
) -> Estimate:
    used = values[kept]
    if cluster is not None and len(cluster) != len(values):
        raise DataError(f"{len(cluster)} cluster labels for {len(values)} items; give every item its cluster")
    labels = range(len(used)) if cluster is None else [cluster[k] for k in np.flatnonzero(kept).tolist()]
    if len(used) < _MIN_ITEMS:
        return Estimate(
            value=float(used.mean()),
            target=target,
            n_units=len(used),
            interval_method=f"none: {len(used)} items",
            assumptions=(_SAME_ITEMS,),
            warnings=(f"no interval: {len(used)} items; use at least {_MIN_ITEMS}",),
            estimand=what,
            n_missing=int((~kept).sum()),
        )
    found = clustered_mean(used, list(labels), is_share=False, target=target, level=level)
    if found.interval is not None and found.se is not None and found.df is not None:
        over = "items" if cluster is None else "clusters (CR2)"
        how = "score interval of a bounded mean" if is_bounded else "t on the logarithm of the mean"
        limits = (mean_interval if is_bounded else _positive_interval)(found.value, found.se, found.df, level)
        few = f"{found.df:.0f} degrees of freedom: below {_SAFE_DF} the interval may be some points short"
        method = f"{how}, over {over}, {found.df:.1f} df"
        warnings = (*found.warnings, few) if is_bounded and found.df < _SAFE_DF else found.warnings
        found = replace(found, interval=limits, interval_method=method, warnings=warnings)
    if cluster is None:
        found = replace(found, n_clusters=None)
    # clustered_mean tests a mean of 0, which is no hypothesis here.
    return replace(
        found,
        estimand=what,
        n_missing=int((~kept).sum()),
        statistic=None,
        df=None,
        p_value=None,
        assumptions=(*found.assumptions, _SAME_ITEMS),
    )


def _positive_interval(mean: float, se: float, df: float, level: float) -> tuple[float, float]:
    """Interval of a mean of positive, right-skewed numbers, symmetric for its logarithm."""
    reach = float(special.stdtrit(df, (1 + level) / 2)) * se / mean
    return mean * math.exp(-reach), mean * math.exp(reach)


def padded(rows: Sequence[Floats]) -> Floats:
    """Rows of unequal length as one table, NaN at their ends."""
    sizes = {len(row) for row in rows}
    if len(sizes) == 1:
        return np.stack(rows)
    filled = np.full((len(rows), max(sizes)), math.nan)
    for k, row in enumerate(rows):
        filled[k, : len(row)] = row
    return filled


def _row_correlations(p: Floats, q: Floats, ties: Literal["average", "dense"]) -> Floats:
    """Pearson's correlation of the ranks in every row; NaN where a side is constant."""
    # Leaving out NaN takes scipy a call a row; tables where all questions have the same options have none.
    policy = "omit" if np.isnan(p).any() else "propagate"
    a, b = (stats.rankdata(side, method=ties, axis=1, nan_policy=policy) for side in (p, q))
    a, b = (np.nan_to_num(side - np.nanmean(side, axis=1, keepdims=True)) for side in (a, b))
    squares = (a**2).sum(axis=1) * (b**2).sum(axis=1)
    r: Floats = np.divide((a * b).sum(axis=1), np.sqrt(squares), out=np.full(len(a), math.nan), where=squares > 0)
    return r


def _option_tables(before: ArrayLike, after: ArrayLike) -> tuple[Floats, Floats]:
    tables = []
    for name, given in (("before", before), ("after", after)):
        try:
            table = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{name} must be a table of probabilities, shape (n_items, n_options); fill rows of items with fewer "
                "options with NaN"
            ) from error
        if table.ndim not in (2, 3) or not table.size:
            raise DataError(f"{name} has shape {table.shape}; expected (n_items[, n_orders], n_options)")
        if (table < 0).any() or np.isinf(table).any():
            raise DataError(f"{name} has a negative or infinite probability; convert log-probabilities first")
        tables.append(table.mean(axis=1) if table.ndim == 3 else table)
    p, q = tables
    if p.shape != q.shape:
        raise DataError(f"before has shape {p.shape} and after {q.shape} (items, options); they must be the same items")
    if (apart := (np.isnan(p) != np.isnan(q)).any(axis=1)).any():
        raise MissingDataError(
            f"item {int(apart.argmax())} has a probability on one side only; ask again, or leave the item out"
        )
    if (np.isfinite(p).sum(axis=1) < 2).any():
        raise DesignError("an item has fewer than 2 options; leave it out")
    return p, q


def _undefined(what: str, target: Target, n_missing: int, reason: str) -> Estimate:
    return Estimate(value=math.nan, estimand=what, target=target, n_units=0, n_missing=n_missing, warnings=(reason,))
