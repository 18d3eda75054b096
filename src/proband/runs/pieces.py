"""Pieces in the loop: which ones something is missing of, and what an engine is handed of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proband.models.engine import BaseEngine
from proband.models.pieces import pieces_of
from proband.records import Trial


@dataclass(frozen=True, slots=True)
class Piece:
    """What is computed together: a piece of the design, and those of its trials whose answers are missing."""

    whole: Sequence[Trial]
    wanted: Sequence[Trial]


def cut(whole: Sequence[Trial], missing: Iterable[Trial]) -> list[Piece]:
    """The pieces of a block of which something is missing.

    Parameters
    ----------
    whole : sequence of Trial
        All scored trials of one engine in the block, answered ones too.
    missing : iterable of Trial
        Those that are to be asked.
    """
    left = {trial.id: trial for trial in missing}
    pieces = [
        Piece(piece, [left[trial.id] for trial in piece if trial.id in left]) for piece in pieces_of(whole) if left
    ]
    return [piece for piece in pieces if piece.wanted]


def until(pieces: Sequence[Piece], most: int) -> int:
    """How many wanted trials whole pieces hold, at most so many; those of one piece in any case."""
    total = 0
    for piece in pieces:
        if total and total + len(piece.wanted) > most:
            break
        total += len(piece.wanted)
    return total


def handed(engine: BaseEngine, pieces: Sequence[Piece], firsts: Sequence[Trial]) -> list[list[Trial]]:
    """What an engine is handed of pieces, so that these trials are answered.

    Whole pieces, so that nothing hangs on what is answered already: a trial for each request, or every trial where the
    engine answers by place. Where trials belong to no pieces, because the design is adaptive, those that are ready are
    cut as they are.
    """
    if not pieces:
        return pieces_of([trial for trial in firsts if trial.request.verb == "score"])

    def key(trial: Trial) -> str:
        return trial.request.hash if engine.answers_by == "request" else trial.id

    wanted = {key(trial): trial for trial in firsts}
    found = []
    for piece in pieces:
        distinct: dict[str, Trial] = {}
        for trial in piece.whole:
            distinct.setdefault(key(trial), trial)
        if not wanted.keys().isdisjoint(distinct):
            found.append([wanted.get(name, trial) for name, trial in distinct.items()])
    return found
