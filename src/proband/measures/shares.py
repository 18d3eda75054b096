"""Shares of an item's options: estimates with intervals, and bounds for missing answers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints
from proband.measures.skewness import fewest_for, skewness
from proband.measures.surveys.design import SurveyDesign, design_of

_FEW_SUBJECTS = 30
_FEW_DF = 4  # of units less strata
_ALIKE = 1e-12  # standard error of a share that does not vary between units
ALIKE = "none: the share does not vary between units"
UNITS_ALIKE = "every unit holds the same share, by chance or by design, and shows nothing of how far units differ"


def share_estimates(
    answers: ArrayLike,
    n_options: int,
    *,
    target: Target,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    psu: ArrayLike | None = None,
    design: SurveyDesign | None = None,
    level: float = 0.95,
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
        Design weights; a subject of weight 0 stands for nobody and is left out.
    strata, psu : array_like, shape (n_subjects,), optional
        Stratum of every subject, and unit that it was drawn with.
    design : SurveyDesign, optional
        All of these in one, and what else there is to say of how subjects were drawn; see `survey_design`.
    level : float
        Confidence level of each interval (each option by itself, not all of them jointly).

    Returns
    -------
    tuple of Estimate
        One per option. Answers of a simple random sample: Wilson's interval. Of any other design, and of
        probabilities: Wilson's interval at the number of answers that would have the share's own standard error
        (linearised or by replicates, as in R's survey), with a t quantile. Where nobody or everybody takes an option
        no variance is seen, and there are as many answers as independent units, at Kish's effective number of them. Of
        probabilities it is about subjects, since an engine's probabilities have no drawing error, and it is too
        short where few subjects carry the mass (a warning below 30 subjects or 25 skewness^2; Cochran 1977, Sampling
        Techniques, sec. 2.15).

    Raises
    ------
    DataError, MissingDataError
        If there are no answers, an answer is no option, a row is no distribution, a weight is negative or a stratum
        has a single unit; if an answer, a probability, a weight or a label is missing.

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
        plan = design_of(len(rows), weights, strata, psu, design)
        return _from_rows(plan.at_hand(rows, "answers"), plan, n_options, target=target, level=level)
    indices = option_indices(observed, n_options)
    plan = design_of(len(indices), weights, strata, psu, design)
    return _from_answers(plan.at_hand(indices, "answers"), plan, n_options, target=target, level=level)


def _from_answers(
    answers: Ints, plan: SurveyDesign, n_options: int, *, target: Target, level: float
) -> tuple[Estimate, ...]:
    shares = np.bincount(answers, weights=plan.w, minlength=n_options) / plan.w.sum()
    is_alike = plan.is_simple and np.ptp(plan.w) == 0
    errors = None if is_alike else np.sqrt(_share_variances(answers, shares, plan))
    return tuple(
        Estimate(
            value=float(share), interval=wilson_interval(float(share), plan.n, level), level=level,
            interval_method="Wilson", estimand=f"share of subjects answering option {k}", target=target,
            n_units=plan.n, warnings=plan.left_out,
        ) if errors is None else
        designed_share(float(share), float(errors[k]), plan, f"share of subjects answering option {k}", target, level)
        for k, share in enumerate(shares)
    )  # fmt: skip


def _share_variances(answers: Ints, shares: Floats, plan: SurveyDesign) -> Floats:
    """Variance of every share by its design, shape (n_options,)."""
    k = len(shares)
    if plan.repeats is not None or plan.calibration is not None or plan.within is not None:

        def statistic(w: Floats) -> Floats:
            counts: Floats = np.bincount(answers, w, k) / w.sum()
            return counts

        def influence() -> Floats:
            gaps: Floats = (np.eye(k)[answers] - shares) * (plan.w / plan.w.sum())[:, None]
            return gaps

        found: Floats = np.maximum(np.diag(plan.covariance(statistic, influence)), 0.0)
        return found
    w = plan.w / plan.w.sum()
    if len(plan.stratum_of_unit) == plan.n:
        # Everybody is a unit: sums by stratum and option do, where a row a person would take a thousand times as long.
        n_strata = len(plan.units_per_stratum)
        cell = plan.stratum * k + answers
        first, second = (np.bincount(cell, x, n_strata * k).reshape(n_strata, k) for x in (w, w**2))
        totals = first - shares * first.sum(axis=1, keepdims=True)
        squares = second * (1 - 2 * shares) + shares**2 * second.sum(axis=1, keepdims=True)
        by_stratum = squares - totals**2 / plan.units_per_stratum[:, None]
        summed: Floats = np.maximum(plan.stratum_factors @ by_stratum, 0.0)
        return summed
    n_units = len(plan.stratum_of_unit)
    held = np.bincount(plan.unit * k + answers, w, n_units * k).reshape(n_units, k)
    variances: Floats = np.diag(plan.unit_covariance(held - shares * held.sum(axis=1, keepdims=True)))
    variances = np.maximum(variances, 0.0)
    return variances


def _from_rows(
    rows: Floats, plan: SurveyDesign, n_options: int, *, target: Target, level: float
) -> tuple[Estimate, ...]:
    def statistic(w: Floats) -> Floats:
        means: Floats = w @ rows / w.sum()
        return means

    means = statistic(plan.w)
    covariance = plan.covariance(statistic, lambda: (plan.w / plan.w.sum())[:, None] * (rows - means))
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return tuple(
        designed_share(
            float(means[k]), float(errors[k]), plan, f"mean probability of option {k} over subjects", target, level,
            doubts=_mean_warnings(rows[:, k]),
        )
        for k in range(n_options)
    )  # fmt: skip


def designed_share(
    share: float,
    error: float,
    plan: SurveyDesign,
    estimand: str,
    target: Target,
    level: float,
    *,
    doubts: tuple[str, ...] = (),
) -> Estimate:
    """A share or mean probability with the score interval at the variance that its design gives it."""
    one = plan.repeats is None and plan.n_units < 2
    if one and plan.n > 1:
        doubts = (*doubts, "one independent unit: what differs between units cannot be seen")
    what = "mean" if estimand.startswith("mean") else "share"
    if plan.n_units < plan.n and not one and plan.df < _FEW_DF:
        doubts = (*doubts, f"{plan.df} degrees of freedom of the design: the variance itself is hardly known")
    weighted = "weighted " if what == "share" and np.ptp(plan.w) > 0 else ""
    how = f"Wilson at the {weighted}{what}'s own variance, t, {plan.df} df"
    interval = None if one else share_interval(share, error, plan.df, plan.seen, level)
    if one:
        how = f"none: one {'subject' if plan.n == 1 else 'unit'}"
    elif what == "share" and error <= _ALIKE and 0 < share < 1:
        # Of probabilities that is an answer; of answers it is chance, a rule of the task, or a margin that was met.
        interval, how, doubts = None, ALIKE, (*doubts, f"no interval: {UNITS_ALIKE}")
    return Estimate(
        value=share,
        se=None if one else error,
        interval=interval,
        level=level,
        interval_method=how,
        estimand=f"weighted {estimand}" if weighted else estimand,
        target=target,
        n_units=plan.n,
        n_clusters=plan.n_units if plan.n_units < plan.n else None,
        df=None if one else float(plan.df),
        warnings=(*doubts, *plan.left_out),
    )


def share_interval(share: float, error: float, df: float, seen: float, level: float) -> tuple[float, float]:
    """Wilson's interval at the number of answers that would have this standard error, with a t quantile.

    The variance of a mean probability is taken to be a multiple of ``m (1 - m)`` for every m it might be, as it is
    for shares, where the t interval takes it to be constant: with few subjects far from 1/2 that is what matters.
    """
    t = float(special.stdtrit(df, (1 + level) / 2))
    # Nobody, or everybody: answers of so many independent units, whose variance they do not show.
    if not 0 < share < 1:
        return score_interval(share, seen, t)
    # The same probability for all subjects: any number of them would have given this mean.
    return score_interval(share, share * (1 - share) / error**2, t) if error > _ALIKE else (share, share)


def _mean_warnings(values: Floats) -> tuple[str, ...]:
    """Reasons to distrust the t interval of a mean."""
    n = len(values)
    if n == 1:
        return ("one subject: no interval over subjects; ask more subjects",)
    if n < _FEW_SUBJECTS:
        return (f"{n} subjects: the interval of a share that few of them carry may be too short; 30 or more are safer",)
    skew = skewness(values)
    if n <= fewest_for(skew):
        return (f"few of {n} subjects carry this share (skewness {skew:.1f}): the interval is too short",)
    return ()


def shows_share(scores: Floats, is_share: bool | None) -> bool:
    """Whether the mean of these scores is a share: they were said to be, or all are 0 or 1."""
    if is_share is None:
        return bool(((scores == 0) | (scores == 1)).all())
    if is_share and ((scores < -1e-9) | (scores > 1 + 1e-9)).any():
        raise DataError(f"scores reach from {scores.min():g} to {scores.max():g}; shares lie between 0 and 1")
    return is_share


def mean_of_shares(scores: Floats, plan: SurveyDesign, estimand: str, target: Target, level: float) -> Estimate:
    """The mean of shares of the people at hand, with the interval that `share_estimates` gives them."""
    # As rows of probabilities, unless they are answers.
    is_answer = bool(((scores == 0) | (scores == 1)).all())
    given = scores.astype(np.intp) if is_answer else np.column_stack([1 - scores, scores])
    return replace(share_estimates(given, 2, target=target, design=plan, level=level)[1], estimand=estimand)


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
