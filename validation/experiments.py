"""Means, differences and tests of experiments: coverage of intervals, size of tests, and power as planned."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from proband.estimates import Estimate
from proband.measures.experiments.clusters import clustered_mean
from proband.measures.experiments.comparisons import TwoMeans
from proband.measures.experiments.detection import smallest_detectable_effect
from proband.measures.experiments.differences import Inference, difference_in_means
from proband.measures.experiments.dispositions import disposition_test
from proband.measures.experiments.multiplicity import adjust_p, romano_wolf
from proband.measures.experiments.pairs import paired_difference
from proband.measures.experiments.planning import power
from validation.simulation import Scenario, covers

NEVER = 10**9  # shown, and held to nothing
FAMILY = "Experiments"
ALPHA = 0.05

READING = """
- n counts what is independent: clusters where there are clusters, treated units (pairs) elsewhere.
- CR2 with Satterthwaite's degrees of freedom holds from 4 clusters on where they are of one size. Where a few clusters
  carry the mean and answers within them are much alike it loses up to three points, of which it warns. CR0 (no
  correction, as often printed for evaluations) and standard errors that ignore clusters are shown for comparison.
- The t interval of a difference is too short for rare binary outcomes in small arms and for outcomes skewed in arms of
  unequal size; `difference_in_means` warns below 5 events and above a skewness of the estimate of .2.
- A permutation test keeps its size for the null that nobody is affected. In arms of unequal size and variance it does
  not test the average effect (last row of its kind), and says so.
"""


def clusters_of(rng: np.random.Generator, n: int, sizes: str, icc: float) -> tuple[np.ndarray, np.ndarray]:
    """Normal scores with mean 0 in n clusters, and their clusters."""
    m = {"5": np.full(n, 5), "20": np.full(n, 20), "2-40": rng.choice([2, 5, 10, 40], n)}[sizes]
    cluster = np.repeat(np.arange(n), m)
    between = math.sqrt(icc) * rng.standard_normal(n)
    return between[cluster] + math.sqrt(1 - icc) * rng.standard_normal(len(cluster)), cluster


def clustered_mean_covers(
    rng: np.random.Generator, n: int, *, sizes: str, icc: float, kind: str = "CR2", is_binary: bool = False
) -> bool | None:
    y, cluster = clusters_of(rng, n, sizes, icc)
    # P(normal > .5244) = .3
    scores, truth = (1.0 * (y > 0.5244005), 0.3) if is_binary else (y, 0.0)
    return covers(clustered_mean(scores, cluster, kind), truth)  # type: ignore[arg-type]


def iid_mean_covers(rng: np.random.Generator, n: int, *, sizes: str, icc: float) -> bool | None:
    y, _ = clusters_of(rng, n, sizes, icc)
    return covers(clustered_mean(y, np.arange(len(y))), 0.0)


def paired_covers(rng: np.random.Generator, n: int, *, kind: str) -> bool | None:
    ability = rng.standard_normal(n)
    if kind == "clusters":
        difference, cluster = clusters_of(rng, n, "5", 0.3)
        return covers(paired_difference(difference + 1, np.ones(len(difference)), cluster=cluster), 0.0)
    if kind == "normal":
        return covers(paired_difference(ability + rng.normal(0.5, 1, n), ability + rng.normal(0, 2, n)), 0.5)
    high, low = {"binary": (0.3, 0.0), "binary, rarely different": (2.0, 1.8)}[kind]
    noise = 0.5 if kind == "binary" else 0.2
    a, b = (1.0 * (ability + noise * rng.standard_normal(n) + at > 0) for at in (high, low))
    spread = math.sqrt(1 + noise**2)
    truth = 0.5 * (math.erf(high / spread / math.sqrt(2)) - math.erf(low / spread / math.sqrt(2)))
    return covers(paired_difference(a, b), truth)


def mcnemar_rejects(rng: np.random.Generator, n: int) -> bool | None:
    ability = rng.standard_normal(n)
    a, b = (1.0 * (ability + 0.5 * rng.standard_normal(n) > 0) for _ in range(2))
    return _rejects(paired_difference(a, b))


def difference_covers(rng: np.random.Generator, n: int, *, kind: str) -> bool | None:
    if kind == "normal, unequal variances":
        return covers(difference_in_means(rng.normal(1, 2, n), rng.normal(0, 1, 2 * n)), 1.0)
    if kind == "lognormal, n and n":
        return covers(difference_in_means(rng.lognormal(0, 1, n), rng.lognormal(0, 1, n)), 0.0)
    if kind == "lognormal, n and 5 n":
        return covers(difference_in_means(rng.lognormal(0, 1, n), rng.lognormal(0, 1, 5 * n)), 0.0)
    if kind.startswith("binary"):
        low, high = {"binary, .1 and .2": (0.1, 0.2), "binary, .02 and .1": (0.02, 0.1)}[kind]
        found = difference_in_means(1.0 * (rng.random(n) < high), 1.0 * (rng.random(n) < low))
        return covers(found, high - low)
    blocks = np.repeat(np.arange(n // 5), 5)
    y1, y0 = rng.normal(blocks + 1, 1), rng.normal(blocks, 1)
    return covers(difference_in_means(y1, y0, blocks=(blocks, blocks)), 1.0)


def cluster_difference_covers(
    rng: np.random.Generator, n: int, *, sizes: str, icc: float, n_blocks: int = 1
) -> bool | None:
    (y1, c1), (y0, c0) = clusters_of(rng, n, sizes, icc), clusters_of(rng, n, sizes, icc)
    blocks = None if n_blocks == 1 else (c1 % n_blocks, c0 % n_blocks)
    shift = 0.0 if blocks is None else 1.0
    found = difference_in_means(
        y1 + shift * (c1 % n_blocks), y0 + shift * (c0 % n_blocks), cluster=(c1, n + c0), blocks=blocks
    )
    return covers(found, 0.0)


def _permuted(rng: np.random.Generator, n: int, kind: str, shift: float) -> Estimate:
    how = Inference(method="permutation", n_draws=999, rng=rng)
    if kind == "pairs of 1 + 1, lognormal":
        y1, y0, pair = rng.lognormal(0, 1, n), rng.lognormal(0, 1, n), np.arange(n)
        return difference_in_means(y1 + shift, y0, blocks=(pair, pair), inference=how)
    if kind == "clusters of 2-40, ICC .2":
        (y1, c1), (y0, c0) = clusters_of(rng, n, "2-40", 0.2), clusters_of(rng, n, "2-40", 0.2)
        return difference_in_means(y1 + shift, y0, cluster=(c1, n + c0), inference=how)
    if kind == "normal, SD 3 and 1, n and 4 n":
        return difference_in_means(rng.normal(shift, 3, n), rng.normal(0, 1, 4 * n), inference=how)
    return difference_in_means(shift + rng.lognormal(0, 1, n), rng.lognormal(0, 1, 3 * n), inference=how)


def permutation_covers(rng: np.random.Generator, n: int, *, kind: str) -> bool | None:
    return covers(_permuted(rng, n, kind, 1.0), 1.0)


def permutation_rejects(rng: np.random.Generator, n: int, *, kind: str) -> bool | None:
    return _rejects(_permuted(rng, n, kind, 0.0))


def any_rejected(rng: np.random.Generator, n: int, *, method: str, n_tests: int = 10) -> bool | None:
    """Whether a family of correlated t tests with nothing to find has a rejection; n units each."""
    common = rng.standard_normal((n, 1))
    y = math.sqrt(0.5) * common + math.sqrt(0.5) * rng.standard_normal((n, n_tests))
    if method == "romano-wolf":
        signs = rng.choice([-1.0, 1.0], (499, n))
        draws = np.stack([_t(sign[:, None] * y) for sign in signs])
        return bool(romano_wolf(dict(enumerate(_t(y))), draws).rejected(ALPHA))
    p = {k: paired_difference(y[:, k], np.zeros(n)).p_value for k in range(n_tests)}
    return bool(adjust_p(p, method).rejected(ALPHA))  # type: ignore[arg-type]


def _t(y: np.ndarray) -> np.ndarray:
    return y.mean(axis=0) / (y.std(axis=0, ddof=1) / math.sqrt(len(y)))


def detectable_is_found(rng: np.random.Generator, n: int) -> bool | None:
    effect = float(smallest_detectable_effect(n, n))
    return _rejects(difference_in_means(rng.normal(effect, 1, n), rng.normal(0, 1, n)))


def clustered_power_is_met(rng: np.random.Generator, n: int) -> bool | None:
    """An effect that n clusters of 5 in each arm, ICC .3, should find with probability .8."""
    low, high = 0.0, 20.0
    for _ in range(40):
        effect = (low + high) / 2
        planned = float(power(TwoMeans(effect=effect, cluster_size=5, icc=0.3), 5 * n))
        low, high = (effect, high) if planned < 0.8 else (low, effect)
    (y1, c1), (y0, c0) = clusters_of(rng, n, "5", 0.3), clusters_of(rng, n, "5", 0.3)
    return _rejects(difference_in_means(y1 + effect, y0, cluster=(c1, n + c0)))


def dispositions_rejected(rng: np.random.Generator, n: int, *, rate: float) -> bool | None:
    chances = (1 - rate, 0.7 * rate, 0.3 * rate)
    counts = {
        arm: dict(zip(("ok", "refused", "unparsed"), rng.multinomial(n, chances).tolist(), strict=True))
        for arm in "abc"
    }
    p = disposition_test(counts, n_draws=499, rng=rng).difference.p_value
    return None if p is None else p <= ALPHA


def _rejects(found: Estimate) -> bool | None:
    return None if found.p_value is None else found.p_value <= ALPHA


def _row(method: str, data: str, draw: Callable[..., bool | None], **how: Any) -> Scenario:
    return Scenario(family=FAMILY, method=method, data=data, draw=draw, **how)


_CLUSTERS = (4, 10, 20, 50)
# Where a few clusters carry the result, and answers within them are alike, the interval warns that it is short.
_UNEVEN = 0.035

_CLUSTERED_MEANS = tuple(
    _row(
        f"clustered mean, {kind}",
        f"clusters of {sizes}, ICC {icc:g}{', binary .3' if is_binary else ''}",
        partial(clustered_mean_covers, sizes=sizes, icc=icc, kind=kind, is_binary=is_binary),
        sizes=_CLUSTERS,
        held_from=held_from,
        tolerance=_UNEVEN if sizes == "2-40" else 0.015,
        is_conservative=True,
    )
    for kind, sizes, icc, is_binary, held_from in (
        ("CR2", "20", 0.0, False, 4),
        ("CR2", "20", 0.2, False, 4),
        ("CR2", "5", 0.8, False, 4),
        ("CR2", "20", 0.2, True, 10),
        ("CR2", "2-40", 0.0, False, 4),
        ("CR2", "2-40", 0.2, False, 4),
        ("CR2", "2-40", 0.8, False, 4),
        ("CR1", "2-40", 0.2, False, NEVER),
        ("CR0", "20", 0.2, False, NEVER),
        ("CR0", "2-40", 0.2, False, NEVER),
    )
)

_IGNORED = _row(
    "*mean, clusters ignored (not used)*",
    "clusters of 20, ICC 0.2",
    partial(iid_mean_covers, sizes="20", icc=0.2),
    sizes=_CLUSTERS,
    held_from=NEVER,
)

_PAIRS = (
    *(
        _row("paired difference", data, partial(paired_covers, kind=data), is_conservative=data != "normal")
        for data in ("normal", "binary", "binary, rarely different")
    ),
    _row("paired difference", "clusters of 5, ICC 0.3", partial(paired_covers, kind="clusters"), sizes=_CLUSTERS),
    _row("exact McNemar test (size)", "binary, equal", mcnemar_rejects, expected=ALPHA, is_conservative=True),
)

# Rare and skewed outcomes are held from the size at which no warning stands beside most intervals.
_DIFFERENCES = tuple(
    _row("difference in means", data, partial(difference_covers, kind=data), held_from=held_from)
    for data, held_from in (
        ("normal, unequal variances", 10),
        ("lognormal, n and n", 20),
        ("lognormal, n and 5 n", 200),
        ("binary, .1 and .2", 50),
        ("binary, .02 and .1", 200),
        ("blocks of 5 + 5, normal", 10),
    )
)

_CLUSTER_DIFFERENCES = tuple(
    _row(
        "difference in means, clusters",
        f"n + n clusters of {sizes}, ICC {icc:g}{f', {n_blocks} blocks' if n_blocks > 1 else ''}",
        partial(cluster_difference_covers, sizes=sizes, icc=icc, n_blocks=n_blocks),
        sizes=_CLUSTERS,
        held_from=4,
        tolerance=_UNEVEN if sizes == "2-40" else 0.015,
    )
    for sizes, icc, n_blocks in (("20", 0.2, 1), ("20", 0.2, 2), ("2-40", 0.2, 1), ("2-40", 0.8, 1))
)

_PERMUTATIONS = tuple(
    _row(
        f"difference in means, permutation{what}",
        data,
        partial(draw, kind=data),
        expected=expected,
        is_conservative=True,
        held_from=NEVER if data.startswith("normal") else 10,
        sizes=(10, 20, 50),
    )
    for what, draw, expected in (("", permutation_covers, 0.95), (" (size)", permutation_rejects, ALPHA))
    for data in (
        "lognormal, n and 3 n",
        "pairs of 1 + 1, lognormal",
        "clusters of 2-40, ICC .2",
        "normal, SD 3 and 1, n and 4 n",
    )
)

_FAMILIES = tuple(
    _row(
        f"any rejection among 10, {method}",
        "correlated .5, nothing to find",
        partial(any_rejected, method=method),
        expected=ALPHA,
        is_conservative=method != "romano-wolf",
        sizes=(20, 50),
    )
    for method in ("bonferroni", "holm", "bh", "by", "romano-wolf")
)

_POWER = (
    _row("power .8 of the smallest detectable effect", "normal, n + n", detectable_is_found, expected=0.8),
    _row("power .8 as planned", "n + n clusters of 5, ICC 0.3", clustered_power_is_met, expected=0.8),
)

_DISPOSITIONS = tuple(
    _row(
        "disposition test (size)",
        f"3 arms, {rate:.0%} not valid",
        partial(dispositions_rejected, rate=rate),
        expected=ALPHA,
        is_conservative=True,
        sizes=(20, 50, 200),
    )
    for rate in (0.05, 0.3)
)

SCENARIOS: tuple[Scenario, ...] = (
    *_CLUSTERED_MEANS,
    _IGNORED,
    *_PAIRS,
    *_DIFFERENCES,
    *_CLUSTER_DIFFERENCES,
    *_PERMUTATIONS,
    *_FAMILIES,
    *_POWER,
    *_DISPOSITIONS,
)
