"""People take a survey: every form, errors beside the field, and where they land."""

import pytest

from proband.runs import Run
from tests.web.seat.seat_visitors import Visitor


def test_every_form_is_answered_and_stored_as_it_was_meant(arrived, tmp_path):
    arrived.answer(q0_answer="1")
    arrived.answer(q0_answer="2")
    arrived.answer(q0_answer=["0", "2"])
    arrived.answer(q0_answer="41,5")
    arrived.answer(**{"0-part0": "7", "0-part1": "3"})
    arrived.answer(**{"0-move": "down 0"})
    arrived.answer()
    arrived.answer(q0_answer="  Because.\r\nJust so. ")
    assert "come to the end" in arrived.page.text
    found = {response.place.item: response.answer for response in Run(tmp_path / "run").responses().values()}
    assert found == {
        "vote": 1, "trust": 2, "news": (0, 2), "age": 41.5, "money": (7.0, 3.0), "rank": (1, 0, 2),
        "why": "Because.\nJust so.",
    }  # fmt: skip


def test_an_offered_dont_know_is_no_answer_and_no_failure(arrived, tmp_path):
    arrived.answer(q0_answer="2")
    (response,) = Run(tmp_path / "run").responses().values()
    assert (response.status, response.answer, response.engine) == ("dont_know", None, "seat")


@pytest.mark.parametrize(
    ("skipped", "fields", "said"),
    [
        (0, {}, "Please choose one option."),
        (0, {"0-answer": "7"}, "Please choose one option."),
        (0, {"0-answer": ["0", "1"]}, "Please choose one option."),
        (2, {}, "Please choose what applies"),
        (2, {"0-answer": ["none", "0"]}, "does not go together"),
        (3, {"0-answer": "old"}, "Please write a number"),
        (3, {"0-answer": "17.9"}, "at least 18"),
        (3, {"0-answer": "100"}, "at most 99"),
        (4, {"0-part0": "7", "0-part1": "4"}, "add up to 11; they must add up to 10"),
        (4, {"0-part0": "11", "0-part1": "-1"}, "cannot be below 0"),
        (6, {"0-answer": " "}, "Please write something."),
        (6, {"0-answer": "x" * 10_001}, "has 10,001 characters; at most 10,000"),
    ],
)
def test_what_cannot_be_taken_is_said_beside_the_field_and_nothing_is_stored(arrived, tmp_path, skipped, fields, said):
    right = [{"0-answer": "0"}, {"0-answer": "0"}, {"0-answer": "none"}, {"0-answer": "20"},
             {"0-part0": "10"}, {}, {}]  # fmt: skip
    for each in right[:skipped]:
        arrived.answer(**each)
    page = arrived.answer(**fields)
    assert page.status == 422
    assert said in page.text
    assert 'aria-invalid="true"' in page.text
    assert 'class="error"' in page.text
    assert len(Run(tmp_path / "run").responses()) == skipped


def test_what_was_written_stands_in_the_form_that_comes_back(arrived):
    for _ in range(2):
        arrived.answer(q0_answer="0")
    arrived.answer(q0_answer="none")
    assert 'value="1000"' in arrived.answer(q0_answer="1000").text


def test_back_double_click_and_second_tab_land_on_the_current_page_and_the_first_answer_stands(arrived, tmp_path):
    first = arrived.page
    arrived.answer(first, q0_answer="0")
    again = arrived.answer(first, q0_answer="1")
    assert "Most people can be trusted" in again.text
    second_tab = Visitor(arrived.address)
    second_tab.cookies = dict(arrived.cookies)
    stale = second_tab.get()
    arrived.answer(q0_answer="2")
    assert "Which do you read?" in second_tab.answer(stale, q0_answer="0").text
    answers = {response.place.item: response.answer for response in Run(tmp_path / "run").responses().values()}
    assert answers == {"vote": 0, "trust": 2}


def test_a_form_of_another_seat_and_a_page_never_shown_change_nothing(room, tmp_path):
    served = room()
    one, other = Visitor(served.address), Visitor(served.address)
    page = one.agree()
    other.agree()
    foreign = other.send("/answer", page, q0_answer="1")  # with the form token of the other seat
    assert foreign.status == 403
    other.get()
    other.answer(page="0" * 24, q0_answer="1")
    assert "Whom would you choose?" in other.page.text
    assert not Run(tmp_path / "run").responses()


def test_the_personal_link_opens_ones_own_page_elsewhere_and_nobody_elses(arrived):
    arrived.answer(q0_answer="0")
    key = arrived.cookies["proband_seat"]
    assert len(key) == 32
    elsewhere = Visitor(arrived.address)
    elsewhere.get(f"/page?key={key}")
    assert "Most people can be trusted" in elsewhere.page.text
    stranger = Visitor(arrived.address)
    assert stranger.get("/page?key=" + "0" * 32).status == 403
    assert "unknown or used up" in stranger.page.text
    assert stranger.get("/page").status == 403


def test_agreeing_twice_by_a_double_click_is_one_seat(room):
    served = room()
    visitor = Visitor(served.address)
    form = visitor.get("/join")
    visitor.send("/agree", form)
    again = Visitor(served.address)
    again.send("/agree", form)
    assert len(served.registry.people) == 1
    assert again.cookies == visitor.cookies


def test_nothing_is_stored_before_somebody_agrees(room):
    served = room()
    Visitor(served.address).get("/join?PROLIFIC_PID=p1&other=2")
    assert not served.registry.people


def test_recruitment_parameters_are_kept_by_name_and_apart_from_the_answers(room, tmp_path):
    served = room()
    visitor = Visitor(served.address)
    visitor.get("/join?PROLIFIC_PID=pid-4711&other=2")
    visitor.send("/agree")
    visitor.answer(q0_answer="0")
    assert served.registry.people[0].ids == {"PROLIFIC_PID": "pid-4711"}
    assert (tmp_path / "run" / "seats.sqlite").stat().st_mode & 0o777 == 0o600
    others = [p for p in (tmp_path / "run").iterdir() if p.is_file() and not p.name.startswith("seats.sqlite")]
    assert not [path for path in others if b"pid-4711" in path.read_bytes()]


def test_all_seats_taken_is_said(room):
    served = room(seat="", text=SMALL)
    for _ in range(2):
        Visitor(served.address).agree()
    late = Visitor(served.address)
    assert "takes nobody any more" in late.agree().text


SMALL = """
title = "Two"
seed = 1
[instrument]
id = "two"
title = "Two"
items = [
  { id = "pet", text = "Do you have a pet?", form = "choice", options = ["Yes", "No"] },
  { id = "kind", text = "Which?", form = "text", ask_if = { item = "pet", options = ["Yes"] } },
  { id = "said", text = "You said {answer:kind}. Sure?", form = "choice", options = ["Yes", "No"] },
]
[population]
use = "seats:2"
[survey]
presentation = "sequential"
persona = "none"
"""


def test_questions_that_follow_from_answers_come_in_their_order_and_wait_for_nobody_else(room):
    served = room(text=SMALL)
    slow, quick = Visitor(served.address), Visitor(served.address)
    slow.agree()
    quick.agree()
    quick.answer(q0_answer=str(_option(quick, "Yes")))
    assert "Which?" in quick.page.text
    quick.answer(q0_answer="a <b>cat</b>")
    assert "You said a &lt;b&gt;cat&lt;/b&gt;. Sure?" in quick.page.text
    quick.answer(q0_answer="0")
    assert "come to the end" in quick.page.text
    slow.get()
    slow.answer(q0_answer=str(_option(slow, "No")))
    assert "come to the end" in slow.page.text


def _option(visitor, text):
    return visitor.shown["questions"][0]["options"].index(text)
