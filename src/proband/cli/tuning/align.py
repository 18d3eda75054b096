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
from proband.errors import DesignError
from proband.models.local.capacity import readable

if TYPE_CHECKING:
    from proband.tuning.analysis import findings as tuning
    from proband.tuning.forecast import Forecast


def align(
    study: Annotated[
        str | None,
        typer.Argument(
            help="Study file (TOML), or a study that comes with Proband: toy, smollm2, planted, ren2024 (all four "
            "models), ren2024-7b, ren2024-13b, ren2024-70b, ren2024-mistral."
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Argument(help="After `read`: folder of probabilities that others computed.")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Use this base model instead of the one in the study file: toy, smollm2, planted, hf:FOLDER."
        ),
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
    --engine smollm2 carry out the studies of these names. `proband align read FOLDER` trains nothing: it analyses
    probabilities that others computed, as published by Ren et al., as lm-eval logs them, or in a table.

    Example: `proband align toy`
    """
    # The whole study's rooms load when one is carried out, not with every other verb.
    from proband.runs.stages import is_first_process
    from proband.tuning.alignment import alignment_of
    from proband.tuning.forecast import forecast

    if study == "read":
        refuse_unread("align read only analyses; leave it out", engine=engine, dry_run=dry_run or None)
        _read(folder, into, as_json=json)
        return
    if folder is not None:
        refuse_unread("a folder is read by `proband align read FOLDER`", folder=folder)
    if study is None and engine not in (None, "toy", "smollm2"):
        refuse_unread("no study is named that takes another base model; name one, e.g. smollm2", engine=engine)
    name = study or (engine if engine in ("toy", "smollm2") else None) or "toy"
    at = into if into is not None else Path("runs") / f"align-{Path(name).stem}"
    refuse_no_folder(at)
    base = engine if study is not None else None
    work = alignment_of(name, at, base=base, listener=listener() if is_first_process() else None)
    if work.file.portraits is not None:
        from proband.portraits.portrait import chosen

        chosen(work.file.portraits.batteries)  # a name that there is not is refused now
    planned = forecast(work.material)
    if is_first_process():
        talk.print(work.file.title, style="bold", markup=False)
    if is_first_process() and not (dry_run and json):
        _tell_plan(planned, out if dry_run else talk)
    if dry_run:
        if json:
            emit({"study": work.file.title, **planned.as_dict()})
        return
    if not yes and (units := sum(stage.units for stage in planned.stages)) > MOST_TRIALS:
        ask_first(f"these are {units:,} trials and steps of training")
    with stopped():
        done = work.carry_out()
    if is_first_process():
        _tell(done.findings, at, as_json=json)
        if work.file.portraits is not None:
            from proband.cli.tuning.portraying import portray_models

            for page in portray_models(done, work.file.portraits, at / "portraits"):
                talk.print(f"portrait: {page}", soft_wrap=True, markup=False)


def _read(folder: Path | None, into: Path | None, *, as_json: bool) -> None:
    from proband.tuning.reading import read_study

    if folder is None:
        raise DesignError("align read needs the folder of the probabilities: proband align read FOLDER")
    at = into if into is not None else Path("runs") / f"read-{folder.resolve().stem}"
    refuse_no_folder(at)
    _tell(read_study(folder), at, as_json=as_json)


def _tell(findings: "tuning.Findings", at: Path, *, as_json: bool) -> None:
    """Write the page, and the verdicts to the terminal."""
    from proband.analyses.intervention_verdicts import VERDICTS
    from proband.analyses.supervision import supervision_sections
    from proband.reports.interventions import intervention_findings, write_interventions
    from proband.reports.terminal import terminal

    at.mkdir(parents=True, exist_ok=True)
    found = intervention_findings(findings)
    report = write_interventions(findings, at / "report.html")
    if as_json:
        emit(found.as_dict() | {"report": str(report)})
    else:
        verdicts = [section for section in found.sections if section.chapter == VERDICTS]
        supervised = [one for one in supervision_sections(findings) if not one.name.endswith("-domains")]
        shown = tuple(supervised or verdicts)
        out.print(terminal(replace(found, sections=shown), out.width))
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
    notes = [f"on the disk: {readable(room.left_bytes)} are left, {readable(room.most_bytes)} are taken at most"]
    if room.memory_bytes:
        notes.append(f"memory of the largest run: {readable(room.memory_bytes)}; held by {' or '.join(room.devices)}")
    section = Section(name="plan", heading=planned.note, table=table, notes=tuple(notes))
    console.print(terminal(Findings(title="", sections=(section,)), console.width))
