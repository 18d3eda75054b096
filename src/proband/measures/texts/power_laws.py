"""Laws of word frequencies: Zipf's, as a discrete power law, and Heaps', as a chance that the next word is new."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats, finite

_LEAST_TAIL = 30  # types above the minimum: below, the exponent is hardly known
_BOUNDS = (1.01, 8.0)  # of the exponent
_TABLE = 20_000  # values that are drawn exactly; beyond, the continuous form is as good


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLaw:
    """A power law of frequencies, and how well it fits.

    - `exponent`: alpha of ``P(k) ~ k**-alpha`` above `minimum`; over ranks the exponent is ``1 / (alpha - 1)``.
    - `zipf`: that exponent over ranks, 1 for Zipf's law.
    - `minimum`: smallest frequency that follows it.
    - `n_tail`, `n_types`: words at or above the minimum, and all.
    - `distance`: largest difference of the two cumulative distributions.
    - `p_value`: share of samples from the fitted law that lie further from their own fit; small where it is no law.
    """

    exponent: Estimate
    zipf: Estimate
    minimum: int
    n_tail: int
    n_types: int
    distance: float
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How the vocabulary grows with the text.

    - `exponent`: beta of ``V(t) = K t**beta``.
    - `scale`: K.
    - `n_tokens`, `n_types`: length and vocabulary.
    - `p_value`: of the hypothesis that new words come at this rate in ten stretches of the text; small where they come
      in bursts.
    """

    exponent: Estimate
    scale: float
    n_tokens: int
    n_types: int
    p_value: float


def zipf_fit(
    counts: ArrayLike,
    *,
    minimum: int | None = None,
    replicates: int = 100,
    rng: np.random.Generator | None = None,
    level: float = 0.95,
) -> PowerLaw:
    """Fit a discrete power law to how often words occur, by maximum likelihood.

    The minimum is the one at which data and law lie closest (Kolmogorov-Smirnov); the error of the exponent is that of
    the likelihood at this minimum, so the search for it is not in the interval.

    Parameters
    ----------
    counts : array_like, shape (n_types,)
        Occurrences of every different word, whole numbers of at least 1.
    minimum : int, optional
        Smallest frequency that follows the law; by default searched for.
    replicates : int
        Samples for the goodness of fit; 0 leaves it out.
    rng : numpy.random.Generator, optional
        For these samples; by default seeded with 0.
    level : float
        Confidence level.

    Returns
    -------
    PowerLaw

    Raises
    ------
    DataError
        If a count is no whole number of at least 1, or fewer than 30 words are at or above the minimum.
    DesignError
        If an argument is out of range.

    References
    ----------
    Clauset, Shalizi and Newman (2009), SIAM Review 51, 661-703. doi:10.1137/070710111

    Examples
    --------
    >>> counts = [max(1, 300 // rank) for rank in range(1, 200)]
    >>> fit = zipf_fit(counts, replicates=0)
    >>> round(fit.zipf.value, 1)
    1.0
    """
    k = finite(counts, "counts of words")
    if k.size == 0 or (k != np.floor(k)).any() or k.min() < 1 or k.max() > 1e12:
        raise DataError("counts of words must be whole numbers of at least 1, one for each different word")
    _check_whole(replicates, "replicates", 0)
    if minimum is not None:
        _check_whole(minimum, "minimum", 1)
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise DesignError(f"rng is {rng!r}; give numpy.random.default_rng(seed), or leave it out")
    alpha, least, distance = _fitted(k, minimum)
    tail = k[k >= least]
    z0, z1, z2 = _zeta_derivatives(alpha, least)
    se = 1 / math.sqrt(tail.size * (z2 / z0 - (z1 / z0) ** 2))
    half = float(stats.norm.ppf(0.5 + level / 2)) * se
    p_value = None
    if replicates:
        drawn = rng or np.random.default_rng(0)
        further = sum(_replicate(k, alpha, least, minimum, drawn) >= distance for _ in range(replicates))
        p_value = further / replicates
    low, high = alpha - half, alpha + half
    exponent = _estimate(alpha, se, (low, high), "exponent of the frequencies", tail.size, level)
    # The delta method would be symmetric; limits go over as they are, because the exponent over ranks is monotone.
    limits = (1 / (high - 1), 1 / (low - 1) if low > 1 else math.inf)
    zipf = _estimate(1 / (alpha - 1), se / (alpha - 1) ** 2, limits, "exponent over ranks", tail.size, level)
    return PowerLaw(
        exponent=exponent, zipf=zipf, minimum=least, n_tail=tail.size, n_types=k.size, distance=distance,
        p_value=p_value,
    )  # fmt: skip


def heaps_fit(tokens: Sequence[str], *, level: float = 0.95) -> Growth:
    """Fit Heaps' law by maximum likelihood: at word t the chance of a new one is ``1 - exp(-K beta t**(beta - 1))``.

    That is the law's own rate wherever it is small, and stays a chance at the beginning of a text. Each word is taken
    as drawn by itself given its place; in texts new words come in bursts, which the p value tells and the interval does
    not know.

    Parameters
    ----------
    tokens : sequence of str
        The words of the text, in order.
    level : float
        Confidence level.

    Returns
    -------
    Growth

    Raises
    ------
    DataError
        If there are fewer than 100 words, or they are all the same, or all new.

    References
    ----------
    Heaps (1978), Information Retrieval. Gerlach and Altmann (2013), Physical Review X 3, 021006.
    doi:10.1103/PhysRevX.3.021006

    Examples
    --------
    >>> words = [f"w{int(k ** 0.5)}" for k in range(400)]
    >>> heaps_fit(words).n_types
    20
    """
    words = words_of(tokens, 100)
    seen: set[str] = set()
    first = []
    for word in words:
        first.append(1.0 if word not in seen else 0.0)
        seen.add(word)
    new = np.asarray(first[1:], dtype=np.float64)
    if new.all() or not new.any():
        raise DataError(f"{len(words)} words, {len(seen)} different ones: no growth can be fitted to all or none new")
    x = np.log(np.arange(2, len(words) + 1))

    def rate(at: Floats) -> Floats:
        return np.asarray(np.clip(np.exp(np.clip(at[0] + at[1] * x, -50, 50)), 1e-12, 700))

    def loss(at: Floats) -> float:
        of = rate(at)
        return float((of - new * (of + np.log(-np.expm1(-of)))).sum())

    found = optimize.minimize(loss, np.array([0.0, -0.4]), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-6})
    of = rate(found.x)
    p = -np.expm1(-of)
    weight = of**2 * np.exp(-of) / p
    information = np.array([[weight.sum(), (weight * x).sum()], [(weight * x).sum(), (weight * x * x).sum()]])
    se = math.sqrt(max(float(np.linalg.pinv(information)[1, 1]), 0.0))
    beta = float(found.x[1]) + 1
    half = float(stats.norm.ppf(0.5 + level / 2)) * se
    bins = [(float(new[at].sum()), float(p[at].sum()), float((p[at] * (1 - p[at])).sum()))
            for at in np.array_split(np.arange(new.size), 10)]  # fmt: skip
    chi2 = sum((seen_ - expected) ** 2 / max(spread, 1e-9) for seen_, expected, spread in bins)
    estimate = _estimate(beta, se, (beta - half, beta + half), "exponent of the vocabulary", len(words), level)
    return Growth(
        exponent=estimate, scale=math.exp(min(float(found.x[0]), 700.0)) / max(beta, 1e-9), n_tokens=len(words),
        n_types=len(seen), p_value=float(stats.chi2.sf(chi2, 8)),
    )  # fmt: skip


def words_of(tokens: Sequence[str], least: int) -> list[str]:
    """The words as a list; `DataError` where something is no word, or there are too few."""
    if isinstance(tokens, str | bytes) or not hasattr(tokens, "__iter__"):
        raise DataError(f"tokens is {type(tokens).__name__}; give the words of a text as a list")
    words = list(tokens)
    if strange := [word for word in words if not isinstance(word, str) or not word]:
        raise DataError(f"{len(strange)} of {len(words)} tokens are no words, the first {strange[0]!r:.60}")
    if len(words) < least:
        raise DataError(f"{len(words)} words; it takes {least} at least")
    return words


def _check_whole(value: object, name: str, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= 10**9:
        raise DesignError(f"{name} is {value!r}; give a whole number of at least {least}")


def _estimate(value: float, se: float, interval: tuple[float, float], what: str, n: int, level: float) -> Estimate:
    return Estimate(
        value=value, se=se, interval=interval, level=level, interval_method="normal", estimand=what, target="data",
        n_units=n,
    )  # fmt: skip


def _fitted(k: Floats, minimum: int | None) -> tuple[float, int, float]:
    """Exponent, minimum and distance of the law that lies closest."""
    values = np.unique(k)
    candidates = [float(minimum)] if minimum is not None else values[:60].tolist()
    best: tuple[float, int, float] | None = None
    for least in candidates:
        tail = k[k >= least]
        if tail.size < _LEAST_TAIL:
            break
        alpha = _exponent(tail, least)
        distance = _distance(tail, alpha, least)
        if best is None or distance < best[2]:
            best = alpha, int(least), distance
    if best is None:
        raise DataError(
            f"{int((k >= candidates[0]).sum())} words at or above a frequency of {candidates[0]:g}; it takes "
            f"{_LEAST_TAIL} at least: give a longer text or a lower minimum"
        )
    return best


def _exponent(tail: Floats, least: float) -> float:
    logs, n = float(np.log(tail).sum()), tail.size
    found = optimize.minimize_scalar(
        lambda a: n * math.log(special.zeta(a, least)) + a * logs, bounds=_BOUNDS, method="bounded",
        options={"xatol": 1e-5},
    )  # fmt: skip
    return float(found.x)


def _distance(tail: Floats, alpha: float, least: float) -> float:
    values, counts = np.unique(tail, return_counts=True)
    empirical = np.cumsum(counts) / tail.size
    law = 1 - special.zeta(alpha, values + 1) / special.zeta(alpha, least)
    return float(np.abs(empirical - law).max())


def _replicate(k: Floats, alpha: float, least: int, minimum: int | None, rng: np.random.Generator) -> float:
    """Distance of a sample of the law, with the words below the minimum drawn as they are, from its own fit."""
    body = k[k < least]
    n_tail = int(rng.binomial(k.size, 1 - body.size / k.size))
    below = rng.choice(body, k.size - n_tail) if body.size else np.empty(0)
    sample = np.concatenate([below, drawn_from(alpha, least, n_tail, rng)])
    try:
        return _fitted(sample, minimum)[2]
    except DataError:
        return math.inf


def drawn_from(alpha: float, least: int, n: int, rng: np.random.Generator) -> Floats:
    """Frequencies of the discrete power law, shape (n,)."""
    values = np.arange(least, least + _TABLE)
    beyond = special.zeta(alpha, values + 1.0) / special.zeta(alpha, float(least))  # P(K > value), falling
    u = rng.random(n)
    found = values[np.minimum(np.searchsorted(-beyond, -u), _TABLE - 1)].astype(float)
    far = u < beyond[-1]
    found[far] = np.floor((values[-1] + 0.5) * (beyond[-1] / np.maximum(u[far], 1e-300)) ** (1 / (alpha - 1)) + 0.5)
    return np.asarray(np.minimum(found, 1e12), dtype=np.float64)


def _zeta_derivatives(alpha: float, least: float, step: float = 1e-4) -> tuple[float, float, float]:
    below, at, above = (float(special.zeta(alpha + d, least)) for d in (-step, 0.0, step))
    return at, (above - below) / (2 * step), (above - 2 * at + below) / step**2
