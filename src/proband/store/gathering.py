"""Journals of parts joined into one, by SQL: each part in one transaction, with a note that it is in."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path

from proband.errors import RunLocked, StoreError
from proband.store.damage import damaged
from proband.store.directory import RunDirectory, file_digest
from proband.store.journal import Journal
from proband.store.migrations import SCHEMA
from proband.store.notes import DIGEST, digest_of
from proband.store.rows import COLUMNS
from proband.store.scratch import refuse_leased
from proband.store.transactions import explained, transaction

GATHERED = "gathered"  # the note of what is in: which part, as it was
_ALL = f"{COLUMNS}, origin, recorded_at, took_s"
_LOG_PAGES = 50_000  # 200 MB
_CACHE_KB = 200_000  # places of parts lie between each other, so that pages are written again and again


def join(into: RunDirectory, parts: Mapping[str, RunDirectory], *, told: Callable[[int], None]) -> None:
    """Put the answers of finished parts, the texts of their requests and their marks into one journal.

    What is in is left out when this is called again; a kill leaves whole parts in, or out.

    Parameters
    ----------
    into : RunDirectory
        New, or begun by this.
    parts : mapping of str to RunDirectory
        By name, in the order in which their answers are put in.
    told : callable
        Gets the number of answers that are in, after every part.

    Raises
    ------
    StoreError
        If the journal has answers of its own, a part was changed since it was put in, or two parts have one place.
    """
    stamps = {name: file_digest(part.manifest_path) for name, part in parts.items()}
    with into.writer() as journal:
        noted: dict[str, str] = journal.noted(GATHERED) or {}
        _refuse_own(into, journal, noted)
        for name, stamp in noted.items():
            if name not in stamps or stamps[name] != stamp:
                what = "is no longer there" if name not in stamps else "was changed"
                raise StoreError(
                    f"{into.path}: part {name} {what} since its answers were gathered; delete journal.sqlite, "
                    "responses.parquet and manifest.json there, and gather again"
                )
        done = len(journal)
    told(done)
    if noted.keys() == stamps.keys():
        return
    into.reopen()
    with explained(into.journal_path), closing(_opened(into.journal_path)) as connection:
        for name, part in parts.items():
            if name in noted:
                continue
            noted[name] = stamps[name]
            done += _put_in(connection, part, name, json.dumps(noted))
            told(done)


def is_gathered(directory: RunDirectory) -> bool:
    """Whether the answers of a run come from parts."""
    if not directory.journal_path.exists():
        return False
    with directory.reader() as journal:
        return journal.noted(GATHERED) is not None


def _refuse_own(into: RunDirectory, journal: Journal, noted: Mapping[str, str]) -> None:
    if len(journal) and not noted:
        raise StoreError(
            f"{into.path}: holds {len(journal):,} answers of an undivided run; gather its parts in a folder of their "
            "own, or delete its journal.sqlite, responses.parquet and manifest.json"
        )


def _opened(path: Path) -> sqlite3.Connection:
    """A connection that may attach files to be read only."""
    connection = sqlite3.connect(path.resolve().as_uri(), uri=True, isolation_level=None)
    # A power cut may take the last parts out again, each with the note that it is in; then they are put in again.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    return connection


def _put_in(connection: sqlite3.Connection, part: RunDirectory, name: str, noted: str) -> int:
    """The answers of a part, in one transaction; returns how many."""
    log = part.path / "journal.sqlite-wal"  # of a run that was killed behind its last answer
    # Nobody writes there, so that SQLite needs no lock: a part may lie on a disk that machines share.
    still = "" if log.exists() and log.stat().st_size else "&immutable=1"
    connection.execute("ATTACH ? AS part", (f"{part.journal_path.resolve().as_uri()}?mode=ro{still}",))
    try:
        _refuse_schema(connection, part)
        with transaction(connection):
            try:
                select = f"SELECT {_ALL} FROM part.responses ORDER BY trial"
                n = connection.execute(f"INSERT INTO main.responses ({_ALL}) {select}").rowcount
            except sqlite3.IntegrityError as error:
                raise StoreError(
                    f"{part.path}: part {name} has an answer at a place that another part has, too "
                    f"({_twice(connection)}); keep one of them ({error})"
                ) from None
            connection.execute("INSERT OR IGNORE INTO main.requests SELECT * FROM part.requests")
            bodies = "SELECT hashes, texts FROM part.bodies ORDER BY number"
            connection.execute(f"INSERT INTO main.bodies (hashes, texts) {bodies}")
            _put_marks_in(connection, part)
            for key, text in ((GATHERED, noted), (DIGEST + GATHERED, digest_of(noted))):
                connection.execute("INSERT OR REPLACE INTO main.meta VALUES (?, ?)", (key, text))
        return n
    finally:
        with suppress(sqlite3.Error):
            connection.execute("DETACH part")


def _twice(connection: sqlite3.Connection) -> str:
    select = "SELECT trial FROM part.responses WHERE trial IN (SELECT trial FROM main.responses) LIMIT 1"
    found = connection.execute(select).fetchone()
    return repr(found[0]) if found else "in the part itself"


def _refuse_schema(connection: sqlite3.Connection, part: RunDirectory) -> None:
    version = int(connection.execute("PRAGMA part.user_version").fetchone()[0])
    if version < SCHEMA:
        raise StoreError(
            f"{part.path}: written by an older Proband (schema {version}, this one has {SCHEMA}); run that part again "
            "with this version, which asks nothing anew"
        )
    if connection.execute("SELECT 1 FROM part.arrived LIMIT 1").fetchone() is not None:
        raise StoreError(
            f"{part.path}: its last answers are not in order yet; run that part again, which asks nothing anew"
        )


def _put_marks_in(connection: sqlite3.Connection, part: RunDirectory) -> None:
    """What processes had come to; refuses what another part says otherwise."""
    differ = "SELECT p.name FROM part.marks p JOIN main.marks m ON m.name = p.name AND m.digest <> p.digest LIMIT 1"
    if (found := connection.execute(differ).fetchone()) is not None:
        raise StoreError(f"{part.path}: {found[0]} came to another state there than in another part; run them anew")
    connection.execute("INSERT OR IGNORE INTO main.marks SELECT * FROM part.marks")


def finished(directory: RunDirectory, name: str, way_out: str) -> Mapping[str, object]:
    """The manifest of a part that is complete, and that nobody writes.

    Raises
    ------
    RunLocked
        If it is being written.
    StoreError
        If there is nothing, or it is not finished.
    DamagedRun
        If it does not hold as many answers as its manifest says.
    """
    try:
        refuse_leased(directory.path)
        directory.refuse_while_written()
    except RunLocked as error:
        raise RunLocked(f"part {name} is still being written; gather when it has ended ({error})") from None
    if not directory.is_there:
        raise StoreError(f"{directory.path}: part {name} has not begun; {way_out}")
    with directory.reader() as journal:
        n = len(journal)
    manifest = directory.manifest()
    if manifest is None:
        raise StoreError(f"{directory.path}: part {name} is not finished ({n:,} answers so far); {way_out}")
    told = sum(manifest.get("dispositions", {}).values())
    if n != told:
        raise damaged(directory.path, f"the manifest of part {name} tells of {told:,} answers, and there are {n:,}")
    return manifest
