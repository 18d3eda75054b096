"""The game of ``test_dilemma.py`` as a program of its own, slow enough from round 6 on to be killed there."""

import sys
import time

from proband.designs import PrisonersDilemma
from proband.models.scripted import ScriptedEngine, played, uniform
from proband.runs import collect
from proband.strategies import tit_for_tat


class Announcing(ScriptedEngine):
    """Says which round it is asked about, then takes its time."""

    def answer(self, trials):
        print("round", trials[0].place.round, flush=True)
        for trial, completion in super().answer(trials):
            time.sleep(0.005 if trial.place.round >= 6 else 0.0)
            yield trial, completion


if __name__ == "__main__":
    engines = {"model": Announcing(uniform(), seed=9), "rival": ScriptedEngine(played(tit_for_tat))}
    collect(PrisonersDilemma(matches=200, rounds=10, seed=4), engines, sys.argv[1])
