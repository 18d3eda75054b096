"""Getting answers out of an engine while the journal is being written."""

import queue
import threading
from collections.abc import Iterator, Sequence

from proband.models.engine import Engine
from proband.records import Completion, Trial


class Stopped(Exception):
    """Asked to stop between two answers; not an error."""


def stream(
    engine: Engine, trials: Sequence[Trial], stop: threading.Event
) -> Iterator[list[tuple[Trial, Completion]]]:
    """Yield answers in batches of whatever is ready.

    The engine runs in a thread of its own, so what it has answered is handed over, and committed, while it
    computes the rest: a kill loses only what was still in flight.

    Parameters
    ----------
    engine : Engine
        Who answers.
    trials : sequence of Trial
        What is asked; every one comes back once.
    stop : threading.Event
        When set, the engine is closed at its next answer.
    """
    ready: queue.SimpleQueue[tuple[Trial, Completion] | BaseException | None] = queue.SimpleQueue()

    def ask() -> None:
        answers = engine.answer(trials)
        try:
            for pair in answers:
                ready.put(pair)
                if stop.is_set():
                    break
            ready.put(None)
        except BaseException as error:  # carried to the thread that asked, and raised there
            ready.put(error)

    threading.Thread(target=ask, name="proband-engine", daemon=True).start()
    is_over = False
    while not is_over:
        batch: list[tuple[Trial, Completion]] = []
        failure: BaseException | None = None
        for found in _drain(ready):
            if found is None:
                is_over = True
            elif isinstance(found, BaseException):
                is_over, failure = True, found
            else:
                batch.append(found)
        if batch:
            yield batch
        if failure is not None:
            raise failure


def _drain(
    ready: "queue.SimpleQueue[tuple[Trial, Completion] | BaseException | None]",
) -> Iterator[tuple[Trial, Completion] | BaseException | None]:
    """Wait for one entry, then take all that are there."""
    yield ready.get()
    while True:
        try:
            yield ready.get_nowait()
        except queue.Empty:
            return
