import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DesignError, EngineError
from proband.estimates import Estimate
from proband.records import Completion, Message, Place, Reply, Request, Response

names = st.text(min_size=1, max_size=12)


@given(names, names, st.dictionaries(names, names, max_size=3), st.integers(0, 50), st.integers(0, 9))
def test_a_place_survives_being_written_as_its_id(subject, item, condition, round_, replicate):
    place = Place(
        subject=subject, item=item, condition=tuple(sorted(condition.items())), round=round_, replicate=replicate
    )
    assert Place.from_id(place.id) == place


def ask(text="Vote?", **fields):
    return Request(messages=(Message("user", text),), **fields)


def test_what_is_sent_decides_the_hash_and_nothing_else_does():
    assert ask(continuations=("a", "b")).hash == ask(continuations=("a", "b")).hash
    assert ask(continuations=("a", "b")).hash != ask(continuations=("b", "a")).hash
    assert ask(continuations=("a", "b")).hash == ask(continuations=("a", "b"), temperature=1.0).hash
    assert ask(max_tokens=5, seed=1).hash != ask(max_tokens=5, seed=2).hash


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "  ", "max_tokens": 1}, "empty prompt"),
        ({"continuations": ("a", "a")}, "same continuation twice"),
        ({"continuations": ("a", " ")}, "empty continuation"),
        ({}, "needs at least 1"),
        ({"max_tokens": 1, "temperature": -1.0}, "out of range"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(fields, words):
    with pytest.raises(DesignError, match=words):
        ask(**fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"options": ("x", "y"), "order": (0, 0)}, "not a permutation"),
        ({"options": ("x", "y"), "order": (1, 0), "labels": ("A", "a ")}, "collide"),
        ({"options": ("x", "y"), "order": (1, 0), "labels": ("A",)}, "1 labels for 2 options"),
        ({"form": "text"}, "no options to score"),
    ],
)
def test_a_reply_that_cannot_be_read_is_refused(fields, words):
    with pytest.raises(DesignError, match=words):
        Reply(**{"form": "choice", "method": "label", **fields})


def test_a_raw_request_is_one_text_and_another_treatment():
    message = Message("user", "2 + 2 =")
    chat = Request(messages=(message,), continuations=(" 4", " 5"))
    raw = Request(messages=(message,), continuations=(" 4", " 5"), is_raw=True)
    assert raw.hash != chat.hash
    assert json.loads(raw.body) == json.loads(chat.body) | {"raw": True}
    written = Request(messages=(message,), max_tokens=3, is_raw=True)
    assert json.loads(written.body)["raw"] is True
    with pytest.raises(DesignError, match="one text, sent as it stands; 2 messages"):
        Request(messages=(Message("system", "Add."), message), max_tokens=3, is_raw=True)


def test_requests_that_are_not_raw_keep_the_hash_they_had_before_there_were_raw_ones():
    chat = Request(messages=(Message("user", "2 + 2 ="),), continuations=("4", "5"))
    assert chat.body == '{"closes":false,"continuations":["4","5"],"messages":[["user","2 + 2 ="]]}'
    assert Request(messages=chat.messages, continuations=("4", "5"), is_raw=False).hash == chat.hash


def test_a_completion_holds_exactly_one_thing():
    with pytest.raises(EngineError, match="exactly one"):
        Completion(text="a", error="b")
    with pytest.raises(EngineError, match="exactly one"):
        Completion()
    with pytest.raises(EngineError, match="at most 0"):
        Completion(log_probs=(0.5, -1.0))
    with pytest.raises(EngineError, match="stand beside an answer"):
        Completion(text="a", probs=(0.5, 0.5))
    with pytest.raises(EngineError, match="sum to 1"):
        Completion(given=(0, "valid"), probs=(0.5, 0.6))


def test_only_a_valid_response_has_an_answer():
    place = Place(subject="s", item="i")
    assert Response(place=place, request="h", status="valid", answer=0).answer == 0
    for status, answer in (("failed", 1), ("valid", None), ("refused", "no")):
        with pytest.raises(DesignError, match="does not go with"):
            Response(place=place, request="h", status=status, answer=answer)


def test_an_undefined_estimate_says_why():
    with pytest.raises(DesignError, match="needs its reason"):
        Estimate(value=math.nan, estimand="alpha", target="model", n_units=1)
    undefined = Estimate(value=math.nan, estimand="alpha", target="model", n_units=1, warnings=("one item",))
    assert undefined.as_dict()["value"] is None


def test_an_estimate_is_a_number_with_its_interval():
    estimate = Estimate(value=0.25, estimand="share", target="model", n_units=4, interval=(0.1, 0.4))
    assert (float(estimate), round(estimate, 1), str(estimate)) == (0.25, 0.2, "0.250 [0.100, 0.400]")
    with pytest.raises(DesignError, match="wrong way round"):
        Estimate(value=0.25, estimand="share", target="model", n_units=4, interval=(0.4, 0.1))
