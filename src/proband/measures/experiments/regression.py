"""Linear regressions of experiments, with errors that are robust and clustered, and contrasts of their coefficients."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError, meant
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, finite, rank, units_of
from proband.measures.experiments.outcomes import Codes, Labels, Linear, coded, with_t_test

Errors = Literal["CR2", "CR1"]
_NEGLIGIBLE = 1e-9  # part of a contrast
_FEW = 20  # clusters, from which on the joint test holds its size (docs/methods/coverage.md)


@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """A fitted linear regression.

    Attributes
    ----------
    names : tuple of str
        Of the coefficients, in the order of the columns.
    beta : array, shape (n_coefficients,)
        Least squares.
    covariance : array, shape (n_coefficients, n_coefficients)
        Sandwich, clustered.
    n, n_clusters : int
        Rows; clusters, as many as rows where each is one.
    errors : {"CR2", "CR1"}
        Form of the covariance.
    level : float
        Confidence level of its estimates.
    target : {"model", "human", "data"}
        Whom it describes.
    influence : array, shape (n, n_coefficients)
        Of every row on the coefficients; summed within clusters and squared it is the covariance, up to the factor of
        CR1.
    """

    names: tuple[str, ...]
    beta: Floats
    covariance: Floats
    n: int
    n_clusters: int
    errors: Errors
    level: float
    target: Target
    influence: Floats
    _leverage: "_Leverage"
    _scale: Floats  # (n_coefficients,): the largest outcome, in the unit of each coefficient

    def __getitem__(self, name: str) -> Estimate:
        """One coefficient."""
        return self.contrast({name: 1.0})

    def contrast(self, weights: Mapping[str, float], *, estimand: str = "") -> Estimate:
        """A weighted sum of coefficients, with its t interval.

        Degrees of freedom are Satterthwaite's for CR2 (Pustejovsky & Tipton 2018, with independent errors as the
        working model), clusters minus 1 for CR1.
        """
        for name in weights:
            if name not in self.names:
                raise DesignError(f"no coefficient {name!r}{meant(name, self.names)}; there are {self.names}")
        c = np.array([weights.get(name, 0.0) for name in self.names])
        df = self.df(weights)
        about = Estimate(
            value=0.0,
            estimand=estimand or " + ".join(f"{w:g} x {name}" if w != 1 else name for name, w in weights.items()),
            target=self.target,
            n_units=self.n,
            n_clusters=self.n_clusters if self.n_clusters < self.n else None,
            level=self.level,
        )
        scale = float((np.abs(c) * self._scale).max())
        found = Linear(value=float(c @ self.beta), variance=float(c @ self.covariance @ c), df=df, scale=scale)
        if self._leverage.rests_on_one(c):
            return on_one(replace(about, value=found.value), "cluster" if self.n_clusters < self.n else "row")
        return with_t_test(about, found, f"t, {self.errors}")

    def df(self, weights: Mapping[str, float]) -> float:
        """Degrees of freedom of a contrast."""
        c = np.array([weights.get(name, 0.0) for name in self.names])
        return self._leverage.df(c) if self.errors == "CR2" else self.n_clusters - 1.0

    def joint(self, names: Sequence[str], *, estimand: str = "") -> Estimate:
        """Wald test that several coefficients are all 0, on F with clusters minus 1 degrees of freedom below.

        Its value is the statistic per coefficient; Hotelling's factor counts that the covariance is estimated.
        """
        at = [self.names.index(name) for name in names]
        scale = np.where(self._scale[at] > 0, self._scale[at], 1.0)  # all coefficients in units of the outcome
        v, b, q = self.covariance[np.ix_(at, at)] / np.outer(scale, scale), self.beta[at] / scale, len(at)
        df = self.n_clusters - 1
        said = estimand or f"that {', '.join(names)} are all 0"
        # What rounding leaves of outcomes that are all alike has full rank, and would give an F of 10^30.
        least = Linear(value=0.0, variance=float(np.linalg.eigvalsh(v).min()), df=df, scale=1.0)
        is_alone = any(self._leverage.rests_on_one(np.eye(len(self.names))[k]) for k in at)
        if df < q or np.linalg.matrix_rank(v) < q or not least.varies or is_alone:
            reason = f"undefined: {q} coefficients with {self.n_clusters} clusters, without error, or from one cluster"
            return Estimate(value=math.nan, estimand=said, target=self.target, n_units=self.n, warnings=(reason,))
        wald = float(b @ np.linalg.solve(v, b))
        f = wald * (df - q + 1) / (df * q)
        return Estimate(
            value=wald / q, estimand=said, target=self.target, n_units=self.n, n_clusters=self.n_clusters,
            interval_method=f"F test with {q} and {df - q + 1} df", statistic=f, df=float(df - q + 1),
            warnings=(f"{self.n_clusters} clusters: below {_FEW} the joint test rejects too often",)
            if self.n_clusters < _FEW else (),
            p_value=float(special.fdtrc(q, df - q + 1, f)),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Leverage:
    """What Satterthwaite's degrees of freedom need: adjusted rows of the design, by cluster."""

    adjusted: Floats  # (n, p): A_g X_g
    x: Floats
    codes: Codes
    bread: Floats
    n_clusters: int

    @cached_property
    def _alone(self) -> Floats:
        """Directions that one cluster determines alone, shape (n_directions, p): there it has no residuals."""
        return determined_alone(self.x, self.codes, self.bread)

    def rests_on_one(self, contrast: Floats) -> bool:
        """Whether part of a contrast is known from one cluster only, so that its error is not."""
        return rests_on_one(contrast, self._alone, self.bread)

    def df(self, contrast: Floats) -> float:
        """Of a contrast: squared trace over trace of the square."""
        a = self.adjusted @ (self.bread @ contrast)  # (n,)
        d = np.bincount(self.codes, a**2, minlength=self.n_clusters)
        b = np.column_stack(
            [np.bincount(self.codes, a * column, minlength=self.n_clusters) for column in self.x.T]
        )  # (G, p)
        inner = b @ self.bread  # with b.T, what the fit takes away
        diagonal = (inner * b).sum(axis=1)
        trace = float(d.sum() - diagonal.sum())
        mixed = self.bread @ (b.T @ b)
        square = float((d**2).sum() - 2 * (d * diagonal).sum() + np.trace(mixed @ mixed))
        return trace**2 / square if square > 0 else 0.0


def clustered_regression(
    y: ArrayLike,
    columns: Mapping[str, ArrayLike],
    *,
    cluster: Labels | None = None,
    errors: Errors = "CR2",
    target: Target = "model",
    level: float = 0.95,
) -> Regression:
    """Least squares with a covariance that is robust to unequal variances and to dependence within clusters.

    CR1 is the covariance of statsmodels' and Stata's clustered regressions: ``G/(G-1) (n-1)/(n-p)`` times the plain
    sandwich. CR2 weighs the residuals of cluster g with ``(I - H_gg)^(-1/2)``, and is unbiased where errors are
    independent; without clusters it is HC2.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    columns : mapping of str to array_like
        The design, a column each; an intercept is one of them where it is wanted.
    cluster : sequence, optional
        What each row shares with others: the subject who gave several answers.
    errors : {"CR2", "CR1"}
        Form of the covariance.
    target, level : {"model", "human", "data"}, float
        Whom it describes; confidence level.

    Returns
    -------
    Regression
        Coefficients by name, their contrasts and joint tests; one that a single cluster determines has no interval.

    Raises
    ------
    DataError
        If a column has another length, is missing in places, or the columns do not identify their coefficients.
    DesignError
        If `errors` is unknown, or there is one cluster.

    References
    ----------
    Bell & McCaffrey (2002), Survey Methodology 28, 169-181.
    Pustejovsky & Tipton (2018), J. Bus. Econ. Stat. 36, 672-683. doi:10.1080/07350015.2016.1247004

    Examples
    --------
    >>> fit = clustered_regression([1, 3, 2, 5, 4, 6], {"(mean)": [1] * 6, "treated": [0, 1, 0, 1, 0, 1]})
    >>> print(fit["treated"])
    2.333 [-1.130, 5.796]
    """
    if errors not in get_args(Errors):
        raise DesignError(f"errors {errors!r} is none of {', '.join(get_args(Errors))}")
    outcome = finite(y, "outcomes")
    names = tuple(columns)
    x = np.column_stack([finite(values, f"values of {name}") for name, values in columns.items()])
    n, p = x.shape
    if len(outcome) != n:
        raise DataError(f"{len(outcome)} outcomes for {n} rows of the design; give every row one")
    codes = np.arange(n) if cluster is None else coded(cluster, "cluster")[0]
    if len(codes) != n:
        raise DataError(f"{len(codes)} cluster labels for {n} rows; give every row its cluster")
    n_clusters = int(codes.max()) + 1 if n else 0
    if n <= p or rank(x) < p:
        flat = [name for name, column in zip(names, x.T, strict=True) if not np.ptp(column) and (column != 1).any()]
        hint = f" ({', '.join(flat)} does not vary)" if flat else ""
        raise DataError(f"{n} rows cannot identify {p} coefficients{hint}; leave levels out that nobody saw")
    if n_clusters < 2:
        raise DesignError("one cluster: what differs between clusters cannot be seen; add others")
    units = units_of(x)
    bread = np.asarray(np.linalg.inv((x / units).T @ (x / units)), dtype=np.float64) / np.outer(units, units)
    beta = bread @ (x.T @ outcome)
    residual = outcome - x @ beta
    adjusted = _adjusted(x, codes, bread, n_clusters) if errors == "CR2" else x
    scores = np.column_stack(
        [np.bincount(codes, residual * column, minlength=n_clusters) for column in adjusted.T]
    )  # (G, p)
    covariance = bread @ (scores.T @ scores) @ bread
    if errors == "CR1":
        covariance *= n_clusters / (n_clusters - 1) * (n - 1) / (n - p)
    return Regression(
        names=names, beta=beta, covariance=covariance, n=n, n_clusters=n_clusters, errors=errors, level=level,
        target=target, influence=(adjusted * residual[:, None]) @ bread,
        _leverage=_Leverage(adjusted, x, codes, bread, n_clusters), _scale=float(np.abs(outcome).max()) / units,
    )  # fmt: skip


def _adjusted(x: Floats, codes: Codes, bread: Floats, n_clusters: int) -> Floats:
    """``(I - H_gg)^(-1/2) X_g`` of every cluster, rows in place."""
    if n_clusters == len(x):
        left: Floats = 1 - ((x @ bread) * x).sum(axis=1)
        return x * np.where(left > 1e-9, 1 / np.sqrt(np.maximum(left, 1e-9)), 0.0)[:, None]
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(n_clusters + 1))
    found = np.empty_like(x)
    for start, end in itertools.pairwise(ends):
        rows = order[start:end]
        part = x[rows]
        values, vectors = np.linalg.eigh(np.eye(len(rows)) - part @ bread @ part.T)
        # A direction that the cluster determines alone has no residual: nothing is added for it.
        inverse = np.where(values > 1e-9, 1 / np.sqrt(np.maximum(values, 1e-9)), 0.0)
        found[rows] = (vectors * inverse) @ (vectors.T @ part)
    return found


def determined_alone(x: Floats, codes: Codes, bread: Floats) -> Floats:
    """Directions l of the coefficients that one cluster determines alone, with sum of (l c)^2 the part of c bread c.

    Such a cluster has leverage of 1 in that direction. Leverages add up to the number of coefficients, so that hardly
    any cluster has to be looked at.
    """
    total = np.bincount(codes, ((x @ bread) * x).sum(axis=1))
    found = [np.zeros((0, x.shape[1]))]
    for g in np.flatnonzero(total > 1 - 1e-9):
        root = np.linalg.cholesky(bread)
        values, vectors = np.linalg.eigh(root.T @ x[codes == g].T @ x[codes == g] @ root)
        found.append((root @ vectors[:, values > 1 - 1e-9]).T)
    return np.concatenate(found)


def rests_on_one(contrast: Floats, alone: Floats, bread: Floats) -> bool:
    """Whether part of a contrast is one of the directions that `determined_alone` found."""
    return float(((alone @ contrast) ** 2).sum()) > _NEGLIGIBLE * float(contrast @ bread @ contrast)


def on_one(about: Estimate, one: str) -> Estimate:
    """A coefficient that one cluster alone determines, which shows no residual there: a value without an error."""
    doubt = f"one {one} alone determines it: how far such {one}s differ cannot be seen; add others"
    return replace(about, interval_method=f"none: rests on one {one}", warnings=(doubt, *about.warnings))


def two_way_variance(y: ArrayLike, columns: Mapping[str, ArrayLike], first: Labels, second: Labels) -> Floats:
    """Covariance of the coefficients where rows are clustered in two crossed ways, e.g. by subject and by stimulus.

    The sum of both one-way CR1 covariances less that of their intersections (Cameron, Gelbach & Miller 2011); where
    that is not positive definite, its negative eigenvalues are set to 0.

    References
    ----------
    Cameron, Gelbach & Miller (2011), J. Bus. Econ. Stat. 29, 238-249. doi:10.1198/jbes.2010.07136
    """
    both = [*zip(first, second, strict=True)]
    parts = [
        clustered_regression(y, columns, cluster=by, errors="CR1").covariance
        for by in (list(first), list(second), both)
    ]
    values, vectors = np.linalg.eigh(parts[0] + parts[1] - parts[2])
    found: Floats = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return found
