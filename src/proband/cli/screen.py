"""``proband screen``: a labelled set screened again to see what rules cost, or the decisions of a run as a table."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from proband.analyses.simulated_screening import simulated_sections
from proband.cli.choosing import refuse_unread
from proband.cli.talk import emit, out, talk
from proband.literature.records.library import read_library
from proband.literature.screening.decisions import decisions_of
from proband.literature.screening.ranker import AUTO, encoder_named, views_by
from proband.literature.screening.simulation import labels_in, simulate
from proband.reports.findings import Findings
from proband.reports.terminal import terminal
from proband.runs import Run


def screen(
    source: Annotated[Path, typer.Argument(help="Records with decisions, to simulate; or the folder of a run.")],
    column: Annotated[
        str | None, typer.Option("--simulate", help="Column of the decisions: include, exclude, or 1, 0.")
    ] = None,
    priors: Annotated[
        int | None, typer.Option(help="How often it is screened, from two records each. Default: 5.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Of sentence vectors: minilm where installed (default), words, none.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all draws. Default: 1.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Everything on stdout as JSON.")] = False,
) -> None:
    """Simulate the screening of a labelled set, or write the decisions of a run as CSV.

    To screen records, write a study file with a table `[screening]` and give it to `proband run`.

    Example: `proband screen records.csv --simulate included --encoder none`
    """
    if column is None:
        refuse_unread(
            "only a simulation reads it; name the column of the decisions, --simulate COLUMN",
            priors=priors, encoder=encoder, seed=seed,
        )  # fmt: skip
        run = Run(source)
        found = decisions_of(run)
        if json:
            emit({"decisions": found.to_dicts(), "state": run.state})
        else:
            sys.stdout.write(found.write_csv())
        if not run.is_complete:
            talk.print(f"{source} is {run.state}: decisions so far", soft_wrap=True, markup=False)
        return
    library = read_library(source)
    labels = labels_in(library, column)
    used = encoder_named(encoder or AUTO)
    views = views_by([record.text for record in library.records.values()], used)
    done = simulate(views, labels, priors=5 if priors is None else priors, seed=1 if seed is None else seed)
    told = Findings(
        title=f"Screening of {library.name}",
        sections=tuple(simulated_sections(done, used)),
        warnings=tuple(map(str, library.remarks)),
    )
    if json:
        emit(told.as_dict())
    else:
        out.print(terminal(told, out.width, is_whole=True))
