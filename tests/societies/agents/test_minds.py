"""Agents that think, whole: parts that are switched off, memories, reflection, tools; forked, resumed, carried out."""

import json

import pytest

from proband import Study, carry_out
from proband.designs.process import unfold
from proband.errors import DataError, DesignError
from proband.instruments.items import Item
from proband.models.scripted import ScriptedEngine
from proband.societies.agents.knowledge import false_knowledge, stands_on
from proband.societies.agents.memory import memories_of
from proband.societies.agents.minds import PARTS
from proband.societies.agents.profile import Profiles
from proband.societies.agents.tools import Misused, calculated
from proband.societies.asking import Asking
from proband.societies.design import Society
from proband.societies.life import Arm, Life
from proband.societies.state import State
from proband.subjects import Field, Population, Subject
from tests.societies.agents.village import GO, STAY, Village, Watched, lived

AGE = Field(column="age", first="I am {value} years old.", third="The person is {value} years old.")
PEOPLE = Population(
    name="two", subjects=tuple(Subject(id=str(k), traits={"age": 30 + k}) for k in range(2)), fields=(AGE,)
)


def said(text):
    """A rule that writes a text by item, and is uniform elsewhere."""
    return lambda trial: text.get(trial.place.item)


def prompts(given, item="action"):
    return [[message.text for message in t.request.messages] for t, _ in given if t.place.item == item]


def without(*parts):
    return [part for part in PARTS if part not in parts]


def test_importance_is_asked_once_for_each_text_whoever_remembers_it():
    class Same(Village):
        def advance(self, state, heard):
            before = state.round
            state = super().advance(state, heard)
            if state.round > before:
                for k in range(self.n):
                    self.minds.perceive(state, k, "The bell rang.")
            return state

    given, watched = lived(Same({}, n=4, rounds=3), said({}))
    asked = [dict(t.place.condition)["memory"] for t, _ in given if t.place.item == "importance"]
    assert len(set(asked)) == len(asked)
    assert asked.count("The bell rang.") == 1
    rows = [row for row in (memories_of(watched.state, k) for k in range(4))]
    values = {memory.importance for own in rows for memory in own if memory.text == "The bell rang."}
    assert values == {5.5}  # the expected value of uniform probabilities


def test_a_memory_whose_importance_was_refused_is_kept_without_one():
    engine = ScriptedEngine(lambda trial: None, refuse=0.5)
    _, watched = lived(Village({}, n=6, rounds=3), None, engine=engine)
    importance = watched.state.memories.column("importance")
    assert any(value != value for value in importance)
    assert all(value != value or value == 5.5 for value in importance)


def test_each_part_can_be_switched_off():
    whole = Village({"importance": 5}, people=PEOPLE)
    given, _ = lived(whole, said({}))
    system, user = prompts(given)[-1]
    assert system == "Your name is P2.\n\nYou are the person who says this about themselves:\n\nI am 30 years old."
    assert user.startswith("You remember:\n- P1 says: ")
    given, _ = lived(Village({"importance": 5, "parts": without("profile", "memory")}, people=PEOPLE), said({}))
    assert all(p[0].startswith("Your name is") and "years old" not in p[0] for p in prompts(given))
    assert all("remember" not in p[1] for p in prompts(given))


def test_asking_does_not_change_the_state():
    world = Village({"theory": "needs", "settings": {"needs": [{"name": "food", "met_by": {GO: 0.5}}]}})
    state = world.begin(0)
    before = state.digest()
    assert world.turns(state) == world.turns(state)
    assert state.digest() == before


def test_a_society_that_is_played_again_from_its_answers_goes_through_the_same_states():
    keys = {"theory": "daily-plan", "reflect_above": 3, "tools": ["calculator", "calendar"]}
    rule = said({"questions": "Who sells?", "insights": "P1 sells (because of 1)", "argument": "2 * 3"})
    arm = Arm(name="bare", from_round=3, world=Village(keys | {"parts": ["profile", "theory"]}, rounds=4))
    given, first = lived(Village(keys, rounds=4), rule, arms=[arm])
    assert {name for name, _, _ in first.digests} == {"", "bare"}
    again, answers = Watched(), {t.id: response for t, response in given}
    arm = Arm(name="bare", from_round=3, world=Village(keys | {"parts": ["profile", "theory"]}, rounds=4))
    life = Life(0, [Arm(name="", world=Village(keys, rounds=4)), arm], Asking(seed=1), watcher=again)
    assert {trial.id for trial in unfold([life], answers)} == set(answers)
    assert sorted(again.digests) == sorted(first.digests)


def test_agents_reflect_when_enough_has_happened_and_insights_name_what_they_stand_on():
    rule = said(
        {"questions": "1. Who goes to the market?", "insights": "- People are busy (because of 1, 9)\nIt is late"}
    )
    world = Village({"importance": 5, "reflect_above": 9}, n=2, rounds=6)
    given, watched = lived(world, rule)
    insights = [m for m in memories_of(watched.state, 0) if m.kind == "insight"]
    assert {m.text for m in insights} == {"People are busy", "It is late"}
    busy = next(m for m in insights if m.text == "People are busy")
    stands = stands_on(watched.state, busy)
    assert len(stands) == 1  # a statement 9 was never shown
    assert watched.state.memories[stands[0]]["agent"] == 0
    rounds = {t.place.round for t, _ in given if t.place.item == "questions"}
    assert rounds == {3, 5}  # 10 points after two rounds; insights do not count
    assert false_knowledge(watched.state).is_empty()


def test_what_a_tool_gives_stands_before_the_next_question(tmp_path):
    (tmp_path / "prices.csv").write_text("good,price\nbread,3\nsalt,9\n")
    (tmp_path / "notes.jsonl").write_text(json.dumps({"id": "a", "text": "The mayor sells salt."}) + "\n")
    keys = {
        "importance": 5,
        "tools": ["calculator", "calendar", "prices", "notes"],
        "files": {"prices": "prices.csv", "notes": "notes.jsonl"},
        "calls": 6,
    }
    calls = iter(
        [("calculator", "3 * (4 + 5)"), ("prices", "bread"), ("prices", "braed"), ("notes", "who sells salt?"),
         ("calendar", "5: meet Ann"), ("calculator", "__import__('os')")]
    )  # fmt: skip
    now = []

    def rule(trial):
        if trial.place.item == "tool":
            now[:] = next(calls)
            shown = trial.reply.options.index(now[0])
            return trial.reply.order[shown]
        return now[1] if trial.place.item == "argument" else None

    world = Village(keys, n=1, rounds=1, folder=tmp_path)
    given, watched = lived(world, rule)
    [(_, user)] = prompts(given)
    assert "- calculator, given 3 * (4 + 5): 27\n" in user
    assert "- prices, given bread: good: bread, price: 3\n" in user
    assert "there is no row with 'braed' (did you mean 'bread'?)" in user
    assert "- notes, given who sells salt?: The mayor sells salt.\n" in user
    assert "- calendar, given 5: meet Ann: for 5: meet Ann\n" in user
    assert "is no sum that can be worked out" in user
    assert watched.state.values["minds"]["0"]["calendar"] == {"5": ["meet Ann"]}
    assert watched.state.events.column("kind").count("tool") == 6


NO_SUMS = ["", "x", "1 +", "().__class__", "open('a')", "1 / 0", "9 ^ 9 ^ 9", "True", "'a' * 3", "[1]", "(" * 250]


@pytest.mark.parametrize("expression", NO_SUMS)
def test_what_is_no_sum_is_told(expression):
    with pytest.raises(Misused):
        calculated(expression)


@pytest.mark.parametrize(("expression", "value"), [("2 ^ 10", 1024), ("-3 % 5", 2), ("max(1, sqrt(16))", 4)])
def test_sums_are_worked_out(expression, value):
    assert calculated(expression) == value


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"tools": ["calculater"]}, "did you mean 'calculator'"),
        ({"importance": 11}, "from 1 to 10"),
        ({"relevance": "minilmm"}, "minilmm"),
        ({"train_after": [3]}, "train_after has round 3"),
        ({"train_after": [0]}, "train_after has round 0"),
        ({"tools": ["prices"], "files": {"prices": "nowhere.csv"}}, "nowhere.csv"),
        ({"tools": ["notes"], "files": {"notes": "nowhere.jsonl"}}, "nowhere.jsonl"),
    ],
)
def test_settings_that_mean_nothing_are_refused(keys, said):
    with pytest.raises(Exception, match=said) as caught:
        Village(keys)
    assert type(caught.value).__module__ == "proband.errors"


def test_a_table_without_rows_is_refused(tmp_path):
    (tmp_path / "empty.csv").write_text("good,price\n")
    with pytest.raises(DataError, match="at least one row"):
        Village({"tools": ["empty"], "files": {"empty": "empty.csv"}}, folder=tmp_path)


def test_a_profile_of_nothing_is_refused():
    with pytest.raises(DesignError, match="switch the part"):
        Profiles(PEOPLE, "none")


def test_a_habit_without_a_situation_is_refused():
    world = Village({"theory": "dual-process", "settings": {"novelty": 1}}, n=1)
    with pytest.raises(DesignError, match="no familiar situation"):
        world.turns(world.begin(0))


def test_a_world_of_minds_is_carried_out(tmp_path):
    class Farmers(Village):
        def archetypes(self, state):
            return ["farmer"]

    world = Farmers(
        {"theory": "dual-process"}, n=3, rounds=4,
        scene=lambda state, k: {"familiar": (("weather", "fine"),), "archetype": "farmer"},
    )  # fmt: skip
    design = Society(world=world, seed=1, societies=2, asking=Asking(seed=1))
    run = carry_out(Study(design, "scripted:uniform"), tmp_path / "run")
    assert run.is_complete
    table = run.table()
    assert {"importance", "reason", "action", "habit"} == set(table["item"])
    assert table.filter(item="habit").height == 2


def test_the_items_of_a_world_have_the_options_that_there_are_in_general():
    items = {item.id: item for item in Village({}).items}
    assert items["action"].options == (STAY, GO)
    assert isinstance(items["importance"], Item)


def test_an_agent_that_has_decided_can_think_again():
    world, state = Village({"importance": 5}, n=1), State(society=0, agents={"name": ["P0"]})
    mind = world.minds.mind(state, 0)
    mind.update(round=1, stage=99, action=GO)
    assert world.turns(state) == []
    assert world.minds.action(state, 0) == GO
    world.minds.again(state, 0)
    assert len(world.turns(state)) == 1
    assert world.minds.action(state, 0) is None
