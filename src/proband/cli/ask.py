"""``proband ask``: put an instrument to the agents of a run after some round."""

from pathlib import Path
from typing import Annotated

import typer

from proband.cli.choosing import EngineOption, YesOption, engines_by_role
from proband.cli.studying import carry_out_and_tell
from proband.designs.studies import Study
from proband.instruments import load_instrument
from proband.runs import Run


def ask(
    run: Annotated[Path, typer.Argument(help="Run directory of societies.")],
    at: Annotated[int, typer.Option(help="After which round; 0 is before the first.")],
    use: Annotated[str, typer.Option(help="Instrument: an id of `proband list instruments`, or a file.")],
    only: Annotated[list[str] | None, typer.Option(help="Item to ask; again for several.")] = None,
    agents: Annotated[
        list[int] | None, typer.Option(help="Number of an agent; again for several. Default all.")
    ] = None,
    engine: EngineOption = None,
    into: Annotated[Path | None, typer.Option(help="New run directory; default RUN-asked-after-ROUND.")] = None,
    yes: YesOption = False,
    json: Annotated[bool, typer.Option("--json", help="Results on stdout as JSON.")] = False,
) -> None:
    """Interview the agents of a run: its societies are gone through again up to a round, and the run stays as it is.

    Example: `proband ask runs/crowd --at 2 --use anes-1996 --only vote`
    """
    from proband.societies.interviewing import interviews_of

    instrument = load_instrument(use).subset(tuple(only)) if only else load_instrument(use)
    design = interviews_of(run, instrument, at=at, agents=agents)
    known = {**Run(run).manifest["engine"]}
    given = {"": engine[0]} if engine and len(engine) == 1 and "=" not in engine[0] else engines_by_role(engine) or {}
    engines = known | given
    study = Study(design, {role: engines[role] for role in design.roles() if role in engines})
    folder = into or run.with_name(f"{run.name}-asked-after-{at}")
    carry_out_and_tell(study, folder, as_json=json, yes=yes)
