"""Columns of a study of knowledge interventions: how each cell is read from a row, and which rows come first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from proband.analyses.section import Cell, CellForm, Column, Table
from proband.estimates import Estimate
from proband.tuning.analysis.accuracy import ALL_DOMAINS


@dataclass(frozen=True, slots=True)
class Field:
    """A column, and how its cell is read from a row."""

    column: Column
    of: Callable[[Any], Cell]


def number(name: str, of: str | Callable[[Any], Cell] = "", *, form: CellForm = "number") -> Field:
    """A column of numbers: an attribute of the row, by default of the column's name, or what a function reads."""
    attribute = of or name
    read = attribute if callable(attribute) else lambda row: getattr(row, attribute)
    return Field(Column(name=name, form=form, side="model" if form in ("share", "points") else ""), read)


def text(name: str, of: str | Callable[[Any], Cell] = "") -> Field:
    """A column of words."""
    return number(name, of, form="text")


def table_of(rows: Sequence[Any], fields: Sequence[Field], caption: str, *, is_folded: bool = False) -> Table:
    """Rows as the fields read them, means of domains first; a column that holds nothing is left out.

    Where there are several base models, the second column names them.
    """
    rows = sorted(rows, key=lambda row: getattr(row, "domain", ALL_DOMAINS) != ALL_DOMAINS)
    fields = [fields[0], text("base", lambda row: getattr(row, "base", "")), *fields[1:]]
    cells = [[field.of(row) for field in fields] for row in rows]
    kept = [k for k, _ in enumerate(fields) if any(row[k] not in (None, "") for row in cells)]
    return Table(
        columns=tuple(fields[k].column for k in kept),
        rows=tuple(tuple(row[k] for k in kept) for row in cells),
        caption=caption,
        is_folded=is_folded,
    )


def by_test(rows: Sequence[Any]) -> dict[str, list[Any]]:
    """Rows by the test that they are about."""
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.test, []).append(row)
    return groups


def tested(row: Any) -> Cell:
    """A row's estimate where it has a p value, for a column of these."""
    found: Estimate = row.estimate
    return found if found.p_value is not None else None


def place(row: Any) -> str:
    """Domain of a row, with its base where there are several."""
    return f"{row.domain} ({row.base})" if row.base else str(row.domain)
