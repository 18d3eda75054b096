"""What batteries are made of: pools of words to draw from, scales, figures of people, and how many items."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TypeVar

import numpy as np

from proband.batteries.battery import Figure, Setting
from proband.batteries.generated import key
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item, Scale
from proband.references import reference

T = TypeVar("T")
ACCURACY = (
    "Very inaccurate",
    "Moderately inaccurate",
    "Neither accurate nor inaccurate",
    "Moderately accurate",
    "Very accurate",
)
PUBLIC = "Public domain (International Personality Item Pool, ipip.ori.org)."
OWN = "The words were written for Proband (Apache-2.0)."


def scale(id: str, name: str, items: Sequence[Item], people: Figure | None = None) -> Scale:
    """Items told together, with what people do."""
    human = {} if people is None else {what: value for what, value in asdict(people).items() if value is not None}
    return Scale(id=id, name=name, items=key(items), human=human)


def people(study: str, quantity: str, *, less: str = "") -> Figure:
    """A figure of ``references.toml``; with `less`, how much it is above another of the same study."""
    row, other = reference(study, quantity), reference(study, less) if less else None
    if row is None or (less and other is None):
        raise DesignError(f"references.toml has no {study!r}, {quantity!r}; add the row with its source")
    if other is not None:
        return Figure(mean=row.value - other.value, source=row.source, n=row.n)
    return Figure(mean=row.value, sd=row.sd, n=row.n, source=row.source)


def rows(table: str) -> tuple[tuple[str, ...], ...]:
    r"""Lines of a table whose cells stand between bars.

    Examples
    --------
    >>> rows("ice | cold\nfire | hot")
    (('ice', 'cold'), ('fire', 'hot'))
    """
    return tuple([tuple([cell.strip() for cell in line.split("|")]) for line in table.strip().splitlines()])


def amount(setting: Setting, full: int, quick: int) -> int:
    """How many items a scale has."""
    if setting.n is not None and setting.n < 1:
        raise DesignError(f"n is {setting.n}; a scale has at least 1 item")
    return setting.n or (quick if setting.is_quick else full)


def drawn(pool: Sequence[T], n: int, rng: np.random.Generator, what: str) -> list[T]:
    """Entries of a pool, none twice."""
    if n > len(pool):
        raise DesignError(f"n is {n}, and there are {len(pool)} {what}; ask for at most {len(pool)}")
    return [pool[k] for k in rng.permutation(len(pool))[:n]]


def statements(table: str, options: Sequence[str]) -> tuple[tuple[Item, ...], Mapping[str, Mapping[str, int]]]:
    r"""Items of a table ``id | scale | text`` that share their options, and the key of every scale; ``-`` is reversed.

    Examples
    --------
    >>> items, keys = statements("a1 | order | I file my papers.\na2 | -order | I lose things.", ("No", "Yes"))
    >>> [item.text for item in items], dict(keys)
    (['I file my papers.', 'I lose things.'], {'order': {'a1': 1, 'a2': -1}})
    """
    items, keys = list[Item](), dict[str, dict[str, int]]()
    for id, of, text in rows(table):
        items.append(Item(id=id, text=text, form="scale", options=tuple(options)))
        keys.setdefault(of.lstrip("-"), {})[id] = -1 if of.startswith("-") else 1
    return tuple(items), keys


def first_of_each(instrument: Instrument, n: int, setting: Setting) -> Instrument:
    """An inventory of which a quick portrait asks only so many items of every scale."""
    if not setting.is_quick:
        return instrument
    kept = {scale.id: dict(list(scale.items.items())[:n]) for scale in instrument.scales}
    asked = {id for items in kept.values() for id in items}
    return replace(
        instrument,
        items=tuple([item for item in instrument.items if item.id in asked]),
        scales=tuple([replace(scale, items=kept[scale.id]) for scale in instrument.scales]),
    )
