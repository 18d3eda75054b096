"""What the command line says to people, on stderr: plans, progress, results."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from proband.records import Status
from proband.runs import Plan, Tally
from proband.runs.planning import duration as duration
from proband.runs.progress import Watch
from proband.runs.scheduling import ENGINE_THREAD

if TYPE_CHECKING:
    from proband.texts.gold.project import Standing

talk = Console(stderr=True)
out = Console(soft_wrap=False)

_QUIET_S = 30.0  # between two lines where stderr is no terminal


def emit(data: Mapping[str, Any]) -> None:
    """Write JSON to stdout; an undefined number is null."""
    json.dump(_plain(data), sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def _plain(value: Any) -> Any:
    """The value with NaN and infinities as null, which JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def tell_plan(plan: Plan, console: Console = talk) -> None:
    """The plan as a small table."""
    tell_rows(plan.rows(), console)


def tell_rows(rows: Sequence[tuple[str, str]], console: Console = talk) -> None:
    """Names and texts as a small table."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, text in rows:
        table.add_row(name, escape(text))
    console.print(table)


def tell_steps(steps: Mapping[Any, str], standings: "Mapping[Any, Standing]", following: str) -> None:
    """Where every step of a project stands, and the command that comes next."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, held in standings.items():
        edited = [f"edited: {', '.join(held.edited)}"] if held.edited else []
        said = "; ".join([held.told or steps[name], *(held.because if held.state == "stale" else ()), *edited])
        table.add_row(name, "" if held.state == "open" else held.state, escape(said))
    talk.print(table)
    talk.print(
        f"next: {following}" if following else "everything is done", soft_wrap=True, markup=False, highlight=False
    )


def tell_tally(tally: Tally) -> str:
    """How far a run is, in one line: rate, time left, tokens, price, and what became of the answers."""
    parts = [f"{tally.per_second:,.1f}/s" if tally.per_second < 100 else f"{tally.per_second:,.0f}/s"]
    left = tally.seconds_left
    if left is not None and tally.done < tally.total:
        parts.append(f"{duration(left)} left")
    if tally.tokens:
        guessed = f" ({tally.estimated:,} answers estimated)" if tally.estimated else ""
        parts.append(f"{'about ' if guessed else ''}{tally.tokens:,} tokens{guessed}")
    if tally.price is not None:
        parts.append(f"${tally.price:,.2f}" if tally.price >= 1 else f"${tally.price:.4f}")
    named = {status: tally.dispositions[status] for status in get_args(Status) if tally.dispositions[status]}
    parts += [f"{count:,} {status.replace('_', ' ')}" for status, count in named.items()]
    return ", ".join(parts)


@contextmanager
def progress(*, is_shown: bool = True) -> Iterator[Watch]:
    """A progress bar fed by the loop's tally; where stderr is no terminal, a line now and then and one at the end.

    It is not shown where it would write over what somebody types.
    On a second Ctrl-C the process ends here: a model that is still computing would take it down otherwise.
    """
    try:
        with _nothing() if not is_shown else _bar() if talk.is_terminal else _lines() as watch:
            yield watch
    except KeyboardInterrupt:
        if any(thread.name == ENGINE_THREAD for thread in threading.enumerate()):
            talk.print("stopped at once; everything answered is kept: run the same command again to go on")
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(130)
        raise


@contextmanager
def _nothing() -> Iterator[Watch]:
    yield lambda tally: None


@contextmanager
def _bar() -> Iterator[Watch]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*columns, console=talk) as bar:
        task = bar.add_task("asking", total=None, told="")

        def watch(tally: Tally) -> None:
            bar.update(task, total=tally.total, completed=tally.done, told=tell_tally(tally))

        yield watch


@contextmanager
def _lines() -> Iterator[Watch]:
    last: list[Tally] = []
    told_at = [time.monotonic()]

    def tell(tally: Tally) -> None:
        line = f"{tally.done:,} of {tally.total:,} trials, {tell_tally(tally)}"
        talk.print(line, soft_wrap=True, markup=False, highlight=False)

    def watch(tally: Tally) -> None:
        last[:] = [tally]
        if time.monotonic() - told_at[0] >= _QUIET_S:
            told_at[0] = time.monotonic()
            tell(tally)

    try:
        yield watch
    finally:
        if last:
            tell(last[0])
