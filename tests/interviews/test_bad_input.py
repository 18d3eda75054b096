"""What cannot be an interview is refused before anybody is asked, with what is wrong and the way out."""

import tomllib
from pathlib import Path

import pytest

from proband import load_study, plan
from proband.addresses import open_engine
from proband.designs.studies import study_from_dict
from proband.errors import DesignError, EngineError
from tests.conftest import made_up
from tests.interviews.scripts import training

EXAMPLE = (Path(__file__).parents[2] / "examples" / "interview.toml").read_text(encoding="utf-8")
FACT = '\n[[interview.witness.facts]]\nname = "{name}"\ntext = "{text}"\nopens = "{opens}"\n{words}\n'
SCRIPT = 'interviewee = "scripted:line"'


def fact(opens, *words, name="new", text="Somebody waved."):
    return EXAMPLE + FACT.format(name=name, text=text, opens=opens, words=f"words = {list(words)}" if words else "")


WRONG = {
    "topic 'empty' has no question; add questions": EXAMPLE.replace(
        "[interview.witness]", '[[interview.topics]]\nname = "empty"\n\n[interview.witness]'
    ),
    "topic 'the people' is there twice": EXAMPLE.replace("afterwards", "the people"),
    "has a question without words": EXAMPLE.replace("Where did you go then?", "..."),
    "the question 'what happened after that' is there twice": EXAMPLE.replace(
        "Where did you go then?", "What happened, after that?"
    ),
    "probes = -1; write 0 or more": EXAMPLE.replace("probes = 2", "probes = -1", 1),
    "a budget of 0 words": EXAMPLE.replace("probes = 2", "words = 0", 1),
    "only {words} is filled in": EXAMPLE.replace("turns = 20", 'probes = ["What of {word}?"]'),
    "probes is empty, and topics are probed": EXAMPLE.replace("turns = 20", "probes = []"),
    "interview.interviews is 0; write 1 to": EXAMPLE.replace("turns = 20", "interviews = 0"),
    "5 turns for 6 questions that must be asked": EXAMPLE.replace("turns = 20", "turns = 5"),
    "interview.turns is 500": EXAMPLE.replace("turns = 20", "turns = 500"),
    "no question opens fact 'new': it is cued by 'dragon', which the witness never says": fact("cue", "dragon"),
    "no question opens fact 'new': it has no words": fact("question"),
    "fact 'new': its word 'what' is too short or too common": fact("question", "pond", "what"),
    "an open invitation needs no words": fact("open", "stall"),
    "fact 'boy' is there twice": fact("open", name="boy"),
    "has no name or no text": fact("open", text=" "),
    "suggestible is 1.5; it is a probability": EXAMPLE.replace("suggestible = 0.5", "suggestible = 1.5"),
    "truth is known only while it keeps to its script": EXAMPLE.replace(SCRIPT, 'interviewee = "smollm2"'),
    "there is no script; add [interview.witness]": EXAMPLE.partition("[interview.witness]")[0],
    "a witness in a group": EXAMPLE.replace("turns = 20", "turns = 20\ngroup = 3"),
    "interview.group is 0; write 1 to": EXAMPLE.replace("turns = 20", "turns = 20\ngroup = 0"),
    "no key 'interview.topic'": EXAMPLE.replace("turns = 20", 'turns = 20\ntopic = "x"'),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_with_a_guide_or_a_witness_is_said(message):
    text = WRONG[message]
    assert text != EXAMPLE
    with pytest.raises(DesignError) as refused:
        study_from_dict(tomllib.loads(text), where="interview.toml")
    assert message in str(refused.value)


def test_facts_that_cue_each_other_and_that_nothing_else_cues_are_both_named():
    text = fact("cue", "pond", text="There was a duck.") + FACT.format(
        name="other", text="It was in the pond.", opens="cue", words='words = ["duck"]'
    )
    with pytest.raises(DesignError, match=r"(?s)fact 'new'.*fact 'other'"):
        study_from_dict(tomllib.loads(text), where="interview.toml")


def test_people_who_are_left_over_from_groups_are_not_left_out():
    with pytest.raises(DesignError, match=r"7 people in groups of 3 leave 1 over; sample 6"):
        training(witness=None, group=3, population=made_up(7))
    with pytest.raises(DesignError, match=r"beside \[population\]"):
        training(population=made_up(3))


def test_a_guide_that_leads_is_told_in_the_plan(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(EXAMPLE.replace("Where did you go then?", "You went home, didn't you?"))
    assert any("reads as leading" in note for note in plan(load_study(path)).notes)


def test_nobody_plays_by_line_where_there_is_none(survey):
    with pytest.raises(EngineError, match="there is nothing for this one"):
        open_engine("scripted:line").check(survey.preview()[:1])
