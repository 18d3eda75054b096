"""Scripted rules: a strategy that is played is matched, move by move."""

import numpy as np
import pytest

from proband.designs import PrisonersDilemma
from proband.errors import EngineError
from proband.measures.behaviour.strategies import strategy_matches
from proband.models.rules import RULES
from proband.models.scripted import scripted_engine
from proband.records import Message, Place, Reply, Request, Trial
from proband.runs import collect
from proband.strategies import STRATEGIES

PLAYED = {code: play.__name__.replace("_", "-") for code, play in STRATEGIES.items()}


def move(options=("cooperate", "defect"), **facts):
    return Trial(
        place=Place(subject="row", item="move"),
        request=Request(messages=(Message("user", "J or F?"),), max_tokens=5),
        reply=Reply(form="choice", method="written", options=options, order=tuple(range(len(options)))),
        facts=tuple(facts.items()),
    )


def taken(rule, trial):
    [(_, completion)] = scripted_engine(rule).answer([trial])
    return completion.given[0]


def test_every_strategy_is_a_rule():
    assert set(PLAYED.values()) <= set(RULES)


@pytest.mark.parametrize(
    ("rule", "own", "other", "next_"),
    [
        ("tit-for-tat", "", "", 0),
        ("tit-for-tat", "00", "01", 1),
        ("tit-for-tat", "001", "010", 0),
        ("grim", "000", "010", 1),
        ("win-stay-lose-shift", "01", "01", 0),
        ("win-stay-lose-shift", "0", "1", 1),
        ("two-punishments", "011", "111", 0),
        ("always-defect", "", "", 1),
        ("always-cooperate", "0", "1", 0),
    ],
)
def test_a_rule_reads_the_moves_so_far_as_options_written(rule, own, other, next_):
    assert taken(rule, move(own_moves=own, other_moves=other)) == next_


@pytest.mark.parametrize("code", STRATEGIES)
def test_who_plays_a_strategy_matches_it_in_every_move(code, tmp_path):
    game = PrisonersDilemma(matches=5, rounds=8, seed=2)
    run = collect(game, {"model": f"scripted:{PLAYED[code]}", "rival": "scripted:uniform?seed=1"}, tmp_path)
    answers = run.responses()
    own, other = (
        np.array([[1 - answers[f"match-{m:04d}-{who}/move//{k}/0"].answer for k in range(1, 9)] for m in range(5)])
        for who in ("row", "column")
    )
    found = strategy_matches(own, other, ["me"] * 5)
    assert found.matches[0, found.strategies.index(code)] == 40


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (move(options=("a", "b", "c")), "games of two moves, cooperate and defect; here are 3 options"),
        (move(own_moves="02", other_moves="00"), "own_moves is '02'"),
    ],
)
def test_a_game_that_no_strategy_is_for_is_refused(trial, said):
    with pytest.raises(EngineError, match=said):
        scripted_engine("grim").check([trial])
