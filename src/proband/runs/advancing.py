"""What can be asked of an adaptive design: its processes, each taken further by its own answers and by no other."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from proband.designs.design import Design
from proband.designs.process import Fold, Process, Stalled, as_fold
from proband.errors import DesignError
from proband.records import Response, Trial
from proband.runs.unanswered import Past

_TOGETHER = 64  # processes whose past answers are read from the journal together: few enough for the processor's cache
MOST_NAMED = 100  # stalled places that are told


Going = tuple[int, Fold]  # number of a process, and how far it is


class Advancing:
    """The trials of an adaptive design, as far as they are settled.

    Processes are begun when there is room for more trials, and dropped when they are over, so memory follows the
    trials that are out and not the size of the design. One that is begun in a run that goes on first gets its past
    answers, read from the journal for many processes together.

    Parameters
    ----------
    past : Past
        What was answered.
    design : Design
        What is asked.
    reached : set of str, optional
        Gets the places whose answers could be kept if what failed were asked again: the past is read as if that had
        not been answered.
    """

    def __init__(self, past: Past, design: Design, *, reached: set[str] | None = None) -> None:
        self.past, self._reached = past, reached
        self.is_seen = False  # whether every process was begun
        self.stalled: dict[str, str] = {}
        self._processes: Iterator[tuple[int, Process]] = enumerate(design.processes())
        self._open: dict[str, Going] = {}  # by the places whose answers they wait for
        self._ready: list[Trial] = []

    def more(self, room: int) -> list[Trial]:
        """What can be asked and was not given out yet, process by process; begins processes while there is room."""
        while not self.is_seen and len(self._ready) < room:
            batch = list(islice(self._processes, min(_TOGETHER, room - len(self._ready))))
            self.is_seen = not batch
            begun: list[Going] = [(number, as_fold(process)) for number, process in batch]
            found = [(going, trial) for going in begun for trial in self._next(going, None)]
            for going, trial in found if self.past.is_fresh else self._replayed(found):
                self._put(going, trial)
        ready, self._ready = self._ready, []
        return ready

    def rank(self, trial: Trial) -> int:
        """Number of its process, by which trials are put in order whatever the order in which answers came."""
        return self._open[trial.id][0]

    @property
    def is_idle(self) -> bool:
        """Whether nothing can be asked before something is answered."""
        return self.is_seen and not self._ready

    def take(self, responses: Sequence[Response]) -> None:
        """Take processes further."""
        for response in responses:
            going = self._open.pop(response.place.id)
            for trial in self._next(going, response):
                self._put(going, trial)

    def _put(self, going: Going, trial: Trial) -> None:
        if trial.id in self._open:
            raise DesignError(f"{trial.id!r} is asked twice; give every trial of a design a place of its own")
        self._open[trial.id] = going
        self._ready.append(trial)

    def _next(self, going: Going, response: Response | None) -> Iterable[Trial]:
        """What a process asks because of a response, or at its beginning."""
        number, fold = going
        try:
            return fold.start() if response is None else fold.advance(response)
        except Stalled as why:
            if len(self.stalled) < MOST_NAMED:
                place = f"process {number + 1}" if response is None else response.place.id
                self.stalled[place] = str(why)
            return ()

    def _replayed(self, found: list[tuple[Going, Trial]]) -> list[tuple[Going, Trial]]:
        """The trials that are left to ask once their processes got the answers that are there."""
        missing: list[tuple[Going, Trial]] = []
        while found:
            known = self.past.journal.answers([trial.place for _, trial in found])
            after: list[tuple[Going, Trial]] = []
            for going, trial in found:
                response, is_inherited = known.get(trial.id, (None, False))
                if response is None or (self._reached is not None and not self._is_kept(trial, response, is_inherited)):
                    missing.append((going, trial))
                    continue
                if self._reached is None:
                    key = trial.id, trial.request.hash, trial.reply.rule
                    self.past.compare(key, response.request, response.rule, is_inherited)
                after += [(going, further) for further in self._next(going, response)]
            found = after
        return missing

    def _is_kept(self, trial: Trial, response: Response, is_inherited: bool) -> bool:
        is_same = is_inherited or response.request == trial.request.hash
        is_kept = is_same and response.status != "failed"
        if is_kept and self._reached is not None:
            self._reached.add(trial.id)
        return is_kept
