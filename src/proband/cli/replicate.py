"""``proband replicate``: classic studies on one engine, on one page."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.studying import refuse_no_folder, stopped
from proband.cli.talk import emit, out, talk
from proband.designs.catalogue import shelf
from proband.errors import DesignError
from proband.replications.replicating import replicate as carry_out_all
from proband.replications.replicating import told
from proband.replications.replication import plain, replications
from proband.reports import write_findings
from proband.reports.terminal import terminal


def replicate(
    studies: Annotated[list[str] | None, typer.Argument(help="Studies of the shelf, by name.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    engine: Annotated[
        str, typer.Option(help="Who answers: an address, or scripted (people made to show the published effects).")
    ] = "smollm2",
    into: Annotated[Path, typer.Option(help="Folder for the runs, one a study, and the page.")] = Path("replications"),
    sample: Annotated[int | None, typer.Option(help="Number of subjects instead of each file's.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Carry out classic studies on an engine; every effect beside people's, pass or miss by a rule stated beforehand.

    Example: `proband replicate gain-loss anchoring --engine scripted`
    """
    refuse_no_folder(into)
    if all_ == bool(studies):
        raise DesignError(
            f"name studies, or give --all, not {'both' if all_ else 'neither'}; there are {', '.join(shelf())}"
        )
    chosen = replications(list(shelf()) if all_ else studies or [])
    with stopped():
        done = carry_out_all(
            chosen, engine, into, sample=sample, tell=lambda line: talk.print(line, soft_wrap=True, markup=False)
        )
    found = told(done, engine)
    path = write_findings(found, into / "replications.html")
    if json:
        effects = {one.replication.name: [plain(effect) for effect in one.effects] for one in done}
        refused = {one.replication.name: one.refused for one in done if one.refused}
        emit({"engine": engine, "effects": effects, "refused": refused, "report": str(path)})
    else:
        out.print(terminal(found, out.width))
    talk.print(f"report: {path}", soft_wrap=True, markup=False)
