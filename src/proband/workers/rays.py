"""Workers that are actors of a Ray cluster, on this machine or on many.

Ray restarts nothing here: the pool starts a fresh actor, which counts when it has answered. A host that does not answer
a ping for `SILENT_S` is taken to be gone, long before Ray itself says so.
"""

import hashlib
import pickle
import platform
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from os import getpid
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import proband
from proband.errors import EngineError
from proband.workers.executor import Task, carry_out, set_up
from proband.workers.pool import Link, Pool, packed_setup
from proband.workers.ray_connection import Connection, connected, disconnect

PULSE_S = 2.0  # between two pings
SILENT_S = 16.0  # without a word from an actor after which it is taken to be gone
END_S = 10.0  # for actors to be told that they are not needed any more
START_S = 1800.0  # without any actor that has answered: a large model may have to be fetched first
_LINES = 300  # characters of what Ray says of an actor's end


@dataclass(frozen=True, kw_only=True)
class Share:
    """What each worker takes of a cluster: processor cores, GPUs, and resources by the names of the cluster."""

    cpus: float = 1.0
    gpus: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)

    def fits(self, has: Mapping[str, float]) -> int:
        """How many find room on a node that has so much."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus, **self.resources}
        return int(min(has.get(name, 0.0) // much for name, much in wanted.items() if much))

    @property
    def in_words(self) -> str:
        """As messages tell it."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus, **self.resources}
        return ", ".join(f"{much:g} {name}" for name, much in wanted.items() if much)


class Rays(Pool):
    """Workers that are actors of Ray.

    Parameters
    ----------
    connection : Connection
        Which Ray, and how it is reached.
    share : Share
        What each actor takes.
    """

    name = "actors of Ray"

    def __init__(self, connection: Connection, share: Share | None = None) -> None:
        super().__init__()
        self.connection, self.share = connection, share or Share()
        if not (self.share.cpus or self.share.gpus or self.share.resources):
            raise EngineError("an actor must take something of the cluster; give it a part of a CPU, e.g. cpus=0.1")
        self._setup = b""
        self._n = 0
        self._is_connected = self._is_over = False
        self._told: SimpleQueue[tuple[_Actor, int, Any] | None] = SimpleQueue()
        self._errands: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._looked_at = self._served_at = time.monotonic()  # when the head last answered, and any actor was there
        self._has_room = True  # for an actor, on the hosts that are left

    def prepare(self, setup: Task | None, n: int) -> None:
        """Connect, and refuse more workers than there is room for."""
        self._setup = packed_setup(setup)
        if not self._is_connected:
            connected(self.connection)
            self._is_connected = True
        import ray

        hosts = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        fit = sum(map(self.share.fits, hosts))
        if fit < n:
            raise EngineError(
                f"{self.connection.name} has room for {fit} workers of {self.share.in_words} on its {len(hosts)} "
                f"hosts, not for {n}; ask for fewer, or give each less"
            )
        self._looked_at = self._served_at = time.monotonic()
        for name in ("hear", "pulse", "watch", "run_errands"):
            thread = threading.Thread(target=getattr(self, f"_{name}"), name=f"proband-ray-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def launch(self) -> Link:
        """Have Ray make an actor, wherever it finds room."""
        self._n += 1
        options: dict[str, Any] = {"num_cpus": self.share.cpus, "num_gpus": self.share.gpus}
        options |= {"resources": dict(self.share.resources), "max_restarts": 0, "max_task_retries": 0}
        actor = _Actor(f"worker {self._n}", self._told, self._errands)
        self._errands.put(lambda: self._begin(actor, options))
        return actor

    def _begin(self, actor: "_Actor", options: Mapping[str, Any]) -> None:
        """Have an actor made; one that Ray does not make is lost, as nobody else would ever hear of it."""
        from ray.exceptions import RayError

        try:
            actor.begin(options, self._setup)
        except (RayError, RuntimeError, ValueError, TypeError, AttributeError, OSError) as error:
            self.lost(actor, f"could not be made ({' '.join(str(error).split())[:_LINES]})")

    def close(self) -> None:
        """End every actor, and the connection if nobody else in this process has it."""
        super().close()
        self._is_over = True
        self._told.put(None)
        self._errands.put(None)
        self.connection.is_gone |= time.monotonic() - self._looked_at > 3 * PULSE_S
        for thread in self._threads:  # some talk with the head, and would wait for one that is gone
            thread.join(0.1 if self.connection.is_gone else END_S)
        self._threads.clear()
        self.launched.clear()
        if self._is_connected:
            self._is_connected = False
            disconnect(self.connection)

    def _hear(self) -> None:
        """Take in what actors gave, in a thread of our own: Ray's own must not wait."""
        from ray.exceptions import RayError

        while (event := self._told.get()) is not None:
            actor, number, future = event
            try:
                given = future.result()
            except RayError as error:
                self.lost(actor, _ending(error))
                continue
            actor.heard = time.monotonic()
            if number:
                self.replied(actor, number, given)
            else:
                facts, reply = given
                actor.name = f"{actor.name} (process {facts['process']} on {facts['host']})"
                self.ready(actor, _refusal(actor.name, facts) or reply)
                actor.is_set_up = True

    def _run_errands(self) -> None:
        """Do what needs the head of the cluster, apart from everything else: while it is gone, such a call waits."""
        from ray.exceptions import RayError

        while (errand := self._errands.get()) is not None:
            with suppress(RayError, RuntimeError, ValueError, ConnectionError):
                errand()

    def _pulse(self) -> None:
        """Ping every actor, and give up those that are silent; and the whole cluster where its head is."""
        while not self._is_over:
            time.sleep(PULSE_S)
            now = time.monotonic()
            for actor in [link for link in list(self.launched) if isinstance(link, _Actor) and link.is_set_up]:
                actor.ping(now)
                if now - actor.heard > SILENT_S and not actor.is_cut:
                    self.lost(actor, f"has not answered for {SILENT_S:.0f} s: its host, or the way to it, is gone")
            if self.workers:
                self._served_at = now
            if why := self._hopeless(now):
                self.fail(EngineError(f"{why}; what is answered is stored, and the same command goes on from there"))
                return

    def _hopeless(self, now: float) -> str:
        """Why nobody need wait any longer; empty where somebody may still answer."""
        if now - self._looked_at > SILENT_S:
            self.connection.is_gone = True
            return f"the head of {self.connection.name} has not answered for {SILENT_S:.0f} s"
        if now - self._served_at > (START_S if self._has_room else SILENT_S):
            return f"no worker is left, and {self.connection.name} has no room for another"
        return ""

    def _watch(self) -> None:
        """Look whether the head of the cluster answers; a call to one that is gone takes a minute."""
        import ray
        from ray.exceptions import RayError

        while not self._is_over:
            with suppress(RayError, RuntimeError, ConnectionError):
                hosts = [node["Resources"] for node in ray.nodes() if node["Alive"]]
                self._looked_at, self._has_room = time.monotonic(), any(map(self.share.fits, hosts))
            time.sleep(PULSE_S)


class Seat:
    """An actor: a state, and tasks that are done with it."""

    def __init__(self) -> None:
        self._state: Any = None

    def set_up(self, packed: bytes) -> tuple[dict[str, str], bytes]:
        """What runs here, and the reply of the set-up."""
        import ray

        self._state, reply = set_up(packed)
        host = f"{socket.gethostname()}, {ray.util.get_node_ip_address()}"
        return {**versions(), "host": host, "process": str(getpid())}, reply

    def carry_out(self, packed: bytes) -> bytes:
        """The reply to a task."""
        return carry_out(self._state, packed)

    def pulse(self) -> None:
        """That it is there."""


class _Actor:
    """An actor as the pool reaches it."""

    def __init__(self, name: str, told: SimpleQueue[Any], errands: SimpleQueue[Any]) -> None:
        self.name, self._told, self._errands = name, told, errands
        self._actor: Any = None
        self.heard = time.monotonic()
        self.is_set_up = self.is_cut = False
        self._posted: deque[tuple[int, bytes]] = deque()
        self._sending = threading.Lock()
        self._is_pinged = False

    def begin(self, options: Mapping[str, Any], setup: bytes) -> None:
        """Have Ray make it, and set it up."""
        import ray

        if not self.is_cut:
            kind = ray.remote(concurrency_groups={"pulse": 1})(Seat)
            self._actor = kind.options(**options).remote()
            self._call(0, "set_up", setup)

    def post(self, number: int, packed: bytes) -> None:
        """Take a task in."""
        self._posted.append((number, packed))

    def flush(self) -> None:
        """Send what was posted."""
        with self._sending:
            while self._posted:
                number, packed = self._posted.popleft()
                self._call(number, "carry_out", packed)

    def cut(self) -> None:
        """End the actor."""
        if not self.is_cut:
            self.is_cut = True
            self._errands.put(self._end)

    def _end(self) -> None:
        import ray

        if self._actor is not None:
            ray.kill(self._actor)

    def ping(self, now: float) -> None:
        """Ask whether it is there, unless that was asked and not answered yet."""
        from ray.exceptions import RayError

        if self._is_pinged or self.is_cut:
            return
        self._is_pinged = True

        def answered(future: Any) -> None:
            if future.exception() is None:
                self.heard, self._is_pinged = time.monotonic(), False

        with suppress(RayError):
            self._actor.pulse.options(concurrency_group="pulse").remote().future().add_done_callback(answered)

    def _call(self, number: int, method: str, packed: bytes) -> None:
        from ray.exceptions import RayError

        try:
            future = getattr(self._actor, method).remote(packed).future()
        except RayError as error:  # e.g. there is no room left in the object store
            future = Future()
            future.set_exception(error)
        future.add_done_callback(lambda done: self._told.put((self, number, done)))


def versions() -> dict[str, str]:
    """What must be the same at every worker: of Python, of Ray, and of this package and its source."""
    return {"Python": platform.python_version(), "Ray": version("ray"), "Proband": f"{_version()}, source {_source()}"}


def _version() -> str:
    try:
        return version("proband")
    except ModuleNotFoundError:  # sent by the driver, and not installed
        return "0"


@cache
def _source() -> str:
    """Hash over the source of this package: a working copy has the version of what it was made from."""
    state = hashlib.blake2b(digest_size=8)
    folder = Path(proband.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        state.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return state.hexdigest()


def _refusal(name: str, facts: Mapping[str, str]) -> bytes | None:
    """The reply of a worker that runs something else than this process; None where it is the same."""
    for what, ours in versions().items():
        if (its := facts.get(what)) != ours:
            error = EngineError(
                f"{name} runs {what} {its}, and this process {what} {ours}; install the same there, or have Proband's "
                "code sent with send_code=1"
            )
            return pickle.dumps((False, error))
    return None


def _ending(error: BaseException) -> str:
    """How an actor ended, in a line."""
    said = " ".join(str(error).split())
    return f"ended ({said[:_LINES]}{'...' * (len(said) > _LINES)})"
