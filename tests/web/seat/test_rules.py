"""Who is admitted, who has left, who plays on, and how it all ends."""

import http.client
import time
from urllib.parse import urlsplit

import polars as pl
import pytest

from proband.analyses.plays import plays
from proband.designs.studies import load_study
from proband.errors import DesignError, EngineError, RunLocked, StoreError
from proband.records import Completion
from proband.reports import findings
from proband.runs import Run, collect
from proband.web.seat.running import sitting, take
from proband.web.seat.texts import languages, texts
from proband.web.serving import listener
from tests.web.seat.conftest import POT, SURVEY, text_of
from tests.web.seat.seat_visitors import Visitor, open_room

CODES = 'codes = { finished = "C-END", screened = "C-OUT", waited = "C-WAIT", withdrawn = "C-STOP", left = "C-LEFT" }\n'


def test_who_is_screened_out_gets_a_code_and_no_seat(room):
    served = room(seat=CODES + 'screen = [{ text = "Are you 18?", options = ["Yes", "No"], out = ["No"] }]')
    visitor = Visitor(served.address)
    assert "Please choose one option." in visitor.agree().text
    visitor.send("/agree", screen0="1")
    assert "looks for other participants" in visitor.page.text
    assert "C-OUT" in visitor.page.text
    assert not served.registry.people
    visitor.agree(screen0="0")
    assert "Whom would you choose?" in visitor.page.text


def test_questions_about_the_instructions_can_be_tried_again_and_then_turn_away(room):
    asked = 'comprehension = [{ text = "Who answers?", options = ["I", "A model"], right = "I", tries = 2 }]'
    served = room(seat=CODES + asked)
    one, other = Visitor(served.address), Visitor(served.address)
    one.agree()
    assert "Please answer for yourself." in one.page.text  # the instructions
    assert "That is not right" in one.answer(q0_answer="1").text
    assert "Whom would you choose?" in one.answer(q0_answer="0").text
    other.agree()
    other.answer(q0_answer="1")
    assert "C-OUT" in other.answer(q0_answer="1").text
    assert [person.state for person in served.registry.people] == ["active", "screened"]


def test_withdrawing_is_on_every_page_and_leaves_one_row_that_says_so(arrived, tmp_path):
    arrived.answer(q0_answer="0")
    assert 'href="/leave"' in arrived.page.text
    arrived.get("/leave")
    assert "You have stopped" in arrived.send("/leave").text
    assert "You have stopped" in arrived.get().text
    deadline = time.monotonic() + 10
    while len(found := Run(tmp_path / "run").responses()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [(r.place.item, r.status) for r in sorted(found.values(), key=lambda r: r.status)] == [
        ("trust", "left"), ("vote", "valid"),
    ]  # fmt: skip


def test_a_page_whose_time_is_over_was_left_unless_more_time_was_asked_for(room):
    served = room(seat=CODES + "page_s = 60", ticks=False)
    now = [0.0]
    served.room.clock = lambda: now[0]
    slow, quick = Visitor(served.address), Visitor(served.address)
    slow.agree()
    quick.agree()
    assert "You have 1 min for this page." in quick.page.text
    now[0] = 50
    quick.send("/more")
    now[0] = 61
    served.room.tick()
    assert slow.until("end")["state"] == "left"
    assert "C-LEFT" in slow.page.text
    assert quick.shown["where"] == "question"


def test_who_shows_no_sign_for_too_long_has_left(room):
    served = room(seat="away_s = 300", ticks=False)
    now = [0.0]
    served.room.clock = lambda: now[0]
    away, there = Visitor(served.address), Visitor(served.address)
    away.agree()
    there.agree()
    now[0] = 200
    there.get()
    now[0] = 301
    served.room.tick()
    assert away.shown["state"] == "left"
    assert there.shown["where"] == "question"
    assert [what for _, what, _, _ in served.registry.acts()] == ["left by rule"]


def test_time_that_is_the_treatment_cannot_be_extended(room):
    served = room(seat="page_s = 60\nmay_extend = false")
    visitor = Visitor(served.address)
    visitor.agree()
    assert "more time" not in visitor.page.text
    before = visitor.shown["left_s"]
    visitor.send("/more", visitor.get("/leave"))
    assert visitor.shown["left_s"] <= before


def test_not_answering_is_offered_where_the_study_says_so_and_is_no_failure(room, tmp_path):
    served = room(seat="may_refuse = true")
    visitor = Visitor(served.address)
    visitor.agree()
    assert "I prefer not to answer" in visitor.page.text
    visitor.answer(refuse="1")
    assert Run(tmp_path / "run").dispositions() == {"refused": 1}


def test_earlier_pages_are_shown_unchanged_where_the_study_says_so(room):
    served = room(seat="back = true")
    visitor = Visitor(served.address)
    visitor.agree()
    visitor.answer(q0_answer="1")
    page = text_of(visitor.get("/earlier").text)
    assert "Whom would you choose?" in page
    assert "Your answer: Bo" in page
    assert "<form" not in visitor.page.text


def test_a_group_begins_when_all_are_there_and_who_stops_waiting_frees_the_seat(room):
    served = room(text=POT, seat=CODES)
    first = Visitor(served.address)
    first.agree()
    assert "not here yet" in first.page.text
    first.get("/leave")
    assert "C-WAIT" in first.send("/leave").text
    second, third = Visitor(served.address), Visitor(served.address)
    second.agree()
    third.agree()
    assert third.shown["where"] == "question"
    assert second.shown["where"] == "question"
    assert [person.subject for person in served.registry.people] == ["", "match-0000-player-1", "match-0000-player-2"]


def test_a_waiting_page_is_told_when_it_goes_on_and_goes_on_without_script_too(room):
    served = room(text=POT)
    first, second = Visitor(served.address), Visitor(served.address)
    first.agree()
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in first.page.text
    parts = urlsplit(served.address)
    news = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    news.request("GET", "/news", headers={"Cookie": f"proband_seat={first.cookies['proband_seat']}"})
    answer = news.getresponse()
    assert answer.readline() == b"retry: 2000\n"
    second.agree()
    assert answer.read() == b"\ndata: go\n\ndata: over\n\n"
    news.close()
    assert "How much do you contribute?" in first.get().text


def test_a_match_ends_when_somebody_leaves_and_others_get_their_end(room, tmp_path):
    served = room(text=POT, seat=CODES)
    one, other = Visitor(served.address), Visitor(served.address)
    one.agree()
    other.agree()
    other.answer(q0_answer="4")
    one.get("/leave")
    one.send("/leave")
    assert other.until("end")["state"] == "finished"
    found = Run(tmp_path / "run").responses().values()
    assert sorted((r.place.round, r.status) for r in found if r.engine == "seat") == [(1, "left"), (1, "valid")]


def test_a_match_that_somebody_left_counts_nowhere_where_the_study_drops_it(room, tmp_path):
    served = room(text=POT, seat='leaving = "drop"')
    visitors = [Visitor(served.address) for _ in range(4)]
    for visitor in visitors:
        visitor.agree()
    for visitor in visitors[:2]:  # the first match is left in its second round
        visitor.until("question")
        visitor.answer(q0_answer="4")
    visitors[0].until("question")
    visitors[0].get("/leave")
    visitors[0].send("/leave")
    for visitor in visitors[2:]:
        visitor.until("question")
        visitor.answer(q0_answer="10")
    visitors[1].until("question")
    visitors[1].answer(q0_answer="4")
    assert visitors[1].until("end")["state"] == "finished"
    assert "Somebody of your group has left" in visitors[1].page.text
    visitors[2].until("question")
    served.room.close("by hand")
    assert "Somebody of your group has left" not in visitors[2].get().text
    run = served.run()
    assert run.manifest["closed"]["dropped"] == "match-0000"
    assert run.dispositions()["left"] == 1
    assert set(plays(run).players["unit"]) == {"match-0001"}
    told = str(findings(run, only=["games"]).as_dict())
    assert "Matches that were dropped because somebody left, and count nowhere here: 1." in told


def test_an_engine_plays_on_where_the_study_says_so_and_rows_name_it(room, tmp_path):
    served = room(text=POT, seat='leaving = "scripted:always?option=7"')
    one, other = Visitor(served.address), Visitor(served.address)
    one.agree()
    other.agree()
    other.answer(q0_answer="4")
    one.get("/leave")
    one.send("/leave")
    other.until("question")
    other.answer(q0_answer="6")
    other.until("end")
    stored = [r for r in Run(tmp_path / "run").responses().values() if r.place.subject.startswith("match-0000")]
    rows = {(r.place.subject[-1], r.place.round): (r.engine, r.answer, r.status) for r in stored}
    assert rows["1", 1] == rows["1", 2] == ("scripted:always?option=7", 7.0, "valid")
    assert rows["2", 1] == ("seat", 4.0, "valid")


def test_a_run_is_closed_by_its_quota_and_says_how_many_finished(room):
    served = room(seat="quota = 1")
    one, late = Visitor(served.address), Visitor(served.address)
    one.agree()
    for fields in ({"0-answer": "0"}, {"0-answer": "0"}, {"0-answer": "none"}, {"0-answer": "20"},
                   {"0-part0": "10"}, {}, {"0-answer": "x"}):  # fmt: skip
        one.answer(**fields)
    assert one.shown["state"] == "finished"
    run = served.run()
    assert run.is_complete
    assert run.manifest["closed"]["rule"] == "quota"
    assert run.manifest["closed"]["finished"] == 1
    assert "takes nobody any more" in late.get("/join").text


def test_nobody_is_told_that_something_is_saved_which_is_not(room):
    served = room()
    visitor = Visitor(served.address)
    visitor.agree()
    served.engine.fail(StoreError("the disk is full"))
    page = visitor.answer(q0_answer="0")
    assert page.status == 503
    assert "could not be saved" in page.text


def test_a_study_without_consent_or_contact_is_refused_before_the_first_page(study_file):
    path = study_file(seat="")
    with pytest.raises(DesignError, match=r"has no consent; people read what they agree to"):
        sitting(load_study(path), path)
    path = study_file(seat='consent = "Please take part."')
    with pytest.raises(DesignError, match="has no contact"):
        sitting(load_study(path), path)
    path = study_file(seat='consent = "Yes."\ncontact = "us"\nuntil = "tomorrow"')
    with pytest.raises(DesignError, match=r"seat\.until is 'tomorrow'"):
        sitting(load_study(path), path)
    path = study_file(seat='consent = "lost.md"\ncontact = "us"')
    with pytest.raises(DesignError, match=r"no file 'lost.md'"):
        sitting(load_study(path), path)


def test_a_study_in_which_people_take_no_part_is_refused(study_file):
    path = study_file(POT.replace('"seat"', '"scripted:uniform"'))
    with pytest.raises(DesignError, match="people take no part"):
        sitting(load_study(path), path, is_test=True)


def test_a_run_of_people_is_not_carried_out_without_pages(study_file, tmp_path):
    path = study_file(POT)
    with pytest.raises(EngineError, match="proband seat STUDY"):
        collect(load_study(path).design, load_study(path).cast, tmp_path / "run")


def test_two_servers_on_one_run_and_a_port_in_use_are_refused(room, study_file, tmp_path):
    room()
    path = tmp_path / "study.toml"
    sits = sitting(load_study(path), path, is_test=True)
    with pytest.raises(RunLocked):
        take(sits, tmp_path / "run", port=0)
    taken = listener(0)
    with pytest.raises(StoreError, match="is in use"):
        take(sits, tmp_path / "other", port=taken.getsockname()[1])
    taken.close()


def test_markdown_is_shown_and_html_in_it_is_text(room):
    served = room(seat="consent = '''# Welcome\n<script>alert(1)</script> [x](javascript:alert(1))'''")
    visitor = Visitor(served.address)
    page = visitor.get("/join").text
    assert "<h1>Welcome</h1>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "default-src 'none'" in visitor.headers["content-security-policy"]


def test_every_language_has_the_same_texts_with_the_same_gaps(room):
    import string

    def gaps(text):
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    usual = texts("en")
    assert languages() == ["ar", "de", "en", "es"]
    for language in languages():
        found = texts(language)
        assert found.keys() == usual.keys()
        assert {name: gaps(text) for name, text in found.items()} == {n: gaps(text) for n, text in usual.items()}


@pytest.mark.parametrize(("language", "mark", "said"), [("de", 'lang="de" dir="ltr"', "Weiter"),
                                                        ("ar", 'lang="ar" dir="rtl"', "متابعة")])  # fmt: skip
def test_pages_are_in_the_language_of_the_study_and_its_words_keep_theirs(room, language, mark, said):
    served = room(seat=f'language = "{language}"')
    visitor = Visitor(served.address)
    visitor.agree()
    assert f"<html {mark}>" in visitor.page.text
    assert said in visitor.page.text
    assert '<div lang="en" dir="ltr">' in visitor.page.text


def test_an_instruments_language_sets_that_of_the_pages(room):
    served = room(text=SURVEY.replace('title = "Forms"', 'title = "Forms"\nlanguage = "es"'))
    visitor = Visitor(served.address)
    assert "Estoy de acuerdo" in visitor.get("/join").text


def test_a_grid_is_one_page_and_every_statement_is_stored(room, tmp_path):
    grid = """
title = "Grid"
seed = 1
[instrument]
id = "grid"
title = "Grid"
defaults = { form = "scale", stem = "How far do you agree?", options = ["Not at all", "Somewhat", "Fully"] }
items = [{ id = "a", text = "I like tea." }, { id = "b", text = "I like milk." }]
[population]
use = "seats:2"
[survey]
presentation = "battery"
persona = "none"
order = "as_written"
"""
    served = room(text=grid)
    visitor = Visitor(served.address)
    visitor.agree()
    assert "I like tea." in visitor.page.text
    assert "I like milk." in visitor.page.text
    page = visitor.answer(q0_answer="2")
    assert page.status == 422
    visitor.answer(**{"0-answer": "2", "1-answer": "0"})
    assert "come to the end" in visitor.page.text
    answers = {r.place.item: r.answer for r in Run(tmp_path / "run").responses().values()}
    assert answers == {"a": 2, "b": 0}


def test_what_people_left_is_told_by_arm(room, tmp_path):
    served = room(seat="quota = 1")
    one = Visitor(served.address)
    one.agree()
    one.get("/leave")
    one.send("/leave")
    served.room.close("by hand")
    run = served.run()
    assert run.dispositions() == {"left": 1}
    assert run.table().filter(pl.col("status") == "left").height == 1


def test_leaving_is_one_row_however_often_it_is_looked_at(room, tmp_path):
    served = room(ticks=False)
    visitor = Visitor(served.address)
    visitor.agree()
    person = served.registry.people[0]
    served.room.leave(person, "withdrawn")
    for _ in range(200):
        served.room.tick()
    served.room.close("by hand")
    assert served.run().dispositions() == {"left": 1}


@pytest.mark.parametrize("text", [SURVEY.replace("seats:4", "seats:1"), POT.replace("matches = 2", "matches = 1")])
def test_who_had_answered_everything_comes_to_the_end_after_a_restart(study_file, tmp_path, text):
    path = study_file(text)
    with open_room(load_study(path), path, tmp_path / "run", ticks=False) as served:
        cookies = played_to_the_end(served, 1 if "seats:1" in text else 2)
        served.run()
    with open_room(load_study(path), path, tmp_path / "run", ticks=False) as again:
        for cookie in cookies:
            visitor = Visitor(again.address)
            visitor.cookies = cookie
            assert visitor.until("end")["state"] == "finished"


def played_to_the_end(served, n):
    """Visitors who have answered everything, and have not seen their end; their cookies."""
    visitors = [Visitor(served.address) for _ in range(n)]
    for visitor in visitors:
        visitor.agree()
    people = {person.subject: person for person in served.registry.people}
    deadline = time.monotonic() + 20
    while not served.engine.is_ended and time.monotonic() < deadline:
        for seat in list(served.engine.seats.values()):
            for trial in list(seat.open.values()):
                answers = {"number": 20.0, "text": "x", "allocation": (10.0, 0.0), "ranking": (0, 1, 2), "multiple": ()}
                served.engine.give(trial.id, Completion(given=(answers.get(trial.reply.form, 0), "valid")))
        time.sleep(0.01)
    assert [person.state for person in people.values()] == ["active"] * n
    return [visitor.cookies for visitor in visitors]
