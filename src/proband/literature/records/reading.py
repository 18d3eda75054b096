"""Files of records, each by the reader of its format."""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from proband.errors import DataError, shown
from proband.files import Remarks, bytes_of, encoding_of
from proband.literature.records.bibtex import read_bibtex
from proband.literature.records.prose import read_pdf, read_prose
from proband.literature.records.record import Record
from proband.literature.records.tables import read_rows
from proband.literature.records.tagged import read_nbib, read_ris
from proband.literature.records.works import read_json, read_works
from proband.subjects.corpora.sources import documents_of

_TABLES, _SHEETS = (".csv", ".tsv", ".tab"), (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_MARKED = {".ris": read_ris, ".nbib": read_nbib, ".bib": read_bibtex, ".json": read_json}
_PROSE = (".txt", ".md", ".pdf")
KNOWN = (*_MARKED, ".jsonl", ".ndjson", *_TABLES, ".parquet", *_SHEETS, *_PROSE)
_WAYS = f"give one of {', '.join(KNOWN)} (texts also .gz), or a folder of them"


def records_of(path: Path, remarks: Remarks, *, encoding: str = "") -> Iterator[Record]:
    """Records of one file, in its order, or of all files of a folder."""
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in (*KNOWN, ".gz") and file.is_file())
        return chain.from_iterable(records_of(file, remarks, encoding=encoding) for file in files)
    if not path.is_file():
        raise DataError(f"{shown(path)}: no such file of records; {_WAYS}")
    if kind in _TABLES:
        return read_rows(documents_of(path, separator="", encoding=encoding), path.name, remarks)
    if kind in (".jsonl", ".ndjson", ".parquet"):
        return read_works(documents_of(path, separator="", encoding=encoding), path.name, remarks)
    if kind in _SHEETS:
        return read_rows(_sheet(path), path.name, remarks)
    if kind == ".pdf":
        return iter([read_pdf(path, remarks)])
    if kind not in KNOWN:
        raise DataError(f"{path}: no records are read from {kind or 'a file without a suffix'}; {_WAYS}")
    text = _text(path, encoding, remarks)
    if kind in (".txt", ".md"):
        # Data bases call what they export .txt; the beginning tells what it is.
        marks = ((".ris", r"^\s*TY {1,2}- "), (".nbib", r"^PMID- "), (".bib", r"^\s*@\w+\{"))
        kind = next((kind for kind, mark in marks if re.search(mark, text[:4096], re.MULTILINE)), kind)
    return _MARKED[kind](text, path.name, remarks) if kind in _MARKED else iter([read_prose(text, path.name, remarks)])


def _sheet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows of the first sheet with any, as texts and numbers under the names in its first row."""
    from python_calamine import CalamineError, load_workbook

    try:
        book = load_workbook(str(path))
        sheets = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)
        rows: list[list[Any]] = next((rows for rows in sheets if rows), [])
    except (CalamineError, OSError) as error:
        raise DataError(f"{path}: cannot be read as a sheet ({error}); save it as .csv") from None
    first = next((k for k, row in enumerate(rows) if any(cell != "" for cell in row)), 0)
    header = [str(cell).strip() for cell in rows[first]] if rows else []
    for number, row in enumerate(rows[first + 1 :], start=first + 2):
        if any(cell != "" for cell in row):
            yield f"{path.name}, row {number}", dict(zip(header, row, strict=False))


def _text(path: Path, encoding: str, remarks: Remarks) -> str:
    """A file's text; single lines that are not in its encoding, as programs paste them, are read as windows-1252."""
    content = bytes_of(path, what="file of records", error=DataError)
    if path.suffix.lower() == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path.name} cannot be read as gzip: it is damaged ({error}); fetch it again") from None
    used = encoding_of(content, path.name, error=DataError, encoding=encoding)
    try:
        text = content.decode(used)
    except UnicodeError:
        lines = content.split(b"\n")
        text = "\n".join(_line(line, used, f"{path.name}:{k}", remarks) for k, line in enumerate(lines, start=1))
    if "\0" in text:
        where = f"{path.name}:{text.count(chr(10), 0, text.index(chr(0))) + 1}"
        remarks.say(where, f"{text.count(chr(0))} NUL bytes are taken out, the first of them here")
        text = text.replace("\0", "")
    return text.removeprefix("\ufeff")


def _line(line: bytes, encoding: str, where: str, remarks: Remarks) -> str:
    try:
        return line.decode(encoding)
    except UnicodeError:
        remarks.say(
            where, f"not {encoding.upper()}; read as windows-1252", "give `encoding`, or save the file as UTF-8"
        )
        return line.decode("windows-1252", "replace")
