"""Log-probabilities of whole texts: one route for each kind of server, all equal to what a plain pass gives."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from proband.errors import EngineError
from proband.models.servers.protocol import Ask, Dialect, Json, Malformed, turns
from proband.models.servers.replies import Withheld, by_index, log_prob
from proband.records import Completion, Request

Ids = list[int]
_Scored = tuple[list[list[float]], int]  # log-probabilities of every continuation's tokens; tokens of the prompt

MOST_IDS = 128  # token ids that vLLM takes in one logprob_token_ids
_MOST_REMEMBERED = 10_000


async def score_texts(request: Request, model: str, dialect: Dialect, ask: Ask) -> Completion:
    """Log-probability of every continuation as the assistant's reply, summed over its tokens."""
    scorers = (_score_forced, _score_walk, _score_tokens, _score_transcript)
    score = dict(zip(("forced", "walk", "tokens", "transcript"), scorers, strict=True))[_way(request, dialect)]
    rows, prompt_tokens = [], 0
    for single in request.alone:
        found, sent = await score(dialect.sent(single), model, ask)
        rows += found
        prompt_tokens += sent
    counts = tuple(map(len, rows))
    if request.premises and len(set(counts)) > 1:
        raise EngineError(f"the text has {counts} tokens behind its premises, and only equal ones compare")
    logs = tuple(map(math.fsum, rows))
    return Completion(log_probs=logs, token_counts=counts, prompt_tokens=prompt_tokens, completion_tokens=sum(counts))


async def text_bodies(request: Request, model: str, dialect: Dialect, ask: Ask) -> list[Json]:
    """Bodies that `score_texts` would post for scores; what it must ask the server to build them is asked."""
    bodies: list[Json] = []
    for single in map(dialect.sent, request.alone):
        if dialect.texts == "forced":
            bodies += (await _forced_bodies(single, model, ask))[0]
        elif dialect.texts == "transcript":
            bodies.append(_transcript_body(single, model))
        else:
            head, tails = await _head_and_tails(single, model, ask)
            is_walk = _way(request, dialect) == "walk"
            bodies += [_walk_body(head, step, model) for step in _steps(tails)] if is_walk else []
            bodies += [] if is_walk else [_echo_body(head, tails, model)]
    return bodies


def _way(request: Request, dialect: Dialect) -> str:
    """How texts are scored; a long one by echo, as a walk would send it once for each of its tokens."""
    return "tokens" if request.premises and dialect.texts == "walk" else dialect.texts


async def template_tokens(request: Request, model: str, dialect: Dialect, ask: Ask) -> Ids:
    """Tokens of the prompt behind the server's chat template, or of a raw one; for llama.cpp and vLLM."""
    request = dialect.sent(request)
    if dialect.server == "llama.cpp":
        return await _prompt_ids(await _prompt(request, ask), request, ask)
    if request.is_raw:
        return await _raw_tokens(request.messages[0].text, model, ask)
    return await _chat_tokens(request, model, ask)


async def text_of(ids: Ids, model: str, ask: Ask) -> str:
    """The text of tokens, marks included; for llama.cpp and vLLM."""

    def read(reply: Json) -> str:
        return str(reply["content"] if "content" in reply else reply["prompt"])

    return await ask("/detokenize", {"model": model, "tokens": ids}, read=read)


# llama.cpp: a grammar lets one token through at a time; the server gives its raw log-probability.


async def _forced_bodies(request: Request, model: str, ask: Ask) -> tuple[list[Json], list[Ids], int]:
    prompt = await _prompt(request, ask)
    head = await _prompt_ids(prompt, request, ask)
    closing = await (_end_of_text(ask) if request.is_raw else _closing_token(ask)) if request.closes else []
    bodies, expected = [], []
    for text in request.continuations:
        whole = await _prompt_ids(prompt + text, request, ask)
        ids = _rest(whole, head, text)
        body: Json = {"model": model, "prompt": head, "n_predict": len(ids) + len(closing), "temperature": 0}
        body |= {"grammar": "root ::= " + " ".join(f"<[{id_}]>" for id_ in ids), "n_probs": 1}
        if closing:
            # The grammar ends with any end-of-generation token; the bias picks the template's own.
            body["logit_bias"] = [[closing[0], 1000]]
        bodies.append(body)
        expected.append(ids + closing)
    return bodies, expected, len(head)


async def _score_forced(request: Request, model: str, ask: Ask) -> _Scored:
    bodies, expected, n_prompt = await _forced_bodies(request, model, ask)
    rows = []
    for body, ids in zip(bodies, expected, strict=True):
        steps = await ask("/completion", body, read=lambda reply: list(reply["completion_probabilities"]))
        if [step["id"] for step in steps] != ids:
            raise EngineError(f"the server wrote tokens {[step['id'] for step in steps]} where {ids} were to be scored")
        rows.append(_numbers(step["logprob"] for step in steps))
    return rows, n_prompt


async def _prompt(request: Request, ask: Ask) -> str:
    return request.messages[0].text if request.is_raw else await _templated(turns(request), ask)


async def _prompt_ids(text: str, request: Request, ask: Ask) -> Ids:
    """Tokens of a prompt; in raw text nothing is read as a control token."""
    body = {"content": text, "add_special": True, "parse_special": not request.is_raw}
    return await ask("/tokenize", body, read=_tokens)


async def _end_of_text(ask: Ask) -> Ids:
    """The end-of-text token, as a list of one."""
    if "end of text" not in ask.memo:
        token = await ask.get("/props", read=lambda reply: str(reply["eos_token"]))
        ids = await _tokenize(token, ask)
        if len(ids) != 1:
            raise EngineError(
                f"the server's end-of-text token {token!r} is {len(ids)} tokens; let no option begin another"
            )
        ask.memo["end of text"] = ids
    return list(ask.memo["end of text"])


async def _templated(messages: list[dict[str, str]], ask: Ask) -> str:
    return await ask("/apply-template", {"messages": messages}, read=lambda reply: str(reply["prompt"]))


async def _tokenize(text: str, ask: Ask) -> Ids:
    return await ask("/tokenize", {"content": text, "add_special": False, "parse_special": True}, read=_tokens)


async def _closing_token(ask: Ask) -> Ids:
    """The token the template puts behind an assistant's turn, as a list of one."""
    if "closing" not in ask.memo:
        mark = "ZQXJ"
        question = {"role": "user", "content": "?"}
        messages = [question, {"role": "assistant", "content": mark}, question]
        prompt = await _templated(messages, ask)
        ask.memo["closing"] = (await _tokenize(prompt.partition(mark)[2], ask))[:1]
    return list(ask.memo["closing"])


# vLLM: prompt and options as token ids, so that nothing is tokenized twice in two ways.


async def _chat_tokens(request: Request, model: str, ask: Ask, *, reply: str = "") -> Ids:
    """Tokens of the templated messages, up to where a reply begins, or with a whole reply."""
    messages = turns(request) + ([{"role": "assistant", "content": reply}] if reply else [])
    body = {"model": model, "messages": messages, "add_generation_prompt": not reply}
    return await ask("/tokenize", body, read=_tokens)


async def _text_tokens(text: str, model: str, ask: Ask) -> Ids:
    """Tokens of an option, asked once."""
    place = "tokens of " + text
    if place not in ask.memo:
        if len(ask.memo) > _MOST_REMEMBERED:
            ask.memo.clear()
        body = {"model": model, "prompt": text, "add_special_tokens": False}
        ask.memo[place] = await ask("/tokenize", body, read=_tokens)
    return list(ask.memo[place])


async def _head_and_tails(request: Request, model: str, ask: Ask) -> tuple[Ids, list[Ids]]:
    """Tokens of the prompt, and of every continuation with the template's closing token where it is scored."""
    if request.is_raw:
        return await _raw_head_and_tails(request, model, ask)
    head = await _chat_tokens(request, model, ask)
    tails = [await _text_tokens(text, model, ask) for text in request.continuations]
    for text, tail in zip(request.continuations, tails, strict=True):
        if not tail:
            raise EngineError(f"option {text!r} has no token of its own; write it differently")
    if request.closes:
        if "closing" not in ask.memo:
            whole = await _chat_tokens(request, model, ask, reply=request.continuations[0])
            start = head + tails[0]
            if whole[: len(start)] != start or len(whole) == len(start):
                raise EngineError("the chat template does not show how it ends a turn; ask with answer_by = 'written'")
            ask.memo["closing"] = whole[len(start)]
        tails = [[*tail, ask.memo["closing"]] for tail in tails]
    return head, tails


async def _raw_tokens(text: str, model: str, ask: Ask) -> Ids:
    return await ask("/tokenize", {"model": model, "prompt": text, "add_special_tokens": True}, read=_tokens)


async def _raw_head_and_tails(request: Request, model: str, ask: Ask) -> tuple[Ids, list[Ids]]:
    """Tokens of a raw prompt and of what follows it, tokenised together: alone, " A" may be another token."""
    prompt = request.messages[0].text
    head = await _raw_tokens(prompt, model, ask)
    tails = []
    for text in request.continuations:
        whole = await _raw_tokens(prompt + text, model, ask)
        tails.append(_rest(whole, head, text))
    return head, tails


def _rest(whole: Ids, head: Ids, text: str) -> Ids:
    """Tokens of an option behind a prompt."""
    if whole[: len(head)] != head or len(whole) == len(head):
        raise EngineError(f"option {text!r} merges with the end of the prompt into one token")
    return whole[len(head) :]


def _echo_body(head: Ids, tails: Sequence[Ids], model: str) -> Json:
    body: Json = {"model": model, "prompt": [head + tail for tail in tails], "max_tokens": 1}
    return body | {"temperature": 1.0, "echo": True, "logprobs": 1}


async def _score_tokens(request: Request, model: str, ask: Ask) -> _Scored:
    head, tails = await _head_and_tails(request, model, ask)

    def read(reply: Json) -> list[list[float]]:
        rows = []
        for choice, tail in zip(by_index(reply, len(tails)), tails, strict=True):
            scored = choice["logprobs"]["token_logprobs"]
            if len(scored) < len(head) + len(tail):
                raise Malformed("the server does not echo log-probabilities of the prompt")
            rows.append(_numbers(scored[len(head) : len(head) + len(tail)]))
        return rows

    return await ask("completions", _echo_body(head, tails, model), read=read), len(head)


# The options of an item form a tree of tokens. The walk asks, for every beginning of an option (a node), for the
# log-probabilities of the tokens that follow it. Each prompt extends the same head, so a server computes the head once
# and keeps it; an echo is computed anew for every option, because vLLM reads no cache where it scores a prompt.

_Node = tuple[int, ...]
_Step = tuple[list[_Node], list[int]]


def _steps(tails: Sequence[Ids]) -> list[_Step]:
    """The nodes of the options' tree in as few bodies as the limit on token ids allows, with the ids of each body."""
    followers: dict[_Node, list[int]] = {}
    for tail in tails:
        for depth, id_ in enumerate(tail):
            known = followers.setdefault(tuple(tail[:depth]), [])
            if id_ not in known:
                known.append(id_)
    steps: list[_Step] = []
    for node, ids in followers.items():
        for start in range(0, len(ids), MOST_IDS):
            piece = ids[start : start + MOST_IDS]
            union = sorted({*steps[-1][1], *piece}) if steps else []
            if steps and len(union) <= MOST_IDS and node not in steps[-1][0]:
                steps[-1] = ([*steps[-1][0], node], union)
            else:
                steps.append(([node], sorted(piece)))
    return steps


def _walk_body(head: Ids, step: _Step, model: str) -> Json:
    nodes, ids = step
    body: Json = {"model": model, "prompt": [[*head, *node] for node in nodes], "max_tokens": 1}
    body |= {"temperature": 0.0, "logprobs": 1, "logprob_token_ids": ids}
    return body | {"return_tokens_as_token_ids": True, "ignore_eos": True}


async def _score_walk(request: Request, model: str, ask: Ask) -> _Scored:
    head, tails = await _head_and_tails(request, model, ask)
    found: dict[tuple[_Node, int], float] = {}
    for step in _steps(tails):

        def read(reply: Json, step: _Step = step) -> dict[tuple[_Node, int], float]:
            nodes, ids = step
            given = {}
            for choice, node in zip(by_index(reply, len(nodes)), nodes, strict=True):
                listed = choice["logprobs"]["top_logprobs"][0]
                for id_ in ids:
                    [given[node, id_]] = _numbers([listed[f"token_id:{id_}"]])
            return given

        found |= await ask("completions", _walk_body(head, step, model), read=read)
    rows = [[found[tuple(tail[:depth]), id_] for depth, id_ in enumerate(tail)] for tail in tails]
    return rows, len(head)


# Any other server that echoes: plain text, without a chat template.


def _transcript(request: Request) -> str:
    if request.is_raw:
        return request.messages[0].text
    return "\n\n".join(message.text for message in request.messages) + "\nAnswer:"


def _transcript_body(request: Request, model: str) -> Json:
    end = "\n" if request.closes else ""
    texts = [
        _transcript(request) + (text if request.is_raw else f" {text.strip()}{end}") for text in request.continuations
    ]
    return {"model": model, "prompt": texts, "max_tokens": 1, "temperature": 1.0, "echo": True, "logprobs": 1}


async def _score_transcript(request: Request, model: str, ask: Ask) -> _Scored:
    body, start = _transcript_body(request, model), len(_transcript(request))

    def read(reply: Json) -> _Scored:
        rows, n_prompt = [], 0
        for choice, text in zip(by_index(reply, len(body["prompt"])), body["prompt"], strict=True):
            logprobs = choice.get("logprobs") or {}
            offsets = logprobs.get("text_offset") or []
            if start not in offsets:
                raise Malformed("the server does not echo log-probabilities of the prompt token by token")
            pairs = zip(offsets, logprobs["token_logprobs"], strict=True)
            rows.append(_numbers(log_prob for offset, log_prob in pairs if start <= offset < len(text)))
            n_prompt = offsets.index(start)
        return rows, n_prompt

    return await ask("completions", body, read=read)


def _tokens(reply: Json) -> Ids:
    ids = list(reply["tokens"])
    if any(type(id_) is not int or id_ < 0 for id_ in ids):
        raise Malformed("the server gave tokens that are no ids")
    return ids


def _numbers(given: Iterator[Any] | Sequence[Any]) -> list[float]:
    """Log-probabilities as floats; none at all, or one that is no number, is not a score."""
    row = list(map(log_prob, given))
    if not row:
        raise Malformed("the server gave no log-probabilities of an option")
    if None in row:
        raise Withheld("the server gave no log-probability for some token of an option")
    return [x for x in row if x is not None]
