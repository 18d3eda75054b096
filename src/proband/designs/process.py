"""Processes: parts of an adaptive design that advance on their own, one match, conversation or society each.

A process is written as a generator, which yields trials and is sent their responses::

    def match(...):
        for number in range(1, rounds + 1):
            pair = [trial(row, number), trial(column, number)]
            answers = yield pair                 # goes on when both are answered
            moves = [answers[t].answer for t in pair]

or, where later trials wait for single answers and not for a whole step, as a fold with `start` and `advance`.
It must be pure: what it yields may depend on what it was given when made and on the responses it was sent, and on
nothing else, because resume is replay.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import GeneratorType
from typing import Any, Protocol, runtime_checkable

from proband.errors import DesignError
from proband.records import Response, Trial

Steps = Generator[Trial | Sequence[Trial], "Answers", None]


@runtime_checkable
class Fold(Protocol):
    """A process that takes its answers one by one, in any order."""

    def start(self) -> Iterable[Trial]:
        """What can be asked before anything is answered."""

    def advance(self, response: Response) -> Iterable[Trial]:
        """What can be asked because of one more answer; the same set whatever the order of answers."""


Process = Steps | Fold
Packed = tuple[Mapping[str, Any], Mapping[str, Any]]  # where a fold stands: JSON, and arrays by name


@runtime_checkable
class Marking(Protocol):
    """A fold that says where it has come to, so that a replay which comes to something else is refused."""

    def marks(self) -> Sequence[tuple[str, str]]:
        """What it has come to since this was asked last: (what a message calls it, digest)."""


@runtime_checkable
class Packing(Protocol):
    """A fold that need not be given all its answers again, because where it stands can be kept."""

    def pack(self) -> Packed | None:
        """Where it stands; None if it cannot be kept now."""

    def resume(self, packed: Packed) -> Iterable[Trial]:
        """Go on from there, in place of `start`: everything that it waits for, answered or not."""


class Stalled(Exception):
    """Raised by a process that cannot go on although it is not over, e.g. after a failed call, saying why."""


class Answers(Mapping[str, Response]):
    """The responses to one step, by trial or by the id of its place."""

    def __init__(self, responses: Mapping[str, Response]) -> None:
        self._responses = responses

    def __getitem__(self, key: str | Trial) -> Response:
        id = key.id if isinstance(key, Trial) else key
        try:
            return self._responses[id]
        except KeyError:
            waited = ", ".join(list(self._responses)[:3]) or "nothing"
            raise DesignError(
                f"a process asks about the answer at {id!r}, which it did not wait for; it waited for {waited}: yield "
                "the trial first, and ask when its step is back"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._responses)

    def __len__(self) -> int:
        return len(self._responses)


class Stepping:
    """A generator as a fold: its next step comes when the last answer of this one is there."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._waits: set[str] = set()
        self._order: tuple[str, ...] = ()
        self._answers: dict[str, Response] = {}

    def start(self) -> Iterable[Trial]:
        """The first step."""
        return self._next(None)

    def advance(self, response: Response) -> Iterable[Trial]:
        """Nothing, until the step is whole; then the next."""
        id = response.place.id
        self._answers[id] = response
        self._waits.discard(id)
        if self._waits:
            return ()
        # In the order yielded, so that a process that goes through its answers does not see how they arrived.
        return self._next(Answers({id: self._answers[id] for id in self._order}))

    def _next(self, answers: Answers | None) -> Sequence[Trial]:
        trials: Sequence[Trial] = ()
        while not trials:  # an empty step has its answers at once
            try:
                step = next(self._steps) if answers is None else self._steps.send(answers)
            except StopIteration:
                return ()
            trials, answers = (step,) if isinstance(step, Trial) else tuple(step), Answers({})
        self._order = tuple([trial.id for trial in trials])
        self._waits, self._answers = set(self._order), {}
        return trials


def as_fold(process: Process) -> Fold:
    """A process in the one form that the loop takes."""
    # Asking whether it has the methods of a fold takes a tenth of a millisecond, so what is a generator is not asked.
    return process if not isinstance(process, GeneratorType) and isinstance(process, Fold) else Stepping(process)


def unfold(processes: Iterable[Process], answered: Mapping[str, Response]) -> Iterator[Trial]:
    """Every trial that some answers settle, process by process: what an adaptive design is a pure function of."""
    for process in processes:
        fold = as_fold(process)
        open_ = deque(fold.start())
        while open_:
            trial = open_.popleft()
            yield trial
            response = answered.get(trial.id)
            if response is not None:
                with suppress(Stalled):
                    open_ += fold.advance(response)
