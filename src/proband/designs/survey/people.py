"""People as an engine: a data file answers the same trials as a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from proband.designs.design import Design
from proband.designs.survey.survey import Survey
from proband.errors import DataError
from proband.instruments.items import Instrument, Item
from proband.models.archive import PeopleEngine
from proband.records import Answer, Response, Status, Trial
from proband.roster import Roster
from proband.subjects.personas import Code, code_text
from proband.subjects.populations import Population


def people_engine(
    population: Population, instrument: Instrument, *, refused: Sequence[Code] = ()
) -> PeopleEngine:
    """The engine that answers as the people in a data file did.

    Each item is looked up in its column, and its codes become options by the item's `values`. A person without a
    value was not asked: there is no trial and no response.

    Parameters
    ----------
    population : Population
        Made from microdata; `Population.column` gives the raw answers.
    instrument : Instrument
        Items with their columns and codes.
    refused : sequence of codes
        Codes that mean the person was asked and gave no answer, e.g. ``-1``.

    Raises
    ------
    DataError
        If no item has a column in the data, or a code belongs to no option; the item is named.
    """
    items = [item for item in instrument.items if item.data_column in population.columns]
    if not items:
        wanted = ", ".join(item.data_column for item in instrument.items[:5])
        raise DataError(
            f"population {population.name!r} answers no item of {instrument.id!r} (looked for columns {wanted}); "
            "name each item's `column`"
        )
    asked = {item.id: _answers(item, population.column(item.data_column), refused) for item in items}
    return PeopleEngine(asked, name=population.name, source=population.source)


def _answers(
    item: Item, column: Mapping[str, Code], refused: Sequence[Code]
) -> dict[str, tuple[Answer, Status]]:
    """Every person's answer to one item."""
    options = {code_text(value): k for k, value in enumerate(item.data_values)}
    if len(options) != len(item.data_values):
        raise DataError(
            f"item {item.id!r}: two options have the same code in {item.data_values}, so people's answers cannot be "
            "told apart; give each option its code in the data file as `values`"
        )
    no_answer = {code_text(code) for code in refused}
    if both := sorted(no_answer & options.keys()):
        raise DataError(
            f"item {item.id!r}: code {both[0]} is an option and also means refused; give each meaning a code of its own"
        )
    answers: dict[str, tuple[Answer, Status]] = {}
    for subject, code in column.items():
        text = code_text(code)
        if text in no_answer:
            answers[subject] = (None, "refused")
        elif item.form in ("choice", "scale"):
            if text not in options:
                raise DataError(
                    f"item {item.id!r}: subject {subject!r} has code {code!r} in column {item.data_column!r}, which is "
                    f"none of {', '.join(options)}; add it to the item's `values`, or to the missing codes"
                )
            option = options[text]
            answers[subject] = (None, "dont_know") if option in item.dont_know else (option, "valid")
        elif item.form == "number":
            answers[subject] = (_number(item, subject, code), "valid")
        elif item.form == "text":
            answers[subject] = (text, "valid")
        else:
            raise DataError(
                f"item {item.id!r}: people's answers to an item of form {item.form!r} cannot be read from one column; "
                "ask people one choice item for each option"
            )
    return answers


def _number(item: Item, subject: str, code: Code) -> float:
    try:
        return float(code)
    except ValueError:
        raise DataError(
            f"item {item.id!r}: subject {subject!r} has {code!r} in column {item.data_column!r}, which is no number"
        ) from None


@dataclass(frozen=True, kw_only=True)
class PeopleSurvey(Design):
    """The trials of a survey that people answered, for `collect` with a `PeopleEngine`.

    Attributes
    ----------
    survey : Survey
        The model's survey; its items are taken without skip rules, once each.
    engine : PeopleEngine
        Whose answers there are.
    """

    survey: Survey
    engine: PeopleEngine

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
