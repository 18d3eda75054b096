from collections import Counter

import pytest

from proband.designs.games.normal_form import NormalForm
from proband.designs.games.ordinal import FAMILIES, NAMED, Ordinal, family, ordinal_games
from proband.designs.games.rules import play_out
from proband.designs.games.words import MatchWords
from proband.designs.studies import study_from_dict
from proband.errors import DesignError
from proband.measures.behaviour.equilibria import equilibria, pure_equilibria


def outcome(rules, row, column):
    moves = {"row": row, "column": column}
    (found,) = play_out(rules, MatchWords(), lambda turn: moves[turn.seat], rounds=1, draw=lambda *place: 0.5)
    return found


def test_payoffs_are_those_of_the_cell_that_both_chose():
    rules = NormalForm(row=[[1, 2, 3], [4, 5, 6]], column=[[7, 8, 9], [10, 11, 12]])
    assert outcome(rules, 1, 2).payoffs == {"row": 6, "column": 12}
    assert rules.highest() == 18
    assert rules.moves == (("row 1", "row 2"), ("column 1", "column 2", "column 3"))
    named = [f"column: column {k}" for k in (1, 2, 3)]
    assert outcome(rules, 1, 2).values == {
        "row: row 1": 0,
        **dict(zip(named, (0, 0, 1), strict=True)),
        "equilibrium": 1,
    }


def test_without_a_second_matrix_the_game_is_symmetric():
    rules = NormalForm(row=[[3, 0], [5, 1]], row_moves=["cooperate", "defect"])
    assert outcome(rules, 1, 0).payoffs == {"row": 5, "column": 0}
    assert [item.id for item in rules.items] == ["move"]
    assert outcome(rules, 1, 0).values == {"cooperate": 0.5, "equilibrium": 0.0}


def test_a_single_equilibrium_is_the_value_that_moves_are_compared_with():
    best = {q.name: q.best for q in NormalForm(row=[[3, 0], [5, 1]], row_moves=["cooperate", "defect"]).reported}
    assert best == {"cooperate": 0, "equilibrium": None}
    pennies = {q.name: q.best for q in Ordinal(which="matching-pennies").reported}
    assert pennies == {"heads": 0.5}
    assert {q.best for q in Ordinal(which="coordination").reported} == {None}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"row": [[1, 2], [3]]}, "game.row is not rectangular: line 2 has 1 payoffs and line 1 has 2; give one"),
        ({"row": [[1, 2], [3, 4]], "column": [[1, 2], [3]]}, "game.column is not rectangular: line 2 has 1 payoffs"),
        ({"row": [[1, 2, 3], [3, 4, 5]]}, "2 x 3 payoffs, so the game is not symmetric; add game.column"),
        ({"row": [[1, 2], [3, 4]], "column": [[1, 2]]}, "game.column has 1 x 2 payoffs and game.row has 2 x 2"),
        ({"row": [[1, 2]], "column": [[1, 2]]}, "the row player can never choose: it has 1 moves; give it two or more"),
        ({"row": []}, "the row player can never choose: it has 0 moves"),
        ({"row": [[1, 2], [3, 4]], "row_moves": ["a", "a"]}, "game.row_moves names 1 moves, .'a', 'a'., and there"),
        ({}, r"game.row is missing; add it, e.g. row = \[\[3, 0\], \[5, 1\]\]"),
    ],
)
def test_matrices_that_are_none_are_refused_with_the_way_out(keys, message):
    file = {"seed": 1, "engine": {"row": "scripted:first", "column": "scripted:first"}}
    with pytest.raises(DesignError, match=message):
        study_from_dict({**file, "game": {"use": "normal-form", **keys}})


def test_the_144_ordinal_games_have_the_families_of_the_literature():
    games = ordinal_games()
    assert len(games) == len(set(games)) == 144
    counts = Counter(map(family, games))
    assert counts == {
        "biased": 44, "win-win": 36, "unfair": 19, "cyclic": 18, "second-best": 12, "tragic": 8, "dilemma": 7,
    }  # fmt: skip
    assert set(counts) == set(FAMILIES)


def turned(pair):
    """A game with its rows, its columns, or both in the other order, and as it is."""
    for order in ((0, 1, 2, 3), (2, 3, 0, 1), (1, 0, 3, 2), (3, 2, 1, 0)):
        yield tuple(tuple(side[k] for k in order) for side in pair)


def test_no_two_of_the_144_are_one_game_with_rows_or_columns_exchanged():
    games = set(ordinal_games())
    assert all(len(games & set(turned(pair))) == 1 for pair in games)


@pytest.mark.parametrize("name", [name for name, (pair, _) in NAMED.items() if len(set(pair[0])) == 4])
def test_a_named_game_without_ties_is_one_of_the_144(name):
    assert len(set(ordinal_games()) & set(turned(NAMED[name][0]))) == 1


def test_known_games_have_the_equilibria_they_are_known_for():
    found = {name: pure_equilibria(*Ordinal(which=name).payoffs) for name in NAMED}
    assert found == {
        "dilemma": ((1, 1),),
        "stag-hunt": ((0, 0), (1, 1)),
        "chicken": ((0, 1), (1, 0)),
        "battle": ((0, 0), (1, 1)),
        "coordination": ((0, 0), (1, 1)),
        "matching-pennies": (),
    }
    assert len(equilibria(*Ordinal(which="chicken").payoffs)) == 3


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"which": "chiken"}, "game.which: no game 'chiken' .did you mean 'chicken'"),
        ({"which": 145}, "game.which is 145; the ordinal games are numbered from 1 to 144"),
        ({"which": 3, "worth": [1.0, 1.0, 2.0, 3.0]}, "points must rise with the rank"),
    ],
)
def test_an_ordinal_game_that_is_none_is_refused(keys, message):
    with pytest.raises(DesignError, match=message):
        Ordinal(**keys)
