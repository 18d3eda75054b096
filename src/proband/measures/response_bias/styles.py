"""Response styles: agreeing, taking end points or the midpoint, and answering all items alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints
from proband.measures.shares import share_estimates, wilson_interval

_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class ResponseStyles:
    """What `response_styles` found; every row is a mean over subjects.

    - `acquiescence`: in scale points: how far answers to positively and negatively keyed items together lie above the
      midpoint.
    - `extreme`, `midpoint`: share of answers at either end point, and at the midpoint; `baselines` holds it for
      uniform answers.
    - `straight_lining`: share of subjects who gave all items the same answer.
    - `n_missing_scores`: scores left out of their subject's row.
    - `points`: scale points the shares are about.
    """

    acquiescence: Estimate
    extreme: Estimate
    midpoint: Estimate
    straight_lining: Estimate
    n_missing_scores: int
    points: tuple[float, ...]
    warnings: tuple[str, ...] = ()


def response_styles(
    scores: ArrayLike, keys: Sequence[int], *, points: Sequence[float] | None = None, target: Target = "model"
) -> ResponseStyles:
    """How subjects use a scale whatever it asks, from answers *before* reverse-keyed items are flipped.

    Acquiescence of a subject is ``(mean of + items + mean of - items) / 2 - midpoint``: with as many items on either
    side content cancels, and what is left is agreeing as such. It needs items of both keys; on a one-sided scale it
    cannot be told from the trait. Compare with people on the same items: every population has styles, and a model
    with none is as unlike it as one with too much. For first and last *shown* options use `a_bias` with positions.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Scale points as answered; NaN for a missing one, which is left out of its subject's row.
    keys : sequence of int, shape (n_items,)
        1 or -1 by the direction of each item, 0 for an item without one.
    points : sequence of float, optional
        Scale points from lowest to highest, e.g. ``range(1, 6)``. Default: whole numbers from the lowest to the
        highest score seen, with a warning, since an unused end point would be missed.
    target : {"model", "human"}
        Whose answers they are.

    Returns
    -------
    ResponseStyles
        95 % intervals over subjects: t for acquiescence and the shares (with a warning where too few subjects carry
        one), Wilson for straight-lining. NaN with a reason: acquiescence without items of both keys, midpoint
        without one on the scale, straight-lining with a single item.

    Raises
    ------
    DesignError, DataError
        If there are fewer than 2 subjects with an answer, keys do not fit, or a score is no scale point; if the
        scores are no table of numbers.

    References
    ----------
    Van Vaerenbergh & Thomas (2013), Int. J. Public Opin. Res. 25, 195-217. doi:10.1093/ijpor/eds021

    Examples
    --------
    >>> found = response_styles([[5, 3], [4, 4], [5, 5]], [1, -1], points=range(1, 6))
    >>> round(found.acquiescence, 3), round(found.extreme, 3), round(found.midpoint, 3)
    (1.333, 0.5, 0.167)
    """
    x, key = _checked(scores, keys)
    scale, warnings = _scale(x, points)
    answered = ~np.isnan(x)
    n_missing = int((~answered).sum())
    if n_missing:
        warnings.append(f"{n_missing} of {x.size} scores are missing and left out of their subjects' rows")
    used = answered.any(axis=1)
    if used.sum() < 2:
        raise DesignError(f"{int(used.sum())} subjects answered; styles over subjects need at least 2")
    x, answered = x[used], answered[used]
    left_out = int((~used).sum())
    counts = answered.sum(axis=1)
    ends = np.isin(x, (scale[0], scale[-1])).sum(axis=1) / counts
    middle = (scale[0] + scale[-1]) / 2
    mean_share = partial(_mean_share, left_out=left_out, target=target)
    return ResponseStyles(
        acquiescence=_acquiescence(x, key, middle=middle, left_out=left_out, target=target),
        extreme=mean_share(ends, "answers at an end point", uniform=2 / len(scale)),
        midpoint=mean_share((x == middle).sum(axis=1) / counts, "answers at the midpoint", uniform=1 / len(scale))
        if middle in scale
        else _undefined(f"the scale has no midpoint: {len(scale)} points", "share of answers at the midpoint", target),
        straight_lining=_straight_lining(x, counts, left_out=left_out, target=target),
        n_missing_scores=n_missing,
        points=tuple(scale),
        warnings=tuple(warnings),
    )


def _checked(scores: ArrayLike, keys: Sequence[int]) -> tuple[Floats, NDArray[np.int64]]:
    try:
        x = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("scores must be a table of numbers, NaN where missing") from error
    if x.ndim != 2 or not x.size:
        raise DataError(f"scores have shape {x.shape}; expected (n_subjects, n_items)")
    if len(keys) != x.shape[1] or not set(keys) <= {-1, 0, 1}:
        raise DesignError(f"{len(keys)} keys for {x.shape[1]} items; give each 1, -1 or 0")
    return x, np.asarray(keys, dtype=np.int64)


def _scale(x: Floats, points: Sequence[float] | None) -> tuple[list[float], list[str]]:
    seen = np.unique(x[~np.isnan(x)])
    warnings = []
    if points is None:
        if not seen.size or (seen != np.floor(seen)).any():
            raise DesignError("scores are not whole numbers; name the scale's points, e.g. points=(1, 1.5, 2)")
        scale = [float(v) for v in range(int(seen[0]), int(seen[-1]) + 1)]
        warnings.append(f"scale points taken from the scores, {scale[0]:g} to {scale[-1]:g}; name them with `points`")
    else:
        scale = [float(v) for v in points]
    if len(scale) < 2 or (np.diff(scale) <= 0).any():
        raise DesignError(f"scale points {scale} must be at least 2 rising numbers; name them with `points`")
    if outside := [v for v in seen.tolist() if v not in scale]:
        raise DesignError(f"score {outside[0]:g} is none of the scale points {scale}")
    return scale, warnings


def _acquiescence(x: Floats, key: NDArray[np.int64], *, middle: float, left_out: int, target: Target) -> Estimate:
    what = "mean lean towards agreeing over subjects, in scale points"
    if not ((key == 1).any() and (key == -1).any()):
        return _undefined("items are keyed one way only: agreeing cannot be told from the trait", what, target)
    sides = [x[:, key == sign] for sign in (1, -1)]
    both = np.all([(~np.isnan(side)).any(axis=1) for side in sides], axis=0)
    n = int(both.sum())
    if n < 2:
        return _undefined(f"{n} subjects answered items of both keys; 2 are needed", what, target)
    # What is measured enters both keys with opposite signs and cancels; a lean towards agreeing enters both alike.
    lean = (np.nanmean(sides[0][both], axis=1) + np.nanmean(sides[1][both], axis=1)) / 2 - middle
    value, se = float(lean.mean()), float(lean.std(ddof=1)) / math.sqrt(n)
    reach = se * float(special.stdtrit(n - 1, (1 + _LEVEL) / 2))
    return Estimate(
        value=value,
        se=se,
        df=n - 1,
        interval=(value - reach, value + reach) if se > 0 else None,
        level=_LEVEL,
        interval_method=f"t over subjects, {n - 1} df" if se > 0 else "none: all subjects lean alike",
        estimand=what,
        target=target,
        n_units=n,
        n_missing=left_out + int((~both).sum()),
        baselines={"uniform": 0.0},
        assumptions=("positively and negatively keyed items mirror each other in content",),
        warnings=() if se > 0 else ("all subjects lean alike: no interval over subjects",),
    )


def _mean_share(shares: Floats, what: str, *, uniform: float, left_out: int, target: Target) -> Estimate:
    found = share_estimates(np.column_stack([1 - shares, shares]), 2, target=target, level=_LEVEL)[1]
    varies = found.se is not None and found.se > 0
    how = found.interval_method if varies else "none: all subjects have the same share"
    found = replace(found, interval=found.interval if varies else None, interval_method=how, n_missing=left_out)
    return replace(found, estimand=f"share of {what}, mean over subjects", baselines={"uniform": uniform})


def _straight_lining(x: Floats, counts: Ints, *, left_out: int, target: Target) -> Estimate:
    what = "share of subjects who gave every item the same answer"
    # One answer is always straight.
    several = counts > 1
    n = int(several.sum())
    if not n:
        return _undefined("nobody answered 2 items: no row can be straight", what, target)
    rows = x[several]
    share = float((np.nanmax(rows, axis=1) == np.nanmin(rows, axis=1)).mean())
    return Estimate(
        value=share,
        interval=wilson_interval(share, n, _LEVEL),
        level=_LEVEL,
        interval_method="Wilson",
        estimand=what,
        target=target,
        n_units=n,
        n_missing=left_out + int((~several).sum()),
    )


def _undefined(reason: str, what: str, target: Target) -> Estimate:
    return Estimate(value=math.nan, estimand=what, target=target, n_units=0, level=_LEVEL, warnings=(reason,))
