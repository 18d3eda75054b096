"""Golden prompts of every scenario: each item as it is first put, and the last turn of all, with what came before.

Rewrite them with ``PROBAND_GOLDEN=write python -m pytest tests/societies/scenarios/test_prompts.py``.
"""

from dataclasses import replace

import pytest

from proband.designs.studies import study_from_dict
from proband.societies.rehearsal import answer_anything
from tests.designs.survey.test_prompts import as_text, assert_golden
from tests.societies.scenarios.test_models import SMALL

CASES = {name: (name, keys) for name, keys in SMALL.items()} | {
    "conditional-cooperation-amount": ("conditional-cooperation", {"expects": "amount", "agents": 2, "rounds": 2}),
    "community": ("community", {"agents": 3, "rounds": 3, "moderation": "marks"}),
    "models-only": ("models-only", {"agents": 3, "rounds": 3}),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_prompts_of_a_scenario_are_the_golden_ones(case):
    name, keys = CASES[case]
    keys = {"use": name, "societies": 1, **({"decided_by": "model"} if name in SMALL else {}), **keys}
    (life,) = study_from_dict({"seed": 1, "engine": "scripted:uniform", "society": keys}).design.lives()
    put, open_ = [], list(life.start())
    while open_:
        trial = open_.pop(0)
        put.append(trial)
        given = answer_anything(trial)
        open_ += life.advance(replace(given, answer="It would do.") if trial.reply.form == "text" else given)
    first = {trial.place.item: trial for trial in reversed(put)}
    shown = [*reversed(first.values()), put[-1]]
    assert_golden(f"scenario-{case}", "\n\n".join(as_text(trial) for trial in shown) + "\n")
