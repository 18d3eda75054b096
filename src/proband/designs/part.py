"""A share of a design: so many of its independent units, asked exactly as in the whole."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Self

from proband.designs.design import Design, Key, Keyed
from proband.designs.lazy import LazyTrials
from proband.designs.process import Process, as_fold, unfold
from proband.designs.seated import Seated
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.models.engine import BaseEngine
from proband.records import Completion, Place, Response, ShowCard, Trial
from proband.roster import Roster

PROBES = 512  # places of a long design that are looked at, to see whether its trials stand in the order of its units
_SHARE = re.compile(r"([0-9]+)/([0-9]+)", re.ASCII)
_CHUNK = 65_536  # keys that are held at once


@dataclass(frozen=True, slots=True)
class Share:
    """Which of how many parts, counting from 1: ``2/4`` in words, ``2-of-4`` as a folder."""

    number: int
    of: int

    def __post_init__(self) -> None:
        if self.of < 1:
            raise DesignError(f"{self.of} parts: there is at least one; give e.g. 4")
        if not 1 <= self.number <= self.of:
            raise DesignError(f"part {self}: parts are counted from 1 to {self.of}; give e.g. --part 1/{self.of}")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Of ``K/N``."""
        match = _SHARE.fullmatch(text)
        if match is None or len(text) > 18:
            raise DesignError(f"part {text!r} is no K/N; write which part of how many, e.g. --part 2/4")
        return cls(int(match[1]), int(match[2]))

    @property
    def folder(self) -> str:
        """What its folder is called."""
        return f"{self.number}-of-{self.of}"

    def of_range(self, n: int) -> range:
        """Its contiguous share of `n` things."""
        return range((self.number - 1) * n // self.of, self.number * n // self.of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True)
class Part(Design):
    """A contiguous share of a design's independent units, with all subjects of each; every trial is the design's own.

    Subjects who stand in no roster, and belong to no unit, are asked in the last part.

    Attributes
    ----------
    whole : Design
        What is divided.
    share : Share
        Which of its units.

    Raises
    ------
    DesignError
        If there are fewer units than parts, if people take the design at pages, or if its units depend on each other:
        one process, in which later questions follow from earlier answers, asks several of them.
    """

    whole: Design
    share: Share

    def __post_init__(self) -> None:
        if isinstance(self.whole, Seated):
            raise DesignError(f"{self.name}: people come when they come, so it cannot be divided; run it undivided")
        n = len(self._units)
        if not n:
            raise DesignError(f"{self.name}: nobody is asked, so there is nothing to divide; run it undivided")
        if self.share.of > n:
            way_out = "ask for fewer" if n > 1 else "run it undivided"
            raise DesignError(
                f"{self.name}: {self.share.of} parts are more than there are independent units ({n:,}; the unit is "
                f"the {self.whole.unit}), so some would be empty; {way_out}"
            )
        if self.is_adaptive and n > 1 and self.whole.process_units() is None:
            self._refuse_joined()

    def _refuse_joined(self) -> None:
        """Refuse fewer processes than units: one of them then asks several units."""
        n = len(self._units)
        found = sum(1 for _ in islice(self.whole.processes(), n))
        if found < n:
            asked = "one process asks" if found == 1 else f"{found} processes ask"
            raise DesignError(
                f"{self.name}: {asked} all {n:,} independent units (the unit is the {self.whole.unit}), and later "
                "questions follow from the answers of several of them, so it cannot be divided; run it undivided"
            )

    @cached_property
    def _members(self) -> Roster:
        return self.whole.roster()

    @cached_property
    def _units(self) -> Mapping[str, int]:
        """Position of every unit, in the order of the roster."""
        return {unit: k for k, unit in enumerate(dict.fromkeys(self._members.units.values()))}

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        """Position of every subject's unit."""
        units = self._units
        return {subject: units[unit] for subject, unit in self._members.units.items()}

    @cached_property
    def _range(self) -> range:
        """Positions of its units; those who are in no roster count as one more behind all."""
        own = self.share.of_range(len(self._units))
        return range(own.start, own.stop + (self.share.number == self.share.of))

    def position(self, subject: str) -> int:
        """Where somebody's unit stands in the order of the design."""
        return self._positions.get(subject, len(self._units))

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Of the whole."""
        return self.whole.kind

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Of the whole."""
        return self.whole.unit

    @property
    def sits_by(self) -> str:  # type: ignore[override]
        """Of the whole."""
        return self.whole.sits_by

    @property
    def is_about_people(self) -> bool:  # type: ignore[override]
        """Of the whole."""
        return self.whole.is_about_people

    @property
    def name(self) -> str:
        """Of the whole."""
        return self.whole.name

    @property
    def seed(self) -> int:
        """Of the whole."""
        return self.whole.seed

    @property
    def items(self) -> Mapping[str, Item]:
        """Of the whole."""
        return self.whole.items

    @property
    def within(self) -> tuple[str, ...]:
        """Of the whole."""
        return self.whole.within

    @property
    def is_adaptive(self) -> bool:
        """Of the whole."""
        return self.whole.is_adaptive

    def check_engine(self, engine: BaseEngine, trials: Sequence[Trial]) -> None:
        """As the whole does; refuse also what belongs to another part, before it is asked."""
        for trial in trials:
            if self.position(trial.place.subject) not in self._range:
                unit = self._members.units.get(trial.place.subject, trial.place.subject)
                raise DesignError(
                    f"{self.name}: what {self.whole.unit} {unit!r} is asked follows from answers in part {self.share}, "
                    "and it belongs to another part; its units depend on each other, so run it undivided"
                )
        self.whole.check_engine(engine, trials)

    def processes(self) -> Iterator[Process]:
        """Those of the whole that ask its units, in their order."""
        known = self.whole.process_units()
        if known is not None:
            for process, unit in zip(self.whole.processes(), known, strict=True):
                if self._units[unit] in self._range:
                    yield process
            return
        # What is begun cannot be begun again, so that each is made twice: to be looked at, and to be asked.
        for number, (process, probe) in enumerate(zip(self.whole.processes(), self.whole.processes(), strict=True)):
            if self._position_of(number, probe) in self._range:
                yield process

    def _position_of(self, number: int, process: Process) -> int:
        """Of the unit that a process asks; one that asks nobody belongs to the last part."""
        found = {self.position(trial.place.subject): trial.place.subject for trial in as_fold(process).start()}
        if len(found) > 1:
            one, other = list(found.values())[:2]
            raise DesignError(
                f"{self.name}: process {number + 1} asks {one!r} and {other!r}, who belong to different units: its "
                "units depend on each other, so it cannot be divided; run it undivided"
            )
        return next(iter(found), len(self._units))

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Those of the whole that its units are asked."""
        if not self.is_adaptive:
            return self._cut(self.whole.trials(answered))
        if type(self.whole).trials is Design.trials:
            return list(unfold(self.processes(), answered))
        return self._own(self.whole.trials(answered))

    def preview(self) -> Sequence[Trial]:
        """Those of the whole; where trials follow from answers, those known that its units are asked."""
        if not self.is_adaptive:
            return self._cut(self.whole.preview())
        if type(self.whole).preview is Design.preview:
            return self.trials({})
        return self._own(self.whole.preview())

    def foreseen(self) -> Sequence[Trial]:
        """As `preview`, as trials may be asked."""
        return self._own(self.whole.foreseen()) if self.is_adaptive else self.preview()

    def _own(self, trials: Sequence[Trial]) -> list[Trial]:
        return [trial for trial in trials if self.position(trial.place.subject) in self._range]

    def _cut(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        kind = _KeyedTrials if isinstance(trials, Keyed) else PartTrials
        return kind(self, trials, self._runs(trials))

    def _runs(self, trials: Sequence[Trial]) -> Sequence[range]:
        """Indices of its trials, as ranges."""
        n, own = len(trials), self._range
        if isinstance(trials, LazyTrials) and n > PROBES and self._is_in_order(trials):
            ends = [bisect_left(range(n), at, key=lambda k: self._at(trials, k)) for at in (own.start, own.stop)]
            return [range(*ends)] if ends[1] > ends[0] else []
        found: list[range] = []
        for k, subject in enumerate(_subjects(trials)):
            if self.position(subject) not in own:
                continue
            if found and found[-1].stop == k:
                found[-1] = range(found[-1].start, k + 1)
            else:
                found.append(range(k, k + 1))
        return found

    def _at(self, trials: Sequence[Trial], index: int) -> int:
        return self.position(trials[index].place.subject)

    def _is_in_order(self, trials: Sequence[Trial]) -> bool:
        """Whether trials stand unit by unit, in the order of the roster, as far as many of them tell.

        The same are looked at for every part, so that all parts find the same.
        """
        looked = [self._at(trials, k * (len(trials) - 1) // (PROBES - 1)) for k in range(PROBES)]
        return all(one <= other for one, other in pairwise(looked))

    def size(self) -> int:
        """Number of trials; where it depends on answers, its share of what the whole may have."""
        if not self.is_adaptive:
            return len(self.preview())
        n = len(self._units)
        return -(-self.whole.size() * len(self.share.of_range(n)) // n)

    def roster(self) -> Roster:
        """Those of the whole who belong to its units."""
        own = self._range
        return Roster([member for member in self._members if self._units[member.unit] in own])

    def notes(self) -> tuple[str, ...]:
        """Of the whole, and which part it is."""
        n = len(self.share.of_range(len(self._units)))
        return (
            *self.whole.notes(),
            f"This is part {self.share}, with {n:,} of {len(self._units):,} independent units.",
        )

    def roles(self) -> tuple[str, ...]:
        """Of the whole."""
        return self.whole.roles()

    def treatment(self) -> str:
        """Of the whole, and which part it is."""
        return f"{self.whole.treatment()} {self.share}"

    def keep(self, answered: Mapping[str, Response], folder: Path, *, anew: bool) -> None:
        """Nothing: what the whole keeps is written when all parts are gathered."""

    @property
    def source(self) -> Mapping[str, object]:
        """Of the whole."""
        return self.whole.source

    def card(self, trial: Trial) -> ShowCard | None:
        """Of the whole."""
        return self.whole.card(trial)

    def lapse(self, trial: Trial, waited_s: float) -> Completion | None:
        """Of the whole."""
        return self.whole.lapse(trial, waited_s)

    def describe(self) -> Mapping[str, object]:
        """Of the whole."""
        return self.whole.describe()


def _subjects(trials: Sequence[Trial]) -> Iterator[str]:
    """Whose trials these are, at the cost of their keys where those cost less."""
    if not isinstance(trials, Keyed):
        return (trial.place.subject for trial in trials)
    spans = (range(len(trials))[start : start + _CHUNK] for start in range(0, len(trials), _CHUNK))
    keys = chain.from_iterable(trials.keys(span.start, span.stop) for span in spans)
    return (Place.from_id(id).subject for id, _, _ in keys)


class PartTrials(LazyTrials):
    """Some of a design's trials, by ranges of their indices (`Divided`); made when looked at where the design's are."""

    def __init__(self, part: Part, trials: Sequence[Trial], runs: Sequence[range]) -> None:
        self.part, self.whole, self.runs = part, trials, runs
        self._starts: list[int] = []
        self._size = 0
        for run in runs:
            self._starts.append(self._size)
            self._size += len(run)

    def __len__(self) -> int:
        return self._size

    def made_from(self, start: int) -> Iterator[Trial]:
        """The trials from an index on."""
        return chain.from_iterable(map(self._made, self._spans(start, self._size)))

    def made_at(self, index: int) -> Trial:
        """One trial."""
        (span,) = self._spans(index, index + 1)
        return self.whole[span.start]

    def _made(self, span: range) -> Iterable[Trial]:
        if isinstance(self.whole, LazyTrials):
            return islice(self.whole.made_from(span.start), len(span))
        return self.whole[span.start : span.stop]

    def _spans(self, start: int, stop: int) -> Iterator[range]:
        """The ranges of the whole that hold the trials from `start` up to `stop`."""
        first = max(0, bisect_left(self._starts, start + 1) - 1)
        for begin, run in zip(self._starts[first:], self.runs[first:], strict=True):
            if begin >= stop:
                return
            if span := run[max(0, start - begin) : stop - begin]:
                yield span


class _KeyedTrials(PartTrials):
    """Those of a design whose keys cost less than its trials."""

    def keys(self, start: int, stop: int) -> Iterator[Key]:
        """Keys of the trials from `start` up to `stop`."""
        assert isinstance(self.whole, Keyed)
        whole = self.whole
        return chain.from_iterable(whole.keys(span.start, span.stop) for span in self._spans(start, stop))
