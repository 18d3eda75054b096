"""Reliability coefficients and SimBench's score: how often their intervals contain the truth."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures.reliability.components import GStudy, generalizability
from proband.measures.reliability.factors import omega_total
from proband.measures.reliability.internal import cronbach_alpha, split_half
from proband.measures.reliability.intraclass import icc
from proband.measures.reliability.one_factor import fit_one_factor
from proband.measures.reliability.stability import retest
from proband.measures.simbench import simbench_score
from proband.seeds import rng_for
from validation.simulation import Scenario, covers

Array = NDArray[np.float64]
Shape = Callable[[np.random.Generator, int], Array]
Measure = Callable[[Array], Estimate]
FAMILY = "Reliability"
READING = """
- The F and the generalised interval suppose normal effects. Of ratings that stick to the lowest point they hold too
  seldom, and more subjects do not help; the jackknife, which is the default, comes to what it promises.
- With 10 subjects the split-half coefficient of two items and the concordance of two occasions are three points short.
- Where 80 % of ratings are one point, 100 subjects are few, and the warning about skewed scores says so.
"""
UNEQUAL = np.array([0.9, 0.8, 0.6, 0.5, 0.4])
STEPS = {"symmetric": (-1.5, -0.5, 0.5, 1.5), "skewed": (0.5, 1.2, 1.9, 2.6)}


def congeneric(loadings: Array, steps: tuple[float, ...] = (), tails: int = 0) -> Shape:
    """Items of one factor; rating points where `steps` cut; t with `tails` degrees of freedom for the factor."""

    def draw(rng: np.random.Generator, n: int) -> Array:
        factor = rng.standard_t(tails, (n, 1)) if tails else rng.standard_normal((n, 1))
        x = factor * loadings + rng.standard_normal((n, len(loadings))) * np.sqrt(1 - loadings**2)
        return np.digitize(x, steps).astype(float) if steps else x

    return draw


ITEMS: dict[str, Shape] = {
    "6 equal normal items": congeneric(np.full(6, 0.7)),
    "2 equal normal items": congeneric(np.full(2, 0.7)),
    "5 unequal normal items": congeneric(UNEQUAL),
    "5 items of 5 points": congeneric(UNEQUAL, STEPS["symmetric"]),
    "5 skewed items of 5 points": congeneric(UNEQUAL, STEPS["skewed"]),
    "6 items, factor with t(5) tails": congeneric(np.full(6, 0.7), tails=5),
}


@lru_cache
def population(name: str) -> Array:
    return ITEMS[name](rng_for(1, "population", name), 400_000)


def alpha_of(x: Array) -> float:
    k = x.shape[1]
    return float(k / (k - 1) * (1 - x.var(axis=0).sum() / x.sum(axis=1).var()))


@lru_cache
def true_alpha(name: str) -> float:
    return alpha_of(population(name))


@lru_cache
def true_omega(name: str) -> float:
    fitted = fit_one_factor(np.cov(population(name).T))
    assert fitted is not None
    common = float(fitted.loadings.sum()) ** 2
    return common / (common + float(fitted.unique.sum()))


@lru_cache
def true_split_half(name: str) -> float:
    return split_half(population(name)[:200_000]).reliability.value


def contains(measure: Measure, name: str, truth: Callable[[str], float]) -> Callable[..., bool | None]:
    def draw(rng: np.random.Generator, n: int) -> bool | None:
        try:
            return covers(measure(ITEMS[name](rng, n)), truth(name))
        except DesignError:
            return None

    return draw


def internal() -> Iterator[Scenario]:
    for name in ITEMS:
        # What skewed and heavy-tailed scores cost below 50 subjects is shown, and every estimate warns of it.
        is_hard = "tails" in name
        yield Scenario(
            family=FAMILY,
            method="Cronbach's alpha, jackknife",
            data=name,
            draw=contains(cronbach_alpha, name, true_alpha),
            tolerance=0.04 if is_hard else 0.025 if "skewed" in name else 0.015,
            held_from=50 if is_hard or "skewed" in name else 10,
        )
        if not is_hard and "skewed" not in name:
            yield Scenario(
                family=FAMILY,
                method="Cronbach's alpha, Feldt",
                data=name,
                draw=contains(lambda x: cronbach_alpha(x, method="feldt"), name, true_alpha),
                is_conservative=True,
            )
        yield Scenario(
            family=FAMILY,
            method="split-half, jackknife",
            data=name,
            draw=contains(lambda x: split_half(x).reliability, name, true_split_half),
            tolerance=0.04 if is_hard else 0.025 if "skewed" in name else 0.015,
            held_from=50 if is_hard or "skewed" in name else 10,
        )
        if not name.startswith("2"):
            yield Scenario(
                family=FAMILY,
                method="omega total, sandwich",
                data=name,
                draw=contains(omega_total, name, true_omega),
                sizes=(30, 50, 100, 200),
                tolerance=0.03 if is_hard or "skewed" in name else 0.015,
                held_from=30,
            )


def rated(subject: float, rater: float, error: float, k: int) -> Callable[[np.random.Generator, int], Array]:
    """Ratings of n subjects by k raters; arguments are standard deviations."""

    def draw(rng: np.random.Generator, n: int) -> Array:
        effects = subject * rng.standard_normal((n, 1)) + rater * rng.standard_normal((1, k))
        return effects + error * rng.standard_normal((n, k))

    return draw


def true_icc(form: str, subject: float, rater: float, error: float, k: int) -> float:
    s, r, e = subject**2, rater**2, error**2
    noise = {"1": r + e, "2": r + e, "3": e}[form[4]]
    return s / (s + noise / (k if form[6] == "k" else 1))


RATINGS = {
    "3 raters, alike": (1.0, 0.2, 0.7, 3),
    "3 raters who differ much": (1.0, 1.0, 0.7, 3),
    "2 raters, low reliability": (0.5, 0.3, 1.0, 2),
    "8 raters": (1.0, 0.5, 1.0, 8),
}


def intraclass() -> Iterator[Scenario]:
    def of(form: str, sds: tuple[float, float, float, int], by: str) -> Callable[..., bool | None]:
        truth = true_icc(form, *sds)
        ratings = rated(*sds)

        def draw(rng: np.random.Generator, n: int) -> bool | None:
            x = ratings(rng, n)
            if form[4] == "1":  # every subject has raters of its own
                subject, rater, error, k = sds
                x = subject * rng.standard_normal((n, 1)) + np.hypot(rater, error) * rng.standard_normal((n, k))
            return covers(icc(x, form, interval=by), truth)  # type: ignore[arg-type]

        return draw

    for data, sds in RATINGS.items():
        for form in ("ICC(1,1)", "ICC(2,1)", "ICC(2,k)", "ICC(3,1)", "ICC(3,k)"):
            yield Scenario(
                family=FAMILY,
                method=form + (", generalised" if form[4] == "2" else ", F"),
                data=data,
                draw=of(form, sds, "f"),
                sizes=(6, 10, 50, 200),
                held_from=6,
                is_conservative=form[4] == "2",
            )
            yield Scenario(
                family=FAMILY,
                method=f"{form}, jackknife",
                data=data,
                draw=of(form, sds, "jackknife"),
                sizes=(10, 30, 50, 200),
                tolerance=0.02,
                held_from=10,
                is_conservative=True,
            )
    for share, cuts in STUCK.items():
        for form in ("ICC(3,1)", "ICC(2,1)"):
            for by in ("jackknife", "f"):
                yield Scenario(
                    family=FAMILY,
                    method=f"{form}, jackknife" if by == "jackknife" else f"*{form}, for normal effects*",
                    data=f"4 raters, {share} of ratings the lowest of 5 points",
                    draw=partial(stuck_covers, cuts=cuts, form=form, by=by),
                    sizes=(10, 30, 100, 300),
                    tolerance=0.04,
                    # 80 % of one point: 100 subjects are worth 20, and below every estimate warns.
                    held_from=10**9 if by == "f" else 50 if share == "61 %" else 300,
                    is_conservative=True,
                )


STUCK = {"61 %": (0.35, 1.0, 1.6, 2.2), "80 %": (1.1, 1.7, 2.2, 2.7)}


def stuck(rng: np.random.Generator, n: int, cuts: tuple[float, ...]) -> Array:
    z = rng.standard_normal((n, 1)) + 0.8 * rng.standard_normal((n, 4))
    return np.searchsorted(cuts, z).astype(float)


@lru_cache
def true_stuck(cuts: tuple[float, ...], form: str) -> float:
    return icc(stuck(rng_for(1, "stuck", str(cuts)), 400_000, cuts), form, interval="f").value  # type: ignore[arg-type]


def stuck_covers(rng: np.random.Generator, n: int, *, cuts: tuple[float, ...], form: str, by: str) -> bool | None:
    found = icc(stuck(rng, n, cuts), form, interval=by)  # type: ignore[arg-type]
    return covers(found, true_stuck(cuts, form))


# Standard deviations of p, i, o, pi, po, io and the rest; items; occasions.
CROSSED = {
    "4 items x 2 occasions": ((0.8, 0.6, 0.1, 0.7, 0.3, 0.3, 1.0), 4, 2),
    "6 items x 3 occasions, strong items": ((1.0, 1.0, 0.0, 0.8, 0.2, 0.0, 1.0), 6, 3),
}


def crossed(
    sds: tuple[float, ...], n_items: int, n_occasions: int, *, by: str, cuts: tuple[float, ...] = ()
) -> Callable[..., GStudy]:
    def draw(rng: np.random.Generator, n: int) -> GStudy:
        i, o = n_items, n_occasions
        shapes = [(n, 1, 1), (1, i, 1), (1, 1, o), (n, i, 1), (n, 1, o), (1, i, o), (n, i, o)]
        y = np.sum(
            [np.broadcast_to(sd * rng.standard_normal(s), (n, i, o)) for sd, s in zip(sds, shapes, strict=True)], axis=0
        )
        y = np.searchsorted(cuts, y).astype(float) if cuts else y
        where = np.indices(y.shape).reshape(3, -1)
        names = ("subject", "item", "occasion")
        frame = dict(zip(names, where.tolist(), strict=True)) | {"value": y.ravel().tolist()}
        return generalizability(frame, ["item", "occasion"], interval=by)  # type: ignore[arg-type]

    return draw


def variance() -> Iterator[Scenario]:
    for data, (sds, i, o) in CROSSED.items():
        p2, i2, o2, pi2, po2, io2, e2 = (sd**2 for sd in sds)
        relative = p2 / (p2 + pi2 / i + po2 / o + e2 / (i * o))
        absolute = p2 / (p2 / relative + i2 / i + o2 / o + io2 / (i * o))
        planned = p2 / (p2 + pi2 / (2 * i) + po2 / o + e2 / (2 * i * o))
        wanted: dict[str, tuple[Callable[[GStudy], Estimate], float]] = {
            "relative": (lambda g: g.observed.relative, relative),
            "absolute": (lambda g: g.observed.absolute, absolute),
            "relative, twice the items": (lambda g, i=i: g.decision({"item": 2 * i}).relative, planned),
            "variance of subjects": (lambda g: g.components["subject"].variance, p2),
            "variance of items": (lambda g: g.components["item"].variance, i2),
        }
        for by in ("f", "jackknife"):
            study = crossed(sds, i, o, by=by)
            for name, (pick, truth) in wanted.items():
                yield Scenario(
                    family=FAMILY,
                    method=f"generalizability, {name}, {'generalised' if by == 'f' else 'jackknife'}",
                    data=data,
                    draw=lambda rng, n, pick=pick, truth=truth, study=study: covers(pick(study(rng, n)), truth),
                    sizes=(10, 30, 100),
                    tolerance=0.015 if by == "f" else 0.03,
                    held_from=10 if by == "f" else 30,
                    is_conservative=True,
                )
    for by in ("jackknife", "f"):
        yield Scenario(
            family=FAMILY,
            method="generalizability, relative, jackknife"
            if by == "jackknife"
            else "*generalizability, relative, for normal effects*",
            data="4 items x 2 occasions, 61 % the lowest of 5 points",
            draw=partial(floor_covers, by=by),
            sizes=(30, 100, 300),
            tolerance=0.04,
            held_from=50 if by == "jackknife" else 10**9,
            is_conservative=True,
        )


FLOOR = (1.0, 0.0, 0.0, 0.4, 0.0, 0.0, 0.7), 4, 2


@lru_cache
def true_floor() -> float:
    study = crossed(*FLOOR, by="f", cuts=STUCK["61 %"])
    return study(rng_for(1, "floor"), 60_000).observed.relative.value


def floor_covers(rng: np.random.Generator, n: int, *, by: str) -> bool | None:
    return covers(crossed(*FLOOR, by=by, cuts=STUCK["61 %"])(rng, n).observed.relative, true_floor())


def twice(noise: float, steps: tuple[float, ...] = (), tails: int = 0) -> Shape:
    """Two occasions in columns, the second a little higher."""

    def draw(rng: np.random.Generator, n: int) -> Array:
        trait = rng.standard_t(tails, (n, 1)) if tails else rng.standard_normal((n, 1))
        x = trait + noise * rng.standard_normal((n, 2)) + [0.0, 0.2]
        return np.digitize(x, steps).astype(float) if steps else x

    return draw


OCCASIONS = {
    "normal, r = .8": twice(0.5),
    "5 points": twice(0.6, STEPS["symmetric"]),
    "5 points, skewed": twice(0.6, STEPS["skewed"]),
    "t(5) tails": twice(0.6, tails=5),
}


@lru_cache
def occasion_truths(data: str) -> dict[str, float]:
    x = OCCASIONS[data](rng_for(1, "occasions", data), 1_000_000)
    (a, ab), (_, b) = np.cov(x.T)
    change = x[:, 1] - x[:, 0]
    return {
        "agreement": float((change == 0).mean()),
        "correlation": ab / np.sqrt(a * b),
        "concordance": 2 * ab / (a + b + change.mean() ** 2),
        "mean_change": float(change.mean()),
        "measurement_error": float(change.std() / np.sqrt(2)),
    }


def stability() -> Iterator[Scenario]:
    def of(row: str, data: str) -> Callable[..., bool | None]:
        def draw(rng: np.random.Generator, n: int) -> bool | None:
            x = OCCASIONS[data](rng, n)
            return covers(getattr(retest(x[:, 0], x[:, 1]), row), occasion_truths(data)[row])

        return draw

    for data in OCCASIONS:
        is_hard = "skewed" in data or "tails" in data
        for row in ("agreement", "correlation", "concordance", "mean_change", "measurement_error"):
            if row == "agreement" and "points" not in data:
                continue
            yield Scenario(
                family=FAMILY,
                method=f"retest, {row.replace('_', ' ')}",
                data=data,
                draw=of(row, data),
                tolerance=0.03 if is_hard else 0.02,
                held_from=50 if is_hard else 10,
                is_conservative=row == "agreement",
            )


def benchmark(noise: float) -> Callable[[np.random.Generator, int], tuple[list[Array], list[Array], list[int]]]:
    """Items of three data sets with 2, 4 and 6 options; the model's shares are people's with noise."""

    def draw(rng: np.random.Generator, n: int) -> tuple[list[Array], list[Array], list[int]]:
        human, model, dataset = [], [], []
        for k in range(n):
            p = rng.dirichlet(np.full(2 * (k % 3 + 1), 1.5))
            human.append(p)
            model.append((1 - noise) * p + noise * rng.dirichlet(np.ones(len(p))))
            dataset.append(k % 3)
        return human, model, dataset

    return draw


@lru_cache
def true_simbench(noise: float) -> float:
    return simbench_score(*benchmark(noise)(rng_for(1, "simbench", str(noise)), 60_000)).value


def scores() -> Iterator[Scenario]:
    for noise in (0.3, 0.9):
        yield Scenario(
            family="Distances",
            method="SimBench score, t over items",
            data=f"3 data sets, model noise {noise:g}",
            draw=lambda rng, n, noise=noise: covers(simbench_score(*benchmark(noise)(rng, n)), true_simbench(noise)),
            sizes=(21, 51, 201),
            held_from=21,
        )


SCENARIOS: tuple[Scenario, ...] = (*internal(), *intraclass(), *variance(), *stability(), *scores())
