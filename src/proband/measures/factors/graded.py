"""Item response models: the two-parameter logistic and the graded response model, by marginal maximum likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints, finite
from proband.measures.reliability.tables import score_table, still_items

NODES = np.linspace(-6, 6, 61)
WEIGHTS = np.exp(-(NODES**2) / 2) / np.exp(-(NODES**2) / 2).sum()
_STEEPEST = 10.0
_MOST_CATEGORIES = 20
_FEW = 200  # subjects; below, slopes are unstable


@dataclass(frozen=True, kw_only=True, eq=False)
class Ability:
    """Where subjects stand on what the items measure.

    - `theta`, `sd` (n_subjects,): expected a posteriori, in SDs of those the items were fitted to, and how sure it is.
    - `person_fit` (n_subjects,): standardised log-likelihood l_z; below about -2 the answers do not fit the items.
    """

    theta: Floats
    sd: Floats
    person_fit: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class GradedModel:
    """Items as ``P(X >= k) = 1 / (1 + exp(-slope (theta - threshold_k)))``.

    It can be written down with known values, e.g. of people, to see where a model's subjects stand on them.

    Attributes
    ----------
    slopes : sequence of float
        How steeply each item tells apart.
    thresholds : sequence of sequence of float
        Of each item, rising: where half answer at least the next category. One threshold is the 2PL.
    categories : sequence of sequence of float
        Answers of each item, lowest first; empty stands for 0, 1, 2, ...
    items : tuple of str
        Their names.
    slope_estimates : tuple of Estimate
        With intervals, where the model was fitted.
    threshold_se : tuple of tuple of float
        Standard errors, where it was fitted.
    log_likelihood : float
        Marginal, where it was fitted.
    n_subjects : int
        Whom it was fitted to.
    warnings : tuple of str
        What a reader must know.

    Raises
    ------
    DesignError
        If thresholds fall, or numbers of slopes, thresholds and categories do not go together.
    """

    slopes: Sequence[float]
    thresholds: Sequence[Sequence[float]]
    categories: Sequence[Sequence[float]] = ()
    items: tuple[str, ...] = ()
    slope_estimates: tuple[Estimate, ...] = ()
    threshold_se: tuple[tuple[float, ...], ...] = ()
    log_likelihood: float = float("nan")
    n_subjects: int = 0
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.slopes) != len(self.thresholds):
            raise DesignError(f"{len(self.slopes)} slopes for thresholds of {len(self.thresholds)} items")
        for j, cuts in enumerate(self.thresholds):
            if not len(cuts) or (len(cuts) > 1 and not (np.diff(cuts) > 0).all()):
                raise DesignError(f"item {j} (from 0): thresholds {list(cuts)} do not rise; order them, lowest first")
            if self.categories and len(self.categories[j]) != len(cuts) + 1:
                raise DesignError(f"item {j} (from 0): {len(self.categories[j])} categories for {len(cuts)} thresholds")

    def probabilities(self, theta: ArrayLike) -> list[Floats]:
        """Of every answer to every item, (n_theta, n_categories) an item."""
        at = np.atleast_1d(finite(theta, "thetas", ndim=None))
        return [answers_at(at, a, -a * np.asarray(b))[0] for a, b in zip(self.slopes, self.thresholds, strict=True)]

    def information(self, theta: ArrayLike) -> Floats:
        """Fisher information of every item, (n_theta, n_items); the sum over items is one over the squared error."""
        at = np.atleast_1d(finite(theta, "thetas", ndim=None))
        found = np.empty((len(at), len(self.slopes)))
        for j, (a, b) in enumerate(zip(self.slopes, self.thresholds, strict=True)):
            p, dense = answers_at(at, a, -a * np.asarray(b))
            found[:, j] = a * a * (np.diff(dense, axis=1) ** 2 / p).sum(axis=1)
        return found

    def ability(self, scores: ArrayLike) -> Ability:
        """Where subjects stand, scores (n_subjects, n_items) in the categories of the items.

        Drasgow, Levine & Williams (1985), Br. J. Math. Stat. Psychol. 38, 67-86.
        doi:10.1111/j.2044-8317.1985.tb00817.x
        """
        x = finite(scores, "scores", ndim=2, way_out="drop or impute first, and report which")
        if x.shape[1] != len(self.slopes):
            raise DataError(f"scores of {x.shape[1]} items for a model of {len(self.slopes)}; give the same items")
        codes = np.empty(x.shape, dtype=np.intp)
        for j, cuts in enumerate(self.thresholds):
            known = list(self.categories[j]) if self.categories else list(range(len(cuts) + 1))
            if strange := sorted(set(x[:, j].tolist()) - set(known)):
                raise DataError(
                    f"item {self._name(j)}: {strange[0]:g} is no answer the model knows ({known}); nobody gave it when "
                    "the model was fitted: group answers before"
                )
            codes[:, j] = np.searchsorted(known, x[:, j])
        tables = self.probabilities(NODES)
        fit = sum(np.log(np.maximum(p, 1e-300))[:, codes[:, j]] for j, p in enumerate(tables))
        posterior = _posterior(np.asarray(fit).T)[0]
        theta = posterior @ NODES
        sd = np.sqrt(posterior @ NODES**2 - theta**2)
        seen, mean, variance = (np.zeros(len(x)) for _ in range(3))
        for j, p in enumerate(self.probabilities(theta)):
            logs = np.log(np.maximum(p, 1e-300))
            centre = (p * logs).sum(axis=1)
            seen += logs[np.arange(len(x)), codes[:, j]]
            mean += centre
            variance += (p * logs**2).sum(axis=1) - centre**2
        return Ability(theta=theta, sd=sd, person_fit=(seen - mean) / np.sqrt(np.maximum(variance, 1e-300)))

    def _name(self, j: int) -> str:
        return self.items[j] if self.items else f"{j} (from 0)"


def graded_response(
    scores: ArrayLike, *, items: Sequence[str] = (), target: Target = "model", level: float = 0.95
) -> GradedModel:
    """Fit a slope and thresholds to every item of a scale; two answers give the two-parameter logistic model.

    Marginal maximum likelihood (Bock & Aitkin 1981): theta is standard normal, integrated over 61 nodes on [-6, 6].
    One thing is measured, and items are independent given it: look at `exploratory_factors` first. Subjects that
    are copies of each other, as answers of one persona, calibrate nothing: fit people, and ask where the model stands.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Answers as numbers, reverse-keyed items already flipped; complete rows, at least 3 items. An answer that nobody
        gave is no category, of which `warnings` tells.
    items : sequence of str, optional
        Names of the columns; else their numbers.
    target, level : {"model", "human", "data"}, float
        Whose answers they are; confidence level.

    Returns
    -------
    GradedModel
        Intervals of slopes are normal, with information from products of scores. A slope is held below 10, and said to
        be, where answers tell apart without error.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If there are fewer than 3 items, an item does not vary, has more than 20 answers or a slope below 0; if it does
        not converge; if a score is missing or no finite number.

    References
    ----------
    Samejima (1969), Estimation of Latent Ability Using a Response Pattern of Graded Scores. doi:10.1007/BF03372160
    Bock & Aitkin (1981), Psychometrika 46, 443-459. doi:10.1007/BF02293801

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> theta = rng.normal(size=(1000, 1))
    >>> answers = (rng.logistic(size=(1000, 4)) < 1.5 * (theta - [-1, 0, 0, 1])).astype(int)
    >>> found = graded_response(answers)
    >>> print(found.slope_estimates[0], round(float(found.thresholds[0][0]), 2))
    1.493 [1.081, 1.904] -0.95
    """
    x = score_table(scores, "graded_response", least=3)
    n, p = x.shape
    if items and len(items) != p:
        raise DesignError(f"{len(items)} names of items for {p} columns; give every column one")
    names = tuple(items) or tuple(map(str, range(p)))
    if still := still_items(x):
        raise DesignError(f"items {', '.join(names[j] for j in still)} do not vary: everybody gave one answer; leave "
                          "them out")  # fmt: skip
    categories, codes, warnings = list[tuple[float, ...]](), np.empty(x.shape, dtype=np.intp), list[str]()
    for j in range(p):
        values, codes[:, j] = np.unique(x[:, j], return_inverse=True)
        if len(values) > _MOST_CATEGORIES:
            raise DataError(f"item {names[j]} has {len(values)} different answers, too many for thresholds; group them")
        categories.append(tuple(values.tolist()))
    span = sorted({value for values in categories for value in values})
    gaps = [name for name, values in zip(names, categories, strict=True) if len(values) < len(span)]
    if gaps and len(span) <= _MOST_CATEGORIES:
        warnings.append(
            f"nobody gave some of the answers {', '.join(f'{value:g}' for value in span)} to {', '.join(gaps)}: these "
            "are no category there; group rare answers for the same ones everywhere"
        )
    if n < _FEW:
        warnings.append(f"{n} subjects: below {_FEW} slopes and thresholds are unstable")
    fit = Marginal(*np.unique(codes, axis=0, return_counts=True))
    theta = fit.maximised()
    found = fit.unpacked(theta)
    if flipped := [name for name, (a, _) in zip(names, found, strict=True) if a <= 0]:
        raise DataError(
            f"items {', '.join(flipped)} have slopes of 0 or below: flip reverse-keyed items, and leave out what "
            "measures nothing of the rest"
        )
    scores_of = fit.scores(theta)
    information = (scores_of * fit.counts[:, None]).T @ scores_of
    covariance = np.linalg.pinv(information, rcond=1e-12)
    if steep := [name for name, (a, _) in zip(names, found, strict=True) if abs(a) >= _STEEPEST * 0.999]:
        warnings.append(
            f"slope of {', '.join(steep)} at its bound of {_STEEPEST:g}: answers tell apart without error, as in a "
            "Heywood case; leave out items that double another"
        )
    z, at = float(special.ndtri((1 + level) / 2)), 0
    slopes, errors = list[Estimate](), list[tuple[float, ...]]()
    for name, (a, c) in zip(names, found, strict=True):
        block = covariance[at : at + 1 + len(c), at : at + 1 + len(c)]
        se = float(np.sqrt(block[0, 0]))
        is_bound = name in steep
        slopes.append(Estimate(
            value=a, se=None if is_bound else se, interval=None if is_bound else (a - z * se, a + z * se), level=level,
            interval_method="none: at its bound" if is_bound else "normal, information from products of scores",
            estimand=f"slope of {name}", target=target, n_units=n, assumptions=("one trait, normal",),
        ))  # fmt: skip
        turn = np.column_stack([c / a**2, -np.eye(len(c)) / a])  # of b = -c / a
        errors.append(tuple(np.sqrt(np.einsum("kq,qr,kr->k", turn, block, turn)).tolist()))
        at += 1 + len(c)
    return GradedModel(
        slopes=[a for a, _ in found], thresholds=[(-c / a).tolist() for a, c in found], categories=categories,
        items=names, slope_estimates=tuple(slopes), threshold_se=tuple(errors), n_subjects=n,
        log_likelihood=fit.likelihood(theta), warnings=tuple(warnings),
    )  # fmt: skip


def answers_at(theta: Floats, slope: float, intercepts: Floats) -> tuple[Floats, Floats]:
    """Probabilities of answers (n, K), and densities at the K + 1 borders, 0 at the outer two."""
    eta = slope * theta[:, None] + intercepts
    above = np.pad(special.expit(eta), ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
    below = np.pad(special.expit(-eta), ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
    # The difference of two numbers near 1 loses digits; that of their complements does not.
    p = np.where(above[:, 1:] > 0.5, np.diff(below, axis=1), -np.diff(above, axis=1))
    return np.maximum(p, 1e-300), above * below


def _posterior(log_fit: Floats) -> tuple[Floats, Floats]:
    """Of the nodes (n, n_nodes), and the log of each row's likelihood."""
    log_fit = log_fit + np.log(WEIGHTS)
    most = log_fit.max(axis=1, keepdims=True)
    mass = np.exp(log_fit - most)
    total = mass.sum(axis=1, keepdims=True)
    return mass / total, (most + np.log(total))[:, 0]


@dataclass(frozen=True, eq=False)
class Marginal:
    """The marginal likelihood of different rows of codes, each with how often it is there."""

    codes: Ints
    counts: Ints
    nodes: Floats = field(default_factory=lambda: NODES)  # of theta, standard normal by default
    sizes: tuple[int, ...] = ()  # thresholds of each item; by default as many as the codes need

    @property
    def _sizes(self) -> list[int]:
        return list(self.sizes) or [int(k) for k in self.codes.max(axis=0)]

    def unpacked(self, theta: Floats) -> list[tuple[float, Floats]]:
        """Slope and falling intercepts of each item; gaps are kept positive by their logarithms."""
        found, at = list[tuple[float, Floats]](), 0
        for size in self._sizes:
            gaps = np.exp(theta[at + 2 : at + 1 + size])
            found.append((float(theta[at]), theta[at + 1] - np.concatenate([[0.0], np.cumsum(gaps)])))
            at += 1 + size
        return found

    def _at(self, theta: Floats) -> tuple[Floats, Floats, list[tuple[Floats, Floats]]]:
        tables = [answers_at(self.nodes, a, c) for a, c in self.unpacked(theta)]
        fit = np.zeros((len(self.codes), len(self.nodes)))
        for j, (p, _) in enumerate(tables):
            fit += np.log(p).T[self.codes[:, j]]
        return (*_posterior(fit), tables)

    def likelihood(self, theta: Floats) -> float:
        """Log, of all rows."""
        return float(self.counts @ self._at(theta)[1])

    def scores(self, theta: Floats) -> Floats:
        """Of every row in slopes and intercepts, (n_rows, n_parameters)."""
        posterior, _, tables = self._at(theta)
        return self._scores(posterior, tables)

    def _scores(self, posterior: Floats, tables: list[tuple[Floats, Floats]]) -> Floats:
        found = list[Floats]()
        for j, (p, dense) in enumerate(tables):
            size = p.shape[1]
            rates = np.zeros((len(self.nodes), size, size))  # node, answer, parameter
            rates[:, :, 0] = self.nodes[:, None] * -np.diff(dense, axis=1)
            for k in range(1, size):
                rates[:, k, k] = dense[:, k]
                rates[:, k - 1, k] = -dense[:, k]
            rates /= p[:, :, None]
            own = np.empty((len(posterior), size))
            for k in range(size):
                rows = self.codes[:, j] == k
                own[rows] = posterior[rows] @ rates[:, k]
            found.append(own)
        return np.concatenate(found, axis=1)

    def ascent(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood of all rows, and its slopes in the parameters and in where the nodes stand."""
        posterior, logs, tables = self._at(theta)
        slope, at = self.counts @ self._scores(posterior, tables), 0
        expected = posterior * self.counts[:, None]
        of_nodes = np.zeros(len(self.nodes))
        for j, (size, (p, dense)) in enumerate(zip(self._sizes, tables, strict=True)):
            rates = theta[at] * -np.diff(dense, axis=1) / p
            for k in range(size + 1):
                of_nodes += expected[self.codes[:, j] == k].sum(axis=0) * rates[:, k]
            # Gap k moves all intercepts after it down.
            rest = np.cumsum(slope[at + 1 : at + 1 + size][::-1])[::-1].copy()
            slope[at + 1] = rest[0]
            slope[at + 2 : at + 1 + size] = -rest[1:] * np.exp(theta[at + 2 : at + 1 + size])
            at += 1 + size
        return float(self.counts @ logs), slope, of_nodes

    def maximised(self) -> Floats:
        """Parameters by quasi-Newton steps."""
        n, start, bounds = self.counts.sum(), list[float](), list[tuple[float | None, float | None]]()
        total = self.codes.sum(axis=1)
        for j, size in enumerate(self._sizes):
            shares = np.bincount(self.codes[:, j], self.counts)
            cuts = 1.3 * special.logit(1 - np.cumsum(shares)[:-1] / n)
            agrees = np.cov(self.codes[:, j], total - self.codes[:, j], fweights=self.counts)[0, 1]
            start += [1.0 if agrees >= 0 else -1.0, cuts[0], *np.log(-np.diff(cuts))]
            bounds += [(-_STEEPEST, _STEEPEST), (None, None), *[(-12.0, 6.0)] * (size - 1)]

        def loss(theta: Floats) -> tuple[float, Floats]:
            value, slope, _ = self.ascent(theta)
            return -value / n, -slope / n

        options = {"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-7}
        found = optimize.minimize(loss, np.array(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        if not np.isfinite(found.fun) or found.nit >= options["maxiter"]:
            raise DataError("the item response model did not converge; leave out items that hardly hang together")
        return np.asarray(found.x)
