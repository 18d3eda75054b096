"""Keys and values of replies being written, kept by us.

A model's own cache is a rectangle that is copied at every step and holds a shared prefix once per row. Here
prefixes form a tree: the stretch of prompt that several rows share is a `Segment`, there once, and each row
has beside it a strip for what is its own: the rest of its prompt and what it wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from proband.models.local.forest import shared_length

# A product of its own costs more than it saves for fewer tokens, or fewer times the rows that need no copy.
LEAST_SHARED, WORTH = 16, 64
Layers = list[tuple[Any, Any]]  # keys and values of each layer


@dataclass(eq=False, slots=True)
class Segment:
    """A stretch of tokens shared by rows, with its keys and values, each of shape (key heads, n, width)."""

    tokens: tuple[int, ...]
    parent: "Segment | None"
    layers: Layers
    children: list["Segment"] = field(default_factory=list)
    rows: int = 0

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def end(self) -> int:
        """Position after the last token."""
        return len(self.tokens) + (self.parent.end if self.parent else 0)

    @property
    def path(self) -> list["Segment"]:
        """From the top of the tree to this segment."""
        above = self.parent.path if self.parent else []
        return [*above, self] if self.tokens else above

    def split(self, n: int) -> "Segment":
        """Cut after `n` tokens, without copying; gives the upper part, which becomes the parent."""
        upper = Segment(self.tokens[:n], self.parent, [(k[:, :n], v[:, :n]) for k, v in self.layers], [self])
        if self.parent is not None:
            self.parent.children[self.parent.children.index(self)] = upper
        self.layers = [(k[:, n:], v[:, n:]) for k, v in self.layers]
        self.tokens, self.parent = self.tokens[n:], upper
        return upper

    def prune(self, kept: set[int]) -> None:
        """Drop what hangs below and is neither used by a row nor among the `kept` (ids of segments)."""
        for child in self.children:
            child.prune(kept)
        self.children = [c for c in self.children if c.rows or c.children or id(c) in kept]

    def tokens_below(self) -> int:
        """Tokens held by this segment and all below it."""
        return len(self) + sum(child.tokens_below() for child in self.children)


def descend(root: Segment, ids: tuple[int, ...]) -> tuple[Segment, int, int]:
    """Deepest segment all of which `ids` begins with, the tokens that end there, and how many follow below it."""
    here, at = root, 0
    while True:
        agreeing = [(shared_length(ids[at : at + len(child)], child.tokens), child) for child in here.children]
        most, best = max(agreeing, key=lambda pair: pair[0], default=(0, here))
        if best is here or most < len(best):
            return here, at, most
        here, at = best, at + most


def grow(root: Segment, ids: tuple[int, ...], shared: Sequence[int]) -> tuple[Segment, list[Segment]]:
    """Find or make, in the tree, the segments that a prompt without its last token hangs below.

    `shared` says how many tokens each of the prompts that come next begins with in common with this one, falling. Gives
    the deepest segment, and those that are new and still without keys and values.
    """
    leaf, at, more = descend(root, ids)
    if more >= LEAST_SHARED:
        below = next(c for c in leaf.children if shared_length(ids[at : at + len(c)], c.tokens) == more)
        leaf, at = below.split(more), at + more
    made = []
    for n in range(len(shared), 0, -1):
        length = shared[n - 1] - at
        if length >= LEAST_SHARED and length * n >= WORTH:
            leaf = Segment(ids[at : at + length], leaf, [])
            leaf.parent.children.append(leaf)  # type: ignore[union-attr]
            made.append(leaf)
            at += length
    return leaf, made


class Strips:
    """What each row has for itself, as one block per layer: (rows, key heads, tokens, width).

    `shapes` has the key heads, the width of a key and that of a value of each layer; `like` the dtype and the device.
    """

    def __init__(self, shapes: list[tuple[int, int, int]], like: dict[str, Any]) -> None:
        self._shapes, self._like = shapes, like
        self.n_rows = self.n_tokens = 0
        self.layers: Layers = self._blocks(0, 0)

    @property
    def token_bytes(self) -> int:
        """Bytes of one token's keys and values."""
        size: int = self._like["dtype"].itemsize
        return size * sum(heads * (wide_k + wide_v) for heads, wide_k, wide_v in self._shapes)

    def room(self, n_tokens: int) -> Layers:
        """Keys and values for a segment, to be filled."""
        return [(k[0], v[0]) for k, v in self._blocks(1, n_tokens)]

    def hold(self, n_rows: int, n_tokens: int, n_live: int) -> None:
        """Make room for so many rows of so many tokens, keeping the first `n_live` rows."""
        if n_rows <= self.n_rows and n_tokens <= self.n_tokens:
            return
        old, kept = self.layers, min(n_tokens, self.n_tokens)
        self.layers, self.n_rows, self.n_tokens = [], n_rows, n_tokens
        for shape in self._shapes:
            # Layer by layer, so that there is never much more than one of the two.
            keys, values = old.pop(0)
            [(new_keys, new_values)] = self._blocks(n_rows, n_tokens, [shape])
            new_keys[:n_live, :, :kept] = keys[:n_live, :, :kept]
            new_values[:n_live, :, :kept] = values[:n_live, :, :kept]
            self.layers.append((new_keys, new_values))

    def row(self, slot: int) -> Layers:
        """One row's strip in every layer."""
        return [(k[slot], v[slot]) for k, v in self.layers]

    def move(self, source: int, target: int, n_tokens: int) -> None:
        """Copy a row's first tokens into another place."""
        for k, v in self.layers:
            k[target, :, :n_tokens], v[target, :, :n_tokens] = (k[source, :, :n_tokens], v[source, :, :n_tokens])

    def _blocks(self, rows: int, tokens: int, shapes: Sequence[tuple[int, int, int]] = ()) -> Layers:
        # Zeros, for what lies beyond a strip's end is multiplied by 0, and nothing else times 0 is sure to be 0.
        import torch

        zeros = partial(torch.zeros, **self._like)
        return [
            (zeros(rows, heads, tokens, wide_k), zeros(rows, heads, tokens, wide_v))
            for heads, wide_k, wide_v in shapes or self._shapes
        ]
