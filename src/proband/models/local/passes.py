"""Forward passes of a causal model: over chunks of a forest, over one sequence, and how fast they go."""

import hashlib
import inspect
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proband.errors import EngineError
from proband.models.local.forest import Chunk, Forest

Floats = NDArray[np.float64]
# Share of the matrix-product rate that passes over forests of the embedded model were measured to reach.
EFFICIENCY = 0.58
# Nodes in a pass; one core reached 0.73 of its best rate at 64, 0.91 at 128, 0.99 at 512 and 0.89 at 1024.
CPU_CHUNK, GPU_CHUNK = 256, 2048
# What a model raises that cannot take a tree mask, explicit positions or a carried cache.
_UNFIT = (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Weights that a token meets in the layers (`body`) and at the output (`head`); all there are."""

    body: int
    head: int
    total: int
    n_bytes: int


class Passes:
    """A loaded model and the ways it is run.

    Parameters
    ----------
    model : transformers causal language model
        In evaluation mode, on its device.
    chunk_tokens : int or None
        Nodes in one pass over a forest; default 256 on a processor, 2048 on a GPU, fewer where the vocabulary
        is large.

    Attributes
    ----------
    computed_tokens : int
        Tokens that went through the model for scores so far.
    """

    def __init__(self, model: Any, chunk_tokens: int | None = None) -> None:
        self.model = model
        self.config = model.config.get_text_config()
        usual = CPU_CHUNK if model.device.type == "cpu" else GPU_CHUNK
        # The logits of a pass stay below 256 MB.
        self.chunk_tokens = chunk_tokens or max(32, min(usual, 2**26 // self.config.vocab_size))
        self.computed_tokens = 0
        self._takes = frozenset(inspect.signature(model.forward).parameters)

    @property
    def context(self) -> int | None:
        """Most tokens the model takes; None where it has no limit."""
        limit: int | None = getattr(self.config, "max_position_embeddings", None)
        return limit

    @cached_property
    def span(self) -> int | None:
        """Longest sequence on which a tree mask means the same as the model's own; None without a limit.

        A given mask replaces the model's sliding window or attention chunks, and rotary positions that
        stretch with length would stretch with the longest sequence of a pass.
        """
        limits = [getattr(self.config, name, None) for name in ("sliding_window", "attention_chunk_size")]
        rope = getattr(self.config, "rope_parameters", None) or {}
        for part in (rope, *(value for value in rope.values() if isinstance(value, dict))):
            if part.get("rope_type") in ("dynamic", "longrope"):
                limits.append(part.get("original_max_position_embeddings") or self.context)
        return min((limit for limit in limits if limit), default=None)

    @cached_property
    def shares(self) -> bool:
        """Whether passes over a forest give what plain passes give, tried once on a forest of nine nodes.

        Models with recurrent layers, or position biases made from the mask, do not; they are run plainly.
        """
        sequences = [(1, 2, 3, 4, 5), (1, 2, 3, 2, 1), (1, 2, 4, 4), (3, 2, 1, 5)]
        forest = Forest.build(sequences, [1] * 4)
        before = self.computed_tokens
        try:
            # Chunks of three make the keys and values of a path travel too.
            log_probs = np.concatenate([values for _, values in self.run(forest, 3)])
            plain = [self.run_plain(ids, 1) for ids in sequences]
        except _UNFIT:
            return False
        finally:
            self.computed_tokens = before
        # Rounding grows with the size of the logits, and such unlikely tokens have large ones.
        relative = 1e-5 if self.model.dtype.itemsize == 4 else 1e-2
        return np.allclose([log_probs[row].sum() for row in forest.rows], plain, rtol=relative, atol=1e-4)

    def run(self, forest: Forest, chunk_tokens: int | None = None) -> Any:
        """Log-probabilities of a forest's queries, chunk by chunk.

        Yields
        ------
        tuple of int and ndarray
            How many queries are answered so far, and the nats of those that this chunk answered, in order.
        """
        cache = None
        for chunk in forest.chunks(chunk_tokens or self.chunk_tokens):
            values, cache = self._pass(forest, chunk, cache)
            yield int(np.searchsorted(forest.query_nodes, chunk.stop)), values

    def _pass(self, forest: Forest, chunk: Chunk, cache: Any) -> tuple[Floats, Any]:
        import torch

        places, inverse = np.unique(chunk.places, return_inverse=True)
        device = self.model.device
        with torch.inference_mode():
            mask = torch.zeros(chunk.mask.shape, dtype=self.model.dtype, device=device)
            mask.masked_fill_(torch.from_numpy(~chunk.mask).to(device), torch.finfo(mask.dtype).min)
            rows = torch.from_numpy(places).to(device)
            output = self.model(
                input_ids=torch.from_numpy(chunk.tokens).to(device)[None],
                attention_mask=mask[None, None],
                position_ids=torch.from_numpy(chunk.depths).to(device)[None],
                past_key_values=cache if cache is not None else _empty_cache(),
                use_cache=True,
                **({"logits_to_keep": rows} if "logits_to_keep" in self._takes else {}),
            )
            logits = output.logits[0] if "logits_to_keep" in self._takes else output.logits[0, rows]
            values = _gather(logits, inverse, forest.query_tokens[chunk.queries])
            cache = _kept(output.past_key_values, torch.from_numpy(chunk.keep).to(device))
        self.computed_tokens += len(chunk.tokens)
        return values, cache

    def run_plain(self, ids: tuple[int, ...], start: int) -> float:
        """Log-probability, in nats, of the tokens from `start` on, in a pass with the model's own mask."""
        import torch

        with torch.inference_mode():
            input_ids = torch.tensor([ids[:-1]], device=self.model.device)
            wanted = len(ids) - start
            extra = {"logits_to_keep": wanted} if "logits_to_keep" in self._takes else {}
            logits = self.model(input_ids=input_ids, use_cache=False, **extra).logits[0, -wanted:]
            values = _gather(logits, np.arange(len(logits)), np.array(ids[start:]))
        self.computed_tokens += len(ids) - 1
        return float(values.sum())

    def step(self, ids: Any, mask: Any, cache: Any) -> tuple[Floats, Any]:
        """Next-token logits of a left-padded batch, and the cache to hand to the next step.

        Parameters
        ----------
        ids : ndarray of int, shape (rows, n)
            Tokens not yet in the cache.
        mask : ndarray of int, shape (rows, n_cached + n)
            0 at padding.
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

    @cached_property
    def speed(self) -> tuple[float, float]:
        """Floating-point operations a second in passes, bytes a second in reading weights; takes 0.3 s."""
        import torch

        like = {"dtype": self.model.dtype, "device": self.model.device}
        width = 1024
        weights = torch.ones(width, 4 * width, **like)
        many, one = torch.ones(256, width, **like), torch.ones(1, width, **like)
        flops = 2 * many.numel() * weights.shape[1] / _best_seconds(lambda: many @ weights)
        bandwidth = weights.numel() * weights.element_size() / _best_seconds(lambda: one @ weights)
        return EFFICIENCY * flops, bandwidth

    def weights_hash(self) -> str:
        """SHA-256 over the names and bytes of all tensors, whatever files they came from."""
        import torch

        state = hashlib.sha256()
        for name, tensor in sorted(self.model.state_dict().items()):
            state.update(name.encode())
            state.update(tensor.contiguous().cpu().reshape(-1).view(torch.uint8).numpy().data)
        return state.hexdigest()


def load_checkpoint(path_or_id: str | Path, dtype: str, device: str | None) -> tuple[Any, Any]:
    """Model, in evaluation mode on its device, and tokenizer.

    Raises
    ------
    EngineError
        If the folder or hub id cannot be found or read, or lacks weights or a tokenizer.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype) or not kind.is_floating_point:
        raise EngineError(f"dtype {dtype!r} is none of float32, bfloat16, float16")
    folder = Path(path_or_id).expanduser()
    source = str(folder) if folder.is_dir() else str(path_or_id)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise EngineError(f"{folder} holds no config.json; give the folder that save_pretrained wrote")
    if not folder.is_dir() and (str(path_or_id)[:1] in "./~" or str(path_or_id).count("/") != 1):
        raise EngineError(f"there is no folder {folder}; give one that exists, or a hub id, ORG/NAME")
    logging.disable_progress_bar()
    # Code that comes with a checkpoint is never run.
    plain = {"trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **plain)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise EngineError(_unloadable(source, folder, "tokenizer", error)) from error
    try:
        how = {"dtype": kind, "output_loading_info": True} | plain
        model, report = AutoModelForCausalLM.from_pretrained(source, **how)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise EngineError(_unloadable(source, folder, "model", error)) from error
    if report["missing_keys"]:
        missing = ", ".join(sorted(report["missing_keys"])[:3])
        raise EngineError(
            f"the checkpoint {source} lacks weights of its model ({missing}); save it again, whole"
        )
    target = device or ("cuda" if torch.cuda.is_available() else "cpu")
    return model.to(target).eval(), tokenizer


def _unloadable(source: str, folder: Path, part: str, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if folder.is_dir():
        return f"no {part} can be loaded from {source}: {reason}; save one there with {part}.save_pretrained"
    return (
        f"no {part} {source} can be loaded from the hub or its cache: {reason}; "
        "check the id and the network, or give a local folder"
    )


def _empty_cache() -> Any:
    """Make a cache that keeps every position in every layer; the model's own may forget some."""
    from transformers import DynamicCache

    return DynamicCache()


def _kept(cache: Any, keep: Any) -> Any:
    """Cut a cache to some of its positions."""
    for layer in cache.layers:
        layer.keys, layer.values = layer.keys.index_select(2, keep), layer.values.index_select(2, keep)
    return cache


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
