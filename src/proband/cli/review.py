"""``proband review``: from files of records to a synthesis, step by step."""

from typing import Annotated, Any

import typer

from proband.analyses.evidence import evidence_sections, synthesis_sections
from proband.analyses.screening import sections as screening_sections
from proband.analyses.section import Section
from proband.cli.choosing import EngineOption, StudyArgument, YesOption, engines_given
from proband.cli.studying import ask_first, much, stopped
from proband.cli.talk import emit, progress, talk, tell_plan, tell_steps
from proband.errors import DesignError, meant
from proband.literature.review.flow import in_words
from proband.literature.review.project import STEPS, Step
from proband.literature.review.steps import do, extraction_of, flow_in, screening_of, synthesis_of
from proband.literature.review.work import ReviewWork
from proband.reports import write_findings
from proband.reports.findings import Findings
from proband.runs import plan
from proband.texts.gold.work import Waiting


def review(
    study: StudyArgument,
    step: Annotated[
        str | None, typer.Argument(help=f"One of {', '.join(STEPS)}; without one, where the review stands.")
    ] = None,
    go: Annotated[bool, typer.Option("--go", help="Do every step that can be done, until a person is needed.")] = False,
    engine: EngineOption = None,
    again: Annotated[bool, typer.Option("--again", help="Overwrite what was edited in the files of the step.")] = False,
    yes: YesOption = False,
    json: Annotated[bool, typer.Option("--json", help="What was done, on stdout as JSON.")] = False,
) -> None:
    """Review literature: read records, query and rank them, screen, extract evidence, sum up with a quotation each.

    Every step writes plain files into a folder beside the study file, which can be read and edited; what was made of
    an edited file is then stale. Stop it anywhere, and run the same command again. No step needs a language model.

    Example: `proband review examples/nudging.toml --go`
    """
    with progress() as watch:
        work = ReviewWork(study, engines=engines_given(engine or []), again=again, watch=watch)
        told: dict[str, Any] = {"study": str(study), "project": str(work.project.folder)}
        for name in _steps(step, go):
            if go and not step and work.standings()[name].state == "done":
                continue
            try:
                told[name] = _carried_out(work, name, yes=yes)
            except Waiting as waiting:
                if not go:
                    raise
                talk.print(f"waiting: {waiting}", soft_wrap=True, markup=False)
                told["waiting"] = str(waiting)
                break
    standings = work.standings()
    coming = next((name for name, held in standings.items() if held.state != "done"), None)
    if json:
        emit(told | {"steps": {name: held.as_dict() for name, held in standings.items()}, "next": coming})
    if step is None:
        tell_steps(STEPS, standings, f"proband review {study} {coming}" if coming else "")
    if "waiting" in told:
        raise typer.Exit(3)


def _steps(step: str | None, go: bool) -> list[Step]:
    names = list(STEPS)
    if step is None:
        return names if go else []
    if step not in names:
        raise DesignError(f"no step {step!r}{meant(step, names)}; the steps are {', '.join(names)}")
    place = [str(name) for name in names].index(step)
    return names[: place + 1] if go else [names[place]]


def _carried_out(work: ReviewWork, step: Step, *, yes: bool) -> dict[str, Any]:
    """One step, and what it came to on stderr."""
    if step == "screen":
        planned = plan(work.screening())
        tell_plan(planned)
        if not yes:
            ask_first(much(planned.trials, planned.dollars or 0.0))
    with stopped():
        done = do(work, step)
    for k, sentence in enumerate(done.told):
        talk.print(f"{step}: {sentence}" if k == 0 else f"  {sentence}", soft_wrap=True, markup=False, highlight=False)
    if step == "synthesise":
        path = write_findings(_findings(work), work.project.path("report.html"))
        talk.print(f"report: {path}", soft_wrap=True, markup=False)
    return dict(done.numbers)


def _findings(work: ReviewWork) -> Findings:
    """What the review came to, as it is told everywhere."""
    flow = Section(name="flow", heading="Flow of records", sentences=tuple(in_words(flow_in(work)).splitlines()))
    run = screening_of(work)
    screened = screening_sections(run) if run else ()
    evidence = evidence_sections(extraction_of(work), work.included())
    sections = [flow, *screened, *synthesis_sections(synthesis_of(work)), *evidence]
    return Findings(title=work.study.name, sections=tuple(sections))
