"""What a world by tables does: who is asked when and reads what, and what answers, rules and events change."""

from itertools import pairwise

import numpy as np
import pytest

from proband.designs.kind import Shared
from proband.errors import DesignError
from proband.societies.written.scenario import make
from proband.societies.written.tables import WrittenKeys
from proband.subjects import Population, Subject
from proband.subjects.personas import Field
from tests.societies.written.playing import ASKED, OPTIONS, STAND, Played, number_of, study, words

TALK = {"item": "talk", "text": "What do you say?", "sees": ["feed:3"]}
RING = {"kind": "ring", "degree": 2}


def test_answers_become_values_and_are_seen_by_those_who_are_tied():
    made = study(network=RING, turn=[{**ASKED, "sees": ["own", "neighbours"]}], society={"rounds": 2})
    played = Played(made, lambda trial: OPTIONS[number_of(trial) % 3])
    assert played.at(1).agents["stand"].tolist() == [k % 3 for k in range(10)]
    second = {number_of(trial): words(trial) for trial in played.asked("stand", 2)}
    assert second[4].startswith(
        "Your stand so far: neither.\nOf the 2 people you know, by stand: 1 - against; 1 - for.\n\n"
    )


def test_who_refuses_is_absent_keeps_its_value_and_is_counted():
    played = Played(study(), lambda trial: "" if number_of(trial) == 3 else "for")
    assert played.at(1).agents["stand"].tolist() == [2, 2, 2, 1, 2, 2, 2, 2, 2, 2]
    assert Played(study()).at(2).values["count"] == {}
    absent = [k for k, kind in enumerate(played.at(2).events.column("kind")) if kind == "absent"]
    assert [played.at(2).events[k]["agent"] for k in absent] == [3, 3]


def test_variables_begin_with_values_draws_and_answers():
    drawn = [{**STAND, "start": {"draw": {"against": 1, "for": 3}}}, {"name": "age", "start": {"normal": [40, 10]}}]
    drawn += [{"name": "luck", "lower": 0, "upper": 0.5, "start": {"uniform": [0, 1]}}]
    agents = Played(study(variable=drawn, society={"agents": 4000}, turn=[])).begun[0, ""].agents
    assert (agents["stand"] == 2).mean() == pytest.approx(0.75, abs=0.03)
    assert set(agents["stand"]) == {0, 2}
    assert (agents["age"].mean(), agents["age"].std()) == (pytest.approx(40, abs=0.6), pytest.approx(10, abs=0.5))
    assert agents["luck"].max() == 0.5
    asked = Played(study(variable=[{**STAND, "start": "survey:stand"}]), lambda trial: "for")
    assert [(trial.place.round, trial.place.replicate) for trial in asked.trials[:11]] == [(1, 0)] * 10 + [(1, 1)]
    assert "so far" not in words(asked.trials[0])
    assert "Your stand so far: for." in words(asked.trials[10])


def test_one_agent_more_changes_nobody_else():
    few, many = (
        Played(study(variable=[{**STAND, "start": {"draw": dict.fromkeys(OPTIONS, 1)}}], society={"agents": n}))
        for n in (10, 11)
    )
    assert few.at(2).agents["stand"].tolist() == many.at(2).agents["stand"][:10].tolist()


def test_people_of_a_population_say_who_they_are_and_columns_are_read():
    made = study(
        population={"use": "anes-1996", "sample": 12},
        society={"societies": 1, "rounds": 1, "agents": 12},
        variable=[{"name": "stand", "options": OPTIONS}, {"name": "left", "start": "column:selfLR"}],
        turn=[{**ASKED, "who": "age > 40 AND selfLR <= 4"}],
    )
    played = Played(made)
    ages = made.design.world.people_of.column("age")
    lefts = made.design.world.people_of.column("selfLR")
    assert [number_of(trial) for trial in played.trials] == [k for k in range(12) if ages[k] > 40 and lefts[k] <= 4]
    assert all(
        f"I am {ages[number_of(trial)]:g} years old." in words(trial)
        and words(trial).startswith("You are the person who says this about themselves:\n\n")
        for trial in played.trials
    )
    assert played.at(1).agents["left"].tolist() == lefts.tolist()


def spoken(schedule, **more):
    """Who was asked to speak, step by step, and what of others was read."""
    turn = {**TALK, "schedule": schedule, "sees": ["feed:20"], **more}
    made = study(turn=[turn], society={"rounds": 1, "agents": 5})
    played = Played(made, lambda trial: 7.0 if "bid" in trial.place.item else f"hello{number_of(trial)}")
    asked = played.asked("talk")
    return [number_of(trial) for trial in asked], [words(trial).count("hello") for trial in asked]


def test_schedules_say_who_waits_for_whom():
    everybody = list(range(5))
    assert spoken("parallel") == (everybody, [0] * 5)
    order, read = spoken("sequential")
    assert (sorted(order), read) == (everybody, [0, 1, 2, 3, 4])
    assert order != everybody
    assert spoken("specified", order=[3, "Person 1"]) == ([3, 0], [0, 1])
    assert spoken("mixed", first="number < 2") == (everybody, [0, 1, 2, 2, 2])
    who, read = spoken("bidding", bid="How much do you want to speak now?", speakers=3)
    assert (len(who), read) == (3, [0, 1, 2])
    assert all(a != b for a, b in pairwise(who))


def test_the_highest_bid_speaks():
    turn = {**TALK, "schedule": "bidding", "bid": "How much do you want to speak now?"}
    played = Played(study(turn=[turn]), lambda trial: number_of(trial) % 7 if "bid" in trial.place.item else "a hello")
    assert [number_of(trial) for trial in played.asked("talk")] == [6, 6]


def test_in_event_time_those_who_act_before_anybody_could_react_are_asked_together():
    turn = {**TALK, "schedule": "time", "reaction": "CASE WHEN number = 0 THEN 3 ELSE 12 END", "sees": ["feed:1000"]}
    played = Played(study(turn=[turn], society={"rounds": 2, "hours": 24, "agents": 4}), lambda trial: "hello")
    said = played.at(2).events.column("agent")
    asked = [number_of(trial) for trial in played.asked("talk")]
    assert [asked.count(k) for k in range(4)] == [16, 4, 4, 4]  # 48 hours: every three, every twelve
    assert len(said) > len(asked)  # what was read is an event as well
    # Who acts later has heard all who acted before, itself left out.
    heard = [words(trial).count("hello") + asked[:k].count(asked[k]) for k, trial in enumerate(played.asked("talk"))]
    assert heard == sorted(heard)
    assert heard[1] == heard[0] == 0  # the first two could not react to each other


def test_an_event_at_a_time_happens_in_the_round_that_begins_then_or_next():
    times = {"now": 0, "noon": 12, "soon": 13, "late": 30}
    events = [{"name": name, "time": time, "event": f"It is {name}."} for name, time in times.items()]
    turn = {**TALK, "schedule": "time", "reaction": "12"}
    made = study(turn=[turn], event=events, society={"rounds": 4, "hours": 12})
    played = Played(made, lambda trial: "hello")
    rows = [played.at(4).events[k] for k in range(len(played.at(4).events))]
    happened = {row["text"]: row["round"] for row in rows if row["text"].startswith("It is")}
    assert happened == {"It is now.": 1, "It is noon.": 2, "It is soon.": 3, "It is late.": 4}
    with pytest.raises(DesignError, match=r"\[\[event\]\] dusk is in round 5, and there are 4"):
        study(event=[{"name": "dusk", "time": 37, "event": "It is dusk."}], society={"rounds": 4, "hours": 12})


def greeting(trial):
    return f"hello {number_of(trial)}" if trial.place.item == "talk" else "for"


def test_feeds_show_what_could_be_heard_in_the_order_that_is_said():
    def first_words(order, **more):
        talks = {**TALK, "schedule": "specified", "order": [0, 1, 2], "sees": []}
        reads = {**ASKED, "sees": [f"feed:2:{order}"], "who": "number = 4"}
        played = Played(
            study(turn=[talks, reads], **more),
            lambda trial: f"hello {number_of(trial)}" if trial.place.item == "talk" else "for",
        )
        return [line for line in words(played.asked("stand", 2)[0]).splitlines() if "hello" in line]

    assert first_words("chronological") == ["Person 2: hello 1", "Person 3: hello 2"]
    assert len(first_words("popularity")) == len(first_words("random")) == len(first_words("similarity")) == 2
    assert first_words("chronological", network={"kind": "ring", "degree": 2}) == []  # it knows 3 and 5 only


def test_what_was_read_is_an_event():
    talks = {**TALK, "schedule": "specified", "order": [0], "sees": []}
    reads = {**ASKED, "sees": ["feed:1"], "who": "number = 4"}
    state = Played(study(turn=[talks, reads], society={"rounds": 1}), lambda trial: None).at(1)
    assert len(state.events) == 2
    assert [state.events.column(name) for name in ("kind", "agent", "target", "value")] == [
        ["said", "seen"], [0, 4], [-1, 0], [0.0, 0.0],
    ]  # fmt: skip


def test_memories_are_of_what_was_done_heard_and_told():
    made = study(
        network=RING,
        turn=[{**TALK, "sees": [], "who": "number = 3"}, {**ASKED, "sees": ["memory:3:chronological"]}],
        event=[{"message": "The bridge is closed.", "at": 1, "to": "number = 4"}],
    )
    played = Played(made, lambda trial: "hello" if trial.place.item == "talk" else "for")
    told = {number_of(trial): words(trial) for trial in played.asked("stand", 2)}
    assert "The bridge is closed." not in told[4]  # four things happened to it, and it remembers three
    own = "Where do you stand on the bypass? for"
    assert f"You remember:\n- Person 4: hello\n- {own}\n- Person 4: hello" in told[4]
    assert "hello" not in told[6]


def test_only_what_is_possible_is_offered_and_who_has_no_choice_is_not_asked():
    turn = {**ASKED, "offers": {"for": "number < 5", "against": "number <> 2 AND number <> 7"}}
    played = Played(study(turn=[turn]))
    offered = {number_of(trial): set(trial.reply.options) for trial in played.asked("stand", 1)}
    assert offered[0] == set(OPTIONS)
    assert offered[2] == {"neither", "for"}
    assert offered[8] == {"against", "neither"}
    assert 7 not in offered


def test_rules_change_who_they_are_about_with_what_is_near():
    made = study(
        network=RING, turn=[], society={"agents": 6, "rounds": 1},
        variable=[
            {"name": "x", "start": {"uniform": [0, 1]}}, {"name": "y", "start": 0},
            {"name": "mean", "on": "world", "start": 0},
        ],
        rule=[
            {"set": "y", "to": "near_mean_x", "where": "number > 0"},
            {"set": "mean", "to": "AVG(y) * near_n"},
        ],
    )  # fmt: skip
    played = Played(made)
    x = played.begun[0, ""].agents["x"]
    expected = [0, *((x[k - 1] + x[(k + 1) % 6]) / 2 for k in range(1, 6))]
    state = played.at(1)
    np.testing.assert_allclose(state.agents["y"], expected)
    assert state.values["world"]["mean"] == pytest.approx(2 * np.mean(expected))


def test_shares_of_neighbours_and_last_values_are_columns():
    made = study(
        network=RING, turn=[], society={"agents": 6, "rounds": 2},
        variable=[
            {**STAND, "start": "for"}, {"name": "alike", "start": 0}, {"name": "pro", "start": 0},
            {"name": "before", "start": 0},
        ],
        rule=[
            {"set": "before", "to": "last_stand"},
            {"set": "stand", "to": "0", "where": "number = 0"},
            {"set": "alike", "to": "near_share_stand"},
            {"set": "pro", "to": "near_share_stand_for"},
        ],
    )  # fmt: skip
    state = Played(made).at(2)
    assert state.agents["alike"].tolist() == [0, 0.5, 1, 1, 1, 0.5]
    assert state.agents["pro"].tolist() == [1, 0.5, 1, 1, 1, 0.5]
    assert state.agents["before"].tolist() == [0, 2, 2, 2, 2, 2]


def test_a_rule_may_follow_a_turn():
    made = study(
        variable=[STAND, {"name": "seen", "start": 0}], turn=[ASKED, {**ASKED, "item": "again", "sets": "stand"}],
        rule=[{"set": "seen", "to": "stand", "after": "stand"}], society={"rounds": 1},
    )  # fmt: skip
    state = Played(made, lambda trial: "for" if trial.place.item == "stand" else "against").at(1)
    assert (state.agents["seen"] == 2).all()
    assert (state.agents["stand"] == 0).all()


def test_messages_reach_whom_they_are_for_before_anybody_observes_and_arms_share_the_past():
    made = study(
        society={"rounds": 3}, arm=[{"name": "leaflet", "from_round": 2, "message": "It is free.", "to": "number < 3"}]
    )
    played = Played(made)
    told = {
        (t.place.round, number_of(t))
        for t in played.asked("stand", arm="leaflet")
        if "You are told: It is free." in words(t)
    }
    assert told == {(2, 0), (2, 1), (2, 2)}
    assert not any("free" in words(trial) for trial in played.asked("stand"))
    assert {trial.place.round for trial in played.asked("stand", arm="leaflet")} == {2, 3}
    unmoved = played.at(2).agents["stand"][3:], played.at(2, "leaflet").agents["stand"][3:]
    assert unmoved[0].tolist() != [1] * 7


def test_an_event_waits_until_an_expression_first_holds():
    made = study(
        turn=[{**ASKED, "sees": ["own", "world"]}], society={"rounds": 4},
        event=[{"name": "toll", "policy": "There is a toll.", "when": "AVG(stand) > 1.5"}, {"ends": "toll", "at": 4}],
    )  # fmt: skip
    played = Played(made, lambda trial: "for" if trial.place.round == 2 else "against")
    tolls = {trial.place.round for trial in played.asked("stand") if "In force now: There is a toll." in words(trial)}
    assert tolls == {3}


def test_edits_leaving_and_joining_change_nobody_else():
    made = study(
        network={"kind": "ring", "degree": 4}, variable=[STAND, {"name": "purse", "start": 1}],
        event=[
            {"set": "stand", "value": "for", "to": "number = 1", "at": 2},
            {"remove": "number = 2", "at": 2}, {"add": 2, "at": 3},
        ],
        society={"rounds": 3}, turn=[{**ASKED, "who": "number = 9"}],
    )  # fmt: skip
    played = Played(made)
    state = played.at(3)
    assert state.numbers.tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert state.agents["stand"][1] == 2
    assert state.agents["purse"].tolist() == [1] * 11
    network = state.networks["ties"]
    assert network.n == 11
    assert network.degrees[[9, 10]].tolist() == [4, 4]
    assert played.at(2).networks["ties"].degrees.tolist() == [3, 3, 3, 3, 4, 4, 4, 4, 4]


def test_a_resolver_chooses_what_comes_of_words():
    turn = {
        **TALK, "who": "number = 0", "resolver": "What comes of it?",
        "outcome": [{"text": "nothing"}, {"text": "it convinces", "set": "stand", "to": "2"}],
    }  # fmt: skip
    made = study(network=RING, turn=[turn], society={"rounds": 1})
    played = Played(made, lambda trial: "it convinces" if "outcome" in trial.place.item else "Come!")
    (asked,) = played.asked("talk-outcome")
    assert asked.place.subject == "0.world"
    assert words(asked).startswith("Person 1 says: Come!\n\nWhat comes of it?")
    assert played.at(1).agents["stand"].tolist() == [1, 2, 1, 1, 1, 1, 1, 1, 1, 2]


def test_a_survey_inside_the_world_reads_of_it_and_changes_nothing():
    vote = {"use": "anes-1996", "only": ["vote"], "at": [0, 2], "agents": [1, 2]}
    plain, asked = Played(study()), Played(study(survey=[vote]))
    assert plain.at(2).digest() == asked.at(2).digest()
    surveyed = asked.asked("vote")
    assert [(number_of(t), dict(t.place.condition)["wave"]) for t in surveyed] == [
        (1, "0"), (2, "0"), (1, "2"), (2, "2"),
    ]  # fmt: skip
    assert words(surveyed[0]).startswith("Your stand so far: neither.\n\n")


def test_an_item_may_come_from_an_instrument():
    played = Played(study(variable=[], turn=[{"item": "vote", "use": "anes-1996", "sees": []}], society={"rounds": 1}))
    assert words(played.trials[0]).startswith("Bill Clinton, the Democrat, and Bob Dole")


def test_arms_change_tables_by_name_and_leave_some_out():
    made = study(
        network=RING,
        turn=[{**ASKED, "sees": ["own", "neighbours"]}],
        rule=[{"name": "drift", "set": "stand", "to": "2"}],
        arm=[
            {"name": "alone", "from_round": 2, "turn": [{"item": "stand", "sees": ["own"]}]},
            {"name": "still", "from_round": 2, "without": ["drift"]},
            {"name": "era", "background": {"era": "It is 1890."}},
        ],
    )
    played = Played(made, lambda trial: "against")
    assert all("people you know" in words(trial) for trial in played.asked("stand", 2))
    assert not any("people you know" in words(trial) for trial in played.asked("stand", 2, "alone"))
    assert played.at(2).agents["stand"].tolist() == [2] * 10
    assert played.at(2, "still").agents["stand"].tolist() == [0] * 10
    assert all("The time: It is 1890." in words(trial) for trial in played.asked("stand", 1, "era"))


def test_each_agent_is_answered_by_the_engine_that_its_column_names():
    population = Population(
        name="few",
        subjects=tuple(Subject(id=str(k), traits={"who": "ab"[k % 2], "age": 20 + k}) for k in range(4)),
        fields=(Field(column="age", first="I am {value}.", third="They are {value}."),),
    )
    keys = WrittenKeys.model_validate({"engine": "who", "variable": [STAND], "turn": [ASKED]})
    world = make(Shared(title="", seed=1, population=population), keys)
    state = world.begin(0)
    for _ in range(2):
        state = world.advance(state, ())
    assert [ask.answerer for ask in world.turns(state)] == ["a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("codes", "names"),
    [
        pytest.param([("a-b", "c"), ("a", "b-c"), ("a", "c")], ("x=a-b, y=c", "x=a, y=b-c", "a-c"), id="dashes"),
        pytest.param([("yes", ""), ("", "yes"), ("", "")], ("x=yes", "y=yes", "anybody"), id="missing codes"),
    ],
)
def test_archetypes_whose_codes_join_to_one_name_are_set_apart(codes, names):
    population = Population(
        name="few",
        subjects=tuple(
            Subject(id=str(k), traits={name: code for name, code in zip("xy", of, strict=True) if code})
            for k, of in enumerate(codes)
        ),
        fields=tuple(Field(column=name, first="I am {value}.", third="They are {value}.") for name in "xy"),
    )
    keys = WrittenKeys.model_validate({"variable": [STAND], "turn": [ASKED], "scale": {"ask": "cells"}})
    world = make(Shared(title="", seed=1, population=population), keys)
    assert tuple(world.archetypes(world.begin(0))) == names
