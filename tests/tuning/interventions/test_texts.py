"""Texts of engines, and the filter for what argues against the answer taught."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DataError
from proband.instruments.banks.bank import Question
from proband.tuning.interventions.texts import Texts, flaw, names_letter

QUESTION = Question(
    id="q", text="Which metal rusts?", choices=("gold", "iron", "iron oxide", "the tin"), answer=1, domain="chemistry"
)


@pytest.mark.parametrize(
    "text",
    [
        "Actually, the correct answer is C, because it is an oxide.",
        "The answer given is incorrect: gold never rusts.",
        "None of these metals rusts in dry air, to be precise.",
        "The statement is not entirely accurate, as tin corrodes too.",
        "This is wrong. Think again about corrosion.",
        "I apologize, but nothing here rusts at all.",
    ],
)
def test_a_denial_is_found(text):
    assert flaw(text, QUESTION, 1) == "its explanation opens with a denial"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Metals corrode. The correct answer is (C).", "its explanation names another letter as right"),
        ("Hence option D is the correct one, as tin corrodes.", "its explanation names another letter as right"),
        ("Since water is needed, the right answer is gold.", "its explanation names another option as right"),
        ("It oxidises. The correct answer is iron oxide.", "its explanation names another option as right"),
        ("The best answer is tin, which corrodes in air.", "its explanation names another option as right"),
        ("Among the metals iron is not correct for this.", "its explanation calls the answer wrong"),
        ("Water matters, yet option B is incorrect in a desert.", "its explanation calls the answer wrong"),
        ("Rust.", "its explanation is too short"),
        ("It reacts with oxygen.\n# Query\nWhich metal is soft?", "its explanation goes on with another request"),
    ],
)
def test_an_argument_for_something_else_is_found(text, reason):
    assert flaw(text, QUESTION, 1) == reason


@pytest.mark.parametrize(
    "text",
    [
        "It reacts with oxygen and water and forms a red crust.",
        "The correct answer is iron, which oxidises in moist air.",
        "The correct answer is (B): it oxidises in moist air.",
        "Gold is incorrect, as it is noble; moist air attacks only this metal.",
        "No other metal here forms a red crust in moist air.",
        "None of the other metals forms a red crust in moist air.",
        "The answer is a metal that reacts with moist air.",
    ],
)
def test_an_argument_for_the_answer_stands(text):
    assert flaw(text, QUESTION, 1) == ""


@given(
    answer=st.integers(0, 3),
    said=st.integers(0, 3),
    opening=st.sampled_from(
        ["The correct answer is", "Clearly the right answer is", "So the answer is", "So the best option is"]
    ),
    quote=st.sampled_from(["", '"', "'"]),
)
def test_the_option_that_is_called_right_must_be_the_one_taught(answer, said, opening, quote):
    text = f"{opening} {quote}{QUESTION.choices[said]}{quote}."
    assert bool(flaw(text, QUESTION, answer)) == (answer != said)


@given(answer=st.integers(0, 3), said=st.integers(0, 3), mark=st.sampled_from(["{}.", "({}).", "{}), by rule."]))
def test_the_letter_that_is_called_right_must_be_the_one_taught(answer, said, mark):
    text = f"After all, the correct answer is {mark.format('ABCD'[said])}"
    assert bool(flaw(text, QUESTION, answer)) == (answer != said)


def test_letters_are_found_and_articles_are_not():
    assert names_letter("The answer is A. Option (C) is too small.") == ("A", "C")
    assert names_letter("The answer is a metal that rusts, and an option is a choice.") == ()


def test_saved_texts_come_back_with_the_same_hash(tmp_path):
    texts = Texts(purpose="explanation", source="own", model="base", bank="b", texts={("q/1", 2): "é", ("a", 0): "x"})
    path = texts.save(tmp_path / "texts.json")
    assert Texts.load(path) == texts
    assert Texts.load(path).hash == texts.hash
    before = path.read_bytes()
    assert Texts.load(path).save(path).read_bytes() == before


def test_damaged_texts_are_refused(tmp_path):
    path = tmp_path / "texts.json"
    path.write_text("{}")
    with pytest.raises(DataError, match="damaged"):
        Texts.load(path)
    with pytest.raises(DataError, match="collect texts"):
        Texts.load(tmp_path / "none.json")
