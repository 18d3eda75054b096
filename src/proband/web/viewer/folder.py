"""The runs of a folder, by names that are looked up: no part of an address ever becomes part of a path."""

import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proband.errors import ProbandError, StoreError
from proband.runs.run import PEOPLE
from proband.store.directory import RunDirectory
from proband.web.viewer.held import Held, news_of

DEEPEST = 3  # folders below the one that is looked at
_LISTED_S = 2.0  # a list of names is looked up anew after so long
_FRESH_S = 5.0  # what is known of a run that goes on
_MOST_HELD = 8  # runs that are kept open


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """A study of interventions: its folder has the page of its findings, and runs below it."""

    name: str
    path: Path

    @property
    def report(self) -> Path:
        """The page that was written of it."""
        return self.path / "report.html"

    def findings(self) -> dict[str, Any]:
        """The twin of its page.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        try:
            found: dict[str, Any] = json.loads((self.path / "report.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.path}: report.json cannot be read ({error}); run the study again") from None
        return found


class Folder:
    """Runs and studies below a folder, or the one run that it is.

    Parameters
    ----------
    root : path
        A run, or a folder with runs in it or below it.

    Raises
    ------
    StoreError
        If it is not there.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise StoreError(f"{self.root}: no folder; give a run, or a folder of runs such as runs/")
        self._lock = threading.Lock()
        self._listed: tuple[float, dict[str, Path], dict[str, StudyFolder]] = (float("-inf"), {}, {})
        self._told: dict[Path, tuple[tuple[int, ...], dict[str, Any]]] = {}
        self._held: OrderedDict[str, Held] = OrderedDict()

    @property
    def own(self) -> str:
        """Name of the one run that the folder is; empty where it is none."""
        return self._name(self.root) if RunDirectory(self.root).is_there else ""

    @property
    def runs(self) -> dict[str, Path]:
        """Folder of every run, by name; people's answers are found by name, and listed with the run beside them."""
        return self._looked_up[0]

    @property
    def studies(self) -> dict[str, StudyFolder]:
        """Studies of interventions, by name."""
        return self._looked_up[1]

    @property
    def _looked_up(self) -> tuple[dict[str, Path], dict[str, StudyFolder]]:
        with self._lock:
            if time.monotonic() - self._listed[0] > _LISTED_S:
                runs: dict[str, Path] = {}
                studies: dict[str, StudyFolder] = {}
                for path in _folders(self.root, DEEPEST):
                    name = self._name(path)
                    if RunDirectory(path).is_there:
                        runs[name] = path
                        if RunDirectory(path / PEOPLE).is_there:
                            runs[f"{name}~{PEOPLE}"] = path / PEOPLE
                    elif (path / "study.json").is_file() and (path / "report.json").is_file():
                        studies[name] = StudyFolder(name, path)
                self._listed = (time.monotonic(), runs, studies)
            return self._listed[1:]

    def told(self, name: str) -> dict[str, Any]:
        """Study, kind, engine, size, state and time of a run; of one that cannot be read, why."""
        path = self.runs[name]
        news = news_of(path)
        known = self._told.get(path)
        if known is None or known[0] != news:
            try:
                known = (news, Held(name, path).summary())
            except ProbandError as error:
                known = (news, {"name": name, "error": str(error)})
            self._told[path] = known
        return known[1]

    def _name(self, path: Path) -> str:
        return "~".join(path.relative_to(self.root).parts) or self.root.resolve().name or "run"

    def open(self, name: str) -> Held:
        """The run of a name, kept open while it is looked at.

        Raises
        ------
        LookupError
            If there is none of this name.
        StoreError
            If it cannot be read.
        """
        path = self.runs[name]
        with self._lock:
            held = self._held.pop(name, None)
            if held is not None and not held.is_stale(_FRESH_S):
                self._held[name] = held
                return held
            # One that is looked at by another thread just now is closed when that lets go of it.
            self._held[name] = held = Held(name, path)
            while len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)
            return held


def _folders(root: Path, deepest: int) -> Iterator[Path]:
    """The folder and those below it, none by way of a link, and none inside a run."""
    yield root
    if deepest and not RunDirectory(root).is_there:
        try:
            below = sorted((entry for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False)), key=_by_name)
        except OSError:
            return  # what cannot be looked into has nothing to show
        for entry in below:
            if not entry.name.startswith("."):
                yield from _folders(Path(entry.path), deepest - 1)


def _by_name(entry: os.DirEntry[str]) -> str:
    return entry.name
