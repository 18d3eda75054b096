"""People as an engine: a data file answers the same trials as a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from proband.addresses.people import people_engine
from proband.designs.design import Design
from proband.designs.survey.survey import Survey
from proband.instruments.items import Item
from proband.models.archive import PeopleEngine
from proband.records import Response, Trial
from proband.roster import Roster

__all__ = ["PeopleSurvey", "people_engine"]


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
    """

    survey: Survey
    engine: PeopleEngine
    again: "PeopleSurvey | None" = None

    def __post_init__(self) -> None:
        len(self._plain.items)  # refuses a design that people cannot have answered

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
        return self.survey.roster()

    def describe(self) -> Mapping[str, object]:
        """The survey, and who answered."""
        return {**self._plain.describe(), "design": "people", "answered_by": self.engine.address}
