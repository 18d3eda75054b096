"""``proband plan``: what a study will take, before anything is sent."""

from pathlib import Path
from typing import Annotated

import typer

from proband import runs
from proband.cli.talk import emit, out, tell_plan
from proband.designs.studies import load_study


def plan(
    study: Annotated[Path, typer.Argument(help="Study file (TOML).")],
    engine: Annotated[str | None, typer.Option(help="Address instead of the file's.")] = None,
    sample: Annotated[int | None, typer.Option(help="Number of subjects instead of the file's.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The plan on stdout as JSON.")] = False,
) -> None:
    """Count trials, tokens, time, price and the smallest detectable effect; nothing is sent.

    Example: `proband plan examples/anes1996.toml --sample 500`
    """
    found = load_study(study, engine=engine, sample=sample)
    planned = runs.plan(found.survey, found.engine)
    if json:
        emit({"study": found.name, "engine": found.engine, **planned.as_dict()})
        return
    tell_plan(planned, found.engine, out)
    for note in planned.notes:
        out.print(f"note: {note}", soft_wrap=True)
