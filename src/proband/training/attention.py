"""Attention over packed examples: every token sees its own text up to itself, and nothing of its neighbours.

Transformers lets a model's attention function be exchanged. On a processor the one here attends segment by segment,
which computes no pair of tokens in vain; on a GPU, where many small calls cost more than empty pairs, it attends once
under a mask.
"""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proband.models.local.attention import exchanged, refuse_strange
from proband.models.local.passes import UNFIT
from proband.training.batching import Part, Segment, packed
from proband.training.encoding import Taught

NAME = "proband_packed"
# Layouts by the identity of a model's configuration: attention is told its module, and a device's backward pass, which
# may compute attention again, runs in a thread of its own.
_layouts: dict[int, "Layout"] = {}


class Layout:
    """Where the segments of a packed part stand, and what its tokens may see; a dense one attends once under a mask."""

    def __init__(self, part: Part, *, is_dense: bool) -> None:
        self.segments = part.segments
        self.sizes = [segment.size for segment in part.segments]
        self.depths = part.depths[0]
        self.is_dense = is_dense
        self._masks: dict[tuple[int, int | None], Any] = {}

    def mask(self, number: int, window: int | None, like: Any) -> Any:
        """What a segment's tokens see of their path and themselves; None where that is plainly causal."""
        import torch

        segment = self.segments[number]
        if window is not None and segment.depth + segment.size <= window:
            window = None
        if not segment.path and window is None:
            return None
        if (number, window) not in self._masks:
            sees = _sees(segment.depth + np.arange(segment.size), np.arange(segment.depth + segment.size), window)
            self._masks[number, window] = torch.from_numpy(sees).to(like.device)
        return self._masks[number, window]

    def dense_mask(self, window: int | None, like: Any) -> Any:
        """What every token sees of all tokens."""
        import torch

        if (-1, window) not in self._masks:
            owner = np.repeat(np.arange(len(self.segments)), self.sizes)
            is_on_path = np.zeros((len(self.segments), len(self.segments)), dtype=bool)
            for number, segment in enumerate(self.segments):
                is_on_path[number, [*segment.path, number]] = True
            sees = is_on_path[owner][:, owner] & _sees(self.depths, self.depths, window)
            self._masks[-1, window] = torch.from_numpy(sees).to(like.device)
        return self._masks[-1, window]


def _sees(depths: Any, others: Any, window: int | None) -> NDArray[np.bool_]:
    distance = depths[:, None] - others[None, :]
    sees: NDArray[np.bool_] = distance >= 0
    return sees if window is None else sees & (distance < window)


def packed_attention(model: Any) -> AbstractContextManager[None]:
    """Have a model attend over packed parts while this is open.

    Raises
    ------
    NotImplementedError
        If the model's attention cannot be exchanged.
    """
    return exchanged(model, NAME, _attend)


@contextmanager
def laid_out(model: Any, part: Part) -> Iterator[dict[str, Any]]:
    """Arguments of the model's call for a part; the call and its backward pass go inside."""
    import torch

    device = model.device
    inputs: dict[str, Any] = {"input_ids": torch.from_numpy(part.ids).to(device), "use_cache": False}
    if not part.segments:
        yield inputs
        return
    inputs["position_ids"] = torch.from_numpy(part.depths).to(device)
    # Four dimensions, so that transformers makes no mask of its own; nobody reads it.
    inputs["attention_mask"] = torch.zeros(1, 1, 1, 1, dtype=model.dtype, device=device)
    keys = {id(model.config), id(model.config.get_text_config())}
    layout = Layout(part, is_dense=device.type != "cpu")
    _layouts.update(dict.fromkeys(keys, layout))
    try:
        yield inputs
    finally:
        for key in keys:
            del _layouts[key]


def packs(model: Any) -> bool:
    """Whether the model gives packed examples the logits that it gives them alone; tried on three short ones."""
    import torch

    was_training = model.training
    examples = [
        Taught(id=str(k), ids=ids, start=4)
        for k, ids in enumerate([(1, 2, 3, 4, 5, 3), (1, 2, 3, 1, 2), (2, 1, 3, 2, 4, 5, 1)])
    ]
    part = packed(examples, least_shared=2)
    relative = 1e-5 if model.dtype.itemsize == 4 else 2e-2
    model.eval()
    try:
        with torch.no_grad(), packed_attention(model), laid_out(model, part) as inputs:
            logits = model(**inputs).logits[0]
        found = logits[torch.from_numpy(part.picks).to(logits.device)]
        with torch.no_grad():
            alone = [
                model(input_ids=torch.tensor([one.ids[:-1]], device=model.device), use_cache=False).logits[0]
                for one in sorted(examples, key=lambda one: one.ids)
            ]
        wanted = torch.cat([rows[3:] for rows in alone])
        return bool(torch.allclose(found, wanted, rtol=relative, atol=1e-4 if relative < 1e-4 else 5e-2))
    except UNFIT:
        return False
    finally:
        model.train(was_training)


def drops_at_random(model: Any) -> bool:
    """Whether training this model drops activations; then no two examples may share any."""
    import torch

    dropouts = (module.p for module in model.modules() if isinstance(module, torch.nn.Dropout))
    return any(p > 0 for p in dropouts) or bool(getattr(model.config, "attention_dropout", 0.0))


def _attend(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **kwargs: Any) -> tuple[Any, None]:
    """What transformers calls in place of its own attention function."""
    import torch

    refuse_strange(module, kwargs)
    layout = _layouts[id(module.config)]
    window = kwargs.get("sliding_window")
    how: dict[str, Any] = {name: kwargs.get(name) for name in ("scaling", "softcap")}
    how["dropout"] = kwargs.get("dropout", 0.0) if module.training else 0.0
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    if layout.is_dense:
        found = _product(query, key, value, layout.dense_mask(window, query), **how)
        return found.transpose(1, 2), None
    # The processor's kernels for short numbers take three times as long here, and round more.
    kind = query.dtype
    query, key, value = query.float(), key.float(), value.float()
    # Split, not sliced: the gradient of a slice is as large as the whole, that of all pieces is one copy.
    queries, keys, values = (tensor.split(layout.sizes, dim=2) for tensor in (query, key, value))
    made = [
        _product(
            queries[number],
            _along(keys, segment, number),
            _along(values, segment, number),
            layout.mask(number, window, query),
            **how,
        )
        for number, segment in enumerate(layout.segments)
    ]
    return torch.cat(made, dim=2).transpose(1, 2).to(kind), None


def _along(pieces: Any, segment: Segment, number: int) -> Any:
    """Keys or values of a segment's whole text."""
    import torch

    if not segment.path:
        return pieces[number]
    return torch.cat([*(pieces[k] for k in segment.path), pieces[number]], dim=2)


def _product(
    query: Any, key: Any, value: Any, mask: Any, *, scaling: float | None, softcap: float | None, dropout: float
) -> Any:
    """Scaled dot-product attention, shape (1, n_heads, n, width); causal where there is no mask."""
    import torch

    if softcap is None:
        return torch.nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=dropout, is_causal=mask is None, scale=scaling
        )
    scores = query @ key.transpose(2, 3) * (scaling or 1 / math.sqrt(query.shape[3]))
    n = query.shape[2]
    sees = torch.ones(n, n, dtype=torch.bool, device=query.device).tril() if mask is None else mask
    scores = (softcap * torch.tanh(scores / softcap)).masked_fill(~sees, torch.finfo(scores.dtype).min)
    shares = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return torch.nn.functional.dropout(shares, p=dropout) @ value
