"""Replies while they are written, and those that wait."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Literal

import numpy as np

from proband.errors import EngineError
from proband.models.local.forest import shared_length
from proband.models.local.templates import Template
from proband.models.writing.constraints import Constraint
from proband.models.writing.sampling import Draw, n_noise
from proband.records import Completion, Request
from proband.seeds import seed_for

AHEAD = 256  # requests looked at together, to find what they share


class Draft:
    """One reply while it is written; `ends` are the tokens that end it. Without a seed, one is made of the request."""

    def __init__(
        self,
        request: Request,
        prompt: tuple[int, ...],
        *,
        template: Template,
        ends: frozenset[int],
        constraint: Constraint | None = None,
    ) -> None:
        self.request, self.prompt, self.constraint = request, prompt, constraint
        self.ids: list[int] = []
        self.finish: Literal["stop", "length"] | None = None
        self._text: str | None = None
        self._template, self._ends = template, ends
        is_open = template.is_chat or request.is_raw
        self._stops = request.stop if is_open else (*request.stop, template.closing)
        # A token adds at least a byte, and a stop text may begin inside one; the rest is to spare.
        self._tail = max((len(stop.encode()) for stop in self._stops), default=0) + 8
        seed = seed_for(0, request.hash) if request.seed is None else request.seed
        self._rng = np.random.default_rng(seed)

    @property
    def most_tokens(self) -> int:
        """Tokens of prompt and reply together, at most."""
        return len(self.prompt) + self.request.max_tokens

    def draw(self, vocabulary: int) -> Draw:
        """How the next token is chosen; takes this reply's next random numbers."""
        request = self.request
        if request.temperature == 0:
            return Draw(0, 1)
        return Draw(request.temperature, request.top_p, self._rng.standard_exponential(n_noise(vocabulary)))

    def take(self, token: int) -> None:
        """Add the token that was chosen."""
        if token in self._ends:
            self.finish = "stop"
            return
        self.ids.append(token)
        if self.constraint is not None:
            self.constraint.take(token)
        if self._cut() or (self.constraint is not None and self.constraint.is_complete):
            self.finish = "stop"
        elif len(self.ids) >= self.request.max_tokens:
            self.finish = "length"

    def completion(self) -> Completion:
        """What has been written."""
        if self.constraint is not None and self.constraint.error:
            return Completion(error=f"the reply could not be held to its schema: {self.constraint.error}")
        text = self._template.decode(self.ids) if self._text is None else self._text
        return Completion(
            text=self._template.opening(self.request) + text,
            finish=self.finish or "length",
            prompt_tokens=len(self.prompt),
            completion_tokens=len(self.ids),
        )

    def _cut(self) -> bool:
        """Look for a stop text, which only the last token can have completed, and cut there."""
        if not self._stops:
            return False
        tail = self._template.decode(self.ids[-self._tail :])
        if not any(stop in tail for stop in self._stops):
            return False
        text = self._template.decode(self.ids)
        cuts = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        self._text = text[: min(cuts)] if cuts else None
        return bool(cuts)


class Queue:
    """Drafts that wait, ordered so that shared beginnings are neighbours; made from requests some hundred at a time.

    `failed` holds the requests that cannot be written, with the reason, and is emptied by whoever reports them.
    """

    def __init__(self, requests: Iterable[Request], start: Callable[[Request], Draft]) -> None:
        self._requests, self._start = iter(requests), start
        self._shared: deque[int] = deque()
        self.drafts: deque[Draft] = deque()
        self.failed: list[tuple[Request, Completion]] = []
        self.fill()

    def fill(self) -> None:
        """Have at least half of `AHEAD` drafts waiting, if so many requests are left."""
        if len(self.drafts) >= AHEAD // 2:
            return
        waiting = list(self.drafts)
        while len(waiting) < AHEAD and (request := next(self._requests, None)) is not None:
            try:
                waiting.append(self._start(request))
            except EngineError as error:
                self.failed.append((request, Completion(error=str(error))))
        waiting.sort(key=lambda draft: draft.prompt)
        self.drafts = deque(waiting)
        # The last token of a prompt is never shared: its logits are wanted in every row.
        pairs = pairwise(draft.prompt[:-1] for draft in waiting)
        self._shared = deque(shared_length(one, other) for one, other in pairs)

    def first(self) -> tuple[Draft, list[int]]:
        """Next draft, and how many tokens its prompt begins with in common with each that comes after it."""
        falling: list[int] = []
        for n in self._shared:
            if n == 0:
                break
            falling.append(min(n, falling[-1]) if falling else n)
        return self.drafts[0], falling

    def drop(self) -> None:
        """Go on to the one after it."""
        self.drafts.popleft()
        if self._shared:
            self._shared.popleft()
