"""Ray clusters for tests: one that others have begun, and one of two hosts, each a network namespace."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
RAY = Path(sys.executable).parent / "ray"


def environment(mode, token):
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    path = os.pathsep.join([entry or str(Path.cwd()) for entry in sys.path])
    return {**own, "RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN": token, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": path}


def end(process):
    """End a program and all that it has started."""
    with suppress(psutil.NoSuchProcess):
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=20)
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)


def started(*options, mode, token, inside=()):
    """A node that is begun; `inside` is what it is begun by."""
    return subprocess.Popen(
        [*inside, str(RAY), "start", "--block", "--disable-usage-stats", "--num-cpus=2",
         "--object-store-memory=100000000", *options],
        env=environment(mode, token), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip


def answers(host, port, inside=()):
    """Wait until somebody listens there."""
    code = f"import socket; socket.create_connection(({host!r}, {port}), 1).close()"
    for _ in range(120):
        if not subprocess.run([*inside, sys.executable, "-c", code], capture_output=True, check=False).returncode:
            return
        time.sleep(0.5)
    raise TimeoutError(f"nobody answers at {host}:{port}")


@contextmanager
def head(mode, token):
    """A cluster of one host, as somebody else has begun it; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="ray")  # short: sockets have short names
    process = started(
        "--head", f"--port={port}", "--node-ip-address=127.0.0.1", "--include-dashboard=false",
        f"--temp-dir={folder}", mode=mode, token=token,
    )  # fmt: skip
    try:
        answers("127.0.0.1", port)
        time.sleep(3)  # its other half comes up
        yield f"127.0.0.1:{port}"
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


class TwoHosts:
    """Two network namespaces with a cable between them, and a Ray over both."""

    addresses = ("10.77.0.1", "10.77.0.2")
    port = 6399

    def __init__(self):
        self.token = "t" * 64
        self.names = [f"proband{os.getpid()}a", f"proband{os.getpid()}b"]
        self.folders = [tempfile.mkdtemp(prefix="ray") for _ in self.names]
        self.nodes = []

    @property
    def address(self):
        return f"{self.addresses[0]}:{self.port}"

    def inside(self, k):
        return ["ip", "netns", "exec", self.names[k]]

    def lay(self):
        """The namespaces and the cable."""
        a, b = self.names
        for name in self.names:
            ip("netns", "add", name)
        ip("link", "add", "pba", "netns", a, "type", "veth", "peer", "name", "pbb", "netns", b)
        for name, end_, address in zip(self.names, ("pba", "pbb"), self.addresses, strict=True):
            for command in (["addr", "add", f"{address}/24", "dev", end_], ["link", "set", end_, "up"],
                            ["link", "set", "lo", "up"]):  # fmt: skip
                ip("-n", name, *command)

    def start(self, head_first=True):
        for k in range(2):
            self.join(k)

    def join(self, k):
        where = (
            ["--head", f"--port={self.port}", "--include-dashboard=false"] if k == 0 else [f"--address={self.address}"]
        )
        node = started(
            *where, f"--node-ip-address={self.addresses[k]}", f"--temp-dir={self.folders[k]}",
            mode="token", token=self.token, inside=self.inside(k),
        )  # fmt: skip
        self.nodes.append(node)
        answers(self.addresses[0], self.port, self.inside(k))
        time.sleep(6)
        return node

    def pull(self):
        ip("-n", self.names[1], "link", "set", "pbb", "down")

    def plug_in(self):
        ip("-n", self.names[1], "link", "set", "pbb", "up")

    def run(self, *command, **how):
        """A program on the first host."""
        return subprocess.Popen(
            [*self.inside(0), sys.executable, *command], env=environment("token", self.token), cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **how,
        )  # fmt: skip

    def close(self):
        for node in self.nodes:
            end(node)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def ip(*command):
    subprocess.run(["ip", *command], check=True, capture_output=True)


def can_lay():
    """Whether this machine lets us have network namespaces."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        return False
    name = f"proband{os.getpid()}t"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        return False
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return True
