"""What went wrong, as servers say it: in JSON of every make, a page, plain text, or a 200."""

import json
import re
from typing import Any

from proband.models.servers.protocol import Json

# What `json.loads` and a look into what it gave may raise, whatever bytes a server sends.
ODD = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
# Where an error has no code of HTTP's, its kind in words says as much.
_KINDS = (
    (429, ("rate_limit", "rate limit", "too_many_requests", "insufficient_quota", "resource_exhausted")),
    (503, ("overloaded", "unavailable", "timeout", "server_error", "internal")),
    (401, ("authentication", "invalid_api_key", "unauthenticated")),
)
# What passes, in words; asked for where there is no code and no kind.
_PASSING = (
    (429, re.compile(r"rate.?limit|too many (?:requests|tokens)|\bqps\b", re.I)),
    (503, re.compile(r"overloaded|\bbusy\b|unavailable|try again|timed? ?out", re.I)),
)
# A body of nothing else is an error, though it has no field "error".
_FIELDS = (
    "detail details errors message msg title reason code status status_code type param object id request_id success "
    "timestamp path instance error_code error_msg base_resp fault Message"
)
_OF_AN_ERROR = frozenset(_FIELDS.split())
_WORDS: tuple[str, ...] = (
    "error",
    "message",
    "Message",
    "detail",
    "msg",
    "error_msg",
    "errors",
    "base_resp",
    "status_msg",
    "fault",
)
_WORDS += ("faultstring", "reason", "title")


def parse(raw: bytes) -> Any:
    """JSON as a server sends it; `ValueError` where it is none, however deep it is.

    Half of a surrogate pair, which can be stored nowhere, becomes U+FFFD.
    """
    try:
        found = json.loads(raw)
        if b"\\ud" in raw.lower():
            text = json.dumps(found, ensure_ascii=False)
            found = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def error_in(reply: Json) -> tuple[str, int] | None:
    """The words and the code of an error that a body is, whatever its HTTP status was; 0 for no code."""
    error: Any = reply.get("error")
    filled = {name for name, value in reply.items() if value not in (None, "", False) and value != [] and value != {}}
    is_bare = filled <= _OF_AN_ERROR and not filled.isdisjoint(_WORDS)
    if error is True or (not error and (reply.get("object") == "error" or is_bare)):
        error = reply | {"error": None}
    if not error and isinstance(choices := reply.get("choices"), list) and len(choices) == 1:
        error = choices[0].get("error") if isinstance(choices[0], dict) else None
    if not error:
        return None
    holders = [error, reply] if isinstance(error, dict) else [reply]
    named = [holder.get(name) for holder in holders for name in ("code", "status", "status_code", "type")]
    codes = (int(str(code)) for code in named if re.fullmatch("[45][0-9][0-9]", str(code)[:9]))
    kind = " ".join(code.lower() for code in named if isinstance(code, str))
    by_kind = (code for code, kinds in _KINDS if any(word in kind for word in kinds))
    words = words_of(error)
    by_words = (code for code, passing in _PASSING if passing.search(words))
    return words, next(codes, next(by_kind, next(by_words, 0)))


def words_of(error: Any) -> str:
    """What an error says in words: a body, a part of one, or a text."""
    said = error
    for _ in range(4):
        if isinstance(said, list) and said:
            said = said[0]
        elif isinstance(said, dict):
            inner = next((said[name] for name in _WORDS if said.get(name)), None)
            if inner is None:
                break
            raw = said["metadata"].get("raw") if isinstance(said.get("metadata"), dict) else None
            # A broker passes on what the provider said; its own message is only that there was an error.
            said = f"{inner}: {raw}" if isinstance(raw, str) and isinstance(inner, str) else inner
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return " ".join(text.split())[:300] or "no message"


def message_of(text: str) -> str:
    """What an error reply says, be it JSON, a page or plain text."""
    try:
        return words_of(parse(text.encode("utf-8", "replace")) or text)
    except (ValueError, RecursionError):
        return words_of(_without_tags(text))


def _without_tags(text: str) -> str:
    if text.lstrip()[:1] != "<":
        return text
    return re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", text[:20_000], flags=re.S | re.I)
