"""Who came, in a file of its own: links and recruitment ids are here, and never beside the answers."""

import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from proband.designs.seat_table import State
from proband.errors import StoreError

NAME = "seats.sqlite"
_SCHEMA = """
CREATE TABLE seats (
    number INTEGER PRIMARY KEY, link TEXT UNIQUE, nonce TEXT UNIQUE, subject TEXT UNIQUE, state TEXT NOT NULL,
    arrived REAL NOT NULL, ended REAL, ids TEXT NOT NULL, checked INTEGER NOT NULL, tries INTEGER NOT NULL, paid REAL
);
CREATE TABLE acts (at REAL NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version = 1;
"""
_COLUMNS = "number, link, nonce, subject, state, arrived, ended, ids, checked, tries, paid"


@dataclass(frozen=True, kw_only=True)
class Person:
    """One who agreed to take part.

    Attributes
    ----------
    number : int
        As they arrived.
    link : str
        Digest of the key of their link.
    subject : str
        Whom they are in the run; empty for one who gave the seat back.
    state : State
        Where they stand.
    ids : mapping
        Parameters of the link by which they came.
    checked : int
        Questions about the instructions that they answered rightly.
    tries : int
        How often they have answered the next one.
    paid : float or None
        What they are paid, once they have come to the end.
    """

    number: int
    link: str
    nonce: str
    subject: str
    state: State
    arrived: float
    ended: float | None
    ids: Mapping[str, str]
    checked: int
    tries: int
    paid: float | None


class Registry:
    """The people of a run, kept in ``seats.sqlite``, which only its owner can read.

    Parameters
    ----------
    folder : path
        The run directory.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lock = threading.RLock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Made before SQLite opens it, so that nobody else could read it for a moment; its log gets the same mode.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self.path.chmod(0o600)
            self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA secure_delete = ON")
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version > 1:
                raise StoreError(f"{self.path} was made by a newer version of Proband; use that one")
            if not version:
                self._connection.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
        except (OSError, sqlite3.DatabaseError) as error:
            raise StoreError(f"{self.path}: cannot be opened ({error}); free space, or put back its copy") from None
        self._by_link: dict[str, Person] = {}
        self.by_subject: dict[str, Person] = {}
        for row in self._connection.execute(f"SELECT {_COLUMNS} FROM seats ORDER BY number"):
            self._remember(_person(row))

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._connection.close()

    @property
    def people(self) -> Sequence[Person]:
        """Everybody, as they arrived."""
        with self._lock:
            return sorted(self._by_link.values(), key=lambda person: person.number)

    def person(self, key: str) -> Person | None:
        """Whose link has this key. The digests are compared, whose order tells nothing of the keys."""
        return self._by_link.get(digest(key))

    def arrive(self, nonce: str, subjects: Sequence[str], ids: Mapping[str, str]) -> tuple[str, Person] | None:
        """A seat for somebody who agreed: the key of its link, and whose it is; None where all seats are taken.

        A form that is sent twice (`nonce`) gets the same seat.
        """
        with self._lock:
            key = self._key(nonce)
            if (known := self.person(key)) is not None:
                return key, known
            subject = next((subject for subject in subjects if subject not in self.by_subject), None)
            if subject is None:
                return None
            number = 1 + max((person.number for person in self._by_link.values()), default=0)
            person = Person(
                number=number, link=digest(key), nonce=nonce, subject=subject, state="active", arrived=time.time(),
                ended=None, ids=dict(ids), checked=0, tries=0, paid=None,
            )  # fmt: skip
            self._put(person)
            return key, person

    def _key(self, nonce: str) -> str:
        return sha256(f"{self.note('links')} {nonce}".encode()).hexdigest()[:32]

    def person_of(self, nonce: str) -> Person | None:
        """Who sent this form before."""
        return self.person(self._key(nonce))

    def change(self, person: Person, **changes: object) -> Person:
        """Store what has changed of somebody."""
        with self._lock:
            now = self._by_link.get(person.link) or self.by_subject[person.subject]  # the link may be a new one
            changed = replace(now, **changes)  # type: ignore[arg-type]
            if now.subject and changed.subject != now.subject:
                self.by_subject.pop(now.subject, None)
            self._put(changed)
            return changed

    def replace_link(self, person: Person) -> str:
        """The key of a new link for somebody; the one before opens nothing any more."""
        with self._lock:
            now, nonce = self.by_subject[person.subject], secrets.token_hex(16)
            key = self._key(nonce)
            self._put(replace(now, nonce=nonce, link=digest(key)))
            del self._by_link[now.link]
            return key

    def act(self, what: str, subject: str = "", detail: str = "") -> None:
        """Keep what the researcher did, or what was done by rule."""
        with self._explained():
            self._connection.execute("INSERT INTO acts VALUES (?, ?, ?, ?)", (time.time(), what, subject, detail))

    def acts(self) -> list[tuple[float, str, str, str]]:
        """What was done, in order."""
        with self._explained():
            return list(self._connection.execute("SELECT at, what, subject, detail FROM acts ORDER BY at"))

    def note(self, key: str) -> str:
        """A secret of this run, made when it is first asked for: 128 random bits."""
        with self._explained():
            made = secrets.token_hex(16)
            self._connection.execute("INSERT OR IGNORE INTO notes VALUES (?, ?)", (key, made))
            found = self._connection.execute("SELECT value FROM notes WHERE key = ?", (key,)).fetchone()
            return str(found[0])

    def expire(self) -> int:
        """Drop all links and recruitment ids; returns of how many people."""
        with self._explained():
            n = int(
                self._connection.execute("SELECT COUNT(*) FROM seats WHERE link NOT LIKE 'expired %'").fetchone()[0]
            )
            self._connection.execute(
                "UPDATE seats SET link = 'expired ' || number, nonce = 'expired ' || number, ids = '{}'"
            )
            self._connection.execute("DELETE FROM notes")
            self._clean()
        return n

    def forget(self, subject: str) -> None:
        """Drop whoever sat there, and leave a mark that nobody sits there again."""
        with self._explained():
            self._connection.execute(
                "UPDATE seats SET link = 'forgotten ' || number, nonce = 'forgotten ' || number, ids = '{}', "
                "state = 'withdrawn', paid = NULL WHERE subject = ?",
                (subject,),
            )
            self._connection.execute("DELETE FROM acts WHERE subject = ?", (subject,))
            self._clean()

    def _clean(self) -> None:
        """Leave nothing of what was dropped in the file or its log."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.execute("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _remember(self, person: Person) -> None:
        self._by_link[person.link] = person
        if person.subject:
            self.by_subject[person.subject] = person

    def _put(self, person: Person) -> None:
        with self._explained():
            values = (*(getattr(person, name) for name in _COLUMNS.split(", ")),)
            row = [json.dumps(value) if isinstance(value, dict) else value for value in values]
            row[3] = row[3] or None  # a seat that was given back is nobody's
            marks = ", ".join("?" * len(row))
            self._connection.execute(f"INSERT OR REPLACE INTO seats ({_COLUMNS}) VALUES ({marks})", row)
        self._remember(person)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.DatabaseError as error:
                raise StoreError(f"{self.path}: cannot be written ({error}); free some space") from None


def digest(key: str) -> str:
    """What is kept of the key of a link."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _person(row: Sequence[object]) -> Person:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values |= {"subject": values["subject"] or "", "ids": json.loads(str(values["ids"]))}
    return Person(**values)  # type: ignore[arg-type]
