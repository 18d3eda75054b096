"""``proband align``: a whole study of knowledge interventions."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from proband.cli.choosing import YesOption, refuse_unread
from proband.cli.studying import MOST_TRIALS, ask_first, refuse_no_folder, stopped
from proband.cli.talk import duration, emit, out, talk
from proband.cli.tuning.listening import listener
from proband.models.local.capacity import readable

if TYPE_CHECKING:
    from proband.tuning.forecast import Forecast


def align(
    study: Annotated[
        str | None,
        typer.Argument(
            help="Study file (TOML), or a study that comes with Proband: toy, smollm2, ren2024 (all four models), "
            "ren2024-7b, ren2024-13b, ren2024-70b, ren2024-mistral."
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="Use this base model instead of the one in the study file: toy, smollm2, hf:FOLDER."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print how many runs and tokens, how much time and disk it will take, and stop."
        ),
    ] = False,
    into: Annotated[Path | None, typer.Option(help="Folder of the study (default: runs/align-STUDY).")] = None,
    yes: YesOption = False,
    json: Annotated[bool, typer.Option("--json", help="Write the findings to standard output as JSON.")] = False,
) -> None:
    """Carry out a whole study of knowledge interventions: probe, build sets, train, evaluate, analyse.

    Run the command again to resume; finished stages are not done twice. Without a study file, --engine toy and
    --engine smollm2 carry out the studies of these names.

    Example: `proband align toy`
    """
    # The whole study's rooms load when one is carried out, not with every other verb.
    from proband.analyses.intervention_verdicts import VERDICTS
    from proband.reports.interventions import intervention_findings, write_interventions
    from proband.reports.terminal import terminal
    from proband.tuning.alignment import alignment_of
    from proband.tuning.forecast import forecast

    if study is None and engine not in (None, "toy", "smollm2"):
        refuse_unread("no study is named that takes another base model; name one, e.g. smollm2", engine=engine)
    name = study or (engine if engine in ("toy", "smollm2") else None) or "toy"
    folder = into if into is not None else Path("runs") / f"align-{Path(name).stem}"
    refuse_no_folder(folder)
    base = engine if study is not None else None
    work = alignment_of(name, folder, base=base, listener=listener())
    planned = forecast(work.material)
    talk.print(work.file.title, style="bold", markup=False)
    if not (dry_run and json):
        _tell_plan(planned, out if dry_run else talk)
    if dry_run:
        if json:
            emit({"study": work.file.title, **planned.as_dict()})
        return
    if not yes and (units := sum(stage.units for stage in planned.stages)) > MOST_TRIALS:
        ask_first(f"these are {units:,} trials and steps of training")
    with stopped():
        done = work.carry_out()
    found = intervention_findings(done.findings)
    report = write_interventions(done.findings, folder / "report.html")
    if json:
        emit(found.as_dict() | {"report": str(report)})
    else:
        verdicts = tuple(section for section in found.sections if section.chapter == VERDICTS)
        out.print(terminal(replace(found, sections=verdicts), out.width))
    talk.print(f"report: {report}", soft_wrap=True, markup=False)


def _tell_plan(planned: "Forecast", console: Console) -> None:
    from proband.analyses.answers import tabled
    from proband.analyses.section import Section
    from proband.reports.findings import Findings
    from proband.reports.terminal import terminal

    seconds = [*(stage.seconds for stage in planned.stages), planned.seconds]
    times = ["" if one is None else duration(one) for one in seconds]
    names = [f"{one.base}: {one.name}" if one.base else one.name for one in planned.stages]
    stages = [
        (name, one.runs, one.units, one.tokens, one.gpu_hours) for name, one in zip(names, planned.stages, strict=True)
    ]
    rows = [*stages, ("all", None, None, planned.tokens, planned.gpu_hours)]
    counts = {"runs": "count", "trials or steps": "count", "tokens": "count"}
    table = tabled(
        {"stage": "text", **counts, "GPU hours": "number", "time here": "text"},  # type: ignore[dict-item]
        ((*row, time) for row, time in zip(rows, times, strict=True)),
        digits=2,
    )
    room = planned.room
    notes = [
        f"on the disk: {readable(room.left_bytes)} are left; {readable(room.most_bytes)} at most are taken at a time"
    ]
    if room.memory_bytes:
        notes.append(f"memory of the largest run: {readable(room.memory_bytes)}; held by {' or '.join(room.devices)}")
    section = Section(name="plan", heading=planned.note, table=table, notes=tuple(notes))
    console.print(terminal(Findings(title="", sections=(section,)), console.width))
