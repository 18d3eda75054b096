"""Coverage of PPI beyond the mean, of actively chosen labels, of sequences, and of calibrated and multilevel means."""

from functools import partial
from itertools import product

import numpy as np
from scipy import special

from proband.errors import ProbandError
from proband.measures import (
    Regressors,
    Sampling,
    active_labels,
    calibrated_mean,
    dsl_mean,
    mrp_mean,
    ppi_mean,
    ppi_poisson,
    ppi_quantile,
    ppi_sequence,
    ppi_stratified,
)
from validation.simulation import Scenario, covers

BEYOND = "People and model, beyond the mean"
MARGINS = "Calibrated and multilevel means"
NEVER = 10**9  # shown, and held to nothing

READING = """
- n is the number of labelled people; for sequences, of answers looked at one by one; for margins, of the sample.
- Quantiles hold from 20 labels on for the median, and from 50 on for the upper tenth; before, they have no interval.
- Counts that vary more than Poisson's are short below about 200 labels; a warning says so.
- A sequence is counted as covering only if it holds the truth at *every* time from the 20th answer to the last, and so
  is conservative when few looks are taken.
- In the tables of margins, who answers depends on two of three columns, cells differ in ways that no column tells, and
  cells of the population are of very unequal sizes. Multilevel means of a single level are drawn to the others, and
  their intervals are short in small samples.
"""

LEVELS = (4, 5, 3)
CELLS = np.array(list(product(*map(range, LEVELS))))
# A fixed world: sizes of cells, effects of levels, and what is peculiar to a cell.
_WORLD = np.random.default_rng(99)
SIZES = _WORLD.gamma(2.0, size=len(CELLS))
SIZES /= SIZES.sum()
EFFECTS = (
    np.array([-1.0, -0.3, 0.2, 1.0])[CELLS[:, 0]]
    + np.linspace(-0.8, 0.8, 5)[CELLS[:, 1]]
    + np.array([0.5, 0.0, -0.5])[CELLS[:, 2]]
    + _WORLD.normal(0, 0.3, len(CELLS))
)
ANSWERING = SIZES * np.exp(
    -0.6 * np.array([-1.0, -0.3, 0.2, 1.0])[CELLS[:, 0]] + 0.4 * np.linspace(-0.8, 0.8, 5)[CELLS[:, 1]]
)
TABLE = {name: CELLS[:, k].tolist() for k, name in enumerate("abc")}
KNOWN = {name: {v: float(SIZES[CELLS[:, k] == v].sum()) for v in range(LEVELS[k])} for k, name in enumerate("abc")}


def quantile_covers(rng: np.random.Generator, n: int, *, q: float) -> bool | None:
    z = rng.normal(size=6 * n)
    y, f = np.exp(z), np.exp(z + 0.75 * rng.normal(size=6 * n))
    return covers(ppi_quantile(y[:n], f[:n], f[n:], q=q), float(np.exp(special.ndtri(q))))


def several_covers(rng: np.random.Generator, n: int, *, n_predictions: int = 3) -> bool | None:
    z = rng.normal(size=6 * n)
    y = z + rng.normal(size=6 * n)
    f = np.column_stack([z * (k < 2) + rng.normal(size=6 * n) for k in range(n_predictions)])
    return covers(ppi_mean(y[:n], f[:n], f[n:]), 0.0)


def poisson_covers(rng: np.random.Generator, n: int, *, is_overdispersed: bool = False) -> bool | None:
    x = rng.normal(size=6 * n)
    frailty = rng.gamma(2.0, 0.5, size=6 * n) if is_overdispersed else 1.0
    y = rng.poisson(np.exp(0.5 * x) * frailty)
    f = 0.7 * y + 0.5 * rng.random(6 * n)
    regressors = Regressors(labelled={"x": x[:n]}, unlabelled={"x": x[n:]})
    try:
        return covers(ppi_poisson(y[:n], f[:n], f[n:], regressors=regressors)["x"], 0.5)
    except ProbandError:
        return None


def stratified_covers(rng: np.random.Generator, n: int, *, is_binary: bool) -> bool | None:
    """Strata of a fifth, three tenths and a half, of which a half, a quarter and a quarter of the labels come."""
    shares, labels = np.array([0.2, 0.3, 0.5]), np.array([n - 2 * (n // 4), n // 4, n // 4])
    sizes = np.maximum(np.bincount(rng.choice(3, 6 * n, p=shares), minlength=3), labels + 5)
    y, f, stratum = [], [], []
    for h in range(3):
        z = rng.normal(size=sizes[h])
        y.append(
            (rng.random(z.size) < special.expit(h - 1 + z)) * 1.0 if is_binary else h + z + rng.normal(size=z.size)
        )
        # The model knows nothing of the second stratum.
        f.append((special.expit(h - 1 + z) if is_binary else z) * (h != 1))
        stratum.append(np.full(z.size, h))
    known, others = [slice(0, k) for k in labels], [slice(k, None) for k in labels]

    def cut(parts: list[np.ndarray], cuts: list[slice]) -> np.ndarray:
        return np.concatenate([part[one] for part, one in zip(parts, cuts, strict=True)])

    found = ppi_stratified(
        cut(y, known),
        cut(f, known),
        cut(f, others),
        strata=cut(stratum, known).tolist(),
        strata_unlabelled=cut(stratum, others).tolist(),
    )
    if not is_binary:
        return covers(found, float(shares @ np.arange(3)))
    grid = special.ndtri((np.arange(2000) + 0.5) / 2000)
    return covers(found, float(shares @ [special.expit(h - 1 + grid).mean() for h in range(3)]))


def active_covers(rng: np.random.Generator, n: int, *, refit: bool = False) -> bool | None:
    """The model is more certain than it should be, and labels go where it is not."""
    z = rng.normal(size=6 * n) * 1.5
    y, f = (rng.random(z.size) < special.expit(z)) * 1.0, special.expit(2 * z + 0.3)
    plan = active_labels(np.sqrt(f * (1 - f)), n_labels=n)
    chosen = rng.random(z.size) < plan.probabilities
    pi = plan.probabilities[chosen]
    return covers(dsl_mean(y[chosen], f[chosen], f[~chosen], probabilities=pi, refit=refit), 0.5)


def sequence_covers(rng: np.random.Generator, n: int, *, is_binary: bool) -> bool | None:
    z = rng.normal(size=4 * n)
    y = (rng.random(z.size) < special.expit(z - 1)) * 1.0 if is_binary else z + rng.normal(size=z.size)
    f = special.expit(z - 1) if is_binary else z
    found = ppi_sequence(y[:n], f[:n], f[n:])
    return not bool(((found.low > y.mean()) | (found.high < y.mean())).any())


def designed_sequence_covers(rng: np.random.Generator, n: int, *, is_clustered: bool) -> bool | None:
    """With weights that go with answers, or n clusters of 4 with a correlation of .5."""
    size = 4 if is_clustered else 1
    shared = np.repeat(rng.normal(size=4 * n), size)
    y = shared + rng.normal(size=shared.size)
    f, w = shared + 0.5, np.exp(0.5 * shared) if not is_clustered else np.ones(shared.size)
    k, unit = n * size, np.repeat(np.arange(4 * n), size).tolist()
    drawn = Sampling(weights=w[:k], weights_unlabelled=w[k:])
    if is_clustered:
        drawn = Sampling(cluster=unit[:k], cluster_unlabelled=unit[k:])
    found = ppi_sequence(y[:k], f[:k], f[k:], sampling=drawn)
    truth = np.average(y, weights=w)
    return not bool(((found.low > truth) | (found.high < truth)).any())


def _answered(rng: np.random.Generator, n: int, base: float | None) -> tuple[np.ndarray, dict[str, list[int]], float]:
    """Answers and columns of n people, and the population's mean; `base`: log odds of a 1, None for numbers."""
    cell = rng.choice(len(CELLS), n, p=ANSWERING / ANSWERING.sum())
    columns = {name: CELLS[cell, k].tolist() for k, name in enumerate("abc")}
    if base is None:
        return EFFECTS[cell] + 1.5 * rng.normal(size=n), columns, float(SIZES @ EFFECTS)
    chance = special.expit(base + EFFECTS)
    return (rng.random(n) < chance[cell]) * 1.0, columns, float(SIZES @ chance)


def calibrated_covers(rng: np.random.Generator, n: int, *, base: float | None) -> bool | None:
    y, columns, truth = _answered(rng, n, base)
    try:
        return covers(calibrated_mean(y, columns, KNOWN), truth)
    except ProbandError:  # a level that nobody has, or one person only
        return None


def mrp_covers(rng: np.random.Generator, n: int, *, base: float | None, level: int | None = None) -> bool | None:
    y, columns, truth = _answered(rng, n, base)
    found = mrp_mean(y, columns, cells=TABLE, sizes=SIZES)
    if level is None:
        return covers(found, truth)
    inside = SIZES * (CELLS[:, 0] == level)
    means = EFFECTS if base is None else special.expit(base + EFFECTS)
    return covers(found.by_group["a"][level], float(inside @ means / inside.sum()))


def _row(family: str, method: str, data: str, draw: object, **settings: object) -> Scenario:
    return Scenario(family=family, method=method, data=data, draw=draw, **settings)  # type: ignore[arg-type]


def _beyond(method: str, data: str, draw: object, **settings: object) -> Scenario:
    return _row(BEYOND, method, data, draw, **{"sizes": (20, 50, 200), **settings})


def _margins(method: str, data: str, draw: object, **settings: object) -> Scenario:
    plain = {"sizes": (50, 100, 400), "held_from": 100, "is_conservative": True}
    return _row(MARGINS, method, data, draw, **{**plain, **settings})


KINDS = (("numbers", None), ("a share of 2 in 5", -0.5), ("a share of 1 in 13", -3.0))
SCENARIOS: tuple[Scenario, ...] = (
    *(
        # Of 20 numbers none lies surely beyond the ninth tenth: there is no interval.
        _beyond(
            "PPI++ quantile", f"lognormal, q = {q}", partial(quantile_covers, q=q), held_from=held, is_conservative=True
        )
        for q, held in ((0.5, 10), (0.9, 50))
    ),
    *(_beyond("PPI++ mean", f"{p} predictions, one useless", partial(several_covers, n_predictions=p)) for p in (3, 6)),
    _beyond("PPI++ counts", "Poisson", poisson_covers, held_from=100),
    _beyond("PPI++ counts", "overdispersed", partial(poisson_covers, is_overdispersed=True), held_from=200),
    *(
        _beyond(
            "PPI++ in strata",
            f"{words}, labels out of proportion",
            partial(stratified_covers, is_binary=is_binary),
            is_conservative=True,
        )
        for words, is_binary in (("numbers", False), ("shares", True))
    ),
    *(
        _beyond(
            "active labels",
            f"overconfident model, {words}",
            partial(active_covers, refit=refit),
            sizes=(50, 100, 200),
            is_conservative=True,
        )
        for words, refit in (("predictions as they are", False), ("refitted", True))
    ),
    *(
        _beyond(
            "confidence sequence, all times",
            words,
            partial(sequence_covers, is_binary=is_binary),
            sizes=(50, 200, 500),
            is_conservative=True,
        )
        for words, is_binary in (("numbers", False), ("shares", True))
    ),
    *(
        _beyond(
            "confidence sequence, all times",
            words,
            partial(designed_sequence_covers, is_clustered=is_clustered),
            sizes=(50, 200, 500),
            is_conservative=True,
        )
        for words, is_clustered in (("numbers, weights that go with them", False), ("numbers, clusters of 4", True))
    ),
    *(
        _margins("calibrated mean, three margins", words, partial(calibrated_covers, base=base))
        for words, base in KINDS
    ),
    *(
        _margins("multilevel mean (MRP)", words, partial(mrp_covers, base=base), tolerance=0.025)
        for words, base in KINDS
    ),
    *(
        _margins("multilevel mean of one level", words, partial(mrp_covers, base=base, level=3), held_from=NEVER)
        for words, base in KINDS[:2]
    ),
)
