"""A run's folder: the journal, the lock that keeps a second writer out, and the manifest that says it is complete."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from proband.errors import RunLocked, StoreError
from proband.store.journal import Journal


class RunDirectory:
    """Where one run is kept.

    ``journal.sqlite`` holds every response; ``responses.parquet`` is written at the end; ``manifest.json``
    is written last, so a run without it is unfinished by definition.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.journal_path = self.path / "journal.sqlite"
        self.table_path = self.path / "responses.parquet"
        self.manifest_path = self.path / "manifest.json"

    @contextmanager
    def writer(self) -> Iterator[Journal]:
        """Open the journal for writing and keep every other writer out until done.

        Raises
        ------
        RunLocked
            If another process is writing this run.
        StoreError
            If the folder cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # Named after what it guards; stays behind, empty, because removing a lock file is a race.
            lock = FileLock(self.path / "writer.lock", timeout=0)
            lock.acquire()
        except Timeout:
            raise RunLocked(
                f"{self.path}: another process is writing this run; wait for it, or choose another folder"
            ) from None
        except OSError as error:
            raise StoreError(f"{self.path}: cannot write there ({error.strerror}); choose another folder") from None
        try:
            with Journal(self.journal_path, writable=True) as journal:
                yield journal
        finally:
            lock.release()

    def reader(self) -> Journal:
        """Open the journal for reading, also while it is being written.

        Raises
        ------
        StoreError
            If there is no run here.
        """
        if not self.journal_path.exists():
            raise StoreError(f"{self.path}: no run here (no journal.sqlite); `proband run STUDY.toml` makes one")
        return Journal(self.journal_path, writable=False)

    def manifest(self) -> dict[str, Any] | None:
        """What a finished run says of itself; None while it is unfinished."""
        try:
            found: dict[str, Any] = json.loads(self.manifest_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, json.JSONDecodeError) as error:
            raise StoreError(
                f"{self.manifest_path}: cannot be read ({error}); delete it and run the study again to rewrite it"
            ) from None
        return found

    def reopen(self) -> None:
        """Take back that the run is complete; called before anything is added to it."""
        self.manifest_path.unlink(missing_ok=True)
        self.table_path.unlink(missing_ok=True)

    def write_manifest(self, manifest: Mapping[str, object]) -> None:
        """Put the manifest in place whole or not at all."""
        part = self.manifest_path.with_suffix(".part")
        try:
            with part.open("w", encoding="utf-8", newline="\n") as file:
                json.dump(manifest, file, indent=2, ensure_ascii=False)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.manifest_path)
        except OSError as error:
            raise StoreError(f"{self.manifest_path}: cannot be written ({error.strerror}); free some space") from None
