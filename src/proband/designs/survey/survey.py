"""Surveys: any instrument put to any subjects, with presentation, answer method, order and labels as factors."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Literal, get_args

from proband.designs.design import Design, Key
from proband.designs.hypotheses import check_ethics
from proband.designs.lazy import LazyTrials
from proband.designs.process import Process, unfold
from proband.designs.survey.arrangement import LABELS, ORDERS, place_notes
from proband.designs.survey.cards import Questionnaire, Writing
from proband.designs.survey.sheets import Filling, Sheet, trait_text
from proband.designs.survey.wording import check_pipes
from proband.errors import DesignError, Gathering, meant
from proband.instruments.files import INSTRUMENTS, load_instrument
from proband.instruments.items import Instrument, Item
from proband.instruments.pipes import pipes_in, unfilled
from proband.instruments.places import marks_named
from proband.records import Method, Response, Trial
from proband.roster import Member, Roster
from proband.seeds import place_digest
from proband.subjects.personas import Code, Field, PersonaFormat, Subject
from proband.subjects.populations import Population

PRESENTATIONS = ("single", "battery", "sequential")
_LEVELS: dict[str, tuple[str, ...]] = {
    "presentation": PRESENTATIONS,
    "answer_by": tuple(method for method in get_args(Method) if method != "channel"),  # of a text, which is coded
    "persona": get_args(PersonaFormat),
    "order": ORDERS,
    "labels": LABELS,
}
Levels = str | Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Survey(Design):
    """Every item of an instrument put to every subject under every condition.

    Each of `presentation`, `answer_by`, `persona`, `order` and `labels` is one level, or several: then it is a
    factor, crossed with the others, and every subject is asked under each of its levels.

    Attributes
    ----------
    instrument : Instrument
        What is asked.
    subjects : Population
        Who is asked.
    seed : int
        Root of all randomness.
    presentation : {"single", "battery", "sequential"} or several
        Each item alone; items of a grid shown together and answered one by one; or as one conversation in which
        earlier answers are remembered.
    answer_by : {"option_text", "option_text_mean", "label", "written", "verbalised"} or several
        Log-probabilities of the option texts (summed, or per token), of their labels, a written reply, or a
        written distribution. Items without options to score are asked in writing.
    persona : {"first", "third", "interview", "none"} or several
        How a subject is described.
    order : {"counterbalanced", "as_written", "reversed", "random"} or several
        Order of the options.
    labels : {"auto", "none", "letters", "numbers", "points"} or own ones separated by ``|``, or several
        Labels of the options.
    factors : mapping
        Further factors: name -> level -> text that ``{factor:name}`` becomes in the wording.
    replicates : int
        Repeats of every trial.
    decide : {"draw", "mode"}
        How one answer is taken from a distribution.
    who : {"human", "itself"}
        Whether subjects are people whom the model stands for, or the model itself, asked as often as there are
        subjects, and without a persona. What is asked is the same, what it is compared with is not.
    harms : tuple of {"deception", "distress"}
        How the study would harm people, were they asked.
    ethics : mapping
        What is said of that: ``deception``, ``distress``, ``approval``, ``note``; a study with harms needs it.

    Examples
    --------
    >>> from proband.instruments import load_instrument
    >>> from proband.subjects import load_population
    >>> survey = Survey(instrument=load_instrument("mini-ipip"),
    ...                 subjects=load_population("anes-1996").sample(10, seed=1), seed=1)
    >>> survey.size()
    200
    """

    kind: ClassVar[str] = "survey"

    instrument: Instrument
    subjects: Population
    seed: int
    title: str = ""
    presentation: Levels = "single"
    answer_by: Levels = "option_text"
    persona: Levels = "first"
    order: Levels = "counterbalanced"
    labels: Levels = "auto"
    factors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    replicates: int = 1
    decide: Literal["draw", "mode"] = "draw"
    writing: Writing = field(default_factory=Writing)
    who: Literal["human", "itself"] = "human"
    harms: tuple[str, ...] = ()
    ethics: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = Gathering()
        with found.part():
            place_digest(self.seed)  # refuses a seed that is no integer
        with found.part():
            if self.who not in ("human", "itself"):
                raise DesignError(f"who {self.who!r} is neither 'human' nor 'itself'")
        if self.who == "itself":
            object.__setattr__(self, "persona", "none")
        with found.part():
            check_ethics(self.harms, self.ethics)
        with found.part():
            if self.replicates < 1:
                raise DesignError(f"replicates is {self.replicates}; ask at least once")
        with found.part():
            if self.decide not in ("draw", "mode"):
                raise DesignError(f"decide {self.decide!r} is neither 'draw' nor 'mode'")
        for name in _LEVELS:
            with found.part():
                self._check_levels(name)
        for name in self.factors:
            with found.part():
                self._check_factor(name)
        self._check_items(found)
        with found.part():
            self.subjects.check_design()
        if not found.errors and self.persona_formats != ("none",):
            with found.part():
                self.subjects.check()
        found.settle()
        # Builds one subject's trials under every condition, so whatever cannot be worded is refused here.
        for sheet in self._first_sheets():
            for item in sheet.asked.instrument.items:
                with found.part():
                    sheet.trial(item)
        found.settle()

    def _check_levels(self, name: str) -> None:
        for level in self._levels(name):
            if level not in _LEVELS[name] and not (name == "labels" and "|" in level):
                raise DesignError(f"{name} {level!r} is none of {', '.join(_LEVELS[name])}")

    def _check_factor(self, name: str) -> None:
        """Refuse a factor without a name or levels, that is in no wording, or whose texts have braces."""
        if name in _LEVELS:
            raise DesignError(f"factor {name!r} is a setting of every survey; rename yours")
        if not name.strip() or not all(level.strip() for level in self.factors[name]):
            raise DesignError(f"factor {name!r} with the levels {tuple(self.factors[name])}: a name is empty; write it")
        if not self.factors[name]:
            raise DesignError(f"factor {name!r} has no levels; give each level and its text")
        told = [item for item in self.instrument.items if ("factor", name) in pipes_in(item.stem + item.text)]
        if not told and name not in self._worded_elsewhere:
            raise DesignError(f"factor {name!r} is in no wording; put {{factor:{name}}} where its text goes")
        for level, text in self.factors[name].items():
            if (braces := unfilled(text)) and not all(item.shows_braces for item in told):
                raise DesignError(
                    f"factor {name!r}, level {level!r}: its text has {braces!r}, and nothing is filled there; write "
                    f"the words out, or set shows_braces = true for {told[0].id!r}"
                )

    def _check_items(self, found: Gathering) -> None:
        traits = tuple(dict.fromkeys(column for subject in self.subjects for column in subject.traits))
        columns = {*traits, *self.subjects.columns, *(field.column for field in self.subjects.fields)}
        earlier: list[str] = []
        known = {"subject": traits, "factor": tuple(self.factors), "answer": earlier, **self._pipes}
        for item in self.instrument.items:
            with found.part():
                if item.form in ("record", "spans"):
                    raise DesignError(
                        f"item {item.id!r} of form {item.form!r} is taken from a document; ask it in a study with a "
                        "table [coding]"
                    )
                check_pipes(item, known)
                self._check_traits(item)
            with found.part():
                self._check_grid(item)
            with found.part():
                self._check_about(item, columns)
            earlier.append(item.id)

    def _check_about(self, item: Item, columns: Collection[str]) -> None:
        """Refuse a column of `about` that is not there: a misspelt one would be told. Ours are asked of others too."""
        unknown = [column for column in item.about if column not in columns]
        own = self.instrument.id
        if unknown and not (own in INSTRUMENTS and item in load_instrument(own).items):
            raise DesignError(
                f"item {item.id!r}: about names {unknown[0]!r}, which is no column of {self.subjects.name!r}"
                f"{meant(unknown[0], columns)}; correct it, or take it out"
            )

    def _check_traits(self, item: Item) -> None:
        for column in {name for kind, name in pipes_in(item.stem + item.text) if kind == "subject"}:
            lacking = [s.id for s in self.subjects if trait_text(s, column, self.subjects.fields) is None]
            if lacking:
                raise DesignError(
                    f"item {item.id!r}: {{subject:{column}}} is missing for {len(lacking)} of {len(self.subjects)} "
                    f"subjects, e.g. {lacking[0]!r}; leave them out with `where`, or do not pipe it"
                )

    def _check_grid(self, item: Item) -> None:
        """Refuse a grid whose statements depend on answers: it is shown before they are there."""
        is_piped = any(kind == "answer" for kind, _ in pipes_in(item.stem + item.text))
        if is_piped and "battery" in self._levels("presentation") and len(self.questionnaire.grids[item.id]) > 1:
            raise DesignError(
                f"item {item.id!r}: a grid is shown at once and cannot pipe an answer; use presentation = "
                '"single" or "sequential", or give the item another lead-in'
            )

    def _levels(self, name: str) -> tuple[str, ...]:
        given: Levels = getattr(self, name)
        levels = (given,) if isinstance(given, str) else tuple(given)
        if not levels or len(set(levels)) != len(levels):
            raise DesignError(f"{name} has the levels {levels}; give one or more, each once")
        return levels

    @property
    def name(self) -> str:
        """Title of the study, or the instrument's id."""
        return self.title or self.instrument.id

    @property
    def persona_formats(self) -> tuple[str, ...]:
        """Levels of the persona factor."""
        return self._levels("persona")

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Items by id."""
        return {item.id: item for item in self.instrument.items}

    @cached_property
    def questionnaire(self) -> Questionnaire:
        """What every subject's sheet is made from."""
        return Questionnaire(
            instrument=self.instrument, fields=self.subjects.fields, factors=self.factors, varied=self.varied,
            seed=self.seed, decide=self.decide, writing=self.writing,
        )  # fmt: skip

    @cached_property
    def conditions(self) -> tuple[Mapping[str, str], ...]:
        """Every combination of levels: setting or factor -> level."""
        names = [*_LEVELS, *self.factors]
        levels = [*(self._levels(name) for name in _LEVELS), *(tuple(found) for found in self.factors.values())]
        return tuple(dict(zip(names, combination, strict=True)) for combination in itertools.product(*levels))

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """Names of the factors that have more than one level, sorted."""
        counts = {name: len(self._levels(name)) for name in _LEVELS}
        counts |= {name: len(levels) for name, levels in {**self.factors, **self.materials}.items()}
        return tuple(sorted(name for name, count in counts.items() if count > 1))

    def notes(self) -> tuple[str, ...]:
        """Which options keep their place because of their words, and which are moved though custom puts them last."""
        if set(self._levels("order")) == {"as_written"}:
            return ()
        return tuple(note for item in self.instrument.items for note in place_notes(item))

    @property
    def within(self) -> tuple[str, ...]:
        """The factors: every subject is asked under each of their levels."""
        return self.varied

    @cached_property
    def is_adaptive(self) -> bool:
        """Whether an item depends on earlier answers: memory, skip rules, piped answers."""
        return "sequential" in self._levels("presentation") or any(
            item.ask_if or any(kind == "answer" for kind, _ in pipes_in(item.text + item.stem))
            for item in self.instrument.items
        )

    @property
    def n_sheets(self) -> int:
        """How often somebody is given the whole instrument."""
        return len(self.subjects) * len(self.conditions) * self.replicates

    def size(self) -> int:
        """Number of trials; an upper bound where skip rules apply."""
        return self.n_sheets * len(self.instrument.items) + len(self.afterwards)

    def roles(self) -> tuple[str, ...]:
        """One engine, without a name."""
        return ("",)

    def roster(self) -> Roster:
        """Every subject, with what its persona is told, in words where codes have them; nothing that an item asks."""
        asked = {item.data_column for item in self.instrument.items}
        fields = [field for field in self.subjects.fields if field.column not in asked]

        def traits(subject: Subject) -> dict[str, Code]:
            known = [field for field in fields if field.column in subject.traits]
            return {field.column: level for field in known if (level := _level(field, subject)) is not None}

        return Roster(
            [
                Member(subject=s.id, weight=s.weight, stratum=s.stratum, psu=s.psu, fpc=s.fpc, traits=traits(s))
                for s in self.subjects
            ]
        )

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Everything that can be asked, subject by subject; lazy unless later items depend on earlier answers."""
        if not self.is_adaptive:
            return self.preview()
        position = {id: k for k, id in enumerate(self.items)}
        # In the order of the instrument, whichever answer an item waited for.
        return [
            trial
            for process in self.processes()
            for trial in sorted(unfold([process], answered), key=lambda t: (t.place.round, position[t.place.item]))
        ]

    def preview(self) -> Sequence[Trial]:
        """Every item to everybody, as if nothing had been answered: none skipped, piped answers by their names."""
        return _AllTrials(self)

    def processes(self) -> Iterator[Process]:
        """The sheets, each of which is filled in on its own."""
        return map(Filling, self._sheets())

    def process_units(self) -> Iterable[str] | None:
        """Whose sheet each is; not where some are asked more once all have answered."""
        if self.afterwards:
            return None
        n = self.n_sheets // len(self.subjects)
        return (subject.id for subject in self.subjects for _ in range(n))

    def _sheets(self, first: int = 0) -> Iterator[Sheet]:
        """The sheets from a number on."""
        return map(self.sheet, range(first, self.n_sheets))

    def _first_sheets(self) -> Iterator[Sheet]:
        """One subject's sheets under every condition."""
        return (Sheet(self.questionnaire, self.subjects[0], condition, 0) for condition in self.conditions)

    @property
    def materials(self) -> Mapping[str, tuple[str, ...]]:
        """What varies beside settings and factors, and its levels."""
        return {}

    @property
    def _worded_elsewhere(self) -> Collection[str]:
        """Factors that need not be in the wording of an item."""
        return ()

    @property
    def afterwards(self) -> Sequence[Trial]:
        """What is asked when all else was, whatever was answered."""
        return ()

    @property
    def _pipes(self) -> Mapping[str, Sequence[str]]:
        """Further pipes that a wording may have, each with the names it takes."""
        return {}

    def sheet(self, number: int) -> Sheet:
        """The sheet in that place, counting replicates first, then conditions, then subjects."""
        rest, replicate = divmod(number, self.replicates)
        subject, condition = divmod(rest, len(self.conditions))
        return Sheet(self.questionnaire, self.subjects[subject], self.conditions[condition], replicate)

    def for_people(self) -> "Survey":
        """The same items to the same subjects, as people answered them: once, in one condition, none skipped."""
        items = tuple(replace(item, ask_if=None) for item in self.instrument.items)
        speaks_of_labels = any(marks_named(item.options, k) for item in items for k in range(len(item.options)))
        return Survey(
            instrument=replace(self.instrument, items=items),
            subjects=self.subjects,
            seed=self.seed,
            title=self.title,
            persona="none",
            order="as_written",
            labels="letters" if speaks_of_labels else "auto",
            factors={name: dict([next(iter(levels.items()))]) for name, levels in self.factors.items()},
            decide="mode",
            harms=self.harms,
            ethics=self.ethics,
        )

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the survey."""
        return {
            "design": "survey",
            "title": self.name,
            "instrument": self.instrument.id,
            "instrument_title": self.instrument.title,
            "instrument_hash": self.instrument.hash,
            "instrument_source": self.instrument.source,
            "items": len(self.instrument.items),
            # Beside the run, so that its answers are scored by the key they were asked with.
            **({"scales": [asdict(scale) for scale in self.instrument.scales]} if self.instrument.scales else {}),
            "population": self.subjects.name,
            "population_title": self.subjects.title,
            "population_source": self.subjects.source,
            "population_hash": self.subjects.hash,
            "subjects": len(self.subjects),
            "settings": {name: list(self._levels(name)) for name in _LEVELS},
            "factors": {name: dict(levels) for name, levels in self.factors.items()},
            "varied": list(self.varied),
            "replicates": self.replicates,
            "decide": self.decide,
            "writing": asdict(self.writing),
            "seed": self.seed,
            # Said where it is so: what was locked before there was this choice is what it was.
            **({"who": self.who} if self.who == "itself" else {}),
            **({"harms": list(self.harms)} if self.harms else {}),
            **({"ethics": dict(self.ethics)} if self.ethics else {}),
        }


def _level(field: Field, subject: Subject) -> Code | None:
    """A trait as a level of a subgroup: its label, or its number."""
    code = subject.traits[field.column]
    text = field.value(code)
    return text if text is None or (field.labels and not field.is_number) else code


class _AllTrials(LazyTrials):
    """The trials of a survey that does not depend on answers."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        # No item of a survey is left out before anything was answered, so every sheet is as long as the instrument.
        self.per_sheet = len(survey.instrument.items)
        self.on_sheets = survey.n_sheets * self.per_sheet  # trials; the others come afterwards

    def __len__(self) -> int:
        return self.survey.size()

    def keys(self, start: int, stop: int) -> Iterator[Key]:
        """Keys of the trials from `start` up to `stop`, at a fraction of the cost of the trials."""
        first, skipped = divmod(min(start, self.on_sheets), self.per_sheet)
        keys = itertools.chain.from_iterable(sheet.keys() for sheet in self.survey._sheets(first))
        after = ((trial.id, trial.request.hash, trial.reply.rule) for trial in self._after(start))
        return itertools.islice(itertools.chain(itertools.islice(keys, skipped, None), after), stop - start)

    def made_from(self, start: int) -> Iterator[Trial]:
        """The trials from an index on."""
        first, skipped = divmod(min(start, self.on_sheets), self.per_sheet)
        trials = itertools.chain.from_iterable(sheet.preview() for sheet in self.survey._sheets(first))
        return itertools.chain(itertools.islice(trials, skipped, None), self._after(start))

    def made_at(self, index: int) -> Trial:
        """One trial, without the rest of its sheet."""
        if index >= self.on_sheets:
            return self.survey.afterwards[index - self.on_sheets]
        number, item = divmod(index, self.per_sheet)
        sheet = self.survey.sheet(number)
        trial = sheet.trial(sheet.asked.instrument.items[item])
        if trial is None:
            raise IndexError(index)
        return trial

    def _after(self, start: int) -> Sequence[Trial]:
        return self.survey.afterwards[max(0, start - self.on_sheets) :]
