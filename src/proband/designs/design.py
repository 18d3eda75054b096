"""What a design is: who takes part, which trials there are, and how later ones follow from earlier answers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, runtime_checkable

from proband.designs.process import Process, unfold
from proband.errors import DesignError, EngineError, meant
from proband.instruments.items import Item
from proband.models.engine import Ability, BaseEngine
from proband.records import Completion, Response, ShowCard, Trial
from proband.roster import Member, Roster

Key = tuple[str, str, str]  # of a trial: `Trial.id`, the hash of its request, the rule of its reply


@runtime_checkable
class Keyed(Protocol):
    """Trials whose keys, by which it is seen whether they were answered as they are asked now, cost less than they."""

    def keys(self, start: int, stop: int) -> Iterable[Key]:
        """Keys of the trials from `start` up to `stop`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a design in time: its name, how many trials it has, and some of them that stand for all."""

    name: str
    size: int
    sample: Sequence[Trial]


class Design:
    """Base of every design; a small one says what it asks, and takes the rest from here.

    A design whose trials do not depend on answers gives `trials`. One that is adaptive gives `processes`; its
    `trials` then follow from them. Everything is a pure function of the design and of what was answered.

    Attributes
    ----------
    kind : str
        Table of a study file that makes it, e.g. ``survey``.
    unit : str
        What an independent unit is called, e.g. ``match``.
    sits_by : str
        Factor of a place whose level says who answers there, where that is not its subject: coders of documents.
    needs : frozenset of str
        Abilities that whoever answers must have, even one who answers whatever it is asked: surprisal of words.
    is_about_people : bool
        Whether its subjects stand for a population, of which a plan tells what so many of them can find.
    name : str
        Of the study; used in tables and the manifest.
    seed : int
        Root of all randomness.
    items : mapping of str to Item
        Every item that may be asked, by id.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = "subject"
    sits_by: ClassVar[str] = ""
    needs: ClassVar[frozenset[Ability]] = frozenset()
    is_about_people: ClassVar[bool] = True  # whether plans tell what so many subjects can find

    # For the type checker only: as a property it would be the default of a dataclass field of the same name.
    if TYPE_CHECKING:

        @property
        def seed(self) -> int: ...  # noqa: D102
        @property
        def items(self) -> Mapping[str, Item]: ...  # noqa: D102

    def __new__(cls, *args: object, **given: object) -> Self:
        """Refuse a keyword that is no setting, before the constructor would with a bare `TypeError`."""
        known = [f.name for f in fields(cls)] if is_dataclass(cls) else list(given)
        for name in given:
            if name not in known:
                raise DesignError(
                    f"{cls.__name__} has no setting {name!r}{meant(name, known)}; there are {', '.join(known)}"
                )
        return super().__new__(cls)

    @property
    def name(self) -> str:
        """Title of the study, where the design has one, or what it is called."""
        return str(getattr(self, "title", "")) or self.kind or type(self).__name__

    @property
    def is_adaptive(self) -> bool:
        """Whether later trials depend on earlier answers."""
        return type(self).processes is not Design.processes

    def check_engine(self, engine: BaseEngine, trials: Sequence[Trial]) -> None:
        """Refuse, before the first call, an engine that cannot answer these trials; `EngineError` names the item."""
        if "score" in self.needs - engine.abilities:
            raise EngineError(
                f"item {trials[0].place.item!r} is measured by the log-probability of its words, and {engine.address} "
                "gives none; take an open model (smollm2, hf:...) or a server that scores given texts"
            )
        engine.check(trials)

    def processes(self) -> Iterable[Process]:
        """The parts that advance on their own, made anew, in the same order, at every call; see `designs.process`."""
        raise DesignError(f"{type(self).__name__} has neither `trials` nor `processes`; give it one of them")

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every trial whose request is settled by what was answered, answered ones included; may be lazy."""
        return list(unfold(self.processes(), answered))

    def preview(self) -> Sequence[Trial]:
        """The trials as far as they are known before anything is answered, for plans; may be lazy."""
        return self.trials({})

    def foreseen(self) -> Sequence[Trial]:
        """The trials as they may be asked, where what is told depends on answers: for what a plan counts.

        By default those of `preview`.
        """
        return self.preview()

    def size(self) -> int:
        """Number of trials of the whole design; an upper bound where it depends on answers."""
        return len(self.preview())

    def roster(self) -> Roster:
        """Who takes part; where a design says nothing else, everybody asked, each a unit of its own."""
        return Roster([Member(subject=s) for s in dict.fromkeys(t.place.subject for t in self.preview())])

    def n_units(self) -> int:
        """Independent units, whose number decides how precise its findings can be."""
        return self.roster().n_units

    @property
    def within(self) -> tuple[str, ...]:
        """Factors that are compared within units, because each is observed under all their levels."""
        return ()

    def notes(self) -> tuple[str, ...]:
        """What a plan says of it beside the numbers, in sentences."""
        return ()

    def roles(self) -> tuple[str, ...]:
        """The engines a study of it needs, by role; one without a name where everything goes to one engine."""
        return tuple(dict.fromkeys(trial.answerer for trial in self.preview()))

    def treatment(self) -> str:
        """Digest of all that decides what it asks, the code of its rules among it: for caches of how far it is."""
        return blake2b(json.dumps(self.describe(), sort_keys=True, default=str).encode(), digest_size=16).hexdigest()

    def keep(self, answered: Mapping[str, Response], folder: Path, *, anew: bool) -> None:
        """Write files of its own beside the answers, in the folder of a run that is complete; they can be made again.

        Called whenever a run was found complete; unless there was something new, what is there may stay.
        """

    @property
    def source(self) -> Mapping[str, object]:
        """The study file that it was made from, as plain values; empty where it was made in Python."""
        return {}

    def stages(self) -> Sequence[Stage]:
        """Its parts in time, where a plan is to tell them apart because prompts grow."""
        return ()

    def card(self, trial: Trial) -> ShowCard | None:
        """What people are shown, where trials hold only what is sent; None where there is nothing else to show."""
        return trial.card

    def lapse(self, trial: Trial, waited_s: float) -> Completion | None:
        """What stands for an answer that has been waited for so long, in seconds; None to go on waiting."""
        return None

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the design, as plain values, for the manifest and the methods paragraph."""
        own: dict[str, object] = (
            {f.name: _plain(getattr(self, f.name)) for f in fields(self)} if is_dataclass(self) else {}
        )
        return {"design": self.kind or type(self).__name__, "title": self.name, **own}


def _plain(value: object) -> object:
    """A setting as JSON can hold it, and the same at every start: what a function is called, not where it lies."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return getattr(value, "__qualname__", None) or str(value)
