"""A run's folder: the journal, the lock that keeps a second writer out, and the manifest that says it is complete."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from proband.errors import DamagedRun, RunLocked, StoreError
from proband.files import check_name
from proband.store.damage import damaged
from proband.store.journal import MANIFEST, Journal
from proband.store.mounts import Mounts, file_system, is_network
from proband.store.notes import read_note


class RunDirectory:
    """Where one run is kept.

    ``journal.sqlite`` holds every response; ``responses.parquet`` is written at the end; ``manifest.json``
    is written last, so a run without it is unfinished by definition.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.journal_path = self.path / "journal.sqlite"
        self.table_path = self.path / "responses.parquet"
        self.manifest_path = self.path / MANIFEST
        check_name(self.manifest_path, error=StoreError)

    @contextmanager
    def writer(self) -> Iterator[Journal]:
        """Open the journal for writing and keep every other writer out until done.

        Raises
        ------
        RunLocked
            If another process is writing this run.
        StoreError
            If the folder cannot be made or written, or lies on a disk that machines share.
        """
        self.refuse_lost_journal()
        refuse_shared(self.path)
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
        self.refuse_lost_journal()
        if not self.journal_path.exists():
            raise StoreError(f"{self.path}: no run here (no journal.sqlite); `proband run STUDY.toml` makes one")
        return Journal(self.journal_path, writable=False)

    def refuse_while_written(self) -> None:
        """Refuse a run that another process is writing, as far as its lock can be looked at."""
        path = self.path / "writer.lock"
        try:
            if path.exists():
                FileLock(path, timeout=0).acquire().lock.release()
        except Timeout:
            raise RunLocked(f"{self.path}: another process is writing this run; wait for it to end") from None
        except OSError:
            return  # of a folder that cannot be written nobody is the writer

    @property
    def is_there(self) -> bool:
        """Whether anything of a run is here, be it what is left of one that lost its journal."""
        return self.journal_path.exists() or self._leftover is not None

    @property
    def _leftover(self) -> Path | None:
        """A file that only a run that was begun has; an empty log is none, SQLite leaves some behind."""
        log = self.path / "journal.sqlite-wal"
        left = [self.manifest_path, self.table_path, *([log] if log.exists() and log.stat().st_size else [])]
        return next((path for path in left if path.exists()), None)

    def refuse_lost_journal(self) -> None:
        """Refuse a folder that has what only a run has, and no journal."""
        if not self.journal_path.exists() and (left := self._leftover) is not None:
            raise damaged(self.path, f"{left.name} is there, and the journal.sqlite that it belongs to is not")

    def manifest(self) -> dict[str, Any] | None:
        """What a finished run says of itself; None while it is unfinished."""
        try:
            found: dict[str, Any] = read_note(self.manifest_path.name, self.manifest_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, DamagedRun) as error:
            raise DamagedRun(
                f"{self.path}: damaged: {self.manifest_path} cannot be read ({error}); nothing is lost by it: delete "
                "it and run the study again to rewrite it"
            ) from None
        return found

    def is_table_whole(self, manifest: Mapping[str, Any]) -> bool:
        """Whether the table that was written at the end is there, as far as the manifest can tell."""
        known = manifest.get("table")  # older ones do not say
        try:
            return self.table_path.is_file() and known in (None, file_digest(self.table_path))
        except OSError:
            return False

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


def refuse_shared(path: Path, mounts: Mounts | None = None) -> None:
    """Refuse to write a journal where SQLite's log and locks do not hold: on NFS, Lustre, CIFS and the like.

    Raises
    ------
    StoreError
        If that is so; `mounts` are those of `file_system`.
    """
    if is_network(kind := file_system(path, mounts)):
        raise StoreError(
            f"{path}: lies on {kind}, which other machines share, and a journal that is written there can be lost; "
            "choose a folder on this machine's own disk, or have `proband run` or `proband gather` write it on one "
            "with --scratch FOLDER and copy it here"
        )


def file_digest(path: Path) -> str:
    """Of a file's bytes, 32 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
