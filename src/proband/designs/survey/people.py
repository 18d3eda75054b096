"""People as an engine: a data file answers the same trials as a model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

from proband.addresses.people import people_engine
from proband.designs.design import Design
from proband.designs.survey.survey import Survey
from proband.errors import DataError, DesignError
from proband.instruments.items import Item
from proband.models.archive import PeopleEngine
from proband.records import Response, Trial
from proband.roster import Roster, Trait
from proband.subjects.personas import code_text
from proband.weighting import calibrate

__all__ = ["Known", "PeopleSurvey", "people_engine"]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the population that people are to stand for, and what another answer costs.

    Attributes
    ----------
    margins : mapping of str to mapping of str to float
        Column -> code, or the words a persona has for it -> share or count.
    means : mapping of str to float
        Column of numbers -> its mean.
    price : float
        Dollars for one person's answer; 0 where nobody says.
    """

    margins: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    means: Mapping[str, float] = field(default_factory=dict)
    price: float = 0.0

    def __post_init__(self) -> None:
        if not self.price >= 0:
            raise DesignError(f"[people] price = {self.price}; a person's answer costs 0 or more dollars")


@dataclass(frozen=True, kw_only=True)
class PeopleSurvey(Design):
    """The trials of a survey that people answered, for `collect` with a `PeopleEngine`.

    Attributes
    ----------
    survey : Survey
        The model's survey; its items are taken without skip rules, once each.
    engine : PeopleEngine
        Whose answers there are.
    again : PeopleSurvey or None
        The same people on a second occasion, where they were asked twice.
    known : Known
        The population that they are to stand for.
    """

    survey: Survey
    engine: PeopleEngine
    again: "PeopleSurvey | None" = None
    known: Known = Known()

    def __post_init__(self) -> None:
        len(self._plain.items)  # refuses a design that people cannot have answered
        if not (self.known.margins or self.known.means):
            return
        columns = {*self.known.margins, *self.known.means}
        everything = [traits for traits in self._weighed.values() if columns <= traits.keys()]
        if not everything:
            raise DataError(f"[people] nobody has {' and '.join(sorted(columns))}; take columns that people have")
        held = {column: [traits[column] for traits in everything] for column in columns}
        try:
            calibrate(held, self._margins, totals={c: mean * len(everything) for c, mean in self.known.means.items()})
        except DataError as error:
            raise DataError(f"[people] the population's margins cannot be met by its people: {error}") from None

    @cached_property
    def _weighed(self) -> Mapping[str, Mapping[str, Trait]]:
        """Levels of the columns that margins and means are of, by person; in the words that a persona has for them."""
        people, found = self.survey.subjects, dict[str, dict[str, Trait]]()
        labels = {one.column: one.labels for one in people.fields if one.labels and not one.is_number}
        for column in {**self.known.margins, **self.known.means}:
            for subject, code in people.column(column).items():
                text = code_text(code)
                level = code if column in self.known.means else labels.get(column, {}).get(text, text)
                found.setdefault(subject, {})[column] = level
        return found

    @cached_property
    def _margins(self) -> Mapping[str, Mapping[Trait, float]]:
        """Margins by the words of their levels, where they are given by codes."""
        labels = {one.column: one.labels for one in self.survey.subjects.fields if one.labels and not one.is_number}
        return {
            column: {labels.get(column, {}).get(level, level): share for level, share in shares.items()}
            for column, shares in self.known.margins.items()
        }

    @cached_property
    def _plain(self) -> Survey:
        return self.survey.for_people()

    @property
    def name(self) -> str:
        """Name of the survey."""
        return self.survey.name

    @property
    def seed(self) -> int:
        """Seed of the survey; nothing is drawn here."""
        return self.survey.seed

    @property
    def items(self) -> Mapping[str, Item]:
        """Items by id, as the model is asked them."""
        return self.survey.items

    @cached_property
    def _trials(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self._plain.preview() if self.engine.holds(trial))

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every item of every person who was asked it."""
        return self._trials

    def size(self) -> int:
        """Number of answers people gave or refused."""
        return len(self._trials)

    def roles(self) -> tuple[str, ...]:
        """The people, without a name."""
        return ("",)

    def roster(self) -> Roster:
        """Every person, with weight and what is known beside the answers."""
        roster = self.survey.roster()
        if not (self.known.margins or self.known.means):
            return roster
        return Roster([replace(one, traits={**one.traits, **self._weighed.get(one.subject, {})}) for one in roster])

    def describe(self) -> Mapping[str, object]:
        """The survey, and who answered."""
        told = {**self._plain.describe(), "design": "people", "answered_by": self.engine.address}
        if self.known == Known():
            return told
        return {**told, "known": {**asdict(self.known), "margins": self._margins}}
