"""What agents stand on: places that only those who are there hear of, stocks that balance, backgrounds and votes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.societies.ground.background import Institution, decides
from proband.societies.ground.stocks import total
from tests.societies.written.playing import ASKED, STAND, Played, number_of, study, words

GO = {"item": "go", "text": "Where do you go?", "sets": "place", "sees": ["place"]}
PLACES = [
    {"name": "square", "about": "A fountain."},
    {"name": "inn", "capacity": 3, "hours": [8, 22]},
    {"name": "mill", "home": "number >= 8", "ways": ["square"]},
]


def village(**more):
    turns = [GO, {"item": "talk", "text": "What do you say?", "sees": ["place", "feed:50", "memory:50"]}]
    event = [{"event": "A cart breaks its axle.", "at": [1, 2, 3], "place": "inn"}]
    return study(**{"place": PLACES, "turn": turns, "event": event, "society": {"rounds": 3, "hours": 6}, **more})


def test_who_is_absent_never_reads_of_what_happened_or_was_said():
    played = Played(village(), lambda trial: f"secret-{number_of(trial)}" if trial.place.item == "talk" else None)
    state = played.at(3)
    names = [place["name"] for place in PLACES]
    numbers = state.numbers.tolist()
    # Where each was while something was said: at its place of the round, after all had gone.
    there = {(r, n): names[int(played.at(r).agents["place"][n])] for r in (1, 2, 3) for n in numbers}
    before = {(1, n): names[2] if n >= 8 else names[0] for n in numbers}
    before |= {(r + 1, n): place for (r, n), place in there.items()}
    read = 0
    for trial in played.trials:
        me, now = number_of(trial), trial.place.round
        for speaker in range(10):
            if f"secret-{speaker}\n" in words(trial) + "\n" and speaker != me:
                read += 1
                assert any(there[r, me] == there[r, speaker] for r in range(1, now + 1))
        if "axle" in words(trial):
            read += 1
            assert any(before[r, me] == "inn" for r in range(1, now + 1))
    assert read > 50
    assert all("axle" not in words(trial) for trial in played.asked("go", 1))  # nobody was at the inn


def to_the_inn(trial):
    return "inn" if trial.place.item == "go" and "inn" in trial.reply.options else None


def test_places_have_room_hours_and_ways():
    played = Played(
        village(), lambda trial: "inn" if trial.place.item == "go" and "inn" in trial.reply.options else None
    )
    first = {number_of(trial): set(trial.reply.options) for trial in played.asked("go", 1)}
    assert first[0] == {"square", "inn", "mill"}
    assert first[9] == {"mill", "square"}
    assert (played.at(1).agents["place"] == 1).sum() == 3
    kinds = played.at(1).events.column("kind")
    assert (kinds.count("turned away"), kinds.count("moved")) == (5, kinds.count("moved"))
    second = played.asked("go", 2)  # it is full now: only who is there may stay
    inside = played.at(1).agents["place"] == 1
    assert all(("inn" in trial.reply.options) == inside[number_of(trial)] for trial in second)
    closed = Played(village(society={"rounds": 2, "begins": 23, "hours": 12}, event=[]))
    assert not any("inn" in trial.reply.options for trial in closed.asked("go", 1))
    assert "It is 23:00. You are at: square. A fountain. With you: Person 2, Person 3" in words(closed.trials[0])


def test_who_is_in_a_place_that_closes_goes_home():
    made = village(society={"rounds": 2, "hours": 12, "begins": 12}, event=[])
    played = Played(made, to_the_inn)
    assert (played.at(1).agents["place"] == 1).sum() == 3
    assert not any("You are at: inn" in words(trial) for trial in played.asked("go", 2))


FLOWS = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["agents", "bank", "state", "outside"]),
            "target": st.sampled_from(["agents", "bank", "state", "outside", "neighbours"]),
            "amount": st.sampled_from(["1", "money / 3", "number", "u * 7", "bank_share", "-3"]),
            "where": st.sampled_from(["", "number % 2 = 0", "money > 5"]),
        }
    ).filter(lambda flow: flow["source"] != flow["target"] or flow["source"] == "agents")
    .filter(lambda flow: flow["target"] != "neighbours" or flow["source"] == "agents"),
    max_size=5,
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(FLOWS, st.integers(0, 9))
def test_nothing_of_a_stock_is_lost_or_made(flows, seed):
    flows = [{**flow, "amount": flow["amount"].replace("bank_share", "money_bank / 4")} for flow in flows]
    stock = {"name": "money", "agents": "number * 2", "pools": {"bank": 100, "state": 7}, "flow": flows}
    event = [{"remove": "number = 3", "at": 2}, {"add": 2, "at": 3}]
    made = study(
        stock=[stock], network={"kind": "ring", "degree": 4}, turn=[], event=event, seed=seed,
        society={"rounds": 4, "agents": 9},
    )  # fmt: skip
    played = Played(made)
    for round in range(1, 5):
        state = played.at(round)
        held = state.agents["money"]
        assert held.dtype == np.int64
        assert held.min() >= 0
        assert min(state.stocks["money_bank"], state.stocks["money_state"]) >= 0
        passed = state.stocks.get("money_in", 0) - state.stocks.get("money_out", 0)
        assert total("money", held, state.stocks) == 72 + 107 + passed


def test_flows_go_where_they_are_said_to():
    stock = {
        "name": "money", "agents": 10, "pools": {"bank": 5}, "total": 65,
        "flow": [
            {"source": "agents", "target": "neighbours", "amount": "5", "where": "number = 0"},
            {"source": "bank", "target": "agents", "amount": "4", "where": "number < 3"},
        ],
    }  # fmt: skip
    made = study(stock=[stock], network={"kind": "ring", "degree": 2}, turn=[], society={"rounds": 1, "agents": 6})
    # Five in two parts leave one; of twelve wanted the bank has five, in equal parts, the rest to the first.
    assert Played(made).at(1).agents["money"].tolist() == [6 + 2, 12 + 2, 10 + 1, 10, 10, 12]


def test_the_background_stands_in_every_prompt_and_votes_change_it():
    background = {
        "era": "It is 1890.", "economy": "Wages fall.", "politics": "An election is near.", "culture": "Thrift.",
        "norm": [{"text": "One greets.", "broken": "stand = 0", "set": "stand", "to": "1", "sanction": "frowned upon"}],
        "institution": [{"name": "council", "vote": "stand", "option": "for", "policy": "There is a toll."}],
    }  # fmt: skip
    played = Played(study(background=background), lambda trial: "for" if number_of(trial) < 6 else "against")
    first, second = words(played.asked("stand", 1)[0]), words(played.asked("stand", 2)[0])
    assert first.startswith(
        "The time: It is 1890.\nThe economy: Wages fall.\nPolitics: An election is near.\nWhat people hold dear: "
        "Thrift.\nWhat one does here: One greets.\nYour stand so far"
    )
    assert "In force now: There is a toll." in second
    state = played.at(1)
    assert state.agents["stand"].tolist() == [2] * 6 + [1] * 4
    assert state.events.column("kind").count("sanctioned") == 4


@pytest.mark.parametrize(
    ("rule", "votes", "passes"),
    [
        ("majority", [1, 1, 0], True), ("majority", [1, 0], False), ("two-thirds", [1, 1, 0], True),
        ("two-thirds", [1, 1, 0, 0], False), ("unanimity", [1, 1], True), ("unanimity", [1, np.nan], True),
        ("unanimity", [1, 0], False), ("plurality", [1, 1, 0, 2], True), ("plurality", [1, 0], False),
        ("majority", [np.nan], False),
    ],
)  # fmt: skip
def test_votes_are_counted_by_the_rule(rule, votes, passes):
    body = Institution(
        name="council", vote="stand", option=1, rule=rule, members=None, policy="", set="", to=None, at=()
    )
    assert decides(body, votes) is passes


def test_agents_see_what_they_own_and_what_pools_hold():
    stock = {"name": "money", "agents": 3, "pools": {"bank": 9}}
    told = words(Played(study(stock=[stock], turn=[{**ASKED, "sees": ["own", "world"]}], variable=[STAND])).trials[0])
    assert told.startswith("Your stand so far: neither.\nYou have 3 money.\nThe bank has 9 money.")
