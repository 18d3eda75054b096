"""The journal of a run: one SQLite file, in which a response is committed before it counts."""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from proband.errors import StoreError
from proband.records import Answer, Place, Response
from proband.store.migrations import migrate, schema_of

_COLUMNS = (
    "trial, request, status, rule, answer, probs, mass, text, log_probs, token_counts, error, shown, engine, "
    "prompt_tokens, completion_tokens, attempts"
)
_BATCH = 500  # SQLite allows 32,766 parameters in a statement; a few hundred is already as fast


class Journal(Mapping[str, Response]):
    """Every response of a run, keyed by the place of its trial.

    Reading works while another process writes (write-ahead log); writing is guarded by the run's lock,
    which `RunDirectory` holds.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        with self._explained():
            if writable:
                self._connection = sqlite3.connect(path, isolation_level=None)
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                migrate(self._connection, str(path.parent))
            else:
                self._connection = _open_to_read(path)
                schema_of(self._connection, str(path.parent))

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._connection.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self,
        responses: Sequence[Response],
        bodies: Mapping[str, str] | None = None,
        *,
        origin: str | None = None,
    ) -> None:
        """Commit responses, and the exact text of their requests, in one transaction.

        Raises
        ------
        StoreError
            If a place is already answered, or the disk is full: then nothing of this batch was stored.
        """
        now = time.time()
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                if bodies:
                    self._connection.executemany(
                        "INSERT OR IGNORE INTO requests VALUES (?, ?)", bodies.items()
                    )
                self._connection.executemany(
                    f"INSERT INTO responses ({_COLUMNS}, origin, recorded_at) VALUES ({', '.join('?' * 18)})",
                    [(*_row(response), origin, now) for response in responses],
                )
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def remove_failed(self) -> int:
        """Take out the responses that failed, so that they are asked again; returns how many."""
        with self._explained():
            return self._connection.execute("DELETE FROM responses WHERE status = 'failed'").rowcount

    def requests_of(self, trials: Sequence[str]) -> dict[str, tuple[str, str, bool]]:
        """Which of these places are answered: place -> (request hash, rule, whether inherited from a parent)."""
        found: dict[str, tuple[str, str, bool]] = {}
        with self._explained():
            for start in range(0, len(trials), _BATCH):
                part = trials[start : start + _BATCH]
                marks = ", ".join("?" * len(part))
                rows = self._connection.execute(
                    f"SELECT trial, request, rule, origin IS NOT NULL FROM responses WHERE trial IN ({marks})",
                    part,
                )
                found.update(
                    (trial, (request, rule, bool(inherited))) for trial, request, rule, inherited in rows
                )
        return found

    def answers_to(self, requests: Sequence[str]) -> dict[str, Response]:
        """A response to each of these requests, by its hash, where there is one that did not fail."""
        found: dict[str, Response] = {}
        with self._explained():
            for start in range(0, len(requests), _BATCH):
                part = requests[start : start + _BATCH]
                marks = ", ".join("?" * len(part))
                rows = self._connection.execute(
                    f"SELECT {_COLUMNS} FROM responses WHERE status != 'failed' AND request IN ({marks})",
                    part,
                )
                found.update((row[1], _response(row)) for row in rows)
        return found

    def body_of(self, request: str) -> str | None:
        """The exact request behind a hash, as canonical JSON."""
        with self._explained():
            row = self._connection.execute("SELECT body FROM requests WHERE hash = ?", (request,)).fetchone()
        return None if row is None else str(row[0])

    def dispositions(self) -> dict[str, int]:
        """How many responses have each status."""
        with self._explained():
            return dict(
                self._connection.execute("SELECT status, COUNT(*) FROM responses GROUP BY status ORDER BY 1")
            )

    def tokens(self) -> tuple[int, int]:
        """Tokens of prompts and of completions, each request counted once."""
        with self._explained():
            row = self._connection.execute(
                "SELECT COALESCE(SUM(p), 0), COALESCE(SUM(c), 0) FROM "
                "(SELECT MAX(prompt_tokens) AS p, MAX(completion_tokens) AS c FROM responses "
                "WHERE origin IS NULL GROUP BY request)"
            ).fetchone()
        return int(row[0]), int(row[1])

    def meta(self, key: str) -> str | None:
        """What was noted under a key when the run began."""
        with self._explained():
            row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, **facts: str) -> None:
        """Note things about the run as a whole, all or none of them."""
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", facts.items())
            self._connection.execute("COMMIT")

    def answered_items(self, items: Sequence[str]) -> list[str]:
        """Which of these items this run itself (not its parent) has put to anybody."""
        wanted = set(items)
        if not wanted:
            return []
        with self._explained():
            trials = self._connection.execute("SELECT trial FROM responses WHERE origin IS NULL")
            return sorted(wanted & {Place.from_id(trial).item for (trial,) in trials})

    def inherit(self, parent: "Journal", responses: Iterable[Response], *, origin: str) -> None:
        """Copy responses of another run, marked with where they come from."""
        batch = list(responses)
        bodies = {r.request: parent.body_of(r.request) or "" for r in batch}
        self.add(batch, bodies, origin=origin)

    def __getitem__(self, trial: str) -> Response:
        with self._explained():
            row = self._connection.execute(
                f"SELECT {_COLUMNS} FROM responses WHERE trial = ?", (trial,)
            ).fetchone()
        if row is None:
            raise KeyError(trial)
        return _response(row)

    def __contains__(self, trial: object) -> bool:
        with self._explained():
            found = self._connection.execute("SELECT 1 FROM responses WHERE trial = ?", (trial,)).fetchone()
        return found is not None

    def __iter__(self) -> Iterator[str]:
        with self._explained():
            for (trial,) in self._connection.execute("SELECT trial FROM responses ORDER BY trial"):
                yield trial

    def __len__(self) -> int:
        with self._explained():
            return int(self._connection.execute("SELECT COUNT(*) FROM responses").fetchone()[0])

    def responses(self) -> Iterator[Response]:
        """Every response, sorted by the id of its place."""
        with self._explained():
            for row in self._connection.execute(f"SELECT {_COLUMNS} FROM responses ORDER BY trial"):
                yield _response(row)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's words into ours: what happened, where, and the way out."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise StoreError(
                f"{self.path}: a place was answered twice ({error}); nothing of it was stored"
            ) from None
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path}: {_explain(str(error))}") from error


def _open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; on read-only media SQLite has to be told that nobody else can either."""
    address = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        connection = sqlite3.connect(f"{address}&immutable=1", uri=True, check_same_thread=False)
    return connection


def _explain(error: str) -> str:
    """What an SQLite message means for the person in front of it."""
    if "full" in error or "disk I/O" in error:
        return (
            f"the disk is full or cannot be written ({error}); everything reported as done is kept: "
            "free some space and run the same command again"
        )
    if "malformed" in error or "not a database" in error:
        return (
            f"the journal is damaged ({error}); restore it from a backup, or save what can be read with "
            "`sqlite3 journal.sqlite .recover`, and start a new run for the rest"
        )
    if "readonly" in error or "unable to open" in error:
        return (
            f"cannot be opened for this ({error}); check that the folder exists and its permissions allow it"
        )
    if "no such table" in error:
        return f"not a run's journal ({error}); choose another folder"
    return error


def _row(response: Response) -> tuple[object, ...]:
    """A response as one row, in the order of `_COLUMNS`."""
    return (
        response.place.id,
        response.request,
        response.status,
        response.rule,
        _written(response.answer),
        _written(response.probs),
        response.mass,
        response.text,
        _written(response.log_probs),
        _written(response.token_counts or None),
        response.error,
        _written(response.order or None),
        response.engine,
        response.prompt_tokens,
        response.completion_tokens,
        response.attempts,
    )


def _response(row: tuple[str, ...]) -> Response:
    """The response that `_row` wrote."""
    (
        trial,
        request,
        status,
        rule,
        answer,
        probs,
        mass,
        text,
        log_probs,
        counts,
        error,
        shown,
        engine,
        *numbers,
    ) = row
    return Response(
        place=Place.from_id(trial),
        request=request,
        status=status,  # type: ignore[arg-type]  # checked by the record itself
        rule=rule,
        answer=_read_answer(answer),
        probs=_read_tuple(probs),
        mass=mass,  # type: ignore[arg-type]  # a REAL column
        text=text,
        log_probs=_read_tuple(log_probs),
        token_counts=_read_tuple(counts) or (),
        error=error,
        order=_read_tuple(shown) or (),
        engine=engine,
        prompt_tokens=int(numbers[0]),
        completion_tokens=int(numbers[1]),
        attempts=int(numbers[2]),
    )


def _written(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _read_answer(text: str | None) -> Answer:
    value = None if text is None else json.loads(text)
    return tuple(value) if isinstance(value, list) else value


def _read_tuple(text: str | None):  # type: ignore[no-untyped-def]  # numbers of either kind, as they were written
    return None if text is None else tuple(json.loads(text))
