"""Bias towards labels and positions: how large it is, and two ways to take it out of probabilities."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats, finite
from proband.measures.distances import mean_absolute_error
from proband.measures.shares import wilson_interval

_LEVEL = 0.95
_MIN_ROWS = 5

LabelShares = Mapping[Hashable, float] | ArrayLike


def a_bias(shares: LabelShares) -> Estimate:
    """How far the first label is preferred or avoided when it may stand for any option: ``|P(A) - 1/K|``.

    Under uniformly randomised order every label, and every position, stands for every option equally often, so any
    preference is the label's own. `statistic` and `p_value` test that *all* labels are equally frequent. Give
    positions instead of labels to measure primacy, and the reversed list to measure recency. Meaningless where order
    was not randomised: there label and content are the same thing. Items with different K are asked about separately.

    Parameters
    ----------
    shares : mapping of label to share or count, or array_like, shape (n_labels,) or (n_rows, n_labels)
        Shares (sum 1, no sampling error known); counts of independent answers; or one row of shares or counts
        per cluster (item or subject), which then is the independent unit.

    Returns
    -------
    Estimate
        0 to 1 - 1/K. 95 % interval: Wilson's for counts, t over rows for rows (at least 5), folded at 0. Test:
        chi-squared, or Hotelling's T^2 over rows. `baselines` holds the value that sampling alone gives.

    Raises
    ------
    DataError, MissingDataError
        If there are fewer than 2 labels, a count is negative or infinite, or a row is all zero; if a share is
        missing.

    References
    ----------
    Dominguez-Olmedo, Hardt & Mendler-Dunner (2024). arXiv:2306.07951

    Examples
    --------
    >>> print(a_bias([0.5, 0.2, 0.2, 0.1]))
    0.250
    >>> found = a_bias({"A": 50, "B": 20, "C": 20, "D": 10})
    >>> print(found, f"{found.p_value:.1e}")
    0.250 [0.154, 0.346] 7.5e-08
    """
    table = _shares(list(shares.values()) if isinstance(shares, Mapping) else shares, "shares")
    if table.ndim > 2:
        raise DataError(f"shares have shape {table.shape}; expected (n_labels,) or (n_rows, n_labels)")
    if table.ndim == 2:
        return _from_rows(table)
    k, n = len(table), float(table.sum())
    share = float(table[0]) / n
    if abs(n - 1) < 1e-6:
        return _bias(share - 1 / k, k, n_units=0, interval_method="none: shares without their number of answers")
    expected = n / k
    chi2 = float(((table - expected) ** 2).sum() / expected)
    low, high = wilson_interval(share, n, _LEVEL)
    few = (f"{expected:.1f} answers expected per label; below 5 the chi-squared test is rough",)
    return _bias(
        share - 1 / k,
        k,
        n_units=round(n),
        limits=(low - 1 / k, high - 1 / k),
        interval_method=f"Wilson, folded at 0; chi-squared test with {k - 1} df",
        test=(chi2, float(k - 1), float(special.chdtrc(k - 1, chi2))),
        floor=float(mean_absolute_error(np.array([1 / k]), max(n, 1.0))[0]),
        warnings=few if expected < 5 else (),
    )


def _from_rows(table: Floats) -> Estimate:
    n, k = table.shape
    rows = table / table.sum(axis=1, keepdims=True)
    gaps = rows - 1 / k
    value = float(gaps[:, 0].mean())
    if n < _MIN_ROWS:
        return _bias(value, k, n_units=n, interval_method=f"none: {n} rows; an interval over rows needs {_MIN_ROWS}")
    se = float(gaps[:, 0].std(ddof=1)) / math.sqrt(n)
    reach = se * float(special.stdtrit(n - 1, (1 + _LEVEL) / 2))
    varies = se > 1e-12  # rows that are equal by design differ by rounding
    test, how = None, f"no test: {n} rows for {k} labels"
    if n >= 2 * k:
        test, how = _hotelling(gaps), f"Hotelling's T^2 with {k - 1} and {n - k + 1} df"
    warnings = () if test or n < 2 * k else ("rows do not vary in every direction: no test of all labels",)
    limits = (value - reach, value + reach) if varies else None
    method = f"t over rows, {n - 1} df, folded at 0; {how}" if varies else "none: all rows are alike"
    floor = se * math.sqrt(2 / math.pi)
    return _bias(value, k, n_units=n, limits=limits, interval_method=method, test=test, floor=floor, warnings=warnings)


def _hotelling(gaps: Floats) -> tuple[float, float, float] | None:
    """F, its first degrees of freedom and p that mean gaps are 0; None where the covariance is singular."""
    n, k = gaps.shape
    x = gaps[:, 1:]  # gaps sum to 0, so one is redundant
    covariance = np.atleast_2d(np.cov(x.T))
    if np.linalg.matrix_rank(covariance) < k - 1:
        return None
    centre = x.mean(axis=0)
    t2 = n * float(centre @ np.linalg.solve(covariance, centre))
    f = t2 * (n - k + 1) / ((n - 1) * (k - 1))
    return f, float(k - 1), float(special.fdtrc(k - 1, n - k + 1, f))


def _bias(
    signed: float,
    k: int,
    *,
    n_units: int,
    interval_method: str,
    limits: tuple[float, float] | None = None,
    test: tuple[float, float, float] | None = None,
    floor: float | None = None,
    warnings: tuple[str, ...] = (),
) -> Estimate:
    if limits is not None:
        far = max(abs(limits[0]), abs(limits[1]))
        limits = (0.0 if limits[0] <= 0 <= limits[1] else min(abs(limits[0]), abs(limits[1])), far)
    return Estimate(
        value=abs(signed),
        interval=limits,
        level=_LEVEL,
        interval_method=interval_method,
        estimand=f"distance of the first of {k} labels' share from 1/{k}; it is {'above' if signed > 0 else 'below'}"
        if abs(signed) > 1e-12
        else f"distance of the first of {k} labels' share from 1/{k}",
        target="model",
        n_units=n_units,
        statistic=test[0] if test else None,
        df=test[1] if test else None,
        p_value=test[2] if test else None,
        baselines={} if floor is None else {"noise_floor": floor},
        assumptions=("the order of options was uniformly random",),
        warnings=warnings,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Debiased:
    """Probabilities with the labels' own share taken out.

    - `probs`: of the shape of what was given; rows sum to 1.
    - `prior` (n_labels,): what labels get for themselves; sums to 1.
    - `prior_sd` (n_labels,): standard deviation of the prior over what it was estimated from; NaN with a single
      input. Large values say that the bias depends on the item, and one prior does not fit all.
    - `n_estimation`: content-free inputs, or items permuted.
    """

    probs: Floats
    prior: Floats
    prior_sd: Floats
    n_estimation: int
    warnings: tuple[str, ...] = ()


def contextual_calibration(p: ArrayLike, p_content_free: ArrayLike) -> Debiased:
    """Divide probabilities by those of inputs without content ("N/A"), and make them sum to 1 again.

    ``q_k = (p_k / c_k) / sum_j (p_j / c_j)`` with c the mean over content-free inputs. It makes a content-free
    input answer uniformly, which is right for label bias and wrong for opinions: a model that leans to "agree" when
    asked nothing may be right about people. Not a default for survey items; report both.

    Parameters
    ----------
    p : array_like, shape (n_labels,) or (n_items, n_labels)
        Probabilities of labels, summing to 1.
    p_content_free : array_like, shape (n_labels,) or (n_inputs, n_labels)
        The same for content-free inputs; several are averaged.

    Returns
    -------
    Debiased
        Without intervals: probabilities have no sampling error, and the choice of inputs is not random.

    Raises
    ------
    DataError, MissingDataError
        If labels differ in number, a row is no distribution, or a label has no content-free probability; if a
        probability is missing.

    References
    ----------
    Zhao, Wallace, Feng, Klein & Singh (2021). arXiv:2102.09690

    Examples
    --------
    >>> contextual_calibration([0.6, 0.4], [0.7, 0.3]).probs.round(7).tolist()
    [0.3913043, 0.6086957]
    """
    given, free = _probabilities(p, "p"), np.atleast_2d(_probabilities(p_content_free, "p_content_free"))
    if given.shape[-1] != free.shape[-1]:
        raise DataError(f"p has {given.shape[-1]} labels and p_content_free {free.shape[-1]}; give the same labels")
    prior = free.mean(axis=0)
    if (prior == 0).any():
        raise DataError(
            f"label {int((prior == 0).argmax())} (counted from 0) has no content-free probability, so its share cannot "
            "be divided by it; add content-free inputs, or score the label at full precision"
        )
    few = ("one content-free input: its wording is now part of every answer; use several",)
    probs = _normalised(np.log(given, out=np.full_like(given, -np.inf), where=given > 0) - np.log(prior))
    warnings = few if len(free) == 1 else ()
    return Debiased(probs=probs, prior=prior, prior_sd=_sd(free), n_estimation=len(free), warnings=warnings)


def pride(observed: ArrayLike, permutations: ArrayLike) -> Debiased:
    """Take the labels' prior, estimated from permuted options of a few items, out of all items' probabilities.

    Supposes that the observed probability is proportional to the prior of the label times that of its content.
    Over balanced permutations every label stands for every option equally often, so an item's prior is
    ``softmax(mean over permutations of ln P(label))``; priors are averaged over items, and every item becomes
    ``softmax(ln P - ln prior)`` from its default order alone. Costs K calls for a few items and 1 for the rest.
    Where calls are cheap, randomising the order of every item needs no such supposition.

    Parameters
    ----------
    observed : array_like, shape (n_labels,) or (n_items, n_labels)
        Probabilities of labels in the default order.
    permutations : array_like, shape (n_permutations, n_labels) or (n_items, n_permutations, n_labels)
        Probabilities of labels (not of contents) under each permutation of an estimation item's options: the K cyclic
        ones, or another set in which every label stands for every option equally often.

    Returns
    -------
    Debiased
        `probs` by label of the default order.

    Raises
    ------
    DesignError
        If the number of permutations is no multiple of the number of labels, so they cannot be balanced.
    DataError
        If shapes differ, a row is no distribution, or a label has probability 0 (a logarithm is needed; the
        paper's code adds 1e-10, which decides the result).
    MissingDataError
        If a probability is missing.

    References
    ----------
    Zheng, Zhou, Meng, Zhou & Huang (2024). arXiv:2309.03882

    Examples
    --------
    >>> import numpy as np
    >>> prior, content = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.5, 0.3])
    >>> turned = np.array([prior * np.roll(content, -t) for t in range(3)])
    >>> turned /= turned.sum(axis=1, keepdims=True)
    >>> found = pride(turned[0], turned)
    >>> found.prior.round(6).tolist(), found.probs.round(6).tolist()
    ([0.5, 0.3, 0.2], [0.2, 0.5, 0.3])
    """
    given, turned = _probabilities(observed, "observed"), _probabilities(permutations, "permutations")
    turned = turned[None] if turned.ndim == 2 else turned
    if turned.ndim != 3 or given.ndim > 2 or turned.shape[2] != given.shape[-1]:
        raise DataError(
            f"observed has shape {given.shape} and permutations {np.shape(permutations)}; expected (n_items, "
            "n_labels) and (n_items, n_permutations, n_labels) with the same labels"
        )
    n, m, k = turned.shape
    if m % k:
        raise DesignError(
            f"{m} permutations of {k} options cannot put every option under every label equally often; use {k} "
            "cyclic ones"
        )
    if (turned == 0).any() or (given == 0).any():
        raise DataError("a label has probability 0, which has no logarithm; score all labels at full precision")
    priors = _normalised(np.log(turned).mean(axis=1))
    prior = priors.mean(axis=0)
    few = (f"the prior comes from {n} items; the bias of others may differ: permute 5 or more",)
    probs = _normalised(np.log(given) - np.log(prior))
    return Debiased(probs=probs, prior=prior, prior_sd=_sd(priors), n_estimation=n, warnings=few if n < 5 else ())


def _sd(rows: Floats) -> Floats:
    return rows.std(axis=0, ddof=1) if len(rows) > 1 else np.full(rows.shape[1], math.nan)


def _normalised(log_weights: Floats) -> Floats:
    weights = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    probs: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return probs


def _shares(values: ArrayLike, name: str) -> Floats:
    x = finite(values, f"numbers in {name}", ndim=None, way_out="leave those rows out")
    if x.ndim not in (1, 2, 3) or x.shape[-1] < 2 or not x.size:
        raise DataError(f"{name} has shape {x.shape}; expected at least 2 labels on the last axis")
    if (x < 0).any():
        raise DataError(f"{name} holds a negative number; check how it was made")
    if not x.sum(axis=-1).all():
        raise DataError(f"{name} has a row of zeros: nobody answered; leave it out")
    return x


def _probabilities(values: ArrayLike, name: str) -> Floats:
    x = _shares(values, name)
    if (np.abs(x.sum(axis=-1) - 1) > 1e-6).any():
        raise DataError(f"{name} must sum to 1 over labels, found {float(x.sum(axis=-1).ravel()[0]):.6g}; divide first")
    return x
