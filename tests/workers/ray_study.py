"""A study on a Ray, as a program: ``python -m tests.workers.ray_study FOLDER MODEL ADDRESS REPLICAS SUBJECTS``."""

import os
import sys
import time

from proband.errors import EngineError
from proband.runs import collect
from proband.workers.ray_connection import Connection
from proband.workers.rays import Rays, Share
from tests.models.fleets import model_fleet
from tests.runs.pieced_study import make_small, study

if __name__ == "__main__":
    into, checkpoint, address, n, subjects = sys.argv[1:]
    make_small()
    engine = model_fleet(checkpoint, int(n), Rays(Connection(address=address), Share()))
    told = False

    def watch(tally):
        global told
        if not told and tally.done >= 40:
            told = True
            print(*(worker.name.partition("process ")[2].split()[0] for worker in engine.executor.workers), flush=True)
        print(f"{time.monotonic():.3f} {tally.done}", file=sys.stderr, flush=True)

    try:
        run = collect(study(int(subjects)), engine, into, watch=watch)
        print(f"complete, {engine.executor.n_lost} lost", flush=True)
    except EngineError as error:
        print(error, flush=True)
    engine.close()
    print("closed", flush=True)
    sys.stdout.flush()
    os._exit(0)
