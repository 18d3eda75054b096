"""What people may ask for afterwards: nothing is left of whoever is forgotten, and what is kept is given."""

import json
import time
from pathlib import Path

import pytest

from proband.errors import DesignError, StoreError
from proband.reports import findings, write_findings
from proband.runs import Run
from proband.store.forgetting import MARK
from proband.web.seat.rights import expire, forget, given
from tests.web.seat.seat_visitors import Visitor

PLANTED = "Grüße vom blauen Nilpferd"
ASCII = "blauen Nilpferd"
OPINION = """
title = "Opinion"
seed = 1
[instrument]
id = "opinion"
title = "Opinion"
items = [
  { id = "why", text = "Why do you think so?", form = "text" },
  { id = "sure", text = "You wrote: {answer:why}. Are you sure?", form = "choice", options = ["Yes", "No"] },
]
[population]
use = "seats:2"
[survey]
presentation = "sequential"
persona = "none"
"""
TALK = """
title = "Talk"
seed = 3
[engine]
people = "seat"
[game]
use = "public-goods"
size = 2
pays = 0.8
matches = 1
rounds = 2
chat = 1
players = "people"
"""


def traces(folder: Path, planted: bytes = ASCII.encode()) -> list[str]:
    """Files that hold the text, compressed parts of the journal included."""
    import sqlite3
    import zlib

    found = [path.name for path in folder.rglob("*") if path.is_file() and planted in path.read_bytes()]
    connection = sqlite3.connect(folder / "journal.sqlite")
    bodies = [zlib.decompress(texts) for (texts,) in connection.execute("SELECT texts FROM bodies")]
    connection.close()
    return found + ["bodies" for body in bodies if planted in body]


def test_nothing_is_left_of_whoever_is_forgotten_and_nobody_else_has_changed(room, tmp_path):
    served = room(text=OPINION, seat="")
    for number, words in enumerate([PLANTED, "No idea at all"]):
        visitor = Visitor(served.address)
        visitor.get(f"/join?PROLIFIC_PID={ASCII.replace(' ', '-')}{number}")
        visitor.send("/agree")
        visitor.answer(q0_answer=words)
        visitor.answer(q0_answer="0")
    run = served.run()
    write_findings(findings(run), tmp_path / "run" / "report.html")
    assert {"journal.sqlite", "bodies"} <= set(traces(tmp_path / "run")) | {"journal.sqlite"}
    kept = [response for response in run.responses().values() if response.place.subject == "002"]
    while not served.room.engine.closed:  # the room looks round once more, and notes that every seat was taken
        time.sleep(0.01)
    served.registry.close()
    assert forget(tmp_path / "run", "001") == 2
    assert traces(tmp_path / "run") == []
    assert traces(tmp_path / "run", b"blauen-Nilpferd0") == []
    after = Run(tmp_path / "run")
    assert list(after.responses().values()) == kept
    assert set(after.table()["subject"]) == {"002"}
    assert after.is_complete
    assert "001" in {member.subject for member in after.roster}
    assert (tmp_path / "run" / "report.html").exists()


def test_words_that_partners_were_told_are_replaced_by_a_mark(room, tmp_path):
    served = room(text=TALK, seat="")
    one, other = Visitor(served.address), Visitor(served.address)
    one.agree()
    other.agree()
    one.get()
    one.answer(q0_answer=PLANTED)
    other.answer(q0_answer="hello")
    one.until("question")
    with pytest.raises(DesignError, match="close it first"):
        forget(tmp_path / "run", "match-0000-player-1")
    for _ in range(2):
        for visitor in (one, other):
            visitor.until("question")
            visitor.answer(q0_answer="3")
    served.room.close("by hand")
    served.run()
    served.registry.close()
    assert traces(tmp_path / "run")
    forget(tmp_path / "run", "match-0000-player-1")
    assert traces(tmp_path / "run") == []
    shown = given(tmp_path / "run", "match-0000-player-2")["answers"]
    assert any(f"Player-1 wrote: {MARK}" in answer["shown"] for answer in shown)


def test_a_persons_own_data_are_given_whole(room, tmp_path):
    served = room(text=OPINION, seat="")
    visitor = Visitor(served.address)
    visitor.get("/join?PROLIFIC_PID=p-1")
    visitor.send("/agree")
    visitor.answer(q0_answer=PLANTED)
    found = given(tmp_path / "run", "001")
    assert found["recruitment"] == {"PROLIFIC_PID": "p-1"}
    assert [answer["answer"] for answer in found["answers"]] == [PLANTED]
    assert "Why do you think so?" in found["answers"][0]["shown"]
    assert found["answers"][0]["took_s"] >= 0
    assert found["answers"][0]["at"].endswith("Z")
    assert json.dumps(found)


def test_links_and_ids_are_dropped_and_answers_stay(room, tmp_path):
    served = room(text=OPINION, seat="")
    visitor = Visitor(served.address)
    visitor.get("/join?PROLIFIC_PID=p-4711")
    visitor.send("/agree")
    visitor.answer(q0_answer="because")
    served.room.close("by hand")
    served.run()
    served.registry.close()
    assert expire(tmp_path / "run") == 1
    assert b"p-4711" not in (tmp_path / "run" / "seats.sqlite").read_bytes()
    assert expire(tmp_path / "run") == 0
    assert len(Run(tmp_path / "run").responses()) == 1


def test_who_is_not_there_cannot_be_forgotten(room, tmp_path):
    room(text=OPINION, seat="")
    with pytest.raises(StoreError, match="no person '009'"):
        forget(tmp_path / "run", "009")
