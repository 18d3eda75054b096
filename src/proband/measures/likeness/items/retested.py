"""Accuracy beside people's own: how well a model foresees persons, over how well they foresee themselves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures.arrays import Floats, finite

_FEW = 10


@dataclass(frozen=True, kw_only=True)
class NormalisedAccuracy:
    """Accuracy over people's own consistency; each is told beside its parts.

    Attributes
    ----------
    accuracy, retest : Estimate
        The parts: mean agreement of the model with persons, and of persons with themselves.
    ratio_of_means : Estimate
        ``sum accuracy / sum retest``: the normalised accuracy to report.
    mean_of_ratios : Estimate
        Mean of every person's own ratio, as Park et al. (2024) report it; persons who never agree with themselves are
        left out and counted in `n_missing`.
    beyond_chance : Estimate or None
        ``(accuracy - chance) / (retest - chance)``, the same without what knows nothing of the person.
    """

    accuracy: Estimate
    retest: Estimate
    ratio_of_means: Estimate
    mean_of_ratios: Estimate
    beyond_chance: Estimate | None


def normalised_accuracy(
    accuracy: ArrayLike, retest: ArrayLike, *, chance: ArrayLike | None = None, level: float = 0.95
) -> NormalisedAccuracy:
    """Accuracy of a model for persons, normalised by how often they repeat themselves.

    A person who answers the same question anew does not always answer alike, so a model that foresees them perfectly
    as they are today agrees with what they say later less than always. The ratio is no share: above 1 the model agrees
    with persons' first answers better than they do. Without `chance` answers that everybody gives alike make both
    parts, and so the ratio, large.

    Parameters
    ----------
    accuracy : array_like, shape (n_people,)
        Share of items on which the model gives a person's first answer.
    retest : array_like, shape (n_people,)
        Share of the same items on which the person gives it again.
    chance : array_like, shape (n_people,), optional
        Share of these items on which an answer that knows nothing of the person is right, e.g. the most frequent one.
    level : float
        Of the t intervals over persons; ratios by their linearisation.

    Raises
    ------
    DataError
        If lengths differ, there are fewer than 2 people, or a value is not from 0 to 1; MissingDataError if one is
        missing.

    References
    ----------
    Park et al. (2024), Generative agent simulations of 1,000 people. arXiv:2411.10109

    Examples
    --------
    >>> found = normalised_accuracy([0.6, 0.7, 0.8], [0.8, 0.7, 0.9])
    >>> round(found.mean_of_ratios, 7), round(found.ratio_of_means, 7)
    (0.8796296, 0.875)
    """
    given = {"accuracies": accuracy, "retest agreements": retest} | ({} if chance is None else {"chances": chance})
    parts = {what: finite(values, what) for what, values in given.items()}
    acc, again = parts["accuracies"], parts["retest agreements"]
    if len({len(part) for part in parts.values()}) > 1 or len(acc) < 2:
        sizes = ", ".join(f"{len(part)} {what}" for what, part in parts.items())
        raise DataError(f"{sizes}; give every person one of each, and at least 2 persons")
    for what, part in parts.items():
        if part.min() < 0 or part.max() > 1:
            raise DataError(f"{what} run from {part.min():g} to {part.max():g}; give shares of items, from 0 to 1")
    own, other = (
        _ratio(part, np.ones(len(part)), f"mean agreement of {whose} with persons' first answers", level)
        for whose, part in (("persons", again), ("the model", acc))
    )
    defined = again > 0
    what = "mean over persons of accuracy over own consistency"
    if defined.sum() < 2:
        lost = f"undefined: {int((~defined).sum())} of {len(acc)} persons never agree with themselves"
        of_ratios = Estimate(value=math.nan, estimand=what, target="human", n_units=0, warnings=(lost,))
    else:
        share = acc[defined] / again[defined]
        of_ratios = replace(_ratio(share, np.ones(len(share)), what, level), n_missing=int((~defined).sum()))
    c = parts.get("chances")
    return NormalisedAccuracy(
        accuracy=other,
        retest=own,
        ratio_of_means=_ratio(acc, again, "accuracy over people's own consistency", level),
        mean_of_ratios=of_ratios,
        beyond_chance=None if c is None else _ratio(acc - c, again - c, "the same, both less chance", level),
    )


def _ratio(above: Floats, below: Floats, what: str, level: float) -> Estimate:
    """Ratio of two means over persons, with its linearised t interval; undefined where the lower is near 0."""
    n = len(above)
    under, se_under = float(below.mean()), float(below.std(ddof=1)) / math.sqrt(n)
    told = partial(Estimate, estimand=what, target="human", n_units=n, level=level)
    reach = float(special.stdtrit(n - 1, (1 + level) / 2))
    if under <= 0 or (below.min() < 0 and under <= reach * se_under):
        reason = f"undefined: what it is divided by, {under:.3f}, cannot be told from 0"
        return told(value=math.nan, warnings=(reason,))
    value = float(above.mean()) / under
    se = float((above - value * below).std(ddof=1)) / math.sqrt(n) / under
    few = (f"{n} persons: below {_FEW} the interval is rough",) if n < _FEW else ()
    if not se > 1e-12:
        return told(value=value, interval_method="none: persons do not differ", warnings=few)
    return told(
        value=value, se=se, interval=(value - reach * se, value + reach * se), df=n - 1.0,
        interval_method=f"t over persons, {n - 1} df", warnings=few,
    )  # fmt: skip


def agreement_by_person(
    first: Mapping[str, Mapping[str, object]], other: Mapping[str, Mapping[str, object]]
) -> dict[str, float]:
    """Share of the items on both sides (item -> person -> answer) on which each person's answers are the same."""
    same: dict[str, list[bool]] = {}
    for item, answers in first.items():
        for person in answers.keys() & other.get(item, {}).keys():
            same.setdefault(person, []).append(other[item][person] == answers[person])
    return {person: float(np.mean(hits)) for person, hits in same.items()}
