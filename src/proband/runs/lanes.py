"""Lanes: the ways of trials to their engines. What must take turns shares one; different lanes go side by side."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event

from proband.models.engine import BaseEngine
from proband.records import Trial
from proband.runs.pieces import Piece, until
from proband.runs.scheduling import Call, Listening, Stop, grouped

CHUNK = 4096  # trials handed to an engine at once: deep enough for shared prefixes, small enough for flat memory
MOST_CALLS = 32  # pieces that are out together at an engine that takes several
FEW_OUT = 512  # trials still out there when the next piece goes, so that nobody waits for the last of the piece before


@dataclass(slots=True)
class Part:
    """Trials of one window that go to the same engine; handed over in parts, or in the pieces that they are of."""

    answerer: str
    trials: list[Trial]
    pieces: deque[Piece] = field(default_factory=deque)  # none where they may be cut anywhere
    is_checked: bool = False
    is_grouped: bool = False


@dataclass(eq=False)
class Lane:
    """Trials on their way to engines that take turns."""

    overlaps: bool = False  # its engine takes another piece while it answers one
    waits: bool = False  # its engine may answer much later
    engine: BaseEngine | None = None  # for which it was made
    parts: deque[Part] = field(default_factory=deque)  # what waits in turn; the first may be handed over in part
    calls: list[Call] = field(default_factory=list)  # what is being answered; several only where it `overlaps`
    out: dict[str, Trial] = field(default_factory=dict)  # being answered, by id; all that are open, where it `waits`
    has_news: bool = True  # of an engine that waits: whether it is to be asked again

    @property
    def n_queued(self) -> int:
        """Trials not handed over yet."""
        return sum([len(part.trials) for part in self.parts])

    @property
    def is_listening(self) -> bool:
        """Whether all that goes on is waiting for somebody."""
        return all(isinstance(call, Listening) for call in self.calls)

    @property
    def is_hungry(self) -> bool:
        """Whether it has nothing to hand over, and could."""
        return not self.parts and (self.overlaps or self.waits or not self.calls)

    @property
    def has_room(self) -> bool:
        """Whether a piece may be handed over now."""
        few = FEW_OUT if self.engine is None else max(FEW_OUT, 2 * self.engine.at_once)
        return not self.calls or (self.overlaps and len(self.calls) < MOST_CALLS and len(self.out) < few)

    @property
    def is_starving(self) -> bool:
        """Whether its engine could answer more than there is to ask."""
        return not self.waits and not self.parts and self.has_room

    def listen(self, stop: Stop, wake: Event) -> None:
        """Begin to wait for somebody's answers."""
        if self.waits and self.out and not self.calls and not self.has_news and self.engine is not None:
            self.calls.append(Listening(self.engine, (), stop, wake))

    def put(self, answerer: str, trials: Sequence[Trial], *, joins: bool, is_checked: bool) -> None:
        """Queue trials; those that `joins` go with what waits for the same engine."""
        if joins:
            for part in self.parts:
                if part.answerer == answerer and not part.is_grouped and part.is_checked == is_checked:
                    part.trials += trials
                    return
        self.parts.append(Part(answerer, list(trials), is_checked=is_checked))

    def put_pieces(self, answerer: str, pieces: Sequence[Piece], *, is_checked: bool) -> None:
        """Queue what is wanted of pieces, to be handed over with all that is computed beside it."""
        wanted = [trial for piece in pieces for trial in piece.wanted]
        self.parts.append(Part(answerer, wanted, deque(pieces), is_checked=is_checked, is_grouped=True))

    def piece(self, engine: BaseEngine, rank: Callable[[Trial], int] | None) -> list[Trial]:
        """What the first part would hand over next: by rank, then so that the engine can share what they share."""
        part = self.parts[0]
        if rank is not None and not part.is_grouped:
            part.trials.sort(key=rank)
        if engine.answers_by == "request" and not part.is_grouped:
            part.trials = grouped(part.trials)
        part.is_grouped = True
        return part.trials[: self.whole(engine.chunk or CHUNK)]

    def whole(self, n: int) -> int:
        """About `n`, so that nothing that is computed together is cut."""
        pieces = self.parts[0].pieces
        return until(pieces, n) if pieces else n

    def hand_over(self, n: int) -> list[Piece]:
        """Take `n` trials off the first part; gives the pieces that they are of, the last of which may go on."""
        part = self.parts[0]
        del part.trials[:n]
        if not part.trials:
            self.parts.popleft()
        taken: list[Piece] = []
        while n > 0 and part.pieces:
            piece = part.pieces.popleft()
            if len(piece.wanted) > n:
                part.pieces.appendleft(Piece(piece.whole, piece.wanted[n:]))
            taken.append(piece)
            n -= len(piece.wanted)
        return taken


class Lanes:
    """Every lane of a run, by name."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def of(self, engine: BaseEngine) -> Lane:
        """The lane of an engine."""
        name = engine.lane or f"engine {engine.address}"
        if name not in self._lanes:
            self._lanes[name] = Lane(overlaps=engine.overlaps, waits=engine.waits, engine=engine)
        lane = self._lanes[name]
        lane.overlaps = lane.overlaps and engine.overlaps  # beside one that takes turns, all do
        return lane

    @property
    def calls(self) -> list[Call]:
        """Everything that goes on, listening included."""
        return [call for lane in self for call in lane.calls]

    @property
    def is_busy(self) -> bool:
        """Whether anything is being answered now."""
        return not all(lane.is_listening for lane in self)

    def want_more(self, *, takes_turns: bool, most: int) -> bool:
        """Whether a lane would be idle without more trials, and not `most` are queued for others."""
        if takes_turns and (self.calls or any(lane.parts for lane in self)):
            return False
        is_idle = not self._lanes or any(lane.is_hungry for lane in self)
        return is_idle and sum([lane.n_queued for lane in self]) < most

    @property
    def n_under_way(self) -> int:
        """Trials queued or being answered; those that wait for somebody are not counted."""
        return sum([lane.n_queued + len(lane.out) for lane in self if not lane.waits])

    @property
    def open(self) -> dict[str, Trial]:
        """Trials that wait for somebody."""
        return {id: trial for lane in self if lane.waits for id, trial in lane.out.items()}
