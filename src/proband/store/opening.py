"""How the SQLite file of a journal is made and opened."""

import secrets
import sqlite3
from pathlib import Path

from proband.store.migrations import migrate


def make_journal(path: Path) -> None:
    """Put an empty journal in place, whole or not at all: one that is found empty is damaged, not new."""
    part = path.with_name(path.name + ".part")
    for name in (part.name, f"{part.name}-wal", f"{part.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA application_id = {1 + secrets.randbelow(2**31 - 1)}")
        migrate(connection, 0)
    finally:
        connection.close()
    part.replace(path)


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection that waits for the disk at every commit."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA cache_size = -16000")
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path, is_still: bool) -> sqlite3.Connection:
    """A connection that cannot write; on read-only media SQLite has to be told that nobody else can either.

    Of a file that is said to be still SQLite leaves no trace beside it, and reads no log.
    """
    address = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(address + "&immutable=1" * is_still, uri=True, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.OperationalError as error:
        connection.close()
        if path.with_name(path.name + "-wal").exists() or "locked" in str(error):
            raise
        connection = sqlite3.connect(f"{address}&immutable=1", uri=True, check_same_thread=False)
    return connection
