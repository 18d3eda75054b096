"""The journal of a run: one SQLite file, in which a response is committed before it counts."""

import math
import sqlite3
import threading
import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from proband.errors import DamagedRun, StoreError
from proband.records import STATUSES, Place, Response
from proband.store.arrivals import FEW, MOST, Arrivals, read_both
from proband.store.damage import check_file, check_tables, damaged
from proband.store.filters import Narrowing, has_words, written
from proband.store.migrations import SCHEMA, migrate
from proband.store.notes import DIGEST, EXPORTED, digest_of, read_note
from proband.store.opening import make_journal, open_to_read, open_to_write
from proband.store.rows import COLUMNS, Row, kept, response_of, row_of
from proband.store.transactions import explained, transaction

_BATCH = 500  # SQLite allows 32,766 parameters in a statement; a few hundred is already as fast
# Rows in one INSERT. One step of SQLite lets go of Python's lock once, so the fewer steps the less waiting to get it
# back from a thread that computes.
_AT_ONCE = (512, 32, 8, 1)
_INSERTS = {
    (table, n): f"INSERT INTO {table} (origin, recorded_at, {COLUMNS}, took_s) VALUES "
    + ", ".join([f"(?1, ?2{', ?' * (COLUMNS.count(',') + 2)})"] * n)
    for table in ("responses", "arrived")
    for n in _AT_ONCE
}
EVERYTHING = Narrowing()
MANIFEST = "manifest.json"
_MARK = "INSERT OR REPLACE INTO marks VALUES (?, ?)"
_TOGETHER = 1024  # texts of requests that are compressed together


class Journal(Mapping[str, Response]):
    """Every response of a run, keyed by the place of its trial.

    Reading works while another process writes (write-ahead log); writing is guarded by the run's lock,
    which `RunDirectory` holds. Threads may share a journal: each call is a transaction of its own.

    Attributes
    ----------
    by_arrival : bool
        Whether answers that are added wait to be put in the order of their places, many at once; for designs whose
        answers come in another order.
    """

    def __init__(self, path: Path, *, writable: bool, is_still: bool = False) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._size: int | None = None  # only where nobody else can change it
        self._is_writable = writable
        self._marks: list[tuple[str, str]] = []  # to be stored with the next answers
        self.by_arrival = False
        with self._explained():
            if writable and not path.exists():
                make_journal(path)
            check_file(path)
            self._connection = open_to_read(path, is_still)
            try:
                self._schema = check_tables(self._connection, path.parent)
                if writable:  # only now: to be opened for writing changes a file, and it might be another program's
                    self._connection.close()
                    self._connection = open_to_write(path)
                    migrate(self._connection, self._schema)
                    self._schema = SCHEMA
                self._arrivals = Arrivals(self._connection)
                if writable:
                    self._arrivals.put_in_order()  # what a run that was killed left
                elif self._schema >= 6 and not path.with_name(MANIFEST).exists():  # of a whole run none waits
                    read_both(self._connection)
            except BaseException:
                self._connection.close()
                raise
        self._columns = COLUMNS if self._schema >= 3 else COLUMNS.replace("chosen", "NULL")
        if self._schema < 4:
            self._columns = self._columns.replace("estimated", "0")

    @property
    def connection(self) -> sqlite3.Connection:
        """For the store's own surgery, while nobody else writes."""
        self._settle()
        return self._connection

    def close(self) -> None:
        """Close the file; safe to call twice. What could not be put in order, e.g. on a full disk, waits for that."""
        with suppress(StoreError):
            self._settle()
        self._connection.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self, responses: Sequence[Response], bodies: Mapping[str, str] | None = None, *, origin: str | None = None
    ) -> None:
        """Commit responses, and the exact text of their requests, in one transaction.

        Raises
        ------
        StoreError
            If a place is already answered, or the disk is full: then nothing of this batch was stored.
        """
        rows, common = [(*row_of(response), response.took_s) for response in responses], (origin, time.time())
        with self._alone():
            waits = self.by_arrival and (len(rows) >= FEW or len(self._arrivals) > 0)
            table = "arrived" if waits else "responses"
            if not waits or len(self._arrivals) >= MOST:
                self._settle()
            with transaction(self._connection):
                if waits:
                    self._arrivals.refuse_twice([row[0] for row in rows])
                if bodies:
                    self._add_bodies(bodies)
                if self._marks:
                    self._connection.executemany(_MARK, self._marks)
                done = 0
                for n in _AT_ONCE:
                    while len(rows) - done >= n:
                        part = rows[done : done + n]
                        put = self._connection.execute(_INSERTS[table, n], (*common, *chain.from_iterable(part)))
                        done += n
            self._marks.clear()
            if waits and rows:
                self._arrivals.came(rows, put.lastrowid or 0)
            if self._size is not None:
                self._size += len(rows)

    def mark(self, marks: Iterable[tuple[str, str]]) -> None:
        """Note what processes have come to, as (what it is called, digest), with the next answers that are added."""
        with self._lock:
            self._marks += marks

    def store_marks(self) -> None:
        """Store the marks that no answer came after."""
        if self._marks:
            with self._lock:
                self._put_in(_MARK, self._marks)
                self._marks.clear()

    def marks(self) -> dict[str, str]:
        """What processes had come to, by what it is called."""
        if self._schema < 5:
            return {}
        with self._alone():
            return dict(self._connection.execute("SELECT name, digest FROM marks"))

    def last_at(self) -> float:
        """When the last answer was stored, in seconds of Unix time; 0 where there is none."""
        with self._whole():
            return float(self._connection.execute("SELECT MAX(recorded_at) FROM responses").fetchone()[0] or 0.0)

    def taken(self, trial: str) -> tuple[float, float | None]:
        """When the answer at a place was stored, in seconds of Unix time, and how many seconds it took, if known."""
        took = "took_s" if self._schema >= 7 else "NULL"
        with self._whole():
            found = self._connection.execute(f"SELECT recorded_at, {took} FROM responses WHERE trial = ?", (trial,))
            at, seconds = found.fetchone()
        return float(at), seconds

    def took(self, relation: Literal["<=", ">="], seconds: float) -> list[str]:
        """Places whose answers took at most, or at least, so many seconds, sorted; those of which it is known."""
        if self._schema < 7:
            return []
        select = f"SELECT trial FROM responses WHERE took_s {relation} ? ORDER BY trial"
        with self._whole():
            return [trial for (trial,) in self._connection.execute(select, (seconds,))]

    def digest(self, until: float) -> str:
        """32 hexadecimal digits of all answers that were stored up to a time."""
        whole = blake2b(digest_size=16)
        select = (
            "SELECT trial || char(31) || request || char(31) || status || char(31) || coalesce(answer, '') || char(31) "
            "|| coalesce(hex(probs), '') || char(31) || coalesce(chosen, '') FROM responses "
            "WHERE recorded_at <= ? ORDER BY trial"
        )
        with self._whole():
            found = self._connection.execute(select, (until,))
            while part := found.fetchmany(_BATCH * 10):
                whole.update("\n".join([text for (text,) in part]).encode())
        return whole.hexdigest()

    def n_stored_after(self, time: float) -> int:
        """How many answers were stored after a time; 0 for all."""
        if not time:
            return len(self)
        with self._whole():
            select = "SELECT COUNT(*) FROM responses WHERE recorded_at > ?"
            return int(self._connection.execute(select, (time,)).fetchone()[0])

    def n_after(self, trials: Sequence[str], until: float) -> int:
        """How many answers at these places were stored after a time."""
        select = f"SELECT 1 FROM responses WHERE recorded_at > {until!r} AND trial IN"
        return len(self._look_up_places(select, trials))

    def _add_bodies(self, bodies: Mapping[str, str]) -> None:
        """Keep the texts of requests, many together: they repeat each other, so they take a few bytes each."""
        hashes, texts = list(bodies), list(bodies.values())
        for start in range(0, len(hashes), _TOGETHER):
            part = texts[start : start + _TOGETHER]
            joined = "\n".join(part)
            if joined.count("\n") != len(part) - 1:
                raise StoreError(f"{self.path}: the text of a request is JSON on one line, without line breaks")
            self._connection.execute(
                "INSERT INTO bodies (hashes, texts) VALUES (?, ?)",
                ("\n".join(hashes[start : start + _TOGETHER]), zlib.compress(joined.encode(), 1)),
            )

    def remove_failed(self) -> int:
        """Take out the responses that failed, so that they are asked again; returns how many."""
        with self._whole():
            self._size = None
            return self._connection.execute("DELETE FROM responses WHERE status = 'failed'").rowcount

    def has_texts(self) -> bool:
        """Whether some answer was read from a text, so that it depends on how texts are read."""
        with self._whole():
            return (
                self._connection.execute("SELECT 1 FROM responses WHERE text IS NOT NULL LIMIT 1").fetchone()
                is not None
            )

    def requests_of(self, trials: Sequence[str]) -> dict[str, tuple[str, str, bool]]:
        """Which of these places are answered: place -> (request hash, rule, whether inherited from a parent)."""
        select = "SELECT trial, request, rule, origin IS NOT NULL FROM responses WHERE trial IN"
        return {trial: (request, rule, bool(old)) for trial, request, rule, old in self._look_up_places(select, trials)}

    def answers(self, places: Iterable[Place]) -> dict[str, tuple[Response, bool]]:
        """What was answered at these places, by their ids, and whether it was inherited from a parent."""
        wanted = {place.id: place for place in places}
        select = f"SELECT {self._columns}, origin IS NOT NULL FROM responses WHERE trial IN"
        rows = self._look_up_places(select, list(wanted))
        if any(row[0] not in wanted for row in rows):
            raise damaged(self.path.parent, "journal.sqlite gives rows that were not looked up")
        return {row[0]: (kept(row, wanted[row[0]]), row[-1] == 1) for row in rows}

    def own(self) -> Iterator[str]:
        """Places that this run itself (not its parent) has answers to that did not fail."""
        self._settle()
        with self._explained():
            select = "SELECT trial FROM responses WHERE origin IS NULL AND status != 'failed' ORDER BY trial"
            for (trial,) in self._connection.execute(select):
                yield trial

    def answers_to(self, requests: Sequence[str], engine: str) -> dict[str, Response]:
        """An engine's response to each of these requests, by its hash, where it has one that did not fail.

        What another engine answered to the same words is another answer.
        """
        if requests and self._is_writable:
            with self._whole():
                self._connection.execute("CREATE INDEX IF NOT EXISTS responses_by_request ON responses (request)")
        select = f"SELECT {self._columns} FROM responses WHERE status != 'failed' AND engine = ? AND request IN"
        return {row[1]: response_of(row) for row in self._look_up(select, requests, engine)}

    def _look_up(self, select: str, keys: Sequence[str | int], *first: str) -> Iterator[Row]:
        """Rows with these keys, in any order; `first` fills what the statement asks for before them."""
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            with self._alone():
                rows = self._connection.execute(f"{select} ({', '.join('?' * len(part))})", (*first, *part))
                found = rows.fetchall()
            yield from found

    def _look_up_places(self, select: str, trials: Sequence[str]) -> list[Row]:
        """Rows at these places, those among them that were not put in order yet."""
        with self._lock:  # so that none is put in order between the two
            rows = list(self._look_up(select, trials))
            waiting = select.replace("FROM responses", "FROM arrived").replace("trial IN", "rowid IN")
            return rows + list(self._look_up(waiting, self._arrivals.numbers(trials)))

    def rows_at(self, trials: Sequence[str]) -> list[Row]:
        """Responses at these places, as rows of `COLUMNS`, sorted by place; those that are there."""
        select = f"SELECT {self._columns} FROM responses WHERE trial IN"
        return sorted(self._look_up_places(select, trials), key=lambda row: str(row[0]))

    def rows_from(
        self, start: str, span: int, *, narrowed: Narrowing = EVERYTHING, is_backwards: bool = False
    ) -> tuple[list[Row], str | None]:
        """Responses after a place, or before it, within the next so many rows, and the last place that was looked at.

        Parameters
        ----------
        start : str
            A place, which is not given itself; empty for the beginning, or backwards the end.
        span : int
            Rows that are looked at, whether or not they are meant.
        narrowed : Narrowing, optional
            Which of them are meant.

        Returns
        -------
        rows : list of Row
            In the order in which they were looked at.
        last : str or None
            The place to go on from; None where nothing is left.
        """
        low, high = narrowed.first, narrowed.last
        low, high = (low, min(high, start or high)) if is_backwards else (max(low, start), high)
        way = "DESC" if is_backwards else "ASC"
        with self._whole():
            # The place is looked up first: a statement that is stopped while it looks cannot say how far it came.
            find = f"SELECT trial FROM responses WHERE trial > ? AND trial < ? ORDER BY trial {way} LIMIT 1 OFFSET ?"
            end = self._connection.execute(find, (low, high, span - 1)).fetchone()
            # One bound on either side: of two SQLite would seek to the first that it reads and look at all up to it.
            which, bounds = "trial > ? AND trial < ?", (low, high)
            if end is not None:
                which, bounds = (
                    ("trial >= ? AND trial < ?", (end[0], high))
                    if is_backwards
                    else ("trial > ? AND trial <= ?", (low, end[0]))
                )
            select = f"SELECT {self._columns} FROM responses WHERE {which}{narrowed.where} ORDER BY trial {way}"
            rows = self._connection.execute(select, (*bounds, *narrowed.values)).fetchall()
        return rows, None if end is None else str(end[0])

    def requests_with(self, words: str, first: int = 0, until: float = math.inf) -> tuple[set[str], int, bool]:
        """Hashes of requests whose texts have these words, in upper or lower case.

        Looks from a batch of requests on until a time of `time.monotonic`. Says at which batch to go on, also for those
        that are yet to come, and whether all that are there were looked at.
        """
        found: set[str] = set()
        has = partial(has_words, words=words)
        if first == 0:
            with self._alone():
                olds = self._connection.execute("SELECT hash, body FROM requests").fetchall()
            found.update(hash for hash, body in olds if has(body))
        while self._schema >= 2:
            with self._alone():
                select = "SELECT number, hashes, texts FROM bodies WHERE number >= ? ORDER BY number LIMIT 1"
                batch = self._connection.execute(select, (first,)).fetchone()
                if batch is None:
                    break
                joined = zlib.decompress(batch[2]).decode()
            if written(words) in joined.lower():
                pairs = zip(batch[1].split("\n"), joined.split("\n"), strict=True)
                found.update(hash for hash, body in pairs if has(body))
            first = batch[0] + 1
            if time.monotonic() >= until:
                return found, first, False
        return found, first, True

    def body_of(self, request: str) -> str | None:
        """The exact request behind a hash, as canonical JSON."""
        return self.bodies((request,)).get(request)

    def bodies(self, requests: Collection[str]) -> dict[str, str]:
        """The exact requests behind these hashes, as canonical JSON, where they are known."""
        wanted = set(requests)
        found: dict[str, str] = dict(self._look_up("SELECT hash, body FROM requests WHERE hash IN", [*wanted]))
        if self._schema < 2:
            return found
        one = next(iter(wanted)) if len(wanted) == 1 else ""
        with self._explained():
            batches = self._connection.execute(
                "SELECT hashes, texts FROM bodies WHERE instr(hashes, ?) > 0 ORDER BY number", (one,)
            )
            for hashes, texts in batches:
                if len(found) == len(wanted):
                    break
                here = hashes.split("\n")
                if not wanted.isdisjoint(here):
                    pairs = zip(here, zlib.decompress(texts).decode().split("\n"), strict=True)
                    found.update((hash, text) for hash, text in pairs if hash in wanted)
        return found

    def dispositions(self) -> dict[str, int]:
        """How many responses have each status."""
        with self._whole():
            found = self._connection.execute("SELECT status, COUNT(*) FROM responses GROUP BY status ORDER BY 1")
            counts: dict[str, int] = dict(found)
        if strange := counts.keys() - set(STATUSES):
            raise damaged(self.path.parent, f"responses with the status {', '.join(map(repr, strange))}")
        return counts

    def hand_over(self, trials: Mapping[str, tuple[str, str]]) -> None:
        """Note trials that wait for somebody, place -> (answerer, request hash); what was noted keeps its time."""
        now = time.time()
        rows = [(trial, answerer, request, now) for trial, (answerer, request) in trials.items()]
        self._put_in("INSERT OR IGNORE INTO open VALUES (?, ?, ?, ?)", rows)

    def handed_over(self) -> dict[str, float]:
        """Trials that wait for somebody: place -> when they were handed over first, in seconds of Unix time."""
        if self._schema < 3:
            return {}
        select = "SELECT trial, since FROM open WHERE trial NOT IN (SELECT trial FROM responses) ORDER BY trial"
        with self._whole():
            return dict(self._connection.execute(select))

    def tokens(self) -> tuple[int, int]:
        """Tokens of prompts and of completions, each request counted once."""
        with self._whole():
            any_ = "SELECT 1 FROM responses WHERE prompt_tokens > 0 OR completion_tokens > 0 LIMIT 1"
            if self._connection.execute(any_).fetchone() is None:
                return 0, 0
            row = self._connection.execute(
                "SELECT COALESCE(SUM(p), 0), COALESCE(SUM(c), 0) FROM "
                "(SELECT MAX(prompt_tokens) AS p, MAX(completion_tokens) AS c FROM responses "
                "WHERE origin IS NULL GROUP BY request)"
            ).fetchone()
        return int(row[0]), int(row[1])

    def n_estimated(self) -> int:
        """Requests of whose answers the tokens are estimates."""
        if self._schema < 4:
            return 0
        select = "SELECT COUNT(DISTINCT request) FROM responses WHERE estimated = 1 AND origin IS NULL"
        with self._whole():
            return int(self._connection.execute(select).fetchone()[0])

    def meta(self, key: str) -> str | None:
        """What was noted under a key when the run began, as text.

        Raises
        ------
        DamagedRun
            If it is not what was noted, or of another type than this note has; the note is named.
        """
        with self._alone():
            select = "SELECT key, value FROM meta WHERE key IN (?, ?)"
            found = dict(self._connection.execute(select, (key, DIGEST + key)).fetchall())
        if key not in found:
            return None
        text = found[key]
        try:
            read_note(key, text)
            if found.get(DIGEST + key) not in (None, digest_of(text)):
                raise DamagedRun(f"the note {key!r} is not what was noted")
        except DamagedRun as error:
            if key.partition(":")[0] not in EXPORTED:
                error = DamagedRun(f"{error} (`proband export {self.path.parent}` still writes every answer)")
            raise damaged(self.path.parent, error) from None
        return str(text)

    def noted(self, key: str) -> Any:
        """What the JSON of a note holds; None where nothing was noted."""
        text = self.meta(key)
        return None if text is None else read_note(key, text)

    def notes(self) -> dict[str, str]:
        """Every note, as text; refuses a journal of which one is damaged."""
        with self._alone():
            keys = [str(key) for (key,) in self._connection.execute("SELECT key FROM meta ORDER BY key")]
        return {key: self.meta(key) or "" for key in keys if not key.startswith(DIGEST)}

    def note(self, **facts: str) -> None:
        """Note things about the run as a whole, all or none of them, each with a digest by which damage is seen."""
        digests = {DIGEST + key: digest_of(text) for key, text in facts.items()}
        self._put_in("INSERT OR REPLACE INTO meta VALUES (?, ?)", (facts | digests).items())

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file's own structure, twenty things at most; empty where it is sound."""
        with self._alone():
            lines = [str(line) for (line,) in self._connection.execute("PRAGMA integrity_check(20)")]
        return [line for line in lines if line != "ok"]

    def restore(self, rows: Iterable[Row], bodies: Mapping[str, str], opened: Iterable[Row]) -> None:
        """Put in rows of another journal, with their origin and times; what is there already stays."""
        with self._whole(), transaction(self._connection):
            self._size = None
            self._add_bodies(bodies)
            names = f"{COLUMNS}, origin, recorded_at, took_s"
            insert = f"INSERT OR IGNORE INTO responses ({names}) VALUES (?{', ?' * names.count(',')})"
            self._connection.executemany(insert, rows)
            self._connection.executemany("INSERT OR IGNORE INTO open VALUES (?, ?, ?, ?)", opened)

    def _put_in(self, insert: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self._alone(), transaction(self._connection):
            self._connection.executemany(insert, rows)

    def answered_items(self, items: Sequence[str]) -> list[str]:
        """Which of these items this run itself (not its parent) has put to anybody."""
        wanted = set(items)
        if not wanted:
            return []
        with self._whole():
            trials = self._connection.execute("SELECT trial FROM responses WHERE origin IS NULL")
            return sorted(wanted & {Place.from_id(trial).item for (trial,) in trials})

    def inherit(self, parent: "Journal", responses: Iterable[Response], *, origin: str) -> None:
        """Copy responses of another run, marked with where they come from."""
        batch = list(responses)
        self.add(batch, parent.bodies({response.request for response in batch}), origin=origin)

    def __getitem__(self, trial: str) -> Response:
        rows = self._look_up_places(f"SELECT {self._columns} FROM responses WHERE trial IN", [trial])
        if not rows:
            raise KeyError(trial)
        return response_of(rows[0])

    def __contains__(self, trial: object) -> bool:
        return isinstance(trial, str) and bool(self.requests_of([trial]))

    def __iter__(self) -> Iterator[str]:
        self._settle()
        with self._explained():
            for (trial,) in self._connection.execute("SELECT trial FROM responses ORDER BY trial"):
                yield trial

    def __len__(self) -> int:
        if self._size is not None:
            return self._size
        with self._whole():
            size = int(self._connection.execute("SELECT COUNT(*) FROM responses").fetchone()[0])
            if self._is_writable:
                self._size = size
        return size

    def rows(self, size: int) -> Iterator[list[Row]]:
        """Every response as a row of `COLUMNS`, sorted by the id of its place, `size` rows at a time."""
        self._settle()
        with self._explained():
            found = self._connection.execute(f"SELECT {self._columns} FROM responses ORDER BY trial")
            while part := found.fetchmany(size):
                yield part

    def responses(self) -> Iterator[Response]:
        """Every response, sorted by the id of its place."""
        for part in self.rows(_BATCH):
            yield from map(response_of, part)

    def _settle(self) -> None:
        """Put in order what waits for it."""
        if len(self._arrivals):
            with self._alone():
                self._arrivals.put_in_order()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """As `_alone`, with all answers in the order of their places."""
        with self._alone():
            self._settle()
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread at a time, with SQLite's words turned into ours."""
        with self._lock, self._explained():
            yield

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self.path)
