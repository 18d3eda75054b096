"""A batch whose rows come and go, and the forward passes over it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from proband.models.writing.attention import Filling, Piece, Shapes, Stepping, attending
from proband.models.writing.drafts import Draft
from proband.models.writing.memory import WORTH, Segment, Strips, descend, grow


@dataclass(slots=True)
class Row:
    """What is written, the deepest segment of its prompt, the tokens in its strip and the one to feed next."""

    draft: Draft
    leaf: Segment
    n_own: int
    feed: int


class Batch:
    """Rows being written; at most `chunk_tokens` prompt tokens go into a pass.

    The attention of the model is exchanged during a pass and put back after it.
    """

    def __init__(self, model: Any, chunk_tokens: int) -> None:
        self._model, self._chunk_tokens = model, chunk_tokens
        self.root = Segment((), None, [])  # top of the tree of what prompts share
        self.rows: list[Row] = []  # in the order of their strips
        self.computed_tokens = 0  # that went through the model so far
        shapes = Shapes()
        self._pass(shapes, [1], [0])
        found = [shapes.layers[layer] for layer in range(len(shapes.layers))]
        self.strips = Strips(found, {"dtype": model.dtype, "device": model.device})

    def bytes_with(self, drafts: Sequence[tuple[Draft, Sequence[int]]]) -> int:
        """Bytes of keys and values, at most, if these drafts came in too (as for `add`)."""
        widest, tokens, before = self._widest(), self.root.tokens_below(), 0
        for draft, shared in drafts:
            held = max(descend(self.root, draft.prompt[:-1])[1], before - WORTH)
            # So much is sure to be shared with the next one; see `grow`.
            before = shared[0] if shared else 0
            tokens += len(draft.prompt) - held
            widest = max(widest, _rounded(draft.most_tokens - max(held, before - WORTH)))
        return ((len(self.rows) + len(drafts)) * widest + tokens) * self.strips.token_bytes

    def add(self, drafts: Sequence[tuple[Draft, Sequence[int]]]) -> None:
        """Let drafts in, each with what its prompt has in common with those after it (`Queue.first`)."""
        pieces: list[Piece] = []
        first = len(self.rows)
        for draft, shared in drafts:
            leaf, made = grow(self.root, draft.prompt[:-1], shared)
            for segment in made:
                segment.layers = self.strips.room(len(segment))
                pieces.append(Piece(segment.tokens, segment.parent or self.root, segment.layers))
            leaf.rows += 1
            self.rows.append(Row(draft, leaf, len(draft.prompt) - 1 - leaf.end, draft.prompt[-1]))
        self.strips.hold(len(self.rows), self._widest(), first)
        for slot, row in enumerate(self.rows[first:], start=first):
            if row.n_own:
                pieces.append(Piece(row.draft.prompt[row.leaf.end : -1], row.leaf, self.strips.row(slot)))
        self._fill(pieces)

    def step(self) -> Any:
        """Feed each row its token; logits of the next one in float32, shape (n_rows, vocabulary)."""
        stepping = Stepping(self.strips, [row.leaf for row in self.rows], [row.n_own for row in self.rows])
        output = self._forward(self._model, stepping, [[row.feed] for row in self.rows], stepping.positions[:, None])
        for row in self.rows:
            row.n_own += 1
        return output.logits[:, -1].float()

    def remove(self, slots: Iterable[int]) -> None:
        """Let rows go; the last ones take their places."""
        for slot in sorted(slots, reverse=True):
            self.rows[slot].leaf.rows -= 1
            last = self.rows.pop()
            if slot < len(self.rows):
                self.strips.move(len(self.rows), slot, last.n_own)
                self.rows[slot] = last

    def prune(self, coming: Draft | None) -> None:
        """Forget segments that no row uses, but for those that the next prompt begins with."""
        leaf = descend(self.root, coming.prompt[:-1])[0] if coming else self.root
        self.root.prune({id(segment) for segment in leaf.path})

    def _widest(self) -> int:
        """Tokens that the longest strip may come to hold."""
        return max((_rounded(row.draft.most_tokens - row.leaf.end) for row in self.rows), default=0)

    def _fill(self, pieces: Sequence[Piece]) -> None:
        """Compute pieces, which stand below one another in order, laid end to end in passes of equal size."""
        pack: list[Piece] = []
        room = self._chunk_tokens
        for piece in pieces:
            at = 0
            while at < len(piece.tokens):
                pack.append(Piece(piece.tokens[at : at + room], piece.above, piece.into, at))
                at, room = at + len(pack[-1].tokens), room - len(pack[-1].tokens)
                if not room:
                    self._fill_with(pack)
                    pack, room = [], self._chunk_tokens
        if pack:
            self._fill_with(pack)

    def _fill_with(self, pack: list[Piece]) -> None:
        ids = [token for piece in pack for token in piece.tokens]
        starts = [(piece.above.end + piece.n_before, len(piece.tokens)) for piece in pack]
        self._pass(Filling(pack), ids, [start + k for start, n in starts for k in range(n)])

    def _pass(self, attention: Filling | Shapes, ids: list[int], positions: list[int]) -> None:
        """Run the layers but not the output, which no prompt token needs."""
        self._forward(self._model.base_model, attention, [ids], [positions])

    def _forward(self, part: Any, attention: Any, ids: list[list[int]], positions: Any) -> Any:
        import torch

        self.computed_tokens += sum(map(len, ids))
        given, places = (torch.as_tensor(numbers, device=self._model.device) for numbers in (ids, positions))
        with attending(self._model, attention), torch.inference_mode():
            return part(input_ids=given, position_ids=places, use_cache=False)


def _rounded(n_tokens: int) -> int:
    """Strips grow by 32 tokens at a time, so that they are seldom copied."""
    return -(-n_tokens // 32) * 32
