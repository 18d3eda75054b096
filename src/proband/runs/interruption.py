"""Ctrl-C: once ends a run after what is in flight, twice at once."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from proband.runs.scheduling import Stop

_log = logging.getLogger(__name__)


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
