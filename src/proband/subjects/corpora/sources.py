"""Documents one after another out of a file or a folder, each with the place it stands in; nothing is held."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from proband.errors import DataError, shown
from proband.files import SEPARATORS as MARKS
from proband.files import bytes_of, decoded, encoding_of, rows_of, separator_of
from proband.subjects.delimited import SEPARATORS

Placed = Iterator[tuple[str, Mapping[str, Any]]]
"""Where each document stands, and its cells by name."""

PROSE = (".txt", ".md", ".pdf")
_WAYS = "give a .csv, .tsv or .jsonl file (each also .gz), a .parquet file, or a folder of .txt, .md or .pdf files"


def documents_of(path: Path, *, separator: str, encoding: str) -> Placed:
    """Rows of a table, lines of JSON, or files of a folder, each of which is a row with the cells file and text."""
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if path.is_dir():
        return _folder(path, encoding)
    if not path.is_file():
        raise DataError(f"{shown(path)}: no such corpus; {_WAYS}")
    if kind in SEPARATORS:
        return _delimited(path, separator, SEPARATORS[kind], encoding)
    if kind in (".jsonl", ".ndjson"):
        return _json_lines(path)
    if kind == ".parquet":
        return _parquet(path)
    raise DataError(f"{path}: no corpus is read from {kind or 'a file without a suffix'}; {_WAYS}")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file's bytes, unpacked; one that is damaged is named."""
    try:
        with path.open("rb") as plain:
            yield cast(BinaryIO, gzip.GzipFile(fileobj=plain)) if path.suffix.lower() == ".gz" else plain
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read ({why}); it may be damaged: fetch it again") from None


def _delimited(path: Path, separator: str, expected: str, encoding: str) -> Placed:
    name = path.name
    with _opened(path) as file:
        head = file.read(2**16)
        file.seek(0)
        known = encoding_of(head, name, error=DataError, encoding=encoding)
        used = separator or separator_of(head.decode(known, "replace").removeprefix("\ufeff"), expected)
        lines = io.TextIOWrapper(file, encoding=known, newline="")
        try:
            rows = rows_of(lines, used, name, error=DataError)
            header = [cell.strip().removeprefix("\ufeff") for cell in next(rows, (1, []))[1]]
            if twice := [column for k, column in enumerate(header) if column and column in header[:k]]:
                raise DataError(f"{name}: column {twice[0]!r} is there twice; rename one of them")
            for line, row in rows:
                if len(row) != len(header) and (len(row) < len(header) or any(row[len(header) :])):
                    marks = " ".join(map(repr, MARKS))
                    raise DataError(
                        f"{name}, line {line}: {len(row)} values for {len(header)} columns; the file may be cut off "
                        f"there, or not be separated by {used!r} (give `separator`, one of {marks})"
                    )
                yield f"{name}, line {line}", dict(zip(header, row, strict=False))
        except UnicodeError:
            file.seek(0)
            decoded(file.read(), name, error=DataError, encoding=encoding, way_out="give `encoding`, e.g. windows-1252")
            raise  # not reached: the whole file does not decode either


def _json_lines(path: Path) -> Placed:
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            where = f"{path.name}, line {number}"
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except UnicodeDecodeError:
                raise DataError(f"{where}: not UTF-8, as JSON must be; save the file as UTF-8") from None
            except (ValueError, RecursionError) as error:
                raise DataError(f"{where}: no JSON ({error}); write one object in braces a line") from None
            if not isinstance(row, dict):
                raise DataError(f"{where}: {type(row).__name__}, not an object in braces; write one document a line")
            yield where, row


def _parquet(path: Path) -> Placed:
    import pyarrow.parquet as pq  # heavy
    from pyarrow import ArrowException

    try:
        file, row = pq.ParquetFile(path), 0
        for batch in file.iter_batches(batch_size=4_096):
            for found in batch.to_pylist():
                row += 1
                yield f"{path.name}, row {row}", found
    except (OSError, ValueError, ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({error}); export it again") from None


def _folder(path: Path, encoding: str) -> Placed:
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in PROSE and file.is_file())
    if not files:
        raise DataError(f"{path}: no {', '.join(PROSE)} file in this folder; {_WAYS}")
    for file in files:
        name = file.relative_to(path).as_posix()
        if file.suffix.lower() == ".pdf":
            text = "\n\n".join(pages_of(file, name))
        else:
            content = bytes_of(file, what="document", error=DataError)
            text = decoded(content, name, error=DataError, encoding=encoding, way_out="give `encoding`")
        yield name, {"file": name, "text": text}


def pages_of(path: Path, name: str) -> list[str]:
    """The text of each page of a PDF."""
    from pypdfium2 import PdfDocument, PdfiumError  # heavy

    try:
        with PdfDocument(path) as document:
            pages = [page.get_textpage().get_text_bounded() for page in document]
    except PdfiumError as error:
        raise DataError(
            f"{name}: no PDF that can be read ({error}); open it and save it again, without password"
        ) from None
    if not any(page.strip() for page in pages):
        raise DataError(f"{name}: {len(pages)} pages and no text in them, so a scan; have its words recognised first")
    # Where a line was broken within a word the reader puts U+FFFE for the hyphen.
    return [page.replace("\r\n", "\n").replace("\ufffe", "") for page in pages]
