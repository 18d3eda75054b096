"""A training's score is what counting by hand gives, because the witness's truth is known."""

import pytest

from proband import Study, carry_out
from proband.analyses.section import ANALYSES
from proband.interviews.scoring import advice, score_of
from proband.interviews.transcripts import courses
from proband.interviews.turns import turn_of
from proband.interviews.witness import Fact, Witness
from proband.reports import findings
from tests.interviews.scripts import STORY, by_line, held, saying, training

TURNS = {
    "Hello, and thank you for coming.": ("social", ""),
    "Tell me everything that happened that day.": ("open", ""),  # the story
    "What happened then?": ("open", "bag"),
    "You said there was shouting. Tell me about the shouting.": ("cued", "shouting"),
    "What colour was his jacket?": ("directive", "jacket"),
    "It was a knife that he had, wasn't it?": ("leading", ""),
    "He had a knife, didn't he?": ("leading", ""),  # the same once more
    "A woman cried out, didn't she?": ("leading", ""),  # which is so: nothing is planted, and nothing found
    "Was it raining?": ("option_posing", ""),
    "Who was there, and at what time was that?": ("stacked", "time"),
    "Tell me about the bridge.": ("open", "boy"),  # the witness has not used that word yet
}
ASKER = "interview-0001-interviewer"


def test_the_score_is_what_counting_by_hand_gives():
    course, _ = held(training(), {ASKER: [*TURNS, "END"]})
    assert [turn.turned.kind for turn in course.turns] == [kind for kind, _ in TURNS.values()]
    found = {turn.text: name for name, turn in course.facts.items()}
    assert found == {text: fact for text, (_, fact) in TURNS.items() if fact}
    score = score_of(course)
    assert (score.found, score.n_facts, score.planted) == (5, 6, 1)
    assert score.open_share == pytest.approx(4 / 10)  # of eleven turns, one of which asks nothing
    assert (score.asked, score.n_questions) == (1, 2)  # five in eight words of the first question
    assert course.is_over


def test_a_word_is_a_cue_once_the_witness_has_used_it():
    lines = ["What happened?", "What then?", "And then?", "Tell me about the bridge.", "END"]
    course, _ = held(training(), {ASKER: lines})
    assert list(course.facts) == ["bag", "boy", "bridge"]
    assert course.facts["bridge"].turned.kind == "cued"


@pytest.mark.parametrize("asked", ["He had a knife, didn't he?", "It was 7 o'clock, wasn't it?"])
@pytest.mark.parametrize(("suggestible", "planted"), [(0.0, 0), (1.0, 1)])
def test_nothing_is_planted_in_who_is_not_suggestible(suggestible, planted, asked):
    course, _ = held(training(suggestible=suggestible), {ASKER: [asked, "END"]})
    assert score_of(course).planted == planted


def test_a_script_of_several_lines_is_found_as_one_of_one_line_is(tmp_path):
    facts = (Fact(name="boat", text="A boat drifted.\nIt was empty.\n", opens="open"),)
    design = training(witness=Witness(facts=facts, story="\nI sat at the lake. "))
    cast = {"interviewer": saying(["What happened?", "What happened then?"]), "interviewee": by_line()}
    (course,) = courses(carry_out(Study(design, cast), tmp_path / "run")).values()
    assert [said.text for said in course.said] == ["I sat at the lake.", facts[0].text.strip()]
    assert score_of(course).found == 1


def test_what_stands_in_no_script_counts_for_no_fact_and_is_told(tmp_path):
    cast = {"interviewer": saying([*TURNS][1:3]), "interviewee": saying([STORY, "A woman cried out."])}
    run = carry_out(Study(training(), cast), tmp_path / "run")
    score = next(iter(ANALYSES.load("interviews").sections(run)))
    assert score.table.rows[0][1] == 0
    assert score.warnings == ("1 answers are not of the witness's script, so no fact counts in them; was it edited?",)


def test_the_witness_gives_in_as_often_as_stated_and_the_draw_depends_on_the_place_alone():
    turn = held(training(), {ASKER: ["He had a knife, didn't he?", "END"]})[0].turns[0]

    def planted(suggestible):
        witness = training(suggestible=suggestible).witness
        given = {"own": (), "told": (), "has_begun": False}
        return {k for k in range(1000) if witness.answers(turn, **given, place=(3, "suggestible", k)).planted}

    few, many = planted(0.3), planted(0.7)
    assert few < many  # who gives in easily has given in wherever another did
    assert abs(len(few) - 300) < 60
    assert abs(len(many) - 700) < 60


def test_advice_names_what_was_asked_badly_and_what_was_left():
    told = "\n".join(advice(held(training(), {ASKER: [*TURNS, "END"]})[0]))
    assert "3 leading (6: “It was a knife that he had, wasn't it?”" in told
    assert "an invitation that takes up the witness's own word (“bridge”)" in told
    assert "40% of what you asked was an invitation" in told


def test_a_run_tells_the_score_first_and_a_trainee_hears_the_kind_of_each_turn(tmp_path):
    design = training()
    run = carry_out(Study(design, {"interviewer": saying(list(TURNS)), "interviewee": by_line()}), tmp_path / "run")
    assert run.is_complete
    sections = {section.name: section for section in ANALYSES.load("interviews").sections(run)}
    score = sections["interviews-score"]
    assert score.sentences[0] == "Facts found: 5 of 6; false facts planted: 1; open turns: 40%."
    assert score.table.rows[0][1:4] == (5, 6, 1)
    assert "Planted on turn 6" in sections["interviews-facts"].sentences[0]
    assert findings(run).sections[0].name == "interviews-score"
    _, trials = held(design, {ASKER: [*TURNS, "END"]})
    asked = [trial for trial in trials if trial.place.item == "question"]
    assert "[Your last turn was leading" in asked[6].card.before
    assert all("[Your last turn" not in message.text for trial in asked for message in trial.request.messages)


def test_by_rule_every_question_of_the_guide_is_asked_and_nothing_is_led():
    course, _ = held(training(turns=20), {})
    assert not course.left
    kinds = score_of(course).kinds
    assert not kinds["leading"] + kinds["stacked"] + kinds["option_posing"]
    assert score_of(course).repeated == 0
    assert set(course.facts) == {"bag", "boy", "shouting", "bridge"}  # what no direct question opens
    assert all(turn_of(question).kind in ("open", "directive") for question in course.guide.questions)
