"""``proband branch``: begin a run with another's answers up to a round."""

from pathlib import Path
from typing import Annotated

import typer

from proband import runs
from proband.cli.choosing import chosen
from proband.cli.studying import refuse_no_folder
from proband.cli.talk import emit, talk
from proband.designs.catalogue import study_path


def branch(
    run: Annotated[Path, typer.Argument(help="Run directory to branch from.")],
    at: Annotated[int, typer.Option(help="Last round that is shared, counting from 1.")],
    into: Annotated[Path | None, typer.Option(help="New run directory; default RUN-after-ROUND.")] = None,
    with_: Annotated[
        Path | None,
        typer.Option("--with", help="Study file that goes on there; refused where its past would read otherwise."),
    ] = None,
    keep_past: Annotated[
        bool, typer.Option(help="Go on from that past even where the new design would have worded it otherwise.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The new run on stdout as JSON.")] = False,
) -> None:
    """Begin a new run with a run's answers up to a round; `run STUDY --into NEW` goes on from there, with other rules.

    With `--with FILE` the past is compared at once, words and states, and only what that study asks is taken over.

    Example: `proband branch runs/a-dilemma --at 3 --into runs/after-3`
    """
    into = run.with_name(f"{run.name}-after-{at}") if into is None else into
    refuse_no_folder(into)
    goes_on = None if with_ is None else chosen(study_path(with_)).design
    path = runs.branch(run, into, through_round=at, design=goes_on, keep_past=keep_past)
    shared = sum(runs.Run(path).dispositions().values())
    if json:
        emit({"run": str(path), "parent": str(run), "through_round": at, "shared": shared})
    talk.print(f"{shared:,} answers up to round {at}: {path}", soft_wrap=True, markup=False)
    if with_ is not None:
        talk.print(f"`proband run {with_} --into {path}` goes on from there", soft_wrap=True, markup=False)
