"""What batteries are made of: pools of words to draw from, scales, figures of people, and how many items."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TypeVar

import numpy as np

from proband.batteries.battery import Figure, Setting
from proband.batteries.generated import key
from proband.errors import DesignError
from proband.instruments.items import Item, Scale
from proband.references import reference

T = TypeVar("T")
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
