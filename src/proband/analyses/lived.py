"""What analyses read of the tables of societies: arms by name, rounds to show, and numbers over societies."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import measured
from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures import weighted_mean
from proband.runs.run import Run
from proband.seeds import rng_for
from proband.societies.keeping import is_kept
from proband.societies.people import read_people
from proband.societies.states import States

UNCHANGED = "unchanged"
REPLICATES = 1000
MOST_AGENTS = 1000  # of a society, where rows of agents are needed one by one
UNITS = "Societies are the units: what one agent does depends on the others, so intervals are over societies."
_FEWEST = 5  # societies or sessions to draw anew: by simulation, limits of a mean hold 75 % at 3, 84 % at 5, 92 % at 20
OTHERS = "opp_"
"""Begins the names of columns that hold what another did, e.g. ``opp_action``: what is done is told by these too."""
_PLACE = ("society", "arm", "round", "number")


def needs(run: Run) -> str | None:
    """Societies whose tables are there."""
    if not _noted(run):
        return "this run is not of societies"
    return None if is_kept(run.path) else "tables of its societies are written when the run is complete"


def needing(has: Callable[["Lived"], bool], reason: str) -> Callable[[Run], str | None]:
    """Societies of which there is something in particular, or else the reason why not."""
    return lambda run: needs(run) or (None if has(Lived(run)) else reason)


def _noted(run: Run) -> Mapping[str, Any]:
    design = run.manifest.get("design") or {}
    return design if "societies" in design and "rounds" in design else {}


def label(arm: str) -> str:
    """What readers see of an arm."""
    return arm or UNCHANGED


class Lived:
    """The societies of a run."""

    def __init__(self, run: Run) -> None:
        self.run, self.design, self.states = run, _noted(run), States(run)

    @cached_property
    def keys(self) -> Mapping[str, Any]:
        """Of the scenario, as the study file has them."""
        return self.design.get("keys") or {}

    @property
    def n(self) -> int:
        """How many societies."""
        return int(self.design["societies"])

    @cached_property
    def ways(self) -> tuple[str, ...]:
        """Two arms that only differ in how they are asked: by cells, and one by one; or none."""
        own = self.keys.get("arms")
        return () if own is None else tuple(arm for arm in self.states.arms if arm not in own)

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """Arms by name, the one where nothing is changed first."""
        return ("", *(arm for arm in self.states.arms if arm not in self.ways))

    def fork(self, arm: str) -> tuple[str, int]:
        """The arm that an arm leaves, and the first round that differs."""
        told = self.states.arms[arm]
        return str(told["parent"]), int(told["from_round"])

    @cached_property
    def measures(self) -> pl.DataFrame:
        """Measures by society, arm and round; a society that has come to its end stays as it was."""
        rows = self.states.measures()
        ends = rows.sort("round").group_by("society", "arm", maintain_order=True).last()
        rounds = rows.select(pl.col("round").unique().alias("later"))
        after = ends.join(rounds, how="cross").filter(pl.col("later") > pl.col("round"))
        after = after.with_columns(pl.col("later").alias("round")).select(rows.columns)
        return pl.concat([rows, after]).sort("society", "arm", "round")

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """Measures that are not always the same; of two shares that make up the whole, the second."""
        frame = self.measures.filter(pl.col("arm").is_in(self.arms))
        names = [name for name in frame.columns if name not in _PLACE and frame[name].fill_nan(None).n_unique() > 1]
        heads = [name.partition(": ")[0] for name in names]
        whole = [name for name in frame.columns if ": " in name]
        return tuple(
            name
            for name, head in zip(names, heads, strict=True)
            if not (
                ": " in name
                and len(pair := [other for other in whole if other.startswith(f"{head}: ")]) == 2
                and name == pair[0]
                and _are_shares(frame.select(pair))
            )
        )

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What was kept of agents that is a number, but for where they stand in a grid."""
        schema = self.states.scan("agents").collect_schema()
        grid = {"x", "y"} if {"x", "y"} <= set(schema) else set()
        return tuple(name for name, kind in schema.items() if kind.is_numeric() and name not in {*_PLACE, *grid})

    def told(self, column: str, value: float) -> str:
        """A value of a column in words: its option or place, where the study names them."""
        variables = [one.get("options") for one in self.keys.get("variable") or () if one.get("name") == column]
        names = [one.get("name") for one in self.keys.get("place") or ()] if column == "place" else []
        options = next(iter(variables), names) or []
        return str(options[int(value)]) if float(value).is_integer() and 0 <= value < len(options) else f"{value:g}"

    @cached_property
    def last_round(self) -> int:
        """The last that any society reached."""
        return int(self.states.scan("agents").select(pl.col("round").max()).collect().item() or 0)

    def agents(self, *columns: str) -> pl.DataFrame:
        """Rows of agents with some columns, as floats; of large societies every k-th agent."""
        rows = self.states.scan("agents")
        n = int(rows.select(pl.col("number").max()).collect().item() or 0) + 1
        step = math.ceil(n / MOST_AGENTS)
        kept = rows.filter(pl.col("number") % step == 0).select(
            *_PLACE, pl.col(columns).cast(pl.Float64).fill_nan(None)
        )
        return kept.collect().sort("society", "arm", "number", "round")

    @cached_property
    def people(self) -> pl.DataFrame | None:
        """People in such societies where nothing was changed, if the study names them and the file is still there."""
        return self.people_in("")

    def people_in(self, arm: str) -> pl.DataFrame | None:
        """People who lived through an arm; None where there are none."""
        rows = None if self._people is None else self._people.filter(pl.col("arm") == arm).drop("arm")
        return None if rows is None or rows.is_empty() else rows

    @property
    def lost_people(self) -> str:
        """The file of people that the study names, where it is not there any more; else empty."""
        path = str(self.keys.get("people") or "")
        return "" if Path(path).is_file() else path

    @cached_property
    def _people(self) -> pl.DataFrame | None:
        path = self.keys.get("people")
        if not path or self.lost_people:
            return None
        rows = read_people(Path(path))
        shared = [name for name in rows.columns if name in self.columns]
        return rows.select("society", "arm", "round", "number", *shared) if shared else None


def _are_shares(pair: pl.DataFrame) -> bool:
    sums = pair.sum_horizontal().fill_nan(None).drop_nulls()
    return bool(((sums - 1).abs() < 1e-9).mean() or 0.0) and bool(((sums == 0) | ((sums - 1).abs() < 1e-9)).all())


def spaced(values: Sequence[int], most: int) -> list[int]:
    """Some of many values, at equal distances, the first and the last among them."""
    ordered = sorted(set(values))
    if len(ordered) <= most:
        return ordered
    return sorted({ordered[k] for k in np.linspace(0, len(ordered) - 1, most).round().astype(int).tolist()})


def over_societies(
    values: Sequence[float | None], what: str, target: Target = "model", *, is_share: bool = False
) -> Estimate:
    """Mean of a number that each society has, with its interval over societies; those without it are counted."""
    found = [float(value) for value in values if value is not None and not math.isnan(value)]
    if not found:
        return measured(lambda: _nothing(what), what, target)
    mean = measured(lambda: weighted_mean(found, estimand=what, is_share=False, target=target), what, target)
    return within(mean) if is_share else mean


def within(share: Estimate) -> Estimate:
    """A share whose interval ends where shares end."""
    if share.interval is None:
        return share
    return replace(share, interval=(max(share.interval[0], 0.0), min(share.interval[1], 1.0)))


def _nothing(what: str) -> Estimate:
    raise DataError(f"no society has {what}")


def bootstrapped(found: Callable[..., float], sides: Sequence[NDArray[np.float64]], what: str) -> Estimate:
    """A number of societies and people's sessions (rows of arrays), with percentiles of draws of each."""

    def estimate() -> Estimate:
        if min(map(len, sides)) < 2:
            raise DataError("fewer than 2 societies or sessions; how they differ by chance is not known")
        n = min(map(len, sides))
        plain = Estimate(value=found(*sides), estimand=what, target="human", n_units=sum(map(len, sides)))
        if n < _FEWEST:
            return replace(plain, warnings=(f"{n} societies or sessions; limits need {_FEWEST}",))
        rng = rng_for(0, "societies and sessions", what)
        draws = [found(*(side[rng.integers(len(side), size=len(side))] for side in sides)) for _ in range(REPLICATES)]
        low, high = np.nanquantile(draws, (0.025, 0.975)).tolist()
        return replace(
            plain, interval=(low, high), interval_method="percentile bootstrap of societies and sessions",
            se=float(np.nanstd(draws)),
        )  # fmt: skip

    return measured(estimate, what, "human")


def few_drawn(n: int) -> tuple[str, ...]:
    """What to know of limits by drawing few societies or sessions anew."""
    if n >= 20:
        return ()
    known = "are too short" if n >= _FEWEST else f"need {_FEWEST}"
    return (f"{n} societies or sessions: limits by drawing them anew {known}",)


def few(n: int) -> tuple[str, ...]:
    """What to know where there are hardly any societies."""
    if n > 2:
        return ()
    return (f"{n} {'society' if n == 1 else 'societies'}: nothing is known of how much societies differ by chance",)
