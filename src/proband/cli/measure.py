"""``proband measure``: what a run says, item by item."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.results import tell_results
from proband.cli.talk import emit
from proband.reports import compare
from proband.runs import Run


def measure(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Trait dividing people into subgroups; may be given again. Default: those with few levels."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Everything on stdout as JSON.")] = False,
) -> None:
    """Shares, distances from people with intervals, null rows and the noise floor; works during a run too.

    Example: `proband measure runs/demo-smollm2 --json`
    """
    comparison = compare(Run(run), by=by)
    if json:
        emit(comparison.as_dict())
    else:
        tell_results(comparison)
