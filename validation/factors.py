"""Ordinal correlations, factor models, invariance, item response models and item bias: coverage, and size of tests."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError, DesignError
from proband.measures import (
    confirmatory_factors,
    differential_functioning,
    graded_response,
    likelihood_ratio_dif,
    measurement_invariance,
    ordinal_correlations,
)
from validation.experiments import ALPHA, NEVER
from validation.simulation import Scenario, covers

Array = NDArray[np.float64]
FAMILY = "Factors and item response"
READING = """
- n is the number of subjects, in each group where there are two. Factors have four items each with loadings of .7 and
  correlate by .5.
- The plain chi squared of maximum likelihood rejects true models where answers have heavy tails; the robust one, which
  is the one told, does not.
- Chi squared of weighted ordinal correlations, adjusted in mean and variance, is cautious in small samples.
- Intervals of ordinal correlations and of loadings are somewhat short below 200 subjects.
- Item bias holds its size where groups stand alike or half an SD apart. Where they are one SD apart, matching on a
  total of 6 items rejects too often; an item is flagged only if the difference has a size as well.
"""
CUTS = {"4 grades": (-0.8, 0.2, 1.0), "4 grades, most the lowest": (0.6, 1.1, 1.6), "0 or 1": (0.3,)}
TWO = {"a": range(4), "b": range(4, 8)}


def correlation_covers(rng: np.random.Generator, n: int, *, cuts: str, other: str) -> bool | None:
    """A correlation of .5 between two variables that are cut, or of which one is not."""
    z = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n)
    x = np.column_stack([np.digitize(z[:, 0], CUTS[cuts]), np.digitize(z[:, 1], CUTS[other]) if other else z[:, 1]])
    try:
        found = ordinal_correlations(x, continuous=() if other else (1,))
    except DesignError:  # an item that everybody answers alike
        return None
    return bool(abs(found.correlations[0, 1] - 0.5) <= 1.96 * found.se[0, 1])


def two_factors(rng: np.random.Generator, n: int, data: str, shift: float = 0.0) -> Array:
    """Eight items of two factors; of heavy tails where subjects differ in how much they scatter."""
    traits = rng.multivariate_normal([shift, 0], [[1, 0.5], [0.5, 1]], n)
    x = 0.7 * np.repeat(traits, 4, axis=1) + np.sqrt(0.51) * rng.standard_normal((n, 8))
    if data == "heavy tails":
        return np.asarray(x / np.sqrt(rng.chisquare(7, (n, 1)) / 5))
    return np.digitize(x, CUTS[data]).astype(float) if data in CUTS else x


def factor_model(rng: np.random.Generator, n: int, *, data: str, about: str) -> bool | None:
    """A loading of .7 or a correlation of .5 is covered, or the true model rejected."""
    try:
        found = confirmatory_factors(two_factors(rng, n, data), TWO, estimator="dwls" if data in CUTS else "ml")
    except (DataError, DesignError):
        return None
    if about == "loading":
        return covers(found.loadings["a"]["0"], 0.7)
    if about == "correlation":
        return covers(found.correlations["a", "b"], 0.5)
    return bool((found.fit.robust_p if about == "robust" else found.fit.p_value) <= ALPHA)


def mean_difference_covers(rng: np.random.Generator, n: int) -> bool | None:
    """A factor mean that is .3 SD higher in the second group; None where groups are called unequal."""
    groups = {"a": two_factors(rng, n, "normal"), "b": two_factors(rng, n, "normal", 0.3)}
    try:
        found = measurement_invariance(groups, TWO)
    except DataError:
        return None
    return covers(found.mean_differences["a", "b"], 0.3) if found.mean_differences else None


def slope_covers(
    rng: np.random.Generator, n: int, *, cuts: tuple[float, ...], is_threshold: bool = False
) -> bool | None:
    """A slope of 1.5, or the first threshold, of five items."""
    x = np.digitize(1.5 * rng.standard_normal((n, 1)) + rng.logistic(size=(n, 5)), cuts)
    try:
        found = graded_response(x)
    except (DataError, DesignError):
        return None
    if is_threshold:
        return bool(abs(found.thresholds[0][0] - cuts[0] / 1.5) <= 1.96 * found.threshold_se[0][0])
    return covers(found.slope_estimates[0], 1.5) if found.slope_estimates[0].interval else None


def ratio_found(rng: np.random.Generator, n: int) -> bool | None:
    """The first of five items of 0 and 1 looks other in a second group, which stands an SD higher."""
    theta = rng.standard_normal((2 * n, 1)) + np.repeat([0.0, 1.0], n)[:, None]
    x = (1.5 * theta + rng.logistic(size=(2 * n, 5)) > [-0.5, 0, 0.5, 1, 1.5]).astype(float)
    try:
        return likelihood_ratio_dif(x, ["one"] * n + ["other"] * n).items[0].p_any <= ALPHA
    except (DataError, DesignError):
        return None


def bias_found(rng: np.random.Generator, n: int, *, impact: float) -> bool | None:
    """An item that is biased against nobody, of six."""
    theta = rng.standard_normal((2 * n, 1)) + impact * np.repeat([0, 1], n)[:, None]
    x = np.digitize(1.5 * theta + rng.logistic(size=(2 * n, 6)), (-1, 0, 1))
    item = differential_functioning(x, np.repeat([0, 1], n).tolist()).items[0]
    return None if item.reason else item.p_any <= ALPHA


_row = partial(Scenario, family=FAMILY)
_LARGE = (100, 200, 500)
_CALIBRATED = (200, 500)

SCENARIOS: tuple[Scenario, ...] = (
    *(
        _row(method=method, data=data, draw=partial(correlation_covers, cuts=cuts, other=other), sizes=(50, 200, 500),
             held_from=held_from, tolerance=0.025)
        for method, data, cuts, other, held_from in (
            ("polychoric correlation", "4 grades each", "4 grades", "4 grades", 200),
            ("polychoric correlation", "4 grades, most the lowest", *["4 grades, most the lowest"] * 2, 200),
            ("tetrachoric correlation", "0 or 1 each", "0 or 1", "0 or 1", 200),
            ("polyserial correlation", "4 grades and normal", "4 grades", "", 200),
        )
    ),
    *(
        _row(method=f"factor model, {about}", data=data, draw=partial(factor_model, data=data, about=about),
             sizes=_LARGE, held_from=200, tolerance=0.03)
        for about in ("loading", "correlation")
        for data in ("normal", "heavy tails", "4 grades")
    ),
    *(
        _row(method=method, data=data, draw=partial(factor_model, data=data, about=about), sizes=_LARGE,
             expected=ALPHA, held_from=held_from, tolerance=0.03, is_conservative=True)
        for method, data, about, held_from in (
            ("*plain chi squared (not used for this)*", "heavy tails", "plain", NEVER),
            ("robust chi squared (size)", "normal", "robust", 200),
            ("robust chi squared (size)", "heavy tails", "robust", 500),
            ("robust chi squared (size)", "4 grades", "robust", 200),
        )
    ),
    _row(method="factor mean between groups", data="normal, .3 SD apart", draw=mean_difference_covers, sizes=_LARGE,
         held_from=200, tolerance=0.025),
    _row(method="slope, two-parameter logistic", data="5 items, 0 or 1", draw=partial(slope_covers, cuts=(0.5,)),
         sizes=_CALIBRATED, held_from=500, tolerance=0.025),
    _row(method="slope, graded response", data="5 items, 4 grades", draw=partial(slope_covers, cuts=(-2, 0, 1.5)),
         sizes=_CALIBRATED, held_from=200, tolerance=0.025),
    _row(method="threshold, graded response", data="5 items, 4 grades",
         draw=partial(slope_covers, cuts=(-2, 0, 1.5), is_threshold=True), sizes=_CALIBRATED, held_from=200,
         tolerance=0.03),
    _row(method="item bias (size)", data="6 items, groups alike", draw=partial(bias_found, impact=0.0), sizes=_LARGE,
         expected=ALPHA, held_from=100, is_conservative=True),
    _row(method="item bias (size)", data="6 items, groups .5 SD apart", draw=partial(bias_found, impact=0.5),
         sizes=_LARGE, expected=ALPHA, held_from=100, is_conservative=True),
    _row(method="item bias (size)", data="6 items, groups 1 SD apart", draw=partial(bias_found, impact=1.0),
         sizes=_LARGE, expected=ALPHA, held_from=NEVER),
    _row(method="item bias by likelihood ratios (size)", data="5 items, 0 or 1, groups 1 SD apart", draw=ratio_found,
         sizes=(200,), expected=ALPHA, held_from=200, tolerance=0.025, is_conservative=True),
)  # fmt: skip
