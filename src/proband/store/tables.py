"""Responses as data frames: one row a response, columns a statistician expects."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from proband.errors import DesignError, StoreError
from proband.identity import place_parts
from proband.instruments.items import Item
from proband.records import STATUSES, TABLE_COLUMNS, Answer, Place
from proband.roster import Roster
from proband.store.damage import damaged
from proband.store.journal import Journal
from proband.store.rows import COLUMNS, Row, packed, read_answer

_NOBODY = Roster(())
_OFF = 1e-6  # as far as probabilities may be from a sum of 1 when they are stored
_PART = 8_192  # rows read together: as Python's objects they take ten times the memory of a table
_WHOLE = 131_072  # rows of a table that is written at once, without the library that writes in parts
_KINDS = {
    pl.Int64: ("round", "replicate", "answer", "prompt_tokens", "completion_tokens", "attempts"),
    pl.Float64: ("value", "mass"),
    pl.List(pl.Float64): ("parts", "probs"),
    pl.List(pl.Int64): ("shown",),
}
_SCHEMA: dict[str, Any] = dict.fromkeys(TABLE_COLUMNS, pl.String) | {
    name: kind for kind, names in _KINDS.items() for name in names
}


def journal_table(journal: Journal, items: Mapping[str, Item], roster: Roster = _NOBODY) -> pl.DataFrame:
    """One row per response, sorted by place.

    Parameters
    ----------
    journal : Journal
        Where the responses are stored.
    items : mapping
        Items by id, for the labels and scale points of their options.
    roster : Roster, optional
        Units, roles and arms of the subjects; a subject that it does not name is a unit of its own.

    Returns
    -------
    polars.DataFrame
        ``answer`` is the 0-based index into the options as written; ``value`` the scale points or the number;
        ``label`` the option's text or the written answer; ``parts`` a multiple answer, ranking or allocation. An
        option that is not the item's own at its index has its own text as label, and no value. Every factor that
        varies has a column of its own, before ``round``. ``arm`` is the roster's, or else the level of a factor of
        that name, as of the arms that a society goes through. Missing is null, and ``status`` says why.
    """
    factors = tuple(levels_of(journal))
    with _readable(journal):
        parts = [_frame(rows, items, factors, roster) for rows in journal.rows(_PART)]
    return pl.concat(parts) if parts else _frame([], items, factors, roster)


def rows_table(
    journal: Journal, rows: Sequence[Row], items: Mapping[str, Item], factors: Sequence[str], roster: Roster = _NOBODY
) -> pl.DataFrame:
    """`journal_table` of these rows alone, in their order; factors are named, because a few rows cannot tell them."""
    with _readable(journal):
        return _frame(rows, items, factors, roster)


def table_schema(factors: Sequence[str]) -> Mapping[str, Any]:
    """Columns of a run's table and their types."""
    return dict(_frame([], {}, factors, _NOBODY).schema)


def write_journal_table(
    journal: Journal, items: Mapping[str, Item], path: str | Path, roster: Roster = _NOBODY
) -> Path:
    """Write `journal_table` as .parquet, whole or not at all, holding one part of it in memory at a time."""
    path = Path(path)
    if len(journal) <= _WHOLE:
        return write_table(journal_table(journal, items, roster), path)
    # Takes a tenth of a second to import, and small tables do not need it.
    import pyarrow.parquet as pq

    def write(part: Path) -> None:
        factors = tuple(levels_of(journal))
        writer: Any = None
        try:
            for rows in journal.rows(_PART):
                with _readable(journal):
                    table = _frame(rows, items, factors, roster).to_arrow()
                writer = writer or pq.ParquetWriter(part, table.schema, compression="zstd")
                writer.write_table(table)
        finally:
            if writer is not None:
                writer.close()

    return _placed(path, write)


def levels_of(journal: Journal) -> dict[str, tuple[str, ...]]:
    """Factors and their levels in the places of a journal, in the order in which they come up."""
    levels: dict[str, dict[str, None]] = {}
    with _readable(journal):
        for text in dict.fromkeys(trial.split("/", 3)[2] for trial in journal):
            for name, level in _condition(text):
                levels.setdefault(name, {})[level] = None
    return {name: tuple(found) for name, found in levels.items()}


@contextmanager
def _readable(journal: Journal) -> Iterator[None]:
    """Name as damaged a journal of which a row is not one that a response was written to."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, DesignError, PolarsError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise damaged(journal.path.parent, f"a response is not as it was stored ({why})") from error


def _condition(text: str) -> tuple[tuple[str, str], ...]:
    return Place.from_id(f"-/-/{text}/0/0").condition


def _frame(rows: Sequence[Row], items: Mapping[str, Item], factors: Sequence[str], roster: Roster) -> pl.DataFrame:
    """Rows of the journal as a frame."""
    if not rows:
        return _ordered(pl.DataFrame(schema=_SCHEMA), [pl.Series(factor_column(f), [], pl.String) for f in factors])
    named = dict(zip(COLUMNS.split(", "), zip(*rows, strict=True), strict=True))
    if strange := {*named["status"]} - {*STATUSES}:
        raise ValueError(f"status {strange.pop()!r}")
    places = zip(*(trial.split("/") for trial in named["trial"]), strict=True)
    subjects, asked, conditions, rounds, replicates = places
    names = {text: Place.from_id(f"-/{text}//0/0").item for text in set(asked)}
    answers, codes = _coded(zip(asked, named["answer"], named["chosen"], strict=True))
    cells = [
        _cells(None if text is None else read_answer(text), items.get(names[id]), chosen)
        for id, text, chosen in answers
    ]
    columns = {
        "trial": pl.Series(named["trial"], dtype=pl.String),
        "subject": _spread(subjects, _subject, pl.String),
        **_membership([_subject(text) for text in subjects], roster),
        "item": _spread(asked, names.__getitem__, pl.String),
        "round": pl.Series(rounds, dtype=pl.String).cast(pl.Int64),
        "replicate": pl.Series(replicates, dtype=pl.String).cast(pl.Int64),
        "probs": _lists([packed(value) for value in named["probs"]]),
        "shown": _spread(named["shown"], lambda text: None if text is None else json.loads(text), _SCHEMA["shown"]),
    }
    for k, name in enumerate(("answer", "value", "label", "parts")):
        columns[name] = pl.Series([cell[k] for cell in cells], dtype=_SCHEMA[name]).gather(codes)
    plain = {name: pl.Series(named[name], dtype=kind) for name, kind in _SCHEMA.items() if name not in columns}
    frame = pl.DataFrame({name: (columns | plain)[name] for name in _SCHEMA})
    return _with_arms(_ordered(frame, [_levels(conditions, name) for name in factors]))


def _levels(conditions: Sequence[str], factor: str) -> pl.Series:
    """A factor's level in each of these conditions."""
    levels = _spread(conditions, lambda text: dict(_condition(text)).get(factor), pl.String)
    return levels.alias(factor_column(factor))


def _with_arms(table: pl.DataFrame) -> pl.DataFrame:
    """With the arm of each response where it is no property of its subject, who goes through several."""
    if (column := factor_column("arm")) not in table.columns:
        return table
    return table.with_columns(pl.coalesce("arm", column))


def _ordered(frame: pl.DataFrame, levels: Sequence[pl.Series]) -> pl.DataFrame:
    """The columns in the order of the table: factors stand after the item."""
    first = ("trial", "subject", "unit", "role", "arm", "item")
    return frame.select(first).hstack([*levels, *frame.drop(first).get_columns()])


@lru_cache(4096)
def _subject(text: str) -> str:
    """A subject's name, from the beginning of a place's id."""
    return place_parts(f"{text}/-//0/0")[0]


def _membership(subjects: Sequence[str], roster: Roster) -> dict[str, pl.Series]:
    """Unit, role and arm of these subjects; null where there is none, the subject itself as its unit."""
    members = roster.by_subject
    return {
        "unit": _spread(subjects, lambda s: members[s].unit if s in members else s, pl.String),
        "role": _spread(subjects, lambda s: (members[s].role or None) if s in members else None, pl.String),
        "arm": _spread(subjects, lambda s: (members[s].arm or None) if s in members else None, pl.String),
    }


def with_membership(table: pl.DataFrame, roster: Roster) -> pl.DataFrame:
    """A table as older versions wrote it, with the columns unit, role and arm."""
    if "unit" in table.columns:
        return _with_arms(table)
    added = [series.alias(name) for name, series in _membership(table["subject"].to_list(), roster).items()]
    first = ("trial", "subject")
    return _with_arms(table.select(first).hstack([*added, *table.drop(first).get_columns()]))


def _coded(values: Iterable[Any]) -> tuple[list[Any], list[int]]:
    """The distinct values, and for each value which of them it is."""
    known: dict[Any, int] = {}
    codes = [known.setdefault(value, len(known)) for value in values]
    return list(known), codes


def _spread(values: Iterable[Any], read: Callable[[Any], Any], kind: Any) -> pl.Series:
    """What is read from each value; values that come again are read once."""
    distinct, codes = _coded(values)
    return pl.Series([read(value) for value in distinct], dtype=kind).gather(codes)


def _lists(values: Sequence[bytes | None]) -> pl.Series:
    """Packed doubles as lists."""
    by_length: dict[int, list[int]] = {}
    for row, value in enumerate(values):
        by_length.setdefault(-1 if value is None else len(value) // 8, []).append(row)
    kind, parts = pl.List(pl.Float64), list[pl.Series]()
    for length, rows in by_length.items():
        joined = b"".join([values[row] or b"" for row in rows])
        if len(joined) != max(0, length) * 8 * len(rows):
            raise ValueError("probabilities that are no doubles")
        if length < 1:
            parts.append(pl.Series([None if length < 0 else []] * len(rows), dtype=kind))
            continue
        numbers = np.frombuffer(joined)
        if not (np.abs(numbers.reshape(-1, length).sum(axis=1) - 1) <= _OFF).all():
            raise ValueError("probabilities that do not sum to 1")
        parts.append(pl.Series(numbers.reshape(-1, length), dtype=pl.Array(pl.Float64, length)).cast(kind))
    order = np.argsort(np.concatenate([np.array(rows) for rows in by_length.values()]), kind="stable")
    return pl.concat(parts).gather(order)


def factor_column(name: str) -> str:
    """The column of a factor: its name, or ``factor_NAME`` where another column is called so."""
    return f"factor_{name}" if name in TABLE_COLUMNS else name


def _cells(
    answer: Answer, item: Item | None, chosen: str | None
) -> tuple[int | None, float | None, str | None, list[float] | None]:
    """An answer as index, value, label and parts."""
    if chosen is not None and isinstance(answer, int):
        return answer, None, chosen, None
    index = answer if isinstance(answer, int) and item is not None and item.form in ("choice", "scale") else None
    number = float(answer) if isinstance(answer, int | float) and index is None else None
    label = answer if isinstance(answer, str) else None
    if index is not None and item is not None:
        if not 0 <= index < len(item.options):
            raise ValueError(f"answer {index} to {item.id!r}, which has {len(item.options)} options")
        number = item.points[index] if item.form == "scale" or item.codes else None
        label = item.options[index]
    return index, number, label, [float(part) for part in answer] if isinstance(answer, tuple) else None


def wide_table(table: pl.DataFrame, values: str = "answer") -> pl.DataFrame:
    """One row per subject (and condition, round, replicate), one column per item.

    The column of an item is its id, or ``item_ID`` where another column is called so.

    Parameters
    ----------
    table : polars.DataFrame
        From `journal_table`.
    values : str
        Column to spread: "answer", "value" or "label". Under "label", numbers and lists stand as text.
    """
    if values not in ("answer", "value", "label"):
        raise StoreError(f"values {values!r} cannot be spread; choose answer, value or label")
    keys = [name for name in table.columns if name not in _SCHEMA] + ["subject", "round", "replicate"]
    renamed = {name: f"item_{name}" for name in keys}
    taken = set(table["item"].unique())
    for name in taken & renamed.keys():
        while renamed[name] in taken or renamed[name] in keys:
            renamed[name] = f"item_{renamed[name]}"
    table = table.with_columns(pl.col("item").replace(renamed))
    if values == "label":
        parts = pl.col("parts").cast(pl.List(pl.String)).list.join("; ")
        table = table.with_columns(pl.coalesce("label", pl.col("value").cast(pl.String), parts).alias("label"))
    return table.pivot(on="item", index=keys, values=values).sort(keys)


def write_table(table: pl.DataFrame, path: str | Path) -> Path:
    """Write a table as .csv or .parquet, whole or not at all; list columns become JSON text in CSV."""
    path = Path(path)
    if path.suffix not in (".csv", ".parquet"):
        raise StoreError(f"{path}: unknown table format {path.suffix!r}; end the name in .csv or .parquet")

    def write(part: Path) -> None:
        if path.suffix == ".parquet":
            table.write_parquet(part)
            return
        lists = [name for name, kind in table.schema.items() if isinstance(kind, pl.List)]
        table.with_columns(
            pl.when(pl.col(name).is_not_null())
            .then(pl.format("[{}]", pl.col(name).cast(pl.List(pl.String)).list.join(",")))
            .alias(name)
            for name in lists
        ).write_csv(part)

    return _placed(path, write)


def _placed(path: Path, write: Callable[[Path], None]) -> Path:
    """Have a file written beside its place, and put it there when it is whole."""
    part = path.with_name(path.name + ".part")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error}); free some space or choose another folder") from None
    return path
