"""Whether one series foretells another: regressions with errors that know of time, and a placebo of shuffled dates."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError, meant
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite, rank
from proband.measures.experiments.outcomes import few_df
from proband.seeds import rng_for

_LEAST = 10  # rows beyond the coefficients, below which an error of this kind is not worth printing


@dataclass(frozen=True, kw_only=True)
class SeriesRegression:
    """A regression over time.

    - `coefficients`: by name, with t intervals; ``(mean)`` is the intercept.
    - `r_squared`: share of the variance of the outcome.
    - `n`, `lags`: rows; how many rows apart errors may still be correlated.
    """

    coefficients: Mapping[str, Estimate]
    r_squared: float
    n: int
    lags: int

    def __getitem__(self, name: str) -> Estimate:
        """One coefficient."""
        if name not in self.coefficients:
            raise DesignError(
                f"no coefficient {name!r}{meant(name, self.coefficients)}; there are {', '.join(self.coefficients)}"
            )
        return self.coefficients[name]


def series_regression(
    y: ArrayLike,
    columns: Mapping[str, ArrayLike],
    *,
    lags: int | None = None,
    target: Target = "data",
    level: float = 0.95,
) -> SeriesRegression:
    """Least squares over time, with errors robust to unequal variances and to correlation of neighbouring rows.

    Newey and West's covariance with Bartlett weights up to `lags` rows apart, times ``n / (n - k)``, as statsmodels
    computes it. Many lags make it an average of few things, so t has ``1.5 n / (lags + 1)`` degrees of freedom, those
    of the Bartlett weights, and n - k at most: with n - k throughout, intervals are far too short. An outcome over h
    steps that begins at every step overlaps, and needs at least h - 1 lags.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome, in the order of time.
    columns : mapping of str to array_like
        What is known before; none gives the mean. The intercept is added as ``(mean)``.
    lags : int, optional
        By default ``1.3 sqrt(n)``, rounded down (Lazarus et al. 2018).
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Returns
    -------
    SeriesRegression
        With an `Estimate` a coefficient.

    Raises
    ------
    DataError
        If there are fewer than 10 rows beyond the coefficients, or columns do not identify them.
    DesignError
        If `lags` is negative, or not below the number of rows.

    References
    ----------
    Newey & West (1987), Econometrica 55, 703-708. doi:10.2307/1913610
    Lazarus, Lewis, Stock & Watson (2018), J. Bus. Econ. Stat. 36, 541-559. doi:10.1080/07350015.2018.1506926

    Examples
    --------
    >>> fit = series_regression([1, 2, 2, 4, 3, 5, 5, 7, 6, 8, 8, 10], {"t": range(12)}, lags=1)
    >>> print(fit["t"])
    0.759 [0.688, 0.830]
    """
    from statsmodels.regression.linear_model import OLS

    outcome, x = _design(y, columns)
    n, k = x.shape
    used = math.floor(1.3 * math.sqrt(n)) if lags is None else lags
    if not 0 <= used < n:
        raise DesignError(f"lags is {lags} with {n} rows; give 0 or more, and fewer than rows")
    fit = OLS(outcome, x).fit(
        cov_type="HAC", cov_kwds={"maxlags": used, "use_correction": True}, use_t=True
    )  # fmt: skip
    df = min(float(n - k), 1.5 * n / (used + 1))
    reach = float(special.stdtrit(df, (1 + level) / 2))
    found = {}
    scale = float(np.abs(outcome).max())
    for j, name in enumerate(("(mean)", *columns)):
        value, se = float(fit.params[j]), float(fit.bse[j])
        about = Estimate(value=value, estimand=f"coefficient of {name}" if columns else "mean over time",
                         target=target, n_units=n, level=level, interval_method="none: no variance", se=0.0,
                         warnings=("outcomes do not vary: there is no error",))  # fmt: skip
        if se > 1e-12 * scale:
            about = Estimate(
                value=value, estimand=about.estimand, target=target, n_units=n, level=level, se=se,
                interval=(value - reach * se, value + reach * se), statistic=value / se, df=df,
                interval_method=f"t, Newey-West over {used} rows",
                p_value=min(1.0, 2 * float(special.stdtr(df, -abs(value / se)))), warnings=few_df(df),
            )  # fmt: skip
        found[name] = about
    total = float(((outcome - outcome.mean()) ** 2).sum())
    left = float(((outcome - x @ fit.params) ** 2).sum())
    return SeriesRegression(coefficients=found, r_squared=1 - left / total if total else 0.0, n=n, lags=used)


def shuffled_dates(
    y: ArrayLike,
    score: ArrayLike,
    *,
    controls: Mapping[str, ArrayLike] | None = None,
    rotates: bool = False,
    n_draws: int = 999,
    rng: np.random.Generator | None = None,
    target: Target = "data",
) -> Estimate:
    """Slope of an outcome on a score, beside the slopes that the same scores have under other dates.

    A placebo: with its dates shuffled a score can know nothing, so what it then reaches is what chance reaches. The
    share of slopes that are as far from 0 is a p value, exact where scores do not depend on one another over time;
    where they do, or outcomes overlap, `rotates` moves all of them by one random number of rows, which keeps the order.

    Parameters
    ----------
    y, score : array_like, shape (n,)
        Outcome and score, in the order of time.
    controls : mapping of str to array_like, optional
        Held constant; they keep their dates.
    rotates : bool
        Whether dates are moved round, rather than shuffled.
    n_draws : int
        Placebos; with `rotates` at most n - 1 differ.
    rng : numpy.random.Generator, optional
        Source of the draws; None takes the place "shuffled_dates" of seed 0, so equal data give equal results.
    target : {"model", "human", "data"}
        Whom it describes.

    Returns
    -------
    Estimate
        The slope with its p value; `baselines` has the limits between which 95 % of the placebos lie.

    Raises
    ------
    DataError, DesignError
        If rows are few or do not identify the slope; if `n_draws` is below 99.

    Examples
    --------
    >>> found = shuffled_dates([1, 2, 2, 4, 3, 5, 5, 7, 6, 8, 8, 10, 9], range(13))
    >>> round(found.value, 3), found.p_value
    (0.725, 0.001)
    """
    if n_draws < 99:
        raise DesignError(f"n_draws is {n_draws}; a p value of .01 needs at least 99, better 999")
    outcome, x = _design(y, dict(controls or {}) | {"(score)": score})
    known, scores = x[:, :-1], x[:, -1]
    rng = rng_for(0, "shuffled_dates") if rng is None else rng
    n = len(outcome)
    if rotates:
        rows = (np.arange(n)[None, :] + rng.integers(1, n, n_draws)[:, None]) % n
    else:
        rows = rng.permuted(np.tile(np.arange(n), (n_draws, 1)), axis=1)
    basis = np.linalg.qr(known)[0]
    slopes = _slopes(outcome, np.vstack([scores[None, :], scores[rows]]), basis)
    value, placebos = float(slopes[0]), slopes[1:]
    far = int((np.abs(placebos) >= abs(value) * (1 - 1e-12)).sum())
    low, high = np.quantile(placebos, (0.025, 0.975))
    return Estimate(
        value=value, estimand="slope on the score, beside the same scores under other dates", target=target, n_units=n,
        interval_method=f"none: {n_draws:,} placebos with dates {'moved round' if rotates else 'shuffled'}",
        p_value=(1 + far) / (1 + n_draws), baselines={"placebo, 2.5 %": float(low), "placebo, 97.5 %": float(high)},
    )  # fmt: skip


def _slopes(outcome: Floats, scores: Floats, basis: Floats) -> Floats:
    """Slope of the outcome on each row of scores, with what the basis spans held constant."""
    left = scores - (scores @ basis) @ basis.T
    squares = (left**2).sum(axis=1)
    # A score that a shuffle makes a sum of the controls has no slope; none is as near to 0 as can be.
    return np.where(squares > 1e-12 * (scores**2).sum(axis=1), left @ outcome / np.maximum(squares, 1e-300), 0.0)


def _design(y: ArrayLike, columns: Mapping[str, ArrayLike]) -> tuple[Floats, Floats]:
    outcome = finite(y, "outcomes")
    held = [finite(values, f"values of {name}") for name, values in columns.items()]
    for name, column in zip(columns, held, strict=True):
        if len(column) != len(outcome):
            raise DataError(f"{len(column)} values of {name} for {len(outcome)} outcomes; give one a row")
    x = np.column_stack([np.ones(len(outcome)), *held])
    n, k = x.shape
    if n < k + _LEAST:
        raise DataError(f"{n} rows for {k} coefficients; give at least {k + _LEAST}, or none of these numbers holds")
    if rank(x) < k:
        flat = [name for name, column in zip(columns, held, strict=True) if not np.ptp(column)]
        hint = f" ({', '.join(flat)} does not vary)" if flat else ""
        raise DataError(f"{n} rows cannot identify {k} coefficients{hint}; leave out what says the same")
    return outcome, x
