"""People at pages: trials are handed to seats, answers come in from there, and count once they are stored."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from proband.errors import EngineError
from proband.models.engine import Ability, BaseEngine
from proband.records import Completion, Place, Response, Trial


@dataclass(slots=True)
class Seat:
    """What the engine knows of one person.

    Attributes
    ----------
    open : dict of str to Trial
        What it may be asked now, by place.
    answered : list of Response
        What is stored of it since this process began, in the order stored.
    is_over : bool
        Whether nothing follows any more, as far as the design says so.
    """

    open: dict[str, Trial] = field(default_factory=dict)
    answered: list[Response] = field(default_factory=list)
    is_over: bool = False


class SeatEngine(BaseEngine):
    """Puts trials to people who sit at pages; a page goes on when `give`'s future is done: its answer is stored.

    Anything may be called from any thread. Nobody serves the pages of an engine that was opened by its address:
    `proband seat` does, and makes one of its own. `seat_of` says whose seat a place is, where it is not its subject's.
    """

    abilities: frozenset[Ability] = frozenset({"given"})
    waits = True
    overlaps = True
    lane = "seats"

    def __init__(
        self, address: str = "seat", *, is_served: bool = False, seat_of: Callable[[Place], str] | None = None
    ) -> None:
        self.address = address
        self.seat_of = seat_of or _subject
        self.is_served = is_served
        self.seats: dict[str, Seat] = {}
        self.is_ready = False  # whether everything that was open before is handed over
        self.is_ended = False  # whether nothing will be asked any more
        self._given: dict[str, tuple[Completion, Future[Response]]] = {}  # by place, until it is stored
        self._giving: Counter[str] = Counter()  # answers of a subject that are not stored yet
        self._lock = threading.RLock()
        self._news = threading.Event()
        self._closed: dict[str, object] = {}
        self._broken: BaseException | None = None
        self.told: Callable[[Collection[str]], None] = _nobody  # told whose seats have changed

    def check(self, trials: Sequence[Trial]) -> None:
        """Everything can be shown: what has no page is refused when the study is seated."""

    def fingerprint(self) -> Mapping[str, str]:
        """What is running: pages. Refuses to begin a run in which nobody shows them."""
        if not self.is_served:
            raise EngineError(f"{self.address!r} is people at pages: carry the study out with `proband seat STUDY`")
        return super().fingerprint()

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Put open trials to their seats, and yield those that were answered by now."""
        self._news.clear()
        changed: set[str] = set()
        with self._lock:
            for trial in trials:
                sitter = self.seat_of(trial.place)
                seat = self.seats.setdefault(sitter, Seat())
                if trial.id not in seat.open and trial.id not in self._given:
                    seat.open[trial.id] = trial
                    seat.is_over = False
                    changed.add(sitter)
            given = [(trial, self._given[trial.id][0]) for trial in trials if trial.id in self._given]
        if changed and self.is_ready:
            self.told(changed)
        yield from given

    def news(self, timeout_s: float) -> bool:
        """Whether somebody answered; waits so long at most. Raises what has gone wrong beside the loop."""
        has_news = self._news.wait(timeout_s)
        self.raise_broken()
        return has_news

    def raise_broken(self) -> None:
        """Raise what this engine was told to `fail` by, if anything."""
        if self._broken is not None:
            raise self._broken

    def give(self, place: str, completion: Completion) -> "Future[Response]":
        """Take an answer; the first one to a place stands, and a later one gets the future of the first.

        Raises
        ------
        EngineError
            If this place is not open.
        """
        with self._lock:
            if self._broken is not None:
                raise EngineError(f"nothing can be stored: {self._broken}")
            if place in self._given:
                return self._given[place][1]
            trial = self.trial(place)
            if trial is None:
                raise EngineError(f"{place!r} is not open")
            future: Future[Response] = Future()
            self._given[place] = completion, future
            sitter = self.seat_of(trial.place)
            self._giving[sitter] += 1
            del self.seats[sitter].open[place]
        self._news.set()
        return future

    def trial(self, place: str) -> Trial | None:
        """An open trial."""
        seat = self.seats.get(self.seat_of(Place.from_id(place)))
        return None if seat is None else seat.open.get(place)

    def committed(self, responses: Sequence[Response], over: Collection[str]) -> None:
        """Let pages go on whose answers are stored."""
        done: list[tuple[Future[Response], Response]] = []
        with self._lock:
            self.is_ready = True
            for subject in over:
                self.seats.setdefault(subject, Seat()).is_over = True
            for response in responses:
                given = self._given.pop(response.place.id, None)
                sitter = self.seat_of(response.place)
                seat = self.seats.get(sitter)
                if seat is not None:
                    seat.open.pop(response.place.id, None)
                    seat.answered.append(response)
                if given is not None:
                    self._giving[sitter] -= 1
                    done.append((given[1], response))
        for future, response in done:
            future.set_result(response)
        if changed := {*over, *(self.seat_of(response.place) for _, response in done)}:
            self.told(changed)

    def is_giving(self, subject: str) -> bool:
        """Whether an answer of somebody is on its way."""
        with self._lock:
            return self._giving[subject] > 0

    def stir(self, subjects: Collection[str]) -> None:
        """Have those who look at seats look again."""
        self.told(subjects)

    def close_all(self, why: Mapping[str, object]) -> None:
        """Say that nobody will answer what is open."""
        self._closed = dict(why)
        self._news.set()

    @property
    def closed(self) -> Mapping[str, object]:
        """Why nobody will answer what is open; empty while somebody may."""
        return {} if self._given else self._closed

    def end(self) -> None:
        """Say that the loop has ended: nothing follows for anybody."""
        self.is_ready = self.is_ended = True
        self.told(list(self.seats))

    def fail(self, error: BaseException) -> None:
        """Tell everybody whose answer is on its way that it was not stored, take no more, and end the loop."""
        with self._lock:
            self._broken = error
            given, self._given = self._given, {}
        self._news.set()
        for _, future in given.values():
            future.set_exception(error)


def _subject(place: Place) -> str:
    """Who sits where nothing else is said."""
    return place.subject


def _nobody(subjects: Collection[str]) -> None:
    """Nobody looks."""
