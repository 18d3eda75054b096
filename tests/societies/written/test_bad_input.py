"""What cannot be is refused before the first call, by table, key and name, with the way out."""

import pytest

from proband.designs.studies import study_from_dict
from proband.errors import DesignError
from tests.societies.written.playing import ASKED, STAND, study

RING = {"kind": "ring", "degree": 2}
TALK = {"item": "talk", "text": "What do you say?", "sees": []}
CELLS = {"network": RING, "turn": [{**ASKED, "sees": ["own", "neighbours"]}]}


def turn(**keys):
    return {"turn": [{**ASKED, **keys}]}


def rule(**keys):
    return {"rule": [{"set": "stand", "to": "1", **keys}]}


def event(**keys):
    return {"event": [{"at": 1, **keys}]}


def stock(**keys):
    return {"stock": [{"name": "money", "agents": 1, **keys}]}


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        # variables
        ({"variable": [{**STAND, "start": "maybe"}]}, "[[variable]] 'stand': start is 'maybe'; options are against"),
        ({"variable": [{**STAND, "name": "my stand"}]}, "'my stand': expressions name it"),
        ({"variable": [STAND, STAND]}, "'stand': the name is taken"),
        ({"variable": [{**STAND, "name": "round"}]}, "'round': the name is taken"),
        ({"variable": [{**STAND, "start": "column:age"}]}, "the population has no column 'age'"),
        ({"variable": [{**STAND, "start": "survey:stnd"}]}, "start asks 'stnd', and no turn that sets 'stand' asks it "
         "(did you mean 'stand'?)"),
        ({"variable": [{**STAND, "start": {"draw": {"fro": 1}}}]}, "start draws 'fro' (did you mean 'for'?)"),
        ({"variable": [{**STAND, "start": {"draw": {"for": -1}}}]}, "they are at least 0"),
        ({"variable": [{**STAND, "start": {}}]}, "start draws in one way"),
        ({"variable": [{**STAND, "start": {"normal": [1]}}]}, "start has 1 numbers"),
        ({"variable": [{**STAND, "on": "world", "start": None}], "turn": []}, "begins with one value"),
        # turns
        (turn(text=""), "[[turn]] 'stand' has no wording"),
        (turn(item="view", sets="stnd"), "[[turn]] 'view' sets 'stnd', which is no variable (did you mean 'stand'?)"),
        (turn(options=["for", "perhaps"]), "offers 'perhaps', which 'stand' cannot be"),
        (turn(who="age > 3"), "[[turn]] 'stand', who: 'age > 3' reads 'age', which is not there"),
        (turn(who="near_n > 3"), "reads 'near_n', and nobody has neighbours; add [network]"),
        (turn(sees=["neighbours"]), "sees has 'neighbours', and nobody has any"),
        (turn(sees=["place"]), "sees has 'place', and there is none"),
        (turn(sees=["gossip"]), "sees has 'gossip'; there are own"),
        (turn(sees=["feed"]), "write how many, from 1, as in feed:5"),
        (turn(sees=["feed:0"]), "write how many"),
        (turn(sees=["feed:3:newest"]), "orders of a feed are chronological"),
        (turn(offers={"maybe": "round > 1"}), "offers name 'maybe', which is no option: it could never be offered"),
        (turn(offers={"for": "round > 9"}), "[[turn]] 'stand', offers 'for': 'round > 9' holds in none of 2 rounds"),
        (turn(offers={"for": "1 = 2"}), "holds in none of 2 rounds"),
        ({"turn": [{**TALK, "schedule": "bidding"}]}, "schedule 'bidding' without bid: nobody would speak"),
        ({"turn": [{**TALK, "schedule": "specified"}]}, "schedule 'specified' without order"),
        ({"turn": [{**TALK, "schedule": "mixed"}]}, "schedule 'mixed' without first"),
        ({"turn": [{**TALK, "schedule": "time"}]}, "schedule 'time' without reaction"),
        (turn(schedule="bidding", bid="How much?"), "one bids to speak, and it is no text"),
        (turn(order=[1]), "order goes with schedule 'specified', not 'parallel'"),
        (turn(schedule="chaotic"), "schedule must be one of"),
        ({"turn": [ASKED, ASKED]}, "two turns ask 'stand'"),
        ({"turn": [{**TALK, "to": "neighbours"}]}, "texts go to neighbours, and there are none"),
        (turn(form="ranking"), "is of form 'ranking'"),
        ({"turn": [{**TALK, "resolver": "What comes of it?"}]}, "a resolver chooses among two"),
        ({"turn": [{**TALK, "sets": "luck", "form": "text"}], "variable": [{"name": "luck"}]}, "is a text, and sets"),
        # rules
        (rule(set="stnd"), "[[rule]] 1 sets 'stnd', which is no variable (did you mean 'stand'?)"),
        (rule(to="next_stand"), "[[rule]] 1, to: 'next_stand' reads 'next_stand', a value of the next round"),
        (rule(to="read_csv('x')"), "calls 'read_csv', which is no function here; there are ABS"),
        (rule(to="__import__('os')"), "calls '__import__'"),
        (rule(to="stand; drop"), "'stand; drop' is no expression"),
        (rule(to="stand_label"), "gives neither numbers nor truth values"),
        (rule(to="stnd + 1"), "reads 'stnd', which is not there (did you mean 'stand'?)"),
        (rule(after="stnd"), "after: no turn asks 'stnd' (did you mean 'stand'?)"),
        (rule(where="round = 5"), "where: 'round = 5' holds in none of 2 rounds"),
        # events
        (event(), "[[event]] 1 is nothing; write one of message"),
        (event(message="a", policy="b"), "is message and policy"),
        (event(message="a", when="round = 1"), "has 2 times"),
        (event(message="a", at=3), "is in round 3, and there are 2"),
        (event(message="a", place="inn"), "no place 'inn'"),
        (event(set="stand"), "edits 'stand', and to what is not said"),
        (event(ends="toll"), "ends 'toll', which is no policy"),
        # ground
        ({"place": [{"name": "a", "ways": ["b"]}]}, "[[place]] 'a': ways lead to 'b', which is no place"),
        ({"place": [{"name": "a", "ways": ["a"]}, {"name": "b"}, {"name": "c", "home": "number > 99"}]}, None),
        ({"place": [{"name": "a", "ways": ["a"]}, {"name": "b", "ways": ["a"]}]}, "'b': nobody can reach it"),
        ({"place": [{"name": "a", "hours": [8]}]}, "hours are [8]"),
        (stock(flow=[{"source": "agents", "target": "bnak", "amount": "1"}], pools={"bank": 0}), "no account 'bnak' "
         "(did you mean 'bank'?)"),
        (stock(total=10, flow=[{"source": "outside", "target": "agents", "amount": "1"}]), "the stock cannot balance"),
        (stock(total=11), "[[stock]] 'money' cannot balance: agents and pools begin with 10 in all, and total is 11"),
        (stock(pools={"bank": -1}), "'bank' begins with -1"),
        (stock(pools={"outside": 1}), "a pool cannot be called 'outside'"),
        (stock(flow=[{"source": "agents", "target": "neighbours", "amount": "1"}]), "along the ties of a [network]"),
        ({"background": {"norm": [{"text": "x", "set": "stand"}]}}, "a sanction needs broken, set and to"),
        ({"background": {"institution": [{"name": "c", "vote": "stand", "option": "fro"}]}}, "'fro' is no option"),
        ({"network": {"kind": "block"}}, "[network] of kind 'block' needs by"),
        ({"network": {"kind": "ring", "degree": 3}}, "degree 3 among 10"),
        ({"network": {"kind": "file", "file": "none.csv"}}, "no such file of ties"),
        # scale
        ({**CELLS, "scale": {"ask": "cells"}}, "[scale] levels: say how many of 'near' are told apart"),
        ({**CELLS, "scale": {"ask": "cells", "levels": {"near": 1}}}, "levels of 'near' is 1"),
        ({**CELLS, "scale": {"ask": "cells", "levels": {"far": 3}}}, "levels name 'far'"),
        ({**CELLS, "scale": {"ask": "cells", "levels": {"near": 4000}}}, "[[turn]] 'stand' may have 12,000 cells, more "
         "than 5,000 (most_cells); the 4000 levels of 'near' multiply them most"),
        ({"turn": [{**ASKED, "sees": ["feed:3"]}], "scale": {"ask": "cells"}}, "sees 'feed', and texts differ"),
        ({"turn": [TALK], "scale": {"ask": "cells"}}, "only such turns are asked by cell"),
        ({"turn": [{**ASKED, "theory": "planned-behaviour"}], "scale": {"ask": "cells"}}, "only such turns are asked by cell"),
        # arms
        ({"arm": [{"name": "x", "without": ["drift"]}]}, "[[arm]] 'x': without names 'drift', which is not there"),
        ({"arm": [{"name": "x", "from_round": 2, "agents": 5}]}, "societies begin by it"),
        ({"arm": [{"name": "x", "mesage": "y"}]}, "no key 'arm x.mesage'"),
        # surveys inside, and the whole
        ({"society": {"agents": None}}, "nobody lives there"),
        ({"sosciety": {}}, "no table or kind of study [sosciety]"),
        ({"rules": []}, "no key 'rules'"),
    ],
)  # fmt: skip
def test_it_is_refused_by_name(tables, said):
    if tables.get("society") == {"agents": None}:
        with pytest.raises(DesignError, match=said):
            study_from_dict({"society": {"rounds": 2}, "seed": 1, "engine": "scripted:uniform"})
        return
    if said is None:
        study(**tables)
        return
    with pytest.raises(DesignError) as found:
        study(**tables)
    assert said in str(found.value)


def test_an_item_of_a_survey_inside_that_is_also_a_turn_is_refused():
    use = {"use": "anes-1996", "only": ["vote"], "at": [0]}
    vote = {"item": "vote", "use": "anes-1996", "sees": []}
    with pytest.raises(DesignError, match="'vote' is a turn of the world and an item of a survey"):
        study(variable=[], turn=[vote], survey=[use])


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(DesignError) as found:
        study(turn=[{**ASKED, "who": "a > 1"}, {**TALK, "to": "place"}], rule=[{"set": "b", "to": "1"}])
    assert len(found.value.problems) == 3
