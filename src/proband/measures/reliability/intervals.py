"""How reliability measures make intervals: leaving out one subject at a time, or from mean squares."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.measures.arrays import Floats
from proband.measures.skewness import fewest_for, sample_skewness
from proband.seeds import rng_for

# Below this many subjects no jackknife interval is given; docs/methods/coverage.md shows that it holds from here.
MIN_SUBJECTS = 10

_FEW_SUBJECTS = 50
_N_DRAWS = 10_000

Transform = Callable[[Floats], Floats]


def jackknife_interval(
    value: float, left_out: Floats, scale: tuple[Transform, Transform], level: float
) -> tuple[float, float] | None:
    """T interval from pseudo-values on a scale where the statistic is nearly normal.

    `value`: the statistic of all subjects. `left_out` (n_subjects,): the statistic without each subject. `scale`:
    transformation and its inverse, e.g. ``(numpy.arctanh, numpy.tanh)``. `level`: confidence level. Result: None
    where the statistic is at the edge of its scale, with or without somebody.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 11. doi:10.1007/978-1-4899-4541-9
    """
    there, back = scale
    n = len(left_out)
    with np.errstate(all="ignore"):  # an edge of the scale is infinite, which is refused below
        centre, others = there(np.array([value]))[0], there(left_out)
    if not (math.isfinite(centre) and np.isfinite(others).all()):
        return None
    pseudo = n * centre - (n - 1) * others
    reach = float(pseudo.std(ddof=1)) / math.sqrt(n) * float(special.stdtrit(n - 1, (1 + level) / 2))
    ends = sorted(back(np.array([centre - reach, centre + reach])).tolist())
    return ends[0], ends[1]


FISHER: tuple[Transform, Transform] = (np.arctanh, np.tanh)
# The scale of reliabilities, which reach 1 but may fall below -1.
UNEXPLAINED: tuple[Transform, Transform] = (lambda x: np.log1p(-x), lambda y: -np.expm1(y))


def tail_warnings(totals: Floats) -> tuple[str, ...]:
    """Warn below 50 subjects, and where few of more carry the spread of their totals.

    A small sample of skewed scores often shows no skewness, and just then its interval is too short
    (docs/methods/coverage.md), so below 50 the number decides and not the data. From 50 on the rules are
    ``n < 25 skewness^2`` (Cochran's, `fewest_for`) and ``n < 10 kurtosis^2``.
    """
    n = len(totals)
    centred = totals - totals.mean()
    variance = float((centred**2).mean())
    if variance == 0:
        return ()
    if n < _FEW_SUBJECTS:
        return (
            f"{n} subjects: below {_FEW_SUBJECTS} the interval is too short where scores are skewed or heavy-tailed",
        )
    skewness = sample_skewness(totals)
    plain = float((centred**4).mean()) / variance**2 - 3
    # The excess kurtosis G2 that is unbiased for normal samples.
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * plain + 6)
    if n >= fewest_for(skewness) and n >= 10 * max(excess, 0.0) ** 2:
        return ()
    return (
        f"a few of {n} subjects carry the spread of totals (skewness {skewness:.1f}, excess kurtosis {excess:.1f}): "
        "the interval may be too short",
    )


@lru_cache(maxsize=32)
def _ratios(dfs: tuple[int, ...]) -> Floats:
    """Draws of ``df / chi2(df)``, independent by column; fixed by the degrees of freedom, so results repeat."""
    rng = rng_for(0, "variance_pivots", *dfs)
    drawn = np.column_stack([df / rng.chisquare(df, _N_DRAWS) for df in dfs])
    drawn.setflags(write=False)
    return drawn


def pivotal_mean_squares(mean_squares: ArrayLike, dfs: Sequence[int]) -> Floats:
    """Draws of what the expected mean squares may be, shape (n_draws, n_effects).

    For normal effects ``MS df / E[MS]`` is chi-squared with df degrees of freedom, independently by effect. A
    function of expected mean squares then has as interval the quantiles of its draws: exact where it depends on a
    ratio of two (F), and close to the nominal level elsewhere, also where Satterthwaite's approximation fails
    (few raters who differ much).

    References
    ----------
    Weerahandi (1993), J. Am. Stat. Assoc. 88, 899-905. doi:10.1080/01621459.1993.10476355
    """
    return np.asarray(mean_squares, dtype=np.float64) * _ratios(tuple(dfs))


def jackknifed_mean_squares(mean_squares: ArrayLike, left_out: Floats) -> Floats | None:
    """Draws of what expected mean squares of effects of subjects may be, for any distribution of those.

    Logarithms of mean squares are about normal together; their covariance is that of pseudo-values, one a subject.
    Subjects whose scores are uneven at once raise the square between and that within, which chi-squared draws, one
    independent of the other, cannot know.

    Parameters
    ----------
    mean_squares : array_like, shape (n_effects,)
        Of everybody.
    left_out : numpy.ndarray, shape (n_subjects, n_effects)
        Without each subject.

    Returns
    -------
    numpy.ndarray or None
        Shape (n_draws, n_effects): t with n - 1 degrees of freedom about the logarithms; a mean square of 0 stays 0.
        None where one is 0 only without somebody.
    """
    drawn, n = np.tile(np.asarray(mean_squares, dtype=np.float64), (_N_DRAWS, 1)), len(left_out)
    least = 1e-12 * float(drawn[0].max())
    varies = drawn[0] > least
    every, left_out = drawn[0, varies], left_out[:, varies]
    if not varies.any() or left_out.min() <= least:
        return None
    pseudo = n * np.log(every) - (n - 1) * np.log(left_out)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(pseudo.T)) / n)
    rng = rng_for(0, "jackknife_pivots", n, len(every))
    normal = rng.standard_normal((_N_DRAWS, len(every)))
    t = normal * np.sqrt((n - 1) / rng.chisquare(n - 1, _N_DRAWS))[:, None]
    drawn[:, varies] *= np.exp(t @ (vectors * np.sqrt(np.maximum(values, 0.0))).T)
    return drawn


def pivotal_interval(draws: Floats, level: float) -> tuple[float, float] | None:
    """Equal-tailed quantiles of draws; None where too many of them are undefined."""
    defined = draws[np.isfinite(draws)]
    if len(defined) < 0.99 * len(draws):
        return None
    low, high = np.quantile(defined, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)
