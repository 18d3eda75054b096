"""Replicas of an engine beside the engine in one process, in turns: the driver's cost, the wall clock, and a kill.

These are parts of ``python -m benchmarks.cluster``. Processor seconds of the workers stand beside wall time.
"""

import os
import resource
import signal
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cluster_simulation import efficiency
from benchmarks.loop import survey
from proband.addresses import open_engine
from proband.designs import Survey
from proband.instruments import load_instrument
from proband.runs import Run, collect
from proband.subjects import load_population

TURNS = 3
SCRIPTED = 40_000  # trials
PERSONAS = 20  # each answers 20 items, of four options or more
LESS = 60e-6  # the driver's seconds for a trial, at most


def _people(n: int) -> Survey:
    return Survey(
        instrument=load_instrument("mini-ipip"), subjects=load_population("anes-1996").sample(n, seed=1), seed=1,
        answer_by="option_text",
    )  # fmt: skip


def _timed(design: Survey, address: str) -> dict[str, float]:
    """One run, its engine open before it begins: wall seconds, and processor seconds of the driver and of workers."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(address)
        engine.fingerprint()  # replicas have answered
        before = _ended_s()
        wall, own = time.perf_counter(), time.process_time()
        collect(design, engine, Path(folder) / "run")
        wall, own = time.perf_counter() - wall, time.process_time() - own
        engine.close()
        return {"wall_s": wall, "driver_s": own, "workers_s": _ended_s() - before}


def _ended_s() -> float:
    """Processor seconds of processes of this one that have ended, their start included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def driver() -> dict[str, Any]:
    """What a scripted trial costs this process, answered here and by two replicas, in turns."""
    design = survey(SCRIPTED)
    n = design.size()
    found: dict[str, list[float]] = {"scripted:uniform": [], "cluster:2*scripted:uniform": []}
    for _ in range(TURNS):
        for address, taken in found.items():
            taken.append(1e6 * _timed(design, address)["driver_s"] / n)
    return {"trials": n, "us_a_trial": found, "target": {"us": 1e6 * LESS}}


def replicas() -> dict[str, Any]:
    """The embedded model: two replicas of one thread each by one process with all threads, in turns."""
    design = _people(PERSONAS)
    found: dict[str, list[dict[str, float]]] = {"smollm2": [], "cluster:2*smollm2": []}
    for _ in range(TURNS):
        for address, taken in found.items():
            taken.append(_timed(design, address))
    one, two = (min(taken["wall_s"] for taken in turns) for turns in found.values())
    return {"trials": design.size(), "turns": found, "faster_by": one / two, "target": {"faster_by": 1.08}}


def ready() -> dict[str, Any]:
    """Seconds until two replicas of the embedded model have answered: processes of this machine, and Ray's."""
    found: dict[str, float] = {}
    for address in ("cluster:2*smollm2", "ray:local?replicas=2&engine=smollm2"):
        begun = time.perf_counter()
        engine = open_engine(address)
        engine.fingerprint()
        found[address] = time.perf_counter() - begun
        engine.close()
    return {"s": found, "target": {"s": 6.0}}


def killed() -> dict[str, Any]:
    """One of two replicas killed in mid-run: whether the table is that of one process, and how many workers ended."""
    design = _people(PERSONAS)
    with tempfile.TemporaryDirectory() as folder:
        plain = collect(design, "smollm2", Path(folder) / "plain")
        engine: Any = open_engine("cluster:2*smollm2")
        engine.fingerprint()
        victim = engine.executor.launched[0]
        threading.Timer(5.0, os.kill, (victim.pid, signal.SIGKILL)).start()
        run = collect(design, engine, Path(folder) / "killed")
        lost = engine.executor.n_lost
        engine.close()
        same = _bytes(plain) == _bytes(run)
    return {"trials": design.size(), "workers_lost": lost, "same_bytes": same, "target": {"same_bytes": True}}


def _bytes(run: Run) -> bytes:
    return (run.path / "responses.parquet").read_bytes()


def simulated() -> dict[str, Any]:
    """Share of the replicas' time that is used, simulated from measured parts: nothing of this size was run."""
    parts = {"piece_s": 2.8, "spread": 0.2, "driver_s": LESS, "start_s": 6.0}
    found = {str(n): efficiency(n, 5_000, **parts) for n in (16, 64, 256, 1024)}
    return {"parts": parts, "personas": 5_000, "efficiency": found, "target": {"64": 0.90}}


PARTS: Mapping[str, Any] = {
    "driver": driver, "replicas": replicas, "ready": ready, "killed": killed, "simulated": simulated,
}  # fmt: skip
