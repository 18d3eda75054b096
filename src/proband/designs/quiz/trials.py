"""The trials of a quiz, made when looked at: models, prompts, draws, questions, and what varies within a question."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice

from proband.designs.lazy import LazyTrials
from proband.designs.quiz.prompts import Prompt
from proband.instruments.banks.bank import Question
from proband.records import Trial


@dataclass(frozen=True, kw_only=True)
class Block:
    """The trials of one model with one prompt and one draw of exemplars; `counts` are those of each question."""

    model: str
    prompt: Prompt
    draw: int
    questions: tuple[Question, ...]
    counts: tuple[int, ...]

    @cached_property
    def ends(self) -> list[int]:
        """Trials up to and with each question."""
        return list(accumulate(self.counts))

    def __len__(self) -> int:
        return self.ends[-1] if self.counts else 0


class BlockTrials(LazyTrials):
    """Trials in the order of their blocks; `make` gives that of a block, a question and a number within it."""

    def __init__(self, blocks: Sequence[Block], make: Callable[[Block, Question, int], Trial]) -> None:
        self._blocks, self._make = blocks, make
        self._ends = list(accumulate(len(block) for block in blocks))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def made_from(self, start: int) -> Iterator[Trial]:
        """The trials from an index on."""
        first = bisect_right(self._ends, start)
        for end, block in islice(zip(self._ends, self._blocks, strict=True), first, None):
            yield from self._of(block, max(0, start - (end - len(block))))

    def _of(self, block: Block, skipped: int) -> Iterator[Trial]:
        """The trials of a block without its first ones."""
        for k in range(bisect_right(block.ends, skipped), len(block.questions)):
            before = block.ends[k] - block.counts[k]
            for number in range(max(0, skipped - before), block.counts[k]):
                yield self._make(block, block.questions[k], number)
