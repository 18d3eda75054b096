"""How long `fidelity` takes on 10^6 responses to 50 items, and how that compares with plain loops.

``python benchmarks/fidelity.py [--quick] [--json]``. The plain version bootstraps respondents in Python, one by one,
for the mean total variation distance alone; both are timed on the same small sample in the same run.
"""

import argparse
import json
import random
import time
from collections import Counter

import numpy as np
import polars as pl

from proband.measures.likeness.ladder.ladder import fidelity

N_OPTIONS = 5
N_REPLICATES = 1000


def made_up(n_subjects: int, n_items: int, *, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A run that gives probabilities, and people with three traits, one row per subject and item."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(n_subjects), n_items)
    item = np.tile(np.arange(n_items), n_subjects)
    lean = np.repeat(rng.standard_normal(n_subjects), n_items)
    logits = lean[:, None] * np.linspace(-1, 1, N_OPTIONS) + 0.3 * rng.standard_normal((len(subject), N_OPTIONS))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    answer = (rng.random((len(subject), 1)) > np.cumsum(probs, axis=1)[:, :-1]).sum(axis=1)
    age, region = rng.integers(18, 90, n_subjects), rng.integers(0, 4, n_subjects)
    keys = {
        "subject": pl.Series([f"s{k}" for k in range(n_subjects)]).gather(subject),
        "item": pl.Series([f"q{k}" for k in range(n_items)]).gather(item),
    }
    run = pl.DataFrame({**keys, "probs": pl.Series(probs.tolist(), dtype=pl.List(pl.Float64))})
    people = pl.DataFrame(
        {
            **keys,
            "answer": answer,
            "value": answer + 1.0,
            "side": np.where(lean > 0, "left", "right"),
            "age": age[subject],
            "region": region[subject],
        }
    )
    return run, people


def plain(run: pl.DataFrame, people: pl.DataFrame, n_replicates: int) -> float:
    """Standard error of the mean distance by a bootstrap in loops over respondents."""
    theirs: dict[str, dict[str, int]] = {}
    ours: dict[str, dict[str, list[float]]] = {}
    for subject, item, answer in people.select("subject", "item", "answer").iter_rows():
        theirs.setdefault(subject, {})[item] = answer
    for subject, item, probs in run.select("subject", "item", "probs").iter_rows():
        ours.setdefault(subject, {})[item] = probs
    subjects, items = sorted(theirs), sorted(theirs[next(iter(theirs))])
    draw = random.Random(1)
    found = []
    for _ in range(n_replicates):
        sample = draw.choices(subjects, k=len(subjects))
        distance = 0.0
        for item in items:
            counts = Counter(theirs[s][item] for s in sample)
            model = [0.0] * N_OPTIONS
            for s in sample:
                for option, p in enumerate(ours[s][item]):
                    model[option] += p
            distance += sum(abs(counts[k] - model[k]) for k in range(N_OPTIONS)) / 2 / len(sample)
        found.append(distance / len(items))
    mean = sum(found) / len(found)
    return (sum((d - mean) ** 2 for d in found) / (len(found) - 1)) ** 0.5


def measure(*, quick: bool) -> dict[str, float]:
    n_subjects, n_items = (2_000, 20) if quick else (20_000, 50)
    run, people = made_up(n_subjects, n_items)
    started, worked = time.perf_counter(), time.process_time()
    ladder = fidelity(run, people, by="side")
    whole, worked = time.perf_counter() - started, time.process_time() - worked
    small = made_up(100 if quick else 300, 10)
    ours = min(timed(lambda: fidelity(*small)) for _ in range(3))
    loops = timed(lambda: plain(*small, N_REPLICATES))
    return {
        "responses": run.height,
        "items": n_items,
        "replicates": N_REPLICATES,
        "rows": len(ladder.rows),
        "seconds": round(whole, 2),
        "processor_seconds": round(worked, 2),
        "small_responses": small[0].height,
        "small_seconds": round(ours, 3),
        "small_loop_seconds": round(loops, 2),
        "loop_over_ours": round(loops / ours, 1),
    }


def timed(call: object) -> float:
    started = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small case")
    parser.add_argument("--json", action="store_true", help="the numbers as JSON")
    arguments = parser.parse_args()
    found = measure(quick=arguments.quick)
    if arguments.json:
        print(json.dumps(found))
        return
    print(
        f"{found['responses']:,} responses, {found['items']} items, {found['replicates']} replicates: "
        f"{found['seconds']} s ({found['processor_seconds']} s of processor time) for the whole ladder "
        f"({found['rows']} rows)\n"
        f"{found['small_responses']:,} responses: {found['small_seconds']} s, against {found['small_loop_seconds']} s "
        f"of plain loops for the mean distance alone ({found['loop_over_ours']} times)"
    )


if __name__ == "__main__":
    main()
