"""Means over runs and items at once: the same questions put to models that were trained several times."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.agreement.intervals import mean_interval
from proband.measures.arrays import Floats
from proband.measures.shares import score_interval

Scale = Literal["share", "share difference", "correlation", "positive", "difference"]
_MIN_ITEMS = 10
_FEW_DF = 4.0
_FEW_RUNS = 2.5  # degrees of freedom between those of three runs and of four
_LIMITS: Mapping[str, tuple[float, float]] = {
    "share": (0.0, 1.0),
    "share difference": (-1.0, 1.0),
    "correlation": (-1.0, 1.0),
    "positive": (0.0, math.inf),
    "difference": (-math.inf, math.inf),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Scores of some runs on some items."""

    name: str  # of the stratum, e.g. the domain
    items: tuple[str, ...]  # columns
    scores: Floats  # (n_runs, n_items): complete and finite
    n_missing: int = 0  # items left out because a run has no score there

    def minus(self, other: "Table") -> "Table":
        """Differences run by run on the items that both have; a single run is set against every other."""
        both = tuple(item for item in self.items if item in set(other.items))
        if not both:
            raise DataError(f"{self.name}: the two sides share no item, so nothing can be compared")
        if min(len(self.scores), len(other.scores)) > 1 and len(self.scores) != len(other.scores):
            raise DesignError(f"{self.name}: {len(self.scores)} runs against {len(other.scores)}; pair them by seed")
        mine, theirs = (side.scores[:, [side.items.index(i) for i in both]] for side in (self, other))
        lost = len(set(self.items) ^ set(other.items)) + max(self.n_missing, other.n_missing)
        return replace(self, items=both, scores=mine - theirs, n_missing=lost)


def table(name: str, runs: Sequence[Mapping[str, float]]) -> Table:
    """Scores by run and item; items that a run lacks, or where its score is undefined, are left out and counted.

    Raises DataError if no item is left.
    """
    defined = [{item for item, score in run.items() if math.isfinite(score)} for run in runs]
    everything = dict.fromkeys(item for run in runs for item in run)
    items = tuple(item for item in everything if all(item in run for run in defined))
    if not items:
        raise DataError(f"{name}: no item was scored in all {len(runs)} runs; evaluate the missing ones again")
    scores = np.array([[run[item] for item in items] for run in runs], dtype=np.float64)
    return Table(name=name, items=items, scores=scores, n_missing=len(everything) - len(items))


def crossed_mean(tables: Sequence[Table], scale: Scale, *, estimand: str, level: float = 0.95) -> Estimate:
    """Mean over runs and items, equal for every table, with an interval for other runs *and* other items.

    Runs and items are crossed: a question that is hard is hard for every run, and a run that went badly is bad on
    every question, so neither alone is the unit. Within a table with S runs, I items, and mean squares MS of runs,
    items and residual, the variance of the mean is ``MS_items / (S I)`` for items plus
    ``(MS_runs - MS_residual) / (S I)``, at least 0, for runs; with two or three runs in all, too few to tell a run
    effect from none, the residual stays in. Tables (domains) are strata: their runs are independent, and items that
    several tables share are one unit. The quantile of t is that of items (many degrees of freedom) and that of runs
    (few), weighted by the two parts' variances, so a run effect seen in three runs widens the interval as three runs
    deserve.

    Parameters
    ----------
    tables : sequence of Table
        One per stratum.
    scale : {"share", "share difference", "correlation", "positive", "difference"}
        What scores are: 0 or 1 (score interval at the effective number of items); differences of those (Bonett and
        Price's adjustment: a pair of items that differ in either direction is added to every table); between -1 and 1
        (score interval of a bounded mean); at least 0 and skewed (t on the logarithm); anything (t).
    estimand : str
        What is estimated, as a sentence.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        `n_units` counts distinct items and `n_clusters` runs. No interval below 10 items. With one run in a table
        the interval is about items only and a warning says so. Differences have a p value (of no difference), from
        the same variance as the interval.

    Raises
    ------
    DataError, DesignError
        If there is no table; if `scale` is unknown.

    References
    ----------
    Cochran & Cox (1957), Experimental Designs, 2nd ed. New York: Wiley.
    Satterthwaite (1946), Biometrics Bull. 2, 110-114. doi:10.2307/3002019
    Bonett & Price (2012), J. Educ. Behav. Stat. 37, 479-488. doi:10.3102/1076998611411915
    Wilson (1927), J. Am. Stat. Assoc. 22, 209-212. doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> runs = [{f"q{i}": float(i % 3 > 0) for i in range(30)}, {f"q{i}": float(i % 3 > 1) for i in range(30)}]
    >>> print(crossed_mean([table("history", runs)], "share", estimand="accuracy").value)
    0.5
    """
    if scale not in get_args(Scale):
        raise DesignError(f"scale {scale!r} is none of {', '.join(get_args(Scale))}")
    if not tables:
        raise DataError("no table of scores: there is nothing to average")
    value = float(np.mean([part.scores.mean() for part in tables]))
    n_items = len({item for part in tables for item in part.items})
    n_missing = sum(part.n_missing for part in tables)
    about = Estimate(
        value=value,
        estimand=estimand,
        target="model",
        n_units=n_items,
        n_clusters=sum(len(part.scores) for part in tables),
        n_missing=n_missing,
        level=level,
        assumptions=("items are a sample of such questions", "runs are a sample of such trainings"),
        warnings=(f"{n_missing} items without a score in every run are left out",) if n_missing else (),
    )
    if n_items < _MIN_ITEMS:
        return _without(about, f"{n_items} items; use at least {_MIN_ITEMS}")
    if any(part.scores.shape[1] < 2 for part in tables):
        return _without(about, "a domain has one item; use at least 2 in each")
    adjusted = [_with_pseudo_items(part) for part in tables] if scale == "share difference" else list(tables)
    found = _Variance.of(adjusted)
    centre = float(np.mean([part.scores.mean() for part in adjusted]))
    return _bounded(about, scale, centre, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variance:
    """Variance of a mean over runs and items in its two parts, each with its degrees of freedom."""

    items: float
    items_df: float
    runs: float
    runs_df: float
    has_runs: bool

    @property
    def value(self) -> float:
        return self.items + self.runs

    def df(self, level: float) -> float:
        """Degrees of freedom whose t is the two parts' t, weighted by their variances (Cochran and Cox).

        Satterthwaite's are too many where a run effect happens to look small: with two runs that differ, 95 %
        intervals then held in 88 % of simulations.
        """
        ends = [float(special.stdtrit(df, (1 + level) / 2)) for df in (self.items_df, self.runs_df)]
        share = self.runs / self.value if self.value > 0 else 0.0
        t = (1 - share) * ends[0] + share * ends[1]
        return float(special.stdtridf((1 + level) / 2, t)) if share > 0 else self.items_df

    @classmethod
    def of(cls, tables: Sequence[Table]) -> "_Variance":
        weight = 1 / len(tables)
        by_item: dict[str, float] = {}
        own, own_spread, runs, total, spread = 0.0, 0.0, 0.0, 0.0, 0.0
        for part in tables:
            s, i = part.scores.shape
            grand, means = part.scores.mean(), part.scores.mean(axis=0)
            pieces = (means - grand) * weight / i * math.sqrt(i / (i - 1))
            for item, piece in zip(part.items, pieces.tolist(), strict=True):
                by_item[item] = by_item.get(item, 0.0) + piece
            mine = float((pieces**2).sum())
            own += mine
            own_spread += mine**2 / (i - 1)
            if s > 1:
                rows = part.scores.mean(axis=1, keepdims=True)
                left = part.scores - rows - means + grand
                of_runs = weight**2 * float(((rows - grand) ** 2).sum()) / (s - 1) / s
                of_rest = weight**2 * float((left**2).sum()) / ((s - 1) * (i - 1)) / (s * i)
                runs += of_runs - of_rest
                total += of_runs
                spread += of_runs**2 / (s - 1)
        most = len(by_item) - 1.0
        runs_df = max(total**2 / spread, 1.0) if spread > 0 else most
        return cls(
            items=sum(piece**2 for piece in by_item.values()),
            items_df=max(min(own**2 / own_spread, most), 1.0) if own_spread > 0 else most,
            # On one or two degrees of freedom a run effect is often estimated as none: nothing is taken off.
            runs=max(runs, 0.0) if runs_df > _FEW_RUNS else total,
            runs_df=runs_df,
            has_runs=all(len(part.scores) > 1 for part in tables),
        )


def _bounded(about: Estimate, scale: Scale, centre: float, found: _Variance) -> Estimate:
    """The estimate with its interval on the scale that its scores have."""
    se, df = math.sqrt(found.value), found.df(about.level)
    t = float(special.stdtrit(df, (1 + about.level) / 2))
    warnings = list(about.warnings)
    if not found.has_runs:
        warnings.append("one run: the interval is about other items, not about training again; train more seeds")
    elif df < _FEW_DF:
        warnings.append(f"{df:.1f} degrees of freedom: few runs that differ; train more seeds")
    over = "items and runs" if found.has_runs else "items"
    low, high = _LIMITS[scale]
    if scale == "share":
        interval = share_interval(about.value, se, t, about.n_units)
        how = "score interval at the effective number of items"
    elif not found.value > 0:
        return _without(replace(about, warnings=tuple(warnings)), "scores do not vary")
    elif scale == "correlation":
        interval, how = mean_interval(about.value, se, df, about.level), "score interval of a bounded mean"
    elif scale == "positive":
        reach = t * se / about.value if about.value > 0 else math.inf
        if not reach < 50:
            return _without(replace(about, warnings=tuple(warnings)), "the mean is too near 0 for its error")
        interval, how = (about.value * math.exp(-reach), about.value * math.exp(reach)), "t on the logarithm"
    else:
        interval, how = (max(centre - t * se, low), min(centre + t * se, high)), "t"
        how = "t, Bonett-Price adjusted" if scale == "share difference" else how
    is_test = scale in ("share difference", "difference")
    return replace(
        about,
        se=se,
        interval=interval,
        interval_method=f"{how}, over {over} crossed, {df:.1f} df",
        df=df,
        statistic=centre / se if is_test and se > 0 else None,
        p_value=min(1.0, 2 * float(special.stdtr(df, -abs(centre) / se))) if is_test and se > 0 else None,
        warnings=tuple(warnings),
    )


def share_interval(share: float, se: float, t: float, n: int) -> tuple[float, float]:
    """Score interval of a share at the number of items that its variance is worth; `n` where nothing varies."""
    worth = share * (1 - share) / se**2 if se > 0 and 0 < share < 1 else float(n)
    return score_interval(share, max(worth, 1.0), t)


def _with_pseudo_items(part: Table) -> Table:
    """A table with two more items on which the sides differ, once each way, in every run."""
    n_runs = len(part.scores)
    pair = np.column_stack([np.ones(n_runs), -np.ones(n_runs)])
    items = (*part.items, f"up in {part.name}", f"down in {part.name}")
    return replace(part, items=items, scores=np.hstack([part.scores, pair]))


def _without(about: Estimate, reason: str) -> Estimate:
    return replace(about, interval_method=f"none: {reason}", warnings=(*about.warnings, f"no interval: {reason}"))
