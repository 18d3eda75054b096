"""What analyses of games read of a run: its design made anew, and what its moves came to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import polars as pl
from pydantic import ValidationError

from proband.analyses.answers import measured
from proband.analyses.section import CellForm
from proband.designs.games.matches import Matches
from proband.designs.games.replay import design_from, replay
from proband.designs.games.rules import Quantity, Rules
from proband.designs.games.setting import CONTROL
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import share_estimates, weighted_mean
from proband.runs.run import Run

UNITS = "Players who meet each other are one unit: a unit's rounds and players are averaged first, units count alike."


@dataclass(frozen=True, kw_only=True)
class Plays:
    """A run of matches.

    - `design`: as the manifest describes it.
    - `players`: one row for every round of every player, as `replay` gives it, with `arm`, `forfeited`, and `who`: its
      role, and its seat where that says more.
    - `rounds`: one row for every round of every group that was played through.
    - `dropped`: matches that do not count, because somebody left and the study drops these; they are in neither table.
    """

    design: Matches
    players: pl.DataFrame
    rounds: pl.DataFrame
    dropped: Sequence[str] = ()

    @property
    def arms(self) -> Sequence[str]:
        """Treatments that were played, the control first."""
        there = set(self.players["arm"])
        return [arm for arm in self.design.by_arm if arm in there]

    @property
    def quantities(self) -> Sequence[Quantity]:
        """What the game reports and what came about at least once."""
        known = {q.name: q for arm in self.design.by_arm.values() for q in arm.rules.reported}
        return [q for q in known.values() if self.rounds[q.name].count()]

    def best(self, arm: str) -> Mapping[str, float | None]:
        """Quantities that are reported under a treatment, each with its equilibrium value if it has one."""
        return {q.name: q.best for q in self.rules(arm).reported}

    @property
    def units(self) -> str:
        """What independent units are called, in the plural."""
        return "matches" if self.design.unit == "match" else f"{self.design.unit}s"

    def rules(self, arm: str) -> Rules:
        """The rules under a treatment."""
        return self.design.by_arm[arm].rules

    @property
    def columns(self) -> dict[str, CellForm]:
        """The first column of a table where there are several treatments."""
        return {"treatment": "text"} if len(self.arms) > 1 else {}

    def at(self, arm: str) -> tuple[str, ...]:
        """The first cell of a row there."""
        return (arm,) if len(self.arms) > 1 else ()

    def said(self, arm: str) -> str:
        """How a row begins where there are several treatments."""
        return f"{arm}: " if len(self.arms) > 1 else ""


def plays(run: Run) -> Plays:
    """What was played.

    Raises
    ------
    DesignError
        If the run is not of matches that are replayed, or its game is not installed, or has other keys by now.
    """
    return _replayed(run, sum(run.dispositions().values()))


def reason(run: Run) -> str | None:
    """Why there is nothing to replay; None where there is."""
    if not run.dispositions():
        return "nothing was answered yet"
    try:
        found = plays(run)
    except DesignError as error:
        return str(error)
    return None if found.players.height else "no round of this game is over yet"


@lru_cache(maxsize=1)
def _replayed(run: Run, n: int) -> Plays:  # n: a run that goes on is replayed anew
    try:
        design = design_from(run.manifest.get("design") or {})
    except ValidationError as failure:
        first = str(failure.errors()[0]["msg"]).lower()
        raise DesignError(f"{run.path}: its game no longer takes the keys it was run with ({first})") from None
    kinds = {re.sub(r"[ -]?\d+$", "", seat) for arm in design.by_arm.values() for seat in arm.rules.seats}
    kind, plain = pl.col("seat").str.replace(r"[ -]?\d+$", ""), pl.col("role")
    says_more = (kind != plain) & (len(kinds) > 1)
    dropped = tuple(filter(None, run.manifest.get("closed", {}).get("dropped", "").split(", ")))
    table = run.table()
    players = replay(design, table.filter(~table["unit"].is_in(dropped)) if dropped else table).with_columns(
        pl.col("treatment").fill_null(CONTROL).alias("arm"),
        # In a round that is forfeited nothing is paid for the moves made.
        (pl.col("illegal") | pl.col("invalid").is_not_null()).any().over("match", "round").alias("forfeited"),
        pl.when(says_more).then(pl.format("{} ({})", plain, kind)).otherwise(plain).alias("who"),
    )
    over = players.filter(pl.col("payoff").is_not_null())
    rounds = over.unique(["match", "round"], maintain_order=True)
    return Plays(design=design, players=players, rounds=rounds, dropped=dropped)


def by_unit(part: pl.DataFrame, column: str) -> pl.DataFrame:
    """Units and their mean of a column, those without any value left out."""
    means = part.group_by("unit", maintain_order=True).agg(pl.col(column).mean())
    return means.filter(pl.col(column).is_not_null())


def mean_of(values: Sequence[float], what: str, *, is_share: bool = False) -> Estimate:
    """Mean over units: a score interval within 0 to 1 for shares, else t."""
    x = np.array(values, dtype=np.float64)
    if not len(x):
        return measured(lambda: _nothing(what), what)
    if is_share and x.min() >= 0 and x.max() <= 1:
        return replace(share_estimates(np.column_stack([x, 1 - x]), 2, target="model")[0], estimand=what)
    return weighted_mean(x, estimand=what)


def _nothing(what: str) -> Estimate:
    raise DataError(f"{what}: it never came about here")
