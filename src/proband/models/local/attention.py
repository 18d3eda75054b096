"""Attention over a forest: every node sees its ancestors and nothing else, in any model of transformers.

Transformers lets a model's attention function be exchanged. The one here keeps keys and values of the path to the
node that comes next, each at its depth, and attends block by block, so a block's columns are one unbroken stretch
of memory: the path, then the block itself.
"""

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from proband.models.local.forest import Block, Chunk

NAME = "proband_forest"
_running = threading.local()


@contextmanager
def exchanged(model: Any, name: str, attend: Any) -> Iterator[None]:
    """Have a model attend by a function of ours while this is open; `NotImplementedError` where that cannot be."""
    from transformers import AttentionInterface

    if not model._can_set_attn_implementation():
        raise NotImplementedError(f"{type(model).__name__} has an attention of its own")
    AttentionInterface.register(name, attend)
    usual = model.config._attn_implementation
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(usual)


def refuse_strange(module: Any, given: Mapping[str, Any]) -> None:
    """Refuse attention with a part that ours lack: silently left out, it would change every number."""
    strange = [name for name in ("s_aux", "position_bias") if given.get(name) is not None]
    if strange or not getattr(module, "is_causal", True):
        raise NotImplementedError(f"attention with {strange or 'both directions'}")


class Walk:
    """Keys and values of the current path, layer by layer, while a forest is walked.

    The attention of the model is exchanged during `step`; `capacity` is the depth of the deepest node and a block
    together, in positions.
    """

    def __init__(self, model: Any, capacity: int) -> None:
        self._model, self._capacity = model, capacity
        self._memory: dict[int, tuple[Any, Any]] = {}
        self._blocks: tuple[Block, ...] = ()
        self._masks: dict[tuple[int, int | None], Any] = {}

    @contextmanager
    def step(self, chunk: Chunk) -> Iterator[None]:
        """Have the model attend as the nodes of a chunk do; calls of the model go inside."""
        self._blocks, self._masks = chunk.blocks, {}
        with exchanged(self._model, NAME, _attend):
            _running.walk = self
            try:
                yield
            finally:
                _running.walk = None

    def attend(self, layer: int, query: Any, key: Any, value: Any, **how: Any) -> Any:
        """Attention of one layer, shape (1, n_nodes, n_heads, width of a value)."""
        import torch

        if layer not in self._memory:
            made = (tensor.new_empty((*tensor.shape[:2], self._capacity, tensor.shape[3])) for tensor in (key, value))
            self._memory[layer] = (next(made), next(made))
        keys, values = self._memory[layer]
        out = query.new_empty((1, query.shape[2], query.shape[1], value.shape[3]))
        window = how.pop("sliding_window", None)
        for number, block in enumerate(self._blocks):
            own, end = slice(block.start, block.stop), block.base + block.stop - block.start
            keys[:, :, block.base : end], values[:, :, block.base : end] = key[:, :, own], value[:, :, own]
            mask = self._mask(number, window, query)
            found = _product(query[:, :, own], keys[:, :, :end], values[:, :, :end], mask, **how)
            out[:, own] = found.transpose(1, 2)
            if len(block.moved):
                moved, places = (torch.from_numpy(part).to(query.device) for part in (block.moved, block.places))
                keys[:, :, places], values[:, :, places] = key[:, :, moved], value[:, :, moved]
        return out

    def _mask(self, number: int, window: int | None, like: Any) -> Any:
        """What is added to a block's scores; made once a chunk for all layers with the same window."""
        import torch

        block = self._blocks[number]
        if window is not None and block.distance.max() < window:
            window = None
        if (number, window) not in self._masks:
            sees = block.sees if window is None else block.sees & (block.distance < window)
            mask = torch.zeros(sees.shape, dtype=like.dtype, device=like.device)
            # The least number, not minus infinity: a stretch with nothing to see must not become 0 / 0.
            mask.masked_fill_(torch.from_numpy(~sees).to(like.device), torch.finfo(like.dtype).min)
            self._masks[number, window] = mask[None, None]
        return self._masks[number, window]


def _attend(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **kwargs: Any) -> tuple[Any, None]:
    """What transformers calls in place of its own attention function."""
    refuse_strange(module, kwargs)
    how = {name: kwargs.get(name) for name in ("scaling", "sliding_window", "softcap")}
    return _running.walk.attend(module.layer_idx, query, key, value, **how), None


def _product(query: Any, key: Any, value: Any, mask: Any, *, scaling: float | None, softcap: float | None) -> Any:
    """Scaled dot-product attention, shape (1, n_heads, n, width); several heads may share keys and values."""
    import torch

    groups = query.shape[1] // key.shape[1]
    # Only the processor's kernel takes a mask and shared keys at once.
    if groups > 1 and (query.device.type != "cpu" or softcap is not None):
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
        groups = 1
    if softcap is None:
        return torch.nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, scale=scaling, enable_gqa=groups > 1
        )
    scores = query @ key.transpose(2, 3) * (scaling or 1 / math.sqrt(query.shape[3]))
    scores = softcap * torch.tanh(scores / softcap) + mask
    return torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype) @ value
