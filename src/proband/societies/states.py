"""What happened in the societies of a run, as tables with the whole way of every arm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from proband.errors import StoreError
from proband.societies.keeping import is_kept, path_of
from proband.store.directory import RunDirectory


class _HasPath(Protocol):
    @property
    def path(self) -> Path: ...


class States:
    """What happened, round by round; the past that arms share is repeated for each of them.

    Parameters
    ----------
    run : Run or path
        Of societies.

    Examples
    --------
    >>> States("runs/crowd").measures()  # doctest: +SKIP
    """

    def __init__(self, run: _HasPath | str | Path) -> None:
        self.folder = Path(run) if isinstance(run, str | Path) else run.path
        with RunDirectory(self.folder).reader() as journal:
            design = journal.noted("design") or {}
        self.arms: Mapping[str, Mapping[str, Any]] = design.get("arms") or {}

    def measures(self) -> pl.DataFrame:
        """Numbers that describe each society, by round: society, arm, round, and a column for each measure."""
        return self.scan("measures").collect()

    def agents(self) -> pl.DataFrame:
        """What was kept of each agent, by round: society, arm, round, number, and a column for each variable."""
        return self.scan("agents").collect()

    def events(self) -> pl.DataFrame:
        """Everything that happened: society, arm, number of the event, and what `State.happened` takes."""
        return self.scan("events").collect()

    def edges(self) -> pl.DataFrame:
        """Ties as they stood after the rounds in which they changed, 0 for the beginning; agents by number."""
        return self.scan("edges").collect()

    def memories(self) -> pl.DataFrame:
        """What agents remember: society, arm, number of the memory, round, agent, number of its event, text."""
        return self.scan("memories").collect()

    def scan(self, table: str) -> pl.LazyFrame:
        """A table in which every arm has its past, not read yet: of large societies take no more than is needed."""
        if not is_kept(self.folder):
            raise StoreError(
                f"{self.folder}: the tables of its societies are not there (a run has them when it is complete); "
                f"`proband run STUDY.toml --into {self.folder}` makes them from the answers"
            )
        rows = pl.scan_parquet(path_of(self.folder, table)).with_columns(pl.col("arm").cast(pl.String))
        frames = [rows.filter(pl.col("arm") == "")]
        for arm in self.arms:
            own: list[pl.LazyFrame] = []
            first: int | None = None
            name = arm
            while True:
                part = rows.filter(pl.col("arm") == name)
                own.insert(0, part if first is None else part.filter(pl.col("round") < first))
                if not name or int(self.arms[name]["from_round"]) == 1:  # such an arm has a beginning of its own
                    break
                first, name = int(self.arms[name]["from_round"]), str(self.arms[name]["parent"])
            frames.append(pl.concat(own).with_columns(pl.lit(arm).alias("arm")))
        return pl.concat(frames)
