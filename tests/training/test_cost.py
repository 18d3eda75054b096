"""What training will take is counted from its real tokens, and agrees with what it took."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from proband.training.cost import SHAPES, Rate, estimate, measured_rate, shape_of, sized_cost
from proband.training.recipe import Lora, Recipe, named_recipe
from proband.training.training import train
from tests.training.tiny import RECIPE, questions


def test_tokens_are_those_that_training_counts(base, tmp_path):
    cost = estimate(questions(), base, RECIPE)
    found = train(questions(), base, RECIPE, tmp_path / "run")
    assert (cost.tokens, cost.taught_tokens, cost.computed_tokens) == (
        found.tokens,
        found.taught_tokens,
        found.computed_tokens,
    )
    assert (cost.steps, cost.examples, cost.examples_seen) == (6, 12, 24)
    assert cost.seconds is None


def test_the_shape_of_a_checkpoint_counts_all_its_weights(base_folder):
    shape = shape_of(base_folder)
    model = AutoModelForCausalLM.from_pretrained(base_folder)
    assert shape.total == sum(weights.numel() for weights in model.parameters())
    assert shape.body == shape.total - 300 * 32


def test_operations_are_those_that_pytorch_counts(base_folder, base):
    from torch.utils.flop_counter import FlopCounterMode

    recipe = Recipe(steps=1, batch_size=1, order="as_given", padding="dynamic")
    cost = estimate(questions(1), base, recipe)
    model = AutoModelForCausalLM.from_pretrained(base_folder, attn_implementation="eager")
    ids = torch.randint(3, 200, (1, cost.computed_tokens))
    with FlopCounterMode(display=False) as counter:
        model(ids, logits_to_keep=cost.taught_tokens).logits.sum().backward()
    n = cost.computed_tokens
    masked = 12 * 2 * 32 * (n**2 - n * (n + 1) / 2)  # pairs that eager attention computes in vain
    assert cost.operations == pytest.approx(counter.get_total_flops() - masked, rel=0.02)


def test_padding_costs_what_it_wastes(base):
    dense, wide = (
        estimate(questions(), base, Recipe(steps=2, batch_size=6, padding=padding)) for padding in ("packed", "longest")
    )
    assert wide.tokens == dense.tokens
    assert wide.operations > 1.3 * dense.operations


def test_seconds_follow_the_rate_and_the_precision(base):
    slow, fast = (
        estimate(questions(), base, RECIPE, rate=Rate(operations=rate, bandwidth=1e12)).seconds for rate in (1e9, 2e9)
    )
    assert slow == pytest.approx(2 * fast, rel=0.01)
    rate = measured_rate(RECIPE)
    assert rate.operations > 1e8
    assert rate.bandwidth > 1e8


def test_the_papers_runs_take_minutes_on_a_large_gpu_and_more_memory_than_it_has():
    recipe = named_recipe("ren2024")
    cost = sized_cost(SHAPES["llama-2-7b"], recipe, examples=2_333, tokens_each=271, taught_each=190)
    assert cost.steps == 27
    assert 2 < 60 * cost.hours(4e14) < 8
    assert cost.memory_bytes > 80e9
    adapter = named_recipe("ren2024", adapter=Lora())
    assert (
        sized_cost(SHAPES["llama-2-7b"], adapter, examples=2_333, tokens_each=271, taught_each=190).memory_bytes < 40e9
    )


def test_named_shapes_have_their_published_sizes():
    assert SHAPES["llama-2-7b"].total == pytest.approx(6.74e9, rel=0.001)
    assert SHAPES["llama-2-13b"].total == pytest.approx(13.0e9, rel=0.002)
    for shape in SHAPES.values():
        assert shape.head < shape.body < shape.total
