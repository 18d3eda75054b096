"""Whom one knows may be what one decides: real people are offered, both ways of a tie change, and edges tell it."""

import numpy as np
import pytest

from proband import carry_out
from proband.errors import DesignError
from proband.runs import Run
from proband.societies import States
from tests.societies.written.playing import Played, study

RING = {"kind": "ring", "degree": 2}
KNOW = {"item": "know", "text": "Whom would you like to get to know?", "sets": "tie", "sees": []}
LEAVE = {"item": "leave", "text": "Whom do you give up?", "sets": "untie", "sees": []}


def first(trial):
    """The first of those who are offered, in the order in which they are numbered."""
    return sorted(option for option in trial.reply.options if option != "nobody")[0]


def test_acquaintances_of_acquaintances_can_be_got_to_know_and_are_tied_both_ways():
    played = Played(study(turn=[KNOW], network=RING, society={"rounds": 1}), first)
    offered = {trial.place.subject: set(trial.reply.options) for trial in played.trials}
    assert len(offered["0.4"]) == 3
    assert "nobody" in offered["0.4"]
    state = played.at(1)
    network, tied = state.networks["ties"], [row for row in map(state.events.__getitem__, range(len(state.events)))]
    assert len(tied) == 10
    assert {row["kind"] for row in tied} == {"tied"}
    for row in tied:
        assert row["target"] in network.of_agent(row["agent"])
        assert row["agent"] in network.of_agent(row["target"])
        assert (row["target"] - row["agent"]) % 10 in (2, 8)


def test_only_those_one_knows_can_be_given_up_and_who_knows_nobody_is_not_asked():
    played = Played(study(turn=[LEAVE], network=RING, society={"rounds": 3}), first)
    assert all(len(trial.reply.options) == 3 for trial in played.asked("leave", 1))
    assert len(played.at(1).networks["ties"].targets) < 20
    assert len(played.asked("leave", 3)) < 10
    assert {row for row in played.at(3).events.column("kind")} == {"untied"}


def test_nobody_changes_nothing():
    played = Played(study(turn=[KNOW, LEAVE], network=RING), lambda trial: "nobody")
    assert played.at(2).networks["ties"].digest == played.begun[0, ""].networks["ties"].digest


def test_at_a_place_those_who_are_there_can_be_got_to_know():
    places = [{"name": "inn", "home": "number < 3"}, {"name": "mill"}]
    played = Played(study(turn=[KNOW], network={"kind": "ring", "degree": 2}, place=places), first)
    by = {trial.place.subject: len(trial.reply.options) for trial in played.asked("know", 1)}
    assert "0.1" not in by, "both others who are there are known already"
    assert by["0.0"] == by["0.2"] == 2


def test_ties_that_change_are_told_by_round_in_the_run(tmp_path):
    run = carry_out(study(turn=[KNOW], network=RING), tmp_path / "run")
    edges = States(run).edges()
    assert edges["round"].unique().sort().to_list() == [0, 1, 2]
    assert edges.filter(edges["round"] == 2).height > 20
    whole = Run(run.path).table()
    assert whole.filter(whole["item"] == "know").height == 20
    assert np.isin(["tied"], States(run).events()["kind"].to_list()).all()


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"turn": [KNOW]}, "sets 'tie', which is no variable"),
        ({"turn": [{**KNOW, "theory": "planned-behaviour"}], "network": RING}, "give options, and no schedule or ties"),
        ({"turn": [KNOW], "network": RING, "scale": {"ask": "cells"}}, "only such turns are asked by cell"),
    ],
)
def test_ties_that_cannot_be_decided_are_refused(tables, said):
    with pytest.raises(DesignError, match=said):
        study(**tables)
