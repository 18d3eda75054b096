"""Levels of reasoning, conditional cooperation and consistency, in runs of players whose kind is known."""

import pytest

from proband.analyses import reasoning
from proband.designs.studies import study_from_dict
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import collect
from tests.analyses.test_games import by_item, fact, lot, of, played, rows


def named(run):
    return {section.name: section for section in reasoning.sections(run)}


def test_levels_of_the_beauty_contest_come_back(tmp_path):
    run = played(tmp_path, by_item(number=of(_50=0.2, _33=0.5, _22=0.3)), use="beauty-contest", matches=30)
    found = {row["level"]: row["players"] for row in rows(named(run)["reasoning-levels"])}
    for level, share in (("0", 0.2), ("1", 0.5), ("2", 0.3)):
        low, high = found[level].interval
        assert low <= share <= high
    assert found["3"].value == found["4 and more"].value == 0
    assert found["1"].n_units == 30


def test_levels_of_eleven_to_twenty_count_down_from_the_highest(tmp_path):
    run = played(tmp_path, by_item(request=lambda t: int(lot(t, {9: 0.5, 7: 0.5}))), use="eleven-twenty", matches=40)
    section = named(run)["reasoning-levels"]
    found = {row["level"]: row["players"].value for row in rows(section)}
    assert found["0"] + found["2"] == pytest.approx(1)
    assert "mean level in round 1 is" in section.sentences[0]


def test_types_of_contributors_come_back_beside_those_of_people(tmp_path):
    def stated(trial):
        kind = trial.place.subject[-1]
        return {"1": fact(trial, "average"), "2": 0.0, "3": 10.0, "4": 20 - fact(trial, "average")}[kind]

    cases = {f"if_{k}": stated for k in range(1, 6)}
    keys = {"use": "public-goods", "conditional": 5, "matches": 12}
    section = named(played(tmp_path, by_item(contribute=of(_10=1.0), **cases), **keys))["reasoning-conditional"]
    found = {row["type"]: row for row in rows(section)}
    assert {kind: row["players"].value for kind, row in found.items()} == {
        "conditional": 0.25, "free rider": 0.25, "unconditional": 0.25, "hump-shaped": 0.0, "other": 0.25,
    }  # fmt: skip
    assert found["conditional"]["people"] == 0.649
    line = {mark["x"]: mark["y"] for mark in section.figure.rows}
    assert line == {x: pytest.approx((x + 0 + 10 + 20 - x) / 4) for x in (0, 5, 10, 15, 20)}


def test_half_of_every_budget_is_consistent_and_choices_at_random_are_not(tmp_path):
    keys = {"use": "budget", "matches": 12, "rounds": 15}
    (half,) = rows(named(played(tmp_path / "half", by_item(tokens=of(_50=1.0)), **keys))["reasoning-budgets"])
    assert (half["consistent"].value, half["CCEI"].value) == (1, 1)
    assert half["random choosers"] < 0.1
    study = study_from_dict({"seed": 3, "engine": {"chooser": "scripted:uniform"}, "game": keys})
    run = collect(study.design, {"chooser": ScriptedEngine(uniform(), seed=1)}, tmp_path / "random")
    (random,) = rows(named(run)["reasoning-budgets"])
    assert random["consistent"].value < 0.2
    assert random["CCEI"].value < 0.95


def test_few_budgets_are_no_test_and_that_is_said(tmp_path):
    run = played(tmp_path, by_item(tokens=of(_50=1.0)), use="budget", matches=12, rounds=2)
    assert "the budgets hardly cross" in named(run)["reasoning-budgets"].warnings[0]


def test_a_dictator_shows_none_of_this(tmp_path):
    run = played(tmp_path, by_item(give=of(_20=1.0)), use="dictator", matches=3)
    assert "levels of reasoning" in reasoning.ANALYSIS.needs(run)
