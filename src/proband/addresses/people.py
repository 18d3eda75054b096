"""``people:POPULATION?instrument=NAME``: people who have answered, in a data file."""

from collections.abc import Mapping, Sequence

from proband.addresses.opening import Scheme
from proband.errors import DataError, EngineError
from proband.instruments.files import load_instrument
from proband.instruments.items import Instrument, Item
from proband.models.archive import PeopleEngine
from proband.records import Answer, Status
from proband.subjects.files import load_population
from proband.subjects.personas import Code, code_text
from proband.subjects.populations import Population


def _open(population: str, *, instrument: str = "", data: str | None = None, refused: str = "") -> PeopleEngine:
    if not instrument:
        raise EngineError(
            f"engine 'people:{population}': what these people were asked stands in an instrument; write "
            f"people:{population}?instrument=NAME, or give the study a table [people]"
        )
    codes = [code.strip() for code in refused.split(",") if code.strip()]
    return people_engine(load_population(population, data=data), load_instrument(instrument), refused=codes)


def people_engine(population: Population, instrument: Instrument, *, refused: Sequence[Code] = ()) -> PeopleEngine:
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


def _answers(item: Item, column: Mapping[str, Code], refused: Sequence[Code]) -> dict[str, tuple[Answer, Status]]:
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
            try:
                answers[subject] = (float(code), "valid")
            except ValueError:
                place = f"item {item.id!r}: subject {subject!r} has {code!r} in column {item.data_column!r}"
                raise DataError(f"{place}, which is no number") from None
        elif item.form == "text":
            answers[subject] = (text, "valid")
        else:
            raise DataError(
                f"item {item.id!r}: people's answers to an item of form {item.form!r} cannot be read from one column; "
                "ask people one choice item for each option"
            )
    return answers


SCHEME = Scheme(
    pattern="people:POPULATION?instrument=NAME",
    about="people who have answered, from a population's data file, e.g. people:anes-1996?instrument=anes-1996",
    open=_open,
)
