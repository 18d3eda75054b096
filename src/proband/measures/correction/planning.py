"""How many people and how many predictions for a budget, and whom to ask by what the model is unsure of."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DesignError
from proband.measures.arrays import Floats, Ints
from proband.measures.correction.samples import numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPlan:
    """How many units to predict, and how many of them to ask people about.

    - `n_labelled`, `n_unlabelled`: units with an answer and a prediction, and with a prediction only (0 leaves the
      model out; then the labelled need no prediction either).
    - `cost`, `half_width`: of the plan; half of the expected interval, in the unit of `sd`.
    - `effective_n`: answers that would give the same precision without the model.
    - `humans_only`: how many answers the same money buys, or the same width takes, without the model.
    - `humans_only_cost`: what those cost.
    - `warnings`: what the plan rests on.
    """

    n_labelled: int
    n_unlabelled: int
    cost: float
    half_width: float
    effective_n: float
    humans_only: int
    humans_only_cost: float
    warnings: tuple[str, ...] = ()


def plan_labels(
    rho: float,
    *,
    cost_label: float,
    cost_prediction: float,
    cost_unit: float = 0.0,
    budget: float | None = None,
    half_width: float | None = None,
    n_units: int | None = None,
    sd: float = 1.0,
    level: float = 0.95,
) -> LabelPlan:
    """The cheapest mix of human answers and predictions for a width, or the most precise one for a budget.

    With n labelled among M predicted units the variance is ``sd^2 ((1 - rho^2) / n + rho^2 / M)``, so n and M are best
    in proportion to ``sqrt((1 - rho^2) / c_label)`` and ``sqrt(rho^2 / c_predicted)``. One effective answer then costs
    ``(sqrt((1 - rho^2) c_label) + sqrt(rho^2 c_predicted))^2``; where that is more than an answer alone costs, the plan
    leaves the model out.

    When not to use it: with a correlation that was hoped for. Take it from a pilot, and look at the plan at the lower
    end of its interval too.

    Parameters
    ----------
    rho : float
        Correlation of answers and predictions among people; below 0 counts as 0.
    cost_label, cost_prediction, cost_unit : float
        Of one person's answer; of one prediction; of having a unit at all (e.g. a document, a persona), paid for both.
    budget, half_width : float
        One of the two: what may be spent, or the wanted half width of the interval, in the unit of `sd`.
    n_units : int, optional
        How many units there are at most; needed where predictions cost nothing.
    sd : float
        Standard deviation of the answers, e.g. ``sqrt(p (1 - p))`` of a share.
    level : float
        Confidence level of the interval.

    Returns
    -------
    LabelPlan

    Raises
    ------
    DesignError
        If a number is out of range, if both or none of budget and half width are given, or the budget is too small for
        10 answers, below which there is no interval.

    References
    ----------
    Broska, Howes & van Loon (2024), The mixed subjects design. SocArXiv j3bnt

    Examples
    --------
    >>> plan = plan_labels(0.75, cost_label=1, cost_prediction=0.01, budget=1000)
    >>> plan.n_labelled, plan.n_unlabelled, round(plan.effective_n), round(plan.cost, 2)
    (898, 9286, 1844, 999.84)
    """
    costs = (cost_label, cost_prediction, cost_unit)
    if not -1 <= rho <= 1 or not sd > 0 or not cost_label > 0 or min(costs) < 0 or not all(map(math.isfinite, costs)):
        raise DesignError(
            f"rho = {rho}, sd = {sd}, costs {costs}: rho is between -1 and 1, sd and the cost of a label above 0, "
            "other costs 0 or more"
        )
    if (budget is None) == (half_width is None):
        raise DesignError("give either a budget or a half width; the plan finds the other")
    if min(x for x in (budget, half_width) if x is not None) <= 0:
        raise DesignError(f"budget {budget}, half width {half_width}: must be above 0")
    reach = float(special.ndtri((1 + level) / 2)) * sd
    explained, cost_predicted = max(rho, 0.0) ** 2, cost_prediction + cost_unit
    if cost_predicted == 0 and n_units is None:
        raise DesignError(
            "predictions cost nothing, so endless ones would be best; say how many units there are: n_units"
        )
    alone = cost_label + cost_unit
    wanted = budget / alone if budget else (reach / (half_width or 1)) ** 2
    humans = int(wanted) if budget else math.ceil(wanted - 1e-9)
    n, predicted = _best(explained, (cost_label, cost_predicted), budget, wanted, n_units)
    is_worth = explained > 0 and predicted > n and _cost(n, predicted, cost_label, cost_predicted) < humans * alone
    if budget:
        is_worth = (
            explained > 0 and predicted > n > 0 and (1 - explained) / n + explained / predicted < 1 / max(humans, 1)
        )
    if not is_worth:
        n = predicted = humans
    if n_units is not None and n > n_units:
        raise DesignError(f"that takes answers of {n} units, and there are {n_units}; ask for less, or find more units")
    if n < 10:
        raise DesignError(f"the plan has {n} human answers; below 10 there is no interval: {_way_out(budget)}")
    effective = 1 / ((1 - explained) / n + explained / predicted) if is_worth else float(n)
    warnings = []
    if not is_worth:
        warnings.append(f"at a correlation of {rho:g} and these costs predictions do not pay: the plan is people alone")
    elif n < 30:
        warnings.append(f"{n} human answers: lambda is itself uncertain then, and the interval longer than planned")
    return LabelPlan(
        n_labelled=n,
        n_unlabelled=predicted - n,
        cost=_cost(n, predicted, cost_label, cost_predicted) if is_worth else humans * alone,
        half_width=reach / math.sqrt(effective),
        effective_n=effective,
        humans_only=humans,
        humans_only_cost=humans * alone,
        warnings=tuple(warnings),
    )


def _cost(n: int, predicted: int, cost_label: float, cost_predicted: float) -> float:
    return n * cost_label + predicted * cost_predicted


def _best(
    explained: float, costs: tuple[float, float], budget: float | None, wanted: float, n_units: int | None
) -> tuple[int, int]:
    """Answers and predicted units: rounded down for a budget, up for the precision of `wanted` answers alone."""
    cost_label, cost_predicted = costs
    root = math.sqrt((1 - explained) * cost_label) + math.sqrt(explained * cost_predicted)
    effective = budget / root**2 if budget and root else wanted
    n = effective * root * math.sqrt((1 - explained) / cost_label)
    predicted = effective * root * math.sqrt(explained / cost_predicted) if cost_predicted else math.inf
    if n_units is not None and predicted > n_units:
        # Everybody is predicted, and the answers make up the rest.
        predicted = n_units
        left = 1 / wanted - explained / n_units
        spare = (budget or 0.0) - n_units * cost_predicted
        n = spare / cost_label if budget else ((1 - explained) / left if left > 0 else math.inf)
    if math.isinf(n):
        return math.ceil(wanted), math.ceil(wanted)
    return (int(n + 1e-9), int(predicted + 1e-9)) if budget else (math.ceil(n - 1e-9), math.ceil(predicted - 1e-9))


def _way_out(budget: float | None) -> str:
    return "spend more" if budget else "ask for a narrower interval, or ask 10 people"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveLabels:
    """Whom to ask, each with a chance of their own.

    - `probabilities` (n_units,): those of the chosen go into ``dsl_mean(..., refit=False)``.
    - `expected_se`, `uniform_se`: part of the standard error of the mean that the labels leave, if the model errs as
      much as it is unsure: with these probabilities, and with equal ones.
    """

    probabilities: Floats
    expected_se: float
    uniform_se: float

    def draw(self, rng: np.random.Generator) -> Ints:
        """Positions of the units to ask about, rising; each decided by itself, so that their number varies a little."""
        return np.flatnonzero(rng.random(self.probabilities.size) < self.probabilities)


def active_labels(uncertainty: ArrayLike, *, n_labels: int, mix: float = 0.5) -> ActiveLabels:
    """Chances of being asked that rise with what the model is unsure of (active inference).

    ``pi_i = (1 - mix) n u_i / sum(u) + mix n / N``, cut at 1: best for the mean where u is the size of the model's
    error, and kept above ``mix n / N`` so that no answer that the model is wrongly sure of stands for too many.

    When not to use it: when several questions have different doubts, or the labels are also to train a model.

    Parameters
    ----------
    uncertainty : array_like, shape (N,)
        The size of the error to expect, at least 0 and not all 0: for a predicted share p ``sqrt(p (1 - p))``; for a
        number, e.g. the spread of repeated predictions.
    n_labels : int
        How many to ask, on average.
    mix : float
        Share of labels that is spread evenly, above 0 and at most 1.

    Returns
    -------
    ActiveLabels

    Raises
    ------
    DesignError, DataError
        If an uncertainty is negative or all are 0; if there are fewer units than labels, or `mix` is out of range.

    References
    ----------
    Zrnic & Candes (2024), Active statistical inference. arXiv:2403.03208

    Examples
    --------
    >>> plan = active_labels([0.1, 0.1, 0.1, 0.5], n_labels=2)
    >>> plan.probabilities.round(3).tolist()
    [0.375, 0.375, 0.375, 0.875]
    """
    u = numbers(uncertainty, "uncertainty")
    if (u < 0).any() or not u.any():
        raise DesignError("uncertainties must be 0 or more, and not all 0; give the size of the error to expect")
    if not 0 < mix <= 1:
        raise DesignError(
            f"mix {mix} is not above 0 and at most 1; without a share spread evenly, units that the model is "
            "wrongly sure of are never asked about"
        )
    if not 2 <= n_labels <= u.size:
        raise DesignError(f"{n_labels} labels for {u.size} units; ask for 2 at least, and at most as many as there are")
    wanted = (1 - mix) * u / u.sum() + mix / u.size
    sure = np.zeros(u.size, dtype=bool)
    probabilities = np.ones(u.size)
    # Who is asked for sure leaves more chance to the others, until nobody's is above 1.
    while (left := n_labels - int(sure.sum())) > 0:
        probabilities[~sure] = left * wanted[~sure] / wanted[~sure].sum()
        if not (over := probabilities > 1).any():
            break
        sure |= over
        probabilities[sure] = 1.0
    uniform = n_labels / u.size
    return ActiveLabels(
        probabilities=probabilities,
        expected_se=math.sqrt(float((u**2 * (1 / probabilities - 1)).sum())) / u.size,
        uniform_se=math.sqrt(float((u**2).sum()) * (1 / uniform - 1)) / u.size,
    )
