"""Gwet's AC1, raw agreement, and both beside Krippendorff's alpha."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.agreement.codes import Codes, count_rows
from proband.measures.agreement.intervals import Coefficient, as_estimate
from proband.measures.agreement.krippendorff import Level, krippendorff_alpha
from proband.measures.arrays import Floats
from proband.measures.shares import wilson_interval


def gwet_ac1(
    codes: ArrayLike, categories: Sequence[Hashable] | int, *, level: float = 0.95, target: Target = "data"
) -> Estimate:
    """Agreement beyond chance that does not collapse when one category is common.

    ``AC1 = (p_a - p_e) / (1 - p_e)`` with p_a the mean share of agreeing pairs of a unit's codes and
    ``p_e = sum_k pi_k (1 - pi_k) / (q - 1)``, pi_k the mean share of category k and q the number of categories the
    coders could use. It assumes that chance matters only where coders guess, so it is close to raw agreement under
    skew; where all units are alike it can be high although the coders tell nothing apart. Report it with alpha.

    Parameters
    ----------
    codes : array_like, shape (n_units, n_coders)
        Numbers or texts; None or NaN where a coder did not code a unit.
    categories : sequence or int
        All categories coders could use, or how many; AC1 depends on those nobody used, too.
    level, target : float, {"data", "model", "human"}
        Confidence level of the interval; whom the coefficient describes.

    Returns
    -------
    Estimate
        At most 1. Gwet's standard error over units; Fisher's z interval with t on n - 1 degrees of freedom, none
        below 10 units or where coders never disagree. Too short below 5 units of other codes than the commonest,
        and then with a warning.

    Raises
    ------
    DesignError, DataError
        If fewer than 2 categories are declared, or no unit was coded twice; if a code is none of the categories, or
        more codes occur than `categories` counts.

    References
    ----------
    Gwet (2008), Br. J. Math. Stat. Psychol. 61, 29-48. doi:10.1348/000711006X126600

    Examples
    --------
    >>> coded = [["a", "a"]] * 118 + [["a", "b"]] * 5 + [["b", "a"]] * 2
    >>> print(gwet_ac1(coded, ["a", "b"]))
    0.941 [0.874, 0.973]
    """
    read, q = _read(codes, categories)
    c = read.counts()
    r = c.sum(axis=1)
    coded, paired = r > 0, r > 1
    n, n_paired = float(read.times @ coded), float(read.times @ paired)
    agreeing = _agreeing_pairs(c, r)
    shares = np.divide(c, r[:, None], out=np.zeros_like(c), where=coded[:, None])
    pi = read.times @ shares / n
    observed = float(read.times @ agreeing) / n_paired
    expected = float((pi * (1 - pi)).sum()) / (q - 1)
    value = (observed - expected) / (1 - expected)
    of_unit = n / n_paired * np.where(paired, agreeing - expected, 0.0) / (1 - expected)
    # Chance agreement is estimated from the same units, so each moves it too: Gwet's second term.
    guessed = np.where(coded, (shares * (1 - pi)).sum(axis=1) / (q - 1), expected)
    of_unit = of_unit - 2 * (1 - value) * (guessed - expected) / (1 - expected)
    spread = float(read.times @ np.where(coded, of_unit - value, 0.0) ** 2)
    return as_estimate(
        Coefficient(
            value=value,
            se=math.sqrt(spread / (n * (n - 1))) if n > 1 else math.nan,
            n_units=round(n_paired),
            n_disagreeing=float(read.times @ (paired & (c.max(axis=1) < r))),
            n_minority=float(read.times @ (coded & (c[:, int((read.times @ c).argmax())] < r))),
            n_missing=round(float(read.times.sum()) - n_paired),
            # No `n_elsewhere`: AC1 takes a rare code for little chance, and holds where coders never agree on one.
            error_from="Gwet's standard error",
        ),
        f"Gwet's AC1 of up to {read.index.shape[1]} coders on {q} categories",
        level=level,
        target=target,
    )


def _read(codes: ArrayLike, categories: Sequence[Hashable] | int) -> tuple[Codes, int]:
    if isinstance(categories, int):
        read, q = count_rows(codes), categories
        if len(read.values) > q:
            raise DataError(f"{len(read.values)} different codes occur where {q} categories were declared")
    else:
        read, q = count_rows(codes, categories), len(categories)
    if q < 2:
        raise DesignError(f"{q} category: coders could not have disagreed; declare all they could have used")
    if not ((read.index >= 0).sum(axis=1) >= 2).any():
        raise DesignError("no unit was coded twice, so agreement cannot be seen; have some units coded by two coders")
    return read, q


def _agreeing_pairs(c: Floats, r: Floats) -> Floats:
    """Share of agreeing pairs among a unit's codes; 0 where it has fewer than two."""
    pairs = (c * (c - 1)).sum(axis=1)
    agreeing: Floats = np.divide(pairs, r * (r - 1), out=np.zeros(len(r)), where=r > 1)
    return agreeing


@dataclass(frozen=True, kw_only=True)
class AgreementSummary:
    """What a report on coding needs side by side, since each number misleads alone.

    - `raw`: mean share of agreeing pairs of codes of a unit.
    - `alpha`, `ac1`: Krippendorff's alpha and Gwet's AC1.
    - `marginals` (mapping of category to tuple of float): share of each category among the codes of every coder, in
      the order of the columns; NaN for a coder without codes.
    """

    raw: Estimate
    alpha: Estimate
    ac1: Estimate
    marginals: Mapping[Hashable, tuple[float, ...]]


def agreement_summary(
    codes: ArrayLike,
    categories: Sequence[Hashable],
    *,
    measured: Level = "nominal",
    level: float = 0.95,
    target: Target = "data",
) -> AgreementSummary:
    """Raw agreement, Krippendorff's alpha, Gwet's AC1 and every coder's marginal shares.

    Alpha far below AC1 means that one category prevails: look at the marginals before calling coders unreliable.

    Parameters
    ----------
    codes, categories, level, target
        As in `gwet_ac1`.
    measured : {"nominal", "ordinal", "interval", "ratio"}
        Level of measurement for alpha.

    Returns
    -------
    AgreementSummary
        The interval of raw agreement is Wilson's, with units for trials where all have two codes; for more coders
        with the effective number of units that their variance gives.

    Raises
    ------
    DesignError, DataError
        As in `gwet_ac1` and `krippendorff_alpha`.

    Examples
    --------
    >>> found = agreement_summary([["a", "a"]] * 118 + [["a", "b"]] * 5 + [["b", "a"]] * 2, ["a", "b"])
    >>> print(found.raw, found.ac1.value > 0.9, found.alpha.value < 0)
    0.944 [0.889, 0.973] True True
    """
    read, _ = _read(codes, categories)
    held = read.index >= 0
    n_codes = read.times @ held
    marginals: dict[Hashable, tuple[float, ...]] = {}
    for k, category in enumerate(read.values.tolist()):
        of_coders = read.times @ (read.index == k)
        marginals[category] = tuple(float(a / b) if b else math.nan for a, b in zip(of_coders, n_codes, strict=True))
    return AgreementSummary(
        raw=_raw_agreement(read, level=level, target=target),
        alpha=krippendorff_alpha(codes, measured, categories=categories, level=level, target=target),
        ac1=gwet_ac1(codes, categories, level=level, target=target),
        marginals=marginals,
    )


def _raw_agreement(read: Codes, *, level: float, target: Target) -> Estimate:
    c = read.counts()
    r = c.sum(axis=1)
    times = np.where(r > 1, read.times, 0.0)
    n = float(times.sum())
    agreeing = _agreeing_pairs(c, r)
    mean = float(times @ agreeing) / n
    variance = float(times @ (agreeing - mean) ** 2) / max(n - 1, 1)
    # Shares of several pairs vary less between units than single yes-or-no answers; never count fewer units than n.
    n_eff = max(n, mean * (1 - mean) / variance * n) if 0 < mean < 1 and variance > 0 else n
    return Estimate(
        value=mean,
        interval=wilson_interval(mean, n_eff, level),
        level=level,
        interval_method=f"Wilson at an effective {n_eff:.1f} units",
        estimand="share of agreeing pairs of codes of a unit",
        target=target,
        n_units=round(n),
        n_missing=round(float(read.times.sum()) - n),
    )
