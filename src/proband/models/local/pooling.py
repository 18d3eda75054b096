"""Texts as the mean of a model's last states over their tokens, in batches that change no vector."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from proband.errors import EngineError
from proband.models.engine import Vectors

WINDOW_TOKENS = 512  # of a long text that go through a model together
Ids = tuple[int, ...]


def mean_states(
    model: Any, sequences: Sequence[Ids], *, width: int, budget: int, frame: tuple[Ids, Ids] = ((), ())
) -> Vectors:
    """Mean of the last states over the tokens of every text, shape (n_texts, n_hidden).

    Parameters
    ----------
    model : module
        A model of transformers without a head.
    sequences : sequence of tuple of int
        Token ids of each text, without its frame.
    width : int
        Most tokens in a window, frame included. A longer text is cut into windows as equal as can be, whose states
        count alike.
    budget : int
        Tokens in a pass, padding included; vectors depend on it by rounding only.
    frame : pair of tuple of int
        What stands before and behind the tokens of every window.
    """
    import torch

    before, behind = frame
    inside = width - len(before) - len(behind)
    pieces = [(k, before + piece + behind) for k, ids in enumerate(sequences) for piece in _windows(ids, inside)]
    sums, counts = np.zeros((len(sequences), model.config.get_text_config().hidden_size)), np.zeros(len(sequences))
    for batch in _batches(pieces, budget):
        longest = len(batch[0][1])
        ids, mask = np.zeros((2, len(batch), longest), dtype=np.int64)
        for row, (_, piece) in enumerate(batch):
            # Padding stands behind: what looks back never sees it, and the mask keeps it from what looks both ways.
            ids[row, : len(piece)], mask[row, : len(piece)] = piece, 1
        with torch.inference_mode():
            on = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
            states = model(**{name: tensor.to(model.device) for name, tensor in on.items()}).last_hidden_state
            weights = torch.from_numpy(mask).to(model.device, torch.float32)
            total = torch.einsum("rth,rt->rh", states.float(), weights).double().cpu().numpy()
        texts = [k for k, _ in batch]
        np.add.at(sums, texts, total)
        np.add.at(counts, texts, mask.sum(axis=1))
    if not counts.all():
        raise EngineError(f"text {int(counts.argmin()) + 1} of {len(counts)} has no tokens; leave it out")
    vectors: Vectors = (sums / counts[:, None]).astype(np.float32)
    return vectors


def _windows(ids: Ids, width: int) -> Iterator[Ids]:
    n = -(-len(ids) // width)
    ends = [round(k * len(ids) / n) for k in range(n + 1)] if n else []
    return (ids[start:end] for start, end in pairwise(ends))


def _batches(pieces: list[tuple[int, Ids]], budget: int) -> Iterator[list[tuple[int, Ids]]]:
    """Pieces of like length together, the longest first, with their padding within the budget."""
    pieces = sorted(pieces, key=lambda piece: -len(piece[1]))
    start = 0
    while start < len(pieces):
        n = max(1, budget // len(pieces[start][1]))
        yield pieces[start : start + n]
        start += n
