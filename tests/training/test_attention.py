"""Packed examples get the logits and gradients they get alone, in many kinds of model."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from proband.training import attention
from proband.training.attention import drops_at_random, laid_out, packed_attention, packs
from proband.training.batching import packed, padded
from proband.training.encoding import Taught
from tests.models.local.small_models import KINDS, WAYS, save_checkpoint

HEAD = tuple(range(3, 40))
EXAMPLES = [
    Taught(id="a", ids=(*HEAD, 5, 9, 11, 7), start=38),
    Taught(id="b", ids=(*HEAD, 5, 9, 200, 7, 8, 4), start=40),
    Taught(id="c", ids=(*HEAD[:20], 77, 78, 79, 80), start=21, weight=2.0),
    Taught(id="d", ids=(100, 101, 102), start=1),
]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    def load(kind):
        folder = save_checkpoint(tmp_path_factory.mktemp(kind), kind)
        return AutoModelForCausalLM.from_pretrained(folder).eval()

    return load


def loss(model, part):
    with laid_out(model, part) as inputs:
        logits = model(**inputs).logits.flatten(0, 1)[torch.from_numpy(part.picks)]
        losses = torch.nn.functional.cross_entropy(logits, torch.from_numpy(part.targets), reduction="none")
        total = (losses * torch.from_numpy(part.weights)).sum()
        model.zero_grad()
        total.backward()
    return float(total.detach()), {n: w.grad.clone() for n, w in model.named_parameters() if w.grad is not None}


@pytest.mark.parametrize("kind", KINDS)
def test_models_whose_attention_can_be_exchanged_are_found(opened, kind):
    assert packs(opened(kind)) == (WAYS[kind] == "forest")


@pytest.mark.parametrize("kind", [kind for kind, way in WAYS.items() if way == "forest"])
def test_packed_losses_and_gradients_are_those_of_padded_rows(opened, kind):
    model = opened(kind)
    alone, wanted = loss(model, padded(EXAMPLES))
    with packed_attention(model):
        together, found = loss(model, packed(EXAMPLES))
    assert packed(EXAMPLES).n_computed < 0.7 * packed(EXAMPLES).n_standing
    assert together == pytest.approx(alone, rel=1e-5)
    scale = max(float(grad.abs().max()) for grad in wanted.values())
    for name, grad in wanted.items():
        assert torch.allclose(found[name], grad, rtol=1e-4, atol=2e-5 * scale), name


@pytest.mark.parametrize("kind", ["llama", "gemma2", "gemma3_text"])
def test_one_mask_for_all_gives_what_segments_give(opened, kind):
    model = opened(kind)
    with packed_attention(model):
        wanted, _ = loss(model, packed(EXAMPLES))
        found = dense_loss(model, packed(EXAMPLES))
    assert found == pytest.approx(wanted, rel=1e-5)


def dense_loss(model, part):
    """As on a GPU; the processor can compute it too."""
    with laid_out(model, part) as inputs:
        attention._layouts.update(dict.fromkeys(attention._layouts, attention.Layout(part, is_dense=True)))
        with torch.no_grad():
            logits = model(**inputs).logits[0][torch.from_numpy(part.picks)]
    losses = torch.nn.functional.cross_entropy(logits, torch.from_numpy(part.targets), reduction="none")
    return float((losses * torch.from_numpy(part.weights)).sum())


def test_attention_is_put_back(opened):
    model = opened("llama")
    usual = model.config._attn_implementation
    with packed_attention(model):
        assert model.config._attn_implementation != usual
    assert model.config._attn_implementation == usual


def test_dropout_is_noticed(opened):
    assert not drops_at_random(opened("llama"))
    assert drops_at_random(opened("gpt2"))
