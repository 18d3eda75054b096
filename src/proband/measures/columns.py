"""Columns of whatever table a user has: a run, a polars or pandas frame, or a mapping of columns."""

import math
from collections.abc import Mapping
from typing import Any

from proband.errors import DataError


def table_of(frame: object) -> Any:
    """The table itself: ``frame.table()`` where that exists (a run), else `frame`."""
    table = getattr(frame, "table", None)
    return table() if callable(table) else frame


def column_names(table: Any) -> tuple[str, ...]:
    """Names of a table's columns, in order."""
    if isinstance(table, Mapping):
        return tuple(table)
    if not hasattr(table, "columns"):
        raise DataError(f"{type(table).__name__} is no table; give a run, a polars or pandas frame, or columns by name")
    return tuple(table.columns)


def column(table: Any, name: str) -> list[Any]:
    """One column as a list, with None for every missing value (null, NaN)."""
    if name not in column_names(table):
        raise DataError(f"the table has no column {name!r}; it has {', '.join(map(str, column_names(table)))}")
    values = table[name]
    if hasattr(values, "isna"):  # pandas knows its own kinds of missing
        return [None if gap else value for value, gap in zip(values.tolist(), values.isna().tolist(), strict=True)]
    to_list = getattr(values, "to_list", None) or getattr(values, "tolist", None)
    return [
        None if isinstance(value, float) and math.isnan(value) else value
        for value in (to_list() if to_list else values)
    ]
