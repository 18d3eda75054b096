"""Distances between levels under permuted levels: what to expect if a factor did nothing."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from proband.measures.arrays import Floats, Ints
from proband.measures.response_bias.answer_cells import ItemCells

# Cells of a block of permutations; bounds memory to some tens of MB.
_BLOCK = 2_000_000


def largest_shift(means: Floats) -> tuple[float, tuple[int, int]]:
    """Largest total variation between two levels, and which; `means` has shape (n_levels, n_options)."""
    pairs = list(combinations(range(len(means)), 2))
    distances = [0.5 * float(np.abs(means[a] - means[b]).sum()) for a, b in pairs]
    best = int(np.argmax(distances))
    return distances[best], pairs[best]


def permuted_shifts(items: Sequence[ItemCells], n_permutations: int, rng: np.random.Generator) -> Floats:
    """Largest total variation of every item under permuted levels, shape (n_items, n_permutations).

    One permutation serves all items, so that answers of one subject stay together: levels are shuffled within each
    subject who met several, and between subjects who each kept one. Subjects who met one level in some items
    and another in others are shuffled item by item.
    """
    subjects = sorted({s for c in items for s in c.subjects}, key=repr)
    number = {s: k for k, s in enumerate(subjects)}
    n_levels = items[0].present.shape[1]
    kept = _kept_levels(items, number)
    found = np.empty((len(items), n_permutations))
    largest = max(c.means.shape[0] * n_levels for c in items)
    block = max(1, min(n_permutations, _BLOCK // max(largest, len(subjects) * n_levels)))
    for start in range(0, n_permutations, block):
        size = min(block, n_permutations - start)
        keys = rng.random((size, len(subjects), n_levels))
        shuffled = None if kept is None else _shuffled_levels(kept, size, rng)
        for j, cells in enumerate(items):
            own = [number[s] for s in cells.subjects]
            if (cells.present.sum(axis=1) > 1).any():
                means = _means_within(cells, keys[:, own])
            elif shuffled is None:
                means = _means_between(cells, _shuffled_levels(cells.present.argmax(axis=1), size, rng))
            else:
                means = _means_between(cells, shuffled[:, own])
            found[j, start : start + size] = _largest_shifts(means)
    return found


def _kept_levels(items: Sequence[ItemCells], number: dict[Any, int]) -> Ints | None:
    """Level of every subject who kept one through all items, or None if somebody did not."""
    seen = np.zeros((len(number), items[0].present.shape[1]), dtype=bool)
    for cells in items:
        seen[[number[s] for s in cells.subjects]] |= cells.present
    return seen.argmax(axis=1) if (seen.sum(axis=1) == 1).all() else None


def _shuffled_levels(levels: Ints, size: int, rng: np.random.Generator) -> Ints:
    return rng.permuted(np.tile(levels, (size, 1)), axis=1)


def _means_between(cells: ItemCells, levels: Ints) -> Floats:
    """Level means when subject s is said to be under ``levels[b, s]``, shape (size, n_levels, n_options)."""
    own = cells.means.sum(axis=1)  # one level a subject, zeros elsewhere
    parts = []
    for level in range(cells.present.shape[1]):
        member = (levels == level).astype(np.float64)
        parts.append(member @ own / np.maximum(member.sum(axis=1), 1.0)[:, None])
    return np.stack(parts, axis=1)


def _means_within(cells: ItemCells, keys: Floats) -> Floats:
    """Level means when every subject's levels are put in the order of its keys, shape (size, n_levels, n_options)."""
    size, n, n_levels = keys.shape
    if n_levels == 2 and cells.present.all():  # the common case: every subject's two levels are swapped or not
        swapped = (keys[:, :, 0] > keys[:, :, 1]).astype(np.float64)
        moved = swapped @ (cells.means[:, 1] - cells.means[:, 0]) / n
        first, second = cells.means.mean(axis=0)
        return np.stack([first + moved, second - moved], axis=1)
    order = np.where(cells.present, keys, np.inf).argsort(axis=2)
    rank = np.cumsum(cells.present, axis=1) - 1
    flat = cells.means.reshape(n * n_levels, -1)
    parts = []
    for level in range(n_levels):
        here = cells.present[:, level]
        source = np.take_along_axis(order, np.broadcast_to(rank[:, level, None], (size, n, 1)).clip(0), axis=2)
        chosen = (np.arange(n_levels) == source) & here[:, None]
        parts.append(chosen.reshape(size, -1).astype(np.float64) @ flat / max(int(here.sum()), 1))
    return np.stack(parts, axis=1)


def _largest_shifts(means: Floats) -> Floats:
    pairs = combinations(range(means.shape[1]), 2)
    distances = [0.5 * np.abs(means[:, a] - means[:, b]).sum(axis=1) for a, b in pairs]
    largest: Floats = np.max(distances, axis=0)
    return largest
