"""Tables of what happened in societies, under ``RUN/society/``: made by going through them again, so they can be lost.

Each has the columns ``society`` and ``arm``. What lies before an arm's fork stands once, under the arm that it leaves;
`proband.societies.States` gives whole trajectories.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from proband.societies.life import Arm
from proband.societies.networks import Network
from proband.societies.state import EVENTS, MEMORIES, Rows, State

FOLDER = "society"
TABLES = ("measures", "agents", "events", "edges", "memories")
_TIES = {"source": pl.Int64, "target": pl.Int64, "weight": pl.Float64}
_FIRST = {"arm": pl.Categorical()}  # written out for each of millions of agents it would take longer than all the rest
_ROWS = {"text": pl.String, "kind": pl.String, "place": pl.String, "value": pl.Float64, "importance": pl.Float64}


def path_of(folder: Path, table: str) -> Path:
    """Where a table of a run lies."""
    return folder / FOLDER / f"{table}.parquet"


def is_kept(folder: Path) -> bool:
    """Whether all tables of a run are there."""
    return all(path_of(folder, table).exists() for table in TABLES)


class Keeper:
    """A `Watcher` that writes down what it sees."""

    def __init__(self) -> None:
        self._frames: dict[str, list[pl.DataFrame]] = {table: [] for table in TABLES}
        self._seen: dict[tuple[int, str], tuple[int, int]] = {}  # rows of events and memories that are written down
        self._ties: dict[tuple[int, str, str], Network] = {}

    def begins(self, arm: Arm, state: State) -> None:
        """The beginning of a society is its round 0; an arm shares what lies before it with another."""
        key = state.society, arm.name
        if arm.name and arm.from_round > 1:
            # What differs only by its fork is not written down twice.
            self._seen[key] = len(state.events), len(state.memories)
            self._ties.update({(*key, name): network for name, network in state.networks.items()})
        else:
            self._seen[key] = 0, 0
            self.is_over(arm, state, 0)

    def is_over(self, arm: Arm, state: State, round: int) -> None:
        """Write down a round."""
        key = state.society, arm.name
        measures = {name: float(value) for name, value in arm.world.measures(state).items()}
        if measures:
            self._add("measures", key, round, {name: [value] for name, value in measures.items()})
        if kept := [name for name in arm.world.kept(state) if name in state.agents]:
            columns = {name: _plain(state.agents[name]) for name in kept}
            self._add("agents", key, round, {"number": state.numbers, **columns})
        for name, network in state.networks.items():
            if self._ties.get((*key, name)) is not network:
                self._ties[*key, name] = network
                weights = np.ones(len(network.targets)) if network.weights is None else network.weights
                ties = {"source": state.numbers[network.sources], "target": state.numbers[network.targets]}
                self._add("edges", key, round, {**ties, "weight": weights}, network=name)
        events, memories = self._seen[key]
        self._add_rows("events", key, state.events, events)
        self._add_rows("memories", key, state.memories, memories)
        self._seen[key] = len(state.events), len(state.memories)

    def write(self, folder: Path) -> None:
        """Put all tables in place, each whole or not at all."""
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        for table, frames in self._frames.items():
            whole = pl.concat(frames, how="diagonal_relaxed") if frames else _empty(table)
            # In the order of their names, for categories are numbered by when the process met them.
            names = pl.Enum(whole["arm"].cast(pl.Categorical()).unique().cast(pl.String).sort())
            whole = whole.with_columns(pl.col("arm").cast(names))
            part = path_of(folder, table).with_suffix(".part")
            whole.write_parquet(part, compression="zstd")
            part.replace(path_of(folder, table))

    def _add(self, table: str, key: tuple[int, str], round: int, columns: dict[str, Any], **fixed: str) -> None:
        told = {"society": key[0], "arm": key[1], "round": round, **fixed}
        frame = pl.DataFrame(columns)
        first = [pl.lit(value, _FIRST.get(name)).alias(name) for name, value in told.items()]
        self._frames[table].append(frame.select(*first, pl.all()))

    def _add_rows(self, table: str, key: tuple[int, str], rows: Rows, start: int) -> None:
        if len(rows) == start:
            return
        types = {name: _ROWS.get(name, pl.Int64) for name in rows.columns}
        frame = pl.DataFrame({name: rows.column(name, start) for name in rows.columns}, schema=types, strict=False)
        numbered = [pl.lit(key[0]).alias("society"), pl.lit(key[1], pl.Categorical()).alias("arm")]
        row = pl.int_range(start, len(rows)).alias("number")
        self._frames[table].append(frame.select(*numbered, row, pl.all()))


def _plain(column: Any) -> Any:
    return column.tolist() if column.dtype == object or column.ndim > 1 else column


def _empty(table: str) -> pl.DataFrame:
    """A table of nothing, with the columns it has in every world."""
    first: dict[str, Any] = {"society": pl.Int32, "arm": pl.String}
    rows: Sequence[str] = {"events": EVENTS, "memories": MEMORIES}.get(table, ())
    if rows:
        return pl.DataFrame(schema={**first, "number": pl.Int64, **{name: _ROWS.get(name, pl.Int64) for name in rows}})
    own: dict[str, Any] = {}
    if table == "edges":
        own = {"network": pl.String, **_TIES}
    elif table == "agents":
        own = {"number": pl.Int64}
    return pl.DataFrame(schema={**first, "round": pl.Int32, **own})
