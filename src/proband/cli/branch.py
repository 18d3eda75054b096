"""``proband branch``: begin a run with another's answers up to a round."""

from pathlib import Path
from typing import Annotated

import typer

from proband import runs
from proband.cli.studying import refuse_no_folder
from proband.cli.talk import emit, talk


def branch(
    run: Annotated[Path, typer.Argument(help="Run directory to branch from.")],
    at: Annotated[int, typer.Option(help="Last round that is shared, counting from 1.")],
    into: Annotated[Path, typer.Option(help="New run directory.")],
    keep_past: Annotated[
        bool, typer.Option(help="Go on from that past even where the new design would have worded it otherwise.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The new run on stdout as JSON.")] = False,
) -> None:
    """Begin a new run with a run's answers up to a round; `run STUDY --into NEW` goes on from there, with other rules.

    Example: `proband branch runs/a-dilemma --at 3 --into runs/after-3`
    """
    refuse_no_folder(into)
    path = runs.branch(run, into, through_round=at, keep_past=keep_past)
    shared = sum(runs.Run(path).dispositions().values())
    if json:
        emit({"run": str(path), "parent": str(run), "through_round": at, "shared": shared})
    talk.print(f"{shared:,} answers up to round {at}: {path}", soft_wrap=True, markup=False)
