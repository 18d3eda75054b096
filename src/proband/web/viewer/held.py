"""A run while it is looked at: what is read once, and the rows that a page needs.

Rows of a finished run are chosen in one column of its Parquet table and then read by key from the journal, so that a
page of a million rows costs what fifty rows cost. A run that goes on is read from the journal alone, a stretch of keys
at a time, and whoever asks for what is rare is told how far was looked.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from proband.instruments.items import Item
from proband.records import STATUSES
from proband.roster import Roster
from proband.runs.run import Run
from proband.store.filters import SENT, Condition, expression, narrowing
from proband.store.tables import rows_table, table_schema

SIZE = 50  # rows on a page
PATIENCE_S, GLANCE_S = 2.0, 0.2  # a search of words, or of rows of a run that goes on, says then how far it came
# Rows of a journal looked at together: at first, at most where they are read whole, and where SQL chooses.
_FIRST, _STRETCH, _WIDE = 256, 2_048, 16_384
_SLICE = 65_536  # rows of a table


@dataclass(frozen=True, kw_only=True)
class Found:
    """The rows of one page.

    Attributes
    ----------
    rows : polars.DataFrame
        As in the run's table, sorted by place.
    before, after : str or None
        Places to go on from, in either way; None where nothing is left.
    is_looking : bool
        Whether time was up before the page was full: going on may find more, or nothing.
    looked_at : int or None
        Rows of the table that were looked at so far, from the beginning, where that is known.
    """

    rows: pl.DataFrame
    before: str | None = None
    after: str | None = None
    is_looking: bool = False
    looked_at: int | None = None


class Held:
    """A run, its journal open for reading."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.run = Run(path)
        self.journal = self.run.directory.reader()
        self._opened_at, self.token = time.monotonic(), news_of(path)
        # Of words that were sent: which requests have them, as far as was looked, and where to go on.
        self.searched: dict[str, tuple[set[str], int, bool]] = {}

    def __del__(self) -> None:
        if "journal" in self.__dict__:
            self.journal.close()

    def is_stale(self, seconds: float) -> bool:
        """Whether what was read once may be so no longer."""
        if self.token == news_of(self.path):
            return False
        is_over = self.run.directory.manifest_path.exists()
        return self.is_over or is_over or time.monotonic() - self._opened_at > seconds

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """See `Run.manifest`."""
        return self.run.manifest

    @property
    def is_over(self) -> bool:
        """Whether the run was complete when it was opened."""
        return self.manifest.get("state") == "complete"

    @cached_property
    def items(self) -> dict[str, Item]:
        """See `Run.items`."""
        return self.run.items

    @cached_property
    def roster(self) -> Roster:
        """See `Run.roster`."""
        return self.run.roster

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """What varies."""
        return tuple(self.run.levels)

    @cached_property
    def columns(self) -> dict[str, Any]:
        """Columns of the run's table, and their types."""
        return dict(table_schema(self.factors))

    @cached_property
    def table(self) -> Path | None:
        """The table that was written at the end, where it is whole and has the columns of today."""
        directory = self.run.directory
        if self.is_over and directory.is_table_whole(self.manifest):
            with suppress(pl.exceptions.PolarsError, OSError):
                if dict(pl.read_parquet_schema(directory.table_path)) == self.columns:
                    return directory.table_path
        return None

    def lazy(self) -> pl.LazyFrame:
        """The whole table, read as far as it is needed."""
        return self.run.table().lazy() if self.table is None else pl.scan_parquet(self.table)

    @cached_property
    def engines(self) -> tuple[str, ...]:
        """Addresses of those who were asked."""
        return tuple(dict.fromkeys((self.manifest.get("engine") or {}).values()))

    def summary(self) -> dict[str, Any]:
        """One line of a list of runs; nothing of it reads the answers."""
        design, tally = self.manifest.get("design") or {}, self.tally()
        return {
            "name": self.name,
            "title": self.manifest.get("name") or design.get("title") or self.name,
            "kind": self.run.kind,
            "engines": list(self.engines),
            "responses": sum(tally["dispositions"].values()),
            "planned": tally.get("total") or None,  # nobody may have asked how large it is
            "state": self.manifest.get("state"),
            "started": self.manifest.get("started"),
            "finished": self.manifest.get("finished"),
            "error": None,
        }

    def tally(self) -> dict[str, Any]:
        """How many responses have each status: of the manifest, or as the loop noted last, or else counted."""
        known: dict[str, int] | None = self.manifest.get("dispositions")
        if known is not None and self.is_over:
            return {"dispositions": known}
        noted: dict[str, Any] | None = self.journal.noted("tally")  # runs of earlier versions have none
        return noted or {"dispositions": self.journal.dispositions()}

    def by_arm(self) -> dict[str, dict[str, int]]:
        """Counts of each status by arm, of a run that is over and has arms."""
        if self.table is None or len({member.arm for member in self.roster}) < 2:
            return {}
        counts = pl.scan_parquet(self.table).group_by("arm", "status").len().collect()
        found: dict[str, dict[str, int]] = {}  # counts alone: what may be said of them is told by the findings
        for arm, status, count in counts.sort("arm").iter_rows():
            found.setdefault(arm or "none", {})[status] = count
        return {arm: {s: row[s] for s in STATUSES if s in row} for arm, row in found.items()}

    @property
    def size(self) -> int:
        """How many responses there are."""
        return int(sum(self.tally()["dispositions"].values()))

    def count(self, conditions: Sequence[Condition]) -> int | None:
        """How many rows meet the conditions; None where only reading them all could tell."""
        if not conditions:
            return self.size
        if self.table is None or any(one.relation == "~" for one in conditions):
            return None
        counted = pl.scan_parquet(self.table).filter(self.chosen(conditions)).select(pl.len()).collect()
        return int(counted.item())

    def page(
        self,
        conditions: Sequence[Condition] = (),
        *,
        after: str = "",
        before: str = "",
        size: int = SIZE,
        seconds: float | None = None,
    ) -> Found:
        """The rows after a place, or before it, that meet the conditions, as far as they are found in time."""
        patience = PATIENCE_S if any(one.relation == "~" for one in conditions) else GLANCE_S
        until = time.monotonic() + (patience if seconds is None else seconds)
        for one in conditions:
            if one.column == SENT and not self._search(one.value, until):
                return Found(rows=rows_table(self.journal, [], self.items, self.factors), after=after, is_looking=True)
        pages = self._from_journal if self.table is None else self._from_table
        is_back = bool(before)
        parts, n = list[pl.DataFrame](), 0
        reached: str | None = None
        looked: int | None = None
        for step in pages(conditions, before or after, size + 1, is_back):
            part, reached, looked = step
            parts, n = [*parts, part], n + part.height
            if n > size or time.monotonic() >= until:
                break
        rows = pl.concat(parts) if parts else rows_table(self.journal, [], self.items, self.factors)
        is_full = n > size
        rows = rows.head(size)
        first, last = (rows["trial"][0], rows["trial"][-1]) if rows.height else ("", "")
        on = last if is_full else reached  # where to go on in this way; the other way there is what one came from
        back = (first or before or after) if (before or after) else None
        return Found(
            rows=rows.reverse() if is_back else rows,
            before=on if is_back else back,
            after=back if is_back else on,
            is_looking=not is_full and reached is not None,
            looked_at=looked,
        )

    def all_rows(self, conditions: Sequence[Condition]) -> pl.DataFrame:
        """Every row that meets the conditions, as `Run.where` gives them."""
        for one in conditions:
            if one.column == SENT:
                self._search(one.value, math.inf)
        return self.lazy().filter(self.chosen(conditions)).collect()

    def chosen(self, conditions: Sequence[Condition]) -> pl.Expr:
        """The conditions on the run's table; words that were sent are those that `page` has looked for so far."""
        return expression(
            conditions, self.columns, lambda words: self.searched.get(words, (set(),))[0], self.journal.took
        )

    def _search(self, words: str, until: float) -> bool:
        """Look for words in what was sent, from where an earlier look ended; whether all was looked at."""
        found, first, is_all = self.searched.get(words, (set[str](), 0, False))
        if not (is_all and self.is_over):
            more, first, is_all = self.journal.requests_with(words, first, until)
            self.searched[words] = (found | more, first, is_all)
        return is_all

    def _from_journal(
        self, conditions: Sequence[Condition], start: str, size: int, is_back: bool
    ) -> Iterator[tuple[pl.DataFrame, str | None, int | None]]:
        narrowed, chosen = narrowing(conditions), self.chosen(conditions)
        most = _WIDE if narrowed.where else _STRETCH
        span = min(_FIRST, most) if conditions else size
        reached: str | None = start
        while reached is not None:
            rows, reached = self.journal.rows_from(reached, span, narrowed=narrowed, is_backwards=is_back)
            table = rows_table(self.journal, rows, self.items, self.factors, self.roster)
            yield table.filter(chosen), reached, None
            span = min(2 * span, most)

    def _from_table(
        self, conditions: Sequence[Condition], start: str, size: int, is_back: bool
    ) -> Iterator[tuple[pl.DataFrame, str | None, int | None]]:
        table, trial, chosen = pl.scan_parquet(self.table or ""), pl.col("trial"), self.chosen(conditions)
        beyond = pl.lit(True) if not start else trial < start if is_back else trial > start
        if not any(one.relation == "~" and one.column != SENT for one in conditions):
            ids = table.filter(chosen, beyond).select("trial")
            kept = (ids.tail(size) if is_back else ids.head(size)).collect()["trial"].to_list()
            yield self.rows_at(kept[::-1] if is_back else kept), None, None
            return
        # Texts are many: they are looked through slice by slice, so that a search can stop in between.
        n = int(table.select(pl.len()).collect().item())
        skipped = int(table.filter(~beyond).select(pl.len()).collect().item()) if start else 0
        left = (0, n - skipped) if is_back else (skipped, n)
        while left[0] < left[1]:
            first = max(left[0], left[1] - _SLICE) if is_back else left[0]
            last = min(first + _SLICE, left[1])
            part = table.slice(first, last - first)
            hits = part.filter(chosen).select("trial").collect()["trial"].to_list()
            left = (left[0], first) if is_back else (last, left[1])
            edge = part.select(trial.first() if is_back else trial.last()).collect().item()
            kept = hits[-size:][::-1] if is_back else hits[:size]
            yield self.rows_at(kept), (edge if left[0] < left[1] else None), (n - left[0] if is_back else last)

    def first_places(self) -> dict[str, str]:
        """The first place of each item, of a run that goes on as far as a glance shows."""
        rows = self.page(size=_STRETCH).rows.lazy() if self.table is None else pl.scan_parquet(self.table)
        return dict(rows.group_by("item").agg(pl.col("trial").min()).collect().iter_rows())

    def members_rows(self, unit: str, subjects: Sequence[str]) -> pl.DataFrame:
        """Place and round of everything that the members of a unit were asked."""
        if self.table is not None:
            whole = pl.scan_parquet(self.table).filter(pl.col("unit") == unit)
            return whole.select("trial", "round").collect()
        parts = [self.all_of(Condition("subject", "=", subject)).select("trial", "round") for subject in subjects]
        return pl.concat(parts)

    def all_of(self, condition: Condition) -> pl.DataFrame:
        """Every row that meets one condition, read from the journal."""
        parts = [part for part, _, _ in self._from_journal([condition], "", _STRETCH, False)]
        return pl.concat(parts)

    def rows_at(self, trials: Sequence[str]) -> pl.DataFrame:
        """Rows of the table at these places, in this order; those that are there."""
        by_place = {row[0]: row for row in self.journal.rows_at(trials)}
        rows = [by_place[trial] for trial in trials if trial in by_place]
        return rows_table(self.journal, rows, self.items, self.factors, self.roster)


def news_of(path: Path) -> tuple[int, ...]:
    """What is different when there is something new in a run's folder."""
    found: list[int] = []
    for name in ("journal.sqlite", "journal.sqlite-wal", "manifest.json"):
        try:
            told = (path / name).stat()
        except OSError:
            found.append(0)
        else:
            found += [told.st_ino, told.st_size, told.st_mtime_ns]
    return tuple(found)
