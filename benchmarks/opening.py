"""What opening the embedded model costs, and how much memory a process that scores with it has to itself.

``python -m benchmarks.opening --json``. Each opening is a process of its own, with one thread. Processor seconds are
counted, which other work on the machine hardly changes: of the imports, of the opening, of finding out how the model is
run, and of the first forest, in which the layers are packed. Memory is the kernel's count (Linux) of the pages that a
process has changed and shares with nobody, and of those it shares with the weights' file.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

from benchmarks.machine import machine

_ONE = r"""
import json, sys, time
from pathlib import Path

clock, found = time.process_time, {}

def pages():
    path = Path("/proc/self/smaps_rollup")
    lines = [line.split() for line in path.read_text().splitlines()[1:]] if path.exists() else []
    counted = {name.rstrip(":"): int(count) / 1e3 for name, count, *_ in lines}
    of_files = counted.get("Shared_Clean", 0) + counted.get("Private_Clean", 0)
    return {"own_mb": counted.get("Private_Dirty", 0), "of_files_mb": of_files}

began = clock()
import torch
found["import torch"] = clock() - began
from proband.addresses import open_engine
engine = open_engine(sys.argv[1])
found["open"] = clock() - began
found["memory when open"] = pages()
way = engine.passes.way
found["find the way"] = clock() - began - found["open"]
from benchmarks.servers import personas
start = clock()
scored = {trial.id: completion.log_probs for trial, completion in engine.answer(personas(0, int(sys.argv[2]), 25))}
found["first scoring"] = clock() - start
found["memory after scoring"] = pages()
found["heavy"] = [name for name in ("torch._dynamo", "scipy", "accelerate") if name in sys.modules]
found["scored"] = sorted(scored.items())
print(json.dumps(found))
"""
_TIMES = ("import torch", "open", "find the way", "first scoring")


def opened(address: str, n_personas: int) -> dict[str, Any]:
    """What one process measured."""
    command, alone = [sys.executable, "-c", _ONE, address, str(n_personas)], {"OMP_NUM_THREADS": "1"}
    made = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | alone)
    found: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return found


def measure(address: str, rounds: int, n_personas: int) -> dict[str, Any]:
    """Medians over some processes, after one that warms the disk's cache."""
    opened(address, 1)
    runs = [opened(address, n_personas) for _ in range(rounds)]
    medians = {name: round(statistics.median(run[name] for run in runs), 2) for name in _TIMES}
    return {
        "processor_seconds": medians,
        "of_every_round": {name: [round(run[name], 2) for run in runs] for name in _TIMES},
        "memory": {name: runs[-1][name] for name in ("memory when open", "memory after scoring")},
        "imported": runs[-1]["heavy"],
        "is_same_in_every_round": all(run["scored"] == runs[0]["scored"] for run in runs),
    }


def main() -> None:
    """Measure, and print JSON or a few lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--engine", default="smollm2", help="address of a local model")
    parser.add_argument("--rounds", type=int, default=5, help="processes, of which the median counts")
    parser.add_argument("--personas", type=int, default=2, help="whose 25 statements are scored at first")
    options = parser.parse_args()
    found = measure(options.engine, options.rounds, options.personas)
    report = {"machine": machine("torch", "transformers"), "load": os.getloadavg()[0], **found}
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for name, seconds in found["processor_seconds"].items():
        print(f"{name}: {seconds:.2f} processor seconds")
    for name, counted in found["memory"].items():
        print(f"{name}: {counted['own_mb']:.0f} MB its own, {counted['of_files_mb']:.0f} MB of files")


if __name__ == "__main__":
    main()
