"""Tables of scores as the reliability measures want them: complete, finite, large enough."""

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DesignError
from proband.measures.arrays import Floats, finite


def score_table(
    scores: ArrayLike, what: str, *, rows: str = "subjects", columns: str = "items", least: int = 2
) -> Floats:
    """Scores as an array, shape (n_rows, n_columns), or an error that says what is wrong.

    `scores`: the table. `what`: the statistic that needs it, for messages. `rows`, `columns`: what rows and columns
    are, for messages. `least`: fewest columns the statistic is defined for; it needs 2 rows. Raises DataError,
    DesignError, MissingDataError if it is no table of finite numbers, is too small, or has a gap.
    """
    x = finite(scores, "scores", ndim=2, way_out="drop or impute first, and report which")
    if x.shape[0] < 2 or x.shape[1] < least:
        raise DesignError(
            f"{x.shape[0]} {rows} by {x.shape[1]} {columns}; {what} needs at least 2 {rows} and {least} {columns}"
        )
    return x


def still_items(scores: Floats) -> list[int]:
    """Items that are the same for everybody, counted from 0."""
    return [j for j in range(scores.shape[1]) if is_constant(float(scores[:, j].var()), scores)]


def still_warning(still: list[int], effect: str) -> str:
    """What to say of items that do not vary, and of their effect on a statistic."""
    named = f"item {still[0]} does" if len(still) == 1 else f"items {', '.join(map(str, still))} do"
    return f"{named} not vary (counted from 0): {effect}; drop what does not vary, and report that"


def is_constant(variance: float, scores: Floats) -> bool:
    """Whether a variance is 0 up to rounding: totals equal by design differ, e.g. 0.1 + 0.2 and 0.3."""
    return variance <= 1e-20 * max(1.0, float(np.abs(scores).max())) ** 2
