"""The ultimatum games of ``test_interruption.py`` as a program that dies when it has answered so many trials."""

import os
import sys

from proband.designs.games.matches import Matches
from proband.designs.games.setting import Setting
from proband.designs.games.ultimatum import Ultimatum
from proband.models.players import threshold
from proband.models.scripted import ScriptedEngine, normal
from proband.runs import collect


def game(matches: int) -> Matches:
    treatments = {"strategy": {"method": "strategy"}, "rich": {"scale": 100.0, "unit": "$"}}
    setting = Setting(matches=matches, rounds=10, treatments=treatments, illegal="forfeit")
    return Matches(rules=Ultimatum(), setting=setting, seed=5, game="ultimatum")


def engines(dies_after: int = 0):
    class Dying(ScriptedEngine):
        left = dies_after

        def answer(self, trials):
            for pair in super().answer(trials):
                Dying.left -= 1
                if Dying.left == 0:
                    os._exit(9)
                yield pair

    return {
        "proposer": Dying(normal(4, sd=2), seed=1, refuse=0.01, address="scripted:offers"),
        "responder": Dying(threshold(0.3), seed=2, noise=0.1, address="scripted:accepts"),
    }


if __name__ == "__main__":
    collect(game(int(sys.argv[2])), engines(int(sys.argv[3])), sys.argv[1])
