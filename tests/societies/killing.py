"""Runs of societies that are killed in a process of their own, at random, again and again."""

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from proband.runs import Run
from proband.runs.snapshots import FOLDER
from proband.societies.keeping import TABLES, path_of

SNAPSHOTS = [("kept", 20), ("deleted", 6), ("damaged", 6)]  # what becomes of snapshots between two kills; how many


def rows(folder: Path) -> list[tuple]:
    """Every answer as it is stored, but for the time; and the digests of all states."""
    with Run(folder).directory.reader() as journal:
        return [row for part in journal.rows(500) for row in part] + sorted(journal.marks().items())


def files(folder: Path) -> dict[str, bytes]:
    """Its tables."""
    return {table: path_of(folder, table).read_bytes() for table in TABLES}


def damage(path: Path) -> None:
    """Spoil a file in many places."""
    blob = bytearray(path.read_bytes())
    for k in range(100, len(blob), 97):
        blob[k] ^= 255
    path.write_bytes(blob)


def kill_again_and_again(
    program: str, arguments: Sequence[object], folder: Path, between: tuple[int, int], snapshot: str, times: int
) -> int:
    """How often a program was killed that is told after how many answers it dies, as its last argument."""
    rng, kills = random.Random(3), 0
    for _ in range(times):
        command = [sys.executable, "-c", program, *map(str, arguments), str(rng.randint(*between))]
        ended = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
        assert ended.returncode in (0, 9), ended.stderr
        kills += ended.returncode == 9
        last = folder / FOLDER / "last.npz"
        if last.exists() and snapshot == "deleted":
            last.unlink()
        elif last.exists() and snapshot == "damaged":
            damage(last)
    return kills
