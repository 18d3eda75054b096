"""Regressions over time and the placebo of shuffled dates: coverage, and size of tests."""

from functools import partial

import numpy as np

from proband.measures import series_regression, shuffled_dates
from validation.experiments import ALPHA
from validation.simulation import Scenario, covers

FAMILY = "Series"

READING = """
- n counts rows, one a day. Errors of neighbouring rows are correlated as stated, and so are scores where it is said.
- Newey and West's interval is short where series are short, and shorter where scores and errors remember both; on
  returns, which hardly remember, it holds from 100 rows on, a point or two short.
- The placebo with dates shuffled is exact where scores forget; where they remember, dates are moved round instead.
"""


def remembering(rng: np.random.Generator, n: int, memory: float) -> np.ndarray:
    """A series of variance 1 that remembers a share of its last value."""
    shocks, found = rng.normal(size=n), np.empty(n)
    found[0] = shocks[0]
    for k in range(1, n):
        found[k] = memory * found[k - 1] + np.sqrt(1 - memory**2) * shocks[k]
    return found


def slope_covers(rng: np.random.Generator, n: int, *, score: float, error: float) -> bool | None:
    """A true slope of 0.3."""
    x = remembering(rng, n, score)
    return covers(series_regression(0.3 * x + remembering(rng, n, error), {"score": x})["score"], 0.3)


def overlapping_covers(rng: np.random.Generator, n: int) -> bool | None:
    """No slope on changes over 5 rows that begin at every row."""
    changes = np.convolve(rng.normal(size=n + 4), np.ones(5), mode="valid")
    return covers(series_regression(changes, {"score": rng.normal(size=n)}, lags=8)["score"], 0.0)


def placebo_rejects(rng: np.random.Generator, n: int, *, memory: float, rotates: bool) -> bool:
    """A score that knows nothing."""
    y, x = remembering(rng, n, memory), remembering(rng, n, memory)
    found = shuffled_dates(y, x, rotates=rotates, n_draws=199, rng=rng)
    assert found.p_value is not None
    return found.p_value <= ALPHA


_SIZES = (30, 50, 100, 250)
SCENARIOS: tuple[Scenario, ...] = (
    *(
        Scenario(family=FAMILY, method="slope over time, Newey-West", data=data,
                 draw=partial(slope_covers, score=score, error=error), sizes=_SIZES, held_from=held_from,
                 tolerance=0.025)
        for data, score, error, held_from in (
            ("nothing remembers", 0.0, 0.0, 100),
            ("errors remember .4", 0.0, 0.4, 100),
            ("scores and errors remember .5", 0.5, 0.5, 250),
        )
    ),
    Scenario(family=FAMILY, method="slope over time, Newey-West", data="changes over 5 rows, overlapping",
             draw=overlapping_covers, sizes=_SIZES, held_from=250, tolerance=0.025),
    Scenario(family=FAMILY, method="placebo, dates shuffled (size)", data="nothing remembers",
             draw=partial(placebo_rejects, memory=0.0, rotates=False), sizes=_SIZES, expected=ALPHA),
    Scenario(family=FAMILY, method="placebo, dates moved round (size)", data="scores and outcomes remember .5",
             draw=partial(placebo_rejects, memory=0.5, rotates=True), sizes=_SIZES, expected=ALPHA, held_from=100,
             tolerance=0.025),
)  # fmt: skip
