"""Distances between two distributions over an item's options, and the distance that sampling alone makes."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from proband.errors import DataError, MissingDataError
from proband.estimates import Estimate
from proband.measures.arrays import Floats, Ints

Shares = Mapping[Hashable, float] | Sequence[float] | NDArray[np.floating] | NDArray[np.integer]
Positions = Mapping[Hashable, float] | Sequence[float] | NDArray[np.floating] | NDArray[np.integer]
Base = Literal["e"] | float


def total_variation(p: Shares, q: Shares) -> Estimate:
    """Share of answers that would have to change for one distribution to become the other.

    ``TV = 1/2 sum_k |p_k - q_k|``, between 0 and 1; the default for unordered options. A distance between *samples*
    is too large by about `tv_noise_floor`; `item_fidelity` puts that floor and an interval beside it.

    Parameters
    ----------
    p, q : mapping of option to share or count, or aligned sequence, shape (n_options,)
        Both of the same kind; each is divided by its sum. Mappings are matched by option, and both must name
        the same options: an option nobody took is written with 0.

    Returns
    -------
    Estimate
        Without interval: the two distributions are taken as given.

    Raises
    ------
    DataError, MissingDataError
        If the options differ, a share is negative or infinite, or a distribution sums to 0; if a share is missing.

    Examples
    --------
    >>> print(total_variation([4, 3, 2, 1], [0.1, 0.2, 0.3, 0.4]))
    0.400
    """
    _, p_, q_ = _matched(p, q)
    return _as_given(0.5 * float(np.abs(p_ - q_).sum()), "total variation distance", len(p_))


def wasserstein(p: Shares, q: Shares, positions: Positions | None = None, normalised: bool = False) -> Estimate:
    """How far answers would have to move along an ordered scale for one distribution to become the other.

    ``W1 = sum_{k<K} |P_k - Q_k| (x_{k+1} - x_k)`` with P, Q cumulated and x the positions; 0 to x_K - x_1 in
    the units of the positions, or 0 to 1 if `normalised` (Santurkar et al. 2023, arXiv:2303.17548). Not
    invariant to relabelling: use `total_variation` where options have no order. It hides opposite errors of
    location and spread; show those too.

    Parameters
    ----------
    p, q : mapping or sequence
        As in `total_variation`.
    positions : mapping of option to position, or sequence, optional
        A sequence follows the order of `p` and must rise strictly. Default: the options themselves where they
        are all numbers, else 1, 2, ..., K in the order of `p`.
    normalised : bool
        Divide by x_K - x_1.

    Returns
    -------
    Estimate
        NaN with its reason if normalised with a single option.

    Raises
    ------
    DataError
        As in `total_variation`, and if positions tie, fall or do not match the options.

    Examples
    --------
    >>> print(wasserstein([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], positions=(1, 2, 3, 5)))
    1.300
    """
    options, p_, q_ = _matched(p, q)
    order, x = _placed(options, positions)
    moved = float(np.abs(np.cumsum(p_[order] - q_[order]))[:-1] @ np.diff(x))
    if not normalised:
        return _as_given(moved, "Wasserstein-1 distance", len(x))
    if len(x) == 1:
        return _as_given(math.nan, "normalised Wasserstein-1 distance", 1, "one option has no range to divide by")
    return _as_given(moved / float(x[-1] - x[0]), "normalised Wasserstein-1 distance", len(x))


def alignment(p: Shares, q: Shares, positions: Positions | None = None) -> Estimate:
    """Alignment of OpinionQA, ``1 - W1 / (x_K - x_1)``: 1 is equal, 0 is the far ends of the scale.

    A model that answers uniformly reaches high alignment with any divided public, so never show it without
    the uniform row. Parameters and errors as in `wasserstein`; Santurkar et al. (2023), arXiv:2303.17548.

    Examples
    --------
    >>> print(alignment([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]))
    0.667
    """
    far = wasserstein(p, q, positions, normalised=True)
    n_options = len(p)
    if math.isnan(far.value):
        return _as_given(math.nan, "alignment", n_options, *far.warnings)
    return _as_given(1 - far.value, "alignment", n_options)


def kl_divergence(p: Shares, q: Shares, base: Base = "e") -> Estimate:
    """Information lost when `q` (the model) stands for `p` (the people): ``sum_k p_k log(p_k / q_k)``.

    Not symmetric, and infinite as soon as `q` excludes an option that `p` takes; nothing is smoothed. In nats
    with base "e", bits with 2. Parameters and errors as in `total_variation`.

    References
    ----------
    Kullback & Leibler (1951), Ann. Math. Statist. 22, 79-86. doi:10.1214/aoms/1177729694

    Examples
    --------
    >>> print(kl_divergence([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], base=2))
    0.658
    """
    options, p_, q_ = _matched(p, q)
    value = float(special.rel_entr(p_, q_).sum()) / _log_of(base)
    name = f"Kullback-Leibler divergence (base {base})"
    if math.isinf(value):
        excluded = [option for option, p_k, q_k in zip(options, p_, q_, strict=True) if q_k == 0 < p_k]
        return _as_given(value, name, len(p_), f"infinite: q gives no share to {excluded}, which p takes")
    return _as_given(value, name, len(p_))


def js_divergence(p: Shares, q: Shares, base: Base = 2) -> Estimate:
    """Jensen-Shannon divergence ``KL(p||m)/2 + KL(q||m)/2`` with m the mean of both; 0 to 1 in bits.

    Symmetric and finite; its square root is `js_distance`. Parameters and errors as in `total_variation`.

    References
    ----------
    Lin (1991), IEEE Trans. Inf. Theory 37, 145-151. doi:10.1109/18.61115

    Examples
    --------
    >>> print(js_divergence([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]))
    0.154
    """
    _, p_, q_ = _matched(p, q)
    return _as_given(_jensen_shannon(p_, q_, base), f"Jensen-Shannon divergence (base {base})", len(p_))


def js_distance(p: Shares, q: Shares, base: Base = 2) -> Estimate:
    """Square root of `js_divergence`, a metric; 0 to 1 in base 2.

    The same name in scipy defaults to base e (0.326 where this gives 0.392).

    References
    ----------
    Endres & Schindelin (2003), IEEE Trans. Inf. Theory 49, 1858-1860. doi:10.1109/TIT.2003.813506

    Examples
    --------
    >>> print(js_distance([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]))
    0.392
    """
    _, p_, q_ = _matched(p, q)
    divergence = _jensen_shannon(p_, q_, base)
    return _as_given(math.sqrt(divergence), f"Jensen-Shannon distance (base {base})", len(p_))


def tv_noise_floor(p: Shares, n: float) -> Estimate:
    """Total variation to expect between `p` and a random sample of size `n` from it.

    A model that knows the truth exactly still shows this distance to `n` people. Exact:
    ``1/2 sum_k E|X_k/n - p_k|`` with X_k ~ Binomial(n, p_k), by de Moivre's closed form.

    Parameters
    ----------
    p : mapping or sequence
        Shares or counts of the population; in practice people's observed shares, which makes the floor a
        little too low where rare options went unseen.
    n : float
        Number of people, or the effective number under weights (`kish_n_eff`); between whole numbers the
        floor is interpolated.

    Returns
    -------
    Estimate
        Between 0 and 1.

    Raises
    ------
    DataError
        If `n` is below 1 or `p` is no distribution.

    References
    ----------
    Diaconis & Zabell (1991), Statist. Sci. 6, 284-302. doi:10.1214/ss/1177011699

    Examples
    --------
    >>> round(tv_noise_floor([1, 1, 1, 1], 50), 6)
    0.098319
    """
    _, p_, _ = _matched(p, p)
    return _as_given(0.5 * float(mean_absolute_error(p_, n).sum()), f"expected total variation at n = {n:g}", len(p_))


def mean_absolute_error(p: Floats, n: float) -> Floats:
    """E|X/n - p| of X ~ Binomial(n, p), shape of `p`; linear in n between whole numbers."""
    if not (math.isfinite(n) and n >= 1):
        raise DataError(f"a sample of n = {n} has no noise floor; give at least 1 person")
    below = math.floor(n)
    low = _mean_absolute_error_whole(p, below)
    if n == below:
        return low
    return low + (n - below) * (_mean_absolute_error_whole(p, below + 1) - low)


def _mean_absolute_error_whole(p: Floats, n: int) -> Floats:
    inner = (p > 0) & (p < 1)
    x = np.where(inner, p, 0.5)
    m = np.floor(n * x) + 1
    log_pmf = special.gammaln(n + 1) - special.gammaln(m + 1) - special.gammaln(n - m + 1)
    log_pmf = log_pmf + m * np.log(x) + (n - m) * np.log1p(-x)
    return np.where(inner, 2 * m * (1 - x) * np.exp(log_pmf) / n, 0.0)


def distribution(shares: ArrayLike, name: str) -> Floats:
    """Shares or counts divided by their sum, shape (n_options,), or an error that names them."""
    try:
        values = np.asarray(shares, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must hold one number per option, got {shares!r}") from error
    if values.ndim != 1 or not values.size:
        raise DataError(f"{name} must hold one number per option, got shape {values.shape}")
    if np.isnan(values).any():
        raise MissingDataError(f"{name} has a missing share: {values.tolist()}; write 0 for options nobody took")
    if (values < 0).any() or np.isinf(values).any():
        raise DataError(f"{name} has a negative or infinite share: {values.tolist()}")
    if not values.any():
        raise DataError(f"{name} is all zero: nobody answered, so there is no distribution; leave the item out")
    shares_: Floats = values / values.sum()
    return shares_


def _matched(p: Shares, q: Shares) -> tuple[list[Hashable], Floats, Floats]:
    if isinstance(p, Mapping) and isinstance(q, Mapping):
        if apart := sorted(map(repr, p.keys() ^ q.keys())):
            raise DataError(f"only one of p and q has option {', '.join(apart)}; write 0 where nobody took it")
        options = list(p)
        return options, distribution([p[k] for k in options], "p"), distribution([q[k] for k in options], "q")
    if isinstance(p, Mapping) or isinstance(q, Mapping):
        raise DataError("one of p and q is keyed by option and the other is a sequence; key both")
    p_, q_ = distribution(p, "p"), distribution(q, "q")
    if len(p_) != len(q_):
        raise DataError(f"p has {len(p_)} options and q has {len(q_)}; write 0 for options nobody took")
    return list(range(1, len(p_) + 1)), p_, q_


def _placed(options: list[Hashable], positions: Positions | None) -> tuple[Ints, Floats]:
    """Order of the options along the scale, and their positions in that order."""
    if positions is None:
        numbers = [k for k in options if isinstance(k, (int, float)) and not isinstance(k, bool)]
        is_numeric = len(numbers) == len(options)
        x = np.asarray(numbers if is_numeric else np.arange(1, len(options) + 1), dtype=np.float64)
        order = np.argsort(x)
    elif isinstance(positions, Mapping):
        if apart := sorted(map(repr, set(options) ^ set(positions))):
            raise DataError(f"options and positions differ in {', '.join(apart)}; give every option one position")
        x = np.asarray([positions[k] for k in options], dtype=np.float64)
        order = np.argsort(x)
    else:
        x = np.asarray(positions, dtype=np.float64)
        order = np.arange(len(options))
        if x.shape != (len(options),):
            raise DataError(f"{x.size} positions for {len(options)} options; give every option one")
    x = x[order]
    if not np.isfinite(x).all() or (np.diff(x) <= 0).any():
        raise DataError(f"positions must rise strictly from option to option, got {x.tolist()}")
    return order, x


def _jensen_shannon(p: Floats, q: Floats, base: Base) -> float:
    # Doubled shares against their sum: halving a share near the smallest float would make it 0.
    both = p + q
    nats = float(special.rel_entr(2 * p, both).sum() + special.rel_entr(2 * q, both).sum()) / 4
    # Equal distributions can sum to -1e-17 in floating point; the divergence itself is never negative.
    return max(nats, 0.0) / _log_of(base)


def _log_of(base: Base) -> float:
    if base == "e":
        return 1.0
    if isinstance(base, str) or not base > 1:
        raise DataError(f"base {base!r} of the logarithm must be 'e' or a number above 1")
    return math.log(base)


def _as_given(value: float, name: str, n_options: int, *warnings: str) -> Estimate:
    what = f"{name} between two distributions over {n_options} options"
    how = "none: both distributions are taken as given"
    return Estimate(value=value, estimand=what, target="model", n_units=0, interval_method=how, warnings=warnings)
