"""``proband code``: from a codebook to a corrected claim, step by step."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from proband.cli.choosing import EngineOption, StudyArgument, YesOption, engines_by_role, refuse_unread
from proband.cli.stepping import go_through, steps_asked, tell_done, tell_project
from proband.cli.studying import ask_first, much, stopped
from proband.cli.talk import out, progress, talk, tell_plan
from proband.errors import DataError
from proband.reports import findings, write_findings
from proband.reports.terminal import terminal
from proband.runs import Run, plan
from proband.texts.fragility.steps import grid_of
from proband.texts.gold.from_people import take_in
from proband.texts.gold.project import CORRECTED, LATER, STEPS, Step
from proband.texts.gold.steps import Done, Work, do

_TOLD: Mapping[str, list[str]] = {"correct": ["claims"], "fragility": ["fragility"], "drift": ["drift"]}
_ASK = ("tune", "validate", "run")  # steps that ask engines


def code(
    study: StudyArgument,
    step: Annotated[
        str | None, typer.Argument(help=f"One of {', '.join((*STEPS, *LATER))}; without one, where the project stands.")
    ] = None,
    go: Annotated[bool, typer.Option("--go", help="Do every step that can be done, until a person is needed.")] = False,
    from_: Annotated[
        list[Path] | None,
        typer.Option("--from", help="With import: a file of people's codes to take in; may be given again."),
    ] = None,
    engine: EngineOption = None,
    again: Annotated[bool, typer.Option("--again", help="Overwrite what was edited in the files of the step.")] = False,
    yes: YesOption = False,
    json: Annotated[bool, typer.Option("--json", help="What was done, on stdout as JSON.")] = False,
) -> None:
    """From a codebook to a claim: draw gold, take in people's codes, tune, lock, validate, code the corpus, correct.

    Every step writes plain files into a folder beside the study file, which can be read and edited; what was made of
    an edited file is then stale. Stop it anywhere, and run the same command again.

    Example: `proband code examples/manifesto.toml --go`
    """
    steps = steps_asked(step, go, STEPS, tuple(LATER))
    if from_ and steps != ["import"]:
        refuse_unread("it goes with the step import", **{"from": from_})
    with progress() as watch:
        work = Work(study, engines=engines_by_role(engine), again=again, watch=watch)
        if from_:
            take_in(work, from_)
        told = go_through(
            work, steps, partial(_carried_out, work, yes=yes, as_json=json), go=go, skips_done=go and not step
        )
    later = {name: held for name, held in work.later().items() if held.state != "open"}
    tell_project(work, told, {**STEPS, **LATER}, as_json=json, is_listed=step is None, later=later)


def _carried_out(work: Work, step: Step, *, yes: bool, as_json: bool) -> Mapping[str, Any]:
    """One step, and what it came to on stderr."""
    if step == "run" and not yes:
        planned = plan(work.of(work.protocol().coder))
        tell_plan(planned)
        ask_first(much(planned.trials, planned.dollars or 0.0))
    if step == "fragility" and not yes:
        plans = [plan(study) for study in grid_of(work)[1].values()]
        ask_first(much(sum(of.trials for of in plans), sum(of.dollars or 0.0 for of in plans)))
    with stopped():
        done = do(work, step)
    tell_done(done)
    if step == "replay":
        return _replayed(work, done)
    return _found(work, done, as_json=as_json) if step in _TOLD else done.numbers


def _found(work: Work, done: Done, *, as_json: bool) -> Mapping[str, Any]:
    """What a step came to, told where all findings are told."""
    run = Run(done.numbers["run"])
    found = findings(run, only=_TOLD[done.step])
    if done.step == "correct":
        found.table().write_csv(work.project.path(CORRECTED))
    whole = found if done.step == "correct" else findings(run, only=["claims", done.step])
    path = write_findings(whole, work.project.path("report.html" if done.step == "correct" else f"{done.step}.html"))
    if not as_json:
        out.print(terminal(found, out.width, is_whole=True))
    talk.print(f"report: {path}", soft_wrap=True, markup=False)
    return {**found.as_dict(), "report": str(path)}


def _replayed(work: Work, done: Done) -> Mapping[str, Any]:
    """Whether claims and corrected numbers are, to the byte, what stands in the project."""
    table = findings(Run(done.numbers["replayed"]), only=["claims"]).table().write_csv()
    path = work.project.path(CORRECTED)
    is_same = done.numbers["is_same"] and path.exists() and path.read_bytes() == table.encode()
    if not is_same:
        raise DataError(
            f"{path}: the stored run now gives other claims or numbers than are written there; "
            f"`proband code {work.project.study} correct` writes them anew, and the two can be compared"
        )
    talk.print("the same claims and the same numbers, to the byte, and nobody was asked", soft_wrap=True)
    return done.numbers
