"""Linear and logistic regressions of a population, from people drawn by a design."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError, meant
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite, rank, units_of
from proband.measures.experiments.outcomes import Linear, with_t_test
from proband.measures.experiments.regression import determined_alone, on_one, rests_on_one
from proband.measures.surveys.design import SurveyDesign
from proband.measures.surveys.estimates import domain_rows
from proband.measures.surveys.replicates import check_choice

Model = Literal["linear", "logistic"]
_MOST_STEPS = 50
_SEPARATED = 30.0  # log odds that no data of people have


@dataclass(frozen=True, kw_only=True, eq=False)
class SurveyRegression:
    """A regression fitted to people drawn by a design.

    Attributes
    ----------
    names : tuple of str
        Of the coefficients, in the order of the columns.
    beta, covariance : array, shape (n_coefficients,) and (n_coefficients, n_coefficients)
        Weighted fit, and its covariance by the design.
    df : int
        Degrees of freedom of the design, plus 1, less the number of coefficients (as R's svyglm), at least 1.
    model : {"linear", "logistic"}
        Coefficients are in units of the outcome, or log odds.
    design : SurveyDesign
        How the people in it were drawn.
    level, target : float, {"model", "human", "data"}
        Confidence level of its estimates; whom they describe.
    """

    names: tuple[str, ...]
    beta: Floats
    covariance: Floats
    df: int
    model: Model
    design: SurveyDesign
    level: float
    target: Target
    _scale: Floats  # (n_coefficients,): the largest outcome, in the unit of each coefficient
    _alone: Floats  # (n, n_coefficients): directions that one unit determines alone
    _bread: Floats

    def __getitem__(self, name: str) -> Estimate:
        """One coefficient."""
        return self.contrast({name: 1.0})

    def contrast(self, weights: Mapping[str, float], *, estimand: str = "") -> Estimate:
        """A weighted sum of coefficients, with its t interval."""
        self._check(weights)
        c = np.array([weights.get(name, 0.0) for name in self.names])
        unit = "" if self.model == "linear" else " (log odds)"
        about = Estimate(
            value=0.0,
            estimand=(estimand or " + ".join(n if w == 1 else f"{w:g} x {n}" for n, w in weights.items())) + unit,
            target=self.target, n_units=self.design.n, level=self.level, warnings=self.design.left_out,
            n_clusters=self.design.n_units if self.design.n_units < self.design.n else None,
        )  # fmt: skip
        value = float(c @ self.beta)
        if rests_on_one(c, self._alone, self._bread):
            return on_one(replace(about, value=value), "sampling unit" if about.n_clusters else "person")
        found = Linear(value=value, variance=float(c @ self.covariance @ c), df=float(self.df),
                       scale=float((np.abs(c) * self._scale).max()))  # fmt: skip
        return with_t_test(about, found, f"t, variance of {self.design.named}")

    def joint(self, names: Sequence[str]) -> Estimate:
        """Wald test that several coefficients are all 0: F with their number and `df` degrees of freedom."""
        self._check(names)
        at = [self.names.index(name) for name in names]
        v, b, q = self.covariance[np.ix_(at, at)], self.beta[at], len(at)
        one = np.sqrt(np.maximum(np.diag(v), np.finfo(float).tiny))  # errors of one size, whatever the columns' units
        v, b = v / np.outer(one, one), b / one
        said = f"that {', '.join(names)} are all 0"
        if np.linalg.matrix_rank(v) < q:
            reason = f"undefined: {q} coefficients cannot be told apart with {self.design.df} df of the design"
            return Estimate(
                value=math.nan, estimand=said, target=self.target, n_units=self.design.n, warnings=(reason,)
            )
        f = float(b @ np.linalg.solve(v, b)) / q
        return Estimate(
            value=f, estimand=said, target=self.target, n_units=self.design.n, statistic=f, df=float(self.df),
            interval_method=f"none: F test with {q} and {self.df} df", p_value=float(special.fdtrc(q, self.df, f)),
        )  # fmt: skip

    def _check(self, names: Sequence[str] | Mapping[str, float]) -> None:
        for name in names:
            if name not in self.names:
                raise DesignError(f"no coefficient {name!r}{meant(name, self.names)}; there are {self.names}")


def survey_regression(
    y: ArrayLike,
    columns: Mapping[str, ArrayLike],
    design: SurveyDesign,
    *,
    model: Model = "linear",
    domain: ArrayLike | None = None,
    target: Target = "human",
    level: float = 0.95,
) -> SurveyRegression:
    """Regression that the whole population would have, by weighted pseudo-likelihood, with the design's variance.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome; of a logistic regression 0 or 1.
    columns : mapping of str to array_like
        Regressors, a column each; an intercept is one of them where it is wanted.
    design : SurveyDesign
        How people were drawn; see `survey_design`.
    model : {"linear", "logistic"}
        What is fitted.
    domain : array_like of bool, shape (n,), optional
        Whose regression it is.
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Returns
    -------
    SurveyRegression
        Coefficients by name, their contrasts and joint tests; one that a single unit determines has no interval.

    Raises
    ------
    DataError, MissingDataError
        If lengths differ, the columns do not identify their coefficients, an outcome of a logistic regression is not 0
        or 1, or is told apart perfectly; if something is missing.
    DesignError
        If `model` is unknown.

    References
    ----------
    Binder (1983), International Statistical Review 51, 279-292. doi:10.2307/1402588

    Examples
    --------
    >>> from proband.measures import survey_design
    >>> drawn = survey_design(8, psu=[1, 1, 2, 2, 3, 3, 4, 4], weights=[1, 1, 2, 2, 1, 1, 2, 2])
    >>> fit = survey_regression([1, 2, 2, 4, 3, 6, 5, 7], {"(mean)": [1] * 8, "x": [0, 1, 0, 1, 1, 2, 2, 2]}, drawn)
    >>> print(fit["x"])
    2.217 [1.075, 3.360]
    """
    check_choice("model", model, Model)
    rows = domain_rows(domain, design)
    outcome = design.at_hand(finite(y, "outcomes"), "outcomes")[rows]
    names = tuple(columns)
    x = np.column_stack(
        [design.at_hand(finite(v, f"values of {name}"), f"values of {name}")[rows] for name, v in columns.items()]
    )
    part = design if rows.all() else design.take(rows)
    if rank(x) < len(names):
        raise DataError(f"{len(x)} people cannot identify {len(names)} coefficients; leave levels out that nobody has")
    if model == "logistic" and not np.isin(outcome, (0, 1)).all():
        raise DataError("outcomes of a logistic regression are 0 or 1; compare with a value first")

    units = units_of(x)
    x = x / units

    def fit(w: Floats) -> Floats:
        return (_least_squares(x, outcome, w) if model == "linear" else _logistic(x, outcome, w)) / units

    beta = fit(part.w)

    def influence() -> Floats:
        mean = x @ (beta * units) if model == "linear" else special.expit(x @ (beta * units))
        curve = part.w if model == "linear" else part.w * mean * (1 - mean)
        scores: Floats = (part.w * (outcome - mean))[:, None] * x
        found: Floats = np.asarray(np.linalg.solve((x * curve[:, None]).T @ x, scores.T).T, dtype=np.float64) / units
        return found

    covariance = part.covariance(fit, influence)
    odds = special.expit(x @ (beta * units))
    weighed = x * np.sqrt(part.w if model == "linear" else part.w * odds * (1 - odds))[:, None]
    bread = np.asarray(np.linalg.inv(weighed.T @ weighed), dtype=np.float64)
    # Replicates have units of their own.
    alone = determined_alone(weighed, part.unit, bread) if part.repeats is None else np.zeros((0, len(names)))
    df = max(part.df + 1 - len(names), 1)
    return SurveyRegression(
        names=names, beta=beta, covariance=covariance, df=df, model=model, design=part, level=level, target=target,
        _scale=(float(np.abs(outcome).max()) if model == "linear" else 1.0) / units, _alone=alone / units,
        _bread=bread / np.outer(units, units),
    )  # fmt: skip


def _least_squares(x: Floats, y: Floats, w: Floats) -> Floats:
    root = np.sqrt(w)
    found: Floats = np.asarray(np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0], dtype=np.float64)
    return found


def _logistic(x: Floats, y: Floats, w: Floats) -> Floats:
    """Weighted maximum likelihood by Newton's steps."""
    beta: Floats = np.zeros(x.shape[1])
    for _ in range(_MOST_STEPS):
        mean = special.expit(x @ beta)
        curve = w * mean * (1 - mean)
        information = (x * curve[:, None]).T @ x
        if not np.linalg.cond(information) < 1e14:
            break
        step: Floats = np.asarray(np.linalg.solve(information, x.T @ (w * (y - mean))), dtype=np.float64)
        beta = beta + step
        if np.abs(step).max() < 1e-10 * (1 + np.abs(beta).max()):
            if np.abs(x @ beta).max() > _SEPARATED:
                break
            return beta
    raise DataError("the columns tell outcomes apart perfectly, so log odds have no limit; leave the one out that does")
