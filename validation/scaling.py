"""Scales of comparisons: coverage of contrasts, with ties, with positions of one pair in a cluster, corrected."""

from functools import partial

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.measures import bradley_terry, corrected_bradley_terry
from validation.experiments import NEVER
from validation.simulation import Scenario, covers

FAMILY = "Scales of comparisons"
_MET = 16  # others that each object meets

READING = """
- n is the number of objects on a line from -1.5 to 1.5 in log odds, each of which meets 16 others; the contrast is of
  two objects a third of the line apart.
- Both positions of a pair are one judgement here: the second verdict follows from the first. Taken as independent their
  errors are short; in clusters of pairs they cover.
- Corrected: the model's verdicts have half the slope of the experts', who judged half of the pairs.
"""


def contrast_covers(rng: np.random.Generator, n: int, *, kind: str) -> bool | None:
    """A true difference of two objects."""
    truth = np.linspace(-1.5, 1.5, n)
    ring = rng.permutation(n)
    steps = [1, *rng.choice(np.arange(2, (n + 1) // 2), _MET // 2 - 1, replace=False)]
    one, other = np.concatenate([ring] * len(steps)), np.concatenate([np.roll(ring, k) for k in steps])
    names = np.array([f"o{k}" for k in range(n)])
    first, second, x, u = names[one].tolist(), names[other].tolist(), truth[one] - truth[other], rng.random(len(one))
    high, low = 2 * n // 3, n // 3
    pairs = list(range(len(one)))
    try:
        if kind == "ties":
            shares = special.softmax(np.stack([x / 2, -x / 2, np.full_like(x, -0.3)]), axis=0)
            won, tied = u < shares[0], u > shares[0] + shares[1]
            scale = bradley_terry(first, second, won, tied=tied)
        elif kind in ("clusters", "no clusters"):
            won = np.concatenate([u < special.expit(x + 0.5), u >= special.expit(x - 0.5)])
            scale = bradley_terry(
                first + second, second + first, won, position=True,
                weights=[0.5] * len(won) if kind == "clusters" else None,
                cluster=pairs * 2 if kind == "clusters" else None,
            )  # fmt: skip
        elif kind == "corrected":
            expert = np.where(rng.random(len(x)) < 0.5, 1.0 * (u < special.expit(x)), np.nan)
            scale = corrected_bradley_terry(first, second, special.expit(x / 2), expert)
        else:
            scale = bradley_terry(first, second, u < special.expit(x))
    except DataError:  # experts' pairs that leave an object out: refused, and counted apart
        return None
    return covers(scale.difference(f"o{high}", f"o{low}"), float(truth[high] - truth[low]))


SCENARIOS: tuple[Scenario, ...] = tuple(
    Scenario(
        family=FAMILY, method=method, data=data, draw=partial(contrast_covers, kind=kind), sizes=(20, 40, 80),
        held_from=held, tolerance=0.03, is_conservative=True,
    )
    for method, data, kind, held in (
        ("Bradley-Terry, Firth", "one verdict a pair", "plain", 20),
        ("Bradley-Terry, ties", "a fifth are ties", "ties", 20),
        ("Bradley-Terry, pairs in clusters", "second verdict follows from the first", "clusters", 20),
        ("Bradley-Terry, no clusters", "second verdict follows from the first", "no clusters", NEVER),
        ("Bradley-Terry, corrected", "experts judged half", "corrected", 40),
    )
)  # fmt: skip
