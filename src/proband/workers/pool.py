"""Who has which task, and what becomes of it when a worker ends: the same for every back end."""

import logging
import pickle
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from proband.errors import EngineError
from proband.workers.executor import Admit, Executor, Task, Worker, WorkerLost, read_reply

DEPTH = 2  # tasks at a worker: one that it does, and one that waits so that it need not
MOST_TAKEN = 3  # workers that a task may take with it
MOST_STARTS = 3  # workers in a row that end before they have answered

_log = logging.getLogger(__name__)


class Link(Protocol):
    """One worker as a back end reaches it. What is posted is worked on in its order."""

    name: str

    def post(self, number: int, packed: bytes) -> None:
        """Take a task in, without waiting."""

    def flush(self) -> None:
        """Send what was posted; a worker that is gone is no error here."""

    def cut(self) -> None:
        """End the worker, whatever it does, without waiting; safe to call twice."""


@dataclass(eq=False, slots=True)
class _Job:
    """A task, who waits for it, and how many workers it has taken."""

    packed: bytes
    future: Future[Any]
    taken: int = 0


@dataclass(eq=False, slots=True)
class _Seat:
    """A worker's place; `worker` is there once it has answered."""

    link: Link
    worker: Worker | None = None
    out: dict[int, _Job] = field(default_factory=dict)  # in the order sent: the first is the one it does


class Pool(Executor):
    """Gives tasks to workers; a back end gives `launch`, and tells `ready`, `replied` and `lost`.

    A dead worker's tasks go to living ones at once, and a fresh worker is started, which gets tasks when it has
    answered.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.launched: list[Link] = []  # and not known to have ended
        self._seats: dict[Link, _Seat] = {}
        self._queue: deque[_Job] = deque()
        self._jobs = 0
        self._admit: Admit | None = None
        self._ended_early = 0  # workers in a row that ended before they answered
        self._is_settled = self._is_winding = self._is_closed = False
        self._end: EngineError | None = None  # why nothing can be done any more
        self._why = ""  # the last worker ended
        self.n_lost = 0

    @abstractmethod
    def launch(self) -> Link:
        """Have one more worker set up; it tells `ready` or `lost`, from another thread."""

    def prepare(self, setup: Task | None, n: int) -> None:
        """Get ready to launch; by default nothing."""

    def start(self, setup: Task | None, n: int, admit: Admit | None = None) -> None:
        """Have `n` workers started; see `Executor.start`."""
        if n < 1:
            raise EngineError(f"{n} workers cannot do anything; ask for at least 1")
        self._admit = admit
        self.prepare(setup, n)
        with self._changed:
            for _ in range(0 if self._is_closed else n):
                self._launch()
        if self._is_closed:  # meanwhile, by another thread
            self.close()
            raise self._end or EngineError(f"the {self.name} are closed")

    def submit(self, task: Task) -> Future[Any]:
        """Put a task; see `Executor.submit`."""
        job = _Job(task.packed(), Future())
        with self._changed:
            if self._end is not None:
                raise self._end
            if self._is_winding:
                _drop(job, None)
                return job.future
            self._queue.append(job)
            busy = self._deal()
        _flush(busy)
        return job.future

    def settle(self, least: int | None = None) -> None:
        """Wait for workers to answer; see `Executor.settle`."""
        with self._changed:
            while self._end is None:
                answered = sum([seat.worker is not None for seat in self._seats.values()])
                if answered == len(self._seats) or (least is not None and answered >= least):
                    break
                self._changed.wait()
            if self._end is not None:
                raise self._end
            self._is_settled = self._is_settled or least is None

    @property
    def workers(self) -> Sequence[Worker]:
        """Those that have answered and are there."""
        with self._changed:
            return [seat.worker for seat in self._seats.values() if seat.worker is not None]

    def wind_down(self) -> None:
        """Cancel what waits for a worker; see `Executor.wind_down`."""
        with self._changed:
            self._is_winding = True
            waiting = list(self._queue)
            self._queue.clear()
        for job in waiting:
            _drop(job, EngineError("the work was wound down"))

    def close(self) -> None:
        """End every worker; see `Executor.close`."""
        with self._changed:
            self._is_closed = True
            self._end = self._end or EngineError(f"the {self.name} are closed")
            left = self._cleared()
            self._changed.notify_all()
        for link in self.launched:
            link.cut()
        for job in left:
            _drop(job, self._end)

    def ready(self, link: Link, reply: bytes) -> None:
        """A worker has set itself up, or says why not."""
        is_well, told = read_reply(reply)
        busy, failed = list[Link](), list[_Job]()
        with self._changed:
            seat = self._seats.get(link)
            if seat is None:
                return
            refusal = None if is_well else told
            worker = Worker(link.name, told)
            if is_well and self._admit is not None:
                try:
                    self._admit(worker, [s.worker for s in self._seats.values() if s.worker is not None])
                except EngineError as error:
                    refusal = error
            if refusal is None:
                seat.worker, self._ended_early = worker, 0
                busy = self._deal()
                self._changed.notify_all()
            elif not self._is_settled:  # of the first, none may be another than the others
                failed = self._give_up(_as_engine_error(refusal))
        if refusal is None:
            _flush(busy)
            return
        link.cut()
        if self._is_settled:
            self.lost(link, str(refusal))
        for job in failed:
            _fail(job, self._end)

    def replied(self, link: Link, number: int, reply: bytes) -> None:
        """A worker has done a task."""
        with self._changed:
            seat = self._seats.get(link)
            job = seat.out.pop(number, None) if seat is not None else None
            busy = self._deal()
        _flush(busy)
        if job is None:
            return
        is_well, value = read_reply(reply)
        if is_well:
            with suppress(InvalidStateError):
                job.future.set_result(value)
        else:
            _fail(job, value)

    def lost(self, link: Link, why: str) -> None:
        """A worker has ended, or is not to be reached; told again, it changes nothing."""
        with self._changed:
            seat = self._seats.pop(link, None)
            if seat is None:
                return
            self._why = f"{link.name} {why}"
            failed = self._take_back(seat)
            if seat.worker is None:
                self._ended_early += 1
            else:
                self.n_lost += 1
                self._ended_early = 0  # what ended others may be over
                _log.info("%s", self._why)
            if not self._is_winding and self._ended_early < MOST_STARTS:
                self._launch()
            errors: list[tuple[_Job, BaseException]] = [(job, self._taken(job)) for job in failed]
            if not self._seats:
                end = EngineError(
                    f"no worker is left, and none could be started: {self._why}; what is answered is stored, and the "
                    "same command goes on from there"
                )
                errors += [(job, end) for job in self._give_up(end)]
            busy = self._deal()
            self._changed.notify_all()
        link.cut()
        _flush(busy)
        for job, error in errors:
            _fail(job, error)

    def fail(self, error: EngineError) -> None:
        """Nothing can be done any more: e.g. a cluster's head is gone."""
        with self._changed:
            failed = self._give_up(error)
        for job in failed:
            _fail(job, error)

    def _launch(self) -> None:
        try:
            link = self.launch()
        except OSError as error:
            self._ended_early, self._why = MOST_STARTS, f"a worker could not be started: {error}"
            if not self._seats:
                self._end = self._end or EngineError(self._why)
            return
        self.launched.append(link)
        self._seats[link] = _Seat(link)

    def _deal(self) -> list[Link]:
        """Give what waits to whom has least to do; the links that got something are to be flushed without the lock."""
        if not self._queue or self._end is not None:
            return []
        able = [seat for seat in self._seats.values() if seat.worker is not None and len(seat.out) < DEPTH]
        busy: dict[Link, None] = {}
        while self._queue and able:
            seat = min(able, key=lambda seat: len(seat.out))
            job = self._queue.popleft()
            if job.future.running() or job.future.set_running_or_notify_cancel():
                self._jobs += 1
                seat.out[self._jobs] = job
                seat.link.post(self._jobs, job.packed)
                busy[seat.link] = None
            if len(seat.out) == DEPTH:
                able.remove(seat)
        return list(busy)

    def _take_back(self, seat: _Seat) -> list[_Job]:
        """Put a lost worker's tasks before all others; gives the one that has taken too many workers."""
        back = list(seat.out.values())
        failed: list[_Job] = []
        if back:
            back[0].taken += 1
            if back[0].taken >= MOST_TAKEN or self._is_winding:
                failed.append(back.pop(0))
        if self._is_winding:
            return failed + back
        self._queue.extendleft(reversed(back))
        return failed

    def _taken(self, job: _Job) -> BaseException:
        return WorkerLost(f"{job.taken} workers ended while they were at it, the last: {self._why}")

    def _give_up(self, error: EngineError) -> list[_Job]:
        """Take nothing any more; gives what was still to be done."""
        self._end = self._end or error
        self._changed.notify_all()
        return self._cleared()

    def _cleared(self) -> list[_Job]:
        left = [job for seat in self._seats.values() for job in seat.out.values()] + list(self._queue)
        self._queue.clear()
        self._seats.clear()
        return left


def packed_setup(setup: Task | None) -> bytes:
    """A set-up as it travels."""
    return pickle.dumps(setup, pickle.HIGHEST_PROTOCOL)


def _flush(links: Sequence[Link]) -> None:
    for link in links:
        link.flush()


def _fail(job: _Job, error: BaseException | None) -> None:
    with suppress(InvalidStateError):
        job.future.set_exception(error)


def _drop(job: _Job, error: BaseException | None) -> None:
    """Cancel a task; one that has been out already fails."""
    if job.future.cancel():
        job.future.set_running_or_notify_cancel()  # tells those who wait
    else:
        _fail(job, error)


def _as_engine_error(error: BaseException) -> EngineError:
    return error if isinstance(error, EngineError) else EngineError(f"{type(error).__name__}: {error}")
