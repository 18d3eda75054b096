"""The town: what scripted people who always or never talk make known, to whom, and what of it is false."""

import pytest

from proband import carry_out
from proband.analyses import diffusion
from proband.designs.studies import Study, load_study, study_from_dict
from proband.models.scripted import ScriptedEngine
from proband.runs import collect
from proband.societies import States
from proband.societies.agents.knowledge import knowers
from proband.societies.agents.minds import PARTS
from proband.societies.scenarios.town import KEEP
from proband.societies.scenarios.townspeople import N_PUBLIC, NEWS, PEOPLE, PLACE_NAMES, SUPPER, agrees
from tests.designs.survey.test_prompts import as_text, assert_golden
from tests.societies.agents.village import lived
from tests.societies.killing import SNAPSHOTS, files, kill_again_and_again, rows
from tests.societies.scenarios.living import asked, heard, world

pytestmark = pytest.mark.scenarios
PLAIN = {"importance": 5.0, "parts": ["profile", "memory"], "recall": 1000}
SHORT = {"use": "town", "societies": 1, "agents": 8, "days": 1, "day_begins": 14, "day_ends": 18}


def option(ask, wanted, otherwise=0):
    return next((k for k, text in enumerate(ask.item.options) if wanted in text), otherwise)


def townsman(go="square", talks=True, words=None):
    """Goes to a place, and tells of the supper whenever that can be told, or is silent."""

    def answer(ask):
        match ask.item.id:
            case "action":
                return option(ask, go, option(ask, "home"))
            case "talk":
                return option(ask, SUPPER.topic, option(ask, KEEP)) if talks else option(ask, KEEP)
        return words or SUPPER.text.format(day=2)

    return answer


def known(state, news):
    return len(knowers(state, state.values["news"][news.key]))


def test_where_nobody_talks_nobody_comes_to_know():
    made = world("town", **PLAIN, days=1)
    state = asked(made, townsman(talks=False))
    assert [known(state, news) for news in NEWS] == [1, 1]
    assert state.networks["known"].digest == made.begin(0).networks["known"].digest


def test_who_stays_at_home_tells_those_who_live_there():
    state = asked(world("town", **PLAIN), townsman("home"))
    assert knowers(state, state.values["news"]["supper"]) == {0, 1}


def test_where_all_meet_and_tell_all_know_and_come_and_nothing_is_false():
    made = world("town", **PLAIN)
    state = made.begin(0)
    while not state.is_over:
        hour = made._when(state)
        go = "boathouse" if hour == (2, 17) else "square"
        state = made.advance(state, [heard(ask, townsman(go)) for ask in made.turns(state)])
    found = made.measures(state)
    assert (found["knows_supper"], found["knows_candidacy"], found["came"], found["false"]) == (1.0, 0.04, 1.0, 0.0)
    assert found["density"] > made.measures(made.begin(0))["density"]


def test_what_is_told_with_another_place_is_known_and_false():
    made = world("town", **PLAIN, days=1)
    found = made.measures(asked(made, townsman(words="There is a supper at the inn.")))
    assert found["knows_supper"] == 1.0
    assert found["false"] == 1.0


def test_who_speaks_of_what_it_cannot_know_has_made_it_up():
    def chats(ask):
        return option(ask, "Chat", 0) if ask.item.id == "talk" else townsman("home", words="You are mayor!")(ask)

    made = world("town", **PLAIN, days=1)
    state = asked(made, chats)
    told = [state.events[k] for k in range(len(state.events)) if state.events[k]["kind"] == "told"]
    assert {row["value"] == -1 for row in told if row["agent"] not in {2, 3, 4}} == {True}
    assert known(state, NEWS[1]) == 3  # Tomas, and those who live with him


def test_a_hall_that_is_full_turns_away():
    state = asked(world("town", **PLAIN, days=1, day_begins=10), townsman("bakery", talks=False))
    kinds = state.events.column("kind")
    assert "turned away" in kinds
    assert (state.agents["place"] == PLACE_NAMES.index("bakery")).sum() == 0  # closed by then: all went home


@pytest.mark.parametrize(
    ("said", "is_true"),
    [
        ("Supper at the boathouse at 5, all of us!", True),
        ("Will you come to the supper on day 2?", True),
        ("The supper is at 19:00.", False),
        ("Supper at the orchard.", False),
    ],
)
def test_words_are_false_if_they_contradict(said, is_true):
    assert agrees(f"Ivo to Oda: {said}", SUPPER.text.format(day=2)) is is_true
    assert not agrees("Ivo to Oda: Greta wants to be mayor.", NEWS[1].text)


def rule(trial):
    facts = dict(trial.facts)
    if trial.place.item == "talk":
        n = len(trial.reply.options)
        return tuple(float(k == n - 1) for k in range(n))
    return {"say": SUPPER.text.format(day=1) if facts.get("about") == "supper" else "Fine day.", "plan": "Rest."}.get(
        trial.place.item
    )


def test_nobody_who_was_not_there_and_was_not_told_reads_of_it():
    given, watched = lived(world("town", agents=12, days=1, day_begins=12), rule)
    state, seen = watched.state, 0
    events, memories = ([rows[k] for k in range(len(rows))] for rows in (state.events, state.memories))
    heard_in = {0: 0}  # by whom, the round in which one first heard of the supper
    for row in events:
        if row["kind"] == "told":
            heard_in.setdefault(row["target"], row["round"])
    there = {}
    for row in memories:
        if row["kind"] == "seen":
            there.setdefault(row["text"], set()).add(row["agent"])
    for trial, _ in given:
        if trial.place.item == "importance":
            continue
        number, text = int(trial.place.subject.split(".")[1]), trial.request.messages[-1].text
        if "supper" in text and "Hedda's supper" not in text:
            seen += 1
            assert heard_in[number] < trial.place.round, trial.id
        for words, agents in there.items():
            assert words not in text or number in agents, trial.id
    assert seen > 10


def talker(trial):
    """Anything, and whoever speaks, speaks of the supper."""
    if trial.reply.options:
        return [1 / len(trial.reply.options)] * len(trial.reply.options)
    return "There is a supper at the boathouse at five."


def test_an_ablated_arm_shares_every_call_before_its_fork(tmp_path):
    arms = [
        {"name": f"no {part}", "from_round": 3, "parts": [name for name in PARTS if name != part]}
        for part in ("memory", "reflection", "plan")
    ]
    study = {"seed": 1, "engine": "scripted:uniform", "society": {**SHORT, "reflect_above": 15.0}, "arm": arms}
    design = study_from_dict(study).design
    run = carry_out(Study(design, {"": ScriptedEngine(talker, seed=1)}), tmp_path / "run")
    table = run.table()
    assert set(table.filter(table["round"].is_between(1, 2))["arm"]) == {None}
    assert set(table.filter(table["round"] == 3)["arm"]) == {None, *(arm["name"] for arm in arms)}
    states = States(run.path).measures()
    assert states.filter(states["round"] < 3).group_by("round").n_unique()["knows_supper"].to_list() == [1, 1, 1]
    # The report counts as false what the town itself does: true news in other words is not.
    false = next(found for found in diffusion.ANALYSIS.sections(run) if found.name == "false-memories")
    last = states.filter(states["round"] == states["round"].max())
    assert {row[0]: row[3].value for row in false.table.rows} == {
        arm or "unchanged": share for arm, share in last.select("arm", "false").iter_rows()
    }
    assert 0 < false.table.rows[0][3].value < 1  # some did not know of it, and spoke of it


def test_prompts_of_the_town_are_the_golden_ones():
    given, _ = lived(world("town", agents=6, days=1, day_begins=15, reflect_above=10.0), rule)
    last = {trial.place.item: trial for trial, _ in given if trial.place.subject in ("0.0", "0.world")}
    assert {"action", "importance", "plan", "questions", "say", "talk"} <= last.keys()
    assert_golden("scenario-town", "\n\n".join(as_text(trial) for _, trial in sorted(last.items())) + "\n")


def test_everybody_can_go_where_they_work_and_lives_somewhere():
    for person in PEOPLE:
        assert PLACE_NAMES.index(person.traits["work"]) < N_PUBLIC <= PLACE_NAMES.index(person.traits["house"])


STUDY = """
title = "A town"
seed = 1
engine = "scripted:uniform"

[society]
use = "town"
societies = 2
agents = 8
days = 1
day_begins = 14
day_ends = 18
reflect_above = 15.0

[[arm]]
name = "no memory"
from_round = 3
parts = ["profile", "plan", "theory"]
"""
KILLED = """
import os, sys
from proband.designs.studies import Study, load_study, study_from_dict
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import collect, snapshots

from proband.store import journal

journal.FEW = 1  # however few they are, answers wait to be put in order
snapshots.EVERY_S, snapshots.SHARE = 0.0, 1.0
left = [int(sys.argv[3])]

class Dying(ScriptedEngine):
    def answer(self, trials):
        for pair in super().answer(trials):
            left[0] -= 1
            if left[0] <= 0:
                os._exit(9)
            yield pair

collect(load_study(sys.argv[1]).design, Dying(uniform(), address="scripted:uniform"), sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("snapshot", "times"), SNAPSHOTS)
def test_a_town_killed_again_and_again_is_the_same_run(tmp_path, snapshot, times):
    study = tmp_path / "town.toml"
    study.write_text(STUDY)
    engine = ScriptedEngine(lambda trial: None, address="scripted:uniform")
    whole = collect(load_study(study).design, engine, tmp_path / "whole").path
    folder = tmp_path / "run"
    most = len(rows(whole)) // 24
    kills = kill_again_and_again(KILLED, [study, folder], folder, (1, most), snapshot, times)
    assert kills == times
    assert collect(load_study(study).design, engine, folder).is_complete
    assert rows(folder) == rows(whole)
    assert files(folder) == files(whole)
