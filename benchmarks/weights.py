"""How long raking 10^6 rows to 5 margins takes, and how that compares with a plain pandas loop over margins.

``python -m benchmarks.weights [--quick] [--json]``. The plain version is iterative proportional fitting as usually
written (a group-by and a merge a margin and pass). Both are timed on the same rows in the same run, taking turns; the
best of the repeats counts.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from benchmarks.machine import machine
from proband.weighting import rake

TARGET_S = 2.0
LEVELS = {"sex": 2, "region": 4, "education": 5, "age": 6, "income": 8}
Margins = dict[str, dict[str, float]]


def made_up(n_rows: int, *, seed: int = 1) -> tuple[dict[str, list[str]], Margins]:
    """Correlated levels, as text, and targets that differ from the shares by up to half."""
    rng = np.random.default_rng(seed)
    lean = rng.standard_normal(n_rows)
    columns: dict[str, list[str]] = {}
    margins: Margins = {}
    for name, n_levels in LEVELS.items():
        level = np.clip(((lean + rng.standard_normal(n_rows)) * n_levels / 5 + n_levels / 2), 0, n_levels - 1).astype(
            int
        )
        wanted = np.bincount(level, minlength=n_levels) * rng.uniform(0.6, 1.5, n_levels)
        margins[name] = {str(k): float(share) for k, share in enumerate(wanted / wanted.sum())}
        columns[name] = level.astype(str).tolist()
    return columns, margins


def plain(columns: Mapping[str, list[str]], margins: Margins, tolerance: float = 1e-8) -> np.ndarray:
    """Iterative proportional fitting with a data frame: group, merge, multiply."""
    frame = pd.DataFrame(columns)
    frame["w"] = 1.0
    total, gap = float(len(frame)), 1.0
    while gap > tolerance:
        gap = 0.0
        for name, shares in margins.items():
            now = frame.groupby(name)["w"].sum()
            target = pd.Series(shares) * total
            factor = (target / now).rename("factor")
            merged = frame.merge(factor, left_on=name, right_index=True, how="left")
            frame["w"] = (merged["w"] * merged["factor"]).to_numpy()
        for name, shares in margins.items():
            held = frame.groupby(name)["w"].sum() / total
            gap = max(gap, float((held - pd.Series(shares)).abs().max()))
    return frame["w"].to_numpy()


def best_of(work: Callable[[], object], repeats: int) -> float:
    """Shortest time in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(n_rows: int, n_plain: int, repeats: int) -> dict[str, object]:
    """Both on `n_plain` rows, ours on all of them."""
    columns, margins = made_up(n_rows)
    few = {name: column[:n_plain] for name, column in columns.items()}
    ours, theirs = rake(few, margins).weights, plain(few, margins)
    compared = {"ours": best_of(lambda: rake(few, margins), repeats), "plain": best_of(lambda: plain(few, margins), 2)}
    raked = rake(columns, margins)
    return {
        "machine": machine("numpy", "pandas"),
        "rows": n_rows,
        "margins": len(margins),
        "passes": raked.n_iterations,
        "seconds": best_of(lambda: rake(columns, margins), repeats),
        "target_seconds": TARGET_S,
        "plain_rows": n_plain,
        "plain_seconds": compared["plain"],
        "ratio_to_plain": compared["plain"] / compared["ours"],
        "largest_difference_of_weights": float(np.abs(ours - theirs).max()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weights", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    asked = parser.parse_args()
    n_rows = 100_000 if asked.quick else 1_000_000
    found = measure(n_rows, min(n_rows, 200_000), 3)
    if asked.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:>30}  {value}")
    seconds = found["seconds"]
    return int(not asked.quick and isinstance(seconds, float) and seconds > TARGET_S)


if __name__ == "__main__":
    sys.exit(main())
