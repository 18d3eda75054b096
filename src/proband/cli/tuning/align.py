"""``proband align``: a whole study of knowledge interventions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from proband.cli.studying import refuse_no_folder, stopped
from proband.cli.talk import duration, emit, out, talk
from proband.cli.tuning.listening import listener
from proband.models.local.capacity import readable

if TYPE_CHECKING:
    from proband.tuning.alignment import Aligned
    from proband.tuning.forecast import Forecast


def align(
    study: Annotated[
        str | None,
        typer.Argument(
            help="Study file (TOML), or a study that comes with Proband: toy, smollm2, "
            "ren2024-7b, ren2024-13b."
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Use this base model instead of the one in the study file: toy, smollm2, hf:FOLDER."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print how many runs and tokens, how much time and disk it will take, and stop."
        ),
    ] = False,
    into: Annotated[
        Path | None, typer.Option(help="Folder of the study (default: runs/align-STUDY).")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Write the findings to standard output as JSON.")
    ] = False,
) -> None:
    """Carry out a whole study of knowledge interventions: probe, build sets, train, evaluate, analyse.

    Run the command again to resume; finished stages are not done twice.

    Without a study file, --engine toy and --engine smollm2 carry out the studies of these names.

    Example: `proband align toy`
    """
    # The whole study's rooms load when one is carried out, not with every other verb.
    from proband.reports.interventions import write_interventions
    from proband.tuning.alignment import alignment_of
    from proband.tuning.forecast import forecast

    name = study or (engine if engine in ("toy", "smollm2") else None) or "toy"
    folder = into if into is not None else Path("runs") / f"align-{Path(name).stem}"
    refuse_no_folder(folder)
    base = engine if study is not None else None
    work = alignment_of(name, folder, base=base, listener=listener())
    planned = forecast(work.material)
    talk.print(work.file.title, style="bold", markup=False)
    if dry_run:
        if json:
            emit({"study": work.file.title, **planned.as_dict()})
        else:
            out.print(_plan(planned))
        return
    talk.print(_plan(planned))
    with stopped():
        done = work.carry_out()
    report = write_interventions(done.findings, folder / "report.html")
    if json:
        emit(done.findings.as_dict() | {"report": str(report)})
    else:
        _tell(done)
    talk.print(f"report: {report}", soft_wrap=True, markup=False)


def _plan(planned: "Forecast") -> Table:
    table = Table(box=None, pad_edge=False, title=planned.note, title_justify="left")
    table.add_column("stage")
    for column in ("runs", "trials or steps", "tokens", "this machine", "GPU hours"):
        table.add_column(column, justify="right")
    for stage in planned.stages:
        table.add_row(
            stage.name,
            f"{stage.runs:,}",
            f"{stage.units:,}",
            f"{stage.tokens:,}",
            "" if stage.seconds is None else duration(stage.seconds),
            "" if stage.gpu_hours is None else f"{stage.gpu_hours:.2f}",
        )
    seconds, hours = planned.seconds, planned.gpu_hours
    table.add_row(
        "all",
        "",
        "",
        f"{planned.tokens:,}",
        "" if seconds is None else duration(seconds),
        "" if hours is None else f"{hours:.2f}",
    )
    table.add_row("disk", readable(int(planned.disk_bytes)))
    return table


def _tell(done: "Aligned") -> None:
    table = Table(title="claims of the paper", title_justify="left", box=None, pad_edge=False)
    for column in ("claim", "test", "difference [95 %]", "verdict"):
        table.add_column(column)
    for verdict in done.findings.verdicts:
        table.add_row(verdict.claim.text, verdict.test, str(verdict.estimate), verdict.outcome)
    out.print(table)
    for warning in done.findings.warnings:
        out.print(f"warning: {warning}", style="yellow", markup=False)
