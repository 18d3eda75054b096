"""What is told of games: planted quantities come back within their intervals, payoffs and curves by hand."""

import json
import math

import pytest

from proband.analyses import games, replies
from proband.designs.studies import study_from_dict
from proband.models.scripted import ScriptedEngine
from proband.runs import Budget, Run, collect
from proband.seeds import uniform_for
from tests.designs.games.test_prompts import KEYS


def lot(trial, shares):
    """One of the answers by its probability, drawn by place."""
    u = uniform_for(0, "planted", trial.id)
    for answer, share in shares.items():
        u -= share
        if u < 0:
            return answer
    return answer


def by_item(**rules):
    return lambda trial: rules[trial.place.item.replace("-", "_")](trial)


def fact(trial, name):
    return float(dict(trial.facts)[name])


def of(**shares):
    return lambda trial: lot(trial, {float(name[1:].replace("_", ".")): share for name, share in shares.items()})


def played(folder, rule, **keys):
    study = study_from_dict({"seed": 3, "engine": {"m": "scripted:uniform"}, "game": {"players": "m", **keys}})
    return collect(study.design, {"m": ScriptedEngine(rule)}, folder)


def rows(section):
    names = [column.name for column in section.table.columns]
    return [dict(zip(names, row, strict=True)) for row in section.table.rows]


def named(run):
    return {section.name: section for section in games.sections(run)}


TAKES = sum(k * 0.5**k for k in range(1, 7)) + 7 * 0.5**6
LEAST = sum(((8 - k) / 7) ** 4 for k in range(1, 8))
PLANTED = {
    "dictator": (
        by_item(give=of(_0=0.3, _50=0.2, _20=0.5)),
        {"given": 0.2, "gives nothing": 0.3, "gives half": 0.2},
    ),
    "trust": (
        by_item(**{"send": of(_5=0.5, _10=0.5), "return": lambda t: fact(t, "arrived") / 3}),
        {"sent": 0.75, "returned": 1 / 3, "pays": 1.0},
    ),
    "gift-exchange": (
        by_item(wage=of(_10=0.5, _40=0.5), effort=lambda t: 7 if fact(t, "wage") > 20 else 2),
        {"wage": 0.5, "effort": 5.5},
    ),
    "beauty-contest": (by_item(number=of(_30=0.5, _20=0.5)), {"named": 25.0, "target": 50 / 3}),
    "eleven-twenty": (by_item(request=lambda t: int(lot(t, {6: 0.5, 7: 0.5}))), {"asked": 17.5, "undercut": 0.25}),
    "centipede": (by_item(take=lambda t: [0.5, 0.5]), {"taken at": TAKES, "took at once": 0.5}),
    "travellers-dilemma": (by_item(claim=of(_80=0.25, _200=0.75)), {"claimed": 0.75, "claim": 170.0}),
    "minimum-effort": (by_item(effort=lambda t: None), {"effort": 4.0, "least": LEAST}),
    "volunteers-dilemma": (by_item(volunteer=lambda t: [0.3, 0.7]), {"volunteered": 0.3, "provided": 1 - 0.7**3}),
    "common-pool": (by_item(invest=of(_8=1.0)), {"invested": 0.8, "rent": 1 - (28 / 36) ** 2}),
    "public-goods": (by_item(contribute=of(_0=0.5, _20=0.5)), {"contributed": 0.5, "free-riders": 0.5}),
    "bargaining": (
        by_item(
            write=lambda t: "well?", offer=lambda t: fact(t, "pot") * lot(t, {0.5: 0.5, 0.1: 0.5}),
            reply=lambda t: int(fact(t, "offered") < 0.3),
        ),
        {"first offer": 0.3, "agreed at once": 0.5, "agreed": 1 - 0.5**3},
    ),
    "sealed-bid": (
        by_item(bid=lambda t: 0.75 * fact(t, "value")),
        {"bid": 0.75, "price": 0.6, "efficient": 1.0, "above value": 0.0},
    ),
    "double-auction": (by_item(price=of(_55=1.0)), {"price": 55.0, "spread": 0.0}),
    "cascade": (by_item(guess=lambda t: int(fact(t, "hint"))), {"right": 2 / 3, "with hint": 1.0, "against hint": 0.0}),
    "budget": (by_item(tokens=of(_25=1.0)), {"to A": 0.25}),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_in_a_game_comes_back_within_its_interval(name, tmp_path):
    rule, planted = PLANTED[name]
    run = played(tmp_path, rule, use=name, matches=60)
    found = {row["quantity"]: row["mean"] for row in rows(named(run)["games-quantities"])}
    for quantity, value in planted.items():
        low, high = found[quantity].interval or (found[quantity].value,) * 2
        assert low - 1e-9 <= value <= high + 1e-9, quantity
        assert found[quantity].n_units <= 60


def test_a_decline_and_the_difference_of_a_treatment_come_back(tmp_path):
    def contribute(trial):
        extra = 5.0 if trial.place.subject.split("-")[1] in punished else 0.0
        return 12.0 - 2.0 * trial.place.round + extra

    keys = {
        "use": "public-goods",
        "matches": 20,
        "rounds": 4,
        "treatments": {"warned": {"story": {"a group project": "it"}}},
    }
    study = study_from_dict({"seed": 3, "engine": {"m": "scripted:uniform"}, "game": {"players": "m", **keys}})
    punished = {session.name.split("-")[1] for session in study.design.sessions if session.arm == "warned"}
    run = collect(study.design, {"m": ScriptedEngine(contribute)}, tmp_path)
    sections = named(run)
    first = rows(sections["games-quantities"])[0]
    assert first["mean"].value == pytest.approx((12 - 5) / 20)
    assert first["in round 1"].value == pytest.approx(0.5)
    assert first["change a round"].value == pytest.approx(-0.1)
    assert first["equilibrium"] == 0
    assert rows(sections["games-treatments"])[0]["effect"].value == pytest.approx(0.25)
    lines = {(mark["series"], mark["x"]): mark["y"] for mark in sections["games-rounds"].figure.rows}
    assert lines["warned: contributed", 4] == pytest.approx((12 - 8 + 5) / 20)


def test_acceptance_is_a_curve_beside_that_of_people(tmp_path):
    rule = by_item(offer=of(_2=0.5, _4=0.5), reply=lambda t: [0.0, 1.0] if fact(t, "offer") < 0.3 else [1.0, 0.0])
    run = played(tmp_path, rule, use="ultimatum", matches=40)
    section = named(run)["games-accepted-curve"]
    curve = {row["offer"]: row for row in rows(section)}
    assert (curve[0.2]["accepted"].value, curve[0.4]["accepted"].value) == (0, 1)
    assert (curve[0.2]["people"], curve[0.4]["people"]) == (0.254, 0.585)
    assert any("10.1073/pnas.2313925121" in note for note in section.notes)


def test_payoffs_are_told_by_seat_with_their_share_of_all(tmp_path):
    run = played(tmp_path, by_item(offer=of(_4=1.0), reply=lambda t: 0), use="ultimatum", matches=12)
    proposer, responder, together = rows(named(run)["games-payoffs"])
    assert (proposer["role"], proposer["players"]) == ("m (proposer)", 12)
    assert proposer["payoff a round"].value == 6
    assert responder["payoff a round"].value == 4
    assert responder["share"].value == pytest.approx(0.4)
    assert together["share"].value == 1


def test_numbers_of_people_stand_beside_the_models_with_their_source(tmp_path):
    run = played(tmp_path, by_item(give=of(_20=1.0)), use="dictator", matches=12)
    sections = named(run)
    given = rows(sections["games-quantities"])[0]
    assert given["mean"].value == pytest.approx(0.2)
    assert (given["people"], given["equilibrium"]) == (0.257, 0)
    assert "people 25.7 %" in sections["games-quantities"].sentences[1]
    assert any("n = 10335" in note for note in sections["games-people"].notes)


def test_moves_that_are_not_open_are_counted_and_repaired_by_nobody(tmp_path):
    over = by_item(**{"send": of(_5=1.0), "return": lambda t: 99.0 if t.place.subject < "match-0003" else 1.0})
    run = played(tmp_path, over, use="trust", matches=10)
    sections = named(run)
    section = sections["games-ends"]
    assert rows(section) == [{"role": "m (trustee)", "what": "not open", "moves": 3}]
    assert "3 of 10 matches ended early because of it." in section.sentences
    assert "open are 0 to 15" in section.sentences[1]
    assert rows(sections["games-quantities"])[0]["mean"].n_units == 7


def test_a_game_in_which_nobody_gave_a_move_that_was_open_says_so_and_nothing_else(tmp_path):
    run = played(tmp_path, by_item(**{"send": of(_5=1.0), "return": lambda t: 99.0}), use="trust", matches=3)
    (section,) = games.sections(run)
    assert section.sentences[0] == "3 moves of m (trustee) were not open."
    assert games.ANALYSIS.needs(run) is None
    assert replies.ANALYSIS.needs(run) == "no round of this game was played through"


def test_a_game_whose_keys_are_others_by_now_is_not_replayed_and_that_is_said(tmp_path):
    played(tmp_path, by_item(give=of(_20=1.0)), use="dictator", matches=3)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["design"]["pott"] = 3.0
    manifest.pop("digest", None)
    path.write_text(json.dumps(manifest))
    assert "no longer takes the keys it was run with" in games.ANALYSIS.needs(Run(tmp_path))


def test_a_run_that_goes_on_says_how_many_matches_are_not_over(tmp_path):
    study = study_from_dict(
        {"seed": 3, "engine": {"giver": "scripted:uniform"}, "game": {"use": "dictator", "matches": 10}}
    )
    run = collect(study.design, study.engine, tmp_path, budget=Budget(trials=4))
    assert "6 of 10 are not played to their end yet." in named(run)["games-ends"].sentences


def test_strangers_are_one_unit_a_session(tmp_path):
    rule = by_item(request=lambda t: int(lot(t, {6: 0.5, 7: 0.5})))
    run = played(tmp_path, rule, use="eleven-twenty", matches=12, groups=4, matching="stranger", rounds=3)
    section = named(run)["games-quantities"]
    assert section.sentences[0] == "12 sessions of up to 3 rounds were played."
    assert rows(section)[0]["mean"].n_units == 12


@pytest.mark.parametrize("name", sorted(KEYS))
def test_every_number_of_a_small_run_is_finite_or_says_why(name, tmp_path):
    study = study_from_dict(
        {
            "seed": 3,
            "engine": {"m": "scripted:uniform"},
            "game": {"players": "m", "use": name, "matches": 3, **KEYS[name]},
        }
    )
    for section in games.sections(collect(study.design, study.engine, tmp_path)):
        for row in rows(section) if section.table else []:
            for cell in row.values():
                value = getattr(cell, "value", 0.0)
                assert math.isfinite(value) or cell.warnings


def test_a_survey_and_a_dilemma_of_before_are_not_replayed(survey, tmp_path):
    run = collect(survey, ScriptedEngine(lambda trial: None), tmp_path)
    assert "not of matches" in games.ANALYSIS.needs(run)
