"""A small server that speaks the OpenAI protocol and fails on a schedule; one token is one character."""

import asyncio
import json
import threading
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True)
class Fault:
    """What is replied instead of an answer."""

    status: int = 200
    body: str = '{"error": {"message": "planned fault"}}'
    headers: dict = field(default_factory=dict)
    wait_s: float = 0.0
    hangs_up: bool = False


class FaultServer:
    """Context manager; `faults` are spent one a chat completion, `posted` keeps what arrived.

    `kind` is openai (chat only), echo (plain completions with echo) or vllm (tokenize, echo of token ids and
    `logprob_token_ids`). `walks` says how the last is treated: "raw", "ignored" (as older versions do) or
    "masked" (log-probabilities after processing). With `most_at_once`, more calls together are refused with 429.
    Without `has_chat` it refuses chat completions, as it does for a base model. With `leaks`, the key that came is
    repeated in replies and headers. `tls` is a server's `ssl.SSLContext`. `no_system` is what a system turn is refused
    with; `opens` is what the chat template puts where a reply begins. With `vectors` it embeds, and lists
    the last text first. `port` is a free one, unless it is given; `weights` is another number for other weights,
    `version` the model's name in replies. One that `hangs` takes calls and says nothing.
    """

    def __init__(self, kind="openai", *, models=("m",), top=True, key="", walks="raw", tls=None, has_chat=True):
        self.walks = walks
        self.has_chat = has_chat
        self.tls = tls
        self.leaks = False
        self.hangs = False
        self.no_system = None
        self.opens = ""
        self.vectors = False
        self.most_at_once = None
        self.wait_s = 0.0
        self.in_flight = self.peak = self.refused = 0
        self.storm = None
        self.kind = kind
        self.models = models
        self.top = top
        self.key = key
        self.faults = []
        self.posted = []
        self.url = ""
        self.port = 0
        self.weights = 0
        self.version = "m-2026"
        self.every = None
        self.blocks = set()  # beginnings of prompts, in steps of 16 characters, that are kept
        self.counts = Counter()

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def start():
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", self.reply)
            self.runner = web.AppRunner(app, shutdown_timeout=0.1)
            await self.runner.setup()
            site = web.TCPSite(self.runner, "127.0.0.1", self.port, ssl_context=self.tls)
            await site.start()
            scheme = "https" if self.tls else "http"
            self.port = self.runner.addresses[0][1]
            self.url = f"{scheme}://127.0.0.1:{self.port}/v1"
            started.set()

        def serve():
            self.loop.run_until_complete(start())
            self.loop.run_forever()

        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if not self.loop.is_closed():
            asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(10)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)
            self.loop.close()

    def chats(self):
        return [body for path, body in self.posted if path == "v1/chat/completions"]

    async def reply(self, request):
        path = request.match_info["path"]
        if self.hangs:
            await asyncio.sleep(300)
        if self.leaks:
            return await self.leak(request, path)
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            sent = request.headers.get("Authorization", "")
            return web.json_response({"error": {"message": f"wrong key {sent}"}}, status=401)
        if self.every:
            return web.Response(status=self.every.status, text=self.every.body, headers=self.every.headers)
        if path == "v1/models":
            if self.models is None:
                return web.Response(status=404, text="not here")
            owner = self.kind
            return web.json_response({"data": [{"id": m, "owned_by": owner} for m in self.models]})
        if path == "metrics":
            names = ("prompt_tokens_total", "prefix_cache_hits_total", "generation_tokens_total")
            lines = [f'vllm:{name}{{model="m"}} {self.counts[name]}.0' for name in names]
            return web.Response(
                text="\n".join([*lines, f'vllm:num_requests_running{{model="m"}} {self.in_flight}.0', ""])
            )
        body = json.loads(await request.read())
        self.posted.append((path, body))
        if path == "v1/chat/completions" and self.has_chat:
            return await self.chat(request, body)
        if path == "v1/completions" and self.kind != "openai":
            make = self.echo if body.get("echo") else self.step
            prompts = [body["prompt"]] if isinstance(body["prompt"], str) else body["prompt"]
            choices = [make(k, prompt, body) for k, prompt in enumerate(prompts)]
            return web.json_response({"choices": choices})
        if path == "v1/embeddings" and self.vectors:
            data = [{"index": k, "embedding": [len(text), 1.5]} for k, text in enumerate(body["input"])]
            return web.json_response({"data": data[::-1]})
        if path == "tokenize" and self.kind == "vllm":
            if "messages" in body and not self.has_chat:
                return web.Response(status=400, text="no chat template")
            if refused := self.refuses(body):
                return refused
            text = body["prompt"] if "prompt" in body else templated(body, self.opens)
            return web.json_response({"tokens": [ord(c) for c in text]})
        if path == "detokenize" and self.kind == "vllm":
            return web.json_response({"prompt": "".join(map(chr, body["tokens"]))})
        return web.Response(status=404, text="no such path")

    def refuses(self, body):
        if self.no_system and any(turn["role"] == "system" for turn in body.get("messages", ())):
            return web.Response(status=self.no_system.status, text=self.no_system.body)
        return None

    async def chat(self, request, body):
        if refused := self.refuses(body):
            return refused
        fault = self.faults.pop(0) if self.faults else self.storm() if self.storm else None
        if fault is not None:
            await asyncio.sleep(fault.wait_s)
            if fault.hangs_up:
                request.transport.close()
            return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            if self.most_at_once and self.in_flight > self.most_at_once:
                self.refused += 1
                return web.Response(status=429, text="too many at once")
            self.count(templated(body | {"add_generation_prompt": True}), body.get("max_tokens", 1))
            await asyncio.sleep(self.wait_s)
            return web.json_response(said(body, top=self.top) | {"model": self.version})
        finally:
            self.in_flight -= 1

    def count(self, prompt, n_written):
        """Tokens as vLLM counts them: those of a prompt, those whose beginning is kept, those written."""
        self.counts["prompt_tokens_total"] += len(prompt)
        self.counts["generation_tokens_total"] += n_written
        for stop in range(16, len(prompt) + 1, 16):
            self.counts["prefix_cache_hits_total"] += 16 * (prompt[:stop] in self.blocks)
            self.blocks.add(prompt[:stop])

    async def leak(self, request, path):
        """Answers, but repeats the key in the text, the model's name, headers and every other reply's error."""
        sent = request.headers.get("Authorization", "no key")
        headers = {"X-Key": sent, "Location": f"http://127.0.0.1:9/{sent}", "Retry-After": "0"}
        if path == "v1/models":
            return web.json_response({"data": [{"id": "m"}]}, headers=headers)
        self.posted.append((path, json.loads(await request.read())))
        if path != "v1/chat/completions" or len(self.posted) % 3 == 0:
            status = (400, 404, 307, 500)[len(self.posted) % 4]
            return web.json_response({"error": {"message": f"no: {sent}"}}, status=status, headers=headers)
        reply = said(self.posted[-1][1], top=self.top) | {"model": f"m {sent}"}
        reply["choices"][0]["message"]["content"] = f"yes {sent}"
        return web.json_response(reply, headers=headers)

    def echo(self, index, prompt, body):
        ids = [ord(c) for c in prompt] if isinstance(prompt, str) else prompt
        tokens = [*map(chr, ids), "x"]
        scored = [None, *(log_prob(ids[:k], ids[k]) - self.weights / 50 for k in range(1, len(ids))), -1.0]
        offsets = list(range(len(tokens)))
        logprobs = {"tokens": tokens, "token_logprobs": scored, "text_offset": offsets}
        return {"index": index, "text": "".join(tokens), "logprobs": logprobs, "finish_reason": "length"}

    def step(self, index, prompt, body):
        """One more token, with the log-probabilities of the ids asked for."""
        self.count(prompt if isinstance(prompt, str) else "".join(map(chr, prompt)), 1)
        asked = body.get("logprob_token_ids", []) if self.walks != "ignored" else []
        given = {
            f"token_id:{id_}": log_prob(prompt, id_) - self.weights / 50 if self.walks == "raw" else 0.0
            for id_ in asked
        }
        logprobs = {"tokens": ["x"], "token_logprobs": [-1.0], "top_logprobs": [{"token_id:120": -1.0} | given]}
        return {"index": index, "text": "x", "logprobs": logprobs, "finish_reason": "length"}


def said(body, *, top):
    """A chat completion that repeats the question."""
    text = "said " + body["messages"][-1]["content"]
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    if body.get("logprobs") and top:
        listed = [("A", -1.0), (" A", -2.0), ("B", -1.5), ("The", -3.0)]
        alternatives = [{"token": token, "logprob": log_prob} for token, log_prob in listed]
        choice["logprobs"] = {"content": [{"token": "A", "logprob": -1.0, "top_logprobs": alternatives}]}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    return {"choices": [choice], "usage": usage, "model": "m-2026"}


def log_prob(before, id_):
    """What the stand-in's model thinks of a token: it depends on all that stands before."""
    return -((7 * id_ + 3 * len(before) + sum(before)) % 97 + 1) / 50


def templated(body, opens=""):
    """`u:TEXT|` per turn, and `a:` where a reply begins, with what the template opens there."""
    turns = "".join(f"{m['role'][0]}:{m['content']}|" for m in body["messages"])
    return turns + (f"a:{opens}" if body["add_generation_prompt"] else "")
