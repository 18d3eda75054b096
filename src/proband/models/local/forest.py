"""Forests of shared prefixes: every distinct prefix of a batch of token sequences is one node, computed once.

Nodes stand in depth-first order, which gives three properties that forest scoring rests on:

* the descendants of node i are the nodes i+1 .. ends[i]-1, so "j is an ancestor of i or i itself" is
  ``j <= i < ends[j]``, and an attention mask is one comparison of arrays;
* a run of consecutive nodes needs, from outside itself, only the path from the root to its first node;
  a forest can therefore be cut anywhere, and with the keys and values of that path carried along no node is
  ever computed twice;
* a sequence is finished as soon as the chunk with its last node is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_Run = TypeVar("_Run", tuple[int, ...], str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A run of consecutive nodes that attend together, inside a chunk.

    Keys and values of ancestors stand at their depths, so the path of any node is one unbroken stretch; those of
    the block stand right behind the path of its first node. Nodes that the next block has as ancestors are moved to
    their depths, where they do not stand there already.
    """

    start: int  # of its places in the chunk
    stop: int
    base: int  # ancestors of the first node
    sees: NDArray[np.bool_]  # (n, base + n): whether a node sees each ancestor of the first, each node of the block
    distance: Ints  # (n, base + n): positions between a node and what it sees, for sliding windows
    moved: Ints  # (k,): the nodes that are moved, as places in the chunk
    places: Ints  # (k,): where to


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A run of consecutive nodes of a forest, start .. stop-1: one forward pass."""

    start: int
    stop: int
    tokens: Ints  # (n,)
    depths: Ints  # (n,): position of each node, 0 at a root
    blocks: tuple[Block, ...]  # how its nodes attend, in order
    queries: Ints  # (k,): queries of the forest that are answered by nodes of this chunk
    places: Ints  # (k,): place in the chunk of each of those queries' nodes


@dataclass(frozen=True, kw_only=True)
class Forest:
    """Token sequences as a forest, and the log-probabilities to be read from it.

    The last token of a sequence is never computed: it is only predicted. A query is a node and the token
    whose log-probability is wanted after it; queries shared by several sequences are there once, and stand
    in the order of their nodes.
    """

    tokens: Ints  # (n_nodes,), as the next three
    parents: Ints  # -1 at a root
    depths: Ints  # positions
    ends: Ints  # one past the last descendant
    query_nodes: Ints  # (n_queries,): where a log-probability is read
    query_tokens: Ints  # (n_queries,): and of which token
    rows: tuple[Ints, ...]  # for each sequence, as given, the queries whose log-probabilities sum to its own

    @classmethod
    def build(cls, sequences: Sequence[tuple[int, ...]], starts: Sequence[int]) -> "Forest":
        """Merge sequences into a forest.

        Parameters
        ----------
        sequences : sequence of tuple of int
            Token ids, prompt and continuation together.
        starts : sequence of int
            For each sequence the index, at least 1, of the first token whose log-probability is wanted.

        Examples
        --------
        >>> forest = Forest.build([(5, 6, 7), (5, 6, 8), (5, 9, 7)], [2, 2, 2])
        >>> forest.tokens.tolist(), forest.ends.tolist()
        ([5, 6, 9], [3, 2, 3])
        """
        if any(not 1 <= start < len(ids) for ids, start in zip(sequences, starts, strict=True)):
            raise ValueError("every sequence needs a token before its first scored one, and that one")
        tokens: list[int] = []
        parents: list[int] = []
        wanted: dict[tuple[int, int], int] = {}
        rows: list[Ints] = [np.empty(0, dtype=np.int64)] * len(sequences)
        path: list[int] = []
        previous: tuple[int, ...] = ()
        # In sorted order a sequence shares with the one before it all that it shares with any earlier one.
        for k in sorted(range(len(sequences)), key=lambda k: sequences[k][:-1]):
            ids = sequences[k]
            del path[shared_length(previous, ids[:-1]) :]
            for token in ids[len(path) : -1]:
                parents.append(path[-1] if path else -1)
                path.append(len(tokens))
                tokens.append(token)
            previous = ids[:-1]
            pairs = ((path[j - 1], ids[j]) for j in range(starts[k], len(ids)))
            rows[k] = np.array([wanted.setdefault(pair, len(wanted)) for pair in pairs], dtype=np.int64)
        return cls._finish(tokens, parents, wanted, rows)

    @classmethod
    def _finish(
        cls, tokens: list[int], parents: list[int], wanted: dict[tuple[int, int], int], rows: list[Ints]
    ) -> "Forest":
        """Put queries in the order of their nodes and add what follows from the parents."""
        pairs = np.array(list(wanted), dtype=np.int64).reshape(-1, 2)
        order = np.argsort(pairs[:, 0], kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        depths = np.zeros(len(tokens), dtype=np.int64)
        ends = np.arange(1, len(tokens) + 1)
        for node, parent in enumerate(parents):
            if parent >= 0:
                depths[node] = depths[parent] + 1
        for node in range(len(parents) - 1, -1, -1):
            if parents[node] >= 0:
                ends[parents[node]] = max(ends[parents[node]], ends[node])
        return cls(
            tokens=np.array(tokens, dtype=np.int64),
            parents=np.array(parents, dtype=np.int64),
            depths=depths,
            ends=ends,
            query_nodes=pairs[order, 0],
            query_tokens=pairs[order, 1],
            rows=tuple(place[row] for row in rows),
        )

    def __len__(self) -> int:
        return len(self.tokens)

    def path_to(self, node: int) -> Ints:
        """Proper ancestors of a node, the root first: its ancestor at depth d stands at index d."""
        path = np.empty(self.depths[node], dtype=np.int64)
        for depth in range(len(path) - 1, -1, -1):
            node = int(self.parents[node])
            path[depth] = node
        return path

    @cached_property
    def chains(self) -> list[tuple[int, int]]:
        """Longest runs of nodes, start and stop, in which each is the child of the one before it."""
        if not len(self):
            return []
        cuts = np.flatnonzero(self.parents[1:] != np.arange(len(self) - 1)) + 1
        return list(pairwise([0, *cuts.tolist(), len(self)]))

    def queries_of(self, start: int, stop: int) -> Ints:
        """Queries that the nodes start .. stop-1 answer."""
        return np.arange(*np.searchsorted(self.query_nodes, [start, stop]))

    def chunks(self, max_tokens: int, block_tokens: int) -> Iterator[Chunk]:
        """Cut into runs of at most `max_tokens` nodes, each of blocks of at most `block_tokens`."""
        path = np.empty(0, dtype=np.int64)
        for start in range(0, len(self), max_tokens):
            stop = min(start + max_tokens, len(self))
            blocks = []
            for first in range(start, stop, block_tokens):
                last = min(first + block_tokens, stop)
                following = self.path_to(last) if last < len(self) else np.empty(0, dtype=np.int64)
                blocks.append(self._block(start, first, last, path, following))
                path = following
            queries = self.queries_of(start, stop)
            yield Chunk(
                start=start,
                stop=stop,
                tokens=self.tokens[start:stop],
                depths=self.depths[start:stop],
                blocks=tuple(blocks),
                queries=queries,
                places=self.query_nodes[queries] - start,
            )

    def _block(self, origin: int, first: int, last: int, path: Ints, following: Ints) -> Block:
        columns = np.concatenate([path, np.arange(first, last)])
        nodes = np.arange(first, last)[:, None]
        new = following[following >= first]
        places = self.depths[new]
        moving = places != len(path) + new - first
        return Block(
            start=first - origin,
            stop=last - origin,
            base=len(path),
            sees=(columns[None, :] <= nodes) & (nodes < self.ends[columns][None, :]),
            distance=self.depths[nodes] - self.depths[columns][None, :],
            moved=new[moving] - origin,
            places=places[moving],
        )


def shared_length(a: _Run, b: _Run) -> int:
    """Length of the longest common prefix."""
    # Whole slices compare at C speed; only the last stretch is walked.
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
