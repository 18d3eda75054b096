"""Randomisation inference: what the difference would have been under every other allocation."""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from proband.estimates import Estimate
from proband.measures.arrays import Bools, Floats
from proband.measures.experiments.outcomes import NO_VARIANCE

_MOST_ALLOCATIONS = 100_000
_MOST_CELLS = 100_000_000  # allocations x units: seconds of arithmetic
_CELLS = 4_000_000  # of those, held at once
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
        """Ways to choose as many treated."""
        return math.comb(self.n, self.n_treated)

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
        batch = max(1, _CELLS // self.n)
        pieces = []
        for start in range(0, n_draws, batch):
            chosen = np.zeros((min(batch, n_draws - start), self.n), dtype=np.bool_)
            chosen[:, : self.n_treated] = True
            pieces.append(self.differences(rng.permuted(chosen, axis=1)))
        return np.concatenate([y for y, _ in pieces]), np.concatenate([z for _, z in pieces])


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
