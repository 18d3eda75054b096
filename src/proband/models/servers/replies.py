"""What a reply of a server says: a text, log-probabilities, tokens, or why no answer is in it."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from proband.errors import EngineError
from proband.models.servers.protocol import Dialect, Json, Malformed, estimated
from proband.models.servers.refusals import ODD
from proband.reasoning import is_mark
from proband.records import Completion, Request

LEAST_LOG_PROB = -9000.0  # vLLM writes -9999 for minus infinity, which JSON cannot hold
_MOST_TOKENS = 10**8  # more in one call is no count
_MOST_SUM = 1.05  # probabilities in bfloat16 add up to a little more than 1, but not to more than this
# Reasons why writing ended, as the servers of the trade name them (OpenAI, Anthropic, Gemini, Cohere, Mistral, TGI,
# watsonx, LM Studio, llama.cpp), in lower case with one underscore between words.
_REASONS = {
    "stop": "stop eos eos_token eosfound end_turn stop_sequence stop_token stopstringfound word end_of_text endoftext "
    "end complete completed finish finished done end_of_turn endofturn stop_str matched_stop",
    "length": "length max_tokens max_length max_new_tokens max_output_tokens max_completion_tokens maximum_tokens "
    "token_limit limit model_length model_context_window_exceeded maxpredictedtokensreached contextlengthreached "
    "max_token",
    "withheld": "content_filter content_filtered filtered safety image_safety recitation blocklist blocked "
    "prohibited_content spii guardrail_intervened error_toxic sensitive moderation refusal",
    "broken": "abort aborted cancel cancelled canceled user_cancel userstopped error failed failure timeout time_limit "
    "shutdown unload modelunloaded insufficient_system_resource internal_error overloaded not_finished "
    "network_error disconnect disconnected preempted engine_overloaded load stopped_by_user",
}
_ENDINGS = {word: how for how, words in _REASONS.items() for word in words.split()}
# Parts of a message that are not its text.
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_content"})
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking")
_RAW_MARKS = str.maketrans("▁ĠĊĉ", "    ")  # white space as vocabularies write it


class Withheld(EngineError):
    """A reply without an answer to this trial; another call would bring none, and it says nothing of other trials."""


class Unfinished(Malformed):
    """A reply that the server broke off."""


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
        # Some leave thoughts out of what was written, and count them in the total only.
        written = max(written, total - prompt) * bool(prompt) or written
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
    word = re.sub(r"[\s-]+", "_", finish.strip().casefold()) if isinstance(finish, str) else ""
    how = _ENDINGS.get(word.removeprefix("finish_reason_"), "unknown")
    if how in ("stop", "length"):
        return "stop" if how == "stop" else "length"
    if how == "withheld":
        raise Withheld(f"the provider's filter withheld the reply (finish_reason {finish})")
    if how == "broken":
        raise Unfinished(f"the server broke the reply off (finish_reason {_short(finish)})")
    raise Withheld(
        f"the reply may be unfinished: its finish_reason is {_short(finish)}, which is not known to end one; "
        "ask by label or option_text, or at a server that says how a reply ended"
    )


def _finish_of(choice: Json) -> Any:
    """Why writing ended; where a broker calls a "stop" what the provider does not, the provider is believed."""
    said, native = choice.get("finish_reason"), choice.get("native_finish_reason")
    word = native.casefold() if isinstance(native, str) else ""
    return native if said == "stop" and _ENDINGS.get(word, "stop") != "stop" else said


def read_text(reply: Json, dialect: Dialect) -> Completion:
    """Written reply of a chat completion; what a server splits off as reasoning is no part of it."""
    choice = _only(reply)
    message = choice.get("message")
    if not isinstance(message, dict) or not message.keys() & {"content", "refusal", *_THOUGHT_FIELDS}:
        raise Malformed(f"the reply holds no message: {_short(choice)}")
    finish = ending(_finish_of(choice))
    content = message.get("content") or message.get("refusal") or ""
    text = "".join(map(_part, content)) if isinstance(content, list) else content
    if not isinstance(text, str):
        raise Malformed(f"the reply's content is no text but {type(text).__name__}: {_short(text)}")
    if dialect.opens and not any(message.get(name) for name in _THOUGHT_FIELDS):
        # The prompt ended with this mark: what follows begins inside it, and a reply cut short never left it.
        text = dialect.opens.mark + text
    return Completion(text=text, finish=finish)


def read_vectors(reply: Json, *, n: int) -> list[list[float]]:
    """The vectors of `n` texts, in the order asked, whatever the order they came in."""
    rows = sorted(reply["data"], key=lambda row: row["index"])
    vectors = [row["embedding"] for row in rows]
    lengths = {len(vector) for vector in vectors}
    if [row["index"] for row in rows] != list(range(n)) or len(lengths) != 1 or 0 in lengths:
        raise Malformed(f"{len(rows)} vectors of lengths {sorted(lengths)} came for {n} texts")
    if not all(type(x) in (int, float) and math.isfinite(x) for vector in vectors for x in vector):
        raise Malformed("a vector holds what is no number")
    return vectors


def _part(part: Any) -> str:
    """The text of one part of a message's content."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise Withheld(f"a part of the reply is no text: {_short(part)}")
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
    finish, text = ending(_finish_of(choice)), choice.get("text")
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
    alternatives = (content[0]["top_logprobs"] if content else None) or ()
    listed: dict[Any, tuple[str, float]] = {}
    last = 0.0
    for place, entry in enumerate(alternatives):
        text = _token_text(entry)
        if text is None:
            continue
        number = log_prob(entry.get("logprob"))
        if number is None and text in labels:
            raise Withheld(f"label {text} came without a log-probability ({_short(entry.get('logprob'))})")
        if number is not None and number > -math.inf:
            # The token that was drawn, listed once more behind less probable ones.
            if number > last and (text, math.exp(number)) in listed.values():
                continue
            last = number
            id_ = next((entry[name] for name in ("id", "token_id") if isinstance(entry.get(name), int)), None)
            listed[("place", place) if id_ is None else id_] = text, math.exp(number)
    if not listed or len(alternatives) < n_listed:
        raise Malformed(f"log-probabilities of {len(alternatives)} tokens came, where {n_listed} were due")
    likeliest = max(listed.values(), key=lambda found: found[1])[0]
    if is_mark(likeliest, has_channels=True):
        raise Withheld(f"the first token is {likeliest}, where reasoning begins; ask with answer_by = 'written'")
    if (total := math.fsum(p for _, p in listed.values())) > _MOST_SUM:
        raise Withheld(f"the probabilities of the first token add up to {total:.3g}; they are none")
    return list(listed.values())


def _token_text(entry: Any) -> str | None:
    """A token's text without white space, be it as text or as bytes; None where an entry holds neither."""
    text = entry.get("token") if isinstance(entry, dict) else None
    if not isinstance(text, str):
        try:
            text = bytes(entry["bytes"]).decode("utf-8", "replace")
        except ODD:
            return None
    return text.translate(_RAW_MARKS).strip()


def log_prob(value: Any) -> float | None:
    """A log-probability, in nats; None where a server gave something else, such as null."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= 1e-3:
        return None
    return min(0.0, float(value)) if value > LEAST_LOG_PROB else -math.inf


def by_index(reply: Json, n: int) -> list[Json]:
    """Choices in the order of the prompts."""
    choices = list(reply["choices"])
    if len(choices) != n:
        raise Malformed(f"the server returned {len(choices)} choices for {n} prompts")
    indices = [choice.get("index", 0) for choice in choices]
    if any(indices) and sorted(indices) != list(range(n)):
        raise Malformed(f"the server numbered {n} choices {_short(indices)}")
    return sorted(choices, key=lambda choice: int(choice.get("index", 0)))


def _only(reply: Json) -> Json:
    choices = reply.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        n = len(choices) if isinstance(choices, list) else "no"
        raise Malformed(f"the server returned {n} choices for 1 prompt: {_short(reply)}")
    return choices[0]


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:197] + "..."
