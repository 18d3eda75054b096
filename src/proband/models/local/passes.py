"""Forward passes of a causal model: over chunks of a forest, over one sequence, and how fast they go."""

import inspect
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from proband.errors import EngineError
from proband.models.local.attention import Walk
from proband.models.local.capacity import free_bytes
from proband.models.local.forest import Forest
from proband.models.local.packing import lighten

Floats = NDArray[np.float64]
Way = Literal["forest", "prefixes", "plain"]
# Share of the matrix-product rate that passes over forests of the embedded model were measured to reach.
EFFICIENCY = 0.62
# Nodes in a pass: with more, activations leave the processor's cache; with fewer, products are slow.
CPU_CHUNK, GPU_CHUNK = 320, 4096
# Nodes that attend together: with more, most of a mask is empty; with fewer, there are too many calls.
CPU_BLOCK, GPU_BLOCK = 64, 1024
# Products of few rows have other last digits with another number of threads, unless their rows are a multiple of four:
# measured with MKL, 1 against 2, 3, 4, 8 and 16 threads, all numbers of rows up to 320; the last to differ was 27.
ALIKE_ROWS, FEW_ROWS = 4, 32
SHARE_OF_MEMORY = 0.25  # of what is free: the most that a pass may use beyond the weights
# What a model raises that cannot take explicit positions, another attention or a cache that is cut.
UNFIT = (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Weights that a token meets in the layers (`body`) and at the output (`head`); all there are."""

    body: int
    head: int
    total: int
    n_bytes: int


class Passes:
    """A loaded model, in evaluation mode on its device, and the ways it is run.

    Parameters
    ----------
    chunk_tokens : int or None
        Nodes in one pass over a forest; default 320 on a processor, 4096 on a GPU, fewer where they would not fit.
    memory_bytes : int or None
        The most a pass may use beyond the weights; default a quarter of what is free on the device.
    tried : dict or None
        What was found out by trying a model of the same layers, here or in another place; it is added to.

    Attributes
    ----------
    computed_tokens : int
        Tokens that went through the model for scores so far.
    """

    def __init__(
        self,
        model: Any,
        chunk_tokens: int | None = None,
        memory_bytes: int | None = None,
        *,
        tried: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.tried = {} if tried is None else tried
        self.config = model.config.get_text_config()
        on_cpu = model.device.type == "cpu"
        self.block_tokens = CPU_BLOCK if on_cpu else GPU_BLOCK
        budget = memory_bytes or int(SHARE_OF_MEMORY * free_bytes(model.device))
        each = self._bytes_per_node()
        if budget < each:
            raise EngineError(f"memory_bytes is {budget}, and one token of this model takes {each}; give more")
        self.chunk_tokens = min(chunk_tokens or (CPU_CHUNK if on_cpu else GPU_CHUNK), budget // each)
        self.computed_tokens = 0
        self._is_lightened = False
        self._takes = frozenset(inspect.signature(model.forward).parameters)

    def _bytes_per_node(self) -> int:
        """Bytes that one node takes during a pass: logits where they are read, and the widest activations."""
        vocabulary, hidden = int(self.config.vocab_size), int(self.config.hidden_size)
        widest = int(getattr(self.config, "intermediate_size", None) or 4 * hidden)
        return 4 * (3 * vocabulary + 4 * widest + 12 * hidden)

    @property
    def context(self) -> int | None:
        """Most tokens the model takes; None where it has no limit."""
        limit: int | None = getattr(self.config, "max_position_embeddings", None)
        return limit

    @cached_property
    def span(self) -> int | None:
        """Longest sequence whose positions do not depend on what else is in a pass; None without a limit.

        Rotary positions that stretch with length would stretch with the longest sequence of a pass.
        """
        rope = getattr(self.config, "rope_parameters", None) or {}
        limits = []
        for part in (rope, *(value for value in rope.values() if isinstance(value, dict))):
            if part.get("rope_type") in ("dynamic", "longrope"):
                limits.append(part.get("original_max_position_embeddings") or self.context)
        chunked = getattr(self.config, "attention_chunk_size", None)
        return min((limit for limit in (*limits, chunked) if limit), default=None)

    @property
    def way(self) -> Way:
        """How forests are computed: each way is tried on a forest of nine nodes against plain passes.

        "forest" packs them under an attention of our own; "prefixes" keeps keys and values of what sequences share,
        for models with an attention that cannot be exchanged; "plain" computes each sequence alone, for models
        whose memory cannot be cut back (recurrent layers).
        """
        if "way" not in self.tried:
            self.tried["way"] = self._best_way()
        way: Way = self.tried["way"]
        return way

    def _best_way(self) -> Way:
        sequences = [(1, 2, 3, 4, 5), (1, 2, 3, 2, 1), (1, 2, 4, 4), (3, 2, 1, 5)]
        forest = Forest.build(sequences, [1] * 4)
        before = self.computed_tokens
        plain = [self.run_plain(ids, 1) for ids in sequences]
        # Rounding grows with the size of the logits, and such unlikely tokens have large ones.
        relative = 1e-5 if self.model.dtype.itemsize == 4 else 1e-2
        ways: tuple[tuple[Way, Iterator[tuple[int, Floats]]], ...] = (
            # Chunks of five and blocks of two make the keys and values of a path travel too.
            ("forest", self._over_chunks(forest, 5, 2)),
            ("prefixes", self._over_chains(forest)),
        )
        for way, values in ways:
            try:
                log_probs = np.concatenate([found for _, found in values])
            except UNFIT:
                continue
            finally:
                self.computed_tokens = before
            sums = [log_probs[row].sum() for row in forest.rows]
            if np.allclose(sums, plain, rtol=relative, atol=1e-4):
                return way
        return "plain"

    def run(self, forest: Forest) -> Iterator[tuple[int, Floats]]:
        """Log-probabilities of a forest's queries, part by part; not for models that are run plainly.

        Yields
        ------
        tuple of int and ndarray
            How many queries are answered so far, and the nats of those that this part answered, in order.
        """
        if self.way != "forest":
            return self._over_chains(forest)
        if not self._is_lightened:
            self._is_lightened = True
            lighten(self.model, self.chunk_tokens)
        return self._over_chunks(forest, self.chunk_tokens, self.block_tokens)

    def _over_chunks(self, forest: Forest, chunk_tokens: int, block_tokens: int) -> Iterator[tuple[int, Floats]]:
        """Every node once, many at a time, under the forest's own attention."""
        import torch

        device = self.model.device
        walk = Walk(self.model, int(forest.depths.max()) + 1 + block_tokens)
        for chunk in forest.chunks(chunk_tokens, block_tokens):
            rows, inverse = np.unique(chunk.places, return_inverse=True)
            with torch.inference_mode(), walk.step(chunk):
                logits = self._logits(
                    torch.from_numpy(chunk.tokens)[None],
                    torch.from_numpy(rows),
                    # Four dimensions, so that transformers makes no mask of its own; nobody reads it.
                    attention_mask=torch.zeros(1, 1, 1, 1, dtype=self.model.dtype, device=device),
                    position_ids=torch.from_numpy(chunk.depths).to(device)[None],
                    use_cache=False,
                )
                values = _gather(logits, inverse, forest.query_tokens[chunk.queries])
            yield int(np.searchsorted(forest.query_nodes, chunk.stop)), values

    def _over_chains(self, forest: Forest) -> Iterator[tuple[int, Floats]]:
        """Every node once, a run of single children at a time, on a cache that is cut back at each fork."""
        import torch
        from transformers import DynamicCache

        cache = DynamicCache()
        for start, stop in forest.chains:
            depth = int(forest.depths[start])
            if surplus := cache.get_seq_length() - depth:
                cache.crop(-surplus)
            queries = forest.queries_of(start, stop)
            rows, inverse = np.unique(forest.query_nodes[queries] - start, return_inverse=True)
            with torch.inference_mode():
                ids = torch.from_numpy(forest.tokens[start:stop])[None]
                logits = self._logits(ids, torch.from_numpy(rows), past_key_values=cache, use_cache=True)
                values = _gather(logits, inverse, forest.query_tokens[queries])
            yield int(np.searchsorted(forest.query_nodes, stop)), values

    def _logits(self, ids: Any, rows: Any, **how: Any) -> Any:
        """Logits after some of the tokens of one row, shape (n_rows, n_vocabulary)."""
        import torch

        self.computed_tokens += ids.shape[1]
        rows = rows.to(self.model.device)
        # The output layer is a product of these rows, too; what is added is behind them, and nobody reads it.
        kept = self.keeping(torch.cat([rows, rows[-1:].expand(-len(rows) % ALIKE_ROWS)]))
        with _whatever_the_threads(ids):
            output = self.model(input_ids=ids.to(self.model.device), **how, **kept)
        return output.logits[0] if kept else output.logits[0, rows]

    def keeping(self, rows: Any) -> dict[str, Any]:
        """What keeps a model from computing logits that nobody reads, where it knows the word for it."""
        return {"logits_to_keep": rows} if "logits_to_keep" in self._takes else {}

    def run_plain(self, ids: tuple[int, ...], start: int) -> float:
        """Log-probability, in nats, of the tokens from `start` on, in a pass with the model's own mask."""
        import torch

        with torch.inference_mode():
            input_ids = torch.tensor([ids[:-1]], device=self.model.device)
            wanted = len(ids) - start
            kept = self.keeping(min(wanted - wanted % -ALIKE_ROWS, len(ids) - 1))
            with _whatever_the_threads(input_ids):
                logits = self.model(input_ids=input_ids, use_cache=False, **kept).logits[0, -wanted:]
            values = _gather(logits, np.arange(len(logits)), np.array(ids[start:]))
        self.computed_tokens += len(ids) - 1
        return float(values.sum())

    def step(self, ids: Any, mask: Any, cache: Any) -> tuple[Floats, Any]:
        """Next-token logits of a left-padded batch, and the cache to hand to the next step.

        `ids`, shape (rows, n), are tokens not yet in the cache; `mask`, shape (rows, n_cached + n), is 0 at padding.
        """
        import torch

        device = self.model.device
        positions = np.maximum(mask.cumsum(axis=1) - 1, 0)[:, -ids.shape[1] :]
        extra = {"position_ids": torch.from_numpy(positions).to(device), "logits_to_keep": 1}
        with torch.inference_mode():
            output = self.model(
                input_ids=torch.from_numpy(ids).to(device),
                attention_mask=torch.from_numpy(mask).to(device),
                past_key_values=cache,
                use_cache=True,
                **{name: value for name, value in extra.items() if name in self._takes},
            )
            logits = output.logits[:, -1].double().cpu().numpy()
        cache = getattr(output, "past_key_values", None)
        if cache is None:
            raise EngineError("this model keeps no key-value cache, which writing needs; use a server for it")
        return logits, cache

    @cached_property
    def size(self) -> Size:
        """Counted from the weights."""
        head = self.config.vocab_size * self.config.hidden_size
        total = sum(weights.numel() for weights in self.model.parameters())
        n_bytes = total * self.model.dtype.itemsize
        tables = head if getattr(self.config, "tie_word_embeddings", False) else 2 * head
        return Size(body=max(total - tables, 1), head=head, total=total, n_bytes=n_bytes)

    def operations(self, forest: Forest) -> float:
        """Floating-point operations that a forest's log-probabilities need: weights, attention to ancestors, output."""
        config, size = self.config, self.size
        heads = int(getattr(config, "num_attention_heads", 0))  # a recurrent model has none
        width = int(getattr(config, "head_dim", None) or config.hidden_size // max(heads, 1))
        seen = int(forest.depths.sum()) + len(forest)
        outputs = len(np.unique(forest.query_nodes))
        weights = len(forest) * size.body + outputs * size.head
        return 2.0 * weights + 4.0 * seen * int(config.num_hidden_layers) * heads * width

    @cached_property
    def speed(self) -> tuple[float, float]:
        """Floating-point operations a second in passes, bytes a second in reading weights."""
        return _speed(self.model.dtype, self.model.device)


@contextmanager
def _whatever_the_threads(ids: Any) -> Iterator[None]:
    """Have few tokens computed by one thread, so that numbers are the same with however many there are."""
    import torch

    threads = torch.get_num_threads()
    if ids.shape[1] >= FEW_ROWS or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@lru_cache(8)
def _speed(dtype: Any, device: Any) -> tuple[float, float]:
    """`Passes.speed` of any model of a type on a device; takes 0.3 s, once."""
    import torch

    like = {"dtype": dtype, "device": device}
    width = 1024
    weights = torch.ones(width, 4 * width, **like)
    many, one = torch.ones(256, width, **like), torch.ones(1, width, **like)
    flops = 2 * many.numel() * weights.shape[1] / _best_seconds(lambda: many @ weights)
    bandwidth = weights.numel() * weights.element_size() / _best_seconds(lambda: one @ weights)
    return EFFICIENCY * flops, bandwidth


def _gather(logits: Any, rows: NDArray[np.int64], tokens: NDArray[np.int64]) -> Floats:
    """Log-probabilities of `tokens`, each after its row of logits, in float32 whatever the model's dtype."""
    import torch

    logits = logits.float()
    totals = torch.logsumexp(logits, dim=-1)
    at = torch.from_numpy(rows).to(logits.device)
    values = logits[at, torch.from_numpy(tokens).to(logits.device)] - totals[at]
    return np.asarray(values.double().cpu().numpy())


def _best_seconds(product: Any) -> float:
    """Shortest of some runs; reading one value waits for a device that works on its own."""
    best = float("inf")
    until = time.perf_counter() + 0.15
    while time.perf_counter() < until or best == float("inf"):
        start = time.perf_counter()
        float(product()[0, 0])
        best = min(best, time.perf_counter() - start)
    return best
