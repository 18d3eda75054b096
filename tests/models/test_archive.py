"""People and past runs are engines; what they do not hold never becomes data."""

import math

import pytest

from proband.errors import DataError, EngineError
from proband.models.archive import PeopleEngine, ReplayEngine
from proband.models.engine import BaseEngine
from proband.records import Message, Place, Reply, Request, Response, Trial

ANSWERS = {"vote": {"r1": (0, "valid"), "r2": (None, "refused")}, "age": {"r1": (41.0, "valid")}}


def trial(subject="r1", item="vote", text="Whom?", replicate=0):
    return Trial(
        place=Place(subject=subject, item=item, replicate=replicate),
        request=Request(messages=(Message("user", text),), max_tokens=5),
        reply=Reply(form="text", method="written"),
    )


def people():
    return PeopleEngine(ANSWERS, name="anes", source="anes96.csv")


def response(one, **fields):
    return Response(place=one.place, request=one.request.hash, engine="smollm2", **fields)


def only(engine, one):
    [(_, completion)] = engine.answer([one])
    return completion


def replay(*responses):
    return ReplayEngine({r.place.id: r for r in responses}, address="replay:runs/a")


def test_both_are_engines():
    assert isinstance(people(), BaseEngine)
    assert isinstance(replay(), BaseEngine)


def test_people_answer_as_the_data_say():
    assert only(people(), trial()).given == (0, "valid")
    assert only(people(), trial("r2")).given == (None, "refused")


@pytest.mark.parametrize("one", [trial("r3"), trial("r2", "age"), trial("r1", "sex"), trial(replicate=1)])
def test_what_nobody_was_asked_is_an_error_and_no_answer(one):
    assert not people().holds(one)
    completion = only(people(), one)
    assert completion.given is None
    assert completion.error.startswith("not asked: subject")
    with pytest.raises(EngineError, match=r"1 of 2 trials were never asked.*`holds`"):
        people().check([trial(), one])


def test_an_answer_that_contradicts_its_status_is_refused():
    with pytest.raises(DataError, match="item 'vote', subject 'r1': answer None does not go with status 'valid'"):
        PeopleEngine({"vote": {"r1": (None, "valid")}}, name="x", source="x.csv")


def test_the_fingerprint_of_people_does_not_depend_on_the_order_of_rows():
    turned = {item: dict(reversed(column.items())) for item, column in reversed(ANSWERS.items())}
    other = PeopleEngine(turned, name="anes", source="anes96.csv")
    assert other.fingerprint() == people().fingerprint()
    changed = ANSWERS | {"age": {"r1": (42.0, "valid")}}
    assert PeopleEngine(changed, name="a", source="anes96.csv").fingerprint() != people().fingerprint()


def test_a_past_run_gives_back_text_scores_answers_and_failures_as_stored():
    trials = [trial(f"r{k}") for k in range(5)]
    stored = [
        response(trials[0], status="valid", answer="B", text="I say B", prompt_tokens=9),
        response(trials[1], status="truncated", text="I sa", attempts=2),
        response(
            trials[2], status="valid", answer=0, log_probs=(-0.1, -math.inf), token_counts=(1, 2), probs=(1.0, 0.0)
        ),
        response(trials[3], status="failed", error="HTTP 500"),
        response(trials[4], status="dont_know"),
    ]
    engine = replay(*stored)
    engine.check(trials)
    got = [completion for _, completion in engine.answer(trials)]
    assert (got[0].text, got[0].finish, got[0].prompt_tokens) == ("I say B", "stop", 9)
    assert (got[1].text, got[1].finish, got[1].attempts) == ("I sa", "length", 2)
    assert (got[2].log_probs, got[2].token_counts) == ((-0.1, -math.inf), (1, 2))
    assert got[3].error == "HTTP 500"
    assert got[4].given == (None, "dont_know")


def test_an_edited_treatment_is_not_replayed_and_its_item_is_named():
    engine = replay(response(trial(), status="valid", answer="x", text="x"))
    edited = trial(text="Whom now?")
    assert "item 'vote' was asked otherwise" in only(engine, edited).error
    with pytest.raises(EngineError, match=r"1 of 1 trials cannot be replayed: item 'vote'"):
        engine.check([edited])


def test_a_place_the_run_does_not_hold_is_named():
    completion = only(replay(), trial())
    assert completion.error == "no response of subject 'r1' to item 'vote' at r1/vote//0/0 in replay:runs/a"


def test_a_replay_says_who_had_answered():
    found = replay(response(trial(), status="refused", text="No.")).fingerprint()
    assert (found["answered_by"], found["n_responses"]) == ("smollm2", "1")


def test_probabilities_beside_an_answer_come_back_as_stored():
    sure = response(trial(), status="valid", answer=0, probs=(0.25, 0.75))
    completion = only(replay(sure), trial())
    assert (completion.given, completion.probs) == ((0, "valid"), (0.25, 0.75))
    assert replay(sure).fingerprint() != replay(response(trial(), status="valid", answer=0)).fingerprint()
