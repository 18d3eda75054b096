"""Reliability and likeness by factor loadings: omega and Tucker's congruence."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite
from proband.measures.reliability.intervals import tail_warnings
from proband.measures.reliability.one_factor import fit_one_factor, subject_influence
from proband.measures.reliability.tables import score_table, still_items, still_warning

_MIN_SUBJECTS = 30
_WAY_OUT = "drop those items from both"


def omega_total(scores: ArrayLike, *, target: Target = "model", level: float = 0.95) -> Estimate:
    """Reliability of a sum of items that measure one thing, each as well as it does (McDonald's omega).

    ``omega = (sum of loadings)^2 / ((sum of loadings)^2 + sum of unique variances)``, both from the one-factor
    model fitted to the covariances by maximum likelihood. Unlike alpha it does not ask that items measure equally
    well. It does ask for one factor: where two are needed, omega of one says little, so look at the fit first.
    With 3 items the model fits by construction and nothing is tested.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Reverse-keyed items already flipped; at least 3 items, and more subjects than items.
    target, level : {"model", "human"}, float
        Whose scores they are; confidence level.

    Returns
    -------
    Estimate
        Between 0 and 1. The interval is t on log(1 - omega) with the sandwich variance (neither normal scores
        nor a true model assumed), from 30 subjects on; none where a unique variance is at its bound
        (a Heywood case, frequent below 100 subjects with 3 items).

    Raises
    ------
    DesignError, MissingDataError, DataError
        If there are fewer than 3 items that vary, no more subjects than items, or items so alike that the model has no
        estimates; if a score is missing, or the scores are no table of finite numbers.

    References
    ----------
    McDonald (1999), Test Theory: A Unified Treatment. doi:10.4324/9781410601087
    Kelley & Pornprasertmanit (2016), Psychol. Methods 21, 69-92. doi:10.1037/a0040086

    Examples
    --------
    >>> x = [[1, 2, 1], [2, 3, 1], [3, 5, 4], [4, 4, 5], [5, 5, 3], [1, 1, 2]]
    >>> round(omega_total(x), 3)
    0.903
    """
    x = score_table(scores, "omega_total", least=3)
    n, k = x.shape
    if n <= k:
        raise DesignError(f"{n} subjects for {k} items; the factor model needs more subjects than items")
    still = still_items(x)
    if k - len(still) < 3:
        raise DesignError(still_warning(still, f"omega_total needs 3 items that do, and there are {k - len(still)}"))
    # An item that does not vary has neither a loading nor a unique variance: the sum is as reliable with it as without.
    d = np.delete(x - x.mean(axis=0), still, axis=1)
    k = d.shape[1]
    fitted = fit_one_factor(d.T @ d / n)
    if fitted is None:
        raise DesignError("an item is a combination of others: the factor model has no estimates; drop duplicates")
    common, unique = float(fitted.loadings.sum()), float(fitted.unique.sum())
    value = common**2 / (common**2 + unique)
    warnings = [still_warning(still, "omega is the same without")] if still else []
    if (fitted.loadings < 0).any():
        warnings.append("some loadings are negative: check that reverse-keyed items were flipped")
    se, how = None, f"none: {n} subjects; the large-sample variance needs {_MIN_SUBJECTS}"
    if fitted.is_heywood:
        warnings.append("Heywood case: an item's unique variance is at its bound; omega is unstable")
        how = "none: Heywood case"
    elif n >= _MIN_SUBJECTS:
        rate = np.repeat([-2 * common / (common**2 + unique), 1 / unique - 1 / (common**2 + unique)], k)
        influence = subject_influence(fitted, d, rate)
        how = "none: the likelihood is flat"
        if influence is not None:
            # n - 3 in the denominator: calibrated, with t, on small samples (docs/methods/coverage.md).
            se = math.sqrt(float((influence**2).sum()) / n / (n - 3))
            how = f"sandwich variance of log(1 - omega), t with {n - 1} df"
    interval = None
    if se is not None:
        warnings.extend(tail_warnings(x.sum(axis=1)))
        reach = se * float(special.stdtrit(n - 1, (1 + level) / 2))
        interval = 1 - (1 - value) * math.exp(reach), 1 - (1 - value) * math.exp(-reach)
    return Estimate(
        value=value,
        se=None if se is None else se * (1 - value),
        interval=interval,
        level=level,
        interval_method=how,
        estimand=f"reliability of the sum of {k} items under one factor (omega total)",
        target=target,
        n_units=n,
        assumptions=("one factor; unique parts are uncorrelated",),
        warnings=tuple(warnings),
    )


def tucker_phi(a: ArrayLike, b: ArrayLike) -> Estimate:
    """Congruence of two columns of loadings on the same items: ``sum a b / sqrt(sum a^2 sum b^2)``.

    A cosine, not a correlation: it does not ignore a common size, so all-positive loadings are congruent
    by about .9 whatever they measure. Compare with the value between two halves of the human sample.
    For several factors see `factor_congruence`.

    Parameters
    ----------
    a, b : array_like, shape (n_items,)
        Loadings in the same order of items.

    Returns
    -------
    Estimate
        Between -1 and 1, loadings taken as given; NaN with its reason if one side is all zero.

    Raises
    ------
    DataError, MissingDataError
        If the two differ in length or are not finite numbers; if a loading is missing.

    References
    ----------
    Tucker (1951), A Method for Synthesis of Factor Analysis Studies. Lorenzo-Seva & ten Berge (2006), Methodology
    2, 57-64. doi:10.1027/1614-2241.2.2.57

    Examples
    --------
    >>> print(tucker_phi([0.8, 0.7, 0.6], [0.6, 0.7, 0.8]))
    0.973
    """
    a_, b_ = (finite(x, f"loadings of {n}", ndim=None, way_out=_WAY_OUT) for n, x in (("a", a), ("b", b)))
    if a_.ndim != 1 or a_.shape != b_.shape or not a_.size:
        raise DataError(
            f"loadings have shapes {a_.shape} and {b_.shape}; give one loading per item on both sides, "
            "or tables of several factors to factor_congruence"
        )
    return _phi(float(_cosines(a_[:, None], b_[:, None])[0, 0]), len(a_))


@dataclass(frozen=True, kw_only=True)
class FactorCongruence:
    """What `factor_congruence` found; one entry per factor of `a`, in its order.

    - `matched`, `signs`: which factor of `b` goes with each factor of `a`; 1, or -1 where the factor of `b` points
      the other way.
    - `unrotated`, `rotated`: congruence as given, sign turned; and after `b` is turned towards `a` (orthogonal
      Procrustes), which favours likeness.
    """

    matched: tuple[int, ...]
    signs: tuple[int, ...]
    unrotated: tuple[Estimate, ...]
    rotated: tuple[Estimate, ...]


def factor_congruence(a: ArrayLike, b: ArrayLike) -> FactorCongruence:
    """Tucker's congruence of several factors, matched so that the sum of absolute congruences is largest.

    Order and sign of factors are arbitrary, so factors are paired by the assignment problem and turned to agree;
    the rotation left open by an exploratory solution is resolved by turning all of `b` towards `a`.

    Parameters
    ----------
    a, b : array_like, shape (n_items, n_factors)
        Loadings in the same order of items.

    Returns
    -------
    FactorCongruence
        Also see `tucker_phi`.

    Raises
    ------
    DataError, MissingDataError
        If the shapes differ, or a loading is no finite number; if a loading is missing.

    References
    ----------
    Schonemann (1966), Psychometrika 31, 1-10. doi:10.1007/BF02289451

    Examples
    --------
    >>> found = factor_congruence([[0.8, 0], [0.7, 0], [0, 0.6]], [[0, -0.8], [0, -0.6], [0.5, 0]])
    >>> found.matched, found.signs
    ((1, 0), (-1, 1))
    """
    a_, b_ = (finite(x, f"loadings of {n}", ndim=None, way_out=_WAY_OUT) for n, x in (("a", a), ("b", b)))
    if a_.ndim != 2 or a_.shape != b_.shape or not a_.size:
        raise DataError(f"loadings have shapes {a_.shape} and {b_.shape}; give (n_items, n_factors) on both sides")
    cosines = _cosines(a_, b_)
    _, matched = optimize.linear_sum_assignment(-np.abs(np.nan_to_num(cosines)))
    own = cosines[np.arange(len(matched)), matched]
    signs = np.where(own < 0, -1, 1)
    u, _, v = np.linalg.svd(b_.T @ a_)
    turned = np.diag(_cosines(a_, b_ @ (u @ v)))
    return FactorCongruence(
        matched=tuple(int(j) for j in matched),
        signs=tuple(int(s) for s in signs),
        unrotated=tuple(_phi(float(c), len(a_)) for c in own * signs),
        rotated=tuple(_phi(float(c), len(a_)) for c in turned),
    )


def _cosines(a: Floats, b: Floats) -> Floats:
    """Congruence of every column of `a` with every column of `b`; NaN for a column of zeros."""

    def unit(x: Floats) -> Floats:
        x = x / np.maximum(np.abs(x).max(axis=0), 1e-300)
        length = np.sqrt((x**2).sum(axis=0))
        return x / np.where(length > 0, length, math.nan)

    return unit(a).T @ unit(b)


def _phi(value: float, n_items: int) -> Estimate:
    return Estimate(
        # A cosine of equal columns can pass 1 by rounding.
        value=min(max(value, -1.0), 1.0) if not math.isnan(value) else value,
        estimand=f"Tucker's congruence of two factors over {n_items} items",
        target="data",
        n_units=n_items,
        interval_method="none: loadings are taken as given",
        warnings=("a factor has no loadings but zeros: congruence is undefined",) if math.isnan(value) else (),
    )
