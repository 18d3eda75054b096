"""Differential item functioning: items that groups answer differently although they stand alike on the rest."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.measures.arrays import Floats
from proband.measures.experiments.choices import choice_regression
from proband.measures.experiments.multiplicity import adjust_p
from proband.measures.experiments.outcomes import Labels, coded
from proband.measures.factors.fit import tail
from proband.measures.factors.graded import graded_response
from proband.measures.reliability.tables import score_table

Match = Literal["total", "theta"]
Size = Literal["negligible", "moderate", "large"]
_MODERATE, _LARGE = 0.035, 0.070
_MOST_ROUNDS = 10
_FEWEST_ANCHORS = 2
_SMALL_GROUP = 100


@dataclass(frozen=True, kw_only=True)
class ItemBias:
    """One item.

    - `log_odds`: of a higher answer in the second group, at equal standing; positive where it is easier for it.
    - `p_uniform`, `p_nonuniform`, `p_any`: likelihood ratio tests of a shift, of another slope, and of either.
    - `p_adjusted`: `p_any` adjusted for being many (Benjamini-Hochberg).
    - `r2_change`: what group explains beyond standing (Nagelkerke).
    - `size`: "negligible" below .035, "large" from .070 on (Jodoin & Gierl 2001).
    - `is_flagged`: significant after adjustment, and not negligible.
    - `reason`: why there is nothing, empty where there is.
    """

    item: str
    log_odds: Estimate
    p_uniform: float
    p_nonuniform: float
    p_any: float
    p_adjusted: float
    r2_change: float
    size: Size
    is_flagged: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DifferentialFunctioning:
    """What `differential_functioning` found.

    - `items`: one an item, in their order.
    - `anchors`: items on which standing was measured at last.
    - `groups`: the first, which is the reference, and the second.
    - `warnings`: what a reader must know.
    """

    items: tuple[ItemBias, ...]
    anchors: tuple[str, ...]
    groups: tuple[str, str]
    warnings: tuple[str, ...]


def differential_functioning(
    scores: ArrayLike,
    groups: Labels,
    *,
    items: Sequence[str] = (),
    match: Match = "total",
    alpha: float = 0.05,
    target: Target = "data",
) -> DifferentialFunctioning:
    """Which items of a scale two groups answer differently although they stand alike on what it measures.

    Ordered logits of each item: on standing; with the group; with their product. The first two tell a shift (uniform),
    the last two another slope (non-uniform). Standing is the mean of the anchors and the item itself; items that are
    flagged leave the anchors until nothing changes (purification).

    Parameters
    ----------
    scores : array_like, shape (n_subjects, n_items)
        Items of one scale, reverse-keyed ones flipped; complete rows, at least 3 items.
    groups : sequence, shape (n_subjects,)
        Two labels; the first that appears is the reference.
    items : sequence of str, optional
        Names of the columns; else their numbers.
    match : {"total", "theta"}
        Standing as a mean of scores, or by `graded_response` (Choi, Gibbons & Crane 2011), better where items
        measure unequally well.
    alpha : float
        Expected share of false flags.
    target : {"model", "human", "data"}
        Whom it describes.

    Returns
    -------
    DifferentialFunctioning
        Significance alone flags nothing: with thousands of subjects any item differs a little.

    Raises
    ------
    DesignError, DataError, MissingDataError
        If there are not two groups, fewer than 3 items, or lengths differ; if a score is missing or no finite number.

    References
    ----------
    Swaminathan & Rogers (1990), J. Educ. Meas. 27, 361-370. doi:10.1111/j.1745-3984.1990.tb00754.x
    Jodoin & Gierl (2001), Appl. Meas. Educ. 14, 329-349. doi:10.1207/S15324818AME1404_2
    Choi, Gibbons & Crane (2011), J. Stat. Softw. 39(8). doi:10.18637/jss.v039.i08

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> groups = ["people"] * 400 + ["model"] * 400
    >>> easier = np.outer(np.repeat([0, 1], 400), [0, 0, 0, 0, 2])
    >>> answers = np.digitize(1.5 * rng.normal(size=(800, 1)) + easier + rng.logistic(size=(800, 5)), [-1, 0, 1])
    >>> [found.item for found in differential_functioning(answers, groups).items if found.is_flagged]
    ['4']
    """
    if match not in get_args(Match):
        raise DesignError(f"match {match!r} is none of {', '.join(get_args(Match))}")
    if not 0 < alpha < 1:
        raise DesignError(f"alpha is {alpha}, not a share between 0 and 1")
    x = score_table(scores, "differential_functioning", least=3)
    if items and len(items) != x.shape[1]:
        raise DesignError(f"{len(items)} names of items for {x.shape[1]} columns; give every column one")
    names = tuple(items) or tuple(map(str, range(x.shape[1])))
    if len(groups) != len(x):
        raise DataError(f"{len(groups)} groups for {len(x)} subjects; give every subject one")
    codes, labels = coded(groups, "group")
    if len(labels) != 2:
        raise DesignError(f"{len(labels)} groups; give two labels, or compare others one pair at a time")
    second, two = codes.astype(np.float64), (str(labels[0]), str(labels[1]))
    sizes = [int((second == side).sum()) for side in (0, 1)]
    warnings = [
        f"{n} subjects in {name}: below {_SMALL_GROUP} an item must differ much to be seen"
        for name, n in zip(two, sizes, strict=True)
        if n < _SMALL_GROUP
    ]
    anchors, seen = tuple(range(x.shape[1])), set[tuple[int, ...]]()
    for _ in range(_MOST_ROUNDS):
        found = _screened(x, second, anchors, names, (match, alpha, target, two))
        kept = tuple(j for j, item in enumerate(found) if not item.is_flagged)
        if kept == anchors:
            break
        if len(kept) < _FEWEST_ANCHORS or kept in seen:
            warnings.append("flags depend on which items standing is measured by; too few are alike to tell the others")
            break
        seen.add(anchors)
        anchors = kept
    return DifferentialFunctioning(
        items=found, anchors=tuple(names[j] for j in anchors), groups=two, warnings=tuple(warnings)
    )  # fmt: skip


def _screened(
    x: Floats, second: Floats, anchors: tuple[int, ...], names: Sequence[str],
    settings: tuple[Match, float, Target, tuple[str, str]],
) -> tuple[ItemBias, ...]:  # fmt: skip
    match, alpha, target, two = settings

    @cache
    def standing(by: tuple[int, ...]) -> Floats:
        own = x[:, by]
        found = own.mean(axis=1) if match == "total" else graded_response(own).ability(own).theta
        return np.asarray((found - found.mean()) / found.std())

    found = [
        _item(x[:, j], second, lambda j=j: standing(tuple(sorted({*anchors, j}))), names[j], (target, two))  # type: ignore[misc]
        for j in range(x.shape[1])
    ]
    p: dict[Hashable, float] = {item.item: item.p_any for item in found if not item.reason}
    adjusted = adjust_p(p, "bh").adjusted if p else {}
    return tuple(
        replace(
            item, p_adjusted=adjusted[item.item],
            is_flagged=adjusted[item.item] <= alpha and item.r2_change >= _MODERATE,
        ) if item.item in adjusted else item
        for item in found
    )  # fmt: skip


def _item(
    y: Floats, second: Floats, standing: Callable[[], Floats], name: str, about: tuple[Target, tuple[str, str]]
) -> ItemBias:
    target, two = about
    what = f"log odds of a higher answer to {name} in {two[1]} against {two[0]}, at equal standing"
    try:
        columns = {"standing": standing(), "group": second, "product": standing() * second}
        fits = [
            choice_regression(y, {key: columns[key] for key in keys}, errors="model", target=target)
            for keys in (["standing"], ["standing", "group"], ["standing", "group", "product"])
        ]
    except (DataError, DesignError) as error:
        none = Estimate(value=float("nan"), estimand=what, target=target, n_units=len(y), warnings=(str(error),))
        return ItemBias(
            item=name, log_odds=none, p_uniform=1.0, p_nonuniform=1.0, p_any=1.0, p_adjusted=1.0, r2_change=0.0,
            size="negligible", is_flagged=False, reason=str(error),
        )  # fmt: skip
    alone, shifted, crossed = (fit.log_likelihood for fit in fits)
    shares = np.unique(y, return_counts=True)[1] / len(y)
    empty = 2 * float((shares * np.log(shares)).sum())  # of the model without standing, by subject

    def explained(log_likelihood: float) -> float:
        return float(-np.expm1(empty - 2 * log_likelihood / len(y)) / -np.expm1(empty))

    change = explained(crossed) - explained(alone)
    any_ = tail(2, 2 * (crossed - alone))
    return ItemBias(
        item=name, log_odds=replace(fits[1]["group"], estimand=what), p_uniform=tail(1, 2 * (shifted - alone)),
        p_nonuniform=tail(1, 2 * (crossed - shifted)), p_any=any_, p_adjusted=any_, r2_change=change,
        size="negligible" if change < _MODERATE else "moderate" if change < _LARGE else "large", is_flagged=False,
    )  # fmt: skip
