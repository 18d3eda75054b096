"""Several runs of one study as one run in which the engine varies: what each answered at the same places."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import polars as pl

from proband.errors import DesignError
from proband.records import Response
from proband.runs.run import Run
from proband.store.tables import factor_column

ENGINE = "engine"  # the factor whose levels the runs are
# What may differ between runs of one study: it is told to the reader, and changes nothing that is sent.
_MAY_DIFFER = ("title", "known", "population_title", "population_source", "instrument_title", "instrument_source")


class SideBySide(Run):
    """Runs of one study on several engines; everything but the answers is that of the first.

    Places are paired: who was asked what under which condition is the same in all, so that a subject is compared with
    itself.

    Parameters
    ----------
    runs : sequence of Run
        Two at least, of the same study, seed and subjects.

    Raises
    ------
    DesignError
        If there is one run, one is there twice, a factor is called ``engine``, or they are not of one study; what
        differs is named.

    Examples
    --------
    >>> SideBySide([Run("runs/small"), Run("runs/large")]).levels  # doctest: +SKIP
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        if len(runs) < 2 or len({run.path.resolve() for run in runs}) < len(runs):
            raise DesignError("the same run is compared with itself; name runs of the study on other engines")
        first, *others = runs
        super().__init__(first.path)
        if ENGINE in first.levels:
            raise DesignError(f"{first.path} has a factor called {ENGINE!r}, as what varies between runs is; rename it")
        for other in others:
            if differs := _difference(first, other):
                raise DesignError(
                    f"{other.path} is not a run of the study of {first.path}: {differs}; carry the one study out on "
                    "both engines, with the same seed"
                )
        self.runs = dict(zip(_names(runs), runs, strict=True))

    @cached_property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Levels of every factor, the engine first."""
        return {ENGINE: tuple(self.runs), **next(iter(self.runs.values())).levels}

    @property
    def is_complete(self) -> bool:
        """Whether all are over."""
        return all(run.is_complete for run in self.runs.values())

    @property
    def manifest(self) -> dict[str, Any]:
        """That of the first run, with the engines of all."""
        first, *_ = self.runs.values()
        named = {
            name if not part else f"{name}, {part}": address
            for name, run in self.runs.items()
            for part, address in run.manifest["engine"].items()
        }
        return {**first.manifest, "engine": named, "tokens": None}

    def table(self) -> pl.DataFrame:
        """One row a response of any of them, with the engine in a column of its own."""
        return self._together

    @cached_property
    def _together(self) -> pl.DataFrame:
        column = factor_column(ENGINE)
        parts = [run.table().with_columns(pl.lit(name).alias(column)) for name, run in self.runs.items()]
        return pl.concat(parts, how="vertical_relaxed")

    def responses(self) -> Mapping[str, Response]:
        """None: every place has one of each run, which `runs` holds by engine."""
        raise DesignError("several runs have a response each at every place; ask one of them, in `runs`")

    def dispositions(self) -> dict[str, int]:
        """Count of each status, over all."""
        found: Counter[str] = Counter()
        for run in self.runs.values():
            found.update(run.dispositions())
        return dict(found)


def _names(runs: Sequence[Run]) -> list[str]:
    """What each is called: its engine, where that tells them apart, else its folder."""
    engines = ["; ".join(address.split("?")[0] for address in run.manifest["engine"].values()) for run in runs]
    for names in (engines, [run.path.name for run in runs]):
        if len(set(names)) == len(names):
            return names
    return [str(run.path) for run in runs]


def _difference(first: Run, other: Run) -> str:
    """What shows that two runs are not of one study; empty where nothing does."""
    mine, its = first.manifest, other.manifest
    for what, pair in (
        ("the kind of study", (first.kind, other.kind)),
        ("the seed", (mine["seed"], its["seed"])),
        ("who took part", (first.roster.by_subject, other.roster.by_subject)),
        ("the items", (first.items, other.items)),
        ("what varies", (dict(first.levels), dict(other.levels))),
    ):
        if pair[0] != pair[1]:
            return f"{what} differs" + (f" ({pair[0]} and {pair[1]})" if isinstance(pair[0], str | int) else "")
    one, two = ({**(noted.get("design") or {})} for noted in (mine, its))
    keys = [key for key in {**one, **two} if key not in _MAY_DIFFER and one.get(key) != two.get(key)]
    return f"{keys[0]} of the design differs ({one.get(keys[0])} and {two.get(keys[0])})" if keys else ""
