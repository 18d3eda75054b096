"""Shares of options and mean probabilities: do their intervals contain the truth?"""

from functools import partial

import numpy as np

from proband.measures.shares import share_estimates
from validation.simulation import Scenario, covers

READING = """
- The coverage of any interval of a share swings about .95 as n and the share change, because counts are whole; Wilson's
  swings least. With weights it is taken at the share's own variance; how that does where weights go with the answers
  stands under survey designs.
- The interval of a mean probability is too short where few subjects carry the mass; `share_estimates` then warns (fewer
  than 30 subjects, or than 25 times the squared skewness), and the table does not hold it to .95 there. The t interval,
  shown for comparison, is worse in every such row.
"""


def wilson_covers(rng: np.random.Generator, n: int, *, share: float, is_weighted: bool) -> bool | None:
    answers = (rng.random(n) < share).astype(int)
    weights = rng.lognormal(0, 0.6, n) if is_weighted else None
    return covers(share_estimates(answers, 2, target="human", weights=weights)[1], share)


def mean_probability_covers(
    rng: np.random.Generator, n: int, *, share: float, concentration: float, is_weighted: bool = False
) -> bool | None:
    first = rng.beta(concentration * share, concentration * (1 - share), n)
    weights = rng.lognormal(0, 0.6, n) if is_weighted else None
    rows = np.column_stack([first, 1 - first])
    return covers(share_estimates(rows, 2, target="model", weights=weights)[0], share)


def plain_t_covers(rng: np.random.Generator, n: int, *, share: float, concentration: float) -> bool | None:
    from scipy import stats

    first = rng.beta(concentration * share, concentration * (1 - share), n)
    reach = stats.t.ppf(0.975, n - 1) * first.std(ddof=1) / np.sqrt(n)
    return bool(abs(first.mean() - share) <= reach)


_WILSON = tuple(
    Scenario(
        family="Shares",
        method="share, Wilson at its own variance" if is_weighted else "share, Wilson",
        data=f"p = {share}{', lognormal weights' if is_weighted else ''}",
        draw=partial(wilson_covers, share=share, is_weighted=is_weighted),
        # Counts are whole: coverage swings about .95 by so much, more for rare answers.
        tolerance=0.05 if is_weighted else 0.03,
        is_conservative=True,
    )
    for share in (0.5, 0.1, 0.02)
    for is_weighted in (False, True)
)

# Mean, concentration, and the sample size from which no warning stands beside the interval.
_BETAS = ((0.5, 2.0, 10), (0.5, 20.0, 10), (0.1, 5.0, 30), (0.05, 0.5, 200), (0.02, 5.0, 200))

_PROBABILITIES = tuple(
    Scenario(
        family="Shares",
        method="mean probability",
        data=f"Beta, mean {share}, concentration {concentration:g}",
        draw=partial(mean_probability_covers, share=share, concentration=concentration),
        held_from=held_from,
    )
    for share, concentration, held_from in _BETAS
)

_WEIGHTED = Scenario(
    family="Shares",
    method="mean probability, weighted",
    data="Beta, mean 0.1, concentration 5, lognormal weights",
    draw=partial(mean_probability_covers, share=0.1, concentration=5.0, is_weighted=True),
    held_from=30,
)

_COMPARED = tuple(
    Scenario(
        family="Shares",
        method="*t interval of a mean probability (not used)*",
        data=f"Beta, mean {share}, concentration {concentration:g}",
        draw=partial(plain_t_covers, share=share, concentration=concentration),
        held_from=10**9,
    )
    for share, concentration, _ in _BETAS[2:]
)

SCENARIOS: tuple[Scenario, ...] = (*_WILSON, *_PROBABILITIES, _WEIGHTED, *_COMPARED)
