"""One server: what it was found to do, and how one trial is put to it."""

import time
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import NamedTuple

import aiohttp

from proband.errors import EngineError
from proband.models.servers import protocol
from proband.models.servers.detection import detect, sampled
from proband.models.servers.pacing import GIVEN_UP
from proband.models.servers.protocol import AccessRefused, Dialect, GivenUp, Json
from proband.models.servers.replies import Withheld, read_completed, read_labels, read_text, spent_on
from proband.models.servers.settings import ServerSettings, checked_url
from proband.models.servers.texts import score_texts
from proband.models.servers.wire import Asker, LeftOut, NotThere, Wire
from proband.records import Completion, Request, Trial

ONE_CALL = {"write": "chat/completions", "complete": "completions", "label": "chat/completions"}
LEFT_OUT = "left out"  # the cause of what was under way when a server was left out
# Two servers of one model differ by rounding (bfloat16: some hundredths); llama.cpp also by what it computed before.
_SAME_NATS = {"llama.cpp": 1.5}
_SAME_NATS_ELSEWHERE = 0.25


class Likeness(NamedTuple):
    """What a served model is known by."""

    traits: Mapping[str, str]
    sample: Mapping[str, float]

    def difference(self, other: "Likeness") -> str:
        """What tells another one from this, in words; empty where nothing does."""
        for name in sorted({*self.traits, *other.traits}):
            ours, theirs = self.traits.get(name, "none"), other.traits.get(name, "none")
            if ours != theirs:
                return f"its {name.replace('_', ' ')} is {theirs!r}, not {ours!r}"
        shared = self.sample.keys() & other.sample.keys()
        if self.sample and not shared:
            return "a fixed question gets other first tokens"
        gap = max((abs(self.sample[name] - other.sample[name]) for name in shared), default=0.0)
        most = _SAME_NATS.get(self.traits.get("server", ""), _SAME_NATS_ELSEWHERE)
        return f"its log-probabilities of a fixed question are up to {gap:.2f} nats away" if gap > most else ""


class Server:
    """A model at one address.

    Parameters
    ----------
    url, model : str
        As `ServerEngine` takes them.
    settings : ServerSettings
        How it is called.
    beside : Server or None
        One whose thread and event loop it shares.

    Attributes
    ----------
    dialect : Dialect or None
        What it was found to do; None before it was asked.
    sample : mapping of str to float
        Log-probabilities of a fixed question, where it was asked for them.
    trouble : str
        Why it is left out; empty while it is asked.
    """

    def __init__(self, url: str, model: str, settings: ServerSettings, *, beside: "Server | None" = None) -> None:
        self.url, self.model, self.settings = checked_url(url), model, settings
        self.address = f"openai:{self.url}#{model}" if model else f"openai:{self.url}"
        self.wire: Wire = Wire(self.url, settings, beside=beside.wire if beside else None)
        self.dialect: Dialect | None = None
        self.sample: dict[str, float] = {}
        self.trouble = ""

    async def look(self, *, samples: bool = False) -> Dialect:
        """Find out what it does; with `samples`, also what it makes of a fixed question."""
        ask = Asker(self.wire, "probe", is_probing=True)
        listing = self._listed(await ask.models())
        self.dialect = await detect(ask, self.model, listing, texts_by=self.settings.texts_by)
        if samples:
            self.sample = await sampled(ask, self.model, self.dialect)
        return self.dialect

    def _listed(self, models: list[Json]) -> Json:
        """The model's entry in the listing; fills in the only model there is."""
        if not models:
            if not self.model:
                raise EngineError(f"{self.url} lists no models; name one: openai:{self.url}#MODEL")
            return {}
        if not self.model and len(models) == 1:
            self.model = str(models[0].get("id", ""))
            return models[0]
        for entry in models:
            aliases = entry.get("aliases")
            if self.model in (entry.get("id"), *(aliases if isinstance(aliases, list) else ())):
                return entry
        names = [str(entry.get("id")) for entry in models]
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        near = "".join(f"did you mean {close!r}? " for close in get_close_matches(self.model, names, n=1))
        raise EngineError(f"{self.url} has no model {self.model!r}; {near}it lists {shown}")

    def traits(self) -> dict[str, str]:
        """What is told of it in a fingerprint, without its address."""
        dialect = self.dialect
        if dialect is None:
            return {}
        labels = f"first token, {dialect.top} alternatives, variants summed"
        return {
            "model": self.model,
            "returned_model": dialect.model,
            "server": dialect.server,
            "chat_template": dialect.template or "server's own",
            "label_rule": labels if dialect.top else "none",
            "text_rule": dialect.texts or "none",
            "samplers": "temperature, top_p" if dialect.server != "openai" else "server's defaults",
            "context": str(dialect.context or "unknown"),
            "aiohttp": aiohttp.__version__,
            **({} if dialect.has_system else {"system_turn": "at the head of the first user turn"}),
            **({"reasoning": f"opened by the template: {dialect.opens.mark}"} if dialect.opens else {}),
        }

    @property
    def likeness(self) -> "Likeness":
        """What its model is known by."""
        return Likeness(self.traits(), self.sample)

    async def answered(self, trial: Trial, dialect: Dialect) -> tuple[Completion, str]:
        """One trial put to it, and the cause of the failure if there is one; only a refused key is raised."""
        ask = Asker(self.wire, trial.id)
        if self.wire.pace.counts_tokens:
            ask.tokens = n_chars(trial) / 4 + max(trial.request.max_tokens, 1)
        began = time.monotonic()
        completion, cause = await self._complete(trial, dialect, ask)
        completion = replace(completion, took_s=time.monotonic() - began)
        if ask.attempts > 1:
            completion = _with_unread(replace(completion, attempts=ask.attempts), trial, ask.n_unread)
        return completion, cause

    async def _complete(self, trial: Trial, dialect: Dialect, ask: Asker) -> tuple[Completion, str]:
        """One trial and the cause of its failure, if it has one; every failure but a refused key becomes an error."""
        request = trial.request
        route = dialect.route(request)
        try:
            if route in ONE_CALL:
                read = partial(self.read, request, dialect=dialect)
                return await ask(ONE_CALL[route], self.body(request, dialect), read=read), ""
            if route:
                return await score_texts(request, self.model, dialect, ask), ""
            return Completion(error=f"{self.address} gives no log-probabilities"), "no log-probabilities"
        except AccessRefused:
            raise
        except Withheld as error:
            return Completion(error=str(error)), ""
        except LeftOut as error:
            return Completion(error=str(error)), LEFT_OUT
        except (GivenUp, NotThere) as error:
            return Completion(error=str(error)), "" if getattr(error, "is_own", False) else GIVEN_UP
        except EngineError as error:
            return Completion(error=str(error)), str(error)

    def body(self, request: Request, dialect: Dialect) -> Json:
        """What is posted for a request that takes one call."""
        request = dialect.sent(request)
        plain = protocol.complete_body if request.is_raw else protocol.write_body
        return (protocol.label_body if request.continuations else plain)(request, self.model, dialect)

    def read(self, request: Request, reply: Json, *, dialect: Dialect) -> Completion:
        """The completion that a reply to it holds."""
        try:
            if request.continuations:
                least = self.settings.min_coverage
                made = read_labels(reply, request.continuations, min_coverage=least, n_listed=dialect.listed)
            else:
                made = read_completed(reply) if request.is_raw else read_text(reply, dialect)
        except Withheld as error:
            made = Completion(error=str(error))
        return replace(made, **spent_on(request, reply))


def n_chars(trial: Trial) -> int:
    """Characters of the longest text that is sent for a trial."""
    request = trial.request
    sent = sum(len(message.text) for message in request.messages) + max(map(len, request.premises), default=0)
    return sent + max(map(len, request.continuations), default=0)


def _with_unread(completion: Completion, trial: Trial, n: int) -> Completion:
    """A completion that took also what the replies took that could not be read, by estimate."""
    if not n:
        return completion
    prompt, written = protocol.estimated([trial.request])
    return replace(
        completion,
        prompt_tokens=completion.prompt_tokens + n * prompt,
        completion_tokens=completion.completion_tokens + n * written,
        is_estimated=True,
    )
