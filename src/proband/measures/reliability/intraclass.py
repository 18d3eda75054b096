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
from proband.measures.reliability.intervals import pivotal_interval, pivotal_mean_squares, tail_warnings
from proband.measures.reliability.tables import is_constant, score_table

Form = Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]

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


def icc(ratings: ArrayLike, form: Form, *, target: Target = "model", level: float = 0.95) -> Estimate:
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
    form : {"ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"}
        Also without "ICC" and brackets: "2,1".
    target, level : {"model", "human"}, float
        Whose ratings they are; confidence level.

    Returns
    -------
    Estimate
        At most 1; negative, with a warning, where raters disagree more than chance. NaN if no rating differs
        from another. Interval: exact F for forms 1 and 3; for form 2 the generalised interval, since the usual
        approximation (McGraw & Wong 1996) covers 80 % instead of 95 % where few raters differ much.
        `statistic` and `p_value` test that the correlation is 0.

    Raises
    ------
    DesignError, MissingDataError, DataError
        If the form is unknown or there are fewer than 2 subjects or raters; if a rating is missing, or ratings are no
        table of finite numbers.

    References
    ----------
    Shrout & Fleiss (1979), Psychol. Bull. 86, 420-428. doi:10.1037/0033-2909.86.2.420
    McGraw & Wong (1996), Psychol. Methods 1, 30-46. doi:10.1037/1082-989X.1.1.30
    Weerahandi (1993), J. Am. Stat. Assoc. 88, 899-905. doi:10.1080/01621459.1993.10476355

    Examples
    --------
    >>> print(icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], "ICC(2,1)"))
    0.290 [0.026, 0.746]
    """
    model, unit = _parts(form)
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
    interval, how = _interval(model, unit, ms, level)
    warnings.extend(tail_warnings(x.mean(axis=1)) if interval else ())
    error = ms.within if model == "1" else ms.residual
    df = ms.n - 1, ms.n * (ms.k - 1) if model == "1" else (ms.n - 1) * (ms.k - 1)
    f = ms.subjects / error if error > 0 else math.inf
    return Estimate(
        value=value,
        interval=interval,
        level=level,
        interval_method=f"{how}; F test with {df[0]} and {df[1]} df",
        estimand=estimand,
        target=target,
        n_units=ms.n,
        statistic=f,
        p_value=float(special.fdtrc(*df, f)) if math.isfinite(f) else 0.0,
        assumptions=("effects of subjects, raters and errors are normal", "subjects are independent"),
        warnings=tuple(warnings),
    )


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
    return _MeanSquares(
        n=n,
        k=k,
        subjects=k * float(rows.var(ddof=1)),
        raters=n * float(columns.var(ddof=1)),
        residual=float((residual**2).sum()) / ((n - 1) * (k - 1)),
        within=float(((x - rows) ** 2).sum()) / (n * (k - 1)),
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


def _interval(model: str, unit: str, ms: _MeanSquares, level: float) -> tuple[tuple[float, float] | None, str]:
    n, k = ms.n, ms.k
    if ms.residual <= 1e-12 * ms.subjects and (model != "2" or ms.raters <= 1e-12 * ms.subjects):
        return None, "none: ratings of a subject do not differ"
    if model == "2":
        drawn = pivotal_mean_squares((ms.subjects, ms.raters, ms.residual), (n - 1, k - 1, (n - 1) * (k - 1)))
        subjects, raters, residual = drawn.T
        # A variance of raters below 0 is none; the point estimate is left as it is.
        spread = np.maximum(raters - residual, 0.0) / n
        total = subjects + spread if unit == "k" else subjects + (k - 1) * residual + k * spread
        return pivotal_interval((subjects - residual) / total, level), "generalised interval from 3 mean squares"
    error = ms.within if model == "1" else ms.residual
    df = n - 1, n * (k - 1) if model == "1" else (n - 1) * (k - 1)
    ends = [ms.subjects / error / float(special.fdtri(*df, p)) for p in ((1 + level) / 2, (1 - level) / 2)]
    low, high = ((f - 1) / (f + k - 1) if unit == "1" else 1 - 1 / f for f in ends)
    return (low, high), "F"
