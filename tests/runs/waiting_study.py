"""A game with somebody who answers in their own time, as a program to be killed: FOLDER DESK."""

import sys
from pathlib import Path

from proband.runs import collect
from tests.runs.test_waiting import GAME, players

if __name__ == "__main__":
    print("ready", flush=True)
    collect(GAME, players(Path(sys.argv[2])), sys.argv[1])
