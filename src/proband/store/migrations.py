"""The schema of a run's journal, as numbered migrations; number N brings a journal from N to N + 1."""

import sqlite3

MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE requests (hash TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE responses (
        trial TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        status TEXT NOT NULL,
        rule TEXT NOT NULL,
        answer TEXT,
        probs TEXT,
        mass REAL,
        text TEXT,
        log_probs TEXT,
        token_counts TEXT,
        error TEXT,
        shown TEXT,
        engine TEXT NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        origin TEXT,
        recorded_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX responses_by_request ON responses (request);
    """,
    # From here on bodies come in compressed batches, new probs and log_probs are packed doubles, and the index is made
    # only by runs that need it: a key that is random to the disk costs more than the rest of a row.
    """
    DROP INDEX responses_by_request;
    CREATE TABLE bodies (number INTEGER PRIMARY KEY, hashes TEXT NOT NULL, texts BLOB NOT NULL);
    """,
    # Options may depend on the situation, and who answers may take days: what was handed over stays open meanwhile.
    """
    ALTER TABLE responses ADD COLUMN chosen TEXT;
    CREATE TABLE open (
        trial TEXT PRIMARY KEY, answerer TEXT NOT NULL, request TEXT NOT NULL, since REAL NOT NULL
    ) WITHOUT ROWID;
    """,
    # Tokens that a server did not count are estimates, and say so.
    "ALTER TABLE responses ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;",
    # What processes had come to between two rounds, so that a replay which comes to something else is seen.
    "CREATE TABLE marks (name TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;",
    # Answers wait here in the order in which they came, with the columns of those in the order of their places.
    "CREATE TABLE arrived AS SELECT * FROM responses WHERE 0;",
    # How long an answer took, where it came alone: of no table and no digest, for it differs between equal runs.
    "ALTER TABLE responses ADD COLUMN took_s REAL; ALTER TABLE arrived ADD COLUMN took_s REAL;",
)
SCHEMA = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a journal of this schema to the newest; each step is one transaction."""
    for number in range(version, SCHEMA):
        connection.executescript(f"BEGIN;{MIGRATIONS[number]}PRAGMA user_version = {number + 1};COMMIT;")
