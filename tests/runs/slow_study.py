"""A study run as a program of its own so that it can be killed: ``slow_study.py FOLDER [quick]``.

It takes its time; with "quick" it is larger and does not, so that a kill hits batches of thousands half-way.
"""

import sys
import time

from proband.designs import Survey
from proband.instruments import load_instrument
from proband.models.scripted import ScriptedEngine, uniform
from proband.runs import collect
from proband.subjects import load_population


class Unhurried(ScriptedEngine):
    """The scripted engine, a millisecond an answer."""

    def answer(self, trials):
        for pair in super().answer(trials):
            time.sleep(0.001)
            yield pair


def study(replicates: int = 1) -> Survey:
    people = load_population("anes-1996").sample(40, seed=3)
    instrument = load_instrument("mini-ipip")
    ways = ("option_text", "written")
    return Survey(instrument=instrument, subjects=people, seed=3, answer_by=ways, replicates=replicates)


if __name__ == "__main__":
    is_quick = "quick" in sys.argv
    survey = study(40 if is_quick else 1)
    print("ready", flush=True)
    kind = ScriptedEngine if is_quick else Unhurried
    collect(survey, kind(uniform(), refuse=0.1, fail=0.02, seed=3), sys.argv[1])
    print("done", flush=True)
