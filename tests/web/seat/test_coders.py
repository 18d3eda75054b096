"""People who code documents at pages: a coder is a seat, whatever documents it codes."""

import polars as pl
import pytest

from proband.designs.studies import load_study
from proband.errors import DesignError
from proband.models.seats import SeatEngine
from proband.reports import findings
from proband.runs import Run
from proband.web.seat.rights import forget, given
from proband.web.seat.room import Room
from proband.web.seat.running import sitting
from tests.web.seat.conftest import text_of
from tests.web.seat.seat_visitors import Visitor, open_room

DOCUMENTS = "id,text\nl1,Lovely park.\nl2,A hole in the road.\nl3,Bad smell <b>here</b>.\n"
CODING = """
title = "Letters"
seed = 2
[engine]
ana = "seat"
ben = "seat"
rule = "scripted:always?option=1"
[instrument]
id = "tone"
title = "Tone"
introduction = "Letters to a town."
questions = [
  { id = "tone", text = "Which tone?", codes = [
    { label = "Good", definition = "It praises." }, { label = "Bad", definition = "It complains." } ] },
  { id = "where", text = "Which words show it?", form = "spans", codes = [
    { label = "Praise", definition = "Words that praise." }, { label = "Blame", definition = "Words that blame." } ] },
]
[coding]
corpus = { file = "letters.csv", id = "id" }
questions = ["tone"]
"""


@pytest.fixture
def letters(tmp_path, study_file):
    (tmp_path / "letters.csv").write_text(DOCUMENTS)
    return study_file(CODING)


def test_coders_are_seats_that_see_every_document(letters, tmp_path):
    folder = tmp_path / "run"
    with open_room(load_study(letters), letters, folder) as served:
        ana, ben = Visitor(served.address), Visitor(served.address)
        for coder in (ana, ben):
            coder.agree()
        shown = text_of(ana.get().text)
        for words in ("Lovely park.", "Which tone?", "Letters to a town.", "Page 1 of 3", "Good", "Bad: It complains."):
            assert words in shown
        assert "Word for word" not in shown  # what a model is told, and people are not
        ana.answer(q0_answer="0")
        ben.answer(q0_answer="0")
        ben.answer(q0_answer="1")
        again = Room(served.room.design, SeatEngine(), served.registry, served.room.table, folder)
        assert [len(again.answered(coder)) for coder in ("ana", "ben")] == [1, 2]  # as after a new start
        assert "A hole in the road." in ana.get().text
        assert "Bad smell &lt;b&gt;here" in ben.get().text
        for coder, codes in ((ana, "10"), (ben, "1")):
            for code in codes:
                coder.answer(q0_answer=code)
        run = served.run()
    assert run.state == "complete"
    assert len(run.took(">=", 0)) == 6  # seconds are known of pages, and of no rule
    codes = (
        run.table()
        .filter(pl.col("coder") != "rule")
        .select("subject", "coder", "answer")
        .sort("coder", "subject")
        .rows()
    )
    assert codes == [
        *[("l1", "ana", 0), ("l2", "ana", 1), ("l3", "ana", 0)],
        *[("l1", "ben", 0), ("l2", "ben", 1), ("l3", "ben", 1)],
    ]
    told = findings(run, only=["coder-agreement"]).sections[0].table.rows
    assert [row[:3] for row in told] == [("tone", "all", 3), ("tone", "people", 2)]
    assert [answer["document"] for answer in given(folder, "ben")["answers"]] == ["l1", "l2", "l3"]
    assert forget(folder, "ben") == 3
    assert set(Run(folder).table()["coder"]) == {"ana", "rule"}
    assert given(folder, "ana")["answers"][0]["shown"].endswith("Options:\n- Good\n- Bad")


def test_a_coder_who_leaves_keeps_nobody_waiting(letters, tmp_path):
    with open_room(load_study(letters), letters, tmp_path / "run") as served:
        ana, ben = Visitor(served.address), Visitor(served.address)
        for coder in (ana, ben):
            coder.agree()
        ana.answer(q0_answer="0")
        ana.get("/leave")
        ana.send("/leave")
        for _ in range(3):
            ben.answer(q0_answer="1")
        run = served.run()
    assert run.table().filter(coder="ana").sort("subject")["status"].to_list() == ["valid", "left"]
    assert run.table().filter(coder="ben").height == 3


def test_what_has_no_page_is_refused_only_where_people_are_asked_it(letters):
    letters.write_text(letters.read_text().replace('questions = ["tone"]', ""))
    with pytest.raises(DesignError, match="item 'where' of form 'spans' has no page"):
        sitting(load_study(letters), letters, is_test=True)
    letters.write_text(letters.read_text().replace("[coding]", '[coding]\ncoders = { ana = { questions = ["tone"] } }'))
    letters.write_text(letters.read_text().replace('ben = "seat"', 'ben = "scripted:uniform"'))
    assert sitting(load_study(letters), letters, is_test=True).design.subjects == ("ana",)
