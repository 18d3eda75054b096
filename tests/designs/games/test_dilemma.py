import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from proband.designs import PrisonersDilemma
from proband.designs.games.dilemma import Payoffs
from proband.errors import DesignError, TreatmentChanged
from proband.models.scripted import ScriptedEngine, played, uniform
from proband.records import Completion, Place
from proband.runs import Run, branch, collect
from proband.strategies import tit_for_tat

GAME = PrisonersDilemma(matches=200, rounds=10, seed=4)
PROGRAM = Path(__file__).with_name("play.py")


def players(**biases):
    return {"model": ScriptedEngine(uniform(), seed=9, **biases), "rival": ScriptedEngine(played(tit_for_tat))}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return collect(GAME, players(), tmp_path_factory.mktemp("game") / "whole")


def moves(run: Run, match: int, player: str) -> list[int]:
    answers = run.responses()
    return [answers[f"match-{match:04d}-{player}/move//{k}/0"].answer for k in range(1, GAME.rounds + 1)]


def test_every_match_is_played_to_its_end(whole):
    assert len(whole.responses()) == GAME.size() == 4000
    assert set(whole.dispositions()) == {"valid"}


def test_tit_for_tat_begins_kindly_and_then_repeats_its_rival(whole):
    for match in range(0, 200, 20):
        assert moves(whole, match, "column") == [0, *moves(whole, match, "row")[:-1]]


def test_names_of_the_moves_are_balanced_over_matches(whole):
    shown = [trial.reply.order for trial in GAME.trials({})[::2]]
    assert 70 < shown.count((0, 1)) < 130


def test_a_game_killed_in_round_6_and_resumed_equals_the_uninterrupted_one(whole, tmp_path):
    folder = tmp_path / "torn"
    with subprocess.Popen([sys.executable, str(PROGRAM), str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert any(line.startswith("round 6") for line in process.stdout)
        while not any("/6/" in place for place in Run(folder).responses()):
            time.sleep(0.005)
        process.kill()
    done = {response.place.round for response in Run(folder).responses().values()}
    assert 6 in done
    assert not Run(folder).is_complete
    run = collect(GAME, players(), folder)
    assert (run.path / "responses.parquet").read_bytes() == (whole.path / "responses.parquet").read_bytes()


def test_a_branch_with_other_payoffs_shares_the_first_rounds_and_asks_nobody_again(whole, tmp_path):
    class Counting(ScriptedEngine):
        rounds: set[int]

        def answer(self, trials):
            self.rounds = getattr(self, "rounds", set()) | {trial.place.round for trial in trials}
            yield from super().answer(trials)

    model, rival = Counting(uniform(), seed=9, noise=1.0), Counting(played(tit_for_tat))
    changed = replace(GAME, payoffs=Payoffs(temptation=20.0))
    folder = branch(whole, tmp_path / "b", through_round=5, keep_past=True)
    run = collect(changed, {"model": model, "rival": rival}, folder)
    assert model.rounds == rival.rounds == {6, 7, 8, 9, 10}
    parent, child = whole.responses(), run.responses()
    assert len(child) == GAME.size()
    assert all(child[id] == response for id, response in parent.items() if response.place.round <= 5)
    assert "20 points" in next(t for t in changed.trials(child) if t.place.round == 6).request.messages[0].text
    assert run.manifest["parent"] == {"run": str(whole.path), "through_round": 5, "keep_past": True}


def test_a_branch_whose_past_would_have_been_put_in_other_words_is_refused(whole, tmp_path):
    changed = replace(GAME, payoffs=Payoffs(temptation=20.0))
    with pytest.raises(TreatmentChanged, match=r"item 'move' in round 1 .* what is sent differs .* keep_past=True"):
        collect(changed, players(), branch(whole, tmp_path / "b", through_round=5))
    assert set(Run(tmp_path / "b").dispositions().values()) == {2000}


class WarnedLater(PrisonersDilemma):
    """Players are told something after round 5, and nothing else is different."""

    def _trial(self, player, number, played):
        trial = super()._trial(player, number, played)
        if number <= 5:
            return trial
        *earlier, last = trial.request.messages
        told = replace(last, text=f"From now on the game is filmed.\n{last.text}")
        return replace(trial, request=replace(trial.request, messages=(*earlier, told)))


def test_a_branch_that_differs_in_later_rounds_only_goes_on_from_its_parent(whole, tmp_path):
    fields = {name: getattr(GAME, name) for name in ("matches", "rounds", "seed")}
    run = collect(WarnedLater(**fields), players(), branch(whole, tmp_path / "b", through_round=5))
    parent, child = whole.responses(), run.responses()
    assert run.state == "complete"
    assert all((child[id] == response) == (response.place.round <= 5) for id, response in parent.items())


def test_a_branch_needs_an_empty_folder_and_a_round_that_was_played(whole, tmp_path):
    with pytest.raises(DesignError, match="already holds"):
        branch(whole, whole.path, through_round=5)
    with pytest.raises(DesignError, match="rounds count from 1"):
        branch(whole, tmp_path / "b", through_round=0)
    with pytest.raises(DesignError, match="no round 99 to branch after; there are"):
        branch(whole, tmp_path / "c", through_round=99)


def test_a_match_ends_where_a_player_gives_no_move(tmp_path):
    run = collect(replace(GAME, matches=30), players(refuse=0.2), tmp_path)
    answers = run.responses().values()
    refused = {r.place.subject[:10]: r.place.round for r in answers if r.status == "refused"}
    assert refused
    for response in answers:
        assert response.place.round <= refused.get(response.place.subject[:10], GAME.rounds)
    assert run.state == "complete"
    played = Counter(r.place.subject[:10] for r in answers)
    assert played == {match: 2 * refused.get(match, GAME.rounds) for match in played}
    assert len(played) == 30


def test_a_failed_call_stalls_its_match_and_no_other_and_asking_again_goes_on(tmp_path):
    game = replace(GAME, matches=30)
    run = collect(game, players(fail=0.02), tmp_path)
    n_failed = run.dispositions()["failed"]
    assert 0 < n_failed == len(run.stalled) < 30
    assert run.state == "stalled"
    assert not run.is_complete
    assert repr(run).endswith("stalled)")
    for place, why in run.stalled.items():
        assert Place.from_id(place).round >= 1
        assert "the call for this move failed" in why
    table = run.table()
    assert table.filter(pl.col("status") == "failed").height == n_failed
    assert table.height < game.size()
    with pytest.raises(TreatmentChanged, match="engine"):
        collect(game, players(), tmp_path)
    again = collect(game, players(fail=0.02), tmp_path)
    assert (again.state, again.table().equals(table)) == ("stalled", True)


def test_a_stalled_match_is_played_to_its_end_once_its_call_succeeds(whole, tmp_path):
    class OnceDown(ScriptedEngine):
        is_down = True

        def answer(self, trials):
            for trial, completion in super().answer(trials):
                is_hit = self.is_down and trial.place.round == 4 and trial.place.subject < "match-0003"
                yield trial, Completion(error="down") if is_hit else completion

    engines = {"model": OnceDown(uniform(), seed=9), "rival": ScriptedEngine(played(tit_for_tat))}
    stalled = collect(GAME, engines, tmp_path)
    assert (stalled.state, stalled.table().height) == ("stalled", GAME.size() - 3 * 12)
    engines["model"].is_down = False
    run = collect(GAME, engines, tmp_path, retry_failed=True)
    assert run.state == "complete"
    assert run.stalled == {}
    assert run.table().equals(whole.table())


def test_payoffs_that_are_no_dilemma_are_refused():
    with pytest.raises(DesignError, match="T > R > P > S"):
        replace(GAME, payoffs=Payoffs(reward=9.0))


def test_failures_on_a_branch_can_be_retried_though_its_beginning_was_asked_otherwise(whole, tmp_path):
    changed = replace(GAME, payoffs=Payoffs(temptation=20.0), rounds=6)
    folder = branch(whole, tmp_path / "b", through_round=5, keep_past=True)
    failed = collect(changed, players(fail=0.1), folder).dispositions()["failed"]
    run = collect(changed, players(fail=0.1), folder, retry_failed=True)
    assert run.dispositions()["failed"] == failed > 0
