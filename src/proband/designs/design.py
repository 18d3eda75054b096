"""What a design is: a pure function from what was answered to what can be asked."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from proband.instruments.items import Item
from proband.records import Response, Trial
from proband.subjects.personas import Code


@runtime_checkable
class Design(Protocol):
    """Says what can be asked, given what was answered; resume is replay.

    Attributes
    ----------
    name : str
        Of the study; used in tables and the manifest.
    seed : int
        Root of all randomness.
    is_adaptive : bool
        Whether later trials depend on earlier answers; if not, `trials` is asked once.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def seed(self) -> int: ...  # noqa: D102

    @property
    def is_adaptive(self) -> bool: ...  # noqa: D102

    @property
    def items(self) -> Mapping[str, Item]:
        """Every item that may be asked, by id."""
        ...

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every trial whose request is settled by what was answered, answered ones included.

        The sequence may be lazy. The same `answered` always gives the same trials.
        """
        ...

    def preview(self) -> Sequence[Trial]:
        """The trials as far as they are known before anything is answered, for plans; may be lazy."""
        ...

    def size(self) -> int:
        """Number of trials of the whole design; an upper bound where skipping depends on answers."""
        ...

    def arms(self) -> Mapping[str, int]:
        """Independent units (subjects, matches) in each group that will be compared."""
        ...

    def weights(self) -> Mapping[str, float]:
        """Weight of each subject; empty where everybody counts the same."""
        ...

    def traits(self) -> Mapping[str, Mapping[str, Code]]:
        """What is known of each subject, by column, for subgroups; empty where nothing is."""
        ...

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the design, as plain values, for the manifest and the methods paragraph."""
        ...
