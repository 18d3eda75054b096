"""Any causal language model of transformers as an engine, run in this process.

Scores come from forests: the prompts and continuations of many requests share prefixes, every prefix is one
node, and every node goes through the model once, under an attention mask that shows it its ancestors and
nothing else. The log-probabilities are those of an unbatched pass up to rounding (1e-4 nats in float32). A forest is
one piece of a design (`proband.models.pieces`), so that rounding hangs on nothing else. Replies are written in a batch
whose rows come and go (`proband.models.writing`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from proband.errors import ContextTooLong, EngineError
from proband.models.engine import THIS_MACHINE, Ability, BaseEngine, Cost, Vectors
from proband.models.local.adapters import load_adapter
from proband.models.local.forest import Forest
from proband.models.local.inside import Inside
from proband.models.local.passes import Passes
from proband.models.local.pooling import WINDOW_TOKENS, mean_states
from proband.models.local.sharing import Loaded, loaded
from proband.models.local.templates import Encoded, Template
from proband.models.pieces import pieces_of
from proband.models.writing.writer import Writer
from proband.records import Completion, Request, Trial

# A step of writing takes longer than its arithmetic and the reading of the weights; measured, embedded model.
STEP_OVERHEAD = 1.5


class LocalEngine(BaseEngine):
    """A causal model and its tokenizer, scoring by forests and writing in batches.

    The same request gets the same completion whatever is asked beside it; a written reply without a seed is
    drawn from a seed made of the request. What is computed together changes logits by about 1e-5: scores of the same
    piece agree to the last bit on like processors and library versions, those of other pieces, and the logits
    that replies are written from, to 1e-4 nats.

    Parameters
    ----------
    path_or_id : str or Path
        Folder of a checkpoint with its tokenizer, a ``.gguf`` file, or the id of a checkpoint on the hub.
    address : str
        How a study names this engine.
    weights : str
        What identifies the weights, where it is known; default a hash of them, made when asked for.
    dtype : str
        "float32", or "bfloat16" or "float16" where their rounding is accepted.
    device : str or None
        Default CUDA where there is one, else the processor.
    chunk_tokens : int or None
        Nodes in one forward pass; results do not depend on it.
    memory_gb : float or None
        The most that a pass may use beyond the weights; default a quarter of what is free.
    adapter : str, Path or None
        Folder of an adapter that is put on the checkpoint. Engines of one checkpoint, whatever their adapters, have its
        weights in memory once.
    inside : Inside or None
        What is changed in the model, in this engine's view of it alone.

    Raises
    ------
    EngineError
        If the checkpoint cannot be found or loaded, lacks weights or a tokenizer, has a tokenizer that is not its own,
        or needs more memory than is free; if the adapter is missing, damaged, or another base's.
    """

    abilities: frozenset[Ability] = frozenset({"score", "write", "embed"})
    answers_by = "request"
    lane = THIS_MACHINE
    by_piece = True

    def __init__(
        self,
        path_or_id: str | Path,
        *,
        address: str = "",
        weights: str = "",
        dtype: str = "float32",
        device: str | None = None,
        chunk_tokens: int | None = None,
        memory_gb: float | None = None,
        adapter: str | Path | None = None,
        inside: Inside | None = None,
    ) -> None:
        for name, number, least in (("chunk_tokens", chunk_tokens, 1), ("memory_gb", memory_gb, 0.05)):
            if number is not None and not number >= least:
                raise EngineError(f"{name} is {number}; give at least {least}, or leave it out")
        base = address or f"hf:{path_or_id}"
        self.address = base if adapter is None else f"{base}+{adapter}"
        self._inside = "" if inside is None else inside.fingerprint()
        if inside is not None and inside.query:
            self.address += f"?{inside.query}"
        # Before the base, which takes longer.
        self._adapter = None if adapter is None else load_adapter(adapter)
        self._base: Loaded | None = loaded(path_or_id, dtype, device)
        self._template, self._schemas, self._ends = self._base.template, self._base.schemas, self._base.ends
        if self._adapter is not None and self._adapter.base_weights:
            self._adapter.check_base(base, weights or self._base.files)
        self._weights = weights
        self._memory_bytes = None if memory_gb is None else int(memory_gb * 1e9)
        view = self._base.view(self._adapter)
        if inside is not None:
            view = inside.applied(view, self._template.tokenize_as_words, self.address)
        self._open: Passes | None = Passes(view, chunk_tokens, self._memory_bytes, tried=self._base.tried)
        self._writer: Writer | None = None

    @property
    def passes(self) -> Passes:
        """The loaded model; an `EngineError` after `close`."""
        if self._open is None:
            raise EngineError(f"{self.address} is closed; open it again")
        return self._open

    @property
    def writer(self) -> Writer:
        """What writes with this model; an `EngineError` after `close`."""
        passes = self.passes
        if self._writer is None:
            settings: Any = {"ends": self._ends, "schemas": self._schemas, "memory_bytes": self._memory_bytes}
            self._writer = Writer(passes, self._template, **settings)
        return self._writer

    @property
    def template(self) -> Template:
        """What turns requests into text and token ids."""
        return self._template

    @property
    def note(self) -> str:
        """What a user should know about how this model is run; empty where all is usual."""
        adapted = "" if self._adapter is None else self._adapter.note
        changed = f"changed inside: {self._inside}" * bool(self._inside)
        return "; ".join(said for said in (adapted, changed, self._way, *self._thoughts.values()) if said)

    @property
    def _thoughts(self) -> dict[str, str]:
        """What is done about thoughts that the chat template opens, for the manifest; empty where it opens none."""
        block = self._template.opens
        if block is None:
            return {}
        closed = f"prompts of scored options end with {block.closing.strip()!r}, so that the answer follows"
        begun = f"; the chat template ends in {block.mark!r}, so a written reply begins with thoughts"
        return {"reasoning": closed + begun * bool(block.mark)}

    @property
    def _way(self) -> str:
        """How this model is run, where that is not as usual."""
        if self.passes.way == "forest":
            span = self.passes.span
            return "" if span is None else f"requests of more than {span} tokens are scored and written one at a time"
        if self.passes.way == "plain":
            said = "this kind of model cannot go back to a shared beginning: each continuation is scored alone"
        else:
            said = "this kind of model keeps its own attention: shared beginnings are kept, but nothing is packed"
        return said if self.writer.shares else f"{said}; replies are written {self.writer.rows_at_once} at a time"

    def fingerprint(self) -> Mapping[str, str]:
        """Weights, those of the base and of the adapter, template, precision, and what the last digits depend on.

        Those are the device, its instruction set, the tokens in a pass, and library versions; not the number of
        threads.
        """
        import torch
        import transformers

        if self._base is not None and not self._weights:
            self._weights = self._base.weights
        adapter = "" if self._adapter is None else self._adapter.weights
        return {
            "model": self.address,
            # Whoever compares weights must not take two adapters on one base for the same model.
            "weights": self._weights + f"+{adapter}" * bool(adapter) + f"~{self._inside}" * bool(self._inside),
            **({"adapter": adapter} if adapter else {}),
            **({"inside": self._inside} if self._inside else {}),
            "template": self._template.hash,
            **self._thoughts,
            "dtype": str(self.passes.model.dtype).removeprefix("torch."),
            "device": str(self.passes.model.device),
            "instruction_set": _instruction_set(self.passes.model.device),
            "chunk_tokens": str(self.passes.chunk_tokens),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        }

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse what this model cannot be asked; `EngineError` or `ContextTooLong` names the item."""
        super().check(trials)
        seen: set[object] = set()
        for trial in trials:
            try:
                self._check(trial.request, seen)
            except EngineError as error:
                # Later rounds of a society tell more than earlier ones, and some agents more than others.
                whose = f", subject {trial.place.subject!r} in round {trial.place.round}" if trial.place.round else ""
                raise type(error)(f"item {trial.place.item!r}{whose}: {error}") from None

    def _check(self, request: Request, seen: set[object]) -> None:
        if request.schema is not None and request.schema not in seen:
            self._schemas.start(request.schema)
            seen.add(request.schema)
        self._template.check_text(request)
        one = request.alone[0]
        # A text behind premises stands alone, so no other can have its tokens.
        options = () if request.premises else request.continuations
        for key, look in (
            ((request.is_raw, *(message.role for message in one.messages)), self._template.render),
            ((options, request.closes, request.is_raw), self._template.check_options),
        ):
            if key not in seen:
                look(one)
                seen.add(key)
        limit = self.passes.context
        # No token is shorter than a byte, so most requests are cleared without being tokenised.
        if limit is None or self._template.most_bytes(request) + request.max_tokens <= limit:
            return
        encoded = self._template.encode(request)
        total = max(len(ids) for ids in encoded.sequences) + request.max_tokens
        if total > limit:
            raise ContextTooLong(
                f"the prompt has {max(encoded.starts)} tokens and makes {total} with its longest reply, but "
                f"{self.address} takes {limit}; shorten the prompt or use a model with a longer context"
            )

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """Tokens of the distinct requests, and seconds from this machine's speed.

        What prompts share counts once, in scoring and in writing. How long a written reply will be is not known
        before; it counts with all of its `max_tokens`.
        """
        size, (rate, bandwidth) = self.passes.size, self.passes.speed
        distinct = list({trial.request.hash: trial for trial in trials}.values())
        written = [trial.request for trial in distinct if trial.request.verb == "write"]
        prompt = unique = completion = 0
        seconds = 0.0
        for piece in pieces_of([trial for trial in distinct if trial.request.verb == "score"]):
            encoded = [self._template.encode(trial.request) for trial in piece]
            forest = _merged(encoded)
            prompt += sum(e.prompt_tokens for e in encoded)
            completion += sum(sum(e.token_counts) for e in encoded)
            unique += len(forest)
            seconds += self.passes.operations(forest) / rate
        if written:
            sent, computed = self.writer.prompt_tokens(_in_order(written))
            prompt, unique = prompt + sent, unique + computed
            longest = max(request.max_tokens for request in written)
            tokens = sum(request.max_tokens for request in written)
            completion += tokens
            # Rows that are done make room for others, so all but the last steps have as many as there may be.
            rows = min(len(written), self.writer.rows_at_once)
            step = max(size.n_bytes / bandwidth, 2 * rows * size.total / rate)
            seconds += 2 * computed * size.body / rate + STEP_OVERHEAD * step * max(longest, tokens / rows)
        counts = {"prompt_tokens": prompt, "unique_tokens": unique, "completion_tokens": completion}
        return Cost(**counts, seconds=seconds, price=0.0, is_exact=not written)

    def render(self, trial: Trial) -> str:
        """Give the exact prompt, then each continuation as it follows the prompt, quoted, one a line."""
        texts = self._template.continuations(trial.request)
        listed = [f"[{k}] {text!r}" for k, text in enumerate(texts, start=1)]
        return "\n".join([*map(self._template.render, trial.request.alone), *listed])

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer every trial, scored ones piece by piece and then written ones; equal requests are computed once."""
        scored, written = list[Trial](), list[Trial]()
        for trial in trials:
            (scored if trial.request.verb == "score" else written).append(trial)
        for piece in pieces_of(scored):
            yield from self._score(piece)
        if written:
            asked = _by_request(written)
            for request, completion in self.writer.write(_in_order(group[0].request for group in asked.values())):
                yield from ((trial, completion) for trial in asked[request.hash])

    def answer_pieces(self, pieces: Iterable[Sequence[Trial]]) -> Iterator[list[tuple[Trial, Completion]]]:
        """Answer each piece as one forest, in turn."""
        for piece in pieces:
            yield list(self._score(piece))

    def _score(self, piece: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Score a piece as one forest, whatever the order of its trials."""
        asked = _by_request(piece)
        fit: list[tuple[Request, Encoded]] = []
        for request in _in_order(group[0].request for group in asked.values()):
            try:
                fit.append((request, self._template.encode(request)))
            except EngineError as error:
                yield from ((trial, Completion(error=str(error))) for trial in asked[request.hash])
        for request, completion in self._completions(fit):
            yield from ((trial, completion) for trial in asked[request.hash])

    def encoder_fingerprint(self) -> Mapping[str, str]:
        """What vectors depend on: each is the same whatever is in a pass, and processors differ by rounding only."""
        return {k: v for k, v in self.fingerprint().items() if k not in ("instruction_set", "chunk_tokens")}

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Mean state of the last layer over a text's tokens, those of a long text in windows of 512.

        A text is read as it stands, without the chat template; control tokens in it are words like others.
        """
        passes = self.passes
        limits = [n for n in (passes.context, passes.span, WINDOW_TOKENS) if n]
        sequences = self._template.tokenize_as_words(texts)
        return mean_states(passes.model.base_model, sequences, width=min(limits), budget=passes.chunk_tokens)

    def close(self) -> None:
        """Let go of the model's memory."""
        self._open = self._writer = self._base = None

    def _completions(self, window: list[tuple[Request, Encoded]]) -> Iterator[tuple[Request, Completion]]:
        """Score some requests as one forest, yielding each when its last node is computed."""
        span = 0 if self.passes.way == "plain" else self.passes.span
        together = []
        for request, encoded in window:
            if span is None or max(len(ids) for ids in encoded.sequences) <= span:
                together.append((request, encoded))
            else:
                pairs = zip(encoded.sequences, encoded.starts, strict=True)
                values = [self.passes.run_plain(ids, start) for ids, start in pairs]
                yield request, _scored(encoded, values)
        if not together:
            return
        forest = _merged([encoded for _, encoded in together])
        rows = iter(forest.rows)
        pending = [(r, e, [next(rows) for _ in e.sequences]) for r, e in together]
        # Queries stand in the order of their nodes, so the largest is the last to be answered.
        pending.sort(key=lambda entry: -max(int(row.max()) for row in entry[2]))
        log_probs = np.full(len(forest.query_nodes), np.nan)
        known = 0
        for answered, found in self.passes.run(forest):
            log_probs[known:answered], known = found, answered
            while pending and max(int(row.max()) for row in pending[-1][2]) < known:
                request, encoded, own = pending.pop()
                yield request, _scored(encoded, [float(log_probs[row].sum()) for row in own])


def _instruction_set(device: Any) -> str:
    """For which processor the kernels are that compute here, or on which card they run."""
    import torch

    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return str(torch.backends.cpu.get_cpu_capability())


def _scored(encoded: Encoded, log_probs: list[float]) -> Completion:
    """Make a completion, or say what is wrong with its numbers."""
    counts = encoded.token_counts
    try:
        return Completion(
            log_probs=tuple(log_probs),
            token_counts=counts,
            prompt_tokens=encoded.prompt_tokens,
            completion_tokens=sum(counts),
        )
    except EngineError as error:
        return Completion(error=str(error))


def _merged(encoded: Sequence[Encoded]) -> Forest:
    sequences = [ids for e in encoded for ids in e.sequences]
    return Forest.build(sequences, [start for e in encoded for start in e.starts])


def _by_request(trials: Iterable[Trial]) -> dict[str, list[Trial]]:
    asked: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        asked[trial.request.hash].append(trial)
    return asked


def _in_order(requests: Iterable[Request]) -> list[Request]:
    """Requests so that shared beginnings are neighbours; equal texts that are scored otherwise, by their hash."""

    def key(request: Request) -> tuple[list[tuple[str, str]], str]:
        last = [("user", premise) for premise in request.premises]
        return [(message.role, message.text) for message in request.messages] + last, request.hash

    return sorted(requests, key=key)
