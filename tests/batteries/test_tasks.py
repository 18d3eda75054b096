"""Tasks in blocks: what is shown follows from what was chosen, and what was planted in an engine is found again."""

import re

import numpy as np
from scipy import special

from proband.analyses import exploration, two_step
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.psychology.horizon import game
from proband.batteries.psychology.two_step import TOWNS, usual_town
from proband.models.scripted import ScriptedEngine, first
from proband.runs import collect


def test_a_game_of_machines_is_a_pure_function_and_crosses_what_it_varies():
    games = [game(5, k) for k in range(12)]
    assert games == [game(5, k) for k in range(12)]
    assert {(own.horizon, own.information) for own in games} == {(h, i) for h in (1, 6) for i in (-1, 0, 1)}
    assert all(len(own.seen) == 4 and own.gap != 0 for own in games)


def test_an_engine_that_explores_is_found_out(tmp_path):
    def explores(trial):
        seen = {name: [int(x) for x in points.split()] for name, points in trial.facts if name in "FJ"}
        late = dict(trial.facts)["left"] != "1"
        gap = np.mean(seen["F"]) - np.mean(seen["J"])
        unknown = np.sign(len(seen["J"]) - len(seen["F"]))
        p = float(special.expit((0.12 - 0.06 * late) * gap + (0.1 + 0.9 * late) * unknown))
        return (p, 1 - p)

    design = BATTERIES.load("horizon").design(Setting(seed=2))
    run = collect(design, ScriptedEngine(explores, seed=1), tmp_path / "run")
    assert run.table().height == design.size() == 168
    (section,) = exploration.sections(run)
    found = {str(row[0]): float(row[1]) for row in section.table.rows}
    expected = {"reward": 1.2, "random": -0.6, "information": 0.1, "directed": 0.9, "place": 0.0}
    assert all(abs(found[name] - value) < 0.02 for name, value in expected.items())


def test_an_engine_that_plans_is_found_out(tmp_path):
    def plans(trial):
        """Goes again to where there was a coin, by the train that usually goes there."""
        told = dict(trial.facts)["history"]
        day = re.search(r"the (red|blue) train took you to (\w+), .* had (a|no) coin", told)
        if trial.place.item != "train" or day is None:
            return (0.5, 0.5)
        usual = trained[trial.place.subject]
        train = usual[day[2]] if day[3] == "a" else 1 - usual[day[2]]
        return (0.9, 0.1) if train == 0 else (0.1, 0.9)

    setting = Setting(seed=4)
    design = BATTERIES.load("two-step").design(setting)
    trained = {
        f"block-{k + 1:03d}": {TOWNS[usual_town(4, k, train)]: train for train in (0, 1)} for k in range(design.blocks)
    }
    run = collect(design, ScriptedEngine(plans, seed=1), tmp_path / "run")
    stays, model = two_step.sections(run)
    found = {str(row[0]): float(row[1]) for row in stays.table.rows}
    assert abs(found["reward"]) < 1.0
    assert found["reward x transition"] > 3.0
    weight = {str(row[0]): float(row[1]) for row in model.table.rows}["model-based weight"]
    assert weight > 0.6
    assert "better" in model.sentences[0]


def test_an_engine_that_always_takes_the_first_place_learns_nothing(tmp_path):
    run = collect(BATTERIES.load("two-step").design(Setting(seed=1, is_quick=True)), ScriptedEngine(first()), tmp_path)
    assert "nothing was learnt" in two_step.sections(run)[1].sentences[0]
