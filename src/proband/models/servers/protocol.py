"""What is posted to an OpenAI-compatible server and how its replies are read; the posting is in server.py."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Literal, Protocol

from proband.errors import EngineError
from proband.records import Completion, Message, Request

Json = dict[str, Any]
Route = Literal["write", "label", "forced", "tokens", "transcript", ""]

_SERVERS = {"llamacpp": "llama.cpp", "vllm": "vllm"}
_TEXT_ROUTES: Mapping[str, Route] = {"llama.cpp": "forced", "vllm": "tokens"}
# These servers filter by top-k or min-p unless told not to; then a share is not the model's probability.
_NEUTRAL: Mapping[str, Json] = {
    "llama.cpp": {"samplers": ["temperature", "top_p"]},
    "vllm": {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0},
}
_SMALL = Request(
    messages=(Message("user", "Is water wet?"),), continuations=("Yes, it is", "No"), closes=True
)


class GivenUp(EngineError):
    """A call failed in passing as often as it may; nothing is learnt about what the server can do."""


class AccessRefused(EngineError):
    """The server does not accept the key, or the account is spent: no further call can succeed."""


class Ask(Protocol):
    """Posts a body and returns the reply, which holds something under `needs`."""

    async def __call__(self, path: str, body: Json, *, needs: str) -> Json:
        """Post to `path`; a leading slash is the server's root, none is under its ``/v1``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a server was found to do, by asking it.

    Attributes
    ----------
    server : str
        llama.cpp, vllm, or openai for any other.
    model : str
        Name the server returned with its first reply.
    limit : str
        Its name for the greatest number of tokens.
    top : int
        How many alternatives of the next token it gives with log-probabilities; 0 for none.
    texts : Route
        How it scores whole texts: "forced" (llama.cpp: token-level grammar), "tokens" (vLLM: echo of token
        ids), "transcript" (echo of plain text, without a chat template), "" (not at all).
    context : int or None
        Tokens the model holds, where the server says.
    template : str
        Hash of what the chat template makes of a fixed question, where the server shows it.
    """

    server: str
    model: str
    limit: str = "max_tokens"
    top: int = 0
    texts: Route = ""
    context: int | None = None
    template: str = ""

    def route(self, request: Request) -> Route:
        """How a request is put to this server; empty if it cannot be."""
        if request.verb == "write":
            return "write"
        return "label" if self.top and takes_one_token(request) else self.texts


def takes_one_token(request: Request) -> bool:
    """Whether the first token of a reply tells the continuations apart: letters, numbers of one length."""
    labels = [text.strip() for text in request.continuations]
    short = all(len(label) == 1 or label.isdecimal() for label in labels)
    return short and not request.closes and not any(b.startswith(a) for a, b in permutations(labels, 2))


def write_body(request: Request, model: str, dialect: Dialect) -> Json:
    """Chat completion that writes a reply."""
    body: Json = {"model": model, "messages": _turns(request), dialect.limit: request.max_tokens}
    body |= {"temperature": request.temperature, "top_p": request.top_p}
    if request.stop:
        body["stop"] = list(request.stop)
    if request.seed is not None:
        body["seed"] = request.seed
    if request.schema is not None:
        schema = {"name": "reply", "strict": True, "schema": json.loads(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body | _NEUTRAL.get(dialect.server, {})


def label_body(request: Request, model: str, dialect: Dialect) -> Json:
    """Chat completion of one token with its alternatives; at temperature 1 no server rescales them."""
    body: Json = {"model": model, "messages": _turns(request), dialect.limit: 1}
    body |= {"temperature": 1.0, "top_p": 1.0, "logprobs": True, "top_logprobs": dialect.top}
    return body | _NEUTRAL.get(dialect.server, {})


def read_text(reply: Json) -> Completion:
    """Written reply of a chat completion."""
    choice = reply["choices"][0]
    message = choice["message"]
    if choice.get("finish_reason") == "content_filter":
        raise EngineError("the provider's filter withheld the reply (finish_reason content_filter)")
    text = message.get("content") or message.get("refusal") or ""
    if isinstance(text, list):
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    if not isinstance(text, str):
        raise EngineError(f"the reply's content is no text but {type(text).__name__}")
    finish: Literal["stop", "length"] = "length" if choice.get("finish_reason") == "length" else "stop"
    return _counted(Completion(text=text, finish=finish), reply)


def read_labels(reply: Json, labels: Sequence[str], min_coverage: float) -> Completion:
    """Log-probabilities of labels from the alternatives of the first token.

    Every listed token that is the label but for white space counts (" A" and "A" are different tokens, so
    their probabilities add up). A label that is not listed gets the most it can have,
    log(min(p_min, rest / n_missing)), with p_min the smallest listed probability and rest what the list
    leaves; OpinionQA's rule (Santurkar et al. 2023, arXiv:2303.17548), which takes the larger variant
    instead of the sum.

    Raises
    ------
    EngineError
        If labels are missing and those listed cover less than `min_coverage` of the probability, or if the
        reply has no log-probabilities.
    """
    content = (reply["choices"][0].get("logprobs") or {}).get("content") or []
    alternatives = content[0]["top_logprobs"] if content else ()
    listed = {entry["token"]: math.exp(entry["logprob"]) for entry in alternatives}
    if not listed:
        raise EngineError("the reply has no log-probabilities; ask this item with answer_by = 'written'")
    found = {
        label: sum(p for token, p in listed.items() if token.strip() == label.strip()) for label in labels
    }
    missing = [label for label in labels if not found[label]]
    covered = sum(found.values())
    if missing and covered < min_coverage:
        raise EngineError(
            f"label(s) {', '.join(missing)} are not among the {len(listed)} most probable tokens, and the "
            f"others cover {covered:.3f} of the probability, less than {min_coverage}; "
            "ask with answer_by = 'written'"
        )
    if missing:
        most = min(min(listed.values()), max(0.0, 1 - sum(listed.values())) / len(missing))
        found |= dict.fromkeys(missing, most)
    logs = tuple(min(0.0, math.log(p)) if p > 0 else -math.inf for p in (found[label] for label in labels))
    return _counted(Completion(log_probs=logs, token_counts=(1,) * len(logs)), reply)


async def score_texts(request: Request, model: str, dialect: Dialect, ask: Ask) -> Completion:
    """Log-probability of every continuation as the assistant's reply, summed over its tokens."""
    how = {"forced": _score_forced, "tokens": _score_tokens, "transcript": _score_transcript}[dialect.texts]
    rows, prompt_tokens = await how(request, model, ask)
    if any(not row or any(not isinstance(x, int | float) for x in row) for row in rows):
        raise EngineError("the server gave no log-probability for some token of an option")
    return Completion(
        log_probs=tuple(min(0.0, math.fsum(row)) for row in rows),
        token_counts=tuple(len(row) for row in rows),
        prompt_tokens=prompt_tokens,
    )


async def text_bodies(request: Request, model: str, dialect: Dialect, ask: Ask) -> list[Json]:
    """Bodies that `score_texts` would post for scores; what it must ask the server to build them is asked."""
    if dialect.texts == "forced":
        return (await _forced_bodies(request, model, ask))[0]
    if dialect.texts == "tokens":
        return [(await _tokens_body(request, model, ask))[0]]
    return [_transcript_body(request, model)]


async def _forced_bodies(request: Request, model: str, ask: Ask) -> tuple[list[Json], list[list[int]], int]:
    """llama.cpp: a grammar lets one token through at a time; the server gives its raw log-probability."""
    prompt = await _template(request, ask)
    head = await _tokenize(prompt, ask)
    closing = await _closing_token(request, ask) if request.closes else []
    bodies, expected = [], []
    for text in request.continuations:
        whole = await _tokenize(prompt + text, ask)
        ids = whole[len(head) :]
        if whole[: len(head)] != head or not ids:
            raise EngineError(f"option {text!r} merges with the end of the prompt into one token")
        body: Json = {"model": model, "prompt": head, "n_predict": len(ids) + len(closing), "temperature": 0}
        body |= {"grammar": "root ::= " + " ".join(f"<[{id_}]>" for id_ in ids), "n_probs": 1}
        if closing:
            # The grammar ends with any end-of-generation token; the bias picks the template's own.
            body["logit_bias"] = [[closing[0], 1000]]
        bodies.append(body)
        expected.append(ids + closing)
    return bodies, expected, len(head)


async def _score_forced(request: Request, model: str, ask: Ask) -> tuple[list[list[float]], int]:
    bodies, expected, n_prompt = await _forced_bodies(request, model, ask)
    rows = []
    for body, ids in zip(bodies, expected, strict=True):
        steps = (await ask("/completion", body, needs="completion_probabilities"))["completion_probabilities"]
        if [step["id"] for step in steps] != ids:
            raise EngineError(
                f"the server wrote tokens {[step['id'] for step in steps]} where {ids} were to be scored"
            )
        rows.append([step["logprob"] for step in steps])
    return rows, n_prompt


async def _template(request: Request, ask: Ask) -> str:
    reply = await ask("/apply-template", {"messages": _turns(request)}, needs="prompt")
    return str(reply["prompt"])


async def _tokenize(text: str, ask: Ask) -> list[int]:
    body = {"content": text, "add_special": True, "parse_special": True}
    return list((await ask("/tokenize", body, needs="tokens"))["tokens"])


async def _closing_token(request: Request, ask: Ask) -> list[int]:
    """The token the template puts behind an assistant's turn, as a list of one."""
    mark = "ZQXJ"
    question = {"role": "user", "content": "?"}
    turns = [question, {"role": "assistant", "content": mark}, question]
    prompt = str((await ask("/apply-template", {"messages": turns}, needs="prompt"))["prompt"])
    tail = prompt.partition(mark)[2]
    body = {"content": tail, "add_special": False, "parse_special": True}
    return list((await ask("/tokenize", body, needs="tokens"))["tokens"])[:1]


async def _chat_tokens(request: Request, model: str, ask: Ask, *, reply: str = "") -> list[int]:
    """Tokens of the templated messages, up to where a reply begins, or with a whole reply."""
    turns = _turns(request) + ([{"role": "assistant", "content": reply}] if reply else [])
    body = {"model": model, "messages": turns, "add_generation_prompt": not reply}
    return list((await ask("/tokenize", body, needs="tokens"))["tokens"])


async def _tokens_body(request: Request, model: str, ask: Ask) -> tuple[Json, list[list[int]], int]:
    """vLLM: prompt and option as token ids, echoed with their log-probabilities."""
    head = await _chat_tokens(request, model, ask)
    tails = []
    for text in request.continuations:
        piece = {"model": model, "prompt": text, "add_special_tokens": False}
        tails.append(list((await ask("/tokenize", piece, needs="tokens"))["tokens"]))
    if request.closes:
        whole = await _chat_tokens(request, model, ask, reply=request.continuations[0])
        start = head + tails[0]
        if whole[: len(start)] != start or len(whole) == len(start):
            raise EngineError(
                "the chat template does not show how it ends a turn; ask with answer_by = 'written'"
            )
        tails = [[*tail, whole[len(start)]] for tail in tails]
    body: Json = {"model": model, "prompt": [head + tail for tail in tails], "max_tokens": 1}
    body |= {"temperature": 1.0, "echo": True, "logprobs": 1}
    return body, tails, len(head)


async def _score_tokens(request: Request, model: str, ask: Ask) -> tuple[list[list[float]], int]:
    body, tails, n_prompt = await _tokens_body(request, model, ask)
    choices = _by_index(await ask("completions", body, needs="choices"), len(tails))
    rows = []
    for choice, tail in zip(choices, tails, strict=True):
        scored = choice["logprobs"]["token_logprobs"]
        if len(scored) < n_prompt + len(tail):
            raise EngineError("the server does not echo log-probabilities of the prompt")
        rows.append(scored[n_prompt : n_prompt + len(tail)])
    return rows, n_prompt


def _transcript(request: Request) -> str:
    """Plain text for a server that applies no chat template to what it echoes."""
    return "\n\n".join(message.text for message in request.messages) + "\nAnswer:"


def _transcript_body(request: Request, model: str) -> Json:
    end = "\n" if request.closes else ""
    texts = [f"{_transcript(request)} {text.strip()}{end}" for text in request.continuations]
    return {"model": model, "prompt": texts, "max_tokens": 1, "temperature": 1.0, "echo": True, "logprobs": 1}


async def _score_transcript(request: Request, model: str, ask: Ask) -> tuple[list[list[float]], int]:
    body = _transcript_body(request, model)
    reply = await ask("completions", body, needs="choices")
    start, rows, n_prompt = len(_transcript(request)), [], 0
    for choice, text in zip(_by_index(reply, len(body["prompt"])), body["prompt"], strict=True):
        logprobs = choice.get("logprobs") or {}
        offsets = logprobs.get("text_offset") or []
        if start not in offsets:
            raise EngineError("the server does not echo log-probabilities of the prompt token by token")
        pairs = zip(offsets, logprobs["token_logprobs"], strict=True)
        rows.append([log_prob for offset, log_prob in pairs if start <= offset < len(text)])
        n_prompt = offsets.index(start)
    return rows, n_prompt


async def detect(ask: Ask, model: str, listing: Json) -> Dialect:
    """Find out by small real calls what a server does.

    Parameters
    ----------
    listing : dict
        Entry of the model in ``GET /v1/models``, or an empty one.
    """
    server = _SERVERS.get(str(listing.get("owned_by")), "openai")
    context = listing.get("max_model_len") or (listing.get("meta") or {}).get("n_ctx")
    first = Dialect(server=server, model=model, context=context if isinstance(context, int) else None)
    found, reply = await _detect_chat(ask, model, first)
    trial = replace(
        found, texts=_TEXT_ROUTES.get(server, "transcript"), model=str(reply.get("model") or model)
    )
    try:
        if trial.texts != "transcript":
            shown = repr(await _templated(_SMALL, model, trial, ask)).encode()
            trial = replace(trial, template=hashlib.blake2b(shown, digest_size=16).hexdigest())
        await score_texts(_SMALL, model, trial, ask)
    except AccessRefused:
        raise
    except (EngineError, LookupError, TypeError, ValueError, AttributeError):
        return replace(trial, texts="")
    return trial


async def _detect_chat(ask: Ask, model: str, dialect: Dialect) -> tuple[Dialect, Json]:
    """The first form of a chat completion that the server accepts: with 20, 5 or no alternatives."""
    refusals = []
    for limit in ("max_tokens", "max_completion_tokens"):
        for top in (20, 5, 0):
            body: Json = {"model": model, "messages": _turns(_SMALL), limit: 1}
            body |= {"logprobs": True, "top_logprobs": top} if top else {}
            try:
                reply = await ask("chat/completions", body, needs="choices")
            except (AccessRefused, GivenUp):
                raise
            except EngineError as error:
                refusals.append(str(error))
                continue
            content = (reply["choices"][0].get("logprobs") or {}).get("content") or [{}]
            given = content[0].get("top_logprobs") if isinstance(content[0], dict) else None
            return replace(dialect, limit=limit, top=top if given else 0), reply
    raise EngineError(f"the server accepts no chat completion: {refusals[0]}")


async def _templated(request: Request, model: str, dialect: Dialect, ask: Ask) -> list[int]:
    """Tokens of the prompt behind the server's chat template."""
    if dialect.server == "llama.cpp":
        return await _tokenize(await _template(request, ask), ask)
    return await _chat_tokens(request, model, ask)


async def count_tokens(request: Request, model: str, dialect: Dialect, ask: Ask) -> int | None:
    """Tokens of the templated prompt, where the server counts them."""
    return len(await _templated(request, model, dialect, ask)) if dialect.server != "openai" else None


def _turns(request: Request) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in request.messages]


def _by_index(reply: Json, n: int) -> list[Json]:
    choices = sorted(reply["choices"], key=lambda choice: choice.get("index", 0))
    if len(choices) != n:
        raise EngineError(f"the server returned {len(choices)} choices for {n} prompts")
    return choices


def _counted(completion: Completion, reply: Json) -> Completion:
    """Completion with the server's own count of tokens."""
    usage = reply.get("usage") or {}
    prompt, written = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
    return replace(completion, prompt_tokens=prompt, completion_tokens=written)
