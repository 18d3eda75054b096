"""Dawid and Skene's model: true classes and every coder's error rates from coders alone."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, sparse, special

from proband.errors import DataError, DesignError
from proband.measures.agreement.codes import read_codes
from proband.measures.arrays import Floats, Ints
from proband.seeds import rng_for

_MAX_STEPS = 3_000
_CELLS = 20_000_000
_SAME = 1e-4
_CONDITION = (
    "given the true class, coders err independently of each other: models of one family, or people who copy, do not"
)


@dataclass(frozen=True, kw_only=True)
class DawidSkene:
    """What `dawid_skene` found at the best of its starts.

    - `categories`: names of the classes, in the order of all arrays.
    - `prevalence` (n_categories,): share of each true class.
    - `confusion` (n_coders, n_categories, n_categories): probability that a coder gives the label of the column to a
      unit of the class of the row; NaN in a row where the coder coded no unit of that class.
    - `posterior` (n_units, n_categories): probability of each class for every unit.
    - `labels`: most probable class of every unit.
    - `log_likelihood`, `log_likelihood_from_majority`: at the best optimum, and at the one that the coders' vote
      shares lead to.
    - `log_likelihoods` (n_starts + 1,): of all starts, highest first.
    - `n_at_best`: starts that reached the best optimum; few mean that a better one may exist.
    - `n_changed`: units whose most probable class differs between the best optimum and the majority's.
    - `assumptions`, `warnings`: what must hold; what to know before using the numbers.
    """

    categories: tuple[Hashable, ...]
    prevalence: Floats
    confusion: Floats
    posterior: Floats
    labels: tuple[Hashable, ...]
    log_likelihood: float
    log_likelihood_from_majority: float
    log_likelihoods: Floats
    n_at_best: int
    n_changed: int
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def dawid_skene(
    ratings: ArrayLike,
    *,
    categories: Sequence[Hashable] | None = None,
    n_starts: int = 100,
    smoothing: float = 0.01,
    rng: np.random.Generator | None = None,
) -> DawidSkene:
    """Estimate the true class of every unit and the error rates of every coder, without gold codes.

    Maximises ``sum_i log sum_k p_k prod_j prod_l pi_jkl^n_ijl`` by EM. The likelihood has many optima: Dawid and
    Skene's own published solution (-190.731) is not the best (-189.405), and a single random start finds that in
    about one of seven cases. Hence one start from the coders' vote shares and `n_starts` from half vote shares, half
    uniform on the simplex; the best is kept and both are reported. Classes are named so that coders agree with them
    most, because the model itself does not name them.

    Needs at least 3 coders that err independently. Coders that share mistakes look nearly perfect to it: give one
    vote to each family of models, and check with gold codes (`rogan_gladen`, `alt_test`, `error_correlations`).

    Parameters
    ----------
    ratings : array_like, shape (n_units, n_coders) or (n_units, n_coders, n_categories)
        Codes, with None or NaN where there is none; or how often each coder gave each unit each code, for coders who
        coded a unit several times.
    categories : sequence, optional
        All categories; default those that occur, or 0, 1, ... for counts.
    n_starts : int
        Random starts beside the vote shares.
    smoothing : float
        Added to every expected count of a coder's error table; 0 gives maximum likelihood.
    rng : numpy.random.Generator, optional
        Source of the starts; None takes the place "dawid_skene" of seed 0, so equal data give equal results.

    Returns
    -------
    DawidSkene
        Prevalences have no interval: the model's own would omit what matters, whether its assumption holds.

    Raises
    ------
    DesignError, DataError
        If there are fewer than 3 coders or 2 categories, or settings are out of range; if ratings are no table of
        codes or counts, or a unit has none.

    References
    ----------
    Dawid & Skene (1979), Appl. Stat. 28, 20-28. doi:10.2307/2346806

    Examples
    --------
    >>> coded = [["a", "a", "a"]] * 20 + [["b", "b", "b"]] * 20 + [["a", "a", "b"], ["a", "b", "b"]] * 5
    >>> found = dawid_skene(coded)
    >>> found.labels[:2], [round(share, 2) for share in found.prevalence.tolist()]
    (('a', 'a'), [0.5, 0.5])
    """
    if n_starts < 0 or not smoothing >= 0:
        raise DesignError(f"n_starts {n_starts} and smoothing {smoothing} must be at least 0")
    rated = _read_ratings(ratings, categories)
    n_coders, k = rated.counts.shape[1:]
    if n_coders < 3 or k < 2:
        raise DesignError(
            f"{n_coders} coders and {k} categories: error rates can be told from coders alone with at least 3 coders "
            "and 2 categories; with fewer use gold codes and rogan_gladen"
        )
    flat = sparse.csr_array(rated.counts.reshape(len(rated.counts), -1))
    model = _Model(flat, rated.times, n_coders, k, smoothing)
    votes = rated.counts.sum(axis=1) / rated.counts.sum(axis=(1, 2))[:, None]
    fits = _fit_all(model, votes, n_starts, rng_for(0, "dawid_skene") if rng is None else rng)
    return _result(model, fits, rated)


@dataclass(frozen=True, slots=True)
class _Rated:
    """Ratings with units rated alike in one row."""

    categories: tuple[Hashable, ...]
    counts: Floats  # (n_rows, n_coders, n_categories)
    times: Floats  # units of each row
    row_of: Ints  # row of each unit


@dataclass(frozen=True, slots=True)
class _Model:
    counts: sparse.csr_array  # (n_rows, n_coders * n_categories)
    times: Floats
    n_coders: int
    k: int
    smoothing: float

    def rates(self, posterior: Floats) -> tuple[Floats, Floats]:
        """M step: prevalence (n_starts, k) and expected counts (n_coders, k codes, n_starts, k classes)."""
        weighted = posterior * self.times[:, None, None]
        prevalence = weighted.sum(axis=0) / self.times.sum()
        expected = self.counts.T @ weighted.reshape(len(weighted), -1)
        return prevalence, expected.reshape(self.n_coders, self.k, *prevalence.shape)

    def confusion(self, expected: Floats) -> Floats:
        """Shares of codes within classes; NaN where a coder coded nothing of a class."""
        smoothed = expected + self.smoothing
        total = smoothed.sum(axis=1, keepdims=True)
        shares: Floats = np.divide(smoothed, total, out=np.full_like(smoothed, math.nan), where=total > 1e-300)
        return shares

    def classify(self, prevalence: Floats, confusion: Floats) -> tuple[Floats, Floats]:
        """E step: posterior (n_rows, n_starts, k) and log-likelihood (n_starts,)."""
        joint = self.counts @ _log(confusion).reshape(self.n_coders * self.k, -1)
        joint = joint.reshape(-1, *prevalence.shape) + _log(prevalence)
        total = special.logsumexp(joint, axis=2)
        return np.exp(joint - total[:, :, None]), self.times @ total

    def objective(self, log_likelihood: Floats, confusion: Floats) -> Floats:
        """What EM climbs: the log-likelihood plus the logarithm of the smoothing prior."""
        if not self.smoothing:
            return log_likelihood
        penalised: Floats = log_likelihood + self.smoothing * _log(confusion).sum(axis=(0, 1, 3))
        return penalised


def _log(shares: Floats) -> Floats:
    """Logarithm with a finite stand-in for log 0 that no sum of others can undo: 0 times infinity has no value."""
    positive = shares > 0
    return np.where(positive, np.log(np.where(positive, shares, 1.0)), -1e15)


@dataclass(frozen=True, slots=True)
class _Fits:
    """Where every start ended; the first began at the vote shares."""

    posterior: Floats  # of the best, (n_rows, k)
    from_votes: Floats  # of the first, (n_rows, k)
    log_likelihood: Floats  # (n_starts + 1,)
    objective: Floats
    n_unfinished: int


def _fit_all(model: _Model, votes: Floats, n_starts: int, rng: np.random.Generator) -> _Fits:
    n_rows = len(votes)
    block = max(1, _CELLS // (n_rows * model.k))
    best, from_votes = votes, votes
    reached: list[Floats] = []
    climbed: list[Floats] = []
    n_unfinished = 0
    for first in range(0, n_starts + 1, block):
        size = min(block, n_starts + 1 - first)
        start = (votes[:, None, :] + rng.dirichlet(np.ones(model.k), (n_rows, size))) / 2
        if first == 0:
            start[:, 0] = votes
        posterior, log_likelihood, objective, unfinished = _climb(model, start)
        if not climbed or objective.max() > max(part.max() for part in climbed):
            best = posterior[:, int(objective.argmax())]
        if first == 0:
            from_votes = posterior[:, 0]
        reached.append(log_likelihood)
        climbed.append(objective)
        n_unfinished += unfinished
    return _Fits(best, from_votes, np.concatenate(reached), np.concatenate(climbed), n_unfinished)


def _climb(model: _Model, posterior: Floats) -> tuple[Floats, Floats, Floats, int]:
    """EM from every start until its objective rises by less than one part in 10^10."""
    posterior = posterior.copy()
    n_starts = posterior.shape[1]
    log_likelihood, objective = np.full(n_starts, -np.inf), np.full(n_starts, -np.inf)
    going = np.arange(n_starts)
    for _ in range(_MAX_STEPS):
        prevalence, expected = model.rates(posterior[:, going])
        confusion = model.confusion(expected)
        posterior[:, going], log_likelihood[going] = model.classify(prevalence, confusion)
        before = objective[going]
        objective[going] = model.objective(log_likelihood[going], confusion)
        with np.errstate(invalid="ignore"):
            going = going[~(objective[going] - before < 1e-10 * np.abs(objective[going]))]
        if not len(going):
            break
    return posterior, log_likelihood, objective, len(going)


def _result(model: _Model, fits: _Fits, rated: _Rated) -> DawidSkene:
    named, was_renamed = _named(model, fits.posterior, rated)
    from_votes, _ = _named(model, fits.from_votes, rated)
    prevalence, expected = model.rates(named[:, None])
    confusion = model.confusion(expected)[:, :, 0].swapaxes(1, 2)
    confusion[expected[:, :, 0].sum(axis=1) < 1e-9] = math.nan
    best = int(fits.objective.argmax())
    n_at_best = int((fits.objective[best] - fits.objective < _SAME).sum())
    most, most_from_votes = named.argmax(axis=1), from_votes.argmax(axis=1)
    warnings = []
    if n_at_best < 3 and len(fits.objective) > 3:
        warnings.append(f"{n_at_best} of {len(fits.objective)} starts reached the best optimum: raise n_starts")
    if fits.n_unfinished:
        warnings.append(f"{fits.n_unfinished} starts still rose after {_MAX_STEPS} steps")
    if was_renamed:
        warnings.append("the best start had its classes in another order; they are named by the codes given to them")
    if np.isnan(confusion).any():
        warnings.append("a coder coded no unit of some class: that row of the error table is undefined")
    return DawidSkene(
        categories=rated.categories,
        prevalence=prevalence[0],
        confusion=confusion,
        posterior=named[rated.row_of],
        labels=tuple(rated.categories[c] for c in most[rated.row_of].tolist()),
        log_likelihood=float(fits.log_likelihood[best]),
        log_likelihood_from_majority=float(fits.log_likelihood[0]),
        log_likelihoods=np.sort(fits.log_likelihood)[::-1],
        n_at_best=n_at_best,
        n_changed=int(model.times @ (most != most_from_votes)),
        assumptions=(_CONDITION,),
        warnings=tuple(warnings),
    )


def _named(model: _Model, posterior: Floats, rated: _Rated) -> tuple[Floats, bool]:
    """Classes in the order in which the codes given to them agree most with their names."""
    given = np.einsum("r,rc,rjl->cl", model.times, posterior, rated.counts)
    _, of_name = optimize.linear_sum_assignment(given.T, maximize=True)
    return posterior[:, of_name], bool((of_name != np.arange(model.k)).any())


def _read_ratings(ratings: ArrayLike, categories: Sequence[Hashable] | None) -> _Rated:
    table = np.asarray(ratings) if not isinstance(ratings, np.ndarray) else ratings
    if table.ndim == 3:
        given = np.asarray(table, dtype=np.float64)
        names = tuple(range(given.shape[2])) if categories is None else tuple(categories)
        if len(names) != given.shape[2]:
            raise DataError(f"{len(names)} categories for counts of {given.shape[2]}; name each column")
        if not ((given >= 0) & (given == np.floor(given))).all():
            raise DataError("counts of ratings must be whole numbers of at least 0; write 0 where there is none")
        flat = given.reshape(len(given), -1)
    else:
        read = read_codes(ratings, categories)
        names, flat = tuple(read.values.tolist()), read.index.astype(np.float64)
    rows, row_of, times = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    if table.ndim == 3:
        counts = rows.reshape(len(rows), *table.shape[1:])
    else:
        counts = (rows[:, :, None] == np.arange(len(names))).astype(np.float64)
    if not counts.any(axis=(1, 2)).all():
        raise DataError("a unit has no rating at all; leave it out, and report how many")
    return _Rated(names, counts, times.astype(np.float64), row_of.ravel())


def error_correlations(codes: ArrayLike, gold: ArrayLike) -> Floats:
    """How far coders err on the same units: correlations of their errors on gold codes.

    Dawid and Skene's model, and every vote of several models, needs these to be near 0. A few tenths between two
    language models mean that they are closer to one coder than to two.

    Parameters
    ----------
    codes : array_like, shape (n_units, n_coders)
        Codes; None or NaN where a coder did not code a unit.
    gold : array_like, shape (n_units,)
        True codes of the same units.

    Returns
    -------
    ndarray, shape (n_coders, n_coders)
        Pearson correlations of errors (0 or 1) over the units both coded; NaN where one of the two never erred,
        or always did, on those units.

    Raises
    ------
    DataError
        If lengths differ or a gold code is missing.

    Examples
    --------
    >>> error_correlations([["a", "a"], ["b", "b"], ["a", "a"], ["b", "a"]], ["a", "b", "b", "b"]).round(3)
    array([[1.   , 0.577],
           [0.577, 1.   ]])
    """
    coded = np.asarray(codes, dtype=object)
    truth = np.asarray(gold, dtype=object)
    if coded.ndim != 2 or truth.shape != (len(coded),):
        raise DataError(f"codes have shape {coded.shape} and gold {truth.shape}; one gold code for every unit")
    index = read_codes(np.column_stack([coded, truth])).index
    if (index[:, -1] < 0).any():
        raise DataError("a gold code is missing; leave that unit out, and report how many")
    held = (index[:, :-1] >= 0).astype(np.float64)
    wrong = held * (index[:, :-1] != index[:, -1:])
    n = held.T @ held
    a, b, both = wrong.T @ held, held.T @ wrong, wrong.T @ wrong
    spread = (n * a - a**2) * (n * b - b**2)
    correlations: Floats = np.divide(n * both - a * b, np.sqrt(spread), out=np.full_like(n, math.nan), where=spread > 0)
    return correlations
