"""What the command line says to people, on stderr: plans, progress, results."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from proband.runs import Plan, Tally
from proband.runs.progress import Watch

talk = Console(stderr=True)
out = Console(soft_wrap=False)


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


def tell_plan(plan: Plan, engine: str, console: Console = talk) -> None:
    """The plan as a small table."""
    about = "" if plan.is_exact else "about "
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("engine", escape(engine))
    table.add_row("trials", f"{plan.trials:,} ({about}{plan.distinct_requests:,} distinct requests)")
    table.add_row(
        "tokens",
        f"{about}{plan.prompt_tokens:,} in prompts, {plan.unique_tokens:,} to compute after sharing, "
        f"{plan.completion_tokens:,} in replies",
    )
    table.add_row("time", "unknown" if plan.seconds is None else f"about {_duration(plan.seconds)}")
    table.add_row("price", "unknown" if plan.dollars is None else f"${plan.dollars:.2f}")
    if plan.smallest_detectable_effect is not None:
        arms = ", ".join(f"{name} {n:,}" for name, n in plan.arms.items())
        table.add_row(
            "power", f"smallest detectable effect {plan.smallest_detectable_effect:.2f} SD ({arms})"
        )
    console.print(table)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def progress() -> Iterator[Watch]:
    """A progress bar fed by the loop's tally; silent where stderr is no terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=talk,
        disable=not talk.is_terminal,
    )
    with bar:
        task = bar.add_task("asking", total=None, rate="")

        def watch(tally: Tally) -> None:
            bad = {k: v for k, v in tally.dispositions.items() if k not in ("valid", "dont_know")}
            losses = ", ".join(f"{count} {status}" for status, count in sorted(bad.items()))
            rate = tally.asked / tally.seconds if tally.seconds else 0.0
            bar.update(
                task,
                total=tally.total,
                completed=tally.done,
                rate=f"{rate:,.1f}/s {tally.tokens:,} tokens {losses}".rstrip(),
            )

        yield watch
