"""What a run of questions to tables says: statements are run, results compared, statistics computed."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import difference_in_means, retest, weighted_mean
from proband.runs.run import Run
from proband.texts.held_files import found_again
from proband.texts.tables.asking import Question, statement_of
from proband.texts.tables.sandbox import Cell, Limits, Result, Sandbox
from proband.texts.tables.tables import read_sheet

_EQUAL = 1e-9
_SHAPES = {"mean": 1, "share": 1, "difference": 2, "correlation": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One reply, and what became of its statement."""

    wording: str
    replicate: int
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAnswer:
    """What one writer answers to one question.

    Attributes
    ----------
    writer : str
        Who wrote the SQL.
    question : Question
        What was asked.
    attempts : tuple of Attempt
        Every wording and repeat.
    result : Result or None
        The result that most attempts lead to; None where none was run, or two have equally many.
    votes : int
        How many lead to it.
    is_certain : bool
        Whether enough of the attempts, from two wordings or more, lead to it, and it says something.
    estimate : Estimate or None
        The statistic, where one is asked for and the rows fit it.
    expected : Result or None
        What the reference gives.
    """

    writer: str
    question: Question
    attempts: tuple[Attempt, ...]
    result: Result | None
    votes: int
    is_certain: bool
    estimate: Estimate | None = None
    expected: Result | None = None

    def is_right(self, result: Result | None) -> bool:
        """Whether a result is that of the reference."""
        return result is not None and not result.why and self.expected is not None and result.key == self.expected.key


def answers_of(run: Run) -> tuple[TableAnswer, ...]:
    """Answers of a run of kind ``tables``, by writer and question.

    Raises
    ------
    DataError
        If a table is no longer what it was when the questions were asked.
    """
    design = run.manifest["design"]
    tables = {name: read_sheet(found_again(run, note)) for name, note in design["tables"].items()}
    table = run.table()
    found = []
    with Sandbox(tables, Limits(**design["limits"])) as sandbox:
        # Replies at temperature 0 repeat themselves, and a statement gives the same each time.
        known: dict[str, Result] = {}

        def ask(sql: str) -> Result:
            if sql not in known:
                known[sql] = sandbox.ask(sql)
            return known[sql]

        for writer in (str(name) or "writer" for name in design["writers"]):
            for id, told in design["questions"].items():
                question = question_of(id, told)
                part = table.filter(subject=writer, item=id).sort("wording", "replicate")
                columns = part.select("wording", "replicate", "status", "label").iter_rows()
                attempts = tuple(
                    Attempt(
                        wording=str(wording), replicate=replicate, result=_ran(ask, question, status, str(label or ""))
                    )
                    for wording, replicate, status, label in columns
                )
                if attempts:
                    expected = ask(question.reference) if question.reference else None
                    found.append(_answer(writer, question, attempts, expected, float(design["agree"])))
    return tuple(found)


def question_of(id: str, told: Mapping[str, Any]) -> Question:
    """A question as a run notes it."""
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
    return Question(id=id, **given)


def _ran(ask: Any, question: Question, status: str, reply: str) -> Result:
    if status != "valid":
        return Result(sql="", why=f"no reply: {status}")
    result: Result = ask(statement_of(reply))
    if not result.why and question.statistic:
        try:
            _values(question, result)
        except DataError as error:
            return replace(result, why=str(error))
    return result


def _answer(
    writer: str, question: Question, attempts: tuple[Attempt, ...], expected: Result | None, agree: float
) -> TableAnswer:
    """The result that most attempts lead to, and whether they are enough."""
    votes = Counter(attempt.result.key for attempt in attempts if not attempt.result.why)
    first = votes.most_common(2)
    if not first or (len(first) > 1 and first[0][1] == first[1][1]):
        n = first[0][1] if first else 0
        return TableAnswer(writer=writer, question=question, attempts=attempts, result=None, votes=n,
                           is_certain=False, expected=expected)  # fmt: skip
    key, n = first[0]
    of = [attempt for attempt in attempts if not attempt.result.why and attempt.result.key == key]
    result = of[0].result
    estimate = statistic_of(question, result) if question.statistic else None
    # That nothing was found is also what a wrong condition gives, whatever the wording.
    says = any(cell is not None for row in result.rows for cell in row)
    is_number = estimate is None or not math.isnan(estimate.value)
    many = n >= agree * len(attempts) - _EQUAL and len({attempt.wording for attempt in of}) > 1
    return TableAnswer(
        writer=writer, question=question, attempts=attempts, result=result, votes=n,
        is_certain=many and says and is_number, estimate=estimate, expected=expected,
    )  # fmt: skip


def statistic_of(question: Question, result: Result) -> Estimate:
    """The statistic of a question from the rows that answer it; rows with a gap are left out and counted.

    Rows are taken as independent cases: a mean of repeated rows of one case has too short an interval.
    """
    try:
        columns, n_missing = _values(question, result)
        found = _measured(question, columns)
    except (DataError, DesignError) as error:
        return Estimate(value=math.nan, estimand=question.id, target="data", n_units=0, warnings=(str(error),))
    return replace(found, n_missing=n_missing)


def _measured(question: Question, columns: Sequence[Sequence[Any]]) -> Estimate:
    said = question.wordings[0]
    if question.statistic == "mean":
        return weighted_mean(columns[0], is_share=False, target="data", estimand=f"mean: {said}")
    if question.statistic == "share":
        return weighted_mean(columns[0], is_share=True, target="data", estimand=f"share: {said}")
    if question.statistic == "correlation":
        found = retest(*columns, target="data").correlation
        assert found is not None  # both columns are numbers
        return replace(found, estimand=f"Pearson correlation: {said}")
    first, second = _groups(question, columns[1])
    sides = [[y for y, group in zip(*columns, strict=True) if group == side] for side in (first, second)]
    return replace(difference_in_means(*sides, target="data"), estimand=f"mean of {first}, less that of {second}")


def _groups(question: Question, groups: Sequence[str]) -> tuple[str, str]:
    there = sorted(set(groups))
    if question.groups and not set(question.groups) <= set(there):
        raise DataError(f"it has the groups {', '.join(there)}; wanted are {', '.join(question.groups)}")
    wanted = question.groups or tuple(there)
    if len(wanted) != 2:
        raise DataError(f"it has {len(there)} groups, and a difference is between two")
    return wanted[0], wanted[1]


def _values(question: Question, result: Result) -> tuple[list[list[Any]], int]:
    """Columns that a statistic is computed from, and how many rows had a gap."""
    wanted = _SHAPES[question.statistic]
    if len(result.columns) != wanted:
        raise DataError(f"it gives {len(result.columns)} columns; {question.statistic} needs {wanted}")
    whole = [row for row in result.rows if all(cell is not None for cell in row)]
    columns = [list(column) for column in zip(*whole, strict=True)] if whole else []
    if len(whole) < 2:
        raise DataError(f"it gives {len(whole)} rows without a gap; {question.statistic} needs at least 2")
    if question.statistic == "difference":
        columns[1] = [_text(cell) for cell in columns[1]]
        _groups(question, columns[1])
    for column in columns[:1] if question.statistic == "difference" else columns:
        if not all(isinstance(cell, int | float) and math.isfinite(cell) for cell in column):
            raise DataError(f"it gives a column that is no finite numbers; {question.statistic} needs them")
        column[:] = [float(cell) for cell in column]
    if question.statistic == "share" and not set(columns[0]) <= {0.0, 1.0}:
        raise DataError("it gives a column of other numbers than 0 and 1; a share is of what is true or false")
    return columns, len(result.rows) - len(whole)


def _text(cell: Cell) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
