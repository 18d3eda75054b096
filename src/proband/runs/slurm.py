"""Scripts that have Slurm carry out the parts of a run as a job array, and gather them when all are done."""

import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proband.errors import DesignError, StoreError
from proband.runs.division import Division

FOLDER = "slurm"  # of scripts and logs, inside the run
RESERVE = 2.0  # times what a plan says: it was made on another machine, perhaps
LEAST_S = 600.0
WARNED_S = 120  # before its time is up a part is told to store what it has, and is queued again
GATHER_TIME = "01:00:00"
_TIME = re.compile(r"(\d+-)?\d+(:\d+){0,2}", re.ASCII)
_NAME = re.compile(r"[\w.,+-]+", re.ASCII)
_LINE = re.compile(r"--[a-z][\w-]*(=[\w.,:+*/@|&!()\[\]-]+)?", re.ASCII)
_PATH = re.compile(r"[^\s%\\'\"#]+")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a part is to get from Slurm.

    Attributes
    ----------
    time : str
        As Slurm writes it, e.g. ``02:00:00``; empty to take it from the plan.
    gpus, cpus : int
        Of each part; 0 to leave it to the cluster.
    partition, account : str
        Empty to leave it to the cluster.
    more : sequence of str
        Further options of `sbatch`, e.g. ``--constraint=a100``.
    """

    time: str = ""
    gpus: int = 0
    cpus: int = 0
    partition: str = ""
    account: str = ""
    more: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, value, pattern, form in (
            ("time", self.time, _TIME, "HH:MM:SS or D-HH:MM:SS"),
            ("partition", self.partition, _NAME, "a name"),
            ("account", self.account, _NAME, "a name"),
            *(("sbatch", line, _LINE, "an option of sbatch, --NAME=VALUE") for line in self.more),
        ):
            if value and not pattern.fullmatch(value):
                raise DesignError(f"--{name} {value!r} is not {form}; write it as Slurm does, without blanks")
        for name, n in (("gpus", self.gpus), ("cpus", self.cpus)):
            if n < 0:
                raise DesignError(f"--{name} {n}: give 0 or more")


def time_for(division: Division) -> str:
    """Time limit of a part, from a plan, with a reserve; empty where the plan knows none.

    Examples
    --------
    >>> time_for(Division(parts=4, units=100, slowest_units=25, seconds=8000.0, dollars=None))
    '01:08:00'
    """
    if division.slowest_s is None:
        return ""
    minutes = math.ceil(max(LEAST_S, RESERVE * division.slowest_s) / 60)
    days, rest = divmod(minutes, 24 * 60)
    clock = f"{rest // 60:02d}:{rest % 60:02d}:00"
    return f"{days}-{clock}" if days else clock


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """The two scripts of a run, and the commands that hand them to Slurm."""

    parts: Path
    gather: Path
    time: str

    @property
    def commands(self) -> tuple[str, str]:
        """Submit the parts; and what gathers them, once all have ended well."""
        parts, gather = shlex.quote(str(self.parts)), shlex.quote(str(self.gather))
        return f"job=$(sbatch --parsable {parts})", f'sbatch --dependency="afterok:${{job%%;*}}" {gather}'


def write_scripts(
    into: Path, *, run: Sequence[str], gather: Sequence[str], name: str, division: Division, wanted: Wanted, here: Path
) -> Scripts:
    """Write the scripts into the folder of a run; nothing is submitted.

    Parameters
    ----------
    into : Path
        The run directory.
    run, gather : sequence of str
        Words of the commands that carry out a part, without ``--part``, and gather all.
    name : str
        Of the study; jobs are called after it.
    division : Division
        Into how many parts, and what the slowest takes.
    wanted : Wanted
        What a part gets.
    here : Path
        Folder in which the commands are run.

    Raises
    ------
    DesignError
        If Slurm cannot be told the folder, or how long a part takes is known to nobody.
    """
    folder = into.resolve() / FOLDER
    if not _PATH.fullmatch(str(folder)):
        raise DesignError(
            f"--into {str(into)!r}: blanks, quotes, %, # and backslashes cannot stand in a line for Slurm; choose "
            "another folder"
        )
    time = wanted.time or time_for(division)
    if not time:
        raise DesignError(
            f"how long {name!r} takes is not known before it is asked; give the time of a part with --time"
        )
    job = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "proband"
    common = [
        *([f"--partition={wanted.partition}"] if wanted.partition else []),
        *([f"--account={wanted.account}"] if wanted.account else []),
    ]
    of_parts = [
        f"--job-name={job}", f"--array=1-{division.parts}", f"--output={folder}/part-%a.log", "--open-mode=append",
        "--requeue", f"--signal=INT@{WARNED_S}", "--ntasks=1", f"--time={time}",
        *([f"--gpus={wanted.gpus}"] if wanted.gpus else []),
        *([f"--cpus-per-task={wanted.cpus}"] if wanted.cpus else []), *common, *wanted.more,
    ]  # fmt: skip
    of_gather = [
        f"--job-name={job}-gather", f"--output={folder}/gather.log", "--ntasks=1", f"--time={GATHER_TIME}", *common,
    ]  # fmt: skip
    part = f'{shlex.join(run)} --part "$SLURM_ARRAY_TASK_ID/{division.parts}"'
    scripts = Scripts(parts=folder / "parts.sh", gather=folder / "gather.sh", time=time)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, lines, body in (
            (scripts.parts, of_parts, _PART.format(command=part, here=shlex.quote(str(here)))),
            (scripts.gather, of_gather, _GATHER.format(command=shlex.join(gather), here=shlex.quote(str(here)))),
        ):
            directives = "\n".join(f"#SBATCH {line}" for line in lines)
            path.write_text(f"#!/bin/bash\n{directives}\n{body}", encoding="utf-8", newline="\n")
            path.chmod(0o755)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from None
    return scripts


_PART = """
# One part of the run. Begun again, by hand or by Slurm, it goes on where it was.
cd {here} || exit 1
export SRUN_CPUS_PER_TASK="${{SLURM_CPUS_PER_TASK:-1}}"
export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-$SRUN_CPUS_PER_TASK}}"
srun --ntasks=1 {command}
code=$?
# 130: its time is nearly up, and everything answered is kept; it goes on when it is its turn again.
if [ "$code" -eq 130 ] && scontrol requeue "$SLURM_JOB_ID"; then
    sleep 300
fi
exit "$code"
"""
_GATHER = """
cd {here} || exit 1
srun --ntasks=1 {command}
"""
