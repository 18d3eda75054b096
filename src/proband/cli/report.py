"""``proband report``: one self-contained page about a run."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.talk import emit, talk
from proband.reports import write_report
from proband.runs import Run


def report(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    to: Annotated[Path | None, typer.Option(help="File to write; default report.html in the run.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Trait dividing people into subgroups; may be given again. Default: those with few levels."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The path on stdout as JSON.")] = False,
) -> None:
    """Write report.html (opens offline) and its twin report.json.

    Example: `proband report runs/demo-smollm2`
    """
    path = write_report(Run(run), to, by=by)
    if json:
        emit({"report": str(path)})
    talk.print(f"report: {path}", soft_wrap=True, markup=False)
