"""Tasks of one player: blocks in which what is shown depends on what was chosen before, on the one loop."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from proband.designs.design import Design
from proband.designs.process import Process, Stalled, as_fold
from proband.designs.survey.cards import has_prefix
from proband.designs.survey.wording import card_of
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.instruments.reading import read
from proband.records import Completion, Message, Place, Reply, Request, Response, Trial
from proband.roster import Member, Roster
from proband.seeds import seed_for


@dataclass(frozen=True, kw_only=True)
class Task(Design):
    """A task in blocks that know nothing of each other; a small one gives `items`, `block` and `size`.

    Attributes
    ----------
    seed : int
        Root of all randomness.
    blocks : int
        How many blocks there are; each is a unit of its own.
    noted : mapping
        What a run keeps of its battery, see `proband.batteries.asked.noted`.
    members : tuple of str
        Roles of the engines that sit in a block, in turn; empty where one engine answers for everybody.
    """

    kind: ClassVar[str] = "battery"
    unit: ClassVar[str] = "block"
    is_about_people: ClassVar[bool] = False
    seats: ClassVar[int] = 1

    seed: int
    blocks: int
    title: str = ""
    noted: Mapping[str, Any] = field(default_factory=dict)
    members: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.blocks < 1:
            raise DesignError(f"{self.name}: {self.blocks} blocks; play at least one")
        if len(self.members) > self.seats:
            raise DesignError(
                f"{self.name}: {len(self.members)} engines ({', '.join(self.members)}) for {self.seats} in a group; "
                "each needs a seat: name fewer in [engine]"
            )
        for k in range(self.blocks):  # what cannot be made is refused before anything is asked
            self.first(k)

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """What may be asked, by id; wordings are filled in when it is asked."""
        raise DesignError(f"{type(self).__name__} has no items; give it some")

    def block(self, number: int) -> Process:
        """One block, as a process."""
        raise DesignError(f"{type(self).__name__} has no blocks; write `block`")

    def first_seat(self, number: int) -> int:
        """Which of the engines sits first in a block; another in the next, so that none always does."""
        return number

    def answerer(self, number: int, seat: int) -> str:
        """Role of the engine that sits there in a block."""
        return self.members[(self.first_seat(number) + seat) % len(self.members)] if self.members else ""

    def first(self, number: int) -> Trial:
        """What a block begins with."""
        step = next(iter(self.block(number)))  # type: ignore[arg-type]  # a generator
        found: Trial = step if isinstance(step, Trial) else step[0]
        return found

    def processes(self) -> Iterable[Process]:
        """Every block advances on its own."""
        return [self.block(k) for k in range(self.blocks)]

    def preview(self) -> Sequence[Trial]:
        """The first trial of every block."""
        return [self.first(k) for k in range(self.blocks)]

    def foreseen(self) -> Sequence[Trial]:
        """All trials of every block, as they are asked of somebody who takes any option."""
        found: list[Trial] = []
        for process in self.processes():
            fold = as_fold(process)
            open_ = deque(fold.start())
            while open_:
                trial = open_.popleft()
                found.append(trial)
                even = Completion(log_probs=(0.0,) * len(trial.reply.options))
                with suppress(Stalled):
                    open_ += fold.advance(read(even, trial, "rehearsal"))
        return found

    def roster(self) -> Roster:
        """Blocks as subjects: each is played without memory of the others."""
        return Roster([Member(subject=name_of(k)) for k in range(self.blocks)])

    def roles(self) -> tuple[str, ...]:
        """The engines that are needed, by role."""
        return self.members or ("",)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the task, and what is known of its battery."""
        found = {name: value for name, value in super().describe().items() if name != "members" or value}
        return {**found, "design": self.kind, **self.noted}

    def ask(
        self, number: int, item: Item, round: int, told: str, facts: Mapping[str, str], *, turn: int = 0, seat: int = 0
    ) -> Trial:
        """A trial that tells what happened so far and asks for one option; `turn` says which stands first."""
        place = Place(subject=name_of(number), item=item.id, round=round)
        n = len(item.options)
        order = tuple([(k + turn) % n for k in range(n)])
        card = card_of(item, "option_text", order, (), stem=told)
        return Trial(
            place=place,
            request=Request(
                messages=(Message("user", f"{card.words}\n\n{card.instruction}"),),
                continuations=card.options,
                closes=has_prefix(card.options),
            ),
            reply=Reply(
                form=item.form, method="option_text", options=card.options, order=order,
                seed=seed_for(self.seed, "decide", place.id),
            ),
            answerer=self.answerer(number, seat),
            facts=tuple(facts.items()),
            card=card,
        )  # fmt: skip


def name_of(number: int) -> str:
    """What a block is called."""
    return f"block-{number + 1:03d}"


def number_of(name: str) -> int:
    """Which block is called so."""
    return int(name.removeprefix("block-")) - 1


def taken(response: Response) -> int:
    """The option that was taken.

    Raises
    ------
    Stalled
        If none was: then the block cannot go on.
    """
    if response.status != "valid" or not isinstance(response.answer, int):
        raise Stalled(f"no option was taken ({response.status}), so what follows from it is not known")
    return response.answer
