import sqlite3
from contextlib import closing

import numpy as np
import pytest

from proband.analyses import play
from proband.designs import PrisonersDilemma
from proband.models import scripted
from proband.models.scripted import ScriptedEngine, always, stated, uniform
from proband.runs import Run, collect
from proband.strategies import tit_for_tat


def played(folder, model, rival, matches=40, rounds=6, **settings):
    game = PrisonersDilemma(matches=matches, rounds=rounds, seed=4, **settings)
    return collect(game, {"model": model, "rival": rival}, folder)


def named(run):
    return {section.name: section for section in play.sections(run)}


def rows(section):
    names = [column.name for column in section.table.columns]
    return [dict(zip(names, row, strict=True)) for row in section.table.rows]


@pytest.fixture(scope="module")
def against_tit_for_tat(tmp_path_factory):
    model = ScriptedEngine(stated({"move": [0.3, 0.7]}), seed=9)
    return played(tmp_path_factory.mktemp("game"), model, ScriptedEngine(scripted.played(tit_for_tat)))


def test_each_role_stands_apart_and_matches_are_the_units(against_tit_for_tat):
    model, rival = rows(named(against_tit_for_tat)["play-move"])
    assert (model["role"], rival["role"]) == ("model", "rival")
    assert model["share"].value == pytest.approx(0.3)
    assert model["share"].n_units == model["matches"] == 40
    assert model["moves"] == 240
    assert rival["in round 1"].value == 1.0
    assert rival["in round 1"].interval[0] > 0.8


def test_every_round_has_its_share_and_the_figure_its_line(against_tit_for_tat):
    section = named(against_tit_for_tat)["play-move-rounds"]
    own = [row for row in rows(section) if row["role"] == "model"]
    assert [row["round"] for row in own] == [1, 2, 3, 4, 5, 6]
    assert all(row["share"].value == pytest.approx(0.3) for row in own)
    assert {mark["series"] for mark in section.figure.rows} == {"model: cooperate", "rival: cooperate"}
    assert section.figure.form == "lines"


def test_tit_for_tat_answers_in_kind_and_its_rival_does_not(against_tit_for_tat):
    found = {
        (row["role"], row["the other's last move"]): row["share"].value
        for row in rows(named(against_tit_for_tat)["play-move-replies"])
    }
    assert found["rival", "cooperate"] == 1.0
    assert found["rival", "defect"] == 0.0
    assert found["model", "cooperate"] == found["model", "defect"] == pytest.approx(0.3)


def test_the_strategy_of_each_role_is_recognised(against_tit_for_tat):
    found = {(row["role"], row["strategy"]): row for row in rows(named(against_tit_for_tat)["play-move-strategies"])}
    assert found["rival", "TFT"]["choices it would have made too"].value == 1.0
    assert found["rival", "TFT"]["share of players"].value > 0.9
    assert found["model", "TFT"]["share of players"].value < 0.5


def test_one_engine_on_both_sides_is_one_role_of_as_many_matches(tmp_path):
    game = PrisonersDilemma(matches=15, rounds=3, seed=4, cast=("model", "model"))
    run = collect(game, {"model": ScriptedEngine(uniform(), seed=1)}, tmp_path)
    (model,) = rows(named(run)["play-move"])
    assert model["matches"] == model["share"].n_units == 15
    assert model["moves"] == 90


def test_matches_that_end_early_are_counted_with_their_reason(tmp_path):
    run = played(tmp_path, ScriptedEngine(uniform(), seed=9, refuse=0.2), ScriptedEngine(scripted.played(tit_for_tat)))
    section = named(run)["play-ends"]
    refused = {r.place.subject.rsplit("-", 1)[0] for r in run.responses().values() if r.status == "refused"}
    assert section.sentences[0].startswith(f"{len(refused)} of 40 matches did not end with round 6")
    assert rows(section) == [{"role": "model", "status": "refused", "matches": len(refused)}]


def test_a_game_of_always_the_same_move_has_intervals_and_no_crash(tmp_path):
    run = played(tmp_path, ScriptedEngine(always(1)), ScriptedEngine(always(1)), matches=12, rounds=3)
    shares = [row["share"] for row in rows(named(run)["play-move"])]
    assert [share.value for share in shares] == [0.0, 0.0]
    assert all(0 < share.interval[1] < 0.4 for share in shares)
    strategies = rows(named(run)["play-move-strategies"])
    assert all(np.isfinite(row["share of players"].value) for row in strategies)


def test_nobody_who_moves_validly_gives_reasons(tmp_path):
    run = played(
        tmp_path, ScriptedEngine(uniform(), refuse=1.0), ScriptedEngine(scripted.played(tit_for_tat)), matches=3
    )
    model = rows(named(run)["play-move"])[0]
    assert np.isnan(model["share"].value)
    assert "no valid move" in model["share"].warnings[0]


def test_a_dilemma_of_an_older_version_has_its_matches_and_roles_in_its_names(tmp_path):
    run = played(tmp_path, ScriptedEngine(always(1)), ScriptedEngine(scripted.played(tit_for_tat)), matches=5, rounds=3)
    before = [row[:4] for row in named(run)["play-move"].table.rows]
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as journal, journal:
        journal.execute("delete from meta where key = 'roster'")
    (tmp_path / "responses.parquet").unlink()
    assert Run(tmp_path).roster.n_units == 10
    assert [row[:4] for row in named(Run(tmp_path))["play-move"].table.rows] == before


def test_a_survey_was_not_played(survey, tmp_path):
    assert "no rounds" in play.needs(collect(survey, ScriptedEngine(uniform()), tmp_path))


def test_moves_at_random_are_ascribed_to_no_strategy_and_those_of_a_rule_are(tmp_path):
    run = played(tmp_path, ScriptedEngine(uniform(), seed=5), ScriptedEngine(scripted.played(tit_for_tat)))
    model, rival = named(run)["play-move-strategies"].sentences
    assert model.startswith("model: none of the strategies on the list describes it.")
    assert "about as often as chance would" in model
    assert rival.startswith("rival: TFT has the largest share of players, 100.0 %")


def test_a_role_without_a_whole_round_has_no_strategy_and_that_is_said_in_words(tmp_path):
    run = played(
        tmp_path, ScriptedEngine(uniform(), refuse=1.0), ScriptedEngine(scripted.played(tit_for_tat)), matches=3
    )
    section = named(run)["play-move-strategies"]
    assert section.warnings[0] == "model: in no match have both players moved, so there is no strategy to be seen"
    assert not any("shape" in warning for warning in section.warnings)
