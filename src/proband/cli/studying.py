"""What `demo` and `run` share: plan, collect with a bar, tell the findings, report."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from proband.cli.talk import emit, out, progress, talk, tell_plan
from proband.designs.studies import Study
from proband.errors import DesignError
from proband.files import check_name
from proband.reports import findings, write_findings
from proband.reports.terminal import terminal
from proband.runs import Budget, Run, carry_out, plan
from proband.store import RunDirectory

STOPPED = 3
INTERRUPTED = 130


def folder_for(study: Study) -> Path:
    """Where a study runs unless told otherwise: ``runs/TITLE-ENGINE``."""
    engine = " ".join(address.split("?")[0] for address in dict.fromkeys(study.addresses.values()))
    name = "".join(c if c.isalnum() else "-" for c in f"{study.name}-{engine}".lower())
    return Path("runs") / "-".join(part for part in name.split("-") if part)


def carry_out_and_tell(
    study: Study,
    into: Path,
    *,
    as_json: bool,
    budget: Budget | None = None,
    retry_failed: bool = False,
    wait: bool = True,
) -> None:
    """Plan, collect and report a study; results go to stdout as JSON where asked for."""
    refuse_no_folder(into)
    talk.print(study.name, style="bold", markup=False)
    if not _is_finished(into):
        tell_plan(plan(study))
    with stopped(), progress() as watch:
        run = carry_out(study, into, budget=budget, watch=watch, retry_failed=retry_failed, wait=wait)
    found = findings(run)
    path = write_findings(found, run.path / "report.html")
    if as_json:
        emit({**found.as_dict(), "report": str(path)})
    else:
        out.print(terminal(found, out.width))
    talk.print(f"report: {path}", soft_wrap=True, markup=False)
    if not run.is_complete:
        talk.print(_how_to_go_on(run), soft_wrap=True, markup=False)
        raise typer.Exit(STOPPED)


def _how_to_go_on(run: Run) -> str:
    """What a run that is not complete lacks, and what to do about it."""
    if run.state == "waiting":
        return f"{len(run.open):,} questions are open: run the same command again when they are answered"
    if run.state == "stalled":
        held_up = "; ".join(list(run.stalled.values())[:3])
        return f"it cannot go on: {held_up}; mend the cause, and run it again with --retry-failed"
    return "stopped by the budget; run the same command with a larger one to go on"


def refuse_no_folder(into: Path) -> None:
    """Refuse an empty ``--into``, and one that no folder can be called."""
    if into == Path():
        raise DesignError("--into is empty; name a folder, e.g. --into runs/first")
    check_name(into, error=DesignError)


@contextmanager
def stopped() -> Iterator[None]:
    """Say what a Ctrl-C leaves, and exit with its code."""
    try:
        yield
    except KeyboardInterrupt:
        talk.print("stopped; everything that was done is kept: run the same command again to go on")
        raise typer.Exit(INTERRUPTED) from None


def _is_finished(into: Path) -> bool:
    return RunDirectory(into).is_there and Run(into).is_complete
