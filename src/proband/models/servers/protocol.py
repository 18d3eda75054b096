"""What is posted to an OpenAI-compatible server; who posts is no matter here."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Literal, Protocol, TypeVar

from proband.errors import EngineError
from proband.reasoning import OpenBlock
from proband.records import Message, Request

Json = dict[str, Any]
Route = Literal["write", "complete", "label", "forced", "walk", "tokens", "transcript", ""]
Read = TypeVar("Read")

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
    """A call failed in passing as often as it may; nothing is learnt about what the server can do.

    `is_own` says that the server did reply, each time without an answer to this trial.
    """

    def __init__(self, reason: str, *, is_own: bool = False) -> None:
        super().__init__(reason)
        self.is_own = is_own


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
    has_system: bool = True  # whether its chat template takes a system turn
    opens: OpenBlock | None = None  # reasoning that its chat template, where it is shown, leaves open behind the prompt

    @property
    def caches(self) -> bool:
        """Whether the server is known to keep the prefixes that it has computed."""
        return self.server in _CACHING

    def sent(self, request: Request) -> Request:
        """A request as this server bears it: without a system turn, its text heads the first user turn.

        So do local models whose template takes none.
        """
        if self.has_system or len(request.messages) < 2 or request.messages[0].role != "system":
            return request
        system, first, *rest = request.messages
        headed = replace(first, text=f"{system.text}\n\n{first.text}")
        return replace(request, messages=(headed, *rest))

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
        if self.opens:
            return ""
        return "label" if self.top and not request.premises and takes_one_token(request) else self.texts


def unsent(request: Request, dialect: Dialect, address: str) -> str:
    """Why a request cannot be put to a server, where its template, raw text or the lack of it is the reason."""
    if not request.is_raw and dialect.opens:
        return (
            f"the chat template of {address} ends {_where(dialect.opens)}, so that options would be scored as the "
            "first words of the reasoning; ask with answer_by = 'written', or serve the model with a template that "
            "opens none"
        )
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


def _where(opens: OpenBlock) -> str:
    return f"inside {opens.mark}" if opens.mark else "where a channel is to be named"


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


def estimated(requests: Iterable[Request]) -> tuple[int, int]:
    """Tokens of prompts, as characters / 4, and the most that the replies may take."""
    prompt = completion = 0
    for request in requests:
        prompt += sum(len(message.text) for single in request.alone for message in single.messages)
        prompt += len(request.premises) * sum(map(len, request.continuations)) if request.premises else 0
        completion += max(request.max_tokens, request.n_scored)
    return prompt // 4, completion
