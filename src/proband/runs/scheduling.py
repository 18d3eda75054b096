"""Getting answers out of an engine while the journal is being written, in which order, and until when."""

import logging
import signal
import threading
from collections import deque
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import overload

from proband.models.engine import BaseEngine
from proband.records import Completion, Trial

ENGINE_THREAD = "proband-engine"
COMMIT_S = 0.1  # an answer waits this long, at most, for others to be committed with
QUICK_S = 0.02  # where an engine has nothing to do until somebody else's answer counts
LISTEN_S = 0.2  # for an answer, before new trials are handed to an engine that waits
MANY = 2048  # answers that are committed without waiting any longer
_LEADING = 3  # messages by which trials are put together: persona, first question, first answer

_log = logging.getLogger(__name__)
Pair = tuple[Trial, Completion]


class Stop:
    """How a run is told to stop: after what is in flight, or at once."""

    def __init__(self) -> None:
        self.is_asked = False
        self.is_interrupted = False
        self.is_at_once = False


@contextmanager
def interruptible(stop: Stop) -> Iterator[None]:
    """While this is open, a first Ctrl-C asks the run to stop, and a second one interrupts it where it is.

    Outside the main thread, and where the program handles the signal itself, nothing is changed.

    Raises
    ------
    KeyboardInterrupt
        At the end, if the run was asked to stop so.
    """
    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stop.is_interrupted:
            stop.is_at_once = True
            raise KeyboardInterrupt
        stop.is_interrupted = stop.is_asked = True
        _log.info("stopping after what is in flight; press Ctrl-C again to stop at once")

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if stop.is_interrupted:
        raise KeyboardInterrupt


class Call:
    """Trials put to an engine in a thread of its own: what it has answered is handed over while it computes the rest.

    A kill loses only what was still in flight. Every trial comes back once, unless the run is stopped or the engine
    `waits`; `wake` is set when there are many answers, and at the end. Once a `stop` is asked for, the engine gets no
    further trial: one that takes its trials as it goes, or can `wind_down`, still answers what it has in flight; any
    other ends after the answer it is computing.

    Of `pieces`, which an engine that is `by_piece` gets before the trials, no further one is begun then. The answers of
    a piece are handed over together, those of trials that are in `wanted`.
    """

    def __init__(
        self,
        engine: BaseEngine,
        trials: Sequence[Trial],
        stop: Stop,
        wake: threading.Event,
        *,
        pieces: Sequence[Sequence[Trial]] = (),
        wanted: Collection[str] = (),
    ) -> None:
        self.engine, self.trials = engine, trials
        self.is_over = False
        self.error: BaseException | None = None
        self._stop, self._wake = stop, wake
        self._pieces, self._wanted = pieces, wanted
        self._ready: deque[Pair] = deque()
        self._whole: deque[list[Pair]] = deque()
        self._is_ended = False
        self._thread = threading.Thread(target=self._run, name=ENGINE_THREAD, daemon=True)
        self._thread.start()

    def taken(self) -> list[Pair]:
        """What came since this was last called; `is_over` tells whether it was the last."""
        self.is_over = self._is_ended  # looked at first: what came before the end is in `_ready` or `_whole`
        ready = [self._ready.popleft() for _ in range(len(self._ready))]
        for _ in range(len(self._whole)):
            ready += self._whole.popleft()
        return ready

    def join(self) -> None:
        """Wait for the thread: one that still computes when the process ends takes it down."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._ask()
        except BaseException as error:  # carried to the thread that asked, and raised there
            self.error = error
        self._is_ended = True
        self._wake.set()

    def _ask(self) -> None:
        if self._pieces:
            for answered in self.engine.answer_pieces(self._handed_pieces()):
                self._whole.append([pair for pair in answered if pair[0].id in self._wanted])
        if self.trials and not (self._pieces and self._stop.is_asked):
            self._ask_trials()

    def _handed_pieces(self) -> Iterator[Sequence[Trial]]:
        for piece in self._pieces:
            if self._stop.is_asked:
                return
            yield piece

    def _ask_trials(self) -> None:
        handed = _Handed(self.trials, self._stop)
        answers = self.engine.answer(handed)
        # Whether the engine ends by itself once it gets no further trial.
        is_winding: bool | None = None
        for pair in answers:
            self._ready.append(pair)
            if is_winding is None:
                is_winding = can_wind_down(self.engine) or handed.n_taken < len(handed)
            if len(self._ready) >= MANY:
                self._wake.set()
            if self._stop.is_asked and not is_winding:
                break
        if isinstance(answers, Generator):
            answers.close()


class Listening(Call):
    """Waiting for an engine that `waits` to say that somebody answered; `has_news` tells."""

    has_news = False

    def _ask(self) -> None:
        self.has_news = self.engine.news(LISTEN_S)


def can_wind_down(engine: BaseEngine) -> bool:
    """Whether an engine has a way of its own to end after what is in flight."""
    return type(engine).wind_down is not BaseEngine.wind_down


class _Handed(Sequence[Trial]):
    """Trials as an engine gets them: there are no more of them once the run is to stop."""

    def __init__(self, trials: Sequence[Trial], stop: Stop) -> None:
        self._trials, self._stop = trials, stop
        self.n_taken = 0

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        for trial in self._trials:
            if self._stop.is_asked:
                return
            self.n_taken += 1
            yield trial

    @overload
    def __getitem__(self, key: int) -> Trial: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[Trial]: ...
    def __getitem__(self, key: int | slice) -> Trial | Sequence[Trial]:
        self.n_taken = len(self._trials)
        return self._trials[key]


def grouped(trials: Sequence[Trial]) -> list[Trial]:
    """Trials with the same beginning side by side, in the order in which the beginnings come up.

    Whatever the order of a design's factors, a persona's items stand together then, and an engine that shares
    prefixes computes it once. The order depends on the trials alone.
    """
    ranks: dict[tuple[int, str], int] = {}

    def beginning(trial: Trial) -> tuple[int, ...]:
        rank, path = 0, []
        for message in trial.request.messages[:_LEADING]:
            rank = ranks.setdefault((rank, message.text), len(ranks) + 1)
            path.append(rank)
        return tuple(path)

    return sorted(trials, key=beginning)


def ask_one(engine: BaseEngine, trial: Trial) -> Completion:
    """What an engine answers in somebody else's place, outside the trials that are its own."""
    call = Call(engine, [trial], Stop(), threading.Event())
    call.join()
    if call.error is not None:
        raise call.error
    return replace(call.taken()[0][1], by=engine.address)
