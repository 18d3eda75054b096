"""Pieces: what an engine computes together, cut so that it hangs on the design and on nothing else.

The last digits of a model's numbers depend on what stands beside a request. So that they do not depend on who else was
asked, in which window, by which worker or after which kill, what stands together is fixed before anything is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from proband.models.local.forest import shared_length
from proband.records import Request, Trial

MOST = 1024  # requests in a piece
LEAST = 4_000  # characters of a root and all its requests that are a piece by themselves, about 1,000 tokens
FULL = 48_000  # characters after which a root's piece, and one without a root, may close: some hundred short requests
# A piece is cut where what has to be computed again is at most so small a part of it: before a root, elsewhere.
WORTH_ROOT, WORTH = 25, 40
_FRAME = 24  # characters that stand for the template around a message


def pieces_of(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Cut trials into pieces.

    Parameters
    ----------
    trials : sequence of Trial
        Scored trials of one engine, in the order of the design: a whole block of it, answered ones too.

    Returns
    -------
    list of list of Trial
        Every trial once. Requests of one root (the messages before the last one, or what premises share) stand
        together in the order of the design, roots in the order in which they come up. Trials of the same request are
        in the piece of the first of them.

    Notes
    -----
    A root with at least `LEAST` characters is a piece by itself, and smaller ones are packed by their place; what has
    grown beyond `FULL` characters or `MOST` distinct requests is split. All but the last rule wait until what is then
    computed twice is a small part of a piece.
    """
    same: dict[str, list[Trial]] = {}
    for trial in trials:
        same.setdefault(trial.request.hash, []).append(trial)
    roots: dict[tuple[object, ...], list[_Text]] = {}
    for group in same.values():
        request = group[0].request
        shared = (request.messages, *sorted(request.premises)) if request.premises else request.messages[:-1]
        roots.setdefault(shared, []).append(_Text.of(request, group))
    pieces: list[list[Trial]] = []
    before, size, n = "", 0, MOST
    for root, texts in roots.items():
        whole = _size(texts)
        for number, text in enumerate(texts):
            again = shared_length(before, text.beginning)
            is_first = number == 0
            is_own = is_first and bool(root) and whole >= max(LEAST, WORTH_ROOT * again)
            is_over = size >= max(LEAST, WORTH_ROOT * again) if is_first else size >= max(FULL, WORTH * again)
            if n == MOST or is_own or is_over:
                pieces.append([])
                again = size = n = 0
            pieces[-1] += text.trials
            before, size, n = text.beginning, size + text.size - again, n + 1
    return pieces


@dataclass(frozen=True, slots=True)
class _Text:
    """A request as text: what its scores have in common, and how long all of it is."""

    beginning: str
    size: int
    trials: list[Trial]

    @classmethod
    def of(cls, request: Request, trials: list[Trial]) -> "_Text":
        turns = [(message.role, message.text) for message in request.messages]
        turns += [("user", premise) for premise in sorted(request.premises)]
        said = [f"{role:{_FRAME}}{text}" for role, text in turns]
        scored = sum([len(text) for text in request.continuations]) * max(1, len(request.premises))
        beginning = "\n".join(said)
        return cls(beginning, len(beginning) + scored + _FRAME, trials)


def _size(texts: Sequence[_Text]) -> int:
    """Characters of some requests of one root, what neighbours share counted once."""
    before, size = "", 0
    for text in texts:
        size += text.size - shared_length(before, text.beginning)
        before = text.beginning
    return size
