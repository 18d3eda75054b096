"""``proband cluster``: scripts by which a cluster carries out the parts of a study."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from proband import runs
from proband.cli.choosing import EngineOption, SampleOption, StudyArgument, chosen
from proband.cli.studying import folder_for, refuse_no_folder
from proband.cli.talk import emit, out, tell_rows
from proband.designs.part import Share
from proband.runs.division import divided
from proband.runs.locking import read_lock
from proband.runs.parts import part_of
from proband.runs.slurm import Wanted, write_scripts

cluster = typer.Typer(
    no_args_is_help=True,
    help="Scripts by which a cluster carries out a study in parts: `proband cluster slurm STUDY --parts 64`.",
)


@cluster.callback()
def _verbs() -> None:
    """Carry options that go before any verb."""


@cluster.command("slurm")
def slurm_(
    study: StudyArgument,
    parts: Annotated[int, typer.Option(help="Into how many parts; at most one for each independent unit.")],
    into: Annotated[Path | None, typer.Option(help="Run directory; default runs/TITLE-ENGINE.")] = None,
    engine: EngineOption = None,
    sample: SampleOption = None,
    time: Annotated[
        str, typer.Option(help="Time of a part, e.g. 02:00:00; default twice what the plan says, at least 10 minutes.")
    ] = "",
    gpus: Annotated[int, typer.Option(help="GPUs of a part.")] = 0,
    cpus: Annotated[int, typer.Option(help="Processors of a part.")] = 0,
    partition: Annotated[str, typer.Option(help="Slurm's partition.")] = "",
    account: Annotated[str, typer.Option(help="Slurm's account.")] = "",
    sbatch: Annotated[
        list[str] | None,
        typer.Option(help="Another option of sbatch, e.g. --sbatch=--constraint=a100; may be given again."),
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Folder on each node's own disk for journals; default $SLURM_TMPDIR or $TMPDIR.")
    ] = None,
    lock: Annotated[Path | None, typer.Option(help="Locked plan; default STUDY.lock.json beside it, if there.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Scripts, commands and plan on stdout as JSON.")] = False,
) -> None:
    """Write a job array of parts and the job that gathers them, and print the two commands; nothing is submitted.

    Example: `proband cluster slurm examples/anes1996.toml --parts 4 --into runs/divided`
    """
    wanted = Wanted(time=time, gpus=gpus, cpus=cpus, partition=partition, account=account, more=tuple(sbatch or ()))
    found = chosen(study, engine, sample)
    part_of(found, Share(1, parts))
    if lock is not None:
        read_lock(lock)
    folder = into or folder_for(found)
    refuse_no_folder(folder)
    division = divided(runs.plan(found), parts)
    proband = [sys.executable, "-m", "proband"]
    given = [word for address in engine or () for word in ("--engine", address)]
    given += [] if sample is None else ["--sample", str(sample)]
    own = [] if scratch is None else ["--scratch", str(scratch)]
    held = [] if lock is None else ["--lock", str(lock.resolve())]
    scripts = write_scripts(
        folder,
        run=[*proband, "run", str(study.resolve()), "--into", str(folder.resolve()), "--yes", *given, *own, *held],
        gather=[*proband, "gather", str(folder.resolve()), *own],
        name=found.name, division=division, wanted=wanted, here=Path.cwd(),
    )  # fmt: skip
    if json:
        emit(
            {
                "scripts": [str(scripts.parts), str(scripts.gather)], "commands": list(scripts.commands),
                "time": scripts.time, "plan": division.as_dict(),
            }
        )  # fmt: skip
        return
    tell_rows([*division.rows(), ("time limit", scripts.time)])
    for command in scripts.commands:
        out.print(command, soft_wrap=True, markup=False, highlight=False)
