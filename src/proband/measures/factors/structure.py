"""Factor models of one or several groups: where each parameter stands, what moments they imply, and their fit.

A model is covariances ``L P L' + diag(u)`` and means ``v + L k`` in each group. Fisher scoring is least squares in
moments that are made to have unit variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import optimize
from threadpoolctl import threadpool_limits

from proband.errors import DataError
from proband.measures.arrays import Bools, Floats, Ints

_MOST_STEPS = 40
_FLAT = 1e-5  # largest slope of the misfit that is called none, per subject and SD of an item
_CHUNK = 500


@dataclass(frozen=True, eq=False)
class Moments:
    """What a group's data say: means, covariances (over n, not n - 1) and the data less their means."""

    mean: Floats
    covariance: Floats
    deviations: Floats

    @classmethod
    def of(cls, x: Floats) -> "Moments":
        """Of scores (n_subjects, n_items)."""
        deviations = x - x.mean(axis=0)
        return cls(x.mean(axis=0), deviations.T @ deviations / len(x), deviations)

    @property
    def n(self) -> int:
        """Subjects."""
        return len(self.deviations)


@dataclass(frozen=True, eq=False)
class Layout:
    """Numbers of the parameters of each group; -1 where something is fixed (variances at 1, all else at 0)."""

    loadings: Ints  # (n_groups, n_items, n_factors)
    factors: Ints  # (n_groups, n_factors, n_factors), symmetric
    unique: Ints  # (n_groups, n_items)
    intercepts: Ints  # (n_groups, n_items)
    means: Ints  # (n_groups, n_factors)

    @property
    def n_parameters(self) -> int:
        """Free ones, each counted once."""
        return 1 + max(int(part.max(initial=-1)) for part in self._parts)

    @property
    def _parts(self) -> tuple[Ints, ...]:
        return self.loadings, self.factors, self.unique, self.intercepts, self.means

    def matrices(self, theta: Floats, group: int) -> tuple[Floats, ...]:
        """Loadings, factor covariances, unique variances, intercepts and factor means of a group."""
        padded = np.append(theta, 0.0)  # what -1 points at
        found = [padded[part[group]] for part in self._parts]
        free = np.diag(self.factors[group]) >= 0
        found[1] = found[1] + np.diag(np.where(free, 0.0, 1.0))
        return tuple(found)

    def slopes(self, theta: Floats, group: int) -> tuple[Floats, Floats]:
        """Derivatives of covariances (q, p, p) and means (q, p) of a group."""
        loadings, factors, _, _, means = self.matrices(theta, group)
        p, m = loadings.shape
        q, both = self.n_parameters, loadings @ factors
        d_cov, d_mean = np.zeros((q, p, p)), np.zeros((q, p))
        for j, f in np.argwhere(self.loadings[group] >= 0):
            at = self.loadings[group, j, f]
            d_cov[at, j] += both[:, f]
            d_cov[at, :, j] += both[:, f]
            d_mean[at, j] += means[f]
        for f in range(m):
            for g in range(f + 1):
                if (at := self.factors[group, f, g]) >= 0:
                    product = np.outer(loadings[:, f], loadings[:, g])
                    d_cov[at] += product if f == g else product + product.T
            if (at := self.means[group, f]) >= 0:
                d_mean[at] += loadings[:, f]
        for j in range(p):
            if (at := self.unique[group, j]) >= 0:
                d_cov[at, j, j] += 1.0
            if (at := self.intercepts[group, j]) >= 0:
                d_mean[at, j] += 1.0
        return d_cov, d_mean


@dataclass(frozen=True, kw_only=True)
class Freedom:
    """What groups have in common, beyond the pattern; `free_loadings` and `free_intercepts` name items left out."""

    same_loadings: bool = False
    same_intercepts: bool = False
    same_unique: bool = False
    free_loadings: frozenset[int] = frozenset()
    free_intercepts: frozenset[int] = frozenset()


def laid_out(pattern: Bools, n_groups: int, freedom: Freedom) -> Layout:
    """Number the parameters; factors have variance 1 and mean 0 in the first group, and where nothing ties them."""
    p, m = pattern.shape
    count = 0

    def numbered(shape: tuple[int, ...], is_free: Bools, is_same: Bools) -> Ints:
        nonlocal count
        found = np.full((n_groups, *shape), -1)
        for place in np.argwhere(is_free[0] | is_free[-1]):
            at = tuple(place)
            tied = bool(is_same[at])
            for g in range(n_groups):
                if not is_free[(g, *at)]:
                    continue
                found[(g, *at)] = found[(0, *at)] if tied and g and is_free[(0, *at)] else count
                count += found[(g, *at)] == count
        return found

    def items(is_same: bool, free: frozenset[int]) -> Bools:
        return np.array([is_same and j not in free for j in range(p)])

    everywhere = np.ones((n_groups, p), dtype=np.bool_)
    later = np.arange(n_groups) > 0
    loadings = numbered(
        (p, m), np.broadcast_to(pattern, (n_groups, p, m)),
        np.repeat(items(freedom.same_loadings, freedom.free_loadings)[:, None], m, axis=1),
    )  # fmt: skip
    lower = np.broadcast_to(np.tri(m, k=-1, dtype=np.bool_), (n_groups, m, m)).copy()
    if freedom.same_loadings:
        lower |= later[:, None, None] & np.eye(m, dtype=np.bool_)
    factors = numbered((m, m), lower, np.zeros((m, m), dtype=np.bool_))
    factors = np.maximum(factors, factors.transpose(0, 2, 1))
    unique = numbered((p,), everywhere, items(freedom.same_unique, frozenset()))
    intercepts = numbered((p,), everywhere, items(freedom.same_intercepts, freedom.free_intercepts))
    moving = np.repeat((later & freedom.same_intercepts)[:, None], m, axis=1)
    means = numbered((m,), moving, np.zeros(m, dtype=np.bool_))
    return Layout(loadings, factors, unique, intercepts, means)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model at its estimates.

    - `theta`: parameters; `misfit`: discrepancy, which times n is chi squared.
    - `slopes` (q, n_moments), `gap` (n_moments,): of moments of unit variance, groups one after the other.
    - `bread`: inverse information of one subject; `meat` (q, q): variance of one subject's scores, without assumptions.
    - `whole`: trace of the moments' own variance over what the model supposes.
    """

    layout: Layout
    theta: Floats
    misfit: float
    slopes: Floats
    gap: Floats
    bread: Floats
    meat: Floats
    whole: float

    @property
    def scaling(self) -> float:
        """Trace of Satterthwaite's and Satorra & Bentler's correction: what chi squared has for its expectation."""
        return self.whole - float(np.trace(self.bread @ self.meat))

    def covariance(self, n: int) -> Floats:
        """Sandwich covariance of the parameters."""
        found: Floats = self.bread @ self.meat @ self.bread / n
        return found


# Threads cost more than they bring on matrices this small, and very much more on a busy machine.
@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator, unused-ignore]
def fitted(layout: Layout, groups: Sequence[Moments], theta: Floats) -> Fitted:
    """Maximum likelihood from a start.

    Raises
    ------
    DataError
        If it does not converge, or the model is not identified.
    """
    n = sum(group.n for group in groups)
    theta = _minimised(layout, groups, theta)
    slopes, gap = _whitened(layout, groups, theta)
    if np.abs(slopes @ gap).max() > _FLAT:
        raise DataError(
            "the factor model did not converge: items that hang together no more than by chance, factors that cannot "
            "be told apart, or too few subjects; look at `parallel_analysis`, and merge scales or leave out items"
        )
    information = slopes @ slopes.T
    if np.linalg.cond(information) > 1e12:
        raise DataError(
            "the factor model is not identified: other loadings fit as well; give each scale 3 items, or leave out "
            "a scale of 2 items that is correlated with no other"
        )
    meat, whole = np.zeros_like(information), 0.0
    for g, group in enumerate(groups):
        root: Floats = np.asarray(np.linalg.cholesky(_implied(layout, theta, g)[0]))
        y = np.linalg.solve(root, group.deviations.T).T
        d_cov, d_mean = _whitened_slopes(layout, theta, g, root)
        centre = y.T @ y / group.n
        for start in range(0, group.n, _CHUNK):
            part = y[start : start + _CHUNK]
            outer = ((part[:, :, None] * part[:, None, :] - centre) / np.sqrt(2)).reshape(len(part), -1)
            scores = outer @ d_cov.T + part @ d_mean.T
            meat += scores.T @ scores / n
            whole += float((outer**2).sum() + (part**2).sum()) / group.n
    return Fitted(
        layout, theta, _misfit(layout, groups, theta), slopes, gap, np.asarray(np.linalg.inv(information)), meat, whole
    )


def _minimised(layout: Layout, groups: Sequence[Moments], theta: Floats) -> Floats:
    """Fisher scoring with halved steps; a model that misfits badly makes it swing, and quasi-Newton steps go on."""
    here = _misfit(layout, groups, theta)
    for _ in range(_MOST_STEPS):
        slopes, gap = _whitened(layout, groups, theta)
        if np.abs(slopes @ gap).max() < _FLAT / 100:
            return theta
        step, size = scoring_step(slopes, gap), 1.0
        while (there := _misfit(layout, groups, theta + size * step)) > here + 1e-13 and size > 1e-8:
            size /= 2
        if there > here + 1e-13:
            break
        theta, here = theta + size * step, there

    def loss(theta: Floats) -> tuple[float, Floats]:
        if not np.isfinite(found := _misfit(layout, groups, theta)):
            return 1e6, np.zeros_like(theta)
        slopes, gap = _whitened(layout, groups, theta)
        return found, -2 * slopes @ gap

    found = optimize.minimize(loss, theta, jac=True, method="BFGS", options={"gtol": _FLAT / 100, "maxiter": 500})
    return np.asarray(found.x)


def scoring_step(slopes: Floats, gap: Floats) -> Floats:
    """Least squares by normal equations, which are small; a trace of a ridge where parameters are not told apart."""
    information = slopes @ slopes.T
    ridge = 1e-10 * float(np.trace(information)) / len(information)
    return np.asarray(np.linalg.solve(information + ridge * np.eye(len(information)), slopes @ gap))


def _implied(layout: Layout, theta: Floats, group: int) -> tuple[Floats, Floats]:
    loadings, factors, unique, intercepts, means = layout.matrices(theta, group)
    return loadings @ factors @ loadings.T + np.diag(unique), intercepts + loadings @ means


def implied(layout: Layout, theta: Floats, group: int) -> Floats:
    """Covariances of a group as the model has them."""
    return _implied(layout, theta, group)[0]


def _misfit(layout: Layout, groups: Sequence[Moments], theta: Floats) -> float:
    """Discrepancy of maximum likelihood; infinite where the parameters imply no covariance matrix."""
    total, n = 0.0, sum(group.n for group in groups)
    for g, group in enumerate(groups):
        covariance, mean = _implied(layout, theta, g)
        sign, log_det = np.linalg.slogdet(covariance)
        if sign <= 0 or not np.isfinite(log_det) or np.linalg.eigvalsh(covariance)[0] <= 0:
            return np.inf
        gap = group.mean - mean
        inverse = np.linalg.inv(covariance)
        own = log_det - np.linalg.slogdet(group.covariance)[1] + float((inverse * group.covariance).sum()) - len(mean)
        total += group.n / n * (own + float(gap @ inverse @ gap))
    return float(total)


def _whitened_slopes(layout: Layout, theta: Floats, group: int, root: Floats) -> tuple[Floats, Floats]:
    d_cov, d_mean = layout.slopes(theta, group)
    inverse = np.linalg.inv(root)
    turned = inverse @ d_cov @ inverse.T
    return (turned / np.sqrt(2)).reshape(len(d_cov), -1), d_mean @ inverse.T


def _whitened(layout: Layout, groups: Sequence[Moments], theta: Floats) -> tuple[Floats, Floats]:
    """Slopes (q, n_moments) and gaps of the moments, made to have unit variance under the model."""
    slopes, gaps = list[Floats](), list[Floats]()
    n = sum(group.n for group in groups)
    for g, group in enumerate(groups):
        covariance, mean = _implied(layout, theta, g)
        root: Floats = np.asarray(np.linalg.cholesky(covariance))
        weight, gap = np.sqrt(group.n / n), np.linalg.solve(root, group.mean - mean)
        seen = np.linalg.solve(root, np.linalg.solve(root, group.covariance).T) + np.outer(gap, gap)
        d_cov, d_mean = _whitened_slopes(layout, theta, g, root)
        slopes += [weight * d_cov, weight * d_mean]
        gaps += [weight * ((seen - np.eye(len(mean))) / np.sqrt(2)).ravel(), weight * gap]
    return np.concatenate(slopes, axis=1), np.concatenate(gaps)


def group_slopes(found: Fitted, groups: Sequence[Moments], at: Sequence[int]) -> list[Floats]:
    """For every group after the first, slopes (len(at), n_moments) of parameters as if they were its own."""
    n_items = len(groups[0].mean)
    ends = np.cumsum([0] + [n_items**2 + n_items] * len(groups))
    parts = list[Floats]()
    for low, high in list(pairwise(ends))[1:]:
        own = np.zeros((len(at), found.slopes.shape[1]))
        own[:, low:high] = found.slopes[list(at), low:high]
        parts.append(own)
    return parts


def started(layout: Layout, groups: Sequence[Moments], pattern: Bools) -> Floats:
    """A start: principal axes of each scale, moderate correlations, means as they are."""
    theta = np.zeros(layout.n_parameters)
    for g in reversed(range(len(groups))):  # the first group has the last word on what is shared
        group, variance = groups[g], np.diag(groups[g].covariance)
        for f in range(pattern.shape[1]):
            at = np.flatnonzero(pattern[:, f])
            values, vectors = np.linalg.eigh(group.covariance[np.ix_(at, at)] / np.outer(*[np.sqrt(variance[at])] * 2))
            axis = vectors[:, -1] * (1 if vectors[:, -1].sum() >= 0 else -1)
            size = np.clip(axis * np.sqrt(values[-1]), -0.9, 0.9) * 0.9
            theta[layout.loadings[g, at, f]] = size * np.sqrt(variance[at])
            if layout.factors[g, f, f] >= 0:
                theta[layout.factors[g, f, f]] = 1.0
        loadings = layout.matrices(theta, g)[0]
        communality = np.clip((loadings**2).sum(axis=1), 0.1 * variance, 0.8 * variance)
        theta[layout.unique[g]] = variance - communality
        theta[layout.intercepts[g]] = group.mean
    return theta
