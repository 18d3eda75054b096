"""Shares of an item's options: estimates with intervals, bounds for missing answers, effective n."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints

_FEW_SUBJECTS = 30


def share_estimates(
    answers: ArrayLike, n_options: int, *, target: Target, weights: ArrayLike | None = None, level: float = 0.95
) -> tuple[Estimate, ...]:
    """Share of every option with its interval.

    Parameters
    ----------
    answers : array_like, shape (n_subjects,) or (n_subjects, n_options)
        One 0-based option index per subject (people, or answers drawn from a model), or one row of
        probabilities per subject. Only valid answers; see `missing_bounds` for the others.
    n_options : int
        Options of the item, including those nobody took.
    target : {"model", "human"}
        Whom the shares describe.
    weights : array_like, shape (n_subjects,), optional
        Design weights, positive.
    level : float
        Confidence level of each interval (each option by itself, not all of them jointly).

    Returns
    -------
    tuple of Estimate
        One per option. Answers: Wilson's interval. Weighted answers, and probabilities: Wilson's interval at the
        number of answers that would have the share's own standard error over subjects (linearised, as in R's survey),
        with a t quantile. Of probabilities it is about subjects, since an engine's probabilities have no drawing
        error, and it is too short where few subjects carry the mass (a warning below 30 subjects or 25 skewness^2;
        Cochran 1977, Sampling Techniques, sec. 2.15).

    Raises
    ------
    DataError, MissingDataError
        If there are no answers, an answer is no option, a row is no distribution or a weight is not positive; if an
        answer, a probability or a weight is missing.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22, 209-212. doi:10.1080/01621459.1927.10502953
    Kish (1965), Survey Sampling. New York: Wiley.
    Franco et al. (2019), J. Surv. Stat. Methodol. 7, 334-364. doi:10.1093/jssam/smy019 (Wilson at an effective n)

    Examples
    --------
    >>> low, high = share_estimates([1] * 12 + [0] * 8, 2, target="human")[1].interval
    >>> round(low, 4), round(high, 4)
    (0.3866, 0.7812)
    """
    observed = np.asarray(answers)
    if observed.ndim == 2:
        rows = option_probabilities(observed, n_options)
        return _from_probabilities(rows, design_weights(weights, len(rows)), target=target, level=level)
    indices = option_indices(observed, n_options)
    return _from_answers(indices, design_weights(weights, len(indices)), n_options, target=target, level=level)


def _from_answers(answers: Ints, w: Floats, n_options: int, *, target: Target, level: float) -> tuple[Estimate, ...]:
    n, shares = len(w), np.bincount(answers, weights=w, minlength=n_options) / w.sum()
    if np.ptp(w) == 0:
        return tuple(
            Estimate(
                value=float(share), interval=wilson_interval(float(share), n, level), level=level,
                interval_method="Wilson", estimand=f"share of subjects answering option {k}", target=target, n_units=n,
            )
            for k, share in enumerate(shares)
        )  # fmt: skip
    # Weights that make up for who answers go with the answers, so the variance is the share's own and not Kish's.
    n_eff = float(kish_n_eff(w))
    found = []
    for k, share in enumerate(shares):
        residual = w * ((answers == k) - share)
        error = math.sqrt(n / (n - 1) * float(residual @ residual)) / float(w.sum())
        seen = n_eff if not 0 < share < 1 else n
        found.append(
            Estimate(
                value=float(share),
                se=error,
                interval=_mean_interval(float(share), error, n, level, seen=seen),
                level=level,
                interval_method=f"Wilson at the weighted share's own variance, t, {n - 1} df",
                estimand=f"weighted share of subjects answering option {k}",
                target=target,
                n_units=n,
            )
        )
    return tuple(found)


def _from_probabilities(rows: Floats, w: Floats, *, target: Target, level: float) -> tuple[Estimate, ...]:
    n = len(rows)
    means = w @ rows / w.sum()
    errors = np.full(len(means), math.nan)
    if n > 1:
        errors = np.sqrt(n / (n - 1) * ((w[:, None] * (rows - means)) ** 2).sum(axis=0)) / w.sum()
    return tuple(
        Estimate(
            value=float(mean),
            se=None if n == 1 else float(error),
            interval=None if n == 1 else _mean_interval(float(mean), float(error), n, level),
            level=level,
            interval_method="none: one subject" if n == 1 else f"Wilson at the mean's own variance, t, {n - 1} df",
            estimand=f"mean probability of option {k} over subjects",
            target=target,
            n_units=n,
            warnings=_mean_warnings(rows[:, k]),
        )
        for k, (mean, error) in enumerate(zip(means, errors, strict=True))
    )


def _mean_interval(
    mean: float, error: float, n: int, level: float, *, seen: float | None = None
) -> tuple[float, float]:
    """Wilson's interval at the number of answers that would have this standard error, with a t quantile.

    The variance of a mean probability is taken to be a multiple of ``m (1 - m)`` for every m it might be, as it is
    for shares, where the t interval takes it to be constant: with few subjects far from 1/2 that is what matters.
    """
    t = float(special.stdtrit(n - 1, (1 + level) / 2))
    # Nobody, or everybody: answers of so many subjects, whose variance they do not show.
    if not 0 < mean < 1:
        return score_interval(mean, n if seen is None else seen, t)
    # The same probability for all subjects: any number of them would have given this mean.
    return score_interval(mean, mean * (1 - mean) / error**2, t) if error > 1e-12 else (mean, mean)


def _mean_warnings(values: Floats) -> tuple[str, ...]:
    """Reasons to distrust the t interval of a mean, by Cochran's rule n > 25 skewness^2."""
    n = len(values)
    if n == 1:
        return ("one subject: no interval over subjects; ask more subjects",)
    if n < _FEW_SUBJECTS:
        return (f"{n} subjects: the interval of a share that few of them carry may be too short; 30 or more are safer",)
    spread = float(values.std())
    skewness = float(((values - values.mean()) ** 3).mean()) / spread**3 if spread > 1e-12 else 0.0
    if n <= 25 * skewness**2:
        return (f"few of {n} subjects carry this share (skewness {skewness:.1f}): the interval is too short",)
    return ()


def wilson_interval(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share among `n` (effective) units; see `share_estimates`."""
    return score_interval(share, n, float(special.ndtri((1 + level) / 2)))


def score_interval(share: float, n: float, z: float) -> tuple[float, float]:
    """Every share whose score test among `n` units, ``|share - p| <= z sqrt(p (1 - p) / n)``, is not rejected."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At a share of 0 or 1 the limit is 0 or 1 exactly; rounding must not carry it outside.
    return max(centre - reach, 0.0) if share > 0 else 0.0, min(centre + reach, 1.0) if share < 1 else 1.0


def missing_bounds(
    counts: Mapping[object, float] | Sequence[float], n_missing: float, *, target: Target
) -> tuple[Estimate, ...]:
    """Worst-case bounds of every share when some answers are missing.

    The share of an option lies between ``c_k / (n + m)``, nobody missing would have taken it, and
    ``(c_k + m) / (n + m)``, everybody would have. No assumption about why answers are missing, and no
    sampling error: `interval` holds the bounds, which do not shrink as n grows.

    Parameters
    ----------
    counts : mapping of option to count, or sequence
        Valid answers (or their summed weights) by option.
    n_missing : float
        Refused, unparsed, truncated and failed answers, in the same unit.
    target : {"model", "human"}
        Whom the shares describe.

    Returns
    -------
    tuple of Estimate
        One per option in the order of `counts`; `value` is the share among valid answers, NaN without any.

    Raises
    ------
    DataError
        If a count is negative or nothing was asked.

    References
    ----------
    Manski (2003), Partial Identification of Probability Distributions. doi:10.1007/b97478

    Examples
    --------
    >>> [round(limit, 2) for limit in missing_bounds({"yes": 54, "no": 36}, 10, target="model")[0].interval]
    [0.54, 0.64]
    """
    names = list(counts) if isinstance(counts, Mapping) else list(range(len(counts)))
    values = np.asarray(list(counts.values()) if isinstance(counts, Mapping) else counts, dtype=np.float64)
    if not np.isfinite([*values, n_missing]).all() or (values < 0).any() or n_missing < 0:
        raise DataError(f"counts {values.tolist()} and n_missing {n_missing} must be numbers of at least 0")
    n_valid = float(values.sum())
    asked = n_valid + n_missing
    if not asked:
        raise DataError("no answers, valid or missing: there is nothing to bound; leave the item out")
    reason = () if n_valid else ("no valid answer: only the bounds are known",)
    return tuple(
        Estimate(
            value=float(count / n_valid) if n_valid else math.nan,
            interval=(float(count / asked), float((count + n_missing) / asked)),
            interval_method="worst-case bounds, no sampling error",
            estimand=f"share answering {name!r} had everybody given a valid answer",
            target=target,
            n_units=round(n_valid),
            n_missing=round(n_missing),
            warnings=reason,
        )
        for name, count in zip(names, values, strict=True)
    )


def kish_n_eff(weights: ArrayLike) -> Estimate:
    """Size of the simple random sample that estimates a mean as precisely: ``(sum w)^2 / sum w^2``.

    Assumes that weights are unrelated to the answers; for a particular answer they may not be.

    Parameters
    ----------
    weights : array_like, shape (n_subjects,)
        Positive weights; their scale does not matter.

    Returns
    -------
    Estimate
        Between 1 and n_subjects.

    Raises
    ------
    DataError, MissingDataError
        If a weight is not positive, or there are none; if a weight is missing.

    References
    ----------
    Kish (1965), Survey Sampling. New York: Wiley.

    Examples
    --------
    >>> print(kish_n_eff([1, 1, 1, 3]))
    3.000
    """
    w = design_weights(weights, None)
    # Dividing by the largest keeps tiny or huge weights from under- or overflowing when squared.
    w = w / w.max()
    is_equal = bool((w == 1).all())
    what = "effective sample size under the weights"
    how = "none: the weights are given"
    value = float(len(w)) if is_equal else max(float(w.sum() ** 2 / (w @ w)), 1.0)
    return Estimate(value=value, estimand=what, target="human", n_units=len(w), interval_method=how)


def design_weights(weights: ArrayLike | None, n: int | None) -> Floats:
    """Weights as an array, shape (n_subjects,); ones if None."""
    if weights is None:
        return np.ones(n or 0)
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 1 or not w.size or (n is not None and len(w) != n):
        raise DataError(f"weights have shape {w.shape}, expected ({'n_subjects' if n is None else n},)")
    if np.isnan(w).any():
        raise MissingDataError(f"weight {int(np.isnan(w).argmax())} is missing; leave that subject out")
    if (w <= 0).any() or np.isinf(w).any():
        bad = int(((w <= 0) | np.isinf(w)).argmax())
        raise DataError(f"weight {bad} is {w[bad]}; weights are positive, leave subjects outside the sample out")
    return w


def option_indices(answers: ArrayLike, n_options: int) -> Ints:
    """Answers as 0-based option indices, shape (n_subjects,), or an error naming the first that is none."""
    values = np.asarray(answers)
    if values.ndim != 1 or not values.size:
        raise DataError(f"answers have shape {values.shape}; expected one option index per subject, at least one")
    if values.dtype == object and any(answer is None for answer in values):
        raise MissingDataError("an answer is missing; leave that subject out and bound it with missing_bounds")
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise MissingDataError("an answer is missing; leave that subject out and bound it with missing_bounds")
    if values.dtype.kind not in "iuf" or (values != np.floor(values)).any():
        raise DataError(f"answers must be whole-number option indices, got {values[:3].tolist()}")
    if (outside := (values < 0) | (values >= n_options)).any():
        first = values[outside.argmax()]
        raise DataError(f"answer {first} is none of the {n_options} options 0..{n_options - 1}")
    return values.astype(np.intp)


def option_probabilities(rows: ArrayLike, n_options: int) -> Floats:
    """Rows of probabilities, shape (n_subjects, n_options), each summing to 1."""
    values = np.asarray(rows, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != n_options or not len(values):
        raise DataError(f"probabilities have shape {values.shape}; expected (n_subjects, {n_options})")
    if np.isnan(values).any():
        raise MissingDataError(f"row {int(np.isnan(values).any(axis=1).argmax())} has a missing probability")
    wrong = (values < 0).any(axis=1) | (np.abs(values.sum(axis=1) - 1) > 1e-6)
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(f"row {first} is no distribution: {values[first].tolist()} must be >= 0 and sum to 1")
    return values
