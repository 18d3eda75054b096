"""The model of paired comparisons with ties and an advantage of what is shown first, and its penalised maximum."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from threadpoolctl import ThreadpoolController

from proband.errors import DataError
from proband.measures.arrays import Floats, Ints

_STEPS = 200
_SETTLED = 1e-8  # of the largest step
_MEMORY = 5  # steps that are mixed
_LONGEST = 4.0  # log odds that one step moves at most
_RUNAWAY = 40.0  # log odds no finite maximum has
_UNKNOWN = 1e8  # variance of a parameter that the comparisons say nothing about


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparisons:
    """Comparisons as the likelihood reads them: who met whom, and how it ended.

    With x the scale value of what is shown first less that of the other, plus the advantage of standing first, the
    outcomes first, second, tie are proportional to exp(x / 2), exp(-x / 2), exp(tie). So a comparison has two
    sufficient statistics, (first - second) / 2 and tie, and the family is exponential.
    """

    first: Ints
    second: Ints
    won: Floats
    tied: Floats
    weights: Floats
    n_objects: int
    has_position: bool
    has_ties: bool

    @property
    def n_parameters(self) -> int:
        """Objects, advantage of standing first, ties."""
        return self.n_objects + 2

    def moments(self, beta: Floats) -> tuple[Floats, Floats, Floats]:
        """Mean, covariance and third moments of the two statistics, for every comparison."""
        n = self.n_objects
        x = beta[self.first] - beta[self.second] + beta[n]
        logs = np.stack([x / 2, -x / 2, np.full_like(x, beta[n + 1] if self.has_ties else -np.inf)])
        shares = np.exp(logs - logs.max(axis=0))
        shares /= shares.sum(axis=0)
        points = np.array([[0.5, 0.0], [-0.5, 0.0], [0.0, 1.0]])
        mean = np.einsum("om,oa->ma", shares, points)
        off = points[:, None, :] - mean[None]
        covariance = np.einsum("om,oma,omb->mab", shares, off, off)
        third = np.einsum("om,oma,omb,omc->mabc", shares, off, off, off)
        return mean, covariance, third

    @cached_property
    def observed(self) -> Floats:
        """The two statistics as they came out."""
        return np.stack([self.won - (1 - self.tied) / 2, self.tied], axis=1)

    def information(self, covariance: Floats) -> Floats:
        """Fisher's information about objects, advantage and ties; parameters that are not there have 1 of their own."""
        n, p = self.n_objects, self.n_parameters
        v = self.weights[:, None, None] * covariance
        met = np.bincount(self.first * n + self.second, v[:, 0, 0], minlength=n * n).reshape(n, n)
        whole = np.zeros((p, p))
        whole[:n, :n] = np.diag(met.sum(axis=0) + met.sum(axis=1)) - met - met.T
        for k, column in ((n, v[:, 0, 0]), (n + 1, v[:, 0, 1])):
            whole[:n, k] = whole[k, :n] = self._signed(column)
        whole[n, n], whole[n, n + 1] = v[:, 0, 0].sum(), v[:, 0, 1].sum()
        whole[n + 1, n], whole[n + 1, n + 1] = whole[n, n + 1], v[:, 1, 1].sum()
        for k, there in ((n, self.has_position), (n + 1, self.has_ties)):
            if not there:
                whole[k, :] = whole[:, k] = 0.0
                whole[k, k] = 1.0
        # A scale has no zero of its own: what all objects share is fixed, and then has no variance.
        whole[:n, :n] += 1.0 / n
        return whole

    def _signed(self, values: Floats) -> Floats:
        n = self.n_objects
        ups = np.bincount(self.first, values, minlength=n)
        return np.asarray(ups - np.bincount(self.second, values, minlength=n), dtype=np.float64)

    def score(self, residuals: Floats) -> Floats:
        """Sum of the comparisons' pulls on every parameter."""
        pulls = self.weights[:, None] * residuals
        ends = [pulls[:, 0].sum() * self.has_position, pulls[:, 1].sum() * self.has_ties]
        return np.concatenate([self._signed(pulls[:, 0]), ends])

    def inverse(self, information: Floats) -> Floats:
        """Covariance of the parameters, objects summing to 0; 0 for what is not there."""
        n = self.n_objects
        # Half the time of a general inverse, which is nearly all the time that a thousand objects take.
        with _threads().limit(limits=1):  # that wait for each other on a busy machine take a hundred times as long
            factor, is_singular = lapack.dpotrf(information)
            half, _ = lapack.dpotri(factor) if not is_singular else (np.full_like(information, np.inf), 0)
        if not np.abs(np.diag(half)).max() < _UNKNOWN:
            raise DataError(
                "comparisons: the advantage of standing first cannot be told from the objects, or an outcome is "
                "certain; show some pairs both ways, or leave position out (position=False)"
            )
        found: Floats = np.triu(half) + np.triu(half, 1).T
        found[:n, :n] -= 1.0 / n
        for k, there in ((n, self.has_position), (n + 1, self.has_ties)):
            if not there:
                found[k, :] = found[:, k] = 0.0
        return found

    def between(self, covariance: Floats, one: Ints, other: Ints) -> Floats:
        """Covariances of the linear predictors of some comparisons with those of others, shape (..., 2, 2)."""
        n, c = self.n_objects, covariance
        i, j, k, m = self.first[one], self.second[one], self.first[other], self.second[other]
        found = np.empty((*np.broadcast_shapes(one.shape, other.shape), 2, 2))
        met = c[i, k] - c[i, m] - c[j, k] + c[j, m]
        found[..., 0, 0] = met + c[i, n] - c[j, n] + c[n, k] - c[n, m] + c[n, n]
        found[..., 0, 1] = c[i, n + 1] - c[j, n + 1] + c[n, n + 1]
        found[..., 1, 0] = c[k, n + 1] - c[m, n + 1] + c[n, n + 1]
        found[..., 1, 1] = c[n + 1, n + 1]
        return found

    def maximum(self, *, is_penalised: bool) -> tuple[Floats, Floats]:
        """Parameters at the maximum, and the inverse of the information there.

        The penalty is Jeffreys' prior, half the log determinant of the information: the first-order bias of every
        parameter is gone, and whoever always wins has a finite value (Firth 1993).
        """
        rows = np.arange(len(self.first))
        beta = np.zeros(self.n_parameters)
        points: list[Floats] = []
        steps: list[Floats] = []
        for _ in range(_STEPS):
            mean, covariance, third = self.moments(beta)
            inverse = self.inverse(self.information(covariance))
            pull = self.observed - mean
            if is_penalised:
                pull = pull + np.einsum("mabc,mbc->ma", third, self.between(inverse, rows, rows)) / 2
            step = inverse @ self.score(pull)
            if np.abs(step).max() < _SETTLED:
                return beta + step, inverse
            points, steps = [*points[-_MEMORY:], beta], [*steps[-_MEMORY:], step]
            move = step
            if is_penalised and len(steps) > 1:
                # Scoring leaves the slope of the penalty out and so creeps; Anderson's mixing of steps makes up for it.
                turns, ways = np.diff(steps, axis=0).T, np.diff(points, axis=0).T
                move = step - (ways + turns) @ np.linalg.lstsq(turns, step, rcond=None)[0]
            beta = beta + move * min(1.0, _LONGEST / float(np.abs(move).max()))
            if np.abs(beta).max() > _RUNAWAY:
                break
        raise DataError("comparisons: some object wins or loses everything, so that its value has no finite maximum")

    def influence(self, beta: Floats, inverse: Floats, clusters: Ints) -> Floats:
        """Of every cluster on every parameter, with Bell and McCaffrey's correction (CR2); squared, the sandwich."""
        mean, covariance, _ = self.moments(beta)
        rows = np.arange(len(self.first))
        values, vectors = np.linalg.eigh(covariance * self.weights[:, None, None])
        roots = np.einsum("mab,mb,mcb->mac", vectors, np.sqrt(np.maximum(values, 0.0)), vectors)
        backs = np.einsum("mab,mb,mcb->mac", vectors, _inverse_root(values), vectors)
        pulls = np.einsum("mab,mb->ma", backs, self.weights[:, None] * (self.observed - mean))
        order, sizes = np.argsort(clusters, kind="stable"), np.bincount(clusters)
        starts, adjusted = np.cumsum(sizes) - sizes, np.zeros_like(pulls)
        for size in np.unique(sizes):
            members = order[starts[sizes == size][:, None] + np.arange(size)]  # (clusters of that size, size)
            hat = self.between(inverse, members[:, :, None], members[:, None, :])
            hat = np.einsum("gkab,gklbc,glcd->gkald", roots[members], hat, roots[members])
            left = np.eye(2 * size) - hat.reshape(len(members), 2 * size, 2 * size)
            values, vectors = np.linalg.eigh((left + left.transpose(0, 2, 1)) / 2)
            half = np.einsum("gab,gb,gcb->gac", vectors, _inverse_root(values), vectors)
            moved = np.einsum("gab,gb->ga", half, pulls[members].reshape(len(members), -1))
            adjusted[members.ravel()] = moved.reshape(-1, 2)
        x = np.einsum("mab,mb->ma", roots, adjusted)
        n, m = self.n_objects, len(rows)
        entries = np.concatenate([x[:, 0], -x[:, 0], x[:, 0] * self.has_position, x[:, 1] * self.has_ties])
        columns = np.concatenate([self.first, self.second, np.full(m, n), np.full(m, n + 1)])
        shape = (len(sizes), self.n_parameters)
        sums = sparse.csr_array((entries, (np.tile(clusters, 4), columns)), shape=shape)
        return np.asarray(sums @ inverse)


@cache
def _threads() -> ThreadpoolController:
    """Of linear algebra; to look for them takes as long as a small fit."""
    return ThreadpoolController()


def _inverse_root(values: Floats) -> Floats:
    """1 over the square root of eigenvalues; directions in which nothing varies are left out."""
    return np.where(values > 1e-8, 1 / np.sqrt(np.maximum(values, 1e-8)), 0.0)
