"""What a server can do is found out by small real calls, never assumed."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from proband.errors import EngineError
from proband.models.servers import protocol
from proband.models.servers.protocol import SMALL, SMALL_RAW, AccessRefused, Ask, Dialect, GivenUp, Json, Route
from proband.models.servers.refusals import ODD
from proband.models.servers.replies import read_completed
from proband.models.servers.texts import score_texts, template_tokens, text_of
from proband.reasoning import open_block
from proband.records import Message, Request

_SERVERS = {"llamacpp": "llama.cpp", "vllm": "vllm", "sglang": "sglang"}
# The first that works is taken; a walk keeps the server's prefix cache, an echo does not.
_ROUTES: Mapping[str, tuple[Route, ...]] = {"llama.cpp": ("forced",), "vllm": ("walk", "tokens")}
# Two computations of one log-probability differ by rounding (bfloat16: some hundredths); a masked one by whole nats.
_SAME_NATS = 0.25
_OF_TEMPLATE = re.compile(r"\bsystem\b|\broles?\b|template|jinja", re.I)
_NOT_SO = (EngineError, *ODD)  # what a route raises that is not there


async def detect(ask: Ask, model: str, listing: Json, *, texts_by: Literal["auto", "walk", "echo"] = "auto") -> Dialect:
    """Find out what a server does; `listing` is the entry of the model in ``GET /v1/models``, or an empty one.

    `texts_by` says whether option texts may be scored by a walk, by an echo, or by what works, the walk first.
    """
    server = _SERVERS.get(str(listing.get("owned_by")), "openai")
    meta = listing.get("meta")
    context = listing.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, dict) else None)
    first = Dialect(server=server, model=model, context=context if type(context) is int and context > 0 else None)
    found, reply = await _detect_form(ask, model, first)
    found = replace(found, model=str(reply.get("model") or model))
    found = replace(found, has_system=not found.is_chat or await _takes_system(ask, model, found))
    small = SMALL if found.is_chat else SMALL_RAW
    try:
        if server in _ROUTES:
            ids = await template_tokens(small, model, found, ask)
            found = replace(found, template=hashlib.blake2b(repr(ids).encode(), digest_size=16).hexdigest())
            if found.is_chat:
                end = (await text_of(ids, model, ask)).rpartition(small.messages[-1].text)[2]
                found = replace(found, opens=open_block(end, has_channels=True))
    except AccessRefused:
        raise
    except _NOT_SO:
        if not found.template:
            return found
    for route in _ROUTES.get(server, ("transcript",)):
        is_allowed = texts_by == "auto" or server != "vllm" or (texts_by == "walk") == (route == "walk")
        if is_allowed and await _scores(ask, model, replace(found, texts=route), small):
            return replace(found, texts=route)
    return found


async def sampled(ask: Ask, model: str, dialect: Dialect) -> dict[str, float]:
    """What a server makes of a fixed question: log-probabilities of two answers, or of first tokens; else nothing."""
    try:
        if dialect.texts:
            made = await score_texts(SMALL if dialect.is_chat else SMALL_RAW, model, dialect, ask)
            return dict(zip(SMALL.continuations, made.log_probs or (), strict=True))
        if not dialect.top:
            return {}
        return await ask("chat/completions", protocol.label_body(SMALL, model, dialect), read=_first_tokens)
    except AccessRefused:
        raise
    except _NOT_SO:
        return {}


def _first_tokens(reply: Json) -> dict[str, float]:
    listed = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return {str(entry["token"]): float(entry["logprob"]) for entry in listed}


async def _scores(ask: Ask, model: str, dialect: Dialect, small: Request) -> bool:
    """Whether a route gives log-probabilities; a walk must give those of an echo, where there is one."""
    try:
        made = await score_texts(small, model, dialect, ask)
        if dialect.texts != "walk":
            return True
        echoed = await score_texts(small, model, replace(dialect, texts="tokens"), ask)
    except AccessRefused:
        raise
    except _NOT_SO:
        return False
    pairs = zip(made.log_probs or (), echoed.log_probs or (), strict=True)
    return all(abs(walked - plain) < _SAME_NATS for walked, plain in pairs)


async def _detect_form(ask: Ask, model: str, dialect: Dialect) -> tuple[Dialect, Json]:
    """Whether a server takes chat completions, or plain ones only, as it does for a model without a chat template."""
    try:
        return await _detect_chat(ask, model, dialect)
    except (AccessRefused, GivenUp):
        raise
    except EngineError as refused:
        small = replace(SMALL_RAW, continuations=(), max_tokens=1)
        plain = replace(dialect, is_chat=False)

        def read(reply: Json) -> Json:
            read_completed(reply)
            return reply

        try:
            return plain, await ask("completions", protocol.complete_body(small, model, plain), read=read)
        except (AccessRefused, GivenUp):
            raise
        except EngineError:
            raise refused from None


async def _detect_chat(ask: Ask, model: str, dialect: Dialect) -> tuple[Dialect, Json]:
    """The first form of a chat completion that the server accepts: with 20, 5 or no alternatives."""
    refusals = []
    for limit in ("max_tokens", "max_completion_tokens"):
        for top in (20, 5, 0):
            body: Json = {"model": model, "messages": protocol.turns(SMALL), limit: 1}
            body |= {"logprobs": True, "top_logprobs": top} if top else {}
            try:
                reply, given = await ask("chat/completions", body, read=_alternatives)
            except (AccessRefused, GivenUp):
                raise
            except EngineError as error:
                refusals.append(str(error))
                continue
            return replace(dialect, limit=limit, top=top if given else 0, listed=given), reply
    raise EngineError(f"the server accepts no chat completion: {refusals[0]}")


async def _takes_system(ask: Ask, model: str, dialect: Dialect) -> bool:
    """Whether a chat completion may begin with a system turn, which some models' templates refuse."""
    asked = replace(SMALL, messages=(Message("system", "You are a fish."), *SMALL.messages))
    body: Json = {"model": model, "messages": protocol.turns(asked), dialect.limit: 1}
    try:
        await ask("chat/completions", body, read=_alternatives)
    except AccessRefused:
        raise
    except GivenUp as refused:
        # Some servers answer with a 500 where a template raises; a server that is only busy has shown nothing.
        if not _OF_TEMPLATE.search(str(refused)):
            raise
        return False
    except EngineError:
        return False
    return True


def _alternatives(reply: Json) -> tuple[Json, int]:
    """A reply, and how many alternatives of its first token it lists."""
    content = (reply["choices"][0].get("logprobs") or {}).get("content") or [{}]
    given = content[0].get("top_logprobs") if isinstance(content[0], dict) else None
    return reply, sum(isinstance(entry, dict) for entry in given or ())


async def count_tokens(request: Request, model: str, dialect: Dialect, ask: Ask) -> int | None:
    """Tokens of the templated prompt, where the server counts them."""
    return len(await template_tokens(request, model, dialect, ask)) if dialect.server in _ROUTES else None
