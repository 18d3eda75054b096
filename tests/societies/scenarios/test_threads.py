"""Communities of people and of models: what scripted members bring about is known in advance."""

import numpy as np
import pytest

from proband import Study, carry_out
from proband.designs.studies import study_from_dict
from proband.errors import DesignError
from proband.models.scripted import ScriptedEngine
from proband.runs import Budget
from proband.societies.scenarios.models_only import drift
from tests.societies.scenarios.living import asked, heard, world

MODELS = {"agents": 4, "rounds": 3, "seen": 2, "topic": "rain"}


def by_item(**answers):
    """One who gives the same answer to an item; a function of what is asked, where that is given."""

    def answer(ask):
        given = answers[ask.item.id]
        return given(ask) if callable(given) else given

    return answer


def acts(what):
    """Replies, where there is something to reply to."""
    return lambda ask: ask.item.options.index(what if what in ask.item.options else "post")


def study(use, **keys):
    return study_from_dict({"seed": 1, "engine": "scripted:uniform", "society": {"use": use, "societies": 1, **keys}})


@pytest.mark.scenarios
def test_members_at_random_write_reply_and_break_rules_as_often_as_chance_has_it(tmp_path):
    n, rounds, societies = 20, 6, 12
    made = world("community", agents=n, rounds=rounds, moderation="marks")
    rng = np.random.default_rng(1)
    ends = [
        asked(made, lambda ask: "word" if ask.item.id == "say" else int(rng.integers(len(ask.item.options))), k)
        for k in range(societies)
    ]
    found = [made.measures(state) for state in ends]
    messages, replies = n * (0.5 + (rounds - 1) * 2 / 3), n * (rounds - 1) / 3
    assert np.mean([row["messages"] for row in found]) == pytest.approx(messages, abs=4.5)
    assert np.mean([row["replies"] * row["messages"] for row in found]) == pytest.approx(replies, abs=4.5)
    assert np.mean([row["breaches"] for row in found]) == pytest.approx(0.5, abs=0.06)
    assert {row["removed"] for row in found} == {0.0}


def test_nobody_reads_what_was_removed_and_what_is_only_marked_stays():
    advert = by_item(act=acts("post"), say=lambda ask: f"BUY NOW {ask.agent}", breaks=lambda ask: 0)
    shown = {}
    for moderation in ("marks", "removes"):
        made = world("community", agents=3, rounds=2, moderation=moderation)
        shown[moderation] = []
        end = asked(made, lambda ask, of=moderation: (shown[of].append(ask.told), advert(ask))[1])
        assert made.measures(end)["breaches"] == 1
        assert made.measures(end)["removed"] == float(moderation == "removes")
    by_members = {name: [told for told in tolds if not told.startswith("A message")] for name, tolds in shown.items()}
    assert any("BUY NOW" in told for told in by_members["marks"])
    assert not any("BUY NOW" in told for told in by_members["removes"])


def test_a_reply_is_offered_where_there_is_a_message_by_somebody_else():
    made = world("community", agents=3, rounds=2)
    state, offered = made.begin(0), []
    only_ada = by_item(act=lambda ask: ask.item.options.index("post" if ask.agent == 0 else "nothing"), say="Hello.")
    while not state.is_over:
        asks = made.turns(state)
        offered += [(state.round, ask.agent, "reply" in ask.item.options) for ask in asks if ask.item.id == "act"]
        state = made.advance(state, [heard(ask, only_ada) for ask in asks])
    assert offered == [(1, 0, False), (1, 1, False), (1, 2, False), (2, 0, False), (2, 1, True), (2, 2, True)]
    assert made.measures(state) == {"messages": 2, "replies": 0, "concentration": pytest.approx(2 / 3)}


@pytest.mark.parametrize("name", ["community", "models-only"])
def test_who_does_not_answer_writes_nothing(name):
    made = world(name, agents=3, rounds=2)
    assert made.measures(asked(made, lambda ask: None)) == {"messages": 0}


def test_a_rule_and_a_message_of_an_arm_are_read_from_its_first_round_on(tmp_path):
    arm = {"name": "reminder", "from_round": 2, "message": "No adverts, please.", "rules": ["Be brief."]}
    made = study("community", agents=3, rounds=2, arm=[arm])
    run = carry_out(made, tmp_path / "run")
    table = run.table()
    assert set(table.filter(table["round"] == 1)["arm"].drop_nulls()) == set()
    trials = {trial.id: trial for trial in made.design.trials(run.responses())}
    for trial in trials.values():
        text = "\n".join(message.text for message in trial.request.messages)
        is_changed = ("arm", "reminder") in trial.place.condition
        assert ("Be brief." in text) == is_changed
        assert ("No adverts, please." in text) == (is_changed and trial.place.item in ("act", "say"))


def test_members_are_those_of_a_population():
    people = {"use": "anes-1996", "sample": 3}
    data = {"seed": 1, "engine": "scripted:uniform", "population": people, "society": {"use": "community"}}
    design = study_from_dict(data).design
    asks = design.world.turns(design.world.begin(0))
    assert len(asks) == 3
    assert all("You are the person who says this about themselves" in ask.system for ask in asks)
    with pytest.raises(DesignError, match="agents is 4, and the population has 3"):
        study_from_dict(data | {"society": {"use": "community", "agents": 4}})


def test_a_community_without_members_is_refused():
    with pytest.raises(DesignError, match="members is empty"):
        study("community", members=[])


def test_who_repeats_what_it_read_imitates_and_who_speaks_for_itself_does_not():
    made = world("models-only", **{**MODELS, "agents": 6, "seen": 1})

    def repeats(ask):
        return (
            ask.told.split("- ")[1].split("\n")[0].split(": ")[1]
            if "- " in ask.told
            else f"one{ask.agent}x two{ask.agent}x"
        )

    found = made.measures(asked(made, by_item(act=acts("post"), say=repeats, vote=0)))
    assert found["imitation"] == 1
    assert 0.5 < found["imitation above chance"] <= 1
    own = made.measures(asked(made, by_item(act=acts("post"), say=lambda ask: f"mine{ask.agent}x", vote=0)))
    assert (own["imitation"], own["imitation above chance"]) == (0, 0)
    assert own["drift"] == pytest.approx(0)


def test_drift_is_that_of_counted_words():
    assert drift(["a b", "a"], ["c"]) == 1
    assert drift(["a b"], ["b a a b"]) == pytest.approx(0)
    assert drift(["a"], ["a b"]) == pytest.approx(1 - 1 / np.sqrt(2))


@pytest.mark.scenarios
def test_replies_at_random_prefer_no_engine_and_loyal_ones_their_own():
    made = world("models-only", agents=12, rounds=8, seen=4, engines=["one", "two"])
    rng = np.random.default_rng(2)
    at_random = by_item(act=acts("reply"), say="word", to=lambda ask: int(rng.integers(len(ask.item.options))), vote=0)
    gaps = [made.measures(asked(made, at_random, k))["same engine"] for k in range(8)]
    assert np.mean(gaps) == pytest.approx(0, abs=0.07)  # some 670 replies: SE .02

    def loyal(ask):  # numbers of the names go by turns to the engines
        own = (ask.agent + 1) % 2
        found = [
            k
            for k, line in enumerate(ask.item.options)
            if int(line.split("Model ")[1].split(":")[0].split(",")[0]) % 2 == own
        ]
        return found[0] if found else 0

    loyal_gaps = [
        made.measures(asked(made, by_item(act=acts("reply"), say="word", to=loyal, vote=0), k))["same engine"]
        for k in range(3)
    ]
    assert np.mean(loyal_gaps) > 0.3


def test_votes_are_counted_and_bring_a_message_to_the_top():
    made = world("models-only", agents=3, rounds=3, seen=1, feed="votes")

    def vote(ask):
        return 0 if "Model 2" in ask.item.options[0] else 1

    end = asked(made, by_item(act=acts("post"), say=lambda ask: f"word{ask.agent}", vote=vote))
    assert end.agents["votes"].tolist()[0] == 0 == end.agents["votes"][2]


def test_every_model_answers_by_the_engine_of_its_column_and_knows_what_it_is(tmp_path):
    engines = {
        name: ScriptedEngine(lambda trial, name=name: name if trial.reply.form == "text" else None)
        for name in ("one", "two")
    }
    design = study_from_dict(
        {
            "seed": 1,
            "engine": dict.fromkeys(engines, "scripted:uniform"),
            "society": {"use": "models-only", "societies": 1, "engines": ["one", "two"], **MODELS},
        }
    ).design
    study = Study(design, engines)
    carry_out(study, tmp_path / "run", budget=Budget(trials=10))
    run = carry_out(study, tmp_path / "run")
    whole = carry_out(study, tmp_path / "whole")
    assert run.is_complete
    assert {k: r.answer for k, r in run.responses().items()} == {k: r.answer for k, r in whole.responses().items()}
    said = [r for r in run.responses().values() if r.place.item == "say"]
    assert said
    assert all(r.answer == ("one", "two")[int(r.place.subject.split(".")[1]) % 2] for r in said)
    assert all("You are a language model." in ask.system for ask in design.world.turns(design.world.begin(0)))


@pytest.mark.parametrize(
    ("keys", "said"),
    [({"engines": ["a", "b", "c"], "agents": 2}, "3 engines for 2 agents"), ({"engines": ["a", ""]}, "empty name")],
)
def test_engines_that_nobody_has_are_refused(keys, said):
    with pytest.raises(DesignError, match=said):
        study("models-only", **keys)
