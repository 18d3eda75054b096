"""Tables written as text: what is a person in them, and what is a header, a blank line or a nameless column."""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from proband.errors import DataError
from proband.files import Remarks, bytes_of, decoded, rows_of, separator_of
from proband.subjects.columns import NO_ANSWER, parts_thousands, typed

if TYPE_CHECKING:
    import polars as pl

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_AT_ONCE = 65_536  # rows
_NAMED = 20  # rows of a wrong length that are named one by one
_IMPORT_ID = re.compile(r"""\s*\{.*["']ImportId["']\s*:""", re.DOTALL)
_NO_TABLE = re.compile(r"\s*(?:<!doctype|<html|<\?xml|version https://git-lfs)", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[0-9]*[.,]?[0-9]+")

Rows = Iterator[tuple[int, list[str]]]


@dataclass
class Table:
    """A table of texts, and how its numbers are written."""

    frame: "pl.DataFrame"
    decimal_comma: bool = False
    titles: dict[str, str] = field(default_factory=dict)


def read_table(path: Path, expected: str, *, separator: str, encoding: str, id: str, remarks: Remarks) -> Table:
    """A file's table, with columns as numbers where they are; `id` stays text, for "007" and "7" may be two people."""
    import polars as pl  # as in `microdata`

    name = path.name
    text = text_in(path, encoding)
    if sep := re.match(r"sep=(.)\r?\n?", text):  # a line that Excel reads
        text, separator = text[sep.end() :], separator or sep[1]
    used = separator or separator_of(text, expected)
    if used != (separator or expected):
        remarks.say(name, f"read as separated by {used!r}, since no {expected!r} is in the first line")
    rows = rows_of(text, used, name, error=DataError)
    header = [cell.strip() for cell in next(rows, (1, []))[1]]
    titles, rows = _header_rows(header, rows, name, remarks)
    kept = _names(header, name, remarks)
    line, row = next(rows, (2, []))
    rows = chain([(line, row)] if row else [], rows)
    table = Table(_frame(header, _people(rows, header, used, name, remarks)).select(kept), used != ",", titles)
    _second_header(table.frame, f"{name}, line {line}", remarks)
    texts = table.frame
    table.frame = pl.DataFrame([c if c.name == id else typed(c, decimal_comma=table.decimal_comma) for c in texts])
    if used != "," and any(table.frame[c.name].dtype.is_float() and c.str.contains(",").any() for c in texts):
        for c in texts:
            if table.frame[c.name].dtype.is_float() and parts_thousands(c):
                table.frame = table.frame.with_columns(c)
                remarks.say(f"{name}, column {c.name!r}", "its dots may part thousands; read as texts", "write 1234")
    _previews(table.frame, name, remarks)
    return table


def text_in(path: Path, encoding: str = "") -> str:
    """The text of a table, unpacked; a web page, or a pointer to a file, is no table."""
    content = bytes_of(path, what="data file", error=DataError)
    if path.suffix.lower() == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path.name} cannot be read as gzip: it is damaged ({error}); fetch it again") from None
    text = decoded(content, path.name, error=DataError, encoding=encoding, way_out="give `encoding`, e.g. windows-1252")
    if _NO_TABLE.match(text):
        raise DataError(f"{path.name}, line 1: a web page or a pointer to a file, and no table; fetch the file itself")
    return text.rstrip("\x1a")  # the end of a file, to programs of old


def _header_rows(header: list[str], rows: Rows, name: str, remarks: Remarks) -> tuple[dict[str, str], Rows]:
    """Take off header rows below the first, as survey platforms write them; the first of them are titles.

    Qualtrics writes the texts of the questions and, today, a row of import ids; SurveyMonkey writes options.
    """
    first = list(islice(rows, 2))
    rest = chain(first, rows)
    n = next((k for k in (2, 1) if len(first) >= k and any(map(_IMPORT_ID.match, first[k - 1][1]))), 0)
    whose = "Qualtrics"
    cells = [cell.strip() for cell in first[0][1]] if first else []
    is_old = header[:2] == ["V1", "V2"] and cells and cells[0].replace(" ", "").lower() == "responseid"
    # The row of import ids may have been deleted; the texts above it then still stand there.
    is_halved = ("ResponseId", "Response ID") in zip(header, cells, strict=False)
    if not n and (is_old or is_halved):
        n = 1
    is_monkey = bool(header) and header[0].lower().replace("_", " ") in ("respondent id", "respondentid")
    if not n and is_monkey and cells and not cells[0] and len(cells) == len(header):
        n, whose, question = 1, "SurveyMonkey", ""
        for k, option in enumerate(cells):
            question = header[k] or question
            is_alone = bool(header[k]) and all(header[k + 1 : k + 2])  # it has one column
            header[k] = header[k] if is_alone or not option else f"{question}: {option}"
    if not n:
        return {}, rest
    lines = ("line " if n == 1 else "lines ") + " and ".join(str(line) for line, _ in first[:n])
    remarks.say(f"{name}, {lines}", f"header rows of {whose}, not people; left out")
    return dict(zip(header, cells, strict=False)), islice(rest, n, None)


def _names(header: list[str], name: str, remarks: Remarks) -> list[str]:
    """The columns that have a name; each name once."""
    if not any(header):
        raise DataError(f"{name}: the first line names no column; write the names of the columns there")
    numbered = [[str(start + k) for k in range(len(header))] for start in (0, 1)]
    if all(_NUMBER.fullmatch(column) for column in header if column) and header not in numbered:
        raise DataError(f"{name}: the first line holds numbers, no names; write the names of the columns above it")
    kept = []
    for k, column in enumerate(header):
        if not column:
            header[k] = f"\0{k}"
            remarks.say(name, f"column {k + 1} has no name and is left out", "name it in the first line to use it")
        elif column in header[:k]:
            remarks.refuse(name, f"column {column!r} is there twice", "rename one of them")
            header[k] = f"\0{k}"
        else:
            kept.append(column)
    return kept


def _people(rows: Rows, header: list[str], separator: str, name: str, remarks: Remarks) -> Iterator[list[str]]:
    """Rows as long as the header, or longer by the same number of empty cells in every one."""
    wrong, length, n = 0, 0, len(header)
    for line, row in rows:
        if row[0] == header[0] and row[:n] == header:
            remarks.refuse(
                f"{name}, line {line}", "the first line again, no person", "delete it, or split the file there"
            )
            continue
        length = length or (len(row) if not any(row[n:]) else n)
        if len(row) == max(length, n) and not any(row[n:]):
            yield row[:n]
            continue
        wrong += 1
        if wrong <= _NAMED:
            remarks.refuse(
                f"{name}, line {line}",
                f"{len(row)} values for {n} columns",
                f"the file may be cut off there, or not be separated by {separator!r} (give `separator`)",
            )
    if wrong > _NAMED:
        remarks.refuse(name, f"{wrong - _NAMED} more rows of a wrong length", "give `separator`, or mend them")


def _frame(header: list[str], rows: Iterator[list[str]]) -> "pl.DataFrame":
    import polars as pl  # as in `microdata`

    schema = dict.fromkeys(header, pl.String)
    parts = [pl.DataFrame(schema=schema)]
    while chunk := list(islice(rows, _AT_ONCE)):
        parts.append(pl.DataFrame(dict(zip(header, zip(*chunk, strict=True), strict=True)), schema=schema))
    return pl.concat(parts)


def _second_header(frame: "pl.DataFrame", where: str, remarks: Remarks) -> None:
    """Refuse a first row of texts over columns that are numbers below: it is a second header, not a person."""
    if frame.height < 3:
        return
    over = {}
    for column in frame:
        first, below = str(column[0]).strip(), column[1:]
        if typed(column[:1]).dtype.is_numeric():
            return
        below = typed(below)
        if first.lower() not in NO_ANSWER and below.dtype.is_numeric() and below.null_count() < len(below):
            over[column.name] = first
    asks = any(text.endswith("?") for text in over.values())
    if (len(over) >= 2 or asks) and len(set(over.values())) == len(over):
        shown, text = next(iter(over.items()))
        remarks.refuse(
            where,
            f"no person but a second header: {text!r} stands over the numbers of column {shown!r}",
            "delete that line, or write its codes as numbers if it is a person",
        )


def _previews(frame: "pl.DataFrame", name: str, remarks: Remarks) -> None:
    """Say that a Qualtrics file holds answers that the survey's own makers gave in a preview."""
    for column, marks in (("Status", ("Survey Preview", 1)), ("DistributionChannel", ("preview",))):
        if column in frame.columns and "ResponseId" in frame.columns:
            n = sum(value in marks for value in frame[column].to_list())
            if n:
                remarks.say(name, f"{n} rows are previews by column {column!r}", "leave them out with `only_where`")
                return
