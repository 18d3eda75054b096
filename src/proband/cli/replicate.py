"""``proband replicate``: classic studies on one engine, on one page."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from proband.addresses.opening import check_address
from proband.cli.choosing import YesOption
from proband.cli.studying import STOPPED, ask_first, folder_of, much, refuse_no_folder, stopped
from proband.cli.talk import emit, out, progress, talk
from proband.designs.catalogue import SHELF, shelf
from proband.errors import DesignError, ProbandError
from proband.replications.replicating import replicate as carry_out_all
from proband.replications.replicating import told
from proband.replications.replication import SCRIPTED, Replication, plain, replications
from proband.reports import write_findings
from proband.reports.terminal import terminal
from proband.runs import plan


def replicate(
    studies: Annotated[list[str] | None, typer.Argument(help="Studies of the shelf, by name.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    engine: Annotated[
        str, typer.Option(help="Who answers: an address, or scripted (people made to show the published effects).")
    ] = "smollm2",
    into: Annotated[
        Path | None, typer.Option(help="Folder for the runs, one a study, and the page; default replications/ENGINE.")
    ] = None,
    sample: Annotated[
        int | None, typer.Option(help="Number of subjects instead of each file's; of games, of matches.")
    ] = None,
    yes: YesOption = False,
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Carry out classic studies on an engine; every effect beside people's, pass or miss by a rule stated beforehand.

    The same command again resumes, and nothing already answered is asked twice.

    Example: `proband replicate gain-loss anchoring --engine scripted`
    """
    folder = Path("replications") / folder_of(engine) if into is None else into
    refuse_no_folder(folder)
    if all_ == bool(studies):
        raise DesignError(
            f"name studies, or give --all, not {'both' if all_ else 'neither'}; there are {', '.join(shelf())}"
        )
    if sample is not None and sample < 1:
        raise DesignError(f"--sample is {sample}; ask one subject at least, or leave it out")
    names = list(dict.fromkeys(name.removeprefix(SHELF) for name in studies or shelf()))
    chosen = replications(names)
    if engine != SCRIPTED:
        check_address(engine)
    if not yes and ":" in engine and not engine.startswith("scripted:"):
        ask_first(_much(chosen, engine, sample))
    with stopped(), progress() as watch:
        done = carry_out_all(
            chosen, engine, folder, sample=sample, watch=watch,
            tell=lambda line: talk.print(line, soft_wrap=True, markup=False),
        )  # fmt: skip
    found = told(done, engine)
    path = write_findings(found, folder / "replications.html")
    if json:
        emit(
            {
                "engine": engine,
                "effects": {one.replication.name: [plain(effect) for effect in one.effects] for one in done},
                "answers": {one.replication.name: one.dispositions for one in done},
                "awareness": {
                    one.replication.name: {name: value.as_dict() for name, value in one.aware.items()}
                    for one in done
                    if one.aware
                },
                "refused": {one.replication.name: one.refused for one in done if one.refused},
                "report": str(path),
            }
        )
    else:
        out.print(terminal(found, out.width))
    talk.print(f"report: {path}", soft_wrap=True, markup=False)
    if any(one.run is not None and not one.run.is_complete for one in done):
        raise typer.Exit(STOPPED)
    if all(one.refused for one in done):
        raise DesignError(f"none of these studies could be carried out: {done[0].refused}")


def _much(chosen: Sequence[Replication], engine: str, sample: int | None) -> str:
    """What all of them take together, as far as an engine can take them."""
    trials, dollars = 0, 0.0
    for replication in chosen:
        with suppress(ProbandError):
            planned = plan(replication.study(engine, sample=sample))
            trials, dollars = trials + planned.trials, dollars + (planned.dollars or 0.0)
    return much(trials, dollars)
