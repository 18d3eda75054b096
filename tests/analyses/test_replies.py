"""Best replies and learning in runs of games whose players are known."""

import pytest

from proband.analyses import replies
from proband.designs.studies import study_from_dict
from proband.models.scripted import ScriptedEngine, always, played, stated
from proband.runs import collect
from proband.strategies import tit_for_tat
from tests.analyses.test_games import by_item, rows

DILEMMA = {"use": "normal-form", "row": [[3, 0], [5, 1]], "row_moves": ["cooperate", "defect"]}
PENNIES = {"use": "normal-form", "row": [[1, -1], [-1, 1]], "column": [[-1, 1], [1, -1]]}


def run(folder, engines, **keys):
    keys = {"players": list(engines), "matches": 12, "rounds": 5, **keys}
    study = study_from_dict({"seed": 3, "engine": dict.fromkeys(engines, "scripted:uniform"), "game": keys})
    return collect(study.design, engines, folder)


def named(found):
    return {section.name: section for section in replies.sections(found)}


def test_who_cooperates_never_replies_best_and_what_that_costs_is_told(tmp_path):
    engines = {"kind": ScriptedEngine(always(0)), "tough": ScriptedEngine(always(1))}
    kind, tough = rows(named(run(tmp_path, engines, **DILEMMA))["replies"])
    assert (kind["role"], kind["moves"], kind["best replies"].value) == ("kind (row)", 60, 0)
    assert (kind["lost a move"].value, kind["it pays more"].value) == (1, 1)  # 1 instead of 0 against who defects
    assert (tough["best replies"].value, tough["lost a move"].value) == (1, 0)
    assert kind["best fixed move"] == tough["best fixed move"] == "defect"


def test_a_mixture_that_leans_is_exploited_in_matching_pennies(tmp_path):
    engines = {"leaning": ScriptedEngine(stated({"move": [0.8, 0.2]}), seed=1), "even": ScriptedEngine(always(0))}
    section = named(run(tmp_path, engines, matches=40, **PENNIES))["replies"]
    even = rows(section)[1]
    # Always the second move wins against the first: .8 - .2 = .6 a round instead of -.6.
    low, high = even["it pays more"].interval
    assert low < 1.2 < high
    assert even["at random"] == 0.5


def test_forfeited_rounds_are_no_decisions(tmp_path):
    engines = {"a": ScriptedEngine(always(0), refuse=0.3), "b": ScriptedEngine(always(1))}
    found = run(tmp_path, engines, illegal="forfeit", **DILEMMA)
    refused = found.dispositions()["refused"]
    assert refused
    assert rows(named(found)["replies"])[0]["moves"] == 60 - refused


def test_players_who_learn_are_told_from_those_who_do_not(tmp_path):
    # Who plays against one who always defects, and repeats that, has learnt in a round.
    engines = {"learner": ScriptedEngine(played(tit_for_tat)), "tough": ScriptedEngine(always(1))}
    section = named(run(tmp_path, engines, matches=20, rounds=8, **DILEMMA))["learning"]
    assert section.sentences[1].startswith("learner (row): EWA describes moves better than fixed shares do")
    assert {row["parameter"] for row in rows(section) if row["model"] == "EWA"} == {
        "decay", "foregone", "growth", "sensitivity",
    }  # fmt: skip


def test_two_rounds_are_too_few_to_learn(tmp_path):
    engines = {"a": ScriptedEngine(always(0)), "b": ScriptedEngine(always(1))}
    assert "learning" not in named(run(tmp_path, engines, **{**DILEMMA, "rounds": 2}))


def test_treatments_with_other_payoffs_have_decisions_of_their_own(tmp_path):
    keys = {**DILEMMA, "treatments": {"dear": {"row": [[3, 0], [9, 1]]}}}
    found = rows(
        named(run(tmp_path, {"a": ScriptedEngine(always(0)), "b": ScriptedEngine(always(0))}, **keys))["replies"]
    )
    lost = {row["role"]: row["lost a move"].value for row in found}
    assert (lost["control: a (row)"], lost["dear: a (row)"]) == (2, 6)


@pytest.mark.parametrize("name", ["ultimatum", "sealed-bid", "cascade", "dictator"])
def test_games_with_other_rounds_have_no_best_replies(name, tmp_path):
    study = study_from_dict(
        {"seed": 3, "engine": {"m": "scripted:uniform"}, "game": {"players": "m", "use": name, "matches": 2}}
    )
    assert "at the same time" in replies.ANALYSIS.needs(collect(study.design, study.engine, tmp_path))


def test_the_best_reply_to_twenty_is_nineteen(tmp_path):
    engines = {"a": ScriptedEngine(by_item(request=lambda t: 8)), "b": ScriptedEngine(by_item(request=lambda t: 9))}
    a, b = rows(named(run(tmp_path, engines, use="eleven-twenty"))["replies"])
    assert (a["best replies"].value, b["best replies"].value) == (1, 0)
    assert b["lost a move"].value == 18  # 18 and 20 more would have been 38
    assert b["best fixed move"] == "18"
