"""What societies cost: ``python -m benchmarks.societies [--quick] [--json]``.

On scripted engines, with the durable journal on this machine's disk, in processor time:

1. A parallel turn (everybody at once), how the last round compares with the first, and what a stored turn takes in
   memory.
2. A serial turn (one agent after the other).
3. Going on with that run: from its snapshot, and without, as a part of what the run took; and making its tables again.
4. A million agents, a world by tables, asked by cells: asking and writing all tables, and going through it again.

``--model``, beside: a million agents in at most 147 cells on the embedded model, and what calls it takes. ``--levels``,
beside: how far a crowd in cells is from the same crowd asked one by one, by the levels at which neighbours are told.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil

from benchmarks.machine import machine
from proband.designs.studies import Study, study_from_dict
from proband.instruments.items import Item
from proband.models.scripted import ScriptedEngine
from proband.records import Trial
from proband.runs import Run, carry_out, collect
from proband.runs.snapshots import FOLDER
from proband.societies.asking import Asking
from proband.societies.design import Society
from proband.societies.state import State
from proband.societies.world import Ask, Heard, World

STAND = Item(id="stand", text="Where do you stand?", form="scale", options=tuple("1234567"))

AT: list[float] = []  # processor time at the beginning of each turn; a world is its settings, so it stands outside


class Opinions(World):
    """Everybody says where they stand, having heard two neighbours; all at once, or one after the other."""

    outside = False
    items = (STAND,)
    seed = 1

    def __init__(self, agents: int, rounds: int, *, serial: bool = False) -> None:
        self.agents, self._rounds, self.serial = agents, rounds, serial

    @property
    def rounds(self) -> int:
        return self._rounds

    def begin(self, society: int) -> State:
        state = State(society=society, agents={"stand": np.arange(self.agents) % 7})
        state.values["speaker"] = 0
        return state

    def turns(self, state: State) -> Sequence[Ask]:
        AT.append(time.process_time())
        stand, n = state.agents["stand"].tolist(), self.agents
        who = [state.values["speaker"]] if self.serial else range(n)
        near = [(k, stand[k], (stand[k - 1] + stand[(k + 1) % n]) / 2) for k in who]
        return [
            Ask(agent=k, item=STAND, told=f"You said {own}, and those beside you {mean}.", facts=(("own", str(own)),))
            for k, own, mean in near
        ]

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        for one in heard:
            if one.is_valid:
                state.agents["stand"][one.ask.agent] = one.response.answer
        state.values["speaker"] = (state.values["speaker"] + 1) % self.agents if self.serial else 0
        if not state.values["speaker"]:
            state.round += 1
            state.is_over = state.round > self._rounds
        return state


OPTIONS = ["strongly against", "against", "rather against", "neither", "rather for", "for", "strongly for"]


def written(agents: int, rounds: int) -> Study:
    """A world by tables, asked by cells of one's stand, one's worry and those one knows: 1,729 of them."""
    worry = {"name": "worry", "lower": 0, "upper": 10, "start": {"uniform": [0, 10]}}
    stand = {"name": "stand", "options": OPTIONS, "start": {"draw": dict.fromkeys(OPTIONS, 1)}}
    scale = {"ask": "cells", "levels": {"near": 19, "worry": 13}}
    return study_from_dict({**_crowd(agents, rounds), "variable": [stand, worry], "scale": scale})


def _crowd(agents: int, rounds: int) -> dict[str, object]:
    return {
        "seed": 1,
        "engine": "scripted:uniform",
        "society": {"societies": 1, "agents": agents, "rounds": rounds},
        "network": {"kind": "small-world", "degree": 4},
        "turn": [{"item": "stand", "text": "Where do you stand?", "sees": ["own", "neighbours"]}],
    }


def crowd_of_model(agents: int, rounds: int) -> dict[str, float]:
    """Three kinds of people, seven stands, and seven levels of those they know, on the embedded model."""
    kinds = ["young", "grown up", "old"]
    tables = {
        "variable": [
            {"name": "stand", "options": OPTIONS, "start": {"draw": dict.fromkeys(OPTIONS, 1)}},
            {"name": "age", "options": kinds, "start": {"draw": dict.fromkeys(kinds, 1)}},
        ],
        "scale": {"ask": "cells", "levels": {"near": 7}},
    }
    study = study_from_dict({**_crowd(agents, rounds), **tables, "engine": "smollm2"})
    with tempfile.TemporaryDirectory() as folder:
        seconds = spent(lambda: carry_out(study, folder))
        return {"cpu_s_of_a_crowd_of_the_model": seconds, "its_calls": float(Run(folder).table().height)}


def leaning(trial: Trial) -> list[float]:
    """Who is asked stays where it is, or goes where its neighbours are, by what it is told of them."""
    facts = dict(trial.facts)
    own, near = float(OPTIONS.index(facts["stand"])), float(facts.get("near_mean_stand", 3))
    pull = np.exp(-((np.arange(7) - (own + near) / 2) ** 2))
    return list(pull / pull.sum())


def levels(agents: int, rounds: int, steps: Sequence[int]) -> dict[str, dict[str, float]]:
    """Cells against everybody asked, with the same draws: answers at the end, and the largest gaps by round."""
    stand = {"name": "stand", "options": OPTIONS, "start": {"draw": dict.fromkeys(OPTIONS, 1)}}
    world = {**_crowd(agents, rounds), "variable": [stand], "network": {"kind": "small-world", "degree": 10}}

    def lived(scale: dict[str, object]) -> tuple[np.ndarray, int]:
        made = study_from_dict({**world, "scale": scale})
        with tempfile.TemporaryDirectory() as folder:
            run = carry_out(Study(made.design, {"": ScriptedEngine(leaning, seed=1)}), folder)
            ends = run.states().sort("round", "number")["stand"].to_numpy().reshape(-1, agents)
            return ends, run.table().height

    alone, n = lived({"ask": "agents", "levels": {"near": max(steps)}})  # levels: the same draws as agents of cells
    found = {"asked one by one": {"asked": float(n)}}
    for k in steps:
        ends, asked = lived({"ask": "cells", "levels": {"near": k}})
        found[f"{k} levels"] = {
            "asked": float(asked), "same_answer_at_the_end": float((ends[-1] == alone[-1]).mean()),
            "largest_gap_of_mean": float(np.abs(ends.mean(axis=1) - alone.mean(axis=1)).max()),
            "largest_gap_of_sd": float(np.abs(ends.std(axis=1) - alone.std(axis=1)).max()),
        }  # fmt: skip
    return found


def society(world: Opinions) -> Society:
    return Society(world=world, seed=1, asking=Asking(seed=1))


def spent(do: Callable[[], object]) -> float:
    start = time.process_time()
    do()
    return time.process_time() - start


def parallel(agents: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        into, world, process = Path(folder) / "run", Opinions(agents, rounds), psutil.Process()
        collect(society(Opinions(10, 2)), "scripted:uniform", Path(folder) / "warm")
        AT.clear()
        before = process.memory_info().rss
        run = spent(lambda: collect(society(world), "scripted:uniform", into))
        grown = process.memory_info().rss - before
        turns = np.diff(AT[:rounds])
        part = max(1, len(turns) // 10)
        snapshot = spent(lambda: collect(society(Opinions(agents, rounds)), "scripted:uniform", into))
        shutil.rmtree(into / FOLDER)
        without = spent(lambda: collect(society(Opinions(agents, rounds)), "scripted:uniform", into))
        shutil.rmtree(into / "society")
        tables = spent(lambda: collect(society(Opinions(agents, rounds)), "scripted:uniform", into))
        return {
            "cpu_ms_a_parallel_turn": run / agents / rounds * 1e3,
            "last_rounds_over_first": float(np.median(turns[-part:]) / np.median(turns[:part])),
            "bytes_in_memory_a_turn": grown / agents / rounds,
            "resume_with_snapshot_over_run": snapshot / run,
            "resume_without_over_run": without / run,
            "resume_and_tables_over_run": tables / run,
        }


def serial(agents: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        world = Opinions(agents, rounds, serial=True)
        cpu = spent(lambda: collect(society(world), "scripted:uniform", folder))
    return {"cpu_ms_a_serial_turn": cpu / agents / rounds * 1e3}


def crowd(agents: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        asked = spent(lambda: carry_out(written(agents, rounds), folder))
        shutil.rmtree(Path(folder) / "society")
        tables = spent(lambda: carry_out(written(agents, rounds), folder))
        return {
            "cpu_s_of_a_crowd": asked,
            "cpu_s_of_its_tables_again": tables,
            "rows_of_a_crowd": float(Run(folder).table().height),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small, to see that it works")
    parser.add_argument("--model", action="store_true", help="a million agents on the embedded model, and nothing else")
    parser.add_argument("--levels", action="store_true", help="the error of cells by their levels, and nothing else")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    size = (100, 10) if options.quick else (1_000, 50)
    many = (10_000, 5) if options.quick else (1_000_000, 20)
    found: dict[str, object] = {"machine": machine("numpy", "polars"), "load": os.getloadavg()}
    if options.model:
        found |= crowd_of_model(many[0], 5 if options.quick else 10)
    elif options.levels:
        found |= levels(200 if options.quick else 2_000, 10, (4, 7, 13, 25))
    else:
        found |= {**parallel(*size), **serial(20, 10 if options.quick else 100), **crowd(*many)}
    print(json.dumps(found, indent=2), file=sys.stdout)


if __name__ == "__main__":
    main()
