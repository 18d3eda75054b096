"""Interviews go on where they were killed, follow their guide, and hear everybody in a group."""

import subprocess
import sys
from pathlib import Path

import pytest

from proband import Study, carry_out
from proband.analyses.section import ANALYSES
from proband.designs.seated import seated
from proband.interviews.guide import Guide, Topic, asked_by, is_repeated, taken_up
from proband.interviews.transcripts import courses
from proband.models.scripted import ScriptedEngine
from proband.runs import Run
from tests.conftest import made_up
from tests.designs.survey.test_prompts import as_text, assert_golden
from tests.interviews.scripts import QUESTIONS, by_line, held, saying, training

ROOT = Path(__file__).parents[2]
ANSWERS = {
    "s0": ["I bake bread at night. The flour dust gets everywhere.", "My brother helps on Sundays.", "I do not know."],
    "s1": ["I drive a tram.", "An old friend, who also drives.", "A pension would be good."],
}
GUIDE = Guide(
    topics=(
        Topic(name="work", questions=("Tell me about your work.",)),
        Topic(name="people", questions=("Whom do you work with?",), probes=0),
    ),
    opening="Welcome.",
    turns=4,
)


def test_an_interview_of_twelve_turns_killed_in_turn_seven_resumes_the_same(tmp_path):
    whole = carry_out(Study(training(), dict.fromkeys(("interviewer", "interviewee"), by_line())), tmp_path / "whole")
    folder = tmp_path / "torn"
    # Of the seventh turn the question is answered, and what answers it is killed.
    command = [sys.executable, "-m", "tests.interviews.dying", str(folder), "14"]
    died = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert died.returncode == 9, died.stderr
    torn = Run(folder)
    assert len(torn.responses()) == 13
    (course,) = courses(torn).values()
    assert (len(course.turns), len(course.said)) == (7, 6)
    run = carry_out(Study(training(), dict.fromkeys(("interviewer", "interviewee"), by_line())), folder)
    (course,) = courses(run).values()
    assert (run.is_complete, len(course.turns)) == (True, 12)
    assert (run.path / "responses.parquet").read_bytes() == (whole.path / "responses.parquet").read_bytes()


def test_an_interviewer_by_rule_probes_in_the_words_of_the_answer_and_keeps_to_its_guide():
    design = training(witness=None, guide=GUIDE, population=made_up(1), persona="none")
    course, _ = held(design, {"s0": ANSWERS["s0"]})
    assert [turn.text for turn in course.turns] == [
        "Welcome. Tell me about your work.",
        'You spoke of "the flour dust". What was that like?',
        "Whom do you work with?",
    ]
    assert [turn.topic for turn in course.turns] == ["work", "work", "people"]
    assert (course.left, course.is_over) == ([], True)


def test_a_topic_whose_words_are_used_up_is_probed_no_more():
    short = Guide(topics=(Topic(name="work", questions=("Tell me about your work.",), words=5),), turns=4)
    course, _ = held(training(witness=None, guide=short, population=made_up(1)), {"s0": ANSWERS["s0"]})
    assert len(course.turns) == 1
    assert course.words["work"] == 10


def test_in_a_group_everybody_is_asked_hears_the_others_and_another_one_begins_each_time():
    design = training(witness=None, guide=GUIDE, group=2, population=made_up(2))
    course, trials = held(design, ANSWERS)
    assert [trial.place.subject for trial in trials if trial.place.item == "reply"][:4] == ["s0", "s1", "s1", "s0"]
    assert course.turns[1].text.startswith("Participant 1, you spoke of")
    second = next(trial for trial in trials if trial.place.subject == "s1" and trial.place.round == 1)
    assert ANSWERS["s0"][0] in second.request.messages[-1].text
    assert ANSWERS["s0"][0] in second.card.before
    assert {member.unit for member in design.roster()} == {"interview-0001"}
    assert_golden("interview-group", "\n\n".join(as_text(trial) for trial in trials[:6]) + "\n")


def test_the_prompts_of_two_are_the_golden_ones():
    design = training(witness=None, guide=GUIDE, population=made_up(1), persona="third", purpose="It is about work.")
    _, trials = held(design, {"s0": ANSWERS["s0"]})
    assert_golden("interview-two", "\n\n".join(as_text(trial) for trial in trials) + "\n")


def test_people_can_take_either_part_at_pages():
    design = training()
    trial = next(iter(seated(design, {"interviewer"}, 1).processes())).start()[0]
    assert (trial.card.text, trial.answerer) == ("What do you say next?", "interviewer")
    assert "0001-interviewee" in seated(training(), {"interviewee"}, 1).subjects[0]


@pytest.mark.parametrize("last", ["END", "Thank you. END", "END.", "end"])
def test_an_interviewer_who_writes_end_has_finished(last, tmp_path):
    cast = {"interviewer": saying([QUESTIONS[0], last]), "interviewee": by_line()}
    run = carry_out(Study(training(), cast), tmp_path / "run")
    (course,) = courses(run).values()
    assert (run.is_complete, len(course.turns), course.left) == (True, 1, [QUESTIONS[1]])


def test_an_interviewer_who_says_nothing_has_not_finished_and_is_told(tmp_path):
    cast = {"interviewer": saying([QUESTIONS[0], ""]), "interviewee": by_line()}
    run = carry_out(Study(training(), cast), tmp_path / "run")
    sections = {section.name: section for section in ANALYSES.load("interviews").sections(run)}
    assert sections["interviews-coverage"].warnings == ("1 interviews ended because whoever asks said nothing",)


def test_a_call_that_failed_is_mended_before_the_interview_goes_on(tmp_path):
    silent = ScriptedEngine(lambda trial: "Tell me more.", seed=1, fail=1.0, address="scripted:x")
    stalled = carry_out(Study(training(), {"interviewer": silent, "interviewee": by_line()}), tmp_path / "run")
    assert stalled.state == "stalled"
    assert "this turn failed" in next(iter(stalled.stalled.values()))
    assert courses(stalled) == {}


def test_what_is_taken_up_stands_in_the_answer_and_was_not_used_before():
    answer = "I drive the night bus, and I like the quiet streets."
    first = taken_up(answer, [])
    assert first in answer
    assert taken_up(answer, ["drive", "night", "bus"]) == "the quiet streets"
    assert taken_up("Yes, I do.", []) == ""


@pytest.mark.parametrize(
    "questions",
    [
        ("What happened?", "What happened then?", "What happened then to you?"),
        ("Erzählen Sie von Ihrer Arbeit.", "Ihre Abende, bitte.", "晚上你做什么？"),
    ],
    ids=["one within the other", "other languages"],
)
def test_by_rule_no_question_is_asked_twice_or_left_out(questions):
    guide = Guide(topics=(Topic(name="t", questions=questions, probes=0),), turns=6)
    course, _ = held(training(witness=None, guide=guide, population=made_up(1)), {"s0": ["Ja."] * 6})
    assert tuple(turn.text for turn in course.turns) == questions
    assert course.is_over


def test_a_question_counts_as_asked_in_other_words_and_a_repeated_turn_is_seen():
    guide = Guide(topics=(Topic(name="t", questions=("How do you get to your work every morning?",)),))
    assert asked_by("And how do you get to work in the morning?", guide)
    assert asked_by("What do you eat at noon?", guide) is None
    assert asked_by("I get to work early. Every morning is different, and you do your best.", guide) is None
    assert is_repeated("Tell me about the bus.", ["So, tell me about the bus!"])
    assert not is_repeated("Tell me about the bus.", ["Tell me about the boat."])
