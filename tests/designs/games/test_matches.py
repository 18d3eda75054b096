import pytest

from proband.designs.games.replay import replay
from proband.designs.studies import study_from_dict
from proband.errors import DesignError
from proband.runs import collect

ENGINES = {"proposer": "scripted:normal?mean=4&sd=2", "responder": "scripted:uniform?seed=2"}


def study(engine=ENGINES, **keys):
    return study_from_dict({"seed": 3, "engine": engine, "game": {"use": "ultimatum", **keys}})


def run(folder, engine=ENGINES, **keys):
    found = study(engine, **keys)
    return collect(found.design, found.engine, folder)


def test_every_match_is_played_to_its_end(tmp_path):
    done = run(tmp_path, matches=20, rounds=3)
    assert done.is_complete
    assert sum(done.dispositions().values()) == study(matches=20, rounds=3).design.size() == 120


def test_replay_gives_the_payoffs_that_the_moves_make(tmp_path):
    done = run(tmp_path, matches=30, rounds=2)
    plays = replay(done.manifest["design"], done.table())
    assert plays.height == 30 * 2 * 2
    for row in plays.filter(plays["seat"] == "responder").iter_rows(named=True):
        assert row["payoff"] == pytest.approx(row["offer"] * 10 if row["move_reply"] == 0 else 0)


def test_a_key_that_varies_must_be_there():
    with pytest.raises(DesignError, match=r"game.treatments.more\]: no key 'pott' to vary .did you mean 'pot'"):
        study(treatments={"more": {"pott": 3}})
