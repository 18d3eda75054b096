"""Model servers that speak the OpenAI protocol.

All of the project's event loop, retries and connections are in this file, which is why it is long.
"""

import asyncio
import json
import logging
import os
import queue
import threading
import weakref
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

from proband.errors import ContextTooLong, EngineError
from proband.models.engine import Ability, Cost
from proband.models.servers.protocol import (
    AccessRefused,
    Dialect,
    GivenUp,
    Json,
    count_tokens,
    detect,
    label_body,
    read_labels,
    read_text,
    score_texts,
    text_bodies,
    write_body,
)
from proband.records import Completion, Trial
from proband.seeds import uniform_for

KEY_VARIABLES = ("PROBAND_API_KEY", "OPENAI_API_KEY")
_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a server is called.

    Attributes
    ----------
    concurrency : int
        Trials in flight together.
    timeout_s : float
        Seconds a call may take.
    attempts : int
        Calls at most before a trial is failed.
    backoff_s, longest_wait_s : float
        Wait before the second attempt, doubled from then on and spread by a factor of 0.5 to 1.5; no wait,
        the server's Retry-After included, is longer than `longest_wait_s`.
    price : tuple of float or None
        US dollars per million tokens, prompt and completion.
    min_coverage : float
        Least probability that listed labels must cover for others to be filled in; see `read_labels`.
    """

    concurrency: int = 16
    timeout_s: float = 300.0
    attempts: int = 5
    backoff_s: float = 1.0
    longest_wait_s: float = 60.0
    price: tuple[float, float] | None = None
    min_coverage: float = 0.5

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.attempts < 1 or self.timeout_s <= 0:
            raise EngineError(
                "server settings: concurrency and attempts must be at least 1, timeout_s above 0"
            )
        if self.backoff_s < 0 or self.longest_wait_s < 0 or not 0 <= self.min_coverage <= 1:
            raise EngineError("server settings: waits must not be negative, min_coverage must lie in [0, 1]")


class ServerEngine:
    """A model behind the OpenAI protocol: vLLM, SGLang, llama.cpp, Ollama, a provider.

    What the server can do is found out by small calls before the first trial, never assumed. Written replies
    come from chat completions. Letters and equally long numbers are scored from the alternatives of the
    first token; whole texts by token-level forcing (llama.cpp), by echo of token ids (vLLM), or by echo of a
    plain transcript where a server echoes but shows no chat template. `fingerprint` tells which.

    The key is taken from PROBAND_API_KEY, or from OPENAI_API_KEY for https and this machine, and appears
    nowhere else.

    Parameters
    ----------
    url : str
        Base URL, e.g. ``http://127.0.0.1:8080/v1``; ``/v1`` is added to a bare host.
    model : str
        Name as the server lists it; may be empty where it lists one.
    settings : ServerSettings
        Concurrency, patience and price.
    """

    answers_by: Literal["request", "place"] = "request"

    def __init__(self, url: str, model: str = "", *, settings: ServerSettings | None = None) -> None:
        self.url = _checked(url)
        self.model = model
        self.settings = settings or ServerSettings()
        self.address = f"openai:{self.url}#{model}" if model else f"openai:{self.url}"
        self._dialect: Dialect | None = None
        self._probing = threading.Lock()
        self._wire = _Wire(self.url, self.settings)
        self._finalizer = weakref.finalize(self, self._wire.close)

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the server was found to do; asks it the first time."""
        dialect = self.probe()
        found: set[Ability] = {"write"}
        if dialect.top or dialect.texts:
            found.add("score")
        return frozenset(found)

    def probe(self) -> Dialect:
        """Ask the server what it can do; once.

        Raises
        ------
        EngineError
            If it cannot be reached, refuses the key, does not list the model, or speaks another protocol.
        """
        with self._probing:
            if self._dialect is None:
                ask = _Asker(self._wire, "probe")
                listing = self._listed(self._wire.run(ask.models()))
                self._dialect = self._wire.run(detect(ask, self.model, listing))
            return self._dialect

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
            if self.model in (entry.get("id"), *(entry.get("aliases") or ())):
                return entry
        names = [str(entry.get("id")) for entry in models]
        close = get_close_matches(self.model, names, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        raise EngineError(f"{self.url} has no model {self.model!r}; {meant}it lists {shown}")

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse items whose log-probabilities the server does not give, and prompts beyond its context."""
        dialect = self.probe()
        for trial in trials:
            if not dialect.route(trial.request):
                gives = f"only {dialect.top} alternatives of the next token" if dialect.top else "none"
                raise EngineError(
                    f"item {trial.place.item!r} needs log-probabilities of its options, and {self.address} "
                    f"gives {gives}; ask it with answer_by = 'written'"
                )
        if trials and dialect.context:
            self._check_context(max(trials, key=_n_chars), dialect)

    def _check_context(self, longest: Trial, dialect: Dialect) -> None:
        context = dialect.context or 0
        # A token is one character at least, and six at most in running text.
        if _n_chars(longest) + longest.request.max_tokens <= context:
            return
        asker = _Asker(self._wire, longest.id)
        counted = self._wire.run(count_tokens(longest.request, self.model, dialect, asker))
        tokens = (counted or _n_chars(longest) // 6) + longest.request.max_tokens
        if tokens > context:
            raise ContextTooLong(
                f"item {longest.place.item!r}, subject {longest.place.subject!r}: {tokens} tokens with the "
                f"reply, and {self.address} holds {context}; shorten the persona or the item, or serve the "
                "model with a longer context"
            )

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """Tokens estimated as characters / 4; time unknown; price where `settings.price` is given."""
        requests = {trial.request.hash: trial.request for trial in trials}.values()
        prompt = sum(sum(len(message.text) for message in request.messages) for request in requests) // 4
        completion = sum(max(request.max_tokens, len(request.continuations)) for request in requests)
        rates = self.settings.price
        price = None if rates is None else (prompt * rates[0] + completion * rates[1]) / 1e6
        return Cost(
            prompt_tokens=prompt,
            unique_tokens=prompt,
            completion_tokens=completion,
            price=price,
            is_exact=False,
        )

    def render(self, trial: Trial) -> str:
        """The JSON body or bodies that are posted for a trial, without the key."""
        dialect = self.probe()
        route = dialect.route(trial.request)
        if route in ("write", "label"):
            make = write_body if route == "write" else label_body
            shown: object = make(trial.request, self.model, dialect)
        else:
            self.check([trial])
            asker = _Asker(self._wire, trial.id)
            shown = self._wire.run(text_bodies(trial.request, self.model, dialect, asker))
        return json.dumps(shown, ensure_ascii=False, indent=2)

    def fingerprint(self) -> Mapping[str, str]:
        """Where, which model, and by which rules it is sampled and scored."""
        dialect = self.probe()
        labels = f"first token, {dialect.top} alternatives, variants summed"
        return {
            "engine": "server",
            "url": self.url,
            "model": self.model,
            "returned_model": dialect.model,
            "server": dialect.server,
            "chat_template": dialect.template or "server's own",
            "label_rule": labels if dialect.top else "none",
            "text_rule": dialect.texts or "none",
            "samplers": "temperature, top_p" if dialect.server != "openai" else "server's defaults",
            "context": str(dialect.context or "unknown"),
            "aiohttp": aiohttp.__version__,
        }

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer every trial, as replies come in; `EngineError` if the server cannot be used at all.

        A call that fails for good, or `attempts` times in passing, yields a completion with `error`. Stopping
        early cancels what is in flight.
        """
        dialect = self.probe()
        done: queue.SimpleQueue[tuple[Trial, Completion] | None] = queue.SimpleQueue()
        # Permits bound what is answered but not yet taken, so that a slow consumer slows the calls.
        room = asyncio.Semaphore(4 * self.settings.concurrency)
        work = self._wire.start(self._work(trials, dialect, done, room))
        ended = False
        try:
            while (got := done.get()) is not None:
                self._wire.loop.call_soon_threadsafe(room.release)
                yield got
            ended = True
            work.result()
        finally:
            work.cancel()
            # What is in flight ends before the caller goes on; the limit is for work that never began.
            with suppress(queue.Empty):
                while not ended and done.get(timeout=5.0) is not None:
                    pass

    async def _work(
        self, trials: Iterable[Trial], dialect: Dialect, done: queue.SimpleQueue[Any], room: asyncio.Semaphore
    ) -> None:
        """Have workers take trials in order; the last thing put into `done` is None."""
        waiting = iter(trials)

        async def worker() -> None:
            for trial in waiting:
                await room.acquire()
                done.put((trial, await self._complete(trial, dialect)))

        workers = [asyncio.ensure_future(worker()) for _ in range(self.settings.concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            for unfinished in workers:
                unfinished.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            done.put(None)

    async def _complete(self, trial: Trial, dialect: Dialect) -> Completion:
        """One trial; every failure but a refused key becomes its error."""
        ask = _Asker(self._wire, trial.id)
        request, model = trial.request, self.model
        route = dialect.route(request)
        try:
            if route == "write":
                made = read_text(
                    await ask("chat/completions", write_body(request, model, dialect), needs="choices")
                )
            elif route == "label":
                reply = await ask("chat/completions", label_body(request, model, dialect), needs="choices")
                made = read_labels(reply, request.continuations, self.settings.min_coverage)
            elif route:
                made = await score_texts(request, model, dialect, ask)
            else:
                made = Completion(error=f"{self.address} gives no log-probabilities")
        except AccessRefused:
            raise
        except EngineError as error:
            made = Completion(error=str(error))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            made = Completion(error=f"the reply does not follow the protocol: {type(error).__name__} {error}")
        return replace(made, attempts=max(ask.attempts, 1))

    def close(self) -> None:
        """Close connections and the background thread."""
        self._finalizer()


class _Passing(Exception):
    """A failure that another attempt may mend."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _Unreachable(_Passing):
    """Nothing listens at the address; final before the first call, passing in the middle of a run."""


class _NotThere(EngineError):
    """The server has no such path."""


class _Asker:
    """Calls for one trial, tried again where that may help; remembers the most attempts a call took."""

    def __init__(self, wire: "_Wire", place: str) -> None:
        self.wire = wire
        self.place = place
        self.attempts = 0

    async def __call__(self, path: str, body: Json, *, needs: str) -> Json:
        return await self._tried("POST", path, body, needs)

    async def models(self) -> list[Json]:
        """Entries of ``GET /v1/models``; empty where the server keeps no list."""
        try:
            return list((await self._tried("GET", "models", None, "data"))["data"])
        except _NotThere:
            return []

    async def _tried(self, method: str, path: str, body: Json | None, needs: str) -> Json:
        settings, wire = self.wire.settings, self.wire
        reason = _Passing("")
        for attempt in range(1, settings.attempts + 1):
            self.attempts = max(self.attempts, attempt)
            try:
                return await wire.once(method, path, body, needs)
            except _Passing as passing:
                reason = passing
            if not wire.was_reached and isinstance(reason, _Unreachable):
                raise EngineError(f"no server at {wire.url}: {reason}; start it, or correct openai:URL#MODEL")
            if attempt < settings.attempts:
                spread = 0.5 + uniform_for(0, "backoff", self.place, attempt)
                wait = settings.backoff_s * 2 ** (attempt - 1) * spread
                wait = wait if reason.wait_s is None else reason.wait_s
                wait = min(wait, settings.longest_wait_s)
                _log.info(
                    "%s: %s; trying again in %.0f s (%d of %d)",
                    wire.url,
                    reason,
                    wait,
                    attempt,
                    settings.attempts,
                )
                await asyncio.sleep(wait)
        raise GivenUp(f"given up after {settings.attempts} attempts: {reason}")


class _Wire:
    """A background event loop with one HTTP session."""

    def __init__(self, url: str, settings: ServerSettings) -> None:
        self.url = url
        self.root = url.removesuffix("/v1")
        self.settings = settings
        parts = urlsplit(url)
        self.is_loopback = parts.hostname in _LOOPBACK
        self.variable, self._key = _key(parts.scheme == "https" or self.is_loopback)
        self.session: aiohttp.ClientSession | None = None
        self.loop = asyncio.new_event_loop()
        self.thread: threading.Thread | None = None
        self.was_reached = False
        self.is_closed = False

    def start(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Begin a coroutine on the loop; returns its `concurrent.futures.Future`."""
        if self.is_closed:
            work.close()
            raise EngineError(f"the engine for {self.url} is closed; open it again")
        if self.thread is None:
            self.thread = threading.Thread(target=self.loop.run_forever, name="proband-server", daemon=True)
            self.thread.start()
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the loop to its end."""
        return self.start(work).result()

    def close(self) -> None:
        """Close the session and end the thread."""
        if self.is_closed:
            return
        self.is_closed = True
        if self.thread is not None:
            if self.session is not None:
                asyncio.run_coroutine_threadsafe(self.session.close(), self.loop).result()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
        self.loop.close()

    async def once(self, method: str, path: str, body: Json | None, needs: str) -> Json:
        """One call; raises `_Passing` if another may succeed, and `EngineError` if not."""
        if self.session is None:
            self.session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self.settings.timeout_s),
                connector=aiohttp.TCPConnector(limit=self.settings.concurrency),
                headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                trust_env=not self.is_loopback,
            )
        url = self.root + path if path.startswith("/") else f"{self.url}/{path}"
        try:
            # A redirect could carry the key elsewhere.
            async with self.session.request(method, url, json=body, allow_redirects=False) as reply:
                raw, status, headers = await reply.read(), reply.status, reply.headers
                self.was_reached = True
        except aiohttp.ClientConnectorError as error:
            raise _Unreachable(self._clean(str(error))) from None
        except TimeoutError:
            raise _Passing(f"no reply within {self.settings.timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            raise _Passing(self._clean(f"connection failed: {type(error).__name__} {error}")) from None
        text = raw.decode("utf-8", errors="replace")
        if status != 200:
            self._refuse(status, headers, text, path)
        return self._parsed(text, needs, path)

    def _refuse(self, status: int, headers: Mapping[str, str], text: str, path: str) -> None:
        said = self._clean(f"HTTP {status} from {path}: {_message(text)}")
        if status in (401, 403):
            which = (
                f"the key in {self.variable}"
                if self.variable
                else f"no key; set {' or '.join(KEY_VARIABLES)}"
            )
            raise AccessRefused(f"{self.url} refuses {which} ({said})")
        if status == 429 and "insufficient_quota" in text:
            raise AccessRefused(f"{self.url}: the account's quota is used up ({said})")
        if status in _TRANSIENT:
            raise _Passing(said, _retry_after(headers.get("Retry-After", "")))
        if status in (404, 405):
            raise _NotThere(f"{said}; the base URL usually ends in /v1")
        if 300 <= status < 400:
            raise EngineError(f"{said}; the server redirects, write the URL it redirects to")
        raise EngineError(said)

    def _parsed(self, text: str, needs: str, path: str) -> Json:
        try:
            parsed = json.loads(text)
        except ValueError:
            if text.lstrip()[:1] == "<":
                raise EngineError(
                    f"{self.url} does not speak the OpenAI protocol: {path} replied with a web page; "
                    "give the base URL of the API, which usually ends in /v1"
                ) from None
            raise _Passing(self._clean(f"{path} replied with broken JSON: {text[:80]!r}")) from None
        if not isinstance(parsed, dict) or not parsed.get(needs):
            raise _Passing(self._clean(f"{path} replied without {needs}: {text[:80]!r}"))
        return parsed

    def _clean(self, text: str) -> str:
        """Text without the key, which some servers repeat in their messages."""
        return text.replace(self._key, "[key]") if self._key else text


def server_engine(url: str, model: str = "", **options: Any) -> ServerEngine:
    """Engine of ``openai:URL#MODEL``; options are the fields of `ServerSettings`."""
    known = [field.name for field in fields(ServerSettings)]
    if unknown := set(options) - set(known):
        raise EngineError(
            f"a server takes no option {', '.join(sorted(unknown))}; it takes {', '.join(known)}"
        )
    return ServerEngine(
        url, model, settings=ServerSettings(**{k: _setting(k, v) for k, v in options.items()})
    )


def _setting(name: str, value: Any) -> Any:
    """A setting as its own type, where an address gives it as text; a price is two numbers with a comma."""
    if not isinstance(value, str):
        return value
    try:
        if name == "price":
            prompt, completion = (float(part) for part in value.split(","))
            return prompt, completion
        return int(value) if name in ("concurrency", "attempts") else float(value)
    except ValueError:
        raise EngineError(f"server setting {name} is {value!r}; write a number, or price=0.15,0.60") from None


def _checked(url: str) -> str:
    """Base URL in normal form."""
    way_out = "; write openai:http://HOST:PORT/v1#MODEL"
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise EngineError(f"bad URL {url!r}: {error}{way_out}") from None
    if parts.username or parts.password or parts.query:
        raise EngineError(
            f"a URL must hold no user, password or query; put the key in {KEY_VARIABLES[0]}{way_out}"
        )
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() for c in url.strip()):
        raise EngineError(f"bad URL {url!r}{way_out}")
    path = parts.path.rstrip("/") or "/v1"
    if path.endswith("/completions"):
        raise EngineError(f"bad URL {url!r}: give the base, without {path[path.rfind('/v1') + 3 :]}{way_out}")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _key(is_private: bool) -> tuple[str, str]:
    """Variable and key; the provider's own key is sent to nobody over an open line."""
    for variable in KEY_VARIABLES if is_private else KEY_VARIABLES[:1]:
        if key := os.environ.get(variable, "").strip():
            return variable, key
    return "", ""


def _message(text: str) -> str:
    """What an error reply says."""
    try:
        error = json.loads(text)["error"]
        said = error["message"] if isinstance(error, dict) else error
    except (ValueError, LookupError, TypeError):
        said = text
    return " ".join(str(said).split())[:300] or "no message"


def _retry_after(value: str) -> float | None:
    """Seconds to wait, from a number or an HTTP date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _n_chars(trial: Trial) -> int:
    request = trial.request
    return sum(len(message.text) for message in request.messages) + max(
        map(len, request.continuations), default=0
    )
