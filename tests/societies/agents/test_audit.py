"""The audit counts what was planted, and no more."""

from proband.instruments.items import Item
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.societies.agents.audit import AWARE, Audited, audit
from proband.societies.agents.minds import PARTS
from tests.societies.agents.test_minds import PEOPLE
from tests.societies.agents.village import Village, lived


def counts(rows):
    return {(row.principle, row.what): (row.n, row.of) for row in rows}


def by_principle(rows):
    return {row.principle: (row.n, row.of) for row in reversed(rows)}


def wrote(text, society=0, **condition):
    request = Request(messages=(Message("user", AWARE.text),), max_tokens=9)
    place = Place(subject=f"{society}.0", item=AWARE.id, condition=tuple(condition.items()))
    trial = Trial(place=place, request=request, reply=Reply(form="text", method="written"))
    return trial, Response(place=place, request=request.hash, status="valid", answer=text)


def test_a_society_with_everything_and_one_with_nothing():
    given, watched = lived(Village({"importance": 5}, n=4, rounds=3, people=PEOPLE), lambda trial: None)
    found = by_principle(audit(given, [watched.state], hypothesis=["market"], has_people=True))
    # Names are part of a profile. In round 1 nobody has heard of anybody; the market is offered in every turn.
    assert found["profile"] == (4, 4)
    assert found["interaction"] == found["memory"] == (8, 12)
    assert found["minimal control"] == (12, 12)
    assert found["realism"] == (1, 1)
    bare = {"importance": 5, "parts": [part for part in PARTS if part not in ("memory", "profile")]}
    given, watched = lived(Village(bare, n=4, rounds=3), lambda trial: None)
    rows = audit(given, [watched.state], hypothesis=["conformity"])
    assert by_principle(rows)["interaction"] == by_principle(rows)["memory"] == (0, 12)
    assert by_principle(rows)["minimal control"] == (0, 12)
    assert [row.example for row in rows] == [""] * 7


def test_who_names_the_study_is_counted_beside_the_twin():
    given, watched = lived(Village({"importance": 5}, n=1, rounds=1), lambda trial: None)
    answers = [wrote("It is about social conformity, as in Asch."), wrote("No idea.")]
    twin = [wrote("About apples."), wrote("About pears.")]
    answers += [wrote("It is about Asch.", arm="fruit"), wrote("About pears.", arm="fruit")]
    rows = audit([*given, *answers], [watched.state], hypothesis=["Asch", "social conformity"], twin=twin)
    assert counts(rows)["unawareness", "answers that name the study"] == (1, 2)
    assert counts(rows)["unawareness", "answers that name the study, in the twin"] == (0, 2)
    assert counts(rows)["unawareness", "answers that name the study, in the arm 'fruit'"] == (1, 2)
    assert rows[4].example.startswith("It is about")


def test_a_share_of_nothing_is_none():
    assert Audited(principle="memory", what="turns", n=0, of=0).share is None
    assert Audited(principle="memory", what="turns", n=1, of=4).share == 0.25
    assert isinstance(AWARE, Item)
