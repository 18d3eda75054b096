"""What is looked at before SQLite sees a journal, and how a run that is damaged, or none of ours, is refused.

SQLite takes an empty file for an empty database, and any write-ahead log beside a file for that file's own.
"""

import sqlite3
import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from proband.errors import DamagedRun, NewerRun, StoreError
from proband.store.migrations import MIGRATIONS, SCHEMA

MAGIC = b"SQLite format 3\x00"
HEADER = 100  # bytes of an SQLite file before its first page's own header
LOG_HEADER, FRAME_HEADER = 32, 24  # of a write-ahead log, and of each page in it
_ID = slice(68, 72)  # the application id, which each journal has of its own, so that its log is known by it


def damaged(folder: Path, what: object) -> DamagedRun:
    """The refusal of a damaged run, with the way out."""
    return DamagedRun(
        f"{folder}: damaged: {what}; nothing was changed. `proband doctor {folder}` says what can be saved, and with "
        "--into NEW saves it"
    )


def not_ours(folder: Path, what: str) -> DamagedRun:
    """The refusal of a file that Proband did not write."""
    return DamagedRun(
        f"{folder}: journal.sqlite is damaged, or not a run's journal: {what}; nothing was changed. Choose another "
        f"folder, or see what `proband doctor {folder}` can save"
    )


def check_file(path: Path) -> None:
    """Refuse a file that cannot be a journal, or that has the write-ahead log of another beside it."""
    folder = path.parent
    if not path.is_file():
        raise not_ours(folder, "it is no regular file")
    try:
        with path.open("rb") as file:
            header = file.read(HEADER)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from None
    if not header:
        raise not_ours(folder, "it is an empty file")
    if len(header) < HEADER or not header.startswith(MAGIC):
        raise not_ours(folder, "it is no SQLite file")
    if strange := strange_log(path, header):
        raise damaged(folder, f"{path.name}-wal {strange}")


def strange_log(path: Path, header: bytes) -> str:
    """Why the write-ahead log beside a journal cannot be its own; empty where there is none, or where it may be."""
    log = path.with_name(path.name + "-wal")
    try:
        if not log.is_file() or log.stat().st_size <= LOG_HEADER:
            return ""
        with log.open("rb") as file:
            start = file.read(LOG_HEADER)
            size = int.from_bytes(start[8:12], "big")
            if start[:3] != b"\x37\x7f\x06" or size != page_size(header):
                return "is no write-ahead log of this file"
            own, salts = header[_ID], start[16:24]
            frame = LOG_HEADER
            while own != bytes(4) and len(head := file.read(FRAME_HEADER)) == FRAME_HEADER and head[8:16] == salts:
                if head[:4] == b"\x00\x00\x00\x01" and file.read(HEADER)[_ID] != own:
                    return "is the write-ahead log of another file"
                frame += FRAME_HEADER + size
                file.seek(frame)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return ""


def page_size(header: bytes) -> int:
    """Bytes in a page of the SQLite file that begins so; 4096 where the header does not say."""
    size = int(struct.unpack(">H", header[16:18])[0]) if len(header) >= 18 else 0
    size = 65536 if size == 1 else size
    return size if size >= 512 and size & (size - 1) == 0 else 4096


@lru_cache
def _tables(version: int) -> Mapping[str, frozenset[str]]:
    """Columns of each table of a journal of this schema."""
    with sqlite3.connect(":memory:") as connection:
        for number in range(version):
            connection.executescript(MIGRATIONS[number])
        return _found(connection)


def _found(connection: sqlite3.Connection) -> Mapping[str, frozenset[str]]:
    columns: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    ):
        columns.setdefault(table, set()).add(column)
    return {table: frozenset(names) for table, names in columns.items()}


def check_tables(connection: sqlite3.Connection, folder: Path) -> int:
    """The schema number of a journal.

    Raises
    ------
    DamagedRun
        If its tables, or their columns, are not those of a journal.
    NewerRun
        If this version cannot read it.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    found = _found(connection)
    for table, columns in _tables(max(1, min(version, SCHEMA)) if version <= SCHEMA else 1).items():
        if table not in found:
            raise not_ours(folder, f"it has no table {table!r}")
        if lacking := columns - found[table]:
            raise not_ours(folder, f"its table {table!r} has no column {min(lacking)!r}")
    if version < 1:
        raise not_ours(folder, f"its user_version is {version}, and a journal's is from 1 to {SCHEMA}")
    if version > SCHEMA:
        raise NewerRun(
            f"{folder}: written by a newer Proband (schema {version}, this one reads up to {SCHEMA}); "
            "upgrade with `pip install -U proband`"
        )
    return version
