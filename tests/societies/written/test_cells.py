"""Agents asked by cell: each situation once, draws by number, and how far from what agents say themselves."""

import re

import numpy as np
import pytest

from proband.reports import findings
from proband.runs import carry_out
from proband.societies.written.cells import drawn
from tests.designs.survey.test_prompts import as_text, assert_golden
from tests.societies.written.playing import OPTIONS, Played, number_of, study, words

STAND = {"name": "stand", "options": OPTIONS, "start": {"draw": dict.fromkeys(OPTIONS, 1)}}
ASKED = {"item": "stand", "text": "Where do you stand on the bypass?", "form": "scale", "sees": ["own", "neighbours"]}
RING = {"kind": "small-world", "degree": 6}


def crowd(scale, **more):
    society = {"agents": 400, "rounds": 4, **more.pop("society", {})}
    return study(society=society, network=RING, variable=[STAND], turn=[ASKED], scale=scale, **more)


def leaning(trial):
    """A scripted public: it goes where those near it are, more or less, and stays where it is otherwise."""
    near = float(dict(trial.facts).get("near_mean_stand", 1.0)) / 2
    own = OPTIONS.index(dict(trial.facts)["stand"])
    shares = np.full(3, 0.1)
    shares[own] += 0.3
    return shares + 0.4 * np.array([1 - near, 0, near])


def played_by_all(made):
    return Played(made, shares=leaning)


def test_each_situation_is_asked_once_whatever_the_round():
    played = played_by_all(crowd({"ask": "cells", "levels": {"near": 3}}))
    places = [trial.place for trial in played.trials]
    assert len({place.id for place in places}) == len(places) <= 3 * 4
    assert {place.round for place in places} == {0}
    assert {name for name, _ in places[0].condition} == {"stand", "near_stand", "regime"}
    told = {dict(trial.place.condition)["near_stand"]: words(trial) for trial in played.trials}
    assert "By stand, the people you know are on average 50% of the way from 'against' to 'for'." in told["2"]
    assert not any("round" in dict(trial.facts) for trial in played.trials)


def test_prompts_of_cells_are_the_golden_ones():
    made = crowd({"ask": "cells", "levels": {"near": 3}}, background={"era": "It is 1890."}, society={"rounds": 1})
    assert_golden("society-cells", "\n\n".join(map(as_text, played_by_all(made).trials[::4])) + "\n")


def test_agents_draw_from_the_distribution_of_their_cell_by_number():
    cell, u = np.array([0, 1, 1, -1, 2]), np.array([0.5, 0.1, 0.95, 0.5, 0.5])
    cumulative = np.array([[0.4, 0.7, 1.0], [0.2, 0.9, 1.0], [np.nan] * 3])
    np.testing.assert_array_equal(drawn(cumulative, cell, u), [1, 0, 2, np.nan, np.nan])
    few, many = (
        played_by_all(crowd({"ask": "cells", "levels": {"near": 25}}, society={"agents": n})) for n in (400, 401)
    )
    assert few.begun[0, ""].agents["stand"].tolist() == many.begun[0, ""].agents["stand"][:400].tolist()


def test_a_cell_that_refuses_leaves_its_agents_as_they_are():
    made = crowd({"ask": "cells", "levels": {"near": 3}}, society={"rounds": 1})
    played = Played(made, lambda trial: "" if dict(trial.facts)["stand"] == "for" else "against")
    before, after = played.begun[0, ""].agents["stand"], played.at(1).agents["stand"]
    np.testing.assert_array_equal(after, np.where(before == 2, 2, 0))


def test_another_regime_or_message_is_another_cell():
    made = crowd(
        {"ask": "cells", "levels": {"near": 3}},
        arm=[
            {"name": "toll", "from_round": 3, "policy": "There is a toll."},
            {"name": "leaflet", "from_round": 3, "message": "It is free.", "to": "number < 50"},
        ],
    )
    played = played_by_all(made)
    tolls = [trial for trial in played.trials if "toll" in words(trial)]
    assert tolls
    assert len({dict(trial.place.condition)["regime"] for trial in played.trials}) == 2
    told = [trial for trial in played.trials if "told_leaflet" in dict(trial.place.condition)]
    assert 0 < len(told) <= 12  # the others' situations are those of societies without a leaflet
    assert all(
        ("It is free." in words(trial)) == (dict(trial.place.condition).get("told_leaflet") == "1")
        for trial in played.trials
    )
    for name in ("toll", "leaflet"):
        assert played.begun[0, name].agents["stand"].tolist() == played.at(2).agents["stand"].tolist()


def errors(scale):
    """Mean total variation between cells and agents asked as well."""
    played = played_by_all(crowd({"ask": "cells", "check_agents": 60, **scale}))
    events = played.at(4).events
    found = [events[k]["value"] for k in range(len(events)) if events[k]["kind"] == "check"]
    assert found
    return float(np.mean(found)), played


def test_agents_asked_as_well_change_nothing_and_tell_the_error_which_shrinks_with_the_levels():
    coarse, fine = (errors({"levels": {"near": n}}) for n in (2, 13))
    assert 0.4 / 12 / 2 < coarse[0] < 0.4
    assert fine[0] < 1e-9 + 0.4 / 24  # six neighbours of two steps each are thirteen levels: nothing is lost
    without = played_by_all(crowd({"ask": "cells", "levels": {"near": 2}})).at(4)
    assert without.agents["stand"].tolist() == coarse[1].at(4).agents["stand"].tolist()
    world = crowd({"ask": "cells", "levels": {"near": 2}, "check_agents": 60}).design.world
    assert world.measures(coarse[1].at(4))["cell error"] == pytest.approx(
        np.mean([row["value"] for row in map(coarse[1].at(4).events.__getitem__, range(len(coarse[1].at(4).events)))
                 if row["round"] == 4]))  # fmt: skip


def test_an_archetype_called_by_a_number_is_not_the_agent_of_that_number(tmp_path):
    scale = {"ask": "cells", "levels": {"near": 3}, "by": ["educ"], "check_agents": 5}
    run = carry_out(crowd(scale, population={"use": "anes-1996", "sample": 12}), tmp_path / "run")
    asked = {subject.partition(".")[2] for subject in run.table()["subject"]}
    kinds = {name for name in asked if not name.isdigit()}
    assert all(re.fullmatch(r"archetype \d", name) for name in kinds)
    said = f"as 5 agents and {len(kinds)} archetypes, whose answers stand for agents not asked, in 1 society."
    assert said in findings(run).lead[0]


def test_a_small_society_is_asked_both_ways_by_the_same_chance():
    played = played_by_all(crowd({"ask": "cells", "levels": {"near": 13}, "paired": 60}))
    ways = [played.at(4, f"{way} 60").agents["stand"] for way in ("cells of", "one by one of")]
    assert [len(way) for way in ways] == [60, 60]
    assert (ways[0] == ways[1]).mean() > 0.9
    assert len(played.asked("stand", 2, "one by one of 60")) == 60


def test_a_core_may_talk_while_the_crowd_only_follows():
    talk = {"item": "talk", "text": "What do you say?", "sees": []}
    read = {**ASKED, "sees": ["own", "feed:3"]}
    made = study(
        society={"agents": 60, "rounds": 1}, network=RING, variable=[STAND], turn=[talk, read], scale={"core": 30},
    )  # fmt: skip
    played = played_by_all(made)
    assert (len(played.asked("talk")), len(played.asked("stand"))) == (30, 30)
    assert any("Person" in words(trial).partition("Others call you")[2][12:] for trial in played.asked("stand"))


def test_a_crowd_follows_its_core_and_held_out_members_tell_the_error():
    made = crowd({"core": 100, "levels": {"near": 3}}, society={"rounds": 2})
    played = played_by_all(made)
    assert len({number_of(trial) for trial in played.trials}) == 100
    state = played.at(2)
    kinds = state.events.column("kind")
    assert 20 <= kinds.count("held-out") <= 40
    moved = (state.agents["stand"] != played.begun[0, ""].agents["stand"]).mean()
    assert moved > 0.3
    assert [person.agent for person in made.design.world.people(played.begun[0, ""])] == sorted(
        {number_of(trial) for trial in played.trials}
    )
