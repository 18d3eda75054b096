"""Getting answers out of an engine while the journal is being written."""

import queue
import threading
from collections.abc import Generator, Iterator, Sequence

from proband.models.engine import Engine
from proband.records import Completion, Trial

_Ready = tuple[Trial, Completion] | BaseException | None  # an answer, what went wrong, or the end


def stream(
    engine: Engine, trials: Sequence[Trial], stop: threading.Event
) -> Generator[list[tuple[Trial, Completion]], None, None]:
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
        When set, the engine is asked for no further answer. Closing the generator sets it and waits for the answer
        that is being computed.
    """
    ready: queue.SimpleQueue[_Ready] = queue.SimpleQueue()

    def ask() -> None:
        answers = engine.answer(trials)
        try:
            for pair in answers:
                ready.put(pair)
                if stop.is_set():
                    break
            if isinstance(answers, Generator):
                answers.close()
            ready.put(None)
        except BaseException as error:  # carried to the thread that asked, and raised there
            ready.put(error)

    thread = threading.Thread(target=ask, name="proband-engine", daemon=True)
    thread.start()
    try:
        yield from _batches(ready)
    except BaseException:
        stop.set()
        raise
    finally:
        # A thread that is still computing when the process ends takes it down: wait for its current answer.
        thread.join()


def _batches(ready: "queue.SimpleQueue[_Ready]") -> Iterator[list[tuple[Trial, Completion]]]:
    """Batches of whatever is ready, until the engine has finished or failed."""
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


def _drain(ready: "queue.SimpleQueue[_Ready]") -> Iterator[_Ready]:
    """Wait for one entry, then take all that are there."""
    yield ready.get()
    while True:
        try:
            yield ready.get_nowait()
        except queue.Empty:
            return
