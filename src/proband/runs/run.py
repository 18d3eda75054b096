"""A run as its user sees it: responses in a table, and what the manifest says."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import polars as pl

from proband.errors import DamagedRun, DesignError, StoreError
from proband.instruments.items import Item
from proband.notebook import html_table
from proband.records import Place, Response
from proband.roster import Roster, Trait
from proband.societies.states import States
from proband.store.damage import damaged
from proband.store.directory import RunDirectory
from proband.store.filters import expression, read_conditions
from proband.store.notes import ROSTER, items_of, roster_of
from proband.store.tables import factor_column, journal_table, levels_of, wide_table, with_membership

State = Literal["complete", "unfinished", "waiting", "stalled"]
_KINDS = {"prisoners_dilemma": "game"}
PEOPLE = "people"  # name of the folder, inside a run, where people's answers to the same trials are kept


class Run:
    """Every response of one design; also readable while it is being written.

    Parameters
    ----------
    path : path
        The run directory.

    Examples
    --------
    >>> Run("runs/anes1996").table()  # doctest: +SKIP
    """

    def __init__(self, path: str | Path) -> None:
        self.directory = RunDirectory(path)
        self.directory.reader().close()  # refuse here and now what is not a run, or is damaged

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {sum(self.dispositions().values())} responses, {self.state})"

    def _repr_html_(self) -> str:
        manifest, counts = self.manifest, self.dispositions()
        statuses = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.items())
        rows = (
            ("study", f"{manifest.get('name')} ({self.kind})"),
            *(("engine", f"{address}{part and f' as {part}'}") for part, address in manifest["engine"].items()),
            ("subjects", f"{len(self.roster):,} in {self.roster.n_units:,} independent units"),
            ("responses", f"{sum(counts.values()):,}{statuses and f': {statuses}'}"),
            ("people", "their answers are kept beside it" if self.people else "none"),
        )
        return html_table(rows, ("run", f"{self.path.name}, {self.state}"))

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.directory.path

    @property
    def is_complete(self) -> bool:
        """Whether the design is over: everything that it called for was asked."""
        return self.directory.manifest() is not None

    @property
    def state(self) -> State:
        """How far it is: "waiting" for somebody who answers in their own time, "stalled" by what `stalled` names."""
        if self.is_complete:
            return "complete"
        return cast(State, self._noted.get("state", "unfinished"))

    @property
    def stalled(self) -> Mapping[str, str]:
        """What a stalled run waits for: place -> why it cannot go on from there; a hundred of them at most."""
        return {} if self.is_complete else self._noted.get("stalled", {})

    @property
    def open(self) -> Mapping[str, float]:
        """Trials that wait for somebody: place -> when they were handed over, in seconds of Unix time."""
        with self.directory.reader() as journal:
            return journal.handed_over()

    @property
    def _noted(self) -> dict[str, Any]:
        with self.directory.reader() as journal:
            return dict(journal.noted("state") or {})

    @property
    def kind(self) -> str:
        """Kind of study, e.g. ``survey`` or ``game``."""
        with self.directory.reader() as journal:
            noted, design = journal.meta("kind"), journal.noted("design") or {}
        # Runs of version 0.1 name their design only.
        return noted or _KINDS.get(design.get("design", ""), design.get("design", ""))

    @cached_property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Levels of every factor that varies, in the order of the design, or as they come up in its places."""
        with self.directory.reader() as journal:
            design = journal.noted("design") or {}
            materials = {name: told["levels"] for name, told in (design.get("materials") or {}).items()}
            named = {**(design.get("settings") or {}), **(design.get("factors") or {}), **materials}
            varied = design.get("varied")
            if varied is not None and all(isinstance(named.get(name), list | dict) for name in varied):
                return {name: tuple(map(str, named[name])) for name in varied}
            return levels_of(journal)

    @property
    def manifest(self) -> dict[str, Any]:
        """Study, seeds, engine fingerprint, versions, counts; of an unfinished run, what is known so far."""
        finished = self.directory.manifest()
        if self._named and finished is not None:
            design = finished.get("design")
            known = {} if design is None else {"design": _Noted(self.path, design)}
            return {"kind": self.kind, "state": "complete", **finished, **known}  # older ones do not say so
        with self.directory.reader() as journal:
            return {
                "name": journal.meta("name"),
                "seed": journal.noted("seed"),
                "engine": journal.noted("addresses") or {},
                "reader": journal.meta("reader"),
                "design": None if (design := journal.noted("design")) is None else _Noted(self.path, design),
                "kind": self.kind,
                "state": self.state,
                "started": journal.meta("started"),
                "is_complete": False,
            }

    @cached_property
    def _named(self) -> frozenset[str]:
        """What is noted; refuses a run of which any note is damaged, once, for the manifest is asked for often."""
        with self.directory.reader() as journal:
            return frozenset(journal.notes())

    @cached_property
    def items(self) -> dict[str, Item]:
        """The items as they were asked, by id."""
        with self.directory.reader() as journal:
            noted = journal.noted("items")
        if noted is None:
            raise StoreError(
                f"{self.path}: the journal names no items: the run never began, or this note was lost; `proband run "
                f"STUDY.toml --into {self.path}` notes them"
            )
        return items_of(noted)

    @cached_property
    def roster(self) -> Roster:
        """Who took part: unit, role, arm, weight and traits of each subject; in a run of version 0.1 each is a unit."""
        with self.directory.reader() as journal:
            notes = {key: journal.meta(key) for key in ROSTER}
            lost = set((journal.noted("saved") or {}).get("lost", ())) & set(ROSTER)
            trials = [] if notes["roster"] else list(journal)
        if lost and notes["roster"] is None:
            raise StoreError(
                f"{self.path}: saved from a damaged run that had lost who is independent of whom, or what they weigh; "
                f"`proband run STUDY.toml --into {self.path}` notes it anew"
            )
        try:
            return roster_of(notes, [Place.from_id(trial).subject for trial in trials])
        except (DamagedRun, ValueError, TypeError, AttributeError, DesignError) as error:
            raise damaged(self.path, error) from None

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each subject; empty where everybody counts the same."""
        return self.roster.weights

    @property
    def traits(self) -> Mapping[str, Mapping[str, Trait]]:
        """What is known of each subject, by column; empty where nothing is."""
        return self.roster.traits

    @property
    def people(self) -> "Run | None":
        """People's answers to the same trials, where the study has them."""
        path = self.path / PEOPLE
        return Run(path) if RunDirectory(path).is_there else None

    def responses(self) -> Mapping[str, Response]:
        """Every response, by the id of its place."""
        with self.directory.reader() as journal:
            return {response.place.id: response for response in journal.responses()}

    def table(self) -> pl.DataFrame:
        """One row per response, sorted by place; see `proband.store.tables.journal_table` for the columns.

        ``run.table().to_pandas()`` gives a pandas frame.
        """
        table = self._written_table()
        if table is None:
            with self.directory.reader() as journal:
                table = journal_table(journal, self.items, self.roster)
        if not table.height:  # its places, which there are none of, would say what varies
            table = table.with_columns(pl.lit(None, pl.String).alias(factor_column(name)) for name in self.levels)
        if strange := set(table["item"].unique()) - self.items.keys():
            raise damaged(self.path, f"the note 'items' has no item {min(strange)!r}, which was asked")
        for name, levels in self.levels.items():
            column = factor_column(name)
            if column in table.columns and (strange := {*table[column].unique()} - {*levels, None}):
                raise damaged(self.path, f"the note 'design' has no level {strange.pop()!r} of {name}, which was asked")
        return table

    def _written_table(self) -> pl.DataFrame | None:
        """The table of a run that is complete; None where it is damaged: the journal, of which it was made, has it."""
        manifest = self.directory.manifest()
        if manifest is not None and self.directory.is_table_whole(manifest):
            with suppress(pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException):
                return with_membership(pl.read_parquet(self.directory.table_path), self.roster)
        return None

    def states(self) -> pl.DataFrame:
        """What was kept of every agent of a society, by arm and round; see `proband.societies.States`."""
        return States(self).agents()

    def events(self) -> pl.DataFrame:
        """Everything that happened in the societies, by arm; see `proband.societies.States`."""
        return States(self).events()

    def edges(self) -> pl.DataFrame:
        """Who was tied to whom in the societies, by arm and round; see `proband.societies.States`."""
        return States(self).edges()

    def where(self, *conditions: str) -> pl.DataFrame:
        """Rows of the table that meet conditions such as ``"item=vote"``, ``"mass<=0.5"`` or ``"text~honest"``.

        Raises
        ------
        StoreError
            If one is no condition, or names a column that is not there.
        """
        table = self.table()
        read = read_conditions(conditions, table.schema)
        return table.filter(expression(read, table.schema, self.requests_with, self.took))

    def requests_with(self, words: str) -> list[str]:
        """Hashes of the requests whose text has these words, in upper or lower case; see the column ``request``."""
        with self.directory.reader() as journal:
            return sorted(journal.requests_with(words)[0])

    def took(self, relation: Literal["<=", ">="], seconds: float) -> list[str]:
        """Places (column ``trial``) whose answers took at most, or at least, so many seconds, where that is known."""
        with self.directory.reader() as journal:
            return journal.took(relation, seconds)

    def wide(self, values: str = "answer") -> pl.DataFrame:
        """One row per subject and condition, one column per item.

        Parameters
        ----------
        values : {"answer", "value", "label"}
            What stands in the cells: 0-based option index, scale points or number, option text.
        """
        return wide_table(self.table(), values)

    def dispositions(self) -> dict[str, int]:
        """Count of each status."""
        with self.directory.reader() as journal:
            return journal.dispositions()


class _Noted(dict[str, Any]):
    """What is noted of a design; looking up what every design of its kind notes, and this one does not, is damage."""

    def __init__(self, folder: Path, noted: Mapping[str, Any]) -> None:
        super().__init__(noted)
        self.folder = folder

    def __missing__(self, key: str) -> Any:
        raise damaged(self.folder, f"the note 'design' has no {key!r}")
