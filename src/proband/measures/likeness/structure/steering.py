"""Whether telling a model who it is brings it closer to those people: representativeness, steerability, specificity."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats, finite
from proband.measures.experiments.outcomes import Linear, with_t_test
from proband.seeds import rng_for

Select = Literal["crossfit", "opinionqa"]
_DRAWS = 1_999


@dataclass(frozen=True, kw_only=True)
class Steerability:
    """What steering did, group by group and over all groups.

    Attributes
    ----------
    default, steered : mapping of group to float
        Mean alignment with the group over questions: of the model as it is, and steered towards the group.
    gain : mapping of group to Estimate
        Steered less default, paired over questions.
    overall : Estimate
        Mean gain over groups, a question counting once; `baselines` has the mean alignments of both.
    specificity : Estimate or None
        Share of groups to which the model steered towards them is closest of all steered models; a permutation of
        groups gives the p value. `baselines`: ``chance``.
    """

    default: Mapping[str, float]
    steered: Mapping[str, float]
    gain: Mapping[str, Estimate]
    overall: Estimate
    specificity: Estimate | None


def steerability(
    default: Mapping[str, ArrayLike],
    steered: Mapping[str, ArrayLike],
    *,
    select: Select = "crossfit",
    crossed: ArrayLike | None = None,
    level: float = 0.95,
) -> Steerability:
    """Alignment with groups of people, with and without telling the model that it is one of them.

    Where there are several ways to tell it (contexts), the best one counts. Chosen on the questions it is judged by it
    looks too good (as Santurkar et al. 2023 have it: "opinionqa"); by default it is chosen on every second question
    and judged by the others, and the other way round. Both halves then depend on each other, and the interval takes
    them as if wholly so.

    Parameters
    ----------
    default : mapping of group to array_like, shape (n_questions,)
        Alignment (see `alignment`) of the unsteered model with the group, question by question.
    steered : mapping of group to array_like, shape (n_questions,) or (n_questions, n_contexts)
        The same of the model steered towards the group.
    select : {"crossfit", "opinionqa"}
        How the context is chosen where there are several.
    crossed : array_like, shape (n_groups, n_groups), optional
        Mean alignment of the model steered towards the group of the row with the people of the column, groups in the
        order of `steered`.
    level : float
        Of the t intervals over questions.

    Raises
    ------
    DesignError
        If `select` is unknown, there are fewer than 2 questions, or 4 where a context is chosen.
    DataError
        If groups or questions differ between both sides, or `crossed` is not square.

    References
    ----------
    Santurkar et al. (2023), Whose opinions do language models reflect? arXiv:2303.17548

    Examples
    --------
    >>> found = steerability({"young": [0.7, 0.8, 0.75]}, {"young": [0.8, 0.85, 0.9]})
    >>> print(found.overall)
    0.100 [-0.024, 0.224]
    """
    if select not in get_args(Select):
        raise DesignError(f"select {select!r} is none of {', '.join(get_args(Select))}")
    if set(default) != set(steered) or not default:
        apart = sorted(map(str, set(default) ^ set(steered)))
        raise DataError(f"only one side has {', '.join(apart) or 'any group'}; give each group's alignment on both")
    before = {group: finite(default[group], f"alignments with {group}") for group in steered}
    n = len(next(iter(before.values())))
    after: dict[str, Floats] = {}
    for group, values in steered.items():
        table = finite(values, f"alignments with {group} when steered", ndim=None)
        table = table[:, None] if table.ndim == 1 else table
        if table.ndim != 2 or len(table) != n or len(before[group]) != n:
            raise DataError(f"{group}: steered has shape {table.shape} for {n} questions; give every question a row")
        after[group] = _chosen(table, select)
    if n < 2:
        raise DesignError(f"{n} question: alignment on it says nothing of others; ask more")
    is_chosen = select == "crossfit" and any(
        np.ndim(values) == 2 and np.shape(values)[1] > 1 for values in steered.values()
    )
    gains = {
        group: _gain(after[group] - before[group], f"gain in alignment with {group}", level, is_chosen=is_chosen)
        for group in after
    }
    means = [np.mean(list(side.values()), axis=0) for side in (after, before)]
    what = "gain in alignment by steering, mean over groups"
    overall = replace(
        _gain(means[0] - means[1], what, level, is_chosen=is_chosen),
        baselines={"steered": float(means[0].mean()), "default": float(means[1].mean())},
    )
    return Steerability(
        default={group: float(values.mean()) for group, values in before.items()},
        steered={group: float(values.mean()) for group, values in after.items()},
        gain=gains, overall=overall,
        specificity=None if crossed is None else _specificity(finite(crossed, "alignments", ndim=2), len(after)),
    )  # fmt: skip


def _gain(gains: Floats, what: str, level: float, *, is_chosen: bool) -> Estimate:
    """Mean over questions with its t interval."""
    n = len(gains)
    about = Estimate(value=0.0, estimand=what, target="human", n_units=n, level=level)
    # Each half chose the context of the other, so their means go together; as far as they can is on the safe side.
    variance = float(gains.var(ddof=1)) / n * (2 if is_chosen else 1)
    df = n / 2 - 1 if is_chosen else n - 1.0
    found = Linear(value=float(gains.mean()), variance=variance, df=df, scale=1.0)
    return with_t_test(about, found, "t over questions, halves taken as dependent" if is_chosen else "t over questions")


def _chosen(table: Floats, select: Select) -> Floats:
    """Alignment by question under the context that is best: on the other half of questions, or on each itself."""
    if table.shape[1] == 1:
        return table[:, 0]
    if select == "opinionqa":
        best: Floats = table.max(axis=1)
        return best
    if len(table) < 4:
        raise DesignError(f"{len(table)} questions: choosing a context takes 4 at least; ask more, or give one context")
    found = np.empty(len(table))
    for half in (0, 1):
        here = np.arange(len(table)) % 2 == half
        found[here] = table[here, int(table[~here].mean(axis=0).argmax())]
    return found


def _specificity(matrix: Floats, n_groups: int) -> Estimate:
    if matrix.shape != (n_groups, n_groups):
        raise DataError(f"crossed alignments have shape {matrix.shape} for {n_groups} groups; give a square of groups")
    # For each group of people the closest models, towards whomever they were steered; several that tie share it.
    closest = (matrix == matrix.max(axis=0)) / (matrix == matrix.max(axis=0)).sum(axis=0)
    hits, here = float(np.trace(closest)), np.arange(n_groups)
    rng = rng_for(0, "steerability")
    draws = np.array([closest[rng.permutation(n_groups), here].sum() for _ in range(_DRAWS)])
    return Estimate(
        value=hits / n_groups, estimand="share of groups closest to the model that was steered towards them",
        target="human", n_units=n_groups, interval_method="none: permutation of groups",
        p_value=float((1 + (draws >= hits - 1e-9).sum()) / (1 + _DRAWS)), baselines={"chance": 1 / n_groups},
    )  # fmt: skip
