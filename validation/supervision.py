"""Weak supervision: coverage of the performance gap recovered."""

from functools import partial

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.measures.knowledge.crossed import Table
from proband.measures.knowledge.gap import gap_recovered
from validation.simulation import Scenario, covers

FAMILY = "Weak supervision"
READING = """
- n is the number of questions a domain, of four. Studies in which no interval can be given, as the ceiling does not
  exceed the weak model by more than chance, are left out.
"""
_LEVELS = {"weak": 0.0, "supervised": 0.5, "ceiling": 1.0}


def _gap(rng: np.random.Generator, n: int, *, run_sd: float, seeds: int) -> bool | None:
    """Three models on questions of like difficulty, of which the first is trained once."""
    ease = rng.normal(size=(4, n))
    tables = {
        name: [
            Table(
                name=f"d{d}",
                items=tuple(f"d{d} q{i}" for i in range(n)),
                scores=(
                    level
                    + ease[d]
                    + (0.0 if name == "weak" else run_sd) * rng.normal(size=(1 if name == "weak" else seeds, 1))
                    + rng.normal(size=(1 if name == "weak" else seeds, n))
                    > 0
                ).astype(np.float64),
            )
            for d in range(4)
        ]
        for name, level in _LEVELS.items()
    }
    sds = {name: np.sqrt(2 + (0.0 if name == "weak" else run_sd**2)) for name in _LEVELS}
    weak, mine, best = (float(special.ndtr(level / sds[name])) for name, level in _LEVELS.items())
    try:
        return covers(gap_recovered(*tables.values()), (mine - weak) / (best - weak))
    except DataError:
        return None


def _scenario(data: str, *, run_sd: float, seeds: int) -> Scenario:
    return Scenario(
        family=FAMILY,
        method="performance gap recovered",
        data=data,
        sizes=(50, 250),
        draw=partial(_gap, run_sd=run_sd, seeds=seeds),
        held_from=50,
        tolerance=0.025,
        is_conservative=True,
    )


SCENARIOS = (
    _scenario("trainings alike, 2 seeds", run_sd=0.0, seeds=2),
    _scenario("trainings differ, 3 seeds", run_sd=0.2, seeds=3),
)
