import pytest

from proband.errors import DataError
from proband.texts.gold.adjudication import adjudicate
from proband.texts.gold.tables import Question

QUESTIONS = {"area": Question(id="area", codes=("economic", "social", "none"))}


def rows(**codes):
    """``d0="economic social"``: what anna, ben, ... said."""
    names = ("anna", "ben", "cem")
    return [
        {"document": d, "coder": names[k], "item": "area", "code": code}
        for d, said in codes.items()
        for k, code in enumerate(said.split())
    ]


def settle(codes, decided=(), **more):
    return adjudicate(codes, decided, QUESTIONS, lambda d: f"text of\n{d}", **more)


def test_a_majority_is_no_gold():
    found = settle(rows(d0="economic economic social", d1="none none none"))
    assert [(row["document"], row["how"]) for row in found.agreed] == [("d1", "unanimous")]
    assert found.n_open == 1
    assert found.decisions[0]["codes"] == "anna=economic; ben=economic; cem=social"
    assert found.decisions[0]["text"] == "text of d0"


def test_a_decision_makes_gold():
    codes = rows(d0="economic social")
    found = settle(codes, [{"document": "d0", "item": "area", "code": "Social"}])
    assert [(row["code"], row["how"]) for row in found.agreed] == [("social", "adjudicated")]
    assert found.n_open == 0


def test_what_one_person_coded_is_said_to_be_so_and_can_be_too_little():
    codes = rows(d0="economic", d1="none none")
    assert [row["how"] for row in settle(codes).agreed] == ["single", "unanimous"]
    assert [row["document"] for row in settle(codes, fewest=2).agreed] == ["d1"]


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        ([("d0", "econ")], "'econ' is no code of 'area'"),
        ([("d9", "social")], "nobody coded 'area' of document 'd9'"),
        ([("d0", "social"), ("d0", "none")], "two decisions on 'area' of document 'd0'"),
    ],
)
def test_decisions_that_do_not_fit_are_refused(decision, says):
    decided = [{"document": d, "item": "area", "code": code} for d, code in decision]
    with pytest.raises(DataError, match=says):
        settle(rows(d0="economic social"), decided)


def test_agreement_is_told_side_by_side():
    codes = rows(**{f"d{k}": "economic economic" if k % 3 else "social none" for k in range(30)})
    told = settle(codes).agreement["area"]
    assert round(told["raw"].value, 3) == round(20 / 30, 3)
    assert told["alpha"].value < told["raw"].value


def test_a_disagreement_that_went_away_before_anybody_decided_waits_for_nobody():
    open_row = [{"document": d, "item": "area", "code": ""} for d in ("d0", "d9")]
    found = settle(rows(d0="social social"), open_row)
    assert [(row["how"], row["code"]) for row in found.agreed] == [("unanimous", "social")]
    assert not found.decisions


@pytest.mark.parametrize(("code", "says"), [("socail", "'socail' is no code of 'area'"), ("", "'area' has no code")])
def test_codes_that_were_edited_into_none_are_refused(code, says):
    held = [{"document": "d0", "coder": "anna", "item": "area", "code": code}]
    with pytest.raises(DataError, match=rf"codes\.csv, document 'd0', anna: {says}"):
        settle(held)
