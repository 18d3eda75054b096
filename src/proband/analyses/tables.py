"""Questions to tables: answers that several wordings agree on, with the query and the rows behind every number."""

from collections import Counter
from collections.abc import Sequence

from proband.analyses.answers import cautions, measured, tabled, told
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.errors import DataError, DesignError
from proband.measures import weighted_mean
from proband.runs.run import Run
from proband.texts.held_files import found_again
from proband.texts.tables.answers import TableAnswer, answers_of
from proband.texts.tables.sandbox import Cell as SqlCell
from proband.texts.tables.sandbox import Result, check_installed

_CHAPTER = "Questions to tables"
_MOST_ROWS = 3  # of a result that are shown
_MOST_SENTENCES = 8


def needs(run: Run) -> str | None:
    """Questions that were put to tables, and these tables as they were."""
    if run.kind != "tables":
        return "this run asked no tables"
    if not run.dispositions():
        return "nothing was answered yet"
    try:
        check_installed()
        for note in run.manifest["design"]["tables"].values():
            found_again(run, note)
    except (DataError, DesignError) as error:
        return str(error)
    return None


def sections(run: Run) -> Sequence[Section]:
    """The answers, what stands behind each, how often they are right where that is known, and what was not run."""
    found = answers_of(run)
    known = [answer for answer in found if answer.expected is not None]
    return [_answers(found), *map(_behind, found), *([_right(known)] if known else []), _not_run(found)]


def _answers(found: Sequence[TableAnswer]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    sentences: list[str] = []
    for answer in found:
        cell: Cell = "uncertain"
        if answer.is_certain and answer.result is not None:
            said = shown(answer.result) if answer.estimate is None else told(answer.estimate, 3)
            cell = answer.estimate or said
            sentences.append(
                f"{answer.question.wordings[0]} {said} ({answer.votes} of {len(answer.attempts)} statements agree)."
            )
        n_rows = None if answer.result is None else len(answer.result.rows)
        agreed = answer.votes / len(answer.attempts)
        rows.append((answer.question.id, answer.writer, answer.question.statistic or "rows", cell, agreed, n_rows))
    forms: dict[str, CellForm] = {"question": "text", "writer": "text", "asked for": "text", "answer": "number"}
    uncertain = sum(not answer.is_certain for answer in found)
    return Section(
        name="tables",
        heading="Answers from the tables",
        chapter=_CHAPTER,
        sentences=(
            *sentences[:_MOST_SENTENCES],
            f"{len(found) - uncertain} of {len(found)} answers are certain, {uncertain} uncertain.",
        ),
        table=tabled(forms | {"agreement": "share", "rows": "count"}, rows, "Answers, and the rows they come from"),
        notes=(
            "An answer is the result that most statements lead to; it is uncertain where too few wordings do, or they "
            "find nothing. Results are compared as rows in any order, numbers to 9 digits.",
            "Statistics are computed from the rows that a statement gives, taken as independent cases; no number is an "
            "engine's own.",
        ),
        warnings=cautions((a.question.id, a.estimate) for a in found if a.is_certain and a.estimate is not None),
        claims=("That wordings agree does not make them right: an engine may misread every wording alike.",),
    )


def _behind(answer: TableAnswer) -> Section:
    """Every statement of one question, and what it gives."""
    rows: list[tuple[Cell, ...]] = []
    for attempt in answer.attempts:
        result = attempt.result
        is_same = answer.result is not None and not result.why and result.key == answer.result.key
        gives = f"not run: {result.why}" if result.is_refused else result.why or shown(result)
        n_rows = None if result.why else len(result.rows)
        rows.append((attempt.wording, " ".join(result.sql.split()), gives, n_rows, "yes" if is_same else "no"))
    forms: dict[str, CellForm] = {"wording": "text", "statement": "text", "gives": "text", "rows": "count"}
    return Section(
        name=f"tables-{answer.writer}-{answer.question.id}",
        heading=f"{answer.question.id}: the statements of {answer.writer}",
        chapter=_CHAPTER,
        table=tabled(forms | {"as most": "text"}, rows, answer.question.wordings[0], is_folded=True),
        keys={"question": answer.question.id, "writer": answer.writer},
    )


def _right(known: Sequence[TableAnswer]) -> Section:
    """How often each writer is right, on questions whose answer is known."""
    rows: list[tuple[Cell, ...]] = []
    sentences = []
    for writer in dict.fromkeys(answer.writer for answer in known):
        own = [answer for answer in known if answer.writer == writer]
        marks = [(answer.question.id, answer.is_right(at.result)) for answer in own for at in answer.attempts]
        share = measured(
            lambda marks=marks: weighted_mean(  # type: ignore[misc]
                [float(right) for _, right in marks], cluster=[id for id, _ in marks], is_share=True, target="model",
                estimand="share of statements that give what the reference gives, over questions",
            ),
            "share of right statements",
        )  # fmt: skip
        certain = [answer for answer in own if answer.is_certain]
        n_right = sum(answer.is_right(answer.result) for answer in certain)
        rows.append((writer, len(own), len(marks), share, len(certain), n_right, len(certain) - n_right))
        sentences.append(
            f"{writer}: {told(share, 3)} of the statements are right; of {len(own)} questions {n_right} are answered "
            f"with certainty and right, {len(certain) - n_right} with certainty and wrong."
        )
    forms: dict[str, CellForm] = {"writer": "text", "questions": "count", "statements": "count", "right": "share"}
    forms |= {"certain": "count", "certain and right": "count", "certain and wrong": "count"}
    return Section(
        name="tables-right",
        heading="Beside what is known to be right",
        chapter=_CHAPTER,
        sentences=tuple(sentences),
        table=tabled(forms, rows, "Statements and answers beside the references"),
        notes=(
            "A statement that is not run is a wrong one. Certain and wrong is what agreement does not protect from.",
        ),
    )


def _not_run(found: Sequence[TableAnswer]) -> Section:
    reasons = Counter((answer.writer, _kind_of(attempt.result)) for answer in found for attempt in answer.attempts)
    kinds = ("ran", "refused", "failed", "no reply")
    rows: list[tuple[Cell, ...]] = [
        (writer, *(reasons[writer, kind] for kind in kinds)) for writer in dict.fromkeys(a.writer for a in found)
    ]
    forms: dict[str, CellForm] = {"writer": "text", **dict.fromkeys(kinds, "count")}
    n = sum(count for (_, kind), count in reasons.items() if kind == "ran")
    return Section(
        name="tables-not-run",
        heading="Statements that were not run",
        chapter=_CHAPTER,
        sentences=(f"{n} of {sum(reasons.values())} statements ran to their end.",),
        table=tabled(forms, rows, "What became of the statements"),
        notes=(
            "Refused: no one SELECT of these tables by functions that give the same for the same rows. Failed: not "
            "valid SQL, out of time or memory, or rows that the statistic cannot be computed from.",
        ),
    )


def _kind_of(result: Result) -> str:
    if result.why.startswith("no reply"):
        return "no reply"
    return "refused" if result.is_refused else "failed" if result.why else "ran"


def shown(result: Result) -> str:
    """The first rows of a result."""
    rows = ["; ".join(_written(cell) for cell in row) for row in result.rows[:_MOST_ROWS]]
    more = len(result.rows) - len(rows)
    return " | ".join(rows) + (f" | and {more:,} more rows" if more else "") if rows else "no rows"


def _written(cell: SqlCell) -> str:
    return "nothing" if cell is None else f"{cell:.10g}" if isinstance(cell, float) else str(cell)


ANALYSIS = Analysis(
    name="tables",
    about="answers from tables that several wordings agree on, with query and rows; the others are uncertain",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
