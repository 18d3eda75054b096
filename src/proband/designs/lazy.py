"""Trials made when looked at: a design of a million costs nothing until it is asked."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol, overload, runtime_checkable

from proband.records import Trial


class LazyTrials(Sequence[Trial]):
    """A sequence of trials of which a design says how many there are, and makes those from an index on."""

    @abstractmethod
    def made_from(self, start: int) -> Iterator[Trial]:
        """The trials from an index on."""

    def made_at(self, index: int) -> Trial:
        """One trial; a design that need not make those before it says so here."""
        return next(self.made_from(index))

    def __iter__(self) -> Iterator[Trial]:
        return self.made_from(0)

    @overload
    def __getitem__(self, key: int) -> Trial: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[Trial]: ...
    def __getitem__(self, key: int | slice) -> Trial | Sequence[Trial]:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                return list(islice(self.made_from(start), max(0, stop - start)))
            return [self[k] for k in range(start, stop, step)]
        if not -len(self) <= key < len(self):
            raise IndexError(key)
        return self.made_at(key % len(self))


@runtime_checkable
class Divided(Protocol):
    """Trials that are a share of others: what is computed together is cut of the whole, so that shares change nothing.

    Attributes
    ----------
    whole : sequence of Trial
        All of them.
    runs : sequence of range
        Which of them these are, by their indices, in rising order.
    """

    whole: Sequence[Trial]
    runs: Sequence[range]
