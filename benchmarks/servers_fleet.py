"""Two servers of one model, and what our loop costs one: what `benchmarks.servers` leaves out.

``python -m benchmarks.servers_fleet --json`` starts two vLLM servers with the embedded model (`make test-servers` makes
their environment); ``--urls URL URL`` takes those that run already, ``--llama`` starts two of llama.cpp instead, for
the first part.

*Affinity*: the same kind of work, on two servers, asked with every persona at one of them (`openai:URL1,URL2#MODEL`)
and asked alternately. Prompt tokens computed anew, by the servers' own count, do not depend on the machine's load.

*Offline*: the same requests by vLLM alone, from a list in its own process (`benchmarks/servers_offline.py`), and by
Proband's loop from a study's trials: tokens a second of both, written and scored, and the share of time in which the
server had nothing to do while we were not done.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.servers import personas
from proband.models.local.embedded import embedded_folder
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.group import ServerGroup
from proband.records import Reply, Trial
from tests.servers.running import MODEL, llama_server, vllm_server

_SETTINGS = ServerSettings(timeout_s=1800.0)
_LOOK_S = 0.1
_TOKENS = r"vllm:(?:prompt|generation)_tokens_total"


def answered(engine: ServerEngine, trials: Sequence[Trial]) -> float:
    """Seconds for all; raises where one fails."""
    start = time.perf_counter()
    failed = [completion.error for _, completion in engine.answer(trials) if completion.error]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(trials)} trials failed; the first: {failed[0]}")
    return time.perf_counter() - start


def metrics(url: str, pattern: str) -> float:
    """Sum of a server's counters by the beginning of their names, a regular expression."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as reply:
        text = reply.read().decode()
    return sum(map(float, re.findall(rf"^(?:{pattern})(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)))


def computed(urls: Sequence[str]) -> float:
    """Prompt tokens that all servers computed, without those they had in their caches; llama.cpp counts no others."""
    asked, cached, anew = "vllm:prompt_tokens_total", "vllm:prefix_cache_hits_total", "llamacpp:prompt_tokens_total"
    return sum(metrics(url, asked) - metrics(url, cached) + metrics(url, anew) for url in urls)


def affinity(urls: Sequence[str], options: argparse.Namespace) -> dict[str, Any]:
    """Prompt tokens computed anew with every persona at one server, and with personas at both."""
    group = ServerGroup(urls, MODEL, settings=_SETTINGS)
    engines = [ServerEngine(url, MODEL, settings=_SETTINGS) for url in urls]
    found: dict[str, list[dict[str, float]]] = {"together": [], "alternately": []}
    try:
        for engine in (group, *engines):
            engine.probe()
        for number in range(options.rounds):
            for name in ("together", "alternately")[:: 1 if number % 2 == 0 else -1]:
                start = 10_000 * (number + 1) + 5_000 * (name == "together")
                trials = personas(start, options.prefixes, options.items)
                before, began = computed(urls), time.perf_counter()
                if name == "together":
                    answered(group, trials)
                else:
                    with ThreadPoolExecutor(len(urls)) as threads:
                        list(threads.map(answered, engines, [trials[k :: len(urls)] for k in range(len(urls))]))
                seconds = time.perf_counter() - began
                each = (computed(urls) - before) / len(trials)
                found[name].append({"seconds": seconds, "prompt_tokens_computed_per_trial": each})
    finally:
        for engine in (group, *engines):
            engine.close()
    sums = {name: sum(run["prompt_tokens_computed_per_trial"] for run in runs) for name, runs in found.items()}
    return {"rounds": found, "computed_alternately_over_together": sums["alternately"] / sums["together"]}


@contextmanager
def idleness(url: str) -> Iterator[list[bool]]:
    """Whether the server had nothing to do, looked at ten times a second while something goes on."""
    seen: list[bool] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_S):
            seen.append(metrics(url, r"vllm:num_requests_(?:running|waiting)") == 0)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def written(trials: Sequence[Trial], tokens: int) -> list[Trial]:
    """The same questions, to be answered in words."""
    reply = Reply(form="text", method="written")
    return [
        replace(trial, request=replace(trial.request, continuations=(), closes=False, max_tokens=tokens), reply=reply)
        for trial in trials
    ]


def ours(url: str, trials: Sequence[Trial]) -> dict[str, float]:
    """Our tokens a second, by the server's count of prompts and replies, and how long it had nothing to do."""
    engine = ServerEngine(url, MODEL, settings=_SETTINGS)
    try:
        engine.probe()
        answered(engine, trials[:2])
        before = metrics(url, _TOKENS)
        with idleness(url) as idle:
            seconds = answered(engine, trials[2:])
        tokens = metrics(url, _TOKENS) - before
    finally:
        engine.close()
    return {"seconds": seconds, "tokens": tokens, "share_idle": sum(idle) / max(1, len(idle))}


def requests_of(url: str, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """What our engine posts for trials, as the offline run takes it."""
    engine, found = ServerEngine(url, MODEL, settings=_SETTINGS), []
    try:
        for trial in trials:
            body = json.loads(engine.render(trial))
            if isinstance(body, dict):
                found.append({"messages": body["messages"], "max_tokens": trial.request.max_tokens})
            else:
                found += [{"prompts": one["prompt"], "ids": one["logprob_token_ids"]} for one in body]
    finally:
        engine.close()
    return found


def offline(requests: Sequence[dict[str, Any]], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """vLLM's own run of them, alone on the machine."""
    program = Path(__file__).with_name("servers_offline.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.jsonl"
        path.write_text("\n".join(map(json.dumps, requests)), encoding="utf-8")
        command = [str(options.python), str(program), str(path), str(embedded_folder()), str(options.block_size)]
        extra = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "HF_HUB_OFFLINE": "1"}
        made = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | extra)
    found: dict[str, dict[str, float]] = json.loads(made.stdout.splitlines()[-1])
    return found


def against_offline(url: str, options: argparse.Namespace) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Our run of both kinds of work, and the requests of it, for the offline run once the server is gone."""
    scored = personas(90_000, options.prefixes, options.items)
    texts = written(personas(95_000, options.prefixes, options.items), options.tokens)
    requests = requests_of(url, scored) + requests_of(url, texts)
    return {"scored": ours(url, scored), "written": ours(url, texts)}, requests


def compared(mine: dict[str, Any], theirs: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Tokens a second of both, and how many of ours come on one of theirs."""
    found = {}
    for name, run in mine.items():
        own = theirs[name]
        rates = (run["tokens"] / run["seconds"], (own["prompt_tokens"] + own["reply_tokens"]) / own["seconds"])
        found[name] = {"ours": rates[0], "offline": rates[1], "ratio": rates[0] / rates[1], "idle": run["share_idle"]}
    return found


def main() -> None:
    """Measure, and print JSON or a few lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--prefixes", type=int, default=12, help="personas of each way")
    parser.add_argument("--items", type=int, default=10, help="statements put to each, 50 at most")
    parser.add_argument("--tokens", type=int, default=32, help="the most that is written on each")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--block-size", type=int, default=32, help="tokens of a cached block")
    parser.add_argument("--urls", nargs=2, help="two vLLM servers that run already; nothing is then run offline")
    parser.add_argument("--llama", action="store_true", help="two llama.cpp servers, and the first part only")
    environment = os.environ.get("PROBAND_VLLM_PYTHON", ".venv-vllm/bin/python")
    parser.add_argument("--python", type=Path, default=Path(environment), help="vLLM's interpreter")
    options = parser.parse_args()
    report: dict[str, Any] = {"machine": machine("torch", "aiohttp"), "load": os.getloadavg()[0]}
    with ExitStack() as stack:
        urls = options.urls or []
        for number in range(0 if urls else 2):
            log = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "log"
            print(f"starting server {number + 1} ...", file=sys.stderr, flush=True)
            flags = ["--enforce-eager", "--block-size", str(options.block_size)]
            started = llama_server(log) if options.llama else vllm_server(options.python, log, *flags)
            urls.append(stack.enter_context(started))
        report["affinity"] = affinity(urls, options)
        mine, requests = ({}, []) if options.llama else against_offline(urls[0], options)
    report["ours"] = mine
    if requests and not options.urls:
        report["against_offline"] = compared(mine, offline(requests, options))
    print(json.dumps(report, indent=2 if options.json else None))


if __name__ == "__main__":
    main()
