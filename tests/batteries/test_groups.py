"""Groups: what stands first gives nothing away, and what was planted in members is found again."""

import pytest

from proband.analyses import groups
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.sociology.division_of_labour import needs
from proband.designs.studies import Study, study_from_dict
from proband.errors import DesignError
from proband.models.scripted import ScriptedEngine, first
from proband.runs import Run, collect

SETTING = Setting(seed=3)


def shares(section) -> dict[str, float]:
    return {str(row[0]): float(row[1].value) for row in section.table.rows}


def together(battery: str, folder, **rules) -> Run:
    """A group of the engines that follow rules, as a study file with a table [engine] makes it."""
    roles = dict.fromkeys(rules, "scripted:uniform")
    study = study_from_dict({"seed": 3, "engine": roles, "battery": {"use": battery}})
    return collect(study.design, {name: ScriptedEngine(rule, seed=1) for name, rule in rules.items()}, folder)


def test_a_habit_of_taking_what_stands_first_does_not_look_like_a_hidden_profile(tmp_path):
    design = BATTERIES.load("hidden-profile").design(SETTING)
    (section,) = groups.sections(collect(design, ScriptedEngine(first(), seed=1), tmp_path / "run"))
    found = shares(section)
    assert [found[name] for name in ("alone, each knows a part", "each knows everything")] == [0.5, 0.5]
    assert found["told: what nobody else knows"] == pytest.approx(1 / 3)


def test_an_engine_that_holds_out_draws_the_other_to_its_side(tmp_path):
    def holds(trial):
        return (0, 0, 0, 0, 0, 0, 1)

    def follows(trial):
        return (0, 0, 0, 0, 0, 0.5, 0.5) if "certainly yes" in trial.card.words else (0, 0, 1, 0, 0, 0, 0)

    (section,) = groups.sections(together("polarisation", tmp_path / "run", firm=holds, soft=follows))
    found = shares(section)
    assert [found[name] for name in ("firm, alone", "firm, at the end", "soft, alone", "soft, at the end")] == [
        7, 7, 3, 6.5,
    ]  # fmt: skip


def test_what_each_engine_tells_of_its_own_knowledge_is_told_apart(tmp_path):
    def tells(own):
        def rule(trial):
            n = len(trial.reply.options)
            return (0.5, 0.5) if n == 2 else (0,) * (n - 1) + (1,) if own else (1,) + (0,) * (n - 1)

        return rule

    run = together("hidden-profile", tmp_path / "run", open=tells(True), shy=tells(False))
    (section,) = groups.sections(run)
    found = shares(section)
    assert (found["told: what nobody else knows, open"], found["told: what nobody else knows, shy"]) == (1, 0)
    assert found["told: what nobody else knows"] == 0.5  # as often in each seat, though three seats are two and one


def test_engines_of_a_norm_judge_together_and_each_has_a_mean(tmp_path):
    study = study_from_dict(
        {"seed": 3, "engine": {"near": "scripted:uniform", "far": "scripted:uniform"},
         "battery": {"use": "sherif", "quick": True}}
    )  # fmt: skip
    assert set(study.design.roles()) == {"near", "far"}
    world, state = study.design.world, study.design.world.begin(0)
    asked = world.turns(state)
    assert [ask.answerer for ask in asked] == ["near", "far", "near"]
    state.agents["judgement"][:] = 2, 8, 4
    assert {name: value for name, value in world.measures(state).items() if name.startswith("mean of")} == {
        "mean of near": 3.0,
        "mean of far": 8.0,
    }


def test_a_group_takes_no_more_engines_than_seats_and_a_battery_of_one_takes_one():
    roles = dict.fromkeys("abcd", "scripted:uniform")
    with pytest.raises(DesignError, match=r"4 engines .a, b, c, d. for 3 in a group"):
        study_from_dict({"seed": 3, "engine": roles, "battery": {"use": "hidden-profile"}})
    with pytest.raises(DesignError, match="no roles here"):
        Study(study_from_dict({"seed": 3, "engine": roles, "battery": {"use": "crt"}}).design, roles)
    alone = BATTERIES.load("polarisation").design(SETTING)
    assert alone.roles() == ("",)
    assert "members" not in {**alone.describe(), **alone.describe()["battery_setting"]}


def test_needs_rise_by_two_and_fall_by_who_works():
    assert needs([]) == (4, 4)
    assert needs([[0, 0, 1, 2], [0, 0, 0, 0]]) == (2, 7)
    assert needs([[0, 0, 0, 0]] * 3) == (0, 10)


def test_who_stays_with_a_task_is_specialised_wherever_it_is_lacking(tmp_path):
    def stays(trial):
        chosen = {"1": 0, "2": 1, "3": 0, "4": 2}[trial.place.item[-1]]
        return tuple(float(option == chosen) for option in range(3))

    design = BATTERIES.load("division-of-labour").design(SETTING)
    (section,) = groups.sections(collect(design, ScriptedEngine(stays, seed=1), tmp_path / "run"))
    found = shares(section)
    assert found["specialisation"] == pytest.approx(1 / (4 / 9 + 1 / 9) - 1)
    assert found["rests"] == 0.25
    assert found["works at what is lacking more"] == pytest.approx(1 / 3)  # wood, from the second day on


def test_an_engine_that_sees_what_is_lacking_and_an_idle_one_are_told_apart(tmp_path):
    def keen(trial):
        water, wood = (int(trial.card.words.split(what)[0].split()[-1]) for what in (" buckets", " loads"))
        return tuple(float(option == (wood > water)) for option in range(3))

    run = together("division-of-labour", tmp_path / "run", keen=keen, idle=lambda trial: (0, 0, 1))
    (section,) = groups.sections(run)
    found = shares(section)
    assert (found["rests, keen"], found["rests, idle"]) == (0, 1)
    assert found["works at what is lacking more, keen"] == 1
