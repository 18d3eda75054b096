"""What a reply of a server says: a text, log-probabilities, tokens, or why no answer is in it."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from proband.errors import EngineError
from proband.models.servers.protocol import Dialect, Json, Malformed, estimated
from proband.records import Completion, Request

LEAST_LOG_PROB = -9000.0  # vLLM writes -9999 for minus infinity, which JSON cannot hold
# What `json.loads` and a look into what it gave may raise, whatever bytes a server sends.
ODD = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_MOST_TOKENS = 10**8  # more in one call is no count
_MOST_SUM = 1.05  # probabilities in bfloat16 add up to a little more than 1, but not to more than this
# Reasons why writing ended, as the servers of the trade name them (OpenAI, Anthropic, Gemini, Cohere, Mistral, TGI,
# watsonx, LM Studio, llama.cpp), in lower case with one underscore between words.
_ENDED = frozenset(
    [
        "stop",
        "eos",
        "eos_token",
        "eosfound",
        "end_turn",
        "stop_sequence",
        "stop_token",
        "stopstringfound",
        "word",
        "end_of_text",
        "endoftext",
        "end",
        "complete",
        "completed",
        "finish",
        "finished",
    ]
)
_FULL = frozenset(
    [
        "length",
        "max_tokens",
        "max_length",
        "max_new_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "maximum_tokens",
        "token_limit",
        "limit",
        "model_length",
        "model_context_window_exceeded",
        "maxpredictedtokensreached",
        "contextlengthreached",
    ]
)
_WITHHELD = frozenset(
    [
        "content_filter",
        "content_filtered",
        "filtered",
        "safety",
        "image_safety",
        "recitation",
        "blocklist",
        "blocked",
        "prohibited_content",
        "spii",
        "guardrail_intervened",
        "error_toxic",
        "sensitive",
        "moderation",
        "refusal",
    ]
)
_BROKEN = frozenset(
    [
        "abort",
        "aborted",
        "cancel",
        "cancelled",
        "canceled",
        "user_cancel",
        "userstopped",
        "error",
        "failed",
        "failure",
        "timeout",
        "time_limit",
        "shutdown",
        "unload",
        "modelunloaded",
        "insufficient_system_resource",
        "internal_error",
        "overloaded",
        "not_finished",
    ]
)
# Parts of a message that are not its text.
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_content"})
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking")
# Where an error has no code of HTTP's, its kind in words says as much.
_KINDS = (
    (429, ("rate_limit", "rate limit", "too_many_requests", "insufficient_quota", "resource_exhausted")),
    (503, ("overloaded", "unavailable", "timeout", "server_error", "internal")),
    (401, ("authentication", "invalid_api_key", "unauthenticated")),
)
# A body of nothing else is an error, though it has no field "error".
_OF_AN_ERROR = frozenset(
    [
        "detail",
        "details",
        "errors",
        "message",
        "msg",
        "title",
        "reason",
        "code",
        "status",
        "status_code",
        "type",
        "param",
        "object",
        "id",
        "request_id",
        "success",
        "timestamp",
        "path",
        "instance",
    ]
)
_RAW_MARKS = str.maketrans("▁ĠĊĉ", "    ")  # white space as vocabularies write it


class Withheld(EngineError):
    """A reply without an answer to this trial; another call would bring none, and it says nothing of other trials."""


class Unfinished(Malformed):
    """A reply that the server broke off."""


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
    is_bare = reply.keys() <= _OF_AN_ERROR and reply.keys() & {"detail", "errors", "message", "msg"}
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
    return words_of(error), next(codes, next(by_kind, 0))


def words_of(error: Any) -> str:
    """What an error says in words: a body, a part of one, or a text."""
    said = error
    for _ in range(4):
        if isinstance(said, list) and said:
            said = said[0]
        elif isinstance(said, dict):
            names = ("error", "message", "detail", "msg", "errors", "reason", "title")
            inner = next((said[name] for name in names if said.get(name)), None)
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


def spent_on(request: Request, reply: Json) -> Json:
    """Tokens of a prompt and a reply, by the server's count; what it does not count is estimated, and called so.

    0, a negative number, a text or another odd value is no count.
    """
    usage = reply.get("usage")
    counted: Mapping[str, Any] = usage if isinstance(usage, dict) else {}
    prompt = _count(counted, "prompt_tokens", "input_tokens")
    written = _count(counted, "completion_tokens", "output_tokens")
    if total := _count(counted, "total_tokens"):
        prompt = prompt or max(0, total - written) * bool(written)
        written = written or max(0, total - prompt) * bool(prompt)
    guess = estimated([request])
    return {
        "prompt_tokens": prompt or guess[0],
        "completion_tokens": written or guess[1],
        "is_estimated": not (prompt and written),
    }


def _count(usage: Mapping[str, Any], *names: str) -> int:
    """A number of tokens by one of its names; 0 where none stands there."""
    for name in names:
        value = usage.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= _MOST_TOKENS:
            return int(value)
    return 0


def ending(finish: Any) -> Literal["stop", "length"]:
    """How writing ended.

    Raises
    ------
    Withheld
        If a filter held the reply back, or it is not known that the reply has ended.
    Unfinished
        If the server broke it off.
    """
    if isinstance(finish, dict):  # SGLang's own form
        finish = finish.get("type")
    word = re.sub(r"[^a-z]+", "_", finish.casefold()).strip("_") if isinstance(finish, str) else ""
    word = word.removeprefix("finish_reason_")
    if word in _ENDED or word in _FULL:
        return "stop" if word in _ENDED else "length"
    if word in _WITHHELD:
        raise Withheld(f"the provider's filter withheld the reply (finish_reason {finish})")
    if word in _BROKEN:
        raise Unfinished(f"the server broke the reply off (finish_reason {_short(finish)})")
    raise Withheld(
        f"the reply may be unfinished: its finish_reason is {_short(finish)}, which is not known to end one; "
        "ask by label or option_text, or at a server that says how a reply ended"
    )


def read_text(reply: Json, dialect: Dialect) -> Completion:
    """Written reply of a chat completion; what a server splits off as reasoning is no part of it."""
    choice = _only(reply)
    message = choice.get("message")
    if not isinstance(message, dict) or not message.keys() & {"content", "refusal", *_THOUGHT_FIELDS}:
        raise Malformed(f"the reply holds no message: {_short(choice)}")
    finish = ending(choice.get("finish_reason"))
    content = message.get("content") or message.get("refusal") or ""
    text = "".join(map(_part, content)) if isinstance(content, list) else content
    if not isinstance(text, str):
        raise Malformed(f"the reply's content is no text but {type(text).__name__}: {_short(text)}")
    if dialect.opens and not any(message.get(name) for name in _THOUGHT_FIELDS):
        # The prompt ended with this mark: what follows begins inside it, and a reply cut short never left it.
        text = dialect.opens.mark + text
    return Completion(text=text, finish=finish)


def _part(part: Any) -> str:
    """The text of one part of a message's content."""
    if isinstance(part, str):
        return part
    kind = part.get("type", "text")
    text = part.get("refusal") if kind == "refusal" else part.get("text") if kind in ("text", "output_text") else None
    if kind in _THOUGHTS:
        return ""
    if not isinstance(text, str):
        raise Withheld(f"a part of the reply is no text: {_short(part)}")
    return text


def read_completed(reply: Json) -> Completion:
    """What a completion wrote behind a raw text."""
    choice = _only(reply)
    finish, text = ending(choice.get("finish_reason")), choice.get("text")
    if not isinstance(text, str):
        raise Malformed(f"the completion is no text but {type(text).__name__}: {_short(choice)}")
    return Completion(text=text, finish=finish)


def read_labels(reply: Json, labels: Sequence[str], *, min_coverage: float, n_listed: int = 1) -> Completion:
    """Log-probabilities of labels from the alternatives of the first token.

    Every listed token that is the label but for white space counts ("A" and " A", or "A" twice, are different tokens,
    so their probabilities add up); where the server gives ids, each id counts once. An alternative without a number is
    left out. A label that is not listed gets the most it can have, log(min(p_min, rest / n_missing)), with p_min the
    smallest listed probability and rest what the list leaves; OpinionQA's rule (Santurkar et al. 2023,
    arXiv:2303.17548), which takes the larger variant instead of the sum.

    Parameters
    ----------
    min_coverage : float
        Least probability that the listed labels must cover for others to be filled in.
    n_listed : int
        Alternatives that the list must hold; a shorter one is no basis for filling in.

    Raises
    ------
    Withheld
        If a label is listed without a number, labels are missing and those listed cover less than `min_coverage` of
        the probability, or the first token belongs to reasoning.
    Malformed
        If there are fewer than `n_listed` log-probabilities.
    """
    choice = _only(reply)
    if choice.get("finish_reason") is not None:  # one token was asked for: whether more would follow is no matter
        ending(choice["finish_reason"])
    message = choice.get("message")
    if isinstance(message, dict) and any(message.get(name) for name in _THOUGHT_FIELDS):
        raise Withheld("the first token belongs to the model's reasoning; ask with answer_by = 'written'")
    listed = _listed(choice, {label.strip() for label in labels}, n_listed)
    found = {label: sum(p for text, p in listed if text == label.strip()) for label in labels}
    missing = [label for label in labels if not found[label]]
    covered = sum(found.values())
    if missing and covered < min_coverage:
        raise Withheld(
            f"label(s) {', '.join(missing)} are not among the {len(listed)} most probable tokens, and the others cover "
            f"{covered:.3f} of the probability, less than {min_coverage}; ask with answer_by = 'written'"
        )
    if missing:
        rest = max(0.0, 1 - sum(p for _, p in listed))
        found |= dict.fromkeys(missing, min(min(p for _, p in listed), rest / len(missing)))
    logs = tuple(min(0.0, math.log(p)) if p > 0 else -math.inf for p in (found[label] for label in labels))
    return Completion(log_probs=logs, token_counts=(1,) * len(logs))


def _listed(choice: Json, labels: set[str], n_listed: int) -> list[tuple[str, float]]:
    """Alternatives of the first token: their texts without white space, and their probabilities."""
    content = (choice.get("logprobs") or {}).get("content") or []
    alternatives = content[0]["top_logprobs"] if content else ()
    listed: dict[Any, tuple[str, float]] = {}
    for place, entry in enumerate(alternatives):
        text, number = _token_text(entry), log_prob(entry.get("logprob"))
        if number is None and text in labels:
            raise Withheld(f"label {text} came without a log-probability ({_short(entry.get('logprob'))})")
        if number is not None and number > -math.inf:
            id_ = next((entry[name] for name in ("id", "token_id") if isinstance(entry.get(name), int)), None)
            listed[("place", place) if id_ is None else id_] = text, math.exp(number)
    if not listed or len(alternatives) < n_listed:
        raise Malformed(f"log-probabilities of {len(alternatives)} tokens came, where {n_listed} were due")
    if (total := math.fsum(p for _, p in listed.values())) > _MOST_SUM:
        raise Withheld(f"the probabilities of the first token add up to {total:.3g}; they are none")
    return list(listed.values())


def _token_text(entry: Json) -> str:
    """A token's text without white space, be it as text or as bytes."""
    text = entry.get("token")
    if not isinstance(text, str):
        text = bytes(entry["bytes"]).decode("utf-8", "replace")
    return text.translate(_RAW_MARKS).strip()


def log_prob(value: Any) -> float | None:
    """A log-probability, in nats; None where a server gave something else, such as null."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= 1e-3:
        return None
    return min(0.0, float(value)) if value > LEAST_LOG_PROB else -math.inf


def by_index(reply: Json, n: int) -> list[Json]:
    """Choices in the order of the prompts."""
    choices = sorted(reply["choices"], key=lambda choice: int(choice.get("index", 0)))
    if len(choices) != n:
        raise Malformed(f"the server returned {len(choices)} choices for {n} prompts")
    return choices


def _only(reply: Json) -> Json:
    choices = reply.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        n = len(choices) if isinstance(choices, list) else "no"
        raise Malformed(f"the server returned {n} choices for 1 prompt: {_short(reply)}")
    return choices[0]


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:197] + "..."
