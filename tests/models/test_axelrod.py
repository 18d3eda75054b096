"""Axelrod's library as an oracle of our strategies, and as players; importing it takes some ten seconds."""

import itertools

import polars as pl
import pytest

from proband.addresses import open_engine
from proband.designs.games.matches import Matches
from proband.designs.games.ordinal import Ordinal
from proband.designs.games.replay import replay
from proband.designs.games.setting import Setting
from proband.errors import EngineError
from proband.models.scripted import ScriptedEngine, played
from proband.runs import collect
from proband.strategies import CLASSIC

pytestmark = pytest.mark.slow
THEIR_NAMES = {
    "ALLD": "Defector",
    "ALLC": "Cooperator",
    "GRIM": "Grudger",
    "TFT": "TitForTat",
    "WSLS": "WinStayLoseShift",
    "STFT": "SuspiciousTitForTat",
    "ATFT": "AntiTitForTat",
    "TF2T": "TitFor2Tats",
    "2TFT": "TwoTitsForTat",
    "HTFT": "HardTitForTat",
    "HTF2T": "HardTitFor2Tats",
    "ALT": "Alternator",
    "SMAJ": "GoByMajority",
    "HMAJ": "HardGoByMajority",
    "DAVIS": "FirstByDavis",
}


@pytest.fixture(scope="module")
def axelrod():
    return pytest.importorskip("axelrod")


def tournament(engines, folder, *, rounds, matches=1):
    """Points of every ordered pair of players, summed over a match, in a round robin with Axelrod's payoffs."""
    setting = Setting(matching="round_robin", players=list(engines), matches=matches, rounds=rounds)
    game = Matches(rules=Ordinal(which="dilemma", worth=[0.0, 1.0, 3.0, 5.0]), setting=setting, seed=1)
    plays = replay(game, collect(game, engines, folder).table())
    return game, plays


def test_a_tournament_of_fifteen_equals_axelrods_scores_exactly_over_200_turns(axelrod, tmp_path):
    assert set(CLASSIC) == set(THEIR_NAMES)
    engines = {name: ScriptedEngine(played(play), address=f"scripted:{name}") for name, play in CLASSIC.items()}
    _, plays = tournament(engines, tmp_path / "run", rounds=200)
    by_match: dict[str, dict[str, float]] = {}
    for unit, role, points in plays.group_by("unit", "role").agg(pl.col("payoff").sum()).iter_rows():
        by_match.setdefault(unit, {})[role] = points
    assert len(by_match) == 15 * 14 // 2
    for pair in by_match.values():
        first, second = pair
        match = axelrod.Match([getattr(axelrod, THEIR_NAMES[name])() for name in (first, second)], turns=200)
        match.play()
        assert match.final_score() == (pair[first], pair[second]), (first, second)


def test_our_strategies_answer_every_short_history_as_axelrods_do(axelrod):
    import numpy as np

    C, D = axelrod.Action.C, axelrod.Action.D
    for name, theirs in THEIR_NAMES.items():
        if name == "GRIM":  # ours also defects after a defection of its own, which it makes by mistake only
            continue
        for n in range(5):
            for own, other in itertools.product(itertools.product((1, 0), repeat=n), repeat=2):
                player, opponent = getattr(axelrod, theirs)(), axelrod.MockPlayer()
                for mine, their in zip(own, other, strict=True):
                    player.strategy(opponent)
                    player.update_history(C if mine else D, C if their else D)
                    opponent.update_history(C if their else D, C if mine else D)
                ours = CLASSIC[name](*(np.array(side, dtype=int).reshape(1, n) for side in (own, other)))
                assert (player.strategy(opponent) == C) == bool(ours[0]), (name, own, other)


def test_a_library_strategy_plays_as_ours_and_as_in_the_library(axelrod, tmp_path):
    engines = {
        "ours": ScriptedEngine(played(CLASSIC["TFT"])),
        "random": open_engine("axelrod:Random?p=0.4&seed=3"),
        "theirs": open_engine("axelrod:TitForTat"),
        "gradual": open_engine("axelrod:Gradual"),
    }
    _, plays = tournament(engines, tmp_path / "run", rounds=30, matches=4)
    moves = {
        (unit, role): part["move_move"].to_list()
        for (unit, role), part in plays.group_by("unit", "role", maintain_order=True)
    }
    for (unit, role), own in moves.items():
        (other,) = (found for (at, by), found in moves.items() if at == unit and by != role)
        if role in ("ours", "theirs"):
            assert own == [0, *other[:-1]]
    drawn = [own for (_, role), own in moves.items() if role == "random"]
    assert len({tuple(own) for own in drawn}) == len(drawn)
    assert 0.4 < sum(map(sum, drawn)) / (30 * len(drawn)) < 0.8


def test_a_stochastic_player_asked_again_does_not_draw_again(axelrod):
    engine, fresh = (open_engine("axelrod:Random?seed=2") for _ in range(2))
    game = Matches(rules=Ordinal(which="dilemma"), setting=Setting(matches=5, rounds=2, players="model"), seed=1)
    trials = list(game.preview())
    once = [completion for _, completion in engine.answer(trials)]
    assert [completion for _, completion in engine.answer(trials)] == once
    assert [completion for _, completion in fresh.answer(trials)] == once


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("axelrod:TitForTatt", "no such strategy .did you mean 'TitForTat'"),
        ("axelrod:MindReader", "no such strategy"),
        ("axelrod:Random?q=1", "takes no option 'q'; it takes seed, p"),
    ],
)
def test_what_cannot_play_is_refused(axelrod, address, message):
    with pytest.raises(EngineError, match=message):
        open_engine(address)
