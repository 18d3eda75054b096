"""What is left to ask of a design: all that the journal does not hold, and that earlier answers have settled."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from proband.designs.design import Design, Key, Keyed
from proband.designs.lazy import Divided
from proband.designs.process import Fold, Process, Stalled, as_fold
from proband.errors import DesignError, TreatmentChanged
from proband.records import Place, Response, Trial
from proband.runs.snapshots import Saved
from proband.store.journal import Journal

MOST_NAMED = 100  # stalled places that are told
_LOOKED_UP = 4096  # places looked up in the journal together
_TOGETHER = 64  # processes whose past answers are read from the journal together: few enough for the processor's cache

Going = tuple[int, Fold]  # number of a process, and how far it is


class Past:
    """What a run answered before, and whether it would be asked in the same way now."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.where = journal.path.parent
        self.is_fresh = not len(journal)
        self.n_known = 0  # answers that the design was found to have a place for
        parent = journal.noted("parent") or {}
        self.until = 0.0  # answers stored up to then were taken account of by a snapshot
        self._marks = journal.marks()
        self.has_news = False  # whether a process came to where it never was
        # A branch made by version 0.1 says nothing, and went on from whatever it had inherited.
        self._keeps_past = parent.get("keep_past", True)

    def compare(self, key: Key, request: str, rule: str, is_inherited: bool) -> None:
        """Count an answer, and refuse it if it was given to another treatment than the design has there now."""
        self.n_known += 1
        id, request_now, rule_now = key
        if (request, rule) == (request_now, rule_now) or (is_inherited and self._keeps_past):
            return
        place, what = Place.from_id(id), "what is sent" if request != request_now else "how it is read"
        if is_inherited:
            raise TreatmentChanged(
                f"{self.where}: item {place.item!r} in round {place.round} was answered by subject {place.subject!r} "
                f"in the run that this one branches from, and {what} differs under this design: it has another past; "
                "let only later rounds differ, or make the branch with keep_past=True"
            )
        raise TreatmentChanged(
            f"{self.where}: item {place.item!r} was already answered by subject "
            f"{place.subject!r}, and {what} has been edited since; undo the edit, or use a new folder"
        )

    def mark(self, marks: Sequence[tuple[str, str]]) -> None:
        """Note what a process has come to; refuse it where it had come to something else before."""
        new = []
        for name, digest in marks:
            before = self._marks.get(name)
            if before is None:
                new.append((name, digest))
            elif before != digest:
                raise TreatmentChanged(
                    f"{self.where}: {name}: the answers that are stored lead to another state than they did when they "
                    "were given: a rule was edited since, or another version of a library computes it otherwise; undo "
                    "the edit, install the versions that the run was begun with, or use a new folder"
                )
        if new:
            self.has_news = True
            self.journal.mark(new)

    def refuse_strangers(self, design: Design, n_asked: int) -> None:
        """Refuse a run that holds answers to places the design does not have; they would end up in its table."""
        n_strangers = self.journal.n_stored_after(self.until) - self.n_known - n_asked
        if n_strangers > 0:
            trials = design.trials(self.journal)
            if isinstance(trials, Keyed):
                places = {id for id, _, _ in trials.keys(0, len(trials))}
            else:
                places = {trial.id for trial in trials}
            example = next(id for id in self.journal if id not in places)
            raise TreatmentChanged(
                f"{self.where}: {n_strangers} responses are to places that the design no longer has, "
                f"e.g. {example!r}; put back the subjects, items or levels that were removed, or use a new folder"
            )


class _Block(NamedTuple):
    """Places of the whole design from `start` up to `stop`, and those of their trials that are unanswered here."""

    start: int
    stop: int
    missing: list[Trial]


class Unanswered:
    """The unanswered trials of a design that does not depend on answers, in its order, some blocks at a time.

    A block is a number of places, counted from the beginning of the design, answered ones too. So a block, and every
    piece that it is cut into, hangs on the design alone, and not on what was answered. Where trials are a share of a
    design's (`Divided`), places are those of the whole, and so are pieces.
    """

    def __init__(self, past: Past, design: Design, size: int) -> None:
        self.past, self.design = past, design
        self.is_seen = False  # whether every trial was looked at
        self.is_idle = False  # whether everything was given out
        self.stalled: dict[str, str] = {}  # nothing waits for an answer
        self.over: list[str] = []  # everything is asked at once: nobody has more to come
        self._given: list[_Block] = []
        self._whole: Sequence[Trial] | None = None  # of the block that was given last, where it was one
        self._windows = self._looked_at(size)

    def more(self, room: int) -> list[Trial]:
        """What is missing in the next blocks that lack something; empty when there is nothing."""
        self._given, self._whole = next(self._windows, []), None
        return [trial for block in self._given for trial in block.missing]

    def blocks(self) -> Iterator[tuple[Sequence[Trial], list[Trial]]]:
        """Of each block that was given last all trials, answered ones too, which are made now, and the missing ones."""
        for start, stop, missing in self._given:
            if len(missing) == stop - start:
                yield missing, missing
            elif len(self._given) > 1:  # all of them would be too many to keep
                yield self._all[start:stop], missing
            else:
                self._whole = self._whole or self._all[start:stop]
                yield self._whole, missing

    @cached_property
    def _trials(self) -> Sequence[Trial]:
        return self.design.trials(self.past.journal)

    @property
    def _all(self) -> Sequence[Trial]:
        return self._trials.whole if isinstance(self._trials, Divided) else self._trials

    rank = None  # blocks are in order as they are

    def follow(self, trials: Sequence[Trial]) -> None:
        """Nobody is asked anything later."""

    def take(self, responses: Sequence[Response]) -> None:
        """Nothing follows from an answer."""

    def _looked_at(self, size: int) -> Iterator[list[_Block]]:
        """Blocks that lack something, together as many as lack at most `size` trials.

        So what was edited since is found before anything is asked, also where it stands far behind.
        """
        found: list[_Block] = []
        n = 0
        for block in self._cut(size):
            if found and n + len(block.missing) > size:
                yield found
                found, n = [], 0
            found += [block] if block.missing else []
            n += len(block.missing)
            if n == size:
                yield found
                found, n = [], 0
        self.is_seen = True
        if found:
            yield found
        self.is_idle = True

    def _cut(self, size: int) -> Iterator[_Block]:
        trials = self._trials
        iterator, first = iter(trials), 0
        for start, stop, n in self._places(size):
            if not self.past.is_fresh and isinstance(trials, Keyed):
                missing = self._missing_by_key(trials, first, first + n)
            else:
                block = list(islice(iterator, n))
                missing = block if self.past.is_fresh else self._missing(block)
            yield _Block(start, stop, missing)
            first += n

    def _places(self, size: int) -> Iterator[tuple[int, int, int]]:
        """Where each block begins and ends, counted in the whole design, and how many of its trials are these."""
        trials = self._trials
        if not isinstance(trials, Divided):
            for start in range(0, n := len(trials), size):
                yield start, min(start + size, n), min(size, n - start)
            return
        n, own = len(trials.whole), Counter[int]()
        for run in trials.runs:
            for number in range(run.start // size, -(-run.stop // size)):
                own[number] += min(run.stop, (number + 1) * size) - max(run.start, number * size)
        for number in sorted(own):
            yield number * size, min((number + 1) * size, n), own[number]

    def _missing(self, block: Sequence[Trial]) -> list[Trial]:
        """The unanswered among some trials."""
        missing: list[Trial] = []
        for start in range(0, len(block), _LOOKED_UP):
            part = block[start : start + _LOOKED_UP]
            known = self._compared([(trial.id, trial.request.hash, trial.reply.rule) for trial in part])
            missing += [trial for trial in part if trial.id not in known]
        return missing

    def _missing_by_key(self, trials: Keyed, begin: int, end: int) -> list[Trial]:
        """The unanswered from one place up to another; others are not made, where they are most."""
        assert isinstance(trials, Sequence)
        found: list[Trial] = []
        for start in range(begin, end, _LOOKED_UP):
            stop = min(start + _LOOKED_UP, end)
            keys = list(trials.keys(start, stop))
            known = self._compared(keys)
            missing = [start + k for k, (id, _, _) in enumerate(keys) if id not in known]
            if 4 * len(missing) < len(keys):
                found += [trials[k] for k in missing]
            else:
                found += [trial for trial in trials[start:stop] if trial.id not in known]
        return found

    def _compared(self, keys: Sequence[Key]) -> set[str]:
        """The places that are answered; refuse where one was answered under another treatment."""
        known = self.past.journal.requests_of([id for id, _, _ in keys])
        for key in keys:
            if key[0] in known:
                self.past.compare(key, *known[key[0]])
        return set(known)


class Advancing:
    """The trials of an adaptive design, as far as they are settled: its processes, each advanced by its own answers.

    Processes are begun when there is room for more trials, and dropped when they are over, so memory follows the
    trials that are out and not the size of the design. One that is begun in a run that goes on first gets its past
    answers, read from the journal for many processes together.

    `reached` gets the places whose answers could be kept if what failed were asked again: the past is then read as if
    that had not been answered.
    """

    def __init__(
        self, past: Past, design: Design, *, reached: set[str] | None = None, saved: Saved | None = None
    ) -> None:
        self.past, self._reached, self._saved = past, reached, saved
        self._n_begun, self._packs = 0, False
        self.is_seen = False  # whether every process was begun
        self.stalled: dict[str, str] = {}
        self._processes: Iterator[tuple[int, Process]] = enumerate(design.processes())
        self._open: dict[str, Going] = {}  # by the places whose answers they wait for
        self._ready: list[Trial] = []
        self.over: list[str] = []  # subjects of processes that have ended since somebody looked, and emptied it
        self._asked: dict[int, set[str]] = {}  # by number of a process, whom it has asked, of those who are followed
        self._n_open: Counter[int] = Counter()

    def more(self, room: int) -> list[Trial]:
        """What can be asked and was not given out yet, process by process; begins processes while there is room."""
        while not self.is_seen and len(self._ready) < room:
            batch = list(islice(self._processes, min(_TOGETHER, room - len(self._ready))))
            self.is_seen = not batch
            self._n_begun += len(batch)
            begun: list[Going] = [(number, as_fold(process)) for number, process in batch]
            self._packs = all(hasattr(fold, "pack") for _, fold in begun) if batch else self._packs
            found = [(going, trial) for going in begun for trial in self._started(going)]
            for going, trial in found if self.past.is_fresh else self._replayed(found):
                self._put(going, trial)
            for going in begun:
                self._look_at_end(going)
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
            self._n_open[going[0]] -= 1
            for trial in self._next(going, response):
                self._put(going, trial)
            if not self._n_open[going[0]]:
                self._look_at_end(going)

    def follow(self, trials: Sequence[Trial]) -> None:
        """Have `over` tell of whoever is asked these, once nothing follows for them."""
        for trial in trials:
            self._asked.setdefault(self._open[trial.id][0], set()).add(trial.place.subject)

    def _look_at_end(self, going: Going) -> None:
        """Note whom a process has asked once it waits for nobody."""
        number, _ = going
        if not self._n_open[number]:
            del self._n_open[number]
            self.over += self._asked.pop(number, ())

    def saved(self) -> Saved | None:
        """Where all processes stand, for a snapshot; None while that cannot be kept."""
        if not self.is_seen or self.stalled or not self._packs:
            return None
        packed = {}
        for number, fold in self._open.values():
            if number not in packed:
                found = fold.pack()  # type: ignore[attr-defined]
                if found is None:
                    return None
                packed[number] = found
        return Saved(begun=self._n_begun, packed=packed, until=self.past.journal.last_at())

    def _started(self, going: Going) -> Iterable[Trial]:
        """What a process asks first; of one that a snapshot has, what it asked then, or nothing where it was over."""
        number, fold = going
        if self._saved is None or number >= self._saved.begun:
            return self._next(going, None)
        if number not in self._saved.packed:
            return ()
        trials = list(fold.resume(self._saved.packed[number]))  # type: ignore[attr-defined]
        self._mark(fold)
        return trials

    def _mark(self, fold: Fold) -> None:
        # To ask whether it is `Marking` takes longer than many a process does.
        marks = getattr(fold, "marks", None)
        if marks is not None and (found := marks()):
            self.past.mark(found)

    def _put(self, going: Going, trial: Trial) -> None:
        if trial.id in self._open:
            raise DesignError(f"{trial.id!r} is asked twice; give every trial of a design a place of its own")
        self._open[trial.id] = going
        self._n_open[going[0]] += 1
        self._ready.append(trial)

    def _next(self, going: Going, response: Response | None) -> Iterable[Trial]:
        """What a process asks because of a response, or at its beginning."""
        number, fold = going
        try:
            trials = list(fold.start() if response is None else fold.advance(response))
            self._mark(fold)
            return trials
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
            if self._saved is not None:  # an answer that the snapshot has was counted with it
                self.past.n_known -= len(known) - self.past.journal.n_after(list(known), self._saved.until)
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
