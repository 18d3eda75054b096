"""Conjoint experiments: profiles drawn by place, compared by choice and rated, task by task."""

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from proband.designs.survey.sheets import Sheet
from proband.designs.survey.survey import Survey
from proband.designs.survey.wording import ASSIGNED_AT_RANDOM
from proband.errors import DesignError, meant
from proband.instruments.items import Instrument, Item
from proband.instruments.pipes import pipes_in
from proband.records import Place
from proband.seeds import Draws, rng_for
from proband.subjects.personas import Subject

Profile = Mapping[str, str]  # attribute -> level
Restriction = Mapping[str, Sequence[str]]  # attribute -> levels; a profile must not have one of each

_MOST_COMBINED = 500_000  # combinations of the attributes that restrictions join; more would take seconds to list


class ProfileDraws:
    """The profiles of a conjoint, recomputed from what describes it.

    Every profile is drawn uniformly from those that the restrictions leave, on its own, by the place of use: a subject
    added, a task more, change no other profile. Attributes that no restriction joins are drawn independently.

    Parameters
    ----------
    description : mapping
        `Conjoint.describe()`, as a run's manifest keeps it under ``design``.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.attributes: Mapping[str, Mapping[str, str]] = description["attributes"]
        self.seed, self.tasks = int(description["seed"]), int(description["tasks"])
        self.per_task, self.repeats = int(description["profiles_per_task"]), int(description["repeated_task"])
        # Attributes that restrictions join, and their combinations that may be drawn.
        self._parts = [
            (" ".join(names), names, _combinations(self.attributes, names, description["not_together"]))
            for names in _joined(self.attributes, description["not_together"])
        ]
        self._draws: tuple[str, Draws] = (
            "",
            Draws(self.seed, "profile"),
        )  # of the last subject, whose tasks are neighbours
        self._order: tuple[str, tuple[str, ...]] = "", ()

    def of(self, subject: str, task: int) -> tuple[Profile, ...]:
        """The profiles of one task, as they are shown; tasks count from 1, and the one after the last is the repeated.

        The repeated task has the profiles of the task it repeats, the last of them first.
        """
        if task == self.tasks + 1 and self.repeats:
            return self.of(subject, self.repeats)[::-1]
        if self._draws[0] != subject:
            self._draws = subject, Draws(self.seed, "profile", subject)
        draws, found = self._draws[1], []
        for place in range(self.per_task):
            levels: dict[str, str] = {}
            for part, names, allowed in self._parts:
                drawn = int.from_bytes(draws.digest(task, place, part)[:8], "big") % len(allowed)
                levels.update(zip(names, allowed[drawn], strict=True))
            found.append({name: levels[name] for name in self.attributes})
        return tuple(found)

    def order(self, subject: str) -> tuple[str, ...]:
        """In which order a subject sees the attributes, in all its tasks."""
        if self._order[0] != subject:
            names = tuple(self.attributes)
            mixed = rng_for(self.seed, "attributes", subject).permutation(len(names))
            self._order = subject, tuple(names[int(k)] for k in mixed)
        return self._order[1]


def profiles(description: Mapping[str, Any], subject: str, task: int) -> tuple[Profile, ...]:
    """The profiles that a subject saw in one task; for many of them, make one `ProfileDraws`."""
    return ProfileDraws(description).of(subject, task)


@dataclass(frozen=True, kw_only=True)
class Conjoint(Survey):
    """Profiles with attributes drawn at random, put to every subject in several tasks.

    An item with one option for each profile is the choice. An item whose wording has ``{profile:name}`` is a rating: it
    is asked of each profile, as ``ID-1``, ``ID-2``. The table of profiles goes where ``{profile:all}`` stands, or
    before the wording. Task k is round k of the run.

    Attributes
    ----------
    attributes : mapping
        Name -> level -> text that is shown. At least two levels each.
    not_together : sequence of mapping
        Restrictions: attribute -> levels; no profile has one of the levels of each.
    tasks, profiles_per_task : int
        How many tasks a subject has, and how many profiles a task.
    repeated_task : int
        Which task comes once more after the last, its profiles in reverse, to tell how reliable choices are; or 0.
    profile : str
        What a profile is called: ``Candidate`` makes "Candidate 1" and "Candidate 2".
    states_assignment, assignment_says : bool, str
        Whether, and how, it is said that the profiles were drawn at random; see `Experiment`.

    Notes
    -----
    The other attributes are those of `Survey`, with one level each. In a conversation (``sequential``) the items of one
    task remember each other; every task begins a new one.

    References
    ----------
    Hainmueller, Hopkins & Yamamoto (2014), Political Analysis 22, 1-30. doi:10.1093/pan/mpt024
    Clayton, Horiuchi, Kaufman, King & Komisarchik (2023), Correcting measurement error bias in conjoint survey
    experiments (the repeated task).
    """

    kind: ClassVar[str] = "conjoint"

    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    not_together: Sequence[Restriction] = ()
    tasks: int = 5
    profiles_per_task: int = 2
    repeated_task: int = 0
    profile: str = "Profile"
    states_assignment: bool = False
    assignment_says: str = ASSIGNED_AT_RANDOM
    order: str = "as_written"  # which profile stands first is drawn already

    def __post_init__(self) -> None:
        self._check_profiles()
        object.__setattr__(self, "instrument", self._spelled_out(self.instrument))
        super().__post_init__()
        if self.varied or self.factors or self.replicates > 1:
            also = ", ".join(self.varied or self.factors) or f"replicates = {self.replicates}"
            raise DesignError(f"a conjoint varies its attributes only, not {also}; give one level of each setting")

    def _check_profiles(self) -> None:
        if self.tasks < 1 or self.profiles_per_task < 1:
            raise DesignError(f"{self.tasks} tasks of {self.profiles_per_task} profiles; ask at least one of one")
        if not 0 <= self.repeated_task <= self.tasks:
            raise DesignError(
                f"repeated_task is {self.repeated_task}; name one of the {self.tasks} tasks, or 0 for none"
            )
        if len(self.attributes) < 2:
            raise DesignError(f"attributes are {', '.join(self.attributes) or 'none'}; a profile needs at least two")
        for name, levels in self.attributes.items():
            shown = list(levels.values())
            if len(levels) < 2 or len(set(shown)) < len(shown):
                raise DesignError(
                    f"attribute {name!r} has the levels {', '.join(map(repr, shown)) or 'none'}; give it two or more, "
                    "each with a text of its own, or write what does not vary into the item"
                )
        for restriction in self.not_together:
            for name, barred in restriction.items():
                if name not in self.attributes:
                    raise DesignError(f"not_together: no attribute {name!r}{meant(name, self.attributes)}")
                for level in barred:
                    if level not in (known := self.attributes[name]):
                        raise DesignError(
                            f"not_together: attribute {name!r} has no level {level!r}{meant(level, known)}"
                        )
        for _, names, allowed in self.draws._parts:
            for place, name in enumerate(names):
                left = {combination[place] for combination in allowed}
                if never := [level for level in self.attributes[name] if level not in left]:
                    raise DesignError(
                        f"attribute {name!r}: the restrictions leave no profile with {', '.join(map(repr, never))}; "
                        "take the level out, or loosen not_together"
                    )

    def _spelled_out(self, instrument: Instrument) -> Instrument:
        """The instrument with its ratings written out, an item a profile, and the profiles before every wording."""
        items: list[Item] = []
        for item in instrument.items:
            piped = [name for kind, name in pipes_in(item.stem + item.text) if kind == "profile"]
            shown = item if "all" in piped else replace(item, stem=f"{item.stem}\n\n{{profile:all}}".strip())
            if self.states_assignment and self.assignment_says not in shown.stem:
                shown = replace(shown, stem=f"{shown.stem}\n\n{self.assignment_says}".strip())
            if "name" not in piped:
                items.append(shown)
                continue
            for number in map(str, range(1, self.profiles_per_task + 1)):
                text, stem = (
                    part.replace("{profile:name}", f"{{profile:{number}}}") for part in (shown.text, shown.stem)
                )
                column = f"{item.data_column}-{number}"
                items.append(replace(shown, id=f"{item.id}-{number}", text=text, stem=stem, column=column))
        return replace(instrument, items=tuple(items))

    @cached_property
    def outcomes(self) -> tuple[Mapping[str, object], ...]:
        """What every item asks: a choice among the profiles, or a rating of one (counted from 1)."""
        found: list[Mapping[str, object]] = []
        for item in self.instrument.items:
            piped = [name for kind, name in pipes_in(item.stem + item.text) if kind == "profile" and name.isdigit()]
            n = len(item.options) - len(item.dont_know)
            if len(set(piped)) == 1:
                rated = item.id.removesuffix(f"-{piped[0]}")
                found.append({"item": item.id, "asks": "rating", "profile": int(piped[0]), "of": rated})
            elif item.form == "choice" and n == self.profiles_per_task > 1:
                found.append({"item": item.id, "asks": "choice"})
            else:
                raise DesignError(
                    f"item {item.id!r} neither has an option for each of {self.profiles_per_task} profiles nor rates "
                    "one; give it as many options, or put {profile:name} into its wording"
                )
        return tuple(found)

    @cached_property
    def draws(self) -> ProfileDraws:
        """Which profiles there are."""
        return ProfileDraws(self._drawn_by)

    @property
    def _drawn_by(self) -> dict[str, Any]:
        return {
            "attributes": {name: dict(levels) for name, levels in self.attributes.items()},
            "not_together": [{name: list(barred) for name, barred in rule.items()} for rule in self.not_together],
            "tasks": self.tasks,
            "profiles_per_task": self.profiles_per_task,
            "repeated_task": self.repeated_task,
            "seed": self.seed,
        }

    @property
    def within(self) -> tuple[str, ...]:
        """Nothing under each of whose levels every subject would be asked."""
        return ()

    @property
    def n_tasks(self) -> int:
        """Tasks of a subject, with the repeated one."""
        return self.tasks + (self.repeated_task > 0)

    @property
    def n_sheets(self) -> int:
        """One for every task of every subject."""
        return len(self.subjects) * self.n_tasks

    @property
    def _pipes(self) -> Mapping[str, Sequence[str]]:
        return {"profile": ("all", "name", *map(str, range(1, self.profiles_per_task + 1)))}

    def _first_sheets(self) -> Iterator[Sheet]:
        len(self.outcomes)  # refuses an item that asks nothing of profiles
        return map(self.sheet, range(self.n_tasks))

    def sheet(self, number: int) -> "Task":
        """One task of one subject, counting tasks first."""
        subject, task = divmod(number, self.n_tasks)
        return Task(self, self.subjects[subject], task + 1)

    def for_people(self) -> Survey:
        """Refused: a data file has no column for what was asked task by task."""
        raise DesignError("a conjoint takes no [people]; put people's own data through the analysis `conjoint`")

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the conjoint; `profiles` recomputes from it what was shown."""
        said = {"states_assignment": self.assignment_says} if self.states_assignment else {}
        own = {"design": "conjoint", **self._drawn_by, "profile": self.profile, "outcomes": list(self.outcomes)}
        return {**super().describe(), **own, **said}


class Task(Sheet):
    """What a subject is asked about the profiles of one task."""

    def __init__(self, design: Conjoint, subject: Subject, task: int) -> None:
        super().__init__(design.questionnaire, subject, design.conditions[0], 0)
        self.design, self.task = design, task
        # What a scripted rule reads, e.g. ("Fare-1", "free"): the level of every attribute of every profile.
        shown = enumerate(design.draws.of(subject.id, task), start=1)
        told = [(f"{name}-{number}", level) for number, profile in shown for name, level in profile.items()]
        self.facts = (*self.facts, *told)

    def place(self, item: Item) -> Place:
        """Where an item of this task stands; the task is its round."""
        return Place(subject=self.subject.id, item=item.id, round=self.task)

    def _look_up(self, kind: str, name: str) -> str | None:
        if kind != "profile":
            return super()._look_up(kind, name)
        return self._shown if name == "all" else f"{self.design.profile} {name}"

    @cached_property
    def _shown(self) -> str:
        """The profiles as they are shown, one below the other, attributes in the subject's order."""
        draws, texts = self.design.draws, self.design.attributes
        order = draws.order(self.subject.id)
        tables = []
        for number, profile in enumerate(draws.of(self.subject.id, self.task), start=1):
            lines = "\n".join(f"- {name}: {texts[name][profile[name]]}" for name in order)
            tables.append(f"{self.design.profile} {number}\n{lines}")
        return "\n\n".join(tables)


def _joined(attributes: Collection[str], restrictions: Sequence[Restriction]) -> list[tuple[str, ...]]:
    """Groups of attributes that restrictions join, each in the order given; the others on their own."""
    groups: list[set[str]] = [{name} for name in attributes]
    for restriction in restrictions:
        touched = [group for group in groups if group & set(restriction)]
        groups = [group for group in groups if group not in touched] + [set().union(*touched)]
    in_order = [tuple(name for name in attributes if name in group) for group in groups if group]
    return sorted(in_order, key=lambda names: list(attributes).index(names[0]))


def _combinations(
    attributes: Mapping[str, Mapping[str, str]], names: tuple[str, ...], restrictions: Sequence[Restriction]
) -> list[tuple[str, ...]]:
    """The combinations of levels of these attributes that no restriction bars."""
    if (n := math.prod(len(attributes[name]) for name in names)) > _MOST_COMBINED:
        raise DesignError(
            f"not_together joins {', '.join(names)}, which have {n:,} combinations, more than {_MOST_COMBINED:,}; "
            "restrict fewer attributes together"
        )
    bars = [
        [(names.index(name), set(levels)) for name, levels in rule.items() if name in names] for rule in restrictions
    ]
    allowed = [
        levels
        for levels in itertools.product(*(attributes[name] for name in names))
        if not any(bar and all(levels[place] in barred for place, barred in bar) for bar in bars)
    ]
    if not allowed:
        raise DesignError(f"the restrictions on {', '.join(names)} leave no profile; take one out of not_together")
    return allowed
