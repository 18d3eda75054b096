"""Whether the place in which an option is shown attracts answers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from proband.estimates import Estimate
from proband.measures.arrays import Floats, Ints
from proband.measures.response_bias.answer_cells import AnswerRows
from proband.measures.response_bias.labels import a_bias

# With fewer items than this the subjects are the clusters, and the estimate is about these items only.
_MIN_ITEMS = 10


def position_bias(rows: AnswerRows, by_item: Mapping[Any, Sequence[int]]) -> tuple[dict[int, Estimate], list[str]]:
    """`a_bias` of positions by number of options, over items whose order was varied and balanced."""
    used: dict[int, dict[Any, Floats]] = {}
    unbalanced = []
    for item, members in by_item.items():
        placed = _placed(rows, members)
        if placed is None:
            continue
        positions, orders = placed
        if _is_balanced(orders):
            used.setdefault(positions.shape[1], {})[item] = positions
        else:
            unbalanced.append(str(item))
    found = {}
    for k, items in sorted(used.items()):
        if len(items) >= _MIN_ITEMS:
            found[k] = a_bias(np.array([positions.mean(axis=0) for positions in items.values()]))
        else:
            stacked = np.concatenate(list(items.values()))
            who = [rows.subject[m] for item in items for m in by_item[item]]
            names = sorted(set(who), key=repr)
            index = {name: j for j, name in enumerate(names)}
            sums = np.zeros((len(names), k))
            np.add.at(sums, [index[name] for name in who], stacked)
            found[k] = a_bias(sums)
    if not unbalanced:
        return found, []
    return found, [
        f"{len(unbalanced)} items, e.g. {unbalanced[0]}: options did not stand in every place equally often, so "
        "position cannot be told from content; they are left out of `positions`"
    ]


def _placed(rows: AnswerRows, members: Sequence[int]) -> tuple[Floats, Ints] | None:
    """Share of every position in every row, and the orders shown; None where order was not varied."""
    shown = [rows.shown[k] for k in members]
    answers = [rows.answer[k] for k in members]
    if any(order is None for order in shown) or not all(isinstance(a, int) for a in answers):
        return None
    orders = [tuple(int(option) for option in order) for order in shown]
    if len(set(orders)) < 2 or len({len(order) for order in orders}) != 1 or len(orders[0]) < 2:
        return None
    placed = np.array(orders, dtype=np.intp)
    probs = [rows.probs[k] for k in members]
    if all(p is not None and len(p) == placed.shape[1] for p in probs):
        return np.take_along_axis(np.array([list(p) for p in probs], dtype=np.float64), placed, axis=1), placed
    return (placed == np.array(answers)[:, None]).astype(np.float64), placed


def _is_balanced(orders: Ints) -> bool:
    """Whether every option stood in every place about equally often: within 4 standard errors of 1/K."""
    n, k = orders.shape
    counts = np.array([np.bincount(orders[:, place], minlength=k) for place in range(k)])
    return bool((np.abs(counts / n - 1 / k) <= 4 * math.sqrt((1 / k) * (1 - 1 / k) / n)).all())
