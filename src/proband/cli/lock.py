"""``proband lock``: write a study's plan down before it is carried out."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.choosing import EngineOption, SampleOption, StudyArgument, chosen
from proband.cli.talk import emit, talk
from proband.runs.locking import lock_beside, lock_study


def lock(
    study: StudyArgument,
    to: Annotated[
        Path | None, typer.Option(help="File to write; default STUDY.lock.json beside the study file.")
    ] = None,
    engine: EngineOption = None,
    sample: SampleOption = None,
    json: Annotated[bool, typer.Option("--json", help="The lock on stdout as JSON.")] = False,
) -> None:
    """Write a study's plan with a hash over it, for a preregistration; `run` then reports what was done otherwise.

    Example: `proband lock examples/experiment.toml`
    """
    path = to or lock_beside(study)
    made = lock_study(chosen(study, engine, sample), path)
    if json:
        emit(made)
    talk.print(f"locked: {path}, hash {made['hash']}", soft_wrap=True, markup=False)
