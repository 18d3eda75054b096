"""Groups: what stands first gives nothing away, and what was planted in members is found again."""

import pytest

from proband.analyses import groups
from proband.batteries.battery import BATTERIES, Setting
from proband.models.scripted import ScriptedEngine, first
from proband.runs import collect

SETTING = Setting(seed=3)


def shares(section) -> dict[str, float]:
    return {str(row[0]): float(row[1].value) for row in section.table.rows}


def test_a_habit_of_taking_what_stands_first_does_not_look_like_a_hidden_profile(tmp_path):
    design = BATTERIES.load("hidden-profile").design(SETTING)
    (section,) = groups.sections(collect(design, ScriptedEngine(first(), seed=1), tmp_path / "run"))
    found = shares(section)
    assert [found[f"{name}"] for name in ("alone, each knows a part", "each knows everything")] == [0.5, 0.5]
    assert found["told: what nobody else knows"] == pytest.approx(1 / 3)
