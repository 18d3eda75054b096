"""Shares of strategies in a population by strategy frequency estimation (SFEM)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError, MissingDataError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints
from proband.measures.shares import wilson_interval
from proband.seeds import rng_for

_MAX_STEPS = 5_000
_CELLS = 4_000_000
_MIN_SUBJECTS = 20
_FEW_OF_A_KIND = 5
_NOBODY = 1e-6


@dataclass(frozen=True, kw_only=True)
class StrategyFrequencies:
    """What `strategy_frequencies` found.

    - `strategies`: names, in the order of all arrays.
    - `shares`: share of subjects who play each strategy.
    - `error`: probability of choosing against one's strategy, at most 0.5.
    - `posterior` (n_subjects, n_strategies): probability that a subject plays each strategy.
    - `log_likelihood`: at the best of all starts.
    - `n_at_best`: starts that reached it.
    """

    strategies: tuple[str, ...]
    shares: tuple[Estimate, ...]
    error: Estimate
    posterior: Floats
    log_likelihood: float
    n_at_best: int
    warnings: tuple[str, ...] = ()


def strategy_frequencies(
    matches: ArrayLike,
    n_choices: ArrayLike,
    strategies: Sequence[str],
    *,
    n_bootstrap: int = 500,
    target: Target = "model",
    rng: np.random.Generator | None = None,
) -> StrategyFrequencies:
    """Estimate what share of subjects plays each strategy of a list, with errors.

    Maximises ``sum_i log sum_k p_k (1 - eps)^m_ik eps^(n_i - m_ik)``, m_ik choices of subject i that strategy k would
    have made too, by EM from many starts; one error rate eps for all, at most 1/2. In Dal Bo and Frechette's
    parameter, ``1 - eps = 1 / (1 + exp(-1 / gamma))``.

    The list is a choice of the researcher: what is not on it is shared out among what is. Strategies that the
    observed histories do not tell apart get an arbitrary split, with a warning. A language model that recognises the
    game recites its textbook: compare with neutral labels.

    Parameters
    ----------
    matches : array_like, shape (n_subjects, n_strategies)
        From `strategy_matches`.
    n_choices : array_like, shape (n_subjects,)
        Choices of each subject.
    strategies : sequence of str
        Names of the columns.
    n_bootstrap : int
        Resamples of subjects behind the intervals; 0 for none.
    target : {"model", "human", "data"}
        Whose strategies they are.
    rng : numpy.random.Generator, optional
        Source of starts and resamples; None takes the place "strategy_frequencies" of seed 0.

    Returns
    -------
    StrategyFrequencies
        95 % intervals from the bootstrap over subjects: of the error rate percentiles, of a share Wilson's interval
        with the number of subjects that the bootstrap variance is worth. None below 20 subjects. Subjects must be
        independent: replicates of one model under one persona are not.

    Raises
    ------
    DesignError
        If there are fewer than 2 strategies or subjects.
    DataError, MissingDataError
        If shapes differ, or matches are not between 0 and the choices; if a count is missing.

    References
    ----------
    Dal Bo & Frechette (2011), Am. Econ. Rev. 101, 411-429. doi:10.1257/aer.101.1.411

    Examples
    --------
    >>> matches = [[18, 2]] * 6 + [[1, 19]] * 4
    >>> found = strategy_frequencies(matches, [20] * 10, ["ALLD", "ALLC"])
    >>> [round(share, 3) for share in found.shares], round(found.error, 3), round(found.log_likelihood, 4)
    ([0.6, 0.4], 0.08, -62.484)
    """
    m, n = _check(matches, n_choices, strategies)
    draws = rng_for(0, "strategy_frequencies") if rng is None else rng
    n_subjects, k = m.shape
    starts = np.vstack([np.full(k, 1 / k), draws.dirichlet(np.ones(k), 4 * k), np.eye(k) * 0.9 + 0.1 / k])
    # Subjects whose choices agree alike are one row that counts as often: the same sums, of fewer terms.
    rows, kind = np.unique(np.column_stack([m, n]), axis=0, return_inverse=True)
    kinds = (rows[:, :-1], rows[:, -1], kind.reshape(-1))
    everybody = np.tile(np.bincount(kinds[2]).astype(np.float64), (len(starts), 1))
    p, eps, log_likelihood = _climb(
        *kinds[:2], everybody, starts / starts.sum(axis=1, keepdims=True), np.full(len(starts), 0.1)
    )
    best = int(log_likelihood.argmax())
    # EM approaches a share of 0 without reaching it.
    p[p < _NOBODY] = 0.0
    p /= p.sum(axis=1, keepdims=True)
    resampled = _resampled(kinds, (p[best], float(eps[best])), n_bootstrap if n_subjects >= _MIN_SUBJECTS else 0, draws)
    cautions = _cautions(m, n, p[best], float(eps[best]), strategies)
    return StrategyFrequencies(
        strategies=tuple(strategies),
        shares=tuple(
            _share(p[best, j], resampled[0][:, j], name, n_subjects, target) for j, name in enumerate(strategies)
        ),
        error=_error(float(eps[best]), resampled[1], n_subjects, target),
        posterior=_posterior(m, n, p[best : best + 1], eps[best : best + 1])[0][0],
        log_likelihood=float(log_likelihood[best]),
        n_at_best=int((log_likelihood[best] - log_likelihood < 1e-4).sum()),
        warnings=cautions,
    )


def _posterior(m: Floats, n: Floats, p: Floats, eps: Floats) -> tuple[Floats, Floats]:
    """Probability of each strategy, shape (n_fits, n_subjects, k), and log-likelihood by subject."""
    # A finite stand-in for log 0: strategies that left the mixture must not give 0 times infinity.
    log_p, log_right, log_wrong = (np.log(np.maximum(part, 1e-300)) for part in (p, 1 - eps, eps))
    joint = m * log_right[:, None, None] + (n[:, None] - m) * log_wrong[:, None, None] + log_p[:, None, :]
    highest = joint.max(axis=2, keepdims=True)
    np.exp(joint - highest, out=joint)
    total = joint.sum(axis=2, keepdims=True)
    joint /= total
    return joint, (np.log(total) + highest)[:, :, 0]


def _climb(
    m: Floats, n: Floats, times: Floats, p: Floats, eps: Floats, *, rise: float = 1e-10
) -> tuple[Floats, Floats, Floats]:
    """EM of many fits at once; `times`, shape (n_fits, n_subjects), is how often each subject counts.

    A fit ends when its log-likelihood rises by less than the share `rise` of itself.
    """
    p, eps = p.copy(), eps.copy()
    log_likelihood = np.full(len(p), -np.inf)
    going = np.arange(len(p))
    for _ in range(_MAX_STEPS):
        posterior, total = _posterior(m, n, p[going], eps[going])
        before = log_likelihood[going]
        log_likelihood[going] = (times[going] * total).sum(axis=1)
        counting = times[going]
        p[going] = (counting[:, None, :] @ posterior)[:, 0] / counting.sum(axis=1)[:, None]
        missed = (counting * np.einsum("fik,ik->fi", posterior, n[:, None] - m)).sum(axis=1)
        eps[going] = np.minimum(missed / (counting @ n), 0.5)
        with np.errstate(invalid="ignore"):
            going = going[~(log_likelihood[going] - before < rise * (1 + np.abs(log_likelihood[going])))]
        if not len(going):
            break
    return p, eps, log_likelihood


def _resampled(
    kinds: tuple[Floats, Floats, Ints], start: tuple[Floats, float], n_bootstrap: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    m, n, kind = kinds
    n_subjects, k = len(kind), m.shape[1]
    order = np.argsort(kind, kind="stable")
    firsts = np.searchsorted(kind[order], np.arange(len(m)))
    shares, errors = np.empty((n_bootstrap, k)), np.empty(n_bootstrap)
    block = max(1, _CELLS // (n_subjects * k))
    # Away from the edge, which EM could not leave.
    begin = 0.95 * start[0] + 0.05 / k
    for first in range(0, n_bootstrap, block):
        part = slice(first, min(first + block, n_bootstrap))
        size = part.stop - part.start
        drawn = rng.multinomial(n_subjects, np.full(n_subjects, 1 / n_subjects), size).astype(np.float64)
        times = np.add.reduceat(drawn[:, order], firsts, axis=1)
        eps = np.full(size, min(max(start[1], 0.01), 0.45))
        shares[part], errors[part], _ = _climb(m, n, times, np.tile(begin, (size, 1)), eps, rise=1e-7)
    return shares, errors


def _share(p: float, resampled: Floats, name: str, n_subjects: int, target: Target) -> Estimate:
    what = f"share of subjects who play {name}"
    if not len(resampled):
        return _without(float(p), what, n_subjects, target)
    variance = float(resampled.var(ddof=1))
    # Strategies that are hard to tell apart make a share less certain than a count of subjects. The binomial variance
    # is taken two subjects away from the edge, where it would vanish with the share.
    inner = (n_subjects * p + 2) / (n_subjects + 4)
    n_eff = min(inner * (1 - inner) / variance, n_subjects) if variance > 0 else n_subjects
    se = math.sqrt(variance)
    interval = wilson_interval(float(p), float(n_eff))
    how = f"Wilson at an effective {n_eff:.1f} subjects, bootstrap over subjects"
    return Estimate(
        value=float(p), se=se, interval=interval, interval_method=how, estimand=what, target=target, n_units=n_subjects
    )


def _error(eps: float, resampled: Floats, n_subjects: int, target: Target) -> Estimate:
    what = "probability of choosing against one's strategy"
    se = float(resampled.std(ddof=1)) if len(resampled) else math.nan
    if not se > 0 or eps in (0.0, 0.5):
        return _without(eps, what, n_subjects, target)
    # On the scale of the logarithm of the odds, where limits cannot leave 0 to 1.
    centre = math.log(eps / (1 - eps))
    reach = float(special.stdtrit(n_subjects - 1, 0.975)) * se / (eps * (1 - eps))
    how = "log odds, bootstrap standard error over subjects"
    interval = (float(special.expit(centre - reach)), float(special.expit(centre + reach)))
    return Estimate(
        value=eps, se=se, interval=interval, interval_method=how, estimand=what, target=target, n_units=n_subjects
    )


def _without(value: float, what: str, n_subjects: int, target: Target) -> Estimate:
    reason = f"fewer than {_MIN_SUBJECTS} subjects" if n_subjects < _MIN_SUBJECTS else "no spread among resamples"
    how = f"none: {reason}, or no bootstrap asked for"
    return Estimate(value=value, estimand=what, target=target, n_units=n_subjects, interval_method=how)


def _cautions(m: Floats, n: Floats, p: Floats, eps: float, strategies: Sequence[str]) -> tuple[str, ...]:
    warnings = []
    for j in range(len(strategies)):
        twins = [strategies[i] for i in range(j + 1, len(strategies)) if (m[:, i] == m[:, j]).all()]
        if twins:
            warnings.append(
                f"{strategies[j]} and {', '.join(twins)} make the same choices on all histories seen: their split is "
                "arbitrary; report the sum, or have subjects meet other opponents"
            )
    if eps >= 0.5 - 1e-9:
        warnings.append("the error rate is 1/2: choices carry no trace of these strategies; reconsider the list")
    if len(m) < _MIN_SUBJECTS:
        warnings.append(f"{len(m)} subjects: no intervals below {_MIN_SUBJECTS}")
    elif scarce := [name for name, share in zip(strategies, p, strict=True) if 0 < share * len(m) < _FEW_OF_A_KIND]:
        warnings.append(
            f"fewer than {_FEW_OF_A_KIND} subjects' worth play {', '.join(scarce)}: their intervals are rough"
        )
    return tuple(warnings)


def _check(matches: ArrayLike, n_choices: ArrayLike, strategies: Sequence[str]) -> tuple[Floats, Floats]:
    m, n = np.asarray(matches, dtype=np.float64), np.asarray(n_choices, dtype=np.float64)
    if m.ndim != 2 or n.shape != (len(m),) or m.shape[1] != len(strategies):
        raise DataError(
            f"matches have shape {m.shape}, n_choices {n.shape}, with {len(strategies)} strategies; expected "
            "(n_subjects, n_strategies), (n_subjects,) and one name per column"
        )
    if m.shape[0] < 2 or m.shape[1] < 2:
        raise DesignError(f"{m.shape[0]} subjects and {m.shape[1]} strategies; a mixture needs 2 of each")
    if len(set(strategies)) < len(strategies):
        raise DataError("a strategy is named twice")
    if np.isnan(m).any() or np.isnan(n).any():
        raise MissingDataError("a count is missing; leave that subject out, and report how many")
    if (m < 0).any() or (m > n[:, None]).any() or not (n > 0).all():
        raise DataError("matches must lie between 0 and the number of choices, which must be positive")
    return m, n
