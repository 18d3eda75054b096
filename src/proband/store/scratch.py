"""A run that is kept on a disk which machines share, and written on one of this machine's own.

The journal is copied to where it is kept now and then, and everything at the end, also after Ctrl-C. A lease beside it
says who writes, so that nobody else does; who is killed leaves a copy that is some minutes old, and where the own disk
is still there, the journal itself.
"""

import errno
import json
import logging
import os
import shutil
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from proband.errors import RunLocked, StoreError
from proband.store.mounts import Mounts, file_system, is_network

LEASE = "written-elsewhere.json"
EVERY_S = 300.0  # between two copies of a journal that is being written
SHARE = 20.0  # and so many times as long as the last copy took
BEAT_S = 20.0  # between two signs of life
DEAD_S = 120.0  # after which without one the lease is nobody's
_JOURNAL, _MANIFEST = "journal.sqlite", "manifest.json"
_BROUGHT = "brought.json"  # beside the journal that is written: which files were brought, and as what
_OWN = ("journal.sqlite", "writer.lock", "scratch.lock", "outgoing.sqlite", "incoming.sqlite", _BROUGHT, LEASE)
_NO_RENAMING = (errno.ENOSYS, errno.ENOTSUP, errno.EPERM)  # buckets that are mounted as a folder
_APART = "parts"  # runs of their own

_log = logging.getLogger(__name__)


@contextmanager
def written_here(
    kept: str | Path, scratch: str | Path | None = None, *, mounts: Mounts | None = None
) -> Iterator[Path]:
    """The folder in which to write a run: where it is kept, or one on this machine's own disk if that is shared.

    Parameters
    ----------
    kept : path
        The run directory.
    scratch : path, optional
        Folder on a disk of this machine; given, it is used whatever `kept` lies on. By default ``$SLURM_TMPDIR``,
        ``$TMPDIR`` or the system's folder for such files, where `kept` is on a network.
    mounts : sequence of (str, str), optional
        See `file_system`.

    Raises
    ------
    RunLocked
        If another process, here or on another machine, writes this run; also at the end, if one took it over while this
        machine gave no sign of life. What was answered here then stays in `scratch`.
    StoreError
        If `scratch` is shared itself, or something cannot be copied; what was answered then stays in `scratch`.
    """
    kept = Path(kept)
    if scratch is None and not is_network(file_system(kept, mounts)):
        yield kept
        return
    folder = Path(scratch or os.environ.get("SLURM_TMPDIR") or tempfile.gettempdir())
    if is_network(kind := file_system(folder, mounts)):
        raise StoreError(
            f"{folder}: lies on {kind}, which machines share; give --scratch a folder on this machine's own disk"
        )
    name = blake2b(os.path.realpath(kept).encode(errors="surrogateescape"), digest_size=8).hexdigest()
    work = folder / f"proband-{name}"
    with _alone(work, kept), _leased(kept, work):
        _bring(kept, work)
        beating = _Beating(kept, work)
        try:
            yield work
        finally:
            beating.end()
            _refuse_taken_over(kept, work)
            _take_all(work, kept)
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _alone(work: Path, kept: Path) -> Iterator[None]:
    """Keep every other process of this machine out."""
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        work.mkdir(mode=0o700, exist_ok=True)  # people's answers may be among them, and everybody may look into /tmp
        if hasattr(os, "getuid") and (work.is_symlink() or work.stat().st_uid != os.getuid()):
            raise StoreError(f"{work}: is somebody else's; give --scratch a folder of your own")
        kept.mkdir(parents=True, exist_ok=True)
        lock = FileLock(work / "scratch.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise RunLocked(f"{kept}: another process of this machine is writing this run; wait for it") from None
    except OSError as error:
        raise StoreError(f"{error.filename}: cannot be written ({error.strerror}); choose another folder") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _leased(kept: Path, work: Path) -> Iterator[None]:
    """Keep processes of other machines out, for as long as this one gives signs of life."""
    refuse_leased(kept)
    try:
        _sign(kept, work)
    except OSError as error:
        raise StoreError(f"{kept}: cannot be written ({error.strerror}); choose another folder") from None
    try:
        yield
    finally:
        with suppress(OSError):
            if not _is_taken_over(kept, work):
                (kept / LEASE).unlink(missing_ok=True)


def _sign(kept: Path, work: Path) -> None:
    """Write the lease; written anew, because not every disk that is shared lets the time of a file be set."""
    (kept / LEASE).write_text(json.dumps(_signature(work)), encoding="utf-8")


def _signature(work: Path) -> dict[str, Any]:
    return {"host": socket.gethostname(), "process": os.getpid(), "folder": str(work), "job": _job()}


def _is_taken_over(kept: Path, work: Path) -> bool:
    """Whether another process has had the lease since; one that is damaged, or cannot be read now, tells nothing."""
    told = _lease_of(kept)
    return told is None or ("process" in told and told != _signature(work))


def _refuse_taken_over(kept: Path, work: Path) -> None:
    if _is_taken_over(kept, work):
        raise RunLocked(
            f"{kept}: another process took this run over while this machine gave no sign of life; what was answered "
            f"here is not copied there, so that nothing of it is overwritten, and stays in {work}: run the same "
            "command again when that process has ended"
        )


def _job() -> str:
    """Which job of a scheduler this is; a job that is queued again keeps its name, and its lease is its own."""
    return os.environ.get("SLURM_JOB_ID", "")


def refuse_leased(kept: Path) -> None:
    """Refuse a run that a process writes on a disk of its own machine, here or elsewhere.

    Raises
    ------
    RunLocked
        If it gave a sign of life within two minutes, by the clock of the disk that the run is kept on.
    """
    told = _lease_of(kept)
    if told is None or (told.get("job") and told.get("job") == _job()):
        return
    if told.get("host") == socket.gethostname() and not _is_running(told.get("process")):
        return
    if (silent := _silent_s(kept)) < DEAD_S:
        raise RunLocked(
            f"{kept}: is being written by a process on {told.get('host')}, in {told.get('folder')}; wait for it to end "
            f"(or, if that machine is gone, {DEAD_S - silent:.0f} s)"
        )


def _lease_of(kept: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads((kept / LEASE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {"host": "another machine", "folder": "a folder there"}
    return found if isinstance(found, dict) else {}


def _is_running(process: object) -> bool:
    import psutil

    return not isinstance(process, int) or psutil.pid_exists(process)


def _silent_s(kept: Path) -> float:
    """Seconds since the last sign of life; both times are the disk's, for clocks of machines differ."""
    try:
        with tempfile.NamedTemporaryFile(dir=kept, prefix=".clock") as file:
            now = os.stat(file.name).st_mtime
        return max(0.0, now - (kept / LEASE).stat().st_mtime)
    except OSError:
        return 0.0


class _Beating:
    """Gives signs of life, and copies the journal now and then, in a thread of its own."""

    def __init__(self, kept: Path, work: Path) -> None:
        self._kept, self._work, self._over = kept, work, threading.Event()
        self._thread = threading.Thread(target=self._beat, name="proband-scratch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop; returns when nothing is copied any more."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        copied, took = time.monotonic(), 0.0
        while not self._over.wait(min(BEAT_S, EVERY_S)):
            try:
                if _is_taken_over(self._kept, self._work):
                    _log.warning("%s: another process took this run over; nothing more is copied there", self._kept)
                    return
                _sign(self._kept, self._work)
                if time.monotonic() - copied >= max(EVERY_S, SHARE * took):
                    begun = time.monotonic()
                    (self._kept / _MANIFEST).unlink(missing_ok=True)  # of before: what is copied is on its way
                    _take_journal(self._work, self._kept)
                    copied = time.monotonic()
                    took = copied - begun
            except (OSError, sqlite3.Error) as error:
                _log.warning("%s: could not be copied there now (%s); it is tried again", self._kept, error)


def _bring(kept: Path, work: Path) -> None:
    """Have in the work folder what is kept, unless it holds more answers: a run that was killed here."""
    try:
        incoming = work / "incoming.sqlite"
        if (kept / _JOURNAL).exists():
            _copy(kept / _JOURNAL, incoming)
            for ending in ("-wal",):
                if (kept / (_JOURNAL + ending)).exists():
                    _copy(kept / (_JOURNAL + ending), incoming.with_name(incoming.name + ending))
        if _answers(work / _JOURNAL) > _answers(incoming):
            incoming.unlink(missing_ok=True)
            return
        for path in _files(work):
            path.unlink()
        for name in (_JOURNAL, f"{_JOURNAL}-wal", f"{_JOURNAL}-shm"):
            (work / name).unlink(missing_ok=True)
        for path in _files(kept):
            _copy(path, work / path.relative_to(kept))
        for ending in ("-wal", ""):
            with suppress(FileNotFoundError):
                incoming.with_name(incoming.name + ending).replace(work / (_JOURNAL + ending))
        (work / _BROUGHT).write_text(json.dumps(_stamps(work)), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{kept}: cannot be copied to {work} ({error.strerror}); free some space there") from None


def _answers(path: Path) -> int:
    """How many answers a journal holds; -1 where there is none, or it cannot be read."""
    if not path.exists():
        return -1
    try:
        with closing(sqlite3.connect(path)) as connection:
            counts = connection.execute("SELECT (SELECT COUNT(*) FROM responses) + (SELECT COUNT(*) FROM arrived)")
            return int(counts.fetchone()[0])
    except sqlite3.Error:
        return 0 if path.name == "incoming.sqlite" else -1


def _files(folder: Path) -> list[Path]:
    """Files of a run beside its journal; those that say that it is complete stand at the end."""
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.relative_to(folder).parts[0] != _APART
        and not path.relative_to(folder).parts[0].startswith((*_OWN, ".clock"))
    ]
    return sorted(found, key=lambda path: path.name == _MANIFEST and path.parent == folder)


def _stamps(folder: Path) -> dict[str, list[int]]:
    """Size and time of each file beside the journal."""
    found = {path.relative_to(folder).as_posix(): path.stat() for path in _files(folder)}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in found.items()}


def _take_all(work: Path, kept: Path) -> None:
    """Copy a run to where it is kept; what says that it is complete comes last.

    Files that the run has not touched stay there as they are, for others may write them: the log of its job.
    """
    if not (work / _JOURNAL).exists():
        return
    try:
        path = work / _BROUGHT
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        own = _stamps(work)
        (kept / _MANIFEST).unlink(missing_ok=True)
        _take_journal(work, kept)
        for name in before.keys() - own.keys():  # e.g. the table of before
            (kept / name).unlink(missing_ok=True)
        for name, stamp in own.items():
            if name == _MANIFEST or stamp != before.get(name):
                _copy(work / name, kept / name)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"{kept}: the run could not be copied there ({error}); nothing is lost, it is in {work}: free some space, "
            "and run the same command on this machine again"
        ) from None


def _take_journal(work: Path, kept: Path) -> None:
    """Copy a journal as it is now, also while it is written."""
    if not (work / _JOURNAL).exists():
        return
    outgoing = work / "outgoing.sqlite"
    for ending in ("", "-wal", "-shm"):
        outgoing.with_name(outgoing.name + ending).unlink(missing_ok=True)
    address = f"{(work / _JOURNAL).resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(outgoing)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # whoever reads it then needs no log and no shared memory
    _copy(outgoing, kept / _JOURNAL)
    for ending in ("-wal", "-shm"):  # of a journal that was written there
        (kept / (_JOURNAL + ending)).unlink(missing_ok=True)
    outgoing.unlink()


def _copy(source: Path, to: Path) -> None:
    """Copy a file whole or not at all."""
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(to.name + ".part")
    with source.open("rb") as read, part.open("wb") as write:
        shutil.copyfileobj(read, write, 1 << 20)
        write.flush()
        os.fsync(write.fileno())
    try:
        part.replace(to)
    except OSError as error:
        if error.errno not in _NO_RENAMING:
            raise
        shutil.copyfile(part, to)
        part.unlink()
