"""How this process comes to a Ray cluster, and that nobody else does: only with a token.

Whoever reaches a Ray without a token can run code on all of its hosts, and Ray listens on every interface, whatever it
is told. So a cluster that asks for none is refused, unless the risk is named.
"""

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import proband
from proband.errors import EngineError
from proband.workers.processes import cores

LOCAL = "local"
# A host that is silent is given up after about 14 s, instead of the usual minute.
HEALTH = {
    "health_check_initial_delay_ms": 2000,
    "health_check_period_ms": 2000,
    "health_check_timeout_ms": 4000,
    "health_check_failure_threshold": 3,
}
_STORE = 200_000_000  # bytes of shared memory: requests and answers are small
_REACH_S = 5.0
_PROBE_S = 60.0
_END_S = 30.0
# Asks a cluster who is there, without a token: one that is safe refuses.
_PROBE = """
import os, sys
os.environ["RAY_AUTH_MODE"] = "disabled"
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
try:
    GcsClient(address=sys.argv[1]).get_all_node_info(timeout=10)
except AuthenticationError:
    print("token")
else:
    print("open")
"""
_log = logging.getLogger(__name__)
_lock = threading.Lock()
_open: dict[str, int] = {}  # how many in this process use a connection; there is one at a time


@dataclass(kw_only=True)
class Connection:
    """A Ray cluster, and how it is reached.

    Attributes
    ----------
    address : str
        ``HOST:PORT`` of its head, or ``local`` for one that is started here and ends with its last user.
    is_insecure : bool
        Whether one that asks for no token is accepted.
    sends_code : bool
        Whether this package is sent to the workers, where it is not installed.
    is_gone : bool
        Whether its head has stopped answering.
    """

    address: str
    is_insecure: bool = False
    sends_code: bool = False
    is_gone: bool = False

    @property
    def name(self) -> str:
        """As messages call it."""
        return "the local Ray" if self.address == LOCAL else f"the Ray at {self.address}"


def connected(connection: Connection) -> None:
    """Connect this process, unless it is.

    Raises
    ------
    EngineError
        If Ray is not installed; if there is none at that address, or it asks for no token, or for another; if it has
        another version of Ray or Python; if this process is connected to another one.
    """
    ray = _ray()
    with _lock:
        if connection.address not in _open:
            if ray.is_initialized():
                other = next(iter(_open), "one that this program began")
                raise EngineError(
                    f"this process is connected to a Ray already ({other}), and can be to one at a time; end that one "
                    "first (ray.shutdown())"
                )
            if connection.address == LOCAL:
                _begin(ray, connection)
            else:
                _join(ray, connection)
        _open[connection.address] = _open.get(connection.address, 0) + 1


def disconnect(connection: Connection) -> None:
    """End a use of a connection; the last one ends it."""
    ray = _ray()
    with _lock:
        _open[connection.address] -= 1
        if _open[connection.address]:
            return
        del _open[connection.address]
        end = threading.Thread(target=ray.shutdown, daemon=True)
        end.start()
        end.join(_REACH_S if connection.is_gone else _END_S)  # a head that is gone cannot be told


def check_address(address: str) -> None:
    """Refuse what is neither ``local`` nor ``HOST:PORT``."""
    host, _, port = address.rpartition(":")
    if address != LOCAL and not (host and port.isdecimal()):
        raise EngineError(f"{address!r} is no Ray; write ray:HOST:PORT of its head, or ray:local")


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        import ray
    except ImportError:
        raise EngineError("Ray is not installed; pip install 'proband[cluster]'") from None
    return ray


def _begin(ray: Any, connection: Connection) -> None:
    """Start a cluster on this machine, with a token that nobody else knows."""
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    own["PYTHONPATH"] = os.pathsep.join([entry or str(Path.cwd()) for entry in sys.path])
    with _environment(own):
        _renew_token()
        _init(
            ray,
            connection,
            address="local",
            num_cpus=cores(),
            include_dashboard=False,
            object_store_memory=_STORE,
            _node_ip_address="127.0.0.1",
            _system_config=HEALTH,
        )


def _join(ray: Any, connection: Connection) -> None:
    """Connect to a cluster that is there."""
    host, _, port = connection.address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _REACH_S).close()
    except OSError as error:
        raise EngineError(
            f"nobody answers at {connection.address} ({error}); give the head's address, as `ray start --head` prints "
            "it, from a machine that is part of the cluster"
        ) from None
    if _asks_for_token(connection):
        with _environment({"RAY_AUTH_MODE": "token"}):
            if not _renew_token():
                raise EngineError(
                    f"{connection.name} asks for a token; put it into the environment as RAY_AUTH_TOKEN, or its file's "
                    "path as RAY_AUTH_TOKEN_PATH"
                )
            _init(ray, connection, address=connection.address)
    elif connection.is_insecure:
        with _environment({"RAY_AUTH_MODE": "disabled"}):
            _renew_token()
            _init(ray, connection, address=connection.address)
    else:
        raise EngineError(
            f"{connection.name} asks nobody for a token, so whoever reaches it can run code on all of its hosts; start "
            "it with RAY_AUTH_MODE=token, or accept that with insecure=1"
        )


def _init(ray: Any, connection: Connection, **how: Any) -> None:
    from ray.exceptions import RayError

    code = {"runtime_env": {"py_modules": [str(Path(proband.__file__).parent)]}} if connection.sends_code else {}
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(log_to_driver=False, configure_logging=False, logging_level="error", **code, **how)
    except (RayError, RuntimeError, ConnectionError, ValueError, OSError) as error:
        raise EngineError(f"{connection.name} cannot be used: {' '.join(str(error).split())[:500]}") from error
    finally:
        # Ray puts its own there, which ends this process on the spot; a run that winds down then has one that stays.
        if threading.current_thread() is threading.main_thread() and callable(before):
            signal.signal(signal.SIGTERM, before)
    _quieten()


def _quieten() -> None:
    """Have Ray log what it prints on standard output, where data stand: the ends of workers, which the pool tells."""
    # No setting does so; `log_to_driver` is about what workers print.
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda data, **_: _log.debug("%s", data)


def _asks_for_token(connection: Connection) -> bool:
    """Whether a cluster refuses those who have none."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_AUTH")}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, connection.address],
            env=environment, capture_output=True, text=True, timeout=_PROBE_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise EngineError(f"{connection.name} does not answer; is it a Ray head of this version?") from None
    if done.stdout.strip() not in ("token", "open"):
        said = done.stderr.strip().splitlines()
        raise EngineError(
            f"{connection.name} is no Ray that can be talked to: {said[-1][:300] if said else 'it says nothing'}"
        )
    return done.stdout.strip() == "token"


def _renew_token() -> bool:
    """Have Ray look at the environment again, which it does once otherwise; tells whether there is a token."""
    from ray._private.authentication import authentication_token_setup as setup

    setup.Config.initialize("")
    loader = setup.AuthenticationTokenLoader.instance()
    loader.reset_cache()
    return bool(loader.has_token(ignore_auth_mode=True))


@contextmanager
def _environment(own: dict[str, str]) -> Iterator[None]:
    """Variables that are there while a cluster is started or joined; children inherit them."""
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
