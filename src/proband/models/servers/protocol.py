"""What is posted to an OpenAI-compatible server and how its replies are read; who posts is no matter here."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal, Protocol, TypeVar

from proband.errors import EngineError
from proband.records import Completion, Message, Request

Json = dict[str, Any]
Route = Literal["write", "complete", "label", "forced", "walk", "tokens", "transcript", ""]
Read = TypeVar("Read")

LEAST_LOG_PROB = -9000.0  # vLLM writes -9999 for minus infinity, which JSON cannot hold
_CACHING = frozenset({"vllm", "sglang", "llama.cpp"})
# These servers filter by top-k or min-p unless told not to; then a share is not the model's probability.
_UNFILTERED = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
_NEUTRAL: Mapping[str, Json] = {
    **{"llama.cpp": {"samplers": ["temperature", "top_p"]}, "vllm": _UNFILTERED, "sglang": _UNFILTERED}
}
SMALL = Request(messages=(Message("user", "Is water wet?"),), continuations=("Yes, it is", "No"), closes=True)
SMALL_RAW = Request(
    messages=(Message("user", "Is water wet?\nAnswer:"),), continuations=(" Yes, it is", " No"), is_raw=True
)


class GivenUp(EngineError):
    """A call failed in passing as often as it may; nothing is learnt about what the server can do."""


class AccessRefused(EngineError):
    """The server does not accept the key, or the account is spent: no further call can succeed."""


class Malformed(ValueError):
    """A reply that does not hold what was asked for; another call may bring it."""


class Ask(Protocol):
    """Posts bodies for one trial.

    `memo` outlives the trial: what depends on the server only (tokens of an option) is asked once.
    """

    memo: dict[str, Any]

    async def __call__(self, path: str, body: Json, *, read: Callable[[Json], Read]) -> Read:
        """Post to `path` and read the reply; a leading slash is the server's root, none is under its ``/v1``.

        What `read` cannot find (LookupError, TypeError, ValueError, AttributeError) is asked for again.
        """
        ...

    async def get(self, path: str, *, read: Callable[[Json], Read]) -> Read:
        """Get a page of JSON and read it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a server was found to do, by asking it.

    `texts` is how it scores whole texts: "forced" (llama.cpp: token-level grammar), "walk" (vLLM: the next tokens of
    every beginning of an option), "tokens" (vLLM: echo of token ids), "transcript" (echo of plain text, without a chat
    template), "" (not at all).
    """

    server: str  # llama.cpp, vllm, sglang, or openai for any other
    model: str  # name the server returned with its first reply
    limit: str = "max_tokens"  # its name for the greatest number of tokens
    top: int = 0  # alternatives of the next token that are asked for; 0 where it gives none
    listed: int = 0  # how many it gave when first asked; a later reply with fewer is not taken for an answer
    texts: Route = ""
    context: int | None = None  # tokens the model holds, where the server says
    template: str = ""  # hash of what the chat template makes of a fixed question, where the server shows it
    is_chat: bool = True  # whether it takes chat completions; a base model without is asked in raw text only

    @property
    def caches(self) -> bool:
        """Whether the server is known to keep the prefixes that it has computed."""
        return self.server in _CACHING

    def route(self, request: Request) -> Route:
        """How a request is put to this server; empty if it cannot be."""
        writes = request.verb == "write"
        if request.is_raw:
            if writes:
                return "complete" if request.schema is None else ""
            # Alternatives of a chat's first token are no use here, and only llama.cpp shows its end-of-text token.
            return "" if request.closes and self.texts != "forced" else self.texts
        if writes or not self.is_chat:
            return "write" if self.is_chat else ""
        return "label" if self.top and takes_one_token(request) else self.texts


def unsent(request: Request, dialect: Dialect, address: str) -> str:
    """Why a request cannot be put to a server, where raw text, or the lack of it, is the reason."""
    if not request.is_raw:
        return (
            f"{address} takes no chat completions (a base model without a chat template?); ask in raw text, e.g. with "
            "a prompt of template plain or turns"
        )
    if request.verb == "write":
        return f"{address} holds no raw text to a schema; ask without one"
    if not dialect.texts:
        return f"{address} gives no log-probabilities behind a raw text; ask a local model, or in writing"
    return (
        f"one option begins another, so that its end has to be scored, and {address} does not show its end-of-text "
        "token; reword the options, ask by label, or with worked exemplars"
    )


def takes_one_token(request: Request) -> bool:
    """Whether the first token of a reply tells the continuations apart: letters, numbers of one length."""
    labels = [text.strip() for text in request.continuations]
    short = all(len(label) == 1 or label.isdecimal() for label in labels)
    return short and not request.closes and not any(b.startswith(a) for a, b in permutations(labels, 2))


def turns(request: Request) -> list[dict[str, str]]:
    """The messages as the protocol writes them."""
    return [{"role": message.role, "content": message.text} for message in request.messages]


def _drawn(request: Request, limit: str, dialect: Dialect) -> Json:
    """How a reply is written: its length, how tokens are drawn, where it ends."""
    drawn: Json = {limit: request.max_tokens, "temperature": request.temperature, "top_p": request.top_p}
    drawn |= _NEUTRAL.get(dialect.server, {}) | ({"stop": list(request.stop)} if request.stop else {})
    return drawn if request.seed is None else drawn | {"seed": request.seed}


def write_body(request: Request, model: str, dialect: Dialect) -> Json:
    """Chat completion that writes a reply."""
    body = {"model": model, "messages": turns(request), **_drawn(request, dialect.limit, dialect)}
    if request.schema is not None:
        schema = {"name": "reply", "strict": True, "schema": json.loads(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def complete_body(request: Request, model: str, dialect: Dialect) -> Json:
    """Completion that goes on with a raw text."""
    # Here the limit has its old name everywhere.
    return {"model": model, "prompt": request.messages[0].text, **_drawn(request, "max_tokens", dialect)}


def label_body(request: Request, model: str, dialect: Dialect) -> Json:
    """Chat completion of one token with its alternatives; at temperature 1 no server rescales them."""
    body: Json = {"model": model, "messages": turns(request), dialect.limit: 1}
    body |= {"temperature": 1.0, "top_p": 1.0, "logprobs": True, "top_logprobs": dialect.top}
    return body | _NEUTRAL.get(dialect.server, {})


def read_text(reply: Json) -> Completion:
    """Written reply of a chat completion; `EngineError` if the provider withheld it."""
    choice = _only(reply)
    message = choice["message"]
    finish = choice.get("finish_reason")
    if finish == "content_filter":
        raise EngineError("the provider's filter withheld the reply (finish_reason content_filter)")
    text = message.get("content") or message.get("refusal") or ""
    if isinstance(text, list):
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    if not isinstance(text, str):
        raise Malformed(f"the reply's content is no text but {type(text).__name__}")
    return _written(text, finish, reply)


def read_completed(reply: Json) -> Completion:
    """What a completion wrote behind a raw text."""
    choice = _only(reply)
    text = choice["text"]
    if not isinstance(text, str):
        raise Malformed(f"the completion is no text but {type(text).__name__}")
    return _written(text, choice.get("finish_reason"), reply)


def _written(text: str, finish: object, reply: Json) -> Completion:
    return Completion(text=text, finish="length" if finish == "length" else "stop", **_usage(reply))


def read_labels(reply: Json, labels: Sequence[str], *, min_coverage: float, n_listed: int = 1) -> Completion:
    """Log-probabilities of labels from the alternatives of the first token.

    Every listed token that is the label but for white space counts (" A" and "A" are different tokens, so their
    probabilities add up). A label that is not listed gets the most it can have, log(min(p_min, rest / n_missing)),
    with p_min the smallest listed probability and rest what the list leaves; OpinionQA's rule (Santurkar et al. 2023,
    arXiv:2303.17548), which takes the larger variant instead of the sum.

    Parameters
    ----------
    min_coverage : float
        Least probability that the listed labels must cover for others to be filled in.
    n_listed : int
        Alternatives that the list must hold; a shorter one is no basis for filling in.

    Raises
    ------
    EngineError
        If labels are missing and those listed cover less than `min_coverage` of the probability.
    Malformed
        If there are fewer than `n_listed` log-probabilities.
    """
    content = (_only(reply).get("logprobs") or {}).get("content") or []
    alternatives = content[0]["top_logprobs"] if content else ()
    listed = {entry["token"]: math.exp(entry["logprob"]) for entry in alternatives if entry["logprob"] > LEAST_LOG_PROB}
    if not listed or len(alternatives) < n_listed:
        raise Malformed(f"log-probabilities of {len(alternatives)} tokens came, where {n_listed} were due")
    found = {label: sum(p for token, p in listed.items() if token.strip() == label.strip()) for label in labels}
    missing = [label for label in labels if not found[label]]
    covered = sum(found.values())
    if missing and covered < min_coverage:
        raise EngineError(
            f"label(s) {', '.join(missing)} are not among the {len(listed)} most probable tokens, and the others cover "
            f"{covered:.3f} of the probability, less than {min_coverage}; ask with answer_by = 'written'"
        )
    if missing:
        most = min(min(listed.values()), max(0.0, 1 - sum(listed.values())) / len(missing))
        found |= dict.fromkeys(missing, most)
    logs = tuple(min(0.0, math.log(p)) if p > 0 else -math.inf for p in (found[label] for label in labels))
    return Completion(log_probs=logs, token_counts=(1,) * len(logs), **_usage(reply))


def by_index(reply: Json, n: int) -> list[Json]:
    """Choices in the order of the prompts."""
    choices = sorted(reply["choices"], key=lambda choice: int(choice.get("index", 0)))
    if len(choices) != n:
        raise Malformed(f"the server returned {len(choices)} choices for {n} prompts")
    return choices


def _only(reply: Json) -> Json:
    choices: list[Json] = reply["choices"]
    if len(choices) != 1:
        raise Malformed(f"the server returned {len(choices)} choices for 1 prompt")
    return choices[0]


def _usage(reply: Json) -> Json:
    """The server's own count of prompt and completion tokens; 0 where it gives none."""
    usage = reply.get("usage") or {}
    return {name: int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")}
