"""A mean under weights calibrated to what is known of the population, with a variance that knows it too."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures.arrays import finite
from proband.measures.correction.estimates import (
    FEWEST_LABELS,
    Limits,
    binary_units,
    no_interval,
    share_limits,
    skewness_note,
    t_limits,
)
from proband.measures.correction.samples import Side
from proband.measures.correction.tuning import t_reach
from proband.weighting.calibrating import calibrate
from proband.weighting.raking import Code
from proband.weighting.replicating import replicate_weights


def calibrated_mean(
    answers: ArrayLike,
    columns: Mapping[str, Sequence[Code]],
    margins: Mapping[str, Mapping[Code, float]],
    *,
    strata: Sequence[Hashable] | None = None,
    psu: Sequence[Hashable] | None = None,
    level: float = 0.95,
    **settings: Any,
) -> Estimate:
    """Mean or share in a population of known margins, with weights calibrated to them.

    The variance is the jackknife's, every replicate calibrated anew (`replicate_weights`): what the margins explain is
    no error any more, and what unequal weights cost is counted. Means: t interval; shares: Wilson's score interval at
    as many answers as the variance is worth.

    When not to use it: where people of a group who answered are not like those who did not; no weights mend that. With
    very small groups `mrp_mean` is steadier.

    Parameters
    ----------
    answers : array_like, shape (n,)
        Human answers; 0 and 1 for a share.
    columns, margins
        As in `calibrate`, whose settings (totals, size, weights, method, bounds, largest) go with them.
    strata, psu : sequence, length n, optional
        How people were drawn; intervals count sampling units.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Without interval below 10 sampling units.

    Raises
    ------
    DataError, MissingDataError
        As `calibrate` and `replicate_weights`; or if answers are missing or of another length.

    References
    ----------
    Deville & Sarndal (1992), J. Am. Stat. Assoc. 87, 376-382. doi:10.1080/01621459.1992.10475217

    Examples
    --------
    >>> votes, age = [1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1], ["old"] * 8 + ["young"] * 4
    >>> print(calibrated_mean(votes, {"age": age}, {"age": {"old": 0.5, "young": 0.5}}))
    0.625 [0.280, 0.877]
    """
    y = finite(answers, "answers")
    weighed = calibrate(columns, margins, **settings)
    if weighed.weights.size != y.size:
        raise DataError(
            f"{y.size} answers for {weighed.weights.size} rows of the columns; give one each, in the same order"
        )
    copies = replicate_weights(columns, margins, strata=strata, psu=psu, **settings)
    share = weighed.weights / weighed.weights.sum()
    value = float(share @ y)
    se = math.sqrt(copies.variance(lambda w: float(w @ y / w.sum())))
    used = share != 0
    n = int(used.sum())
    n_independent = n if psu is None else len(set(zip(strata or [None] * y.size, psu, strict=True)))
    df = float(copies.df)
    said: tuple[str, ...] = ()
    is_flat = se <= 1e-9 * max(float(np.ptp(y)), 1e-300)
    if n_independent < FEWEST_LABELS:
        limits = no_interval(n_independent)
    elif is_flat and np.ptp(y[used]):
        said = ("answers do not vary within what the margins know: there is no interval",)
        limits = Limits(interval=None, how="none: no variance", warnings=said)
    elif np.isin(y, (0.0, 1.0)).all():
        side = Side(share=share[used], cluster=None, is_plain=False)
        limits = share_limits(value, binary_units(se**2, value, n, side) * (n - 1) / n, t_reach(df, level))
    elif se == 0:
        limits = Limits(interval=None, how="none: no variance", warnings=("answers do not vary: there is no interval",))
    else:
        limits = t_limits(value, se, df, level)
        said = skewness_note(share[used] * (y[used] - value))
    start = settings.get("weights")
    return Estimate(
        value=value,
        se=se,
        interval=limits.interval,
        level=level,
        interval_method=f"calibrated jackknife, {limits.how}" if limits.interval else limits.how,
        estimand="mean of the answers in a population with these margins",
        target="human",
        n_units=n,
        n_clusters=None if psu is None else n_independent,
        df=df,
        baselines={"unadjusted": float(np.average(y, weights=start))},
        assumptions=("given the margins, whether somebody is in the sample does not depend on the answer",),
        warnings=(*limits.warnings, *said, *weighed.warnings),
    )
