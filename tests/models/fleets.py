"""Engines for workers of the tests: slow ones, and some that take their process with them."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from proband.models.fleet import FleetEngine, replica
from proband.models.local.engine import LocalEngine
from proband.models.scripted import ScriptedEngine, uniform
from proband.records import Completion
from proband.workers import Task
from proband.workers.processes import Processes

HERE = "tests.models.fleets"  # also where it is the program


class Slow(ScriptedEngine):
    """Rests after every answer."""

    def answer(self, trials):
        for pair in super().answer(trials):
            time.sleep(0.02)
            yield pair


class SlowModel(LocalEngine):
    def answer_pieces(self, pieces):
        for answered in super().answer_pieces(pieces):
            time.sleep(0.05)
            yield answered


class Poisonous(ScriptedEngine):
    """Ends its process at one subject's item, like a request that takes all memory."""

    def answer(self, trials):
        for trial in trials:
            if trial.id.startswith("s3/"):
                os.kill(os.getpid(), signal.SIGKILL)
            yield from super().answer([trial])


class Sized(ScriptedEngine):
    """Tells with each answer how many were computed together; one subject's always fail."""

    def answer_pieces(self, pieces):
        for piece in pieces:
            yield [
                (
                    trial,
                    replace(Completion(error="no") if trial.id.startswith("s3/") else completion, took_s=len(piece)),
                )
                for trial, completion in super().answer(piece)
            ]


class Priced(ScriptedEngine):
    def price_of(self, prompt_tokens, completion_tokens):
        return 0.01 * prompt_tokens


class Other(ScriptedEngine):
    """Another engine in every process."""

    def fingerprint(self):
        return {**super().fingerprint(), "weights": f"of process {os.getpid()}"}


class Unable(ScriptedEngine):
    def answer(self, trials):
        raise RuntimeError("a defect of the engine")


KINDS = {kind.__name__: kind for kind in (ScriptedEngine, Slow, Poisonous, Sized, Priced, Other, Unable)}


def scripted(kind):
    return KINDS[kind](uniform(), seed=1, address="scripted:uniform?seed=1")


def open_scripted(kind):
    return replica(scripted(kind))


def model(folder):
    return SlowModel(folder, address="small")


def open_model(folder):
    return replica(model(folder))


def fleet(kind, n=2, executor=None):
    """A fleet of scripted engines of a kind."""
    setup = Task(f"{HERE}:open_scripted", (kind,))
    view = "Priced" if kind == "Priced" else "ScriptedEngine"
    return FleetEngine(executor or Processes(), setup, n, view=lambda: scripted(view), is_light=True)


def model_fleet(folder, n=2, executor=None):
    setup = Task(f"{HERE}:open_model", (str(folder),))
    return FleetEngine(executor or Processes(), setup, n, view=lambda: model(folder))


if __name__ == "__main__":  # python -m tests.models.fleets FOLDER MODEL: a study on two replicas, to be killed
    from proband.runs import collect
    from tests.runs.pieced_study import make_small, study

    make_small()
    engine = model_fleet(Path(sys.argv[2]))
    engine.fingerprint()
    print("ready", flush=True)
    collect(study(60), engine, sys.argv[1])
    engine.close()
    print("done")
