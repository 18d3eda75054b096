"""Workers that are processes of this machine: fresh interpreters behind pipes, so a dead one is noticed at once."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

from proband.errors import EngineError
from proband.workers.executor import Task
from proband.workers.pool import Link, Pool, packed_setup
from proband.workers.serving import SETUP, received, send

_START = "from proband.workers.serving import main; main()"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "RAYON_NUM_THREADS")
_LAST_WORDS = 4_000  # bytes that are read of what a dead worker said
_END_S = 5.0  # for a killed process to be gone


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Processes(Pool):
    """Worker processes; the threads of this machine are shared out among them.

    They are fresh interpreters and no forks, which a process with threads must not make; Ctrl-C reaches the driver
    only, and they end with it, however it ends.

    Parameters
    ----------
    threads : int, optional
        Of each worker's arithmetic; by default the cores divided by the workers.
    """

    name = "processes"

    def __init__(self, *, threads: int | None = None) -> None:
        super().__init__()
        self.threads = threads or 0
        self._setup = b""
        self._n = 0

    def prepare(self, setup: Task | None, n: int) -> None:
        """Share the threads out."""
        self.threads = self.threads or max(1, cores() // n)
        self._setup = packed_setup(setup)

    def launch(self) -> Link:
        """Start a process."""
        self._n += 1
        return _Process(self, f"worker {self._n}", self._setup)

    def close(self) -> None:
        """End every process, and wait until it is gone."""
        super().close()
        for link in self.launched:
            assert isinstance(link, _Process)
            link.join()
        self.launched.clear()


class _Process:
    """A worker process, and the thread that reads its replies."""

    def __init__(self, pool: Processes, name: str, setup: bytes) -> None:
        self._pool = pool
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  # closed by the reader
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env=_environment(pool.threads),
            start_new_session=True,
        )
        self.name = f"{name} (process {self._process.pid})"
        self.pid = self._process.pid
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._inward, self._outward = self._process.stdin, self._process.stdout
        self._posted: deque[tuple[int, bytes]] = deque([(SETUP, setup)])
        self._writing = threading.Lock()
        self._reader = threading.Thread(target=self._read, name=f"proband-{name}", daemon=True)
        self._reader.start()

    def post(self, number: int, packed: bytes) -> None:
        """Take a task in."""
        self._posted.append((number, packed))

    def flush(self) -> None:
        """Send what was posted; the worker reads all the time, so this does not wait for its work."""
        with self._writing, suppress(OSError, ValueError):
            while self._posted:
                number, packed = self._posted.popleft()
                send(self._inward, number, packed)

    def cut(self) -> None:
        """Kill the process."""
        self._process.kill()

    def join(self) -> None:
        """Wait until nothing of it is left."""
        self._reader.join()

    def _read(self) -> None:
        self.flush()
        while (reply := received(self._outward)) is not None:
            number, packed = reply
            if number == SETUP:
                self._pool.ready(self, packed)
            else:
                self._pool.replied(self, number, packed)
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._pool.lost(self, f"{_ending(code)}{self._said()}")
        with self._writing, suppress(OSError):
            self._inward.close()
        self._outward.close()
        self._words.close()

    def _said(self) -> str:
        """The last line of what the worker wrote to its standard error."""
        size = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, size - _LAST_WORDS))
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return f" ({lines[-1][:200]})" if lines else ""


def _environment(threads: int) -> dict[str, str]:
    """Environment and paths of this process, with its threads shared out; what the user has set lower stays."""
    path = os.pathsep.join([entry or str(Path.cwd()) for entry in sys.path])
    own = {"PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false", "PYTHONSAFEPATH": "1"}
    for name in _THREADS:
        given = os.environ.get(name, "")
        own[name] = str(min(threads, int(given)) if given.isdigit() and int(given) else threads)
    return {**os.environ, **own}


def _ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = "; memory may have run out" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"


def refuse_too_many(n: int, what: str) -> None:
    """Refuse more workers than there are cores, saying how many there are."""
    if n > (fit := cores()):
        raise EngineError(f"{n} {what} on {fit} cores would only slow each other down; {fit} fit")
