"""Forest scoring beside a plain batched loop and beside lm-evaluation-harness, in one process run.

``python -m benchmarks.forest --json`` prints what was measured. Work (1): personas x 25 items x 4 options by option
text; (2): short four-option items without personas; (3): items behind shared exemplars. The slow ways are timed once,
between runs of ours, on a stated part of the same trials; of ours the best of the repeats counts.

``--pieces`` measures what it costs that every piece of a design is a forest of its own: processor seconds of works (1)
and (2) by pieces and by windows of 1,024 requests, in turns.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.machine import machine
from proband.instruments import load_instrument
from proband.models.local.embedded import embedded_engine
from proband.models.local.engine import LocalEngine
from proband.models.local.forest import Forest
from proband.models.pieces import pieces_of
from proband.records import Message, Place, Reply, Request, Trial

ACCURACY = ("Very inaccurate", "Moderately inaccurate", "Moderately accurate", "Very accurate")
WINDOW = 1024  # requests in a forest, before there were pieces
ROWS = (8, 16)  # of the plain loop and of the harness; more were slower


@dataclass(frozen=True)
class Work:
    """Trials, how many of the first of them the slow ways get, and the right option of each, where there is one."""

    name: str
    trials: list[Trial]
    for_timing: int
    right: list[int]


def personas(n_personas: int) -> Work:
    """People described by 40 earlier answers (about 300 tokens), and 25 statements put to each."""
    told = [item.text for item in load_instrument("ipip-neo-120").items][:120]
    asked = [item.text for item in load_instrument("ipip-50").items][:25]
    rng = np.random.default_rng(7)
    trials = []
    for subject in range(n_personas):
        lines = [f"{told[k]}: {ACCURACY[rng.integers(4)].lower()}" for k in rng.choice(len(told), 30, replace=False)]
        persona = "You are a person who described yourself so.\n" + "\n".join(lines)
        for number, text in enumerate(asked):
            question = f"How accurately does this describe you?\n{text}\n" + "\n".join(ACCURACY)
            messages = (Message("system", persona), Message("user", question))
            trials.append(_trial(f"s{subject}", f"q{number}", messages, ACCURACY))
    return Work("personas", trials, 25, [])


def short(n_items: int) -> Work:
    """Sums with four answers, nothing shared but the wording."""
    items = [_sum(k) for k in range(n_items)]
    trials = [_trial("s", f"q{k}", (Message("user", text),), options) for k, (text, options, _) in enumerate(items)]
    return Work("short", trials, min(100, n_items), [right for _, _, right in items])


def exemplars(n_items: int) -> Work:
    """Sums behind 20 worked ones, about 700 tokens that all share."""
    shown: list[Message] = []
    for k in range(20):
        text, options, right = _sum(10_000 + k)
        shown += [Message("user", text), Message("assistant", options[right])]
    items = [_sum(20_000 + k) for k in range(n_items)]
    trials = [
        _trial("s", f"q{k}", (*shown, Message("user", text)), options) for k, (text, options, _) in enumerate(items)
    ]
    return Work("exemplars", trials, 10, [right for _, _, right in items])


def _sum(k: int) -> tuple[str, tuple[str, ...], int]:
    rng = np.random.default_rng([3, k])
    a, b = (int(x) for x in rng.integers(2, 60, 2))
    wrong = rng.choice([d for d in range(-9, 10) if d], 3, replace=False)
    right = int(rng.integers(4))
    values = [a + b + int(d) for d in wrong]
    values.insert(right, a + b)
    return f"What is {a} plus {b}?", tuple(f"It is {value}." for value in values), right


def _trial(subject: str, item: str, messages: tuple[Message, ...], options: tuple[str, ...]) -> Trial:
    reply = Reply(form="choice", method="option_text", options=options, order=(0, 1, 2, 3))
    request = Request(messages=messages, continuations=options, closes=True)
    return Trial(place=Place(subject=subject, item=item), request=request, reply=reply)


def by_forest(engine: LocalEngine, trials: list[Trial]) -> list[tuple[float, ...]]:
    """What Proband does."""
    found = {trial.id: completion.log_probs for trial, completion in engine.answer(trials)}
    return [found[trial.id] or () for trial in trials]


def by_windows(engine: LocalEngine, trials: list[Trial]) -> int:
    """One forest for so many requests, whatever they are; gives its nodes."""
    before = engine.passes.computed_tokens
    for start in range(0, len(trials), WINDOW):
        list(engine._score(trials[start : start + WINDOW]))
    return engine.passes.computed_tokens - before


def by_pieces(engine: LocalEngine, trials: list[Trial]) -> int:
    """A forest for every piece of the design; gives their nodes."""
    before = engine.passes.computed_tokens
    for _ in engine.answer_pieces(pieces_of(trials)):
        pass
    return engine.passes.computed_tokens - before


def measure_pieces(engine: LocalEngine, work: Work, repeats: int) -> dict[str, Any]:
    """Processor seconds of both ways, in turns; the first of each pair changes."""
    seconds: dict[str, list[float]] = {"windows": [], "pieces": []}
    nodes: dict[str, int] = {}
    ways = (("windows", by_windows), ("pieces", by_pieces))
    for turn in range(repeats):
        for name, way in ways[:: 1 if turn % 2 else -1]:
            start = time.process_time()
            nodes[name] = way(engine, work.trials)
            seconds[name].append(time.process_time() - start)
            print(f"{work.name}, by {name}: {seconds[name][-1]:.1f} s of processor time", file=sys.stderr)
    median = {name: float(np.median(found)) for name, found in seconds.items()}
    return {
        "trials": len(work.trials),
        "pieces": len(pieces_of(work.trials)),
        "nodes": nodes,
        "cpu_s": seconds,
        "median_cpu_s": median,
        "cost": median["pieces"] / median["windows"] - 1,
        "cost_of_the_best": min(seconds["pieces"]) / min(seconds["windows"]) - 1,
        "more_nodes": nodes["pieces"] / nodes["windows"] - 1,
    }


def by_loop(engine: LocalEngine, trials: list[Trial], rows: int) -> list[tuple[float, ...]]:
    """What one writes first: every prompt with every option, padded, so many rows at a time."""
    model, encoded = engine.passes.model, [engine._template.encode(trial.request) for trial in trials]
    sequences = [(ids, e.start) for e in encoded for ids in e.sequences]
    sums: list[float] = []
    for k in range(0, len(sequences), rows):
        batch = sequences[k : k + rows]
        width = max(len(ids) for ids, _ in batch)
        ids = torch.zeros(len(batch), width, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, (sequence, _) in enumerate(batch):
            ids[row, width - len(sequence) :] = torch.tensor(sequence)
            mask[row, width - len(sequence) :] = 1
        tail = max(len(sequence) - start for sequence, start in batch) + 1
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=tail).logits
            logs = torch.log_softmax(logits[:, :-1].float(), -1)
            taken = logs.gather(2, ids[:, -(tail - 1) :, None])[..., 0]
        sums += [float(taken[row, start - len(s) :].sum()) for row, (s, start) in enumerate(batch)]
    return [tuple(sums[k : k + 4]) for k in range(0, len(sums), 4)]


def by_harness(harness: Any, engine: LocalEngine, trials: list[Trial]) -> list[tuple[float, ...]]:
    """What lm-evaluation-harness does with the same prompts and continuations."""
    from lm_eval.api.instance import Instance

    asked = [
        Instance("loglikelihood", {}, (engine._template.render(trial.request), text), k)
        for trial in trials
        for k, text in enumerate(engine._template.continuations(trial.request))
    ]
    found = [log_prob for log_prob, _ in harness.loglikelihood(asked, disable_tqdm=True)]
    return [tuple(found[k : k + 4]) for k in range(0, len(found), 4)]


def harness_of(engine: LocalEngine, rows: int) -> Any:
    """The harness around the same model in memory; None where it is not installed."""
    try:
        from lm_eval.models.huggingface import HFLM
    except ImportError:
        return None
    return HFLM(pretrained=engine.passes.model, tokenizer=engine._template._tokenizer, batch_size=rows, device="cpu")


def limit_gflops(engine: LocalEngine) -> float:
    """The best rate of a float32 matrix product that this machine reaches on shapes of this model, in GFLOP/s."""
    config = engine.passes.config
    best = 0.0
    for rows in (256, 512, 1024):
        for inner, outer in (
            (config.hidden_size, config.intermediate_size),
            (config.intermediate_size, config.hidden_size),
        ):
            a, weights = torch.randn(rows, inner), torch.randn(outer, inner)
            product = partial(torch.nn.functional.linear, a, weights)
            seconds = min(_seconds(product)[0] for _ in range(30))
            best = max(best, 2 * rows * inner * outer / seconds / 1e9)
    return best


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def measure(engine: LocalEngine, work: Work, repeats: int) -> dict[str, Any]:
    """One kind of work, all engines in turn."""
    harness = {rows: harness_of(engine, rows) for rows in ROWS}
    part = work.trials[: work.for_timing]
    times: dict[str, list[float]] = {}
    results: dict[str, Any] = {}
    limits = [limit_gflops(engine)]
    for number in range(repeats):
        for name, job in _jobs(engine, work.trials, part, harness, slow_too=number == 0):
            print(f"{work.name}: {name} ...", file=sys.stderr, end=" ", flush=True)
            seconds, results[name] = _seconds(job)
            print(f"{seconds:.1f} s", file=sys.stderr)
            times.setdefault(name, []).append(seconds)
        limits.append(limit_gflops(engine))
    best = {name: min(found) for name, found in times.items()}
    encoded = [engine._template.encode(trial.request) for trial in work.trials]
    forest = Forest.build([s for e in encoded for s in e.sequences], [e.start for e in encoded for _ in e.sequences])
    operations, limit = engine.passes.operations(forest), max(limits)
    report: dict[str, Any] = {
        "trials": len(work.trials),
        "tokens": sum(len(s) - 1 for e in encoded for s in e.sequences),
        "unique_tokens": len(forest),
        "seconds": best["forest"],
        "unique_tokens_per_s": len(forest) / best["forest"],
        "gflop_needed": operations / 1e9,
        "limit_gflops": limit,
        "fraction_of_limit": operations / 1e9 / best["forest"] / limit,
        "plain_loop": _beside(best, results, "loop", len(work.trials), len(part)),
    }
    if harness[ROWS[0]] is not None:
        report["harness"] = _beside(best, results, "harness", len(work.trials), len(part))
        for which in ("plain_loop", "harness"):
            report[which]["ratio_on_the_same_trials"] = report[which]["seconds"] / best["forest, the same part"]
    if work.right:
        report["accuracy"] = {
            name: float(np.mean([np.argmax(row) == right for row, right in zip(rows, work.right, strict=False)]))
            for name, rows in results.items()
        }
    return report


def _jobs(
    engine: LocalEngine, trials: list[Trial], part: list[Trial], harness: dict[int, Any], *, slow_too: bool
) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "forest", lambda: by_forest(engine, trials)
    yield "forest, the same part", lambda: by_forest(engine, part)
    for rows, made in harness.items() if slow_too else ():
        yield f"loop, {rows} rows", lambda rows=rows: by_loop(engine, part, rows)
        if made is not None:
            yield f"harness, {rows} rows", lambda made=made: by_harness(made, engine, part)


def _fastest(best: dict[str, float], which: str) -> float:
    return min(seconds for name, seconds in best.items() if name.startswith(which))


def _beside(
    best: dict[str, float], results: dict[str, Any], which: str, n_trials: int, n_timed: int
) -> dict[str, float]:
    """How many times longer another way takes per trial, and how far its log-probabilities are away."""
    seconds = _fastest(best, which)
    theirs = next(found for name, found in results.items() if name.startswith(which))
    pairs = zip(results["forest"], theirs, strict=False)  # theirs is the first part
    gap = max(abs(a - b) for ours, other in pairs for a, b in zip(ours, other, strict=True))
    return {
        "trials_timed": n_timed,
        "seconds": seconds,
        "ratio_per_trial": (seconds / n_timed) / (best["forest"] / n_trials),
        "largest_difference_nats": gap,
    }


def main() -> None:
    """Measure, and print JSON or a few lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--full", action="store_true", help="work (1) with 100 personas")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, once: to see that it runs")
    parser.add_argument("--pieces", action="store_true", help="only what pieces cost, in place of the rest")
    parser.add_argument("--threads", type=int, default=0, help="threads; default all cores")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    engine = embedded_engine()
    small = 10 if options.quick else 1
    repeats = 1 if options.quick else 2
    works = [personas(100 if options.full else max(2, 20 // small)), short(500 // small), exemplars(300 // small)]
    by_forest(engine, works[1].trials[:20])  # the first passes are slower
    if options.pieces:
        found = {work.name: measure_pieces(engine, work, 1 if options.quick else 5) for work in works[:2]}
        print(json.dumps({"machine": machine("torch"), "threads": torch.get_num_threads(), "works": found}, indent=2))
        return
    report = {
        "machine": machine("torch", "transformers", "lm_eval"),
        "threads": torch.get_num_threads(),
        "chunk_tokens": engine.passes.chunk_tokens,
        "block_tokens": engine.passes.block_tokens,
        "works": {work.name: measure(engine, work, repeats) for work in works},
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for name, found in report["works"].items():
        beside = f", harness x {found['harness']['ratio_per_trial']:.1f}" if "harness" in found else ""
        loop = found["plain_loop"]["ratio_per_trial"]
        print(
            f"{name}: {found['unique_tokens_per_s']:.0f} unique tokens/s, "
            f"{found['fraction_of_limit']:.2f} of the limit; plain loop x {loop:.1f}{beside}"
        )


if __name__ == "__main__":
    main()
