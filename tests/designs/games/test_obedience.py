"""Obedience: who stops is told four times to go on, protests begin when they should, harm is accounted for."""

import pytest

from proband.designs.games.obedience import NEXT, PRODS, PROTESTS, SCENE, Obedience
from proband.designs.games.rules import play_out
from proband.designs.games.words import MatchWords
from proband.designs.studies import load_study
from proband.errors import DesignError
from proband.reports import findings
from proband.runs import carry_out


def played(choose, words=None, **keys):
    """The outcome, and every turn that was told."""
    turns = []

    def answer(turn):
        turns.append(turn)
        return choose(**{name: int(value) for name, value in turn.facts})

    (outcome,) = play_out(Obedience(**keys), words or MatchWords(), answer, rounds=1, draw=lambda *place: 0.5)
    return outcome, turns


def test_who_never_stops_reaches_the_last_level_unprodded():
    outcome, turns = played(lambda level, prod: 0)
    assert outcome.values == {
        "to the end": 1.0, "level": 30.0, "after the first protest": 1.0, "after the second protest": 1.0,
        "prodded": 0.0,
    }  # fmt: skip
    assert len(turns) == 30
    assert "450 volts" in turns[-1].told
    assert [PROTESTS[0] in turn.told for turn in turns].index(True) == 20


def test_who_stops_hears_the_four_prods_in_their_order_and_then_it_is_over():
    outcome, turns = played(lambda level, prod: int(level == 22))
    assert outcome.values["level"] == 21
    assert (outcome.values["after the first protest"], outcome.values["after the second protest"]) == (1.0, 0.0)
    assert [prod in turn.told for prod, turn in zip(PRODS, turns[-4:], strict=True)] == [True] * 4
    assert len(turns) == 22 + 4


def test_who_gives_in_to_a_prod_goes_on_and_was_prodded():
    outcome, _ = played(lambda level, prod: int(level == 5 and prod < 3), levels=8, protest=4)
    assert (outcome.values["to the end"], outcome.values["prodded"]) == (1.0, 1.0)


def test_a_twin_says_nothing_of_the_original():
    twin = load_study("shelf:milgram").design.by_arm["heat"]
    words = MatchWords(stories=twin.setting.story)
    _, turns = played(lambda level, prod: int(level == 23), words=words, step=1.0)
    said = " ".join([Obedience().instructions("teacher", words), *(turn.told for turn in turns)])
    assert SCENE not in said
    assert not any(word in said for word in ("shock", "volt", "learner", "experimenter", "teacher", NEXT))


STUDY = """
seed = 1
engine = { teacher = "scripted:always?option=1" }
[game]
use = "obedience"
matches = 3
"""


def test_a_game_that_would_harm_people_needs_ethics_and_prints_them(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text('harms = ["distress"]\n' + STUDY)
    with pytest.raises(DesignError, match=r"\[ethics\] says nothing under 'distress'"):
        load_study(file)
    file.write_text('harms = ["distress"]\n' + STUDY + '[ethics]\ndistress = "it is told"\napproval = "board 7"\n')
    run = carry_out(load_study(file), tmp_path / "run")
    rows = findings(run).section("ethics").table.rows
    assert ("approval", "board 7") in rows
    # The design that is made anew from the manifest replays all the same.
    assert findings(run).section("games-quantities")


def test_a_design_that_keeps_no_ethics_refuses_them(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(
        'seed = 1\n[engine]\nmodel = "scripted:always"\nrival = "scripted:always"\n[game]\nuse = "dilemma"\n'
        'matches = 2\n[ethics]\nnote = "x"\n'
    )
    with pytest.raises(DesignError, match=r"'dilemma' keeps no account of harms"):
        load_study(file)
