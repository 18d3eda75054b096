"""What holds of every game on the shelf, plain and with all that can stand around it."""

import pytest

from proband.designs.games.game import GAMES
from proband.designs.games.replay import replay
from proband.designs.kind import Shared
from proband.runs import Budget, collect

AROUND = {"matching": "stranger", "groups": 3, "chat": 1, "think": "predict", "scale": 10.0, "unit": "$"}
NEEDED = {"ordinal": {"which": "chicken"}, "normal-form": {"row": [[1.0, 2.0], [3.0, 0.0]]}}
ALONE = {"budget", "dictator", "obedience"}  # nobody to be a stranger to


def game(name, **keys):
    made = GAMES.load(name)
    return made.make(Shared(title="", seed=1), made.keys(matches=2, rounds=2, **keys, **NEEDED.get(name, {})))


def engines(design):
    return dict.fromkeys(design.roles(), "scripted:uniform?seed=1&refuse=0.02")


@pytest.mark.parametrize("name", sorted(set(GAMES) - {"dilemma"}))
@pytest.mark.parametrize("around", [{}, AROUND], ids=["plain", "with all around it"])
def test_a_game_is_played_to_its_end_replayed_and_resumed(name, around, tmp_path):
    keys = {key: value for key, value in around.items() if name not in ALONE or key not in ("matching", "groups")}
    design = game(name, illegal="forfeit", **keys)
    run = collect(design, engines(design), tmp_path / "whole")
    assert run.is_complete
    assert 0 < sum(run.dispositions().values()) <= design.size()
    plays = replay(run.manifest["design"], run.table())
    assert plays.height == 2 * len(run.roster)
    assert plays["payoff"].null_count() == 0
    torn = collect(design, engines(design), tmp_path / "torn", budget=Budget(trials=3))
    assert not torn.is_complete
    assert collect(design, engines(design), tmp_path / "torn").table().equals(run.table())
