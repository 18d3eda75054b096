"""Start a real server with the embedded model's weights, wait until it answers, and stop it with all its processes."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from proband.models.local.embedded import embedded_folder, package_file

MODEL = "smollm2"
_START_S = 900.0  # vLLM takes some 2.5 minutes on two idle cores
_LLAMA = """
import sys
import xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path, settings.model_alias = sys.argv[1], [sys.argv[2]]
settings.hostnames, settings.port = ["127.0.0.1"], int(sys.argv[3])
settings.n_ctx, settings.n_parallel, settings.warmup = 4096, 2, False
settings.endpoint_metrics = True
settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = int(sys.argv[4])
server = xllamacpp.Server(settings)
sys.stdin.read()
"""


@contextmanager
def vllm_server(python: Path, log: Path, *flags: str) -> Iterator[str]:
    """Address of a vLLM server in float32; `python` is the interpreter of the environment it lives in."""
    port = _free_port()
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(embedded_folder())]
    command += ["--served-model-name", MODEL, "--dtype", "float32", "--max-model-len", "2048"]
    command += ["--host", "127.0.0.1", "--port", str(port), *flags]
    extra = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "2"}
    # Bound to cores that others use, its threads wait for each other most of the time.
    extra |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(_n_threads())}
    with _running(command, port, log, extra) as url:
        yield url


@contextmanager
def llama_server(log: Path) -> Iterator[str]:
    """Address of a llama.cpp server with the weights as they ship, in 4 bits."""
    port = _free_port()
    command = [sys.executable, "-c", _LLAMA, str(package_file()), MODEL, str(port), str(_n_threads())]
    with _running(command, port, log, {}) as url:
        yield url


@contextmanager
def _running(command: Sequence[str], port: int, log: Path, extra: Mapping[str, str]) -> Iterator[str]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=out, stderr=out, env=os.environ | extra, start_new_session=True
        )
    try:
        _await(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        _stop(process)


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}; its last words:\n{_tail(log)}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"the server did not answer within {_START_S:.0f} s; its last words:\n{_tail(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and what it started: a server's engine may be a process of its own."""
    for signal_, patience_s in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 15.0)):
        try:
            os.killpg(process.pid, signal_)
            process.wait(patience_s)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    if process.stdin is not None:
        process.stdin.close()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])


def _n_threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
