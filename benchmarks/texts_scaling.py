"""Scales of comparisons against choix: how long 1,000 objects take, what comes of who always wins, and agreement.

``python -m benchmarks.texts_scaling``: (1) 1,000 objects that meet 20 others each, with errors, and how many of them
always win; choix on the same comparisons, where it is installed; (2) 30 objects of which none always wins: the largest
difference from choix's maximum likelihood.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.machine import machine
from proband.measures import bradley_terry


def tournament(n: int, met: int, *, spread: float, seed: int) -> tuple[list[str], list[str], list[bool]]:
    """Objects on a line, each of which meets so many others."""
    rng = np.random.default_rng(seed)
    truth, ring = rng.normal(0, spread, n), rng.permutation(n)
    steps = [1, *rng.choice(np.arange(2, n // 2), met // 2 - 1, replace=False)]
    one, other = np.concatenate([ring] * len(steps)), np.concatenate([np.roll(ring, k) for k in steps])
    won = rng.random(len(one)) < 1 / (1 + np.exp(truth[other] - truth[one]))
    return [f"o{k}" for k in one], [f"o{k}" for k in other], won.tolist()


def peers(n: int, pairs: list[tuple[int, int]]) -> dict[str, Callable[[], Any]]:
    """What choix offers; nothing where it is not installed."""
    try:
        import choix
    except ImportError:
        return {}
    return {name: lambda f=getattr(choix, name): f(n, pairs) for name in ("ilsr_pairwise", "opt_pairwise")}  # type: ignore[misc]


def tried(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it, or the error."""
    start = time.perf_counter()
    try:
        found = work()
    except Exception as error:  # whatever a peer raises is its row
        found = f"{type(error).__name__}: {error}"
    return time.perf_counter() - start, found


def measure(turns: int) -> dict[str, Any]:
    """Both rows."""
    first, second, won = tournament(1000, 20, spread=2.5, seed=1)
    lost, all_ = {o for a, b, w in zip(first, second, won, strict=True) for o in ((b,) if w else (a,))}, set(first)
    own = [tried(lambda: bradley_terry(first, second, won, position=True)) for _ in range(turns)]
    scale = own[0][1]
    large: dict[str, Any] = {
        "objects": len(all_), "comparisons": len(first), "always won": len(all_ - lost),
        "seconds": min(seconds for seconds, _ in own), "largest value": float(np.abs(scale.values).max()),
        "largest error": float(np.sqrt(scale.covariance.diagonal().max())),
    }  # fmt: skip
    number = [(int(a[1:]), int(b[1:])) if w else (int(b[1:]), int(a[1:]))
              for a, b, w in zip(first, second, won, strict=True)]  # fmt: skip
    for name, work in peers(1000, number).items():
        seconds, found = tried(work)
        large[f"choix {name}"] = {
            "seconds": seconds,
            "largest value": found if isinstance(found, str) else float(np.abs(found).max()),
        }
    first, second, won = tournament(30, 20, spread=0.5, seed=2)
    small = bradley_terry(first, second, won, penalty="none")
    number = [(int(a[1:]), int(b[1:])) if w else (int(b[1:]), int(a[1:]))
              for a, b, w in zip(first, second, won, strict=True)]  # fmt: skip
    gaps = {}
    try:
        import choix
    except ImportError:
        pass
    else:
        theirs = choix.ilsr_pairwise(30, number, tol=1e-13, max_iter=1000)
        theirs = theirs - theirs.mean()
        gaps["largest difference from choix"] = max(
            abs(float(value) - theirs[int(name[1:])]) for name, value in zip(small.names, small.values, strict=True)
        )
    return {"1,000 objects": large, "30 objects": gaps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    print(json.dumps({"machine": machine(), **measure(parser.parse_args().turns)}, indent=2))


if __name__ == "__main__":
    main()
