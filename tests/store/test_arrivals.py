"""Answers that wait to be put in the order of their places: seen by all, stored once, and lost by no kill."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from proband.errors import StoreError
from proband.records import Place, Response
from proband.store import RunDirectory, journal
from proband.store.recovery import examine, save


def given(subject, round=0, status="valid"):
    place = Place(subject=subject, item="stand", round=round)
    answer = 1 if status == "valid" else None
    return Response(place=place, request=f"r{round}", status=status, answer=answer, engine="e")


ROUNDS = [[given(f"s{k}", round) for k in range(70)] for round in (2, 1, 3)]
ALL = sorted((one for some in ROUNDS for one in some), key=lambda one: one.place.id)


def waiting(folder):
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        return connection.execute("SELECT (SELECT COUNT(*) FROM arrived), (SELECT COUNT(*) FROM responses)").fetchone()


@pytest.fixture
def written(tmp_path):
    """A journal that is being written, with three rounds that wait."""
    with RunDirectory(tmp_path / "run").writer() as open_:
        open_.by_arrival = True
        for some in ROUNDS:
            open_.add(some, {some[0].request: '"text"'})
        yield open_


def test_answers_that_wait_are_seen_by_who_writes_and_by_who_reads(written):
    folder = written.path.parent
    assert waiting(folder) == (210, 0)
    one, later = ALL[7], given("later")
    with RunDirectory(folder).reader() as reading:
        for seen in (written, reading):
            assert seen[one.place.id] == one
            assert set(seen.answers([one.place])) == set(seen.requests_of([one.place.id])) == {one.place.id}
        written.add([later])
        assert len(reading) == 211
        assert [row[0] for row in reading.rows_from("", 5)[0]] == [some.place.id for some in [later, *ALL[:4]]]
    assert waiting(folder) == (211, 0)  # none of this asked for an order
    assert [one.place.id for one in written.responses()] == [some.place.id for some in [later, *ALL]]
    assert waiting(folder) == (0, 211)
    assert written.dispositions() == {"valid": 211}


LATE = [given(f"t{k}") for k in range(70)]


@pytest.mark.parametrize("others", ["wait", "stand in order", "stand in order, and some wait"])
def test_a_place_that_waits_or_stands_in_order_is_not_answered_twice(written, others):
    if others != "wait":
        list(written)
    if others.endswith("some wait"):
        written.add(LATE)
    n = len(ALL) + len(LATE) * others.endswith("some wait")
    for batch in ([given("new"), ALL[3]], [given("new"), *[given("newer")] * 2]):
        with pytest.raises(StoreError, match="answered twice") as refused:
            written.add(batch)
        assert others == "stand in order" or batch[-1].place.id in str(refused.value)  # SQLite names none
    assert len(written) == n
    assert "new" not in " ".join(written)


def test_what_a_killed_run_left_is_read_saved_and_put_in_order_by_who_goes_on(written, tmp_path):
    list(written)
    written.add(LATE)
    killed = shutil.copytree(written.path.parent, tmp_path / "killed")  # as it lies on the disk at this moment
    assert waiting(killed) == (70, 210)
    wanted = sorted([*LATE, *ALL], key=lambda one: one.place.id)
    with RunDirectory(killed).reader() as reading:
        assert list(reading.responses()) == wanted
    assert examine(killed).responses == 280
    with RunDirectory(save(examine(killed), tmp_path / "saved")).reader() as saved:
        assert list(saved.responses()) == wanted
    with RunDirectory(killed).writer() as going_on:
        assert len(going_on) == 280
    assert waiting(killed) == (0, 280)


def test_no_more_wait_than_may(written, monkeypatch):
    monkeypatch.setattr(journal, "MOST", 100)
    written.add(LATE)
    assert waiting(written.path.parent) == (70, 210)
    written.by_arrival = False
    written.add([given("latest")])
    assert waiting(written.path.parent) == (0, 281)


def test_few_are_put_in_order_at_once_where_nothing_waits(written):
    list(written)
    written.add([given("later")])
    assert waiting(written.path.parent) == (0, 211)


def test_what_failed_is_taken_out_wherever_it_stands(written):
    written.add([given("bad", status="failed")])
    assert written.remove_failed() == 1
    assert list(written.responses()) == ALL
