"""``people:POPULATION?instrument=NAME``: people who have answered, in a data file."""

import logging
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from proband.addresses.opening import Scheme
from proband.errors import DataError, EngineError, Gathering, meant
from proband.instruments.files import load_instrument
from proband.instruments.items import Instrument, Item
from proband.models.archive import PeopleEngine
from proband.records import Answer, Status
from proband.subjects.files import load_population
from proband.subjects.personas import Code, code_text
from proband.subjects.populations import Population

_log = logging.getLogger(__name__)


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
    value was not asked: there is no trial and no response. Nor was one with a code that the file itself calls missing,
    unless the study names that code: as refused, or as the value of an option.

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
        If no item has a column in the data, or a code belongs to no option or lies outside a number's bounds; item,
        person and code are named, for all items at once.
    """
    found = Gathering()
    asked: dict[str, dict[str, tuple[Answer, Status]]] = {}
    for item in instrument.items:
        name = item.data_column
        if name in population.columns or name in population.left_out:
            with found.part():
                asked[item.id] = _answers(item, population.column(name), population.declared_missing(name), refused)
        elif item.column:
            what = f"column {name!r} is not in the data{meant(name, population.columns)}"
            _log.warning("item %r: %s, so only the model is asked it", item.id, what)
    found.settle()
    if not asked:
        wanted = ", ".join(item.data_column for item in instrument.items[:5])
        raise DataError(
            f"population {population.name!r} answers no item of {instrument.id!r} (looked for columns {wanted}); "
            "name each item's `column`"
        )
    return PeopleEngine(asked, name=population.name, source=population.source)


def _answers(
    item: Item, column: Mapping[str, Code], declared: Mapping[str, Code], refused: Sequence[Code]
) -> dict[str, tuple[Answer, Status]]:
    """Every person's answer to one item; each code that is none is told once, with the first person who has it."""
    if item.form in ("multiple", "allocation", "ranking", "record", "spans"):
        raise DataError(
            f"item {item.id!r}: people's answers to an item of form {item.form!r} cannot be read from one column; "
            "ask people one choice item for each option"
        )
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
    # What the study asks for by name goes before what the file calls missing.
    named = no_answer | {text for text, k in options.items() if item.values or k in item.dont_know}
    kept = {subject: code for subject, code in declared.items() if code_text(code) in named}
    if lost := Counter(code_text(code) for subject, code in declared.items() if subject not in kept):
        _log.warning(
            "item %r: the data file calls the codes %s of column %r missing, so those people count as not asked; list "
            "a code as refused, or as one of the item's values, to have it counted",
            *(item.id, ", ".join(f"{code} ({n} people)" for code, n in sorted(lost.items())), item.data_column),
        )
    answers: dict[str, tuple[Answer, Status]] = {}
    odd: dict[str, list[str]] = {}
    for subject, code in {**column, **kept}.items():
        text = code_text(code)
        if text in no_answer:
            answers[subject] = (None, "refused")
        elif item.form == "text":
            answers[subject] = (text, "valid")
        elif item.form == "number":
            if fault := _fault(item, text):
                odd.setdefault(f"{code!r} in column {item.data_column!r}, which {fault}", []).append(subject)
            else:
                answers[subject] = (float(code), "valid")
        elif text in options:
            answers[subject] = (None, "dont_know") if options[text] in item.dont_know else (options[text], "valid")
        else:
            way_out = f"is none of {', '.join(options)}; add it to the item's `values`, or to the missing codes"
            odd.setdefault(f"code {code!r} in column {item.data_column!r}, which {way_out}", []).append(subject)
    if odd:
        more = {fault: f" (and {len(people) - 1} more)" if len(people) > 1 else "" for fault, people in odd.items()}
        raise DataError(*(f"item {item.id!r}: subject {who[0]!r}{more[f]} has {f}" for f, who in odd.items()))
    return answers


def _fault(item: Item, text: str) -> str:
    """What keeps a code from being a number that answers the item."""
    if not re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", text):
        return "is no number; write it with digits and a decimal point, or list it as missing or refused"
    number = float(text)
    bounds = (-math.inf if item.lower is None else item.lower), (math.inf if item.upper is None else item.upper)
    if not math.isfinite(number) or not bounds[0] <= number <= bounds[1]:
        return f"lies outside {bounds[0]:g} to {bounds[1]:g}; list it as missing or refused, or widen the item's bounds"
    return ""


SCHEME = Scheme(
    pattern="people:POPULATION?instrument=NAME",
    about="people who have answered, from a population's data file, e.g. people:anes-1996?instrument=anes-1996",
    open=_open,
    is_person=True,
    only_one="its answers are there already",
)
