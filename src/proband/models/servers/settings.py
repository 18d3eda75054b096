"""How a server is called; nothing here changes what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from proband.errors import EngineError

Mode = Literal["live", "batch"]
TextsBy = Literal["auto", "walk", "echo"]

_WORDS = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
_WAY_OUT = "; write openai:http://HOST:PORT/v1#MODEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a server is called.

    Attributes
    ----------
    concurrency : int
        Most calls in flight together. Begins lower, grows while the server keeps up, and is halved when it does
        not; see `proband.models.servers.pacing.Pace`.
    timeout_s : float
        Seconds a call may take.
    attempts : int
        Calls at most before a trial is given up.
    backoff_s, longest_wait_s : float
        Wait before the second attempt, doubled from then on and spread by a factor of 0.5 to 1.5; no wait,
        the server's Retry-After included, is longer than `longest_wait_s`.
    give_up_after : int
        Trials given up one after another, none answered between them, after which the run stops.
    requests_per_minute, tokens_per_minute : float or None
        Most calls, and most prompt and reply tokens, in any minute; None for no limit.
    warm_prefixes : bool or None
        Whether one trial of those that begin alike goes first, and the others when it is back. None: where the
        server is known to keep prefixes (vLLM, SGLang, llama.cpp).
    texts_by : {"auto", "walk", "echo"}
        How vLLM is asked for option texts; "auto" takes the walk where it works. The manifest says which it was.
    price : tuple of float or None
        US dollars per million tokens, prompt and completion; None looks into the price table.
    min_coverage : float
        Least probability that listed labels must cover for others to be filled in; see `read_labels`.
    mode : {"live", "batch"}
        "batch" hands all trials to the provider's batch API and waits for its files.
    poll_s : float
        Seconds between two looks at a batch.
    window : str
        Time the provider has for a batch, in its own words.
    state : str
        Folder that remembers submitted batches; empty for the user's state folder.
    """

    concurrency: int = 64
    timeout_s: float = 300.0
    attempts: int = 5
    backoff_s: float = 1.0
    longest_wait_s: float = 60.0
    give_up_after: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    warm_prefixes: bool | None = None
    texts_by: TextsBy = "auto"
    price: tuple[float, float] | None = None
    min_coverage: float = 0.5
    mode: Mode = "live"
    poll_s: float = 30.0
    window: str = "24h"
    state: str = ""

    def __post_init__(self) -> None:
        if min(self.concurrency, self.attempts, self.give_up_after) < 1 or self.timeout_s <= 0:
            counts = "concurrency, attempts and give_up_after"
            raise EngineError(f"server settings: {counts} must be at least 1, timeout_s above 0")
        if min(self.backoff_s, self.longest_wait_s) < 0 or not 0 <= self.min_coverage <= 1:
            raise EngineError("server settings: waits must not be negative, min_coverage must lie in [0, 1]")
        for name in ("requests_per_minute", "tokens_per_minute", "poll_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise EngineError(f"server setting {name} is {value}; it must be above 0, or be left out")
        if self.price is not None and (len(self.price) != 2 or min(self.price) < 0):
            raise EngineError(f"server setting price is {self.price}; write two amounts, e.g. price=0.15,0.60")
        for name, known in (("mode", get_args(Mode)), ("texts_by", get_args(TextsBy))):
            if getattr(self, name) not in known:
                raise EngineError(f"server setting {name} is {getattr(self, name)!r}; write one of {', '.join(known)}")


def settings_from(options: Mapping[str, Any]) -> ServerSettings:
    """Settings of an address or of a call, each text or its own type; `EngineError` for a wrong name or value.

    Examples
    --------
    >>> settings_from({"price": "0.15,0.60", "warm_prefixes": "off"}).price
    (0.15, 0.6)
    """
    known = [field.name for field in fields(ServerSettings)]
    if unknown := set(options) - set(known):
        raise EngineError(f"a server takes no option {', '.join(sorted(unknown))}; it takes {', '.join(known)}")
    return ServerSettings(**{name: _value(name, value) for name, value in options.items()})


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str) or name in ("mode", "texts_by", "window", "state"):
        return value
    try:
        if name == "price":
            prompt, completion = (float(part) for part in value.split(","))
            return prompt, completion
        if name == "warm_prefixes":
            return _WORDS[value.strip().lower()]
        return int(value) if name in ("concurrency", "attempts", "give_up_after") else float(value)
    except (ValueError, KeyError):
        hint = "on or off" if name == "warm_prefixes" else "a number, or price=0.15,0.60"
        raise EngineError(f"server setting {name} is {value!r}; write {hint}") from None


def checked_url(url: str) -> str:
    """Base URL in normal form; ``/v1`` is added to a bare host.

    What holds a user, password or query, which must not reach a manifest, is refused.

    Examples
    --------
    >>> checked_url("http://127.0.0.1:8000")
    'http://127.0.0.1:8000/v1'
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise EngineError(f"bad URL {url!r}: {error}{_WAY_OUT}") from None
    if parts.username or parts.password or parts.query:
        raise EngineError(f"a URL must hold no user, password or query; put the key in PROBAND_API_KEY{_WAY_OUT}")
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() for c in url.strip()):
        raise EngineError(f"bad URL {url!r}{_WAY_OUT}")
    path = parts.path.rstrip("/") or "/v1"
    if path.endswith("/completions"):
        raise EngineError(f"bad URL {url!r}: give the base, without {path[path.rfind('/v1') + 3 :]}{_WAY_OUT}")
    return f"{parts.scheme}://{parts.netloc}{path}"
