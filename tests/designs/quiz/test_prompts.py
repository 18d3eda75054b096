"""Prompts as they are sent; the golden ones are rewritten with PROBAND_GOLDEN=write."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs.quiz.prompts import PROMPTS, Prompt, continuations, pose, reply_to
from proband.errors import DesignError
from proband.instruments.banks.bank import Question
from tests.designs.quiz.questions import capitals

GOLDEN = Path(__file__).parents[2] / "prompts"
QUESTION = capitals(1, start=13)[0]


def posed_text(posed):
    parts = [f"[{'raw' if posed.is_raw else m.role}]\n{m.text}" for m in posed.messages]
    parts += [f"[continuation] {text!r}" for text in posed.continuations]
    return "\n".join(parts)


def assert_golden(name, text):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("PROBAND_GOLDEN") == "write":
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("name", PROMPTS)
def test_every_preset_is_the_golden_one(name):
    prompt = PROMPTS[name]
    posed = pose(QUESTION, prompt, exemplars=capitals(prompt.shots))
    reply = reply_to(QUESTION, prompt, QUESTION.answer, explanation=QUESTION.explanation)
    assert_golden(f"quiz-{name}", f"{posed_text(posed)}\n[taught] {reply!r}\n")


def test_few_shot_turns_and_chats_are_the_golden_ones():
    shown = []
    for template in ("turns", "chat"):
        prompt = replace(PROMPTS[template], shots=2, system="Be brief.")
        posed = pose(QUESTION, prompt, exemplars=capitals(2), order=(1, 2, 3, 0), context="Cities are large.")
        shown.append(f"=== {template}\n{posed_text(posed)}")
    assert_golden("quiz-few-shot-roles", "\n\n".join(shown) + "\n")


@pytest.mark.parametrize("name", PROMPTS)
@given(order=st.permutations(range(4)), answer=st.integers(0, 3), explanation=st.sampled_from(["", "Because."]))
@settings(max_examples=10)
def test_what_is_taught_begins_with_what_is_scored(name, order, answer, explanation):
    prompt = PROMPTS[name]
    scored = continuations(QUESTION, prompt, order=order)
    reply = reply_to(QUESTION, prompt, answer, order=order, explanation=explanation)
    assert reply.startswith(scored[order.index(answer)])


def test_a_posed_question_ends_without_white_space_and_its_answer_begins_with_it():
    for prompt in PROMPTS.values():
        posed = pose(QUESTION, prompt, exemplars=capitals(prompt.shots))
        assert posed.messages[-1].text == posed.messages[-1].text.rstrip()
        assert all(text.startswith(" ") == posed.is_raw for text in posed.continuations)


def test_an_order_moves_the_options_and_not_the_labels():
    posed = pose(QUESTION, PROMPTS["zero-shot"], order=(2, 3, 0, 1))
    lines = posed.messages[0].text.splitlines()
    assert lines[3:7] == [f"{label}. {QUESTION.choices[k]}" for label, k in zip("ABCD", (2, 3, 0, 1), strict=True)]
    assert reply_to(QUESTION, PROMPTS["zero-shot"], 2, order=(2, 3, 0, 1)).startswith(" A. ")


def test_the_end_is_scored_only_where_one_option_begins_another():
    tens = Question(id="n", text="How many?", choices=("1", "10", "7"), answer=1, domain="sums")
    zero, few = PROMPTS["zero-shot-text"], PROMPTS["few-shot-text"]
    assert (pose(tens, zero).continuations, pose(tens, zero).closes) == ((" 1", " 10", " 7"), True)
    posed = pose(tens, few, exemplars=capitals(5))
    assert (posed.continuations, posed.closes) == ((" 1\n\n", " 10\n\n", " 7\n\n"), False)
    assert not pose(QUESTION, zero).closes
    assert not pose(tens, PROMPTS["zero-shot"]).closes


def test_the_question_stands_behind_its_context():
    text = pose(QUESTION, PROMPTS["zero-shot"], context="Cities are large.").messages[0].text
    assert text.index("Please choose") < text.index("Cities are large.\n\n") < text.index(QUESTION.text)


def test_braces_in_a_question_are_left_alone():
    odd = replace(QUESTION, text="What is {label} in {domain}?", choices=("{text}", "{0}", "{{}}", "x"))
    text = pose(odd, PROMPTS["zero-shot"]).messages[0].text
    assert "What is {label} in {domain}?\nA. {text}\nB. {0}\nC. {{}}\nD. x" in text


def test_a_refusal_is_taught_in_place_of_an_answer():
    assert reply_to(QUESTION, PROMPTS["turns"], 0, refusal="I don't know.") == " I don't know."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"template": "vicuna"}, "none of plain, chat, turns"),
        ({"shots": 0, "draws": 2}, "would all be the same"),
        ({"choosing": "ren2024", "draws": 2}, "would all be the same"),
        ({"shows_options": False}, "labels are scored that are not shown"),
        ({"option": "- {text}"}, "labels are scored that are not shown"),
        ({"answer_by": "option_text", "shows_options": False, "orders": "cyclic"}, "no order to rotate"),
        ({"cue": ""}, "give a cue"),
        ({"cue": "Answer: "}, "belongs to `gap`"),
        ({"answer": "The answer is {label}"}, "must begin with"),
        ({"labels": ("A", "A", "B", "C")}, "two labels"),
        ({"stem": "What?"}, "must hold {question}"),
        ({"shots": -1}, "0 or more shots"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes, words):
    with pytest.raises(DesignError, match=words):
        Prompt(name="odd", **changes)


def test_a_question_that_does_not_fit_its_prompt_is_refused():
    with pytest.raises(DesignError, match="2 labels"):
        pose(QUESTION, replace(PROMPTS["zero-shot"], labels=("A", "B")))
    with pytest.raises(DesignError, match="given 2 exemplars"):
        pose(QUESTION, PROMPTS["few-shot"], exemplars=capitals(2))
    with pytest.raises(DesignError, match="is no order"):
        pose(QUESTION, PROMPTS["zero-shot"], order=(0, 0, 1, 2))
    with pytest.raises(DesignError, match="4 is no index"):
        reply_to(QUESTION, PROMPTS["zero-shot"], 4)
