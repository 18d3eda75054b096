"""The engine of seats: answers count when they are stored, the first one stands, and those who wait are told."""

import pytest

from proband.errors import EngineError
from proband.instruments.reading import read
from proband.models.seats import SeatEngine
from proband.records import Completion, Message, Place, Reply, Request, Trial


def trial(subject, item="tea"):
    return Trial(
        place=Place(subject=subject, item=item),
        request=Request(messages=(Message("user", "Tea?"),), max_tokens=5),
        reply=Reply(form="choice", method="written", options=("yes", "no"), order=(0, 1)),
    )


@pytest.fixture
def engine():
    made = SeatEngine(is_served=True)
    list(made.answer([trial("a"), trial("b")]))
    made.committed((), ())
    return made


def test_a_page_goes_on_when_the_answer_is_stored_and_not_before(engine):
    asked = trial("a")
    future = engine.give(asked.id, Completion(given=(0, "valid")))
    assert engine.news(0)
    ((_, completion),) = engine.answer([asked, trial("b")])
    assert not future.done()
    assert engine.is_giving("a")
    response = read(completion, asked, engine.address)
    engine.committed([response], ["a"])
    assert future.result(0) == response
    assert engine.seats["a"].is_over
    assert not engine.seats["b"].is_over


def test_the_first_answer_stands(engine):
    first = engine.give(trial("a").id, Completion(given=(0, "valid")))
    assert engine.give(trial("a").id, Completion(given=(1, "valid"))) is first
    ((_, completion),) = engine.answer([trial("a")])
    assert completion.given == (0, "valid")


def test_what_is_not_open_is_refused(engine):
    with pytest.raises(EngineError, match="is not open"):
        engine.give(trial("c").id, Completion(given=(0, "valid")))


def test_who_waits_for_an_answer_to_be_stored_is_told_that_it_was_not(engine):
    future = engine.give(trial("a").id, Completion(given=(0, "valid")))
    engine.fail(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        future.result(0)
    with pytest.raises(EngineError, match="nothing can be stored: disk full"):
        engine.give(trial("b").id, Completion(given=(0, "valid")))


def test_changes_are_told_by_subject(engine):
    told = []
    engine.told = told.append
    list(engine.answer([trial("a"), trial("b"), trial("a", "cake")]))
    assert told == [{"a"}]


def test_nobody_waits_for_people_whom_nobody_shows_a_page():
    with pytest.raises(EngineError, match="proband seat STUDY"):
        SeatEngine().check([trial("a")])


def test_a_row_names_who_answered_in_somebodys_place():
    answered = Completion(given=(0, "valid"), by="scripted:x")
    assert read(answered, trial("a"), "seat").engine == "scripted:x"
    assert read(Completion(given=(0, "valid")), trial("a"), "seat").engine == "seat"
