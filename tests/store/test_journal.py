import json
import resource
import sqlite3
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import NewerRun, RunLocked, StoreError
from proband.records import Place, Response
from proband.store import RunDirectory
from proband.store.migrations import MIGRATIONS, SCHEMA
from proband.store.rows import response_of, row_of


def response(subject: str, **fields) -> Response:
    place = Place(subject=subject, item="vote", condition=(("frame", "a/b & c=d"),), round=2, replicate=1)
    return Response(place=place, request="r" * 32, **{"status": "valid", "answer": 1, "engine": "e", **fields})


RESPONSES = [
    response("s1", probs=(0.1, 0.9), mass=0.1 + 0.2, log_probs=(-2.3, -0.1), token_counts=(1, 2), order=(1, 0)),
    response("s2", status="refused", answer=None, text="I cannot\nsay “that”"),
    response("s3", answer=(2, 0, 1)),
    response("s4", answer=1.5, prompt_tokens=7, completion_tokens=2, attempts=3),
    response("s5", answer="own words"),
    response("s6", status="failed", answer=None, error="timed out"),
]


def test_what_comes_out_is_what_went_in(tmp_path):
    directory = RunDirectory(tmp_path / "run")
    with directory.writer() as journal:
        journal.add(RESPONSES, {"r" * 32: "body"})
    with directory.reader() as journal:
        assert list(journal.responses()) == RESPONSES
        assert journal[RESPONSES[2].place.id] == RESPONSES[2]
        assert journal.body_of("r" * 32) == "body"
        assert journal.dispositions() == {"failed": 1, "refused": 1, "valid": 4}


def test_answers_that_are_read_when_looked_at_are_the_same(tmp_path):
    with RunDirectory(tmp_path).writer() as journal:
        journal.add(RESPONSES)
        found = journal.answers([one.place for one in RESPONSES])
        assert [asdict(found[one.place.id][0]) for one in RESPONSES] == [asdict(one) for one in RESPONSES]
        assert not any(is_inherited for _, is_inherited in found.values())


def test_a_place_answered_twice_is_refused_and_its_batch_with_it(tmp_path):
    with RunDirectory(tmp_path).writer() as journal:
        journal.add(RESPONSES[:2])
        with pytest.raises(StoreError, match="answered twice"):
            journal.add(RESPONSES[2:4] + RESPONSES[:1])
        assert len(journal) == 2


@pytest.mark.parametrize(
    "store",
    [
        pytest.param(lambda journal: journal.hand_over({"s1/vote/-/0/0": (object(), "r")}), id="handed over"),
        pytest.param(lambda journal: journal.restore([("too", "short")], {}, []), id="restored"),
    ],
)
def test_what_cannot_be_stored_is_no_hindrance_to_the_next(tmp_path, store):
    with RunDirectory(tmp_path / "run").writer() as journal:
        with pytest.raises(StoreError):
            store(journal)
        journal.note(title="A study")
        assert journal.meta("title") == "A study"


def test_only_failed_responses_are_taken_out_to_be_retried(tmp_path):
    with RunDirectory(tmp_path).writer() as journal:
        journal.add(RESPONSES)
        assert journal.remove_failed() == 1
        assert len(journal) == len(RESPONSES) - 1


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path):
    directory = RunDirectory(tmp_path)
    with directory.writer() as journal:
        journal.add(RESPONSES[:1])
        refused: list[type] = []

        def write() -> None:
            try:
                with RunDirectory(tmp_path).writer():
                    pass
            except StoreError as error:
                refused.append(type(error))

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert refused == [RunLocked]
        with directory.reader() as reading:
            assert len(reading) == 1
            journal.add(RESPONSES[1:2])
            assert len(reading) == 2


def test_a_run_of_a_newer_version_is_refused(tmp_path):
    with RunDirectory(tmp_path).writer():
        pass
    connection = sqlite3.connect(tmp_path / "journal.sqlite")
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    for use in (lambda: RunDirectory(tmp_path).reader(), lambda: RunDirectory(tmp_path).writer().__enter__()):
        with pytest.raises(NewerRun, match="newer Proband"):
            use()


def test_a_folder_without_a_run_says_how_to_make_one(tmp_path):
    with pytest.raises(StoreError, match="no run here"):
        RunDirectory(tmp_path / "nothing").reader()


@pytest.mark.parametrize("keep", [0, 100, 4096, 6000])
def test_a_truncated_journal_is_named_as_damaged(tmp_path, keep):
    with RunDirectory(tmp_path).writer() as journal:
        journal.add([response(f"s{k}", text="x" * 50) for k in range(400)])
    path = tmp_path / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:keep])
    damage = pytest.raises(StoreError, match=r"damaged|not a run's journal|cannot be opened")
    with damage, RunDirectory(tmp_path).reader() as journal:
        list(journal.responses())


def test_a_path_that_cannot_be_a_folder_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write there"), RunDirectory(tmp_path / "file" / "run").writer():
        pass


def test_a_full_disk_is_named_and_what_was_committed_stays(tmp_path):
    # The kernel's limit on file size stands in for a full disk: the same failing write, without a disk to fill.
    code = f"""
import resource, signal
from pathlib import Path
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_journal import response
from proband.errors import StoreError
from proband.store import RunDirectory
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with RunDirectory({str(tmp_path / "run")!r}).writer() as journal:
    journal.add([response(f"a{{k}}") for k in range(50)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    done = 50
    try:
        for batch in range(500):
            journal.add([response(f"b{{batch}}-{{k}}", text="x" * 100) for k in range(50)])
            done += 50
    except StoreError as error:
        print(done, error)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    done, message = out.split(" ", 1)
    assert "disk is full or cannot be written" in message
    with RunDirectory(tmp_path / "run").reader() as journal:
        assert len(journal) == int(done) >= 50
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


AS_NOBODY = """
import os, sys
from proband.errors import StoreError
from proband.store import RunDirectory
if os.geteuid() == 0:
    os.seteuid(65534)  # root may write anywhere, so be somebody who may not
folder = RunDirectory(sys.argv[1])
with folder.reader() as journal:
    print(len(journal))
try:
    with folder.writer():
        print("written")
except StoreError as error:
    print(error)
"""


def test_a_run_in_a_read_only_folder_can_be_read_and_not_written(tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    with RunDirectory(tmp_path / "run").writer() as journal:
        journal.add(RESPONSES)
    (tmp_path / "run").chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(tmp_path / "run")], capture_output=True, text=True, check=False
    )
    (tmp_path / "run").chmod(0o755)
    count, message = done.stdout.splitlines()
    assert count == str(len(RESPONSES))
    assert "cannot write there" in message or "permissions" in message


def test_a_folder_nobody_can_make_is_a_clear_error():
    with pytest.raises(StoreError, match="cannot write there"), RunDirectory("/proc/nowhere/run").writer():
        pass


def as_written_by_schema_1(folder: Path) -> Path:
    """A journal as the first version of Proband wrote it: lists as JSON, every body in a row, an index by request."""
    folder.mkdir()
    connection = sqlite3.connect(folder / "journal.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(MIGRATIONS[0])
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO meta VALUES ('seed', '1')")
    connection.execute("INSERT INTO requests VALUES (?, ?)", ("r" * 32, "body"))

    def text(value):
        return None if value is None or value == () else json.dumps(value, ensure_ascii=False)

    for r in RESPONSES:
        row = (r.place.id, r.request, r.status, r.rule, text(r.answer), text(r.probs), r.mass, r.text)
        row += (text(r.log_probs), text(r.token_counts), r.error, text(r.order), r.engine)
        row += (r.prompt_tokens, r.completion_tokens, r.attempts, None, 1.5)
        connection.execute(f"INSERT INTO responses VALUES ({', '.join('?' * 18)})", row)
    connection.close()
    return folder


def assert_as_before(journal) -> None:
    assert list(journal.responses()) == RESPONSES
    assert journal.body_of("r" * 32) == "body"
    assert journal.meta("seed") == "1"
    assert journal.tokens() == (7, 2)


def test_a_journal_of_the_first_schema_is_read_as_it_is(tmp_path):
    folder = as_written_by_schema_1(tmp_path / "old")
    with RunDirectory(folder).reader() as journal:
        assert_as_before(journal)
    assert sqlite3.connect(folder / "journal.sqlite").execute("PRAGMA user_version").fetchone() == (1,)


def test_a_journal_of_the_first_schema_goes_on_in_this_one(tmp_path):
    folder = as_written_by_schema_1(tmp_path / "old")
    with RunDirectory(folder).writer() as journal:
        assert_as_before(journal)
        journal.add([response("s7", probs=(0.5, 0.5))], {"q" * 32: "another body"})
        engine = RESPONSES[0].engine
        assert set(journal.answers_to(["r" * 32], engine)) == {"r" * 32}
        assert journal.answers_to(["r" * 32], "hf:another") == {}
    with RunDirectory(folder).reader() as journal:
        assert list(journal.responses()) == [*RESPONSES, response("s7", probs=(0.5, 0.5))]
        assert journal.bodies({"r" * 32, "q" * 32, "x" * 32}) == {"r" * 32: "body", "q" * 32: "another body"}


numbers = st.floats(allow_nan=False, allow_infinity=True, max_value=0.0)
answers = st.one_of(
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.lists(st.integers() | st.floats(allow_nan=False)).map(tuple),
)


@given(answers, st.lists(numbers).map(tuple), st.lists(st.integers(0, 9)).map(tuple), st.none() | st.text())
def test_every_response_survives_its_row_to_the_last_bit(answer, log_probs, counts, text):
    before = response("s", answer=answer, log_probs=log_probs, token_counts=counts, order=counts, text=text)
    after = response_of(row_of(before))
    assert after == before
    assert repr(after) == repr(before)  # 1, 1.0 and -0.0 stay what they were


def test_batches_of_any_size_are_stored_whole_with_their_requests(tmp_path):
    sizes = (1, 31, 33, 545, 1100)
    with RunDirectory(tmp_path).writer() as journal:
        for n in sizes:
            batch = [response(f"{n}-{k}") for k in range(n)]
            journal.add(batch, {f"{n}-{k}": json.dumps(["é", k, n]) for k in range(n)})
        assert len(journal) == sum(sizes)
        wanted = {f"{n}-{n - 1}" for n in sizes}
        assert journal.bodies(wanted) == {f"{n}-{n - 1}": json.dumps(["é", n - 1, n]) for n in sizes}
        assert journal.body_of("1100-7") == json.dumps(["é", 7, 1100])
        with pytest.raises(StoreError, match="on one line"):
            journal.add([response("other")], {"h": "two\nlines"})
        assert len(journal) == sum(sizes)


def test_threads_share_a_journal_without_seeing_half_a_batch(tmp_path):
    with RunDirectory(tmp_path).writer() as journal:
        batches = [[response(f"{b}-{k}") for k in range(600)] for b in range(10)]
        thread = threading.Thread(target=lambda: [journal.add(batch) for batch in batches])
        thread.start()
        while thread.is_alive():
            assert sum(journal.dispositions().values()) % 600 == 0
            journal.note(at="now")
        thread.join()
        assert len(journal) == 6000
