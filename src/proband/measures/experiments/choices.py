"""Regressions of choices and ratings: logit, ordered logit, and what they say in shares and scale points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError, meant
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite, rank, units_of
from proband.measures.experiments.outcomes import Codes, Labels, Linear, coded, with_t_test

ChoiceErrors = Literal["CR3", "CR1", "model"]
_RUNAWAY = 30.0  # range of the log odds that no finite coefficient produces
_MOST_STEPS = 100
# Peduzzi et al. (1996), J. Clin. Epidemiol. 49, 1373-1379.
_FEW = 10
_FEW_SAID = "{} answers that are not the commonest one, for {} coefficients: below 10 for each it is approximate"


@dataclass(frozen=True, kw_only=True, eq=False)
class ChoiceRegression:
    """A fitted logit or ordered logit.

    Attributes
    ----------
    names : tuple of str
        Of the coefficients, in the order of the columns.
    beta, cuts : array, shape (n_coefficients,) and (n_categories - 1,)
        Log odds of a higher answer for one unit more of a column; thresholds between answers. With two answers the
        one threshold is the logit's intercept with its sign turned.
    covariance : array
        Of coefficients and thresholds, in this order.
    categories : tuple of float
        The answers, from the lowest.
    log_likelihood : float
        At its maximum.
    n, n_clusters : int
        Rows; clusters, as many as rows where each is one.
    n_rarer : int
        Answers that are not the commonest one; below 10 for each coefficient a warning says so.
    errors : {"CR3", "CR1", "model"}
        Form of the covariance.
    """

    names: tuple[str, ...]
    beta: Floats
    cuts: Floats
    covariance: Floats
    categories: tuple[float, ...]
    log_likelihood: float
    n: int
    n_clusters: int
    n_rarer: int
    errors: ChoiceErrors
    level: float
    target: Target
    _x: Floats
    _weights: Floats

    def __getitem__(self, name: str) -> Estimate:
        """The log odds ratio of one column."""
        gradient = np.zeros(len(self.covariance))
        gradient[self._at(name)] = 1.0
        value = float(self.beta[self._at(name)])
        return self._estimate(value, gradient, f"log odds of a higher answer by {name}", 1.0)

    def contrast(
        self,
        at: Mapping[str, ArrayLike],
        against: Mapping[str, ArrayLike],
        *,
        points: Sequence[float] | None = None,
        weights: ArrayLike | None = None,
        estimand: str = "",
    ) -> Estimate:
        """Mean answer if columns had some values, less the mean answer if they had others, averaged over the rows.

        Other columns stay as they are in each row. Where a product of columns is a column, it is to be given too. The
        error is by the delta method, with the rows as given.

        Parameters
        ----------
        at, against : mapping of str to array_like
            Column -> a number for all rows, or one for each.
        points : sequence, shape (n_categories,), optional
            What each answer is worth: by default 0 and 1 of two answers (a difference of shares), else the answers
            themselves. ``[0, 0, 1]`` gives the share of the highest of three.
        weights : array_like, shape (n,), optional
            Of the rows in the average; those of the fit, if nothing is said.
        """
        default = (0.0, 1.0) if len(self.categories) == 2 else self.categories
        worth = finite(default if points is None else points, "points")
        if len(worth) != len(self.categories):
            raise DataError(f"{len(worth)} points for {len(self.categories)} answers; give every answer its points")
        share = self._weights if weights is None else finite(weights, "weights")
        if len(share) != self.n or share.min() < 0 or not share.sum():
            raise DataError(f"{len(share)} weights for {self.n} rows; give every row one of at least 0, not all 0")
        value, gradient = 0.0, np.zeros(len(self.covariance))
        for sign, told in ((1.0, at), (-1.0, against)):
            x = self._x.copy()
            for name, values in told.items():
                x[:, self._at(name)] = values
            mean, slope = self._mean(x, worth, share / share.sum())
            value, gradient = value + sign * mean, gradient + sign * slope
        what = estimand or " and ".join(f"{name}" for name in at) + ": mean answer under one less under the other"
        return self._estimate(value, gradient, what, float(np.abs(worth).max()))

    def effect(self, name: str, **how: object) -> Estimate:
        """Average marginal effect of a column: 1 against 0 where it is 0 or 1, else the average slope."""
        column = self._x[:, self._at(name)]
        if set(np.unique(column)) <= {0.0, 1.0}:
            return self.contrast({name: 1.0}, {name: 0.0}, **how)  # type: ignore[arg-type]
        step = 1e-4 * float(column.std())
        found = self.contrast({name: column + step / 2}, {name: column - step / 2}, **how)  # type: ignore[arg-type]
        limits = None if found.interval is None else (found.interval[0] / step, found.interval[1] / step)
        se = None if found.se is None else found.se / step
        return replace(found, value=found.value / step, se=se, interval=limits, estimand=f"average slope of {name}")

    def _at(self, name: str) -> int:
        if name not in self.names:
            raise DesignError(f"no column {name!r}{meant(name, self.names)}; there are {', '.join(self.names)}")
        return self.names.index(name)

    def _mean(self, x: Floats, worth: Floats, share: Floats) -> tuple[float, Floats]:
        """Weighted mean answer of these rows, and its gradient."""
        below = special.expit(self.cuts[None, :] - (x @ self.beta)[:, None])  # (n, J - 1): P(answer <= k)
        steps = np.diff(worth)
        dense = below * (1 - below) * steps * share[:, None]
        mean = float(worth[-1] * share.sum() - share @ (below @ steps))
        return mean, np.concatenate([dense.sum(axis=1) @ x, -dense.sum(axis=0)])

    def _estimate(self, value: float, gradient: Floats, what: str, scale: float) -> Estimate:
        is_clustered = self.n_clusters < self.n
        about = Estimate(
            value=value, estimand=what, target=self.target, n_units=self.n, level=self.level,
            n_clusters=self.n_clusters if is_clustered else None,
            warnings=(_FEW_SAID.format(self.n_rarer, len(self.beta)),) if self.n_rarer < _FEW * len(self.beta) else (),
        )  # fmt: skip
        variance = float(gradient @ self.covariance @ gradient)
        df = self.n_clusters - 1.0
        return with_t_test(about, Linear(value=value, variance=variance, df=df, scale=scale), f"t, {self.errors}")


def choice_regression(
    y: ArrayLike,
    columns: Mapping[str, ArrayLike],
    *,
    cluster: Labels | None = None,
    weights: ArrayLike | None = None,
    errors: ChoiceErrors = "CR3",
    target: Target = "model",
    level: float = 0.95,
) -> ChoiceRegression:
    """Logit of two answers; ordered logit (proportional odds) of more.

    ``P(y <= k) = 1 / (1 + exp(-(c_k - x b)))`` with rising thresholds c, by maximum likelihood. The likelihood has one
    maximum (Pratt 1981), found by Newton's method. CR1 is the sandwich of statsmodels and Stata; CR3 the jackknife
    that leaves out one cluster after the other and goes one Newton step, which holds with fewer clusters; both on
    clusters less one degrees of freedom.

    Parameters
    ----------
    y : array_like, shape (n,)
        Answers as numbers; their order counts, not how far they are apart.
    columns : mapping of str to array_like
        The design without an intercept: the thresholds are it.
    cluster : sequence, optional
        What each row shares with others: the subject who gave several answers.
    weights : array_like, shape (n,), optional
        How often each row counts.
    errors : {"CR3", "CR1", "model"}
        Form of the covariance; "model" supposes independent rows and the model.
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Raises
    ------
    DataError
        If answers are all alike, a column tells answers apart without error (separation), is constant, or lengths
        differ.
    DesignError
        If `errors` is unknown, or there is one cluster.

    References
    ----------
    McCullagh (1980), J. R. Stat. Soc. B 42, 109-142. doi:10.1111/j.2517-6161.1980.tb01109.x
    Pratt (1981), J. Am. Stat. Assoc. 76, 103-106. doi:10.1080/01621459.1981.10477613
    Albert & Anderson (1984), Biometrika 71, 1-10. doi:10.1093/biomet/71.1.1
    Bell & McCaffrey (2002), Survey Methodology 28, 169-181.

    Examples
    --------
    >>> fit = choice_regression([0, 0, 1, 0, 1, 1, 1, 0], {"treated": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> print(round(fit["treated"], 4), round(fit.effect("treated"), 4))
    2.1972 0.5
    """
    if errors not in get_args(ChoiceErrors):
        raise DesignError(f"errors {errors!r} is none of {', '.join(get_args(ChoiceErrors))}")
    answers, names = finite(y, "answers"), tuple(columns)
    n = len(answers)
    x = np.column_stack([np.ones(n), *(finite(values, f"values of {name}") for name, values in columns.items())])[:, 1:]
    counts = np.ones(n) if weights is None else finite(weights, "weights")
    codes = np.arange(n) if cluster is None else coded(cluster, "cluster")[0]
    if len(counts) != n or len(codes) != n:
        raise DataError(f"{len(counts)} weights and {len(codes)} clusters for {n} answers; give every answer one")
    if counts.min(initial=0.0) < 0:
        raise DataError("a weight is below 0; weights say how often a row counts")
    categories, k = np.unique(answers, return_inverse=True)
    if len(categories) < 2:
        raise DataError("answers do not vary: there is nothing to explain; look at more answers, or leave it out")
    if flat := [name for name, column in zip(names, x.T, strict=True) if not np.ptp(column)]:
        raise DataError(f"{', '.join(flat)} does not vary; leave it out (thresholds are the intercept)")
    if rank(x - x.mean(axis=0)) < x.shape[1]:
        raise DataError(f"{', '.join(names)}: one column is a sum of others; leave one out")
    n_clusters = int(codes.max()) + 1
    if n_clusters < 2:
        raise DesignError("one cluster: what differs between clusters cannot be seen; add others")
    units = units_of(x)
    theta, model = _fitted(x / units, k, counts, len(categories), names)
    covariance: Floats = np.asarray(np.linalg.inv(model.information()), dtype=np.float64)
    if errors != "model":
        scores = np.zeros((n_clusters, len(theta)))
        np.add.at(scores, codes, model.scores())
        n_all, p = counts.sum(), len(theta)
        if errors == "CR1":
            covariance = covariance @ (scores.T @ scores) @ covariance
            covariance *= n_clusters / (n_clusters - 1) * (n_all - 1) / (n_all - p)
        else:
            covariance = _jackknifed(scores, model, codes)
    units = np.concatenate([units, np.ones(len(categories) - 1)])
    theta, covariance = theta / units, covariance / np.outer(units, units)
    return ChoiceRegression(
        names=names, beta=theta[: len(names)], cuts=theta[len(names) :], covariance=covariance,
        categories=tuple(categories.tolist()), log_likelihood=model.log_likelihood, n=n, n_clusters=n_clusters,
        n_rarer=n - int(np.bincount(k).max()),
        errors=errors, level=level, target=target, _x=x, _weights=counts,
    )  # fmt: skip


class _Cumulative:
    """The likelihood at one set of parameters: what each row adds to it, its score and its information."""

    def __init__(self, theta: Floats, x: Floats, k: Codes, counts: Floats, n_categories: int) -> None:
        n, p = x.shape
        cuts = np.concatenate([[-np.inf], theta[p:], [np.inf]])
        eta = x @ theta[:p]
        self.counts = counts
        ends = [special.expit(cuts[k + side] - eta) for side in (0, 1)]  # P(y < k), P(y <= k)
        # The difference of two numbers near 1 loses digits; that of their complements does not.
        high = np.where(cuts[k] - eta > 0, special.expit(eta - cuts[k]) - special.expit(eta - cuts[k + 1]), 0.0)
        self.p = np.maximum(np.where(cuts[k] - eta > 0, high, ends[1] - ends[0]), 1e-300)
        self.log_likelihood = float(counts @ np.log(self.p))
        self.dense = [f * (1 - f) for f in ends]
        self.bent = [d * (1 - 2 * f) for d, f in zip(self.dense, ends, strict=True)]
        self.sides = []
        for side in (0, 1):
            cut = np.zeros((n, n_categories - 1))
            inside = (k + side > 0) & (k + side < n_categories)
            cut[np.flatnonzero(inside), (k + side - 1)[inside]] = 1.0
            self.sides.append(np.column_stack([-x, cut]))

    def scores(self) -> Floats:
        """Of every row, weighted."""
        found: Floats = self.counts[:, None] * self._bare()
        return found

    def _bare(self) -> Floats:
        low, high = (d[:, None] * side for d, side in zip(self.dense, self.sides, strict=True))
        found: Floats = (high - low) / self.p[:, None]
        return found

    def information(self) -> Floats:
        """Observed information: the negative of the second derivatives."""
        bare = self._bare()
        found: Floats = (bare * self.counts[:, None]).T @ bare
        for sign, bent, side in zip((1.0, -1.0), self.bent, self.sides, strict=True):
            found += sign * (side * (self.counts * bent / self.p)[:, None]).T @ side
        return found

    def informations(self, codes: Codes) -> Floats:
        """The same by cluster, (n_clusters, p, p)."""
        bare = self._bare()
        rows = np.einsum("n,ni,nj->nij", self.counts, bare, bare)
        for sign, bent, side in zip((1.0, -1.0), self.bent, self.sides, strict=True):
            rows += sign * np.einsum("n,ni,nj->nij", self.counts * bent / self.p, side, side)
        found = np.zeros((int(codes.max()) + 1, *rows.shape[1:]))
        np.add.at(found, codes, rows)
        return found


def _fitted(x: Floats, k: Codes, counts: Floats, n_categories: int, names: Sequence[str]) -> tuple[Floats, _Cumulative]:
    """Newton's method with halved steps; coefficients that run away are a separation."""
    mass = np.bincount(k, counts, minlength=n_categories)
    if (mass <= 0).any():
        raise DataError("an answer has weight 0 only; leave its rows out")
    theta = np.concatenate([np.zeros(x.shape[1]), special.logit(np.cumsum(mass)[:-1] / mass.sum())])
    here = _Cumulative(theta, x, k, counts, n_categories)
    for _ in range(_MOST_STEPS):
        if np.ptp(x @ theta[: x.shape[1]]) > _RUNAWAY:
            break
        try:
            step = np.linalg.solve(here.information(), here.scores().sum(axis=0))
        except np.linalg.LinAlgError:
            break
        size = 1.0
        while size > 1e-10:
            there = theta + size * step
            if (np.diff(there[x.shape[1] :]) > 0).all():
                ahead = _Cumulative(there, x, k, counts, n_categories)
                if ahead.log_likelihood >= here.log_likelihood - 1e-10 * abs(here.log_likelihood):
                    theta, here = there, ahead
                    break
            size /= 2
        if size * np.abs(step).max() < 1e-9:
            return theta, here
    reach = np.abs(theta[: x.shape[1]]) * np.ptp(x, axis=0)
    raise DataError(
        f"{names[int(reach.argmax())]} tells some answers apart without error (separation), so its log odds are not "
        "finite; merge answers or groups, or compare shares with `difference_in_means`"
    )


def _jackknifed(scores: Floats, model: _Cumulative, codes: Codes) -> Floats:
    """Squared changes of the parameters as each cluster is left out, by one Newton step."""
    left = model.information()[None] - model.informations(codes)
    bound = np.linalg.cond(left)
    if not (bound < 1e12).all():
        raise DataError("one cluster alone determines a coefficient; merge groups, or use errors = 'CR1'")
    moved = np.linalg.solve(left, scores[:, :, None])[:, :, 0]
    n = len(scores)
    found: Floats = (n - 1) / n * (moved.T @ moved)
    return found
