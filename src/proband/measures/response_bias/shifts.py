"""Estimates of how far answers move between the levels of a factor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.response_bias.answer_cells import ItemCells
from proband.measures.response_bias.permutations import largest_shift
from proband.measures.shares import score_interval

_LEVEL = 0.95
_MIN_ITEMS = 5
_MIN_SUBJECTS = 10


@dataclass(frozen=True, kw_only=True)
class ItemShift:
    """How one item's answers move with a factor.

    - `total_variation`: between the two levels furthest apart, with a permutation test; `baselines` holds the noise
      floor, the value to expect if the factor did nothing.
    - `between`: those two levels.
    - `flip_rate`: chance that a subject's answers under two levels differ, all else equal; `baselines` holds the same
      for two answers under one level ("redraw"), where known. None if no subject met every level.
    - `shift`: change of the mean score between those two levels; an interval only where the factor has two. None
      where answers have no numbers.
    """

    item: str
    total_variation: Estimate
    between: tuple[str, str]
    flip_rate: Estimate | None
    shift: Estimate | None


def distance_between_levels(observed: float, drawn: Floats, *, what: str, n: int, n_left_out: int = 0) -> Estimate:
    """Distance with its permutation test and noise floor."""
    # Equal up to rounding counts as at least as far, since the observed arrangement is one of the draws.
    beyond = int((drawn >= observed - 1e-12).sum())
    return Estimate(
        value=observed,
        interval_method=f"none: compare with the noise floor; {len(drawn)} permutations",
        estimand=f"total variation between the levels furthest apart: {what}",
        target="model",
        n_units=n,
        n_missing=n_left_out,
        p_value=(1 + beyond) / (1 + len(drawn)),
        baselines={"noise_floor": float(drawn.mean())},
        assumptions=("levels were assigned without regard to the answers",),
    )


def item_shift(item: str, cells: ItemCells, levels: Sequence[Any], drawn: Floats) -> ItemShift:
    """What moved in one item; `drawn` holds the permuted distances, shape (n_permutations,)."""
    level_means = cells.means.sum(axis=0) / cells.present.sum(axis=0)[:, None]
    observed, pair = largest_shift(level_means)
    return ItemShift(
        item=item,
        total_variation=distance_between_levels(
            observed, drawn, what=f"item {item}", n=len(cells.subjects), n_left_out=cells.n_left_out
        ),
        between=(str(levels[pair[0]]), str(levels[pair[1]])),
        flip_rate=_item_flips(cells, item) if cells.is_within else None,
        shift=_mean_shift(cells, pair, item),
    )


def _redraw(*redraws: float) -> dict[str, float]:
    known = [r for r in redraws if not math.isnan(r)]
    return {"redraw": float(np.mean(known))} if known else {}


def _item_flips(cells: ItemCells, item: str) -> Estimate:
    flips = cells.flips
    n = len(flips)
    se = float(flips.std(ddof=1)) / math.sqrt(n)
    value = float(flips.mean())
    interval, how = None, f"none: {n} subjects; {_MIN_SUBJECTS} are needed"
    if n >= _MIN_SUBJECTS:
        # Wilson's interval at the size that the spread over subjects is worth, so that rates near 0 keep one.
        spread = value * (1 - value)
        worth = min(max(spread / se**2, 1.0), 10.0 * n) if se > 0 and spread > 0 else float(n)
        t = float(special.stdtrit(n - 1, (1 + _LEVEL) / 2))
        interval, how = score_interval(value, worth, t), "Wilson over subjects, t quantile"
    return Estimate(
        value=value,
        se=se,
        interval=interval,
        level=_LEVEL,
        interval_method=how,
        estimand=f"chance that a subject's answers to {item} under two levels differ",
        target="model",
        n_units=n,
        n_missing=cells.n_left_out,
        baselines=_redraw(cells.redraw),
    )


def overall_flips(cells: Sequence[ItemCells], factor: str) -> Estimate:
    """Mean flip rate over subjects and items, clustered by both (Cameron, Gelbach & Miller 2011)."""
    subjects = sorted({s for c in cells for s in c.subjects}, key=repr)
    number = {s: i for i, s in enumerate(subjects)}
    table = np.full((len(subjects), len(cells)), np.nan)
    for j, c in enumerate(cells):
        table[[number[s] for s in c.subjects], j] = c.flips
    n_subjects, n_items = table.shape
    value = float(np.nanmean(table))
    residual = np.nan_to_num(table - value)
    by_subject = float((residual.sum(axis=1) ** 2).sum()) * n_subjects / max(n_subjects - 1, 1)
    by_item = float((residual.sum(axis=0) ** 2).sum()) * n_items / max(n_items - 1, 1)
    n_cells = int((~np.isnan(table)).sum())
    # The two-way variance can fall below the one-way ones, even below 0; the larger of those then stands.
    variance = max(by_subject + by_item - float((residual**2).sum()), by_subject, by_item) / n_cells**2
    se = math.sqrt(variance)
    interval, how = None, f"none: {n_items} items and {n_subjects} subjects; 5 and 10 are needed"
    if n_items >= _MIN_ITEMS and n_subjects >= _MIN_SUBJECTS:
        df = min(n_items, n_subjects) - 1
        reach = se * float(special.stdtrit(df, (1 + _LEVEL) / 2))
        interval = max(value - reach, 0.0), min(value + reach, 1.0)
        how = f"t clustered by subject and item, {df} df, within [0, 1]"
    return Estimate(
        value=value,
        se=se,
        interval=interval,
        level=_LEVEL,
        interval_method=how,
        estimand=f"chance that an answer under one level of {factor} differs from that under another",
        target="model",
        n_units=n_subjects,
        n_clusters=min(n_items, n_subjects),
        baselines=_redraw(*(c.redraw for c in cells)),
        assumptions=("items and subjects are random samples",),
    )


def _mean_shift(cells: ItemCells, pair: tuple[int, int], item: str) -> Estimate | None:
    """Second level minus first, of the mean score; paired where subjects are compared with themselves."""
    first, second = cells.values[:, pair[0]], cells.values[:, pair[1]]
    if cells.is_within:
        change = (second - first)[~np.isnan(second - first)]
        value, df = float(change.mean()) if len(change) else math.nan, len(change) - 1.0
        se = float(change.std(ddof=1)) / math.sqrt(len(change)) if len(change) > 1 else math.nan
        n_used, how = len(change), "paired t over subjects"
    else:
        arms = [side[~np.isnan(side)] for side in (first, second)]
        if min(map(len, arms)) < 2:
            return None
        value = float(arms[1].mean() - arms[0].mean())
        parts = [float(arm.var(ddof=1)) / len(arm) for arm in arms]
        se = math.sqrt(sum(parts))
        below = sum(part**2 / (len(arm) - 1) for part, arm in zip(parts, arms, strict=True))
        df = sum(parts) ** 2 / below if below > 0 else math.nan
        n_used, how = sum(map(len, arms)), "t over subjects, Welch"
    if n_used < 2:
        return None
    n_levels = cells.means.shape[1]
    interval = None
    if n_levels > 2:
        how = f"none: the two of {n_levels} levels were picked for being furthest apart"
    elif se > 0:
        reach = se * float(special.stdtrit(df, (1 + _LEVEL) / 2))
        interval, how = (value - reach, value + reach), f"{how}, {df:.1f} df"
    else:
        how = "none: changes do not vary over subjects"
    return Estimate(
        value=value,
        se=se if interval else None,
        df=df if interval else None,
        interval=interval,
        level=_LEVEL,
        interval_method=how,
        estimand=f"change of the mean score of {item} between the two levels",
        target="model",
        n_units=n_used,
        n_missing=len(cells.subjects) - n_used + cells.n_left_out,
        warnings=("fewer than 10 subjects: the t interval of a rating may be too short",) if n_used < 10 else (),
    )
