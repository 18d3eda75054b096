"""The individual rung: how much of each person's own answer a model foresees."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
from scipy import special

from proband.estimates import Estimate
from proband.measures.arrays import Floats, Ints
from proband.measures.likeness.items.nulls import NullRows
from proband.measures.likeness.items.pairs import PairedAnswers

_AGREEMENT = "mean probability the model gives to a person's own answer"


def agreement_estimates(
    pairs: PairedAnswers, nulls: NullRows, *, level: float, min_people: int
) -> tuple[Estimate, Estimate]:
    """Estimate the mean probability of a person's own answer, and its gain over people's shares alone.

    `pairs`: at least 2 subjects. `nulls`: where the majority and marginal-only rows come from. `level`: confidence
    level of the t intervals over subjects. `min_people`: below this effective number no interval is given. Result:
    agreement and gain. The gain over leave-one-out shares counts that every person also moves those shares; shares of
    held-out people are taken as given.
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
        pairs, agreement, _variance(pairs, pairs.own, pairs.model), lowest=0.0, level=level, min_people=min_people
    )
    gain = _estimate(pairs, agreement - expected, variance, lowest=-1.0, level=level, min_people=min_people)
    baselines = {**nulls.agreements(pairs.human), "marginal_only": expected}
    no_gain = "the interval does not show that the model foresees persons better than people's shares alone do"
    has_gain = gain.interval is not None and gain.interval[0] > 0
    return (
        replace(own, estimand=_AGREEMENT, baselines=baselines),
        replace(gain, estimand=f"{_AGREEMENT}, minus that of people's shares", warnings=() if has_gain else (no_gain,)),
    )


def score_estimates(
    pairs: PairedAnswers, nulls: NullRows, *, level: float, min_people: int
) -> tuple[Estimate, Estimate]:
    """Proper scores of the model's probabilities for persons: Brier and logarithmic, lower is better.

    Unlike agreement, neither rewards a model for being surer than it should be: both are smallest on average
    for the true probabilities (Gneiting & Raftery 2007).

    `pairs`, `nulls`, `level`, `min_people`: as in `agreement_estimates`. Result: ``mean sum_k (p_k - 1[y = k])^2``, 0
    to 2, and ``mean -ln p_y`` in nats, infinite as soon as the model excludes an answer somebody gave. In the
    logarithmic marginal-only row half a person is added to every option; majority answers have no finite logarithmic
    score.

    References
    ----------
    Brier (1950), Mon. Weather Rev. 78, 1-3. doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    Gneiting & Raftery (2007), J. Am. Stat. Assoc. 102, 359-378. doi:10.1198/016214506000001437
    """
    k = pairs.n_options
    weights = pairs.weights / pairs.weights.sum()
    rows = nulls.marginal_rows(pairs)
    n_other = nulls.n_predicting if nulls.is_held_out else max(pairs.n_eff - 1, 1.0)
    smooth = rows if math.isinf(n_other) else (rows * n_other + 0.5) / (n_other + k / 2)
    own_smooth = np.maximum(smooth[np.arange(pairs.n), pairs.answers], 0.0)
    most, both = (nulls.majorities**2).sum(axis=1), (nulls.predicted * nulls.majorities).sum(axis=1)
    brier_nulls = {"uniform": 1 - 1 / k, "majority": float((most + 1 - 2 * both).mean())}
    brier_nulls["marginal_only"] = float(weights @ brier_scores(rows, pairs.answers))
    log_nulls = {"uniform": math.log(k), "marginal_only": float(weights @ log_scores(own_smooth))}
    average = pairs.model
    score = partial(_score, pairs, level=level, min_people=min_people)
    brier = score(brier_scores(pairs.probs, pairs.answers), (average**2).sum() + 1 - 2 * average, top=2.0)
    log = score(log_scores(pairs.own), -np.log(np.maximum(average, 0.5 / (pairs.n * k))), top=math.inf)
    name = "score of the model's probabilities"
    return (
        replace(brier, estimand=f"Brier {name}, over persons", baselines=brier_nulls),
        replace(log, estimand=f"logarithmic {name}, nats, over persons", baselines=log_nulls),
    )


def brier_scores(probs: Floats, answers: Ints) -> Floats:
    """``sum_k (p_k - 1[y = k])^2`` of every row, shape (n_rows,)."""
    own = probs[np.arange(len(answers)), answers]
    scores: Floats = (probs**2).sum(axis=1) - 2 * own + 1
    return scores


def log_scores(own: Floats) -> Floats:
    """``-ln p`` of the probability given to the own answer; infinite where that is 0."""
    scores = np.full(len(own), np.inf)
    scores[own > 0] = -np.log(own[own > 0])
    return scores


def _score(
    pairs: PairedAnswers, values: Floats, imagined: Floats, *, top: float, level: float, min_people: int
) -> Estimate:
    excluded = int(np.isinf(values).sum())
    if excluded:
        return Estimate(
            value=math.inf,
            estimand="score",
            target="human",
            n_units=pairs.n,
            n_missing=pairs.n_people_only + pairs.n_model_only,
            level=level,
            interval_method="none: the score is infinite",
            warnings=(f"infinite: the model gives probability 0 to the own answer of {excluded} persons",),
        )
    value = float(pairs.weights @ values / pairs.weights.sum())
    variance = _variance(pairs, values, imagined)
    return _estimate(pairs, value, variance, lowest=0.0, level=level, min_people=min_people, highest=top)


def _variance(pairs: PairedAnswers, values: Floats, imagined: Floats) -> float:
    return float(pairs.mean_covariance(values[:, None], imagined[:, None])[0, 0])


def _estimate(
    pairs: PairedAnswers,
    value: float,
    variance: float,
    *,
    lowest: float,
    level: float,
    min_people: int,
    highest: float = 1.0,
) -> Estimate:
    """Estimate a mean over subjects, with its t interval within [lowest, highest]."""
    is_enough = pairs.n_eff >= min_people
    se = math.sqrt(variance)
    reach = se * float(special.stdtrit(pairs.df, (1 + level) / 2))
    return Estimate(
        value=value,
        se=se if is_enough else None,
        # A mean of shares can pass 1 by rounding, so both limits are held within the range.
        interval=(min(max(value - reach, lowest), highest), min(value + reach, highest)) if is_enough else None,
        level=level,
        interval_method="t over subjects" if is_enough else "none: too few people",
        estimand=_AGREEMENT,
        target="human",
        n_units=pairs.n,
        n_missing=pairs.n_people_only + pairs.n_model_only,
    )
