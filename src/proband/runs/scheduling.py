"""Getting answers out of an engine while the journal is being written, and in which order they are asked for."""

import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import overload

from proband.models.engine import BaseEngine
from proband.records import Completion, Trial

ENGINE_THREAD = "proband-engine"
COMMIT_S = 0.1  # an answer waits this long, at most, for others to be committed with
MANY = 2048  # answers that are committed without waiting any longer
_LEADING = 3  # messages by which trials are put together: persona, first question, first answer

Pair = tuple[Trial, Completion]


class Stop:
    """How a run is told to stop: after what is in flight, or at once."""

    def __init__(self) -> None:
        self.is_asked = False
        self.is_interrupted = False
        self.is_at_once = False


def stream(engine: BaseEngine, trials: Sequence[Trial], stop: Stop) -> Generator[list[Pair], None, None]:
    """Yield answers in batches, a tenth of a second together at most.

    The engine runs in a thread of its own, so what it has answered is handed over, and committed, while it
    computes the rest: a kill loses only what was still in flight.

    Parameters
    ----------
    engine : BaseEngine
        Who answers.
    trials : sequence of Trial
        What is asked; every one comes back once, unless the run is stopped.
    stop : Stop
        When asked for, the engine gets no further trial. One that takes its trials as it goes, or can `wind_down`,
        still answers what it has in flight; any other ends after the answer it is computing. Closing the generator
        asks for it.
    """
    handed = _Handed(trials, stop)
    can_wind_down = type(engine).wind_down is not BaseEngine.wind_down
    ready: deque[Pair] = deque()
    wake = threading.Event()
    end: list[BaseException | None] = []

    def ask() -> None:
        try:
            answers = engine.answer(handed)
            is_winding: bool | None = None  # whether the engine ends by itself once it gets no further trial
            for pair in answers:
                ready.append(pair)
                if is_winding is None:
                    is_winding = can_wind_down or handed.n_taken < len(handed)
                if len(ready) >= MANY:
                    wake.set()
                if stop.is_asked and not is_winding:
                    break
            if isinstance(answers, Generator):
                answers.close()
            end.append(None)
        except BaseException as error:  # carried to the thread that asked, and raised there
            end.append(error)
        wake.set()

    thread = threading.Thread(target=ask, name=ENGINE_THREAD, daemon=True)
    thread.start()
    try:
        while True:
            wake.wait(COMMIT_S)
            wake.clear()
            if stop.is_asked:
                engine.wind_down()
            is_over = bool(end)  # looked at first: what came before the end is in `ready`
            if batch := [ready.popleft() for _ in range(len(ready))]:
                yield batch
            if is_over:
                break
    except BaseException:
        stop.is_asked = True
        if stop.is_at_once:
            engine.stop()
        else:
            engine.wind_down()
        raise
    finally:
        # A thread that is still computing when the process ends takes it down: wait for its current answer.
        if not stop.is_at_once:
            thread.join()
    if end[0] is not None:
        raise end[0]


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
