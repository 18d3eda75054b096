"""``proband export``: a run's responses as CSV or Parquet."""

from pathlib import Path
from typing import Annotated

import typer

from proband.analyses.lives import transcripts as told_lives
from proband.cli.choosing import refuse_unread
from proband.cli.talk import emit, talk
from proband.errors import DesignError
from proband.interviews.transcripts import documents
from proband.runs import Run
from proband.store.tables import wide_table, write_table


def export(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    to: Annotated[Path, typer.Option(help="File to write, ending in .csv or .parquet.")] = Path("responses.csv"),
    wide: Annotated[bool, typer.Option(help="One row a subject, one column an item.")] = False,
    values: Annotated[
        str | None,
        typer.Option(help="With --wide: answer (option index), value (scale points) or label, which is the default."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Only responses with COLUMN=VALUE; also 'mass<=0.5', 'text~WORDS'. May be given again."),
    ] = None,
    lives: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of societies: transcripts of so many agents each, one row an agent and arm, to compare."
        ),
    ] = None,
    transcripts: Annotated[
        str | None,
        typer.Option(
            help="Of interviews: a corpus to code, one row an answer (`turns`) or one row an interview (`interviews`)."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Path and size on stdout as JSON.")] = False,
) -> None:
    """Write the responses, one row each, for R, SPSS, Excel or a notebook.

    Example: `proband export runs/demo-smollm2 --to answers.csv --wide`
    """
    if not wide:
        refuse_unread("it says what stands in the cells of --wide; add --wide, or leave it out", values=values)
    found = Run(run)
    if lives is not None or transcripts is not None:
        refuse_unread("transcripts have rows of their own; leave it out", wide=wide or None, where=where)
    if transcripts is not None:
        refuse_unread("it is about societies; leave it out", lives=lives)
        if transcripts not in ("turns", "interviews"):
            raise DesignError(f"--transcripts is {transcripts!r}; write turns or interviews")
        chosen = documents(found, "turns" if transcripts == "turns" else "interviews")
    elif lives is not None:
        chosen = told_lives(found, most=lives)
    else:
        chosen = found.where(*where) if where else found.table()
    table = wide_table(chosen, values or "label") if wide else chosen
    path = write_table(table, to)
    for column in table.columns if wide else ():
        if column not in found.items and (item := column.removeprefix("item_")) in found.items:
            talk.print(f"note: the column {column} holds the item {item!r}", soft_wrap=True, markup=False)
    if json:
        emit({"path": str(path), "rows": table.height, "columns": table.columns})
    talk.print(f"{table.height:,} rows: {path}", soft_wrap=True, markup=False)
