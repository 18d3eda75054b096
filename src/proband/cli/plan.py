"""``proband plan``: what a study will take, before anything is sent."""

from typing import Annotated

import typer

from proband import runs
from proband.cli.choosing import EngineOption, SampleOption, StudyArgument, chosen
from proband.cli.talk import emit, out, tell_plan
from proband.designs.seat_table import seat_table
from proband.designs.seated import pay_of


def plan(
    study: StudyArgument,
    engine: EngineOption = None,
    sample: SampleOption = None,
    simulate: Annotated[
        bool, typer.Option(help="Also simulate this very design on scripted people, for the power of its hypotheses.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The plan on stdout as JSON.")] = False,
) -> None:
    """Count trials, tokens, time, price and the smallest effect a study could find; nothing is sent.

    Example: `proband plan examples/anes1996.toml --sample 500`
    """
    found = chosen(study, engine, sample)
    planned = runs.plan(found, simulate=simulate)
    if json:
        emit(planned.as_dict())
        return
    tell_plan(planned, out)
    if (table := seat_table(study)) is not None:
        roles = [role for role, address in found.addresses.items() if address == "seat"]
        out.print(f"people: {pay_of(found.design, roles, table)}", soft_wrap=True)
    for note in planned.notes:
        out.print(f"note: {note}", soft_wrap=True)
