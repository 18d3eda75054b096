"""Confirmatory factor analysis: whether items hang together as their scales say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Bools, Floats
from proband.measures.factors.fit import Misfit, ModelFit, indices, ml_fit, rmsea, tail
from proband.measures.factors.ordinal import ordinal_correlations
from proband.measures.factors.structure import Freedom, Layout, Moments, fitted, laid_out, scoring_step, started
from proband.measures.reliability.tables import score_table, still_items

Estimator = Literal["ml", "dwls"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FactorModel:
    """What `confirmatory_factors` found.

    Attributes
    ----------
    loadings : mapping of scale to mapping of item to Estimate
        Standardised: of an item and a factor of variance 1.
    correlations : mapping of (scale, scale) to Estimate
        Of factors.
    fit : ModelFit
        How well all of it fits.
    raw_loadings : array, shape (n_items, n_scales)
        In the items' units, of factors of variance 1; a ratio of two is what a marker variable gives.
    warnings : tuple of str
        Heywood cases and the like.
    """

    loadings: Mapping[str, Mapping[str, Estimate]]
    correlations: Mapping[tuple[str, str], Estimate]
    fit: ModelFit
    raw_loadings: Floats
    warnings: tuple[str, ...]


def confirmatory_factors(
    scores: ArrayLike,
    scales: Mapping[str, Sequence[int]],
    *,
    items: Sequence[str] = (),
    estimator: Estimator = "ml",
    target: Target = "model",
    level: float = 0.95,
) -> FactorModel:
    """Fit the factor model that scales name: each a factor, correlated with the others, unique parts uncorrelated.

    "ml" is maximum likelihood with robust standard errors and the Satorra-Bentler statistic, for scale points that are
    nearly measurements (five or more). "dwls" fits ordinal correlations, each weighted by its own variance, with
    robust errors and a statistic adjusted in mean and variance, for few or skewed answers.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Reverse-keyed items already flipped; complete rows.
    scales : mapping of str to sequence of int
        Columns of each scale, from 0. Columns of no scale are left out.
    items : sequence of str, optional
        Names of the columns; else their numbers.
    estimator : {"ml", "dwls"}
        How.
    target, level : {"model", "human", "data"}, float
        Whose scores they are; confidence level of loadings and correlations.

    Returns
    -------
    FactorModel
        A unique variance below 0 (a Heywood case) and factors that correlate by 1 or more are named in `warnings`.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If the model is not identified: a scale of one item, one scale of 2 items alone, or of 2 items correlated with
        no other; if an item does not vary, subjects are no more than items, or it does not converge.

    References
    ----------
    Joreskog (1969), Psychometrika 34, 183-202. doi:10.1007/BF02289343
    Satorra & Bentler (1994), in von Eye & Clogg, Latent Variables Analysis, 399-419.
    Muthen, du Toit & Spisic (1997), Robust inference using weighted least squares.
    Brosseau-Liard & Savalei (2014), Multivar. Behav. Res. 49, 460-470. doi:10.1080/00273171.2014.933697

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trait = rng.normal(size=(400, 1))
    >>> found = confirmatory_factors(trait + rng.normal(size=(400, 4)), {"calm": range(4)})
    >>> print(found.loadings["calm"]["0"], found.fit.df)
    0.698 [0.625, 0.770] 2
    """
    if estimator not in get_args(Estimator):
        raise DesignError(f"estimator {estimator!r} is none of {', '.join(get_args(Estimator))}")
    x, pattern, names = scaled_items(scores, scales, items, "confirmatory_factors")
    n, (p, m) = len(x), pattern.shape
    if n <= p:
        raise DesignError(f"{n} subjects for {p} items; the factor model needs more subjects than items")
    if m == 1 and p < 3:
        raise DesignError(f"{p} items for one factor: not identified; give at least 3, or fit several scales at once")
    solve = _by_likelihood if estimator == "ml" else _by_correlations
    return solve(x, pattern, names, tuple(scales), (target, level))


def scaled_items(
    scores: ArrayLike, scales: Mapping[str, Sequence[int]], items: Sequence[str], what: str
) -> tuple[Floats, Bools, tuple[str, ...]]:
    """Columns of the scales, which item belongs to which (n_items, n_scales), and names of the items.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If a scale has one item, a column is not there or does not vary, or scores are no complete table of numbers.
    """
    x = score_table(scores, what)
    if not scales:
        raise DesignError(f"{what}: no scales; name the columns of at least one")
    if items and len(items) != x.shape[1]:
        raise DesignError(f"{len(items)} names of items for {x.shape[1]} columns; give every column one")
    names = tuple(items) or tuple(map(str, range(x.shape[1])))
    for name, at in scales.items():
        if strange := [j for j in at if not 0 <= j < x.shape[1]]:
            raise DesignError(f"scale {name!r} names columns {strange}; there are columns 0 to {x.shape[1] - 1}")
        if len(set(at)) < 2:
            raise DesignError(
                f"scale {name!r} has {len(set(at))} item: a factor with fewer than 2 is not identified; leave it out, "
                "or give it more items"
            )
    used = sorted({j for at in scales.values() for j in at})
    pattern = np.array([[j in at for at in map(set, scales.values())] for j in used])
    kept = x[:, used]
    if still := still_items(kept):
        raise DesignError(
            f"items {', '.join(names[used[j]] for j in still)} do not vary: everybody gave one answer; leave them out "
            "of their scales, and report that"
        )
    return kept, pattern, tuple(names[j] for j in used)


def _by_likelihood(
    x: Floats, pattern: Bools, items: tuple[str, ...], scales: tuple[str, ...], told: tuple[Target, float]
) -> FactorModel:
    group = Moments.of(x)
    if np.linalg.cond(np.corrcoef(x.T)) > 1e12:
        raise DesignError("an item is a combination of others: the factor model has no estimates; drop duplicates")
    layout = laid_out(pattern, 1, Freedom())
    found = fitted(layout, [group], started(layout, [group], pattern))
    raw, factors, unique, _, _ = layout.matrices(found.theta, 0)
    total = (raw @ factors * raw).sum(axis=1) + unique
    slopes = np.zeros((*pattern.shape, layout.n_parameters))
    d_total = np.einsum("qjj->jq", layout.slopes(found.theta, 0)[0])
    for j, f in np.argwhere(pattern):
        slopes[j, f] = -raw[j, f] / (2 * total[j] ** 1.5) * d_total[j]
        slopes[j, f, layout.loadings[0, j, f]] += 1 / np.sqrt(total[j])
    return _model(
        layout, (raw / np.sqrt(total)[:, None], slopes, factors, unique / total), found.covariance(len(x)),
        (items, scales, told, len(x)), ml_fit(found, [group], told[0]), raw, (),
    )  # fmt: skip


def _by_correlations(
    x: Floats, pattern: Bools, items: tuple[str, ...], scales: tuple[str, ...], told: tuple[Target, float]
) -> FactorModel:
    """Weighted least squares of the correlations; unique variances are what loadings leave of 1."""
    seen, n = ordinal_correlations(x), len(x)
    upper = np.triu_indices(len(items), 1)
    free = laid_out(pattern, 1, Freedom())
    # Unique variances, intercepts and means follow from the rest: only what correlations depend on is free.
    n_free = int(max(free.loadings.max(), free.factors.max())) + 1
    layout = Layout(free.loadings, free.factors, *(np.full_like(part, -1) for part in (free.unique, free.intercepts,
                                                                                       free.means)))  # fmt: skip
    se = np.maximum(seen.se[upper], 1e-8)
    group = Moments(np.zeros(len(items)), seen.correlations, x)
    theta = started(free, [group], pattern)[:n_free]

    def at(theta: Floats) -> tuple[Floats, Floats]:
        raw, factors, *_ = layout.matrices(theta, 0)
        return (seen.correlations - raw @ factors @ raw.T)[upper] / se, layout.slopes(theta, 0)[0][:, *upper] / se

    gap, slopes = at(theta)
    for _ in range(300):
        step, size = scoring_step(slopes, gap), 1.0
        while size > 1e-8 and float((at(theta + size * step)[0] ** 2).sum()) > float((gap**2).sum()):
            size /= 2
        theta = theta + size * step
        gap, slopes = at(theta)
        if size * np.abs(step).max() < 1e-9:
            break
    else:
        raise DesignError("the factor model did not converge; merge scales that correlate by about 1")
    information = slopes @ slopes.T
    if np.linalg.cond(information) > 1e12:
        raise DesignError(
            "the factor model is not identified: other loadings fit as well; give each scale 3 items, or leave out a "
            "scale of 2 items that is correlated with no other"
        )
    bread = np.linalg.inv(information)
    influence = seen.influence() / se / np.sqrt(n)  # columns have variance 1 in truth
    left = influence - influence @ slopes.T @ bread @ slopes
    raw, factors, *_ = layout.matrices(theta, 0)
    pushed = influence @ slopes.T @ bread
    slopes_of = np.zeros((*pattern.shape, n_free))
    for j, f in np.argwhere(pattern):
        slopes_of[j, f, layout.loadings[0, j, f]] = 1.0
    return _model(
        layout, (raw, slopes_of, factors, 1 - (raw @ factors * raw).sum(axis=1)), pushed.T @ pushed / n,
        (items, scales, told, n), _adjusted(gap, influence, left, seen.correlations, n_free, se, told[0]), raw,
        seen.warnings,
    )  # fmt: skip


def _adjusted(
    gap: Floats, influence: Floats, left: Floats, seen: Floats, n_free: int, se: Floats, target: Target
) -> ModelFit:
    """Fit with chi squared shifted and scaled to the mean and variance it would have (Asparouhov & Muthen 2010)."""
    n, n_moments = left.shape
    df, base_df = n_moments - n_free, n_moments
    upper = np.triu_indices(len(seen), 1)

    def moved(value: float, residuals: Floats, df: int) -> tuple[Misfit, float]:
        trace = float((residuals**2).sum()) / n
        small = residuals.T @ residuals if n_moments <= n else residuals @ residuals.T
        square = float((small**2).sum()) / n**2
        scale = float(np.sqrt(df / square)) if df else 1.0
        return Misfit(chi2=scale * value + df - scale * trace, df=df), trace / df if df else 1.0

    model, scaling = moved(float((gap**2).sum()), left, df)
    base, _ = moved(float(((seen[upper] / se) ** 2).sum()), influence, base_df)
    cfi, tli = indices(model, base)
    error = rmsea(model, n, 1, target)
    p = len(seen)
    return ModelFit(
        chi2=float((gap**2).sum()), p_value=float("nan"), df=df, scaling=scaling, robust_chi2=model.chi2,
        robust_p=tail(df, model.chi2), cfi=cfi, tli=tli, rmsea=error.value, robust_cfi=cfi, robust_tli=tli,
        robust_rmsea=error, srmr=float(np.sqrt(((gap * se) ** 2).sum() / (p * (p + 1) / 2))), n_subjects=n,
        n_parameters=n_free,
    )  # fmt: skip


def _model(
    layout: Layout,
    solution: tuple[Floats, Floats, Floats, Floats],
    covariance: Floats,
    about: tuple[tuple[str, ...], tuple[str, ...], tuple[Target, float], int],
    fit: ModelFit,
    raw: Floats,
    warnings: tuple[str, ...],
) -> FactorModel:
    standard, slopes, factors, unique = solution
    items, scales, (target, level), n = about
    z = float(special.ndtri((1 + level) / 2))

    def estimate(value: float, se: float, what: str) -> Estimate:
        return Estimate(
            value=value, se=se, interval=(value - z * se, value + z * se), level=level, estimand=what, target=target,
            interval_method="normal, robust to answers that are not normal", n_units=n,
            assumptions=("the factor model is true",),
        )  # fmt: skip

    loadings = dict[str, dict[str, Estimate]]()
    for f, scale in enumerate(scales):
        at = np.flatnonzero(layout.loadings[0, :, f] >= 0)
        errors = np.sqrt(np.einsum("jq,qr,jr->j", slopes[at, f], covariance, slopes[at, f]))
        loadings[scale] = {
            items[j]: estimate(float(standard[j, f]), float(se), f"standardised loading of {items[j]} on {scale}")
            for j, se in zip(at, errors, strict=True)
        }
    correlations = {
        (scales[f], scales[g]): estimate(
            float(factors[f, g]), float(np.sqrt(covariance[at, at])), f"correlation of {scales[f]} and {scales[g]}"
        )
        for f in range(len(scales))
        for g in range(f + 1, len(scales))
        if (at := layout.factors[0, f, g]) >= 0
    }
    told = list(warnings)
    if heywood := [items[j] for j in np.flatnonzero(unique <= 0)]:
        told.append(
            f"Heywood case: the unique variance of {', '.join(heywood)} is at or below 0; too few subjects or items a "
            "scale, or the item doubles another: look at it, and do not read its loading"
        )
    if same := [f"{a} and {b}" for (a, b), found in correlations.items() if abs(found.value) >= 1]:
        told.append(f"factors that correlate by 1 or more: {'; '.join(same)}; they are one, merge their scales")
    return FactorModel(
        loadings=loadings, correlations=correlations, fit=fit, raw_loadings=raw, warnings=tuple(told)
    )  # fmt: skip
