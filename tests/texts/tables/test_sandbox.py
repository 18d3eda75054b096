"""Attacks on the sandbox, each a test: nothing is read, written, changed, reached or used up, and the next one runs."""

import json
import os
import subprocess
import sys
import time

import polars as pl
import pytest

from proband.errors import DesignError
from proband.texts.tables import inside
from proband.texts.tables.sandbox import Limits, Sandbox

pytest.importorskip("duckdb")

STOPS = pl.DataFrame({"stop": ["Mill Lane", "Harbour", "Old Bridge"], "delay": [3, 1, 2], "user": ["a", "b", None]})
secret_of_the_session = STOPS  # what a scan of Python's variables would find


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    path = tmp_path_factory.mktemp("outside") / "secret.csv"
    path.write_text("word\nxyzzy\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sandbox():
    os.environ["PROBAND_SECRET"] = "xyzzy"
    with Sandbox({"stops": STOPS}, Limits(seconds=1.0, megabytes=128, rows=100)) as opened:
        yield opened
    del os.environ["PROBAND_SECRET"]


READING = {
    "a file in the place of a table": "SELECT * FROM '{path}'",
    "read_csv": "SELECT * FROM read_csv('{path}')",
    "read_parquet": "SELECT * FROM read_parquet('{path}')",
    "read_json": "SELECT * FROM read_json('{path}')",
    "read_text": "SELECT content FROM read_text('{path}')",
    "read_blob": "SELECT content FROM read_blob('{path}')",
    "sniff_csv": "SELECT * FROM sniff_csv('{path}')",
    "glob": "SELECT * FROM glob('{folder}/*')",
    "a file in a subquery": "SELECT (SELECT content FROM read_text('{path}')) FROM stops",
    "a file through query()": "SELECT * FROM query('SELECT content FROM read_text(''{path}'')')",
    "a file through query_table()": "SELECT * FROM query_table('{path}')",
    "serialised SQL": "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "the environment": "SELECT getenv('PROBAND_SECRET')",
    "a variable of Python": "SELECT * FROM secret_of_the_session",
    "settings": "SELECT current_setting('temp_directory')",
    "settings as a table": "SELECT * FROM duckdb_settings()",
    "extensions and where they lie": "SELECT install_path FROM duckdb_extensions()",
    "secrets": "SELECT * FROM duckdb_secrets()",
    "the catalogue": "SELECT * FROM information_schema.tables",
    "a view of the catalogue": "SELECT * FROM sqlite_master",
    "a name that is also a view": "SELECT * FROM (WITH duckdb_databases AS (SELECT 1) SELECT 1), duckdb_databases",
    "who asks": "SELECT current_user",
    "the clock": "SELECT current_date",
    "chance": "SELECT random()",
    "a sample": "SELECT * FROM stops USING SAMPLE 1 ROWS",
    "a description": "DESCRIBE stops",
    "all tables": "SHOW ALL TABLES",
}  # fmt: skip
DOING = {
    "COPY TO": "COPY stops TO '{folder}/written.csv'",
    "COPY FROM": "COPY stops FROM '{path}'",
    "EXPORT": "EXPORT DATABASE '{folder}/written'",
    "ATTACH": "ATTACH '{folder}/written.db' AS other",
    "INSTALL": "INSTALL httpfs",
    "LOAD": "LOAD '{path}'",
    "PRAGMA": "PRAGMA database_list",
    "SET": "SET enable_external_access = true",
    "RESET": "RESET lock_configuration",
    "a secret is made": "CREATE SECRET s (TYPE s3, KEY_ID 'k', SECRET 'x')",
    "DROP": "DROP TABLE stops",
    "UPDATE": "UPDATE stops SET delay = 0",
    "INSERT": "INSERT INTO stops VALUES ('x', 1, 'x')",
    "DELETE": "DELETE FROM stops",
    "CREATE": "CREATE TABLE more AS SELECT * FROM stops",
    "a macro": "CREATE MACRO f() AS 1",
    "CALL": "CALL pragma_version()",
    "EXPLAIN ANALYZE": "EXPLAIN ANALYZE SELECT * FROM stops",
    "VACUUM": "VACUUM",
    "a transaction": "BEGIN TRANSACTION",
    "PREPARE": "PREPARE p AS SELECT 1",
    "two statements": "SELECT 1; DROP TABLE stops",
    "a second one behind a comment": "SELECT 1 /* ; */ ; -- harmless\nDROP TABLE stops",
    "a second one behind a text": "SELECT ';--' ; DELETE FROM stops",
    "INSERT in a WITH": "WITH x AS (INSERT INTO stops VALUES ('x', 9, 'x') RETURNING *) SELECT * FROM x",
    "DELETE in a WITH": "WITH x AS (DELETE FROM stops RETURNING *) SELECT * FROM x",
    "a log": "SELECT write_log('xyzzy')",
    "a checkpoint": "SELECT * FROM force_checkpoint()",
}  # fmt: skip
EXHAUSTING = {
    "recursion without an end": "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "a join of everything, for time": "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
    "a join of everything, for memory": "SELECT list(a.range + b.range) FROM range(1000000) a, range(1000000) b",
    "one long list": "SELECT list_sort(range(1000000000))",
    "one long text": "SELECT length(repeat(repeat('ab', 100000000), 100))",
    "one slow function": "SELECT levenshtein(repeat('a', 100000), repeat('b', 100000))",
    "sleeping": "SELECT sleep_ms(60000)",
    "sorting what does not fit": "SELECT * FROM range(1000000000) ORDER BY range DESC LIMIT 1 OFFSET 999999",
    "more rows than a question has": "SELECT a.range FROM range(101) a",
    "brackets a thousand deep": "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
}  # fmt: skip
SAFE = "SELECT stop FROM stops ORDER BY delay DESC LIMIT 1"


def attacked(sandbox, sql, secret):
    return sandbox.ask(sql.replace("{path}", str(secret)).replace("{folder}", str(secret.parent)))


@pytest.mark.parametrize("attack", READING)
def test_nothing_but_the_tables_is_read(sandbox, secret, attack):
    result = attacked(sandbox, READING[attack], secret)
    assert result.why
    assert result.is_refused or "does not exist" in result.why
    assert not result.rows
    assert "xyzzy" not in result.why


@pytest.mark.parametrize("attack", DOING)
def test_nothing_is_done_but_selecting(sandbox, secret, attack):
    result = attacked(sandbox, DOING[attack], secret)
    assert result.why
    assert not result.rows
    assert [path.name for path in secret.parent.iterdir()] == [secret.name]
    assert sandbox.ask("SELECT count(*), sum(delay) FROM stops").rows == ((3, 6),)


@pytest.mark.parametrize("attack", EXHAUSTING)
def test_time_memory_and_rows_have_an_end_and_the_next_statement_runs(sandbox, attack):
    result = sandbox.ask(EXHAUSTING[attack])
    assert result.why
    assert not result.rows
    assert sandbox.ask(SAFE).rows == (("Mill Lane",),)


def test_the_walls_behind_the_form_of_the_statement_stand_by_themselves(secret, tmp_path):
    """With every statement let through, files stay shut, settings locked, and the environment is not there."""
    frame = tmp_path / "0.parquet"
    STOPS.write_parquet(frame)
    program = (
        "import json, sys, importlib.util as u\n"
        f"spec = u.spec_from_file_location('inside', {inside.__file__!r}); m = u.module_from_spec(spec)\n"
        "sys.modules['inside'] = m; spec.loader.exec_module(m)\n"
        f"given = {{'tables': {{'stops': {str(frame)!r}}}, 'megabytes': 128, 'rows': 9}}\n"
        "connection, _ = m.opened(given); m.shut(given)\n"
        "for sql in json.loads(sys.argv[1]):\n"
        "    try:\n"
        "        print('RAN', connection.execute(sql).fetchall())\n"
        "    except BaseException as error:\n"
        "        print('SHUT', type(error).__name__)\n"
    )
    reading = ("a file in the place of a table", "read_csv", "read_text", "read_blob", "glob", "the environment")
    doing = ("COPY TO", "COPY FROM", "EXPORT", "ATTACH", "INSTALL", "LOAD", "SET", "RESET")
    attacks = [READING[name] for name in (*reading, "a variable of Python")]
    attacks += [DOING[name] for name in doing]
    attacks = [sql.replace("{path}", str(secret)).replace("{folder}", str(secret.parent)) for sql in attacks]
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, json.dumps(attacks)], capture_output=True, text=True, check=True
    )
    said = done.stdout.splitlines()
    assert len(said) == len(attacks)
    assert [line for line, sql in zip(said, attacks, strict=True) if line.startswith("RAN")] == []
    assert [path.name for path in secret.parent.iterdir()] == [secret.name]


def test_what_a_question_needs_runs(sandbox):
    for sql in (
        "SELECT count(*), avg(delay), median(delay), stddev(delay), min(stop) FROM stops",
        "WITH late AS (SELECT * FROM stops WHERE delay > 1) SELECT count(*) FROM late",
        "SELECT stop, rank() OVER (ORDER BY delay) FROM stops",
        "SELECT CASE WHEN delay > 1 THEN 'late' ELSE 'early' END AS how, count(*) FROM stops GROUP BY ALL",
        "SELECT a.stop FROM stops a JOIN stops b ON a.delay = b.delay + 1",
        "SELECT lower(stop), round(delay / 2.0, 1), coalesce(\"user\", 'nobody') FROM stops",
        "SELECT user FROM stops",
        "SELECT delay FROM stops UNION SELECT 5",
        "SELECT stop FROM stops; -- DROP TABLE stops",
        "SELECT 'DROP TABLE stops; --' FROM stops",
    ):
        result = sandbox.ask(sql)
        assert result.rows, (sql, result.why)


def test_a_statement_is_stopped_soon_after_its_time(sandbox):
    began = time.monotonic()
    assert "stopped after" in sandbox.ask(EXHAUSTING["recursion without an end"]).why
    assert time.monotonic() - began < 30


def test_results_are_compared_as_rows_in_any_order():
    with Sandbox({"stops": STOPS}) as sandbox:
        one = sandbox.ask("SELECT stop, delay / 3 FROM stops ORDER BY stop")
        other = sandbox.ask("SELECT stop AS s, delay * (1.0::DOUBLE / 3) AS d FROM stops ORDER BY delay")
        assert one.key == other.key
        assert one.key != sandbox.ask("SELECT stop, delay FROM stops").key


def test_the_copy_is_gone_afterwards():
    with Sandbox({"stops": STOPS}) as sandbox:
        sandbox.ask("SELECT 1")
        folder = sandbox._folder.name
        assert os.path.isdir(folder)
    assert not os.path.exists(folder)


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"megabytes": 1}, {"rows": 0}, {"seconds": float("nan")}])
def test_limits_that_limit_nothing_are_refused(wrong):
    with pytest.raises(DesignError, match="limits of a statement"):
        Limits(**wrong)


def test_no_statement_and_characters_that_no_text_has_are_refused(sandbox):
    for sql in ("", "  ", "SELECT '\0'", "SELECT '\ud800'"):
        assert sandbox.ask(sql).is_refused
