"""People and model together: coverage of PPI++, DSL, poststratified means and calibration errors."""

import math
from functools import partial

import numpy as np
from scipy import special

from proband.errors import ProbandError
from proband.measures.correction.designed import dsl_mean, dsl_ols
from proband.measures.correction.means import ppi_difference, ppi_mean
from proband.measures.correction.probabilities import calibration
from proband.measures.correction.regressions import ppi_logit, ppi_ols
from proband.measures.correction.samples import Regressors, Sampling
from proband.measures.correction.strata import poststratify
from validation.simulation import Scenario, covers

FAMILY = "People and model together"
NEVER = 10**9  # shown, and held to nothing
N_UNLABELLED = 1000
PI = 0.2

READING = """
- n is the number of labelled people (of labelled clusters where there are clusters); N = 1,000 others unless noted.
- PPI++ with the default small-sample correction holds from 10 labels on, whatever the correlation of predictions and
  answers, for rare shares too: their interval is a score interval. As published (`small_sample="paper"`, shown for
  comparison) it does not hold below about 100.
- Answers that are skewed, or carried by a few large weights: too short in small samples, like every t interval of a
  mean; a warning says so. The classical interval, shown beside it, is no better.
- Logistic coefficients are conservative where the model buys nothing; below 10 rarer answers per coefficient
  a warning says that they are approximate.
- Linear coefficients where the spread of answers grows with a regressor, or where one is rare, are one to two points
  short at 50 labels, once four (heteroskedastic, r = 0); from 100 on at most two.
- DSL holds with labelling probabilities that depend on the predictions, and with errors of the model that
  depend on answers and regressors. Least squares on the predictions, shown for comparison, hardly ever covers.
- The calibration error's interval is conservative for well-calibrated predictions, since the error cannot be below 0.
"""


def normal_pair(rng: np.random.Generator, rho: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard normal answers, and predictions that correlate rho with them."""
    y = rng.standard_normal(n)
    return y, rho * y + math.sqrt(1 - rho**2) * rng.standard_normal(n)


def binary_pair(rng: np.random.Generator, p: float, rho: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers 1 with probability p, and a probability predicted from a signal that correlates rho with them."""
    cut = float(special.ndtri(1 - p))
    z, signal = normal_pair(rng, rho, n)
    return (z > cut) * 1.0, special.ndtr((rho * signal - cut) / math.sqrt(1 - rho**2 + 1e-9) if rho else signal - cut)


def mean_covers(
    rng: np.random.Generator, n: int, *, rho: float, unlabelled: float = 0, small_sample: str = "t"
) -> bool | None:
    y, f = normal_pair(rng, rho, n)
    u = normal_pair(rng, rho, int(unlabelled * n) or N_UNLABELLED)[1]
    return covers(ppi_mean(y, f, u, small_sample=small_sample), 0.0)  # type: ignore[arg-type]


def share_covers(rng: np.random.Generator, n: int, *, p: float, rho: float, hard: bool = False) -> bool | None:
    y, f = binary_pair(rng, p, rho, n)
    u = binary_pair(rng, p, rho, N_UNLABELLED)[1]
    if hard:
        f, u = (f > p) * 1.0, (u > p) * 1.0
    return covers(ppi_mean(y, f, u), p)


def skewed_covers(rng: np.random.Generator, n: int, *, rho: float, classical: bool = False) -> bool | None:
    y, f = normal_pair(rng, rho, n)
    u = normal_pair(rng, rho, N_UNLABELLED)[1]
    found = ppi_mean(np.exp(y), np.exp(f), np.exp(u))
    return covers(found.classical if classical else found, math.exp(0.5))


def weighted_covers(rng: np.random.Generator, n: int, *, is_binary: bool, is_hard: bool = False) -> bool | None:
    # People with low z are drawn less often and weigh more: the truth is that of the population before drawing.
    z, f = normal_pair(rng, 0.7, 4 * (n + N_UNLABELLED))
    chance = special.expit(z) if is_hard else np.where(z > 0, 0.9, 0.3)
    drawn = np.flatnonzero(rng.random(z.size) < chance)[: n + N_UNLABELLED]
    z, f, w = z[drawn], f[drawn], 1 / chance[drawn]
    y = (z > 0.8416212) * 1.0 if is_binary else z
    sampling = Sampling(weights=w[:n], weights_unlabelled=w[n:])
    return covers(ppi_mean(y[:n], f[:n], f[n:], sampling=sampling), 0.2 if is_binary else 0.0)


def clustered_covers(rng: np.random.Generator, n: int) -> bool | None:
    def draw(clusters: int) -> tuple[np.ndarray, np.ndarray, list[int]]:
        of = np.repeat(np.arange(clusters), rng.integers(1, 8, clusters))
        y = math.sqrt(0.3) * rng.standard_normal(clusters)[of] + math.sqrt(0.7) * rng.standard_normal(of.size)
        return y, 0.6 * y + 0.8 * rng.standard_normal(of.size), of.tolist()

    (y, f, c), (_, u, d) = draw(n), draw(200)
    sampling = Sampling(cluster=c, cluster_unlabelled=[("u", k) for k in d])
    return covers(ppi_mean(y, f, u, sampling=sampling), 0.0)


def difference_covers(rng: np.random.Generator, n: int, *, rho: float, is_binary: bool = False) -> bool | None:
    if is_binary:
        arms = [(binary_pair(rng, p, rho, m), binary_pair(rng, p, rho, 500)[1]) for p, m in ((0.1, n), (0.3, n))]
        truth = -0.2
    else:
        arms = [(normal_pair(rng, rho, m), normal_pair(rng, rho, 500)[1]) for m in (n, 2 * n)]
        truth = 0.0
    (a, u), (b, v) = arms
    return covers(ppi_difference((a[0], b[0]), (a[1], b[1]), (u, v)), truth)


def linear_data(rng: np.random.Generator, n: int, shape: str, rho: float) -> tuple[np.ndarray, ...]:
    """Outcome 1 + x / 2 + e, predictions with a slope error, and the regressor."""
    x = {"rare dummy": (rng.random(n) < 0.2) * 1.0, "skewed": rng.exponential(1, n)}.get(shape, rng.standard_normal(n))
    e = rng.standard_normal(n) if shape != "skewed" else rng.exponential(1, n) - 1
    if shape == "heteroskedastic":
        e = e * (0.3 + np.abs(x))
    f = 0.5 + 0.8 * x + rho * e + math.sqrt(1 - rho**2) * rng.standard_normal(n)
    return 1 + 0.5 * x + e, f, x


def ols_covers(
    rng: np.random.Generator, n: int, *, shape: str, rho: float, small_sample: str = "t", name: str = "x"
) -> bool | None:
    (y, f, x), (_, u, z) = (linear_data(rng, m, shape, rho) for m in (n, N_UNLABELLED))
    regressors = Regressors(labelled={"x": x}, unlabelled={"x": z})
    try:
        found = ppi_ols(y, f, u, regressors=regressors, small_sample=small_sample)  # type: ignore[arg-type]
    except ProbandError:
        return None
    return covers(found[name], {"x": 0.5, "intercept": 1.0}[name])


def clustered_ols_covers(rng: np.random.Generator, n: int) -> bool | None:
    def draw(clusters: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
        of = np.repeat(np.arange(clusters), 4)
        x, shared = rng.standard_normal(clusters)[of], rng.standard_normal(clusters)[of]
        e = math.sqrt(0.4) * shared + math.sqrt(0.6) * rng.standard_normal(of.size)
        return 0.5 * x + e, 0.5 * x + 0.7 * e + 0.7 * rng.standard_normal(of.size), x, of.tolist()

    (y, f, x, c), (_, u, z, d) = draw(n), draw(250)
    sampling = Sampling(cluster=c, cluster_unlabelled=[("u", k) for k in d])
    regressors = Regressors(labelled={"x": x}, unlabelled={"x": z})
    return covers(ppi_ols(y, f, u, regressors=regressors, sampling=sampling)["x"], 0.5)


def logit_covers(rng: np.random.Generator, n: int, *, intercept: float, rho: float) -> bool | None:
    def draw(m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, noise = rng.standard_normal(m), rng.logistic(size=m)
        signal = rho * noise + (1 - rho) * rng.logistic(size=m)
        return (intercept + 0.8 * x + noise > 0) * 1.0, special.expit(intercept + 0.5 * x + signal), x

    (y, f, x), (_, u, z) = draw(n), draw(N_UNLABELLED)
    try:
        found = ppi_logit(y, f, u, regressors=Regressors(labelled={"x": x}, unlabelled={"x": z}))
    except ProbandError:  # one answer only, or separation: refused
        return None
    return covers(found["x"], 0.8)


def chosen_units(rng: np.random.Generator, f: np.ndarray, design: str, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Who is labelled, and with which probability."""
    pi = np.full(f.size, share)
    if design == "unequal":
        score = 0.2 + special.expit(2 * (f - f.mean()) / f.std())
        pi = np.clip(share * score / score.mean(), 0.02, 1)
    return rng.random(f.size) < pi, pi


def dsl_mean_covers(
    rng: np.random.Generator, n: int, *, design: str, p: float | None = None, rho: float = 0.6
) -> bool | None:
    m = int(n / PI)
    y, f = normal_pair(rng, rho, m) if p is None else binary_pair(rng, p, rho, m)
    chosen, pi = chosen_units(rng, f, design, PI)
    if chosen.sum() < 2:
        return None
    found = dsl_mean(y[chosen], f[chosen], f[~chosen], probabilities=pi[chosen])
    return covers(found, 0.0 if p is None else p)


def dsl_ols_covers(
    rng: np.random.Generator, n: int, *, design: str, predicted: str = "outcome", naive: bool = False
) -> bool | None:
    m = int(n / PI)
    x = rng.standard_normal(m)
    y = 1 + 0.5 * x + rng.standard_normal(m)
    # The model errs more on high answers, and on people with high x.
    f = 0.6 * y + 0.8 * x * (y > 1) + 0.7 * rng.standard_normal(m)
    x_hat = x if predicted == "outcome" else 0.7 * x + 0.2 * y + 0.5 * rng.standard_normal(m)
    shown = f if predicted != "regressor" else y
    chosen, pi = chosen_units(rng, f, design, PI)
    regressors = Regressors(
        labelled={"x": x[chosen]},
        unlabelled={"x": x_hat[~chosen]},
        predicted_labelled=None if predicted == "outcome" else {"x": x_hat[chosen]},
    )
    try:
        found = dsl_ols(y[chosen], shown[chosen], shown[~chosen], probabilities=pi[chosen], regressors=regressors)["x"]
    except ProbandError:
        return None
    if naive:
        design_matrix = np.column_stack([np.ones(m), x_hat])
        residual = shown - design_matrix @ np.linalg.lstsq(design_matrix, shown)[0]
        se = residual.std() / (x_hat.std() * math.sqrt(m))
        return abs(found.baselines["predictions only"] - 0.5) <= 1.96 * se
    return covers(found, 0.5)


def poststratified_covers(rng: np.random.Generator, n: int, *, p: tuple[float, ...] | None = None) -> bool | None:
    population, sampled = (0.5, 0.3, 0.2), (0.2, 0.4, 0.4)
    group = rng.choice(3, n, p=sampled)
    if (np.bincount(group, minlength=3) == 0).any():
        return None
    means = np.array(p or (0.0, 1.0, 2.0))
    y = (rng.random(n) < means[group]) * 1.0 if p else means[group] + rng.standard_normal(n)
    found = poststratify(y, group.tolist(), population=dict(enumerate(population)))
    return covers(found, float(np.dot(population, means)))


def ece_covers(rng: np.random.Generator, n: int, *, slope: float, score: str = "ece") -> bool | None:
    # Five possible predictions, so that bins are the same in every sample and the truth is known.
    levels = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    true = special.expit(slope * special.logit(levels))
    drawn = rng.integers(0, 5, n)
    y = (rng.random(n) < true[drawn]) * 1.0
    found = calibration(levels[drawn], y)
    if score == "brier":
        return covers(found.brier, float(np.mean((levels - true) ** 2 + true * (1 - true))))
    return covers(found.ece, float(np.abs(levels - true).mean()))


def classwise_covers(rng: np.random.Generator, n: int) -> bool | None:
    rows = np.array([[0.2, 0.2, 0.6], [0.1, 0.3, 0.6], [0.7, 0.2, 0.1], [0.4, 0.5, 0.1]])
    true = np.array([[0.3, 0.3, 0.4], [0.1, 0.3, 0.6], [0.5, 0.3, 0.2], [0.4, 0.5, 0.1]])
    drawn = rng.integers(0, 4, n)
    answers = (rng.random((n, 1)) > np.cumsum(true[drawn], axis=1)[:, :-1]).sum(axis=1)
    values = np.unique(rows)
    gap = sum(abs((true - rows)[rows == v].sum()) for v in values) / rows.size
    return covers(calibration(rows[drawn], answers, n_bins=50).ece, float(gap))


def _row(method: str, data: str, draw: object, **settings: object) -> Scenario:
    return Scenario(family=FAMILY, method=method, data=data, draw=draw, **settings)  # type: ignore[arg-type]


SMALL = (10, 20, 50, 200)
LARGER = (20, 50, 100, 200)
SCENARIOS: tuple[Scenario, ...] = (
    *(
        _row("PPI++ mean", f"normal, r = {r}", partial(mean_covers, rho=r), sizes=SMALL)
        for r in (-0.5, 0, 0.3, 0.6, 0.9)
    ),
    _row("PPI++ mean", "normal, r = .6, N = n", partial(mean_covers, rho=0.6, unlabelled=1), sizes=SMALL),
    _row(
        "PPI++ mean, weighted",
        "normal, two weights that go with the answers",
        partial(weighted_covers, is_binary=False),
        sizes=LARGER,
    ),
    _row(
        "PPI++ mean, weighted",
        "weights up to 20 go with the answers",
        partial(weighted_covers, is_binary=False, is_hard=True),
        sizes=LARGER,
        held_from=NEVER,
    ),
    _row("PPI++ mean, clustered", "n clusters of 1 to 7", clustered_covers, sizes=SMALL),
    _row(
        "*PPI++ as published (not the default)*",
        "normal, r = .6",
        partial(mean_covers, rho=0.6, small_sample="paper"),
        sizes=SMALL,
        held_from=NEVER,
    ),
    _row("PPI++ mean", "lognormal, r = .6", partial(skewed_covers, rho=0.6), sizes=SMALL, held_from=NEVER),
    _row(
        "*classical t (for comparison)*",
        "lognormal",
        partial(skewed_covers, rho=0.6, classical=True),
        sizes=SMALL,
        held_from=NEVER,
    ),
    *(
        _row("PPI++ share", f"p = {p}, r = {r}", partial(share_covers, p=p, rho=r), sizes=SMALL, is_conservative=True)
        for p in (0.5, 0.1, 0.03)
        for r in (0, 0.6, 0.95)
    ),
    _row(
        "PPI++ share",
        "p = 0.1, predictions 0 or 1",
        partial(share_covers, p=0.1, rho=0.8, hard=True),
        sizes=SMALL,
        is_conservative=True,
    ),
    _row(
        "PPI++ share, weighted",
        "p = .2, weights go with the answers",
        partial(weighted_covers, is_binary=True),
        sizes=LARGER,
        is_conservative=True,
    ),
    _row("PPI++ difference", "normal, n and 2 n, r = 0", partial(difference_covers, rho=0), sizes=SMALL),
    _row("PPI++ difference", "normal, n and 2 n, r = .6", partial(difference_covers, rho=0.6), sizes=SMALL),
    _row(
        "PPI++ difference",
        "shares .1 and .3, r = .6",
        partial(difference_covers, rho=0.6, is_binary=True),
        sizes=SMALL,
        is_conservative=True,
    ),
    *(
        _row("PPI++ linear coefficient", f"{shape}, r = {r}", partial(ols_covers, shape=shape, rho=r), sizes=LARGER)
        for shape in ("normal", "heteroskedastic", "rare dummy", "skewed")
        for r in (0, 0.7)
    ),
    _row(
        "PPI++ linear intercept",
        "normal, r = .7",
        partial(ols_covers, shape="normal", rho=0.7, name="intercept"),
        sizes=LARGER,
    ),
    _row("PPI++ linear coefficient, clustered", "n clusters of 4", clustered_ols_covers, sizes=LARGER),
    _row(
        "*PPI++ linear, as published (not the default)*",
        "normal, r = .7",
        partial(ols_covers, shape="normal", rho=0.7, small_sample="paper"),
        sizes=LARGER,
        held_from=NEVER,
    ),
    *(
        _row(
            "PPI++ logistic coefficient",
            f"{words}, signal {r}",
            partial(logit_covers, intercept=c, rho=r),
            sizes=(50, 100, 200),
            is_conservative=True,
        )
        for words, c in (("even", 0.0), ("rare", -1.8))
        for r in (0, 0.7)
    ),
    *(
        _row("DSL mean", f"{design} probabilities, normal", partial(dsl_mean_covers, design=design), sizes=LARGER)
        for design in ("equal", "unequal")
    ),
    *(
        _row(
            "DSL share",
            f"{design} probabilities, p = {p}",
            partial(dsl_mean_covers, design=design, p=p),
            sizes=LARGER,
            is_conservative=True,
        )
        for design in ("equal", "unequal")
        for p in (0.5, 0.1)
    ),
    *(
        _row(
            "DSL linear coefficient",
            f"predicted {what}, {design} probabilities",
            partial(dsl_ols_covers, design=design, predicted=what),
            sizes=(*LARGER, 500),
        )
        for what in ("outcome", "regressor", "outcome and regressor")
        for design in ("equal", "unequal")
    ),
    _row(
        "*least squares on predictions (not offered)*",
        "predicted outcome",
        partial(dsl_ols_covers, design="equal", naive=True),
        sizes=(*LARGER, 500),
        held_from=NEVER,
    ),
    _row("poststratified mean", "three groups, normal", poststratified_covers, sizes=LARGER),
    _row(
        "poststratified share",
        "three groups, .3 .5 .6",
        partial(poststratified_covers, p=(0.3, 0.5, 0.6)),
        sizes=LARGER,
        is_conservative=True,
    ),
    _row(
        "poststratified share",
        "three groups, .02 .1 .2",
        partial(poststratified_covers, p=(0.02, 0.1, 0.2)),
        sizes=LARGER,
        is_conservative=True,
    ),
    _row("Brier score", "overconfident", partial(ece_covers, slope=0.5, score="brier"), sizes=SMALL, held_from=20),
    *(
        _row(
            "calibration error",
            f"{words}",
            partial(ece_covers, slope=s),
            sizes=(20, 50, 200, 1000),
            is_conservative=True,
        )
        for words, s in (("perfect", 1.0), ("overconfident", 0.5), ("useless", 0.0))
    ),
    _row("calibration error, 3 options", "partly off", classwise_covers, sizes=(50, 200, 1000), is_conservative=True),
)
