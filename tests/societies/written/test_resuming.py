"""Worlds by tables that are stopped and taken up again, with engines of their own for some agents."""

import pytest

from proband import carry_out
from proband.designs.studies import study_from_dict
from proband.errors import DesignError
from proband.runs import Budget
from tests.societies.killing import SNAPSHOTS, files, kill_again_and_again, rows

TALK = {
    "item": "talk", "text": "What do you say?", "schedule": "time", "reaction": "CASE WHEN vote = 1 THEN 5 ELSE 9 END",
    "sees": ["feed:2:similarity", "memory:2"], "resolver": "What comes of it?",
    "outcome": [{"text": "nothing"}, {"text": "it convinces", "set": "stand", "to": "2"}],
}  # fmt: skip
TOWN = {
    "seed": 3,
    "population": {"use": "anes-1996", "sample": 12},
    "society": {"societies": 2, "rounds": 3, "engine": "vote"},
    "network": {"kind": "preferential", "degree": 2},
    "variable": [{"name": "stand", "options": ["against", "for"], "start": {"draw": {"against": 1, "for": 1}}}],
    "turn": [
        TALK,
        {"item": "stand", "text": "Where do you stand?", "sees": ["own", "neighbours", "feed:2:popularity"]},
    ],
    "event": [{"remove": "number = 2", "at": 2}, {"add": 1, "at": 3}],
    "arm": [{"name": "told", "from_round": 2, "message": "It is free.", "when": "AVG(stand) > 0.2"}],
    "engine": {
        "0": "scripted:uniform?seed=2&refuse=0.1",
        "1": "scripted:uniform?seed=5",
        "world": "scripted:uniform?seed=7",
    },
}


def test_what_is_stopped_goes_on_to_the_same_bytes(tmp_path):
    study = study_from_dict(TOWN)
    whole = carry_out(study, tmp_path / "whole")
    for most in (7, 60, 61, 200):
        carry_out(study, tmp_path / "parts", budget=Budget(trials=most))
    parts = carry_out(study, tmp_path / "parts")
    assert whole.is_complete
    assert whole.table().sort("trial").equals(parts.table().sort("trial"))
    assert {"0", "1", "world"} <= set(whole.table()["role"])
    for name in ("measures", "agents", "events", "memories", "edges"):
        files = [tmp_path / run / "society" / f"{name}.parquet" for run in ("whole", "parts")]
        assert files[0].read_bytes() == files[1].read_bytes(), name


@pytest.mark.parametrize("mind", [{}, {"theory": "planned-behaviour"}], ids=["asked", "with a theory"])
def test_the_same_file_is_the_same_world_so_that_its_snapshots_are_used(mind):
    tables = {**TOWN, "turn": [TALK, {**TOWN["turn"][1], **mind}]}
    one, again, other = (study_from_dict({**tables, "seed": seed}).design.treatment() for seed in (3, 3, 4))
    assert one == again != other


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("scripted:uniform", "one engine was given"),
        ({"0": "scripted:uniform", "world": "scripted:uniform"}, "no engine for the role '1'"),
        ({**TOWN["engine"], "2": "scripted:uniform"}, "an engine was given for '2', which is no role here"),
    ],
)
def test_an_agent_whose_engine_is_not_there_is_refused(engine, said):
    with pytest.raises(DesignError, match=said):
        study_from_dict({**TOWN, "engine": engine})


KILLED = """
import os, sys
from proband import carry_out
from proband.designs.studies import study_from_dict
from proband.models.scripted import ScriptedEngine
from proband.runs import snapshots
from tests.societies.written.test_resuming import TOWN

from proband.store import journal

journal.FEW = 1  # however few they are, answers wait to be put in order
snapshots.EVERY_S, snapshots.SHARE = 0.0, 1.0
left, answer = [int(sys.argv[2])], ScriptedEngine.answer

def dying(self, trials):
    for pair in answer(self, trials):
        left[0] -= 1
        if left[0] <= 0:
            os._exit(9)
        yield pair

ScriptedEngine.answer = dying
carry_out(study_from_dict(TOWN), sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("snapshot", "times"), SNAPSHOTS)
def test_in_event_time_with_several_engines_killed_again_and_again_it_is_the_same_run(tmp_path, snapshot, times):
    whole, folder = tmp_path / "whole", tmp_path / "parts"
    carry_out(study_from_dict(TOWN), whole)
    kills = kill_again_and_again(KILLED, [folder], folder, (2, 12), snapshot, times)
    assert kills > times / 2
    carry_out(study_from_dict(TOWN), folder)
    assert rows(folder) == rows(whole)
    assert files(folder) == files(whole)
