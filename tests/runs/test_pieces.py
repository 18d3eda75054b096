"""The same table to the last byte, whatever was answered before, in which window, after which kill."""

import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest

from proband.designs import Survey
from proband.designs.lazy import LazyTrials
from proband.models.engine import BaseEngine
from proband.models.local.engine import LocalEngine
from proband.models.pieces import pieces_of
from proband.records import Completion
from proband.runs import Budget, Run, collect
from proband.runs import collection as collection_room
from proband.runs import lanes as lanes_room
from proband.runs.pieces import Piece, cut, handed, until
from tests.models.local.small_models import save_checkpoint
from tests.runs import pieced_study
from tests.runs.pieced_study import study

PROGRAM = Path(pieced_study.__file__)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("small"), max_position_embeddings=1000)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    pieced_study.make_small(monkeypatch.setattr)


@pytest.fixture(scope="module")
def engine(checkpoint):
    return Watched(checkpoint, address="small")


class Watched(LocalEngine):
    """The local engine, with a list of the pieces that it was handed."""

    def answer_pieces(self, handed):
        self.pieces = []

        def noted():
            for piece in handed:
                self.pieces.append([trial.id for trial in piece])
                yield piece

        return super().answer_pieces(noted())


def table(run):
    assert run.is_complete
    return (run.path / "responses.parquet").read_bytes()


def reopen(run: Run, taken_out: list[str]) -> None:
    """Have a run lack some answers, as if it had been stopped before them."""
    (run.path / "manifest.json").unlink()
    with sqlite3.connect(run.path / "journal.sqlite") as journal:
        journal.executemany("DELETE FROM responses WHERE trial = ?", [(id,) for id in taken_out])


def test_alone_a_request_has_other_bits_than_in_its_piece(engine):
    """Else the tests here would show nothing."""
    trials = list(study().trials({}))
    together = {trial.id: c.log_probs for piece in pieces_of(trials) for trial, c in engine.answer(piece)}
    alone = {trial.id: c.log_probs for trial in trials for _, c in engine.answer([trial])}
    assert together != alone


def test_a_run_that_is_capped_again_and_again_equals_one_in_one_go(engine, tmp_path):
    whole = collect(study(), engine, tmp_path / "whole")
    n = 0
    while not (run := collect(study(), engine, tmp_path / "torn", budget=Budget(trials=7))).is_complete:
        n += 1
        assert len(run.responses()) == 7 * n
    assert table(run) == table(whole)
    assert n == 10


PLAIN = {"n_subjects": 6, "persona": "none", "order": "random", "replicates": 3}


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
@pytest.mark.parametrize("settings", [{"n_subjects": 6}, PLAIN], ids=["personas", "plain"])
def test_whatever_was_answered_before_the_rest_gets_the_same_bits(engine, tmp_path, monkeypatch, seed, settings):
    rng = random.Random(seed)
    monkeypatch.setattr(collection_room, "AHEAD", rng.choice([17, 40, 20_000]))
    whole = collect(study(**settings), engine, tmp_path)
    bits, ids = table(whole), list(whole.responses())
    for _ in range(2):
        reopen(whole, rng.sample(ids, rng.randrange(1, len(ids))))
        monkeypatch.setattr(lanes_room, "CHUNK", rng.choice([1, 10, 4096]))
        again = collect(study(**settings), engine, tmp_path)
        assert table(again) == bits


def test_only_what_is_missing_is_stored_and_only_its_pieces_are_computed(engine, tmp_path):
    run = collect(study(), engine, tmp_path)
    bits, ids = table(run), list(run.responses())
    missing = [id for id in ids if id.startswith("s3/")][:2]
    reopen(run, missing)
    collect(study(), engine, tmp_path)
    assert table(run) == bits
    (piece,) = engine.pieces
    assert sorted(piece) == sorted(id for id in ids if id.startswith("s3/"))


class Failing(Watched):
    """Fails on some trials, as one does whose process died of them."""

    fails_on = ()

    def answer_pieces(self, handed):
        for answered in super().answer_pieces(handed):
            yield [
                (trial, Completion(error="gone") if trial.place.item in self.fails_on else completion)
                for trial, completion in answered
            ]


def test_a_failure_that_is_asked_again_gets_the_bits_it_would_have_had(engine, checkpoint, tmp_path):
    whole = collect(study(), engine, tmp_path / "whole")
    failing = Failing(checkpoint, address="small")
    failing.fails_on = list(study().items)[1:3]
    run = collect(study(), failing, tmp_path / "failed")
    assert run.dispositions()["failed"] == 24
    failing.fails_on = ()
    assert table(collect(study(), failing, tmp_path / "failed", retry_failed=True)) == table(whole)


class Twice(Survey):
    """Every question to two answerers."""

    def trials(self, answered):
        return [
            replace(trial, answerer=name, place=replace(trial.place, condition=(("model", name),)))
            for trial in super().trials(answered)
            for name in ("first", "second")
        ]


def twice():
    one = study(n_subjects=5)
    return Twice(instrument=one.instrument, subjects=one.subjects, seed=3)


def test_two_engines_side_by_side_each_get_pieces_of_their_own(engine, checkpoint, tmp_path):
    other = Watched(checkpoint, address="other", chunk_tokens=16)
    cast = {"first": engine, "second": other}
    bits = table(collect(twice(), cast, tmp_path / "whole"))
    alone = collect(study(n_subjects=5), engine, tmp_path / "alone").responses()
    run = collect(twice(), cast, tmp_path / "torn", budget=Budget(trials=11))
    assert not run.is_complete
    run = collect(twice(), cast, tmp_path / "torn")
    assert table(run) == bits
    answers = {(r.place.subject, r.place.item): r.probs for r in alone.values()}
    for response in run.responses().values():
        is_same = response.probs == answers[response.place.subject, response.place.item]
        assert is_same or response.engine == "other"


def test_of_two_parts_that_one_engine_plays_the_second_takes_the_answers_of_the_first(engine, tmp_path):
    cast = {"second": engine, "first": engine}
    bits = table(collect(twice(), cast, tmp_path))
    assert len(engine.pieces) == 5
    run = Run(tmp_path)
    reopen(run, [id for id in run.responses() if "s2/" in id or "model=second" in id])
    assert table(collect(twice(), cast, tmp_path)) == bits


def test_a_request_that_came_up_in_an_earlier_block_is_not_computed_again(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(collection_room, "AHEAD", 24)
    plain = study(persona="none", order="as_written")
    run = collect(plain, engine, tmp_path)
    assert [len(piece) for piece in engine.pieces] == [6]
    assert len({response.probs for response in run.responses().values()}) == 6


class Share(LazyTrials):
    """Every so-manieth person's trials."""

    def __init__(self, whole, number, of):
        self.whole = whole
        self.runs = [range(k, k + 6) for k in range(6 * number, len(whole), 6 * of)]

    def __len__(self):
        return sum(map(len, self.runs))

    def made_from(self, start):
        return (self.whole[k] for k in [k for run in self.runs for k in run][start:])


class Part(Survey):
    """A third of a survey."""

    number = 0

    def trials(self, answered):
        return Share(super().trials(answered), self.number, 3)


@pytest.mark.parametrize(("persona", "ahead"), [("first", 14), ("first", 20_000), ("none", 20_000)])
def test_a_share_of_a_design_gets_the_bits_of_the_whole(engine, tmp_path, monkeypatch, persona, ahead):
    monkeypatch.setattr(collection_room, "AHEAD", ahead)
    design = study(persona=persona, order="random")
    whole = collect(design, engine, tmp_path / "whole").responses()
    for number in range(3):
        part = Part(**{f.name: getattr(design, f.name) for f in fields(design)})
        object.__setattr__(part, "number", number)
        collect(part, engine, tmp_path / str(number), budget=Budget(trials=5))
        found = collect(part, engine, tmp_path / str(number)).responses()
        assert len(found) == 24
        assert all(found[id].probs == whole[id].probs for id in found)


def test_written_replies_stream_beside_pieces(engine, tmp_path):
    mixed = study(n_subjects=3, answer_by=("option_text", "written"))
    run = collect(mixed, engine, tmp_path)
    assert run.is_complete
    assert sum(map(len, engine.pieces)) == 18
    assert sum(response.text is not None for response in run.responses().values()) == 18


def start(folder, checkpoint):
    command = [sys.executable, "-m", "tests.runs.pieced_study", str(folder), str(checkpoint)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("kills", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_a_killed_run_has_no_half_of_a_piece_and_ends_with_the_same_bytes(engine, checkpoint, tmp_path, kills):
    whole = collect(study(), engine, tmp_path / "whole")
    rng, hits = random.Random(kills), 0
    for _ in range(kills):
        with start(tmp_path / "torn", checkpoint) as process:
            time.sleep(rng.uniform(0.1, 0.4))
            process.kill()
            hits += process.wait() != 0
        if (tmp_path / "torn" / "journal.sqlite").exists():
            assert len(Run(tmp_path / "torn").responses()) % 6 == 0
    assert hits
    assert table(collect(study(), engine, tmp_path / "torn")) == table(whole)


def test_another_processor_may_go_on_and_the_manifest_says_so(engine, tmp_path, monkeypatch):
    collect(study(), engine, tmp_path, budget=Budget(trials=7))
    elsewhere = dict(engine.fingerprint()) | {"instruction_set": "AVX9"}
    with monkeypatch.context() as patch:
        patch.setattr(Watched, "fingerprint", lambda self: elsewhere)
        run = collect(study(), engine, tmp_path)
    assert run.manifest["fingerprint"][""]["instruction_set"] == "AVX9"
    assert run.manifest["earlier_fingerprint"] == {"": {"instruction_set": [engine.fingerprint()["instruction_set"]]}}
    again = collect(study(), engine, tmp_path / "here")
    assert "earlier_fingerprint" not in again.manifest


def test_a_piece_of_which_some_are_answered_is_handed_over_whole():
    trials = list(study(n_subjects=4).trials({}))
    pieces = cut(trials, trials[3:8])
    assert [len(piece.wanted) for piece in pieces] == [3, 2]
    assert [list(piece.whole) for piece in pieces] == [trials[:6], trials[6:12]]
    assert handed(BaseEngine, pieces, trials[3:5]) == [trials[:6]]
    assert until(pieces, 1) == 3
    assert until(pieces, 5) == 5


def test_every_request_of_a_piece_is_handed_over_once_and_every_trial_where_places_matter():
    class ByRequest(BaseEngine):
        answers_by = "request"

    trials = list(study(n_subjects=2, persona="none", order="as_written").trials({}))
    piece = Piece(trials, trials[7:9])
    assert handed(BaseEngine, [piece], trials[7:9]) == [trials]
    assert handed(ByRequest, [piece], trials[7:9]) == [[trials[0], *trials[7:9], *trials[3:6]]]


@pytest.mark.slow
def test_the_embedded_model_gives_the_same_bytes_in_one_go_and_in_parts(tmp_path, monkeypatch):
    from proband.models.local.embedded import embedded_engine

    monkeypatch.undo()
    asked, model = study(n_subjects=2, n_items=20), embedded_engine()
    bits = table(collect(asked, model, tmp_path / "whole"))
    for trials in (3, 20):
        assert not collect(asked, model, tmp_path / "torn", budget=Budget(trials=trials)).is_complete
    run = collect(asked, model, tmp_path / "torn")
    assert table(run) == bits
    reopen(run, random.Random(1).sample(list(run.responses()), 9))
    monkeypatch.setattr(lanes_room, "CHUNK", 7)
    assert table(collect(asked, model, tmp_path / "torn")) == bits
