"""Golden prompts: a changed word is a changed treatment, and shows in the diff.

Rewrite them with ``PROBAND_GOLDEN=write python -m pytest tests/designs/survey/test_prompts.py``.
"""

import os
from pathlib import Path

import pytest

from proband.addresses import open_engine
from proband.designs import PrisonersDilemma, Survey
from proband.instruments import Instrument, Item
from proband.records import Place, Response, Trial

GOLDEN = Path(__file__).parents[2] / "prompts"
SCALE = ("Disagree", "Neither", "Agree")
ITEMS = (
    Item(id="choice", text="Whom do you vote for?", form="choice", options=("Ada", "Bob", "Cleo")),
    Item(id="grid-1", stem="How much do you agree?", text="I like maps.", form="scale", options=SCALE),
    Item(id="grid-2", stem="How much do you agree?", text="I like trains.", form="scale", options=SCALE),
    Item(id="multiple", text="Which have you read?", form="multiple", options=("Emma", "Ulysses")),
    Item(id="number", text="How many days?", form="number", lower=0, upper=7, unit="days"),
    Item(id="allocation", text="Share it.", form="allocation", options=("you", "other"), total=10, unit="euros"),
    Item(id="ranking", text="Order these.", form="ranking", options=("tea", "coffee", "milk")),
    Item(id="text", text="Tell me more.", form="text"),
)
SETTINGS = {
    "option-text-first-person": {"answer_by": "option_text", "persona": "first"},
    "label-third-person": {"answer_by": "label", "persona": "third"},
    "written-nobody-numbers": {"answer_by": "written", "persona": "none", "labels": "numbers"},
    "verbalised-battery": {"answer_by": "verbalised", "presentation": "battery"},
}


def as_text(trial: Trial) -> str:
    parts = [f"=== {trial.id}"]
    parts += [f"[{message.role}]\n{message.text}" for message in trial.request.messages]
    parts += [f"[premise] {text}" for text in trial.request.premises]
    parts += [f"[continuation] {text}" for text in trial.request.continuations]
    return "\n".join(parts)


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("PROBAND_GOLDEN") == "write":
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("name", SETTINGS)
def test_survey_prompts_are_the_golden_ones(name, people):
    instrument = Instrument(id="all", title="every form", items=ITEMS, preamble="Please answer every question.")
    survey = Survey(instrument=instrument, subjects=people(1), seed=1, **SETTINGS[name])
    assert_golden(name, "\n\n".join(as_text(trial) for trial in survey.trials({})) + "\n")


def test_conversation_prompts_are_the_golden_ones(people):
    instrument = Instrument(id="two", title="two", items=ITEMS[:2])
    survey = Survey(instrument=instrument, subjects=people(1), seed=1, presentation="sequential")
    said = {"s0/choice//0/0": Response(place=Place(subject="s0", item="choice"), request="r", status="valid", answer=1)}
    assert_golden("sequential", "\n\n".join(as_text(trial) for trial in survey.trials(said)) + "\n")


def test_game_prompts_are_the_golden_ones():
    game = PrisonersDilemma(matches=1, rounds=3, seed=1)
    moves = {
        trial.id: Response(place=trial.place, request="r", status="valid", answer=k)
        for k, trial in enumerate(game.trials({}))
    }
    assert_golden("prisoners-dilemma", "\n\n".join(as_text(trial) for trial in game.trials(moves)) + "\n")


@pytest.mark.model
def test_what_the_embedded_model_receives_is_the_golden_text(people):
    instrument = Instrument(id="all", title="every form", items=ITEMS)
    survey = Survey(instrument=instrument, subjects=people(1), seed=1)
    engine = open_engine("smollm2")
    shown = [f"=== {trial.id}\n{engine.render(trial)}" for trial in survey.trials({})]
    assert_golden("embedded", "\n\n".join(shown) + "\n")
