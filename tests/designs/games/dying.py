"""The ultimatum games of ``test_interruption.py`` as a program that dies when it has answered so many trials."""

import sys

from proband.designs.games.matches import Matches
from proband.designs.games.setting import Setting
from proband.designs.games.ultimatum import Ultimatum
from proband.models.players import threshold
from proband.models.scripted import normal
from proband.runs import collect
from tests.dying import dying


def game(matches: int) -> Matches:
    treatments = {"strategy": {"method": "strategy"}, "rich": {"scale": 100.0, "unit": "$"}}
    setting = Setting(matches=matches, rounds=10, treatments=treatments, illegal="forfeit")
    return Matches(rules=Ultimatum(), setting=setting, seed=5, game="ultimatum")


def engines(dies_after: int = 0):
    made = dying(dies_after)
    return {
        "proposer": made(normal(4, sd=2), seed=1, refuse=0.01, address="scripted:offers"),
        "responder": made(threshold(0.3), seed=2, noise=0.1, address="scripted:accepts"),
    }


if __name__ == "__main__":
    collect(game(int(sys.argv[2])), engines(int(sys.argv[3])), sys.argv[1])
