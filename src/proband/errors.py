"""The tree of exceptions; each message says what was found, what was expected, where, and the way out.

::

    ProbandError
    ├── DesignError          the study as written cannot be carried out
    │   └── TreatmentChanged a place was already answered under another request
    ├── InstrumentError      an item, key, scale or instrument file is wrong
    ├── DataError            a data file does not hold what the study needs
    │   └── MissingDataError a statistic met a missing value
    ├── EngineError          an engine cannot do what is asked, or cannot be reached
    │   └── ContextTooLong   a request is longer than the model's context
    └── StoreError           a run directory cannot be read or written
        ├── RunLocked        another process is writing this run
        ├── DamagedRun       the folder does not hold what was stored in it
        └── NewerRun         the run was written by a newer version
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

_MOST = 5  # problems told at once in one message


def strange_choice(record: Any) -> str:
    """What a dataclass's field holds that its type, a `Literal`, does not allow, and what it does; empty if all fit."""
    for name, hint in get_type_hints(type(record)).items():
        if get_origin(hint) is Literal and getattr(record, name) not in get_args(hint):
            return f"{name} {getattr(record, name)!r} is none of {', '.join(get_args(hint))}"
    return ""


def shown(name: str | Path) -> str:
    """A name or path for a message: one that no file can have is cut, and its odd characters are written out."""
    text = str(name)
    text = text if len(text) <= 120 else f"{text[:120]}..."
    return text if text.isprintable() else ascii(text)


def meant(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)``, or nothing where no known name is near."""
    from difflib import get_close_matches  # only where something went wrong

    close = get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


class ProbandError(Exception):
    """Anything Proband refuses; the command line prints its message and exits with 2.

    Several things that are wrong with one file are one error: `problems` has all of them, its text the first five.
    """

    def __init__(self, *problems: object, where: str | Path = "") -> None:
        super().__init__(*problems)
        self.where = where

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong, each with the place it is in."""
        return tuple(f"{self.where}: {problem}" if self.where else str(problem) for problem in self.args)

    def __str__(self) -> str:
        told = "; ".join(map(str, self.args[:_MOST]))
        more = f"; and {len(self.args) - _MOST} more" if len(self.args) > _MOST else ""
        return (f"{self.where}: " if self.where else "") + told + more


class Gathering:
    """Collects refusals part by part, so that everything wrong with a file is said at once."""

    def __init__(self) -> None:
        self.errors: list[ProbandError] = []

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part that may be refused while the others are still looked at."""
        try:
            yield
        except ProbandError as error:
            self.errors.append(error)

    def settle(self) -> None:
        """Raise what was refused, as one error of the first one's class; a problem met twice is told once."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise type(self.errors[0])(*dict.fromkeys(p for error in self.errors for p in error.problems))


class DesignError(ProbandError):
    """The study as written cannot be carried out."""


class TreatmentChanged(DesignError):
    """A place was already answered under another request: the treatment was edited."""


class InstrumentError(ProbandError):
    """An item, key, scale or instrument file is wrong."""


class DataError(ProbandError):
    """A data file does not hold what the study needs."""


class MissingDataError(DataError):
    """A statistic that has no rule for missing values met one."""


class EngineError(ProbandError):
    """An engine cannot do what is asked of it, or cannot be reached."""


class ContextTooLong(EngineError):
    """A request is longer than the model's context."""


class StoreError(ProbandError):
    """A run directory cannot be read or written."""


class RunLocked(StoreError):
    """Another process is writing this run."""


class DamagedRun(StoreError):
    """The folder of a run does not hold what was stored in it; `proband doctor` says what can be saved."""


class NewerRun(StoreError):
    """The run was written by a newer version of Proband than this one."""
