"""Which trials of a design have no answer yet, and whether those that have one are still asked the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol, runtime_checkable

from proband.designs.design import Design
from proband.errors import TreatmentChanged
from proband.records import Place, Response, Trial
from proband.runs.scheduling import Stop
from proband.store.journal import Journal

_LOOKED_UP = 4096  # places looked up in the journal together


Key = tuple[str, str, str]  # of a trial: `Trial.id`, the hash of its request, the rule of its reply


@runtime_checkable
class Keyed(Protocol):
    """Trials whose keys, by which it is seen whether they were answered as they are asked now, cost less than they."""

    def keys(self, start: int, stop: int) -> Iterable[Key]:
        """Keys of the trials from `start` up to `stop`."""
        ...


class Unfolding(Protocol):
    """An adaptive design in steps; all that it gave out for some answers is what `Design.trials` gives for them."""

    def first(self, answered: Mapping[str, Response]) -> Iterable[Trial]:
        """What can be asked after the answers so far, answered trials included."""
        ...

    def next(self, answered: Mapping[str, Response], new: Sequence[Response]) -> Iterable[Trial]:
        """What can be asked because of new answers."""
        ...


@runtime_checkable
class Unfolds(Protocol):
    """An adaptive design that can be asked in steps, each of which costs what is new in it."""

    def unfold(self) -> Unfolding:
        """The design before its first step."""
        ...


class Unanswered:
    """What is left to ask, window by window.

    Parameters
    ----------
    journal : Journal
        What was answered.
    design : Design
        What is asked.
    stop : Stop
        When asked for, there are no further windows.
    """

    def __init__(self, journal: Journal, design: Design, stop: Stop) -> None:
        self.journal, self.design, self.stop = journal, design, stop
        self.is_seen = False  # whether every trial of the first round was looked at
        self._is_fresh = not len(journal)
        self._n_answered = 0
        self._settled: set[str] = set()  # places of an adaptive design that need no second look
        self._new: list[Response] = []
        # An adaptive design looks at every answer in every round.
        self._answered: dict[str, Response] = {}
        if design.is_adaptive:
            self._answered = {response.place.id: response for response in journal.responses()}
        unfolds = design.is_adaptive and isinstance(design, Unfolds)
        self._unfolding = design.unfold() if unfolds and isinstance(design, Unfolds) else None

    def take(self, responses: Sequence[Response]) -> None:
        """Learn what was answered since."""
        if self.design.is_adaptive:
            self._answered.update((response.place.id, response) for response in responses)
            self._settled.update(response.place.id for response in responses)
            if self._unfolding is not None:
                self._new.extend(responses)

    def windows(self, size: int) -> Iterator[list[Trial]]:
        """The unanswered trials of the next round, in the order of the design, at most `size` together."""
        window: list[Trial] = []
        for missing in self._missing():
            window += missing
            while len(window) >= size:
                yield window[:size]
                del window[:size]
            if self.stop.is_asked:
                return
        self.is_seen = True
        if window:
            yield window

    def refuse_strangers(self, n_asked: int) -> None:
        """Refuse a run that holds answers to places the design does not have; they would end up in its table."""
        n_strangers = len(self.journal) - self._n_answered - n_asked
        if n_strangers > 0:
            trials = self.design.trials(self._answered if self.design.is_adaptive else self.journal)
            if isinstance(trials, Keyed):
                places = {id for id, _, _ in trials.keys(0, len(trials))}
            else:
                places = {trial.id for trial in trials}
            example = next(id for id in self.journal if id not in places)
            raise TreatmentChanged(
                f"{self.journal.path.parent}: {n_strangers} responses are to places that the design no longer has, "
                f"e.g. {example!r}; put back the subjects, items or levels that were removed, or use a new folder"
            )

    def _missing(self) -> Iterator[list[Trial]]:
        """The unanswered among some trials at a time."""
        trials = self._round()
        if not self._is_fresh and not self.design.is_adaptive and isinstance(trials, Keyed):
            yield from self._missing_by_key(trials)
            return
        iterator = iter(trials)
        while chunk := list(islice(iterator, _LOOKED_UP)):
            yield self._without_answered(chunk)

    def _round(self) -> Iterable[Trial]:
        if not self.design.is_adaptive:
            return self.design.trials(self.journal)
        if self._unfolding is None:
            return self.design.trials(self._answered)
        if not self.is_seen:
            return self._unfolding.first(self._answered)
        new, self._new = self._new, []
        return self._unfolding.next(self._answered, new)

    def _without_answered(self, trials: list[Trial]) -> list[Trial]:
        if self.design.is_adaptive:
            trials = [trial for trial in trials if trial.id not in self._settled]
            looked_up = [trial for trial in trials if trial.id in self._answered]
        else:
            looked_up = [] if self._is_fresh else trials
        if not looked_up:
            return trials
        known = self._compared([(trial.id, trial.request.hash, trial.reply.rule) for trial in looked_up])
        return [trial for trial in trials if trial.id not in known]

    def _missing_by_key(self, trials: Keyed) -> Iterator[list[Trial]]:
        assert isinstance(trials, Sequence)
        for start in range(0, len(trials), _LOOKED_UP):
            stop = min(start + _LOOKED_UP, len(trials))
            keys = list(trials.keys(start, stop))
            known = self._compared(keys)
            missing = [start + k for k, (id, _, _) in enumerate(keys) if id not in known]
            if 4 * len(missing) < len(keys):
                yield [trials[k] for k in missing]
            else:
                yield [trial for trial in trials[start:stop] if trial.id not in known]

    def _compared(self, keys: Sequence[Key]) -> set[str]:
        """The places that are answered; refuse where one was answered under another treatment."""
        known = self.journal.requests_of([id for id, _, _ in keys])
        for id, now, rule in keys:
            request, rule_then, is_inherited = known.get(id, ("", "", True))
            if not is_inherited and (request, rule_then) != (now, rule):
                place, what = Place.from_id(id), "what is sent" if request != now else "how it is read"
                raise TreatmentChanged(
                    f"{self.journal.path.parent}: item {place.item!r} was already answered by subject "
                    f"{place.subject!r}, and {what} has been edited since; undo the edit, or use a new folder"
                )
        if not self.is_seen:
            self._n_answered += len(known)
        if self.design.is_adaptive:
            self._settled |= known.keys()
        return set(known)
