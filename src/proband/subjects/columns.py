"""Columns of a data file as numbers and texts, and what is missing in them."""

import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from proband.errors import DataError
from proband.subjects.calendars import clock
from proband.subjects.personas import Code, code_text

if TYPE_CHECKING:
    import polars as pl

Missing = Sequence[Code] | Mapping[str, Sequence[Code]]

_NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$|^\s*([-+]?inf|NaN)\s*$"
# 01 and 1E1 are names made of digits: no program writes a number so.
_NAME = r"^\s*[-+]?0[0-9]|^\s*[0-9]+[eE][0-9]{1,2}\s*$"
_DECIMAL_COMMA = r"^\s*[-+]?[0-9]*,[0-9]+\s*$"
_THOUSANDS = r"^\s*[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+\s*$"
NO_ANSWER = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "#null!", "none", "missing", ".", "-", "--", "(null)"})
"""Words that stand for a missing value in the files of many programs; taken for one only where that is declared."""


def typed(column: "pl.Series", *, decimal_comma: bool = False) -> "pl.Series":
    """A column of texts as numbers, if they are all numbers; empty texts are null.

    Texts with leading zeros, or like 1E1, are names, and so are whole numbers of more digits than a computer counts:
    the column stays as it is written. ``true`` and ``false`` are 1 and 0.
    """
    import polars as pl  # as in `microdata`

    column = column.set(column.str.strip_chars() == "", None)
    held = column.drop_nulls()
    if not len(held):
        return column
    if decimal_comma and held.str.contains(_DECIMAL_COMMA).any():
        # 1,234 may be either; where every comma could part thousands nothing is guessed.
        commas = held.filter(held.str.contains(",", literal=True))
        if not commas.str.contains(_THOUSANDS).all():
            held = held.str.replace(",", ".", literal=True)
            column = column.str.replace(",", ".", literal=True) if held.str.contains(_NUMBER).all() else column
    if held.str.contains(r"^(?i:true|false)$").all():
        return column.str.to_lowercase().eq("true").cast(pl.Int64)
    if not held.str.contains(_NUMBER).all() or held.str.contains(_NAME).any():
        return column
    plain = column.str.strip_chars().str.strip_prefix("+")
    is_whole = held.str.contains(r"^\s*[-+]?[0-9]+\s*$").all()
    numbers = plain.cast(pl.Int64 if is_whole else pl.Float64, strict=False)
    return numbers if numbers.null_count() == column.null_count() else column


def parts_thousands(column: "pl.Series") -> bool:
    """Whether every dot of a column of texts could part thousands, as in 1.234 where decimals have a comma."""
    dotted = column.filter(column.str.contains(".", literal=True)).str.replace_all(".", ",", literal=True)
    return len(dotted) > 0 and bool(dotted.str.contains(_THOUSANDS).all())


def plain_frame(frame: "pl.DataFrame") -> tuple["pl.DataFrame", dict[str, str]]:
    """Numbers and texts only, and the columns that can be neither, with what they hold.

    Booleans are 0 and 1, dates ISO text, lengths of time ``30:00:00``, whole-numbered decimals integers, and numbers
    of single precision the shortest decimal that is that number.
    """
    import polars as pl  # as in `microdata`

    kept, left_out = [], {}
    for column in frame:
        dtype = column.dtype
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object) or isinstance(dtype, pl.Unknown):
            left_out[column.name] = str(dtype)
            continue
        if dtype == pl.Null:
            column = column.cast(pl.String)
        elif dtype == pl.Boolean:
            column = column.cast(pl.Int64)
        elif dtype.is_decimal():
            column = column.cast(pl.Float64)
        elif dtype == pl.Duration:
            lengths = [None if each is None else clock(each / 1e6) for each in column.dt.total_microseconds()]
            column = pl.Series(column.name, lengths, pl.String)
        elif isinstance(dtype, pl.Datetime):
            column = column.dt.to_string("%Y-%m-%d %H:%M:%S%.f" + ("%:z" if dtype.time_zone else ""))
        elif dtype == pl.Time:
            column = column.dt.to_string("%H:%M:%S%.f")
        elif dtype.is_temporal() or isinstance(dtype, pl.Categorical | pl.Enum):
            column = column.cast(pl.String)
        if column.dtype == pl.String:
            column = column.set(column.str.strip_chars() == "", None)
        elif column.dtype.is_float():
            column = whole_where_whole(shortest(column))
        kept.append(column)
    return pl.DataFrame(kept), left_out


def shortest(column: "pl.Series", *, is_single: bool = False) -> "pl.Series":
    """Numbers of single precision as their shortest decimals: 5.1, which in double is 5.099999904632568."""
    import polars as pl  # as in `microdata`

    if is_single:
        column = column.cast(pl.Float32)
    return column.cast(pl.String).cast(pl.Float64) if column.dtype != pl.Float64 else column


def whole_where_whole(column: "pl.Series") -> "pl.Series":
    """Decimals without nan, and as integers if all are whole."""
    import polars as pl  # as in `microdata`

    values = column.fill_nan(None)
    is_whole = values.is_finite().all() and (values == values.round()).all() and (values.abs() < 2**53).all()
    return values.cast(pl.Int64) if is_whole else values


def set_missing(
    frame: "pl.DataFrame", missing: Missing, *, spared: Collection[str] = (), decimal_comma: bool = False
) -> "pl.DataFrame":
    """The frame with missing codes made null but in `spared` columns; one that is numeric without them becomes so."""
    import polars as pl  # as in `microdata`

    columns = []
    for column in frame:
        codes = set() if column.name in spared else codes_for(column.name, missing)
        if codes and (column.dtype.is_numeric() or column.dtype == pl.String):
            column = _without(column, codes, decimal_comma)
        columns.append(column)
    return pl.DataFrame(columns)


def codes_for(name: str, missing: Missing) -> set[str]:
    """Texts of the missing codes of a column: those of the fitting pattern with most letters."""
    by_pattern = missing if isinstance(missing, Mapping) else {"*": missing}
    fitting = [pattern for pattern in by_pattern if fnmatchcase(name, pattern)]
    closest = max(fitting, key=lambda pattern: len(re.sub(r"[*]", "", pattern)), default="")
    return {code_text(code) for code in by_pattern.get(closest, ())}


def check_patterns(names: Collection[str], missing: Missing) -> None:
    """Refuse missing codes for columns that are not there."""
    for pattern in missing if isinstance(missing, Mapping) else ():
        if not any(fnmatchcase(name, pattern) for name in names):
            raise DataError(f"missing codes for {pattern!r}, but no column is called so; correct or drop the pattern")


def _without(column: "pl.Series", codes: Collection[str], decimal_comma: bool) -> "pl.Series":
    """A column without some codes, compared by their text."""
    import polars as pl  # as in `microdata`

    gone = [value for value in column.unique().drop_nulls().to_list() if code_text(value) in codes]
    if not gone:
        return column
    kept = column.set(column.is_in(gone), None)
    return typed(kept, decimal_comma=decimal_comma) if kept.dtype == pl.String else kept
