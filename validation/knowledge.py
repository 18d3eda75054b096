"""Knowledge consistency: coverage of means over items, coverage and size of partial rank correlations."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from proband.estimates import Estimate
from proband.measures.knowledge.options import mean_kl, option_rank_consistency, top_option_agreement
from proband.measures.knowledge.partial_correlation import partial_spearman
from proband.measures.knowledge.slick import slick_category
from validation.simulation import Scenario, covers

FAMILY = "Knowledge consistency"
READING = """
- Means of item-wise correlations near 1 are skewed; the score interval for bounded numbers holds from 20 items on,
  where the t interval, shown for comparison, needs 200. With 2 options an item says yes or no, and 50 items are
  needed.
- A mean divergence is skewed too: its interval is a few points short below 50 items, and `mean_kl` warns there.
- Pooled over domains that differ in level, the partial correlation finds what is not there; within clusters it
  holds its size. It does so where z correlates .9 with x and y; the usual t test, shown for comparison, does not.
"""
Tables = tuple[NDArray[np.float64], NDArray[np.float64]]


def answers(
    rng: np.random.Generator, n: int, *, drift: float, sharpness: float = 1.5, k: int = 4, per_cluster: int = 1
) -> Tables:
    """Probabilities of k options before and after a drift of their logits; clusters share part of it."""
    before = sharpness * rng.normal(size=(n, k))
    n_clusters = -(-n // per_cluster)
    shared = np.repeat(rng.exponential(size=(n_clusters, 1)), per_cluster, axis=0)[:n]
    size = drift * (shared if per_cluster > 1 else 1.0)
    return special.softmax(before, axis=1), special.softmax(before + size * rng.normal(size=(n, k)), axis=1)


def _mean(
    method: str,
    data: str,
    draw: Callable[[np.random.Generator, int], Tables],
    estimate: Callable[[NDArray[np.float64], NDArray[np.float64]], Estimate],
    *,
    held_from: int = 20,
    many: int = 200_000,
) -> Scenario:
    truth: list[float] = []

    def covered(rng: np.random.Generator, n: int) -> bool | None:
        if not truth:
            truth.append(estimate(*draw(np.random.default_rng(0), many)).value)
        return covers(estimate(*draw(rng, n)), truth[0])

    return Scenario(
        family=FAMILY,
        method=method,
        data=data,
        draw=covered,
        tolerance=0.025,
        held_from=held_from,
        is_conservative=True,
    )


def _clustered(rng: np.random.Generator, n: int) -> Tables:
    """n clusters of 10 items."""
    return answers(rng, 10 * n, drift=0.7, per_cluster=10)


def _by_cluster(before: NDArray[np.float64], after: NDArray[np.float64]) -> Estimate:
    return option_rank_consistency(before, after, cluster=[i // 10 for i in range(len(before))])


def plain_t(before: NDArray[np.float64], after: NDArray[np.float64]) -> Estimate:
    """The t interval of the same mean, for comparison."""
    a, b = (stats.rankdata(side, axis=1) - 2.5 for side in (before, after))  # 4 options without ties
    r = (a * b).sum(axis=1) / 5
    reach = r.std(ddof=1) / np.sqrt(len(r)) * special.stdtrit(len(r) - 1, 0.975)
    mean = float(r.mean())
    return Estimate(value=mean, interval=(mean - reach, mean + reach), estimand="mean", target="data", n_units=len(r))


def _partial_draw(
    rng: np.random.Generator, n: int, *, rho: float, with_z: float = 0.62
) -> tuple[NDArray[np.float64], ...]:
    """Normal x and y that correlate `with_z` with z each, and `rho` at equal z."""
    z = rng.normal(size=n)
    e = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], n) * np.sqrt(1 - with_z**2)
    return with_z * z + e[:, 0], with_z * z + e[:, 1], z


def _partial(rng: np.random.Generator, n: int, *, rho: float, with_z: float, truth: list[float]) -> bool | None:
    if not truth:
        many = _partial_draw(np.random.default_rng(0), 200_000, rho=rho, with_z=with_z)
        truth.append(partial_spearman(*many).value)
    return covers(partial_spearman(*_partial_draw(rng, n, rho=rho, with_z=with_z)), truth[0])


def _null(rng: np.random.Generator, n: int, *, with_z: float, is_robust: bool = True) -> bool | None:
    found = partial_spearman(*_partial_draw(rng, n, rho=0.0, with_z=with_z))
    if is_robust or found.df is None:
        return None if found.p_value is None else found.p_value < 0.05
    t = found.value * np.sqrt(found.df / (1 - found.value**2))
    return bool(2 * special.stdtr(found.df, -abs(t)) < 0.05)


def _null_within(rng: np.random.Generator, n: int, *, with_z: float) -> bool | None:
    """Four domains of n settings, with z a number of every setting."""
    x, y, z = _partial_draw(rng, 4 * n, rho=0.0, with_z=with_z)
    p = partial_spearman(x, y, z, cluster=np.repeat(np.arange(4), n).tolist()).p_value
    return None if p is None else p < 0.05


def _domains(rng: np.random.Generator, n: int, *, is_pooled: bool) -> bool | None:
    """Four domains of n settings each, whose levels of x and y differ by domain; x and y are unrelated within."""
    domain = np.repeat(np.arange(4), n)
    level = rng.normal(size=(4, 3))
    x = level[domain, 0] + 0.5 * rng.normal(size=4 * n)
    y = level[domain, 1] + 0.5 * rng.normal(size=4 * n)
    found = partial_spearman(x, y, level[domain, 2], cluster=None if is_pooled else domain.tolist())
    return None if found.p_value is None else found.p_value < 0.05


def _limit(rng: np.random.Generator, n: int, *, share: float) -> bool:
    """Whether the one-sided upper limit of the sampled share holds."""
    return bool(slick_category(0, 1, rng.binomial(n, share), n).at_most[0] >= share)


SCENARIOS: tuple[Scenario, ...] = (
    *(
        _mean(
            "rank consistency",
            f"4 options, drift {drift}",
            partial(answers, drift=drift),
            option_rank_consistency,
            held_from=h,
        )
        for drift, h in ((0.3, 20), (1.0, 20), (4.0, 20))
    ),
    _mean("rank consistency", "2 options", partial(answers, drift=1.0, k=2), option_rank_consistency, held_from=50),
    _mean(
        "rank consistency, ren2024",
        "4 options, drift 1.0",
        partial(answers, drift=1.0),
        lambda p, q: option_rank_consistency(p, q, "ren2024"),
    ),
    _mean("rank consistency, CR2 by cluster", "n clusters of 10 items", _clustered, _by_cluster, held_from=20),
    _mean(
        "*t interval of rank consistency (not used)*",
        "4 options, drift 0.3",
        partial(answers, drift=0.3),
        plain_t,
        held_from=1_000,
        many=5_000,
    ),
    _mean("top-option agreement", "4 options, drift 1.0", partial(answers, drift=1.0), top_option_agreement),
    _mean(
        "mean KL",
        "drift 0.5",
        partial(answers, drift=0.5),
        lambda p, q: mean_kl(p, q, "before_after", "e"),
        held_from=50,
    ),
    _mean(
        "mean KL",
        "drift 2, sharp (few items carry it)",
        partial(answers, drift=2.0, sharpness=3.0),
        lambda p, q: mean_kl(p, q, "before_after", "e"),
        held_from=50,
    ),
    *(
        Scenario(
            family=FAMILY,
            method="partial Spearman, HC3",
            data=f"normal, partial correlation {rho}, {with_z} with z",
            draw=partial(_partial, rho=rho, with_z=with_z, truth=[]),
            sizes=(12, 20, 50, 200),
            tolerance=0.025,
            held_from=12,
            is_conservative=True,
        )
        for rho, with_z in ((0.0, 0.62), (0.5, 0.62), (0.85, 0.62), (0.0, 0.9), (0.5, 0.9))
    ),
    *(
        Scenario(
            family=FAMILY,
            method="partial Spearman, p value",
            data=f"normal, unrelated at equal z, {with_z} with z",
            draw=partial(_null, with_z=with_z),
            sizes=(8, 12, 20, 50, 200),
            expected=0.05,
            held_from=8,
            is_conservative=True,
        )
        for with_z in (0.5, 0.7, 0.9)
    ),
    *(
        Scenario(
            family=FAMILY,
            method="partial Spearman within clusters, p value",
            data=f"4 domains of n settings, {with_z} with z",
            draw=partial(_null_within, with_z=with_z),
            sizes=(4, 8, 20),
            expected=0.05,
            held_from=4,
            is_conservative=True,
        )
        for with_z in (0.5, 0.8, 0.9)
    ),
    Scenario(
        family=FAMILY,
        method="*partial Spearman, the usual t (not used)*",
        data="normal, unrelated at equal z, 0.9 with z",
        draw=partial(_null, with_z=0.9, is_robust=False),
        sizes=(12, 20, 50, 200),
        expected=0.05,
        held_from=1_000,
    ),
    Scenario(
        family=FAMILY,
        method="partial Spearman within clusters, p value",
        data="4 domains of n settings, domain effects",
        draw=partial(_domains, is_pooled=False),
        sizes=(4, 8),
        expected=0.05,
        held_from=4,
        is_conservative=True,
    ),
    Scenario(
        family=FAMILY,
        method="*partial Spearman pooled (do not use)*",
        data="4 domains of n settings, domain effects",
        draw=partial(_domains, is_pooled=True),
        sizes=(4, 8),
        expected=0.05,
        held_from=1_000,
    ),
    Scenario(
        family=FAMILY,
        method="SliCK, upper limit of the sampled share",
        data="share .02, n samples",
        draw=partial(_limit, share=0.02),
        sizes=(50, 160, 500),
        is_conservative=True,
    ),
)
