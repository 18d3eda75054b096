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
        yield _Lines().tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*columns, console=talk) as bar:
        task = bar.add_task("training", total=None, told="")

        def tell(number: int, of: int, name: str, step: Any) -> None:
            done = (number - 1) * step.of + step.step
            bar.update(task, total=of * step.of, completed=done, told=_told(number, of, name, step))

        yield tell


class _Lines:
    """A line now and then, and one at the end of each run."""

    def __init__(self) -> None:
        self.told_at = time.monotonic()

    def tell(self, number: int, of: int, name: str, step: Any) -> None:
        if step.step == step.of or time.monotonic() - self.told_at >= _QUIET_S:
            self.told_at = time.monotonic()
            say(f"step {step.step} of {step.of}, {_told(number, of, name, step)}")


def _told(number: int, of: int, name: str, step: Any) -> str:
    # Runs of one study are about as long as one another.
    left = step.seconds_left + (of - number) * _whole(step)
    which = f"{name} ({number} of {of}), " if of > 1 else ""
    return f"{which}loss {step.loss:.3f}, {step.tokens_per_s:,.0f} tokens/s, {duration(left)} left"


def _whole(step: Any) -> float:
    """Seconds that a whole run takes, by this one's pace."""
    left = step.of - step.step
    return step.seconds_left * step.of / left if left else 0.0
