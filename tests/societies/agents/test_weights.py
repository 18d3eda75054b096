"""Memory in the weights: training sets of lives, what is asked about them, and the engine that trains when asked."""

import shutil

import pytest

from proband import Budget, Study, carry_out
from proband.addresses.opening import open_engine
from proband.designs.studies import study_from_dict
from proband.errors import DesignError, EngineError
from proband.models.scripted import ScriptedEngine
from proband.records import Message, Place, Reply, Request, Trial
from proband.societies.agents.experiences import experiences, lived, recall_questions, strange
from proband.societies.agents.memory import remember
from proband.societies.asking import Asking
from proband.societies.design import Society
from proband.societies.life import Arm
from proband.societies.state import State
from proband.training.lived import LIVED
from proband.training.training_set import examples_of
from tests.models.local.small_models import save_checkpoint
from tests.societies.agents.village import Village
from tests.societies.agents.village import lived as played

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
STUDY = {
    "seed": 1,
    "engine": {"base": "scripted:uniform", "lived": "scripted:uniform"},
    "society": {"use": "memory-in-weights", "societies": 2, "agents": 3, "events": 3, "world": 2},
}


def lives(n=3, rounds=4):
    state = State(society=0, agents={"name": ["Ann", "Bob", "Cleo"][:n]})
    for _ in range(rounds):
        for k in range(n):
            remember(state, k, f"I met {k * 10 + state.round} people.", kind="did")
        state.round += 1
    return state


def test_a_life_is_told_in_several_forms_with_as_many_controls():
    state = lives()
    remember(state, 0, "My plan for day 1: nothing", kind="plan")
    made = experiences(state, 0, until=2, system="Your name is Ann.")
    own = [example for example in made if example.kind == "own"]
    control = [example for example in made if example.kind == "general"]
    assert (len(own), len(control)) == (2 * 4, 2 * 2)
    assert own[0].messages == (
        Message("system", "Your name is Ann."),
        Message("user", "What do you remember of round 1?"),
    )
    assert own[0].response == "I met 1 people."
    assert all("Bob" in e.messages[-1].text or "Cleo" in e.messages[-1].text for e in control)
    assert not {e.response for e in control} & {e.response for e in own}


def test_the_same_life_gives_the_same_set_and_one_more_memory_another():
    assert experiences(lives(), 1).hash == experiences(lives(), 1).hash
    assert experiences(lives(rounds=5), 1).hash != experiences(lives(), 1).hash
    assert experiences(lives(rounds=5), 1, until=4).hash == experiences(lives(), 1).hash
    name, text = lived(experiences(lives(), 1))
    assert name == LIVED
    assert examples_of(text) == experiences(lives(), 1).examples


def test_what_is_asked_about_is_never_a_control():
    state = lives()
    asked = recall_questions(state, 0, most=3, of="others")
    texts = {question.item.options[0] for question in asked}
    made = experiences(state, 0, leave_out=texts)
    assert not texts & {example.response for example in made}
    assert texts <= {memory.text for memory in strange(state, 0)}


def test_wrong_options_are_what_happened_to_others():
    for question in recall_questions(lives(), 0, most=4):
        right, *wrong = question.item.options
        assert right == f"I met {question.round} people."
        assert len(set(wrong)) == 3
        assert all(text.startswith(("I met 1", "I met 2")) and text != right for text in wrong)


def test_lives_that_cannot_be_trained_or_asked_about_are_refused():
    state = lives(n=2, rounds=2)
    with pytest.raises(DesignError, match="2 memories of others for 3"):
        recall_questions(state, 0)
    with pytest.raises(DesignError, match="remembers nothing"):
        experiences(state, 5)


def test_the_examination_asks_the_same_under_every_condition(tmp_path):
    study = study_from_dict(STUDY)
    run = carry_out(study, tmp_path / "run")
    assert run.is_complete
    table = run.table()
    # Two societies of three agents: three questions on lives and two on the world, under four conditions.
    assert table.height == 2 * 3 * (3 + 3 + 2) * 4
    assert table["item"].n_unique() == 12


def test_an_engine_that_knows_its_own_life_is_right_on_nothing_else():
    world = study_from_dict(STUDY).design.world

    def rule(trial):
        known = {example.response for example in examples_of(dict(trial.facts).get(LIVED, "")) if example.kind == "own"}
        options = [trial.reply.options[trial.reply.order.index(k)] for k in range(4)]
        hit = [option in known for option in options]
        return [h / sum(hit) for h in hit] if any(hit) else None

    _, watched = played(world, rule, engine=ScriptedEngine(rule))
    found = world.measures(watched.state)
    assert found["own_weights"] == found["own_both"] == 1
    assert all(value == 0.25 for name, value in found.items() if name not in ("own_weights", "own_both"))


def test_after_a_round_agents_answer_out_of_what_they_lived_through_until_then():
    keys = {"importance": 5, "train_after": [2]}
    bare = Arm(name="bare", from_round=4, world=Village(keys | {"parts": ["profile", "memory"]}, rounds=4))
    given, _ = played(Village(keys, rounds=4), lambda trial: None, arms=[bare])
    by_round = {}
    for trial, _ in given:
        arm = dict(trial.place.condition).get("arm", "")
        by_round.setdefault((trial.place.round, arm), set()).add((trial.answerer, dict(trial.facts).get(LIVED)))
    assert by_round[1, ""] == by_round[2, ""] == by_round[4, "bare"] == {("", None)}
    assert {answerer for answerer, _ in by_round[3, ""]} == {"lived"}
    # Three agents, three lives; two rounds later they are the same, for only what was until then is trained.
    assert len(by_round[3, ""]) == 3
    assert by_round[4, ""] == by_round[3, ""]
    assert Village(keys).minds.roles() == ("lived",)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return f"hf:{save_checkpoint(tmp_path_factory.mktemp('base'))}"


def asked(fact=None, id="i"):
    request = Request(messages=(Message("user", "What happened in round 2?"),), continuations=("I met 2", "I met 9"))
    place = Place(subject="0.0", item=id)
    reply = Reply(form="text", method="written")
    return Trial(place=place, request=request, reply=reply, facts=(fact,) if fact else ())


@pytest.mark.slow
def test_each_life_has_an_adapter_that_is_trained_once_and_again_where_it_is_gone(base, tmp_path):
    address = f"lived:{base}?steps=3&into={tmp_path}/adapters"
    first, second = (lived(experiences(lives(), k)) for k in (0, 1))
    trials = [asked(), asked(first, "a"), asked(second, "b")]

    def answers():
        engine = open_engine(address)
        engine.check(trials)
        found = {trial.place.item: completion.log_probs for trial, completion in engine.answer(trials)}
        engine.close()
        return found

    once = answers()
    assert len({once["i"], once["a"], once["b"]}) == 3
    folders = sorted(path for path in (tmp_path / "adapters").iterdir() if path.is_dir())
    assert len(folders) == 2
    written = [(path / "training.json").stat().st_mtime_ns for path in folders]
    assert answers() == once
    assert [(path / "training.json").stat().st_mtime_ns for path in folders] == written
    for folder in folders:
        folder.rename(tmp_path / folder.name)
    assert answers() == once


@pytest.mark.slow
def test_a_fact_that_is_no_training_set_is_refused(base, tmp_path):
    engine = open_engine(f"lived:{base}?into={tmp_path}")
    with pytest.raises(EngineError, match="no training set"):
        engine.check([asked((LIVED, "{}"))])


@pytest.mark.slow
def test_other_settings_of_training_are_another_engine(base, tmp_path):
    prints = [open_engine(f"lived:{base}?into={tmp_path}{more}").fingerprint() for more in ("", "&steps=3", "&seed=2")]
    assert len({tuple(sorted(found.items())) for found in prints}) == 3


@pytest.mark.slow
def test_a_society_with_training_between_rounds_is_killed_resumed_and_the_same(base, tmp_path):
    def study(into):
        world = Village({"importance": 5, "train_after": [1, 2], "parts": ["profile", "weights"]}, n=2, rounds=3)
        engines = {"": base, "lived": f"lived:{base}?steps=2&into={into}"}
        return Study(Society(world=world, seed=1, societies=1, asking=Asking(seed=1)), engines)

    whole = carry_out(study(tmp_path / "one"), tmp_path / "whole")
    for trials in (3, 2):  # ends in the second round, and after it
        assert not carry_out(study(tmp_path / "two"), tmp_path / "killed", budget=Budget(trials=trials)).is_complete
        shutil.rmtree(tmp_path / "two", ignore_errors=True)
    killed = carry_out(study(tmp_path / "two"), tmp_path / "killed")
    columns = ["trial", "answer", "probs", "request"]
    assert whole.is_complete
    assert killed.table().select(columns).sort("trial").equals(whole.table().select(columns).sort("trial"))
