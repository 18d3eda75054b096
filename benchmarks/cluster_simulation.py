"""How well many replicas are used, simulated from measured parts.

``python -m benchmarks.cluster_simulation`` prints a table: replicas by personas, and where the driver is full. Every
persona is a piece of 20 trials. A replica takes the next piece when its own is done; the driver packs, reads and stores
every trial, one after the other, so that an answer waits for it. What is put in was measured (`--help`), what comes out
was not.
"""

import argparse
import heapq
import json
import math
from itertools import islice

import numpy as np

REPLICAS = (1, 4, 16, 64, 256, 1024)
PERSONAS = (5_000, 50_000)
PIECE = 20  # trials
AHEAD = 2  # pieces that a replica has, the one it computes among them


def makespan(
    replicas: int, pieces: int, *, piece_s: float, spread: float, driver_s: float, start_s: float, seed: int = 1
) -> float:
    """Seconds from the start of the replicas until the last piece is stored."""
    rng = np.random.default_rng(seed)
    sigma = math.sqrt(math.log1p(spread**2))
    takes = rng.lognormal(math.log(piece_s) - sigma**2 / 2, sigma, pieces)
    ready = start_s * rng.uniform(0.8, 1.2, replicas)  # they do not load equally fast
    left = iter(takes.tolist())
    done: list[tuple[float, int]] = []  # when the piece is computed that each replica is at
    waiting: list[list[float]] = [[] for _ in range(replicas)]  # pieces it has beside that one
    for replica, at in enumerate(ready.tolist()):
        for k, take in enumerate(islice(left, AHEAD)):
            if k == 0:
                heapq.heappush(done, (at + take, replica))
            else:
                waiting[replica].append(take)
    driver = 0.0
    while done:
        computed, replica = heapq.heappop(done)
        has_work = bool(waiting[replica])
        if has_work:
            heapq.heappush(done, (computed + waiting[replica].pop(0), replica))
        driver = max(driver, computed) + driver_s * PIECE
        take = next(left, None)
        if take is not None and has_work:
            # It is there before the replica needs it, unless the driver is late by a whole piece.
            late = max(driver - computed - piece_s, 0.0)
            waiting[replica].append(take + late)
        elif take is not None:
            heapq.heappush(done, (driver + take, replica))
    return driver


def efficiency(replicas: int, pieces: int, **parts: float) -> float:
    """Share of the replicas' time that goes into pieces, from their start to the end of the run."""
    takes = makespan(replicas, pieces, **parts)  # type: ignore[arg-type]
    return pieces * parts["piece_s"] / (replicas * takes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster_simulation", description=__doc__)
    parser.add_argument("--piece", type=float, default=2.8, help="seconds of a piece of 20 trials on a replica")
    parser.add_argument("--spread", type=float, default=0.2, help="its coefficient of variation")
    parser.add_argument("--driver", type=float, default=130e-6, help="seconds of the driver for a trial")
    parser.add_argument("--start", type=float, default=15.0, help="seconds until a replica answers")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    parts = {"piece_s": asked.piece, "spread": asked.spread, "driver_s": asked.driver, "start_s": asked.start}
    found = {n: {pieces: efficiency(n, pieces, **parts) for pieces in PERSONAS} for n in REPLICAS}
    full = asked.piece / (PIECE * asked.driver)
    if asked.json:
        print(json.dumps({"parts": parts, "efficiency": found, "driver is full at": full}, indent=2))
        return
    print("replicas  " + "  ".join(f"{pieces:>7,} personas" for pieces in PERSONAS))
    for n, row in found.items():
        print(f"{n:>8,}  " + "  ".join(f"{value:>16.2f}" for value in row.values()))
    print(f"the driver is full at {full:,.0f} replicas")


if __name__ == "__main__":
    main()
