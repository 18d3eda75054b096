"""``proband review``: from files of records to a synthesis, step by step."""

from functools import partial
from typing import Annotated, Any

import typer

from proband.analyses.evidence import evidence_sections, synthesis_sections
from proband.analyses.screening import sections as screening_sections
from proband.analyses.section import Section
from proband.cli.choosing import EngineOption, StudyArgument, YesOption, engines_given
from proband.cli.stepping import go_through, steps_asked, tell_done, tell_project
from proband.cli.studying import ask_first, is_typed, much, stopped
from proband.cli.talk import progress, talk, tell_plan
from proband.literature.review.flow import in_words
from proband.literature.review.project import STEPS, Step
from proband.literature.review.steps import do, extraction_of, flow_in, screening_of, synthesis_of
from proband.literature.review.work import ReviewWork
from proband.reports import write_findings
from proband.reports.findings import Findings
from proband.runs import plan


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
    steps = steps_asked(step, go, STEPS)
    work = ReviewWork(study, engines=engines_given(engine or []), again=again)
    # No bar runs through what somebody types.
    with progress(is_shown="screen" not in steps or not is_typed(work.study)) as work.watch:
        told = go_through(work, steps, partial(_carried_out, work, yes=yes), go=go, skips_done=go and not step)
    tell_project(work, told, STEPS, as_json=json, is_listed=step is None)


def _carried_out(work: ReviewWork, step: Step, *, yes: bool) -> dict[str, Any]:
    """One step, and what it came to on stderr."""
    if step == "screen":
        planned = plan(work.screening())
        tell_plan(planned)
        if not yes:
            ask_first(much(planned.trials, planned.dollars or 0.0))
    with stopped():
        done = do(work, step)
    tell_done(done)
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
