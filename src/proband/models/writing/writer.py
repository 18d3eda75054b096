"""Writing many replies at once: rows enter when there is room and leave when they are done.

Prompts are taken in the order of their tokens, so that those with a shared beginning are written together;
that beginning is computed once and kept once (`memory`). The last token of every prompt is left to the first
step, so that prompts never meet the output layer. What is written depends on the request alone: its random
numbers are its own, and where rounding could decide a token, a pass over that reply alone does (`sampling`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from proband.errors import EngineError
from proband.models.local.capacity import free_bytes, readable
from proband.models.local.passes import UNFIT, Passes
from proband.models.local.templates import Template
from proband.models.writing.batches import Batch
from proband.models.writing.constraints import Schemas
from proband.models.writing.drafts import Draft, Queue
from proband.models.writing.memory import Segment, grow
from proband.models.writing.sampling import choose
from proband.records import Completion, Message, Request

# Rows at once: more of them share the reading of the weights, until arithmetic is the limit.
CPU_ROWS, GPU_ROWS, PLAIN_ROWS = 128, 256, 16
SHARE_OF_MEMORY = 0.25  # of what is free
Written = Iterator[tuple[Request, Completion]]


class Writer:
    """Writes replies with a model.

    Parameters
    ----------
    ends : frozenset of int
        Tokens that end a reply.
    rows : int or None
        Rows at once, at most; default 128 on a processor, 256 on a GPU. What is written does not depend on it.
    memory_bytes : int or None
        The most that keys and values may take; default a quarter of what is free on the device.

    Attributes
    ----------
    computed_tokens, settled_tokens : int
        Tokens that went through the model so far, and written tokens that a pass over one row decided.
    """

    def __init__(
        self,
        passes: Passes,
        template: Template,
        *,
        ends: frozenset[int],
        schemas: Schemas,
        rows: int | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        for name, value in (("rows", rows), ("memory_bytes", memory_bytes)):
            if value is not None and value < 1:
                raise EngineError(f"{name} is {value}; give at least 1, or leave it out")
        self.rows = rows or (CPU_ROWS if passes.model.device.type == "cpu" else GPU_ROWS)
        self.computed_tokens = self.settled_tokens = 0
        self._passes, self._template, self._ends, self._schemas = passes, template, ends, schemas
        self._memory_bytes = memory_bytes

    @property
    def shares(self) -> bool:
        """Whether the model gives the same logits by our attention as by its own, tried once on three rows.

        Models with recurrent layers, or position biases made from the mask, do not; they are run plainly.
        """
        tried = self._passes.tried
        if "shares" not in tried:
            tried["shares"] = self._tries_sharing()
        return bool(tried["shares"])

    def _tries_sharing(self) -> bool:
        n = self._passes.config.vocab_size
        long = tuple((7 * k + 3) % n for k in range(40))
        prompts = [long[:30], (*long[:24], *long[30:33]), long[24:30]]
        request = Request(messages=(Message("user", "-"),), max_tokens=3)
        drafts = [Draft(request, ids, template=self._template, ends=frozenset()) for ids in prompts]
        try:
            batch = Batch(self._passes.model, 20)
            batch.add([(drafts[0], [24] * 4), (drafts[1], []), (drafts[2], [])])
            return all(self._agree(batch) for _ in range(3))
        except UNFIT:
            return False

    def _agree(self, batch: Batch) -> bool:
        """Take a step and compare it with passes over each row alone."""
        # Rounding grows with the size of the logits.
        relative = 1e-4 if self._passes.model.dtype.itemsize == 4 else 3e-2
        logits = batch.step()
        for row, found in zip(batch.rows, logits, strict=True):
            expected = self._alone(row.draft)[0]
            if float((found - expected).abs().max()) > relative * float(expected.abs().max()):
                return False
            row.feed = int(expected.argmax())
            row.draft.take(row.feed)
        return True

    @property
    def rows_at_once(self) -> int:
        """Rows that a batch of this model has, where memory does not make them fewer."""
        return self.rows if self.shares else min(self.rows, PLAIN_ROWS)

    def prompt_tokens(self, requests: Iterable[Request]) -> tuple[int, int]:
        """Tokens of all prompts, and how many of them go through the model, as what is shared goes once."""
        queue, root = Queue(requests, self._draft), Segment((), None, [])
        sent = computed = 0
        while queue.drafts:
            draft, shared = queue.first()
            queue.drop()
            queue.fill()
            sent += len(draft.prompt)
            if self.shares:
                leaf, made = grow(root, draft.prompt[:-1], shared)
                computed += sum(map(len, made)) + len(draft.prompt) - leaf.end
        return sent, computed if self.shares else sent

    def write(self, requests: Iterable[Request]) -> Written:
        """Write replies, yielding each when it is done, in any order; requests are taken as they are needed."""
        queue = Queue(requests, self._draft)
        while queue.drafts or queue.failed:
            yield from self._together(queue) if self.shares else self._plainly(queue)

    def _draft(self, request: Request) -> Draft:
        prompt = self._template.encode(request).sequences[0]
        constraint = None if request.schema is None else self._schemas.start(request.schema)
        return Draft(request, prompt, template=self._template, ends=self._ends, constraint=constraint)

    def _together(self, queue: Queue) -> Written:
        """Write what waits with shared beginnings, and one by one what is too long for that."""
        batch = Batch(self._passes.model, self._passes.chunk_tokens)
        budget = self._memory_bytes or int(SHARE_OF_MEMORY * free_bytes(self._passes.model.device))
        long: list[Draft] = []
        before = self.computed_tokens
        while batch.rows or queue.drafts or queue.failed:
            yield from _taken(queue.failed)
            # To let rows in one by one would compute their prompts in passes too small to be quick.
            if queue.drafts and self.rows - len(batch.rows) >= min(self.rows, max(1, self.rows // 8)):
                self._admit(batch, queue, budget, long)
            if batch.rows:
                drafts = [row.draft for row in batch.rows]
                for row, token in zip(batch.rows, self._tokens(batch.step(), drafts), strict=True):
                    row.feed = token
                batch.remove([slot for slot, draft in enumerate(drafts) if draft.finish])
                self.computed_tokens = before + batch.computed_tokens
                yield from ((draft.request, draft.completion()) for draft in drafts if draft.finish)
            queue.fill()
        for draft in long:
            yield from self._as_rectangle([draft])

    def _admit(self, batch: Batch, queue: Queue, budget: int, long: list[Draft]) -> None:
        """Let in as many drafts as there are places and memory for."""
        batch.prune(queue.drafts[0])
        new: list[tuple[Draft, list[int]]] = []
        while queue.drafts and len(batch.rows) + len(new) < self.rows:
            draft, shared = queue.first()
            needed = batch.bytes_with([*new, (draft, shared)])
            is_long = self._passes.span is not None and draft.most_tokens > self._passes.span
            if needed > budget and not is_long and (new or batch.rows):
                break
            queue.drop()
            if is_long:
                long.append(draft)
            elif needed > budget:
                too_large = (
                    f"a reply of {draft.request.max_tokens} tokens to a prompt of {len(draft.prompt)} takes up to "
                    f"{readable(needed)} of keys and values, and {readable(budget)} may be used; "
                    "lower max_tokens, shorten the prompt or give more memory"
                )
                queue.failed.append((draft.request, Completion(error=too_large)))
            else:
                new.append((draft, shared))
        batch.add(new)

    def _plainly(self, queue: Queue) -> Written:
        """Write what waits in rectangles of rows, with the model's own attention and cache."""
        while queue.drafts or queue.failed:
            yield from _taken(queue.failed)
            n = min(self.rows, PLAIN_ROWS, len(queue.drafts))
            drafts = [queue.drafts[k] for k in range(n)]
            for _ in drafts:
                queue.drop()
            yield from self._as_rectangle(drafts)
            queue.fill()

    def _as_rectangle(self, drafts: Sequence[Draft]) -> Written:
        """Write some replies as one left-padded batch, which ends when the last of them does."""
        import torch

        if not drafts:
            return
        width = max(len(draft.prompt) for draft in drafts)
        ids = np.zeros((len(drafts), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for k, draft in enumerate(drafts):
            ids[k, width - len(draft.prompt) :] = draft.prompt
            mask[k, width - len(draft.prompt) :] = 1
        cache: Any = None
        while not all(draft.finish for draft in drafts):
            logits, cache = self._passes.step(ids, mask, cache)
            self.computed_tokens += ids.size
            live = [k for k, draft in enumerate(drafts) if not draft.finish]
            chosen = self._tokens(torch.from_numpy(logits[live]).float(), [drafts[k] for k in live])
            ids = np.zeros((len(drafts), 1), dtype=np.int64)
            ids[live, 0] = chosen
            mask = np.hstack([mask, np.ones_like(ids)])
            yield from ((drafts[k].request, drafts[k].completion()) for k in live if drafts[k].finish)

    def _tokens(self, logits: Any, drafts: Sequence[Draft]) -> list[int]:
        """Choose the next token of each draft and add it."""
        import torch

        with torch.inference_mode():
            tokens = self._chosen(logits, drafts)
        for draft, token in zip(drafts, tokens, strict=True):
            draft.take(token)
        return tokens

    def _chosen(self, logits: Any, drafts: Sequence[Draft]) -> list[int]:
        draws = [draft.draw(logits.shape[1]) for draft in drafts]
        for row, draft in zip(logits, drafts, strict=True):
            _hide(row, draft)
        chosen = choose(logits, draws)
        tokens: list[int] = chosen.tokens.tolist()
        # Shorter types round by more than could be settled.
        settles = self._passes.model.dtype.itemsize >= 4
        for k in np.flatnonzero(chosen.doubtful).tolist() if settles else ():
            alone = self._alone(drafts[k])
            _hide(alone[0], drafts[k])
            tokens[k] = int(choose(alone, [draws[k]]).tokens[0])
            self.settled_tokens += 1
        return tokens

    def _alone(self, draft: Draft) -> Any:
        """Logits after a draft, shape (1, vocabulary), from a pass that nothing shares."""
        import torch

        with torch.inference_mode():
            ids = torch.tensor([[*draft.prompt, *draft.ids]], device=self._passes.model.device)
            return self._passes.model(input_ids=ids, use_cache=False, **self._passes.keeping(1)).logits[:, -1].float()


def _hide(logits: Any, draft: Draft) -> None:
    """Let no token be chosen that the draft's constraint does not allow."""
    if draft.constraint is not None:
        logits.masked_fill_(draft.constraint.hidden(logits), float("-inf"))


def _taken(failed: list[tuple[Request, Completion]]) -> Written:
    while failed:
        yield failed.pop(0)
