"""Golden prompts of batteries of psychology: an item of every scale, and a block of every task, as they are put.

Rewrite them with ``PROBAND_GOLDEN=write python -m pytest tests/batteries/test_prompts.py``.
"""

import pytest

from proband.batteries.asked import asked
from proband.batteries.battery import BATTERIES, Setting
from proband.records import Response, Trial
from tests.designs.survey.test_prompts import as_text, assert_golden

ITEMS = (
    *("alternative-uses", "base-rates", "causal", "conjunction", "digit-matrices", "distress", "false-belief"),
    *("gambles", "impression-management", "letter-strings", "need-for-cognition", "property-induction"),
    *("semantic-illusions", "syllogisms", "trait-shaping", "trait-texts", "values", "wason"),
)
SETTING = Setting(seed=1, is_quick=True)


def test_prompts_of_batteries_of_items_are_the_golden_ones():
    shown = []
    for name in ITEMS:
        survey = asked(BATTERIES.load(name), SETTING)
        first = {next(iter(scale.items)) for scale in survey.instrument.scales} or {survey.instrument.items[0].id}
        trials = [trial for trial in survey.trials({}) if trial.place.item in first]
        one = {trial.place.item: trial for trial in reversed(trials)}  # in the first of all contexts
        shown += [f"## {name}\n\n{as_text(one[item.id])}" for item in survey.instrument.items if item.id in one]
    assert_golden("battery-psychology", "\n\n".join(shown) + "\n")


@pytest.mark.parametrize("name", ["horizon", "two-step"])
def test_prompts_of_a_task_are_the_golden_ones(name):
    steps = BATTERIES.load(name).design(SETTING).block(1)
    put: list[Trial] = [next(steps)]
    for _ in range(3):
        trial = put[-1]
        taken = Response(place=trial.place, request="r", status="valid", answer=0)
        put.append(steps.send({trial: taken}))
    assert_golden(f"battery-{name}", "\n\n".join(map(as_text, put)) + "\n")
