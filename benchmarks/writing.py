"""Writing beside transformers' generate, llama.cpp and OpenVINO GenAI, with the same weights in one process run.

``python -m benchmarks.writing --json`` prints what was measured: prompts that share a persona of some 300 tokens with
15 others, each continued by exactly so many of its most probable tokens. Every turn gives every engine the same fresh
prompts, in a rotating order; of each engine the best turn counts. ``generate`` gets left-padded batches of several
sizes, the best of which counts; the others get their own continuous batching with their prefix cache.

llama.cpp and OpenVINO read the 4-bit file that the embedded model is made of; OpenVINO keeps it in a form of its own.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
import transformers

from benchmarks.machine import machine
from proband.instruments import load_instrument
from proband.models.local.embedded import embedded_engine, package_file
from proband.models.local.engine import LocalEngine
from proband.models.writing.writer import Writer
from proband.records import Message, Request
from proband.seeds import rng_for

SIZES = (16, 32, 64)  # rows of a batch of generate
SLOTS = (4, 16)  # of llama.cpp's server; a slot reuses what it read before, but not what another did
Texts = list[str]
Run = Callable[[list[Request]], Texts]


def prompts(n_personas: int, n_each: int, n_new: int, turn: int) -> list[Request]:
    """People described by 30 earlier answers, each asked for several stories; other people every turn."""
    told = [item.text for item in load_instrument("ipip-neo-120").items]
    asked = [item.text for item in load_instrument("ipip-50").items]
    requests = []
    for person in range(n_personas):
        chosen = rng_for(turn, "persona", person).choice(len(told), 45, replace=False)
        lines = " ".join(f"I {told[k][0].lower()}{told[k][1:]}" for k in chosen)
        for k in rng_for(turn, "items", person).choice(len(asked), n_each, replace=False):
            question = f'Tell of a day on which this was true of you: "{asked[k]}" What happened, and how did it end?'
            messages = (Message("system", f"You say of yourself: {lines}"), Message("user", question))
            requests.append(Request(messages=messages, max_tokens=n_new))
    return requests


def ours(engine: LocalEngine) -> Run:
    """Our writer, with no token that ends a reply."""
    writer = Writer(engine.passes, engine._template, ends=frozenset(), schemas=engine._schemas)

    def run(requests: list[Request]) -> Texts:
        written = {request.hash: completion.text or "" for request, completion in writer.write(requests)}
        return [written[request.hash] for request in requests]

    return run


def generate(engine: LocalEngine, rows: int) -> Run:
    """Left-padded batches of prompts of like length, as transformers runs them."""
    model, template = engine.passes.model, engine._template

    def run(requests: list[Request]) -> Texts:
        ids = [template.encode(request).sequences[0] for request in requests]
        order = sorted(range(len(ids)), key=lambda k: len(ids[k]))
        texts = [""] * len(ids)
        for first in range(0, len(order), rows):
            batch = order[first : first + rows]
            width = max(len(ids[k]) for k in batch)
            padded = torch.zeros(len(batch), width, dtype=torch.long)
            mask = torch.zeros_like(padded)
            for row, k in enumerate(batch):
                padded[row, width - len(ids[k]) :] = torch.tensor(ids[k])
                mask[row, width - len(ids[k]) :] = 1
            n = requests[0].max_tokens
            with torch.inference_mode():
                made = model.generate(
                    input_ids=padded,
                    attention_mask=mask,
                    do_sample=False,
                    max_new_tokens=n,
                    eos_token_id=-1,
                    pad_token_id=0,
                )
            for row, k in enumerate(batch):
                texts[k] = template.decode(made[row, width:].tolist())
        return texts

    return run


def llama(engine: LocalEngine, threads: int, slots: int) -> Run:
    """llama.cpp's server inside this process, a connection for each of its slots."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(package_file())
    settings.n_parallel, settings.n_ctx, settings.kv_unified = slots, slots * 512, True
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.warmup, settings.cache_ram_mib, settings.verbosity = False, 0, -1
    server = xllamacpp.Server(settings)

    def run(requests: list[Request]) -> Texts:
        def ask(request: Request) -> str:
            rendered = engine._template.render(request)
            body: dict[str, Any] = {"prompt": rendered, "n_predict": request.max_tokens}
            body |= {"temperature": 0, "ignore_eos": True, "cache_prompt": True}
            return str(server.handle_completions(body)["choices"][0]["text"])

        with ThreadPoolExecutor(slots) as pool:
            return list(pool.map(ask, requests))

    return run


def openvino(engine: LocalEngine, threads: int) -> Run:
    """OpenVINO GenAI's continuous batching with its prefix cache, in float32."""
    import openvino_genai

    scheduler = openvino_genai.SchedulerConfig()
    scheduler.cache_size, scheduler.max_num_seqs, scheduler.enable_prefix_caching = 4, 128, True
    scheduler.max_num_batched_tokens = 512
    how = {"scheduler_config": scheduler, "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    pipeline = openvino_genai.LLMPipeline(str(package_file()), "CPU", **how)

    def run(requests: list[Request]) -> Texts:
        settings = openvino_genai.GenerationConfig()
        settings.max_new_tokens, settings.ignore_eos = requests[0].max_tokens, True
        settings.apply_chat_template = False
        rendered = [engine._template.render(request) for request in requests]
        return list(pipeline.generate(rendered, settings).texts)

    return run


def best_size(name: str, sizes: dict[int, Run], requests: list[Request], report: dict[str, Any]) -> int:
    """The size with which an engine is fastest on some of the prompts."""
    rates = {}
    for size, run in sizes.items():
        seconds, _ = timed(run, requests)
        rates[size] = len(requests) * requests[0].max_tokens / seconds
        say(f"{name} by {size}: {rates[size]:.0f} tokens/s on {len(requests)} prompts")
    report["tokens_per_s_by_size"][name] = {str(size): round(rate, 1) for size, rate in rates.items()}
    return max(rates, key=lambda size: rates[size])


def timed(run: Run, requests: list[Request]) -> tuple[float, Texts]:
    start = time.perf_counter()
    texts = run(requests)
    return time.perf_counter() - start, texts


def matmul_rate() -> float:
    """Operations a second of a large product in float32, best of some."""
    a = torch.randn(1024, 1536)
    b = torch.randn(1536, 1536)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * a.numel() * b.shape[1] / min(times)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def engines(engine: LocalEngine, threads: int, sample: list[Request], report: dict[str, Any]) -> dict[str, Run]:
    """All that can be measured here, each in its best setting; of the others it is said why not."""
    batches = {rows: generate(engine, rows) for rows in SIZES}
    rows = best_size("generate", batches, sample, report)
    opened: dict[str, Run] = {"proband": ours(engine), f"generate, {rows} rows": batches[rows]}
    try:
        slots = {n: llama(engine, threads, n) for n in SLOTS}
        n = best_size("llama.cpp", slots, sample, report)
        opened[f"llama.cpp Q4_1, {n} slots"] = slots[n]
    except ImportError:
        report["not_measured"]["llama.cpp"] = "not installed"
    try:
        opened["OpenVINO GenAI"] = openvino(engine, threads)
    except ImportError:
        report["not_measured"]["OpenVINO GenAI"] = "not installed"
    return opened


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(arguments.threads)
    transformers.logging.set_verbosity_error()  # it warns that nothing ends a text, which is what is wanted
    engine = embedded_engine()
    n_personas, n_each, n_new = (4, 8, 16) if arguments.quick else (16, 16, 64)
    sample = prompts(2 if arguments.quick else 4, n_each, n_new, 1_000)
    report: dict[str, Any] = {
        "machine": machine("torch", "transformers", "xllamacpp", "openvino-genai"),
        "threads": arguments.threads,
        "work": {"prompts": n_personas * n_each, "prefixes": n_personas, "new_tokens": n_new},
        "matmul_gflops": round(matmul_rate() / 1e9),
        "tokens_per_s_by_size": {},
        "not_measured": {},
    }
    seconds: dict[str, list[float]] = {}
    agreeing: dict[str, float] = {}
    runs = engines(engine, arguments.threads, sample, report)
    for turn in range(arguments.repeats):
        requests = prompts(n_personas, n_each, n_new, turn)
        texts: dict[str, Texts] = {}
        names = list(runs)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            taken, texts[name] = timed(runs[name], requests)
            seconds.setdefault(name, []).append(taken)
            say(f"turn {turn + 1}: {name}: {taken:.1f} s, {len(requests) * n_new / taken:.0f} tokens/s")
        for name in names:
            same = [a == b for a, b in zip(texts[name], texts["proband"], strict=True)]
            agreeing[name] = sum(same) / len(same)
    lengths = [len(engine._template.encode(request).sequences[0]) for request in prompts(n_personas, n_each, n_new, 0)]
    report["work"]["prompt_tokens"] = [min(lengths), max(lengths)]
    sent, computed = engine.writer.prompt_tokens(prompts(n_personas, n_each, n_new, 0))
    report["work"] |= {"all_prompt_tokens": sent, "distinct_prompt_tokens": computed}
    report["engines"] = {
        name: {
            "seconds": [round(value, 2) for value in values],
            "tokens_per_s": round(n_personas * n_each * n_new / min(values), 1),
            "proband_is_faster_by": round(min(values) / min(seconds["proband"]), 2),
            "same_text_share": round(agreeing[name], 3),
        }
        for name, values in seconds.items()
    }
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--quick", action="store_true", help="32 prompts, 4 prefixes, 16 tokens")
    parser.add_argument("--repeats", type=int, default=2, help="turns of each engine (default 2)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    report = measure(arguments := parser.parse_args())
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for name, found in report["engines"].items():
        print(
            f"{name:24} {found['tokens_per_s']:8.1f} tokens/s   ours is {found['proband_is_faster_by']:.2f} times that"
        )


if __name__ == "__main__":
    main()
