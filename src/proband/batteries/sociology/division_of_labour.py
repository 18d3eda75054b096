"""Division of labour: whether members of a group take different tasks and stay with them, as needs rise."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from proband.batteries.asked import noted
from proband.batteries.battery import Battery, Setting
from proband.batteries.material import amount
from proband.batteries.task import Task, taken
from proband.designs.process import Steps
from proband.instruments.items import Item
from proband.seeds import rng_for

MEMBERS = 4
TASKS = ("Fetch water", "Cut wood")
REST = len(TASKS)
_DONE = ("fetched water", "cut wood", "rested")
_AT_FIRST, _RISE = 4, 2  # a rise of two in each of two tasks is what four who work just keep down


def needs(done: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """What is needed of each task after days on which the members took options."""
    found = [_AT_FIRST] * len(TASKS)
    for day in done:
        found = [max(0, need + _RISE - list(day).count(task)) for task, need in enumerate(found)]
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Labour(Task):
    """Groups of four: on every day all choose at once one of two tasks, or to rest."""

    seats: ClassVar[int] = MEMBERS

    days: int = 6

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The choice of every member."""
        return {
            (id_ := f"labour-{k + 1}"): Item(
                id=id_, text="What do you do today?", form="choice", options=(*TASKS, "Rest"), pinned=()
            )
            for k in range(MEMBERS)
        }

    def size(self) -> int:
        """Everybody on every day."""
        return self.blocks * MEMBERS * self.days

    def block(self, number: int) -> Steps:
        """One group."""
        done: list[list[int]] = []
        for day in range(1, self.days + 1):
            water, wood = needs(done)
            told = (
                f"You are one of four who keep a camp. It lacks {water} buckets of water and {wood} loads of wood. "
                f"Every day it comes to lack {_RISE} more of each, and whoever works at one brings 1."
            )
            trials = []
            for k in range(MEMBERS):
                own = f" So far you {', '.join(_DONE[one[k]] for one in done)}." if done else ""
                item = self.items[f"labour-{k + 1}"]
                # By lot, so that who always takes what stands first neither stays with a task nor leaves it.
                turn = int(rng_for(self.seed, "labour", number, k, day).integers(3))
                trials.append(self.ask(number, item, day, f"{told}{own}", {}, turn=turn, seat=k))
            answers = yield trials
            done.append([taken(answers[trial]) for trial in trials])


def design(setting: Setting) -> Labour:
    """Groups, of which none knows of another."""
    blocks, said = amount(setting, 8, 2), noted(BATTERY, setting)
    return Labour(seed=setting.seed, blocks=blocks, title=BATTERY.title, noted=said, members=setting.members)


BATTERY = Battery(
    name="division-of-labour",
    title="Division of labour",
    about="four copies choose between two tasks and rest, day by day: do they go where they are needed, do they stay",
    discipline="sociology",
    source="Fixed thresholds: Bonabeau, Theraulaz & Deneubourg (1996), Proceedings of the Royal Society B 263, "
    "1565-1569, https://doi.org/10.1098/rspb.1996.0229",
    licence="Own wording, CC0",
    page="Four copies keep a camp that lacks water and wood, more of both every day; four who work just keep it. Each "
    "reads what is lacking and what it did itself, and chooses. Read first whether they work at what is lacking more: "
    "half do by chance. Specialisation compares how often somebody stays with a task with what the group's shares "
    "would give: it is 0 where tasks are changed at random and 1 where each of two tasks has its own people, who would "
    "have different thresholds; insects do, and copies of one model begin alike, so whatever they have they "
    "got from their own past. People's figure is not known. Engines may be named by roles in [engine]; they sit in "
    "every group, and each is told of by itself.",
    design=design,
    analyses=("groups",),
    is_generated=True,
)
