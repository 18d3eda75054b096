"""Finds the scenarios of all families and simulates them, each cell on a worker."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proband.workers.executor import Executor, Task, started
from proband.workers.processes import Processes
from validation.simulation import Scenario

WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The scenarios of one file of this folder.

    Attributes
    ----------
    module : str
        Its name, and what `--family` selects it by.
    scenarios : tuple of Scenario
        Its `SCENARIOS`.
    reading : str
        Its `READING`, notes on the table; empty where it has none.
    """

    module: str
    scenarios: tuple[Scenario, ...]
    reading: str = ""

    @property
    def titles(self) -> tuple[str, ...]:
        """Headings of its tables."""
        return tuple(dict.fromkeys(scenario.family for scenario in self.scenarios))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One scenario at one size."""

    module: str
    row: int
    n: int
    share: float
    n_refused: int
    objection: str


def families(only: str | None = None) -> tuple[Family, ...]:
    """Every file here that has `SCENARIOS`, or the one that is asked for by its name or a title."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    # One file asked for by its name needs no other.
    wanted = [only] if only in names else [name for name in names if not name.startswith("_")]
    found = [family for name in wanted if (family := _family(name)) is not None]
    titles = Counter(title for family in found for title in family.titles)
    if twice := [title for title, count in titles.items() if count > 1]:
        raise SystemExit(f"two files here write the heading {twice[0]!r}; give one of them another")
    chosen = tuple(family for family in found if only in (None, family.module, *family.titles))
    if not chosen:
        raise SystemExit(f"no family {only!r}; there are {', '.join(family.module for family in found)}")
    return chosen


def _family(name: str) -> Family | None:
    module = importlib.import_module(f"validation.{name}")
    scenarios = tuple(getattr(module, "SCENARIOS", ()))
    if not scenarios:
        return None
    return Family(module=name, scenarios=scenarios, reading=getattr(module, "READING", "").strip())


def simulate(
    chosen: Sequence[tuple[Family, int, int]],
    replicates: int,
    *,
    workers: int = WORKERS,
    executor: Executor | None = None,
) -> Iterator[Cell]:
    """Cells of (family, row, size), in that order, as they are done: by processes here, or wherever an executor is."""
    with started(executor or Processes(threads=1), None, workers) as pool:
        # Scenarios hold functions that cannot be sent, so each worker looks its own up.
        tasks = [Task("validation.running:simulated", (family.module, row, n, replicates)) for family, row, n in chosen]
        for future in [pool.submit(task) for task in tasks]:
            yield future.result()


def simulated(state: None, module: str, row: int, n: int, replicates: int) -> Cell:
    """One cell, on a worker."""
    scenario = importlib.import_module(f"validation.{module}").SCENARIOS[row]
    share, refused = scenario.share(n, replicates)
    objection = scenario.objection(n, share, replicates - refused)
    return Cell(module=module, row=row, n=n, share=share, n_refused=refused, objection=objection)
