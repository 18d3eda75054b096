"""How long pages of the viewer take on a run of 10^6 responses, finished and still going on.

``python -m benchmarks.view [--quick] [--into DIR] [--json]``. The run is made once (Mini-IPIP, 500 personas, 100
replicates, a scripted engine that also writes fifty random words a reply; two minutes and half a gigabyte) and kept in
DIR. Of each page the whole answer is timed, from the request to the last byte, in this process and with polars on one
thread: the first look after the run was opened, and the best of some more. ``--quick`` takes 10^5 responses.
"""

import os

os.environ["POLARS_MAX_THREADS"] = "1"  # read when polars is imported

import argparse
import asyncio
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from benchmarks.machine import machine
from proband import Survey, collect, load_instrument
from proband.models import BaseEngine
from proband.records import Completion, Trial
from proband.subjects import Field, Population, Subject
from proband.web.viewer.application import application
from proband.web.viewer.bundle import asked
from proband.web.viewer.folder import Folder

PERSONAS, REPLICATES, QUICK = 500, 100, 10
TARGET_MS = {"finished": 100.0, "going on": 300.0}
MEMORY_MB = 400.0
_RARE = "quixotic"


class Wordy(BaseEngine):
    """Scores nothing: writes an option and fifty random words, now and then no option, twice a rare word."""

    address = "wordy"
    abilities = frozenset({"write"})

    def __init__(self, n: int) -> None:
        rng = np.random.default_rng(1)
        self.words = ["".join(map(chr, rng.integers(97, 123, rng.integers(3, 9)))) for _ in range(5_000)]
        self.rng, self.rare, self.n = rng, {n // 3, n - 5}, 0

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer at once."""
        for trial in trials:
            picked = self.rng.integers(0, 5_000, 50)
            text = " ".join([self.words[k] for k in picked])
            option = trial.reply.options[picked[0] % len(trial.reply.options)]
            said = "I cannot say" if picked[0] % 20 == 0 else option
            text = f"{said}. {_RARE if self.n in self.rare else text}"
            yield trial, Completion(text=text, prompt_tokens=90, completion_tokens=60)
            self.n += 1


def made(folder: Path, replicates: int) -> None:
    """A finished run, and a copy of it that has not got its table yet."""
    if (folder / "runs" / "finished" / "manifest.json").exists():
        return
    fields = (Field(column="age", first="I am {value} years old.", third="The person is {value} years old."),)
    subjects = tuple(Subject(id=f"p{k:03}", traits={"age": 18 + k % 70}) for k in range(PERSONAS))
    population = Population(name="made up", subjects=subjects, fields=fields)
    survey = Survey(
        instrument=load_instrument("mini-ipip"), subjects=population, seed=1, replicates=replicates, answer_by="written"
    )
    collect(survey, Wordy(PERSONAS * replicates * 20), folder / "runs" / "finished")
    there = folder / "runs" / "going-on"
    shutil.copytree(folder / "runs" / "finished", there)
    (there / "manifest.json").unlink()
    (there / "responses.parquet").unlink()


def pages(run: str, middle: str) -> dict[str, str]:
    there, place = f"/runs/{run}", quote(middle)
    return {
        "list of runs": "/",
        "a run": there,
        "first page of trials": f"{there}/trials",
        "a page in the middle": f"{there}/trials?after={place}",
        "one item": f"{there}/trials?where=item%3DC5",
        "one item, in the middle": f"{there}/trials?where=item%3DC5&after={place}",
        "one subject": f"{there}/trials?where=subject%3Dp250",
        "what was not read": f"{there}/trials?where=status%3Dunparsed",
        "an answer of an item": f"{there}/trials?where=item%3DC5&where=answer%3D2",
        "what is not there": f"{there}/trials?where=status%3Dfailed",
        "one trial": f"{there}/trial?place={place}",
        "a subject": f"{there}/subject?subject=p250",
        "instrument": f"{there}/instrument",
    }


def search(run: str) -> dict[str, str]:
    return {
        "words received (stops at 2 s)": f"/runs/{run}/trials?where=text%7E{_RARE}",
        "words sent (stops at 2 s)": f"/runs/{run}/trials?where=sent%7Eage+of+never",
    }


async def timed(app: object, address: str, n: int) -> list[float]:
    """Milliseconds of each of n looks."""
    took = []
    for _ in range(n):
        start = time.perf_counter()
        html = await asked(app, address)  # type: ignore[arg-type]
        took.append(1000 * (time.perf_counter() - start))
        assert "<h1>Not shown" not in html, address
    return took


def measure(folder: Path) -> list[dict[str, object]]:
    from proband.runs import Run

    rows: list[dict[str, object]] = []
    with Run(folder / "runs" / "finished").directory.reader() as journal:
        first, _ = journal.rows_from("p250/", 5)
    middle = str(first[0][0])
    for state, run in (("finished", "finished"), ("going on", "going-on")):
        app = application(Folder(folder / "runs"))
        for names, n in ((pages(run, middle), 5), (search(run), 1)):
            for page, address in names.items():
                took = asyncio.run(timed(app, address, n))
                target = TARGET_MS[state] if n > 1 else 2_500.0
                best = min(took[1:] or took)
                rows.append(
                    {
                        "run": state,
                        "page": page,
                        "first_ms": took[0],
                        "best_ms": best,
                        "target_ms": target,
                        "is_met": best <= target,
                    }
                )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--into", type=Path, default=Path(tempfile.gettempdir()) / "proband-view")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    replicates = QUICK if given.quick else REPLICATES
    folder = given.into / f"{PERSONAS * replicates * 20}"
    made(folder, replicates)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # of making the run, where it was made now
    rows = measure(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"machine": machine("polars"), "responses": PERSONAS * replicates * 20, "pages": rows}
    if given.json:
        print(json.dumps(told | {"peak_mb": peak, "before_mb": before}, indent=2))
        return
    for row in rows:
        times = f"{row['first_ms']:9.1f} {row['best_ms']:9.1f} ms  (target {row['target_ms']:.0f})"
        print(f"{row['run']:9} {row['page']:30} {times}")
    print(f"memory at most {peak:.0f} MB (target {MEMORY_MB:.0f}; {before:.0f} before the pages)")


if __name__ == "__main__":
    main()
