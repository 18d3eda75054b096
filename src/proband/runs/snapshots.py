"""Snapshots: where the processes of a run stood, so that going on needs not give them all their answers again.

A cache beside the journal: one file, arrays and JSON without pickles. It is used where the design, its code and all
answers up to then are what they were, and ignored otherwise; deleted, nothing changes but the time.
"""

import io
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from proband.designs.design import Design
from proband.designs.process import Packed
from proband.store.directory import RunDirectory
from proband.store.journal import Journal

FOLDER = Path("society") / "snapshots"
EVERY_S = 2.0  # at most so often,
SHARE = 0.04  # and so that keeping them takes at most this part of the time
_TOLD, _DIGEST = "told.json", 16  # the digest of the file, behind it: damaged archives fail in many ways

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Saved:
    """Where the processes of a run stood.

    Attributes
    ----------
    begun : int
        How many had begun; those of them that are not in `packed` were over.
    packed : mapping
        Where each that was under way stood, by its number.
    until : float
        Answers that were stored up to this time are taken account of.
    """

    begun: int
    packed: Mapping[int, Packed]
    until: float


class Snapshots:
    """The snapshots of one run, while it goes on."""

    def __init__(self, directory: RunDirectory, journal: Journal, design: Design) -> None:
        self.path, self._journal = directory.path / FOLDER / "last.npz", journal
        self._treatment = design.treatment
        self._last, self._took = time.monotonic(), 0.0

    @cached_property
    def _design(self) -> str:
        return self._treatment()

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next one."""
        return time.monotonic() - self._last > max(EVERY_S, self._took / SHARE)

    def load(self) -> Saved | None:
        """The last one; None, with a remark, where it does not belong to this design and these answers."""
        if not self.path.exists():
            return None
        try:
            whole = self.path.read_bytes()
            if blake2b(whole[:-_DIGEST], digest_size=_DIGEST).digest() != whole[-_DIGEST:]:
                raise ValueError("it is damaged")
            with np.load(io.BytesIO(whole[:-_DIGEST]), allow_pickle=False) as file:
                told = json.loads(file[_TOLD].tobytes())
                if told["design"] != self._design:
                    raise ValueError("it was taken under another design, code or version")
                if told["answers"] != self._journal.digest(told["until"]):
                    raise ValueError("the answers up to then are no longer what they were")
                arrays = {name: file[name] for name in file.files}
            packed: dict[int, Packed] = {}
            for number, where in told["packed"].items():
                start = f"{number}:"
                own = {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}
                packed[int(number)] = where, own
            return Saved(begun=told["begun"], packed=packed, until=told["until"])
        except (OSError, ValueError, KeyError) as error:
            _log.warning("%s is not used, and all answers are gone through again: %s", self.path, error)
            return None

    def save(self, saved: Saved) -> None:
        """Keep one in place of the last, whole or not at all; a full disk loses a snapshot, and nothing else."""
        begun = time.monotonic()
        told: dict[str, Any] = {
            "design": self._design, "until": saved.until, "answers": self._journal.digest(saved.until),
            "begun": saved.begun, "packed": {str(number): where for number, (where, _) in saved.packed.items()},
        }  # fmt: skip
        arrays: dict[str, Any] = {}
        for number, (_, own) in saved.packed.items():
            arrays |= {f"{number}:{name}": array for name, array in own.items()}
        part = self.path.with_suffix(".part.npz")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            arrays[_TOLD] = np.frombuffer(json.dumps(told).encode(), np.uint8)
            buffer = io.BytesIO()
            np.savez(buffer, **arrays)
            whole = buffer.getvalue()
            part.write_bytes(whole + blake2b(whole, digest_size=_DIGEST).digest())
            part.replace(self.path)
        except OSError as error:
            _log.warning("%s: no snapshot was kept (%s)", self.path, error.strerror)
        self._last = time.monotonic()
        self._took = self._last - begun


def forget(directory: RunDirectory) -> None:
    """Delete the snapshots of a run: what they took account of is about to change."""
    (directory.path / FOLDER / "last.npz").unlink(missing_ok=True)
