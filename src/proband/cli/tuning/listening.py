"""What the verbs of knowledge interventions say while they work."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from proband.cli.talk import duration, progress, talk
from proband.runs.stages import Listener

_QUIET_S = 30.0  # between two lines where stderr is no terminal


def listener() -> Listener:
    """Sentences and bars on stderr."""
    return Listener(say=say, asking=progress, training=training_bar)


def say(text: str) -> None:
    """One sentence on stderr."""
    talk.print(text, soft_wrap=True, markup=False, highlight=False)


@contextmanager
def training_bar() -> Iterator[Callable[[int, int, str, Any], None]]:
    """A bar of the steps of all runs, with loss, tokens a second and time left; lines where stderr is no terminal."""
    if not talk.is_terminal:
        told_at = time.monotonic()

        def tell_line(number: int, of: int, name: str, step: Any) -> None:
            """A line now and then, and one at the end of each run."""
            nonlocal told_at
            if step.step == step.of or time.monotonic() - told_at >= _QUIET_S:
                told_at = time.monotonic()
                say(f"step {step.step} of {step.of}, {_told(number, of, name, step)}")

        yield tell_line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*columns, console=talk) as bar:
        task = bar.add_task("training", total=None, told="")

        def tell(number: int, of: int, name: str, step: Any) -> None:
            done = (number - 1) * step.of + step.step
            bar.update(task, total=of * step.of, completed=done, told=_told(number, of, name, step))

        yield tell


def _told(number: int, of: int, name: str, step: Any) -> str:
    # Runs of one study are about as long as one another: a whole one takes as long as this one's pace says.
    steps_left = step.of - step.step
    whole = step.seconds_left * step.of / steps_left if steps_left else 0.0
    left = step.seconds_left + (of - number) * whole
    which = f"{name} ({number} of {of}), " if of > 1 else ""
    return f"{which}loss {step.loss:.3f}, {step.tokens_per_s:,.0f} tokens/s, {duration(left)} left"
