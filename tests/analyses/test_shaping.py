"""Dose-response of shaped traits: planted in answers and in texts, it is found again; without any there is none."""

import pytest

from proband.addresses import open_engine
from proband.analyses import shaping, uses
from proband.batteries.asked import asked
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.psychology.trait_texts import POLES
from proband.models.scripted import ScriptedEngine
from proband.runs import collect


def collected(name, rule, path):
    design = asked(BATTERIES.load(name), Setting(seed=1, is_quick=True))
    return collect(design, ScriptedEngine(rule, address="scripted:planted-here"), path), design


def level_of(trial):
    return int(dict(trial.place.condition)["intensity"])


def test_an_inventory_follows_the_intensity_with_its_reversed_statements(tmp_path):
    design = asked(BATTERIES.load("trait-shaping"), Setting(seed=1, is_quick=True))
    keys = {id: sign for scale in design.instrument.scales for id, sign in scale.items.items()}

    def follows(trial):
        level = level_of(trial) if keys[trial.place.item] == 1 else 10 - level_of(trial)
        return int((level - 1) // 2)  # 1 and 2 at the lowest option, 9 at the highest

    (section,) = shaping.sections(collected("trait-shaping", follows, tmp_path / "follows")[0])
    for _, slope, rho, steps, lowest, highest in section.table.rows:
        assert float(slope) == pytest.approx(0.5, abs=0.02)
        assert steps in {"4 of 8", "8 of 8"}  # of a plain and a reversed statement one or the other moves
        assert rho > 0.95
        assert (lowest, highest) in {(1.0, 5.0), (1.0, 4.5)}

    (flat,) = shaping.sections(collected("trait-shaping", lambda trial: 2, tmp_path / "flat")[0])
    assert all(row[2] == 0.0 and row[3] == "0 of 8" for row in flat.table.rows)


def test_texts_are_rated_by_an_encoder_that_does_not_see_the_intensity(tmp_path):
    def writes(trial):
        low, high = POLES[trial.place.item[-1]]
        return high[0] if level_of(trial) > 5 else low[0] if level_of(trial) < 5 else "It rained."

    run, _ = collected("trait-texts", writes, tmp_path)
    (section,) = shaping.text_sections(run, open_engine("words").vectors, "words")
    assert len(section.table.rows) == 2
    for _, slope, rho, _, lowest, highest in section.table.rows:
        assert float(slope) > 0
        assert rho > 0.8
        assert lowest < 0 < highest
    assert any("No sentence encoder" in warning for warning in section.warnings)


def test_uses_are_counted_once_and_far_ones_are_original(tmp_path):
    def names(trial):
        near = "published" in trial.place.item
        return "1. a book\n2. A book." if near else "a hat\na drum\nan oven"

    run, _ = collected("alternative-uses", names, tmp_path)
    (section,) = uses.use_sections(run, open_engine("words").vectors, "words")
    found = {str(row[0]): float(row[1]) for row in section.table.rows}
    assert found["fluency, published"] == 1
    assert found["fluency, fresh"] == 3
    assert found["originality, fresh"] > found["originality, published"]
    assert "flexibility, published" not in found
