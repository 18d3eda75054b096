"""Files of records, each by the reader of its format."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from proband.errors import DataError, shown
from proband.files import Remarks, bytes_of, encoding_of
from proband.literature.records.record import Record
from proband.literature.records.tables import read_rows
from proband.literature.records.tagged import read_ris
from proband.subjects.corpora.sources import documents_of

_TABLES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet")
_WAYS = "give .ris or .csv, .tsv, .jsonl, .parquet (each also .gz)"


def records_of(path: Path, remarks: Remarks, *, encoding: str = "") -> Iterator[Record]:
    """Records of one file, in its order."""
    if not path.is_file():
        raise DataError(f"{shown(path)}: no such file of records; {_WAYS}")
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if kind in _TABLES:
        return read_rows(documents_of(path, separator="", encoding=encoding), path.name, remarks)
    text = _text(path, encoding, remarks)
    if kind == ".ris" or (kind == ".txt" and "\nTY  - " in f"\n{text[:4096]}"):
        return read_ris(text, path.name, remarks)
    raise DataError(f"{path}: no records are read from {kind or 'a file without a suffix'}; {_WAYS}")


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
