"""The section on gambles: what was planted in an engine is found again, and other runs are left alone."""

import numpy as np
from scipy import special

from proband.analyses import prospect
from proband.batteries.asked import asked
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.psychology.gambles import problems
from proband.measures import prospect_values
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import collect

PEOPLE = {"value exponent": 0.88, "loss aversion": 2.25, "weighting of gains": 0.61, "weighting of losses": 0.69}


def test_an_engine_with_the_parameters_of_people_is_told_so(tmp_path):
    setting = Setting(seed=3)
    known = problems(setting)

    def bent(trial):
        gambles = [np.array(gamble) for gamble in known[trial.place.item][1:]]
        values = [prospect_values([g[:, 0] / 1000], [g[:, 1]], PEOPLE)[0] for g in gambles]
        p = float(special.expit(3 * (values[0] - values[1])))
        return (p, 1 - p)

    design = asked(BATTERIES.load("gambles"), setting)
    run = collect(design, ScriptedEngine(bent, seed=1), tmp_path / "run")
    (section,) = prospect.sections(run)
    found = {str(row[0]): (row[1], row[2]) for row in section.table.rows}
    for name, value in PEOPLE.items():
        assert abs(float(found[name][0]) - value) < 0.02
        assert found[name][1] == value
    assert "better than expected value" in section.sentences[0]


def test_it_needs_a_run_of_the_gambles(tmp_path):
    run = collect(asked(BATTERIES.load("values"), Setting(seed=1, is_quick=True)), ScriptedEngine(uniform()), tmp_path)
    assert prospect.needs(run) == "this is no run of the battery 'gambles'"
