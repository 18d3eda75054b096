"""Specification curves: one effect under every defensible way to ask for it, and what all of them say together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Bools, Floats
from proband.measures.experiments.outcomes import Codes, Labels, Linear, coded, with_t_test
from proband.seeds import rng_for

_CELLS = 4_000_000  # draws x specifications held at once


@dataclass(frozen=True, kw_only=True)
class SpecificationCurve:
    """What a specification curve shows.

    Attributes
    ----------
    estimates : tuple of Estimate
        The effect under each specification, in the order given; each interval stands alone.
    median : Estimate
        The median effect; `p_value` is joint: how often chance assignment gives one as far from 0.
    same_sign, significant : Estimate
        Share of specifications with the median's sign, and share that are significant in that direction at 5 %; with
        joint p values.
    """

    estimates: tuple[Estimate, ...]
    median: Estimate
    same_sign: Estimate
    significant: Estimate


def specification_curve(
    outcomes: ArrayLike,
    treated: Sequence[bool] | None,
    *,
    names: Sequence[str],
    blocks: Labels | None = None,
    n_draws: int = 999,
    rng: np.random.Generator | None = None,
    target: Target = "model",
) -> SpecificationCurve:
    """The effect under every specification, with inference on all of them at once.

    Between units each effect is a difference of means with Welch's errors, and chance is a new assignment of the
    treatment to units (within blocks), the same one for all specifications; so what they share is kept. Within units
    (`treated` is None) outcomes are units' own differences, and chance flips the sign of all differences of a unit.

    Parameters
    ----------
    outcomes : array_like, shape (n_units, n_specifications)
        Outcome of each independent unit under each specification, or its own difference; NaN where it has none.
    treated : sequence of bool, shape (n_units,), or None
        Who was treated; None for differences within units.
    names : sequence of str
        Of the specifications.
    blocks : sequence, optional
        Within which units were assigned.
    n_draws : int
        Assignments drawn.
    rng : Generator, optional
        Their source; None takes the place "specification_curve" of seed 0.

    Raises
    ------
    DataError, DesignError
        If shapes do not fit, a specification has no unit in an arm, or there are fewer than two specifications.

    References
    ----------
    Simonsohn, Simmons & Nelson (2020), Nature Human Behaviour 4, 1208-1214. doi:10.1038/s41562-020-0912-z
    """
    y = np.asarray(outcomes, dtype=np.float64)
    if y.ndim != 2 or y.shape[1] != len(names):
        raise DataError(f"outcomes have shape {y.shape}, for {len(names)} names; give a column a specification")
    if y.shape[1] < 2:
        raise DesignError("one specification is no curve; give the others that were as defensible")
    there = np.isfinite(y)
    filled = np.where(there, y, 0.0)
    z = None if treated is None else np.asarray(treated, dtype=bool)
    if z is not None and z.shape != (len(y),):
        raise DataError(f"{len(z)} assignments for {len(y)} units; give every unit one")
    for k, name in enumerate(names):
        n1 = int(there[:, k].sum()) if z is None else int(min((there[:, k] & z).sum(), (there[:, k] & ~z).sum()))
        if n1 < 2:
            raise DataError(f"specification {name!r} has {n1} units in an arm; leave it out")
    rng = rng_for(0, "specification_curve") if rng is None else rng
    weights = _signs(z, len(y))
    effects, variances, df = _effects(weights[None, :], filled, there, is_within=z is None)
    estimates = tuple(
        with_t_test(
            Estimate(value=0.0, estimand=f"effect under {name}", target=target, n_units=int(there[:, k].sum())),
            Linear(value=float(effects[0, k]), variance=float(variances[0, k]), df=float(df[0, k]),
                   scale=float(np.abs(filled[:, k]).max())),
            "t, one sample" if z is None else "t, Neyman",
        )
        for k, name in enumerate(names)
    )  # fmt: skip
    codes = None if blocks is None else coded(blocks, "block")[0]
    batch = max(1, _CELLS // max(y.shape))
    null = [
        _told(*_effects(draws, filled, there, is_within=z is None))
        for draws in _draws(weights, codes, n_draws, batch, rng)
    ]
    drawn = [np.concatenate(parts) for parts in zip(*null, strict=True)]
    seen = [float(part[0]) for part in _told(effects, variances, df)]
    about = ("median effect over specifications", "share of specifications with the sign of the median effect",
             "share of specifications significant in the direction of the median effect")  # fmt: skip
    median, same, significant = (
        Estimate(
            value=value, estimand=what, target=target, n_units=len(y),
            interval_method="none: specifications share their units; read the joint p value",
            p_value=float((1 + (np.abs(null_k) >= abs(value) - 1e-12).sum()) / (1 + n_draws)),
            assumptions=("under chance nobody's answer depends on the treatment",),
        )
        for value, what, null_k in zip(seen, about, drawn, strict=True)
    )  # fmt: skip
    return SpecificationCurve(estimates=estimates, median=median, same_sign=same, significant=significant)


def _signs(z: Bools | None, n: int) -> Floats:
    return np.ones(n) if z is None else z.astype(np.float64)


def _draws(
    weights: Floats, codes: Codes | None, n_draws: int, batch: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Assignments under chance, in batches: treatments shuffled within blocks, or signs flipped where all are 1."""
    is_within = bool((weights == 1).all())
    blocks = [np.arange(len(weights))]
    if codes is not None:
        blocks = [np.flatnonzero(codes == c) for c in range(codes.max() + 1)]
    for start in range(0, n_draws, batch):
        n = min(batch, n_draws - start)
        if is_within:
            yield rng.choice([-1.0, 1.0], size=(n, len(weights)))
            continue
        drawn = np.tile(weights, (n, 1))
        for block in blocks:
            drawn[:, block] = rng.permuted(drawn[:, block], axis=1)
        yield drawn


def _effects(w: Floats, y: Floats, there: Bools, *, is_within: bool) -> tuple[Floats, Floats, Floats]:
    """Effects, variances and degrees of freedom, (n_draws, n_specifications), under each assignment."""
    seen, squares = there.astype(np.float64), y**2
    if is_within:
        n = seen.sum(axis=0)[None, :]
        mean = (w @ y) / n
        variance = np.maximum(squares.sum(axis=0)[None, :] / n - mean**2, 0) / (n - 1)
        return mean, variance, np.broadcast_to(n - 1, mean.shape)
    parts = []
    for arm in (w, 1 - w):
        n = np.maximum(arm @ seen, 1e-300)
        mean = (arm @ y) / n
        spread = np.maximum((arm @ squares) / n - mean**2, 0) * n / np.maximum(n - 1, 1e-300)
        parts.append((mean, spread / n, n))
    (m1, v1, n1), (m0, v0, n0) = parts
    total = v1 + v0
    below = v1**2 / np.maximum(n1 - 1, 1) + v0**2 / np.maximum(n0 - 1, 1)
    df = np.where(below > 0, total**2 / np.where(below > 0, below, 1), n1 + n0 - 2)
    return m1 - m0, total, df


def _told(effects: Floats, variances: Floats, df: Floats) -> tuple[Floats, Floats, Floats]:
    """Median, share of its sign, share significant in its direction, of each draw."""
    median = np.median(effects, axis=1)
    sign = np.sign(median)[:, None]
    t = np.divide(effects, np.sqrt(variances), out=np.zeros_like(effects), where=variances > 0)
    clear = special.stdtr(df, -np.abs(t)) * 2 < 0.05
    same = np.sign(effects) == sign
    return median, same.mean(axis=1), (same & clear).mean(axis=1)
