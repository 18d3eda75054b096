"""The researcher sees who is where, acts, and shares nothing with participants."""

import json
import re

from tests.web.seat.conftest import POT
from tests.web.seat.seat_visitors import Visitor


def researcher(served):
    visitor = Visitor(served.address)
    visitor.get(f"/researcher/?key={served.key}")
    return visitor


def looked(visitor):
    return json.loads(visitor.request("GET", "/researcher/people.json").text)


def test_who_is_where_and_for_how_long(room):
    served = room(seat='attention = { vote = "Bo" }')
    for answer in ("1", "0"):
        visitor = Visitor(served.address)
        visitor.agree()
        visitor.answer(q0_answer=answer)
    me = researcher(served)
    assert "2 of 4 seats were taken, 2 active." in me.page.text
    people = looked(me)["people"]
    assert [(one["subject"], one["item"], one["answered"], one["attention"]) for one in people] == [
        ("001", "trust", 1, "1 of 1"), ("002", "trust", 1, "0 of 1"),
    ]  # fmt: skip


def test_looking_is_no_sign_of_those_looked_at_and_finishes_nobody(room):
    served = room(seat="away_s = 100", ticks=False)
    now = [0.0]
    served.room.clock = lambda: now[0]
    visitor = Visitor(served.address)
    visitor.agree()
    now[0] = 101
    me = researcher(served)
    assert looked(me)["people"][0]["silent_s"] == 101
    served.room.tick()
    assert visitor.shown["state"] == "left"


def test_acts_are_done_and_kept(room):
    served = room(seat="page_s = 60", ticks=False)
    visitor = Visitor(served.address)
    visitor.agree()
    me = researcher(served)
    me.send("/researcher/act", what="message", number="1", message="Hello <b>there</b>")
    assert "Hello &lt;b&gt;there&lt;/b&gt;" in visitor.get().text
    me.send("/researcher/act", what="extend", number="1")
    assert visitor.shown["left_s"] > 60
    me.send("/researcher/act", what="end", number="1")
    assert visitor.shown["state"] == "left"
    me.send("/researcher/act", what="close")
    run = served.run()
    assert run.manifest["closed"]["rule"] == "by hand"
    assert [act["what"] for act in looked(me)["acts"]] == ["message", "extended", "ended", "closed"]


def test_a_new_link_opens_the_same_page_and_the_one_before_opens_nothing(room):
    served = room()
    visitor = Visitor(served.address)
    visitor.agree()
    visitor.answer(q0_answer="0")
    me = researcher(served)
    page = me.send("/researcher/act", what="link", number="1")
    (key,) = re.findall(r"/page\?key=([0-9a-f]{32})", page.text)
    assert visitor.get().status == 403
    again = Visitor(served.address)
    again.get(f"/page?key={key}")
    assert "Most people can be trusted." in again.page.text
    again.answer(q0_answer="1")
    assert looked(me)["people"][0]["answered"] == 2
    assert key not in me.get("/researcher/").text
    assert [act["what"] for act in looked(me)["acts"]] == ["link replaced"]


def test_times_by_page(room):
    served = room()
    now = [0.0]
    served.room.clock = lambda: now[0]
    for seconds in (3, 5, 40):
        visitor = Visitor(served.address)
        visitor.agree()
        now[0] += seconds
        visitor.answer(q0_answer="0")
    assert looked(researcher(served))["pages"] == [{"item": "vote", "answered": 3, "median_s": 5.0, "longest_s": 40.0}]


def test_closing_ends_it_for_those_who_are_in_the_middle(room):
    served = room()
    visitor = Visitor(served.address)
    visitor.agree()
    visitor.answer(q0_answer="0")
    page = visitor.page
    researcher(served).send("/researcher/act", what="close")
    assert "the study was closed" in visitor.answer(page, q0_answer="1").text
    run = served.run()
    assert run.dispositions() == {"valid": 1}
    assert run.manifest["closed"]["left"] == 1


def test_a_participant_does_not_come_in_and_a_link_of_the_researcher_opens_once(room):
    served = room()
    visitor = Visitor(served.address)
    visitor.agree()
    assert visitor.get("/researcher/").status == 403
    me = researcher(served)
    assert me.page.status == 200
    assert me.get("/page").status == 403
    again = Visitor(served.address)
    assert again.get(f"/researcher/?key={served.key}").status == 403
    assert me.cookies.keys().isdisjoint(visitor.cookies)


def test_what_people_write_shows_as_text(room):
    served = room(text=OPEN, seat="back = true")
    visitor = Visitor(served.address)
    visitor.agree()
    visitor.answer(q0_answer="<script>alert(1)</script>")
    page = visitor.get("/earlier").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


OPEN = """
title = "Open"
seed = 1
[instrument]
id = "open"
title = "Open"
items = [{ id = "a", text = "Say something.", form = "text" }, { id = "b", text = "And more.", form = "text" }]
[population]
use = "seats:2"
[survey]
persona = "none"
"""


def test_pairs_that_wait_are_shown_with_whom_they_wait_for(room):
    served = room(text=POT)
    first, second = Visitor(served.address), Visitor(served.address)
    first.agree()
    me = researcher(served)
    (pair,) = looked(me)["waiting"]
    assert (len(pair["waiting"]), pair["for"], pair["not_here"]) == (1, [], 1)
    second.agree()
    assert looked(me)["waiting"] == []
    first.get()
    first.answer(q0_answer="3")
    (pair,) = looked(me)["waiting"]
    assert (len(pair["waiting"]), len(pair["for"]), pair["not_here"]) == (1, 1, 0)
    assert "Who waits for whom" in me.get("/researcher/").text
