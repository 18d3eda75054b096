"""How much of the way from a weak supervisor to true labels a model goes that was trained on the weak ones."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy import optimize

from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures.knowledge.crossed import Table, crossed_mean

_MOST = 64.0  # distances from the estimate beyond which an end is taken to be nowhere


def gap_recovered(
    weak: Sequence[Table],
    supervised: Sequence[Table],
    ceiling: Sequence[Table],
    *,
    estimand: str = "performance gap recovered",
    level: float = 0.95,
) -> Estimate:
    """Performance gap recovered: (supervised - weak) / (ceiling - weak), means over runs and questions.

    0 where the supervised model does no better than the labels' author, 1 where it does as well as with true labels.
    The interval is Fieller's: all values R for which the mean of ``(supervised - weak) - R (ceiling - weak)``, question
    by question and run by run, cannot be told from 0 by `crossed_mean`.

    Parameters
    ----------
    weak, supervised, ceiling : sequence of Table
        Whether answers were right (or any score), a table for every domain; the same domains in the same order. Runs of
        supervised and ceiling are paired by place; one run goes with all.
    estimand, level
        What is estimated, as a sentence; confidence level.

    Returns
    -------
    Estimate
        `baselines` has the three means. No interval where the ceiling exceeds the weak model by no more than chance, as
        the ratio may then be anything.

    Raises
    ------
    DataError
        If the ceiling does not exceed the weak model: there is no gap that could be recovered.

    References
    ----------
    Burns et al. (2023), Weak-to-Strong Generalization. arXiv:2312.09390
    Fieller (1954), J. R. Stat. Soc. B 16, 175-185. doi:10.1111/j.2517-6161.1954.tb00159.x

    Examples
    --------
    >>> from proband.measures.knowledge.crossed import table
    >>> weak, half, all_right = (
    ...     [table("sums", [{f"q{k}": float(k % 10 < n) for k in range(100)}])] for n in (4, 6, 8)
    ... )
    >>> print(round(gap_recovered(weak, half, all_right).value, 3))
    0.5
    """
    gained = [mine.minus(base) for mine, base in zip(supervised, weak, strict=True)]
    gap = [best.minus(base) for best, base in zip(ceiling, weak, strict=True)]
    means = {
        name: float(np.mean([part.scores.mean() for part in tables]))
        for name, tables in (("weak", weak), ("supervised", supervised), ("ceiling", ceiling))
    }
    distance = float(np.mean([part.scores.mean() for part in gap]))
    if not distance > 0:
        raise DataError(
            f"the ceiling ({means['ceiling']:.3f}) does not exceed the weak model ({means['weak']:.3f}): there is no "
            "gap to recover; take a weaker supervisor, a stronger model, or other questions"
        )

    def left(ratio: float) -> Estimate:
        parts = [mine.minus(_times(ratio, whole)) for mine, whole in zip(gained, gap, strict=True)]
        return crossed_mean(parts, "difference", estimand=estimand, level=level)

    value = float(np.mean([part.scores.mean() for part in gained])) / distance
    found = replace(left(value), value=value, se=None, statistic=None, p_value=None, interval=None, baselines=means)
    # As the ratio rises what is left falls: its upper limit is 0 at the upper end, its lower limit at the lower one.
    ends = [_end(lambda ratio, k=k: _limit(left(ratio), k), value, step) for k, step in ((0, -1.0), (1, 1.0))]  # type: ignore[misc]
    if not all(map(math.isfinite, ends)):
        reason = "the ceiling exceeds the weak model by no more than chance"
        return replace(found, interval_method=f"none: {reason}", warnings=(*found.warnings, f"no interval: {reason}"))
    return replace(found, interval=(ends[0], ends[1]), interval_method=f"Fieller: {found.interval_method}")


def _times(ratio: float, part: Table) -> Table:
    return replace(part, scores=ratio * part.scores)


def _limit(left: Estimate, k: int) -> float:
    # Without variance the limits are the mean itself.
    return left.value if left.interval is None else left.interval[k]


def _end(limit: Callable[[float], float], value: float, step: float) -> float:
    """Where a limit is 0 on one side of a value; infinite where it is nowhere."""
    reach = 0.25
    while reach <= _MOST:
        end = value + step * reach
        if limit(end) * step < 0:
            return float(optimize.brentq(limit, *sorted((value, end)), xtol=1e-6))
        reach *= 2
    return step * math.inf
