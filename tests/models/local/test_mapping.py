"""A model whose weights are mapped is the one that transformers loads; everything else is left to transformers."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GenerationConfig

from proband.models.local.mapping import mapped
from tests.models.local.small_models import save_checkpoint


def test_a_mapped_model_is_the_one_that_transformers_loads(tmp_path):
    folder = save_checkpoint(tmp_path)
    GenerationConfig(eos_token_id=[3, 4]).save_pretrained(folder)
    ours, theirs = mapped(str(folder), torch.float32).eval(), AutoModelForCausalLM.from_pretrained(folder).eval()
    assert type(ours) is type(theirs)
    assert ours.config.to_dict() == theirs.config.to_dict()
    assert ours.generation_config.eos_token_id == theirs.generation_config.eos_token_id == [3, 4]
    for of in ("named_parameters", "named_buffers"):
        mine, others = dict(getattr(ours, of)()), dict(getattr(theirs, of)())
        assert mine.keys() == others.keys()
        assert all(torch.equal(mine[name], others[name]) for name in mine)
    assert ours.config._attn_implementation == theirs.config._attn_implementation
    ids = torch.arange(20)[None] % 50
    with torch.inference_mode():
        assert torch.equal(ours(ids).logits, theirs(ids).logits)


def test_a_mapped_model_learns_and_is_saved_and_its_file_stays_as_it_was(tmp_path):
    file = save_checkpoint(tmp_path / "a") / "model.safetensors"
    before, model = file.read_bytes(), mapped(str(tmp_path / "a"), torch.float32)
    ids = torch.arange(8)[None]
    model(ids, labels=ids).loss.backward()
    assert all(weights.grad is not None for weights in model.parameters())
    with torch.no_grad():
        for weights in model.parameters():
            weights.sub_(0.1 * weights.grad)
    assert file.read_bytes() == before
    model.save_pretrained(tmp_path / "b")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "b")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize("kind", ["qwen2", "gpt_neox"])
def test_another_kind_of_model_is_not_mapped(kind, tmp_path):
    assert mapped(str(save_checkpoint(tmp_path, kind)), torch.float32) is None


def test_another_precision_is_not_mapped(tmp_path):
    folder = save_checkpoint(tmp_path)
    assert mapped(str(folder), torch.bfloat16) is None
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert mapped(str(folder), torch.float32) is None


def test_weights_that_are_not_all_there_are_not_mapped(tmp_path):
    folder = save_checkpoint(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert mapped(str(folder), torch.float32) is None


def test_quantised_weights_and_several_files_are_not_mapped(tmp_path):
    folder = save_checkpoint(tmp_path)
    (folder / "other.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    assert mapped(str(folder), torch.float32) is None
    (folder / "other.safetensors").unlink()
    settings = json.loads((folder / "config.json").read_text()) | {"quantization_config": {"quant_method": "fp8"}}
    (folder / "config.json").write_text(json.dumps(settings))
    assert mapped(str(folder), torch.float32) is None
