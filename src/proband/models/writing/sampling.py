"""Choosing tokens for many rows at once, as little moved by rounding as can be.

Logits of a row change by about 1e-5 with what shares its batch. Inverting a cumulated distribution turns that
into another token once in some hundreds of draws, as every boundary between two tokens moves. Here tokens race
instead: token i arrives after E_i / w_i, with E_i exponential and w_i its weight, the first to arrive is a
draw in proportion to the weights, and rounding matters only where the two first arrive together. Some tokens
in 10,000 are so close; they are called doubtful, and whoever asks may settle them by logits that do not
depend on a batch. A race of blocks of tokens, then one within the block that won, needs few random numbers.

References
----------
The race is the order-statistics form of the Gumbel-max trick: Maddison, Tarlow & Minka (2014), A* sampling,
arXiv:1411.0030.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 256
# Five times what batches were seen to change in the difference of two logits (embedded model, float32).
CLOSE = 1e-4
# Weights below these shares of the largest are looked at only if those above do not fill the nucleus.
_FLOORS = (1e-3, 1e-6, 0.0)


@dataclass(frozen=True, slots=True)
class Draw:
    """How one row's next token is chosen; `noise` is what `n_noise` says, unused at temperature 0."""

    temperature: float
    top_p: float
    noise: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Token of each row, and whether rounding of `CLOSE` in its logits could have made it another."""

    tokens: NDArray[np.int64]
    doubtful: NDArray[np.bool_]


def n_noise(vocabulary: int) -> int:
    """Exponential variates that one draw takes."""
    return -(-vocabulary // BLOCK) + BLOCK


def choose(logits: Any, draws: Sequence[Draw]) -> Chosen:
    """Choose a token for each row.

    Parameters
    ----------
    logits : torch.Tensor, shape (n_rows, vocabulary)
        float32, on any device; minus infinity where a token may not be written.
    draws : sequence of Draw
        One a row. Temperature 0 takes the most probable token; otherwise tokens are drawn from the
        distribution at that temperature, cut to the smallest set that holds `top_p` of it.

    Examples
    --------
    >>> import torch
    >>> choose(torch.tensor([[0.0, 3.0, 1.0]]), [Draw(0, 1)]).tokens.tolist()
    [1]
    """
    import torch

    short = -logits.shape[1] % BLOCK
    logits = torch.nn.functional.pad(logits, (0, short), value=float("-inf")) if short else logits
    tokens = np.zeros(len(draws), dtype=np.int64)
    doubtful = np.zeros(len(draws), dtype=np.bool_)
    greedy = [row for row, draw in enumerate(draws) if draw.temperature == 0]
    drawn = [row for row, draw in enumerate(draws) if draw.temperature > 0]
    if greedy:
        scores = logits if not drawn else logits[greedy]
        tokens[greedy], gaps = _first(scores.view(len(greedy), -1, BLOCK))
        doubtful[greedy] = gaps < CLOSE
    if drawn:
        scores = logits if not greedy else logits[drawn]
        tokens[drawn], doubtful[drawn] = _raced(scores, [draws[row] for row in drawn])
    return Chosen(tokens, doubtful)


def _first(scores: Any) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Place of the largest of each row's scores, (n, blocks, BLOCK), and its lead over the next."""
    import torch

    best, block = scores.amax(2).topk(min(2, scores.shape[1]), dim=1)
    within, place = scores[torch.arange(len(scores)), block[:, 0]].topk(2, dim=1)
    second = torch.maximum(within[:, 1], best[:, -1]) if best.shape[1] > 1 else within[:, 1]
    return (block[:, 0] * BLOCK + place[:, 0]).cpu().numpy(), (within[:, 0] - second).cpu().numpy()


def _raced(logits: Any, draws: list[Draw]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    import torch

    temperatures = torch.tensor([[d.temperature] for d in draws], dtype=logits.dtype, device=logits.device)
    weights = ((logits - logits.amax(1, keepdim=True)) / temperatures).exp_()
    noise = torch.from_numpy(np.stack([d.noise for d in draws if d.noise is not None])).log_().float()
    noise = noise.to(logits.device)
    # Logits this close make weights this close.
    close = CLOSE / temperatures[:, 0].cpu().numpy()
    whole = {k: weights[k].clone() for k, d in enumerate(draws) if d.top_p < 1}
    edges = {k: _edges(row, draws[k].top_p, float(close[k])) for k, row in whole.items()}
    for k, (edge, *_) in edges.items():
        weights[k].masked_fill_(whole[k] < edge, 0)
    tokens, gaps = _race(weights, noise)
    doubtful = gaps < close
    for k, (edge, *others) in edges.items():
        # Where rounding could move the edge of the nucleus, it matters only if that changes who wins.
        for other in set(others) - {edge}:
            again, gap = _race(whole[k][None].masked_fill(whole[k] < other, 0), noise[k : k + 1])
            doubtful[k] |= again[0] != tokens[k] or gap[0] < close[k]
    return tokens, doubtful


def _race(weights: Any, noise: Any) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Which token arrives first in each row, and by how much on a logarithmic clock."""
    import torch

    blocks = weights.view(len(weights), -1, BLOCK)
    n = blocks.shape[1]
    best, order = (blocks.sum(2).log() - noise[:, :n]).topk(min(2, n), dim=1)
    first = order[:, 0]
    within, place = (blocks[torch.arange(len(blocks)), first].log() - noise[:, n:]).topk(2, dim=1)
    gap = within[:, 0] - within[:, 1]
    if n > 1:
        gap = torch.minimum(gap, best[:, 0] - best[:, 1])
    return (first * BLOCK + place[:, 0]).cpu().numpy(), gap.cpu().numpy()


def _edges(weights: Any, top_p: float, close: float) -> tuple[float, float, float]:
    """Least weight inside the nucleus: as it is, and if rounding made it the smallest and the largest."""
    wanted = top_p * float(weights.sum())
    for floor in _FLOORS:
        inside = weights[weights >= floor]
        if floor == 0 or float(inside.sum()) >= wanted * (1 + close):
            break
    ordered = inside.sort(descending=True).values
    reached = ordered.double().cumsum(0)
    ends = (int((reached < wanted * factor).sum()) for factor in (1, 1 - close, 1 + close))
    edge, small, large = (float(ordered[min(end, len(ordered) - 1)]) for end in ends)
    return edge, small, large
