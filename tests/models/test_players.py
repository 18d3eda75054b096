"""Scripted players of games: what they do follows from what a game says of a turn."""

import pytest

from proband.designs.games.matches import Matches
from proband.designs.games.normal_form import NormalForm
from proband.designs.games.public_goods import PublicGoods
from proband.designs.games.replay import replay
from proband.designs.games.setting import Setting
from proband.designs.games.ultimatum import Ultimatum
from proband.errors import EngineError
from proband.models.scripted import scripted_engine
from proband.runs import collect


def played(folder, rules, engines, **keys):
    game = Matches(rules=rules, setting=Setting(matches=20, **keys), seed=1)
    return replay(game, collect(game, engines, folder).table())


def test_offers_and_thresholds_meet_where_they_should(tmp_path):
    for share, accepted in ((0.3, 1.0), (0.29, 0.0)):
        engines = {"proposer": f"scripted:share?share={share}", "responder": "scripted:threshold?least=0.3"}
        plays = played(tmp_path / str(share), Ultimatum(), engines)
        assert set(plays["accepted"]) == {accepted}
        assert plays["offer"].to_list() == pytest.approx([share] * 40)
    plays = played(tmp_path / "strategy", Ultimatum(method="strategy"), engines, scale=100.0)
    assert plays["least"].to_list() == pytest.approx([0.3] * 40)


def test_conditional_cooperators_give_what_the_others_gave(tmp_path):
    engines = {"player": "scripted:conditional?slope=0.5&start=0.8"}
    plays = played(tmp_path, PublicGoods(), engines, rounds=3, scale=10.0)
    assert plays.filter(plays["subject"] == plays["subject"][0])["contributed"].to_list() == pytest.approx(
        [0.8, 0.4, 0.2]
    )


def test_levels_of_reasoning_answer_best_to_the_level_below(tmp_path):
    # Against a random other the second move pays most; against that the third; against that the first.
    rules = NormalForm(row=[[0, 0, 8], [4, 4, 4], [0, 9, 0]], row_moves=["a", "b", "c"])
    for k, move in ((1, 1), (2, 2), (3, 0)):
        plays = played(tmp_path / str(k), rules, {"row": f"scripted:level?k={k}", "column": "scripted:first"})
        assert set(plays.filter(plays["seat"] == "row")["move_move"]) == {move}


@pytest.mark.parametrize(
    ("name", "options", "rules", "message"),
    [
        ("threshold", {"fact": "bid"}, Ultimatum(), "reads the number 'bid', and the game says ''; its facts are seat"),
        ("share", {}, NormalForm(row=[[3, 0], [5, 1]]), "takes no number within bounds, which is what rule 'share'"),
        ("level", {}, Ultimatum(), "plays matrix games and names numbers; this is neither"),
    ],
)
def test_a_player_of_another_game_is_told_what_it_misses(tmp_path, name, options, rules, message):
    game = Matches(rules=rules, setting=Setting(matches=1, players="model"), seed=1)
    engine = scripted_engine(name, **options)
    with pytest.raises(EngineError, match=message):
        list(engine.answer(game.trials(collect(game, {"model": "scripted:uniform"}, tmp_path).responses())))


def test_a_level_that_is_no_number_of_steps_is_refused():
    with pytest.raises(EngineError, match="k is 0; give a whole number of steps"):
        scripted_engine("level", k="0")
