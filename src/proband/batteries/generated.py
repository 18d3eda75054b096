"""Items of generators: what every one of them must have, checked when they are made."""

from collections.abc import Iterable, Mapping

import numpy as np

from proband.errors import DesignError
from proband.instruments.items import Item


def choice(
    id: str,
    text: str,
    scores: Mapping[str, float],
    rng: np.random.Generator,
    *,
    lures: Iterable[str] = (),
    n_right: int | None = 1,
    stem: str = "",
) -> Item:
    """An item whose options are scored, in an order that is drawn.

    Its `values` say what each option is: ``right``, ``lure``, ``other 1`` and so on, so that lures are counted too.

    Parameters
    ----------
    id, text, stem : str
        As `Item` has them.
    scores : mapping of str to float
        Option -> score: 1 for what is right, 0 for what is not; or the scale points of options.
    rng : numpy.random.Generator
        Draws the order in which options are written.
    lures : iterable of str
        The options that the item tempts to.
    n_right : int or None
        How many options have the score 1; None does not look.

    Raises
    ------
    DesignError
        If not as many options as `n_right` are right, e.g. because a drawn number makes two of them so.

    Examples
    --------
    >>> item = choice("sum-01", "2 + 2?", answers("4", "5", "22"), np.random.default_rng(1), lures=["22"])
    >>> dict(zip(item.options, item.values, strict=True)) == {"4": "right", "22": "lure", "5": "other 1"}
    True
    """
    right = [option for option, score in scores.items() if score == 1]
    if n_right is not None and len(right) != n_right:
        found = " and ".join(map(repr, right)) or "none"
        raise DesignError(f"item {id!r}: {len(right)} right answers ({found}), and there must be {n_right}; draw anew")
    lures = list(lures)
    if strange := [lure for lure in lures if scores.get(lure, 1) == 1]:
        raise DesignError(f"item {id!r}: the lure {strange[0]!r} is no wrong option; lures are options that score less")
    groups = {"right": right, "lure": lures, "other": [o for o in scores if o not in right and o not in lures]}
    values = {
        option: name if name != "other" and len(options) == 1 else f"{name} {k}"
        for name, options in groups.items()
        for k, option in enumerate(options, start=1)
    }
    order = [list(scores)[k] for k in rng.permutation(len(scores))]
    return Item(
        id=id, text=text, stem=stem, form="choice", options=tuple(order), codes=tuple(float(scores[o]) for o in order),
        values=tuple(values[o] for o in order) if n_right is not None else (),
    )  # fmt: skip


def answers(right: str, *others: str) -> Mapping[str, float]:
    """Scores of one right answer and of others that are wrong.

    Raises
    ------
    DesignError
        If an answer is there twice, so that a wrong one is right, or cannot be told from another.
    """
    folded = [answer.casefold().strip() for answer in (right, *others)]
    if len(set(folded)) < len(folded):
        raise DesignError(f"the options {(right, *others)} have one twice, so that two answers are right; draw anew")
    return {right: 1.0, **dict.fromkeys(others, 0.0)}


def numbered(family: str, k: int) -> str:
    """Id of the k-th item of a family, from 1: ``bat-and-ball-07``."""
    return f"{family}-{k:02d}"


def key(items: Iterable[Item]) -> Mapping[str, int]:
    """The key of a scale of these items, none reversed."""
    return {item.id: 1 for item in items}


def kinds_of(item: Item) -> Mapping[str, tuple[int, ...]]:
    """What the options of an item are, where its `values` say so: ``lure`` -> their indices."""
    found: dict[str, tuple[int, ...]] = {}
    for k, value in enumerate(item.values):
        if isinstance(value, str):
            name = value.rstrip("0123456789 ")
            found[name] = (*found.get(name, ()), k)
    return found
