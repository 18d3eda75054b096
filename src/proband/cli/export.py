"""``proband export``: a run's responses as CSV or Parquet."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.talk import emit, talk
from proband.runs import Run
from proband.store.tables import write_table


def export(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    to: Annotated[Path, typer.Option(help="File to write, ending in .csv or .parquet.")] = Path("responses.csv"),
    wide: Annotated[bool, typer.Option(help="One row a subject, one column an item.")] = False,
    values: Annotated[str, typer.Option(help="With --wide: answer (option index), value (scale points) or label.")] = (
        "label"
    ),
    json: Annotated[bool, typer.Option("--json", help="Path and size on stdout as JSON.")] = False,
) -> None:
    """Write the responses, one row each, for R, SPSS, Excel or a notebook.

    Example: `proband export runs/demo-smollm2 --to answers.csv --wide`
    """
    found = Run(run)
    table = found.wide(values) if wide else found.table()
    path = write_table(table, to)
    if json:
        emit({"path": str(path), "rows": table.height, "columns": table.columns})
    talk.print(f"{table.height:,} rows: {path}", soft_wrap=True, markup=False)
