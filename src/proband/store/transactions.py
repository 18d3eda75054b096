"""Transactions that are stored whole or not at all, and SQLite's words turned into ours."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proband.errors import StoreError
from proband.store.damage import damaged

_DAMAGE = ("malformed", "not a database", "UTF-8", "no such", "file format")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done within, or nothing of it; the connection is fit for the next one either way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # also where somebody interrupts it
        if connection.in_transaction:  # on a full disk SQLite has rolled back by itself
            connection.execute("ROLLBACK")
        raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's words about a journal into ours: what happened, where, and the way out."""
    try:
        yield
    except UnicodeEncodeError:
        raise
    except (ValueError, zlib.error) as error:  # a place, or the texts of requests
        raise damaged(path.parent, f"journal.sqlite holds what was not stored ({error})") from error
    except sqlite3.IntegrityError as error:
        raise StoreError(f"{path}: a place was answered twice ({error}); nothing of it was stored") from None
    except sqlite3.DatabaseError as error:
        is_damage = any(word in str(error) for word in _DAMAGE)
        if is_damage or type(error) in (sqlite3.DatabaseError, sqlite3.InternalError):
            raise damaged(path.parent, f"journal.sqlite cannot be read ({error})") from error
        raise StoreError(f"{path}: {_in_our_words(str(error))}") from error


def _in_our_words(error: str) -> str:
    """What an SQLite message means for the person in front of it."""
    if "full" in error or "disk I/O" in error:
        return (
            f"the disk is full or cannot be written ({error}); everything reported as done is kept: "
            "free some space and run the same command again"
        )
    if "locked" in error:
        return f"another process holds the journal ({error}); close what has it open, and run the same command again"
    if "readonly" in error or "unable to open" in error:
        return f"cannot be opened for this ({error}); check that the folder exists and its permissions allow it"
    return error
