"""In which order options are shown, and with which labels."""

import string

from proband.errors import DesignError
from proband.instruments.items import Item
from proband.seeds import place_digest, rng_for

ORDERS = ("counterbalanced", "as_written", "reversed", "random")
LABELS = ("auto", "none", "letters", "numbers", "points")


def option_order(item: Item, order: str, seed: int, *place: str | int, replicate: int = 0) -> tuple[int, ...]:
    """Order in which the options of an item are shown.

    "Don't know" options keep their place at the end. Counterbalancing goes through the two directions of an
    ordered scale, or the K rotations of unordered options: where a subject starts is drawn by place, and each
    replicate takes the next, so K replicates are balanced exactly within a subject and one replicate is balanced in
    expectation over subjects.

    Parameters
    ----------
    item : Item
        Whose options are shown.
    order : {"counterbalanced", "as_written", "reversed", "random"}
        Rule.
    seed : int
        The study's seed.
    *place : str or int
        Where the order is used (subject, item or battery).
    replicate : int
        Which repeat.

    Returns
    -------
    tuple of int
        ``result[k]`` is the index, as written, of the option shown in place k.
    """
    if order == "random":
        substantive, last = _parted(item)
        n = len(substantive)
        mixed = rng_for(seed, "order", *place, replicate).permutation(n) if n > 1 else range(n)
        return tuple([substantive[k] for k in mixed] + last)
    orders = arrangements(item, order)
    return orders[turn(place_digest(seed, "order", *place), replicate, len(orders))]


def turn(digest: bytes, replicate: int, n: int) -> int:
    """Whose turn it is of n orders: where a subject starts is drawn by place, and each replicate takes the next."""
    return (int.from_bytes(digest[:6], "big") + replicate) % n


def arrangements(item: Item, order: str) -> tuple[tuple[int, ...], ...]:
    """The orders that a rule takes turns in; one, where it always shows the same.

    Parameters
    ----------
    item : Item
        Whose options are shown.
    order : {"counterbalanced", "as_written", "reversed"}
        Rule; a random order has no turns.
    """
    substantive, last = _parted(item)
    n = len(substantive)
    if order == "as_written" or (n < 2 and order in ORDERS):
        shown = [substantive]
    elif order == "reversed":
        shown = [substantive[::-1]]
    elif order == "counterbalanced" and item.form == "scale":
        shown = [substantive, substantive[::-1]]
    elif order == "counterbalanced":
        shown = [substantive[turn:] + substantive[:turn] for turn in range(n)]
    else:
        raise DesignError(f"order {order!r} is none of {', '.join(ORDERS)}")
    return tuple(tuple(options + last) for options in shown)


def _parted(item: Item) -> tuple[list[int], list[int]]:
    """Options that are moved, and "don't know" options, which stay at the end."""
    return [k for k in range(len(item.options)) if k not in item.dont_know], list(item.dont_know)


def option_labels(item: Item, labels: str, method: str) -> tuple[str, ...]:
    """Labels of the options as shown, empty where they carry none.

    Parameters
    ----------
    item : Item
        Whose options are labelled.
    labels : str
        "letters", "numbers" (1..K), "points" (the item's scale points), "none", "auto" (none where option texts
        are scored, letters elsewhere), or labels of your own separated by ``|``.
    method : str
        How the item is answered.
    """
    n = len(item.options)
    if n == 0 or labels == "none":
        own: tuple[str, ...] = ()
    elif "|" in labels:
        own = tuple(part.strip() for part in labels.split("|"))
        if len(own) != n:
            raise DesignError(f"item {item.id!r}: {len(own)} labels in {labels!r} for {n} options; give one each")
    elif labels == "auto":
        own = () if method in ("option_text", "option_text_mean", "verbalised") else _letters(item, n)
    elif labels == "letters":
        own = _letters(item, n)
    elif labels == "numbers":
        own = tuple(str(k) for k in range(1, n + 1))
    elif labels == "points":
        own = tuple(f"{point:g}" for point in item.points)
    else:
        raise DesignError(f"labels {labels!r} is none of {', '.join(LABELS)}, and has no | to separate your own")
    folded = [label.casefold() for label in own]
    if len(set(folded)) != len(folded):
        raise DesignError(f"item {item.id!r}: labels {own} collide; give every option a label of its own")
    if method == "label" and n and not own:
        raise DesignError(f'item {item.id!r}: answered by label, but options carry none; set labels = "letters"')
    return own


def _letters(item: Item, n: int) -> tuple[str, ...]:
    if n > len(string.ascii_uppercase):
        raise DesignError(f'item {item.id!r}: {n} options are more than there are letters; set labels = "numbers"')
    return tuple(string.ascii_uppercase[:n])
