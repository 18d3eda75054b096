"""A design as people take it: seats numbered by arrival for its subjects, and pages for its prompts."""

import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from proband.designs.design import Design
from proband.designs.experiment import Experiment
from proband.designs.lazy import LazyTrials
from proband.designs.process import Fold, Process, as_fold
from proband.designs.quiz.quiz import Quiz
from proband.designs.seat_table import SeatTable
from proband.designs.survey.survey import Survey
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.records import Completion, Message, Place, Request, Response, ShowCard, Trial
from proband.roster import Roster
from proband.subjects.personas import Subject
from proband.subjects.populations import Population

WIDGETS = frozenset({"choice", "multiple", "scale", "number", "allocation", "ranking", "text"})
MOST_SEATS = 100_000
SEATS = "seats:"  # before their number, as the name of a population


def seats(n: int) -> Population:
    """People who are numbered as they arrive."""
    if not 1 <= n <= MOST_SEATS:
        raise DesignError(f"{n} seats; give between 1 and {MOST_SEATS:,}")
    width = max(3, len(str(n)))
    return Population(
        name=f"seats:{n}", subjects=tuple(Subject(id=f"{k:0{width}d}", traits={}) for k in range(1, n + 1))
    )


def seats_named(name: str) -> Population:
    """The population ``seats:N`` of a study file."""
    n = name.removeprefix(SEATS)
    if not n.isascii() or not n.isdigit():
        raise DesignError(f'population {name!r}: write "seats:N" with the number of people who can take it')
    return seats(int(n))


def n_seats(design: Design) -> int | None:
    """How many seats a study has that says so itself, by its population."""
    people = getattr(design, "subjects", None)
    return len(people) if isinstance(people, Population) and people.name.startswith(SEATS) else None


def seated(design: Design, roles: Collection[str], n: int) -> "Seated":
    """A design taken by people: those who play `roles`, or everybody in `n` seats where it has no roles.

    Raises
    ------
    DesignError
        If it cannot be taken by people: it has no roles and no subjects that seats could stand for, or an item for
        which there is no page.
    """
    if isinstance(design, Survey):
        design = _survey(design, seats(n))
        roles = ("",)
    elif isinstance(design, Quiz):
        models = tuple(subject.id for subject in seats(n))
        prompt = replace(design.prompts[0], shots=0, draws=1)
        design = replace(design, models=models, prompts=(prompt,), asks={}, exemplars=None)
        roles = models
    elif not (roles := _played(design, roles)):
        raise DesignError(
            f"{design.name}: people take no part in this study; name the roles that they play in [engine], e.g. "
            f'{next(iter(design.roles()), "") or "role"} = "seat"'
        )
    elif not design.sits_by:
        _check_seats(design, roles)
    for item in _asked(design, roles):
        if item.form not in WIDGETS:
            raise DesignError(f"item {item.id!r} of form {item.form!r} has no page; take it out, or do not ask it")
    return Seated(design, frozenset(roles))


def _check_seats(design: Design, roles: Collection[str]) -> None:
    """Refuse roles that nobody sits in, or more people than can come, or that are asked in the name of many."""
    played = sorted(set(roles) & set(design.roles()))
    who = {member.subject for member in design.roster() if member.role in roles}
    if len(who) > MOST_SEATS:
        raise DesignError(
            f"{design.name}: {len(who):,} of its subjects are played by {', '.join(played)}, and at most "
            f"{MOST_SEATS:,} people can sit in it; let people play a role that fewer have"
        )
    # A cell of a society stands for many agents, and has no seat, even where its engine is a person.
    many = [trial for trial in design.preview() if trial.answerer in roles and trial.place.subject not in who]
    if who and many:
        raise DesignError(
            f"{design.name}: {many[0].place.subject!r}, who is asked {many[0].place.item!r}, stands for several, and "
            f"{many[0].answerer!r} is a person, who can answer for one; let an engine play it, or ask agents one by one"
        )
    if not who:
        raise DesignError(
            f"{design.name}: there is no seat in it, because {', '.join(sorted(roles))} would answer about every "
            "one of its subjects; let people code elsewhere, and give their answers by codes:FILE or human:FOLDER"
        )


def _played(design: Design, roles: Collection[str]) -> tuple[str, ...]:
    """Which roles of the design people play; all coders, where one address is given for them all."""
    if design.sits_by and set(roles) == {""}:
        return design.roles()
    return tuple([role for role in roles if role in design.roles()])


def _asked(design: Design, roles: Collection[str]) -> Iterable[Item]:
    """The items that people are asked; of documents all are asked the same, and the first one shows which."""
    if not design.sits_by:
        return design.items.values()
    trials = iter(design.preview())
    first = next(trials)
    about_it = itertools.takewhile(lambda trial: trial.place.subject == first.place.subject, trials)
    asked = {trial.place.item for trial in (first, *about_it) if trial.answerer in roles}
    return [item for item in design.items.values() if item.id in asked]


def sitter(place: Place, sits_by: str) -> str:
    """Whose seat a place is: that of its subject, or of the coder that its condition names."""
    return dict(place.condition)[sits_by] if sits_by else place.subject


def pay_of(design: Design, roles: Collection[str], table: SeatTable) -> str:
    """What people who take a study cost, in a sentence, as far as that is known before."""
    alone = isinstance(design, Survey | Quiz)
    if design.sits_by:
        n = len(_played(design, roles))
    else:
        n = n_seats(design) or table.seats if alone else sum(member.role in roles for member in design.roster())
    points = f", and {table.pay_per_point:g} for every point" if table.pay_per_point else ""
    return f"{n:,} people can take it, at {table.pay:,.2f} {table.currency} each: {n * table.pay:,.2f}{points}"


def _survey(design: Survey, people: Population) -> Survey:
    """A survey of people: who they are is not told them, and models' ways to answer are none of theirs."""
    plain: dict[str, Any] = {
        name: level if isinstance(level, str) else level[0]
        for name, level in (("presentation", design.presentation), ("answer_by", design.answer_by))
    }
    if isinstance(design, Experiment):
        if known := [name for name in ("cluster_by", "assigned_by") if getattr(design, name)]:
            raise DesignError(f"{known[0]} needs to know people before they come; take it out, or ask them beforehand")
        # Whoever comes next gets the next arm of a block, so that arms stay balanced without knowing anybody.
        plain |= {"block_by": "", "covariates": (), "awareness": None}
        if design.within:  # the order of levels is then a Latin square
            plain["presentation"] = "sequential"
    # Nothing is told of people that could give an answer away.
    items = tuple([replace(item, about=()) for item in design.instrument.items])
    return replace(design, instrument=replace(design.instrument, items=items), subjects=people, persona="none", **plain)


@dataclass(frozen=True)
class Seated(Design):
    """A design whose trials of some roles are pages: what they ask is hashed as it is shown, not as it would be sent.

    Attributes
    ----------
    design : Design
        What is asked of whom.
    people : frozenset of str
        Answerers that are people.
    gone : frozenset of str
        Subjects who were forgotten, and are asked nothing.
    """

    design: Design
    people: frozenset[str]
    gone: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Of the design."""
        return self.design.kind

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Of the design."""
        return self.design.unit

    @property
    def name(self) -> str:
        """Of the design."""
        return self.design.name

    @property
    def seed(self) -> int:
        """Of the design."""
        return self.design.seed

    @property
    def items(self) -> Mapping[str, Item]:
        """Of the design."""
        return self.design.items

    @property
    def within(self) -> tuple[str, ...]:
        """Of the design."""
        return self.design.within

    @property
    def is_adaptive(self) -> bool:
        """Of the design."""
        return self.design.is_adaptive

    def size(self) -> int:
        """Of the design."""
        return self.design.size()

    def roster(self) -> Roster:
        """Of the design."""
        return self.design.roster()

    def roles(self) -> tuple[str, ...]:
        """Of the design; where people alone take it, one without a name."""
        return ("",) if self.is_alone else self.design.roles()

    @cached_property
    def is_alone(self) -> bool:
        """Whether everybody takes it on their own, and nobody but people does."""
        return isinstance(self.design, Survey | Quiz)

    @property
    def is_apart(self) -> bool:
        """Whether nobody's pages depend on what others answer."""
        return self.is_alone or bool(self.design.sits_by)

    def seat_of(self, place: Place) -> str:
        """Who sits at a place."""
        return sitter(place, self.design.sits_by)

    def lapse(self, trial: Trial, waited_s: float) -> Completion | None:
        """Of the design."""
        return self.design.lapse(trial, waited_s)

    def describe(self) -> Mapping[str, object]:
        """Of the design."""
        return self.design.describe()

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """Whom seats stand for, in the order in which people are put there."""
        if self.design.sits_by:
            return tuple([role for role in self.design.roles() if role in self.people])
        return tuple([m.subject for m in self.roster() if self.is_alone or m.role in self.people])

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Place of every item in the order of the design."""
        return {id: k for k, id in enumerate(self.items)}

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Those of the design, as people see them."""
        return self._seen(self.design.trials(answered))

    def preview(self) -> Sequence[Trial]:
        """As `trials`."""
        return self._seen(self.design.preview())

    def _seen(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        if self.gone:
            trials = [trial for trial in trials if self.seat_of(trial.place) not in self.gone]
        return _Shown(self, trials)

    def processes(self) -> Iterable[Process]:
        """Those of the design, whose trials are shown."""
        return (_ShownFold(self, as_fold(process)) for process in self.design.processes())

    def shown(self, trial: Trial) -> Trial:
        """A trial as a person is asked it; one of an engine stays as it is."""
        if trial.answerer not in self.people and not self.is_alone:
            return trial
        card = self.design.card(trial) or ShowCard(
            text=trial.request.messages[-1].text, form=trial.reply.form, lower=trial.reply.lower,
            upper=trial.reply.upper, total=trial.reply.total,
            options=trial.reply.options, labels=trial.reply.labels,
        )  # fmt: skip
        answerer = "" if self.is_alone else trial.answerer
        return replace(trial, card=card, request=request_of(card), answerer=answerer)


def request_of(card: ShowCard) -> Request:
    """What a person is asked, as one request: its hash is that of what is shown, whatever a model would be told."""
    words = f"{card.before}\n\n{card.words}" if card.before else card.words
    about = (Message("system", card.about),) if card.about else ()
    widget = {name: getattr(card, name) for name in ("form", "lower", "upper", "total", "unit")}
    said = {name: value for name, value in widget.items() if value not in (None, "")}
    return Request(messages=(*about, Message("user", words)), max_tokens=1, schema=json.dumps(said, sort_keys=True))


class _Shown(LazyTrials):
    """Trials as people see them, made when looked at."""

    def __init__(self, design: Seated, trials: Sequence[Trial]) -> None:
        self.design, self.trials = design, trials

    def __len__(self) -> int:
        return len(self.trials)

    def made_from(self, start: int) -> Iterator[Trial]:
        """The trials from an index on."""
        made = self.trials.made_from(start) if isinstance(self.trials, LazyTrials) else iter(self.trials[start:])
        return map(self.design.shown, made)


class _ShownFold:
    """A process whose trials are shown."""

    def __init__(self, design: Seated, fold: Fold) -> None:
        self._design, self._fold = design, fold

    def start(self) -> Iterable[Trial]:
        """What can be asked before anything is answered."""
        return self._seen(self._fold.start())

    def advance(self, response: Response) -> Iterable[Trial]:
        """What can be asked because of one more answer."""
        return self._seen(self._fold.advance(response))

    def _seen(self, trials: Iterable[Trial]) -> list[Trial]:
        design = self._design
        return [design.shown(trial) for trial in trials if design.seat_of(trial.place) not in design.gone]
