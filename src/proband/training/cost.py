"""What training will take: tokens, operations, seconds on this machine, memory and disk, before anything starts."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proband.errors import EngineError
from proband.files import beside
from proband.training.bases import base_folder, base_template
from proband.training.batching import Part, parts_of, step_plan
from proband.training.encoding import encode_set
from proband.training.recipe import Recipe
from proband.training.training_set import TrainingSet

# Share of the rate of a plain matrix product that steps of the embedded model were measured to reach.
EFFICIENCY = 0.5
# Optimiser and clipping read and write each weight, its gradient and two moments, about so many times 4 bytes.
_PASSES_OVER_STATE = 9
_MOST_TOKENS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Size of a model, as far as cost depends on it.

    Attributes
    ----------
    total, head : int
        Weights in all, and of the output (the table of tokens).
    tied : bool
        Whether input and output share that table.
    layers, width, hidden, inner : int
        Layers; heads times their width; width of the residual stream; width inside a feed-forward layer.
    """

    total: int
    head: int
    tied: bool
    layers: int
    width: int
    hidden: int
    inner: int

    @property
    def body(self) -> int:
        """Weights that every token meets before the output."""
        return self.total - (self.head if self.tied else 2 * self.head)


SHAPES: Mapping[str, Shape] = {name: Shape(**table) for name, table in beside(__file__).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCost:
    """What one run takes.

    Attributes
    ----------
    examples, steps, examples_seen : int
        In the set; optimiser steps; over all steps.
    tokens, taught_tokens, computed_tokens : int
        Of the examples seen; those the loss is on; those computed where beginnings are shared.
    seconds : float or None
        On this machine; None where its speed was not asked for.
    memory_bytes : float
        Weights, gradients, optimiser and activations of one pass; an estimate.
    disk_bytes : float
        What is kept, and two states of the run beside it.
    """

    examples: int
    steps: int
    examples_seen: int
    tokens: int
    taught_tokens: int
    computed_tokens: int
    operations: float
    seconds: float | None
    memory_bytes: float
    disk_bytes: float

    def hours(self, flops_per_s: float) -> float:
        """Hours on a device that really makes so many operations a second (an H100 in bfloat16: about 4e14)."""
        return self.operations / flops_per_s / 3600


def estimate(training_set: TrainingSet, base: str, recipe: Recipe, *, rate: "Rate | None" = None) -> TrainingCost:
    """What a run takes, from its real tokens; only the tokenizer is loaded.

    Seconds are those at this machine's rate, from `measured_rate`, and None without it.

    Raises
    ------
    DataError
        If the set could not be trained on.
    EngineError
        If there is no such base.
    """
    folder = base_folder(base)
    template = base_template(base)
    encoded = encode_set(training_set, template, max_tokens=recipe.max_tokens, too_long=recipe.too_long).examples
    longest = max(len(one.ids) for one in encoded)
    settings: Any = {"most_tokens": recipe.micro_tokens or _MOST_TOKENS, "most_rows": recipe.micro_batch}
    plan = step_plan(len(encoded), recipe)
    computed = taught = pairs = 0
    for rows in plan:
        for part in parts_of([encoded[k] for k in rows], recipe.padding, longest=longest, **settings):
            # Padding costs as much as tokens do.
            computed += part.n_computed if part.segments else part.ids.size
            taught += len(part.picks)
            pairs += _pairs(part)
    seen = [encoded[k] for rows in plan for k in rows]
    return _cost(
        shape_of(folder),
        recipe,
        counts={"examples": len(encoded), "steps": len(plan), "examples_seen": len(seen)},
        tokens=(sum(len(one.ids) for one in seen), taught, computed),
        pairs=pairs,
        rate=rate,
    )


def sized_cost(shape: Shape, recipe: Recipe, *, examples: int, tokens_each: float, taught_each: float) -> TrainingCost:
    """What a run takes that is known by its sizes only, for plans on other machines.

    Parameters
    ----------
    examples : int
        In the set, general ones included.
    tokens_each, taught_each : float
        Mean tokens of an example, and of its response.

    Examples
    --------
    >>> from proband.training.recipe import named_recipe
    >>> recipe = named_recipe("ren2024")
    >>> cost = sized_cost(SHAPES["llama-2-7b"], recipe, examples=2 * 738, tokens_each=300, taught_each=180)
    >>> cost.steps, round(cost.hours(4e14), 2)
    (15, 0.04)
    """
    steps = recipe.steps_for(examples)
    seen = steps * min(recipe.batch_size, examples)
    tokens, taught = round(seen * tokens_each), round(seen * taught_each)
    counts = {"examples": examples, "steps": steps, "examples_seen": seen}
    pairs = round(seen * tokens_each**2 / 2)
    return _cost(shape, recipe, counts=counts, tokens=(tokens, taught, tokens), pairs=pairs, rate=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Operations a second of a matrix product, and bytes a second in passing over large tensors."""

    operations: float
    bandwidth: float


def measured_rate(recipe: Recipe) -> Rate:
    """Speed of the machine in the recipe's precision, of its GPU where there is one; takes 0.4 s."""
    import torch

    from proband.models.local.passes import _best_seconds

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = torch.bfloat16 if recipe.precision == "mixed" else torch.float32
    a = torch.ones(512, 1024, dtype=kind, device=device)
    b = torch.ones(1024, 2048, dtype=kind, device=device)
    long = torch.ones(2**24, device=device)[None]
    operations = 2 * a.numel() * b.shape[1] / _best_seconds(lambda: a @ b)
    bandwidth = 2 * 4 * long.numel() / _best_seconds(lambda: long.mul_(1.0))
    return Rate(operations=operations, bandwidth=bandwidth)


def shape_of(folder: str | Path) -> Shape:
    """Size of a checkpoint, from its configuration and the heads of its files."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False).get_text_config()
    total = sum(math.prod(shape) for shape in _tensor_shapes(Path(folder)))
    heads = int(getattr(config, "num_attention_heads", 0))
    hidden = int(config.hidden_size)
    each = int(getattr(config, "head_dim", None) or hidden // max(heads, 1))
    head = int(config.vocab_size) * hidden
    is_tied = bool(getattr(config, "tie_word_embeddings", False))
    return Shape(
        total=total,
        head=head,
        tied=is_tied,
        layers=int(config.num_hidden_layers),
        width=heads * each,
        hidden=hidden,
        inner=int(getattr(config, "intermediate_size", None) or 4 * hidden),
    )


def state_bytes(n_weights: int, recipe: Recipe) -> float:
    """Bytes of gradients and optimiser, beside the weights."""
    return 12.0 * _n_trained(n_weights, recipe)


def disk_bytes(n_weights: int, recipe: Recipe) -> float:
    """Bytes of what is saved."""
    return 4.0 * (_n_trained(n_weights, recipe) if recipe.keeps_adapter else n_weights)


def states_bytes(n_weights: int, recipe: Recipe) -> float:
    """Bytes of the two states that a run at work keeps to go on from: weights and two moments."""
    return 2 * 12.0 * _n_trained(n_weights, recipe)


def _n_trained(n_weights: int, recipe: Recipe) -> float:
    # Adapters of rank r on a square layer of width w have 2 r / w of its weights; w is some 1,000 to 8,000.
    return n_weights if recipe.adapter is None else min(n_weights, n_weights * 2 * recipe.adapter.rank / 1024)


def _tensor_shapes(folder: Path) -> list[Sequence[int]]:
    shapes = []
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            try:
                head = json.loads(opened.read(length)) if length < 2**30 else None
            except ValueError:
                head = None
        if head is None:
            raise EngineError(f"{file} is damaged; save the checkpoint again")
        shapes += [tensor["shape"] for name, tensor in head.items() if name != "__metadata__"]
    return shapes


def _pairs(part: Part) -> int:
    """Pairs of tokens that attention computes."""
    if not part.segments:
        rows, width = part.ids.shape
        return int(rows * width * (width + 1) // 2)
    return sum(s.size * s.depth + s.size * (s.size + 1) // 2 for s in part.segments)


def _cost(
    shape: Shape,
    recipe: Recipe,
    *,
    counts: Mapping[str, int],
    tokens: tuple[int, int, int],
    pairs: int,
    rate: Rate | None,
) -> TrainingCost:
    standing, taught, computed = tokens
    # Forward 2, backward 4 operations a weight and token; frozen weights need no gradient of their own; activations
    # computed again are another forward pass.
    passes = (6 if recipe.adapter is None else 4) + (2 if recipe.gradient_checkpointing else 0)
    operations = float(passes) * (computed * shape.body + taught * shape.head)
    operations += 2.0 * passes * shape.layers * shape.width * pairs
    trained = _n_trained(shape.total, recipe)
    seconds = None
    if rate is not None:
        over_state = 4 * _PASSES_OVER_STATE * trained * counts["steps"] / rate.bandwidth
        seconds = operations / (EFFICIENCY * rate.operations) + over_state
    at_once = min(recipe.micro_tokens or _MOST_TOKENS, math.ceil(standing / max(counts["steps"], 1)))
    return TrainingCost(
        **counts,
        tokens=standing,
        taught_tokens=taught,
        computed_tokens=computed,
        operations=operations,
        seconds=seconds,
        memory_bytes=_memory(shape, recipe, at_once, taught / max(standing, 1)),
        disk_bytes=disk_bytes(shape.total, recipe) + states_bytes(shape.total, recipe),
    )


def _memory(shape: Shape, recipe: Recipe, tokens: int, taught_share: float) -> float:
    """Weights, what training adds, and the activations of a pass with so many tokens."""
    held = 2 if recipe.adapter is not None and recipe.precision == "mixed" else 4
    size = 2 if recipe.precision == "mixed" else 4
    kept = 12 * shape.hidden + 4 * shape.width + 4 * shape.inner
    layer = size * tokens * kept
    layers = layer + 4 * tokens * shape.hidden * shape.layers if recipe.gradient_checkpointing else layer * shape.layers
    logits = 12.0 * tokens * taught_share * shape.head / shape.hidden
    # The weights stand twice, as they are trained and as they come back for the next run, unless nothing touches them.
    times = 1.0 if recipe.keeps_adapter else 2.0
    return times * held * shape.total + state_bytes(shape.total, recipe) + layers + logits
