"""Model servers that speak the OpenAI protocol."""

import asyncio
import concurrent.futures
import json
import logging
import queue
import threading
import weakref
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from proband.errors import ContextTooLong, EngineError
from proband.models.engine import Ability, BaseEngine, Cost, Vectors
from proband.models.local.forest import shared_length
from proband.models.servers import protocol
from proband.models.servers.batches import Batches
from proband.models.servers.detection import count_tokens
from proband.models.servers.pacing import Clearable, Handover, Pair, Patience, Queue, beginning
from proband.models.servers.prices import Price, find_price
from proband.models.servers.protocol import Dialect
from proband.models.servers.replies import read_vectors
from proband.models.servers.server import ONE_CALL, Server, n_chars
from proband.models.servers.settings import ServerSettings
from proband.models.servers.texts import text_bodies
from proband.models.servers.wire import Asker, NotThere, Wire
from proband.records import Trial

__all__ = ["ServerEngine", "ServerSettings"]

_BATCH_CHUNK = 50_000
_TEXTS_AT_ONCE = 32  # that are embedded by one call
_log = logging.getLogger(__name__)


class ServerEngine(BaseEngine):
    """A model behind the OpenAI protocol: vLLM, SGLang, llama.cpp, Ollama, a provider.

    What the server can do is found out by small calls before the first trial, never assumed. Written replies
    come from chat completions, those to raw texts from completions. Letters and equally long numbers are scored from
    the alternatives of the first token; whole texts, and whatever follows a raw text, by token-level forcing
    (llama.cpp), by a walk along the options' tokens or by echo of token ids (vLLM), or by echo of a plain transcript
    where a server echoes but shows no chat template. `fingerprint` tells which.

    The key is taken from PROBAND_API_KEY, from OPENAI_API_KEY for https and this machine, or from a keyring, and
    appears nowhere else.

    Parameters
    ----------
    url : str
        Base URL, e.g. ``http://127.0.0.1:8080/v1``; ``/v1`` is added to a bare host.
    model : str
        Name as the server lists it; may be empty where it lists one.
    settings : ServerSettings
        Concurrency, patience, budgets and price.
    """

    answers_by = "request"
    is_remote = True  # looking at what it can do already sends something

    def __init__(self, url: str, model: str = "", *, settings: ServerSettings | None = None) -> None:
        self.settings = settings or ServerSettings()
        self._first = Server(url, model, self.settings)
        self.url, self.address = self._first.url, self._first.address
        self._probing = threading.Lock()
        self._works: set[concurrent.futures.Future[Any]] = set()
        self._is_stopping = False
        self._waiting: set[Clearable] = set()
        self._n_asking = 0  # calls of `answer` that go on; looked at on the event loop only
        self._patience = Patience(self.url, self.settings.give_up_after)
        self._finalizer: weakref.finalize[Any, Any] = weakref.finalize(self, self._first.wire.close)

    @property
    def model(self) -> str:
        """Name as the server lists it; empty until it was asked, where none was given."""
        return self._server.model

    @property
    def _server(self) -> Server:
        return self._first

    @property
    def _wire(self) -> Wire:
        return self._server.wire

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the server was found to do; asks it the first time."""
        dialect = self.probe()
        # Whether it has an endpoint for vectors is found out when one is wanted.
        scores: frozenset[Ability] = frozenset({"score"} if dialect.top or dialect.texts else ())
        return scores | {"write", "embed"}

    @property
    def chunk(self) -> int | None:
        """Trials to hand over at once, where that matters: a batch wants as many as it may hold."""
        return _BATCH_CHUNK if self.settings.mode == "batch" else None

    @property
    def overlaps(self) -> bool:
        """Calls of several pieces go out together; a batch is one piece."""
        return self.settings.mode != "batch"

    @property
    def at_once(self) -> int:
        """Calls in flight together, at most."""
        return self.settings.concurrency

    @property
    def n_calls(self) -> int:
        """Calls sent so far, retries and detection included."""
        return self._wire.n_calls

    def probe(self) -> Dialect:
        """Ask the server what it can do; once.

        Raises
        ------
        EngineError
            If it cannot be reached, refuses the key, does not list the model, or speaks another protocol.
        """
        with self._probing:
            return self._server.dialect or self._wire.run(self._server.look())

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse items whose log-probabilities the server does not give, and prompts beyond its context."""
        dialect = self.probe()
        for trial in trials:
            route = dialect.route(trial.request)
            if not route and (trial.request.is_raw or not dialect.is_chat or dialect.opens):
                raise EngineError(f"item {trial.place.item!r}: {protocol.unsent(trial.request, dialect, self.address)}")
            if not route:
                super().check([trial])
                raise EngineError(
                    f"item {trial.place.item!r} needs log-probabilities of its options, and {self.address} gives "
                    f"only {dialect.top} alternatives of the next token; ask it with answer_by = 'written'"
                )
            if self.settings.mode == "batch" and trial.request.is_raw:
                raise EngineError(
                    f"item {trial.place.item!r} is a raw text and batches hold chat completions; ask without mode=batch"
                )
            if self.settings.mode == "batch" and route not in ("write", "label"):
                raise EngineError(
                    f"item {trial.place.item!r} needs log-probabilities of its option texts, which no batch gives; "
                    "ask it with answer_by = 'written' or 'label', or without mode=batch"
                )
        if trials and dialect.context:
            self._check_context(max(trials, key=n_chars), dialect)

    def _check_context(self, longest: Trial, dialect: Dialect) -> None:
        context = dialect.context or 0
        # A token is one character at least, and six at most in running text.
        if n_chars(longest) + longest.request.max_tokens <= context:
            return
        asker = Asker(self._wire, longest.id)
        one = max(longest.request.alone, key=lambda request: len(request.messages[-1].text))
        known = self._wire.run(count_tokens(one, self.model, dialect, asker))
        tokens = (known or n_chars(longest) // 6) + longest.request.max_tokens
        if tokens > context:
            raise ContextTooLong(
                f"item {longest.place.item!r}, subject {longest.place.subject!r}: {tokens} tokens with the "
                f"reply, and {self.address} holds {context}; shorten the persona or the item, or serve the "
                "model with a longer context"
            )

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """Tokens estimated as characters / 4; time unknown; price where it is known, see `price_of`."""
        requests = list({trial.request.hash: trial.request for trial in trials}.values())
        prompt, completion = protocol.estimated(requests)
        unique = prompt
        if self._shares_prefixes:
            texts = sorted(map(beginning, requests))
            unique = max(0, prompt - sum(shared_length(one, other) for one, other in pairwise(texts)) // 4)
        tokens = {"prompt_tokens": prompt, "unique_tokens": unique, "completion_tokens": completion}
        return Cost(**tokens, price=self.price_of(prompt, completion), is_exact=False)

    def price_of(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars for so many tokens: by `settings.price`, else by the price table; None where it has none."""
        if self.settings.price is not None:
            prompt, completion = self.settings.price
            return Price(model=self.model, prompt=prompt, completion=completion).of(prompt_tokens, completion_tokens)
        found, is_batch = find_price(self._wire.host, self.model), self.settings.mode == "batch"
        return None if found is None else found.of(prompt_tokens, completion_tokens, is_batch=is_batch)

    def render(self, trial: Trial) -> str:
        """The JSON body or bodies that are posted for a trial, without the key."""
        dialect = self.probe()
        if dialect.route(trial.request) in ONE_CALL:
            shown: object = self._server.body(trial.request, dialect)
        else:
            self.check([trial])
            asker = Asker(self._wire, trial.id)
            shown = self._wire.run(text_bodies(trial.request, self.model, dialect, asker))
        return json.dumps(shown, ensure_ascii=False, indent=2)

    def fingerprint(self) -> dict[str, str]:
        """Server, model name it returned, template, rules of scoring, version of aiohttp."""
        self.probe()
        return {"engine": "server", "url": self.url, **self._server.traits()}

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """What ``/v1/embeddings`` gives, in batches; a text that is too long is the server's to refuse."""
        batches = [texts[start : start + _TEXTS_AT_ONCE] for start in range(0, len(texts), _TEXTS_AT_ONCE)]

        async def posted() -> list[list[list[float]]]:
            asker = Asker(self._wire, "embeddings")
            made = []
            for batch in batches:
                body = {"model": self.model, "input": list(batch), "encoding_format": "float"}
                made.append(await asker("embeddings", body, read=partial(read_vectors, n=len(batch))))
            return made

        try:
            found = self._wire.run(posted())
        except NotThere:
            raise EngineError(
                f"{self.address} has no /v1/embeddings; serve the model with it, or take another encoder: minilm"
            ) from None
        return np.array([row for batch in found for row in batch], dtype=np.float32)

    def encoder_fingerprint(self) -> dict[str, str]:
        """Server and model as named: a server of an encoder answers no chat by which more could be found out."""
        return {"engine": "server", "url": self.url, "model": self.model}

    def answer(self, trials: Sequence[Trial]) -> Iterator[Pair]:
        """Answer every trial, as replies come in.

        A call that fails for good, or `attempts` times in passing, yields a completion with `error`. Stopping
        early cancels what is in flight.

        Raises
        ------
        EngineError
            If the server cannot be used at all: it refuses the key, or `give_up_after` trials were given up one after
            another. What was answered has been yielded; the trials given up last have not, so that they are asked
            again when the run is resumed.
        """
        dialect = self.probe()
        self._is_stopping = False
        if self.settings.mode == "batch":
            with suppress(concurrent.futures.CancelledError):  # `stop` was called
                yield from self._batches(dialect).exchange(trials)
            return
        waiting = Queue(trials, is_warming=self._shares_prefixes)
        handover = Handover(self._wire.loop, 4 * self.settings.concurrency + self.settings.give_up_after)
        self._waiting.add(waiting)
        try:
            yield from self._streamed(self._ask_all(waiting, len(trials), dialect, handover), handover)
        finally:
            self._waiting.discard(waiting)

    def _streamed(self, asking: Coroutine[Any, Any, None], handover: Handover) -> Iterator[Pair]:
        """What is handed over by what asks, which ends with the caller."""
        work = self._wire.start(asking)
        self._works.add(work)
        ended = False
        try:
            while (pairs := handover.get()) is not None:
                yield from pairs
                handover.taken(len(pairs))
            ended = True
            with suppress(concurrent.futures.CancelledError):  # `stop` was called
                work.result()
        finally:
            work.cancel()
            self._works.discard(work)
            # What is in flight ends before the caller goes on; the limit is for work that never began.
            with suppress(queue.Empty):
                while not ended and handover.get(timeout=5.0) is not None:
                    pass

    def wind_down(self) -> None:
        """Have `answer` end after what is in flight, from any thread; a batch is not waited for."""
        if self.settings.mode == "batch":
            self.stop()
        elif not self._wire.is_closed:
            for waiting in list(self._waiting):
                self._wire.loop.call_soon_threadsafe(waiting.clear)

    def stop(self) -> None:
        """Have `answer` end at once, from any thread; what is in flight is lost, a submitted batch is not."""
        self._is_stopping = True
        for work in list(self._works):
            work.cancel()

    @property
    def _shares_prefixes(self) -> bool:
        wanted = self.settings.warm_prefixes
        return wanted if wanted is not None else bool(self._server.dialect and self._server.dialect.caches)

    def _batches(self, dialect: Dialect) -> Batches:
        def start(work: Any) -> Any:
            begun = self._wire.start(work)
            self._works.add(begun)
            if self._is_stopping:
                begun.cancel()
            try:
                return begun.result()
            finally:
                self._works.discard(begun)

        server = self._server
        how: Any = {"body": partial(server.body, dialect=dialect), "read": partial(server.read, dialect=dialect)}
        return Batches(server.wire, self.model, run=start, **how)

    async def _ask_all(self, waiting: Queue, n_trials: int, dialect: Dialect, handover: Handover) -> None:
        """Have workers take trials in turn; the last thing handed over is None."""

        async def worker() -> None:
            while (trial := await waiting.take()) is not None:
                if handover.is_full:
                    await handover.space()
                handover.n_out += 1
                try:
                    completion, cause = await self._server.answered(trial, dialect)
                finally:
                    waiting.finished(trial)
                handover.put(self._patience.judge((trial, completion), cause))

        workers = [asyncio.ensure_future(worker()) for _ in range(min(self.settings.concurrency, n_trials))]
        self._n_asking += 1
        is_whole = False
        try:
            await asyncio.gather(*workers)
            is_whole = True
        finally:
            self._n_asking -= 1
            # While another call goes on, failures in a row may be the server's: then that call hands them over.
            if not is_whole or not self._n_asking:
                held = self._patience.let_go()
                handover.put(held if is_whole else [])
            for unfinished in workers:
                unfinished.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            handover.end()

    def close(self) -> None:
        """Close connections and the background thread."""
        self._finalizer()
