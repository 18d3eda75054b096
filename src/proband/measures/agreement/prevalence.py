"""Shares corrected for the errors of whoever labelled: two classes (Rogan and Gladen) or several."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from proband.errors import DataError, DesignError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.shares import wilson_interval
from proband.seeds import rng_for

Rate = float | tuple[float, float]
_TRANSPORT = "the labeller errs as often on the units labelled as on the gold units of the same class"
_FEW_GOLD = 30
_DRAWS = 4_000


def rogan_gladen(
    positive: float, n: float, *, sensitivity: Rate, specificity: Rate, level: float = 0.95, target: Target = "data"
) -> Estimate:
    """Prevalence of a class from the share labelled so and the labeller's error rates.

    ``pi = (a + sp - 1) / (se + sp - 1)`` with a = positive / n. Assumes that sensitivity and specificity carry over
    from the gold units to the units labelled; they do not where the mix of hard cases differs. With gold codes on a
    random sample of the labelled units themselves prefer `ppi_mean` or `dsl_mean`, which need no such assumption.

    Parameters
    ----------
    positive, n : float
        Units labelled positive, among all units labelled.
    sensitivity, specificity : float or pair of float
        A known rate, or (right, gold units): right positives among gold positives, right negatives among gold
        negatives.
    level, target : float, {"data", "model", "human"}
        Confidence level of the interval; whom the share describes.

    Returns
    -------
    Estimate
        The value is not truncated: outside 0 to 1 the data contradict the error rates, and a warning says so. The
        standard error is the delta method's. The interval is Lang and Reiczigel's where rates are estimated (it
        holds where the delta method's does not), Wilson's carried over where they are known; both within [0, 1], and
        none where they lie wholly outside.

    Raises
    ------
    DesignError, DataError
        If sensitivity + specificity is at most 1: such labels carry no information on the class; if counts or rates
        are out of range.

    References
    ----------
    Rogan & Gladen (1978), Am. J. Epidemiol. 107, 71-76. doi:10.1093/oxfordjournals.aje.a112510
    Lang & Reiczigel (2014), Prev. Vet. Med. 113, 13-22. doi:10.1016/j.prevetmed.2013.09.015

    Examples
    --------
    >>> print(rogan_gladen(45, 150, sensitivity=(96, 100), specificity=(89, 100)))
    0.224 [0.114, 0.325]
    """
    if not (n >= 1 and 0 <= positive <= n):
        raise DataError(f"{positive} positive of {n} units; expected 0 <= positive <= n and at least 1 unit")
    se, n_se = _rate(sensitivity, "sensitivity")
    sp, n_sp = _rate(specificity, "specificity")
    youden = se + sp - 1
    if youden <= 0:
        raise DesignError(
            f"sensitivity {se:.3f} + specificity {sp:.3f} is at most 1: the labels carry no information on the class; "
            "improve the labeller, or check that positive and negative were not exchanged"
        )
    a = positive / n
    value = (a + sp - 1) / youden
    variance = a * (1 - a) / n + value**2 * se * (1 - se) / n_se + (1 - value) ** 2 * sp * (1 - sp) / n_sp
    low, high = _lang_reiczigel((a, n), (se, n_se), (sp, n_sp), level)
    warnings = []
    if not 0 <= value <= 1:
        warnings.append(
            f"the estimate {value:.4f} lies outside 0 to 1 (truncated: {min(max(value, 0.0), 1.0):.0f}): chance, or "
            "error rates that do not hold for these units"
        )
    is_outside = high <= 0 or low >= 1
    if is_outside:
        warnings.append(f"the whole interval [{low:.4f}, {high:.4f}] lies outside 0 to 1: the error rates do not hold")
    if min(n_se, n_sp) < _FEW_GOLD:
        warnings.append(f"fewer than {_FEW_GOLD} gold units of a class: the error rates are hardly known")
    is_known = math.isinf(n_se) and math.isinf(n_sp)
    method = "Wilson, carried over by known error rates" if is_known else "Lang-Reiczigel"
    return Estimate(
        value=value,
        se=math.sqrt(variance) / youden,
        interval=None if is_outside else (max(low, 0.0), min(high, 1.0)),
        level=level,
        interval_method="none: outside 0 to 1" if is_outside else f"{method}, within [0, 1]",
        estimand="share of units of the class, corrected for sensitivity and specificity",
        target=target,
        n_units=round(n),
        baselines={"uncorrected": a},
        assumptions=(_TRANSPORT, "labelled and gold units are independent samples"),
        warnings=tuple(warnings),
    )


def _rate(rate: Rate, name: str) -> tuple[float, float]:
    """A rate and the gold units behind it, infinite where it is known."""
    right, gold = rate if isinstance(rate, tuple) else (float(rate), math.inf)
    share = right / gold if math.isfinite(gold) and gold > 0 else right
    if not (0 <= share <= 1 and gold > 0):
        raise DataError(f"{name} {rate!r} must be a share from 0 to 1, or (right, gold units) with right <= gold")
    return share, gold


def _lang_reiczigel(
    labelled: tuple[float, float], sensitivity: tuple[float, float], specificity: tuple[float, float], level: float
) -> tuple[float, float]:
    (a, n), (se, n_se), (sp, n_sp) = labelled, sensitivity, specificity
    z = float(special.ndtri((1 + level) / 2))
    if math.isinf(n_se) and math.isinf(n_sp):
        low, high = wilson_interval(a, n, level)
        return (low + sp - 1) / (se + sp - 1), (high + sp - 1) / (se + sp - 1)
    # Centred as Wilson's, and the rates with one gold unit right and one wrong added (Lang and Reiczigel): a rate of
    # 0 or 1 in a small sample must not pass for known.
    a, n = (n * a + z**2 / 2) / (n + z**2), n + z**2
    se, n_se = _shrunk(se, n_se)
    sp, n_sp = _shrunk(sp, n_sp)
    # One gold unit right and one wrong added to each: with few gold units that can undo what information there was.
    if se + sp <= 1:
        return 0.0, 1.0
    centre = (a + sp - 1) / (se + sp - 1)
    from_se, from_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    spread = math.sqrt(a * (1 - a) / n + centre**2 * from_se + (1 - centre) ** 2 * from_sp) / (se + sp - 1)
    shift = 2 * z**2 * (centre * from_se - (1 - centre) * from_sp)
    return centre + shift - z * spread, centre + shift + z * spread


def _shrunk(rate: float, n: float) -> tuple[float, float]:
    return (rate, n) if math.isinf(n) else ((n * rate + 1) / (n + 2), n + 2)


@dataclass(frozen=True, kw_only=True)
class AdjustedPrevalence:
    """Shares of several classes, corrected for the labeller's confusion of them.

    - `categories`: names of the classes.
    - `estimates`: corrected share of every class; `baselines` holds the uncorrected one.
    - `unconstrained`: solution of C' pi = q, which may leave 0 to 1.
    - `condition`: condition number of C: by how much errors of q may grow; above 10 classes are hard to tell apart.
    - `is_constrained`: whether the nearest shares of at least 0 stand in for a solution outside.
    """

    categories: tuple[Hashable, ...]
    estimates: tuple[Estimate, ...]
    unconstrained: tuple[float, ...]
    condition: float
    is_constrained: bool
    warnings: tuple[str, ...] = ()


def adjusted_prevalence(
    confusion: ArrayLike,
    q: ArrayLike,
    *,
    categories: Sequence[Hashable] | None = None,
    level: float = 0.95,
    target: Target = "data",
    rng: np.random.Generator | None = None,
) -> AdjustedPrevalence:
    """Shares of several true classes from the shares of labels and the labeller's confusion matrix.

    Solves ``C' pi = q`` for pi, C the probability of each label (columns) given the true class (rows). Where the
    solution leaves 0 to 1, the shares of at least 0 that come nearest to q, with a warning. The assumption of
    `rogan_gladen` holds here too: C must be the same on the units labelled as on the gold units.

    Parameters
    ----------
    confusion : array_like, shape (n_categories, n_categories)
        Gold units by true class (rows) and label (columns); or known probabilities, rows summing to 1.
    q : array_like, shape (n_categories,)
        Units labelled so, without the gold units; or their shares.
    categories : sequence, optional
        Names of the classes; default 0, 1, ...
    level, target : float, {"data", "model", "human"}
        Confidence level of each interval (each class by itself); whom the shares describe.
    rng : numpy.random.Generator, optional
        Source of the draws behind the intervals; None takes the place "adjusted_prevalence" of seed 0.

    Returns
    -------
    AdjustedPrevalence
        Intervals where `q` holds counts: quantiles of solutions with q, and C where it holds counts, drawn from
        their Dirichlet posteriors under Jeffreys' prior, within [0, 1].

    Raises
    ------
    DesignError, DataError
        If the labels of some classes cannot be told apart (C is singular); if shapes, counts or shares are wrong.
    MissingDataError
        If an entry is missing.

    References
    ----------
    Rogan & Gladen (1978), Am. J. Epidemiol. 107, 71-76. doi:10.1093/oxfordjournals.aje.a112510

    Examples
    --------
    >>> found = adjusted_prevalence([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.05, 0.15, 0.8]], [0.4, 0.3, 0.3])
    >>> [round(share.value, 4) for share in found.estimates]
    [0.4458, 0.3133, 0.241]
    """
    table, labels = _entries(confusion, q)
    k = len(labels)
    names = tuple(range(k)) if categories is None else tuple(categories)
    if len(set(names)) != k:
        raise DataError(f"{len(names)} categories for {k} classes; name each class once")
    gold = table.sum(axis=1)
    rates = table / gold[:, None]
    condition = float(np.linalg.cond(rates))
    if not condition < 1e10:
        raise DesignError("some classes get the same labels (the confusion matrix is singular): merge these classes")
    shares = labels / labels.sum()
    free = np.linalg.solve(rates.T, shares)
    is_constrained = bool((free < -1e-12).any())
    solved = _nearest(rates, shares) if is_constrained else free
    are_rates = bool(np.allclose(gold, 1))
    limits = None
    if not math.isclose(labels.sum(), 1):
        draws = rng_for(0, "adjusted_prevalence") if rng is None else rng
        limits = _limits(table, labels, are_rates=are_rates, level=level, rng=draws)
    cautions = _cautions(free, condition, None if are_rates else gold, names)
    estimates = tuple(
        Estimate(
            value=float(solved[j]),
            interval=None if limits is None else (float(limits[0, j]), float(limits[1, j])),
            level=level,
            interval_method="none: q holds shares, not counts" if limits is None else "Dirichlet draws, in [0, 1]",
            estimand=f"share of units of class {name!r}, corrected for confusion",
            target=target,
            n_units=0 if limits is None else round(float(labels.sum())),
            baselines={"uncorrected": float(shares[j])},
            assumptions=(_TRANSPORT,),
            warnings=cautions,
        )
        for j, name in enumerate(names)
    )
    return AdjustedPrevalence(
        categories=names,
        estimates=estimates,
        unconstrained=tuple(free.tolist()),
        condition=condition,
        is_constrained=is_constrained,
        warnings=cautions,
    )


def _entries(confusion: ArrayLike, q: ArrayLike) -> tuple[Floats, Floats]:
    table, labels = np.asarray(confusion, dtype=np.float64), np.asarray(q, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or labels.shape != (len(table),) or len(labels) < 2:
        raise DataError(f"confusion has shape {table.shape} and q {labels.shape}; give (k, k) and (k,), k at least 2")
    if np.isnan(table).any() or np.isnan(labels).any():
        raise MissingDataError("confusion or q has a missing entry; write 0 for what never occurred")
    if (table < 0).any() or (labels < 0).any() or not labels.any() or not np.isfinite(table).all():
        raise DataError("confusion and q must hold counts or shares of at least 0, and q not only 0")
    if not (gold := table.sum(axis=1)).all():
        raise DataError(f"class {int(gold.argmin())} has no gold unit: how it is labelled is unknown; code some")
    return table, labels


def _nearest(rates: Floats, shares: Floats) -> Floats:
    """Shares of at least 0, summing to 1, whose labels come nearest to those seen."""
    # The row of large numbers holds the sum at 1 as closely as floats allow.
    stiff = 1e6
    system = np.vstack([rates.T, np.full(len(shares), stiff)])
    solved, _ = optimize.nnls(system, np.append(shares, stiff))
    nearest: Floats = solved / solved.sum()
    return nearest


def _limits(table: Floats, labels: Floats, *, are_rates: bool, level: float, rng: np.random.Generator) -> Floats:
    """Lower and upper limits, shape (2, k), from Dirichlet draws of what was counted."""
    k = len(labels)
    # Jeffreys' prior: with none, a label that never occurred would be known never to occur.
    q = rng.dirichlet(labels + 0.5, _DRAWS)
    if are_rates:
        rates = np.broadcast_to(table, (_DRAWS, k, k))
    else:
        rates = np.stack([rng.dirichlet(row + 0.5, _DRAWS) for row in table], axis=1)
    solved = np.linalg.solve(rates.swapaxes(1, 2), q[:, :, None])[:, :, 0]
    limits: Floats = np.clip(np.quantile(solved, [(1 - level) / 2, (1 + level) / 2], axis=0), 0.0, 1.0)
    return limits


def _cautions(free: Floats, condition: float, gold: Floats | None, names: tuple[Hashable, ...]) -> tuple[str, ...]:
    warnings = []
    if (free < -1e-12).any():
        outside = ", ".join(f"{name!r} {share:.4f}" for name, share in zip(names, free, strict=True) if share < 0)
        warnings.append(
            f"the solution leaves 0 to 1 ({outside}): the nearest shares stand in for it; chance, or a confusion that "
            "does not hold for these units"
        )
    if condition > 10:
        warnings.append(f"condition number {condition:.1f}: some classes are hardly told apart; consider merging them")
    if gold is not None and gold.min() < _FEW_GOLD:
        warnings.append(
            f"class {names[int(gold.argmin())]!r} has {gold.min():.0f} gold units: below {_FEW_GOLD} its row of the "
            "confusion matrix is hardly known"
        )
    return tuple(warnings)
