"""One engine of several replicas: pieces go to whoever is free, and nobody can tell from the answers who computed them.

A piece is computed alone, by any replica, so its answers are the same to the last bit; see
``docs/decisions/0029-a-piece-is-what-is-computed-together.md``.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cached_property
from queue import SimpleQueue
from typing import Any, Literal

from proband.errors import EngineError
from proband.models.engine import Ability, BaseEngine, Cost, Vectors
from proband.models.parcels import pack_completions, pack_trials, unpack_completions, unpack_trials
from proband.models.pieces import pieces_of
from proband.records import Completion, Trial
from proband.workers.executor import Executor, Task, Worker, WorkerLost

REPLICAS = "replicas"  # entry of the fingerprint that says what the engine ran on; it changes no answer
WRITTEN = 32  # trials that a replica gets at once, to write
QUICK = 128  # trials that it gets at once where they are no work
USUAL = 256  # trials that a replica is thought to have in a piece
CLEARED = 3  # times that a batch is asked as a whole again, because none of its trials ended a worker
AHEAD = 2  # batches that wait beyond those that the workers have

# What makes replicas one engine where files and versions do not.
_ALIKE = {
    "chunk_tokens": "it follows the memory that is free, so say chunk_tokens=N in the engine's address, with the least",
    "instruction_set": "have them on processors of one kind",
    "device": "have them on devices of one kind",
}
Pairs = list[tuple[Trial, Completion]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a replica says of itself when it is open."""

    address: str
    abilities: frozenset[Ability]
    answers_by: Literal["request", "place"]
    by_piece: bool
    lane: str
    chunk: int | None
    note: str
    fingerprint: Mapping[str, str]
    encoder_fingerprint: Mapping[str, str]

    @classmethod
    def of(cls, engine: BaseEngine) -> "Told":
        """What an engine says."""
        return cls(
            address=engine.address,
            abilities=engine.abilities,
            answers_by=engine.answers_by,
            by_piece=engine.by_piece,
            lane=engine.lane,
            chunk=engine.chunk,
            note=engine.note,
            fingerprint=dict(engine.fingerprint()),
            encoder_fingerprint=dict(engine.encoder_fingerprint()),
        )


class FleetEngine(BaseEngine):
    """Several replicas of an engine behind one address, which is the replicas' own.

    Workers are started when they are first needed, live from one call to the next, and end with `close`. A piece whose
    workers end again and again is asked trial by trial; the trial that does it fails, and the others are answered.

    Parameters
    ----------
    executor : Executor
        Where the replicas are.
    setup : Task
        Opens one, and gives what `replica` gives.
    n : int
        How many.
    view : callable
        Opens the same engine in this process, for plans, and for checks where that loads no weights.
    is_light : bool
        Whether opening it loads no weights, so that this process may have it open too.
    gain : float
        How many times as fast as the engine in this process the fleet is taken to be in plans.
    note : str
        What a user should know about where it runs.
    """

    overlaps = True

    def __init__(
        self,
        executor: Executor,
        setup: Task,
        n: int,
        *,
        view: Callable[[], BaseEngine],
        is_light: bool = False,
        gain: float = 1.0,
        note: str = "",
    ) -> None:
        self.executor, self.n, self.gain = executor, n, gain
        self.is_planned = False  # nothing will be asked: an engine in this process stands for all replicas
        self._setup, self._open, self._is_light, self._note = setup, view, is_light, note
        self._first: tuple[str, Told] | None = None
        self._starting = threading.Lock()
        self._is_started = self._is_agreed = False
        self._calls: set[_Call] = set()

    @cached_property
    def _view(self) -> BaseEngine:
        return self._open()

    @property
    def _is_near(self) -> bool:
        """Whether what need not be asked of a replica is looked up in this process."""
        return self._is_light or self.is_planned

    @cached_property
    def _told(self) -> Told:
        """What the first replica, or the one in this process, says of itself."""
        if self._is_near:
            return Told.of(self._view)
        self._start()
        self.executor.settle(1)
        assert self._first is not None
        return self._first[1]

    @property
    def address(self) -> str:  # type: ignore[override]
        """That of a replica: what answers is the same."""
        return self._told.address

    @property
    def abilities(self) -> frozenset[Ability]:
        """A replica's."""
        return self._told.abilities

    @property
    def answers_by(self) -> Literal["request", "place"]:  # type: ignore[override]
        """As a replica."""
        return self._told.answers_by

    @property
    def by_piece(self) -> bool:  # type: ignore[override]
        """As a replica: where no digit depends on what is computed together, nothing need be cut so."""
        return self._told.by_piece

    @property
    def lane(self) -> str:  # type: ignore[override]
        """A replica's, where they share this machine."""
        return self._told.lane if self.executor.name == "processes" else ""

    @property
    def chunk(self) -> int | None:
        """As a replica."""
        return self._told.chunk

    @property
    def at_once(self) -> int:
        """What keeps every replica busy."""
        return self.n * (USUAL if self.by_piece else QUICK)

    @property
    def note(self) -> str:
        """A replica's, and where the replicas run."""
        return "; ".join(said for said in (self._told.note, self._note) if said)

    def fingerprint(self) -> Mapping[str, str]:
        """That of the replicas, which must agree, and how many there are.

        Raises
        ------
        EngineError
            If a replica is another than the first; both are named.
        """
        if not self.is_planned and not self._is_agreed:
            self._start()
            self.executor.settle()
            self._is_agreed = True  # who comes later must agree too, and may never find room
        return {**self._told.fingerprint, REPLICAS: f"{self.n} {self.executor.name}"}

    def encoder_fingerprint(self) -> Mapping[str, str]:
        """A replica's."""
        return self._told.encoder_fingerprint

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse what a replica cannot be asked."""
        if self._is_near:
            self._view.check(trials)
        else:
            self._asked("check_packed", pack_trials(trials))

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """What a replica says, its time divided among all."""
        if self._is_near:
            cost, share = self._view.cost(trials), self.gain
        else:
            cost, share = self._asked("cost_packed", pack_trials(trials)), float(self.n)
        return cost if cost.seconds is None else replace(cost, seconds=cost.seconds / share)

    def price_of(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """What the engine in this process says; what loads weights costs nothing to call."""
        return self._view.price_of(prompt_tokens, completion_tokens) if self._is_near else None

    def render(self, trial: Trial) -> str:
        """What a replica receives."""
        return self._view.render(trial) if self._is_near else str(self._asked("render_packed", pack_trials([trial])))

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer scored trials piece by piece, and others as many together as suit a replica."""
        scored = [trial for trial in trials if trial.request.verb == "score"] if self.by_piece else []
        for answered in self.answer_pieces(pieces_of(scored)):
            yield from answered
        others = [trial for trial in trials if trial.request.verb == "write"] if self.by_piece else list(trials)
        most = WRITTEN if self.by_piece else QUICK
        size = max(1, min(most, -(-len(others) // (2 * self.n))))
        batches = [others[k : k + size] for k in range(0, len(others), size)]
        for answered in self._answered(batches, "answer_packed"):
            yield from answered

    def answer_pieces(self, pieces: Iterable[Sequence[Trial]]) -> Iterator[Pairs]:
        """Give each piece to a replica, and give it back when all of it is known."""
        return self._answered(pieces, "answer_piece_packed")

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """What a replica makes of them: all in one place, as in one process."""
        vectors: Vectors = self._asked("vectors_of", list(texts))
        return vectors

    def wind_down(self) -> None:
        """Have replicas finish what they have; what waits is not asked."""
        for call in list(self._calls):
            call.wind_down()

    def stop(self) -> None:
        """Have every call end at once; what replicas still compute is lost."""
        for call in list(self._calls):
            call.stop()

    def close(self) -> None:
        """End the replicas."""
        self.stop()
        self.executor.close()
        if "_view" in self.__dict__:
            self._view.close()

    def _start(self) -> None:
        with self._starting:
            if not self._is_started:
                if self._is_light:
                    self._first = "this process", self._told
                self.executor.start(self._setup, self.n, self._admit)
                self._is_started = True

    def _admit(self, worker: Worker, others: Sequence[Worker]) -> None:
        """Refuse a replica that is another engine than the first."""
        told: Told = worker.told
        if self._first is None:
            self._first = worker.name, told
            return
        name, first = self._first
        for key in sorted({*first.fingerprint, *told.fingerprint}):
            mine, its = first.fingerprint.get(key), told.fingerprint.get(key)
            if mine != its:
                raise EngineError(
                    f"the replicas are not one engine: {key} is {its!r} at {worker.name}, and {mine!r} at {name}; "
                    + _ALIKE.get(key, "have all of them see the same files and versions")
                )

    def _asked(self, function: str, what: bytes | list[str]) -> Any:
        self._start()
        return self.executor.submit(Task(f"{__name__}:{function}", (what,))).result()

    def _answered(self, batches: Iterable[Sequence[Trial]], function: str) -> Iterator[Pairs]:
        self._start()
        call = _Call(self.executor, f"{__name__}:{function}", 2 * self.n + AHEAD)
        self._calls.add(call)
        try:
            yield from call.answered(batches)
        finally:
            self._calls.discard(call)
            call.stop()


@dataclass(eq=False, slots=True)
class _Batch:
    """Trials that are out together; `alone` has what is known of them where they had to be asked one by one."""

    trials: Sequence[Trial]
    alone: dict[int, Completion] = field(default_factory=dict)
    is_fatal: bool = False  # whether one of its trials, asked alone, ended its workers
    cleared: int = 0  # times that its workers ended, and none of its trials was the reason


class _Call:
    """One call of `answer` or `answer_pieces`, and what it has out."""

    def __init__(self, executor: Executor, function: str, most: int) -> None:
        self._executor, self._function, self._most = executor, function, most
        self._out: dict[Future[bytes], tuple[_Batch, int | None]] = {}
        self._done: SimpleQueue[Future[bytes] | None] = SimpleQueue()
        self._is_winding = self._is_stopped = False

    def wind_down(self) -> None:
        """Take no further batch, and cancel what no worker has."""
        self._is_winding = True
        for future in list(self._out):
            future.cancel()

    def stop(self) -> None:
        """End where it is."""
        self._is_stopped = True
        self.wind_down()
        self._done.put(None)

    def answered(self, batches: Iterable[Sequence[Trial]]) -> Iterator[Pairs]:
        """Every batch, whole, in the order in which they are known."""
        left, ending = iter(batches), None
        while True:
            while len(self._out) < self._most and not self._is_winding and ending is None:
                trials = next(left, None)
                if trials is None:
                    break
                try:
                    if trials:
                        self._put(_Batch(trials), None)
                except EngineError as error:  # nobody is left; what is answered already is given first
                    ending = error
            if not self._out:
                if ending is not None:
                    raise ending
                return
            future = self._done.get()
            if future is None or self._is_stopped:
                return
            pairs = self._taken(future)
            if pairs is not None:
                yield pairs

    def _put(self, batch: _Batch, number: int | None) -> None:
        trials = batch.trials if number is None else [batch.trials[number]]
        future = self._executor.submit(Task(self._function, (pack_trials(trials),)))
        self._out[future] = batch, number
        future.add_done_callback(self._done.put)

    def _taken(self, future: Future[bytes]) -> Pairs | None:
        """The batch that is whole now, if one is."""
        batch, number = self._out.pop(future)
        if future.cancelled():
            return None
        error = future.exception()
        if isinstance(error, WorkerLost):
            if self._is_winding:
                return None
            if number is None and len(batch.trials) > 1:
                for k in range(len(batch.trials)):
                    self._put(batch, k)
                return None
            completions = [Completion(error=f"whoever answered it ended: {error}")]
            batch.is_fatal = True
        else:
            completions = unpack_completions(future.result())
        if number is None:
            return list(zip(batch.trials, completions, strict=True))
        batch.alone[number] = completions[0]
        if len(batch.alone) < len(batch.trials):
            return None
        if batch.cleared < CLEARED and not batch.is_fatal:
            # Something else ended the workers. Asked as a whole it has the digits that it has everywhere.
            batch.alone.clear()
            batch.cleared += 1
            self._put(batch, None)
            return None
        return [(trial, batch.alone[k]) for k, trial in enumerate(batch.trials)]


def replica(engine: BaseEngine) -> tuple[BaseEngine, Told]:
    """On a worker: an engine that is open, and what it says of itself."""
    if engine.waits:
        raise EngineError(f"{engine.address} waits for somebody's answers and cannot be copied")
    return engine, Told.of(engine)


def check_packed(engine: BaseEngine, packed: bytes) -> None:
    """On a worker: `check`."""
    engine.check(unpack_trials(packed))


def cost_packed(engine: BaseEngine, packed: bytes) -> Cost:
    """On a worker: `cost`."""
    return engine.cost(unpack_trials(packed))


def render_packed(engine: BaseEngine, packed: bytes) -> str:
    """On a worker: `render`."""
    return engine.render(unpack_trials(packed)[0])


def answer_piece_packed(engine: BaseEngine, packed: bytes) -> bytes:
    """On a worker: the completions of one piece, in the order of its trials."""
    trials = unpack_trials(packed)
    return _packed(engine, trials, [pair for answered in engine.answer_pieces([trials]) for pair in answered])


def answer_packed(engine: BaseEngine, packed: bytes) -> bytes:
    """On a worker: the completions of trials, in their order."""
    trials = unpack_trials(packed)
    return _packed(engine, trials, engine.answer(trials))


def vectors_of(engine: BaseEngine, texts: Sequence[str]) -> Vectors:
    """On a worker: `vectors`."""
    return engine.vectors(texts)


def _packed(engine: BaseEngine, trials: Sequence[Trial], answered: Iterable[tuple[Trial, Completion]]) -> bytes:
    found = {trial.id: completion for trial, completion in answered}
    missing = [trial.id for trial in trials if trial.id not in found]
    if missing:
        raise EngineError(f"{engine.address} left {len(missing)} trials unanswered, first {missing[0]}")
    return pack_completions([found[trial.id] for trial in trials])
