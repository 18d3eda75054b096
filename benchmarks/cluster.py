"""What it costs to go beyond one process, part by part.

``python -m benchmarks.cluster --json`` prints what was measured; ``--part NAME`` measures one part. A part is a
function of no arguments in `PARTS`, which gives plain values: numbers, and beside them
what they are to be (``target``).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import cluster_replicas
from benchmarks.machine import machine
from proband.designs.part import Share
from proband.designs.studies import Study
from proband.designs.survey.survey import Survey
from proband.instruments import Instrument, Item
from proband.runs.gathering import gather
from proband.runs.parts import begin_part, carry_out_part, part_of
from proband.subjects import Field, Population, Subject

ITEMS, OPTIONS = 20, ("strongly disagree", "disagree", "neither", "agree", "strongly agree")
GATHERED, DIVIDED = 1_000_000, 64
MOST_S, MOST_GIB = 15.0, 1.0


def gathering() -> dict[str, Any]:
    """A million answers in 64 parts joined, held against the design, and written as one table, in another process."""
    return gathered(GATHERED, DIVIDED)


def gathered(rows: int, parts: int) -> dict[str, Any]:
    """As `gathering`, of so many answers in so many parts."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        made = survey(rows // ITEMS)
        for k in range(1, parts + 1):
            share = Share(k, parts)
            at = begin_part(made, folder, share, made_of={}, work=None)
            carry_out_part(part_of(made, share), at, budget=None, watch=None, retry_failed=False)
        asked_s = time.perf_counter() - begun
        words = [sys.executable, "-m", "benchmarks.cluster", "--gather", folder, "--rows", str(rows)]
        told = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return {"rows": rows, "parts": parts, "asked_s": asked_s, **told, "target": {"s": MOST_S, "peak_gib": MOST_GIB}}


def gather_here(folder: Path, rows: int) -> dict[str, float]:
    """Gather parts in this process, and say what it took."""
    made, joined = survey(rows // ITEMS), []
    begun, cpu = time.perf_counter(), time.process_time()
    gather(made, folder, told=lambda n: joined.append(time.perf_counter()))
    return {
        "s": time.perf_counter() - begun,
        "joining_s": joined[-1] - joined[0],
        "cpu_s": time.process_time() - cpu,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def survey(subjects: int) -> Study:
    """Twenty items to so many people, on the scripted engine."""
    items = tuple(
        Item(id=f"q{k}", text=f"Statement {k} is true.", form="choice", options=OPTIONS) for k in range(ITEMS)
    )
    fields = (Field(column="age", first="I am {value} years old.", third="The person is {value} years old."),)
    people = tuple(Subject(id=f"s{k}", traits={"age": 18 + k % 70}) for k in range(subjects))
    population = Population(name="made up", subjects=people, fields=fields)
    instrument = Instrument(id="twenty", title="Twenty statements", items=items)
    return Study(Survey(instrument=instrument, subjects=population, seed=1), "scripted:uniform")


PARTS: Mapping[str, Callable[[], dict[str, Any]]] = {**cluster_replicas.PARTS, "gather": gathering}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=sorted(PARTS), help="only this; may be given again")
    parser.add_argument("--json", action="store_true", help="plain values on stdout as JSON")
    parser.add_argument("--gather", type=Path, help=argparse.SUPPRESS)  # in a process of its own, for its memory
    parser.add_argument("--rows", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.gather is not None:
        print(json.dumps(gather_here(given.gather, given.rows)))
        return
    found = {name: PARTS[name]() for name in given.part or PARTS}
    if given.json:
        print(json.dumps({"machine": machine(), **found}, indent=2))
        return
    for name, values in found.items():
        print(name)
        for key, value in values.items():
            print(f"  {key:<12} {value}")


if __name__ == "__main__":
    main()
