"""Questions to tables as a kind: what stands under ``[tables]``."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, StrictInt

from proband.designs.kind import Kind, Shared, Told
from proband.errors import DataError, DesignError, Gathering
from proband.files import Table
from proband.subjects.microdata import read_microdata
from proband.texts.held_files import noted
from proband.texts.tables.asking import Asking, Question, Statistic
from proband.texts.tables.sandbox import Limits, check_installed

if TYPE_CHECKING:
    import polars as pl

_DAY = r"^\d{4}-\d{2}-\d{2}$"
_MOST_COLUMNS = 200


class QuestionTable(Table):
    """One question to the tables."""

    id: str = Field(description="how it is called")
    wordings: list[str] = Field(description="the same question in two or more wordings")
    statistic: Statistic = Field(
        default="",
        description="what is computed, with its interval, from the rows that the SQL gives: `mean`, `share`, "
        "`difference` of two means, `correlation`; without it the rows are the answer",
    )
    groups: list[str] = Field(
        default=[], description="of a difference: whose mean, less whose; by default in alphabetical order"
    )
    reference: str = Field(
        default="", description="a statement known to be right: how often the engine is, is then told; it never sees it"
    )


class StatementLimits(Table):
    """What a statement may use."""

    seconds: float = Field(default=Limits().seconds, description="after which it is stopped")
    megabytes: StrictInt = Field(default=Limits().megabytes, description="memory")
    rows: StrictInt = Field(default=Limits().rows, description="rows that it may give")


class TablesTable(Table):
    """Which tables are asked what, and how."""

    files: dict[str, str] = Field(
        examples=['files = { stops = "stops.csv" }'],
        description="name of each table in SQL -> file of it: `.csv`, `.tsv`, `.parquet`, or of SPSS, Stata and SAS",
    )
    questions: list[QuestionTable] = Field(
        examples=['[[tables.questions]] with id = "how-many"'], description="what is asked"
    )
    agree: float = Field(
        default=2 / 3, description="share of the wordings that must lead to one result; else the answer is `uncertain`"
    )
    shown: StrictInt = Field(default=3, description="rows of each table that the engine is shown")
    held: bool = Field(
        default=False, description="hold replies to the form of a SELECT, where the engine can be held to a schema"
    )
    replicates: StrictInt = Field(default=1, description="repeats of every wording")
    temperature: float = Field(default=0.0, description="of replies; 0 is greedy")
    max_tokens: StrictInt = Field(default=200, description="longest reply")
    limits: StatementLimits = Field(default=StatementLimits(), description="what a statement may use")


def read_sheet(path: Path) -> "pl.DataFrame":
    """A table as it is copied into the sandbox: numbers, texts, and days where a column holds nothing else.

    Raises
    ------
    DataError
        If the file cannot be read, or has two columns that SQL cannot tell apart.
    """
    import polars as pl

    frame = read_microdata(path).frame
    folded = [column.casefold() for column in frame.columns]
    if twice := next((column for column in frame.columns if folded.count(column.casefold()) > 1), None):
        raise DataError(f"{path}: column {twice!r} is there twice, for SQL knows no case; rename one")
    if len(folded) > _MOST_COLUMNS:
        raise DataError(f"{path}: {len(folded)} columns, more than a prompt can show; keep up to {_MOST_COLUMNS}")
    days = [
        column.name
        for column in frame
        if column.dtype == pl.String and column.null_count() < len(column) and column.str.contains(_DAY).all()
    ]
    dated = frame.with_columns(pl.col(name).str.to_date("%Y-%m-%d", strict=False) for name in days)
    # A 31st of February is a text, and no missing day.
    return frame.with_columns(dated[name] for name in days if dated[name].null_count() == frame[name].null_count())


def _make(shared: Shared, table: TablesTable) -> Asking:
    check_installed()
    found, questions = Gathering(), list[Question]()
    sheets: dict[str, pl.DataFrame] = {}
    files: dict[str, dict[str, str]] = {}
    for name, file in table.files.items():
        with found.part():
            sheets[name] = read_sheet(shared.folder / file)
            files[name] = noted(shared.folder / file, "table")
    for asked in table.questions:
        with found.part():
            given = asked.model_dump()
            questions.append(Question(**given | {key: tuple(given[key]) for key in ("wordings", "groups")}))
    found.settle()
    if not sheets:
        raise DesignError(f'{shared.where}: no table; name one, [tables] files = {{ stops = "stops.csv" }}')
    return Asking(
        tables=sheets,
        files=files,
        questions=tuple(questions),
        writers=tuple(shared.engines) or ("",),
        seed=shared.seed,
        title=shared.title,
        limits=Limits(**table.limits.model_dump()),
        **table.model_dump(include={"agree", "shown", "held", "replicates", "temperature", "max_tokens"}),
    )


KIND = Kind(
    name="tables",
    about="questions to tables, answered by SQL that an engine writes",
    keys=TablesTable,
    make=_make,
    analyses=("tables", "dispositions", "deviations"),
    needs=frozenset(),
    takes=frozenset(),
    told=Told(subject="writer of queries", unit="writer", units="writers", is_of_models=True),
)
