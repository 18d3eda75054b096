"""Differential item functioning by likelihood ratios of graded response models of two groups."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats, Ints
from proband.measures.experiments.multiplicity import adjust_p
from proband.measures.experiments.outcomes import Labels, coded
from proband.measures.factors.fit import tail
from proband.measures.factors.graded import NODES, WEIGHTS, Marginal, answers_at
from proband.measures.reliability.tables import score_table, still_items

_FEWEST_ANCHORS = 2
_SMALL_GROUP = 200
_FLAT, _SPREAD = 10.0, 3.0  # bounds of slopes, and of the logarithm of the second group's SD


@dataclass(frozen=True, kw_only=True)
class ItemRatio:
    """One item.

    - `difference`: expected answer of the second group less that of the first, in the unit of the answers, over those
      of the second group, at equal standing.
    - `p_thresholds`, `p_slope`, `p_any`: likelihood ratio tests of other thresholds, of another slope beside them, and
      of both.
    - `p_adjusted`: `p_any` adjusted for being many (Benjamini-Hochberg).
    - `is_flagged`: whether that is at most `alpha`.
    """

    item: str
    difference: Estimate
    p_thresholds: float
    p_slope: float
    p_any: float
    p_adjusted: float
    is_flagged: bool


@dataclass(frozen=True, kw_only=True)
class LikelihoodRatioDif:
    """What `likelihood_ratio_dif` found.

    - `items`: one an item, in their order.
    - `anchors`: items held equal at last.
    - `groups`: the first, which is the reference, and the second.
    - `mean`, `sd`: where the second group stands, in SDs of the first.
    - `warnings`: what a reader must know.
    """

    items: tuple[ItemRatio, ...]
    anchors: tuple[str, ...]
    groups: tuple[str, str]
    mean: float
    sd: float
    warnings: tuple[str, ...]


def likelihood_ratio_dif(
    scores: ArrayLike, groups: Labels, *, items: Sequence[str] = (), alpha: float = 0.05, target: Target = "data"
) -> LikelihoodRatioDif:
    """Which items of a scale have another slope or other thresholds in a second group, standing taken out by a model.

    A graded response model of both groups at once: the second has a mean and an SD of its own, and items are alike but
    for the one looked at. Twice the gain in log likelihood from letting its parameters differ is chi-squared
    (Thissen, Steinberg & Wainer 1993). Items that differ are let go one by one, the one that gains most first, so that
    one that differs much does not make the others look as if they did.

    `differential_functioning` asks the same of ordered logits on the total score. It is quicker, supposes less, and
    has an effect size by which small differences are passed over; this one suits items that measure unequally well.

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Items of one scale, reverse-keyed ones flipped; complete rows, at least 3 items. Every answer that somebody gave
        is a category in both groups.
    groups : sequence, shape (n_subjects,)
        Two labels; the first that appears is the reference.
    items : sequence of str, optional
        Names of the columns; else their numbers.
    alpha : float
        Expected share of false flags.
    target : {"model", "human", "data"}
        Whom it describes.

    Returns
    -------
    LikelihoodRatioDif
        Significance is not size: look at `difference`.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If there are not two groups, fewer than 3 items, or lengths differ; if an item does not vary in a group, has a
        category in one group only, or the model does not converge; if a score is missing or no finite number.

    References
    ----------
    Thissen, Steinberg & Wainer (1993), Detection of differential item functioning using the parameters of item response
    models. In Holland & Wainer (eds), Differential Item Functioning, 67-113.
    Samejima (1969), Estimation of Latent Ability Using a Response Pattern of Graded Scores. doi:10.1007/BF03372160

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> groups = ["people"] * 400 + ["model"] * 400
    >>> easier = np.outer(np.repeat([0, 1], 400), [0, 0, 0, 0, 1])
    >>> answers = np.digitize(1.5 * rng.normal(size=(800, 1)) + easier + rng.logistic(size=(800, 5)), [-1, 1])
    >>> [(found.item, round(found.difference.value, 2)) for found in likelihood_ratio_dif(answers, groups).items][-1]
    ('4', 0.28)
    """
    if not 0 < alpha < 1:
        raise DesignError(f"alpha is {alpha}, not a share between 0 and 1")
    x = score_table(scores, "likelihood_ratio_dif", least=3)
    p = x.shape[1]
    if items and len(items) != p:
        raise DesignError(f"{len(items)} names of items for {p} columns; give every column one")
    names = tuple(items) or tuple(map(str, range(p)))
    if len(groups) != len(x):
        raise DataError(f"{len(groups)} groups for {len(x)} subjects; give every subject one")
    sides, labels = coded(groups, "group")
    if len(labels) != 2:
        raise DesignError(f"{len(labels)} groups; give two labels, or compare others one pair at a time")
    two = str(labels[0]), str(labels[1])
    model = _TwoGroups.of(x, sides, names, two)
    warnings = [
        f"{n} subjects in {name}: below {_SMALL_GROUP} slopes and thresholds are unstable"
        for name, n in zip(two, np.bincount(sides).tolist(), strict=True)
        if n < _SMALL_GROUP
    ]
    free, base, is_clear = _let_go(model, alpha)
    if not is_clear:
        warnings.append("flags depend on which items are held equal; too few are alike to tell the others")
    found = _tested(model, free, base, names, (alpha, target, two))
    anchors = tuple(name for j, name in enumerate(names) if j not in free)
    return LikelihoodRatioDif(
        items=found, anchors=anchors, groups=two, mean=base.mean, sd=base.sd, warnings=tuple(warnings)
    )


def _let_go(model: "_TwoGroups", alpha: float) -> tuple[frozenset[int], "_Fit", bool]:
    """Items that are not held equal, let go one by one, the one that gains most first; False where too few are left.

    An item that differs much makes its neighbours look as if they did, so nothing is said of these before it is free.
    """
    p, free = len(model.sizes), frozenset[int]()
    base = model.fitted(free, free)
    while True:
        held = [j for j in range(p) if j not in free]
        gains = [2 * (model.fitted(free | {j}, free | {j}, start=base).value - base.value) for j in held]
        tests = [tail(1 + model.sizes[j], max(gain, 0.0)) for j, gain in zip(held, gains, strict=True)]
        adjusted = adjust_p(tests, "bh").adjusted
        # By the gain where p values are all 0.
        first = held[max(range(len(held)), key=lambda k: (-tests[k], gains[k]))]
        if min(adjusted.values()) > alpha:
            return free, base, True
        if p - len(free) - 1 < _FEWEST_ANCHORS:
            return free, base, False
        free = free | {first}
        base = model.fitted(free, free, start=base)


def _tested(
    model: "_TwoGroups", free: frozenset[int], base: "_Fit", names: Sequence[str],
    about: tuple[float, Target, tuple[str, str]],
) -> tuple[ItemRatio, ...]:  # fmt: skip
    """Every item held equal and let go, those of `free` let go throughout."""
    alpha, target, two = about
    rows: list[tuple[Estimate, float, float, float]] = []
    for j, name in enumerate(names):
        others = free - {j}
        equal = base if j not in free else model.fitted(others, others, start=base)
        shifted = model.fitted(others, others | {j}, start=equal)
        full = model.fitted(others | {j}, others | {j}, start=shifted)
        n_thresholds = model.sizes[j]
        gain = max(2 * (full.value - equal.value), 0.0)
        what = f"expected answer to {name} of {two[1]} less that of {two[0]}, at equal standing"
        difference = Estimate(
            value=model.difference(full, j), estimand=what, target=target, n_units=model.n,
            interval_method="none: read the likelihood ratio tests",
        )  # fmt: skip
        rows.append((
            difference, tail(n_thresholds, max(2 * (shifted.value - equal.value), 0.0)),
            tail(1, max(2 * (full.value - shifted.value), 0.0)), tail(1 + n_thresholds, gain),
        ))  # fmt: skip
    p: dict[Hashable, float] = {name: row[3] for name, row in zip(names, rows, strict=True)}
    adjusted = adjust_p(p, "bh").adjusted
    return tuple(
        ItemRatio(
            item=name, difference=row[0], p_thresholds=row[1], p_slope=row[2], p_any=row[3],
            p_adjusted=adjusted[name], is_flagged=adjusted[name] <= alpha,
        )
        for name, row in zip(names, rows, strict=True)
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Fit:
    """Log-likelihood, parameters of items in both groups, and where the second group stands."""

    value: float
    sides: tuple[Floats, Floats]
    mean: float
    sd: float


@dataclass(frozen=True, eq=False)
class _TwoGroups:
    """Different rows of codes of each group with how often they are there; thresholds and answers of each item."""

    rows: tuple[tuple[Ints, Ints], tuple[Ints, Ints]]
    sizes: tuple[int, ...]
    answers: tuple[Floats, ...]
    n: int

    @classmethod
    def of(cls, x: Floats, sides: Ints, names: Sequence[str], two: tuple[str, str]) -> "_TwoGroups":
        codes, answers = np.empty(x.shape, dtype=np.intp), list[Floats]()
        for side, name in enumerate(two):
            if still := still_items(x[sides == side]):
                raise DesignError(f"items {', '.join(names[j] for j in still)} do not vary in {name}: leave them out")
        for j, name in enumerate(names):
            values, codes[:, j] = np.unique(x[:, j], return_inverse=True)
            counts = [np.bincount(codes[sides == side, j], minlength=len(values)) for side in (0, 1)]
            if (lost := (counts[0] == 0) | (counts[1] == 0)).any():
                raise DataError(f"item {name}: only one group gave {values[lost][0]:g}; group rare answers first")
            answers.append(values)
        first, second = (np.unique(codes[sides == side], axis=0, return_counts=True) for side in (0, 1))
        return cls((first, second), tuple(len(values) - 1 for values in answers), tuple(answers), len(x))

    @property
    def _starts(self) -> list[int]:
        return [sum(self.sizes[:j]) + j for j in range(len(self.sizes) + 1)]

    def fitted(self, slopes: frozenset[int], thresholds: frozenset[int], start: _Fit | None = None) -> _Fit:
        """With slopes, and thresholds, of some items free in the second group."""
        starts = self._starts
        k = starts[-1]
        own = np.zeros(k, dtype=bool)
        for j, size in enumerate(self.sizes):
            own[starts[j]] = j in slopes
            own[starts[j] + 1 : starts[j] + 1 + size] = j in thresholds
        place = np.arange(k)
        place[own] = k + np.arange(int(own.sum()))
        if start is None:
            codes, counts = (np.concatenate([side[part] for side in self.rows]) for part in (0, 1))
            pooled = Marginal(codes, counts, sizes=self.sizes).maximised()
            start = _Fit(-np.inf, (pooled, pooled), 0.0, 1.0)
        x0 = np.concatenate([start.sides[0], start.sides[1][own], [start.mean, np.log(start.sd)]])

        def loss(free: Floats) -> tuple[float, Floats]:
            sd = float(np.exp(free[-1]))
            one = Marginal(*self.rows[0], sizes=self.sizes).ascent(free[:k])
            two = Marginal(*self.rows[1], nodes=free[-2] + sd * NODES, sizes=self.sizes).ascent(free[place])
            slope = np.zeros(len(free))
            slope[:k] = one[1]
            np.add.at(slope, place, two[1])
            slope[-2:] = two[2].sum(), two[2] @ NODES * sd
            return -(one[0] + two[0]) / self.n, -slope / self.n

        steep: list[tuple[float | None, float | None]] = [(None, None)] * len(x0)
        for at in (*starts[:-1], *(place[starts[j]] for j in slopes)):
            steep[at] = (-_FLAT, _FLAT)
        for j, size in enumerate(self.sizes):
            for at in range(starts[j] + 2, starts[j] + 1 + size):
                steep[at] = steep[place[at]] = (-12.0, 6.0)
        steep[-1] = (-_SPREAD, _SPREAD)
        options = {"maxiter": 1000, "ftol": 1e-9, "gtol": 1e-5}
        found = optimize.minimize(loss, x0, jac=True, method="L-BFGS-B", bounds=steep, options=options)
        if not np.isfinite(found.fun) or found.nit >= options["maxiter"]:
            raise DataError("the model of two groups did not converge; leave out items that hardly hang together")
        sides = found.x[:k], found.x[place]
        return _Fit(-found.fun * self.n, sides, float(found.x[-2]), float(np.exp(found.x[-1])))

    def difference(self, fit: _Fit, j: int) -> float:
        """Expected answer of the second group's item less the first's, over the second group."""
        nodes, start, size = fit.mean + fit.sd * NODES, self._starts[j], self.sizes[j]
        expected = []
        for side in fit.sides:
            cuts = side[start + 1] - np.concatenate([[0.0], np.cumsum(np.exp(side[start + 2 : start + 1 + size]))])
            expected.append(answers_at(nodes, side[start], cuts)[0] @ self.answers[j])
        return float(WEIGHTS @ (expected[1] - expected[0]))
