"""A small server that speaks the OpenAI protocol and fails on a schedule; one token is one character."""

import asyncio
import json
import threading
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

    `kind` is openai (chat only), echo (plain completions with echo) or vllm (tokenize and echo of token ids).
    """

    def __init__(self, kind="openai", *, models=("m",), top=True, key=""):
        self.kind = kind
        self.models = models
        self.top = top
        self.key = key
        self.faults = []
        self.posted = []
        self.url = ""
        self.every = None

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def start():
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", self.reply)
            self.runner = web.AppRunner(app, shutdown_timeout=0.1)
            await self.runner.setup()
            site = web.TCPSite(self.runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/v1"
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
        body = json.loads(await request.read())
        self.posted.append((path, body))
        if path == "v1/chat/completions":
            return await self.chat(request, body)
        if path == "v1/completions" and self.kind != "openai":
            return web.json_response({"choices": [self.echo(k, p) for k, p in enumerate(body["prompt"])]})
        if path == "tokenize" and self.kind == "vllm":
            text = body["prompt"] if "prompt" in body else templated(body)
            return web.json_response({"tokens": [ord(c) for c in text]})
        return web.Response(status=404, text="no such path")

    async def chat(self, request, body):
        if self.faults:
            fault = self.faults.pop(0)
            await asyncio.sleep(fault.wait_s)
            if fault.hangs_up:
                request.transport.close()
            return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
        said = "said " + body["messages"][-1]["content"]
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        if body.get("logprobs") and self.top:
            listed = [("A", -1.0), (" A", -2.0), ("B", -1.5), ("The", -3.0)]
            alternatives = [{"token": token, "logprob": log_prob} for token, log_prob in listed]
            choice["logprobs"] = {"content": [{"token": "A", "logprob": -1.0, "top_logprobs": alternatives}]}
        usage = {"prompt_tokens": 7, "completion_tokens": 3}
        return web.json_response({"choices": [choice], "usage": usage, "model": "m-2026"})

    def echo(self, index, prompt):
        text = prompt if isinstance(prompt, str) else "".join(map(chr, prompt))
        tokens = [*text, "x"]
        scored = [None, *(-ord(c) / 1000 for c in tokens[1:])]
        offsets = list(range(len(tokens)))
        logprobs = {"tokens": tokens, "token_logprobs": scored, "text_offset": offsets}
        return {"index": index, "text": text + "x", "logprobs": logprobs, "finish_reason": "length"}


def templated(body):
    """`u:TEXT|` per turn, and `a:` where a reply begins."""
    turns = "".join(f"{m['role'][0]}:{m['content']}|" for m in body["messages"])
    return turns + ("a:" if body["add_generation_prompt"] else "")
