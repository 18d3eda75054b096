"""Committing answers while the next ones are computed: they count when they are on the disk, not before."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from proband.records import Response
from proband.store.journal import Journal

_FEW = 256  # so many are written faster than a thread is asked to


class Committer:
    """Writes one batch at a time; a large one in a thread of its own, which mostly waits for the disk.

    Parameters
    ----------
    journal : Journal
        Where to.
    count : callable
        Called with the responses of a batch once it is committed, in the thread that added it.
    """

    def __init__(self, journal: Journal, count: Callable[[Sequence[Response]], None]) -> None:
        self._journal, self._count = journal, count
        self._thread = ThreadPoolExecutor(1, "proband-journal")
        self._pending: tuple[Future[None], Sequence[Response]] | None = None

    def add(self, responses: Sequence[Response], bodies: Mapping[str, str]) -> None:
        """Commit responses and their requests, after those added before."""
        self.settle()
        if len(responses) < _FEW:
            self._journal.add(responses, bodies)
            self._count(responses)
        else:
            self._pending = self._thread.submit(self._journal.add, responses, bodies), responses

    def settle(self) -> None:
        """Wait until everything added is committed and counted."""
        if self._pending is not None:
            (written, responses), self._pending = self._pending, None
            written.result()
            self._count(responses)

    def __enter__(self) -> "Committer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.settle()
        finally:
            self._thread.shutdown()
