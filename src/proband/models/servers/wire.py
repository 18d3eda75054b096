"""HTTP to one server: an event loop in a thread of its own, one session, and what every failure means."""

import asyncio
import concurrent.futures
import json
import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from proband.errors import EngineError
from proband.models.servers.keys import Key, find_key
from proband.models.servers.pacing import Pace
from proband.models.servers.protocol import AccessRefused, GivenUp, Json, Malformed, Read
from proband.models.servers.refusals import ODD, error_in, message_of, parse
from proband.models.servers.replies import Unfinished, Withheld
from proband.models.servers.settings import ServerSettings
from proband.seeds import uniform_for

_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_CONGESTED = frozenset({429, 503, 529})
_LASTING = frozenset({501, 505})  # of 5xx
# A refusal in these words is about a prompt, not about the key or every request.
_OF_PROMPT = re.compile(r"flagged|moderat|content.?(?:policy|filter|management)|safety|prohibited.?content", re.I)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# Until a server has answered once, a failure is most likely a wrong address: it is said soon.
_FIRST_ATTEMPTS, _FIRST_WAIT_S, _FIRST_TIMEOUT_S = 3, 0.5, 10.0
# Silent for 10 s, asked twice, 5 s apart; or 20 s after it did not say that something arrived.
_MISSED = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 2, "TCP_USER_TIMEOUT": 20_000}
_JSON = {"Content-Type": "application/json"}
_encode = json.JSONEncoder(separators=(",", ":")).encode
_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class Passing(Exception):
    """A failure that another attempt may mend; `wait_s` is what the server asks for, `is_own` as in `GivenUp`."""

    def __init__(
        self, reason: str, *, wait_s: float | None = None, is_congestion: bool = False, is_own: bool = False
    ) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        self.is_congestion = is_congestion
        self.is_own = is_own


class _Unreachable(Passing):
    """Nothing listens at the address; final before the first call, passing in the middle of a run."""


class _Lost(Passing):
    """A call whose reply never came, or in pieces; it may have been made, and be paid for, all the same."""


class NotThere(EngineError):
    """The server has no such path."""


class LeftOut(GivenUp):
    """What was under way at a server when it was left out; nothing is learnt about the trial."""


class Raw(NamedTuple):
    """A reply as it came."""

    data: bytes
    headers: Mapping[str, str]


class Asker:
    """Calls for one trial, tried again where that may help; remembers the most attempts a call took.

    `place` says whose calls these are and fixes how long they wait. When the server is only probed there are few
    attempts, and an odd reply is an answer. `most` is the number of attempts, instead of the setting's.
    """

    def __init__(self, wire: "Wire", place: str, *, is_probing: bool = False, most: int | None = None) -> None:
        self.wire, self.place, self.memo = wire, place, wire.memo
        self.attempts, self.tokens = 0, 0.0
        self.n_unread = 0  # replies that could not be read, or were lost, and may be paid for all the same
        self._is_probing = is_probing
        self._most = most or min(wire.settings.attempts, _FIRST_ATTEMPTS if is_probing else wire.settings.attempts)

    async def __call__(self, path: str, body: Json, *, read: Callable[[Json], Read]) -> Read:
        """Post a body and read the reply."""
        data = _encode(body).encode()
        return await self._tried("POST", path, lambda: data, lambda raw: read(self.wire.parsed(raw, path)))

    async def get(self, path: str, *, read: Callable[[Json], Read]) -> Read:
        """Get a page of JSON and read it."""
        return await self._tried("GET", path, None, lambda raw: read(self.wire.parsed(raw, path)))

    async def fetch(self, path: str) -> bytes:
        """Get a file."""
        return await self._tried("GET", path, None, lambda raw: raw.data)

    async def upload(self, path: str, form: Callable[[], aiohttp.FormData], *, read: Callable[[Json], Read]) -> Read:
        """Post a form; it is made anew for every attempt."""
        return await self._tried("POST", path, form, lambda raw: read(self.wire.parsed(raw, path)))

    async def models(self) -> list[Json]:
        """Entries of ``GET /v1/models``; empty where the server keeps no list."""
        try:
            return await self._tried("GET", "models", None, self._entries)
        except NotThere:
            return []

    def _entries(self, raw: Raw) -> list[Json]:
        """What a list of models holds, be it in an object or bare."""
        listing = parse(raw.data) if raw.data.lstrip()[:1] == b"[" else None
        if not listing or not isinstance(listing[0], dict):
            listing = self.wire.parsed(raw, "models")["data"]
        return [entry for entry in listing or () if isinstance(entry, dict)]

    async def _tried(self, method: str, path: str, make: Callable[[], Any] | None, read: Callable[[Raw], Read]) -> Read:
        wire = self.wire
        most, reason = self._most, Passing("")
        for attempt in range(1, most + 1):
            self.attempts = max(self.attempts, attempt)
            try:
                return await self._once(method, path, None if make is None else make(), read)
            except Passing as passing:
                reason = passing
            if not wire.has_answered and isinstance(reason, _Unreachable):
                raise EngineError(f"no server at {wire.url}: {reason}; start it, or correct openai:URL#MODEL")
            if wire.is_left_out and not self._is_probing:
                raise LeftOut(f"the server is left out: {reason}")
            if attempt < most:
                wait = self._wait(attempt, reason)
                _log.info("%s: %s; again in %.1f s (%d of %d)", wire.url, reason, wait, attempt, most)
                if not (reason.is_congestion and reason.wait_s):  # then nobody leaves before the wait is over
                    await wire.rest(wait)
        raise GivenUp(f"given up after {most} attempts: {reason}", is_own=reason.is_own)

    async def _once(self, method: str, path: str, data: Any, read: Callable[[Raw], Read]) -> Read:
        """One call at the pace of all; what the reply lacks is a passing failure, except while probing."""
        wire, pace = self.wire, self.wire.pace
        entered = await pace.enter(self.tokens)
        try:
            value = read(await wire.once(method, path, data))
        except Passing as passing:
            wait = min(passing.wait_s or 0.0, wire.settings.longest_wait_s)
            pace.complain(entered, wait_s=wait, is_congestion=passing.is_congestion)
            wire.note_failure(passing)
            self.n_unread += isinstance(passing, _Lost)
            raise
        except ODD as error:
            pace.leave(entered)
            self.n_unread += 1
            said = str(error) if isinstance(error, Malformed) else f"{type(error).__name__} {error}"
            is_own = isinstance(error, Unfinished)
            if not is_own:
                said = f"the reply of {path} does not follow the protocol: {said}"
            if self._is_probing:
                raise EngineError(wire.key.clean(said)) from None
            raise Passing(wire.key.clean(said), is_own=is_own) from None
        except BaseException:
            pace.leave(entered)
            raise
        wire.n_failed = 0
        # What took an unknown number took what was estimated.
        used = getattr(value, "prompt_tokens", 0) + getattr(value, "completion_tokens", 0)
        pace.leave(entered, spare_tokens=self.tokens - float(used) if self.tokens and used else 0.0)
        return value

    def _wait(self, attempt: int, reason: Passing) -> float:
        settings = self.wire.settings
        first = min(settings.backoff_s, _FIRST_WAIT_S) if self._is_probing else settings.backoff_s
        wait = reason.wait_s
        if wait is None:
            wait = first * 2 ** (attempt - 1) * (0.5 + uniform_for(0, "backoff", self.place, attempt))
        return min(wait, settings.longest_wait_s)


class Wire:
    """One HTTP session on a background event loop, its own or that of the wire `beside`.

    `on_doubt` is called on the loop when nothing listens any more, or a reply never came.
    """

    def __init__(self, url: str, settings: ServerSettings, *, beside: "Wire | None" = None) -> None:
        parts = urlsplit(url)
        self.url, self.host, self.settings = url, parts.hostname or "", settings
        self.is_loopback = self.host in _LOOPBACK
        self.memo: dict[str, Any] = {}
        self._home: Wire = beside or self  # the wire whose thread this is
        self.loop: asyncio.AbstractEventLoop = beside.loop if beside else asyncio.new_event_loop()
        self.thread: threading.Thread | None = None
        self.on_doubt: Callable[[Passing], None] | None = None
        self._gone = asyncio.Event()
        self._is_keyed = False
        self.has_answered = self.has_spoken = self.is_closed = False
        self.n_failed = 0
        self.key = Key()
        self._is_tls = parts.scheme == "https"
        self._root = url.removesuffix("/v1")
        self._urls: dict[str, URL] = {}
        self._session: aiohttp.ClientSession | None = None
        self._pace: Pace | None = None
        self._patience = aiohttp.ClientTimeout(total=settings.timeout_s)
        self._first_patience = aiohttp.ClientTimeout(total=min(settings.timeout_s, _FIRST_TIMEOUT_S))

    @property
    def pace(self) -> Pace:
        """When calls may leave; made on the event loop."""
        if self._pace is None:
            self._pace = Pace(self.settings)
        return self._pace

    @property
    def n_calls(self) -> int:
        """Calls sent so far."""
        return self._pace.n_calls if self._pace else 0

    @property
    def proxy(self) -> str:
        """The environment's proxy for this server; a server on this machine has none."""
        if self.is_loopback or proxy_bypass(self.host):
            return ""
        known = getproxies()
        found = known.get("https" if self._is_tls else "http") or known.get("all") or ""
        return found if "://" in found or not found else f"http://{found}"

    def start(self, work: Coroutine[Any, Any, _Result]) -> concurrent.futures.Future[_Result]:
        """Begin a coroutine on the loop; returns its `concurrent.futures.Future`."""
        if self.is_closed:
            work.close()
            raise EngineError(f"the engine for {self.url} is closed; open it again")
        if not self._is_keyed:
            try:
                self.key = find_key(self.host, is_private=self._is_tls or self.is_loopback)
            except EngineError:
                work.close()
                raise
            self._is_keyed = True
        if self._home.thread is None:
            self._home.thread = threading.Thread(target=self.loop.run_forever, name="proband-server", daemon=True)
            self._home.thread.start()
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine on the loop to its end."""
        return self.start(work).result()

    def close(self) -> None:
        """Close the session and end the thread, where it is its own."""
        if self.is_closed:
            return
        self.is_closed = True
        if self._session is not None and not self._home.loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._session.close(), self.loop).result()
        if self._home is not self:
            return
        if self.thread is not None:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
        self.loop.close()

    @property
    def is_left_out(self) -> bool:
        """Whether it is not asked for the time being."""
        return self._gone.is_set()

    def leave_out(self) -> None:
        """Ask no more, except to look; what waits for another attempt ends."""
        self._gone.set()

    async def hang_up(self) -> None:
        """End what is in flight: nobody is there to answer it."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def take_back(self) -> None:
        """Ask again, as if it had just been met."""
        self._gone.clear()
        self.n_failed = 0
        self.pace.restart()

    async def rest(self, wait_s: float) -> None:
        """Wait before another attempt; not longer than the server is asked at all."""
        if self._gone.is_set():  # then it is only looked at
            await asyncio.sleep(wait_s)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), wait_s)

    async def speaks(self) -> bool:
        """Whether it replies at all, by one call that waits for no other and not long."""
        try:
            await asyncio.wait_for(self.once("GET", "models", None), _FIRST_TIMEOUT_S)
        except (TimeoutError, _Unreachable, _Lost):
            return False
        except (Passing, EngineError):
            return True
        return True

    async def once(self, method: str, path: str, data: Any) -> Raw:
        """One call; raises `Passing` if another may succeed, and `EngineError` if not."""
        session = self._session or self._open()
        url = self._urls.get(path)
        if url is None:
            url = URL(self._root + path if path.startswith("/") else f"{self.url}/{path}")
            if len(self._urls) < 100:
                self._urls[path] = url
        # A redirect could carry the key elsewhere.
        how: Any = {"headers": _JSON if isinstance(data, bytes) else None, "allow_redirects": False}
        patience = self._first_patience if method == "GET" and not self.has_answered else self._patience
        try:
            async with session.request(method, url, data=data, timeout=patience, **how) as reply:
                raw, status = await reply.read(), reply.status
        except TimeoutError:
            raise self._silence() from None
        except aiohttp.ClientError as error:
            raise self._broken(error) from None
        self.has_answered = True
        raw = self.key.cleaned(raw)
        if status != 200:
            text = raw.decode("utf-8", errors="replace")
            said = f"HTTP {status} from {path}: {message_of(text)}"
            if status in (400, 403) and _OF_PROMPT.search(text):
                raise Withheld(said)
            self._refuse(status, reply.headers, said, text)
            raise EngineError(said)
        return Raw(raw, reply.headers)

    def parsed(self, raw: Raw, path: str) -> Json:
        """The object that a reply holds; half a one is a passing failure, an error in it is what it says it is."""
        data = raw.data
        try:
            parsed = parse(data)
        except ValueError:
            text = data.decode("utf-8", errors="replace")
            is_page = text.lstrip()[:1] == "<"
            if is_page and not self.has_spoken:
                raise EngineError(
                    f"{self.url} does not speak the OpenAI protocol: {path} replied with a web page "
                    f"({message_of(text)[:80]}); give the base URL of the API, which usually ends in /v1"
                ) from None
            if is_page:
                raise Passing(f"{path} replied with a web page: {message_of(text)}") from None
            raise _Lost(f"{path} replied with broken JSON: {text[:80]!r}") from None
        if isinstance(parsed, list) and len(parsed) == 1 and isinstance(parsed[0], dict) and error_in(parsed[0]):
            parsed = parsed[0]  # Gemini's form of an error
        if not isinstance(parsed, dict):
            raise _Lost(f"{path} replied with {type(parsed).__name__}, not an object: {data[:80]!r}")
        if (found := error_in(parsed)) is not None:
            words, code = found
            said = f"{path} replied with an error{f', code {code}' if code else ''}: {words}"
            if code != 403:  # with 200 around it, it is about the prompt: a refused key has no 200
                self._refuse(code, raw.headers, said, data.decode("utf-8", errors="replace"))
            raise Withheld(said)
        self.has_spoken = True
        return parsed

    def note_failure(self, reason: Passing) -> None:
        """Say so when no call succeeds any more, long before the first trial is given up."""
        self.n_failed += 1
        if self.on_doubt is not None and isinstance(reason, _Unreachable | _Lost):
            self.on_doubt(reason)
        if self.n_failed == self.settings.give_up_after:
            _log.warning("%s: the last %d calls failed: %s; trying on", self.url, self.n_failed, reason)

    def _open(self) -> aiohttp.ClientSession:
        # Not `trust_env`: it also takes passwords from a .netrc, and looks both up anew for every call.
        proxy = self.proxy
        if proxy and urlsplit(proxy).scheme not in ("http", "https"):
            raise EngineError(
                f"the environment's proxy is {self.key.clean(proxy)}, and only http and https proxies are spoken "
                f"here; set another, or put {self.host} into no_proxy"
            )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self.settings.concurrency,
                socket_factory=_watched_socket if self.on_doubt is not None else None,
                # Made here, so that SSL_CERT_FILE counts however late it was set.
                ssl=ssl.create_default_context() if self._is_tls else True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self.key.headers,
            proxy=proxy or None,
        )
        return self._session

    def _silence(self) -> Exception:
        if not self.has_answered:
            return EngineError(
                f"{self.url} takes the connection and says nothing: is it the port of a model server, and is the "
                "model loaded?"
            )
        return _Lost(f"no reply within {self.settings.timeout_s:g} s", is_congestion=True)

    def _broken(self, error: aiohttp.ClientError) -> Exception:
        """What a connection that failed means."""
        said = self.key.clean(f"{type(error).__name__} {error}")
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return EngineError(
                f"{self.url}: its certificate is not trusted ({self.key.clean(str(error.certificate_error))}); use the "
                "host name that the certificate is for, or set SSL_CERT_FILE to a file with the certificate of who "
                "signed it"
            )
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            return EngineError(f"{self.url} does not speak TLS ({said}); write http:// if that is meant")
        is_proxys = isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError)
        if is_proxys and not self.has_answered:
            return EngineError(
                f"the environment's proxy {self.key.clean(self.proxy)} does not let through to {self.host} ({said}); "
                f"correct {'https' if self._is_tls else 'http'}_proxy, or put the host into no_proxy"
            )
        if isinstance(error, aiohttp.ClientConnectorError):
            return _Unreachable(self.key.clean(str(error)))
        if isinstance(error, aiohttp.ClientResponseError) and not self.has_answered:
            return EngineError(f"{self.url} does not speak HTTP ({said}); correct openai:URL#MODEL")
        return _Lost(f"connection failed: {said}")

    def _refuse(self, status: int, headers: Mapping[str, str], said: str, text: str) -> None:
        """Raise what a status, of HTTP or of an error in a reply, means for others too."""
        if status in (401, 403):
            raise AccessRefused(f"{self.url} refuses {self.key.blame} ({said})")
        if status == 402 or (status == 429 and "insufficient_quota" in text):
            raise AccessRefused(f"{self.url}: the account's quota is used up ({said})")
        if status in _TRANSIENT or (status >= 500 and status not in _LASTING):
            raise Passing(said, wait_s=_retry_after(headers), is_congestion=status in _CONGESTED)
        if status in (404, 405):
            raise NotThere(f"{said}; the base URL usually ends in /v1")
        if 300 <= status < 400:
            target = self.key.clean(headers.get("Location", "")).partition("?")[0]
            raise EngineError(f"{said}; the server redirects to {target or 'nowhere'}, write the URL that is meant")


def _watched_socket(address: Any) -> socket.socket:
    """A socket whose peer is missed after 20 s: one that is cut off, or whose machine is gone, says nothing."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _MISSED.items():
        if (option := getattr(socket, name, None)) is not None:  # other systems have other names, or none
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a number, in milliseconds where one is given so, or an HTTP date."""
    value = headers.get("Retry-After", "")
    with suppress(ValueError):
        return max(0.0, float(headers.get("Retry-After-Ms", "")) / 1000)
    if not value:
        return None
    with suppress(ValueError):
        return max(0.0, float(value))
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
