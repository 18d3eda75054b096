"""A study in a program of its own, to be interrupted: ``interrupted_study.py FOLDER KIND SECONDS_AN_ANSWER``.

KIND is "lazy" (takes eight trials at a time, as a server's client does) or "eager" (takes all of them at once).
"""

import itertools
import sys
import time

from proband.cli.talk import progress
from proband.designs import Survey
from proband.instruments import load_instrument
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import collect
from proband.subjects import load_population

TOGETHER = 8


class Slow(ScriptedEngine):
    """The scripted engine, slowed down."""

    is_lazy = True
    pause_s = 0.0

    def answer(self, trials):
        waiting = iter(trials)
        while flight := list(itertools.islice(waiting, TOGETHER if self.is_lazy else None)):
            for pair in list(super().answer(flight)):
                time.sleep(self.pause_s)
                if __name__ == "__main__":
                    print("answered", flush=True)
                yield pair


def study() -> Survey:
    people = load_population("anes-1996").sample(10, seed=3)
    return Survey(instrument=load_instrument("mini-ipip"), subjects=people, seed=3)


def slow_engine() -> Slow:
    return Slow(uniform(), refuse=0.1, seed=3, address="scripted:slow")


if __name__ == "__main__":
    engine = slow_engine()
    engine.is_lazy, engine.pause_s = sys.argv[2] == "lazy", float(sys.argv[3])
    try:
        with progress() as watch:
            collect(study(), engine, sys.argv[1], watch=watch)
    except KeyboardInterrupt:
        sys.exit(130)
