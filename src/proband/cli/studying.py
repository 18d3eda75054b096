"""What `demo` and `run` share: plan, collect with a bar, tell the findings, report."""

import re
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import typer

from proband.cli.talk import emit, out, progress, talk, tell_plan, tell_rows
from proband.designs import Design
from proband.designs.part import Share
from proband.designs.studies import Engines, Study
from proband.errors import DesignError
from proband.files import check_name
from proband.reports import findings, write_findings
from proband.reports.terminal import terminal
from proband.runs import Budget, Plan, Run, carry_out, plan
from proband.runs.division import divided
from proband.runs.locking import hold_to
from proband.runs.parts import begin_part, carry_out_part, part_folder, part_of, refuse_divided
from proband.store import RunDirectory
from proband.store.scratch import written_here

MOST_TRIALS, MOST_DOLLARS = 1_000_000, 100.0  # what is more than this is begun when somebody has said so
STOPPED = 3
INTERRUPTED = 130
TERMINATED = 143


def folder_for(study: Study) -> Path:
    """Where a study runs unless told otherwise: ``runs/TITLE-ENGINE``."""
    engine = " ".join(address.split("?")[0] for address in dict.fromkeys(study.addresses.values()))
    name = "".join(c if c.isalnum() else "-" for c in f"{study.name}-{engine}".lower())
    return Path("runs") / "-".join(part for part in name.split("-") if part)


def folder_of(engine: str) -> str:
    """What a folder of an engine is called: its address without options."""
    name = "".join(c if c.isalnum() else "-" for c in engine.split("?")[0].lower())
    return "-".join(part for part in name.split("-") if part)


def folder_about(name: str, engine: str, *about: str) -> Path:
    """Where a design runs that no study file holds: with other words than these it is another run, elsewhere."""
    digest = blake2b("\n".join((engine, *about)).encode(), digest_size=4).hexdigest()
    words = re.findall(r"\w+", f"{name} {engine.partition('?')[0]}".lower())
    return Path("runs") / "-".join([*words, digest])


def is_typed(study: Study) -> bool:
    """Whether somebody answers at this terminal."""
    return any(address.partition("?")[0] == "terminal" for address in study.addresses.values())


def carry_out_and_tell(
    study: Study,
    into: Path,
    *,
    as_json: bool,
    budget: Budget | None = None,
    retry_failed: bool = False,
    wait: bool = True,
    lock: Mapping[str, Any] | None = None,
    yes: bool = False,
    scratch: Path | None = None,
) -> None:
    """Plan, collect and report a study; results go to stdout as JSON where asked for."""
    refuse_no_folder(into)
    refuse_divided(into)
    talk.print(study.name, style="bold", markup=False)
    with winding_down(), written_here(into, scratch) as work:
        tell_and_ask(study, work, budget=budget, yes=yes)
        hold_to(lock, study, work)
        with stopped(), progress(is_shown=not is_typed(study)) as watch:
            run = carry_out(study, work, budget=budget, watch=watch, retry_failed=retry_failed, wait=wait)
        tell_findings(run, into, as_json=as_json)


def tell_findings(run: Run, into: Path, *, as_json: bool) -> None:
    """Findings and report of a run that is kept in `into`; exit with 3 where it is not complete."""
    found = findings(run)
    path = into / write_findings(found, run.path / "report.html").name
    if as_json:
        emit({**found.as_dict(), "report": str(path)})
    else:
        out.print(terminal(found, out.width))
    talk.print(f"report: {path}", soft_wrap=True, markup=False)
    if not run.is_complete:
        talk.print(_how_to_go_on(run), soft_wrap=True, markup=False)
        raise typer.Exit(STOPPED)


def carry_out_part_and_tell(
    study: Study,
    into: Path,
    share: Share,
    *,
    made_of: Mapping[str, Any],
    as_json: bool,
    budget: Budget | None = None,
    retry_failed: bool = False,
    lock: Mapping[str, Any] | None = None,
    yes: bool = False,
    scratch: Path | None = None,
) -> None:
    """Carry out a part of a study, and say how far it is; findings are those of the gathered run."""
    refuse_no_folder(into)
    own, folder = part_of(study, share), part_folder(into, share)
    talk.print(f"{study.name}, part {share}", style="bold", markup=False)
    with winding_down(), written_here(folder, scratch) as work:
        _tell_and_ask_part(study, share, work, budget=budget, yes=yes)
        begin_part(study, into, share, made_of=made_of, work=work)
        hold_to(lock, study, work)
        with stopped(), progress() as watch:
            run = carry_out_part(own, work, budget=budget, watch=watch, retry_failed=retry_failed)
        counts, is_complete = run.dispositions(), run.is_complete
        if as_json:
            emit({"part": str(share), "run": str(folder), "state": run.state, "dispositions": counts})
        if not is_complete:
            talk.print(_how_to_go_on(run), soft_wrap=True, markup=False)
            raise typer.Exit(STOPPED)
    talk.print(
        f"{folder}: {sum(counts.values()):,} answers; when all {share.of} parts are there: proband gather {into}",
        soft_wrap=True, markup=False, highlight=False,
    )  # fmt: skip


@contextmanager
def winding_down() -> Iterator[None]:
    """Have what a scheduler sends before it kills, SIGTERM, do what Ctrl-C does, and end with a code of its own.

    Who is told to end by a scheduler is not to be begun again by itself, as one whose time is up is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = []

    def end(number: int, frame: object) -> None:
        told.append(number)
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except typer.Exit as ended:
        raise typer.Exit(TERMINATED) if told and ended.exit_code == INTERRUPTED else ended from None
    finally:
        signal.signal(signal.SIGTERM, before)


def tell_and_ask(
    study: Study | Design, into: Path, *, engine: Engines | None = None, budget: Budget | None = None, yes: bool = False
) -> None:
    """Say what a study will take, unless it is done; where that is much, go on only when told to."""
    there = Run(into) if RunDirectory(into).is_there else None
    if there is not None and there.is_complete:
        return
    planned = plan(study, engine)
    tell_plan(planned)
    if not yes:
        ask_first(_much(planned, budget, 0 if there is None else sum(there.dispositions().values())))


def _tell_and_ask_part(study: Study, share: Share, into: Path, *, budget: Budget | None, yes: bool) -> None:
    """As `tell_and_ask`, of a part: what the whole will take, and its share of it."""
    there = Run(into) if RunDirectory(into).is_there else None
    if there is not None and there.is_complete:
        return
    planned = plan(study)
    division = divided(planned, share.of)
    tell_plan(planned)
    tell_rows(division.rows())
    if not yes:
        trials = -(-planned.trials * division.slowest_units // division.units)
        own = replace(planned, trials=trials, dollars=division.slowest_dollars)
        ask_first(_much(own, budget, 0 if there is None else sum(there.dispositions().values())))


def ask_first(much: str) -> None:
    """Go on with what is much only when told to, at a terminal; refuse it where nobody can be asked."""
    if not much:
        return
    if not is_at_terminal():
        raise DesignError(
            f"{much}, and nothing was asked yet: give --yes if that is meant, or ask for less (--sample, "
            "--max-trials, --max-dollars)"
        )
    if not typer.confirm(f"{much}. Go on?", err=True):
        raise DesignError("nothing was asked")


def is_at_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and talk.is_terminal


def _much(planned: Plan, budget: Budget | None, answered: int) -> str:
    """What makes a study large, in words; empty where it is not, or where a budget keeps it small."""
    capped = budget or Budget()
    trials = min(planned.trials - answered, planned.trials if capped.trials is None else capped.trials)
    return much(trials, min(planned.dollars or 0.0, float("inf") if capped.dollars is None else capped.dollars))


def much(trials: int, dollars: float) -> str:
    """What is more than is begun without being asked for, in words; empty where nothing is."""
    said = []
    if trials > MOST_TRIALS:
        said.append(f"these are {trials:,} trials")
    if dollars > MOST_DOLLARS:
        said.append(f"this costs about ${dollars:,.2f}")
    return " and ".join(said)


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
