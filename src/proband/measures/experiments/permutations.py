"""Randomisation inference: what the difference would have been under every other allocation."""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from proband.estimates import Estimate
from proband.measures.arrays import Bools, Floats, Ints
from proband.measures.experiments.outcomes import NO_VARIANCE

_MOST_ALLOCATIONS = 100_000
_MOST_CELLS = 100_000_000  # allocations x units: seconds of arithmetic
_CELLS = 4_000_000  # of those, held at once
_FEW_KINDS = 20  # units of a kind, on average, from which on kinds are drawn and not units
_MOST_DRAWN = 10**9  # what numpy draws from
# Arms may differ this much in size, and variances this much, before the null of no effect on anybody and that of no
# average effect part company.
_UNEQUAL_ARMS, _UNEQUAL_VARIANCES = 1.5, 2.0

Arm = tuple[Floats, Floats]  # what is assigned as one: outcome totals and sizes of units (of 1) or clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """A block: its share of all units, and its two arms."""

    share: float
    treated: Arm
    control: Arm

    @property
    def n_treated(self) -> int:
        """Units (clusters) that were treated."""
        return len(self.treated[0])

    @property
    def n(self) -> int:
        """Units (clusters) of both arms."""
        return self.n_treated + len(self.control[0])

    @property
    def n_allocations(self) -> int:
        """Ways to choose as many treated; of more than can be gone through, some number that is too large."""
        # The whole number has 300,000 digits for a million units, and takes half a minute.
        n, k = self.n, self.n_treated
        log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        return math.comb(n, k) if log < math.log(10.0 * _MOST_ALLOCATIONS) else 10 * _MOST_ALLOCATIONS

    def differences(self, allocations: Bools) -> tuple[Floats, Floats]:
        """Share-weighted differences of outcomes, and of having been treated, under each allocation.

        `allocations` (n_allocations, n): who is treated, the treated units first.
        """
        totals, sizes = (np.concatenate(both) for both in zip(self.treated, self.control, strict=True))
        exposed = np.where(np.arange(self.n) < self.n_treated, sizes, 0.0)
        chosen = allocations.astype(np.float64)
        size = chosen @ sizes
        found = []
        for sums in (totals, exposed):
            inside = chosen @ sums
            found.append(self.share * (inside / size - (sums.sum() - inside) / (sizes.sum() - size)))
        return found[0], found[1]

    def every(self) -> tuple[Floats, Floats]:
        """`differences` under all allocations."""
        combinations = itertools.combinations(range(self.n), self.n_treated)
        pieces = []
        while batch := list(itertools.islice(combinations, max(1, _CELLS // self.n))):
            chosen = np.zeros((len(batch), self.n), dtype=np.bool_)
            np.put_along_axis(chosen, np.array(batch), True, axis=1)
            pieces.append(self.differences(chosen))
        return np.concatenate([y for y, _ in pieces]), np.concatenate([z for _, z in pieces])

    def some(self, n_draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """`differences` under random allocations."""
        treated = np.arange(self.n) < self.n_treated
        totals, sizes = (np.concatenate(both) for both in zip(self.treated, self.control, strict=True))
        columns = np.array([totals, sizes, np.where(treated, sizes, 0.0)])
        # Units that are alike need not be told apart: how many of each kind are treated is all that counts.
        first, counts = _kinds(columns)
        if len(counts) * _FEW_KINDS <= self.n < _MOST_DRAWN:
            drawn = rng.multivariate_hypergeometric(counts, self.n_treated, size=n_draws, method="marginals")
            within, size, exposed = columns[:, first] @ drawn.T
        else:
            masks = (_subset(self.n, self.n_treated, rng) for _ in range(n_draws))
            within, size, exposed = np.array([columns @ mask.astype(np.float64) for mask in masks]).T
        outside, all_exposed = sizes.sum() - size, float(sizes[treated].sum())
        return (
            self.share * (within / size - (totals.sum() - within) / outside),
            self.share * (exposed / size - (all_exposed - exposed) / outside),
        )


def _kinds(columns: Floats) -> tuple[Ints, Ints]:
    """A unit of each kind, kinds being equal in all columns, and how many of it there are."""
    code = np.zeros(columns.shape[1], dtype=np.int64)
    for column in columns:
        values, of_unit = np.unique(column, return_inverse=True)
        # Numbered anew each time, so that the numbers stay small.
        code = np.unique(code * len(values) + of_unit, return_inverse=True)[1]
    _, first, counts = np.unique(code, return_index=True, return_counts=True)
    return first, counts


def _subset(n: int, m: int, rng: np.random.Generator) -> Bools:
    """A random subset of m of n, as a mask.

    Coins are thrown for all at once, and as many as are too many, or too few, are turned over at random: a set of
    independent coins of a given size is a random set of that size, and stays one.
    """
    mask: Bools = np.frombuffer(rng.bytes(2 * n), dtype=np.uint16) < round(m / n * 2**16)
    surplus = int(np.count_nonzero(mask)) - m
    if surplus:
        turned = rng.choice(np.flatnonzero(mask if surplus > 0 else ~mask), abs(surplus), replace=False, shuffle=False)
        mask[turned] = surplus < 0
    return mask


def permutation_test(about: Estimate, strata: list[Stratum], *, n_draws: int, rng: np.random.Generator) -> Estimate:
    """Fill in the difference, its permutation p value and the interval of constant effects not rejected.

    Under a constant effect tau the difference under another allocation is ``T* - tau k``, where k is what that
    allocation shares with the one made, and it reaches the observed ``T - tau`` where tau is at least
    ``(T - T*) / (1 - k)``: the limits are order statistics of these, and no search is needed.
    """
    first = [stratum.differences(np.arange(stratum.n)[None, :] < stratum.n_treated)[0] for stratum in strata]
    value = float(np.sum(first))
    n_all = math.prod(stratum.n_allocations for stratum in strata)
    largest = max(stratum.n_allocations * stratum.n for stratum in strata)
    is_whole = n_all <= _MOST_ALLOCATIONS and largest <= _MOST_CELLS
    outcomes, shared = _everywhere(strata) if is_whole else _drawn(strata, n_draws, rng)
    about = replace(about, value=value)
    if np.ptp(outcomes) == 0 and n_all > 1:
        return replace(about, interval_method="none: no variance", warnings=(NO_VARIANCE, *about.warnings))
    # Equal differences come out of sums in another order; a tie counts as reaching.
    reach = np.abs(outcomes) >= abs(value) - 1e-9 * max(1.0, float(np.abs(outcomes).max()))
    extra = 0 if is_whole else 1
    interval = _not_rejected(value, outcomes, shared, level=about.level, extra=extra)
    which = f"all {n_all:,} allocations" if is_whole else f"{n_draws:,} random allocations"
    doubts = _doubts(strata)
    if interval is None:
        doubts = (f"{which}: too few for an interval at level {about.level:g}; assign more units", *doubts)
    return replace(
        about,
        interval=interval,
        interval_method=f"{which}, constant effect" if interval else f"none: {which} are too few",
        p_value=(int(reach.sum()) + extra) / (len(outcomes) + extra),
        assumptions=(*about.assumptions, "the treatment changes every unit's outcome by the same amount"),
        warnings=(*doubts, *about.warnings),
    )


def _everywhere(strata: list[Stratum]) -> tuple[Floats, Floats]:
    y, z = np.zeros(1), np.zeros(1)
    for stratum in strata:
        more_y, more_z = stratum.every()
        y, z = np.add.outer(y, more_y).ravel(), np.add.outer(z, more_z).ravel()
    return y, z


def _drawn(strata: list[Stratum], n_draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    y, z = np.zeros(n_draws), np.zeros(n_draws)
    for stratum in strata:
        more_y, more_z = stratum.some(n_draws, rng)
        y, z = y + more_y, z + more_z
    return y, z


def _not_rejected(
    value: float, outcomes: Floats, shared: Floats, *, level: float, extra: int
) -> tuple[float, float] | None:
    """Limits of the constant effects that neither one-sided test rejects at half the size."""
    differs = shared < 1 - 1e-12
    turning = np.sort((value - outcomes[differs]) / (1 - shared[differs]))
    always = int((~differs).sum()) + extra  # the allocation made reaches itself under every effect
    allowed = math.floor((len(outcomes) + extra) * (1 - level) / 2 + 1e-9)
    k = allowed - always
    if k < 0 or 2 * k >= len(turning):
        return None
    return float(turning[k]), float(turning[len(turning) - 1 - k])


def _doubts(strata: list[Stratum]) -> tuple[str, ...]:
    """Warn where the null of no effect on anybody is not that of no average effect."""
    if len(strata) != 1 or min(strata[0].n_treated, strata[0].n - strata[0].n_treated) < 2:
        return ()
    arms = strata[0].treated, strata[0].control
    n1, n0 = (len(totals) for totals, _ in arms)
    v1, v0 = (float((totals / sizes).var(ddof=1)) for totals, sizes in arms)
    if max(n1, n0) <= _UNEQUAL_ARMS * min(n1, n0) or max(v1, v0) <= _UNEQUAL_VARIANCES * min(v1, v0):
        return ()
    return (
        f"arms of {n1} and {n0} units with variances {v1:.3g} and {v0:.3g}: the test asks whether anybody is "
        "affected, and may reject where only the spread differs; for the average effect use method='neyman'",
    )
