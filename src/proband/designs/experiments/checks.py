"""Manipulation and attention checks: which answers are right, and who did not give them."""

from collections.abc import Mapping, Sequence
from typing import Any

from proband.designs.experiments.material import check_known
from proband.errors import DesignError
from proband.instruments.items import Item

Right = str | Sequence[str] | Mapping[str, str | Sequence[str]]


def resolved(
    checks: Mapping[str, Right], items: Mapping[str, Item], factors: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, Any]]:
    """Every check with the indices of its right options, in one list or, where they depend on a factor, by its level.

    Parameters
    ----------
    checks : mapping
        Item -> the right option, or options; or level of a factor -> the right option, or options, under it.
    items, factors : mapping
        Of the experiment.

    Returns
    -------
    dict
        Item -> ``{"right": [1]}`` or ``{"factor": "frame", "right": {"gain": [0], "loss": [1]}}``.
    """
    check_known(checks, items, "checks", "item")
    found: dict[str, dict[str, Any]] = {}
    for id, right in checks.items():
        item = items[id]
        if not isinstance(right, Mapping):
            found[id] = {"right": _indices(item, right)}
            continue
        factor = next((name for name, levels in factors.items() if set(levels) == set(right)), None)
        if factor is None:
            raise DesignError(
                f"check {id!r}: right options are given for {', '.join(right)}, which are not the levels of a factor; "
                "give one for every level of one factor, or options that are right for everybody"
            )
        found[id] = {"factor": factor, "right": {level: _indices(item, options) for level, options in right.items()}}
    return found


def _indices(item: Item, options: str | Sequence[str]) -> list[int]:
    wanted = [options] if isinstance(options, str) else list(options)
    if not wanted or len(wanted) >= len(item.options):
        raise DesignError(
            f"check {item.id!r}: {len(wanted)} of {len(item.options)} options are right; some must be, and some not"
        )
    check_known(wanted, item.options, f"check {item.id!r}", "option")
    return sorted(item.options.index(option) for option in wanted)
