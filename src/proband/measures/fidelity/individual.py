"""The individual rung: how much of each person's own answer a model foresees."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from proband.measures.fidelity.nulls import NullRows
from proband.measures.fidelity.pairs import PairedAnswers
from proband.records import Estimate

_AGREEMENT = "mean probability the model gives to a person's own answer"


def agreement_estimates(
    pairs: PairedAnswers, nulls: NullRows, *, level: float, min_people: int
) -> tuple[Estimate, Estimate]:
    """Estimate the mean probability of a person's own answer, and its gain over people's shares alone.

    Parameters
    ----------
    pairs : PairedAnswers
        At least 2 subjects.
    nulls : NullRows
        Where the majority and marginal-only rows come from.
    level : float
        Confidence level of the t intervals over subjects.
    min_people : int
        Below this effective number no interval is given.

    Returns
    -------
    tuple of Estimate
        Agreement and gain. The gain over leave-one-out shares counts that every person also moves those
        shares; shares of held-out people are taken as given.
    """
    weights = pairs.weights / pairs.weights.sum()
    by_marginal = nulls.marginal_at(pairs)
    agreement, expected = float(weights @ pairs.own), float(weights @ by_marginal)
    # Leave-one-out shares are made of the same people: the gain's influence function holds them twice.
    moved = 1.0 if nulls.is_held_out else 2.0
    variance = _variance(pairs, pairs.own - moved * by_marginal, pairs.model - moved * nulls.mean_marginal)
    if not nulls.is_held_out:
        # A U-statistic's second-order term, all there is where people look uniform (Hoeffding 1948).
        variance += 2 * expected * max(1 - expected, 0.0) / (pairs.n_eff * max(pairs.n_eff - 1, 1.0))
    own = _estimate(
        pairs,
        agreement,
        _variance(pairs, pairs.own, pairs.model),
        lowest=0.0,
        level=level,
        min_people=min_people,
    )
    gain = _estimate(pairs, agreement - expected, variance, lowest=-1.0, level=level, min_people=min_people)
    baselines = {**nulls.agreements(pairs.human), "marginal_only": expected}
    no_gain = (
        "the interval does not show that the model foresees persons better than people's shares alone do"
    )
    has_gain = gain.interval is not None and gain.interval[0] > 0
    return (
        replace(own, estimand=_AGREEMENT, baselines=baselines),
        replace(
            gain,
            estimand=f"{_AGREEMENT}, minus that of people's shares",
            warnings=() if has_gain else (no_gain,),
        ),
    )


def _variance(pairs: PairedAnswers, values: NDArray[np.float64], imagined: NDArray[np.float64]) -> float:
    return float(pairs.mean_covariance(values[:, None], imagined[:, None])[0, 0])


def _estimate(
    pairs: PairedAnswers, value: float, variance: float, *, lowest: float, level: float, min_people: int
) -> Estimate:
    """Estimate a mean over subjects, with its t interval within [lowest, 1]."""
    is_enough = pairs.n_eff >= min_people
    se = math.sqrt(variance)
    reach = se * float(special.stdtrit(max(pairs.n_eff - 1, 1.0), (1 + level) / 2))
    return Estimate(
        value=value,
        se=se if is_enough else None,
        # A mean of shares can pass 1 by rounding, so both limits are held within the range.
        interval=(min(max(value - reach, lowest), 1.0), min(value + reach, 1.0)) if is_enough else None,
        level=level,
        interval_method="t over subjects" if is_enough else "none: too few people",
        estimand=_AGREEMENT,
        target="human",
        n_units=pairs.n,
        n_missing=pairs.n_people_only + pairs.n_model_only,
    )
