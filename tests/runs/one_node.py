"""A Slurm of one node, this machine: daemons, keys, ports and folders of its own; nothing of it stays.

Credentials hold for ten seconds: a job that is queued again waits for as long, two minutes otherwise.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psutil

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue")
STARTED_S = 60.0


def lacking() -> str:
    """What of a Slurm is not on this machine, in words; empty where one can be started."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if missing:
        return f"{', '.join(missing)} not installed (Debian: slurm-wlm, munge)"
    return "" if os.geteuid() == 0 else "its daemons run as root here"


@contextmanager
def one_node(folder: Path) -> Iterator[Mapping[str, str]]:
    """Start it; gives the environment in which its commands find it."""
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir(mode=0o755)
    key = folder / "munge" / "key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    ports = _free_ports(2)
    (folder / "slurm.conf").write_text(_configuration(folder, *ports))
    environment = {
        **os.environ,
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin",
    }
    munge = folder / "munge"
    with ExitStack() as stack:
        for words in (
            [
                *("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={munge / 'socket'}"),
                *(f"--pid-file={munge / 'pid'}", f"--seed-file={munge / 'seed'}", f"--log-file={munge / 'log'}"),
            ],
            ["slurmctld", "-D", "-c", "-f", str(folder / "slurm.conf")],
            ["slurmd", "-D", "-c", "-f", str(folder / "slurm.conf"), "-N", "here"],
        ):
            stack.enter_context(_running(words, folder, environment))
            _until((munge / "socket").exists, folder)
        _until(lambda: "idle" in _told(["sinfo", "--noheader", "--format=%T"], environment), folder)
        try:
            yield environment
        finally:
            _told(["scancel", "--full", "--signal=KILL", "--user=root"], environment)


@contextmanager
def _running(words: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    with (folder / f"{words[0]}.out").open("wb") as out:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        begun = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for one in begun:
            _end(one, psutil.Process.terminate)
        for one in psutil.wait_procs(begun, timeout=5)[1]:
            _end(one, psutil.Process.kill)
        process.wait()


def _end(process: psutil.Process, how) -> None:
    with suppress(psutil.NoSuchProcess):
        how(process)


def _told(words: list[str], environment: Mapping[str, str]) -> str:
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False).stdout


def _until(is_so, folder: Path, seconds: float = STARTED_S) -> None:
    for _ in range(int(seconds * 5)):
        if is_so():
            return
        time.sleep(0.2)
    logs = "\n".join(f"{path.name}: {path.read_text()[-800:]}" for path in sorted(folder.glob("*.out")))
    raise AssertionError(f"Slurm did not start\n{logs}")


def _free_ports(n: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(n)]
        for one in sockets:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in sockets]


def _configuration(folder: Path, controller: int, daemon: int) -> str:
    host = socket.gethostname().partition(".")[0]
    return f"""
ClusterName=proband
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder / "munge" / "socket"},cred_expire=10
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
StateSaveLocation={folder / "state"}
SlurmdSpoolDir={folder / "spool"}
SlurmctldPidFile={folder / "slurmctld.pid"}
SlurmdPidFile={folder / "slurmd.pid"}
SlurmctldLogFile={folder / "slurmctld.log"}
SlurmdLogFile={folder / "slurmd.log"}
NodeName=here NodeHostname={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
