"""Training a toy model: what comes out, and what is kept."""

import json

import pytest

from proband.addresses import open_engine
from proband.designs.quiz.quiz import Quiz
from proband.errors import DesignError
from proband.runs import collect
from proband.tuning.probing.beliefs import beliefs_from
from proband.tuning.toy.corpus import EVALUATION, PROBE
from proband.tuning.toy.pretraining import RECORD, Pretraining, pretrain, toy_model


def test_a_toy_model_opens_as_an_engine_and_answers_both_prompts(small_world, small_model, tmp_path):
    quiz = Quiz(
        bank=small_world.bank.where(lambda q: q.id.endswith("000")),
        prompts=(PROBE, EVALUATION),
        exemplars=small_world.exemplars,
    )
    run = collect(quiz, f"hf:{small_model}", tmp_path / "run")
    for ask in (PROBE.name, EVALUATION.name):
        beliefs = beliefs_from(run, quiz, ask=ask)
        assert len(beliefs) == 4
        assert beliefs.n_failed == 0


def test_training_again_gives_the_same_weights(small_world, small_model, small_settings, tmp_path):
    again = pretrain(small_world, tmp_path / "again", settings=small_settings, steps=6)
    prints = [open_engine(f"hf:{folder}").fingerprint()["weights"] for folder in (small_model, again)]
    assert prints[0] == prints[1]


def test_another_seed_gives_other_weights(small_world, small_model, small_settings, tmp_path):
    other = pretrain(small_world, tmp_path / "other", settings=small_settings, steps=6, seed=1)
    sha256 = [json.loads((folder / RECORD).read_text())["sha256"] for folder in (small_model, other)]
    assert sha256[0] != sha256[1]


def test_training_leaves_the_global_generator_alone(small_world, small_settings, tmp_path):
    import torch

    before = torch.random.get_rng_state()
    pretrain(small_world, tmp_path / "model", settings=small_settings, steps=1)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_finished_folder_is_returned_as_it_is(small_world, small_model, small_settings):
    seen = []
    pretrain(small_world, small_model, settings=small_settings, steps=6, watch=seen.append)
    assert seen == []


def test_a_folder_of_another_model_is_refused(small_world, small_model, small_settings, tmp_path):
    with pytest.raises(DesignError, match="something other than this toy model"):
        pretrain(small_world, small_model, settings=small_settings, steps=5)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DesignError, match="name another folder"):
        pretrain(small_world, tmp_path, settings=small_settings, steps=5)


def test_progress_is_told_after_every_step_and_the_loss_falls(small_world, small_settings, tmp_path):
    seen = []
    pretrain(small_world, tmp_path / "model", settings=small_settings, watch=seen.append)
    assert [step.step for step in seen] == list(range(1, seen[0].of + 1))
    assert seen[-1].loss < seen[0].loss - 0.5
    assert seen[-1].seconds_left == 0


def test_a_cached_model_is_trained_once_and_mended_where_damaged(
    small_world, small_null_world, small_settings, tmp_path, monkeypatch
):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path / "cache"))
    steps = []
    folder = toy_model(small_world, settings=small_settings, watch=steps.append)
    trained = len(steps)
    assert trained
    assert toy_model(small_world, settings=small_settings, watch=steps.append) == folder
    assert len(steps) == trained
    assert toy_model(small_null_world, settings=small_settings) != folder
    (folder / "model.safetensors").write_bytes(b"damaged")
    toy_model(small_world, settings=small_settings, watch=steps.append)
    assert len(steps) == 2 * trained


def test_what_cannot_be_trained_is_refused(small_world, small_settings, tmp_path):
    with pytest.raises(DesignError, match="10000 steps of pre-training: the corpus has 1 to"):
        pretrain(small_world, tmp_path / "model", settings=small_settings, steps=10_000)
    with pytest.raises(DesignError, match="heads cannot share"):
        Pretraining(hidden=20, heads=3)
    with pytest.raises(DesignError, match="at most 512"):
        Pretraining(block=1024)
    assert not (tmp_path / "model").exists()
