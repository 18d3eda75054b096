"""Which examples make an optimiser step, and how those of a step go through the model together.

A part is one forward pass. Packed parts lay examples end to end; what several of them begin with (a system turn, a
header, a question asked twice) stands there once, and is computed once in both directions, because the gradients of
all that follows add up in it. This changes no number but by rounding, as long as nothing is dropped at random.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proband.models.local.forest import shared_length
from proband.seeds import rng_for
from proband.training.encoding import Taught
from proband.training.recipe import Padding, Recipe

Ints = NDArray[np.int64]
# A shared beginning shorter than this is computed again: cutting it out costs more than it saves.
LEAST_SHARED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How training stands after an optimiser step.

    Attributes
    ----------
    loss : float
        Of this step's batch, nats per taught token.
    tokens_per_s : float
        Tokens of the examples, prompts included, trained on per second so far.
    seconds_left : float
        At that speed.
    held_out_loss : float or None
        Where it was looked at after this step.
    """

    step: int
    of: int
    loss: float
    tokens_per_s: float
    seconds_left: float
    held_out_loss: float | None = None


Watch = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A run of tokens of one example, or of the beginning that several share.

    `depth` tokens stand before it in its own text; `path` are the segments that do, first to last.
    """

    size: int
    depth: int
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What goes through the model at once.

    Attributes
    ----------
    ids, depths : ndarray, shape (n_rows, width)
        Tokens and their positions in their own texts; 0 at padding, which stands on the right.
    segments : tuple of Segment
        In the order of the tokens; empty where rows are padded.
    picks : ndarray, shape (n_taught,)
        Places, counted through all rows, whose next token is taught.
    targets, weights : ndarray, shape (n_taught,)
        Those next tokens and what their losses weigh.
    examples : tuple of Taught
        In the order of their taught tokens in `picks`.
    n_computed : int
        Tokens that are computed, padding not counted.
    n_standing : int
        Tokens that the same examples have one by one.
    """

    ids: Ints
    depths: Ints
    segments: tuple[Segment, ...]
    picks: Ints
    targets: Ints
    weights: NDArray[np.float64]
    examples: tuple[Taught, ...]
    n_computed: int
    n_standing: int


def step_plan(n_examples: int, recipe: Recipe) -> tuple[tuple[int, ...], ...]:
    """Which examples, by number, make each optimiser step.

    Each pass is shuffled by the seed and its own number, so a longer training begins like a shorter one.

    Examples
    --------
    >>> step_plan(5, Recipe(epochs=1, batch_size=2, order="as_given"))
    ((0, 1), (2, 3), (4,))
    >>> step_plan(3, Recipe(steps=2, batch_size=2, order="as_given"))
    ((0, 1), (2, 0))
    """
    size, n_steps = recipe.batch_size, recipe.steps_for(n_examples)
    if recipe.steps is not None:
        stream: list[int] = []
        for number in range(-(-n_steps * size // n_examples)):
            stream += _pass(n_examples, recipe, number)
        return tuple(tuple(stream[k * size : (k + 1) * size]) for k in range(n_steps))
    steps: list[tuple[int, ...]] = []
    per_pass = n_steps // (recipe.epochs or 1)
    for number in range(recipe.epochs or 1):
        order = _pass(n_examples, recipe, number)
        steps += [tuple(order[k * size : (k + 1) * size]) for k in range(per_pass)]
    return tuple(steps)


def _pass(n_examples: int, recipe: Recipe, number: int) -> list[int]:
    if recipe.order == "as_given":
        return list(range(n_examples))
    return [int(k) for k in rng_for(recipe.seed, "order", number).permutation(n_examples)]


def parts_of(
    examples: Sequence[Taught], padding: Padding, *, most_tokens: int, most_rows: int | None, longest: int = 0
) -> Iterator[Part]:
    """Cut some examples into parts.

    Parameters
    ----------
    examples : sequence of Taught
        Those of one step; the order does not matter.
    most_tokens : int
        Of one part, padding included; one example alone may have more.
    most_rows : int or None
        Most examples of one part.
    longest : int
        Width of every row for "longest".
    """
    chunk: list[Taught] = []
    used = 0
    # Like beginnings side by side, or like lengths; the longest first, so that what will not fit shows at once.
    for one in sorted(examples, key=lambda one: (one.ids if padding == "packed" else (-len(one.ids),), one.id)):
        n = max(len(one.ids) - 1, longest - 1 if padding == "longest" else 0)
        if padding == "packed":
            # What is shared with a neighbour may begin to be shared less than `LEAST_SHARED` tokens earlier.
            added = n - (max(_shared(chunk[-1], one) - LEAST_SHARED + 1, 0) if chunk else 0)
            is_full = used + added > most_tokens
        else:
            added = n
            is_full = (len(chunk) + 1) * max(n, *(len(c.ids) - 1 for c in chunk), 0) > most_tokens
        if chunk and (is_full or len(chunk) == most_rows):
            yield _made(chunk, padding, longest)
            chunk, used, added = [], 0, n
        chunk.append(one)
        used += added
    if chunk:
        yield _made(chunk, padding, longest)


def _shared(one: Taught, other: Taught) -> int:
    """Tokens that two examples can share; the last one before a taught token stays each example's own."""
    return min(shared_length(one.ids, other.ids), one.start - 1, other.start - 1)


def _made(examples: list[Taught], padding: Padding, longest: int) -> Part:
    return packed(examples) if padding == "packed" else padded(examples, longest if padding == "longest" else 0)


def padded(examples: Sequence[Taught], width: int = 0) -> Part:
    """One row an example, padded on the right, where causal attention cannot see it; no mask is needed."""
    # The last token predicts nothing.
    width = max(width - 1, *(len(one.ids) - 1 for one in examples))
    ids = np.zeros((len(examples), width), dtype=np.int64)
    depths = np.zeros_like(ids)
    for row, one in enumerate(examples):
        n = len(one.ids) - 1
        ids[row, :n], depths[row, :n] = one.ids[:-1], np.arange(n)
    picks = [row * width + one.start - 1 + np.arange(one.n_taught) for row, one in enumerate(examples)]
    n_standing = sum(len(one.ids) - 1 for one in examples)
    return _part(examples, ids, depths, (), picks, n_standing)


def packed(examples: Sequence[Taught], *, least_shared: int | None = LEAST_SHARED) -> Part:
    """One row for all examples; what several of them begin with stands there once.

    A beginning of fewer than `least_shared` tokens is not shared; with None nothing is.
    """
    segments: list[Segment] = []
    tokens: list[int] = []
    depths: list[int] = []
    ordered = sorted(examples, key=lambda one: (one.ids, one.id))
    firsts = [0] * len(ordered)  # where each example's first token would stand, were all its tokens together

    def lay(run: Sequence[int], depth: int, path: tuple[int, ...]) -> tuple[int, ...]:
        segments.append(Segment(size=len(run), depth=depth, path=path))
        tokens.extend(run)
        depths.extend(range(depth, depth + len(run)))
        return (*path, len(segments) - 1)

    def grow(start: int, stop: int, depth: int, path: tuple[int, ...]) -> None:
        for first, last in _groups(ordered, start, stop, depth, least_shared):
            one = ordered[first]
            if last - first == 1:
                firsts[first] = len(tokens) - depth
                lay(one.ids[depth:-1], depth, path)
                continue
            common = min(_shared(ordered[k], ordered[k + 1]) for k in range(first, last - 1))
            grow(first, last, common, lay(one.ids[depth:common], depth, path))

    grow(0, len(ordered), 0, ())
    picks = [first + one.start - 1 + np.arange(one.n_taught) for first, one in zip(firsts, ordered, strict=True)]
    n_standing = sum(len(one.ids) - 1 for one in examples)
    rows = (np.array([tokens], dtype=np.int64), np.array([depths], dtype=np.int64))
    return _part(ordered, *rows, tuple(segments), picks, n_standing)


def _groups(
    ordered: Sequence[Taught], start: int, stop: int, depth: int, least_shared: int | None
) -> Iterator[tuple[int, int]]:
    """Neighbours in sorted order that go on alike for long enough, as first and last plus one."""
    first = start
    for k in range(start + 1, stop + 1):
        is_alike = k < stop and least_shared is not None and _shared(ordered[k - 1], ordered[k]) >= depth + least_shared
        if not is_alike:
            yield first, k
            first = k


def _part(
    examples: Sequence[Taught],
    ids: Ints,
    depths: Ints,
    segments: tuple[Segment, ...],
    picks: list[Ints],
    n_standing: int,
) -> Part:
    return Part(
        ids=ids,
        depths=depths,
        segments=segments,
        picks=np.concatenate(picks),
        targets=np.concatenate([np.array(one.ids[one.start :], dtype=np.int64) for one in examples]),
        weights=np.repeat([one.weight for one in examples], [one.n_taught for one in examples]),
        examples=tuple(examples),
        n_computed=sum(segment.size for segment in segments) or n_standing,
        n_standing=n_standing,
    )
