"""Theories: each asks its stages in order, and weights planted in scripted agents are found again."""

import math

import numpy as np
import pytest

from proband.errors import DesignError
from proband.measures import choice_regression
from proband.models.scripted import ScriptedEngine
from proband.societies.agents.theory import THEORIES
from tests.societies.agents.village import GO, STAY, Village, lived

PLAIN = {"importance": 5.0}
NEEDS = {
    "needs": [
        {"name": "food", "decay": 0.25, "threshold": 0.3, "met_by": {GO: 0.5}},
        {"name": "rest", "decay": 0.1, "threshold": 0.3, "met_by": {STAY: 0.4}},
    ]
}
SETTINGS = {"bdi": {"desires": ["to sell apples", "to see Ann"]}, "needs": NEEDS}
CELL = {"familiar": (("weather", "fine"),), "archetype": "farmer"}


def facts(trial):
    return dict(trial.facts)


def items(given, number=0):
    return [trial.place.item for trial, _ in given if trial.place.subject == f"0.{number}"]


def with_theory(name, **more):
    return PLAIN | {"theory": name, "settings": SETTINGS.get(name, {})} | more


@pytest.mark.parametrize("name", list(THEORIES))
def test_a_theory_comes_to_an_action_in_every_round_and_asks_nothing_undeclared(name):
    world = Village(with_theory(name), n=4, rounds=4, scene=lambda state, k: CELL | {"others": ("P0",)})
    given, watched = lived(world, lambda trial: None)
    assert watched.state.is_over
    declared = {item.id for item in world.items}
    assert {trial.place.item for trial, _ in given} <= declared
    assert all(world.minds.mind(watched.state, k)["action"] in (STAY, GO) for k in range(4))


@pytest.mark.parametrize("name", list(THEORIES))
def test_a_theory_is_one_short_file_with_a_source(name):
    theory = THEORIES.load(name)
    assert theory.name == name
    assert any(char.isdigit() for char in theory.about)


def test_an_unknown_theory_and_unknown_settings_are_refused_by_name():
    with pytest.raises(DesignError, match="there are bdi"):
        Village(with_theory("bdy"))
    with pytest.raises(DesignError, match="wieghts"):
        Village(PLAIN | {"theory": "planned-behaviour", "settings": {"wieghts": []}})
    with pytest.raises(DesignError, match="3 weights"):
        Village(PLAIN | {"theory": "planned-behaviour", "settings": {"weights": [1, 2, 3]}})


def test_who_refuses_is_absent_and_no_rule_stands_in():
    world = Village(with_theory("planned-behaviour"), n=30, rounds=1)
    given, watched = lived(world, None, engine=ScriptedEngine(lambda trial: None, seed=3, refuse=0.2))
    refused = {trial.place.subject for trial, response in given if response.status == "refused"}
    minds = [world.minds.mind(watched.state, k) for k in range(30)]
    assert 0 < len(refused) < 30
    assert {f"0.{k}" for k in range(30) if minds[k]["absent"]} == refused
    assert all(bool(mind["action"]) != mind["absent"] for mind in minds)


def test_a_plan_is_made_once_a_day_and_stands_before_every_choice():
    world = Village(with_theory("daily-plan", settings={"rounds_in_a_day": 2}), n=1, rounds=4)
    given, watched = lived(world, lambda trial: "9:00 sell apples" if trial.place.item == "plan" else None)
    assert items(given) == ["plan", "action", "action"] * 2
    assert all("9:00 sell apples" in t.request.messages[-1].text for t, _ in given if t.place.item == "action")
    assert watched.state.memories.column("kind").count("plan") == 2


def test_without_plans_a_day_is_not_planned():
    parts = ["profile", "memory", "theory"]
    given, _ = lived(Village(with_theory("daily-plan", parts=parts), n=1), lambda trial: None)
    assert items(given) == ["action"] * 3


def test_an_intention_is_kept_until_it_is_done_or_impossible():
    ends = {3: 0, 4: 2}  # round 3: done; round 5: impossible

    def rule(trial):
        return ends.get(trial.place.round, 1) if trial.place.item == "intention" else 0

    world = Village(with_theory("bdi"), n=1, rounds=5)
    given, watched = lived(world, rule)
    assert items(given) == [
        *("desires", "action", "intention", "action"),
        *("intention", "action", "intention", "action"),  # what is left is one, and wanted without a question
        "action",
    ]
    assert world.minds.mind(watched.state, 0)["settled"] == {
        "to sell apples": "It is done",
        "to see Ann": "It cannot be done any more",
    }


def test_a_need_that_presses_leaves_only_what_meets_it():
    world = Village(with_theory("needs"), n=1, rounds=6)
    given, watched = lived(world, lambda trial: 0)  # stays at home whenever it may
    # Food runs 1, .75, .5, .25, then .75 - .25: in rounds 4 and 6 only the market is offered, and taken unasked.
    assert [trial.place.round for trial, _ in given] == [1, 2, 3, 5]
    assert watched.state.agents["gone"][0] == 2


def test_habit_answers_for_what_is_known_and_reasons_for_what_is_new_or_matters():
    def scene(state, k):
        return CELL | {"features": {"stakes": float(state.round == 5)}}

    given, _ = lived(Village(with_theory("dual-process"), n=2, rounds=5, scene=scene), lambda trial: None)
    own = [(trial.place.round, trial.place.item) for trial, _ in given if trial.place.subject == "0.0"]
    assert own == [(r, item) for r in (1, 2, 5) for item in ("reason", "action")]
    cells = [trial.place for trial, _ in given if trial.place.item == "habit"]
    assert [(place.subject, place.condition) for place in cells] == [("0.farmer", (("weather", "fine"),))]


def logit(p):
    return math.log(p / (1 - p))


def covers(fit, name, planted):
    low, high = fit[name].interval
    return low <= planted <= high


def expit(x):
    return 1 / (1 + math.exp(-x))


def planned(seed, n, rounds, level):
    """Whether each planted weight of an intention lies in its interval."""
    planted = {"attitude": 0.8, "norm": -0.4, "control": 0.3}

    def rule(trial):
        if trial.place.item != "action":
            return None
        known = facts(trial)
        p = expit(-2.5 + sum(weight * float(known[name]) for name, weight in planted.items()))
        return (1 - p, p)

    given, _ = lived(Village(with_theory("planned-behaviour"), n=n, rounds=rounds), rule, seed=seed)
    acts = [(facts(trial), response.answer) for trial, response in given if trial.place.item == "action"]
    assert len(acts) == n * rounds
    columns = {name: [float(known[name]) for known, _ in acts] for name in planted}
    whose = [known["number"] for known, _ in acts]
    fit = choice_regression([answer for _, answer in acts], columns, cluster=whose, level=level)
    return [covers(fit, name, weight) for name, weight in planted.items()]


def test_planted_weights_of_planned_behaviour_are_recovered():
    assert all(planned(1, 200, 3, 0.99))


@pytest.mark.slow
def test_intervals_of_planted_weights_cover_as_often_as_they_say():
    share = np.mean([planned(seed, 100, 3, 0.95) for seed in range(100)])
    assert abs(share - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 300)


def test_weights_given_to_planned_behaviour_decide_without_a_question():
    settings = {"weights": [-2.5, 0.8, -0.4, 0.3]}
    world = Village(with_theory("planned-behaviour", settings=settings), n=600, rounds=2)
    given, watched = lived(world, lambda trial: None)
    assert {trial.place.item for trial, _ in given} == {"attitude", "norm", "control"}
    acts = [watched.state.values["minds"][str(k)] for k in range(600)]
    columns = {name: [mind["ratings"][name] for mind in acts] for name in ("attitude", "norm", "control")}
    fit = choice_regression([float(mind["action"] == GO) for mind in acts], columns)
    assert all(covers(fit, name, w) for name, w in zip(columns, settings["weights"][1:], strict=True))


def test_planted_weight_of_a_need_is_recovered():
    def rule(trial):
        p = expit(2 - 3 * float(facts(trial)["food"]))
        return (1 - p, p)

    settings = {"needs": [{"name": "food", "decay": 0.2, "threshold": 0.0, "met_by": {GO: 0.4}}]}
    given, _ = lived(Village(with_theory("needs", settings=settings), n=200, rounds=6), rule)
    food = [float(facts(trial)["food"]) for trial, _ in given]
    fit = choice_regression(
        [response.answer for _, response in given], {"food": food}, cluster=[t.place.subject for t, _ in given]
    )
    assert covers(fit, "food", -3)


def test_what_is_predicted_moves_the_action_as_planted():
    def rule(trial):
        if trial.place.item == "prediction":
            return (0.5, 0.5)
        p = expit(-1 + 2 * (facts(trial)["predicted"] == GO))
        return (1 - p, p)

    scene = lambda state, k: {"others": ("Ann",)}  # noqa: E731
    given, _ = lived(Village(with_theory("theory-of-mind"), n=300, rounds=2, scene=scene), rule)
    acts = [
        (facts(trial)["predicted"] == GO, response.answer) for trial, response in given if trial.place.item == "action"
    ]
    fit = choice_regression([answer for _, answer in acts], {"predicted": [float(x) for x, _ in acts]})
    assert covers(fit, "predicted", 2)
    assert "You expect of Ann: " in given[-1][0].request.messages[-1].text


def test_habits_are_drawn_with_the_probabilities_of_their_cell():
    def rule(trial):
        return (0.3, 0.7) if trial.place.item == "habit" else None

    settings = {"novelty": 1.0}
    world = Village(with_theory("dual-process", settings=settings), n=1_000, rounds=2, scene=lambda state, k: CELL)
    given, watched = lived(world, rule)
    assert len(given) == 1
    gone = watched.state.agents["gone"]
    share = gone.sum() / 2_000
    assert abs(share - 0.7) < 4 * math.sqrt(0.21 / 2_000)
    assert np.corrcoef(gone == 2, np.arange(1_000))[0, 1] < 0.1


def test_an_intention_moves_the_action_as_planted():
    def rule(trial):
        if trial.place.item != "action":
            return None
        return (0.2, 0.8) if facts(trial)["intention"] == "to sell apples" else (0.7, 0.3)

    given, _ = lived(Village(with_theory("bdi"), n=400, rounds=1), rule)
    acts = [(t, r.answer) for t, r in given if t.place.item == "action"]
    sells = [float(facts(trial)["intention"] == "to sell apples") for trial, _ in acts]
    fit = choice_regression([answer for _, answer in acts], {"sells": sells})
    assert covers(fit, "sells", logit(0.8) - logit(0.3))
