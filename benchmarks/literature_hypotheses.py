"""Which of many hypotheses are so? Ours, found on A and held on B, beside HypoGeniC's bank, in worlds that are known.

``python -m benchmarks.literature_hypotheses --worlds 100``. In a world some hypotheses are true, some tiny, and
most are false. A scripted proposer names each with the same probability, a scripted judge foretells each row by a
hypothesis and errs at a known rate; both methods hear the same proposer and the same judge. HypoGeniC's rule is written
here from its description (Zhou et al. 2024, arXiv:2404.04326, algorithm 1, with its defaults): reward = accuracy +
alpha sqrt(log t / visits), the k with the highest reward foretell each example, what at least so many of them get wrong
makes a pool, and a full pool brings new hypotheses; the bank of 20 at the end is what it gives. Its own package asks a
model; none is asked here, so that what differs is the rule. With k = 20 it
asks the judge about twice as often as with its default of 10, and ours asks about as often as that, or more.
"""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.machine import machine
from proband.literature.hypotheses.bank import Bank, Keeping
from proband.literature.hypotheses.record import Hypothesis
from proband.literature.hypotheses.rows import Rows
from proband.literature.hypotheses.testing import Terms, accuracy, decided, found_on
from proband.measures import clustered_mean

ALPHA, BANK, POOL, FRESH, FIRST = 0.5, 20, 10, 5, 10
TERMS = Terms(data="world", outcome="y", adjust="bh", alpha=0.10, found_at=0.40, most=50)
KEEPING = Keeping(size=100, acting=20, alpha=2.0, errors=10, fresh=5)


@dataclass(frozen=True)
class World:
    """Outcomes of rows, and what the judge foretells of each by each hypothesis; the first `n_true` are true."""

    y: np.ndarray
    said: np.ndarray  # (rows, hypotheses)
    n_true: int
    order: list[int]  # of proposals, with repeats

    @property
    def n(self) -> int:
        """Hypotheses."""
        return self.said.shape[1]


def world(effects: list[float], n_false: int, *, rows: int, confusion: float, seed: int) -> World:
    """Logistic outcome of binary features, one a hypothesis; the judge reads a feature wrongly at a known rate."""
    rng = np.random.default_rng(seed)
    n = len(effects) + n_false
    x = rng.random((rows, n)) < 0.5
    logit = (2.0 * x[:, : len(effects)] - 1) @ np.array(effects)
    y = rng.random(rows) < 1 / (1 + np.exp(-logit))
    said = x ^ (rng.random((rows, n)) < confusion)
    return World(y=y, said=said, n_true=len(effects), order=rng.integers(0, n, 5_000).tolist())


def hypogenic(of: World, acting: int = 10) -> tuple[set[int], int]:
    """The bank at the end, and how often the judge was asked."""
    proposals = iter(of.order)
    hits, visits, calls = dict[int, int](), dict[int, int](), 0
    pool: list[int] = []

    def judged(idea: int, row: int) -> bool:
        nonlocal calls
        calls += 1
        is_right = bool(of.said[row, idea] == of.y[row])
        hits[idea] = hits.get(idea, 0) + is_right
        visits[idea] = visits.get(idea, 0) + 1
        return is_right

    def new(n: int, rows: list[int]) -> list[int]:
        ideas = [idea for idea in (next(proposals) for _ in range(n)) if idea not in bank]
        for idea in dict.fromkeys(ideas):
            for row in rows:
                judged(idea, row)
        return list(dict.fromkeys(ideas))

    def reward(idea: int) -> float:
        return hits[idea] / visits[idea] + ALPHA * math.sqrt(math.log(max(t, 2)) / visits[idea])

    t, bank = FIRST, list[int]()
    bank = new(FIRST, list(range(FIRST)))
    for row in range(FIRST, len(of.y)):
        t = row + 1
        top = sorted(bank, key=reward, reverse=True)[:acting]
        if sum(not judged(idea, row) for idea in top) >= len(top) / 2:
            pool.append(row)
        if len(pool) >= POOL:
            bank = sorted([*bank, *new(FRESH, pool)], key=reward, reverse=True)[:BANK]
            pool = []
    return set(bank), calls


def ours(of: World) -> tuple[set[int], int]:
    """Kept on the first half, locked, and held on the second."""
    proposals, calls, half = iter(of.order), 0, len(of.y) // 2
    labels = ["yes" if each else "no" for each in of.y]
    words = np.where(of.said, "yes", "no")
    bank, said = Bank(KEEPING), dict[str, dict[int, str]]()

    def propose(n: int) -> None:
        for idea in (str(next(proposals)) for _ in range(n)):
            said.setdefault(idea, {})
            bank.add([idea])

    propose(FIRST)
    for row in range(half):
        told: dict[str, tuple[str, str | None]] = {}
        for idea in bank.asked():
            calls += 1
            said[idea][row] = str(words[row, int(idea)])
            told[idea] = labels[row], said[idea][row]
        bank.judged(row, told)
        if bank.erred():
            propose(KEEPING.fresh)
    a, b = (rows_of(labels[part]) for part in (slice(half), slice(half, None)))
    seen = {idea: (a.labels, [said[idea].get(k) for k in range(half)]) for idea in bank.tallies}
    locked = found_on(a, seen, TERMS)
    told_of = {"dependent": "y", "direction": "more", "falsifier": "No agreement."}
    made = {idea: Hypothesis(independent=idea, **told_of) for idea in locked}  # type: ignore[arg-type]
    on_b = {made[idea].id: (b.labels, words[half:, int(idea)].tolist()) for idea in locked}
    calls += len(locked) * (len(of.y) - half)
    on_a = {made[idea].id: (locked[idea], accuracy(seen[idea])[0]) for idea in locked}
    if not locked:
        return set(), calls
    found = decided(b, list(made.values()), on_b, on_a, TERMS)
    return {int(one.hypothesis.independent) for one in found if one.verdict == "held"}, calls


def rows_of(labels: list[str]) -> Rows:
    """Rows that are known by their outcome only."""
    ids = tuple(map(str, range(len(labels))))
    return Rows(name="world", ids=ids, labels=tuple(labels), units=ids, texts={"text": ids}, outcome="y")


WORLDS: dict[str, dict[str, Any]] = {
    "10 true, 30 false": {"effects": [0.4] * 10, "n_false": 30},
    "10 true, 90 false": {"effects": [0.4] * 10, "n_false": 90},
    "7 true and 3 tiny, 90 false": {"effects": [0.4] * 7 + [0.1] * 3, "n_false": 90},
    "none true, 100 false": {"effects": [], "n_false": 100},
}
METHODS: dict[str, Callable[[World], tuple[set[int], int]]] = {
    "ours": ours, "HypoGeniC's rule": hypogenic, "HypoGeniC's rule, k = 20": partial(hypogenic, acting=20),
}  # fmt: skip


def measure(n_worlds: int, rows: int, confusion: float) -> dict[str, Any]:
    """Recall of the true ones and share of false ones among those that are given, world by world."""
    found: dict[str, Any] = {}
    for name, how in WORLDS.items():
        made = [world(**how, rows=rows, confusion=confusion, seed=k) for k in range(n_worlds)]
        for method, work in METHODS.items():
            outcomes = [work(each) for each in made]
            n_true = len(how["effects"])
            false = [sum(i >= n_true for i in given) / max(len(given), 1) for given, _ in outcomes]
            recall = [sum(i < n_true for i in given) / n_true for given, _ in outcomes] if n_true else None
            found[f"{name}: {method}"] = {
                "recall": _mean(recall) if recall else None, "false discoveries": _mean(false),
                "given": float(np.mean([len(given) for given, _ in outcomes])),
                "judgements": float(np.mean([calls for _, calls in outcomes])),
            }  # fmt: skip
    return found


def _mean(values: list[float]) -> str:
    return str(clustered_mean(values, list(range(len(values))), is_share=False, target="data"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--confusion", type=float, default=0.15)
    given = parser.parse_args()
    told = {"machine": machine("numpy"), **vars(given), **measure(given.worlds, given.rows, given.confusion)}
    print(json.dumps(told, indent=2))
