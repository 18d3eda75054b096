"""Attention over what `memory` keeps, in any model whose attention function transformers can exchange.

When prompts are computed, pieces of several of them lie end to end in one pass. At a step of writing, all rows
below a segment meet it in one matrix product, and one softmax spans a row's segments and its strip.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from proband.models.local.attention import refuse_strange
from proband.models.writing.memory import Layers, Segment, Strips

NAME = "proband_writing"
_running = threading.local()


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of new tokens in a pass that fills memory, and where its keys and values go.

    `into` holds the layers of a segment or of one row's strip below the segment `above`; `n_before` tokens
    stand in it already.
    """

    tokens: tuple[int, ...]
    above: Segment
    into: Layers
    n_before: int = 0


class Shapes:
    """Attention of a first pass, over one short sequence, that notes what each layer keeps."""

    def __init__(self) -> None:
        self.layers: dict[int, tuple[int, int, int]] = {}

    def attend(self, layer: int, q: Any, k: Any, v: Any, how: "Scores") -> Any:
        """Attention of one layer, (1, n, heads, width of a value)."""
        if layer in self.layers:
            raise NotImplementedError("two layers of one number")
        self.layers[layer] = (k.shape[1], k.shape[3], v.shape[3])
        return how.attend_causally(q[0], k[0], v[0], how.causal_bias(q[0], k[0]))[None]


class Filling:
    """Attention of a pass over several pieces laid end to end, each seeing its own path and nothing else."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._paths = [piece.above.path for piece in pieces]
        self._biases: dict[tuple[int, int, int | None], Any] = {}

    def attend(self, layer: int, q: Any, k: Any, v: Any, how: "Scores") -> Any:
        """Attention of one layer, (1, n, heads, width of a value)."""
        import torch

        outputs, at = [], 0
        for piece, path in zip(self._pieces, self._paths, strict=True):
            n, before = len(piece.tokens), piece.n_before
            here = slice(at, at + n)
            keys, values = piece.into[layer]
            keys[:, before : before + n], values[:, before : before + n] = k[0, :, here], v[0, :, here]
            seen = [*(s.layers[layer] for s in path), (keys[:, : before + n], values[:, : before + n])]
            all_k, all_v = (torch.cat([pair[i] for pair in seen], 1) if path else seen[0][i] for i in (0, 1))
            key = (n, all_k.shape[1], how.window)
            if key not in self._biases:
                self._biases[key] = how.causal_bias(q[0, :, here], all_k)
            outputs.append(how.attend_causally(q[0, :, here], all_k, all_v, self._biases[key]))
            at += n
        return torch.cat(outputs)[None]


class Stepping:
    """Attention of one step: one new token a row.

    The rows are the first of `strips`; `leaves` has the deepest segment of each, `n_own` the tokens its strip holds.
    """

    def __init__(self, strips: Strips, leaves: Sequence[Segment], n_own: Sequence[int]) -> None:
        import torch

        self._strips, device = strips, strips.layers[0][0].device
        self._own = torch.tensor(n_own, device=device)
        self._rows = torch.arange(len(leaves), device=device)
        paths = {id(leaf): leaf.path for leaf in leaves}
        starts = [sum(map(len, paths[id(leaf)])) for leaf in leaves]
        self.positions = torch.tensor([a + b for a, b in zip(starts, n_own, strict=True)], device=device)
        self._n_shared, self._n_own = max(starts), max(n_own) + 1
        self._starts = torch.tensor(starts, device=device)
        order = _by_path(leaves, paths)
        self._spans = list(_spans([paths[id(leaves[row])] for row in order]))
        self._order = torch.tensor(order, device=device)
        self._back = torch.tensor(np.argsort(order), device=device)
        self._biases: dict[int | None, Any] = {}
        self._ordered: dict[tuple[int, int | None], Any] = {}
        self._scores: dict[tuple[int, int | None], Any] = {}

    def attend(self, layer: int, q: Any, k: Any, v: Any, how: "Scores") -> Any:
        """Attention of one layer, (n_rows, 1, heads, width of a value)."""
        keys, values = self._strips.layers[layer]
        keys[self._rows, :, self._own], values[self._rows, :, self._own] = k[:, :, 0], v[:, :, 0]
        n, heads = k.shape[:2]
        q = (q * how.scale).reshape(n, heads, -1, q.shape[-1])
        own_k, own_v = keys[:n, :, : self._n_own], values[:n, :, : self._n_own]
        own = how.capped(q @ own_k.transpose(2, 3)) + self._bias(how, q)[:, None, None, self._n_shared :]
        if not self._n_shared:
            return (_softmax(own) @ own_v).flatten(1, 2)[:, None]
        # (key heads, rows in the order of the tree, queries, positions), as the products over segments need.
        weights = _softmax(self._joined(layer, q, own, how))
        mine = weights[..., self._n_shared :].transpose(0, 1)[self._back]
        shared = self._over_segments(layer, weights, v.shape[-1]).transpose(0, 1)[self._back]
        return (mine @ own_v + shared).flatten(1, 2)[:, None]

    def _joined(self, layer: int, q: Any, own: Any, how: "Scores") -> Any:
        """Scores of every row: what it shares, by position, then its strip."""
        n, heads, group, width = q.shape
        ordered = q[self._order].transpose(0, 1).reshape(heads, n * group, width)
        bias = self._ordered_bias(how, q)
        key = (heads, how.window)
        if key not in self._scores:
            # Room for all layers of this kind: what is not shared stays hidden, the rest is written over.
            self._scores[key] = bias.expand(heads, -1, -1).contiguous()
        scores = self._scores[key]
        for segment, start, first, last in self._spans:
            rows, columns = slice(first * group, last * group), slice(start, start + len(segment))
            found = how.capped(ordered[:, rows] @ segment.layers[layer][0].transpose(1, 2))
            scores[:, rows, columns] = found if how.window is None else found + bias[rows, columns]
        joined = scores.view(heads, n, group, -1)
        joined[..., self._n_shared :] = own[self._order].transpose(0, 1)
        return joined

    def _over_segments(self, layer: int, weights: Any, width: int) -> Any:
        """What each row takes from the values of the segments above it."""
        heads, n, group, _ = weights.shape
        flat = weights.reshape(heads, n * group, -1)
        output = weights.new_zeros(heads, n * group, width)
        for segment, start, first, last in self._spans:
            rows, columns = slice(first * group, last * group), slice(start, start + len(segment))
            output[:, rows] += flat[:, rows, columns] @ segment.layers[layer][1]
        return output.view(heads, n, group, width)

    def _bias(self, how: "Scores", like: Any) -> Any:
        """0 where a row may look and the least number elsewhere, (n_rows, positions); once a step and window."""
        import torch

        if how.window not in self._biases:
            own = torch.arange(self._n_own, device=like.device)
            shared = torch.arange(self._n_shared, device=like.device).expand(len(self._own), -1)
            hidden = torch.cat([shared >= self._starts[:, None], own > self._own[:, None]], 1)
            if how.window is not None:
                at = torch.cat([shared, own + self._starts[:, None]], 1)
                hidden |= at <= (self.positions - how.window)[:, None]
            bias = torch.zeros(hidden.shape, dtype=like.dtype, device=like.device)
            self._biases[how.window] = bias.masked_fill_(hidden, torch.finfo(like.dtype).min)
        return self._biases[how.window]

    def _ordered_bias(self, how: "Scores", q: Any) -> Any:
        """The same for every query, rows in the order of the tree."""
        key = (q.shape[2], how.window)
        if key not in self._ordered:
            self._ordered[key] = self._bias(how, q)[self._order].repeat_interleave(q.shape[2], 0)
        return self._ordered[key]


@dataclass(frozen=True, slots=True)
class Scores:
    """How a layer scores keys."""

    scale: float
    window: int | None
    softcap: float | None

    def capped(self, scores: Any) -> Any:
        """Scores, bent towards a limit where a model has one."""
        return scores if self.softcap is None else (scores / self.softcap).tanh() * self.softcap

    def causal_bias(self, q: Any, k: Any) -> Any:
        """0 where the last tokens of a sequence may look and the least number elsewhere: (n, all tokens)."""
        import torch

        n, total = q.shape[1], k.shape[1]
        queries = torch.arange(total - n, total, device=q.device)[:, None]
        positions = torch.arange(total, device=q.device)
        hidden = positions > queries
        if self.window is not None:
            hidden |= positions <= queries - self.window
        bias = torch.zeros(n, total, dtype=q.dtype, device=q.device)
        return bias.masked_fill_(hidden, torch.finfo(q.dtype).min)

    def attend_causally(self, q: Any, k: Any, v: Any, bias: Any) -> Any:
        """Attention of the last tokens of a sequence to all of it: (n, heads, width of a value)."""
        import torch

        group, n = q.shape[0] // k.shape[0], q.shape[1]
        if self.softcap is not None:
            scores = (q * self.scale).reshape(len(k), group * n, -1) @ k.transpose(1, 2)
            out = _softmax(self.capped(scores).view(len(k), group, n, -1) + bias).flatten(1, 2) @ v
            return out.view(len(q), n, -1).transpose(0, 1)
        # Only the processor's kernel takes a mask and shared keys at once.
        if is_shared := group > 1 and q.device.type != "cpu":
            k, v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
        attend = torch.nn.functional.scaled_dot_product_attention
        how = {"attn_mask": bias[None, None], "scale": self.scale, "enable_gqa": group > 1 and not is_shared}
        return attend(q[None], k[None], v[None], **how)[0].transpose(0, 1)


def _softmax(scores: Any) -> Any:
    """Weights from scores, in float32 until they are weights."""
    import torch

    return torch.softmax(scores, -1, dtype=torch.float32).to(scores.dtype)


@contextmanager
def attending(model: Any, attention: "Filling | Stepping | Shapes") -> Iterator[None]:
    """Let every layer of a model attend as given; `NotImplementedError` if its attention cannot be exchanged."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    if not model._can_set_attn_implementation():
        raise NotImplementedError(f"{type(model).__name__} has an attention of its own")
    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _no_mask)
    configs = {id(m.config): m.config for m in model.modules() if hasattr(m, "config")}
    usual = [(config, config._attn_implementation) for config in configs.values()]
    try:
        for config, _ in usual:
            config._attn_implementation = NAME
        _running.attention = attention
        yield
    finally:
        _running.attention = None
        for config, name in usual:
            config._attn_implementation = name


def _attend(module: Any, q: Any, k: Any, v: Any, mask: Any, **given: Any) -> tuple[Any, None]:
    """What transformers calls in place of its own attention function."""
    refuse_strange(module, given)
    if mask is not None:
        raise NotImplementedError("attention with a mask of its own")
    scale = given.get("scaling")
    scale = q.shape[-1] ** -0.5 if scale is None else float(scale)
    how = Scores(scale, given.get("sliding_window"), given.get("softcap"))
    return _running.attention.attend(module.layer_idx, q, k, v, how), None


def _no_mask(*_: Any, **__: Any) -> None:
    """Give no mask: what a token may see follows from where it stands."""


def _by_path(leaves: Sequence[Segment], paths: dict[int, list[Segment]]) -> list[int]:
    """Rows in an order in which all below any one segment are neighbours."""
    seen: dict[int, int] = {}
    for leaf in leaves:
        for segment in paths[id(leaf)]:
            seen.setdefault(id(segment), len(seen))
    keys = {key: [seen[id(segment)] for segment in path] for key, path in paths.items()}
    return sorted(range(len(leaves)), key=lambda row: keys[id(leaves[row])])


def _spans(paths: list[list[Segment]]) -> Iterator[tuple[Segment, int, int, int]]:
    """Each segment, the position it starts at, and the first and one past the last of its rows."""
    open_: dict[int, tuple[Segment, int, int]] = {}
    for row, path in enumerate([*paths, []]):
        ids = {id(segment) for segment in path}
        for key in [key for key in open_ if key not in ids]:
            segment, start, first = open_.pop(key)
            yield segment, start, first, row
        start = 0
        for segment in path:
            open_.setdefault(id(segment), (segment, start, row))
            start += len(segment)
