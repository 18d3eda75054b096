"""In which order options are shown, and with which labels."""

import string
from collections.abc import Sequence
from dataclasses import replace

from proband.errors import DesignError
from proband.instruments.items import Item
from proband.instruments.pipes import unfilled
from proband.instruments.places import belongs_last, marks_named, refers_above
from proband.seeds import place_digest, rng_for

ORDERS = ("counterbalanced", "as_written", "reversed", "random")
LABELS = ("auto", "none", "letters", "numbers", "points")


def option_order(item: Item, order: str, seed: int, *place: str | int, replicate: int = 0) -> tuple[int, ...]:
    """Order in which the options of an item are shown.

    Pinned options keep the place they are written in. "Don't know" options, and options that speak of those above them
    where nothing is said of pinning, stand at the end. Counterbalancing goes through the two directions of an
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
        moved, last = _parted(item)
        n = len(moved)
        mixed = rng_for(seed, "order", *place, replicate).permutation(n) if n > 1 else range(n)
        return _placed(item, [moved[k] for k in mixed] + last)
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
    moved, last = _parted(item)
    n = len(moved)
    if order == "as_written" or (n < 2 and order in ORDERS):
        shown = [moved]
    elif order == "reversed":
        shown = [moved[::-1]]
    elif order == "counterbalanced" and item.form == "scale":
        shown = [moved, moved[::-1]]
    elif order == "counterbalanced":
        shown = [moved[turn:] + moved[:turn] for turn in range(n)]
    else:
        raise DesignError(f"order {order!r} is none of {', '.join(ORDERS)}")
    return tuple(_placed(item, options + last) for options in shown)


def kept_last(item: Item) -> list[int]:
    """Options that speak of those above them, which stand at the end unless the item says which are pinned."""
    return [k for k, option in enumerate(item.options) if item.pinned is None and refers_above(option)]


def place_notes(item: Item) -> list[str]:
    """Which options keep their place because of their words, and which are moved though custom puts them last."""
    last = kept_last(item)
    notes = []
    for k, option in enumerate(item.options):
        told = f"Item {item.id!r}: the option {option!r}"
        if k in last:
            notes.append(f"{told} is always shown last, as its words ask; pinned = [] moves it with the others.")
        elif item.pinned is None and k not in item.dont_know and belongs_last(option):
            notes.append(f"{told} is moved like the others; pinned = [{option!r}] keeps it where it is written.")
    return notes


def _parted(item: Item) -> tuple[list[int], list[int]]:
    """Options that are moved, and those that stand at the end; pinned ones are in neither."""
    above, pinned = kept_last(item), item.pinned or ()
    # Without options that speak of others the order is the one in which "don't know" options are listed.
    last = [k for k in (sorted({*item.dont_know, *above}) if above else item.dont_know) if k not in pinned]
    return [k for k in range(len(item.options)) if k not in last and k not in pinned], last


def _placed(item: Item, free: Sequence[int]) -> tuple[int, ...]:
    """The options in their order, those that are pinned in the place they are written in."""
    rest = iter(free)
    return tuple(k if k in (item.pinned or ()) else next(rest) for k in range(len(item.options)))


def check_named(item: Item, order: str, labels: Sequence[str]) -> None:
    """Refuse an option that speaks of labels ("Both A and B") which are not shown, or not beside the same options.

    A random order has no turns; what it moves, rotation moves too.
    """
    named = {k: marks for k in range(len(item.options)) if (marks := marks_named(item.options, k))}
    if not named:
        return
    folded, orders = [label.casefold() for label in labels], _turns(item, order)
    for k, marks in named.items():
        for mark, option in marks.items():
            shown = {o[folded.index(mark.casefold())] for o in orders} if mark.casefold() in folded else set()
            if shown != {option}:
                others = sorted(item.options[other] for other in shown - {option})
                found = f"stands beside {others[0]!r} too" if others else "is no label that is shown"
                raise DesignError(
                    f"item {item.id!r}: option {k + 1} ({item.options[k]!r}) speaks of {mark}, which {found}; set "
                    'order = "as_written" and labels that say so, pin those it speaks of, or name them by their words'
                )


def check_apart(item: Item, order: str, labels: Sequence[str]) -> None:
    """Refuse labels that are the text of an option beside which another one stands: such a reply names two."""
    folded = [label.casefold() for label in labels]
    if not {option.casefold() for option in item.options} & {*folded}:
        return
    for shown in sorted(_turns(item, order)):
        for label, beside in zip(folded, shown, strict=True):
            named = [option for k, option in enumerate(item.options) if option.casefold() == label and k != beside]
            if named:
                raise DesignError(
                    f"item {item.id!r}: {named[0]!r} is an option, and the label of {item.options[beside]!r}, so "
                    'nobody knows what such a reply means; set labels = "none", or labels that are no options'
                )


def _turns(item: Item, order: str) -> set[tuple[int, ...]]:
    """The orders in which an item may be shown; what a random one moves, rotation moves too."""
    return {*arrangements(replace(item, form="choice"), "counterbalanced" if order == "random" else order)}


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
        if len(own) != n or not all(own):
            found = len([label for label in own if label])
            raise DesignError(f"item {item.id!r}: {found} labels in {labels!r} for {n} options; give one each")
        if (braces := unfilled(labels)) and not item.shows_braces:
            raise DesignError(
                f"item {item.id!r}: labels has {braces!r}, and nothing is filled there; write the labels out, or set "
                "shows_braces = true for this item"
            )
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
