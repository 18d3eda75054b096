"""What players read under several settings of a game, word for word; see ``tests/prompts``."""

import itertools

import pytest

from proband.designs.games.matches import Matches
from proband.designs.games.normal_form import NormalForm
from proband.designs.games.ordinal import Ordinal
from proband.designs.games.setting import Setting
from proband.designs.games.ultimatum import Ultimatum
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import collect
from tests.conftest import made_up
from tests.designs.survey.test_prompts import as_text, assert_golden

GAMES = {
    "game-ultimatum-in-dollars": (Ultimatum(), {"rounds": 2, "scale": 2.5, "unit": "$"}),
    "game-ultimatum-strategy-once": (Ultimatum(method="strategy"), {"matching": "stranger", "groups": 2}),
    "game-dilemma-chat-and-prediction": (
        Ordinal(which="dilemma", worth=[0.0, 1.0, 3.0, 5.0]),
        {"continues": 0.9, "rounds": 2, "chat": 1, "think": "predict"},
    ),
    "game-matrices-personas-own-names": (
        NormalForm(row=[[10, 0], [0, 7]], column=[[7, 0], [0, 10]], row_moves=["opera", "football"]),
        {"names": "own", "rounds": 3, "history": 1, "information": "own", "answer_by": "label"},
    ),
}


@pytest.mark.parametrize("name", GAMES)
def test_prompts_of_games_are_the_golden_ones(name, tmp_path):
    rules, keys = GAMES[name]
    population = made_up(4) if "persona" in name else None
    setting = Setting(matches=2, players="model", **keys)
    game = Matches(rules=rules, setting=setting, seed=2, population=population)
    done = collect(game, {"model": ScriptedEngine(uniform(), seed=1)}, tmp_path)
    trials = itertools.islice(game.trials(done.responses()), 14)
    assert_golden(name, "\n\n".join(as_text(trial) for trial in trials) + "\n")
