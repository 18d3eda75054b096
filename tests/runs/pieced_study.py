"""A study put to a small model as a program of its own, so that it can be killed: ``pieced_study.py FOLDER MODEL``.

Its pieces are smaller than usual, and so is the model.
"""

import sys
import time

from proband.designs import Survey
from proband.instruments import load_instrument
from proband.models import pieces
from proband.models.local.engine import LocalEngine
from proband.runs import collect
from tests.conftest import made_up

PAUSE_S = 0.02  # after a piece, so that a kill hits between them and in them


def study(n_subjects: int = 12, n_items: int = 6, **settings: object) -> Survey:
    whole = load_instrument("mini-ipip")
    instrument = whole.subset([item.id for item in whole.items[:n_items]])
    return Survey(instrument=instrument, subjects=made_up(n_subjects), seed=3, **settings)


def make_small(put=setattr) -> None:
    """Have a persona's items be a piece, and some requests without a persona."""
    for name, number in (("LEAST", 400), ("FULL", 3000), ("WORTH_ROOT", 5), ("WORTH", 5)):
        put(pieces, name, number)


class Slow(LocalEngine):
    """The local engine, with a rest after every piece."""

    def answer_pieces(self, handed):
        for answered in super().answer_pieces(handed):
            time.sleep(PAUSE_S)
            yield answered


if __name__ == "__main__":
    make_small()
    engine = Slow(sys.argv[2], address="small")
    print("ready", flush=True)
    collect(study(), engine, sys.argv[1])
    print("done", flush=True)
