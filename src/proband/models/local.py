"""Any causal language model of transformers as an engine, run in this process.

Scores come from forests: the prompts and continuations of many requests share prefixes, every prefix is one
node, and every node goes through the model once, under an attention mask that shows it its ancestors and
nothing else. The log-probabilities are those of an unbatched pass up to rounding (1e-4 nats in float32).
"""

import hashlib
import inspect
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from proband.errors import ContextTooLong, EngineError
from proband.models.engine import Ability, Cost
from proband.models.forest import Chunk, Forest
from proband.models.templates import TURN_END, Encoded, Template
from proband.records import Completion, Request, Trial
from proband.seeds import seed_for

WINDOW = 256  # requests merged into one forest; bounds memory, and costs one shared path per window
WRITE_ROWS = 16
# Share of the machine's matrix-product rate that a forest reaches; measured with benchmarks of this engine.
EFFICIENCY = 0.75
Floats = NDArray[np.float64]
# What a model that cannot take a tree mask, positions or a carried cache raises; anything else is a bug here.
_UNFIT = (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)


def hf_engine(path_or_id: str | Path, **options: Any) -> "LocalEngine":
    """The engine ``hf:PATH_OR_ID``; options as for `LocalEngine`."""
    return LocalEngine(path_or_id, address=f"hf:{path_or_id}", **options)


class LocalEngine:
    """A causal model and its tokenizer, scoring by forests and writing in batches.

    The same request gets the same completion whatever is asked beside it; a written reply without a seed is
    drawn from a seed made of the request. Batches change logits by about 1e-5, so log-probabilities of two
    runs agree to 1e-4, not to the last bit.

    Parameters
    ----------
    path_or_id : str or Path
        Folder of a checkpoint with its tokenizer, or the id of one on the hub.
    address : str
        How a study names this engine.
    weights : str
        What is known to identify the weights; default a hash of them, made when asked for.
    dtype, device : str
        "float32" and CUDA where there is one.
    chunk_tokens : int or None
        Nodes in one forward pass; default 512, fewer where the vocabulary is large. Results do not depend on it.

    Attributes
    ----------
    computed_tokens : int
        Tokens that went through the model for scores so far.

    Raises
    ------
    EngineError
        If the checkpoint cannot be found or loaded, or lacks weights or a tokenizer.
    """

    abilities: frozenset[Ability] = frozenset({"score", "write"})
    answers_by: Literal["request", "place"] = "request"

    def __init__(
        self,
        path_or_id: str | Path,
        *,
        address: str = "",
        weights: str = "",
        dtype: str = "float32",
        device: str | None = None,
        chunk_tokens: int | None = None,
    ) -> None:
        import torch  # heavy: only who opens a local engine pays for it

        self.address = address or f"hf:{path_or_id}"
        self.computed_tokens = 0
        self._weights = weights
        self._dtype = _dtype(dtype)
        model, self._tokenizer = _load(path_or_id, self._dtype)
        self._model = model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
        self._template = Template(self._tokenizer)
        self._config = model.config.get_text_config()
        self._takes = frozenset(inspect.signature(model.forward).parameters)
        self._chunk_tokens = chunk_tokens or max(32, min(512, 2**26 // self._config.vocab_size))

    @property
    def note(self) -> str:
        """What a user should know about how this model is run; empty where all is usual."""
        if not self._shares:
            return "this kind of model cannot take a tree mask: every continuation is scored in a pass of its own"
        if self._span is not None:
            return f"prompts of more than {self._span} tokens are scored one continuation at a time"
        return ""

    def fingerprint(self) -> Mapping[str, str]:
        """Weights, template, precision, device and library versions."""
        import torch
        import transformers

        self._weights = self._weights or f"tensors-sha256:{_weights_hash(self._open)}"
        return {
            "model": self.address,
            "weights": self._weights,
            "template": self._template.hash,
            "dtype": str(self._dtype).removeprefix("torch."),
            "device": str(self._open.device),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        }

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse what this model cannot be asked; `EngineError` or `ContextTooLong` names the item."""
        seen: set[object] = set()
        for trial in trials:
            try:
                self._check(trial.request, seen)
            except EngineError as error:
                raise type(error)(f"item {trial.place.item!r}: {error}") from None

    def _check(self, request: Request, seen: set[object]) -> None:
        if request.schema is not None:
            raise EngineError(
                f"{self.address} cannot hold its reply to a schema; ask without one, or use an openai: engine"
            )
        template = self._template
        template.check_text(request)
        for key, look in (
            (tuple(m.role for m in request.messages), template.render),
            ((request.continuations, request.closes), template.check_options),
        ):
            if key not in seen:
                look(request)
                seen.add(key)
        limit = getattr(self._config, "max_position_embeddings", None)
        # No token is shorter than a byte, so most requests are cleared without being tokenised.
        if limit is None or template.most_bytes(request) + request.max_tokens <= limit:
            return
        prompt = len(template.encode_prompt(request))
        longest = max((len(ids) for ids in template.encode(request).sequences), default=prompt)
        if (total := longest + request.max_tokens) > limit:
            raise ContextTooLong(
                f"the prompt has {prompt} tokens and makes {total} with its reply, but {self.address} takes "
                f"{limit}; shorten the prompt or use a model with a longer context"
            )

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """Exact tokens of the distinct requests, and seconds from this machine's speed.

        What a written reply will take is not known before; it counts with all of its `max_tokens`.
        """
        scored, written = self._sorted({t.request.hash: t.request for t in trials}.values())
        prompt = unique = completion = 0
        work = 0.0
        for window in _slices(scored, WINDOW):
            encoded = [self._template.encode(request) for request in window]
            forest = _forest(encoded)
            prompt += sum(e.start for e in encoded)
            completion += sum(sum(e.token_counts) for e in encoded)
            unique += len(forest)
            work += len(forest) * self._size.body + len(np.unique(forest.query_nodes)) * self._size.head
        rate, bandwidth = self._speed if trials else (1.0, 1.0)
        seconds = 2 * work / rate
        for rows in _slices(written, WRITE_ROWS):
            lengths = [len(self._template.encode_prompt(request)) for request in rows]
            prompt, unique = prompt + sum(lengths), unique + sum(lengths)
            completion += sum(request.max_tokens for request in rows)
            step = max(4 * self._size.total / bandwidth, 2 * len(rows) * self._size.total / rate)
            seconds += 2 * sum(lengths) * self._size.body / rate + step * max(r.max_tokens for r in rows)
        return Cost(
            prompt_tokens=prompt,
            unique_tokens=unique,
            completion_tokens=completion,
            seconds=seconds,
            price=0.0,
            is_exact=not written,
        )

    def render(self, trial: Trial) -> str:
        """The exact prompt, and each continuation as it follows the prompt, one a line."""
        prompt = self._template.render(trial.request)
        continuations = self._template.continuations(trial.request)
        return "\n".join([prompt, *(f"[{k}] {text!r}" for k, text in enumerate(continuations, 1))])

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer every trial, in the order that shares most; equal requests are computed once."""
        asked: dict[str, list[Trial]] = defaultdict(list)
        for trial in trials:
            asked[trial.request.hash].append(trial)
        answerable = []
        for group in asked.values():
            try:
                self._template.render(group[0].request)
                answerable.append(group[0].request)
            except EngineError as error:
                yield from ((trial, Completion(error=str(error))) for trial in group)
        scored, written = self._sorted(answerable)
        for verb, requests in ((self._score, scored), (self._write, written)):
            for request, completion in verb(requests):
                yield from ((trial, completion) for trial in asked[request.hash])

    def close(self) -> None:
        """Let go of the model's memory."""
        self._model = None
