"""Estimates by survey design: weights that go with the answers, few clusters, rare answers, small tests of tables."""

from functools import partial

import numpy as np

from proband.errors import DataError
from proband.measures import (
    clustered_mean,
    rao_scott_fit,
    rao_scott_test,
    share_estimates,
    survey_design,
    survey_mean,
    survey_proportion,
    survey_quantile,
    survey_ratio,
    survey_regression,
)
from proband.measures.surveys.proportions import ProportionInterval
from validation.simulation import Scenario, covers

FAMILY = "Survey designs"
ALPHA = 0.05
NEVER = 10**9  # shown, and held to nothing

READING = """
- n counts people where weights are in question, and clusters of 20 people elsewhere (of 2 to 40 where sizes differ);
  answers within clusters have a correlation of .2.
- "Weights that go with answers" make up for who answers: a tenth says yes, and they are rarer in the sample.
  Kish's effective n, which supposes that weights and answers are unrelated, is shown for comparison.
- Wilson's interval at the design's own variance is cautious with 4 clusters, and a little short where weights are very
  unequal and answers rare, and two to four points short where 10 to 30 clusters of 2 to 40 hold a rare answer: there
  take `clustered_mean`, unless there are weights. The t interval, R's logit and beta intervals are for comparison.
- With an answer that 1 % give, samples in which nobody gives it have an interval too: up to what as many independent
  people as there are clusters might hide.
"""


def weighted_share(rng: np.random.Generator, n: int, *, kind: str, how: str = "design") -> bool | None:
    """A share of .1 among people who answer with chances that go with what they say, or with nothing."""
    pool = rng.standard_normal((12 * n, 2))
    chance = np.exp(-0.8 * pool[:, 0])
    z = pool[rng.choice(len(pool), n, replace=False, p=chance / chance.sum())]
    lean = 0.7 * z[:, 0] + 0.714 * z[:, 1] if kind == "go with answers" else z[:, 1]
    answers, weights = (lean > 1.2816).astype(int), np.exp(0.8 * z[:, 0])
    if how == "design":
        return covers(share_estimates(answers, 2, target="human", weights=weights)[1], 0.1)
    p, n_eff = float(weights @ answers / weights.sum()), weights.sum() ** 2 / (weights @ weights)
    centre, reach = (p + 1.92 / n_eff) / (1 + 3.84 / n_eff), p * (1 - p) / n_eff + 0.96 / n_eff**2
    return bool(abs(centre - 0.1) <= 1.96 / (1 + 3.84 / n_eff) * np.sqrt(reach))


def _clusters(rng: np.random.Generator, n: int, share: float, sizes: str) -> tuple[np.ndarray, np.ndarray]:
    """Answers of 0 and 1 in n clusters with an intraclass correlation of .2, and their clusters."""
    m = np.full(n, 20) if sizes == "20" else rng.choice([2, 5, 10, 40], n)
    cluster = np.repeat(np.arange(n), m)
    own = rng.beta(4 * share, 4 * (1 - share), n)
    return (rng.random(len(cluster)) < own[cluster]).astype(int), cluster


def clustered_share(
    rng: np.random.Generator, n: int, *, share: float, sizes: str = "20", how: str = "score"
) -> bool | None:
    y, cluster = _clusters(rng, n, share, sizes)
    if how == "CR2":
        return covers(clustered_mean(y, cluster), share)
    if how == "t":
        return covers(clustered_mean(y, cluster, is_share=False), share) if np.ptp(y) else False
    design = survey_design(len(y), psu=cluster)
    interval: ProportionInterval = how  # type: ignore[assignment]
    found = survey_proportion(y, design, interval=interval)
    return covers(found, share) if found.interval else False


def _drawn(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Skewed scores, a covariate, weights that go with both, strata and clusters of 20 in them."""
    cluster = np.repeat(np.arange(n), 20)
    x = rng.standard_normal(n)[cluster] * 0.5 + rng.standard_normal(len(cluster))
    y = np.exp(0.5 * (x * 0.6 + rng.standard_normal(n)[cluster] * 0.4 + rng.standard_normal(len(cluster)) * 0.69))
    chance = 1 / (1 + np.exp(0.7 * x))
    kept = rng.random(len(x)) < chance
    return y[kept], x[kept], 1 / chance[kept], (cluster % 2)[kept], cluster[kept]


# The log of y is normal: its mean is 0, and this its variance.
_LOG_VARIANCE = 0.25 * (0.36 * 1.25 + 0.16 + 0.4761)


def drawn_covers(rng: np.random.Generator, n: int, *, what: str) -> bool | None:
    y, x, w, strata, psu = _drawn(rng, n)
    design = survey_design(len(y), strata, psu, weights=w)
    if what == "mean":
        return covers(survey_mean(y, design), float(np.exp(_LOG_VARIANCE / 2)))
    if what == "median":
        return covers(survey_quantile(y, 0.5, design), 1.0)
    if what == "ratio":
        return covers(survey_ratio(y, np.exp(x / 2), design), float(np.exp(_LOG_VARIANCE / 2 - 1.25 / 8)))
    if what == "slope of log y":
        return covers(survey_regression(np.log(y), {"1": np.ones(len(y)), "x": x}, design)["x"], 0.3)
    votes = (rng.random(len(y)) < 1 / (1 + np.exp(2 - x))).astype(float)
    return covers(survey_regression(votes, {"1": np.ones(len(y)), "x": x}, design, model="logistic")["x"], 1.0)


def table_rejects(rng: np.random.Generator, n: int, *, how: str) -> bool | None:
    """Three answers by two groups that do not differ, or against known shares, in clusters."""
    cluster = np.repeat(np.arange(n), 20)
    own = rng.dirichlet([2.4, 1.2, 0.4], n)
    answers = (rng.random(len(cluster))[:, None] > own[cluster].cumsum(axis=1)).sum(axis=1)
    w = rng.lognormal(0, 0.5, len(cluster))
    design = survey_design(len(cluster), psu=cluster, weights=w)
    try:
        if how == "association":
            p = rao_scott_test(rng.integers(0, 2, n)[cluster], answers, design).p_value
        else:
            p = rao_scott_fit(np.eye(3)[answers] - [0.6, 0.3, 0.1], [0.6, 0.3, 0.1], design).p_value
    except DataError:  # all clusters in one group
        return None
    return None if p is None else p <= ALPHA


_WEIGHTS = tuple(
    Scenario(
        family=FAMILY,
        method="share, design" if how == "design" else "*share, Kish's n (not used)*",
        data=f"p = .1, weights that {kind}",
        draw=partial(weighted_share, kind=kind, how=how),
        sizes=(50, 100, 400),
        tolerance=0.05,  # one person in 10 carries it, and most of that the few with large weights
        held_from=NEVER if how != "design" else 100,
        is_conservative=True,
    )
    for kind in ("go with answers", "go with nothing")
    for how in ("design", "kish")
)

_CLUSTERS = tuple(
    Scenario(
        family=FAMILY,
        method={"score": "share, design", "CR2": "share, `clustered_mean`"}.get(how, f"*share, {how} (not used)*"),
        data=f"p = {share}, clusters of {sizes}",
        draw=partial(clustered_share, share=share, sizes=sizes, how=how),
        sizes=(4, 10, 30),
        tolerance=0.04,
        # Of an answer that 1 % give, few clusters hold all: no variance tells how much.
        held_from=NEVER if how not in ("score", "CR2") or share < 0.05 else 10 if sizes == "20" else 30,
        is_conservative=True,
    )
    for share, sizes in ((0.1, "20"), (0.5, "20"), (0.1, "2-40"), (0.01, "20"))
    for how in ("score", "CR2", "t", "logit", "beta")
)

_DRAWN = tuple(
    Scenario(
        family=FAMILY,
        method=what,
        data="skewed, weights that go with answers, 2 strata, clusters of about 10",
        draw=partial(drawn_covers, what=what),
        sizes=(10, 30, 100),
        tolerance=0.03,
        held_from=30,
    )
    for what in ("mean", "median", "ratio", "slope of log y", "log odds")
)

_TABLES = tuple(
    Scenario(
        family=FAMILY,
        method=f"Rao-Scott test, {how}",
        data="3 answers, clusters of 20, lognormal weights",
        draw=partial(table_rejects, how=how),
        sizes=(10, 30, 100),
        expected=ALPHA,
        tolerance=0.02,
        held_from=100 if how == "association" else 30,
        is_conservative=True,
    )
    for how in ("association", "expected shares")
)

SCENARIOS: tuple[Scenario, ...] = (*_WEIGHTS, *_CLUSTERS, *_DRAWN, *_TABLES)
