"""What thinking agents are sent, word for word: every question of every theory; see ``tests/prompts``."""

import pytest

from proband.societies.agents.theory import THEORIES
from tests.designs.survey.test_prompts import as_text, assert_golden
from tests.societies.agents.test_minds import PEOPLE
from tests.societies.agents.test_theories import CELL, SETTINGS
from tests.societies.agents.village import Village, lived

WRITTEN = {
    "plan": "9:00 breakfast\n10:00 market",
    "reason": "The market is far, but Ann is there.",
    "questions": "1. Who goes to the market?",
    "insights": "People are busy (because of 1)",
    "argument": "3 * 4",
}
EVERYTHING = {"tools": ["calculator", "calendar"], "calls": 1, "reflect_above": 5.0, "background": "You live in Hill."}


def prompts(keys):
    """The last time that each item was asked of the first agent or of nobody alone: then it remembers most."""
    world = Village(keys, n=2, rounds=4, people=PEOPLE, scene=lambda state, k: CELL | {"others": ("P0",)})
    given, _ = lived(world, lambda trial: WRITTEN.get(trial.place.item))
    last = {trial.place.item: trial for trial, _ in given if trial.place.subject != "0.1"}
    return "\n\n".join(as_text(trial) for _, trial in sorted(last.items())) + "\n"


@pytest.mark.parametrize("name", list(THEORIES))
def test_prompts_of_a_theory_are_the_golden_ones(name):
    keys = {"importance": 5, "theory": name, "settings": SETTINGS.get(name, {})}
    assert_golden(f"minds-{name}", prompts(keys))


def test_prompts_of_memory_and_tools_are_the_golden_ones():
    assert_golden("minds", prompts(EVERYTHING))
