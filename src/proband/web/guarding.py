"""What stands before every page: whose request it is, how large, and what the browser may do with the answer.

One ASGI middleware, `Guard`, for the viewer and the seat alike. It knows doors (`Door`), each for the pages under a
path and with a cookie of its own, and leaves to the pages what they show. Nothing here reads a run.
"""

import hmac
import secrets
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import Protocol
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proband.errors import DesignError

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    # Not no-referrer: under that a browser sends `Origin: null` with a form, and the form is refused.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
KEY, FORM_TOKEN = "key", "form_token"  # of the address; of a form
MOST_BYTES = 64 * 1024  # of a form
_UNKNOWN, _WITHIN_S = 20, 60.0  # unknown links that one address may try, and in which time
_MOST_CLIENTS = 10_000
_MOST_FIELDS = 1_000
_HOP = '<!doctype html><meta http-equiv="refresh" content="0; url={there}"><title>…</title><a href="{there}">…</a>'

# What a refusal says; `Guard` takes other words for the same names, e.g. in the language of a study.
WORDS: Mapping[str, str] = {
    "host": "This address is not one that is served here.",
    "plain": "This page is served over https only.",
    "unknown": "This link is unknown or used up. Open the link that was given to you, or ask for a new one.",
    "often": "Too many unknown links were tried from here. Wait a minute, and open the link that was given to you.",
    "stranger": "Open this page by the link that was given to you.",
    "foreign": "This form was sent from another page and was not taken. Go back, reload the page and send it again.",
    "large": "This is larger than the form takes. Go back and shorten it.",
    "form": "Only forms are taken here.",
}


class Door(Protocol):
    """Who may come in under a path: keys of links are exchanged for the value of a cookie."""

    @property
    def path(self) -> str:
        """Where its pages begin, e.g. ``/``; of several doors the longest that fits counts."""

    @property
    def cookie(self) -> str:
        """Name of its cookie; no two doors share one."""

    def enter(self, key: str) -> str | None:
        """The value of the cookie for the key of a link; None for one that is unknown or used up."""

    def knows(self, value: str) -> bool:
        """Whether a cookie of this value was given out."""


class OneTimeDoor:
    """A door that each link opens once; whoever came in by it stays in while the server runs."""

    def __init__(self, cookie: str, path: str = "/") -> None:
        self.cookie, self.path = cookie, path
        self._keys: set[str] = set()
        self._inside: set[str] = set()

    def key(self) -> str:
        """The key of a new link: 128 random bits."""
        self._keys.add(key := secrets.token_urlsafe(16))
        return key

    def enter(self, key: str) -> str | None:
        """See `Door.enter`."""
        if (found := among(key, self._keys)) is None:
            return None
        self._keys.discard(found)
        self._inside.add(value := secrets.token_urlsafe(16))
        return value

    def knows(self, value: str) -> bool:
        """See `Door.knows`."""
        return among(value, self._inside) is not None


def among(secret: str, known: Iterable[str]) -> str | None:
    """The same secret among those that are known, each compared in constant time."""
    given = secret.encode("utf-8", "surrogateescape")
    return next((other for other in sorted(known) if hmac.compare_digest(given, other.encode())), None)


class Guard:
    """Lets through what comes from this server's own pages, from whom a door knows, and no more.

    Parameters
    ----------
    app : ASGI application
        The pages. They find in ``request.state``: ``form_token``, to be put in every form as the hidden field of that
        name; ``who``, the value of the door's cookie; and on a POST ``form``, a mapping of field to its values. So no
        page parses a body.
    doors : sequence of Door
        At least one. What no door leads to is refused, unless `opened` names it.
    opened : sequence of str
        Paths that need no door, e.g. ``/static/``: one that ends in a slash opens what is under it.
    public : str, optional
        ``https://NAME`` under which a proxy serves this; then no other name is taken, and no plain HTTP.
    secret : bytes, optional
        What form tokens are made with; give the same one so that open forms live through a restart.
    words : mapping, optional
        Other words for refusals, by the names in `WORDS`.
    most_bytes : int
        Largest body of a form.

    Raises
    ------
    DesignError
        If `public` is no https address of a host alone, or two doors share a cookie.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        doors: Sequence[Door],
        opened: Sequence[str] = ("/static/",),
        public: str | None = None,
        secret: bytes | None = None,
        words: Mapping[str, str] = WORDS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        if len({door.cookie for door in doors}) < len(doors):
            raise DesignError("two doors share a cookie; give each its own")
        self.app, self.doors, self.opened = app, tuple(doors), tuple(opened)
        self.hosts = LOOPBACK if public is None else (public_name(public),)
        self.is_public = public is not None
        self.words, self.most_bytes = {**WORDS, **words}, most_bytes
        self._secret = secrets.token_bytes(32) if secret is None else secret
        self._unknown: dict[str, deque[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or pass the request on; every answer gets the headers."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":

            async def guarded(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = MutableHeaders(scope=message)
                    for name, value in HEADERS.items():
                        headers.setdefault(name, value)  # a page may have a policy of its own
                await send(message)

            await self._answer(scope, receive, guarded)
        else:  # nothing of ours opens a websocket
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, door = Headers(scope=scope), self._door(scope["path"])
        if self._strange_host(headers):
            return await self._refuse("host", 400)(scope, receive, send)
        if self.is_public and scope["scheme"] != "https":
            return await self._refuse("plain", 400)(scope, receive, send)
        value = _cookie(headers, door.cookie) if door is not None else ""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if door is not None and scope["method"] in ("GET", "HEAD") and KEY in query:
            return await self._entered(door, query[KEY][0], scope)(scope, receive, send)
        if door is not None and value and not door.knows(value):
            value = ""
        if not value and not self._is_opened(scope["path"]):
            return await self._refuse("stranger", 403)(scope, receive, send)
        state = scope.setdefault("state", {})
        state["who"], state[FORM_TOKEN] = value, self._form_token(value)
        if scope["method"] not in ("GET", "HEAD"):
            body, refusal = await self._form(scope, receive, headers)
            if refusal is not None:
                return await refusal(scope, receive, send)
            receive = _again(body, receive)
        return await self.app(scope, receive, send)

    def _door(self, path: str) -> Door | None:
        fitting = [door for door in self.doors if path.startswith(door.path)]
        return max(fitting, key=lambda door: len(door.path), default=None)

    def _is_opened(self, path: str) -> bool:
        return any(path == opened or (opened[-1] == "/" and path.startswith(opened)) for opened in self.opened)

    def _strange_host(self, headers: Headers) -> bool:
        """Whether the name that was asked for is not ours: a foreign one that was pointed here, or two at once.

        The port is not looked at: it is another one behind a tunnel.
        """
        given = headers.getlist("host")
        return len(given) != 1 or host_name(given[0]) not in self.hosts

    def _entered(self, door: Door, key: str, scope: Scope) -> Response:
        """The answer to a link with a key: the cookie, and the same address without the key."""
        client = (scope.get("client") or ("",))[0]
        if self._is_limited(client):
            return self._refuse("often", 429)
        value = door.enter(key)
        if value is None:
            self._unknown.setdefault(client, deque()).append(time.monotonic())
            return self._refuse("unknown", 403)
        kept = [pair for pair in parse_qsl(scope["query_string"].decode("latin-1")) if pair[0] != KEY]
        # A path that begins with two slashes would be read as the name of another host.
        path = "/" + scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0].lstrip("/")
        there = path + (f"?{urlencode(kept)}" if kept else "")
        answer: Response = RedirectResponse(there, 303)
        if Headers(scope=scope).get("sec-fetch-site", "none") in ("cross-site", "same-site"):
            # A strict cookie is not sent on a way that began on another site, redirects included: begin a new one here.
            answer = HTMLResponse(_HOP.format(there=escape(there)))
        answer.set_cookie(door.cookie, value, path=door.path, secure=self.is_public, httponly=True, samesite="strict")
        return answer

    def _is_limited(self, client: str) -> bool:
        """Whether this client has tried too many unknown links of late."""
        now = time.monotonic()
        for name in [client] if len(self._unknown) < _MOST_CLIENTS else list(self._unknown):
            tried = self._unknown.get(name, deque())
            while tried and now - tried[0] > _WITHIN_S:
                tried.popleft()
            if not tried:
                self._unknown.pop(name, None)
        return len(self._unknown.get(client, ())) >= _UNKNOWN

    async def _form(self, scope: Scope, receive: Receive, headers: Headers) -> tuple[bytes, Response | None]:
        """The body of a form that one of our own pages sent, or why it is refused."""
        own = f"{scope['scheme']}://{headers['host']}"
        if headers.get("origin", own) != own or headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return b"", self._refuse("foreign", 403)
        if headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            return b"", self._refuse("form", 415)
        body = await _body(receive, self.most_bytes)
        if body is None:
            return b"", self._refuse("large", 413)
        try:
            form = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            return b"", self._refuse("form", 400)
        given = form.pop(FORM_TOKEN, [""])[0]
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), scope["state"][FORM_TOKEN].encode()):
            return b"", self._refuse("foreign", 403)
        scope["state"]["form"] = form
        return body, None

    def _form_token(self, value: str) -> str:
        """What a form of this visitor has to send back; nobody else can make it."""
        return hmac.new(self._secret, value.encode(), sha256).hexdigest()

    def _refuse(self, word: str, status: int) -> Response:
        return PlainTextResponse(self.words[word] + "\n", status)


def host_name(host: str) -> str:
    """The name in a Host header, without its port; an IPv6 address keeps its brackets."""
    if host.startswith("["):
        name, bracket, port = host.partition("]")
        return (name + bracket).lower() if not port or (port[0] == ":" and port[1:].isdigit()) else ""
    name, colon, port = host.partition(":")
    return name.lower().removesuffix(".") if not colon or port.isdigit() else ""


def public_name(public: str) -> str:
    """The name of the host in ``https://NAME``.

    Raises
    ------
    DesignError
        If it is anything else.
    """
    parts = urlsplit(public)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
        raise DesignError(f"--public {public}: give https:// and the name under which people reach it, nothing more")
    return host_name(parts.netloc)


def _cookie(headers: Headers, name: str) -> str:
    """The value of a cookie; empty where there is none."""
    try:
        found = SimpleCookie("; ".join(headers.getlist("cookie"))).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


async def _body(receive: Receive, most: int) -> bytes | None:
    """What was sent, or None where it is more than that."""
    parts = bytearray()
    while True:
        message = await receive()
        parts += message.get("body", b"")
        if len(parts) > most or message["type"] != "http.request":  # or the visitor has gone
            return None
        if not message.get("more_body", False):
            return bytes(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives what was read once more, and after it what the server has to say."""
    waiting = [body]

    async def give() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return give
