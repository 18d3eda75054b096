"""Bundles of stories: all eight have to be right."""

import pytest

from proband.analyses import bundles
from proband.batteries.asked import asked
from proband.batteries.battery import BATTERIES, Setting
from proband.errors import DataError
from proband.models.scripted import ScriptedEngine
from proband.runs import collect


def test_an_engine_that_names_the_label_has_no_whole_bundle(tmp_path):
    design = asked(BATTERIES.load("false-belief"), Setting(seed=1, is_quick=True))
    items = design.instrument.items

    def knows(trial):
        return items[[item.id for item in items].index(trial.place.item)].codes

    def names_the_label(trial):
        """The old place, or the label, whatever is known."""
        item = items[[item.id for item in items].index(trial.place.item)]
        false = any(version in item.id for version in ("-unseen", "-away", "-honest", "-unmoved"))
        return item.codes if false else [1 - code for code in item.codes]

    for name, rule, whole in (("knows", knows, 1.0), ("label", names_the_label, 0.0)):
        run = collect(design, ScriptedEngine(rule, address=f"scripted:{name}"), tmp_path / name)
        (section,) = bundles.sections(run)
        assert [float(row[1]) for row in section.table.rows] == [whole, whole]
        singles = [row[3] for row in section.table.rows]
        assert singles == ([1.0, 1.0] if name == "knows" else [0.5, 0.5])


def test_a_bundle_with_an_unanswered_story_is_not_whole(tmp_path):
    design = asked(BATTERIES.load("false-belief"), Setting(seed=1, is_quick=True))
    run = collect(design, ScriptedEngine(lambda trial: (1.0, 0.0), address="scripted:first"), tmp_path / "run")
    right = bundles._right(run, ()).with_columns(right=1.0)
    assert bundles._whole(right, "contents", is_altered=False).value == 1.0
    with pytest.raises(DataError, match="no bundle has an answer to all its 8 stories"):
        bundles._whole(right[1:], "contents", is_altered=False)
