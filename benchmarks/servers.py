"""What warming a server's prefix cache gains, and what a walk gains over an echo, on vLLM's CPU build in one run.

``python -m benchmarks.servers --json`` starts vLLM with the embedded model (`make test-servers` makes its environment)
and prints what was measured. Work: personas of about 300 tokens, each put 25 statements with four options by option
text. Every way gets personas of its own, so that nothing is warm from the way before. Beside the seconds, which depend
on the machine's other work, stand the prompt tokens that the server found in its cache and those it computed, by its
own count: these do not.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.machine import machine
from proband.instruments import load_instrument
from proband.models.local.embedded import embedded_engine
from proband.models.servers.engine import ServerEngine, ServerSettings
from proband.models.servers.settings import TextsBy
from proband.records import Message, Place, Reply, Request, Trial
from tests.servers.running import MODEL, vllm_server

ACCURACY = ("Very inaccurate", "Moderately inaccurate", "Moderately accurate", "Very accurate")
_COUNTERS = {"asked": "vllm:prompt_tokens_total", "cached": "vllm:prefix_cache_hits_total"}


@dataclass(frozen=True)
class Way:
    """How the same kind of work is asked."""

    name: Literal["warm", "at once", "echo"]
    texts_by: TextsBy
    is_warming: bool
    n_prefixes: int


def personas(start: int, n_prefixes: int, n_items: int) -> list[Trial]:
    """Trials of people who begin differently; `start` numbers the first, and nobody comes twice."""
    told = [item.text for item in load_instrument("ipip-neo-120").items][:120]
    asked = [item.text for item in load_instrument("ipip-50").items][:n_items]
    trials = []
    for subject in range(start, start + n_prefixes):
        rng = np.random.default_rng([11, subject])
        lines = [f"{told[k]}: {ACCURACY[rng.integers(4)].lower()}" for k in rng.choice(len(told), 30, replace=False)]
        persona = f"You are person {subject}, who described yourself so.\n" + "\n".join(lines)
        for number, text in enumerate(asked):
            question = f"How accurately does this describe you?\n{text}\n" + "\n".join(ACCURACY)
            request = Request(
                messages=(Message("system", persona), Message("user", question)), continuations=ACCURACY, closes=True
            )
            reply = Reply(form="choice", method="option_text", options=ACCURACY, order=(0, 1, 2, 3))
            place = Place(subject=f"s{subject}", item=f"q{number}")
            trials.append(Trial(place=place, request=request, reply=reply))
    return trials


def counters(url: str) -> dict[str, float]:
    """Prompt tokens that the server was asked, and those of them it found in its cache, since it started."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as reply:
        text = reply.read().decode()
    return {
        name: sum(float(x) for x in re.findall(rf"^{counter}\{{.*\}} (\S+)$", text, re.MULTILINE))
        for name, counter in _COUNTERS.items()
    }


def run_way(url: str, way: Way, trials: list[Trial]) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
    """One way: seconds and the server's counts per trial; log-probabilities of every trial."""
    settings = ServerSettings(texts_by=way.texts_by, warm_prefixes=way.is_warming, timeout_s=1800.0)
    engine = ServerEngine(url, MODEL, settings=settings)
    try:
        engine.probe()
        before, start = counters(url), time.perf_counter()
        answered = list(engine.answer(trials))
        seconds, after = time.perf_counter() - start, counters(url)
    finally:
        engine.close()
    failed = [completion.error for _, completion in answered if completion.error]
    if failed or len(answered) != len(trials):
        raise RuntimeError(f"{way.name}: {len(failed)} of {len(trials)} trials failed; the first: {failed[:1]}")
    found = {name: after[name] - before[name] for name in before}
    measured = {
        "trials": len(trials),
        "seconds": seconds,
        "seconds_per_trial": seconds / len(trials),
        "prompt_tokens_per_trial": found["asked"] / len(trials),
        "prompt_tokens_computed_per_trial": (found["asked"] - found["cached"]) / len(trials),
        "cached_share": found["cached"] / found["asked"],
    }
    return measured, {trial.id: completion.log_probs or () for trial, completion in answered}


def measure(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """All ways in turn, `rounds` times, each time with people nobody asked before."""
    ways = (
        Way("warm", "walk", True, options.prefixes),
        Way("at once", "walk", False, options.prefixes),
        Way("echo", "echo", False, min(options.echo_prefixes, options.prefixes)),
    )
    found: dict[str, list[dict[str, float]]] = {way.name: [] for way in ways}
    start, gap = 0, 0.0
    run_way(url, Way("warm", "walk", True, 1), personas(10**6, 1, 2))  # the first calls are slower
    local = embedded_engine()
    for number in range(options.rounds):
        # Turned every other round: who comes later is not always the same.
        for way in ways if number % 2 == 0 else ways[::-1]:
            print(f"round {number + 1}: {way.name} ...", file=sys.stderr, end=" ", flush=True)
            trials = personas(start, way.n_prefixes, options.items)
            measured, log_probs = run_way(url, way, trials)
            print(f"{measured['seconds']:.1f} s", file=sys.stderr, flush=True)
            found[way.name].append(measured)
            start += way.n_prefixes
            ours = local.answer(trials[:: max(1, len(trials) // 8)])
            pairs = [(log_probs[trial.id], completion.log_probs or ()) for trial, completion in ours]
            gap = max(gap, *(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)))
    best = {name: min(runs, key=lambda run: run["seconds_per_trial"]) for name, runs in found.items()}
    per_trial = {name: run["seconds_per_trial"] for name, run in best.items()}
    return {
        "ways": best,
        "seconds_of_every_round": {name: [run["seconds"] for run in runs] for name, runs in found.items()},
        "at_once_over_warm": per_trial["at once"] / per_trial["warm"],
        "echo_over_warm_walk": per_trial["echo"] / per_trial["warm"],
        "computed_tokens_at_once_over_warm": best["at once"]["prompt_tokens_computed_per_trial"]
        / best["warm"]["prompt_tokens_computed_per_trial"],
        "largest_difference_from_our_pass_nats": gap,
    }


@contextmanager
def server(options: argparse.Namespace) -> Iterator[str]:
    """The server of `--url`, or one of our own for as long as it is needed."""
    if options.url:
        yield options.url
        return
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--block-size", str(options.block_size)]
        with vllm_server(options.python, Path(folder) / "log", "--enforce-eager", *flags) as url:
            yield url


def main() -> None:
    """Measure, and print JSON or a few lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--prefixes", type=int, default=20, help="personas of each way")
    parser.add_argument("--items", type=int, default=25, help="statements put to each, 50 at most")
    parser.add_argument("--echo-prefixes", type=int, default=2, help="personas of the echo, which is slow")
    parser.add_argument("--rounds", type=int, default=2, help="of which the best counts")
    parser.add_argument("--block-size", type=int, default=32, help="tokens of a cached block")
    parser.add_argument("--url", default="", help="a vLLM server that runs already")
    environment = os.environ.get("PROBAND_VLLM_PYTHON", ".venv-vllm/bin/python")
    parser.add_argument("--python", type=Path, default=Path(environment), help="vLLM's interpreter")
    options = parser.parse_args()
    with server(options) as url:
        found = measure(url, options)
    report = {
        "machine": machine("torch", "aiohttp"),
        "load": os.getloadavg()[0],
        "prefixes": options.prefixes,
        "items": options.items,
        "echo_prefixes": min(options.echo_prefixes, options.prefixes),
        "block_size": "the server's own" if options.url else options.block_size,
        **found,
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for name, run in found["ways"].items():
        print(
            f"{name}: {run['seconds_per_trial']:.3f} s a trial, {run['prompt_tokens_computed_per_trial']:.0f} of "
            f"{run['prompt_tokens_per_trial']:.0f} prompt tokens computed"
        )
    print(
        f"all at once takes {found['at_once_over_warm']:.2f} times as long as warming, "
        f"an echo {found['echo_over_warm_walk']:.2f} times as long as a walk"
    )


if __name__ == "__main__":
    main()
