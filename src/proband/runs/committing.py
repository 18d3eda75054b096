"""Committing answers while the next ones are computed: they count when they are on the disk, not before."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from proband.records import Response
from proband.store.journal import Journal

_FEW = 256  # so many are written faster than a thread is asked to
_MOST_WAITING = 4  # batches, so that memory stays flat where the disk is the slowest part


class Committer:
    """Writes batches in their order; large ones in a thread of its own, which mostly waits for the disk.

    `count` is called with the responses of a batch once it is committed, in the thread that added it.
    """

    def __init__(self, journal: Journal, count: Callable[[Sequence[Response]], None]) -> None:
        self._journal, self._count = journal, count
        self._thread = ThreadPoolExecutor(1, "proband-journal")
        self._waiting: deque[tuple[Future[None], Sequence[Response]]] = deque()

    def add(self, responses: Sequence[Response], bodies: Mapping[str, str]) -> None:
        """Commit responses and their requests, after those added before."""
        if len(responses) < _FEW:
            self.settle()
            self._journal.add(responses, bodies)
            self._count(responses)
            return
        self._waiting.append((self._thread.submit(self._journal.add, responses, bodies), responses))
        while self._waiting and (len(self._waiting) > _MOST_WAITING or self._waiting[0][0].done()):
            self._settle_first()

    def settle(self) -> None:
        """Wait until everything added is committed and counted."""
        while self._waiting:
            self._settle_first()

    def _settle_first(self) -> None:
        written, responses = self._waiting.popleft()
        written.result()
        self._count(responses)

    def __enter__(self) -> "Committer":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.settle()
        finally:
            self._thread.shutdown(cancel_futures=True)
