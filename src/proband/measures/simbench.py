"""SimBench's score: how much closer to people than uniform answers a model comes, over many items."""

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import partial

import numpy as np
from scipy import special

from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures.distances import Shares, total_variation

_MIN_ITEMS = 20
_LEVEL = 0.95

ItemShares = Mapping[Hashable, Shares] | Sequence[Shares]
ItemDatasets = Mapping[Hashable, Hashable] | Sequence[Hashable]


def simbench_score(human: ItemShares, model: ItemShares, dataset: ItemDatasets) -> Estimate:
    """Score of a model on a benchmark of human answer distributions: 100 is perfect, 0 as far off as uniform.

    With ``TV_i = TV(human_i, model_i)`` and ``U_d`` the mean of ``TV(human_i, uniform)`` over the items of data
    set d, item i scores ``S_i = 100 (1 - TV_i / U_d(i))``; the score is the mean over all items, so a data set
    with more items counts more. It has no lower bound. Uniform answers score 0 in every data set, not on every
    item: dividing by an item's own distance to uniform instead explodes where people are nearly uniform.

    Use it to compare models on the same items. As a claim about one population it says less than
    `total_variation` with its noise floor: people's own sampling noise keeps a perfect model below 100.

    Parameters
    ----------
    human, model : mapping of item to shares, or aligned sequences of shares
        Shares or counts of every item's options, as in `total_variation`.
    dataset : mapping of item to data set, or aligned sequence
        Which data set each item comes from.

    Returns
    -------
    Estimate
        The 95 % interval is for items like these (t, linearised within data sets, shares taken as given); none
        below 20 items or where a data set has a single one. NaN with its reason where a data set's people are
        exactly uniform.

    Raises
    ------
    DataError
        If the three do not name the same items, or an item's options differ.

    References
    ----------
    Hu et al. (2025), SimBench. arXiv:2510.17516

    Examples
    --------
    >>> human, model = [[0.5, 0.5], [0.9, 0.1]], [[0.6, 0.4], [0.8, 0.2]]
    >>> print(simbench_score(human, model, ["a", "a"]))
    50.000
    """
    items = _items(human, model, dataset)
    distances = np.array([float(total_variation(h, m)) for h, m, _ in items])
    to_uniform = np.array([float(total_variation(h, _uniform(h))) for h, _, _ in items])
    names = sorted({d for _, _, d in items}, key=repr)
    member = np.array([names.index(d) for _, _, d in items])
    sizes = np.bincount(member)
    means = np.bincount(member, to_uniform) / sizes
    # Sums of shares such as 0.1 and 0.2 leave 1e-17 where people are exactly uniform.
    what = "mean SimBench score of items like these: 100 (1 - TV / mean TV of uniform in the data set)"
    assumptions = ("items of a data set are a random sample of those it stands for",)
    score = partial(Estimate, level=_LEVEL, estimand=what, target="model", n_units=len(items), assumptions=assumptions)
    if flat := [name for name, mean in zip(names, means, strict=True) if mean < 1e-12]:
        return score(value=math.nan, warnings=(f"people are exactly uniform in data set {flat[0]!r}",))
    per_item = 100 * (1 - distances / means[member])
    value = float(per_item.mean())
    if len(items) < _MIN_ITEMS or sizes.min() < 2:
        method = f"none: {len(items)} items, the smallest data set has {sizes.min()}; an interval needs 20 and 2"
        return score(value=value, interval_method=method, baselines={"uniform": 0.0})
    ratio = np.bincount(member, distances) / sizes / means
    influence = 100 * (distances - ratio[member] * to_uniform) / means[member]
    spread = np.bincount(member, influence**2) * sizes / (sizes - 1)
    se = math.sqrt(float(spread.sum())) / len(items)
    df = len(items) - len(names)
    reach = se * float(special.stdtrit(df, (1 + _LEVEL) / 2))
    limits, how = (value - reach, value + reach), f"t over items, {df} df"
    return score(value=value, se=se, interval=limits, interval_method=how, baselines={"uniform": 0.0})


def _uniform(shares: Shares) -> Shares:
    return dict.fromkeys(shares, 1.0) if isinstance(shares, Mapping) else np.ones(len(shares))


def _items(human: ItemShares, model: ItemShares, dataset: ItemDatasets) -> list[tuple[Shares, Shares, Hashable]]:
    if isinstance(human, Mapping) and isinstance(model, Mapping) and isinstance(dataset, Mapping):
        apart = (human.keys() ^ model.keys()) | (human.keys() ^ dataset.keys())
        if apart:
            raise DataError(
                f"item {sorted(map(repr, apart))[0]} is not in all of human, model and dataset; "
                "score the items that all three have"
            )
        rows = [(human[i], model[i], dataset[i]) for i in human]
    elif any(isinstance(given, Mapping) for given in (human, model, dataset)):
        raise DataError("some of human, model and dataset are keyed by item and some not; key all three")
    elif not len(human) == len(model) == len(dataset):
        raise DataError(f"{len(human)} human items, {len(model)} model items, {len(dataset)} data sets; give one each")
    else:
        rows = list(zip(human, model, dataset, strict=True))  # type: ignore[arg-type]
    if not rows:
        raise DataError("no items to score; give at least one")
    return rows
