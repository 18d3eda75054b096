"""Whether answers go together in a model as they do in people: agreement of two correlation matrices."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.likeness.structure.moments import (
    correlations,
    noise_of,
    pair_moments,
    pearson,
    root_mean_square_interval,
    split_half_ceiling,
)
from proband.measures.surveys.design import simple_random_sample
from proband.seeds import rng_for

_REPLICATES = 1000
_PERMUTATIONS = 999
_FEW_PAIRS = 3
_FEW_SUBJECTS = 20
_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class StructureAgreement:
    """What `structure_agreement` found.

    - `rmse`: root mean square difference of the correlations. Baselines: ``no_association`` (all correlations 0, as
      uniform, majority and marginal-only answers have) and the ``noise_floor``, what a second sample of as many
      people would be expected to show against the truth.
    - `mean_difference`: mean of ``atanh r_model - atanh r_human``; above 0 the model is over-coherent.
    - `correlation`: Pearson correlation of the off-diagonal entries, with a Mantel permutation p value. Its baseline
      ``human_split_half`` is what two halves of the people reach with each other: the ceiling.
    - `rv`: RV coefficient ``tr(HM) / sqrt(tr H^2 tr M^2)``; high even without likeness, as diagonals count.
    - `first_factor_ratio`: largest eigenvalue of the model's matrix over that of people's.
    - `n_items`, `n_pairs`: items; pairs of them with a correlation on both sides.
    """

    rmse: Estimate
    mean_difference: Estimate
    correlation: Estimate
    rv: Estimate
    first_factor_ratio: Estimate
    n_items: int
    n_pairs: int
    warnings: tuple[str, ...] = ()


def structure_agreement(human: Any, model: Any) -> StructureAgreement:
    """Compare the correlations among items in people with those in a model.

    Give expected scores and drawn answers apart: correlations of a model's *expected* scores are higher than
    those of its answers. `fidelity` uses the correlations that answers drawn from the stated probabilities
    would have. Not for nominal items; code them as indicators first.

    Parameters
    ----------
    human, model : array_like, shape (n_subjects, n_items), or frame, or mapping of item to scores
        Scores, reverse-keyed items flipped alike on both sides; NaN or null where there is no answer
        (correlations are pairwise-complete). Named columns are matched by name and must be the same. The two
        sides may have different numbers of rows and are taken as independent samples; for a model that
        answered as these very people, `fidelity` resamples both together. A square symmetric matrix with
        ones in its diagonal is taken as a matrix of correlations, without intervals.

    Returns
    -------
    StructureAgreement
        Intervals from 1,000 bootstrap replicates of subjects (of 500 random groups of them above 500). The
        interval of the RMSE is about the true matrices: those squares that the square of the RMSE, less its noise,
        does not exclude at their own standard error; it holds at 0 where a percentile interval does not, and is
        on the safe side elsewhere.

    Raises
    ------
    DataError
        If items differ, are fewer than 3, or scores are no numbers; if a side has fewer than 3 subjects.

    References
    ----------
    Mantel (1967), Cancer Research 27, 209-220. Robert & Escoufier (1976), Appl. Statist. 25, 257-265.
    doi:10.2307/2347233

    Examples
    --------
    >>> h = [[1, 0.5, 0.3], [0.5, 1, 0.2], [0.3, 0.2, 1]]
    >>> m = [[1, 0.7, 0.5], [0.7, 1, 0.4], [0.5, 0.4, 1]]
    >>> found = structure_agreement(h, m)
    >>> print(found.rmse, found.correlation)
    0.200 1.000
    """
    h, m = _matched(human, model)
    k = h.shape[1]
    if k < _FEW_PAIRS:
        raise DataError(f"{k} items have too few correlations to compare; give at least 3 items")
    if _is_correlations(h) and _is_correlations(m):
        i, j = np.triu_indices(k, 1)
        return _agreement(h[i, j], m[i, j], k, draws=None, n=(0, 0), ceiling=math.nan, floor=math.nan)
    rng = rng_for(0, "structure_agreement")
    sides = [_side(side, name, rng) for side, name in ((h, "human"), (m, "model"))]
    (r_h, e_h), (r_m, e_m) = sides
    ceiling, floor = _split_half(h, rng), noise_of(e_h, np.isfinite(r_h) & np.isfinite(r_m))
    return _agreement(r_h, r_m, k, draws=(e_h, e_m), n=(len(h), len(m)), ceiling=ceiling, floor=floor)


def _agreement(
    r_h: Floats,
    r_m: Floats,
    n_items: int,
    *,
    draws: tuple[Floats, Floats] | None,
    n: tuple[int, int],
    ceiling: float,
    floor: float,
) -> StructureAgreement:
    used = np.isfinite(r_h) & np.isfinite(r_m)
    warnings = []
    if lost := int((~used).sum()):
        warnings.append(f"{lost} of {len(used)} pairs left out: an item without variance has no correlation")
    if not used.any():
        raise DataError(
            "no pair of items has a correlation on both sides: a side answers every item the same way; "
            "`dispersion` says how much variance is lost"
        )
    h, m = r_h[used], r_m[used]
    delta, z = m - h, _atanh(m) - _atanh(h)
    df = max(min((size for size in n if size), default=1) - 1, 1)
    rmse_interval = difference_interval = None
    se = None
    if draws is not None and min(n) >= _FEW_SUBJECTS:
        noise = (draws[1] - draws[0])[:, used]
        whole = noise[np.isfinite(noise).all(axis=1)]
        if len(whole) >= _REPLICATES // 2:
            rmse_interval = root_mean_square_interval(delta, whole, df=df, level=_LEVEL)
            shifted = _atanh(np.clip(m + draws[1][:, used], -1, 1)) - _atanh(np.clip(h + draws[0][:, used], -1, 1))
            means = shifted.mean(axis=1)
            se = float(np.nanstd(means[np.isfinite(means)], ddof=1))
            reach = float(special.stdtrit(df, (1 + _LEVEL) / 2)) * se
            gap = float(np.nanmean(z)) if np.isfinite(z).any() else math.nan
            difference_interval = (gap - reach, gap + reach) if math.isfinite(gap) else None
        else:
            warnings.append("no intervals: in most replicates an item has no variance")
    elif draws is not None:
        warnings.append(f"no intervals: {min(n)} subjects on a side, at least {_FEW_SUBJECTS} are needed")
    method = "bootstrap replicates of subjects" if draws is not None else "none: correlations are taken as given"
    rmse = Estimate(
        value=float(np.sqrt((delta**2).mean())),
        interval=rmse_interval,
        interval_method=f"debiased square, {method}" if rmse_interval else method if draws is None else "none",
        estimand="root mean square difference of the correlations among items, people's and the model's",
        target="human",
        n_units=n[0],
        baselines={"no_association": float(np.sqrt((h**2).mean()))}
        | ({"noise_floor": floor} if math.isfinite(floor) else {}),
    )
    finite = np.isfinite(z)
    gap = float(z[finite].mean()) if finite.any() else math.nan
    if not finite.all():
        warnings.append(f"{int((~finite).sum())} pairs with a correlation of -1 or 1 left out of the mean difference")
    difference = Estimate(
        value=gap,
        se=se,
        interval=difference_interval,
        interval_method=f"t on {method}" if difference_interval else "none",
        estimand="mean over pairs of items of atanh r, model minus people",
        target="human",
        n_units=n[0],
        baselines={"no_association": float(-_atanh(h)[finite].mean())} if finite.any() else {},
        warnings=() if finite.any() else ("undefined: every correlation is -1 or 1 on a side",),
    )
    return StructureAgreement(
        rmse=rmse,
        mean_difference=difference,
        correlation=pattern_correlation(r_h, r_m, n_items, n_units=n[0], ceiling=ceiling),
        **_matrix_numbers(r_h, r_m, n_items, n[0]),
        n_items=n_items,
        n_pairs=int(used.sum()),
        warnings=tuple(warnings),
    )


def pattern_correlation(r_h: Floats, r_m: Floats, n_items: int, *, n_units: int, ceiling: float) -> Estimate:
    """Correlation of two sets of correlations, with its Mantel p value where no pair is missing."""
    used = np.isfinite(r_h) & np.isfinite(r_m)
    value = pearson(r_h[used], r_m[used])
    estimand = "correlation of the off-diagonal correlations, people's with the model's"
    baselines = {"human_split_half": ceiling} if math.isfinite(ceiling) else {}
    if math.isnan(value):
        reason = "undefined: fewer than 3 pairs, or all correlations of a side are equal"
        return Estimate(
            value=value, estimand=estimand, target="human", n_units=n_units, baselines=baselines, warnings=(reason,)
        )
    p = None
    if used.all() and n_items > _FEW_PAIRS:
        rng = rng_for(0, "mantel")
        i, j = np.triu_indices(n_items, 1)
        full = _square(r_m, n_items)
        orders = np.argsort(rng.random((_PERMUTATIONS, n_items)), axis=1)
        shuffled = full[orders[:, i], orders[:, j]]
        z = shuffled - shuffled.mean(axis=1, keepdims=True)
        found = z @ (r_h - r_h.mean()) / np.sqrt((z**2).sum(axis=1) * ((r_h - r_h.mean()) ** 2).sum())
        p = float((1 + (found >= value - 1e-12).sum()) / (1 + _PERMUTATIONS))
    return Estimate(
        value=value,
        estimand=estimand,
        target="human",
        n_units=n_units,
        interval_method="none: sampling noise of both matrices lowers it; compare with people's split halves",
        p_value=p,
        baselines=baselines,
    )


def _matrix_numbers(r_h: Floats, r_m: Floats, k: int, n: int) -> dict[str, Estimate]:
    """RV coefficient and ratio of the first eigenvalues; undefined where a pair is missing."""
    reason: tuple[str, ...] = ()
    rv = ratio = math.nan
    if np.isfinite(r_h).all() and np.isfinite(r_m).all():
        a, b = (_square(r, k) for r in (r_h, r_m))
        rv = float((a * b).sum() / math.sqrt((a * a).sum() * (b * b).sum()))
        ratio = float(np.linalg.eigvalsh(b)[-1] / np.linalg.eigvalsh(a)[-1])
    else:
        reason = ("undefined: an item has no variance, so a correlation is missing",)
    said: dict[str, Any] = {"target": "human", "n_units": n, "warnings": reason, "interval_method": "none"}
    return {
        "rv": Estimate(value=rv, estimand="RV coefficient of two correlation matrices", **said),
        "first_factor_ratio": Estimate(
            value=ratio, estimand="first eigenvalue of the model's correlations over people's", **said
        ),
    }


def _square(r: Floats, k: int) -> Floats:
    full = np.eye(k)
    i, j = np.triu_indices(k, 1)
    full[i, j] = full[j, i] = r
    return full


def _side(scores: Floats, name: str, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Correlations of one side, and deviations of their bootstrap replicates."""
    if len(scores) < _FEW_PAIRS:
        raise DataError(f"{name} has {len(scores)} subjects; correlations need at least 3, their intervals 20")
    moments, factors = _moments(scores, _REPLICATES, rng)
    found = correlations(moments.sum(axis=1))
    return found, correlations(factors @ moments) - found


def _split_half(scores: Floats, rng: np.random.Generator) -> float:
    """Median over 200 splits of the correlation between the halves' correlations; NaN for small samples."""
    return math.nan if len(scores) < 2 * _FEW_SUBJECTS else split_half_ceiling(_moments(scores, 2, rng)[0], rng)


def _moments(scores: Floats, n_replicates: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Moments of each bootstrap unit, and the units' factors in every replicate."""
    has = np.isfinite(scores)
    centred = np.where(has, scores - np.nanmean(np.where(has.any(axis=0), scores, 0.0), axis=0), 0.0)
    unit, factors = simple_random_sample(len(scores)).replicates(n_replicates, rng)
    return pair_moments(centred, centred**2, has, np.ones(len(scores)), unit, factors.shape[1]), factors


def _atanh(r: Floats) -> Floats:
    """Fisher's transformation, NaN at -1 and 1, where it is infinite."""
    return np.arctanh(np.where(np.abs(r) < 1 - 1e-12, r, np.nan))


def _is_correlations(r: Floats) -> bool:
    return r.shape[0] == r.shape[1] and bool(
        np.allclose(r, r.T) and np.allclose(np.diag(r), 1) and (np.abs(r) <= 1 + 1e-12).all()
    )


def _matched(human: ArrayLike | Any, model: ArrayLike | Any) -> tuple[Floats, Floats]:
    """Both sides as arrays of one column per item, matched by name where columns have names."""
    named = [_columns(side) for side in (human, model)]
    if (named[0] is None) != (named[1] is None):
        raise DataError("one side has named items and the other has none; name the columns of both")
    if named[0] is not None and named[1] is not None:
        if apart := sorted(map(str, named[0].keys() ^ named[1].keys())):
            raise DataError(f"only one side has item {', '.join(apart[:5])}; give both the same items")
        names = list(named[0])
        return tuple(np.column_stack([side[name] for name in names]) for side in named if side is not None)  # type: ignore[return-value]
    try:
        h, m = np.asarray(human, dtype=np.float64), np.asarray(model, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"scores must be numbers, one row per subject: {error}") from error
    if h.ndim != 2 or m.ndim != 2 or h.shape[1] != m.shape[1]:
        raise DesignError(f"scores of shapes {h.shape} and {m.shape}; give (n_subjects, n_items), the same items")
    return h, m


def _columns(side: Any) -> Mapping[Any, Floats] | None:
    names = list(side) if isinstance(side, Mapping) else getattr(side, "columns", None)
    if names is None:
        return None
    return {name: np.asarray(side[name], dtype=np.float64) for name in names}
