"""What a simulation is, and how often an interval contains the truth or a test rejects."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from proband.estimates import Estimate
from proband.seeds import rng_for

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One method on one kind of data.

    Attributes
    ----------
    family : str
        Heading of the table, e.g. "Agreement".
    method, data : str
        First two cells of the row.
    draw : callable
        ``draw(rng, n)`` simulates data of `n` units and returns what is counted: whether the interval contained the
        truth (``covers``) or whether the test rejected; None where the method refused, which is counted apart.
    sizes : sequence of int
        Values of `n`, the columns.
    expected : float
        What the share should be: 0.95 for coverage, 0.05 for the size of a test.
    tolerance : float
        How far from it the share may lie, beyond Monte Carlo error, at the sizes named in `held_from` and above;
        an interval that is known to be off below that says so in a warning, and the table shows it.
    held_from : int
        Smallest size at which `expected` is promised.
    is_conservative : bool
        Whether shares above `expected` (below it, for a test) are accepted.
    """

    family: str
    method: str
    data: str
    draw: Callable[[np.random.Generator, int], bool | None]
    sizes: Sequence[int] = (10, 20, 50, 200)
    expected: float = 0.95
    tolerance: float = 0.015
    held_from: int = 10
    is_conservative: bool = False

    def share(self, n: int, replicates: int) -> tuple[float, int]:
        """Share of replicates that covered (or rejected), and how many replicates the method refused."""
        place = (self.family, self.method, self.data, n)
        found = [self.draw(rng_for(1, *place, k), n) for k in range(replicates)]
        counted = [outcome for outcome in found if outcome is not None]
        return (float(np.mean(counted)) if counted else math.nan), len(found) - len(counted)

    def complaint(self, n: int, replicates: int) -> str:
        """What is wrong at this size, beyond four Monte Carlo standard errors; empty where nothing is."""
        share, refused = self.share(n, replicates)
        return self.objection(n, share, replicates - refused)

    def objection(self, n: int, share: float, n_counted: int) -> str:
        """What is wrong with this share of so many replicates; empty where nothing is."""
        if n < self.held_from or math.isnan(share):
            return ""
        allowed = self.tolerance + 4 * math.sqrt(self.expected * (1 - self.expected) / n_counted)
        is_test = self.expected < 0.5
        excess = share - self.expected if is_test else self.expected - share
        if excess > allowed or (-excess > allowed and not self.is_conservative):
            return f"{self.method}, {self.data}, n = {n}: {share:.3f} where {self.expected} was promised"
        return ""


def covers(estimate: Estimate, truth: float) -> bool | None:
    """Whether an estimate's interval contains the truth; None where it has no interval."""
    if estimate.interval is None:
        return None
    return estimate.interval[0] <= truth <= estimate.interval[1]
