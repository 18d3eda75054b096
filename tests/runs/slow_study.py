"""A study that takes its time, run as a program of its own so that it can be killed: ``slow_study.py FOLDER``."""

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


def study() -> Survey:
    people = load_population("anes-1996").sample(40, seed=3)
    instrument = load_instrument("mini-ipip")
    return Survey(instrument=instrument, subjects=people, seed=3, answer_by=("option_text", "written"))


if __name__ == "__main__":
    survey = study()
    print("ready", flush=True)
    collect(survey, Unhurried(uniform(), refuse=0.1, fail=0.02, seed=3), sys.argv[1])
    print("done", flush=True)
