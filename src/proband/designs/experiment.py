"""Experiments: factors assigned by place, between subjects or within them, and one or several outcomes."""

import itertools
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from proband.designs.experiments import awareness as afterwards_of
from proband.designs.experiments.assigned import AssignedSurvey, Levels
from proband.designs.experiments.awareness import Awareness
from proband.designs.experiments.checks import Right, resolved
from proband.designs.experiments.material import (
    ISOMORPH,
    PLACEBO,
    PUBLISHED,
    RESERVED,
    STIMULUS,
    VERSION,
    WORDING,
    Isomorph,
    Vignettes,
    check_known,
    check_paraphrases,
    paraphrased,
)
from proband.designs.experiments.spans import check_spans, marked, unmarked
from proband.designs.process import Process
from proband.designs.survey.cards import Questionnaire
from proband.designs.survey.sheets import Filling, Sheet, Sitting
from proband.designs.survey.wording import ASSIGNED_AT_RANDOM
from proband.errors import DesignError, Gathering
from proband.instruments.items import Instrument, Item
from proband.instruments.pipes import pipes_in
from proband.records import Place, Trial
from proband.roster import Member, Roster
from proband.subjects.personas import Code, Subject, code_text


@dataclass(frozen=True, kw_only=True)
class Experiment(AssignedSurvey):
    """A survey of which every subject sees one version, or several: levels of factors, assigned to it.

    The items of the instrument are the outcomes. The first level of a factor is its control. With several factors
    their combinations are assigned, in equal numbers (a factorial design).

    Attributes
    ----------
    factors : mapping
        Name -> level -> text that ``{factor:name}`` becomes in the wording. At least one, with two levels or more. The
        manipulated part of a longer text is marked ``[[so]]``; outside it, the texts of a factor must be alike.
    within : tuple of str
        Factors under each of whose levels every subject is asked; the others vary between subjects. In one conversation
        (``sequential``) the order of levels is a Latin square; elsewhere every level is asked on its own.
    block_by : str
        Trait within which assignment is balanced; empty for complete assignment.
    cluster_by : str
        Trait whose groups are assigned as a whole; they are then the independent units.
    assigned_by : mapping
        Factor -> column of the population's data that says which level each person got. Then nothing is drawn: every
        subject is under the levels of the person it stands for, and people's own answers show people's effects.
    doses : mapping
        Factor -> level -> how much of it that is, for a dose-response curve.
    covariates : tuple of str
        Columns of the population, known before anything is asked, that effects are adjusted for, beside the unadjusted
        ones.
    checks : mapping
        Manipulation and attention checks: item -> the right option or options, or level of a factor -> right option.
    exclude : sequence of str
        Checks that exclude whoever fails them. Effects are told with and without these subjects either way.
    stimuli, isomorph, awareness
        See `Stimuli`, `Isomorph`, `Awareness`.
    placebo : mapping
        Factor -> text of one more level, ``placebo``, which should make no difference.
    paraphrases : mapping
        Item -> further wordings of the same; wording is then a random factor.
    vignettes : Vignettes or None
        A whole text for every combination of levels.
    states_assignment : bool
        Whether items with a manipulation say that its level was set at random. Without that, a price is read as a
        sign of quality.
    assignment_says : str
        How they say it.

    Notes
    -----
    The other attributes are those of `Survey`, without replicates. Where a setting such as `persona` or `answer_by` has
    several levels, every subject is asked under each of these ways to ask, in conversations of their own.

    References
    ----------
    Gui & Toubia (2023), The challenge of using LLMs to simulate human behavior: a causal inference perspective.
    arXiv:2312.15524 (why the assignment is stated)
    """

    kind: ClassVar[str] = "experiment"

    doses: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    covariates: Sequence[str] = ()
    checks: Mapping[str, Right] = field(default_factory=dict)
    exclude: Sequence[str] = ()
    placebo: Mapping[str, str] = field(default_factory=dict)
    isomorph: Isomorph | None = None
    paraphrases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    vignettes: Vignettes | None = None
    states_assignment: bool = False
    assignment_says: str = ASSIGNED_AT_RANDOM
    awareness: Awareness | None = None

    def __post_init__(self) -> None:
        check_known(self.placebo, self.factors, "placebo", "factor")
        texts = {
            name: {**levels, **({PLACEBO: self.placebo[name]} if name in self.placebo else {})}
            for name, levels in (self.factors or (self.vignettes.levels if self.vignettes else {})).items()
        }
        self._check_factors(texts)
        object.__setattr__(self, "factors", {f: {k: unmarked(t) for k, t in ls.items()} for f, ls in texts.items()})
        if self.states_assignment:
            object.__setattr__(self, "instrument", self._stating(self.instrument))
        super().__post_init__()
        if self.replicates > 1:
            raise DesignError(
                f"an experiment asks every subject once under its own levels, and cannot vary replicates = "
                f"{self.replicates}; give one, or make it a survey, in which everybody is asked under every level"
            )
        if len(self.ways) > 1 and "sequential" in self._levels("presentation"):
            raise DesignError(
                f"{' and '.join(self.ways[0])}: ways to ask are compared in conversations of their own, and cannot "
                'vary in one; use presentation = "single", or give one level'
            )
        found = Gathering()
        with found.part():
            self._check_spans(texts)
        with found.part():
            self._check_assignment()
        with found.part():
            len(self.known_before)  # refuses covariates that are not
        with found.part():
            len(self.right)  # refuses checks of what is not there
            check_known(self.exclude, self.checks, "exclude", "check")
        found.settle()

    def _check_factors(self, texts: Mapping[str, Levels]) -> None:
        if not texts:
            raise DesignError("an experiment varies something; give it a factor: name -> level -> text")
        for factor, levels in texts.items():
            if len(levels) < 2:
                raise DesignError(f"factor {factor!r} has the levels {tuple(levels)}; give it at least two")
            if factor in RESERVED:
                raise DesignError(f"factor {factor!r}: this name says which material a subject sees; rename yours")
            said: dict[str, str] = {}
            for level, text in levels.items():
                if self.vignettes is None and said.setdefault(text, level) != level:
                    raise DesignError(
                        f"factor {factor!r}: the levels {said[text]!r} and {level!r} have the same text {text!r}; "
                        "nobody could tell them apart, so change one or take it out"
                    )
        check_known(self.within, texts, "within", "factor")
        check_known(self.doses, texts, "doses", "factor")
        for factor, doses in self.doses.items():
            if lacking := sorted({*texts[factor]} - {PLACEBO} ^ {*doses}):
                raise DesignError(
                    f"doses of factor {factor!r} and its levels differ in {lacking[0]!r}; give every level a dose"
                )

    # ---- what everybody is asked

    def _stating(self, instrument: Instrument) -> Instrument:
        """The items that carry a manipulation, with a sentence that it was assigned at random."""

        def stated(item: Item) -> Item:
            carries = any(kind in ("factor", "vignette") for kind, _ in pipes_in(item.stem + item.text))
            if not carries or self.assignment_says in item.stem:
                return item
            return replace(item, stem=f"{item.stem}\n\n{self.assignment_says}".strip())

        return replace(instrument, items=tuple(map(stated, instrument.items)))

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Items by id, those that are asked afterwards included."""
        after = afterwards_of.items() if self.awareness else ()
        return {item.id: item for item in (*self.instrument.items, *after)}

    @cached_property
    def settings(self) -> Levels:
        """How everybody is asked: presentation, answer method and so on; where there are several `ways`, the first."""
        return {name: level for name, level in self.conditions[0].items() if name not in self.factors}

    @cached_property
    def materials(self) -> Mapping[str, tuple[str, ...]]:
        """What varies beside the factors, and its levels: stimulus, version and wording, where there are several."""
        found: dict[str, tuple[str, ...]] = {}
        if self.stimuli:
            found[STIMULUS] = tuple(self.stimuli.texts)
        if self.isomorph:
            found[VERSION] = (PUBLISHED, ISOMORPH)
        if self.paraphrases:
            n = check_paraphrases(self.paraphrases, self.instrument)
            found[WORDING] = tuple(map(str, range(1, n + 1)))
        return found

    @property
    def _worded_elsewhere(self) -> Collection[str]:
        return self.vignettes.factors if self.vignettes else ()

    @property
    def _pipes(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        if self.stimuli:
            found["stimulus"] = self.stimuli.columns
        if self.vignettes:
            found["vignette"] = ("text",)
        return found

    @cached_property
    def questionnaires(self) -> Mapping[tuple[str, str], Questionnaire]:
        """By version and wording, the questionnaire in these words."""
        return self._in_every_wording(self.questionnaire, unmarked)

    def _in_every_wording(
        self, asked: Questionnaire, told: Callable[[str], str]
    ) -> dict[tuple[str, str], Questionnaire]:
        versions = {"": asked} if self.isomorph is None else {PUBLISHED: asked, ISOMORPH: self.isomorph.of(asked, told)}
        wordings = self.materials.get(WORDING, ("",))
        # A paraphrase is one of the published text; the isomorph has one wording, under whichever number.
        return {
            (version, wording): made if version == ISOMORPH else paraphrased(made, self.paraphrases, int(wording or 1))
            for version, made in versions.items()
            for wording in wordings
        }

    # ---- who is asked what

    @property
    def name(self) -> str:
        """Title of the study, or factors and instrument."""
        return self.title or f"{' and '.join(self.factors)} on {self.instrument.id}"

    @property
    def n_sheets(self) -> int:
        """One for every subject and occasion."""
        return len(self.subjects) * self.n_occasions

    def sheet(self, number: int) -> "Version":
        """The version that a subject was assigned to, counting its occasions first."""
        place, occasion = divmod(number, self.n_occasions)
        subject = self.subjects[place]
        if not self._last or self._last[0] is not subject:
            self._last[:] = [subject, self.occasions(subject.id)]
        round = occasion + 1 if self._is_one_conversation else 0
        return Version(self, subject, self._last[1][occasion], round)

    @cached_property
    def _last(self) -> list[Any]:
        """The last subject and its occasions, whose sheets come one after another."""
        return []

    @property
    def _is_one_conversation(self) -> bool:
        return self.presentation == "sequential" and self.n_occasions > 1

    def processes(self) -> Iterator[Process]:
        """What a subject is asked in one conversation, or every sheet on its own; then what is asked afterwards."""
        n = self.n_occasions
        if self._is_one_conversation:
            yield from (Sitting(map(self.sheet, range(k, k + n))) for k in range(0, self.n_sheets, n))
        else:
            yield from map(Filling, self._sheets())
        if self.afterwards:
            yield _at_once(self.afterwards)

    def process_units(self) -> Iterable[str] | None:
        """The subject or cluster of each; not where some subjects are asked more once all have answered."""
        if self.afterwards:
            return None
        n, units = 1 if self._is_one_conversation else self.n_occasions, self.clusters or {}
        return (units.get(subject.id, subject.id) for subject in self.subjects for _ in range(n))

    @cached_property
    def afterwards(self) -> Sequence[Trial]:
        """Questions about the experiment, to the first subjects of every arm."""
        if self.awareness is None:
            return ()
        return [trial for sheet in self._probed for trial in self.awareness.trials(sheet, self._probe(sheet))]

    @cached_property
    def _probed(self) -> Sequence["Version"]:
        counts: dict[str, int] = dict.fromkeys(self.arms, 0)
        found: list[Version] = []
        for number, subject in enumerate(self.subjects):
            arm = self.assignment[subject.id]
            if self.awareness and counts[arm] < self.awareness.subjects:
                counts[arm] += 1
                found.append(self.sheet(number * self.n_occasions))
        return found

    def _probe(self, sheet: Sheet) -> Item:
        """The item that a subject is asked about: the first with a manipulation."""
        items = sheet.asked.instrument.items
        carrying = (i for i in items if any(kind in ("factor", "vignette") for kind, _ in pipes_in(i.stem + i.text)))
        return next(carrying, items[0])

    # ---- what is refused before anybody is asked

    def _first_sheets(self) -> Iterator[Sheet]:
        first = next(self._every_condition())
        yield from (Version(self, self.subjects[0], levels, 0) for levels in self._every_condition())
        yield from (Version(self, self.subjects[0], {**first, **way}, 0) for way in self.ways[1:])

    def _every_condition(self) -> Iterator[Levels]:
        """Every combination of levels under the first stimulus, in every wording; and the first under the others."""
        stimuli = self.materials.get(STIMULUS, ())
        first = {STIMULUS: stimuli[0]} if stimuli else {}
        others = {name: levels for name, levels in self.materials.items() if name != STIMULUS}
        for levels in self._combined(tuple(self.factors)):
            for combination in itertools.product(*others.values()):
                yield {**levels, **dict(zip(others, combination, strict=True)), **first}
        levels = next(self._combined(tuple(self.factors))) | {name: found[0] for name, found in others.items()}
        yield from ({**levels, STIMULUS: stimulus} for stimulus in stimuli[1:])

    def _check_spans(self, texts: Mapping[str, Levels]) -> None:
        """Refuse conditions that differ, as one subject is shown them, outside what is manipulated."""
        shown = {name: {level: marked(text) for level, text in levels.items()} for name, levels in texts.items()}
        asked = self._in_every_wording(replace(self.questionnaire, factors=shown), marked)
        by_version: dict[tuple[str, str, str], dict[str, str]] = {}
        for levels in self._every_condition():
            sheet = Version(self, self.subjects[0], levels, 0, asked)
            words = (sheet.words(item) for item in sheet.asked.instrument.items)
            same = (levels.get(STIMULUS, ""), levels.get(VERSION, ""), levels.get(WORDING, ""))
            condition = ", ".join(levels[name] for name in self.factors)
            by_version.setdefault(same, {})[condition] = "\n\n".join(words)
        for same, conditions in by_version.items():
            check_spans(conditions, ", ".join(("conditions", *filter(None, same))))

    @property
    def right(self) -> Mapping[str, Mapping[str, Any]]:
        """Every check with its right answers; see `proband.designs.experiments.checks.resolved`."""
        return resolved(self.checks, {item.id: item for item in self.instrument.items}, self.factors)

    @cached_property
    def known_before(self) -> Mapping[str, Mapping[str, Code]]:
        """Covariate -> subject -> value."""
        asked = {item.data_column: item.id for item in self.instrument.items}
        given = {column: factor for factor, column in self.assigned_by.items()}
        found = {}
        for name in self.covariates:
            if name in asked or name in self.items:
                raise DesignError(
                    f"covariate {name!r} is what item {asked.get(name, name)!r} asks: answered after the treatment, it "
                    "may be changed by it; take it out of covariates, or out of the instrument"
                )
            if name in given:
                raise DesignError(f"covariate {name!r} says the level of factor {given[name]!r}; take it out")
            field = next((field for field in self.subjects.fields if field.column == name), None)
            found[name] = {
                subject: code
                for subject, code in self.subjects.column(name).items()
                if field is None or field.value(code) is not None
            }
            if lacking := [subject.id for subject in self.subjects if subject.id not in found[name]]:
                raise DesignError(
                    f"covariate {name!r} is missing for {len(lacking)} of {len(self.subjects)} subjects, the first is "
                    f"{lacking[0]!r}; leave them out with only_where, or take it out of covariates"
                )
            if len({code_text(code) for code in found[name].values()}) < 2:
                raise DesignError(f"covariate {name!r} is the same for all subjects and explains nothing; take it out")
        return found

    def for_people(self) -> "Experiment":
        """The same items as people answered them, each under the level that the data say; nothing else varies."""
        if self.between and not self.assigned_by:
            raise DesignError(
                "[people] stands beside an experiment only where their data say which level each person got: name the "
                'columns, e.g. assigned_by = { frame = "condition" }'
            )
        items = tuple(replace(item, ask_if=None) for item in self.instrument.items)
        return replace(
            self,
            instrument=replace(self.instrument, items=items),
            presentation="single",
            answer_by="option_text",
            persona="none",
            order="as_written",
            labels="auto",
            decide="mode",
            stimuli=None,
            isomorph=None,
            paraphrases={},
            awareness=None,
        )

    def notes(self) -> tuple[str, ...]:
        """What a plan says beside its numbers."""
        if not self.within or not self.between:
            return super().notes()
        said = (
            f"Levels of {', '.join(self.within)} are compared within subjects, which needs fewer of them than arms do."
        )
        return (*super().notes(), said)

    # ---- what is told of it

    def roster(self) -> Roster:
        """Every subject with its arm and block; they count the same, because assignment is analysed, not sampling."""
        members = []
        for member in super().roster():
            block = {"block": self.blocks[member.subject]} if self.blocks is not None else {}
            unit = self.clusters[member.subject] if self.clusters is not None else ""
            arm = self.assignment[member.subject]
            before = {name: values[member.subject] for name, values in self.known_before.items()}
            traits = {**before, **member.traits, **block}
            members.append(Member(subject=member.subject, unit=unit, arm=arm, traits=traits))
        return Roster(members)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the experiment; `assigned` are its factors, each with its control first."""
        own: dict[str, object] = {"design": "experiment", "assigned": list(self.between), "block_by": self.block_by}
        said = {
            "cluster_by": self.cluster_by,
            "assigned_by": dict(self.assigned_by),
            "within": list(self.within),
            "doses": {name: dict(doses) for name, doses in self.doses.items()},
            "covariates": list(self.covariates),
            "checks": dict(self.right),
            "exclude": list(self.exclude),
            "states_assignment": self.assignment_says if self.states_assignment else "",
            "placebo": {name: PLACEBO for name in self.placebo},
            "materials": self._told_materials(),
            "vignettes": {", ".join(key): text for key, text in self.vignettes.texts.items()} if self.vignettes else {},
            "awareness": self._told_awareness(),
        }
        # Only what there is: an experiment that was locked before there were such settings is what it was.
        return {**super().describe(), **own, **{name: value for name, value in said.items() if value}}

    def _told_materials(self) -> dict[str, object]:
        """Everything that varies beside the factors: its role, its levels, and its texts."""
        found: dict[str, object] = {}
        if self.stimuli:
            found[STIMULUS] = {"role": "stimulus", "levels": list(self.stimuli.texts), **asdict(self.stimuli)}
        if self.isomorph:
            found[VERSION] = {"role": "isomorph", "levels": [PUBLISHED, ISOMORPH], **asdict(self.isomorph)}
        if self.paraphrases:
            texts = {id: list(wordings) for id, wordings in self.paraphrases.items()}
            found[WORDING] = {"role": "paraphrase", "levels": list(self.materials[WORDING]), "texts": texts}
        return found

    def _told_awareness(self) -> dict[str, Any]:
        if self.awareness is None:
            return {}
        rest = {}
        for sheet in self._probed:
            item = self._probe(sheet)
            condition = sheet.place(item).id.split("/")[2]
            rest[condition] = afterwards_of.halves(afterwards_of.text_of(sheet, item))[1]
        return self.awareness.describe(self._probe(self._probed[0]), rest)


class Version(Sheet):
    """What a subject is asked under one combination of levels, stimulus and wording."""

    def __init__(
        self,
        design: Experiment,
        subject: Subject,
        levels: Levels,
        round: int,
        asked: Mapping[tuple[str, str], Questionnaire] | None = None,
    ) -> None:
        self.design, self.round, self._is_marked = design, round, asked is not None
        version = (levels.get(VERSION, ""), levels.get(WORDING, ""))
        super().__init__((asked or design.questionnaires)[version], subject, {**design.settings, **levels}, 0)

    def place(self, item: Item) -> Place:
        """Where an item of this version stands; in a conversation through several, its round is which of them."""
        return Place(subject=self.subject.id, item=item.id, condition=self._levels, round=self.round)

    def words(self, item: Item) -> str:
        """Everything that is sent for an item, as one text."""
        if (trial := self.trial(item)) is None:
            return ""
        return "\n\n".join([*(message.text for message in trial.request.messages), *trial.request.continuations])

    def _look_up(self, kind: str, name: str) -> str | None:
        if kind == "stimulus" and self.design.stimuli:
            return self.design.stimuli.texts[self.condition[STIMULUS]][name]
        if kind == "vignette" and self.design.vignettes:
            text = self.design.vignettes.text(self.condition)
            return text if self._is_marked else unmarked(text)
        return super()._look_up(kind, name)


def _at_once(trials: Sequence[Trial]) -> Generator[Sequence[Trial], Any, None]:
    yield trials
