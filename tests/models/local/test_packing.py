import pytest
import torch
from transformers import AutoModelForCausalLM

from proband.models.local.packing import lighten, pack, pays
from tests.models.local.small_models import save_checkpoint

ROWS = 24


def logits(model, n=ROWS):
    ids = torch.arange(n)[None] % 50
    with torch.inference_mode():
        return model(ids, use_cache=False).logits


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "mistral", "gemma2", "gpt_neox"])
@pytest.mark.parametrize("n", [ROWS, 7])
def test_a_lightened_model_gives_the_numbers_of_the_model_as_it_was(kind, n, tmp_path):
    model = AutoModelForCausalLM.from_pretrained(save_checkpoint(tmp_path, kind)).eval()
    before = logits(model, n)
    lighten(model, ROWS)
    torch.testing.assert_close(logits(model, n), before, rtol=1e-5, atol=1e-5)


def test_gates_norms_and_products_of_a_llama_are_replaced(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(save_checkpoint(tmp_path)).eval()
    lighten(model, ROWS)
    assert pack(model, ROWS)
    layer = model.model.layers[0]
    replaced = (layer.mlp, layer.input_layernorm, layer.self_attn.q_proj)
    assert all("forward" in vars(module) for module in replaced)


def test_packing_changes_no_bit_and_is_done_once(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(save_checkpoint(tmp_path)).eval()
    before = logits(model)
    assert pack(model, ROWS)
    assert torch.equal(logits(model), before)
    first = model.model.layers[0].mlp.gate_proj.forward
    pack(model, ROWS)
    assert model.model.layers[0].mlp.gate_proj.forward is first


@pytest.mark.parametrize(("share", "expected"), [(0.0, False), (1e9, True)])
def test_layers_are_packed_where_that_is_faster(share, expected, monkeypatch):
    monkeypatch.setattr("proband.models.local.packing.WORTH_IT", share)
    assert pays([torch.nn.Linear(32, 48)], ROWS) is expected
    assert not pays([], ROWS)


def test_a_norm_that_does_something_else_is_left_alone():
    class OddRMSNorm(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.variance_epsilon = torch.nn.Parameter(torch.ones(8)), 1e-6

        def forward(self, x):
            return self.weight * x + 1

    class Model(torch.nn.Module):
        device = torch.device("cpu")

        def __init__(self):
            super().__init__()
            self.norm = OddRMSNorm()

        def get_output_embeddings(self):
            return None

    model = Model()
    lighten(model, ROWS)
    assert "forward" not in vars(model.norm)


def test_a_lightened_model_still_learns(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(save_checkpoint(tmp_path)).eval()
    ids = torch.arange(ROWS)[None]
    model(ids, labels=ids).loss.backward()
    before = model.model.layers[0].mlp.gate_proj.weight.grad.clone()
    model.zero_grad()
    lighten(model, ROWS)
    model(ids, labels=ids).loss.backward()
    torch.testing.assert_close(model.model.layers[0].mlp.gate_proj.weight.grad, before)
