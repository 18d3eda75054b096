"""Exploratory factors: how many, what they load on, and how much of a total score is one thing."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.factors.extraction import Extracted, Extraction, extract
from proband.measures.factors.ordinal import ordinal_correlations
from proband.measures.factors.rotation import Rotation, rotated
from proband.measures.reliability.tables import score_table, still_items

Correlation = Literal["pearson", "ordinal"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExploratoryFactors:
    """What `exploratory_factors` found; loadings have no intervals, because a rotation is chosen, not estimated.

    Attributes
    ----------
    loadings : array, shape (n_items, n_factors)
        Rotated (pattern), largest factor first, each with a positive sum; `factor_congruence` compares two of them.
    correlations : array, shape (n_factors, n_factors)
        Of the factors; the identity where they are orthogonal.
    uniqueness : array, shape (n_items,)
        Share of each item's variance that is its own.
    explained : array, shape (n_factors,)
        Share of the variance of all items that goes with each factor.
    chi2, df, p_value : float, int, float
        Of the number of factors, under normal answers; NaN but for ML of Pearson correlations.
    rmsr : float
        Root mean square of what is left of the correlations.
    warnings : tuple of str
        Heywood cases and the like.
    """

    loadings: Floats
    correlations: Floats
    uniqueness: Floats
    explained: Floats
    chi2: float
    df: int
    p_value: float
    rmsr: float
    warnings: tuple[str, ...]


def exploratory_factors(
    scores: ArrayLike,
    n_factors: int,
    *,
    rotation: Rotation = "oblimin",
    extraction: Extraction = "ml",
    correlation: Correlation = "pearson",
) -> ExploratoryFactors:
    """Common factors of items, rotated towards simple structure.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Complete rows.
    n_factors : int
        How many; see `parallel_analysis`.
    rotation : {"oblimin", "geomin", "varimax", "promax", "none"}
        Oblimin (direct quartimin), geomin and promax let factors correlate.
    extraction : {"ml", "minres"}
        Maximum likelihood; minimum residuals, which also stands correlations that are none of a sample.
    correlation : {"pearson", "ordinal"}
        Of the answers, or of what lies behind ordered ones (`ordinal_correlations`).

    Returns
    -------
    ExploratoryFactors
        Communalities stay below .995; an item there is a Heywood case, and named.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If so many factors are not identified, items do not vary or are combinations of others, there are no more
        subjects than items; if it does not converge; if a score is missing or no finite number.

    References
    ----------
    Lawley & Maxwell (1971), Factor Analysis as a Statistical Method.
    Bernaards & Jennrich (2005), Educ. Psychol. Meas. 65, 676-696. doi:10.1177/0013164404272507
    Browne (2001), Multivar. Behav. Res. 36, 111-150. doi:10.1207/S15327906MBR3601_05

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> calm, warm = rng.normal(size=(2, 500, 1))
    >>> x = np.hstack([calm + rng.normal(size=(500, 3)), warm + rng.normal(size=(500, 3))])
    >>> (abs(exploratory_factors(x, 2).loadings) > 0.3).astype(int).tolist()
    [[0, 1], [0, 1], [0, 1], [1, 0], [1, 0], [1, 0]]
    """
    x, whole, warnings = _whole(scores, correlation, "exploratory_factors")
    n, k = x.shape
    _check_number(n_factors, k)
    found = _extracted(whole, n_factors, extraction)
    loadings, factors = rotated(found.loadings, rotation)
    df = ((k - n_factors) ** 2 - k - n_factors) // 2
    chi2 = p_value = float("nan")
    if extraction == "ml" and correlation == "pearson":
        chi2 = (n - 1 - (2 * k + 5) / 6 - 2 * n_factors / 3) * found.misfit  # Bartlett's factor
        p_value = float(special.chdtrc(df, max(chi2, 0.0))) if df else 1.0
    left = (whole - found.loadings @ found.loadings.T)[np.triu_indices(k, 1)]
    if found.is_heywood:
        at = np.flatnonzero(found.unique <= found.unique.min() * 1.01).tolist()
        warnings.append(
            f"Heywood case: items {', '.join(map(str, at))} (from 0) have no unique variance; try fewer factors, or "
            "leave out an item that doubles another"
        )
    return ExploratoryFactors(
        loadings=loadings, correlations=factors, uniqueness=found.unique,
        explained=np.diag(factors @ loadings.T @ loadings) / k, chi2=chi2, df=df, p_value=p_value,
        rmsr=float(np.sqrt((left**2).mean())), warnings=tuple(warnings),
    )  # fmt: skip


def _whole(scores: ArrayLike, correlation: Correlation, what: str) -> tuple[Floats, Floats, list[str]]:
    """Scores, their correlations, and what to say of these."""
    x = score_table(scores, what, least=3)
    if len(x) <= x.shape[1]:
        raise DesignError(f"{len(x)} subjects for {x.shape[1]} items; {what} needs more subjects than items")
    if still := still_items(x):
        raise DesignError(f"items {', '.join(map(str, still))} (from 0) do not vary: everybody gave one answer; leave "
                          "them out")  # fmt: skip
    if correlation == "ordinal":
        ordinal = ordinal_correlations(x)
        return x, ordinal.correlations, list(ordinal.warnings)
    whole: Floats = np.asarray(np.corrcoef(x.T))
    if np.linalg.cond(whole) > 1e12:
        raise DesignError("an item is a combination of others: factors have no estimates; drop duplicates")
    return x, whole, []


def _check_number(n_factors: int, k: int) -> None:
    if n_factors < 1:
        raise DesignError(f"{n_factors} factors; give at least 1")
    if (k - n_factors) ** 2 < k + n_factors:
        most = max(m for m in range(k) if (k - m) ** 2 >= k + m)
        raise DesignError(f"{n_factors} factors of {k} items are not identified; give at most {most}, or more items")


def _extracted(whole: Floats, n_factors: int, extraction: Extraction) -> Extracted:
    found = extract(whole, n_factors, extraction)
    if found is None or not found.has_converged:
        raise DataError("the factor model did not converge; try fewer factors, or extraction = 'minres'")
    return found


@dataclass(frozen=True, kw_only=True)
class ParallelAnalysis:
    """What `parallel_analysis` found.

    - `n_factors`: how many eigenvalues in a row lie above what columns without any bond give.
    - `eigenvalues`: of the correlations, largest first.
    - `threshold`: what chance exceeds rarely, one an eigenvalue.
    """

    n_factors: int
    eigenvalues: tuple[float, ...]
    threshold: tuple[float, ...]


def parallel_analysis(
    scores: ArrayLike,
    *,
    correlation: Correlation = "pearson",
    level: float = 0.95,
    n_draws: int = 200,
    rng: np.random.Generator | None = None,
) -> ParallelAnalysis:
    """How many factors: eigenvalues above those of the same answers with every column shuffled by itself.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Complete rows.
    correlation : {"pearson", "ordinal"}
        As in `exploratory_factors`.
    level : float
        Share of the shuffled tables whose eigenvalue must lie below.
    n_draws : int
        Shuffled tables.
    rng : numpy.random.Generator, optional
        Draws; else a fixed one, so that equal data give equal numbers.

    Returns
    -------
    ParallelAnalysis
        0 factors where even the first eigenvalue could be chance. Shuffling keeps what the margins do to correlations.

    Raises
    ------
    DesignError, DataError, MissingDataError
        As `exploratory_factors`; if there are fewer than 20 draws.

    References
    ----------
    Horn (1965), Psychometrika 30, 179-185. doi:10.1007/BF02289447
    Buja & Eyuboglu (1992), Multivar. Behav. Res. 27, 509-540. doi:10.1207/s15327906mbr2704_2

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> calm, warm = rng.normal(size=(2, 500, 1))
    >>> x = np.hstack([calm + rng.normal(size=(500, 3)), warm + rng.normal(size=(500, 3))])
    >>> parallel_analysis(x, n_draws=50).n_factors
    2
    """
    if n_draws < 20:
        raise DesignError(f"n_draws is {n_draws}; give at least 20, of which a {level:g} quantile can be had")
    x, whole, _ = _whole(scores, correlation, "parallel_analysis")
    rng = np.random.default_rng(0) if rng is None else rng
    found = np.linalg.eigvalsh(whole)[::-1]
    drawn = np.empty((n_draws, x.shape[1]))
    for row in drawn:
        shuffled = rng.permuted(x, axis=0)
        chance = np.corrcoef(shuffled.T) if correlation == "pearson" else ordinal_correlations(shuffled).correlations
        row[:] = np.linalg.eigvalsh(chance)[::-1]
    threshold = np.quantile(drawn, level, axis=0)
    above = found > threshold
    return ParallelAnalysis(
        n_factors=int(np.argmin(above)) if not above.all() else len(found),
        eigenvalues=tuple(found.tolist()), threshold=tuple(threshold.tolist()),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class HierarchicalOmega:
    """What `omega_hierarchical` found.

    - `omega_h`: share of the variance of the total that is the one general factor.
    - `omega_total`: share that is any common factor.
    - `general` (n_items,), `group` (n_items, n_factors): loadings after Schmid and Leiman.
    - `explained_common`: share of the common variance that is general.
    - `warnings`: what a reader must know.
    """

    omega_h: Estimate
    omega_total: Estimate
    general: Floats
    group: Floats
    explained_common: float
    warnings: tuple[str, ...]


def omega_hierarchical(
    scores: ArrayLike,
    *,
    n_factors: int = 3,
    rotation: Rotation = "oblimin",
    extraction: Extraction = "minres",
    correlation: Correlation = "pearson",
    target: Target = "model",
) -> HierarchicalOmega:
    """How much of a total score is one general factor, and how much any common factor.

    Factors are extracted, rotated obliquely, factored once more, and the general factor is carried down to the items
    (Schmid & Leiman 1957): ``omega_h = (sum of general loadings)^2 / variance of the total``, in standardised items.
    A total with high alpha and low omega_h mixes several things.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Reverse-keyed items already flipped; complete rows.
    n_factors : int
        Group factors; at least 3. With 2 their loadings on the general one are not identified.
    rotation : {"oblimin", "geomin", "promax"}
        An oblique one.
    extraction, correlation : str
        As in `exploratory_factors`.
    target : {"model", "human", "data"}
        Whose scores they are.

    Returns
    -------
    HierarchicalOmega
        Without intervals: they depend on a rotation and a number of factors that were chosen. Resample subjects where
        one is needed.

    Raises
    ------
    DesignError, DataError, MissingDataError
        As `exploratory_factors`; if there are fewer than 3 factors or the rotation is orthogonal.

    References
    ----------
    Schmid & Leiman (1957), Psychometrika 22, 53-61. doi:10.1007/BF02289209
    Zinbarg, Revelle, Yovel & Li (2005), Psychometrika 70, 123-133. doi:10.1007/s11336-003-0974-7

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> general, groups = rng.normal(size=(500, 1)), np.repeat(rng.normal(size=(500, 3)), 3, axis=1)
    >>> found = omega_hierarchical(general + 0.7 * groups + rng.normal(size=(500, 9)))
    >>> print(round(found.omega_h, 2), round(found.omega_total, 2))
    0.76 0.91
    """
    if n_factors < 3:
        raise DesignError(
            f"n_factors is {n_factors}: loadings of fewer than 3 factors on a general one are not identified; give 3 "
            "or more, or use omega_total"
        )
    if rotation in ("varimax", "none"):
        raise DesignError(f"rotation {rotation!r} leaves nothing for a general factor; give oblimin, geomin or promax")
    x, whole, warnings = _whole(scores, correlation, "omega_hierarchical")
    n, k = x.shape
    _check_number(n_factors, k)
    lower = _extracted(whole, n_factors, extraction)
    loadings, factors = rotated(lower.loadings, rotation)
    upper = extract(factors, 1, extraction)
    if upper is None:
        raise DataError("factors correlate by 1: no general factor can be told apart; try fewer factors")
    general = loadings @ upper.loadings[:, 0]
    group = loadings * np.sqrt(1 - np.minimum(upper.loadings[:, 0] ** 2, 1.0))
    if lower.is_heywood or upper.is_heywood:
        warnings.append(
            "Heywood case: an item or a factor has no unique variance; omega is unstable: try fewer factors"
        )
    if (general < 0).any():
        warnings.append("some items load negatively on the general factor: check that reverse-keyed items were flipped")
    total = float(whole.sum())
    common = float((general**2).sum())

    def share(value: float, what: str) -> Estimate:
        return Estimate(
            value=value, estimand=what, target=target, n_units=n, warnings=tuple(warnings),
            interval_method="none: rotation and number of factors are chosen",
            assumptions=(f"{n_factors} group factors", "unique parts are uncorrelated"),
        )  # fmt: skip

    return HierarchicalOmega(
        omega_h=share(float(general.sum()) ** 2 / total, f"share of the total of {k} items that is one general factor"),
        omega_total=share(1 - float(lower.unique.sum()) / total, f"share of the total of {k} items that is common"),
        general=general, group=group, explained_common=common / (common + float((group**2).sum())),
        warnings=tuple(warnings),
    )  # fmt: skip
