"""How long Krippendorff's alpha takes on 10^5 units and 5 coders, beside the package `krippendorff`.

``python -m benchmarks.agreement [--quick] [--json]``. Both get the same codes in the same run, in turns; the best of
several turns counts. Ours gives alpha, its jackknife standard error and interval; the package gives alpha. The package
(GPL) is no dependency: where it is not installed only our own time is shown.
"""

import argparse
import importlib
import json
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import machine
from proband.measures.agreement.krippendorff import krippendorff_alpha

LEVELS = ("nominal", "ordinal", "interval", "ratio")
UNITS, CODERS, CATEGORIES, MISSING = 100_000, 5, 5, 0.1


def codes(n_units: int) -> NDArray[np.float64]:
    """Codes of coders who know the category of 7 in 10 units, with a tenth of the cells missing."""
    rng = np.random.default_rng(1)
    truth = rng.integers(1, CATEGORIES + 1, (n_units, 1))
    guess = rng.integers(1, CATEGORIES + 1, (n_units, CODERS))
    coded = np.where(rng.random(guess.shape) < 0.7, truth, guess).astype(np.float64)
    coded[rng.random(coded.shape) < MISSING] = np.nan
    return coded


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def one_pass(coded: NDArray[np.float64]) -> float:
    """What reading every code once takes: the least that any way to alpha needs."""
    return min(seconds(lambda: np.isnan(coded).any()) for _ in range(20))


def compare(coded: NDArray[np.float64], turns: int) -> list[dict[str, object]]:
    package = importlib.import_module("krippendorff") if find_spec("krippendorff") else None
    by_coder = np.ascontiguousarray(coded.T)
    rows: list[dict[str, object]] = []
    for level in LEVELS:
        own, theirs = [], []
        for _ in range(turns):
            own.append(seconds(lambda level=level: krippendorff_alpha(coded, level)))
            if package is not None:
                theirs.append(
                    seconds(lambda level=level: package.alpha(reliability_data=by_coder, level_of_measurement=level))
                )
        row: dict[str, object] = {"level": level, "own_s": min(own)}
        if package is not None:
            value = package.alpha(reliability_data=by_coder, level_of_measurement=level)
            row |= {
                "package_s": min(theirs),
                "ratio": min(theirs) / min(own),
                "largest_difference": abs(float(value) - krippendorff_alpha(coded, level).value),
            }
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the units, 3 turns")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    coded = codes(UNITS // 10 if options.quick else UNITS)
    rows = compare(coded, 3 if options.quick else 9)
    found = {
        **machine("numpy", "scipy", "krippendorff"),
        "n_units": len(coded),
        "n_coders": CODERS,
        "one_pass_s": one_pass(coded),
        "levels": rows,
    }
    if options.json:
        print(json.dumps(found))
        return
    print(
        f"Krippendorff's alpha, {len(coded):,} units x {CODERS} coders; "
        f"reading them once takes {1e3 * one_pass(coded):.2f} ms"
    )
    for row in rows:
        line = f"{row['level']:>9}: {1e3 * float(str(row['own_s'])):7.2f} ms with interval"
        if "ratio" in row:
            line += f"; package {1e3 * float(str(row['package_s'])):7.2f} ms, {float(str(row['ratio'])):.1f} times ours"
        print(line if "ratio" in row else f"{line}; package krippendorff is not installed: no ratio")


if __name__ == "__main__":
    main()
