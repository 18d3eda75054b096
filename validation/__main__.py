"""``python -m validation``: simulate every interval and test, and write docs/methods/coverage.md."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from proband.workers.ray_connection import Connection
from proband.workers.rays import Rays
from validation.page import page, reread, sections
from validation.running import WORKERS, Cell, Family, families, simulate

PAGE = Path(__file__).parents[1] / "docs" / "methods" / "coverage.md"


def main() -> int:
    """Exit code: 0, or 1 where a method does not keep its promise."""
    parser = argparse.ArgumentParser(prog="python -m validation", description=__doc__)
    parser.add_argument("--replicates", type=int, default=2000, help="simulated samples a cell (2000)")
    parser.add_argument("--family", help="only this file or heading; the rest of the page stays as it is")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"processes that simulate ({WORKERS})")
    parser.add_argument("--ray", help="simulate there instead: HOST:PORT of a Ray with a token, or local")
    parser.add_argument("--notes", action="store_true", help="simulate nothing; write notes and marks anew")
    asked = parser.parse_args()
    if asked.notes:
        PAGE.write_text(reread(PAGE.read_text(encoding="utf-8"), families()), encoding="utf-8")
        return 0
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    written: dict[str, str] = {}
    known = families()
    objections: list[str] = []
    for family in families(asked.family):
        cells = list(_told(family, asked))
        objections += [cell.objection for cell in cells if cell.objection]
        written |= sections(family, cells, asked.replicates)
        # A run that is cut short keeps the families it has done.
        PAGE.write_text(page(written, before, known), encoding="utf-8")
    if asked.family is None:
        PAGE.write_text(page(written), encoding="utf-8")
    for objection in objections:
        print(objection, file=sys.stderr)
    return 1 if objections else 0


def _told(family: Family, asked: argparse.Namespace) -> Iterator[Cell]:
    """The cells of a family, with a line about each on stderr."""
    jobs = [(family, row, n) for row, scenario in enumerate(family.scenarios) for n in scenario.sizes]
    start = time.perf_counter()
    executor = Rays(Connection(address=asked.ray)) if asked.ray else None
    for done, cell in enumerate(simulate(jobs, asked.replicates, workers=asked.workers, executor=executor), 1):
        scenario = family.scenarios[cell.row]
        told = f"{family.module} {done}/{len(jobs)} {time.perf_counter() - start:.0f} s"
        print(f"{told}  {scenario.method}, {scenario.data}, n = {cell.n}: {cell.share:.3f}", file=sys.stderr)
        yield cell


if __name__ == "__main__":
    sys.exit(main())
