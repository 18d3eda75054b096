"""Intraclass correlations: how far raters, seeds or occasions give a subject the same number."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.reliability.intervals import (
    MIN_SUBJECTS,
    UNEXPLAINED,
    jackknife_interval,
    jackknifed_mean_squares,
    pivotal_interval,
    pivotal_mean_squares,
    tail_warnings,
)
from proband.measures.reliability.tables import is_constant, score_table

Form = Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]
IntervalBy = Literal["jackknife", "f"]
Limits = tuple[float, float] | None

_MEANING = {
    "1": "raters differ from subject to subject",
    "2": "the same raters rate all, a sample of raters; absolute agreement",
    "3": "the same raters rate all and no others matter; consistency",
}


@dataclass(frozen=True, kw_only=True)
class _MeanSquares:
    """Of a table of n subjects by k raters: between subjects, raters, residual, and within subjects."""

    n: int
    k: int
    subjects: float
    raters: float
    residual: float
    within: float
    without: Floats  # squares between, residual and within without each subject, shape (n, 3)


def icc(
    ratings: ArrayLike,
    form: Form | str,
    *,
    target: Target = "model",
    level: float = 0.95,
    interval: IntervalBy = "jackknife",
) -> Estimate:
    """Intraclass correlation in one of the six forms of Shrout and Fleiss; the form has no default.

    Share of the variance of a rating (``,1``) or of the mean of k ratings (``,k``) that is between subjects.
    ``ICC(1,·)``: every subject has raters of its own. ``ICC(2,·)``: raters are a sample and their level counts as
    error (absolute agreement); the form for seeds, prompts or coders whom others might replace. ``ICC(3,·)``: these
    raters only, and level does not count (consistency); ``ICC(3,k)`` is Cronbach's alpha.
    Not for categories: use an agreement coefficient.

    Parameters
    ----------
    ratings : array_like, shape (n_subjects, n_raters)
        One number per subject and rater.
    form : str
        One of "ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)".
        Also without "ICC" and brackets: "2,1".
    target, level : {"model", "human"}, float
        Whose ratings they are; confidence level.
    interval : {"jackknife", "f"}
        "jackknife": over subjects, from 10 of them on, on the logarithm of the unexplained part of the mean of k
        ratings (for form 2 with chi-squared draws for the raters); assumes no distribution of subjects. "f": for any
        number; exact F for forms 1 and 3, the generalised interval for form 2, since the usual approximation (McGraw
        & Wong 1996) covers 80 % instead of 95 % where few raters differ much. Right for normal effects, and too
        short for skewed ratings however many subjects there are: .87 where 61 % of ratings are the lowest point.

    Returns
    -------
    Estimate
        At most 1; negative, with a warning, where raters disagree more than chance. NaN if no rating differs
        from another. `statistic` and `p_value` are the F test that the correlation is 0.

    Raises
    ------
    DesignError, MissingDataError, DataError
        If the form or interval is unknown or there are fewer than 2 subjects or raters; if a rating is missing, or
        ratings are no table of finite numbers.

    References
    ----------
    Shrout & Fleiss (1979), Psychol. Bull. 86, 420-428. doi:10.1037/0033-2909.86.2.420
    McGraw & Wong (1996), Psychol. Methods 1, 30-46. doi:10.1037/1082-989X.1.1.30
    Weerahandi (1993), J. Am. Stat. Assoc. 88, 899-905. doi:10.1080/01621459.1993.10476355

    Examples
    --------
    >>> print(icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], "ICC(2,1)"))
    0.290
    """
    model, unit = _parts(form)
    if interval not in get_args(IntervalBy):
        raise DesignError(f"interval {interval!r} of the ICC is none of {', '.join(get_args(IntervalBy))}")
    x = score_table(ratings, "icc", columns="raters")
    ms = _mean_squares(x)
    estimand = f"ICC({model},{unit}): {_MEANING[model]}; {'one rating' if unit == '1' else f'mean of {ms.k}'}"
    if is_constant(float(x.var()), x):
        doubts = ("all ratings are the same number: there is no variance to share out",)
        return Estimate(value=math.nan, estimand=estimand, target=target, n_units=ms.n, level=level, warnings=doubts)
    if is_constant(ms.subjects / ms.k, x.mean(axis=1)):
        same = "all subjects have the same mean, as in ranks and ipsative scores: nothing can tell them apart"
        value = math.nan if unit == "k" else _coefficient(model, unit, ms)
        return Estimate(
            value=value, estimand=estimand, target=target, n_units=ms.n, level=level,
            warnings=(same,) if unit == "k" else (_NEGATIVE, same), interval_method="none: equal means",
        )  # fmt: skip
    value = _coefficient(model, unit, ms)
    warnings = []
    if value < 0:
        warnings.append(_NEGATIVE)
    limits, how = _interval(model, unit, ms, by=interval, level=level)
    warnings.extend(tail_warnings(x.mean(axis=1)) if limits else ())
    error = ms.within if model == "1" else ms.residual
    df = ms.n - 1, ms.n * (ms.k - 1) if model == "1" else (ms.n - 1) * (ms.k - 1)
    f = ms.subjects / error if error > 0 else math.inf
    return Estimate(
        value=value,
        interval=limits,
        level=level,
        interval_method=f"{how}; F test with {df[0]} and {df[1]} df",
        estimand=estimand,
        target=target,
        n_units=ms.n,
        statistic=f,
        p_value=float(special.fdtrc(*df, f)) if math.isfinite(f) else 0.0,
        assumptions=("subjects are independent",)
        + (("effects of subjects, raters and errors are normal",) if interval == "f" else ())
        + (("effects of raters are normal",) if interval == "jackknife" and model == "2" else ()),
        warnings=tuple(warnings),
    )


_CARRIED = "none: one subject carries the correlation"
_NEGATIVE = "negative: ratings of one subject differ more than those of different subjects"


def _parts(form: str) -> tuple[str, str]:
    bare = form.removeprefix("ICC").strip("()").replace(" ", "") if isinstance(form, str) else ""
    if f"ICC({bare})" not in get_args(Form):
        raise DesignError(f"form {form!r} of the ICC is none of {', '.join(get_args(Form))}; name the one you mean")
    model, unit = bare.split(",")
    return model, unit


def _mean_squares(x: Floats) -> _MeanSquares:
    n, k = x.shape
    rows, columns = x.mean(axis=1, keepdims=True), x.mean(axis=0, keepdims=True)
    residual = x - rows - columns + x.mean()
    own = np.column_stack([k * (rows[:, 0] - x.mean()) ** 2, (residual**2).sum(axis=1), ((x - rows) ** 2).sum(axis=1)])
    # A subject takes n / (n - 1) of its square from what is about the mean of all, and its own from what is within.
    lost = own * np.array([n / (n - 1), n / (n - 1), 1.0])
    dfs = np.maximum(np.array([n - 2, (n - 2) * (k - 1), (n - 1) * (k - 1)], dtype=np.float64), 1.0)
    return _MeanSquares(
        n=n,
        k=k,
        subjects=k * float(rows.var(ddof=1)),
        raters=n * float(columns.var(ddof=1)),
        residual=float((residual**2).sum()) / ((n - 1) * (k - 1)),
        within=float(((x - rows) ** 2).sum()) / (n * (k - 1)),
        without=np.maximum(own.sum(axis=0) - lost, 0.0) / dfs,
    )


def _coefficient(model: str, unit: str, ms: _MeanSquares) -> float:
    n, k, subjects = ms.n, ms.k, ms.subjects
    # Where raters differ from subject to subject, how strict they are cannot be told from error, so it is error.
    error = ms.within if model == "1" else ms.residual
    level = (ms.raters - ms.residual) / n if model == "2" else 0.0
    total = subjects + k * level if unit == "k" and model == "2" else subjects
    if unit == "1":
        total = subjects + (k - 1) * error + k * level
    elif model == "2":
        total = subjects + level
    return (subjects - error) / total if total > 0 else -math.inf


def _interval(model: str, unit: str, ms: _MeanSquares, *, by: IntervalBy, level: float) -> tuple[Limits, str]:
    n, k = ms.n, ms.k
    if ms.residual <= 1e-12 * ms.subjects and (model != "2" or ms.raters <= 1e-12 * ms.subjects):
        return None, "none: ratings of a subject do not differ"
    if by == "jackknife" and n < MIN_SUBJECTS:
        return None, f"none: {n} subjects; the jackknife needs {MIN_SUBJECTS}, interval='f' normal effects"
    if model == "2":
        drawn = pivotal_mean_squares((ms.subjects, ms.raters, ms.residual), (n - 1, k - 1, (n - 1) * (k - 1)))
        how = "generalised interval from 3 mean squares"
        if by == "jackknife":
            of_subjects = jackknifed_mean_squares((ms.subjects, ms.residual), ms.without[:, :2])
            if of_subjects is None:
                return None, _CARRIED
            drawn = np.column_stack([of_subjects[:, 0], drawn[:, 1], of_subjects[:, 1]])
            how = f"jackknife over {n} subjects, chi-squared for {k} raters"
        subjects, raters, residual = drawn.T
        # A variance of raters below 0 is none; the point estimate is left as it is.
        spread = np.maximum(raters - residual, 0.0) / n
        total = subjects + spread if unit == "k" else subjects + (k - 1) * residual + k * spread
        return pivotal_interval((subjects - residual) / total, level), how
    # Both units from the mean of k ratings, which is 1 - 1 / F.
    error = ms.within if model == "1" else ms.residual
    if by == "f":
        df = n - 1, n * (k - 1) if model == "1" else (n - 1) * (k - 1)
        tails = (1 + level) / 2, (1 - level) / 2
        ends: Limits = tuple(1 - error / ms.subjects * float(special.fdtri(*df, p)) for p in tails)  # type: ignore[assignment]
        how = "F"
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            left_out = 1 - ms.without[:, 2 if model == "1" else 1] / ms.without[:, 0]
        ends = jackknife_interval(1 - error / ms.subjects, left_out, UNEXPLAINED, level)
        how = f"jackknife over subjects, t with {n - 1} df"
    if ends is None:
        return None, _CARRIED
    low, high = (r if unit == "k" else r / (k - (k - 1) * r) for r in ends)
    return (low, high), how
