"""Turns with a theory, memory and tools: a file names them, and what agents decide sets the variable."""

import pytest

from proband.errors import DesignError
from tests.societies.written.playing import ASKED, Played, number_of, study, words

PLANNED = {**ASKED, "theory": "planned-behaviour", "sees": ["own", "memory:2"]}


def rated(trial):
    if trial.place.item in ("attitude", "norm", "control"):
        return "7" if number_of(trial) < 4 else "1"
    return None


def test_a_theory_decides_and_its_action_is_the_value():
    settings = {"weights": [-40, 5, 5, 0]}  # all of seven: sure; all of one: never
    made = study(turn=[{**PLANNED, "settings": settings}])
    played = Played(made, rated)
    assert [trial.place.item for trial in played.trials[::10]] == ["attitude", "norm", "control"] * 2
    assert played.at(2).agents["stand"].tolist() == [2] * 4 + [0] * 6
    second = words(played.asked("attitude", 2)[0])
    assert "You remember:\n- Where do you stand on the bypass? for" in second
    assert "Your stand so far: for.\n\nWhere do you stand on the bypass?\n\nThink of this: for" in second
    assert "stand" not in made.design.items


def test_who_refuses_a_stage_is_absent():
    played = Played(study(turn=[PLANNED]), lambda trial: "" if number_of(trial) == 2 else None)
    assert played.at(2).agents["stand"][2] == 1
    assert [t.place.item for t in played.trials if number_of(t) == 2] == ["attitude"] * 2


def test_an_arm_switches_a_theory_off():
    made = study(turn=[PLANNED], arm=[{"name": "at once", "from_round": 2, "turn": [{"item": "stand", "theory": ""}]}])
    played = Played(made)
    assert {trial.place.item for trial in played.trials if trial.place.condition} == {"stand"}
    assert {trial.place.item for trial in played.trials if not trial.place.condition} == {
        "attitude", "norm", "control", "action",
    }  # fmt: skip


def test_tools_are_used_before_a_choice_and_two_thoughtful_turns_do_not_mix():
    again = {**ASKED, "item": "later", "text": "And next year?", "sets": "stand", "tools": ["calculator"]}
    made = study(turn=[PLANNED, again], society={"rounds": 1, "agents": 2})

    def answer(trial):
        given = {"tool": "calculator", "argument": "2 + 2"}
        return given.get(trial.place.item) if trial.place.item in given else None

    played = Played(made, answer)
    last = [words(trial) for trial in played.asked("action")]
    assert sum("calculator, given 2 + 2: 4" in told for told in last) == 2
    assert [trial.place.replicate for trial in played.asked("action")] == [0, 0, 1, 1]


def test_habits_are_asked_by_cell_and_features_are_expressions():
    turn = {**ASKED, "theory": "dual-process", "features": {"stakes": "number < 3"}, "settings": {"novelty": 1.0}}
    played = Played(study(turn=[turn], society={"rounds": 1}))
    assert len(played.asked("habit")) == 1
    assert sorted(number_of(trial) for trial in played.asked("reason")) == [0, 1, 2]


def test_importance_is_asked_once_for_each_text():
    turn = {**PLANNED, "importance": "ask", "reflect_above": 5}
    played = Played(study(turn=[turn], event=[{"message": "It is free.", "at": 1}]))
    told = [dict(trial.place.condition)["memory"] for trial in played.trials if trial.place.item == "importance"]
    assert "It is free." in told
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ({**ASKED, "theory": "hunches"}, "[[turn]] 'stand': no theory 'hunches'"),
        ({**PLANNED, "settings": {"weight": 1}}, "no key 'theory planned-behaviour.weight'"),
        ({**ASKED, "tools": ["oracle"]}, "[[turn]] 'stand': no tool 'oracle'"),
        ({**ASKED, "settings": {"x": 1}}, "settings goes with a theory or tools"),
        ({**PLANNED, "schedule": "sequential"}, "theory makes a choice of all at the same time"),
    ],
)
def test_theories_and_tools_that_are_not_there_are_refused(turn, said):
    with pytest.raises(DesignError) as found:
        study(turn=[turn])
    assert said in str(found.value)
