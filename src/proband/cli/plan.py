"""``proband plan``: what a study will take, before anything is sent."""

from typing import Annotated

import typer

from proband import runs
from proband.cli.choosing import EngineOption, SampleOption, StudyArgument, chosen
from proband.cli.talk import emit, out, tell_plan, tell_rows
from proband.designs.part import Share
from proband.designs.seat_table import seat_table
from proband.designs.seated import pay_of
from proband.runs.division import divided
from proband.runs.parts import part_of


def plan(
    study: StudyArgument,
    engine: EngineOption = None,
    sample: SampleOption = None,
    simulate: Annotated[
        bool, typer.Option(help="Also simulate this very design on scripted people, for the power of its hypotheses.")
    ] = False,
    parts: Annotated[
        int | None, typer.Option(min=1, help="Also say what it takes in so many parts, side by side.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The plan on stdout as JSON.")] = False,
) -> None:
    """Count trials, tokens, time, price and the smallest effect a study could find; nothing is sent.

    Example: `proband plan examples/anes1996.toml --sample 500`
    """
    found = chosen(study, engine, sample)
    if parts is not None:
        part_of(found, Share(1, parts))
    planned = runs.plan(found, simulate=simulate)
    division = None if parts is None else divided(planned, parts)
    if json:
        emit({**planned.as_dict(), **({} if division is None else {"parts": division.as_dict()})})
        return
    tell_plan(planned, out)
    if division is not None:
        tell_rows(division.rows(), out)
    if (table := seat_table(study)) is not None:
        roles = [role for role, address in found.addresses.items() if address == "seat"]
        out.print(f"people: {pay_of(found.design, roles, table)}", soft_wrap=True)
    for note in planned.notes:
        out.print(f"note: {note}", soft_wrap=True)
