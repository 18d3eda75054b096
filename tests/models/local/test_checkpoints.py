import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from proband.addresses import open_engine
from proband.errors import EngineError
from proband.models.local import checkpoints
from proband.models.local.capacity import free_bytes, readable
from proband.models.local.engine import LocalEngine
from tests.models.local.small_models import save_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("llama"))


def test_what_cannot_be_loaded_is_an_error_with_a_way_out(folder, tmp_path, monkeypatch):
    with pytest.raises(EngineError, match="no folder"):
        LocalEngine(tmp_path / "nothing")
    with pytest.raises(EngineError, match=r"holds no config\.json"):
        LocalEngine(tmp_path)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(EngineError, match="no tokenizer can be loaded"):
        LocalEngine(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(EngineError, match="no model can be loaded"):
        LocalEngine(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(EngineError, match="no model can be loaded"):
        LocalEngine(tmp_path)


def test_a_checkpoint_that_lacks_weights_is_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    weights = tmp_path / "model.safetensors"
    tensors = load_file(save_checkpoint(tmp_path) / weights.name)
    del tensors["model.norm.weight"]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(EngineError, match=r"lacks weights of its model \(model\.norm\.weight\)"):
        LocalEngine(tmp_path)


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    folder = save_checkpoint(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(folder)
    model.resize_token_embeddings(100)
    model.save_pretrained(folder)
    with pytest.raises(EngineError, match="tokens up to 258, and the model knows 100: they do not belong together"):
        LocalEngine(folder)


def test_weights_that_do_not_fit_are_refused_with_what_would(folder, monkeypatch):
    monkeypatch.setattr(checkpoints, "free_bytes", lambda device: 100_000)
    with pytest.raises(EngineError, match=r"kB at 4 bytes each, and 100 kB are free on cpu; dtype=bfloat16 would fit"):
        LocalEngine(folder)
    monkeypatch.setattr(checkpoints, "free_bytes", lambda device: 1000)
    with pytest.raises(EngineError, match=r"2\.5e-07 billion would fit"):
        LocalEngine(folder)


def test_a_gguf_of_an_unknown_kind_is_refused_with_a_way_out(tmp_path):
    path = tmp_path / "strange.gguf"
    writer = gguf.GGUFWriter(path, "perceptron")
    writer.add_tensor("weights", np.ones((2, 2), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(EngineError, match=r"strange\.gguf: .*serve it with llama\.cpp"):
        LocalEngine(path)
    with pytest.raises(EngineError, match="there is no file"):
        LocalEngine(tmp_path / "missing.gguf")


def test_a_hub_that_cannot_be_reached_is_said_at_once(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EngineError, match="check the id and the network"):
        LocalEngine("nobody/nothing-of-this-name")


def test_options_may_stand_in_the_address(folder):
    engine = open_engine(f"hf:{folder}?dtype=bfloat16&chunk_tokens=40&memory_gb=0.5")
    assert engine.passes.model.dtype == torch.bfloat16
    assert engine.passes.chunk_tokens == 40
    with pytest.raises(EngineError, match="takes no option 'temperature'"):
        open_engine(f"hf:{folder}?temperature=1")
    with pytest.raises(EngineError, match="not a whole number"):
        open_engine(f"hf:{folder}?chunk_tokens=many")
    with pytest.raises(EngineError, match="memory_gb is 0"):
        open_engine(f"hf:{folder}?memory_gb=0")
    with pytest.raises(EngineError, match=r"PyTorch sees no GPU|device 'gpu' is none"):
        open_engine(f"hf:{folder}?device=gpu")


def test_memory_bounds_the_nodes_of_a_pass(folder):
    assert LocalEngine(folder, memory_gb=0.05).passes.chunk_tokens <= 0.05e9 / (4 * 3 * 300)
    assert 0 < free_bytes(torch.device("cpu")) < 1e14
    assert (readable(999), readable(2.5e6), readable(3e10)) == ("999 bytes", "2.5 MB", "30.0 GB")
