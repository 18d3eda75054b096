"""Stages of a long study: runs of designs, in folders named by what they depend on."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from proband.designs.design import Design
from proband.runs.collection import collect
from proband.runs.progress import Watch
from proband.runs.run import Run

_LOOK_S = 0.5  # between two looks for a run that another process is to complete


@dataclass(frozen=True, kw_only=True)
class Listener:
    """How a study tells of itself.

    Attributes
    ----------
    say : callable
        Told, in a sentence, what begins and what was found.
    asking : callable
        Gives a context that yields a watch for `collect`.
    training : callable
        Gives a context that yields a callable for (number of the job, jobs, its name, step).
    """

    say: Callable[[str], None] = lambda _: None
    asking: Callable[[], AbstractContextManager[Watch | None]] = lambda: nullcontext(None)
    training: Callable[[], AbstractContextManager[Callable[..., None] | None]] = lambda: nullcontext(None)


def is_first_process() -> bool:
    """Whether this is the first of the processes that accelerate started, or the only one: it asks and writes."""
    return not int(os.environ.get("RANK", 0))


@dataclass(frozen=True, kw_only=True)
class Stages:
    """A folder in which every stage has its own, named by what it depends on.

    A stage whose inputs have changed is done anew beside the old one, and nothing else is done again.
    """

    into: Path
    listener: Listener = field(default_factory=Listener)

    def collected(self, stage: str, design: Design, engines: Mapping[str, str]) -> Run:
        """A run of a design; resumed, or skipped where it is complete.

        Of several processes that share a study the first asks, and the others wait for what it is told.
        """
        while not is_first_process():
            if (run := self.complete(stage, design, engines)) is not None:
                return run
            time.sleep(_LOOK_S)
        folder = self._folder(stage, design, engines)
        if (run := self.complete(stage, design, engines)) is not None:
            self.listener.say(f"{stage}: kept from {folder.name}")
            return run
        self.listener.say(f"{stage}: {design.size():,} trials")
        one = next(iter(engines.values())) if len(engines) == 1 else None
        with self.listener.asking() as watch:
            return collect(design, one or engines, folder, watch=watch)

    def complete(self, stage: str, design: Design, engines: Mapping[str, str]) -> Run | None:
        """The complete run of a design; None where it is not there, or not at its end."""
        folder = self._folder(stage, design, engines)
        run = Run(folder) if (folder / "journal.sqlite").exists() else None
        return run if run is not None and run.is_complete else None

    def _folder(self, stage: str, design: Design, engines: Mapping[str, str]) -> Path:
        # The hash of a bank covers its key; folders of version 0.1 were named without it, and are still found.
        described = {name: value for name, value in design.describe().items() if name != "key"}
        return self.into / f"{stage}-{digest({'design': described, 'engines': dict(engines)})}"


def digest(values: Mapping[str, Any]) -> str:
    """Ten hexadecimal digits of plain values."""
    text = json.dumps(values, sort_keys=True, default=asdict)
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
